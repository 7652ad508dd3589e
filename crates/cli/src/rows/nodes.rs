//! Nodes as lines.

use super::{Drawable, Listed, fleet, status};
use crate::{columns::Column, picture::grouped, table::Cell};
use pilothouse_chart::{
    Cells, Sheet,
    ink::{Ink, Inks, Legend, Mode},
};
use pilothouse_wire::{
    NodeId, Stamp, View,
    units::{bytes, count, sum},
    view::NodeRow,
};
use std::{borrow::Cow, collections::HashSet};

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

    fn is_whole(view: &View) -> bool {
        super::knows_gpus(view)
    }

    fn rows(view: &View, _: Stamp) -> Cow<'_, [Self]> {
        fleet(view).map_or(Cow::Borrowed(&[]), |fleet| Cow::Borrowed(fleet.nodes.rows()))
    }
}

impl Drawable for NodeRow {
    /// As on a map that is too small for GPUs: how much of each node is held, or what is wrong with it.
    fn draw(rows: &[&Self], view: &View, now: Stamp, mut sheet: Sheet) -> String {
        let View::Fleet(fleet) = view else { return String::new() };
        let wanted: HashSet<&NodeId> = rows.iter().map(|row| &row.id).collect();
        let inks = Inks::new(Mode::Allocation, fleet, now);
        let mut first = 0;
        let mut cells: Vec<(&Self, Ink)> = Vec::with_capacity(rows.len());
        for (at, node) in fleet.nodes.rows().iter().enumerate() {
            if wanted.contains(&node.id) {
                cells.push((node, inks.of_node(at, first)));
            }
            first += node.gpus.len();
        }
        let drawn: Vec<Ink> = cells.iter().map(|(_, ink)| *ink).collect();
        sheet.legend = Legend::of(&drawn, false, false).on_paper(Mode::Allocation);
        let pool = |row: &Self| row.pool.as_deref().unwrap_or("no pool label").to_owned();
        let title = |(row, _): &(&Self, Ink)| format!("{} › {}", row.id.cluster, pool(row));
        let groups = grouped(&cells, title, |(row, _)| row.id.name.to_string(), |(_, ink)| ink.fill());
        Cells { sheet, groups, side: 14 }.svg()
    }
}

/// A node without GPUs has none held, which is not the same as 0 of them.
fn of_gpus(row: &NodeRow, number: String) -> Cell {
    if row.gpus.is_empty() { Cell::absent() } else { Cell::text(number) }
}
