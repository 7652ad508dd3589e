//! What is measured of the GPUs of a fleet view: columns beside its nodes.

use crate::{ConnectionId, Metric, Reading, Readings, Stamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Columns of readings: each has one for every GPU, node by node in the order of the view's nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TelemetryView {
    /// When each GPU was last measured, by the clock of who measured.
    pub times: Times,
    /// The GPUs, by their places, of which whoever measures was asked and said nothing; in order.
    pub silent: Vec<u32>,
    /// A column a metric; only metrics of which anything was measured.
    pub columns: BTreeMap<Metric, Readings>,
    /// A column a metric, with one reading a node: its GPUs together, as [`Metric::over`] says.
    pub nodes: BTreeMap<Metric, Readings>,
    /// The same with one reading a workload of the view: the GPUs that its pods hold alone.
    pub workloads: BTreeMap<Metric, Readings>,
    /// How old the readings of nodes are.
    pub of_nodes: Together,
    /// How old the readings of workloads are.
    pub of_workloads: Together,
    /// What is not measured, and why.
    pub missing: Vec<Missing>,
    /// How old a measurement may be before it is stale, in milliseconds, over all who measure.
    pub patience_ms: u64,
    /// Where it may be less old, since the GPU is measured more often: from which place on how old, each up to the next
    /// one, in order. Before the first it is [`TelemetryView::patience_ms`].
    pub patience: Vec<(u32, u64)>,
}

/// When readings of several GPUs together are of. GPUs that were already too old when others were measured do not count in
/// them, unless all are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// When the last of the GPUs that count was measured, one a row; as [`TelemetryView::times`].
    pub times: Times,
    /// The rows, by their places, of which nothing was said of any GPU that counts; in order.
    pub silent: Vec<u32>,
    /// How old that measurement may be, where it is another than for all: as [`TelemetryView::patience`].
    pub patience: Vec<(u32, u64)>,
}

impl Together {
    fn is_stale(&self, at: usize, now: Stamp, most: u64) -> bool {
        is_stale(&self.times, &self.silent, at, now, patience_at(&self.patience, most, at))
    }
}

fn patience_at(patience: &[(u32, u64)], most: u64, at: usize) -> u64 {
    let begun = patience.partition_point(|(from, _)| *from as usize <= at);
    begun.checked_sub(1).map_or(most, |last| patience[last].1)
}

fn is_stale(times: &Times, silent: &[u32], at: usize, now: Stamp, patience_ms: u64) -> bool {
    times.get(at).is_some_and(|measured| {
        let is_silent = || u32::try_from(at).is_ok_and(|at| silent.binary_search(&at).is_ok());
        now.0.saturating_sub(measured.0) > i64::try_from(patience_ms).unwrap_or(i64::MAX) || is_silent()
    })
}

/// A metric that a source does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The source.
    pub source: ConnectionId,
    /// The metric.
    pub metric: Metric,
    /// Why, as a sentence.
    pub why: String,
    /// What would give it.
    pub next: Option<String>,
}

/// What turns one set of columns into another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TelemetryPatch {
    /// The times, if they changed.
    pub times: Option<Times>,
    /// Of which GPUs nothing was said, if that changed.
    pub silent: Option<Vec<u32>>,
    /// Columns that changed, whole.
    pub set: Vec<(Metric, Readings)>,
    /// Columns of nodes that changed, whole.
    pub set_nodes: Vec<(Metric, Readings)>,
    /// Columns of workloads that changed, whole.
    pub set_workloads: Vec<(Metric, Readings)>,
    /// How old the readings of nodes are, if that changed.
    pub of_nodes: Option<Together>,
    /// How old the readings of workloads are, if that changed.
    pub of_workloads: Option<Together>,
    /// Columns that are gone.
    pub gone: Vec<Metric>,
    /// What is missing, and the patience of all and of each, if they changed.
    pub missing: Option<Lacking>,
}

/// What is missing, the patience of all, and that of each GPU by its place, both in milliseconds.
pub type Lacking = (Vec<Missing>, u64, Vec<(u32, u64)>);

impl TelemetryView {
    /// Why nothing of a metric is measured, and what would give it; `None` where it is measured.
    #[must_use]
    pub fn why_missing(&self, metric: Metric) -> Option<(String, Option<String>)> {
        if self.columns.contains_key(&metric) {
            return None;
        }
        let told = self.missing.iter().find(|missing| missing.metric == metric);
        Some(match told {
            Some(missing) => (missing.why.clone(), missing.next.clone()),
            None if self.columns.is_empty() => {
                let next = "Connect a Prometheus that scrapes dcgm-exporter, or this machine's own GPUs.";
                ("Nobody measures these GPUs.".into(), Some(next.into()))
            }
            None => (format!("{} is not measured here.", metric.label()), None),
        })
    }

    /// The GPUs of the node at this place together.
    #[must_use]
    pub fn read_node(&self, metric: Metric, node: usize) -> Reading {
        self.nodes.get(&metric).map_or(Reading::ABSENT, |column| column.get(node))
    }

