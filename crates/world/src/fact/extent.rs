//! How much a batch says: what changed, or everything of a kind.

use pilothouse_wire::SmolStr;
use serde::{Deserialize, Serialize};

/// How much a batch says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Extent {
    /// What changed; everything else stays.
    Delta,
    /// Everything of a kind: what is not named is gone. Nobody sees half of it.
    Replace(Covers),
}

/// What a complete listing covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Covers {
    /// The kind that was listed.
    pub kind: Kind,
    /// Only in this namespace, or everywhere.
    pub namespace: Option<SmolStr>,
}

/// The kinds of object that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Nodes.
    Node,
    /// Namespaces.
    Namespace,
    /// Pods.
    Pod,
    /// Events.
    Event,
    /// Controllers of pods of any kind. Builds before each kind had its own said this: such a listing may tell of a part.
    Controller,
    /// Revisions of any kind; likewise.
    Revision,
    /// Deployments.
    Deployment,
    /// StatefulSets.
    StatefulSet,
    /// DaemonSets.
    DaemonSet,
    /// ReplicaSets: revisions, and controllers where nobody owns them.
    ReplicaSet,
    /// ControllerRevisions.
    ControllerRevision,
    /// Jobs.
    Job,
    /// Registered models with their versions.
    Model,
    /// Rollouts of Argo.
    Rollout,
    /// Groups of pods with a leader.
    LeaderWorkerSet,
    /// Analyses of Argo.
    Analysis,
    /// Experiments of Argo.
    Experiment,
    /// InferenceServices of KServe.
    InferenceService,
    /// LLMInferenceServices of KServe.
    LlmInferenceService,
    /// Routes of the Gateway API.
    HttpRoute,
    /// Services, as backends of routes.
    Service,
    /// Pools of serving engines, as backends of routes.
    InferencePool,
    /// Rules that give a model's requests to others of its pool.
    ModelRewrite,
    /// Applications of Argo CD.
    Application,
    /// Canaries of Flagger.
    Canary,
    /// Promotions of Kargo.
    Promotion,
    /// Stages of Kargo.
    Stage,
    /// Devices that drivers of dynamic resource allocation publish.
    ResourceSlice,
    /// Claims to them.
    ResourceClaim,
    /// Disruption budgets.
    DisruptionBudget,
}
