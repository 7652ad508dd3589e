//! From the address that a container is started with to a version of a registered model, the aliases that lead to it, and the
//! run that made it.

use super::link;
use pilothouse_wire::{
    ModelAddress, ModelId, ModelUri, ObjectRef, SmolStr, Stamp,
    units::span,
    view::{
        AliasRow, ContainerStart, Lineage, LineageLink, LineageOf, LineageVerdict, ModelRow, ModelsView, VersionRow,
    },
};

/// What is known of an address.
pub(super) struct Resolved<'a> {
    /// The model; `None` where it is not known which.
    pub model: Option<&'a ModelRow>,
    /// The version that the container was started with; `None` where that is not known.
    pub version: Option<u64>,
    /// What became of what the address names.
    pub verdict: LineageVerdict,
    /// How the version is known, or why it is not, as a sentence.
    pub evidence: String,
    /// What it comes to, where that is more than the evidence.
    sentence: Option<String>,
}

impl<'a> Resolved<'a> {
    fn unknown(model: Option<&'a ModelRow>, why: String) -> Self {
        Self { model, version: None, verdict: LineageVerdict::Unknown, evidence: why, sentence: None }
    }

    fn known(model: &'a ModelRow, version: u64, verdict: LineageVerdict, evidence: String) -> Self {
        Self { model: Some(model), version: Some(version), verdict, evidence, sentence: None }
    }

    /// The same of what moved: what runs, and what one that starts anew gets.
    fn moved(self, what: &str, now: u64) -> Self {
        let runs = self.version.map_or_else(
            || "which version it runs is not known".to_owned(),
            |version| format!("it runs version {version}"),
        );
        let sentence = format!("{what}: {runs}, and one that starts anew gets version {now}.");
        Self { verdict: LineageVerdict::Moved, sentence: Some(sentence), ..self }
    }
}

/// Where a model that a container is started with comes from.
pub(super) fn lineage(start: &ContainerStart, address: &ModelAddress, models: &ModelsView) -> Lineage {
    let resolved = resolve(address, start.began, models);
    let started = LineageLink {
        at: start.began,
        ..link(
            "Started with",
            Some(address.text.to_string()),
            format!("By {} of the container.", address.place.words()),
        )
    };
    let links = [vec![started], links(&resolved, address)].concat();
    Lineage {
        container: start.container.clone(),
        of: LineageOf::Model,
        named: address.text.clone(),
        verdict: resolved.verdict,
        sentence: resolved.sentence.unwrap_or(resolved.evidence),
        links,
    }
}

/// The version, its aliases, its run.
fn links(resolved: &Resolved<'_>, address: &ModelAddress) -> Vec<LineageLink> {
    let row = resolved.model.zip(resolved.version).and_then(|(model, number)| Some((model, model.version(number)?)));
    let Some((model, version)) = row else {
        let unknown = |label| link(label, None, "The version is not known.".to_owned());
        return vec![link("Version", None, resolved.evidence.clone()), unknown("Aliases now"), unknown("Run")];
    };
    let registry = &model.id.source;
    let aliases: Vec<&str> = model.aliases_of(version.number).map(|alias| alias.name.as_str()).collect();
    let aliases = if aliases.is_empty() { "none".to_owned() } else { aliases.join(", ") };
    let run = match (&version.run, ModelUri::parse(&address.text)) {
        (Some(run), Some(ModelUri::Run(_))) => link("Run", Some(run.to_string()), "The address names it.".to_owned()),
        (Some(run), _) => {
            let evidence = format!("{registry} says that version {} was registered with it.", version.number);
            link("Run", Some(run.to_string()), evidence)
        }
        (None, _) => link("Run", None, format!("{registry} names no run for version {}.", version.number)),
    };
    let name = format!("{}/{} in {registry}", model.id.name, version.number);
    vec![
        LineageLink {
            at: version.created,
            object: Some(ObjectRef::Model(Box::new(model.id.clone()))),
            ..link("Version", Some(name), resolved.evidence.clone())
        },
        link("Aliases now", Some(aliases), format!("{registry} says so of version {}.", version.number)),
        run,
    ]
}

