//! What a registry holds, read when somebody looks: pages of tags, one artefact in full, two side by side.
//!
//! Terms are those of the OCI specifications: a repository has tags; a tag or a digest names a manifest; a manifest names a
//! configuration and layers, an index names manifests. Weights are layers: their size and digest are told, never read.

use crate::{ConnectionId, Problem, SmolStr, Stamp};
use serde::{Deserialize, Serialize};

/// A manifest of a registry, by a tag or by its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// The connection to the registry.
    pub source: ConnectionId,
    /// The repository: `team/chat`.
    pub repository: SmolStr,
    /// A tag, or a digest: `prod`, `sha256:…`.
    pub reference: SmolStr,
}

impl ArtifactRef {
    /// Does it name the manifest by its digest, which never means another one?
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        is_digest(&self.reference)
    }

    /// As people write it: `team/chat:prod`, `team/chat@sha256:…`.
    #[must_use]
    pub fn shown(&self) -> String {
        let sign = if self.is_pinned() { '@' } else { ':' };
        format!("{}{sign}{}", self.repository, self.reference)
    }
}

/// Is it a digest? A tag has no colon in it.
#[must_use]
pub fn is_digest(reference: &str) -> bool {
    reference.contains(':')
}

/// A digest as short as people tell it apart: its algorithm and twelve digits.
#[must_use]
pub fn short_digest(digest: &str) -> &str {
    let start = digest.find(':').map_or(0, |at| at + 1);
    digest.get(..start + 12).unwrap_or(digest)
}

/// What is meant by `team/chat`, `team/chat:prod`, `team/chat@sha256:…`: the repository, and the tag or digest if one is
/// named. A host before it is none of our business: which registry is meant says the connection.
#[must_use]
pub fn split_reference(text: &str) -> (&str, Option<&str>) {
    if let Some((name, digest)) = text.split_once('@') {
        // A tag beside a digest says nothing: the digest decides.
        return (split_reference(name).0, Some(digest));
    }
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (text, None),
    }
}

/// A page of a repository's tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagsQuery {
    /// The connection to the registry.
    pub source: ConnectionId,
    /// The repository.
    pub repository: SmolStr,
    /// What [`TagPage::next`] said; `None` for the first page.
    pub after: Option<SmolStr>,
    /// How many at most; a registry may give fewer.
    pub limit: u16,
}

/// Tags of a repository in the registry's order, which is the alphabet's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagPage {
    /// The tags.
    pub tags: Vec<SmolStr>,
    /// Where the next page begins, in the registry's own words; `None` at the end.
    pub next: Option<SmolStr>,
}

/// What kind of artefact a manifest is, by its media types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ArtifactKind {
    /// A container image.
    Image,
    /// Several images, one a platform.
    Index,
    /// A container image that carries a model below `/models`, as KServe mounts it.
    Modelcar,
    /// A model in the format of the CNCF: ModelPack.
    ModelPack,
    /// A model as Docker Model Runner keeps it.
    DockerModel,
    /// A ModelKit of KitOps.
    ModelKit,
    /// A model of Ollama.
    Ollama,
    /// A chart of Helm.
    Chart,
    /// Something signed or said of another artefact: a signature, an SBOM, an attestation.
    Statement,
    /// Of a media type that we do not know.
    #[default]
    Other,
}

impl ArtifactKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Image,
        Self::Index,
        Self::Modelcar,
        Self::ModelPack,
        Self::DockerModel,
        Self::ModelKit,
        Self::Ollama,
        Self::Chart,
        Self::Statement,
        Self::Other,
    ];

    /// The kind in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Index => "index",
            Self::Modelcar => "modelcar",
            Self::ModelPack => "ModelPack",
            Self::DockerModel => "Docker model",
            Self::ModelKit => "ModelKit",
            Self::Ollama => "Ollama model",
            Self::Chart => "Helm chart",
            Self::Statement => "statement",
            Self::Other => "other",
        }
    }

    /// Is it a model, or does it carry one?
    #[must_use]
    pub fn is_model(self) -> bool {
        matches!(self, Self::Modelcar | Self::ModelPack | Self::DockerModel | Self::ModelKit | Self::Ollama)
    }
}

/// A part of a manifest: its configuration, a layer, a manifest of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its media type.
    pub media_type: SmolStr,
    /// Its digest.
    pub digest: SmolStr,
    /// Its size in bytes, as the manifest says.
    pub size: u64,
    /// What it is, in a few words: a file's name, a platform. From annotations and the media type.
    pub what: Option<SmolStr>,
}

