//! What servers say, as facts. An allow-list: what is not needed has no field here and so is not kept.
//!
//! Never kept: values of environment variables (but addresses of models in those read by name), ConfigMaps and Secrets;
//! last-applied annotations.

mod changes;
mod delivery;
mod extent;
mod models;
mod registry;
mod repository;
mod served;
mod start;
mod traffic;

pub use changes::{ActedFact, ControllerFact, JobFact, NoteFact, RevisionFact, WriteFact};
pub use delivery::{
    AnalysisFact, CountsFact, DeliveryFact, ExperimentFact, MOST_MEASUREMENTS, MetricFact, PodsFact, RolloutFact,
    SizeFact, StatedFact, StrategyFact,
};
pub use extent::{Covers, Extent, Kind};
pub use models::{ModelFact, VersionFact};
pub use registry::{RegistryFact, RepositoryFact, TagFact};
pub use repository::{ApplicationFact, OperationFact, PromotionFact, RepositorySource, StageFact, SyncedFact};
pub use served::{FailureFact, LoadFact, ServedFact, TargetFact};
pub use start::StartFact;
pub use traffic::{BackendFact, FlaggerFact, LabelsFact, ParentFact, RouteFact, RuleFact, ShareFact};

use pilothouse_wire::{
    ConnectionId, Health, Metric, ObjectRef, Reading, ServingEngine, ServingMetric, SmolStr, Stamp,
    view::{AlertState, Attempt, Mark},
};
use serde::{Deserialize, Serialize};

/// Version of the encoded form of [`Batch`]. A journal says which one it has; each past one can be read.
pub const FACT_VERSION: u16 = 9;

/// Facts that one source said at one time, taken in together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Who said it.
    pub source: ConnectionId,
    /// When we heard it, by our clock.
    pub seen_at: Stamp,
    /// All there is of a kind, or only what changed.
    pub extent: Extent,
    /// What was said.
    pub facts: Vec<Fact>,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// About the source itself.
    Source(SourceFact),
    /// A node is as follows.
    Node(Box<NodeFact>),
    /// A namespace exists.
    Namespace(NamespaceFact),
    /// A pod is as follows.
    Pod(Box<PodFact>),
    /// An event is as follows.
    Event(Box<EventFact>),
    /// A node is gone.
    NodeGone(SmolStr),
    /// A namespace is gone.
    NamespaceGone(SmolStr),
    /// A pod is gone: namespace, name.
    PodGone(SmolStr, SmolStr),
    /// An event is gone: uid.
    EventGone(SmolStr),
    /// These are all the GPUs that the source measures.
    Devices(Box<DevicesFact>),
    /// What was measured of them.
    Readings(Box<ReadingsFact>),
    /// A pod is as follows, and its labels say whose it is.
    LabelledPod(Box<PodFact>, PodLabels),
    /// A namespace exists, and its labels name this team.
    LabelledNamespace(NamespaceFact, SmolStr),
    /// These are all the pods whose serving engines the source measures, and what was measured of them.
    Serving(Box<ServingFact>),
    /// A controller of pods is as follows.
    Controller(Box<ControllerFact>),
    /// A controller of pods is gone: kind, namespace, name.
    ControllerGone(SmolStr, SmolStr, SmolStr),
    /// A revision of what a controller makes pods of is as follows.
    Revision(Box<RevisionFact>),
    /// A revision is gone: namespace, name.
    RevisionGone(SmolStr, SmolStr),
    /// A person put a note on the ribbon.
    Note(Box<NoteFact>),
    /// A person took a note away: where it stood, and what it was about.
    NoteGone(Stamp, ObjectRef),
    /// What an earlier run had on its ribbon, said again as a run begins.
    Recalled(Vec<Mark>),
    /// These are all the alerts that the source has.
    Alerts(Box<AlertsFact>),
    /// A Job is as follows.
    Job(Box<JobFact>),
    /// A person did something, or is doing it.
    Acted(Box<ActedFact>),
    /// A registered model is as follows, with its versions and aliases.
    Model(Box<ModelFact>),
    /// A registered model is gone: its name.
    ModelGone(SmolStr),
    /// These are all the repositories and tags that are watched of a registry.
    Registry(Box<RegistryFact>),
    /// A controller of pods is as follows, and this is how it gets from revision to revision.
    Delivered(Box<ControllerFact>, Box<DeliveryFact>),
    /// A revision is as follows, and this large.
    SizedRevision(Box<RevisionFact>, SizeFact),
    /// An analysis is as follows.
    Analysis(Box<AnalysisFact>),
    /// An analysis is gone: namespace, name.
    AnalysisGone(SmolStr, SmolStr),
    /// An experiment is as follows.
    Experiment(Box<ExperimentFact>),
    /// An experiment is gone: namespace, name.
    ExperimentGone(SmolStr, SmolStr),
    /// A pod is as follows, its labels say whose it is, and these of its containers are started with models.
    StartedPod(Box<PodFact>, PodLabels, Vec<StartFact>),
    /// A controller of pods is as follows, and so it gets from revision to revision; its pods get these labels.
    Labelled(Box<ControllerFact>, Box<DeliveryFact>, LabelsFact),
    /// What a route may send traffic to is as follows.
    Backend(Box<BackendFact>),
    /// It is gone: kind, namespace, name.
    BackendGone(SmolStr, SmolStr, SmolStr),
    /// What Argo CD keeps is as follows.
    Application(Box<ApplicationFact>),
    /// It is gone: namespace, name.
    ApplicationGone(SmolStr, SmolStr),
    /// A promotion of Kargo is as follows.
    Promotion(Box<PromotionFact>),
    /// It is gone: namespace, name.
    PromotionGone(SmolStr, SmolStr),
    /// A stage of Kargo is as follows.
    Stage(Box<StageFact>),
    /// It is gone: namespace, name.
    StageGone(SmolStr, SmolStr),
    /// A controller of pods is as follows; it is a part of that service, and its pods get these labels.
    Part(Box<ControllerFact>, OwnerFact, LabelsFact),
}

