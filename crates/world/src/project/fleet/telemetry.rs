//! The columns of a fleet view: what is measured of each GPU, in the order of the view's nodes.

use crate::{Measured, World};
use pilothouse_wire::{
    ConnectionId, Metric, Reading, Readings, Stamp,
    view::{Missing, NodeRow, TelemetryView},
};
use std::collections::{BTreeMap, BTreeSet};

/// Gathers the columns for these nodes.
pub(super) fn gather(world: &World, nodes: &[NodeRow]) -> TelemetryView {
    let gpus: Vec<Option<Measured<'_>>> = nodes.iter().flat_map(|node| measured_of(world, node)).collect();
    let sources: BTreeSet<&ConnectionId> =
        nodes.iter().flat_map(|node| &node.devices).filter_map(|device| device.source.as_ref()).collect();
    if sources.is_empty() {
        return TelemetryView::default();
    }
    let told = || sources.iter().filter_map(|id| Some((*id, &world.source(id)?.telemetry)));
    let mut metrics: BTreeSet<Metric> = told().flat_map(|(_, telemetry)| telemetry.metrics()).collect();
    if metrics.contains(&Metric::MemoryUsed) && metrics.contains(&Metric::MemoryTotal) {
        metrics.insert(Metric::MemoryUse);
    }
    let column =
        |metric| -> Readings { gpus.iter().map(|gpu| gpu.map_or(Reading::ABSENT, |gpu| gpu.read(metric))).collect() };
    let of_nodes = |metric: Metric| -> Readings {
        let mut rest = gpus.as_slice();
        nodes
            .iter()
            .map(|node| {
                let (own, later) = rest.split_at(node.gpus.len().min(rest.len()));
                rest = later;
                metric.together(own.iter().flatten().map(|gpu| gpu.read(metric)))
            })
            .collect()
    };
    let missing = told().flat_map(|(id, telemetry)| {
        telemetry.missing.iter().map(|missing| Missing {
            source: id.clone(),
            metric: missing.metric,
            why: missing.why.clone(),
            next: missing.next.clone(),
        })
    });
    TelemetryView {
        times: gpus.iter().map(|gpu| gpu.and_then(Measured::at)).collect::<Vec<Option<Stamp>>>().into_iter().collect(),
        nodes: metrics.iter().map(|metric| (*metric, of_nodes(*metric))).collect(),
        columns: metrics.into_iter().map(|metric| (metric, column(metric))).collect(),
        missing: missing.collect(),
        patience_ms: told()
            .map(|(_, telemetry)| u64::try_from(telemetry.patience().as_millis()).unwrap_or(u64::MAX))
            .max()
            .unwrap_or(0),
    }
}

/// One entry for each cell of a node.
fn measured_of<'a>(world: &'a World, node: &NodeRow) -> Vec<Option<Measured<'a>>> {
    let mut cells = vec![None; node.gpus.len()];
    let source = node.devices.iter().find_map(|device| device.source.as_ref());
    let Some(telemetry) = source.and_then(|id| world.source(id)).map(|source| &source.telemetry) else { return cells };
    let by_uuid: BTreeMap<&str, Measured<'a>> =
        telemetry.of_node(&node.id.name).map(|gpu| (gpu.device().uuid.as_str(), gpu)).collect();
    for (cell, device) in cells.iter_mut().zip(&node.devices) {
        *cell = by_uuid.get(device.uuid.as_str()).copied();
    }
    cells
}
