//! Objects of KServe. They are custom resources: servers send them as JSON alone.

use super::{
    controller::WrittenMeta,
    meta::{Time, or_default, time},
    rollout::Condition,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// `serving.kserve.io/v1beta1.InferenceService`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InferenceService {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: InferenceSpec,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: InferenceStatus,
}

/// `InferenceServiceSpec`, of which the transformer and the explainer are workloads of their own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InferenceSpec {
    /// `predictor`.
    #[serde(deserialize_with = "or_default")]
    pub predictor: Predictor,
    /// `canary`, since v0.20.
    #[serde(deserialize_with = "or_default")]
    pub canary: Vec<CanarySpec>,
}

/// `CanarySpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CanarySpec {
    /// `predictor`.
    #[serde(deserialize_with = "or_default")]
    pub predictor: Predictor,
    /// `trafficPercent`.
    pub traffic_percent: Option<i64>,
}

/// `PredictorSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Predictor {
    /// `name`: by it the Deployment is called.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `minReplicas`.
    pub min_replicas: Option<i64>,
    /// `canaryTrafficPercent`.
    pub canary_traffic_percent: Option<i64>,
    /// All else by its key: one of them is `model`, or a framework, and says which model.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// `InferenceServiceStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InferenceStatus {
    /// `conditions`.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
    /// `url`.
    #[serde(deserialize_with = "or_default")]
    pub url: String,
    /// `deploymentMode`.
    #[serde(deserialize_with = "or_default")]
    pub deployment_mode: String,
    /// `servingRuntimeName`.
    #[serde(deserialize_with = "or_default")]
    pub serving_runtime_name: String,
    /// `clusterServingRuntimeName`.
    #[serde(deserialize_with = "or_default")]
    pub cluster_serving_runtime_name: String,
    /// `components`, by their names.
    #[serde(deserialize_with = "or_default")]
    pub components: BTreeMap<String, ComponentStatus>,
    /// `modelStatus`.
    #[serde(deserialize_with = "or_default")]
    pub model_status: ModelStatus,
    /// `canaryStatuses`, since v0.20.
    #[serde(deserialize_with = "or_default")]
    pub canary_statuses: Vec<CanaryStatus>,
}

/// `CanaryStatus`, without the share, which it repeats from the spec.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CanaryStatus {
    /// `name`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `ready`.
    pub ready: Option<bool>,
}

/// `ComponentStatusSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ComponentStatus {
    /// `latestCreatedRevision`.
    #[serde(deserialize_with = "or_default")]
    pub latest_created_revision: String,
    /// `latestReadyRevision`.
    #[serde(deserialize_with = "or_default")]
    pub latest_ready_revision: String,
    /// `latestRolledoutRevision`.
    #[serde(deserialize_with = "or_default")]
    pub latest_rolledout_revision: String,
    /// `previousRolledoutRevision`.
    #[serde(deserialize_with = "or_default")]
    pub previous_rolledout_revision: String,
    /// `traffic`.
    #[serde(deserialize_with = "or_default")]
    pub traffic: Vec<TrafficTarget>,
}

/// `serving.knative.dev/v1.TrafficTarget`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TrafficTarget {
    /// `revisionName`.
    #[serde(deserialize_with = "or_default")]
    pub revision_name: String,
    /// `percent`.
    pub percent: Option<i64>,
}

/// `ModelStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ModelStatus {
    /// `transitionStatus`.
    #[serde(deserialize_with = "or_default")]
    pub transition_status: String,
    /// `states`.
    #[serde(deserialize_with = "or_default")]
    pub states: ModelStates,
    /// `copies`.
    #[serde(deserialize_with = "or_default")]
    pub copies: ModelCopies,
    /// `lastFailureInfo`.
    pub last_failure_info: Option<FailureInfo>,
}

/// `ModelRevisionStates`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ModelStates {
    /// `activeModelState`.
    #[serde(deserialize_with = "or_default")]
    pub active_model_state: String,
    /// `targetModelState`.
    #[serde(deserialize_with = "or_default")]
    pub target_model_state: String,
}

/// `ModelCopies`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ModelCopies {
    /// `failedCopies`.
    #[serde(deserialize_with = "or_default")]
    pub failed_copies: i64,
    /// `totalCopies`.
    #[serde(deserialize_with = "or_default")]
    pub total_copies: i64,
}

/// `FailureInfo`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FailureInfo {
    /// `reason`.
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// `location`.
    #[serde(deserialize_with = "or_default")]
    pub location: String,
    /// `exitCode`.
    #[serde(deserialize_with = "or_default")]
    pub exit_code: i32,
    /// `time`.
    #[serde(deserialize_with = "time")]
    pub time: Option<Time>,
}

/// `serving.kserve.io/v1alpha1.LLMInferenceService`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LlmInferenceService {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: LlmSpec,
    /// `status`, of which the rest is of the same form as that of an InferenceService.
    #[serde(deserialize_with = "or_default")]
    pub status: InferenceStatus,
}

/// `LLMInferenceServiceSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LlmSpec {
    /// `model`.
    #[serde(deserialize_with = "or_default")]
    pub model: LlmModel,
    /// `replicas`.
    pub replicas: Option<i64>,
}

/// `LLMModelSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LlmModel {
    /// `uri`.
    #[serde(deserialize_with = "or_default")]
    pub uri: String,
}