    /// The GPUs of the workload at this place together.
    #[must_use]
    pub fn read_workload(&self, metric: Metric, workload: usize) -> Reading {
        self.workloads.get(&metric).map_or(Reading::ABSENT, |column| column.get(workload))
    }

    /// The reading of the GPU at this place.
    #[must_use]
    pub fn read(&self, metric: Metric, at: usize) -> Reading {
        self.columns.get(&metric).map_or(Reading::ABSENT, |column| column.get(at))
    }

    /// Is the last measurement of the GPU at this place older than it should be, or was just nothing said of it?
    #[must_use]
    pub fn is_stale(&self, at: usize, now: Stamp) -> bool {
        is_stale(&self.times, &self.silent, at, now, self.patience_at(at))
    }

    /// How old the measurement of the GPU at this place may be, in milliseconds.
    #[must_use]
    pub fn patience_at(&self, at: usize) -> u64 {
        patience_at(&self.patience, self.patience_ms, at)
    }

    /// Is what is said of the node at this place older than it should be?
    #[must_use]
    pub fn node_is_stale(&self, node: usize, now: Stamp) -> bool {
        self.of_nodes.is_stale(node, now, self.patience_ms)
    }

    /// Is what is said of the workload at this place older than it should be?
    #[must_use]
    pub fn workload_is_stale(&self, workload: usize, now: Stamp) -> bool {
        self.of_workloads.is_stale(workload, now, self.patience_ms)
    }

    /// Of how many GPUs the last measurement is older than it should be.
    #[must_use]
    pub fn stale(&self, now: Stamp) -> usize {
        (0..self.times.len()).filter(|at| self.is_stale(*at, now)).count()
    }

    /// What turns `self` into `newer`; `None` if nothing does.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> Option<TelemetryPatch> {
        if self == newer {
            return None;
        }
        let about = |view: &Self| (view.missing.clone(), view.patience_ms, view.patience.clone());
        Some(TelemetryPatch {
            times: (self.times != newer.times).then(|| newer.times.clone()),
            silent: (self.silent != newer.silent).then(|| newer.silent.clone()),
            set: changed(&self.columns, &newer.columns),
            set_nodes: changed(&self.nodes, &newer.nodes),
            set_workloads: changed(&self.workloads, &newer.workloads),
            of_nodes: (self.of_nodes != newer.of_nodes).then(|| newer.of_nodes.clone()),
            of_workloads: (self.of_workloads != newer.of_workloads).then(|| newer.of_workloads.clone()),
            gone: self.columns.keys().filter(|metric| !newer.columns.contains_key(metric)).copied().collect(),
            missing: (about(self) != about(newer)).then(|| about(newer)),
        })
    }

    /// Applies what [`TelemetryView::diff`] found.
    pub(crate) fn apply(&mut self, patch: TelemetryPatch) {
        if let Some(times) = patch.times {
            self.times = times;
        }
        if let Some(silent) = patch.silent {
            self.silent = silent;
        }
        for metric in patch.gone {
            self.columns.remove(&metric);
            self.nodes.remove(&metric);
            self.workloads.remove(&metric);
        }
        self.columns.extend(patch.set);
        self.nodes.extend(patch.set_nodes);
        self.workloads.extend(patch.set_workloads);
        if let Some(of_nodes) = patch.of_nodes {
            self.of_nodes = of_nodes;
        }
        if let Some(of_workloads) = patch.of_workloads {
            self.of_workloads = of_workloads;
        }
        if let Some((missing, patience_ms, patience)) = patch.missing {
            (self.missing, self.patience_ms, self.patience) = (missing, patience_ms, patience);
        }
    }
}

/// Columns of `new` that are not the same in `old`.
fn changed(old: &BTreeMap<Metric, Readings>, new: &BTreeMap<Metric, Readings>) -> Vec<(Metric, Readings)> {
    let differ = new.iter().filter(|(metric, column)| old.get(metric) != Some(column));
    differ.map(|(metric, column)| (*metric, column.clone())).collect()
}

/// Times, one for each GPU of a view in its order: raw little-endian milliseconds, eight bytes each; 0 is "never".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times(#[serde(with = "crate::bytes")] Vec<u8>);

impl Times {
    /// When the GPU at this place was measured.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<Stamp> {
        let bytes = self.0.get(at * 8..at * 8 + 8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok())?;
        Some(Stamp(i64::from_le_bytes(bytes))).filter(|at| at.0 != 0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len() / 8
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len() < 8
    }
}

