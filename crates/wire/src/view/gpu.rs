//! One GPU of a fleet view with everything that is known of it: the row that every door draws, sorts and filters.

use crate::{
    Metric, NodeId, ObjectRef, PodId, Reading, SmolStr, Stamp,
    filter::{Record, Value},
    metric::Unit,
    view::{Finding, FleetView, FunnelKind, GpuAt, NodeRow, PodRow, Status},
};
use std::{cmp::Ordering, collections::HashMap};

/// A GPU with what it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct GpuRow<'a> {
    /// The view that it is of.
    pub fleet: &'a FleetView,
    /// Its node, its slot, and its place in the columns.
    pub gpu: GpuAt<'a>,
    /// Who holds it, or the first of those that share it.
    pub holder: Option<&'a PodId>,
    /// The holder's row, if it is seen.
    pub pod: Option<&'a PodRow>,
    /// The time as of which it is judged, by [`GpuRow::as_of`]. Until that is said, what was measured is never too old.
    now: Stamp,
}

impl<'a> GpuRow<'a> {
    /// A GPU of a view.
    #[must_use]
    pub fn new(fleet: &'a FleetView, gpu: GpuAt<'a>) -> Self {
        let holder = gpu.holder();
        Self { fleet, gpu, holder, pod: holder.and_then(|id| fleet.pods.get(id)), now: Stamp(i64::MIN) }
    }

    /// The same, judged as of a time.
    #[must_use]
    pub fn as_of(self, now: Stamp) -> Self {
        Self { now, ..self }
    }

    /// Its slot on its node.
    #[must_use]
    pub fn index(&self) -> u16 {
        u16::try_from(self.gpu.slot).unwrap_or(u16::MAX)
    }

    /// What was last measured.
    #[must_use]
    pub fn read(&self, metric: Metric) -> Reading {
        self.fleet.telemetry.read(metric, self.gpu.at)
    }

    /// When it was last measured, by the clock of who measured.
    #[must_use]
    pub fn measured_at(&self) -> Option<Stamp> {
        self.fleet.telemetry.times.get(self.gpu.at)
    }

    /// Is the last measurement older than it should be?
    #[must_use]
    pub fn is_stale(&self, now: Stamp) -> bool {
        self.fleet.telemetry.is_stale(self.gpu.at, now)
    }

    /// What is wrong with it: its own findings, and those of its node that hit it. The worst first.
    #[must_use]
    pub fn findings(&self) -> Vec<&'a Finding> {
        self.fleet.findings_of(self.gpu)
    }

    /// Its status and the words for it: what is wrong with it, else what it does. Where whoever measures it fell silent, that
    /// is a finding of the one who measures, and said here of each.
    #[must_use]
    pub fn status(&self) -> (Status, SmolStr) {
        let own = self.gpu.cell().status(self.gpu.node);
        match self.findings().first() {
            Some(finding) if finding.status < own.0 => (finding.status, finding.word.clone()),
            _ if own.0 == Status::Good && self.is_stale(self.now) => (Status::Warn, format!("{}, stale", own.1).into()),
            _ => own,
        }
    }

    /// The step of the funnel at which it is lost; `None` for one that does useful maths.
    #[must_use]
    pub fn lost(&self) -> Option<FunnelKind> {
        let broken = self.findings().first().is_some_and(|finding| finding.status == Status::Bad);
        self.fleet.lost(self.gpu, broken, self.now).map(|(step, _)| step)
    }

    /// Its product: as who measures it says, else as its node's label says.
    #[must_use]
    pub fn product(&self) -> Option<&'a SmolStr> {
        self.gpu.device().and_then(|device| device.product.as_ref()).or(self.gpu.node.product.as_ref())
    }

    /// Since when its pod runs.
    #[must_use]
    pub fn held_since(&self) -> Option<Stamp> {
        self.pod.and_then(|pod| pod.started.or(pod.created))
    }
}

