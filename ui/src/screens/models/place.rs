//! Where a person is among the models, as it stands in the address: a model, one version of it, or two side by side; a run, all
//! runs of a server, or some side by side; a repository, one of its artefacts, or two side by side.

use pilothouse_wire::{ConnectionId, ModelId, ObjectRef, SmolStr, TagId, artifact::ArtifactRef, find::FoundAt, view::RepositoryId};
use std::fmt;

/// A place of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// A registered model.
    Model(Place),
    /// A run that no version is registered from.
    Run(ConnectionId, SmolStr),
    /// The runs of a server; some of them side by side, if any are named.
    Runs(ConnectionId, Vec<SmolStr>),
    /// A repository.
    Repository(RepositoryId),
    /// An artefact.
    Artifact(ArtifactRef),
    /// Two artefacts side by side.
    Artifacts(ArtifactRef, ArtifactRef),
}

/// A place among the models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The model.
    pub model: ModelId,
    /// What of it is shown.
    pub versions: Versions,
}

/// Which versions are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// The newest.
    Newest,
    /// This one.
    One(u64),
    /// These two, side by side.
    Two(u64, u64),
}

/// What stands between two artefacts: no name of a repository, no tag and no digest has it.
const BETWEEN: char = '|';
/// What stands between several runs: no id of a run has it.
const AND: char = ',';

impl Spot {
    /// Reads what it prints: a place among the models, `run:REGISTRY/ID`, `runs:REGISTRY` and `runs:REGISTRY/ID,ID`,
    /// `repository:REGISTRY/NAME`, `artifact:REGISTRY/NAME/REFERENCE`, and two of these with a stroke between them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("run:") {
            return named(rest).map(|run| Self::Run(run.source, run.name));
        }
        if let Some(rest) = text.strip_prefix("runs:") {
            return match named(rest) {
                Some(some) => Some(Self::Runs(some.source, some.name.split(AND).map(SmolStr::from).collect())),
                // A server is named as one that has something.
                None => named(&format!("{rest}/-")).map(|of| Self::Runs(of.source, Vec::new())),
            };
        }
        if let Some(rest) = text.strip_prefix("repository:") {
            return named(rest).map(|of| Self::Repository(RepositoryId { source: of.source, name: of.name }));
        }
        if let Some(rest) = text.strip_prefix("artifact:") {
            return match rest.split_once(BETWEEN) {
                None => artifact(rest).map(Self::Artifact),
                Some((from, to)) => Some(Self::Artifacts(artifact(from)?, artifact(to)?)),
            };
        }
        Place::parse(text).map(Self::Model)
    }

    /// The place of what a search found.
    #[must_use]
    pub fn of_found(at: &FoundAt) -> Self {
        match at {
            FoundAt::Model(model) => Self::Model(Place::of(model.clone())),
            FoundAt::Version(version) => {
                Self::Model(Place::of(version.model.clone()).with(Versions::One(version.number)))
            }
            FoundAt::Run(source, run) => Self::Run(source.clone(), run.clone()),
            FoundAt::Repository(repository) => Self::Repository(repository.clone()),
            FoundAt::Artifact(artifact) => Self::Artifact(artifact.clone()),
        }
    }

    /// The place of an object that is selected, if it is one of this screen.
    #[must_use]
    pub fn of_object(object: &ObjectRef) -> Option<Self> {
        match object {
            ObjectRef::Model(model) => Some(Self::Model(Place::of((**model).clone()))),
            ObjectRef::Tag(tag) => Some(Self::Artifact(ArtifactRef {
                source: tag.source.clone(),
                repository: tag.repository.clone(),
                reference: tag.tag.clone(),
            })),
            _ => None,
        }
    }

    /// The model that it is of.
    #[must_use]
    pub fn model(&self) -> Option<&ModelId> {
        if let Self::Model(place) = self { Some(&place.model) } else { None }
    }

    /// The repository that it is of.
    #[must_use]
    pub fn repository(&self) -> Option<RepositoryId> {
        match self {
            Self::Repository(repository) => Some(repository.clone()),
            Self::Artifact(of) | Self::Artifacts(of, _) => {
                Some(RepositoryId { source: of.source.clone(), name: of.repository.clone() })
            }
            Self::Model(_) | Self::Run(..) | Self::Runs(..) => None,
        }
    }
}

/// `REGISTRY/NAME`, as a model is printed.
fn named(text: &str) -> Option<ModelId> {
    match format!("model:{text}").parse() {
        Ok(ObjectRef::Model(model)) => Some(*model),
        _ => None,
    }
}

/// `REGISTRY/REPOSITORY/REFERENCE`, as a tag is printed.
fn artifact(text: &str) -> Option<ArtifactRef> {
    match format!("tag:{text}").parse() {
        Ok(ObjectRef::Tag(tag)) => {
            let TagId { source, repository, tag } = *tag;
            Some(ArtifactRef { source, repository, reference: tag })
        }
        _ => None,
    }
}