impl FromIterator<Option<Stamp>> for Times {
    fn from_iter<I: IntoIterator<Item = Option<Stamp>>>(times: I) -> Self {
        let times = times.into_iter();
        let mut bytes = Vec::with_capacity(times.size_hint().0.saturating_mul(8));
        times.for_each(|at| bytes.extend_from_slice(&at.map_or(0, |at| at.0).to_le_bytes()));
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn view() -> impl Strategy<Value = TelemetryView> {
        let metric = prop::sample::select(&[Metric::Power, Metric::Utilisation, Metric::Xid][..]);
        let column = prop::collection::vec(any::<u32>().prop_map(Reading::from_bits), 0..4);
        let columns = prop::collection::btree_map(metric, column, 0..3);
        (columns, prop::collection::vec(0i64..3, 0..4), 0u64..2).prop_map(|(columns, times, patience_ms)| {
            TelemetryView {
                silent: times.iter().filter(|at| **at == 2).map(|_| 1).collect(),
                of_nodes: Together { times: times.iter().map(|at| Some(Stamp(*at))).collect(), ..Together::default() },
                of_workloads: Together { silent: times.iter().map(|_| 1).collect(), ..Together::default() },
                times: times.into_iter().map(|at| Some(Stamp(at))).collect(),
                workloads: columns
                    .iter()
                    .map(|(metric, column)| (*metric, column.iter().take(2).copied().collect()))
                    .collect(),
                nodes: columns
                    .iter()
                    .map(|(metric, column)| (*metric, column.iter().take(1).copied().collect()))
                    .collect(),
                columns: columns.into_iter().map(|(metric, column)| (metric, column.into_iter().collect())).collect(),
                missing: Vec::new(),
                patience_ms,
                patience: (0..patience_ms).map(|_| (1, 5)).collect(),
            }
        })
    }

    proptest! {
        #[test]
        fn a_patch_turns_the_old_columns_into_the_new(old in view(), new in view()) {
            let mut patched = old.clone();
            match old.diff(&new) {
                None => prop_assert_eq!(&old, &new),
                Some(patch) => patched.apply(patch),
            }
            prop_assert_eq!(patched, new);
        }
    }

    #[test]
    fn a_metric_that_is_not_measured_says_why() {
        let mut view = TelemetryView::default();
        let why = |view: &TelemetryView| view.why_missing(Metric::TensorActive).map(|(why, _)| why);
        assert_eq!(why(&view).as_deref(), Some("Nobody measures these GPUs."));
        view.columns.insert(Metric::Power, Readings::default());
        assert_eq!(why(&view).as_deref(), Some("Tensor active is not measured here."));
        view.missing = vec![Missing {
            source: ConnectionId::slug("prom"),
            metric: Metric::TensorActive,
            why: "The exporter leaves it out.".into(),
            next: Some("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE, gauge".into()),
        }];
        assert_eq!(why(&view).as_deref(), Some("The exporter leaves it out."));
        view.columns.insert(Metric::TensorActive, Readings::default());
        assert_eq!(why(&view), None);
    }

    #[test]
    fn each_gpu_may_be_as_old_as_it_is_measured_seldom() {
        let view = TelemetryView {
            times: [Some(Stamp(1_000)); 4].into_iter().collect(),
            patience_ms: 150_000,
            patience: vec![(1, 12_500), (3, 150_000)],
            ..TelemetryView::default()
        };
        let stale = |now| (0..4).map(|at| view.is_stale(at, Stamp(now))).collect::<Vec<_>>();
        assert_eq!(stale(13_500), [false; 4]);
        assert_eq!(stale(13_501), [false, true, true, false]);
        assert_eq!(stale(151_001), [true; 4]);
    }

    #[test]
    fn what_several_gpus_come_to_may_be_as_old_as_they_may() {
        let two = Together {
            times: [Some(Stamp(1_000)), Some(Stamp(1_000)), None].into_iter().collect(),
            patience: vec![(1, 150_000)],
            ..Together::default()
        };
        let silent = Together { silent: vec![0], ..two.clone() };
        let view =
            TelemetryView { of_nodes: two, of_workloads: silent, patience_ms: 12_500, ..TelemetryView::default() };
        let nodes = |now| [0, 1, 2].map(|at| view.node_is_stale(at, Stamp(now)));
        assert_eq!([nodes(13_500), nodes(13_501)], [[false; 3], [true, false, false]]);
        assert_eq!([0, 1].map(|at| view.workload_is_stale(at, Stamp(2_000))), [true, false]);
    }

    #[test]
    fn what_was_never_measured_is_not_stale_but_has_no_time() {
        let view = TelemetryView {
            times: [None, Some(Stamp(1_000)), Some(Stamp(60_000))].into_iter().collect(),
            patience_ms: 30_000,
            ..TelemetryView::default()
        };
        let seen: Vec<_> = (0..4).map(|at| (view.times.get(at), view.is_stale(at, Stamp(61_000)))).collect();
        assert_eq!(seen, [(None, false), (Some(Stamp(1_000)), true), (Some(Stamp(60_000)), false), (None, false)]);
        assert_eq!([31_000, 31_001, 91_000].map(|now| view.stale(Stamp(now))), [0, 1, 2]);
        // Of one that was asked for in vain it is known at once.
        let silent = TelemetryView { silent: vec![0, 2], ..view };
        assert_eq!([0, 1, 2].map(|at| silent.is_stale(at, Stamp(1_000))), [false, false, true]);
    }
}
