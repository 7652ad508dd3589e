//! What a server keeps of something that has no pods of its own, and moves traffic alone.

use crate::{Problem, SmolStr};
use serde::{Deserialize, Serialize};

/// What is kept of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KeptTraffic {
    /// A route, which keeps no earlier weights: its backends as they are now.
    Route {
        /// The backends of all its rules, rule by rule.
        backends: Vec<Backend>,
        /// Who sets its weights by himself.
        set_by: SetBy,
    },
    /// A canary that its controller moves by itself.
    Moved(Mover),
}

/// Who sets the weights of a route by himself, and would set them again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SetBy {
    /// Nobody.
    Nobody,
    /// Somebody: who, and what is better, as sentences.
    Another(String),
    /// It could not be looked at.
    Unknown(Box<Problem>),
}

/// A backend of a route's rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backend {
    /// The rule, from 0.
    pub rule: u32,
    /// Its kind: `Service`, `InferencePool`, `Model`.
    pub kind: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// Its namespace, where that is another than the route's.
    pub namespace: Option<SmolStr>,
    /// Its weight now.
    pub weight: u32,
    /// Can it answer?
    pub answers: Answers,
}

/// Can somebody answer what is sent to him?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answers {
    /// So many of its pods are ready.
    Ready(u64),
    /// It is not there.
    Absent,
    /// Nobody looks into such a kind.
    NotLooked,
    /// It could not be looked at.
    Unknown(Box<Problem>),
}

/// A canary that its controller moves by itself: one of Flagger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mover {
    /// Its phase, in its controller's word; absent where nothing was said yet.
    pub phase: Option<SmolStr>,
    /// The kind and the name of the workload whose versions it judges.
    pub target: (SmolStr, SmolStr),
    /// The name of the workload that keeps the version which was promoted last.
    pub primary: SmolStr,
    /// Can that one answer?
    pub answers: Answers,
    /// Checks that have failed.
    pub failed: u32,
    /// So many failed checks take it back.
    pub most_failed: u32,
}
