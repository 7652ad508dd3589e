//! The table of the alerts.

use super::sorting::span;
use crate::parts::table::{
    cell::{Cell, Column, RowModel},
    order::{Key, SortKey},
};
use pilothouse_wire::{ObjectRef, view::AlertRow};

/// Columns of the alerts.
pub const ALERTS: &[Column] = &[
    Column::text("state", "State", "minmax(96px, 0.7fr)"),
    Column::text("alert", "Alert", "minmax(160px, 1.4fr)"),
    Column::text("severity", "Severity", "minmax(84px, 0.6fr)"),
    Column::number("since", "For", "minmax(88px, 0.5fr)"),
    Column::text("about", "About", "minmax(160px, 1.4fr)"),
    Column::text("summary", "Summary", "minmax(280px, 3.2fr)"),
    Column::text("source", "Source", "minmax(96px, 0.8fr)"),
];

/// An alert as a row.
#[must_use]
pub fn alert_row(alert: &AlertRow) -> RowModel {
    let text = |text: Option<&str>| text.map_or(Cell::Absent, |text| Cell::Text(text.into()));
    let about = alert.about.as_ref().map(|object| format!("{} {}", object.kind_word(), object.name()));
    let cells = vec![
        Cell::Status(alert.status, alert.state.word().into()),
        Cell::Name(alert.id.name.clone()),
        alert.severity.as_ref().map_or(Cell::Absent, |word| Cell::Soft(word.clone())),
        Cell::Since(alert.since, false),
        text(about.as_deref()),
        text(alert.summary.as_deref()),
        Cell::Soft(alert.id.source.as_str().into()),
    ];
    RowModel { object: ObjectRef::Alert(Box::new(alert.id.clone())), cells, stale: false }
}

/// What an alert is sorted by: the worst first, and of what nobody is told last.
#[must_use]
pub fn alert_key(alert: &AlertRow, column: &'static str) -> Key {
    match column {
        "alert" => SortKey::Text(&alert.id.name).into(),
        "severity" => alert.severity.as_ref().map_or(Key::Absent, |word| SortKey::Text(word).into()),
        "since" => span(Some(alert.since)),
        "about" => alert.about.as_ref().map_or(Key::Absent, |object| SortKey::Text(&object.name()).into()),
        "summary" => alert.summary.as_ref().map_or(Key::Absent, |text| SortKey::Text(text).into()),
        "source" => SortKey::Text(alert.id.source.as_str()).into(),
        _ => Key::ranked(
            f64::from(alert.status as u8) + if alert.state.is_told() { 1.0 } else { 10.0 },
            &alert.id.name,
        ),
    }
}
