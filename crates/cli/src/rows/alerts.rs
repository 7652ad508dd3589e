//! Alerts as lines: what fires, since when, about what.

use super::{Listed, fleet, tone};
use crate::{columns::Column, table::Cell};
use pilothouse_wire::{
    Stamp, View,
    view::{AlertRow, alert::worst_first},
};
use std::borrow::Cow;

impl Listed for AlertRow {
    const WORD: &'static str = "alerts";
    const NONE: Option<&'static str> = Some(
        "No alert fires that is seen here. Alerts come from an Alertmanager: pilothouse connect add alertmanager --url \
         https://alertmanager.example.com connects one.",
    );

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("state", "STATE", |row, _| Cell::text(row.state.word()).tone(tone(row.status))),
        Column::usual("alert", "ALERT", |row, _| Cell::text(&row.id.name)),
        Column::usual("severity", "SEVERITY", |row, _| Cell::some(row.severity.as_deref())),
        Column::number("for", "FOR", |row, moment| moment.ago(Some(row.since))),
        Column::usual("about", "ABOUT", |row, _| {
            Cell::some(row.about.as_ref().map(|object| format!("{} {}", object.kind_word(), object.name())))
        }),
        Column::usual("summary", "SUMMARY", |row, _| Cell::some(row.summary.as_deref())),
        Column::roomy("source", "SOURCE", |row, _| Cell::text(row.id.source.as_str())),
        Column::more("since", "SINCE", |row, _| Cell::text(row.since.to_string())),
        Column::more("labels", "LABELS", |row, _| {
            let labels = row.labels.iter().map(|(name, value)| format!("{name}={value}"));
            Cell::text(labels.collect::<Vec<_>>().join(" "))
        }),
        Column::more("runbook", "RUNBOOK", |row, _| Cell::some(row.runbook.as_deref())),
        Column::more("fingerprint", "FINGERPRINT", |row, _| Cell::text(&row.id.fingerprint)),
    ];

    /// The worst first; of what nobody is told, last.
    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        let Some(fleet) = fleet(view) else { return Cow::Borrowed(&[]) };
        let told = worst_first(&fleet.alerts).into_iter().cloned();
        let quiet = fleet.alerts.rows().iter().filter(|alert| !alert.state.is_told()).cloned();
        Cow::Owned(told.chain(quiet).collect())
    }
}
