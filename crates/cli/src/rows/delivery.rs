//! Services as lines: how far each is on its way to its next revision.

use super::{Listed, status};
use crate::{columns::Column, out::Tone, table::Cell};
use pilothouse_wire::{
    Stamp, View, ViewSpec,
    units::count,
    view::{DeliveryRow, FleetSpec, delivery::AnalysisVerdict},
};
use std::borrow::Cow;

impl Listed for DeliveryRow {
    const WORD: &'static str = "services";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("phase", "PHASE", |row, _| status(row.status, row.phase.word())),
        Column::usual("name", "SERVICE", |row, _| Cell::text(&row.name)),
        Column::usual("kind", "KIND", |row, _| Cell::text(&row.kind)),
        Column::usual("cluster", "CLUSTER", |row, _| Cell::text(row.cluster().as_str())),
        Column::usual("namespace", "NAMESPACE", |row, _| Cell::text(&row.namespace)),
        Column::usual("strategy", "STRATEGY", |row, _| Cell::text(&row.strategy)),
        Column::number("step", "STEP", |row, _| Cell::some(row.step_words())),
        Column::number("wanted-weight", "WANTED", |row, _| Cell::text(row.wanted_words())),
        Column::number("weight", "ACTUAL", |row, _| Cell::text(row.traffic.words(row.traffic.actual))),
        Column::number("ready", "READY", |row, _| ready(row)),
        Column::number("gpus", "GPUS", |row, _| Cell::some(row.has_pods().then(|| count(row.gpus)))),
        Column::usual("analysis", "ANALYSIS", |row, _| analysis(row)),
        Column::roomy_number("for", "FOR", |row, moment| moment.ago(row.since)),
        Column::roomy("why", "WHY", |row, moment| {
            let old = row.is_old(moment.now).map(|old| Cell::text(old).tone(Tone::Warn));
            old.unwrap_or_else(|| Cell::some(row.why.as_deref()))
        }),
        Column::roomy("shares", "TRAFFIC", |row, _| Cell::some(row.share_words())),
        Column::roomy("team", "TEAM", |row, _| Cell::some(row.team.as_deref())),
        Column::roomy("guard", "KEPT BY", |row, _| Cell::some(row.guard.as_ref().map(|guard| guard.words()))),
        Column::more("sync", "SYNC", |row, _| Cell::some(row.kept.as_ref().map(|kept| kept.state()))),
        Column::more("kept-from", "KEPT FROM", |row, _| Cell::some(row.kept.as_ref().map(|kept| kept.place()))),
        Column::more("revision", "REVISION", |row, _| Cell::some(row.revision.map(|number| number.to_string()))),
        Column::more("stable", "STABLE", |row, _| Cell::some(row.stable.map(|number| number.to_string()))),
        Column::more("revisions", "REVISIONS", |row, _| Cell::text(row.revisions.to_string())),
        Column::more("step-name", "STEP NAME", |row, _| {
            Cell::some(row.step.as_ref().and_then(|step| step.words.as_deref()))
        }),
        Column::more("router", "ROUTER", |row, _| Cell::some(row.router.as_deref())),
        Column::more("images", "IMAGES", |row, _| Cell::text(row.images.join(" "))),
        Column::more("age", "AGE", |row, moment| moment.ago(row.created)),
    ];

    fn spec() -> ViewSpec {
        ViewSpec::Delivery(FleetSpec::default())
    }

    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        match view {
            View::Delivery(delivery) => Cow::Borrowed(delivery.rows.rows()),
            _ => Cow::Borrowed(&[]),
        }
    }

    fn is_whole(view: &View) -> bool {
        matches!(view, View::Delivery(delivery) if delivery.reading.is_empty())
    }
}

/// Pods that are ready, of those that are wanted.
pub fn ready(row: &DeliveryRow) -> Cell {
    if !row.has_pods() {
        return Cell::absent();
    }
    let wanted = row.wanted.map_or_else(|| "—".to_owned(), count);
    Cell::text(format!("{}/{wanted}", count(row.ready)))
}

/// What became of the newest analysis; a word that is disputed says so.
fn analysis(row: &DeliveryRow) -> Cell {
    let Some(verdict) = row.analysis else { return Cell::absent() };
    let word = if row.disputed { format!("{}, disputed", verdict.word()) } else { verdict.word().to_owned() };
    let tone = match verdict {
        AnalysisVerdict::Passed if row.disputed => Tone::Warn,
        verdict => super::tone(verdict.status()),
    };
    Cell::text(word).tone(tone)
}