/// About a source itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SourceFact {
    /// It exists, and this is what is known of it without asking.
    About(Box<SourceAbout>),
    /// It answered at the batch's time, though nothing changed.
    Heard,
    /// How it is.
    Health(Health),
    /// What it told of itself on connecting.
    Probed(Box<Probed>),
    /// An attempt to connect and what came of it.
    Attempt(Attempt),
    /// When it is tried again by itself.
    RetryAt(Option<Stamp>),
    /// So many objects, or parts of objects, could not be used or kept.
    Dropped(u64),
    /// It was removed: everything it said is forgotten.
    Removed,
    /// These are all the servers inside of it that others could connect to. Empty also where it may not look.
    Inside(Vec<ServiceFact>),
}

/// What is known of a source without asking it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceAbout {
    /// Name for people.
    pub name: SmolStr,
    /// Id of its kind.
    pub kind: SmolStr,
    /// Is it the demo?
    pub demo: bool,
    /// Address without credentials.
    pub address: Option<SmolStr>,
    /// How often it is expected to be heard, in milliseconds.
    pub period_ms: u64,
}

/// What a source told of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Probed {
    /// The server's version.
    pub version: Option<SmolStr>,
    /// Who we are there.
    pub identity: Option<SmolStr>,
    /// What it may do.
    pub may: Vec<SmolStr>,
    /// What it may not do or see.
    pub may_not: Vec<SmolStr>,
    /// What is not visible, as a sentence.
    pub not_visible: Option<String>,
}

/// A server inside of a cluster that was recognised by its service. Source: `v1.Service`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFact {
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// The number of the port, of `spec.ports`.
    pub port: u16,
    /// By what it was recognised: the id of a signature.
    pub signature: SmolStr,
}

