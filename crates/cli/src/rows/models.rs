//! Registered models, and the versions of one, as lines.

use super::{Listed, tone};
use crate::{columns::Column, table::Cell};
use pilothouse_wire::{
    SmolStr, Stamp, View, ViewSpec,
    units::count,
    view::{AliasRow, ModelRow, ModelsSpec, ModelsView, VersionLine},
};
use std::borrow::Cow;

fn models(view: &View) -> Option<&ModelsView> {
    if let View::Models(models) = view { Some(models) } else { None }
}

fn tags(of: &[(SmolStr, SmolStr)]) -> Cell {
    Cell::text(of.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" "))
}

impl Listed for ModelRow {
    const WORD: &'static str = "models";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("model", "MODEL", |row, _| Cell::text(&row.id.name)),
        Column::usual("registry", "REGISTRY", |row, _| Cell::text(row.id.source.as_str())),
        Column::number("versions", "VERSIONS", |row, _| Cell::text(count(row.versions.len() as u64 + row.more))),
        Column::number("latest", "LATEST", |row, _| {
            Cell::some(row.versions.first().map(|version| version.number.to_string()))
        }),
        Column::usual("aliases", "ALIASES", |row, _| {
            let alias = |alias: &AliasRow| format!("@{} {}", alias.name, alias.version);
            Cell::text(row.aliases.iter().map(alias).collect::<Vec<_>>().join(", "))
        }),
        Column::number("updated", "UPDATED", |row, moment| moment.ago(row.updated)),
        Column::roomy("tags", "TAGS", |row, _| tags(&row.tags)),
        Column::more("created", "CREATED", |row, moment| moment.ago(row.created)),
        Column::more("description", "DESCRIPTION", |row, _| Cell::some(row.description.as_deref())),
    ];

    fn spec() -> ViewSpec {
        ViewSpec::Models(ModelsSpec::default())
    }

    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        models(view).map_or(Cow::Borrowed(&[]), |models| Cow::Borrowed(models.models.rows()))
    }
}

impl Listed for VersionLine {
    const WORD: &'static str = "versions";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("status", "STATUS", |line, _| {
            let readiness = line.version.readiness;
            Cell::text(readiness.word()).tone(tone(readiness.status()))
        }),
        Column::usual("model", "MODEL", |line, _| Cell::text(&line.model.name)),
        Column::number("version", "VERSION", |line, _| Cell::text(line.version.number.to_string())),
        Column::usual("aliases", "ALIASES", |line, moment| {
            let alias = |alias: &AliasRow| match alias.since {
                Some(since) => {
                    format!("@{} for {}", alias.name, pilothouse_wire::units::age(moment.now.since(since)))
                }
                None => format!("@{}", alias.name),
            };
            Cell::text(line.aliases.iter().map(alias).collect::<Vec<_>>().join(", "))
        }),
        Column::roomy("stage", "STAGE", |line, _| Cell::text(line.version.stage.as_deref().unwrap_or_default())),
        Column::number("registered", "REGISTERED", |line, moment| moment.ago(line.version.created)),
        Column::usual("run", "RUN", |line, _| Cell::some(line.version.run.as_deref())),
        Column::roomy("tags", "TAGS", |line, _| tags(&line.version.tags)),
        Column::more("source", "SOURCE", |line, _| Cell::some(line.version.source.as_deref())),
        Column::more("user", "USER", |line, _| Cell::some(line.version.user.as_deref())),
        Column::more("registry", "REGISTRY", |line, _| Cell::text(line.model.source.as_str())),
        Column::more("logged", "LOGGED MODEL", |line, _| Cell::some(line.version.model.as_deref())),
        Column::more("message", "MESSAGE", |line, _| Cell::some(line.version.message.as_deref())),
        Column::more("description", "DESCRIPTION", |line, _| Cell::some(line.version.description.as_deref())),
    ];

    fn spec() -> ViewSpec {
        ViewSpec::Models(ModelsSpec::default())
    }

    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        let Some(models) = models(view) else { return Cow::Borrowed(&[]) };
        Cow::Owned(models.models.rows().iter().flat_map(VersionLine::of).collect())
    }
}
