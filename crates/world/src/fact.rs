//! What servers say, as facts. An allow-list: what is not needed has no field here and so is not kept.
//!
//! Never kept: values of environment variables (but addresses of models in those read by name), ConfigMaps and Secrets;
//! last-applied annotations. That a variable or the arguments of a container are others than before is known by digests under
//! a key that is kept nowhere.

mod alerts;
mod budgets;
mod changes;
mod claims;
mod delivery;
mod extent;
mod host;
mod measured;
mod models;
mod objects;
mod registry;
mod repository;
mod served;
mod source;
mod start;
mod traffic;

pub use alerts::{AlertFact, AlertsFact};
pub use budgets::{BudgetFact, RequirementFact, SelectorFact};
pub use changes::{ActedFact, ControllerFact, JobFact, MadeFact, NoteFact, RevisionFact, TemplateFact, WriteFact};
pub use claims::{AllocatedFact, AllocationFact, OfferedFact, ReservedFact, SliceFact};
pub use delivery::{
    AnalysisFact, CountsFact, DeliveryFact, ExperimentFact, MOST_MEASUREMENTS, MetricFact, PodsFact, RolloutFact,
    SizeFact, StatedFact, StrategyFact,
};
pub use extent::{Covers, Extent, Kind};
pub use host::HostFact;
pub use measured::{
    BeforeFact, DeviceClaim, DeviceFact, DevicesFact, MissingMetric, ReadingsFact, ServingFact, ServingPodFact,
};
pub use models::{ModelFact, VersionFact};
pub use objects::{
    ConditionFact, ContainerFact, EventFact, NamespaceFact, NodeFact, NodeWriteFact, OwnerFact, Phase, PodFact,
    PodLabels, WrittenFact,
};
pub use registry::{RegistryFact, RepositoryFact, TagFact};
pub use repository::{ApplicationFact, OperationFact, PromotionFact, RepositorySource, StageFact, SyncedFact};
pub use served::{CanariesFact, CanaryFact, FailureFact, LoadFact, ServedFact, TargetFact};
pub use source::{Probed, ServiceFact, SourceAbout, SourceFact};
pub use start::StartFact;
pub use traffic::{BackendFact, FlaggerFact, LabelsFact, ParentFact, RouteFact, RuleFact, ShareFact};

use pilothouse_wire::{ConnectionId, ObjectRef, SmolStr, Stamp, view::Mark};
use serde::{Deserialize, Serialize};

/// Version of the encoded form of [`Batch`]. A journal says which one it has; each past one can be read.
pub const FACT_VERSION: u16 = 17;

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
    /// The source was asked, and answered nothing of these GPUs of its list, by their places; of all others it did.
    Silent(u32, Vec<u32>),
    /// GPUs that a driver of dynamic resource allocation publishes are as follows.
    Slice(Box<SliceFact>),
    /// They are not published any more: name of the object.
    SliceGone(SmolStr),
    /// What a claim of dynamic resource allocation has is as follows.
    Allocation(Box<AllocationFact>),
    /// The claim is gone: namespace, name.
    AllocationGone(SmolStr, SmolStr),
    /// The machine that a node is, and what uses its GPUs, are as follows.
    Host(Box<HostFact>),
    /// This is kept of GPUs from before the source was watched.
    Before(Box<BeforeFact>),
    /// A revision is as follows, this large where that is told, and makes pods of this.
    TemplatedRevision(Box<RevisionFact>, Option<SizeFact>, Box<TemplateFact>),
    /// A pod that asks for GPUs is as follows, its labels say whose it is, these of its containers are started with models, and
    /// these are all of its labels: disruption budgets choose it by them.
    ChosenPod(Box<PodFact>, PodLabels, Vec<StartFact>, LabelsFact),
    /// A disruption budget is as follows.
    Budget(Box<BudgetFact>),
    /// It is gone: namespace, name.
    BudgetGone(SmolStr, SmolStr),
    /// A node is as follows, and this is kept of who wrote into it.
    WrittenNode(Box<NodeFact>, WrittenFact),
    /// These GPUs of the source's list are measured more often than the list says: from which place on how often, in
    /// milliseconds, each up to the next one.
    Paced(u32, Vec<(u32, u64)>),
}

impl Fact {
    /// The node that it tells of.
    #[must_use]
    pub fn node(&self) -> Option<&NodeFact> {
        match self {
            Self::Node(node) | Self::WrittenNode(node, _) => Some(node),
            _ => None,
        }
    }

    /// The pod that it tells of.
    #[must_use]
    pub fn pod(&self) -> Option<&PodFact> {
        match self {
            Self::Pod(pod) | Self::LabelledPod(pod, _) | Self::StartedPod(pod, ..) | Self::ChosenPod(pod, ..) => {
                Some(pod)
            }
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
            Self::Revision(revision) | Self::SizedRevision(revision, _) | Self::TemplatedRevision(revision, ..) => {
                Some(revision)
            }
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
