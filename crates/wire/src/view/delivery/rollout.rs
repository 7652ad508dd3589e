//! One service in full: its steps, its revisions side by side, what was measured, and how long it may still take.

use super::{AnalysisRow, DeliveryRow, ExperimentRow, ServedRow, Split, Step};
use crate::{
    PodId, SmolStr, Stamp, units,
    view::{ServingRow, fleet::Status, object::EventRow, ribbon::Mark},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One service in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutView {
    /// As it stands in the list.
    pub row: DeliveryRow,
    /// Its steps.
    pub steps: Vec<StepRow>,
    /// How long until the last of them is done.
    pub left: Left,
    /// Its revisions, those that have pods or a part in it first, then the newest.
    pub revisions: Vec<RevisionRow>,
    /// Older revisions that are not shown.
    pub revisions_left_out: u32,
    /// Its analyses, the newest first.
    pub analyses: Vec<AnalysisRow>,
    /// Older analyses that are not shown.
    pub analyses_left_out: u32,
    /// Its experiments, the newest first.
    pub experiments: Vec<ExperimentRow>,
    /// How traffic was split, as far as it was seen; the oldest first.
    pub weights: Vec<WeightPoint>,
    /// Events about it, newest first.
    pub events: Vec<EventRow>,
    /// Changes of it, newest first.
    pub changes: Vec<Mark>,
    /// What is known of it because KServe keeps it.
    pub served: Option<Box<ServedRow>>,
}

/// A step and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRow {
    /// The step.
    pub step: Step,
    /// In words.
    pub words: SmolStr,
    /// Is it done, under way, or to come?
    pub state: StepState,
    /// How it is: of an analysis its verdict.
    pub status: Status,
    /// When it was come to, as far as that was seen.
    pub since: Option<Stamp>,
    /// When it was left, as far as that was seen.
    pub until: Option<Stamp>,
    /// What came of it, in a few words.
    pub result: Option<String>,
}

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StepState {
    /// It was left.
    Done,
    /// It is under way.
    Now,
    /// It is to come.
    ToCome,
    /// The rollout was stopped before it.
    NotReached,
    /// The rollout was stopped, and nobody saw whether it had come to it.
    Unknown,
}

/// How long until all steps are done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Left {
    /// Nothing is to come.
    Nothing,
    /// Between these, in milliseconds, by what these steps took before and by the pauses that they name.
    Between {
        /// The least.
        least_ms: u64,
        /// The most.
        most_ms: u64,
        /// Is it made of pauses alone, which are exact?
        by_spec: bool,
    },
    /// Nobody can tell: why, as a sentence.
    Unknown(String),
}

impl Left {
    /// In words: `about 4 min 10 s`, `2 min 00 s … 4 min 10 s`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Nothing => "nothing is to come".to_owned(),
            Self::Unknown(why) => format!("unknown: {why}"),
            Self::Between { least_ms, most_ms, .. } => {
                let [least, most] = [least_ms, most_ms].map(|ms| units::span(Duration::from_millis(*ms)));
                if least == most { format!("about {least}") } else { format!("{least} … {most}") }
            }
        }
    }
}

/// What a revision is to its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// It comes.
    Canary,
    /// It comes, and gets no traffic yet.
    Preview,
    /// It gets all traffic.
    Active,
    /// It is gone back to.
    Stable,
    /// It is the one that is wanted, and there is no other.
    Current,
    /// It was before.
    Old,
}

impl Role {
    /// The role as a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Preview => "preview",
            Self::Active => "active",
            Self::Stable => "stable",
            Self::Current => "current",
            Self::Old => "old",
        }
    }
}

/// A revision of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionRow {
    /// Its number.
    pub number: u64,
    /// Of which canary it is, where a service has canaries that are numbered each for itself.
    pub part: Option<SmolStr>,
    /// The name of its ReplicaSet or ControllerRevision.
    pub name: SmolStr,
    /// The hash of its template.
    pub hash: Option<SmolStr>,
    /// What it is to its service.
    pub role: Role,
    /// When it was made.
    pub created: Option<Stamp>,
    /// Names and images of its containers.
    pub images: Vec<(SmolStr, SmolStr)>,
    /// Pods that are wanted of it; absent where nobody says.
    pub wanted: Option<u64>,
    /// Pods that are ready.
    pub ready: Option<u64>,
    /// Pods that are available.
    pub available: Option<u64>,
    /// The share of traffic that it should get.
    pub weight_wanted: Option<u32>,
    /// The share of traffic that it gets.
    pub weight_actual: Option<u32>,
    /// GPUs that its pods hold.
    pub gpus: u64,
    /// Restarts of its pods.
    pub restarts: u32,
    /// Its pods, those that are not well first.
    pub pods: Vec<PodOf>,
    /// Pods that are not shown.
    pub pods_left_out: u32,
    /// When its pods go.
    pub goes_at: Option<Stamp>,
    /// What the serving engines of its pods say together; absent where nobody measures them.
    pub serving: Option<ServingRow>,
}

impl RevisionRow {
    /// How it is called: `Revision 3`, `v2, revision 1`.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.part {
            Some(part) => format!("{part}, revision {}", self.number),
            None => format!("Revision {}", self.number),
        }
    }
}

/// A pod of a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodOf {
    /// The pod.
    pub id: PodId,
    /// How it is.
    pub status: Status,
    /// In words.
    pub status_word: SmolStr,
    /// Its node.
    pub node: Option<SmolStr>,
    /// GPUs that it asks for.
    pub gpus: u64,
    /// Restarts of its containers.
    pub restarts: u32,
}

/// How traffic was split from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightPoint {
    /// From when on, by our clock.
    pub at: Stamp,
    /// The split.
    pub split: Split,
}
