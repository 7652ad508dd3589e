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
    ops::Range,
};

/// Where the values of a view's columns come from. It holds for as long as the view's nodes, the pods that hold their GPUs,
/// which workloads there are, and the sources' lists of GPUs stay as they are: neither measurements nor other pods change it.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// Who measures the GPUs of the view.
    sources: Vec<ConnectionId>,
    /// The GPUs of the view in its order, as stretches of the sources' columns: a column is copied stretch by stretch.
    stretches: Vec<Stretch>,
    /// For each node, the place behind its last GPU.
    node_ends: Vec<usize>,
    /// Ranges of GPUs that pods of workloads hold alone, workload by workload.
    held: Vec<Range<usize>>,
    /// For each workload, the place in `held` behind its last range.
    workload_ends: Vec<usize>,
    /// The pods that hold GPUs alone, whether they are in the view or not.
    holders: BTreeSet<PodId>,
}

/// GPUs of the view that stand side by side in the columns of one source too, or that nobody measures.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// The source, and the place of the first of them in its columns.
    from: Option<(u16, u32)>,
    /// How many.
    len: usize,
}

/// By which of the sources a GPU is measured, and its place in that one's columns.
type Place = Option<(u16, u32)>;

impl Layout {
    /// Lays out the columns of a view.
    pub fn of(world: &World, view: &FleetView) -> Self {
        let nodes = view.nodes.rows();
        let sources: BTreeSet<&ConnectionId> =
            nodes.iter().flat_map(|node| &node.devices).filter_map(|device| device.source.as_ref()).collect();
        let sources: Vec<ConnectionId> = sources.into_iter().filter(|id| world.source(id).is_some()).cloned().collect();
        let mut layout = Self { sources, ..Self::default() };
        let mut places = Vec::new();
        for node in nodes {
            layout.node(world, node, &mut places);
            layout.node_ends.push(places.len());
        }
        layout.stretches = stretches(&places);
        layout.hold(view, &places);
        layout
    }

    /// One entry for each cell of a node.
    fn node(&self, world: &World, node: &NodeRow, places: &mut Vec<Place>) {
        let id = node.devices.iter().find_map(|device| device.source.as_ref());
        let source = id.and_then(|id| self.sources.binary_search(id).ok());
        let telemetry = id.and_then(|id| world.source(id)).map(|source| &source.telemetry);
        let by_uuid: BTreeMap<&str, u32> = telemetry
            .into_iter()
            .flat_map(|telemetry| telemetry.of_node(&node.id.name))
            .filter_map(|gpu| Some((gpu.device().uuid.as_str(), u32::try_from(gpu.place()).ok()?)))
            .collect();
        let source = source.and_then(|source| u16::try_from(source).ok());
        places.extend((0..node.gpus.len()).map(|slot| {
            let uuid = node.devices.get(slot)?.uuid.as_str();
            Some((source?, by_uuid.get(uuid).copied()?))
        }));
    }

    /// For each workload, the GPUs that its pods hold alone.
    fn hold(&mut self, view: &FleetView, places: &[Place]) {
        let rows = view.workloads.rows();
        let mut held: Vec<Vec<Range<usize>>> = vec![Vec::new(); rows.len()];
        let mut known: Option<(&PodId, Option<usize>)> = None;
        for gpu in view.gpus() {
            // Of a GPU that is shared no split is claimed, even if only one pod is said to have a part of it.
            let alone = gpu.cell().method != Method::Shared && gpu.cell().sharers == 1;
            let Some(holder) = gpu.holder().filter(|_| alone) else { continue };
            let Some(Some(_)) = places.get(gpu.at) else { continue };
            // GPUs of one pod stand side by side: it is looked up once.
            let place = match known {
                Some((pod, place)) if pod == holder => place,
                _ => {
                    self.holders.insert(holder.clone());
                    view.pods.get(holder).and_then(|pod| {
                        let workload = workloads::of_row(pod);
                        rows.binary_search_by(|row| row.id.cmp(&workload)).ok()
                    })
                }
            };
            known = Some((holder, place));
            let Some(place) = place else { continue };
            match held[place].last_mut() {
                Some(last) if last.end == gpu.at => last.end += 1,
                _ => held[place].push(gpu.at..gpu.at + 1),
            }
        }
        for ranges in held {
            self.held.extend(ranges);
            self.workload_ends.push(self.held.len());
        }
    }

