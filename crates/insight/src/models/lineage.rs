//! From what a pod is started with to a version of a registered model, the aliases that lead to it, and the run that made
//! it. Each link says how it is known; what is not known is said to be so, and never guessed.

mod uri;

pub use uri::{ModelUri, Named, named};

use pilothouse_wire::{
    ConnectionId, SmolStr, Stamp,
    runs::VersionId,
    view::{ModelRow, ModelsView, VersionRow},
};
use std::fmt;

/// Something that is known, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link<T> {
    /// What.
    pub to: T,
    /// How it is known, as a sentence.
    pub evidence: String,
}

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// No registry is connected, or none is read yet.
    NoRegistry,
    /// No registry has a model of this name.
    NoModel(SmolStr),
    /// Several have: these.
    Several(Vec<String>),
    /// The model has no such version, alias or stage now.
    NoVersion(SmolStr),
    /// What the address leads to was changed after the pod began: it loaded what was there before.
    Moved {
        /// What moved: an alias, or `latest`.
        name: SmolStr,
        /// When.
        since: Stamp,
        /// The version that it leads to now.
        now: u64,
    },
    /// No version was registered from this run, logged model or address.
    NotRegistered,
    /// The version names no run.
    NoRun,
}

/// What is known of the model of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// The address by which it is known.
    pub named: Named,
    /// The version.
    pub version: Result<Link<VersionId>, Unknown>,
    /// The aliases that lead to that version now.
    pub aliases: Vec<Link<SmolStr>>,
    /// The run that made it, and the connection that keeps it.
    pub run: Result<Link<(ConnectionId, SmolStr)>, Unknown>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRegistry => f.write_str("unknown: no registry of models is read"),
            Self::NoModel(name) => write!(f, "unknown: no registry has a model {name}"),
            Self::Several(all) => write!(f, "unknown: it may be {}", all.join(" or ")),
            Self::NoVersion(text) => write!(f, "unknown: {text} leads to no version now"),
            Self::Moved { name, since, now } => {
                write!(f, "unknown: {name} moved to version {now} at {since}, after the pod began")
            }
            Self::NotRegistered => f.write_str("unknown: no version was registered from it"),
            Self::NoRun => f.write_str("unknown: the version names no run"),
        }
    }
}

/// Follows an address to its version, aliases and run. `began` is when the container began: what an address led to may
/// have moved since.
#[must_use]
pub fn lineage(named: &Named, models: &ModelsView, began: Option<Stamp>) -> Lineage {
    let found = version(&named.uri, models, began);
    let aliases = found.as_ref().map(|(model, number, _)| aliases(model, *number)).unwrap_or_default();
    let run = run(&named.uri, found.as_ref());
    let version = found.map(|(model, number, evidence)| Link {
        to: VersionId { model: model.id.clone(), number },
        evidence: format!("{} is {}; {evidence}", named.place, named.text),
    });
    Lineage { named: named.clone(), version, aliases, run }
}

type Found<'a> = (&'a ModelRow, u64, String);

fn version<'a>(uri: &ModelUri, models: &'a ModelsView, began: Option<Stamp>) -> Result<Found<'a>, Unknown> {
    if models.models.is_empty() {
        return Err(Unknown::NoRegistry);
    }
    let after = |at: Option<Stamp>| at.zip(began).and_then(|(at, began)| (at > began).then_some(at));
    match uri {
        ModelUri::Version(name, number) => {
            let model = only(models, name)?;
            let version =
                model.version(*number).ok_or_else(|| Unknown::NoVersion(format!("{name}/{number}").into()))?;
            Ok((model, version.number, "it names the version".into()))
        }
        ModelUri::Alias(name, alias) => {
            let model = only(models, name)?;
            let row = model.aliases.iter().find(|row| row.name == *alias);
            let row = row.ok_or_else(|| Unknown::NoVersion(format!("{name}@{alias}").into()))?;
            if let Some(since) = after(row.since) {
                return Err(Unknown::Moved { name: alias.clone(), since, now: row.version });
            }
            Ok((
                model,
                row.version,
                match row.since {
                    Some(since) => format!(
                        "alias {alias} leads to version {} since {since}, before the container began",
                        row.version
                    ),
                    None => format!("alias {alias} leads to version {} now, and since when is not kept", row.version),
                },
            ))
        }
        ModelUri::Latest(name) => {
            let model = only(models, name)?;
            let newest = model.versions.first().ok_or_else(|| Unknown::NoVersion(format!("{name}/latest").into()))?;
            if let Some(since) = after(newest.created) {
                return Err(Unknown::Moved { name: "latest".into(), since, now: newest.number });
            }
            Ok((model, newest.number, format!("version {} is the newest", newest.number)))
        }
        ModelUri::Stage(name, stage) => {
            let model = only(models, name)?;
            let is_there =
                |version: &&VersionRow| version.stage.as_ref().is_some_and(|of| of.eq_ignore_ascii_case(stage));
            let version = model.versions.iter().find(is_there);
            let version = version.ok_or_else(|| Unknown::NoVersion(format!("{name}/{stage}").into()))?;
            if let Some(since) = after(version.updated) {
                return Err(Unknown::Moved { name: stage.clone(), since, now: version.number });
            }
            Ok((model, version.number, format!("version {} is the newest in stage {stage}", version.number)))
        }
        ModelUri::Logged(id) => registered(
            models,
            |version| version.model.as_ref() == Some(id),
            || format!("it was registered from the logged model {id}"),
        ),
        ModelUri::Run(run) => registered(
            models,
            |version| version.run.as_ref() == Some(run),
            || format!("it was registered from run {run}"),
        ),
        ModelUri::Store(address) => {
            let is_from = |version: &VersionRow| {
                version.source.as_ref().is_some_and(|source| source.trim_end_matches('/') == address.as_str())
            };
            registered(models, is_from, || format!("it was registered from {address}"))
        }
    }
}