fn bare(object: &ObjectRef) -> String {
    let text = object.to_string();
    text.split_once(':').map(|(_, rest)| rest.to_owned()).unwrap_or(text)
}

fn bare_name(source: &ConnectionId, name: &SmolStr) -> String {
    bare(&ObjectRef::Model(Box::new(ModelId { source: source.clone(), name: name.clone() })))
}

fn bare_artifact(of: &ArtifactRef) -> String {
    let ArtifactRef { source, repository, reference } = of.clone();
    bare(&ObjectRef::Tag(Box::new(TagId { source, repository, tag: reference })))
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(place) => write!(f, "{place}"),
            Self::Run(source, run) => write!(f, "run:{}", bare_name(source, run)),
            Self::Runs(source, runs) if runs.is_empty() => write!(f, "runs:{source}"),
            Self::Runs(source, runs) => {
                let all = runs.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(&AND.to_string());
                write!(f, "runs:{}", bare_name(source, &all.into()))
            }
            Self::Repository(of) => write!(f, "repository:{}", bare_name(&of.source, &of.name)),
            Self::Artifact(of) => write!(f, "artifact:{}", bare_artifact(of)),
            Self::Artifacts(from, to) => write!(f, "artifact:{}{BETWEEN}{}", bare_artifact(from), bare_artifact(to)),
        }
    }
}

impl From<Place> for Spot {
    fn from(place: Place) -> Self {
        Self::Model(place)
    }
}

impl Place {
    /// A model with its newest version.
    #[must_use]
    pub fn of(model: ModelId) -> Self {
        Self { model, versions: Versions::Newest }
    }

    /// The same model with other versions.
    #[must_use]
    pub fn with(&self, versions: Versions) -> Self {
        Self { model: self.model.clone(), versions }
    }

    /// Reads what it prints: `REGISTRY/MODEL`, `REGISTRY/MODEL/3`, `REGISTRY/MODEL/2..3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '/');
        let (registry, name, versions) = (parts.next()?, parts.next()?, parts.next());
        let model = named(&format!("{registry}/{name}"))?;
        let versions = match versions {
            None => Versions::Newest,
            Some(text) => match text.split_once("..") {
                None => Versions::One(text.parse().ok()?),
                Some((a, b)) => Versions::Two(a.parse().ok()?, b.parse().ok()?),
            },
        };
        Some(Self { model, versions })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bare_name(&self.model.source, &self.model.name))?;
        match self.versions {
            Versions::Newest => Ok(()),
            Versions::One(number) => write!(f, "/{number}"),
            Versions::Two(a, b) => write!(f, "/{a}..{b}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_from_what_it_prints() {
        let model = ModelId { source: ConnectionId::slug("registry"), name: "a/b%".into() };
        for versions in [Versions::Newest, Versions::One(3), Versions::Two(2, 3)] {
            let place = Place { model: model.clone(), versions };
            assert_eq!(Place::parse(&place.to_string()), Some(place.clone()));
            assert_eq!(Spot::parse(&place.to_string()), Some(Spot::Model(place)));
        }
        assert_eq!(Place::parse("registry/chat/2..3").unwrap().to_string(), "registry/chat/2..3");
    }

    #[test]
    fn what_is_no_place_is_none() {
        for text in ["", "registry", "registry/", "registry/chat/x", "registry/chat/1..", "registry/chat/1/2"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
        for text in ["run:", "run:r", "runs:", "repository:r/", "artifact:r/a", "artifact:r/a/b|r", "artifact:|"] {
            assert_eq!(Spot::parse(text), None, "{text}");
        }
    }

    #[test]
    fn places_of_registries_read_back_whatever_names_are_like() {
        let source = ConnectionId::slug("models");
        let artifact = |repository: &str, reference: &str| ArtifactRef {
            source: source.clone(),
            repository: repository.into(),
            reference: reference.into(),
        };
        let (tag, digest) = (artifact("team/chat", "v1..2"), artifact("team/chat", "sha256:77d0"));
        for (spot, want) in [
            (Spot::Run(source.clone(), "ab12".into()), "run:models/ab12"),
            (Spot::Runs(source.clone(), Vec::new()), "runs:models"),
            (
                Spot::Repository(RepositoryId { source: source.clone(), name: "team/chat".into() }),
                "repository:models/team%2Fchat",
            ),
            (Spot::Artifact(digest.clone()), "artifact:models/team%2Fchat/sha256:77d0"),
            (
                Spot::Artifacts(tag.clone(), digest.clone()),
                "artifact:models/team%2Fchat/v1..2|models/team%2Fchat/sha256:77d0",
            ),
        ] {
            assert_eq!(spot.to_string(), want);
            assert_eq!(Spot::parse(want), Some(spot));
        }
        assert_eq!(Spot::Artifacts(tag, digest).repository().unwrap().name, "team/chat");
        let some = Spot::Runs(source, vec!["ab12".into(), "cd34".into()]);
        assert_eq!(Spot::parse(&some.to_string()), Some(some));
    }
}
