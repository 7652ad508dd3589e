//! The columns of a fleet view: what is measured of each GPU, in the order of the view's nodes.

use super::workloads;
use crate::{Measured, World};
use pilothouse_wire::{
    ConnectionId, Metric, PodId, Reading, Readings, Stamp,
    view::{FleetView, Method, Missing, NodeRow, TelemetryView},
};
use std::collections::{BTreeMap, BTreeSet};

/// Gathers the columns for the nodes and workloads of a view.
pub(super) fn gather(world: &World, view: &FleetView) -> TelemetryView {
    let nodes = view.nodes.rows();
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
        workloads: of_workloads(view, &gpus, &metrics),
        nodes: metrics.iter().map(|metric| (*metric, of_nodes(*metric))).collect(),
        columns: metrics.into_iter().map(|metric| (metric, column(metric))).collect(),
        missing: missing.collect(),
        patience_ms: told()
            .map(|(_, telemetry)| u64::try_from(telemetry.patience().as_millis()).unwrap_or(u64::MAX))
            .max()
            .unwrap_or(0),
    }
}

/// For each workload, the GPUs that its pods hold alone, together.
fn of_workloads(
    view: &FleetView,
    gpus: &[Option<Measured<'_>>],
    metrics: &BTreeSet<Metric>,
) -> BTreeMap<Metric, Readings> {
    let rows = view.workloads.rows();
    let mut held: Vec<Vec<Measured<'_>>> = vec![Vec::new(); rows.len()];
    let mut known: Option<(&PodId, Option<usize>)> = None;
    for gpu in view.gpus() {
        // Of a GPU that is shared no split is claimed, even if only one pod is said to have a part of it.
        let alone = gpu.cell().method != Method::Shared && gpu.cell().sharers == 1;
        let Some(holder) = gpu.holder().filter(|_| alone) else { continue };
        let Some(measured) = gpus.get(gpu.at).copied().flatten() else { continue };
        // GPUs of one pod stand side by side: it is looked up once.
        let place = match known {
            Some((pod, place)) if pod == holder => place,
            _ => view.pods.get(holder).and_then(|pod| {
                let workload = workloads::of_row(pod);
                rows.binary_search_by(|row| row.id.cmp(&workload)).ok()
            }),
        };
        known = Some((holder, place));
        if let Some(place) = place {
            held[place].push(measured);
        }
    }
    let column = |metric: Metric| -> Readings {
        held.iter().map(|gpus| metric.together(gpus.iter().map(|gpu| gpu.read(metric)))).collect()
    };
    metrics.iter().map(|metric| (*metric, column(*metric))).collect()
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
