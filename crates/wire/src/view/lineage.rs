//! What a pod really runs: from the image that it names, by the digest that its node pulled, to what the registry has now.

use crate::{ObjectRef, SmolStr, Stamp, view::fleet::Status};
use serde::{Deserialize, Serialize};

/// Where the image of a container comes from, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLineage {
    /// The container.
    pub container: SmolStr,
    /// The image as its pod names it.
    pub image: SmolStr,
    /// What it comes to.
    pub verdict: ImageVerdict,
    /// The verdict as a sentence.
    pub sentence: String,
    /// Each step, with how it is known.
    pub links: Vec<LineageLink>,
}

/// What became of the tag that a pod names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ImageVerdict {
    /// The tag moved: who starts this pod anew gets another image.
    Moved,
    /// A step is not known.
    Unknown,
    /// The tag stands at what runs.
    Current,
    /// The pod names a digest: no tag can change what it runs.
    Pinned,
}

impl ImageVerdict {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Unknown => "unknown",
            Self::Current => "current",
            Self::Pinned => "pinned",
        }
    }

    /// How bad that is.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Moved => Status::Warn,
            Self::Unknown => Status::Unknown,
            Self::Current | Self::Pinned => Status::Good,
        }
    }
}

/// One step: what it leads to, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageLink {
    /// Which step: "Runs", "Tag now", "Held by".
    pub label: SmolStr,
    /// What it leads to; `None` where that is unknown.
    pub value: Option<String>,
    /// How it is known, or what is missing, as a sentence.
    pub evidence: String,
    /// When that was so, by the clock of who says it.
    pub at: Option<Stamp>,
    /// The object that the value names.
    pub object: Option<ObjectRef>,
}

/// A container and its image, as its cluster tells of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerImage {
    /// The container's name.
    pub container: SmolStr,
    /// The image of the spec.
    pub image: SmolStr,
    /// The digest that its node pulled; `None` while it has none, or where the node names no digest.
    pub digest: Option<SmolStr>,
    /// When its pod started, by the cluster's clock.
    pub started: Option<Stamp>,
}
