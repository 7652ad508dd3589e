//! The columns of a fleet view: what is measured of each GPU, in the order of the view's nodes.

use super::workloads;
use crate::{Telemetry, World};
use pilothouse_wire::{
    ConnectionId, Metric, PodId, Reading, Readings, Stamp,
    view::{FleetView, Method, Missing, NodeRow, TelemetryView, Together},
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
    /// For each node, the places of its GPUs.
    nodes: Vec<Range<usize>>,
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
            let first = places.len();
            layout.node(world, node, &mut places);
            layout.nodes.push(first..places.len());
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
        let patience = told.iter().map(|(_, telemetry)| telemetry.patience()).max().unwrap_or_default();
        let (times, silent) = (self.picked(&times), self.silent(&told));
        let mut view = TelemetryView {
            missing: missing.collect(),
            patience_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
            times: times.iter().copied().collect(),
            silent,
            ..TelemetryView::default()
        };
        view.patience = self.patience(&told, view.patience_ms);
        let old = old(&times, &view);
        view.of_nodes = aged(self.nodes.iter().map(std::slice::from_ref), &times, &old, &view);
        view.of_workloads = aged(self.workloads(), &times, &old, &view);
        for metric in metrics {
            let columns: Vec<Cow<'_, [Reading]>> = told.iter().map(|(_, telemetry)| telemetry.column(metric)).collect();
            let columns: Vec<&[Reading]> = columns.iter().map(AsRef::as_ref).collect();
            let column: Vec<Reading> = self.picked(&columns);
            let nodes = self.nodes.iter().map(std::slice::from_ref);
            view.nodes.insert(metric, together(metric, &column, nodes, &old));
            view.workloads.insert(metric, together(metric, &column, self.workloads(), &old));
            view.columns.insert(metric, column.into_iter().collect());
        }
        view
    }

    /// From which place of the view on a measurement may be how old, in milliseconds, where that is another than `most`.
    fn patience(&self, told: &[(&ConnectionId, &Telemetry)], most: u64) -> Vec<(u32, u64)> {
        let (mut runs, mut now, mut first) = (Vec::new(), most, 0_u32);
        for stretch in &self.stretches {
            let len = u32::try_from(stretch.len).unwrap_or(u32::MAX);
            if let Some((source, at)) = stretch.from
                && let Some((_, telemetry)) = told.get(usize::from(source))
            {
                for (place, patience) in telemetry.patience_of(at..at.saturating_add(len)) {
                    let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
                    if patience != now {
                        runs.push((first.saturating_add(place - at), patience));
                        now = patience;
                    }
                }
            }
            first = first.saturating_add(len);
        }
        runs
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
        let mut all = Vec::with_capacity(self.nodes.last().map_or(0, |node| node.end));
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

    /// For each workload, the places of the GPUs that its pods hold alone.
    fn workloads(&self) -> impl Iterator<Item = &[Range<usize>]> {
        let mut first = 0;
        self.workload_ends.iter().map(move |end| {
            let ranges = self.held.get(first..*end).unwrap_or_default();
            first = *end;
            ranges
        })
    }
}

/// The GPUs whose last measurement was already too old when others were measured, or of which nothing was said, or ever
/// was; empty where there is none that was measured once. There is no clock here: the newest measurement stands for one.
fn old(times: &[Option<Stamp>], view: &TelemetryView) -> Vec<bool> {
    let newest = times.iter().flatten().max().copied().unwrap_or_default();
    let measured = times.iter().enumerate().filter(|(_, at)| at.is_some());
    if !measured.map(|(place, _)| place).any(|place| view.is_stale(place, newest)) {
        return Vec::new();
    }
    times.iter().enumerate().map(|(place, at)| at.is_none() || view.is_stale(place, newest)).collect()
}

/// Of several GPUs those that count: who is not too old, or all of them where all are.
fn counted<'a>(ranges: &'a [Range<usize>], old: &'a [bool]) -> impl Iterator<Item = usize> + 'a {
    let is_old = |at: usize| old.get(at).copied().unwrap_or(false);
    let all = old.is_empty() || ranges.iter().cloned().flatten().all(is_old);
    ranges.iter().cloned().flatten().filter(move |at| all || !is_old(*at))
}