/// Follows an address to its version, as of when a container began: what it leads to may have moved since.
pub(super) fn resolve<'a>(address: &ModelAddress, began: Option<Stamp>, models: &'a ModelsView) -> Resolved<'a> {
    if models.models.is_empty() {
        return Resolved::unknown(None, "No registry of models is read.".to_owned());
    }
    let uri = ModelUri::parse(&address.text).unwrap_or_else(|| ModelUri::Store(address.text.clone()));
    let named = match &uri {
        ModelUri::Version(name, _) | ModelUri::Alias(name, _) | ModelUri::Latest(name) | ModelUri::Stage(name, _) => {
            name
        }
        ModelUri::Logged(id) => {
            return registered(models, |version| version.model.as_ref() == Some(id), &format!("the logged model {id}"));
        }
        ModelUri::Run(run) => {
            return registered(models, |version| version.run.as_ref() == Some(run), &format!("run {run}"));
        }
        ModelUri::Store(address) => {
            let is_from = |version: &VersionRow| {
                version.source.as_ref().is_some_and(|source| source.trim_end_matches('/') == address.as_str())
            };
            return registered(models, is_from, address);
        }
    };
    let model = match only(models, named) {
        Ok(model) => model,
        Err(why) => return Resolved::unknown(None, why),
    };
    if let ModelUri::Version(_, number) = uri {
        return match model.version(number) {
            Some(_) => {
                Resolved::known(model, number, LineageVerdict::Pinned, format!("The address names version {number}."))
            }
            None => {
                Resolved::unknown(Some(model), format!("{} has no version {number} of {named} now.", model.id.source))
            }
        };
    }
    let Some(began) = began else {
        let why = "The container does not run: what the address leads to is looked up as it begins.";
        return Resolved::unknown(Some(model), why.to_owned());
    };
    match &uri {
        ModelUri::Alias(_, alias) => by_alias(model, alias, began),
        ModelUri::Stage(_, stage) => by_stage(model, stage, began),
        _ => newest(model, began),
    }
}

fn by_alias<'a>(model: &'a ModelRow, alias: &SmolStr, began: Stamp) -> Resolved<'a> {
    let Some(row) = model.aliases.iter().find(|row| row.name == *alias) else {
        let why = format!("{} has no alias {alias} of {} now.", model.id.source, model.id.name);
        return Resolved::unknown(Some(model), why);
    };
    let AliasRow { version: now, since, seen, before, .. } = *row;
    let what = format!("{}@{alias}", model.id.name);
    if seen.is_some_and(|seen| seen <= began) {
        let since = since.map_or_else(String::new, |since| format!(", since {since}"));
        let evidence = format!("Alias {alias} leads to version {now}{since}, and did before the container began.");
        return Resolved::known(model, now, LineageVerdict::Current, evidence);
    }
    if let Some(stay) = before.filter(|stay| stay.since <= began && began <= stay.until) {
        let evidence = format!("Alias {alias} was seen to lead to version {} when the container began.", stay.version);
        let known = Resolved::known(model, stay.version, LineageVerdict::Moved, evidence);
        let after = since.map_or_else(String::new, |since| format!(" {} after it began", span(since.since(began))));
        return known.moved(&format!("{what} moved{after}"), now);
    }
    if let Some(since) = since {
        let why = format!(
            "Alias {alias} moved to version {now} at {since}, after the container began; where it led then was not seen."
        );
        return Resolved::unknown(Some(model), why)
            .moved(&format!("{what} moved {} after it began", span(since.since(began))), now);
    }
    // Whenever the alias was set, it can lead there only since the version is there.
    if let Some(created) = model.version(now).and_then(|version| version.created).filter(|created| *created > began) {
        let why = format!(
            "Alias {alias} leads to version {now}, which was registered at {created}, after the container began."
        );
        return Resolved::unknown(Some(model), why).moved(&format!("{what} moved since it began"), now);
    }
    let why =
        format!("Alias {alias} leads to version {now} now; whether it did when the container began was not seen.");
    Resolved::unknown(Some(model), why)
}

