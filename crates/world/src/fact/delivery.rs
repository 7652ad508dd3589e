//! Facts of delivery: how a workload gets from one revision to the next, how far it is, and what is measured on the way.

use super::{CanariesFact, FlaggerFact, OwnerFact, RouteFact, ServedFact};
use pilothouse_wire::{
    SmolStr, Stamp,
    view::{AnalysisPhase, Guard, MeasurementRow, Occasion, Step},
};
use serde::{Deserialize, Serialize};

/// The most measurements of one metric that are kept, the newest.
pub const MOST_MEASUREMENTS: usize = 200;

/// How a workload gets from revision to revision. Source: `argoproj.io/v1alpha1.Rollout`, `apps/v1.Deployment`,
/// `apps/v1.StatefulSet`, `leaderworkerset.x-k8s.io/v1.LeaderWorkerSet`, `serving.kserve.io/v1beta1.InferenceService`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryFact {
    /// `spec.strategy`, `spec.updateStrategy`, `spec.rolloutStrategy`.
    pub strategy: StrategyFact,
    /// `metadata.generation`.
    pub generation: i64,
    /// `status.observedGeneration`; absent where it is no number.
    pub observed: Option<i64>,
    /// When somebody wrote the spec last: the newest of `metadata.managedFields` that are not the controller's.
    pub written: Option<Stamp>,
    /// `spec.paused`.
    pub paused: bool,
    /// Counts of pods, of `status`; of groups of a LeaderWorkerSet.
    pub pods: PodsFact,
    /// `status.currentPodHash`, `status.updateRevision`: the revision that is wanted.
    pub current: Option<SmolStr>,
    /// `status.stableRS`, `status.currentRevision`: the revision that is gone back to.
    pub stable: Option<SmolStr>,
    /// `status.conditions`.
    pub conditions: Vec<StatedFact>,
    /// Names and images of the containers of `spec.template`.
    pub images: Vec<(SmolStr, SmolStr)>,
    /// Who would take a change by hand back, by labels and annotations of Argo CD and Flux.
    pub guard: Option<Guard>,
    /// What only Argo Rollouts has.
    pub rollout: Option<Box<RolloutFact>>,
}

/// How revisions follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StrategyFact {
    /// Nobody says.
    #[default]
    Unknown,
    /// Pod by pod. Those of a StatefulSet with a lower number than the partition keep the revision that they have.
    Rolling {
        /// `rollingUpdate.partition`.
        partition: u32,
    },
    /// All pods go, then all come.
    Recreate,
    /// A pod gets its revision when somebody deletes it.
    OnDelete,
    /// Step by step, a share of traffic at a time.
    Canary {
        /// `steps`.
        steps: Vec<Step>,
        /// The key of `trafficRouting`; absent where pods alone split traffic.
        router: Option<SmolStr>,
        /// `trafficRouting.maxTrafficWeight`; 100 where it is not said.
        whole: u32,
    },
    /// Two whole sets of pods, and a service that turns from one to the other.
    BlueGreen {
        /// `autoPromotionEnabled`; true where it is not said.
        promotes_itself: bool,
        /// `postPromotionAnalysis` is set.
        analysed_behind: bool,
    },
    /// As KServe does it, by the mode of the service.
    Served(Box<ServedFact>),
    /// It has no pods: it gives shares of traffic to backends.
    Routed(Box<RouteFact>),
    /// It has no pods of its own: it moves the traffic of a workload by itself.
    Flagger(Box<FlaggerFact>),
    /// As KServe does it, with canaries beside the predictor.
    Canaried(Box<ServedFact>, Box<CanariesFact>),
}

/// Counts of pods. Source: `status` of the workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodsFact {
    /// `replicas`.
    pub all: u64,
    /// `updatedReplicas`.
    pub updated: u64,
    /// `readyReplicas`.
    pub ready: u64,
    /// `availableReplicas`.
    pub available: u64,
}

/// A condition with its words. Source: `status.conditions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedFact {
    /// `type`.
    pub kind: SmolStr,
    /// `status`.
    pub status: SmolStr,
    /// `reason`.
    pub reason: Option<SmolStr>,
    /// `message`, cut at 1,024 characters.
    pub message: Option<String>,
    /// `lastTransitionTime`.
    pub since: Option<Stamp>,
}

/// What only Argo Rollouts has. Source: `argoproj.io/v1alpha1.Rollout`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutFact {
    /// `status.phase`.
    pub phase: Option<SmolStr>,
    /// `status.message`, cut at 1,024 characters.
    pub message: Option<String>,
    /// `status.currentStepIndex`.
    pub step: Option<u32>,
    /// `status.abort`.
    pub aborted: bool,
    /// `status.promoteFull`.
    pub promoted_fully: bool,
    /// `status.controllerPause`.
    pub controller_pauses: bool,
    /// `status.pauseConditions`: reason, and since when.
    pub pauses: Vec<(SmolStr, Option<Stamp>)>,
    /// `status.canary.weights.canary.weight`: what a router was told, and says that it does.
    pub weight: Option<u32>,
    /// `status.blueGreen.activeSelector`.
    pub active: Option<SmolStr>,
    /// `status.blueGreen.previewSelector`.
    pub preview: Option<SmolStr>,
    /// `status.blueGreen.postPromotionAnalysisRunStatus` is over.
    pub analysed: bool,
    /// `spec.workloadRef`: whose template it takes.
    pub template_of: Option<OwnerFact>,
    /// The generation of that workload, by annotation `rollout.argoproj.io/workload-generation`, is not
    /// `status.workloadObservedGeneration`.
    pub template_unobserved: bool,
    /// `spec.restartAt` is not `status.restartedAt`.
    pub restarts: bool,
}

