//! Facts that tell of a registry: its repositories, and the tags that are watched with the digests at which they stand.

use pilothouse_wire::{SmolStr, Stamp, artifact::ArtifactKind};
use serde::{Deserialize, Serialize};

/// All that is watched of a registry. What is not named is watched no more, or is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryFact {
    /// Names by which images say this registry: its host with its port, and others that the connection names.
    pub hosts: Vec<SmolStr>,
    /// Its repositories, as far as they are known.
    pub repositories: Vec<RepositoryFact>,
}

/// A repository. Source: `GET /v2/_catalog`, or a person who named it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryFact {
    /// Its name: `team/chat`.
    pub name: SmolStr,
    /// The tags that are watched.
    pub tags: Vec<TagFact>,
    /// Are there tags that are not?
    pub more: bool,
}

/// A tag. Source: `HEAD /v2/NAME/manifests/TAG`, and the manifest at that digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagFact {
    /// Its name.
    pub name: SmolStr,
    /// `Docker-Content-Digest`, or the digest of the manifest's bytes.
    pub digest: SmolStr,
    /// What the manifest is, by its media types.
    pub kind: ArtifactKind,
    /// Bytes of all layers and the configuration; absent for an index.
    pub size: Option<u64>,
    /// Annotation `org.opencontainers.image.created`.
    pub created: Option<Stamp>,
    /// Digests of the manifests of an index.
    pub parts: Vec<SmolStr>,
}