    /// Does a pod hold GPUs of it?
    pub fn is_held_by(&self, pod: &PodId) -> bool {
        self.holders.contains(pod)
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
            times: self.picked(&times).into_iter().collect(),
            silent: self.silent(&told),
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
            let column: Vec<Reading> = self.picked(&columns);
            view.nodes.insert(metric, self.of_nodes(metric, &column));
            view.workloads.insert(metric, self.of_workloads(metric, &column));
            view.columns.insert(metric, column.into_iter().collect());
        }
        view
    }

    /// The GPUs of the view, by their places, of which their sources said nothing: few, as a rule.
    fn silent(&self, told: &[(&ConnectionId, &Telemetry)]) -> Vec<u32> {
        let mut silent = Vec::new();
        let mut first = 0;
        for stretch in &self.stretches {
            if let Some((source, at)) = stretch.from
                && let Some((_, telemetry)) = told.get(usize::from(source))
            {
                let end = at.saturating_add(u32::try_from(stretch.len).unwrap_or(u32::MAX));
                silent.extend(telemetry.are_silent().range(at..end).map(|place| first + (place - at)));
            }
            first = first.saturating_add(u32::try_from(stretch.len).unwrap_or(u32::MAX));
        }
        silent
    }

    /// For each GPU of the view its value in the columns of the sources, one column a source.
    fn picked<T: Copy + Default>(&self, columns: &[&[T]]) -> Vec<T> {
        let mut all = Vec::with_capacity(self.node_ends.last().copied().unwrap_or(0));
        for stretch in &self.stretches {
            let end = all.len() + stretch.len;
            if let Some((source, at)) = stretch.from {
                let column = columns.get(usize::from(source)).and_then(|column| column.get(at as usize..));
                let values = column.unwrap_or_default();
                all.extend_from_slice(&values[..stretch.len.min(values.len())]);
            }
            all.resize(end, T::default());
        }
        all
    }

    /// One reading for each node.
    fn of_nodes(&self, metric: Metric, column: &[Reading]) -> Readings {
        let mut first = 0;
        let parts = self.node_ends.iter().map(|end| {
            let part = column.get(first..*end).unwrap_or_default();
            first = *end;
            metric.together(part.iter().copied())
        });
        parts.collect()
    }

    /// One reading for each workload.
    fn of_workloads(&self, metric: Metric, column: &[Reading]) -> Readings {
        let mut first = 0;
        let parts = self.workload_ends.iter().map(|end| {
            let ranges = self.held.get(first..*end).unwrap_or_default();
            first = *end;
            metric.together(ranges.iter().flat_map(|range| &column[range.clone()]).copied())
        });
        parts.collect()
    }
}

/// Places that follow one another as stretches.
fn stretches(places: &[Place]) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for place in places {
        let next = |last: &Stretch| match (last.from, place) {
            (None, None) => true,
            (Some((source, at)), Some((other, place))) => {
                source == *other && usize::try_from(at).is_ok_and(|at| at + last.len == *place as usize)
            }
            _ => false,
        };
        match all.last_mut() {
            Some(last) if next(last) => last.len += 1,
            _ => all.push(Stretch { from: *place, len: 1 }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Each GPU has the value at its place in its source's column; one without a place, or behind an end, has none.
        #[test]
        fn a_column_is_picked_value_by_value(
            places in prop::collection::vec(prop::option::of((0u16..3, 0u32..12)), 0..40),
            columns in prop::collection::vec(prop::collection::vec(1u32..1_000, 0..10), 0..3),
        ) {
            let layout = Layout { stretches: stretches(&places), ..Layout::default() };
            let columns: Vec<&[u32]> = columns.iter().map(Vec::as_slice).collect();
            let want: Vec<u32> = places
                .iter()
                .map(|place| {
                    let value = place.and_then(|(source, at)| columns.get(usize::from(source))?.get(at as usize));
                    value.copied().unwrap_or_default()
                })
                .collect();
            prop_assert_eq!(layout.picked(&columns), want);
        }
    }

    #[test]
    fn gpus_side_by_side_are_one_stretch() {
        let places = [Some((0, 4)), Some((0, 5)), None, None, Some((0, 6)), Some((1, 7))];
        let lens: Vec<usize> = stretches(&places).iter().map(|stretch| stretch.len).collect();
        assert_eq!(lens, [2, 2, 1, 1]);
    }
}
