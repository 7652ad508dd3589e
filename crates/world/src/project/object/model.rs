//! A registered model in the inspector.

use super::{Part, field, mono};
use crate::{World, model};
use pilothouse_wire::{
    ModelId, SmolStr,
    view::{FieldRow, Status, VersionRow},
};

/// Versions that are listed: the newest, and those that an alias leads to.
const VERSIONS: usize = 12;

pub(super) fn part(world: &World, id: &ModelId) -> Option<Part> {
    let row = model::find(world, id)?;
    let worst = row.versions.first().map_or(Status::Unknown, |newest| newest.readiness.status());
    let mut identity = vec![
        field("Registry", Some(id.source.to_string())),
        field("Registered", row.created.map(|at| at.to_string())),
        field("Description", row.description.clone()),
    ];
    identity.extend(row.tags.iter().map(|(key, value)| FieldRow {
        label: key.clone(),
        value: Some(value.to_string()),
        mono: true,
        link: None,
    }));
    let aliases = row.aliases.iter().map(|alias| {
        let since = alias.since.map_or_else(String::new, |since| format!(", since {since}"));
        FieldRow {
            label: SmolStr::from(format!("@{}", alias.name)),
            value: Some(format!("version {}{since}", alias.version)),
            mono: false,
            link: None,
        }
    });
    let versions = row.versions.iter().take(VERSIONS).map(version_row);
    Some(Part {
        status: worst,
        status_word: row.versions.first().map_or("no version", |newest| newest.readiness.word()).into(),
        identity,
        findings: Vec::new(),
        holding: aliases.chain(versions).collect(),
        regarding: None,
        around: Vec::new(),
    })
}

fn version_row(version: &VersionRow) -> FieldRow {
    let stage = version.stage.as_ref().map(|stage| format!(", {stage}")).unwrap_or_default();
    let row = mono("", Some(format!("{}{stage}", version.readiness.word())));
    FieldRow { label: SmolStr::from(format!("Version {}", version.number)), mono: false, ..row }
}
