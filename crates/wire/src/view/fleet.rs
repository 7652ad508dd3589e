//! The fleet: clusters, nodes with their GPUs as cells, and pods.

use crate::{
    AlertId, ConnectionId, Keyed, KeyedPatch, NodeId, ObjectRef, PodId, Row, SmolStr, Stamp, Sum,
    filter::Record,
    filter::Value,
    view::alert::AlertRow,
    view::cell::{GpuAt, GpuCell, GpuDevice},
    view::finding::{Finding, FindingId},
    view::funnel::Funnel,
    view::serving::ServingRow,
    view::telemetry::{TelemetryPatch, TelemetryView},
    view::workload::WorkloadRow,
};
use serde::{Deserialize, Serialize};

/// Which part of the fleet a view is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FleetSpec {
    /// Only these clusters; all of them when empty.
    pub scope: Vec<ConnectionId>,
}

/// The fleet, or the part of it that the spec asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FleetView {
    /// Totals.
    pub summary: FleetSummary,
    /// Clusters.
    pub clusters: Keyed<ClusterRow>,
    /// Nodes, each with its GPUs.
    pub nodes: Keyed<NodeRow>,
    /// Pods.
    pub pods: Keyed<PodRow>,
    /// Controllers whose pods ask for GPUs.
    pub workloads: Keyed<WorkloadRow>,
    /// What is measured of the GPUs.
    pub telemetry: TelemetryView,
    /// What serving engines say: of pods, and of workloads.
    pub serving: Keyed<ServingRow>,
    /// What is wrong, one finding a cause.
    pub findings: Keyed<Finding>,
    /// From the GPUs that exist to those that do useful maths.
    pub funnel: Funnel,
    /// What Alertmanagers say: of these clusters, and of no cluster in particular.
    pub alerts: Keyed<AlertRow>,
}

/// What turns one fleet view into a later one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FleetPatch {
    /// Totals, if they changed.
    pub summary: Option<Box<FleetSummary>>,
    /// Changed clusters.
    pub clusters: KeyedPatch<ClusterRow, ConnectionId>,
    /// Changed nodes.
    pub nodes: KeyedPatch<NodeRow, NodeId>,
    /// Changed pods.
    pub pods: KeyedPatch<PodRow, PodId>,
    /// Changed workloads.
    pub workloads: KeyedPatch<WorkloadRow, ObjectRef>,
    /// Changed measurements, if any.
    pub telemetry: Option<Box<TelemetryPatch>>,
    /// Changed words of serving engines, if any.
    pub serving: Option<Box<KeyedPatch<ServingRow, ObjectRef>>>,
    /// Changed findings.
    pub findings: KeyedPatch<Finding, FindingId>,
    /// The funnel, if it changed.
    pub funnel: Option<Box<Funnel>>,
    /// Changed alerts, if any.
    pub alerts: Option<Box<KeyedPatch<AlertRow, AlertId>>>,
}

impl FleetView {
    /// What turns `self` into `newer`.
    #[must_use]
    pub fn diff(&self, newer: &Self) -> FleetPatch {
        FleetPatch {
            summary: (self.summary != newer.summary).then(|| Box::new(newer.summary.clone())),
            clusters: self.clusters.diff(&newer.clusters),
            nodes: self.nodes.diff(&newer.nodes),
            pods: self.pods.diff(&newer.pods),
            workloads: self.workloads.diff(&newer.workloads),
            telemetry: self.telemetry.diff(&newer.telemetry).map(Box::new),
            serving: self.serving.changes(&newer.serving),
            findings: self.findings.diff(&newer.findings),
            funnel: (self.funnel != newer.funnel).then(|| Box::new(newer.funnel.clone())),
            alerts: self.alerts.changes(&newer.alerts),
        }
    }

