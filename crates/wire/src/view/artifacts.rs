//! What registries hold, as far as it is watched: repositories, and tags with the digests at which they stand.

use crate::{
    ConnectionId, Keyed, ObjectRef, Row, SmolStr, Stamp, TagId,
    artifact::ArtifactKind,
    filter::{Record, Value},
    view::lineage::LineageVerdict,
};
use serde::{Deserialize, Serialize};

/// Repositories and tags of all registries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactsView {
    /// Repositories that are known: those that somebody named, or that the registry lists.
    pub repositories: Keyed<RepositoryRow>,
    /// Tags that are watched.
    pub tags: Keyed<TagRow>,
}

/// A repository of a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RepositoryId {
    /// The connection to the registry.
    pub source: ConnectionId,
    /// Its name there: `team/chat`.
    pub name: SmolStr,
}

/// A repository, and how much of it is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryRow {
    /// The repository.
    pub id: RepositoryId,
    /// Names by which images say this registry: its host, and others that the connection names.
    pub hosts: Vec<SmolStr>,
    /// Tags that are watched.
    pub watched: u32,
    /// Are there tags that are not watched?
    pub more: bool,
}

/// A tag, and at which digest it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRow {
    /// The tag.
    pub id: TagId,
    /// The digest of its manifest.
    pub digest: SmolStr,
    /// Since when it is known to stand there, by our clock.
    pub since: Stamp,
    /// From which digest it moved here; `None` if it was never seen to move.
    pub from: Option<SmolStr>,
    /// What its manifest is; [`ArtifactKind::Other`] also where it could not be read.
    pub kind: ArtifactKind,
    /// Bytes of all layers and the configuration; absent for an index, and where it could not be read.
    pub size: Option<u64>,
    /// When it was made, by its own word.
    pub created: Option<Stamp>,
    /// Digests of the manifests of an index.
    pub parts: Vec<SmolStr>,
}

/// Where the artefacts of a repository serve, by what the nodes say that they pulled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArtifactServesView {
    /// The repository.
    pub repository: RepositoryId,
    /// A row a workload and digest.
    pub rows: Vec<ArtifactServesRow>,
}

impl ArtifactServesView {
    /// The rows of a manifest: of its digest, or of one of these, which are those of an index; last the rows of which no digest
    /// is told.
    pub fn of<'a>(&'a self, digest: &'a str, parts: &'a [SmolStr]) -> impl Iterator<Item = &'a ArtifactServesRow> {
        let is_it = move |runs: &SmolStr| runs == digest || parts.contains(runs);
        self.rows.iter().filter(move |row| row.digest.as_ref().is_none_or(is_it))
    }
}

/// A workload, or a pod of none, that runs an artefact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactServesRow {
    /// The digest that its nodes pulled; `None` where none is told.
    pub digest: Option<SmolStr>,
    /// The tag or the digest by which its pods name it.
    pub named: SmolStr,
    /// The workload, or the pod.
    pub workload: ObjectRef,
    /// Its pods that run it.
    pub pods: u64,
    /// Those of them that are ready.
    pub ready: u64,
    /// GPUs that these pods hold.
    pub gpus: u64,
    /// When the oldest of them started, by the cluster's clock.
    pub since: Option<Stamp>,
    /// What became of the tag by which they name it.
    pub verdict: LineageVerdict,
    /// The verdict as a sentence.
    pub evidence: String,
}

impl Row for RepositoryRow {
    type Key = RepositoryId;
    fn key(&self) -> &RepositoryId {
        &self.id
    }
}

impl Row for TagRow {
    type Key = TagId;
    fn key(&self) -> &TagId {
        &self.id
    }
}

impl Record for RepositoryRow {
    const KEYS: &'static [&'static str] = &["name", "registry", "host", "tags"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        Some(match key {
            "name" | "repository" | "repo" => vec![Value::text(&self.id.name)],
            "registry" | "source" => vec![Value::text(self.id.source.as_str())],
            "host" => self.hosts.iter().map(|host| Value::text(host)).collect(),
            "tags" => vec![Value::Number(f64::from(self.watched))],
            _ => return None,
        })
    }
}

impl Record for TagRow {
    const KEYS: &'static [&'static str] = &["repository", "tag", "source", "digest", "kind", "size", "model", "moved"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let yes = |is: bool| vec![Value::text(if is { "yes" } else { "no" })];
        Some(match key {
            "repository" | "repo" => vec![Value::text(&self.id.repository)],
            "tag" | "name" => vec![Value::text(&self.id.tag)],
            "source" => vec![Value::text(self.id.source.as_str())],
            "digest" => vec![Value::text(&self.digest)],
            "kind" => vec![Value::text(self.kind.words())],
            #[allow(clippy::cast_precision_loss, reason = "compared, never shown")]
            "size" => self.size.iter().map(|size| Value::Number(*size as f64)).collect(),
            "model" => yes(self.kind.is_model()),
            "moved" => yes(self.from.is_some()),
            _ => return None,
        })
    }
}