/// How large a revision is. Source: `apps/v1.ReplicaSet`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeFact {
    /// Label `pod-template-hash` or `rollouts-pod-template-hash`, of Knative `serving.knative.dev/revision`; the name of a
    /// ControllerRevision.
    pub hash: SmolStr,
    /// `spec.replicas`.
    pub wanted: u64,
    /// `status.replicas`.
    pub all: u64,
    /// `status.readyReplicas`.
    pub ready: u64,
    /// `status.availableReplicas`.
    pub available: u64,
    /// GPUs that one of its pods asks for.
    pub gpus: u64,
    /// Annotation `scale-down-deadline`: when its pods go.
    pub goes_at: Option<Stamp>,
}

/// Something that is measured while a revision comes. Source: `argoproj.io/v1alpha1.AnalysisRun`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisFact {
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// Who made it: a Rollout, or an Experiment of one.
    pub owner: Option<OwnerFact>,
    /// `metadata.creationTimestamp`.
    pub created: Option<Stamp>,
    /// Label `rollouts-pod-template-hash`: of which revision.
    pub hash: Option<SmolStr>,
    /// Label `rollout-type`.
    pub occasion: Occasion,
    /// Label `step-index`.
    pub step: Option<u32>,
    /// `spec.terminate`.
    pub ended_by_hand: bool,
    /// `status.phase`.
    pub phase: AnalysisPhase,
    /// `status.message`, cut at 1,024 characters.
    pub message: Option<String>,
    /// `status.startedAt`.
    pub started: Option<Stamp>,
    /// `status.completedAt`.
    pub ended: Option<Stamp>,
    /// `spec.metrics` with `status.metricResults`, by name.
    pub metrics: Vec<MetricFact>,
}

/// One metric of an analysis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricFact {
    /// `name`.
    pub name: SmolStr,
    /// The key of `provider`: `prometheus`, `web`, `job`.
    pub provider: Option<SmolStr>,
    /// `metadata.ResolvedPrometheusQuery`, else `provider.prometheus.query`; cut at 4,096 characters. Absent where an
    /// argument of the run comes from a Secret.
    pub query: Option<String>,
    /// `successCondition`, cut at 1,024 characters.
    pub success: Option<String>,
    /// `failureCondition`, cut at 1,024 characters.
    pub failure: Option<String>,
    /// `failureLimit`; below 0 none. 0 where it is not said.
    pub most_failed: i64,
    /// `inconclusiveLimit`; 0 where it is not said.
    pub most_inconclusive: i64,
    /// `consecutiveErrorLimit`; 4 where it is not said.
    pub most_errors: i64,
    /// `count`: so many measurements end it.
    pub wanted: Option<u64>,
    /// `dryRun`: it decides nothing.
    pub dry: bool,
    /// `phase` of its result.
    pub phase: AnalysisPhase,
    /// `message` of its result, cut at 1,024 characters.
    pub message: Option<String>,
    /// `count`, `successful`, `failed`, `inconclusive`, `error`, as the controller counted.
    pub counted: CountsFact,
    /// `measurements`, the oldest first; [`MOST_MEASUREMENTS`] at most.
    pub measurements: Vec<MeasurementRow>,
}

/// How many measurements came out how, by the controller's word. It keeps fewer than it has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsFact {
    /// `successful`.
    pub passed: u64,
    /// `failed`.
    pub failed: u64,
    /// `inconclusive`.
    pub inconclusive: u64,
    /// `error`.
    pub errors: u64,
}

impl CountsFact {
    /// All of them.
    #[must_use]
    pub fn all(self) -> u64 {
        [self.passed, self.failed, self.inconclusive, self.errors].into_iter().fold(0, u64::saturating_add)
    }
}

/// Pods of several revisions side by side, for a while. Source: `argoproj.io/v1alpha1.Experiment`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentFact {
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// Who made it.
    pub owner: Option<OwnerFact>,
    /// `metadata.creationTimestamp`.
    pub created: Option<Stamp>,
    /// `status.phase`.
    pub phase: AnalysisPhase,
    /// `status.message`, cut at 1,024 characters.
    pub message: Option<String>,
    /// `status.availableAt`: since when all of its pods are there.
    pub available: Option<Stamp>,
    /// `status.templateStatuses`: name, pods, those of them that are available.
    pub templates: Vec<(SmolStr, u64, u64)>,
}