/// The one model of this name.
fn only<'a>(models: &'a ModelsView, name: &SmolStr) -> Result<&'a ModelRow, Unknown> {
    let mut all = models.models.rows().iter().filter(|model| model.id.name == *name);
    match (all.next(), all.next()) {
        (Some(model), None) => Ok(model),
        (None, _) => Err(Unknown::NoModel(name.clone())),
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(all);
            Err(Unknown::Several(all.map(|model| format!("{name} of {}", model.id.source)).collect()))
        }
    }
}

/// The one version of any model for which something holds.
fn registered(
    models: &ModelsView,
    holds: impl Fn(&VersionRow) -> bool,
    evidence: impl Fn() -> String,
) -> Result<Found<'_>, Unknown> {
    let all: Vec<(&ModelRow, u64)> = models
        .models
        .rows()
        .iter()
        .flat_map(|model| {
            model.versions.iter().filter(|version| holds(version)).map(move |version| (model, version.number))
        })
        .collect();
    match all[..] {
        [] => Err(Unknown::NotRegistered),
        [(model, number)] => Ok((model, number, evidence())),
        _ => Err(Unknown::Several(all.iter().map(|(model, number)| format!("{}/{number}", model.id.name)).collect())),
    }
}

fn aliases(model: &ModelRow, number: u64) -> Vec<Link<SmolStr>> {
    let link = |alias: &pilothouse_wire::view::AliasRow| Link {
        to: alias.name.clone(),
        evidence: match alias.since {
            Some(since) => format!("the registry of {} says so, since {since}", model.id.source),
            None => format!("the registry of {} says so now", model.id.source),
        },
    };
    model.aliases_of(number).map(link).collect()
}