impl FleetView {
    /// Every GPU as a row.
    pub fn gpu_rows(&self) -> impl Iterator<Item = GpuRow<'_>> {
        self.gpus().map(|gpu| GpuRow::new(self, gpu))
    }

    /// The GPU in a slot of a node.
    #[must_use]
    pub fn gpu_row(&self, node: &NodeId, slot: u16) -> Option<GpuRow<'_>> {
        let rows = self.nodes.rows();
        let index = rows.binary_search_by(|row| row.id.cmp(node)).ok()?;
        let slot = usize::from(slot);
        let at = rows[..index].iter().map(|row| row.gpus.len()).sum::<usize>() + slot;
        (slot < rows[index].gpus.len()).then(|| GpuRow::new(self, GpuAt { node: &rows[index], slot, at }))
    }

    /// The GPU at a place of the columns.
    #[must_use]
    pub fn gpu_row_at(&self, at: usize) -> Option<GpuRow<'_>> {
        let mut slot = at;
        for node in self.nodes.rows() {
            if slot < node.gpus.len() {
                return Some(GpuRow::new(self, GpuAt { node, slot, at }));
            }
            slot -= node.gpus.len();
        }
        None
    }

    /// A node's status and the words for it: the worst of its own, of its findings, and of those of its GPUs.
    #[must_use]
    pub fn node_status(&self, node: &NodeRow) -> (Status, SmolStr) {
        let (of_node, of_gpus) = self.findings_on(&node.id);
        match of_node.iter().chain(of_gpus).min_by(|a, b| (a.status, &a.id).cmp(&(b.status, &b.id))) {
            Some(worst) if worst.status < node.status => (worst.status, worst.word.clone()),
            _ => (node.status, node.status_word.clone()),
        }
    }

    /// Findings that hit a GPU, the worst first.
    #[must_use]
    pub fn findings_of(&self, gpu: GpuAt<'_>) -> Vec<&Finding> {
        let (of_node, of_gpus) = self.findings_on(&gpu.node.id);
        let slot = u16::try_from(gpu.slot).unwrap_or(u16::MAX);
        let mut all: Vec<&Finding> =
            of_node.iter().chain(of_gpus).filter(|finding| finding.gpus.contains(&slot)).collect();
        crate::sort::by(&mut all, |a, b| (a.status, &a.id).cmp(&(b.status, &b.id)));
        all
    }

    /// Findings about a node, and findings about its GPUs. They stand in the order of their objects: searches find them.
    #[must_use]
    pub fn findings_on(&self, node: &NodeId) -> (&[Finding], &[Finding]) {
        let rows = self.findings.rows();
        let part = |gpu: bool| {
            let order = |finding: &Finding| match &finding.id.object {
                ObjectRef::Connection(_) | ObjectRef::Namespace(..) => Ordering::Less,
                ObjectRef::Node(id) if !gpu => id.cmp(node),
                ObjectRef::Node(_) => Ordering::Less,
                ObjectRef::Gpu(id, _) if gpu => id.cmp(node),
                _ => Ordering::Greater,
            };
            let first = rows.partition_point(|finding| order(finding).is_lt());
            let last = rows.partition_point(|finding| order(finding).is_le());
            &rows[first..last]
        };
        (part(false), part(true))
    }
}

/// The worst that findings say of each node and of its GPUs. It is looked up: to search the findings for each of thousands
/// takes longer than all that is then done with them.
pub struct Worst<'a>(HashMap<&'a NodeId, Hit>);

/// What findings say of one node.
pub struct Hit {
    /// The worst status of all of them.
    status: Status,
    /// GPU slots with the status of a finding that hits them.
    gpus: Vec<(u16, Status)>,
}

impl<'a> Worst<'a> {
    /// Of a view.
    #[must_use]
    pub fn of(view: &'a FleetView) -> Self {
        let mut hits: HashMap<&NodeId, Hit> = HashMap::new();
        for finding in view.findings.rows() {
            let (ObjectRef::Node(node) | ObjectRef::Gpu(node, _)) = &finding.id.object else { continue };
            let hit = hits.entry(node).or_insert_with(|| Hit { status: finding.status, gpus: Vec::new() });
            hit.status = hit.status.min(finding.status);
            hit.gpus.extend(finding.gpus.iter().map(|slot| (*slot, finding.status)));
        }
        Self(hits)
    }

    /// What findings say of a node, if they say anything.
    #[must_use]
    pub fn on(&self, node: &NodeId) -> Option<&Hit> {
        self.0.get(node)
    }

    /// A node's status: the worst of its own, of its findings, and of those of its GPUs.
    #[must_use]
    pub fn status(&self, node: &NodeRow) -> Status {
        self.on(&node.id).map_or(node.status, |hit| hit.status.min(node.status))
    }
}

impl Hit {
    /// The worst status of the findings that hit the GPU in a slot.
    #[must_use]
    pub fn gpu(&self, slot: usize) -> Option<Status> {
        self.gpus.iter().filter(|(one, _)| usize::from(*one) == slot).map(|(_, status)| *status).min()
    }
}

/// The number of a reading as people filter and sort by it: per cent for shares, GB for bytes.
#[must_use]
pub fn plain_number(metric: Metric, reading: Reading) -> Option<f64> {
    let value = f64::from(reading.finite()?);
    Some(match metric.unit() {
        Unit::Ratio => value * 100.0,
        Unit::Bytes | Unit::BytesPerSecond => value / 1e9,
        _ => value,
    })
}