/// A label with a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What it is of.
    pub label: SmolStr,
    /// The value.
    pub value: String,
}

/// Another artefact that says something of this one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referrer {
    /// Its digest.
    pub digest: SmolStr,
    /// `artifactType`, or the media type of its configuration.
    pub kind: SmolStr,
    /// Size of its manifest in bytes.
    pub size: u64,
}

/// How it is known what refers to an artefact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReferrersBy {
    /// By the registry's API of referrers.
    Api,
    /// By the tag that stands for the API where a registry has none: `sha256-…`.
    Tag,
    /// The registry has neither: nothing refers to it that clients would find.
    #[default]
    Neither,
    /// The registry did not tell: whether anything refers to it is not known.
    NotKnown,
}

/// An artefact in full, as its registry had it when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// As it was asked for.
    pub id: ArtifactRef,
    /// The registry's host.
    pub host: SmolStr,
    /// The digest of the manifest: its bytes were held against it.
    pub digest: SmolStr,
    /// The manifest's media type.
    pub media_type: SmolStr,
    /// `artifactType`, if it says one.
    pub artifact_type: Option<SmolStr>,
    /// What it is.
    pub kind: ArtifactKind,
    /// Bytes of all layers and the configuration together; of an index, none are known.
    pub size: Option<u64>,
    /// Bytes of the layers that are weights, where media types tell them.
    pub weights: Option<u64>,
    /// The configuration.
    pub config: Option<Part>,
    /// What the configuration says, as far as it is understood: of a model its family, format, precision and so on.
    pub says: Vec<Said>,
    /// The layers; the manifests of an index.
    pub parts: Vec<Part>,
    /// Annotations of the manifest, by name.
    pub annotations: Vec<Said>,
    /// The digest of the artefact that this one says something of.
    pub subject: Option<SmolStr>,
    /// What refers to it.
    pub referrers: Vec<Referrer>,
    /// How that is known.
    pub referrers_by: ReferrersBy,
    /// What could not be read beside the manifest.
    pub problems: Vec<Problem>,
    /// When it was read, by our clock.
    pub read_at: Stamp,
}

/// The parts by which two artefacts are compared, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ArtifactArea {
    /// What it is, its digest and sizes.
    Identity,
    /// What the configuration says.
    Config,
    /// Layers, or manifests of an index.
    Layer,
    /// Annotations.
    Annotation,
    /// What refers to it.
    Referrer,
}

impl ArtifactArea {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Identity, Self::Config, Self::Layer, Self::Annotation, Self::Referrer];

    /// As a heading.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Identity => "Artefact",
            Self::Config => "Configuration",
            Self::Layer => "Layers",
            Self::Annotation => "Annotations",
            Self::Referrer => "Referrers",
        }
    }
}

/// One value of two artefacts that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactDiffers {
    /// Of which part.
    pub area: ArtifactArea,
    /// Which value.
    pub label: SmolStr,
    /// Of the first; `None` where it has none.
    pub from: Option<String>,
    /// Of the second; likewise.
    pub to: Option<String>,
}

/// Two artefacts side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactDifference {
    /// The first.
    pub from: Artifact,
    /// The second.
    pub to: Artifact,
    /// What differs; empty for one and the same manifest.
    pub rows: Vec<ArtifactDiffers>,
    /// Bytes of layers that both have: who has the one need not fetch them again.
    pub shared: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_split_into_repository_and_reference() {
        for (text, want) in [
            ("team/chat", ("team/chat", None)),
            ("team/chat:prod", ("team/chat", Some("prod"))),
            ("localhost:5000/chat", ("localhost:5000/chat", None)),
            ("chat@sha256:77d0", ("chat", Some("sha256:77d0"))),
            ("chat:v1@sha256:77d0", ("chat", Some("sha256:77d0"))),
        ] {
            assert_eq!(split_reference(text), want, "{text}");
        }
    }

    #[test]
    fn a_digest_is_told_short_and_what_is_short_stays() {
        assert_eq!(short_digest("sha256:0123456789abcdef"), "sha256:0123456789ab");
        assert_eq!(short_digest("sha256:01"), "sha256:01");
        assert_eq!(short_digest("0123456789abcdef"), "0123456789ab");
        let artifact = |reference: &str| ArtifactRef {
            source: ConnectionId::slug("r"),
            repository: "a/b".into(),
            reference: reference.into(),
        };
        assert_eq!(artifact("prod").shown(), "a/b:prod");
        assert_eq!(artifact("sha256:77").shown(), "a/b@sha256:77");
    }
}
