//! Nodes as lines.

use super::{Drawable, Listed, fleet, measured::Measured, status};
use crate::{columns::Column, picture::grouped, table::Cell};
use pilothouse_chart::{
    Cells, Sheet,
    ink::{Ink, Inks, Legend, Mode},
};
use pilothouse_wire::{
    Metric, NodeId, Stamp, View,
    filter::{Record, Value},
    units::{bytes, count, sum},
    view::{NodeAt, NodeRow},
};
use serde::Serialize;
use std::{borrow::Cow, collections::HashSet};

/// A node as it is shown, with what is measured of its GPUs together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeLine {
    /// With the worst of its own status and of what findings say of it.
    #[serde(flatten)]
    row: NodeRow,
    #[serde(flatten)]
    measured: Measured,
}

impl Listed for NodeLine {
    const WORD: &'static str = "nodes";
    const TITLE: &'static str = "Nodes: share of their GPUs that is held";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("status", "STATUS", |Self { row, .. }, _| status(row.status, &row.status_word)),
        Column::usual("node", "NODE", |Self { row, .. }, _| Cell::text(&row.id.name)),
        Column::usual("cluster", "CLUSTER", |Self { row, .. }, _| Cell::text(row.id.cluster.as_str())),
        Column::roomy("pool", "POOL", |Self { row, .. }, _| Cell::some(row.pool.as_deref())),
        Column::roomy("product", "PRODUCT", |Self { row, .. }, _| Cell::some(row.product.as_deref())),
        Column::number("held", "HELD", |Self { row, .. }, _| of_gpus(row, sum(row.gpus_held()))),
        Column::number("gpus", "GPUS", |Self { row, .. }, _| of_gpus(row, count(row.gpus.len() as u64))),
        Column::number("tensor", "TENSOR", |line, _| line.measured.show(Metric::TensorActive)),
        Column::roomy_number("util", "UTIL", |line, _| line.measured.show(Metric::Utilisation)),
        Column::roomy_number("power", "POWER", |line, _| line.measured.show(Metric::Power)),
        Column::roomy_number("temp", "MAX TEMP", |line, _| line.measured.show(Metric::Temperature)),
        Column::roomy_number("holders", "HOLDERS", |Self { row, .. }, _| Cell::text(sum(row.pods_holding()))),
        Column::number("age", "AGE", |Self { row, .. }, moment| moment.ago(row.created)),
        Column::more("measured", "MEASURED", |line, moment| moment.ago(line.measured.at())),
        Column::more("memory", "GPU MEMORY", |Self { row, .. }, _| {
            Cell::some(row.gpu_memory_mib.map(|mib| bytes(mib.saturating_mul(1024 * 1024))))
        }),
        Column::more("zone", "ZONE", |Self { row, .. }, _| Cell::some(row.zone.as_deref())),
        Column::more("type", "TYPE", |Self { row, .. }, _| Cell::some(row.instance_type.as_deref())),
        Column::more("kubelet", "KUBELET", |Self { row, .. }, _| Cell::some(row.kubelet.as_deref())),
        Column::more("taints", "TAINTS", |Self { row, .. }, _| Cell::text(row.taints.join(" "))),
        Column::more("conditions", "CONDITIONS", |Self { row, .. }, _| {
            let words = row.conditions.iter().map(|condition| format!("{}={}", condition.kind, condition.status));
            Cell::text(words.collect::<Vec<_>>().join(" "))
        }),
        Column::more("seen", "SEEN", |Self { row, .. }, moment| moment.ago(Some(row.seen))),
    ];

    fn is_whole(view: &View) -> bool {
        super::knows_gpus(view)
    }

    fn rows(view: &View, now: Stamp) -> Cow<'_, [Self]> {
        let Some(fleet) = fleet(view) else { return Cow::Borrowed(&[]) };
        let telemetry = &fleet.telemetry;
        let lines = fleet.nodes_at(now).map(|NodeAt { row, at, .. }| {
            let (status, status_word) = fleet.node_status(row);
            let measured = Measured::new(
                telemetry.nodes.keys().map(|metric| (*metric, telemetry.read_node(*metric, at))),
                telemetry.of_nodes.times.get(at),
                telemetry.node_is_stale(at, now),
            );
            Self { row: NodeRow { status, status_word, ..row.clone() }, measured }
        });
        Cow::Owned(lines.collect())
    }
}

impl Record for NodeLine {
    const KEYS: &'static [&'static str] = NodeAt::KEYS;

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        // The row has the status that is shown.
        self.row.values(key).or_else(|| self.measured.values(key))
    }
}

impl Drawable for NodeLine {
    /// As on a map that is too small for GPUs: how much of each node is held, or what is wrong with it.
    fn draw(rows: &[&Self], view: &View, now: Stamp, mut sheet: Sheet) -> String {
        let View::Fleet(fleet) = view else { return String::new() };
        let wanted: HashSet<&NodeId> = rows.iter().map(|line| &line.row.id).collect();
        let inks = Inks::new(Mode::Allocation, fleet, now);
        let mut first = 0;
        let mut cells: Vec<(&NodeRow, Ink)> = Vec::with_capacity(rows.len());
        for (at, node) in fleet.nodes.rows().iter().enumerate() {
            if wanted.contains(&node.id) {
                cells.push((node, inks.of_node(at, first)));
            }
            first += node.gpus.len();
        }
        let drawn: Vec<Ink> = cells.iter().map(|(_, ink)| *ink).collect();
        sheet.legend = Legend::of(&drawn, false, false).on_paper(Mode::Allocation);
        let pool = |row: &NodeRow| row.pool.as_deref().unwrap_or("no pool label").to_owned();
        let title = |(row, _): &(&NodeRow, Ink)| format!("{} › {}", row.id.cluster, pool(row));
        let groups = grouped(&cells, title, |(row, _)| row.id.name.to_string(), |(_, ink)| ink.fill());
        Cells { sheet, groups, side: 14 }.svg()
    }
}

/// A node without GPUs has none held, which is not the same as 0 of them.
fn of_gpus(row: &NodeRow, number: String) -> Cell {
    if row.gpus.is_empty() { Cell::absent() } else { Cell::text(number) }
}
