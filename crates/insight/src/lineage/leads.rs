//! Where the address of a model leads now: what a container that starts anew gets.

use super::model::{only, resolve};
use pilothouse_wire::{
    ModelAddress, ModelUri, SmolStr,
    model_uri::AddressPlace,
    units::count,
    view::{ModelRow, ModelsView, VersionRow},
};

/// Where an address leads now.
pub(crate) enum Leads<'a> {
    /// To this version; how that is known.
    To(&'a ModelRow, u64, String),
    /// To this version, which is not among those that are read of the model: its registry may have it all the same.
    Unlisted(&'a ModelRow, u64),
    /// To none: its registry has the model, and no such alias or stage.
    Nowhere(String),
    /// Nobody can say, and why.
    Unknown(String),
}

/// Follows an address as of now.
pub(crate) fn leads<'a>(uri: &ModelUri, text: &SmolStr, models: &'a ModelsView) -> Leads<'a> {
    if models.models.is_empty() {
        return Leads::Unknown("No registry of models is read.".to_owned());
    }
    let (ModelUri::Version(name, _) | ModelUri::Alias(name, _) | ModelUri::Latest(name) | ModelUri::Stage(name, _)) =
        uri
    else {
        // What names a run, a logged model or a place in a store leads to the same now as ever.
        let found = resolve(&ModelAddress { text: text.clone(), place: AddressPlace::Argument }, None, models);
        return match (found.model, found.version) {
            (Some(model), Some(version)) => Leads::To(model, version, found.evidence),
            _ => Leads::Unknown(found.evidence),
        };
    };
    let model = match only(models, name) {
        Ok(model) => model,
        Err(why) => return Leads::Unknown(why),
    };
    let registry = &model.id.source;
    let stage_of =
        |version: &&VersionRow, stage: &str| version.stage.as_deref().is_some_and(|of| of.eq_ignore_ascii_case(stage));
    let found = match uri {
        ModelUri::Version(_, number) if model.version(*number).is_none() => return Leads::Unlisted(model, *number),
        ModelUri::Version(_, number) => Some(*number),
        ModelUri::Alias(_, alias) => model.aliases.iter().find(|row| row.name == *alias).map(|row| row.version),
        ModelUri::Stage(_, stage) => {
            model.versions.iter().find(|version| stage_of(version, stage)).map(|version| version.number)
        }
        _ => model.versions.first().map(|version| version.number),
    };
    match found {
        Some(version) => {
            Leads::To(model, version, format!("{registry} says that {text} leads to version {version} now."))
        }
        // One that is not read may have the stage.
        None if matches!(uri, ModelUri::Stage(..)) && model.more > 0 => Leads::Unknown(format!(
            "None of the {} versions that are read of {name} has that stage; {} more are not read.",
            count(model.versions.len() as u64),
            count(model.more)
        )),
        None => Leads::Nowhere(format!("{registry} says that {text} leads to no version now.")),
    }
}
