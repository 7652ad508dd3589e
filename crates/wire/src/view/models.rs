//! Registered models with their versions, aliases and tags, as a registry has them.

use crate::{
    ConnectionId, Keyed, KeyedPatch, ModelId, Row, SmolStr, Stamp,
    filter::{Record, Value},
    view::fleet::Status,
};
use serde::{Deserialize, Serialize};

/// The registered models of all registries, or of some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelsView {
    /// One row a model.
    pub models: Keyed<ModelRow>,
}

/// Whose models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelsSpec {
    /// Of these connections; of all, if empty.
    pub scope: Vec<ConnectionId>,
}

/// What turns one [`ModelsView`] into a later one.
pub type ModelsPatch = KeyedPatch<ModelRow, ModelId>;

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRow {
    /// The registry and the model's name.
    pub id: ModelId,
    /// When it was registered, by the registry's clock.
    pub created: Option<Stamp>,
    /// When the registry last wrote it, by its clock. Moving an alias or a tag is no such writing to MLflow.
    pub updated: Option<Stamp>,
    /// What somebody wrote of it.
    pub description: Option<String>,
    /// Its tags, by key.
    pub tags: Vec<(SmolStr, SmolStr)>,
    /// Its aliases, by name.
    pub aliases: Vec<AliasRow>,
    /// Its versions, the newest first.
    pub versions: Vec<VersionRow>,
    /// Versions that are not held, since there are too many.
    pub more: u64,
}

/// A name that leads to one version of a model, and can be moved to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasRow {
    /// The alias.
    pub name: SmolStr,
    /// The version.
    pub version: u64,
    /// When it was seen to be set there, by our clock; `None` if it was there when we first looked: MLflow does not keep
    /// when that was.
    pub since: Option<Stamp>,
    /// Since when it is seen to lead there, by our clock: from then on it did.
    pub seen: Option<Stamp>,
    /// Where it led before it was moved there, if that was seen.
    pub before: Option<AliasStay>,
}

/// Where an alias led for a while, as far as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasStay {
    /// The version.
    pub version: u64,
    /// When it was first seen there, by our clock.
    pub since: Stamp,
    /// When its registry was last heard before it said another version.
    pub until: Stamp,
}

/// A version of a registered model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// Its number.
    pub number: u64,
    /// When it was registered, by the registry's clock.
    pub created: Option<Stamp>,
    /// When the registry last wrote it.
    pub updated: Option<Stamp>,
    /// Its stage, where it has one. MLflow has deprecated them for aliases.
    pub stage: Option<SmolStr>,
    /// Can it be used?
    pub readiness: Readiness,
    /// Why it is as it is, by the registry.
    pub message: Option<String>,
    /// What somebody wrote of it.
    pub description: Option<String>,
    /// Where its files are, as it was registered: `models:/m-…`, `runs:/…`, `s3://…`.
    pub source: Option<SmolStr>,
    /// The run that made it.
    pub run: Option<SmolStr>,
    /// The logged model behind it, since MLflow 3.
    pub model: Option<SmolStr>,
    /// Who registered it.
    pub user: Option<SmolStr>,
    /// Its tags, by key.
    pub tags: Vec<(SmolStr, SmolStr)>,
}

/// Can a version be used? Source: `ModelVersionStatus` of MLflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Readiness {
    /// Its files are in place.
    Ready,
    /// It is being registered.
    Pending,
    /// Registering it failed.
    Failed,
    /// The registry says something else, or nothing.
    #[default]
    Unknown,
}

impl Readiness {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// As a status.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Ready => Status::Good,
            Self::Pending => Status::Progress,
            Self::Failed => Status::Bad,
            Self::Unknown => Status::Unknown,
        }
    }
}

impl ModelRow {
    /// A version by its number.
    #[must_use]
    pub fn version(&self, number: u64) -> Option<&VersionRow> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// A version as a person names it: by number, or by alias, with `@` before it or without.
    #[must_use]
    pub fn named(&self, text: &str) -> Option<&VersionRow> {
        let alias = |name: &str| self.aliases.iter().find(|alias| alias.name == name).map(|alias| alias.version);
        let number = match text.strip_prefix('@') {
            Some(name) => alias(name)?,
            None => text.parse().ok().or_else(|| alias(text))?,
        };
        self.version(number)
    }

    /// The aliases of a version.
    pub fn aliases_of(&self, number: u64) -> impl Iterator<Item = &AliasRow> {
        self.aliases.iter().filter(move |alias| alias.version == number)
    }
}

impl ModelsView {
    /// What turns `self` into `newer`.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> ModelsPatch {
        self.models.diff(&newer.models)
    }

    /// Applies what [`ModelsView::diff`] found.
    pub fn apply(&mut self, patch: ModelsPatch) {
        self.models.apply(patch);
    }
}

impl Row for ModelRow {
    type Key = ModelId;
    fn key(&self) -> &ModelId {
        &self.id
    }
}

fn tags(of: &[(SmolStr, SmolStr)]) -> Vec<Value<'_>> {
    of.iter().map(|(key, value)| Value::owned(format!("{key}={value}"))).collect()
}

