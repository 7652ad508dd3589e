//! One object in full, for the inspector.

use crate::{
    ConnectionId, Keyed, Metric, ObjectRef, Reading, SmolStr, Stamp, view::fleet::Status, view::lineage::Lineage,
    view::ribbon::Mark, view::serving::ServingRow,
};
use serde::{Deserialize, Serialize};

/// One object: what it is, what is wrong, what it touches, what happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectView {
    /// The object.
    pub object: ObjectRef,
    /// Is it there? An object that went away keeps its last values.
    pub exists: bool,
    /// Worst of what is known of it.
    pub status: Status,
    /// The status as words.
    pub status_word: SmolStr,
    /// What it is.
    pub identity: Vec<FieldRow>,
    /// What is wrong with it.
    pub findings: Vec<FindingRow>,
    /// Who holds it, or what it holds; the method is said.
    pub holding: Vec<FieldRow>,
    /// Its like in the same place: of a GPU the others of its node, and who has each.
    pub beside: Vec<FieldRow>,
    /// What is measured of it, or of the GPUs that it has or holds.
    pub measured: Option<MeasuredView>,
    /// What its serving engine says, or those of its pods together.
    pub serving: Option<ServingRow>,
    /// Where what a pod runs comes from: of each container its image, and the models that it is started with.
    pub lineage: Vec<Lineage>,
    /// Events about it, newest first.
    pub events: Vec<EventRow>,
    /// Changes here and around, newest first.
    pub changes: Keyed<Mark>,
    /// The connection that says so.
    pub source: ConnectionId,
    /// Does the source offer its YAML?
    pub has_yaml: bool,
    /// Does the source describe it in words?
    pub has_description: bool,
}

/// What is measured of an object's GPUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredView {
    /// The connection that measures.
    pub source: ConnectionId,
    /// How many GPUs these are, together as [`Metric::over`] says.
    pub gpus: u16,
    /// When they were last measured, by the clock of who measured: the oldest of them.
    pub at: Option<Stamp>,
    /// Is that too long ago?
    pub stale: bool,
    /// What was measured; what is absent is not here.
    pub readings: Vec<(Metric, Reading)>,
}

/// What was measured of an object over time, and who says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// One series a metric.
    pub series: Vec<Series>,
    /// The connection whose server kept it; `None` where it was recorded here.
    pub from: Option<ConnectionId>,
}

impl Past {
    /// The first and the last time of which it tells.
    #[must_use]
    pub fn ends(&self) -> Option<(Stamp, Stamp)> {
        let first = self.series.iter().filter_map(|series| series.points.first()).map(|point| point.0).min()?;
        let last = self.series.iter().filter_map(|series| series.points.last()).map(|point| point.0).max()?;
        Some((first, last))
    }
}

/// One metric of an object over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// The metric.
    pub metric: Metric,
    /// Readings in the order of their times. A gap is a reading that is absent: it is never joined.
    pub points: Vec<(Stamp, Reading)>,
}

/// A label with a value, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRow {
    /// Label.
    pub label: SmolStr,
    /// Value; `None` is absent, never 0.
    pub value: Option<String>,
    /// Is the value an id, to be set in the mono face?
    pub mono: bool,
    /// The object that the value names.
    pub link: Option<ObjectRef>,
}

/// A claim with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRow {
    /// How bad it is.
    pub status: Status,
    /// The claim.
    pub claim: String,
    /// Since when, by the source's clock.
    pub since: Option<Stamp>,
    /// One sentence of effect.
    pub effect: String,
    /// The rule and the fact behind it.
    pub evidence: String,
    /// The command that acts on it, to copy.
    pub command: Option<String>,
}

/// An event of the cluster about an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// When it last happened, by the source's clock.
    pub at: Stamp,
    /// Is it a warning?
    pub warning: bool,
    /// Machine word.
    pub reason: SmolStr,
    /// The server's sentence: text, never markup.
    pub note: String,
    /// How often.
    pub count: u32,
}
