//! Tags of registries as lines: at which digest each stands, since when, and what it is.

use super::Listed;
use crate::{columns::Column, out::Tone, table::Cell};
use pilothouse_wire::{Stamp, View, ViewSpec, artifact::short_digest, units::bytes, view::TagRow};
use std::borrow::Cow;

impl Listed for TagRow {
    const WORD: &'static str = "tags";
    const NONE: Option<&'static str> =
        Some("No tag is watched: pilothouse connect add oci --url https://registry.example.com connects a registry.");

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("repository", "REPOSITORY", |row, _| Cell::text(&row.id.repository)),
        Column::usual("tag", "TAG", |row, _| Cell::text(&row.id.tag)),
        Column::usual("digest", "DIGEST", |row, _| Cell::text(short_digest(&row.digest))),
        Column::number("for", "FOR", |row, moment| moment.ago(Some(row.since))),
        Column::usual("moved", "MOVED FROM", |row, _| {
            Cell::some(row.from.as_deref().map(short_digest)).tone(Tone::Progress)
        }),
        Column::usual("kind", "KIND", |row, _| Cell::text(row.kind.words())),
        Column::number("size", "SIZE", |row, _| Cell::some(row.size.map(bytes))),
        Column::roomy("source", "SOURCE", |row, _| Cell::text(row.id.source.as_str())),
        Column::more("created", "CREATED", |row, _| Cell::some(row.created.map(|at| at.to_string()))),
        Column::more("whole", "WHOLE DIGEST", |row, _| Cell::text(&row.digest)),
    ];

    fn spec() -> ViewSpec {
        ViewSpec::Artifacts
    }

    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        match view {
            View::Artifacts(artifacts) => Cow::Borrowed(artifacts.tags.rows()),
            _ => Cow::Borrowed(&[]),
        }
    }
}