impl Record for GpuRow<'_> {
    const KEYS: &'static [&'static str] = &[
        "name",
        "cluster",
        "status",
        "state",
        "lost",
        "pool",
        "product",
        "zone",
        "holder",
        "namespace",
        "team",
        "queue",
        "workload",
        "index",
        "uuid",
        "method",
        "util",
        "tensor",
        "engine",
        "dram",
        "sm",
        "memory",
        "memory-total",
        "memory-use",
        "power",
        "temp",
        "memory-temp",
        "clock",
        "memory-clock",
        "nvlink",
        "pcie-tx",
        "pcie-rx",
        "xid",
        "pcie-replays",
        "ecc-double",
        "ecc-single",
        "rows-remapped",
        "remap-failed",
        "nvlink-errors",
        "slow-thermal",
        "slow-power",
    ];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let node = self.gpu.node;
        let any =
            |text: Option<&'_ SmolStr>| text.map(|text| Value::Text(text.to_string().into())).into_iter().collect();
        Some(match key {
            "name" | "node" => vec![Value::text(&node.id.name)],
            "cluster" => vec![Value::text(node.id.cluster.as_str())],
            "status" => {
                let (status, word) = self.status();
                vec![Value::Text(word.to_string().into()), Value::text(status.alias())]
            }
            "state" => vec![Value::text(self.gpu.cell().state.word())],
            "lost" => self.lost().map(|step| Value::text(step.id())).into_iter().collect(),
            "pool" => any(node.pool.as_ref()),
            "product" => any(self.product()),
            "zone" => any(node.zone.as_ref()),
            "holder" | "pod" => self.holder.iter().map(|id| Value::text(&id.name)).collect(),
            "namespace" | "ns" => self.holder.iter().map(|id| Value::text(&id.namespace)).collect(),
            "team" => any(self.pod.and_then(|pod| pod.team.as_ref())),
            "queue" => any(self.pod.and_then(|pod| pod.queue.as_ref())),
            "workload" => any(self.pod.and_then(|pod| pod.workload.as_ref())),
            "index" => vec![Value::number(self.gpu.slot)],
            "uuid" => any(self.gpu.device().map(|device| &device.uuid)),
            "method" => vec![Value::text(self.gpu.cell().method.word())],
            key => {
                let metric = Metric::by_id(key)?;
                // What was measured too long ago is no value of now.
                let fresh = !self.is_stale(self.now);
                let value = fresh.then(|| plain_number(metric, self.read(metric))).flatten();
                value.map(Value::Number).into_iter().collect()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConnectionId, view::FindingId};

    #[test]
    fn findings_of_a_node_and_of_its_gpus_are_found_among_those_of_others() {
        let node = |name: &str| NodeId { cluster: ConnectionId::slug("iad"), name: name.into() };
        let finding = |object: ObjectRef, of: &str, gpus: &[u16]| Finding {
            id: FindingId { object, rule: "rule".into() },
            status: Status::Warn,
            word: "Word".into(),
            claim: String::new(),
            since: None,
            evidence: String::new(),
            action: String::new(),
            command: None,
            node: node(of),
            gpus: gpus.to_vec(),
            pods: vec![],
            workloads: vec![],
            services: vec![],
        };
        let gpu = |of: &str, slot| finding(ObjectRef::Gpu(node(of), slot), of, &[slot]);
        let whole = |of: &str| finding(ObjectRef::Node(node(of)), of, &[0, 1]);
        let silent = finding(ObjectRef::Connection(ConnectionId::slug("iad")), "a", &[0]);
        let all = [gpu("b", 1), gpu("b", 0), gpu("a", 0), gpu("c", 3), whole("b"), whole("c"), silent];
        let fleet = FleetView { findings: all.into_iter().collect(), ..FleetView::default() };
        let found = ["a", "b", "c", "d"].map(|name| {
            let (of_node, of_gpus) = fleet.findings_on(&node(name));
            (of_node.len(), of_gpus.len())
        });
        assert_eq!(found, [(0, 1), (1, 2), (1, 1), (0, 0)]);
        let worst = Worst::of(&fleet);
        for name in ["a", "b", "c", "d"] {
            let row = NodeRow::ready(node(name), Stamp(0));
            assert_eq!(worst.status(&row), fleet.node_status(&row).0, "{name}");
            for slot in 0..4 {
                let searched = fleet.findings_of(GpuAt { node: &row, slot, at: 0 });
                let looked_up = worst.on(&row.id).and_then(|hit| hit.gpu(slot));
                assert_eq!(looked_up, searched.first().map(|worst| worst.status), "{name}/{slot}");
            }
        }
    }

    #[test]
    fn every_metric_but_the_bits_can_be_filtered_by() {
        let missing: Vec<&str> =
            Metric::ALL.iter().map(|metric| metric.id()).filter(|id| !GpuRow::KEYS.contains(id)).collect();
        assert_eq!(missing, ["clock-reasons"]);
    }
}
