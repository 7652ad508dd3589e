//! What a preflight says: sums with where each is from, checks with a verdict and its reason, and what changed.

use super::{Between, Engine};
use serde::Serialize;

/// Does it fit?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// By the worst that is known.
    Fits,
    /// Not even by the best that is known.
    DoesNot,
    /// What decides is missing, or lies between the two.
    CannotTell,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::DoesNot => "does not fit",
            Self::CannotTell => "cannot tell",
        }
    }

    /// The verdict of all: one that does not fit decides, then one that cannot be told.
    #[must_use]
    pub fn of_all(all: impl IntoIterator<Item = Self>) -> Self {
        let mut whole = Self::Fits;
        for one in all {
            match one {
                Self::DoesNot => return Self::DoesNot,
                Self::CannotTell => whole = Self::CannotTell,
                Self::Fits => {}
            }
        }
        whole
    }

    /// Of a need that is held against what there is.
    pub(super) fn of_need(need: Between, there: Between) -> Self {
        if need.high.is_some_and(|need| need <= there.low) {
            Self::Fits
        } else if there.high.is_some_and(|there| need.low > there) {
            Self::DoesNot
        } else {
            Self::CannotTell
        }
    }
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// What the engine's arguments say, as far as they decide.
    Arguments,
    /// The format of the weights against the GPU.
    Quantisation,
    /// Parts of layers against heads and blocks.
    Parallelism,
    /// GPUs of one replica against GPUs of a node.
    Node,
    /// Weights and work against the memory of a GPU.
    Memory,
    /// One sequence of full length against what is left for the cache.
    Context,
    /// One more replica against GPUs that are free.
    Surge,
}

impl Topic {
    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Arguments => "Arguments",
            Self::Quantisation => "Quantisation",
            Self::Parallelism => "Parallelism",
            Self::Node => "Node",
            Self::Memory => "Memory",
            Self::Context => "Context",
            Self::Surge => "Surge",
        }
    }
}

/// A check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is about.
    pub topic: Topic,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, as a sentence.
    pub why: String,
}

impl Check {
    pub(super) fn new(topic: Topic, verdict: Verdict, why: impl Into<String>) -> Self {
        Self { topic, verdict, why: why.into() }
    }
}

/// A line of the sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is.
    pub what: String,
    /// Bytes on a GPU: the one with the most.
    pub bytes: Between,
    /// The field, flag or assumption that it is from.
    pub from: String,
    /// Is it a part of a line that follows?
    pub part: bool,
}

/// A version on its GPUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The engine.
    pub engine: Engine,
    /// GPUs of one replica.
    pub gpus: u64,
    /// Copies of it among them, which take requests of their own, each with a cache of its own.
    pub copies: u64,
    /// The sums, on the GPU with the most.
    pub sums: Vec<Line>,
    /// The longest sequence that it takes, in tokens; none where nobody says.
    pub context: Option<u64>,
    /// Bytes of the cache that a token takes on a GPU, in layers that look back all the way.
    pub token: Option<Between>,
    /// Tokens that the cache holds.
    pub tokens: Option<Between>,
    /// Sequences of full length that the cache holds at once.
    pub sequences: Option<Between>,
    /// The most sequences that it takes at once; none where the engine decides.
    pub requests: Option<u64>,
    /// The checks.
    pub checks: Vec<Check>,
}

impl Side {
    /// The verdict of all checks.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Verdict::of_all(self.checks.iter().map(|check| check.verdict))
    }
}

/// How something changed from the version before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Changed {
    /// It did not.
    Same,
    /// It is more for certain.
    More,
    /// It is less for certain.
    Less,
    /// It is another.
    Other,
    /// Nobody can tell.
    CannotTell,
}

impl Changed {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::More => "more",
            Self::Less => "less",
            Self::Other => "changed",
            Self::CannotTell => "cannot tell",
        }
    }
}

/// What changed from the version before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What.
    pub what: &'static str,
    /// How.
    pub how: Changed,
    /// What it was.
    pub was: Option<String>,
    /// What it is.
    pub now: Option<String>,
}

/// What a preflight says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Of the candidate, with the surge if that was asked.
    pub verdict: Verdict,
    /// The candidate.
    pub candidate: Side,
    /// The version before, if it was given.
    pub was: Option<Side>,
    /// What changed; empty where no version before was given.
    pub changes: Vec<Change>,
}
