//! Nodes as lines.

use super::{Drawable, Listed, fleet, status};
use crate::{
    columns::Column,
    picture::{FREE, LOST, NO_DATA, PART, WARN, grouped, legend},
    table::Cell,
};
use pilothouse_chart::{Cells, Fill, Sheet, paper};
use pilothouse_wire::{
    Stamp, View,
    units::{bytes, count, sum},
    view::{NodeRow, Status},
};
use std::borrow::Cow;

impl Listed for NodeRow {
    const WORD: &'static str = "nodes";
    const TITLE: &'static str = "Nodes: share of their GPUs that is held";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("status", "STATUS", |row, _| status(row.status, &row.status_word)),
        Column::usual("node", "NODE", |row, _| Cell::text(&row.id.name)),
        Column::usual("cluster", "CLUSTER", |row, _| Cell::text(row.id.cluster.as_str())),
        Column::roomy("pool", "POOL", |row, _| Cell::some(row.pool.as_deref())),
        Column::roomy("product", "PRODUCT", |row, _| Cell::some(row.product.as_deref())),
        Column::number("held", "HELD", |row, _| of_gpus(row, sum(row.gpus_held()))),
        Column::number("gpus", "GPUS", |row, _| of_gpus(row, count(row.gpus.len() as u64))),
        Column::roomy_number("holders", "HOLDERS", |row, _| Cell::text(sum(row.pods_holding()))),
        Column::number("age", "AGE", |row, moment| moment.ago(row.created)),
        Column::more("memory", "GPU MEMORY", |row, _| {
            Cell::some(row.gpu_memory_mib.map(|mib| bytes(mib.saturating_mul(1024 * 1024))))
        }),
        Column::more("zone", "ZONE", |row, _| Cell::some(row.zone.as_deref())),
        Column::more("type", "TYPE", |row, _| Cell::some(row.instance_type.as_deref())),
        Column::more("kubelet", "KUBELET", |row, _| Cell::some(row.kubelet.as_deref())),
        Column::more("taints", "TAINTS", |row, _| Cell::text(row.taints.join(" "))),
        Column::more("conditions", "CONDITIONS", |row, _| {
            let words = row.conditions.iter().map(|condition| format!("{}={}", condition.kind, condition.status));
            Cell::text(words.collect::<Vec<_>>().join(" "))
        }),
        Column::more("seen", "SEEN", |row, moment| moment.ago(Some(row.seen))),
    ];

    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        fleet(view).map_or(Cow::Borrowed(&[]), |fleet| Cow::Borrowed(fleet.nodes.rows()))
    }
}

impl Drawable for NodeRow {
    /// How much of each is held.
    fn draw(rows: &[&Self], _: &View, mut sheet: Sheet) -> String {
        let pool = |row: &Self| row.pool.as_deref().unwrap_or("no pool label").to_owned();
        let title = |row: &Self| format!("{} › {}", row.id.cluster, pool(row));
        let fill = |row: &Self| match (row.status, row.gpus_held().exact()) {
            (Status::Bad, _) => LOST,
            (Status::Warn, _) => WARN,
            (_, None) => NO_DATA,
            (_, Some(0)) => FREE,
            #[allow(clippy::cast_precision_loss, reason = "GPUs of a node")]
            (_, Some(held)) => Fill::Solid(paper::step(held as f32 / row.gpus.len().max(1) as f32)),
        };
        let groups = grouped(rows, title, |row| row.id.name.to_string(), fill);
        sheet.legend =
            legend(&groups, &[(FREE, "no GPU held"), (WARN, "warning"), (LOST, "lost"), (NO_DATA, "not known")]);
        sheet
            .legend
            .splice(0..0, [(PART, "some held".to_owned()), (Fill::Solid(paper::SCALE[8]), "all held".to_owned())]);
        Cells { sheet, groups, side: 14 }.svg()
    }
}

/// A node without GPUs has none held, which is not the same as 0 of them.
fn of_gpus(row: &NodeRow, number: String) -> Cell {
    if row.gpus.is_empty() { Cell::absent() } else { Cell::text(number) }
}