fn by_stage<'a>(model: &'a ModelRow, stage: &SmolStr, began: Stamp) -> Resolved<'a> {
    let is_in = |version: &&VersionRow| version.stage.as_ref().is_some_and(|of| of.eq_ignore_ascii_case(stage));
    let Some(version) = model.versions.iter().find(is_in) else {
        return Resolved::unknown(Some(model), format!("No version of {} is in stage {stage} now.", model.id.name));
    };
    let number = version.number;
    match version.updated {
        Some(updated) if updated <= began => {
            let evidence = format!(
                "Version {number} is the newest in stage {stage}, and was last written before the container began."
            );
            Resolved::known(model, number, LineageVerdict::Current, evidence)
        }
        _ => {
            let why = format!(
                "Version {number} is in stage {stage} now; whether it was when the container began is not kept."
            );
            Resolved::unknown(Some(model), why)
        }
    }
}

fn newest(model: &ModelRow, began: Stamp) -> Resolved<'_> {
    let Some(now) = model.versions.first() else {
        return Resolved::unknown(Some(model), format!("{} has no version now.", model.id.name));
    };
    let then = model.versions.iter().find(|version| version.created.is_some_and(|created| created <= began));
    let Some(then) = then else {
        let why = format!("No version of {} that is there was registered when the container began.", model.id.name);
        return Resolved::unknown(Some(model), why).moved("A version was registered since it began", now.number);
    };
    let evidence = format!("Of the versions that are there {} was the newest when the container began.", then.number);
    if then.number == now.number {
        return Resolved::known(model, then.number, LineageVerdict::Current, evidence);
    }
    let known = Resolved::known(model, then.number, LineageVerdict::Moved, evidence);
    known.moved(&format!("Version {} was registered since it began", now.number), now.number)
}

/// The one model of this name, or why there is not one.
pub(super) fn only<'a>(models: &'a ModelsView, name: &SmolStr) -> Result<&'a ModelRow, String> {
    let all: Vec<&ModelRow> = models.models.rows().iter().filter(|model| model.id.name == *name).collect();
    match all[..] {
        [model] => Ok(model),
        [] => Err(format!("No registry that is connected has a model {name}.")),
        _ => {
            let of: Vec<String> = all.iter().map(|model| format!("that of {}", model.id.source)).collect();
            Err(format!("It may be {}: each has a model {name}.", of.join(" or ")))
        }
    }
}

/// The one version of any model for which something holds.
fn registered<'a>(models: &'a ModelsView, holds: impl Fn(&VersionRow) -> bool, from: &str) -> Resolved<'a> {
    let versions = |model: &'a ModelRow| model.versions.iter().map(move |version| (model, version));
    let rows = models.models.rows().iter().flat_map(versions);
    let all: Vec<(&ModelRow, u64)> =
        rows.filter(|(_, version)| holds(version)).map(|(model, version)| (model, version.number)).collect();
    match all[..] {
        [] => Resolved::unknown(None, format!("No version that is registered was made from {from}.")),
        [(model, number)] => {
            let evidence = format!("{} says that version {number} was registered from {from}.", model.id.source);
            Resolved::known(model, number, LineageVerdict::Pinned, evidence)
        }
        _ => {
            let names: Vec<String> = all.iter().map(|(model, number)| format!("{}/{number}", model.id.name)).collect();
            let first: &ModelId = &all[0].0.id;
            let same = all.iter().all(|(model, _)| model.id == *first).then_some(all[0].0);
            Resolved::unknown(same, format!("It may be {}: each was registered from {from}.", names.join(" or ")))
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
