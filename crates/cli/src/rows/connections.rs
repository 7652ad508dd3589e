//! Connections as lines.

use super::Listed;
use crate::{columns::Column, out::Tone, table::Cell};
use pilothouse_wire::{
    Health, Stamp, View, ViewSpec,
    filter::{Record, Value},
    units::count,
    view::ConnectionRow,
};
use serde::Serialize;
use std::borrow::Cow;

/// One connection.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct ConnectionLine(pub ConnectionRow);

impl Listed for ConnectionLine {
    const WORD: &'static str = "connections";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("health", "HEALTH", |Self(row), _| Cell::text(row.health.word()).tone(tone(&row.health))),
        Column::usual("id", "ID", |Self(row), _| Cell::text(row.id.as_str())),
        Column::usual("kind", "KIND", |Self(row), _| Cell::text(&row.kind)),
        Column::usual("version", "VERSION", |Self(row), _| Cell::some(row.version.as_deref())),
        Column::roomy("address", "ADDRESS", |Self(row), _| Cell::some(row.address.as_deref())),
        Column::roomy("identity", "IDENTITY", |Self(row), _| Cell::some(row.identity.as_deref())),
        Column::number("heard", "HEARD", |Self(row), moment| moment.ago(row.heard)),
        Column::roomy_number("facts", "FACTS", |Self(row), _| Cell::text(count(row.facts))),
        Column::more("name", "NAME", |Self(row), _| Cell::text(&row.name)),
        Column::more("dropped", "DROPPED", |Self(row), _| Cell::text(count(row.dropped))),
        Column::more("may", "MAY", |Self(row), _| Cell::text(row.may.join(", "))),
        Column::more("may_not", "MAY NOT", |Self(row), _| Cell::text(row.may_not.join(", "))),
        Column::more("problem", "PROBLEM", |Self(row), _| {
            Cell::some(row.health.problem().map(|problem| problem.what.as_str()))
        }),
    ];

    fn spec() -> ViewSpec {
        ViewSpec::Connections
    }

    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        match view {
            View::Connections(view) => Cow::Owned(view.rows.rows().iter().cloned().map(Self).collect()),
            _ => Cow::Borrowed(&[]),
        }
    }
}

fn tone(health: &Health) -> Tone {
    match health {
        Health::Idle | Health::Paused => Tone::Soft,
        Health::Starting { .. } => Tone::Progress,
        Health::Well => Tone::Good,
        Health::Partial(_) | Health::Slow(_) => Tone::Warn,
        Health::Lost(_) => Tone::Bad,
    }
}

impl Record for ConnectionLine {
    const KEYS: &'static [&'static str] = &["name", "id", "kind", "health", "version", "address", "identity", "facts"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let Self(row) = self;
        let any = |text: &Option<String>| text.iter().map(|text| Value::Text(text.clone().into())).collect();
        Some(match key {
            "name" => vec![Value::text(&row.name)],
            "id" => vec![Value::text(row.id.as_str())],
            "kind" => vec![Value::text(&row.kind)],
            "health" => vec![Value::text(row.health.word())],
            "version" => any(&row.version),
            "address" => any(&row.address),
            "identity" => any(&row.identity),
            "facts" => vec![Value::number(usize::try_from(row.facts).unwrap_or(usize::MAX))],
            _ => return None,
        })
    }
}
