//! Nodes and workloads with what is measured of their GPUs together: what tables and the terminal filter.

use crate::{
    Metric, Stamp,
    filter::{Record, Value},
    view::{FleetView, NodeRow, Served, ServingRow, WorkloadRow, gpu::plain_number, serving::served},
};

/// A node of a view, as it is shown: with its worst finding for a status.
#[derive(Clone, Copy, Debug)]
pub struct NodeAt<'a> {
    /// The view.
    pub fleet: &'a FleetView,
    /// The row.
    pub row: &'a NodeRow,
    /// Its place in the view.
    pub at: usize,
    /// The time as of which it is judged: what was measured too long ago is no value.
    pub now: Stamp,
}

/// A workload of a view, with what its engines say.
#[derive(Clone, Copy, Debug)]
pub struct WorkloadAt<'a> {
    /// The view.
    pub fleet: &'a FleetView,
    /// The row.
    pub row: &'a WorkloadRow,
    /// What its engines say, if it has any.
    pub serving: Option<&'a ServingRow>,
    /// Its place in the view.
    pub at: usize,
    /// The time as of which it is judged: what was measured too long ago is no value.
    pub now: Stamp,
}

impl FleetView {
    /// Every node with what is measured of it.
    pub fn nodes_at(&self, now: Stamp) -> impl ExactSizeIterator<Item = NodeAt<'_>> {
        self.nodes.rows().iter().enumerate().map(move |(at, row)| NodeAt { fleet: self, row, at, now })
    }

    /// Every workload with what is measured of it.
    pub fn workloads_at(&self, now: Stamp) -> impl ExactSizeIterator<Item = WorkloadAt<'_>> {
        self.workloads.rows().iter().enumerate().map(move |(at, row)| WorkloadAt {
            fleet: self,
            row,
            serving: self.serving.get(&row.id),
            at,
            now,
        })
    }
}

/// Metrics that are no key of these rows: of bits there is no sum, and `engine` is a serving engine's name where there is one.
const fn is_key(metric: Metric, serves: bool) -> bool {
    !(matches!(metric, Metric::ClockReasons) || serves && matches!(metric, Metric::EngineActive))
}

/// The keys of a row, and those of metrics.
const fn keys<const N: usize>(own: &[&'static str], serves: bool) -> [&'static str; N] {
    let mut all = [""; N];
    let (mut at, mut metric) = (0, 0);
    while at < own.len() {
        all[at] = own[at];
        at += 1;
    }
    while metric < Metric::ALL.len() {
        if is_key(Metric::ALL[metric], serves) {
            all[at] = Metric::ALL[metric].id();
            at += 1;
        }
        metric += 1;
    }
    all
}

const OF_NODES: [&str; NodeRow::KEYS.len() + Metric::ALL.len() - 1] = keys(NodeRow::KEYS, false);
const OF_WORKLOADS: [&str; Served::<'static, WorkloadRow>::KEYS.len() + Metric::ALL.len() - 2] =
    keys(Served::<'static, WorkloadRow>::KEYS, true);

impl Record for NodeAt<'_> {
    const KEYS: &'static [&'static str] = &OF_NODES;

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        if key == "status" {
            let (status, word) = self.fleet.node_status(self.row);
            return Some(vec![Value::owned(word.to_string()), Value::text(status.alias())]);
        }
        self.row.values(key).or_else(|| {
            let metric = Metric::by_id(key).filter(|metric| is_key(*metric, false))?;
            let telemetry = &self.fleet.telemetry;
            let fresh = !telemetry.node_is_stale(self.at, self.now);
            let value = fresh.then(|| plain_number(metric, telemetry.read_node(metric, self.at))).flatten();
            Some(value.map(Value::Number).into_iter().collect())
        })
    }
}

