//! What a preflight is asked, and what it says: sums with where each is from, checks with a verdict and its reason, and what
//! changed.

use crate::{
    Between, ObjectRef, Problem, SmolStr,
    artifact::ArtifactRef,
    runs::VersionId,
    units::{bytes, count},
};
use serde::{Deserialize, Serialize};

/// A serving engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// vLLM.
    Vllm,
    /// SGLang.
    Sglang,
    /// Text Generation Inference.
    Tgi,
}

impl Engine {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vllm => "vLLM",
            Self::Sglang => "SGLang",
            Self::Tgi => "TGI",
        }
    }

    /// The engine that words name: an image, a command, arguments.
    #[must_use]
    pub fn in_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        words.into_iter().find_map(|word| {
            let has = |part: &str| word.contains(part);
            if has("sglang") {
                Some(Self::Sglang)
            } else if has("vllm") {
                Some(Self::Vllm)
            } else if has("text-generation-launcher") || has("text-generation-inference") {
                Some(Self::Tgi)
            } else {
                None
            }
        })
    }
}

/// Does it fit?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    #[must_use]
    pub fn of_need(need: Between, there: Between) -> Self {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What it is about.
    pub topic: Topic,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, as a sentence.
    pub why: String,
}

impl Check {
    /// A check with its reason.
    pub fn new(topic: Topic, verdict: Verdict, why: impl Into<String>) -> Self {
        Self { topic, verdict, why: why.into() }
    }
}

/// A line of the sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How many sequences it takes at once, as a sentence.
    #[must_use]
    pub fn ceiling(&self) -> String {
        let whose = match self.copies {
            1 => "The cache".to_owned(),
            copies => format!("The cache of each of {} copies", count(copies)),
        };
        let tokens = self.tokens.map(|tokens| format!("{whose} holds {} tokens", tokens.words(count)));
        let Some(tokens) = tokens else { return "How many tokens the cache holds nobody can tell.".to_owned() };
        let sequences = match (self.sequences, self.context) {
            (Some(sequences), Some(context)) => {
                format!(": {} sequences of {} tokens at once", sequences.words(count), count(context))
            }
            _ => String::new(),
        };
        let asked = self.requests.map(|most| format!("; its arguments allow {}", count(most))).unwrap_or_default();
        format!("{tokens}{sequences}{asked}.")
    }

    /// The verdict of all checks.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Verdict::of_all(self.checks.iter().map(|check| check.verdict))
    }
}

/// How something changed from the version before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What.
    pub what: SmolStr,
    /// How.
    pub how: Changed,
    /// What it was.
    pub was: Option<String>,
    /// What it is.
    pub now: Option<String>,
}

/// What a preflight says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Report {
    /// The verdict, with what it hangs on: "It does not fit (memory)".
    #[must_use]
    pub fn headline(&self) -> String {
        let deciding = self.candidate.checks.iter().filter(|check| check.verdict == self.verdict);
        let topics: Vec<String> = deciding.map(|check| crate::units::lower(check.topic.title())).collect();
        match self.verdict {
            Verdict::Fits => "It fits".to_owned(),
            Verdict::DoesNot => format!("It does not fit ({})", topics.join(", ")),
            Verdict::CannotTell => format!("Nobody can tell whether it fits ({})", topics.join(", ")),
        }
    }
}

impl Line {
    /// Its bounds, as they are shown.
    #[must_use]
    pub fn bounds(&self) -> (String, Option<String>) {
        (bytes(self.bytes.low), self.bytes.high.map(bytes))
    }
}

/// A model of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ModelSubject {
    /// A version of a registered model.
    Version(VersionId),
    /// An artefact.
    Artifact(ArtifactRef),
}

impl ModelSubject {
    /// The connection that it is seen through.
    #[must_use]
    pub fn source(&self) -> &crate::ConnectionId {
        match self {
            Self::Version(version) => version.source(),
            Self::Artifact(artifact) => &artifact.source,
        }
    }

    /// As people write it: `chat/3`, `team/chat:prod`.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Version(version) => version.to_string(),
            Self::Artifact(artifact) => artifact.shown(),
        }
    }
}

/// What is to be served where. What is not said is read of who serves the model now, or of the service that is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreflightQuery {
    /// The candidate.
    pub of: ModelSubject,
    /// The workload whose arguments, GPU and room are taken; the first that serves the model where none is named.
    pub service: Option<ObjectRef>,
    /// The product of the GPU, as its driver or the label of a node names it.
    pub gpu: Option<String>,
    /// GPUs of a node.
    pub gpus_a_node: Option<u64>,
    /// The arguments of the container that is to serve it.
    pub arguments: Option<Vec<String>>,
    /// The engine, where the arguments name none.
    pub engine: Option<Engine>,
}

/// A preflight, with all that it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preflight {
    /// What it says.
    pub report: Report,
    /// Where the configuration was read.
    pub config: String,
    /// The workload whose arguments, GPU and room were taken.
    pub service: Option<ObjectRef>,
    /// Others that serve the model, too.
    pub others: Vec<ObjectRef>,
    /// Why nothing could be taken of a workload that was.
    pub missing: Option<Problem>,
    /// The arguments by which it was reckoned.
    pub arguments: Vec<String>,
    /// Did nothing say which engine it is?
    pub engine_assumed: bool,
    /// The product of the GPU.
    pub gpu: Option<String>,
    /// GPUs of a node.
    pub gpus_a_node: Option<u64>,
    /// Products of GPUs that the fleet has, to choose from.
    pub products: Vec<SmolStr>,
}
