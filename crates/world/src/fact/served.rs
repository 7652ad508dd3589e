//! Facts of services of KServe: which model, who makes their pods, how their router splits traffic, how the model loads.

use pilothouse_wire::{SmolStr, Stamp, view::delivery::ServedMode};
use serde::{Deserialize, Serialize};

/// What only a service of KServe has. Source: `serving.kserve.io/v1beta1.InferenceService`, of which its predictor is meant;
/// `serving.kserve.io/v1alpha1.LLMInferenceService`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedFact {
    /// `status.deploymentMode`, else the annotation `serving.kserve.io/deploymentMode`: who makes its pods.
    pub mode: ServedMode,
    /// `storageUri` of the model, `spec.model.uri`; only an address of a model, without credentials and parameters.
    pub model: Option<SmolStr>,
    /// `modelFormat.name`, or the framework that the predictor names.
    pub format: Option<SmolStr>,
    /// `status.servingRuntimeName`, `status.clusterServingRuntimeName`, else the runtime that the spec names.
    pub runtime: Option<SmolStr>,
    /// `status.url`, without credentials.
    pub url: Option<String>,
    /// Annotation `serving.kserve.io/stop`: a person wants no pods.
    pub stops: bool,
    /// `spec.predictor.canaryTrafficPercent`.
    pub percent: Option<u32>,
    /// `status.components.predictor.latestCreatedRevision`.
    pub created: Option<SmolStr>,
    /// `status.components.predictor.latestReadyRevision`.
    pub ready: Option<SmolStr>,
    /// `status.components.predictor.latestRolledoutRevision`: the last that had all traffic.
    pub rolled_out: Option<SmolStr>,
    /// `status.components.predictor.previousRolledoutRevision`: the one that had all traffic before that.
    pub before: Option<SmolStr>,
    /// `status.components.predictor.traffic`: what the router does.
    pub traffic: Vec<TargetFact>,
    /// `status.modelStatus`.
    pub load: LoadFact,
}

/// Canaries beside the predictor of a service in Standard mode: each a Deployment and a Service of its own, which no router of
/// KServe's stands before. Source: `spec.canary` of `serving.kserve.io/v1beta1.InferenceService`, since v0.20.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanariesFact {
    /// The Deployment of the predictor itself: `{service}-predictor`, with `predictor.name` within where it has one.
    pub stable: SmolStr,
    /// The canaries, in the order of the spec.
    pub canaries: Vec<CanaryFact>,
}

/// A canary. Source: `CanarySpec` and `CanaryStatus` of KServe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryFact {
    /// `predictor.name`.
    pub name: SmolStr,
    /// Its Deployment: `{service}-{name}-predictor`.
    pub deployment: SmolStr,
    /// `trafficPercent`: the share that is wanted. Its status says the same again, and not what comes.
    pub percent: u32,
    /// The address of its model: its own, or else that of the predictor.
    pub model: Option<SmolStr>,
    /// `ready` of its status; absent where its controller has not said it.
    pub ready: Option<bool>,
}

/// Where the router sends a share of the requests. Source: `serving.knative.dev/v1.TrafficTarget`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFact {
    /// `revisionName`.
    pub revision: SmolStr,
    /// `percent`.
    pub percent: u32,
}

/// How far the model is on its way into memory. Source: `ModelStatus` of KServe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadFact {
    /// `transitionStatus`: `UpToDate`, `InProgress`, `BlockedByFailedLoad`, `InvalidSpec`.
    pub transition: Option<SmolStr>,
    /// `states.activeModelState`: of the model that answers.
    pub active: Option<SmolStr>,
    /// `states.targetModelState`: of the model that is wanted.
    pub target: Option<SmolStr>,
    /// `copies.failedCopies`.
    pub failed: u64,
    /// `lastFailureInfo`; it stays also after the model has loaded.
    pub failure: Option<FailureFact>,
}

/// Why a model did not load. Source: `FailureInfo` of KServe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureFact {
    /// `reason`: `ModelLoadFailed`, `NoSupportingRuntime`.
    pub reason: Option<SmolStr>,
    /// `message`, cut at 1,024 characters.
    pub message: Option<String>,
    /// `location`: mostly a pod.
    pub location: Option<SmolStr>,
    /// `exitCode` of its container; absent where it is 0, which is how "none" is written.
    pub exit_code: Option<i32>,
    /// `time`.
    pub at: Option<Stamp>,
}