/// A node. Source: `v1.Node`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeFact {
    /// `metadata.name`.
    pub name: SmolStr,
    /// `metadata.uid`.
    pub uid: SmolStr,
    /// `metadata.creationTimestamp`.
    pub created: Option<Stamp>,
    /// The labels that we use (see [`crate::gpu::is_kept_label`]).
    pub labels: Vec<(SmolStr, SmolStr)>,
    /// `spec.unschedulable`.
    pub cordoned: bool,
    /// `spec.taints`, as `key=value:Effect`.
    pub taints: Vec<SmolStr>,
    /// `status.conditions`.
    pub conditions: Vec<ConditionFact>,
    /// `status.capacity` of GPU keys.
    pub capacity: Vec<(SmolStr, u64)>,
    /// `status.allocatable` of GPU keys.
    pub allocatable: Vec<(SmolStr, u64)>,
    /// `status.nodeInfo.kubeletVersion`.
    pub kubelet: Option<SmolStr>,
}

/// A condition. Source: `v1.NodeCondition`, `v1.PodCondition`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionFact {
    /// `type`.
    pub kind: SmolStr,
    /// `status`.
    pub status: SmolStr,
    /// `reason`.
    pub reason: Option<SmolStr>,
    /// `lastTransitionTime`.
    pub since: Option<Stamp>,
}

/// A namespace. Source: `v1.Namespace`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NamespaceFact {
    /// `metadata.name`.
    pub name: SmolStr,
    /// `status.phase` is `Terminating`.
    pub terminating: bool,
}

/// A pod. Source: `v1.Pod`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodFact {
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// `metadata.uid`.
    pub uid: SmolStr,
    /// `metadata.creationTimestamp`.
    pub created: Option<Stamp>,
    /// `metadata.deletionTimestamp`.
    pub deleting: Option<Stamp>,
    /// `metadata.ownerReferences`, the controller first; behind a ReplicaSet of a Rollout that Rollout, by the label
    /// `rollouts-pod-template-hash`, and of a predictor of KServe its service, by the label
    /// `serving.kserve.io/inferenceservice`.
    pub owners: Vec<OwnerFact>,
    /// Label `pod-template-hash`, set by a Deployment's controller.
    pub template_hash: Option<SmolStr>,
    /// `spec.nodeName`.
    pub node: Option<SmolStr>,
    /// `status.phase`.
    pub phase: Phase,
    /// `status.reason`, such as `Evicted`.
    pub reason: Option<SmolStr>,
    /// `status.startTime`.
    pub started: Option<Stamp>,
    /// What it asks for of GPU keys, over its containers as the scheduler counts.
    pub gpus: Vec<(SmolStr, u64)>,
    /// CPU asked for, in thousandths of a core.
    pub cpu_millis: u64,
    /// Memory asked for.
    pub memory_bytes: u64,
    /// Its containers and restartable init containers.
    pub containers: Vec<ContainerFact>,
    /// `status.conditions`.
    pub conditions: Vec<ConditionFact>,
}

/// What the labels of a pod say of whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodLabels {
    /// The team, by the first label of the connection's rule.
    pub team: Option<SmolStr>,
    /// The queue through which it came: label `kueue.x-k8s.io/queue-name` or `volcano.sh/queue-name`.
    pub queue: Option<SmolStr>,
}

impl Fact {
    /// The pod that it tells of.
    #[must_use]
    pub fn pod(&self) -> Option<&PodFact> {
        match self {
            Self::Pod(pod) | Self::LabelledPod(pod, _) | Self::StartedPod(pod, ..) => Some(pod),
            _ => None,
        }
    }

    /// The controller of pods that it tells of.
    #[must_use]
    pub fn controller(&self) -> Option<&ControllerFact> {
        match self {
            Self::Controller(controller)
            | Self::Delivered(controller, _)
            | Self::Labelled(controller, ..)
            | Self::Part(controller, ..) => Some(controller),
            Self::Job(job) => Some(&job.controller),
            _ => None,
        }
    }

