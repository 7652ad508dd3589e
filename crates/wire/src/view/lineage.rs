//! What a pod really runs: from the image that it names, by the digest that its node pulled, to what the registry has now;
//! from the model that it is started with to its version, aliases and run. And back: where a version serves, and did.

use crate::{ModelAddress, ModelId, ObjectRef, SmolStr, Stamp, view::delivery::Split, view::fleet::Status};
use serde::{Deserialize, Serialize};

/// Where one thing that a container runs comes from, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The container.
    pub container: SmolStr,
    /// What of it.
    pub of: LineageOf,
    /// The image or the address of the model, as its pod names it.
    pub named: SmolStr,
    /// What it comes to.
    pub verdict: LineageVerdict,
    /// The verdict as a sentence.
    pub sentence: String,
    /// Each step, with how it is known.
    pub links: Vec<LineageLink>,
}

/// What of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LineageOf {
    /// Its image.
    Image,
    /// A model that it is started with.
    Model,
}

impl LineageOf {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Model => "model",
        }
    }
}

/// What became of the tag or the alias that a pod names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LineageVerdict {
    /// It moved: who starts anew gets something else.
    Moved,
    /// A step is not known.
    Unknown,
    /// It stands at what runs.
    Current,
    /// The pod names the thing itself, a digest or a version: nothing that moves can change what it runs.
    Pinned,
}

impl LineageVerdict {
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
    /// Which step: "Runs", "Tag now", "Version".
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

/// A container that is started with models, as its cluster tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerStart {
    /// The container's name.
    pub container: SmolStr,
    /// When it began, by the cluster's clock: what an alias leads to is looked up then. `None` before it did.
    pub began: Option<Stamp>,
    /// Addresses of models in its command, arguments and variables.
    pub models: Vec<ModelAddress>,
}

/// A workload, or a pod of none, that is or was started with models, as its cluster tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadStarts {
    /// The workload, or the pod.
    pub workload: ObjectRef,
    /// How its traffic is split, and who splits it, where it is a service that is read.
    pub split: Option<(Split, Option<SmolStr>)>,
    /// Its pods.
    pub pods: Vec<PodStart>,
    /// Containers of it that are gone.
    pub gone: Vec<GoneStart>,
}

/// A workload, or a pod of none, with the images that its pods run of a repository, as its cluster tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadImages {
    /// The workload, or the pod.
    pub workload: ObjectRef,
    /// Its pods on nodes that may run some of it.
    pub pods: Vec<PodImages>,
}

/// A pod with images of its containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodImages {
    /// Is it ready?
    pub ready: bool,
    /// GPUs that it holds.
    pub gpus: u64,
    /// The images.
    pub images: Vec<ContainerImage>,
    /// Addresses of models in registries, with which its containers are started: `oci://…`.
    pub addresses: Vec<(SmolStr, Option<Stamp>)>,
}

/// A pod with what its containers are started with: of one with no model nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodStart {
    /// Is it of the revision that is wanted? `None` where nobody says.
    pub current: Option<bool>,
    /// Is it ready?
    pub ready: bool,
    /// GPUs that it holds.
    pub gpus: u64,
    /// Its containers.
    pub starts: Vec<ContainerStart>,
}

/// Containers that were started with a model and are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneStart {
    /// With what, and when the first of them began.
    pub start: ContainerStart,
    /// How many.
    pub pods: u64,
    /// When the last of them was gone, as it was seen, by our clock.
    pub until: Stamp,
}

/// Where the versions of a registered model serve, and did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineageView {
    /// The model.
    pub model: ModelId,
    /// Where it serves now, by version, the newest first; last what it is not known of.
    pub now: Vec<ServesRow>,
    /// Where it served before, as far as that was seen since Pilothouse began to watch: the latest first.
    pub before: Vec<ServedRow>,
}

impl LineageView {
    /// The rows of one version, and those of which the version is not known.
    pub fn of_version(&self, number: u64) -> impl Iterator<Item = &ServesRow> {
        self.now.iter().filter(move |row| row.version.is_none_or(|version| version == number))
    }

    /// Where one version served before.
    pub fn before_of(&self, number: u64) -> impl Iterator<Item = &ServedRow> {
        self.before.iter().filter(move |row| row.version == Some(number))
    }
}

/// A workload, or a pod of none, that serves a version of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServesRow {
    /// The version; `None` where the model is known and its version is not.
    pub version: Option<u64>,
    /// The workload, or the pod.
    pub workload: ObjectRef,
    /// Its pods that are started with it.
    pub pods: u64,
    /// Those of them that are ready.
    pub ready: u64,
    /// GPUs that these pods hold.
    pub gpus: u64,
    /// The share of the service's traffic that they get: `actual` of `whole`.
    pub traffic: Split,
    /// How that share is known, or why it is not, as a sentence.
    pub share: String,
    /// When the oldest of their containers began, by the cluster's clock.
    pub since: Option<Stamp>,
    /// What became of the alias by which they name it.
    pub verdict: LineageVerdict,
    /// How the version is known, or why it is not, as a sentence.
    pub evidence: String,
}

/// A workload that served a version of a model and does no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedRow {
    /// The version; `None` where the model is known and its version is not.
    pub version: Option<u64>,
    /// The workload, or the pod.
    pub workload: ObjectRef,
    /// Its pods that did.
    pub pods: u64,
    /// When the first of their containers began, by the cluster's clock.
    pub since: Option<Stamp>,
    /// When the last of them was gone, as it was seen, by our clock.
    pub until: Stamp,
    /// How the version is known, or why it is not, as a sentence.
    pub evidence: String,
}
