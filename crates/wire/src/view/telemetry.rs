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
    /// What is not measured, and why.
    pub missing: Vec<Missing>,
    /// How old a measurement may be before it is stale, in milliseconds, over all who measure.
    pub patience_ms: u64,
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
    /// Columns that are gone.
    pub gone: Vec<Metric>,
    /// What is missing, and the patience, if they changed.
    pub missing: Option<(Vec<Missing>, u64)>,
}

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
        self.times.get(at).is_some_and(|measured| {
            let is_silent = || u32::try_from(at).is_ok_and(|at| self.silent.binary_search(&at).is_ok());
            now.0.saturating_sub(measured.0) > i64::try_from(self.patience_ms).unwrap_or(i64::MAX) || is_silent()
        })
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
        let about = |view: &Self| (view.missing.clone(), view.patience_ms);
        Some(TelemetryPatch {
            times: (self.times != newer.times).then(|| newer.times.clone()),
            silent: (self.silent != newer.silent).then(|| newer.silent.clone()),
            set: changed(&self.columns, &newer.columns),
            set_nodes: changed(&self.nodes, &newer.nodes),
            set_workloads: changed(&self.workloads, &newer.workloads),
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
        if let Some((missing, patience_ms)) = patch.missing {
            (self.missing, self.patience_ms) = (missing, patience_ms);
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