    /// Applies what [`FleetView::diff`] found.
    pub fn apply(&mut self, patch: FleetPatch) {
        if let Some(summary) = patch.summary {
            self.summary = *summary;
        }
        self.clusters.apply(patch.clusters);
        self.nodes.apply(patch.nodes);
        self.pods.apply(patch.pods);
        self.workloads.apply(patch.workloads);
        if let Some(telemetry) = patch.telemetry {
            self.telemetry.apply(*telemetry);
        }
        if let Some(serving) = patch.serving {
            self.serving.apply(*serving);
        }
        self.findings.apply(patch.findings);
        if let Some(funnel) = patch.funnel {
            self.funnel = *funnel;
        }
        if let Some(alerts) = patch.alerts {
            self.alerts.apply(*alerts);
        }
    }

    /// Every GPU with its node and its place in the columns of [`FleetView::telemetry`].
    pub fn gpus(&self) -> impl Iterator<Item = GpuAt<'_>> {
        let mut at = 0;
        self.nodes.rows().iter().flat_map(move |node| {
            let first = at;
            at += node.gpus.len();
            (0..node.gpus.len()).map(move |slot| GpuAt { node, slot, at: first + slot })
        })
    }
}

impl FleetPatch {
    /// Does this patch change nothing?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.summary.is_none()
            && self.clusters.is_empty()
            && self.nodes.is_empty()
            && self.pods.is_empty()
            && self.workloads.is_empty()
            && self.telemetry.is_none()
            && self.serving.is_none()
            && self.findings.is_empty()
            && self.funnel.is_none()
            && self.alerts.is_none()
    }
}

/// Totals of a fleet view. The GPU figures are a chain: each is a part of the one before.
///
/// What is not read makes a sum a bound: of all of them a lower one, of those that are free an upper one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetSummary {
    /// GPUs that exist.
    pub gpus: Sum,
    /// GPUs on nodes that are ready, which the node offers for work. Cordoned nodes count: their pods go on.
    pub gpus_healthy: Sum,
    /// GPUs asked for by pods that are placed on a node.
    pub gpus_held: Sum,
    /// GPUs that a new pod can get: healthy, not held, node not cordoned.
    pub gpus_free: Sum,
    /// GPUs on cordoned nodes.
    pub gpus_cordoned: Sum,
    /// GPUs on nodes that are not ready, or that the node does not offer.
    pub gpus_lost: Sum,
    /// Nodes.
    pub nodes: Sum,
    /// Nodes that are ready.
    pub nodes_ready: Sum,
    /// Pods.
    pub pods: Sum,
    /// Pods that wait for a node.
    pub pods_pending: Sum,
    /// GPUs that waiting pods ask for.
    pub gpus_wanted: Sum,
    /// Clusters whose part of these totals is not fresh or not whole: the totals are then bounds, or not known.
    pub partial: Vec<ConnectionId>,
}

/// Four statuses, each with a shape and a word, and what is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Lost, failed, refused.
    Bad,
    /// Cordoned, throttled, stale, partial.
    Warn,
    /// Not known.
    Unknown,
    /// On its way: not a status of its own but not yet one either.
    Progress,
    /// Well.
    Good,
}

impl Status {
    /// A short word by which a filter can name a status whatever its reason: `status!=ok`.
    #[must_use]
    pub fn alias(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Progress => "progress",
            Self::Good => "ok",
        }
    }
}

/// A cluster of the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRow {
    /// The connection through which it is seen.
    pub id: ConnectionId,
    /// Name for people.
    pub name: SmolStr,
    /// Is it the demo?
    pub demo: bool,
    /// The server's version.
    pub version: Option<SmolStr>,
    /// GPUs that exist.
    pub gpus: Sum,
    /// GPUs held.
    pub gpus_held: Sum,
    /// Nodes.
    pub nodes: Sum,
    /// Pods.
    pub pods: Sum,
    /// What is not visible here, as a sentence.
    pub not_visible: Option<String>,
    /// Are its disruption budgets read, as far as they may be? Until then it is not known which pods may be evicted.
    pub budgets_told: bool,
}

