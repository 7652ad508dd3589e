//! GPUs as lines: one a slot, with its node and its holder.

use super::{Listed, fleet, status};
use crate::{columns::Column, table::Cell};
use pilothouse_wire::{
    PodId, SmolStr, View,
    filter::{Record, Value},
    units::bytes,
    view::{FleetView, GpuCell, GpuState, NodeRow, Status},
};
use serde::Serialize;
use std::borrow::Cow;

/// One GPU slot with what it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GpuLine {
    cluster: SmolStr,
    node: SmolStr,
    index: u16,
    state: GpuState,
    status: Status,
    status_word: SmolStr,
    holder: Option<PodId>,
    workload: Option<SmolStr>,
    product: Option<SmolStr>,
    memory_mib: Option<u64>,
    pool: Option<SmolStr>,
    zone: Option<SmolStr>,
}

impl GpuLine {
    fn new(fleet: &FleetView, node: &NodeRow, index: u16, cell: GpuCell) -> Self {
        let (status, status_word) = cell.status(node);
        let holder = cell.holder.and_then(|at| node.holders.get(usize::from(at)));
        Self {
            cluster: node.id.cluster.as_str().into(),
            node: node.id.name.clone(),
            index,
            state: cell.state,
            status,
            status_word,
            workload: holder.and_then(|id| fleet.pods.get(id)).and_then(|pod| pod.workload.clone()),
            holder: holder.cloned(),
            product: node.product.clone(),
            memory_mib: node.gpu_memory_mib,
            pool: node.pool.clone(),
            zone: node.zone.clone(),
        }
    }
}

impl Listed for GpuLine {
    const WORD: &'static str = "gpus";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("state", "STATE", |row, _| status(row.status, &row.status_word)),
        Column::usual("node", "NODE", |row, _| Cell::text(&row.node)),
        Column::number("gpu", "GPU", |row, _| Cell::text(row.index.to_string())),
        Column::usual("cluster", "CLUSTER", |row, _| Cell::text(&row.cluster)),
        Column::roomy("pool", "POOL", |row, _| Cell::some(row.pool.as_deref())),
        Column::roomy("product", "PRODUCT", |row, _| Cell::some(row.product.as_deref())),
        Column::usual("holder", "HOLDER", |row, _| {
            Cell::some(row.holder.as_ref().map(|pod| format!("{}/{}", pod.namespace, pod.name)))
        }),
        Column::roomy("workload", "WORKLOAD", |row, _| Cell::some(row.workload.as_deref())),
        Column::more("memory", "MEMORY", |row, _| {
            Cell::some(row.memory_mib.map(|mib| bytes(mib.saturating_mul(1024 * 1024))))
        }),
        Column::more("zone", "ZONE", |row, _| Cell::some(row.zone.as_deref())),
    ];

    fn rows(view: &View) -> Cow<'_, [Self]> {
        let Some(fleet) = fleet(view) else { return Cow::Borrowed(&[]) };
        let slots =
            fleet.nodes.rows().iter().flat_map(|node| {
                (0_u16..).zip(&node.gpus).map(move |(index, cell)| Self::new(fleet, node, index, *cell))
            });
        Cow::Owned(slots.collect())
    }
}

impl Record for GpuLine {
    const KEYS: &'static [&'static str] =
        &["name", "cluster", "status", "state", "pool", "product", "zone", "holder", "namespace", "workload", "index"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let any = |text: &'_ Option<SmolStr>| text.iter().map(|text| Value::Text(text.to_string().into())).collect();
        Some(match key {
            "name" | "node" => vec![Value::text(&self.node)],
            "cluster" => vec![Value::text(&self.cluster)],
            "status" => vec![Value::text(&self.status_word), Value::text(self.status.alias())],
            "state" => vec![Value::text(self.state.word())],
            "pool" => any(&self.pool),
            "product" => any(&self.product),
            "zone" => any(&self.zone),
            "holder" | "pod" => self.holder.iter().map(|id| Value::text(&id.name)).collect(),
            "namespace" | "ns" => self.holder.iter().map(|id| Value::text(&id.namespace)).collect(),
            "workload" => any(&self.workload),
            "index" => vec![Value::number(usize::from(self.index))],
            _ => return None,
        })
    }
}