impl Record for WorkloadAt<'_> {
    const KEYS: &'static [&'static str] = &OF_WORKLOADS;

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        served(self.row, self.serving, key).or_else(|| {
            let metric = Metric::by_id(key).filter(|metric| is_key(*metric, true))?;
            let telemetry = &self.fleet.telemetry;
            let fresh = !telemetry.workload_is_stale(self.at, self.now);
            let value = fresh.then(|| plain_number(metric, telemetry.read_workload(metric, self.at))).flatten();
            Some(value.map(Value::Number).into_iter().collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ConnectionId, NodeId, ObjectRef, Reading,
        filter::Filter,
        view::{Finding, FindingId, Status, TelemetryView, Together},
    };

    /// Two nodes, the first with an XID and hot, the second long silent; and a workload that was measured just now.
    fn fleet() -> FleetView {
        let id = |name: &str| NodeId { cluster: ConnectionId::slug("iad"), name: name.into() };
        let finding = Finding {
            id: FindingId { object: ObjectRef::Gpu(id("a"), 0), rule: "xid-79".into() },
            status: Status::Bad,
            word: "XID 79".into(),
            claim: String::new(),
            since: None,
            evidence: String::new(),
            action: String::new(),
            command: None,
            node: id("a"),
            gpus: vec![0],
            pods: vec![],
            workloads: vec![],
            services: vec![],
        };
        let workload = WorkloadRow {
            id: ObjectRef::Workload(ConnectionId::slug("iad"), "n".into(), "Deployment".into(), "chat".into()),
            kind: "Deployment".into(),
            namespace: "n".into(),
            name: "chat".into(),
            team: None,
            status: Status::Good,
            status_word: "1 of 1 ready".into(),
            gpus_held: 1,
            shares_held: 0,
            gpus_wanted: 0,
            shares_wanted: 0,
            pods: 1,
            ready: 1,
            pending: 0,
            nodes: 1,
            restarts: 0,
            created: None,
        };
        let read = |values: &[f32]| values.iter().map(|value| Reading::of(*value)).collect();
        let times = |times: &[i64]| times.iter().map(|at| Some(Stamp(*at))).collect();
        FleetView {
            nodes: ["a", "b"].map(|name| NodeRow::ready(id(name), Stamp(0))).into_iter().collect(),
            workloads: [workload].into_iter().collect(),
            findings: [finding].into_iter().collect(),
            telemetry: TelemetryView {
                nodes: [(Metric::Temperature, read(&[84.0, 90.0])), (Metric::Utilisation, read(&[0.02, 0.03]))].into(),
                workloads: [(Metric::Utilisation, read(&[0.02]))].into(),
                of_nodes: Together { times: times(&[100_000, 10_000]), ..Together::default() },
                of_workloads: Together { times: times(&[100_000]), ..Together::default() },
                patience_ms: 30_000,
                ..TelemetryView::default()
            },
            ..FleetView::default()
        }
    }

    #[track_caller]
    fn check<R: Record>(rows: impl Iterator<Item = R>, filter: &str, want: usize) {
        let filter: Filter = filter.parse().unwrap();
        filter.check::<R>().unwrap();
        assert_eq!(rows.filter(|row| filter.matches(row)).count(), want, "{filter}");
    }

    #[test]
    fn nodes_are_found_by_the_status_that_is_shown_and_by_what_is_measured_of_them_now() {
        let fleet = fleet();
        let now = Stamp(110_000);
        for (filter, want) in [
            ("status=xid*", 1),
            ("status=bad", 1),
            ("status=ready", 1),
            ("temp>80", 1),
            ("util<5", 1),
            ("name=b temp>0", 0),
            ("power>0", 0),
            ("XID", 1),
        ] {
            check(fleet.nodes_at(now), filter, want);
        }
        check(fleet.nodes_at(Stamp(10_000)), "temp>80", 2);
    }

    #[test]
    fn workloads_are_found_by_what_is_measured_of_their_gpus_now() {
        let fleet = fleet();
        for (now, filter, want) in [
            (110_000, "util<5", 1),
            (110_000, "util>5", 0),
            (110_000, "kind=deployment util>=1.9 util<2.1", 1),
            (140_001, "util<5", 0),
        ] {
            check(fleet.workloads_at(Stamp(now)), filter, want);
        }
    }

    #[test]
    fn no_key_means_two_things() {
        for keys in [NodeAt::KEYS, WorkloadAt::KEYS] {
            for (at, key) in keys.iter().enumerate() {
                assert!(!key.is_empty() && !keys[at + 1..].contains(key), "{key}");
            }
        }
    }
}