fn texts<'a>(of: impl IntoIterator<Item = &'a str>) -> Vec<Value<'a>> {
    of.into_iter().map(Value::text).collect()
}

#[allow(clippy::cast_precision_loss, reason = "versions are counted from 1, by people")]
fn number(n: u64) -> Value<'static> {
    Value::Number(n as f64)
}

impl Record for ModelRow {
    const KEYS: &'static [&'static str] =
        &["name", "registry", "alias", "versions", "stage", "status", "tag", "run", "description"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        Some(match key {
            "name" | "model" => texts([self.id.name.as_str()]),
            "registry" | "source" => texts([self.id.source.as_str()]),
            "alias" => texts(self.aliases.iter().map(|alias| alias.name.as_str())),
            "versions" => vec![number(self.versions.len() as u64 + self.more)],
            "stage" => texts(self.versions.iter().filter_map(|version| version.stage.as_deref())),
            "status" => texts(self.versions.iter().map(|version| version.readiness.word())),
            "tag" => tags(&self.tags),
            "run" => texts(self.versions.iter().filter_map(|version| version.run.as_deref())),
            "description" => texts(self.description.as_deref()),
            _ => return None,
        })
    }
}

/// A version with its model, as one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionLine {
    /// The model.
    pub model: ModelId,
    /// The aliases that lead to it.
    pub aliases: Vec<AliasRow>,
    /// The version.
    pub version: VersionRow,
}

impl VersionLine {
    /// The versions of a model, the newest first.
    pub fn of(model: &ModelRow) -> impl Iterator<Item = Self> + '_ {
        model.versions.iter().map(|version| Self {
            model: model.id.clone(),
            aliases: model.aliases_of(version.number).cloned().collect(),
            version: version.clone(),
        })
    }
}

impl Record for VersionLine {
    const KEYS: &'static [&'static str] =
        &["version", "model", "registry", "alias", "stage", "status", "tag", "run", "source", "user", "description"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let version = &self.version;
        Some(match key {
            "version" => vec![Value::owned(version.number.to_string()), number(version.number)],
            "model" | "name" => texts([self.model.name.as_str()]),
            "registry" => texts([self.model.source.as_str()]),
            "alias" => texts(self.aliases.iter().map(|alias| alias.name.as_str())),
            "stage" => texts(version.stage.as_deref()),
            "status" => texts([version.readiness.word()]),
            "tag" => tags(&version.tags),
            "run" => texts(version.run.as_deref()),
            "source" => texts(version.source.as_deref()),
            "user" => texts(version.user.as_deref()),
            "description" => texts(version.description.as_deref()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;

    fn version(number: u64, stage: Option<&str>) -> VersionRow {
        VersionRow {
            number,
            created: Some(Stamp(0)),
            updated: None,
            stage: stage.map(SmolStr::from),
            readiness: Readiness::Ready,
            message: None,
            description: None,
            source: None,
            run: Some("r".into()),
            model: None,
            user: None,
            tags: vec![("quantisation".into(), "fp8".into())],
        }
    }

    fn model() -> ModelRow {
        let alias = |name: &str, version| AliasRow { name: name.into(), version, ..AliasRow::default() };
        ModelRow {
            id: ModelId { source: ConnectionId::slug("registry"), name: "chat".into() },
            created: None,
            updated: None,
            description: None,
            tags: vec![("tier".into(), "gold".into())],
            aliases: vec![alias("2", 1), alias("champion", 3)],
            versions: vec![version(3, None), version(2, Some("Staging")), version(1, None)],
            more: 4,
        }
    }

    #[test]
    fn a_version_is_named_by_number_first_and_then_by_alias() {
        let model = model();
        let named = |text: &str| model.named(text).map(|version| version.number);
        for (text, want) in [
            ("3", Some(3)),
            ("champion", Some(3)),
            ("@champion", Some(3)),
            ("2", Some(2)),
            ("@2", Some(1)),
            ("9", None),
            ("nobody", None),
            ("", None),
        ] {
            assert_eq!(named(text), want, "{text}");
        }
    }

    #[test]
    fn models_and_versions_are_found_by_what_is_said_of_them() {
        let (model, fits) = (model(), |filter: &str| filter.parse::<Filter>().unwrap());
        for (filter, want) in [
            ("alias=champion", true),
            ("tag~tier=gold", true),
            ("versions>6", true),
            ("versions>7", false),
            ("stage=staging", true),
            ("registry=other", false),
        ] {
            assert_eq!(fits(filter).matches(&model), want, "{filter}");
        }
        let found = |filter: &str| -> Vec<u64> {
            let filter = fits(filter);
            VersionLine::of(&model).filter(|line| filter.matches(line)).map(|line| line.version.number).collect()
        };
        assert_eq!((found("alias=champion"), found("version<3"), found("version=2")), (vec![3], vec![2, 1], vec![2]));
        assert_eq!(found("tag~fp8 -stage=staging"), [3, 1]);
    }
}