/// A node with its GPUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRow {
    /// The node.
    pub id: NodeId,
    /// Worst of what is known of it.
    pub status: Status,
    /// The status as words: "Ready", "Cordoned", "Not ready".
    pub status_word: SmolStr,
    /// Is it cordoned (unschedulable)?
    pub cordoned: bool,
    /// Pool by the label of the cloud or installer; the instance type where there is none.
    pub pool: Option<SmolStr>,
    /// GPU product, such as `NVIDIA-H100-80GB-HBM3`.
    pub product: Option<SmolStr>,
    /// Memory of one GPU in MiB, as the label says.
    pub gpu_memory_mib: Option<u64>,
    /// Zone.
    pub zone: Option<SmolStr>,
    /// Instance type.
    pub instance_type: Option<SmolStr>,
    /// Kubelet version.
    pub kubelet: Option<SmolStr>,
    /// Conditions that are not as they should be, and Ready.
    pub conditions: Vec<Condition>,
    /// Taints as `key=value:Effect`.
    pub taints: Vec<SmolStr>,
    /// Why NVSentinel has quarantined it, and how far it is; absent where it has not.
    pub quarantine: Option<SmolStr>,
    /// Each extended GPU resource of the node.
    pub resources: Vec<GpuResource>,
    /// One cell a GPU, in slot order; in the order of their numbers where it is known which they are.
    pub gpus: Vec<GpuCell>,
    /// Who the GPUs are, one for each cell; empty where nobody measures them and no driver publishes them.
    pub devices: Vec<GpuDevice>,
    /// Are all pods of the cluster read? Until then what nobody is seen to hold is not free, but not known.
    pub holders_known: bool,
    /// Pods that hold the node's GPUs; cells point into this list.
    pub holders: Vec<PodId>,
    /// Pods that hold GPUs of it, or parts of them, and nobody says of which.
    pub nameless: Vec<PodId>,
    /// When the node was made, by its server's clock.
    pub created: Option<Stamp>,
    /// When we last heard of it changing.
    pub seen: Stamp,
}

/// A condition of a node or pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// `Ready`, `MemoryPressure`, …
    pub kind: SmolStr,
    /// `True`, `False` or `Unknown`.
    pub status: SmolStr,
    /// Machine word of why.
    pub reason: Option<SmolStr>,
    /// Since when, by the server's clock.
    pub since: Option<Stamp>,
}

/// Whether disruption budgets let a pod be evicted now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Eviction {
    /// Not known: budgets are not read, or the pod asks for no GPU.
    #[default]
    NotKnown,
    /// No budget stands against it.
    May,
    /// These budgets let it not go now.
    MayNot(SmolStr),
}

/// One extended resource key and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuResource {
    /// `nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`, `amd.com/gpu`, …
    pub key: SmolStr,
    /// `status.capacity`.
    pub capacity: u64,
    /// `status.allocatable`.
    pub allocatable: u64,
    /// Sum of the requests of placed pods.
    pub requested: u64,
    /// How many shares one device is cut into by time-slicing; 1 for a whole device.
    pub replicas: u64,
    /// Is one of them a slice of a device (an instance of MIG, a partition of AMD), and no whole device?
    pub sliced: bool,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodRow {
    /// The pod.
    pub id: PodId,
    /// Worst of what is known of it.
    pub status: Status,
    /// The status as words, as people know it: "Running", "CrashLoopBackOff", "Pending".
    pub status_word: SmolStr,
    /// The node it is placed on.
    pub node: Option<SmolStr>,
    /// Kind of its topmost known controller: `Deployment`, `Job`, …
    pub workload_kind: Option<SmolStr>,
    /// Name of its topmost known controller.
    pub workload: Option<SmolStr>,
    /// Owners from the nearest up, as `Kind/name`.
    pub owners: Vec<SmolStr>,
    /// The team, by the label of the pod or of its namespace.
    pub team: Option<SmolStr>,
    /// The queue through which it came.
    pub queue: Option<SmolStr>,
    /// GPUs asked for, over all vendor keys: with shares and slices of them.
    pub gpus: u64,
    /// How many of those are shares or slices of devices, as far as that is known, and no whole ones.
    pub shares: u64,
    /// The vendor keys asked for, with how many.
    pub requests: Vec<(SmolStr, u64)>,
    /// Images as the pod asks for them.
    pub images: Vec<SmolStr>,
    /// Digests of the images that run, where known.
    pub digests: Vec<SmolStr>,
    /// Containers that are ready.
    pub ready: u16,
    /// Containers.
    pub containers: u16,
    /// Restarts, over all containers.
    pub restarts: u32,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// Do disruption budgets let it go now?
    pub eviction: Eviction,
    /// When it was made, by the server's clock.
    pub created: Option<Stamp>,
    /// When it was started, by the server's clock.
    pub started: Option<Stamp>,
    /// When we last heard of it changing.
    pub seen: Stamp,
}