fn run(uri: &ModelUri, found: Result<&Found<'_>, &Unknown>) -> Result<Link<(ConnectionId, SmolStr)>, Unknown> {
    let (model, number, _) = found.map_err(Clone::clone)?;
    let version = model.version(*number).ok_or(Unknown::NoRun)?;
    let run = version.run.clone().ok_or(Unknown::NoRun)?;
    let evidence = match uri {
        ModelUri::Run(_) => "the address names the run".to_owned(),
        _ => format!("version {number} of {} was registered with it", model.id.name),
    };
    Ok(Link { to: (model.id.source.clone(), run), evidence })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ModelId,
        view::{AliasRow, Readiness},
    };
    use proptest::prelude::*;

    fn version(number: u64, run: &str) -> VersionRow {
        VersionRow {
            number,
            created: Some(Stamp(1_000 * i64::try_from(number).unwrap())),
            updated: Some(Stamp(1_000)),
            stage: (number == 2).then(|| "Production".into()),
            readiness: Readiness::Ready,
            message: None,
            description: None,
            source: Some(format!("s3://bucket/{run}/model").into()),
            run: (!run.is_empty()).then(|| run.into()),
            model: Some(format!("m-{number}").into()),
            user: None,
            tags: Vec::new(),
        }
    }

    fn model(source: &str, name: &str, aliases: &[(&str, u64, Option<i64>)], runs: &[&str]) -> ModelRow {
        let versions = runs.iter().zip(1..).map(|(run, number)| version(number, run));
        let alias = |(name, version, since): &(&str, u64, Option<i64>)| AliasRow {
            name: (*name).into(),
            version: *version,
            since: since.map(Stamp),
        };
        ModelRow {
            id: ModelId { source: ConnectionId::slug(source), name: name.into() },
            created: None,
            updated: None,
            description: None,
            tags: Vec::new(),
            aliases: aliases.iter().map(alias).collect(),
            versions: versions.collect::<Vec<_>>().into_iter().rev().collect(),
            more: 0,
        }
    }

    fn models() -> ModelsView {
        let chat = model("main", "chat", &[("champion", 3, Some(5_000)), ("old", 1, None)], &["r1", "r2", "r3"]);
        let twice = [model("main", "both", &[], &["r9"]), model("other", "both", &[], &["r9"])];
        let orphan = model("main", "orphan", &[], &[""]);
        ModelsView { models: [chat, orphan].into_iter().chain(twice).collect() }
    }

    /// Version, aliases, run: what is known of an address for a container that began then.
    fn known(text: &str, began: Option<i64>) -> String {
        let all = named([text], []);
        let [named] = &all[..] else { return "none".into() };
        let Lineage { version, aliases, run, .. } = lineage(named, &models(), began.map(Stamp));
        let version = version.map_or_else(|unknown| unknown.to_string(), |link| link.to.to_string());
        let aliases: Vec<String> = aliases.into_iter().map(|link| format!(" @{}", link.to)).collect();
        let run = run.map_or_else(|_| String::new(), |link| format!(" from {}", link.to.1));
        format!("{version}{}{run}", aliases.concat())
    }

    #[test]
    fn an_address_leads_to_a_version_its_aliases_and_its_run_or_says_why_not() {
        for (text, began, want) in [
            ("models:/chat/3", None, "chat/3 @champion from r3"),
            ("models:/chat@champion", Some(6_000), "chat/3 @champion from r3"),
            ("models:/chat@champion", None, "chat/3 @champion from r3"),
            (
                "models:/chat@champion",
                Some(4_000),
                "unknown: champion moved to version 3 at 1970-01-01T00:00:05Z, after the pod began",
            ),
            ("models:/chat@old", Some(4_000), "chat/1 @old from r1"),
            ("models:/chat@none", None, "unknown: chat@none leads to no version now"),
            ("models:/chat/latest", Some(9_000), "chat/3 @champion from r3"),
            (
                "models:/chat/latest",
                Some(2_500),
                "unknown: latest moved to version 3 at 1970-01-01T00:00:03Z, after the pod began",
            ),
            ("models:/chat/Production", Some(9_000), "chat/2 from r2"),
            ("models:/chat/Staging", None, "unknown: chat/Staging leads to no version now"),
            ("models:/chat/9", None, "unknown: chat/9 leads to no version now"),
            ("models:/other/1", None, "unknown: no registry has a model other"),
            ("models:/both/1", None, "unknown: it may be both of main or both of other"),
            ("models:/m-2", None, "chat/2 from r2"),
            ("models:/m-1", None, "unknown: it may be both/1 or chat/1 or orphan/1 or both/1"),
            ("runs:/r2/model", None, "chat/2 from r2"),
            ("runs:/r7/model", None, "unknown: no version was registered from it"),
            ("runs:/r9/model", None, "unknown: it may be both/1 or both/1"),
            ("mlflow-artifacts:/1/r1/artifacts/model", None, "chat/1 @old from r1"),
            ("mlflow-artifacts://mlflow:5000/1/r1/artifacts/model", None, "chat/1 @old from r1"),
            ("s3://bucket/r3/model/", None, "chat/3 @champion from r3"),
            ("s3://bucket/r3", None, "unknown: no version was registered from it"),
            ("models:/orphan/1", None, "orphan/1"),
        ] {
            assert_eq!(known(text, began), want, "{text} {began:?}");
        }
    }

    #[test]
    fn without_a_registry_nothing_is_known() {
        let all = named(["models:/chat/3"], []);
        let found = lineage(&all[0], &ModelsView::default(), None);
        assert_eq!((found.version, found.run), (Err(Unknown::NoRegistry), Err(Unknown::NoRegistry)));
    }

    #[test]
    fn the_evidence_says_what_the_link_rests_on() {
        let all = named([], [("MODEL_URI", "models:/chat@champion")]);
        let found = lineage(&all[0], &models(), Some(Stamp(6_000)));
        assert_eq!(
            found.version.unwrap().evidence,
            "variable MODEL_URI is models:/chat@champion; alias champion leads to version 3 since 1970-01-01T00:00:05Z, \
             before the container began"
        );
        assert_eq!(found.run.unwrap().evidence, "version 3 of chat was registered with it");
    }

    proptest! {
        /// Whatever stands there, a version that is named is one that the registry has.
        #[test]
        fn what_is_found_is_there(text in "(models:/|runs:/|mlflow-artifacts:/|s3://)[a-z0-9@/-]{0,12}", began in proptest::option::of(0i64..9_000)) {
            let models = models();
            for named in named([text.as_str()], []) {
                if let Ok(link) = lineage(&named, &models, began.map(Stamp)).version {
                    let model = models.models.get(&link.to.model).unwrap();
                    prop_assert!(model.version(link.to.number).is_some());
                }
            }
        }
    }
}
