//! The funnel: from the GPUs that exist to those that do useful maths, with what is lost on the way.

use crate::{Sum, view::fleet::Status};
use serde::{Deserialize, Serialize};

/// Steps, each a part of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    /// From all GPUs down.
    pub steps: Vec<FunnelStep>,
}

/// What a step asks of a GPU that is in the step before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FunnelKind {
    /// It exists.
    Total,
    /// It can be used.
    Healthy,
    /// A pod holds it, or a part of it.
    Allocated,
    /// It works.
    Active,
    /// It does useful maths.
    Useful,
}

/// One step of the funnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunnelStep {
    /// What it asks.
    pub kind: FunnelKind,
    /// What it asks, as a sentence, with the limits.
    pub definition: String,
    /// GPUs of which it is so. A GPU of which that is not known makes it a bound.
    pub gpus: Sum,
    /// GPUs of the step before of which it is not so, or not known, one row a reason.
    pub losses: Vec<Loss>,
}

/// GPUs that do not reach a step, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Why, in words.
    pub reason: String,
    /// How many. Never 0.
    pub gpus: u64,
    /// How bad that is; [`Status::Unknown`] where they may reach the step, but nobody can tell.
    pub status: Status,
}

impl FunnelKind {
    /// The step in a word, for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Total => "Total",
            Self::Healthy => "Healthy",
            Self::Allocated => "Allocated",
            Self::Active => "Active",
            Self::Useful => "Useful",
        }
    }
}

impl FunnelKind {
    /// A filter over GPUs that finds those which are lost at this step.
    #[must_use]
    pub fn lost(self) -> Option<&'static str> {
        match self {
            Self::Total => None,
            Self::Healthy => Some("status=bad"),
            Self::Allocated => Some("state=free"),
            Self::Active => Some("-state=free util<=5"),
            Self::Useful => Some("-state=free util>5 tensor<=5"),
        }
    }
}

impl Funnel {
    /// One of its steps.
    #[must_use]
    pub fn step(&self, kind: FunnelKind) -> Option<&FunnelStep> {
        self.steps.iter().find(|step| step.kind == kind)
    }
}