impl Row for ClusterRow {
    type Key = ConnectionId;
    fn key(&self) -> &ConnectionId {
        &self.id
    }
}

impl Row for NodeRow {
    type Key = NodeId;
    fn key(&self) -> &NodeId {
        &self.id
    }
}

impl Row for PodRow {
    type Key = PodId;
    fn key(&self) -> &PodId {
        &self.id
    }
}

impl PodRow {
    /// Whole GPUs asked for.
    #[must_use]
    pub fn whole_gpus(&self) -> u64 {
        self.gpus.saturating_sub(self.shares)
    }
}

impl Record for ClusterRow {
    const KEYS: &'static [&'static str] = &["name", "version", "nodes", "gpus", "held", "pods"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        Some(match key {
            "name" => vec![Value::text(self.id.as_str()), Value::text(&self.name)],
            "cluster" => vec![Value::text(self.id.as_str())],
            "version" => if_any(&self.version),
            "nodes" => if_known(self.nodes),
            "gpus" => if_known(self.gpus),
            "held" => if_known(self.gpus_held),
            "pods" => if_known(self.pods),
            _ => return None,
        })
    }
}

impl Record for NodeRow {
    const KEYS: &'static [&'static str] =
        &["name", "cluster", "status", "pool", "product", "zone", "type", "taint", "gpus", "held", "free"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        Some(match key {
            "name" | "node" => vec![Value::text(&self.id.name)],
            "cluster" => vec![Value::text(self.id.cluster.as_str())],
            "status" => vec![Value::text(&self.status_word), Value::text(self.status.alias())],
            "pool" => if_any(&self.pool),
            "product" => if_any(&self.product),
            "zone" => if_any(&self.zone),
            "type" => if_any(&self.instance_type),
            "taint" => self.taints.iter().map(|taint| Value::text(taint)).collect(),
            "gpus" => vec![Value::number(self.gpus.len())],
            "held" => if_known(self.gpus_held()),
            "free" => if_known(self.gpus_free()),
            _ => return None,
        })
    }
}

impl Record for PodRow {
    const KEYS: &'static [&'static str] = &[
        "name",
        "cluster",
        "namespace",
        "team",
        "queue",
        "status",
        "node",
        "workload",
        "kind",
        "image",
        "gpus",
        "shares",
        "restarts",
        "ready",
    ];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        Some(match key {
            "name" | "pod" => vec![Value::text(&self.id.name)],
            "cluster" => vec![Value::text(self.id.cluster.as_str())],
            "namespace" | "ns" => vec![Value::text(&self.id.namespace)],
            "status" => vec![Value::text(&self.status_word), Value::text(self.status.alias())],
            "node" => if_any(&self.node),
            "team" => if_any(&self.team),
            "queue" => if_any(&self.queue),
            "workload" => if_any(&self.workload),
            "kind" => if_any(&self.workload_kind),
            "image" => self.images.iter().map(|image| Value::text(image)).collect(),
            "gpus" => vec![Value::number(usize::try_from(self.whole_gpus()).unwrap_or(usize::MAX))],
            "shares" => vec![Value::number(usize::try_from(self.shares).unwrap_or(usize::MAX))],
            "restarts" => vec![Value::Number(f64::from(self.restarts))],
            "ready" => vec![Value::number(usize::from(self.ready))],
            _ => return None,
        })
    }
}

fn if_known(sum: Sum) -> Vec<Value<'static>> {
    sum.number().map(|n| Value::number(usize::try_from(n).unwrap_or(usize::MAX))).into_iter().collect()
}

fn if_any(text: &Option<SmolStr>) -> Vec<Value<'_>> {
    text.iter().map(|text| Value::text(text)).collect()
}
