//! Facts of what is measured: GPUs as exporters identify them, serving engines, and columns of readings.

use pilothouse_wire::{ConnectionId, Metric, Reading, ServingEngine, ServingMetric, SmolStr, Stamp};
use serde::{Deserialize, Serialize};

/// All GPUs that a source measures, as they call themselves. Columns of readings follow this order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DevicesFact {
    /// Counts the lists of a source: readings say which list they follow.
    pub list: u32,
    /// The cluster whose nodes they are in, where the source knows it. Otherwise a node's name tells, if only one
    /// cluster has it.
    pub cluster: Option<ConnectionId>,
    /// How often they are measured, in milliseconds, or those of them that are measured most seldom ([`super::Fact::Paced`]
    /// tells of the others): what is older than two and a half of these is stale.
    pub interval_ms: u64,
    /// The GPUs.
    pub devices: Vec<DeviceFact>,
    /// What the source does not have, and why.
    pub missing: Vec<MissingMetric>,
}

/// A metric that a source does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingMetric {
    /// The metric.
    pub metric: Metric,
    /// Why, as a sentence.
    pub why: String,
    /// What would give it: a line of the exporter's settings, say.
    pub next: Option<String>,
}

/// One physical GPU as an exporter identifies it. Source: labels of dcgm-exporter, NVML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFact {
    /// `UUID`, such as `GPU-5fd4…`; of the whole device also where it is cut by MIG.
    pub uuid: SmolStr,
    /// The node that it is in, as the exporter calls it.
    pub node: Option<SmolStr>,
    /// Its number on the node.
    pub index: Option<u16>,
    /// PCI bus id.
    pub pci: Option<SmolStr>,
    /// Product.
    pub product: Option<SmolStr>,
    /// Version of the driver.
    pub driver: Option<SmolStr>,
    /// Who the exporter says holds it, or a part of it.
    pub claims: Vec<DeviceClaim>,
}

/// A container that holds a GPU or a part of it, by the exporter's word (kubelet's PodResources or a DRA claim).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceClaim {
    /// Namespace of the pod.
    pub namespace: SmolStr,
    /// Name of the pod.
    pub pod: SmolStr,
    /// The MIG instance that it holds: profile and instance id.
    pub slice: Option<SmolStr>,
    /// The DRA claim through which it holds it: namespace/name.
    pub dra: Option<SmolStr>,
}

/// What was measured of all GPUs of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingsFact {
    /// The list that the columns follow; readings for another list are of no use.
    pub list: u32,
    /// When each GPU was measured, by the clock of who measured (`timestamp(…)`, never the time of the query); `None`
    /// where nothing was measured this time.
    pub at: Vec<Option<Stamp>>,
    /// One column a metric, one reading a GPU.
    pub columns: Vec<(Metric, Vec<Reading>)>,
}

/// Where a metric of GPUs came to a value that tells of a change before the source was watched, as it is kept there. Source:
/// a range, in which the server compares each step with the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeFact {
    /// The list that places follow.
    pub list: u32,
    /// The metric.
    pub metric: Metric,
    /// How far apart the server was looked at, in milliseconds: each change is by so much at most before the time that is
    /// told.
    pub step_ms: u64,
    /// The place of the GPU, when the value was first there, and the value; the oldest first.
    pub found: Vec<(u32, Stamp, Reading)>,
    /// So many are left out: older ones, or of GPUs that are measured no more.
    pub more: u64,
}

/// Pods whose serving engines a source measures, and what was measured of them at one time. Who is not named is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingFact {
    /// The cluster whose pods they are, where the source knows it. Otherwise namespace and name tell, if only one
    /// cluster has such a pod.
    pub cluster: Option<ConnectionId>,
    /// How often they are measured, in milliseconds: what is older than two and a half of these is stale.
    pub interval_ms: u64,
    /// The pods.
    pub pods: Vec<ServingPodFact>,
    /// When each pod was measured, by the clock of who measured; `None` where nothing was measured this time.
    pub at: Vec<Option<Stamp>>,
    /// One column a metric, one reading a pod.
    pub columns: Vec<(ServingMetric, Vec<Reading>)>,
}

/// A pod with a serving engine. Source: labels that the scrape adds (`namespace`, `pod`), and the engine's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingPodFact {
    /// Namespace of the pod.
    pub namespace: SmolStr,
    /// Name of the pod.
    pub pod: SmolStr,
    /// The engine, by the names of its series.
    pub engine: ServingEngine,
    /// `model_name` (vLLM, SGLang) or `model` (Triton, Dynamo), each that it serves.
    pub models: Vec<SmolStr>,
}
