//! A search as it is kept.

use super::{Judged, Scale};
use crate::{
    environment::Environment,
    measures::{DEFINITIONS, Measures},
    plan::Plan,
    result::State,
    store::{self, Partly},
};
use pilothouse_wire::{Problem, Stamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What such a document calls itself.
pub const FORMAT: &str = "pilothouse-bench-search";
/// The version that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// A search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Always [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// What it is called.
    pub id: String,
    /// When it began, by the clock of the client.
    pub began: Stamp,
    /// When it ended; none while it runs, or where it was killed.
    pub ended: Option<Stamp>,
    /// How it ended.
    pub state: State,
    /// What a probe runs, but for the load's height and its seed.
    pub plan: Plan,
    /// What is varied.
    pub scale: Scale,
    /// From the least to the most that is tried; of a sweep its first and its last place.
    pub range: (f64, f64),
    /// The share of requests that is to be good; none of a sweep without limits.
    pub wanted: Option<f64>,
    /// How sure each place is to be, as a share.
    pub sure: f64,
    /// Is it a sweep: each of its places once, whatever is kept?
    pub sweep: Option<Vec<f64>>,
    /// Of a sweep over several targets: what each is called. Every place is probed with each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<String>,
    /// GPUs behind the target, by which rates are divided; none where nobody said.
    pub gpus: Option<u32>,
    /// Where.
    pub environment: Environment,
    /// What each measure is.
    pub definitions: BTreeMap<String, String>,
    /// Probes in the order in which they ran.
    pub probes: Vec<Probe>,
    /// The folder of their runs, beside this file.
    pub probes_folder: String,
    /// The highest place that surely keeps the limits, twice probed.
    pub keeps: Option<f64>,
    /// The lowest place above it that does not, or of which nobody could be sure.
    pub fails: Option<f64>,
    /// Why it ended before it was through, where the client was the limit.
    pub limit: Option<String>,
    /// Of a sweep: its points.
    pub points: Vec<Point>,
    /// Servers that were started for it and ended by themselves while it was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers_ended: Vec<ServerEnded>,
    /// What of it is not kept, and why; none where all is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_kept: Option<String>,
}

impl Partly for Document {
    fn is_partly(&mut self, why: String) {
        store::add(&mut self.not_kept, why);
    }
}

/// A server that ended by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerEnded {
    /// Which of several targets it served, by its place among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<usize>,
    /// How, with its last words.
    pub how: String,
}

/// One probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The place: requests a second, or at a time.
    pub at: f64,
    /// Which of several targets it is of, by its place among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<usize>,
    /// Its run, a document in the folder of probes.
    pub run: String,
    /// The seed of its load.
    pub seed: u64,
    /// How it ended.
    pub state: State,
    /// Requests that kept all limits.
    pub good: u64,
    /// Of so many: failed ones and those that were not answered in time are among them.
    pub of: u64,
    /// From where to where the true share lies, of all probes of the place so far.
    pub between: (f64, f64),
    /// What is known of the place after it.
    pub judged: Judged,
    /// What came of it.
    pub measures: Measures,
}

/// A point of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Requests at a time.
    pub at: f64,
    /// Which of several targets it is of, by its place among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<usize>,
    /// Tokens a second for one user, the median.
    pub per_user: f64,
    /// Tokens of answers a second, a GPU where it is said how many there are.
    pub tokens: f64,
    /// Is there no other point that is as good in both and better in one?
    pub on_front: bool,
    /// Dollars for a million tokens of answers that keep all limits, and the p95 of the time to the first token in
    /// milliseconds; none without a price, limits, or answers enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<(f64, f64)>,
    /// Is there no other point that is as cheap and as quick, and better in one?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_paid_front: bool,
}

impl Document {
    /// Of a search that begins.
    #[must_use]
    pub fn begun(id: String, plan: Plan, scale: Scale, range: (f64, f64), began: Stamp) -> Self {
        let definitions = DEFINITIONS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Self {
            format: FORMAT.into(),
            version: VERSION,
            probes_folder: format!("{id}.probes"),
            id,
            began,
            ended: None,
            state: State::Running,
            plan,
            scale,
            range,
            wanted: None,
            sure: 0.95,
            sweep: None,
            arms: Vec::new(),
            gpus: None,
            environment: Environment::read(),
            definitions,
            probes: Vec::new(),
            keeps: None,
            fails: None,
            limit: None,
            points: Vec::new(),
            servers_ended: Vec::new(),
            not_kept: None,
        }
    }

    /// Is all of it kept?
    ///
    /// # Errors
    /// What is not, and why.
    pub fn kept(&self) -> Result<(), Problem> {
        store::all_kept(&self.id, self.not_kept.as_ref())
    }

    /// The points of a sweep, each place once; those on the front are marked.
    #[must_use]
    pub fn front(&self) -> Vec<Point> {
        #[allow(clippy::cast_precision_loss, reason = "rates of tokens")]
        let point = |probe: &Probe| {
            let per_user = probe.measures.per_user.p50? as f64 / 1e3;
            let tokens = probe.measures.rates.output_tokens_per_s / f64::from(self.gpus.unwrap_or(1).max(1));
            let paid = probe.measures.good_cost().zip(probe.measures.ttft.p95.map(|us| us as f64 / 1e3));
            let (at, arm) = (probe.at, probe.arm);
            Some(Point { at, arm, per_user, tokens, on_front: false, paid, on_paid_front: false })
        };
        let mut points: Vec<Point> =
            self.probes.iter().filter(|probe| probe.state == State::Whole).filter_map(point).collect();
        let all = points.clone();
        let is_beaten = |point: &Point| {
            all.iter().any(|other| {
                other.per_user >= point.per_user
                    && other.tokens >= point.tokens
                    && (other.per_user > point.per_user || other.tokens > point.tokens)
            })
        };
        let is_paid_less = |point: &Point| {
            let Some((cost, wait)) = point.paid else { return true };
            all.iter()
                .filter_map(|other| other.paid)
                .any(|(other, its)| other <= cost && its <= wait && (other < cost || its < wait))
        };
        for point in &mut points {
            point.on_front = !is_beaten(point);
            point.on_paid_front = !is_paid_less(point);
        }
        points
    }
}