/// One reading for each row.
fn together<'a>(
    metric: Metric,
    column: &[Reading],
    rows: impl Iterator<Item = &'a [Range<usize>]>,
    old: &[bool],
) -> Readings {
    let part = |range: &Range<usize>| column.get(range.clone()).unwrap_or_default();
    rows.map(|ranges| match old.is_empty() {
        true => metric.together(ranges.iter().flat_map(part).copied()),
        false => metric.together(counted(ranges, old).filter_map(|at| column.get(at).copied())),
    })
    .collect()
}

/// How old the readings of each row are.
fn aged<'a>(
    rows: impl Iterator<Item = &'a [Range<usize>]>,
    times: &[Option<Stamp>],
    old: &[bool],
    view: &TelemetryView,
) -> Together {
    let mut together = Together::default();
    let (mut all, mut now) = (Vec::new(), view.patience_ms);
    for (row, ranges) in (0u32..).zip(rows) {
        let measured = || counted(ranges, old).filter_map(|at| Some((times.get(at).copied().flatten()?, at)));
        let newest = measured().max();
        all.push(newest.map(|(time, _)| time));
        let Some((_, at)) = newest else { continue };
        let is_silent = |at: usize| u32::try_from(at).is_ok_and(|at| view.silent.binary_search(&at).is_ok());
        if !view.silent.is_empty() && measured().all(|(_, at)| is_silent(at)) {
            together.silent.push(row);
        }
        let patience = view.patience_at(at);
        if patience != now {
            together.patience.push((row, patience));
            now = patience;
        }
    }
    together.times = all.into_iter().collect();
    together
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
    fn a_gpu_that_is_no_longer_measured_does_not_count_beside_others_and_where_all_are_silent_it_is_said() {
        let rows = [0..2, 2..4, 4..5];
        let rows = || rows.iter().map(std::slice::from_ref);
        let column = [0.25, 0.75, 0.5, 1.0, 0.125].map(Reading::of);
        let check = |times: [Option<i64>; 5], silent: &[u32], want: [f32; 3], ages: [Option<i64>; 3], quiet: &[u32]| {
            let times = times.map(|at| at.map(Stamp));
            let view = TelemetryView {
                times: times.iter().copied().collect(),
                silent: silent.to_vec(),
                patience_ms: 30_000,
                ..TelemetryView::default()
            };
            let old = old(&times, &view);
            let read = together(Metric::Utilisation, &column, rows(), &old);
            assert_eq!(read.iter().collect::<Vec<_>>(), want.map(Reading::of), "{times:?} {silent:?}");
            let aged = aged(rows(), &times, &old, &view);
            assert_eq!([0, 1, 2].map(|at| aged.times.get(at).map(|at| at.0)), ages, "{times:?} {silent:?}");
            assert_eq!(aged.silent, quiet);
        };
        let now = Some(100_000);
        check([now; 5], &[], [0.5, 0.75, 0.125], [now; 3], &[]);
        // One of two, and both of two, are old; and one was never measured.
        check([now, Some(10_000), Some(5), Some(6), now], &[], [0.25, 0.75, 0.125], [now, Some(6), now], &[]);
        check([Some(10_000), None, now, now, now], &[], [0.5, 0.75, 0.125], [Some(10_000), now, now], &[]);
        // Of one of two, and of the only one, nothing was said when it was asked for.
        check([now; 5], &[1, 4], [0.25, 0.75, 0.125], [now; 3], &[2]);
    }

    #[test]
    fn gpus_side_by_side_are_one_stretch() {
        let places = [Some((0, 4)), Some((0, 5)), None, None, Some((0, 6)), Some((1, 7))];
        let lens: Vec<usize> = stretches(&places).iter().map(|stretch| stretch.len).collect();
        assert_eq!(lens, [2, 2, 1, 1]);
    }
}
