//! The columns of a fleet view: what is measured of each GPU, in the order of the view's nodes.

use super::workloads;
use crate::{Telemetry, World};
use pilothouse_wire::{
    ConnectionId, Metric, PodId, Reading, Readings, Stamp,
    view::{FleetView, Method, Missing, NodeRow, TelemetryView},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// Where the values of a view's columns come from. It holds for as long as the view's nodes, pods and workloads, and the
/// sources' lists of GPUs, stay as they are: measurements alone do not change it.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// Who measures the GPUs of the view.
    sources: Vec<ConnectionId>,
    /// For each GPU of the view: by which of the sources it is measured, and its place in that one's columns.
    gpus: Vec<Option<(u16, u32)>>,
    /// For each node, the place behind its last GPU.
    node_ends: Vec<usize>,
    /// The places of GPUs that pods of workloads hold alone, workload by workload.
    held: Vec<u32>,
    /// For each workload, the place in `held` behind its last GPU.
    workload_ends: Vec<usize>,
}

impl Layout {
    /// Lays out the columns of a view.
    pub fn of(world: &World, view: &FleetView) -> Self {
        let nodes = view.nodes.rows();
        let sources: BTreeSet<&ConnectionId> =
            nodes.iter().flat_map(|node| &node.devices).filter_map(|device| device.source.as_ref()).collect();
        let sources: Vec<ConnectionId> = sources.into_iter().filter(|id| world.source(id).is_some()).cloned().collect();
        let mut layout = Self { sources, ..Self::default() };
        for node in nodes {
            layout.node(world, node);
            layout.node_ends.push(layout.gpus.len());
        }
        layout.hold(view);
        layout
    }

    /// One entry for each cell of a node.
    fn node(&mut self, world: &World, node: &NodeRow) {
        let id = node.devices.iter().find_map(|device| device.source.as_ref());
        let source = id.and_then(|id| self.sources.binary_search(id).ok());
        let telemetry = id.and_then(|id| world.source(id)).map(|source| &source.telemetry);
        let by_uuid: BTreeMap<&str, u32> = telemetry
            .into_iter()
            .flat_map(|telemetry| telemetry.of_node(&node.id.name))
            .filter_map(|gpu| Some((gpu.device().uuid.as_str(), u32::try_from(gpu.place()).ok()?)))
            .collect();
        let source = source.and_then(|source| u16::try_from(source).ok());
        self.gpus.extend((0..node.gpus.len()).map(|slot| {
            let uuid = node.devices.get(slot)?.uuid.as_str();
            Some((source?, by_uuid.get(uuid).copied()?))
        }));
    }

    /// For each workload, the GPUs that its pods hold alone.
    fn hold(&mut self, view: &FleetView) {
        let rows = view.workloads.rows();
        let mut held: Vec<Vec<u32>> = vec![Vec::new(); rows.len()];
        let mut known: Option<(&PodId, Option<usize>)> = None;
        for gpu in view.gpus() {
            // Of a GPU that is shared no split is claimed, even if only one pod is said to have a part of it.
            let alone = gpu.cell().method != Method::Shared && gpu.cell().sharers == 1;
            let Some(holder) = gpu.holder().filter(|_| alone) else { continue };
            let (Some(Some(_)), Ok(at)) = (self.gpus.get(gpu.at), u32::try_from(gpu.at)) else { continue };
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
                held[place].push(at);
            }
        }
        for gpus in held {
            self.held.extend(gpus);
            self.workload_ends.push(self.held.len());
        }
    }

    /// Gathers the columns, as last measured.
    pub fn gather(&self, world: &World) -> TelemetryView {
        let told: Vec<(&ConnectionId, &Telemetry)> =
            self.sources.iter().filter_map(|id| Some((id, &world.source(id)?.telemetry))).collect();
        if told.is_empty() {
            return TelemetryView::default();
        }
        let mut metrics: BTreeSet<Metric> = told.iter().flat_map(|(_, telemetry)| telemetry.metrics()).collect();
        if metrics.contains(&Metric::MemoryUsed) && metrics.contains(&Metric::MemoryTotal) {
            metrics.insert(Metric::MemoryUse);
        }
        let times: Vec<&[Option<Stamp>]> = told.iter().map(|(_, telemetry)| telemetry.times()).collect();
        let missing = told.iter().flat_map(|(id, telemetry)| {
            telemetry.missing.iter().map(|missing| Missing {
                source: (*id).clone(),
                metric: missing.metric,
                why: missing.why.clone(),
                next: missing.next.clone(),
            })
        });
        let mut view = TelemetryView {
            times: self.picked(&times).collect(),
            missing: missing.collect(),
            patience_ms: told
                .iter()
                .map(|(_, telemetry)| u64::try_from(telemetry.patience().as_millis()).unwrap_or(u64::MAX))
                .max()
                .unwrap_or(0),
            ..TelemetryView::default()
        };
        for metric in metrics {
            let columns: Vec<Cow<'_, [Reading]>> = told.iter().map(|(_, telemetry)| telemetry.column(metric)).collect();
            let columns: Vec<&[Reading]> = columns.iter().map(AsRef::as_ref).collect();
            let column: Vec<Reading> = self.picked(&columns).collect();
            view.nodes.insert(metric, together(metric, &column, &self.node_ends));
            let held: Vec<Reading> = self.held.iter().map(|at| column[*at as usize]).collect();
            view.workloads.insert(metric, together(metric, &held, &self.workload_ends));
            view.columns.insert(metric, column.into_iter().collect());
        }
        view
    }

    /// For each GPU of the view its value in the columns of the sources, one column a source.
    fn picked<T: Copy + Default>(&self, columns: &[&[T]]) -> impl ExactSizeIterator<Item = T> {
        self.gpus.iter().map(|gpu| {
            let value = gpu.and_then(|(source, at)| columns.get(usize::from(source))?.get(at as usize));
            value.copied().unwrap_or_default()
        })
    }
}

/// One reading for each of the parts of a column, which end at these places.
fn together(metric: Metric, column: &[Reading], ends: &[usize]) -> Readings {
    let mut first = 0;
    let parts = ends.iter().map(|end| {
        let part = column.get(first..*end).unwrap_or_default();
        first = *end;
        metric.together(part.iter().copied())
    });
    parts.collect()
}