    /// The revision that it tells of.
    #[must_use]
    pub fn revision(&self) -> Option<&RevisionFact> {
        match self {
            Self::Revision(revision) | Self::SizedRevision(revision, _) => Some(revision),
            _ => None,
        }
    }

    /// The namespace that it tells of.
    #[must_use]
    pub fn namespace(&self) -> Option<&NamespaceFact> {
        match self {
            Self::Namespace(namespace) | Self::LabelledNamespace(namespace, _) => Some(namespace),
            _ => None,
        }
    }
}

/// Where a pod is in its life. Source: `v1.PodStatus.phase`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// Accepted; not all containers run.
    #[default]
    Pending,
    /// On a node; at least one container runs.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, one of them badly.
    Failed,
    /// The node cannot be asked.
    Unknown,
}

/// An owner of an object. Source: `v1.OwnerReference`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnerFact {
    /// `kind`.
    pub kind: SmolStr,
    /// `name`.
    pub name: SmolStr,
}

/// A container. Source: `v1.Container`, `v1.ContainerStatus`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerFact {
    /// `name`.
    pub name: SmolStr,
    /// `image` of the spec.
    pub image: SmolStr,
    /// Digest out of `imageID`: `sha256:…`.
    pub digest: Option<SmolStr>,
    /// `ready`.
    pub ready: bool,
    /// `restartCount`.
    pub restarts: u32,
    /// Why it waits or how it ended: `CrashLoopBackOff`, `OOMKilled`; absent while it runs.
    pub reason: Option<SmolStr>,
    /// Is `reason` the end of it (else it waits)?
    pub ended: bool,
}

/// An event. Source: `events.k8s.io/v1.Event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventFact {
    /// `metadata.uid`.
    pub uid: SmolStr,
    /// `regarding.kind`.
    pub kind: SmolStr,
    /// `regarding.namespace`.
    pub namespace: Option<SmolStr>,
    /// `regarding.name`.
    pub name: SmolStr,
    /// `type` is `Warning`.
    pub warning: bool,
    /// `reason`.
    pub reason: SmolStr,
    /// `note`, cut at 1,024 characters.
    pub note: String,
    /// `series.count` or `deprecatedCount`, at least 1.
    pub count: u32,
    /// The last time it happened.
    pub at: Stamp,
}

/// All GPUs that a source measures, as they call themselves. Columns of readings follow this order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DevicesFact {
    /// Counts the lists of a source: readings say which list they follow.
    pub list: u32,
    /// The cluster whose nodes they are in, where the source knows it. Otherwise a node's name tells, if only one
    /// cluster has it.
    pub cluster: Option<ConnectionId>,
    /// How often they are measured, in milliseconds: what is older than two and a half of these is stale.
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

/// All alerts that a source has. Which is not named fires no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertsFact {
    /// The cluster that they are about, where the source knows it. Otherwise names tell, if only one cluster has them.
    pub cluster: Option<ConnectionId>,
    /// The alerts.
    pub alerts: Vec<AlertFact>,
}

/// An alert. Source: `GET /api/v2/alerts` of an Alertmanager.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertFact {
    /// `fingerprint`.
    pub fingerprint: SmolStr,
    /// Label `alertname`.
    pub name: SmolStr,
    /// Label `severity`.
    pub severity: Option<SmolStr>,
    /// `status.state`, and by what it is kept back.
    pub state: AlertState,
    /// `startsAt`.
    pub since: Stamp,
    /// Annotation `summary`, `description` or `message`, cut at 1,024 characters.
    pub summary: Option<String>,
    /// The labels that we use (see [`crate::alert::is_kept_label`]).
    pub labels: Vec<(SmolStr, SmolStr)>,
    /// Annotation `runbook_url`, without credentials.
    pub runbook: Option<String>,
}
