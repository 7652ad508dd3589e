//! One search over all registries: what a word is found in, and what was looked through to find it.

use crate::{ConnectionId, ModelId, SmolStr, artifact::ArtifactRef, runs::VersionId, view::RepositoryId};
use serde::{Deserialize, Serialize};

/// The most that a search answers at once.
pub const MOST_FOUND: u16 = 200;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindQuery {
    /// Words that all have to stand in what is found, upper case or lower.
    pub text: String,
    /// How many at most.
    pub limit: u16,
}

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FoundKind {
    /// A registered model.
    Model,
    /// A version, by its number, its description, or where its files are.
    Version,
    /// An alias of a model.
    Alias,
    /// A tag of a model or of a version.
    ModelTag,
    /// A run, by its name or its id.
    Run,
    /// A repository.
    Repository,
    /// A tag of a repository, or the digest at which it stands.
    Tag,
}

impl FoundKind {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Version => "version",
            Self::Alias => "alias",
            Self::ModelTag => "label",
            Self::Run => "run",
            Self::Repository => "repository",
            Self::Tag => "tag",
        }
    }
}

/// Where something is, to go there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FoundAt {
    /// A registered model.
    Model(ModelId),
    /// A version of one.
    Version(VersionId),
    /// A run of a tracking server: its id.
    Run(ConnectionId, SmolStr),
    /// A repository.
    Repository(RepositoryId),
    /// An artefact.
    Artifact(ArtifactRef),
}

impl FoundAt {
    /// The connection that it is seen through.
    #[must_use]
    pub fn source(&self) -> &ConnectionId {
        match self {
            Self::Model(model) => &model.source,
            Self::Version(version) => version.source(),
            Self::Run(source, _) => source,
            Self::Repository(repository) => &repository.source,
            Self::Artifact(artifact) => &artifact.source,
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRow {
    /// What it is.
    pub kind: FoundKind,
    /// Its name, in which the words stand.
    pub name: String,
    /// What it is of: `chat, version 3`.
    pub of: String,
    /// Where it is.
    pub at: FoundAt,
}

/// What was looked through of a source, and what was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// The source.
    pub source: ConnectionId,
    /// What was: `2 models with 5 versions, and runs by their names`.
    pub what: String,
    /// What was not, and why, as a sentence.
    pub not: Option<String>,
}

/// The answer to a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What was found, the nearest first.
    pub rows: Vec<FoundRow>,
    /// How many more there are among what was looked through.
    pub more: u64,
    /// What was looked through, source by source.
    pub searched: Vec<Searched>,
}
