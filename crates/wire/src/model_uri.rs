//! Addresses of models: what a container is started with, and what each address means.

use crate::SmolStr;
use serde::{Deserialize, Serialize};

/// An address of a model, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModelAddress {
    /// As it stands there, without credentials and parameters.
    pub text: SmolStr,
    /// Where it was found.
    pub place: AddressPlace,
}

/// Where an address of a model was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AddressPlace {
    /// In the command or its arguments, as such.
    Argument,
    /// There, as the value of this flag.
    Flag(SmolStr),
    /// In the variable of this name.
    Variable(SmolStr),
    /// In the annotation of this name.
    Annotation(SmolStr),
}

impl AddressPlace {
    /// In words: `argument --model`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Argument => "an argument".to_owned(),
            Self::Flag(name) => format!("argument {name}"),
            Self::Variable(name) => format!("variable {name}"),
            Self::Annotation(name) => format!("annotation {name}"),
        }
    }
}

/// What an address of a model means. Source: `mlflow/store/artifact/utils/models.py`, `runs_artifact_repo.py`; the addresses
/// of KServe's storage initializer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelUri {
    /// `models:/chat@champion`.
    Alias(SmolStr, SmolStr),
    /// `models:/chat/3`.
    Version(SmolStr, u64),
    /// `models:/chat/latest`.
    Latest(SmolStr),
    /// `models:/chat/Production`.
    Stage(SmolStr, SmolStr),
    /// `models:/m-1cca…`: a logged model, since MLflow 3.
    Logged(SmolStr),
    /// `runs:/2040…/model`, or `mlflow-artifacts:/1/2040…/artifacts/model`: what a run left.
    Run(SmolStr),
    /// An address of another store. A version may have been registered from it.
    Store(SmolStr),
}

/// Stores in which models lie.
const STORES: [&str; 10] =
    ["s3://", "gs://", "wasbs://", "abfss://", "hdfs://", "dbfs:/", "hf://", "oci://", "pvc://", "ngc://"];

impl ModelUri {
    /// Reads an address; `None` if it is none of a model. One of another store is taken only if it looks like a folder in
    /// one: `s3://…`, `hf://…`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("models:/") {
            return Self::of_registry(rest.trim_start_matches('/'));
        }
        if let Some(rest) = text.strip_prefix("runs:/") {
            let run = rest.trim_start_matches('/').split('/').next()?;
            return (!run.is_empty()).then(|| Self::Run(run.into()));
        }
        if let Some(rest) = text.strip_prefix("mlflow-artifacts:/") {
            return Self::of_artefacts(rest);
        }
        let is_store = STORES.iter().any(|scheme| text.starts_with(scheme) && text.len() > scheme.len());
        is_store.then(|| Self::Store(text.trim_end_matches('/').into()))
    }

    /// Does it name something of a tracking server or its registry, whatever stands around it?
    #[must_use]
    pub fn is_of_registry(&self) -> bool {
        !matches!(self, Self::Store(_))
    }

    /// The model that it names, and what of it can be moved elsewhere: an alias, a stage, `latest`.
    #[must_use]
    pub fn movable(&self) -> Option<(&SmolStr, &str)> {
        match self {
            Self::Alias(model, name) | Self::Stage(model, name) => Some((model, name)),
            Self::Latest(model) => Some((model, "latest")),
            Self::Version(..) | Self::Logged(_) | Self::Run(_) | Self::Store(_) => None,
        }
    }

    fn of_registry(rest: &str) -> Option<Self> {
        if let Some((name, alias)) = rest.split_once('@') {
            let whole = !name.is_empty() && !alias.is_empty() && !name.contains('/') && !alias.contains('/');
            return whole.then(|| Self::Alias(name.into(), alias.into()));
        }
        let mut parts = rest.trim_end_matches('/').split('/');
        let (name, which) = (parts.next()?, parts.next());
        if name.is_empty() || parts.next().is_some() {
            return None;
        }
        Some(match which {
            None if name.starts_with("m-") => Self::Logged(name.into()),
            None => return None,
            Some(which) if which.eq_ignore_ascii_case("latest") => Self::Latest(name.into()),
            Some(which) => match which.parse() {
                Ok(number) => Self::Version(name.into(), number),
                Err(_) => Self::Stage(name.into(), which.into()),
            },
        })
    }

    /// `1/RUN/artifacts/…`, `1/models/m-…/artifacts/…`, either with a host before it.
    fn of_artefacts(rest: &str) -> Option<Self> {
        let path = match rest.strip_prefix('/') {
            Some(with_host) => with_host.split_once('/')?.1,
            None => rest,
        };
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            [_, "models", model, ..] if model.starts_with("m-") => Some(Self::Logged(model.into())),
            [_, run, "artifacts", ..] if !run.is_empty() => Some(Self::Run(run.into())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_means_what_mlflow_takes_it_for() {
        use ModelUri::{Alias, Latest, Logged, Run, Stage, Store, Version};
        for (text, want) in [
            ("models:/chat@champion", Alias("chat".into(), "champion".into())),
            ("models://chat/3", Version("chat".into(), 3)),
            ("models:/chat/Latest", Latest("chat".into())),
            ("models:/chat/Production", Stage("chat".into(), "Production".into())),
            ("models:/m-1cca", Logged("m-1cca".into())),
            ("runs:/2040/model", Run("2040".into())),
            ("mlflow-artifacts:/1/2040/artifacts/model", Run("2040".into())),
            ("mlflow-artifacts://host:5000/1/models/m-1/artifacts", Logged("m-1".into())),
            ("s3://bucket/model/", Store("s3://bucket/model".into())),
            ("hf://org/name", Store("hf://org/name".into())),
        ] {
            assert_eq!(ModelUri::parse(text), Some(want), "{text}");
        }
        for nothing in [
            "models:/",
            "models:/chat",
            "models:/@a",
            "models:/a@b/c",
            "models:/a/b/c",
            "runs:/",
            "https://x/models:/a",
            "mlflow-artifacts:/1/2",
            "s3://",
            "/mnt/models",
        ] {
            assert_eq!(ModelUri::parse(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_can_be_moved_is_an_alias_a_stage_or_the_newest() {
        let movable = |text: &str| {
            let uri = ModelUri::parse(text).unwrap();
            uri.movable().map(|(model, name)| format!("{model} {name}"))
        };
        assert_eq!(movable("models:/chat@champion").as_deref(), Some("chat champion"));
        assert_eq!(movable("models:/chat/latest").as_deref(), Some("chat latest"));
        assert_eq!(movable("models:/chat/Staging").as_deref(), Some("chat Staging"));
        assert_eq!(movable("models:/chat/3"), None);
        assert!(!ModelUri::parse("s3://a/b").unwrap().is_of_registry());
    }
}
