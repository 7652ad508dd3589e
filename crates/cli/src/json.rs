//! Answers as JSON, written piece by piece: no tree of values is built.

mod harmless;

use crate::{exit::Failed, start::Troubles};
use harmless::Harmless;
use pilothouse_wire::{
    ConnectionId, Frame, Freshness, Problem, Stamp,
    filter::{Filter, Record},
    frame::SourceState,
    record::Gap,
    view::{ClusterRow, Differs, Finding, FleetSummary, FleetView, FunnelStep, NodeRow, PodRow},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::ser::{CompactFormatter, PrettyFormatter};
use std::io::Write;

/// What every answer says of itself.
#[derive(Serialize)]
pub struct About<'a> {
    /// Is it the demo fleet?
    demo: bool,
    /// The time that it is about.
    as_of: Stamp,
    /// Is every source read, and whole?
    complete: bool,
    /// Facts that could not be used.
    dropped: u64,
    /// Where it comes from.
    sources: &'a [SourceState],
    /// Why a source is not read, or not whole.
    problems: Vec<Trouble<'a>>,
}

/// What differs between two times, as one object.
#[derive(Serialize)]
pub struct DifferenceDocument<'a> {
    /// The first time.
    pub from: Stamp,
    /// The second time.
    pub to: Stamp,
    /// Is every source read, and whole? It matters where a time is now.
    pub complete: bool,
    /// Why the record does not tell of one of the times, where the nearest that it tells of is compared.
    pub gaps: Vec<GapDocument>,
    /// Clusters whose services were not read whole at one of the times: what came or went of theirs is not told.
    pub reading: &'a [ConnectionId],
    /// Why something is not told, or is told as of another time: sources that were not heard at one of the times.
    pub left_out: &'a [String],
    /// What fits.
    pub rows: Vec<&'a Differs>,
}

/// A time that the record does not tell of.
#[derive(Serialize)]
pub struct GapDocument {
    /// From when; none if nothing was told before its end.
    pub since: Option<Stamp>,
    /// Until when; none while it lasts.
    pub until: Option<Stamp>,
    /// Why, as a sentence.
    pub why: String,
}

/// Gaps as they are written.
pub fn gaps(gaps: &[Gap]) -> Vec<GapDocument> {
    gaps.iter().map(|gap| GapDocument { since: gap.since, until: gap.until, why: gap.to_string() }).collect()
}

#[derive(Serialize)]
struct Trouble<'a> {
    source: &'a ConnectionId,
    #[serde(flatten)]
    problem: &'a Problem,
}

impl<'a> About<'a> {
    /// Of a frame.
    pub fn new(demo: bool, frame: &'a Frame, troubles: &'a Troubles) -> Self {
        let problems = troubles.0.iter().map(|(source, problem)| Trouble { source, problem });
        Self {
            demo,
            as_of: frame.as_of,
            complete: troubles.is_empty() && frame.gap.is_none(),
            dropped: frame.dropped,
            sources: &frame.sources,
            problems: problems.collect(),
        }
    }

    /// The time that it is about.
    pub fn as_of(&self) -> Stamp {
        self.as_of
    }

    /// Of a frame that others follow: it is whole once every source in it is.
    pub fn watching(demo: bool, frame: &'a Frame, troubles: &'a Troubles) -> Self {
        let whole = |source: &SourceState| matches!(source.freshness, Freshness::Live | Freshness::Slow);
        Self { complete: frame.sources.iter().all(whole), ..Self::new(demo, frame, troubles) }
    }
}

/// The fleet as one object.
#[derive(Serialize)]
pub struct FleetDocument<'a> {
    #[serde(flatten)]
    about: About<'a>,
    summary: &'a FleetSummary,
    /// From the GPUs that exist to those that do useful maths, over all clusters.
    funnel: &'a [FunnelStep],
    clusters: Wanted<'a, ClusterRow>,
    nodes: Within<'a, NodeRow>,
    pods: Within<'a, PodRow>,
    findings: Within<'a, Finding>,
}

impl<'a> FleetDocument<'a> {
    /// Of a view: the clusters that fit, and what is in them.
    pub fn new(about: About<'a>, fleet: &'a FleetView, filter: &'a Filter) -> Self {
        let clusters = fleet.clusters.rows();
        let left_out: Vec<&ConnectionId> =
            clusters.iter().filter(|row| !filter.matches(*row)).map(|row| &row.id).collect();
        Self {
            about,
            summary: &fleet.summary,
            funnel: &fleet.funnel.steps,
            clusters: Wanted { rows: clusters, filter },
            nodes: Within { rows: fleet.nodes.rows(), cluster: |node| &node.id.cluster, left_out: left_out.clone() },
            pods: Within { rows: fleet.pods.rows(), cluster: |pod| &pod.id.cluster, left_out: left_out.clone() },
            findings: Within { rows: fleet.findings.rows(), cluster: |finding| &finding.node.cluster, left_out },
        }
    }
}

/// Rows of all clusters but some.
struct Within<'a, R> {
    rows: &'a [R],
    cluster: fn(&R) -> &ConnectionId,
    left_out: Vec<&'a ConnectionId>,
}

impl<R: Serialize> Serialize for Within<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.iter().filter(|row| !self.left_out.contains(&(self.cluster)(row))))
    }
}

/// A list as one object: what it says of itself, and the rows under their word.
pub struct ListDocument<'a, R> {
    /// What it says of itself.
    pub about: About<'a>,
    /// The word.
    pub word: &'static str,
    /// The rows that are wanted, in their order.
    pub rows: &'a [&'a R],
}

impl<R: Serialize> Serialize for ListDocument<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let About { demo, as_of, complete, dropped, sources, problems } = &self.about;
        map.serialize_entry("demo", demo)?;
        map.serialize_entry("as_of", as_of)?;
        map.serialize_entry("complete", complete)?;
        map.serialize_entry("dropped", dropped)?;
        map.serialize_entry("sources", sources)?;
        map.serialize_entry("problems", problems)?;
        map.serialize_entry(self.word, self.rows)?;
        map.end()
    }
}

struct Wanted<'a, R> {
    rows: &'a [R],
    filter: &'a Filter,
}

impl<R: Record + Serialize> Serialize for Wanted<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.iter().filter(|row| self.filter.matches(*row)))
    }
}

/// Writes one object: over many lines for a person, on one line for a stream.
pub fn write(out: &mut impl Write, document: &impl Serialize, one_line: bool) -> Result<(), Failed> {
    if one_line {
        document.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Harmless(CompactFormatter)))?;
    } else {
        document.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Harmless(PrettyFormatter::new())))?;
    }
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}
