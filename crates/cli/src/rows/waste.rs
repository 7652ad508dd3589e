//! Waste as lines: whose GPUs do nothing, since when, and how sure that is.

use super::{Drawable, Listed};
use crate::{
    columns::Column,
    out::Tone,
    picture::{FREE, WASTED, bars},
    table::Cell,
};
use pilothouse_chart::{Bar, Sheet};
use pilothouse_wire::{
    Stamp, View, ViewSpec,
    units::{count, number},
    view::{FleetSpec, Verdict, WasteItem},
};
use std::borrow::Cow;

impl Listed for WasteItem {
    const WORD: &'static str = "waste";
    const TITLE: &'static str = "Waste: GPUs that do nothing, or less than they could";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("rule", "RULE", |item, _| Cell::text(item.id.rule.words())),
        Column::usual("verdict", "IS IT", |item, _| {
            let tone = if item.id.verdict == Verdict::Yes { Tone::Warn } else { Tone::Soft };
            Cell::text(item.id.verdict.words()).tone(tone)
        }),
        Column::usual("cluster", "CLUSTER", |item, _| Cell::text(item.id.object.connection().as_str())),
        Column::usual("namespace", "NAMESPACE", |item, _| Cell::some(item.namespace.as_deref())),
        Column::roomy("team", "TEAM", |item, _| Cell::some(item.team.as_deref())),
        Column::usual("workload", "WORKLOAD", |item, _| {
            Cell::some(item.workload.clone().or_else(|| item.id.pool.clone()).as_deref())
        }),
        Column::number("gpus", "GPUS", |item, _| Cell::text(count(item.gpus))),
        Column::number("since", "FOR", |item, moment| moment.ago(item.since)),
        Column::number("hours", "GPU-HOURS", |item, _| Cell::some(item.gpu_hours.map(|hours| number(hours, 1)))),
        Column::usual("reason", "WHY", |item, _| Cell::text(&item.reason)),
        Column::more("evidence", "MEASURED", |item, _| Cell::text(&item.evidence)),
    ];

    fn spec() -> ViewSpec {
        ViewSpec::Waste(FleetSpec::default())
    }

    /// A GPU that a claim gives out and that is not told yet is nobody's, and seems wasted.
    fn rests_on() -> Option<fn(&View) -> bool> {
        Some(super::knows_gpus)
    }

    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        match view {
            View::Waste(waste) => Cow::Borrowed(waste.items.rows()),
            _ => Cow::Borrowed(&[]),
        }
    }
}

impl Drawable for WasteItem {
    /// GPUs that are wasted, and of which nobody can tell.
    #[allow(clippy::cast_precision_loss, reason = "GPUs")]
    fn draw(rows: &[&Self], _: &View, _: Stamp, mut sheet: Sheet) -> String {
        sheet.legend = vec![(WASTED, "wasted".into()), (FREE, "cannot tell".into())];
        let bar = |item: &&Self| {
            let fill = if item.id.verdict == Verdict::Yes { WASTED } else { FREE };
            let hours = item.gpu_hours.map(|hours| format!(", {} GPU-hours", number(hours, 1)));
            Bar {
                label: format!("{}: {}", item.id.rule.words(), item.id.object.name()),
                parts: vec![(item.gpus as f64, fill)],
                value: format!("{} GPUs{}", count(item.gpus), hours.unwrap_or_default()),
            }
        };
        bars(rows.iter().map(bar).collect(), "GPUs", sheet)
    }
}
