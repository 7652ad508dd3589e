//! Routes of the Gateway API with what stands behind them, and canaries of Flagger. But for Services they are custom
//! resources: servers send them as JSON alone.

use super::{
    controller::WrittenMeta,
    meta::{Meta, or_default},
    rollout::{Condition, Named},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `v1.Service`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Service {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<ServiceSpec>,
}

/// `v1.ServiceSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceSpec {
    /// `selector`.
    #[prost(btree_map = "string, string", tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub selector: BTreeMap<String, String>,
}

/// `inference.networking.k8s.io/v1.InferencePool`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InferencePool {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: PoolSpec,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: RouteStatus,
}

/// `InferencePoolSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PoolSpec {
    /// `selector`.
    #[serde(deserialize_with = "or_default")]
    pub selector: PoolSelector,
}

/// `LabelSelector`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PoolSelector {
    /// `matchLabels`.
    #[serde(deserialize_with = "or_default")]
    pub match_labels: BTreeMap<String, String>,
}

/// `gateway.networking.k8s.io/v1.HTTPRoute`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpRoute {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: RouteSpec,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: RouteStatus,
}

/// `HTTPRouteSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouteSpec {
    /// `parentRefs`.
    #[serde(deserialize_with = "or_default")]
    pub parent_refs: Vec<Reference>,
    /// `hostnames`.
    #[serde(deserialize_with = "or_default")]
    pub hostnames: Vec<String>,
    /// `rules`.
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<RouteRule>,
}

/// `ParentReference`, and what `BackendRef` has of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Reference {
    /// `kind`.
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// `namespace`.
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
    /// `name`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `sectionName`.
    #[serde(deserialize_with = "or_default")]
    pub section_name: String,
    /// `port`.
    pub port: Option<u16>,
}

/// `HTTPRouteRule`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouteRule {
    /// `name`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `matches`.
    #[serde(deserialize_with = "or_default")]
    pub matches: Vec<RouteMatch>,
    /// `backendRefs`.
    #[serde(deserialize_with = "or_default")]
    pub backend_refs: Vec<RouteBackend>,
}

/// `HTTPRouteMatch`. Values of headers and parameters are not read: some prove who asks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouteMatch {
    /// `path`.
    pub path: Option<PathMatch>,
    /// `method`.
    #[serde(deserialize_with = "or_default")]
    pub method: String,
    /// `headers`.
    #[serde(deserialize_with = "or_default")]
    pub headers: Vec<NamedMatch>,
    /// `queryParams`.
    #[serde(deserialize_with = "or_default")]
    pub query_params: Vec<NamedMatch>,
}

/// `HTTPPathMatch`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PathMatch {
    /// `type`.
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
    /// `value`.
    #[serde(deserialize_with = "or_default")]
    pub value: String,
}

/// `HTTPHeaderMatch`, `HTTPQueryParamMatch`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NamedMatch {
    /// `name`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}

/// `HTTPBackendRef`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouteBackend {
    /// To what.
    #[serde(flatten)]
    pub to: Reference,
    /// `weight`.
    pub weight: Option<i64>,
}

/// `RouteStatus`, `InferencePoolStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouteStatus {
    /// `parents`.
    #[serde(deserialize_with = "or_default")]
    pub parents: Vec<RouteParent>,
}

/// `RouteParentStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouteParent {
    /// `parentRef`.
    #[serde(deserialize_with = "or_default")]
    pub parent_ref: Reference,
    /// `controllerName`.
    #[serde(deserialize_with = "or_default")]
    pub controller_name: String,
    /// `conditions`.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<SeenCondition>,
}

/// `metav1.Condition`, which says of which spec it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SeenCondition {
    /// What it says.
    #[serde(flatten)]
    pub condition: Condition,
    /// `observedGeneration`.
    pub observed_generation: Option<i64>,
}

/// `llm-d.ai/v1alpha2.InferenceModelRewrite`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InferenceModelRewrite {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: RewriteSpec,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: RewriteStatus,
}

/// `InferenceModelRewriteSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RewriteSpec {
    /// `poolRef`.
    #[serde(deserialize_with = "or_default")]
    pub pool_ref: Reference,
    /// `rules`.
    #[serde(deserialize_with = "or_default")]
    pub rules: Vec<RewriteRule>,
}

/// `InferenceModelRewriteRule`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RewriteRule {
    /// `matches`; all models where there is none.
    #[serde(deserialize_with = "or_default")]
    pub matches: Vec<RewriteMatch>,
    /// `targets`.
    #[serde(deserialize_with = "or_default")]
    pub targets: Vec<RewriteTarget>,
}

/// `Match`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RewriteMatch {
    /// `model`.
    #[serde(deserialize_with = "or_default")]
    pub model: PathMatch,
}

/// `TargetModel`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RewriteTarget {
    /// `modelRewrite`.
    #[serde(deserialize_with = "or_default")]
    pub model_rewrite: String,
    /// `weight`.
    pub weight: Option<i64>,
}

/// `InferenceModelRewriteStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RewriteStatus {
    /// `conditions`.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<SeenCondition>,
}

/// `flagger.app/v1beta1.Canary`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Canary {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: CanarySpec,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: CanaryStatus,
}

/// `CanarySpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CanarySpec {
    /// `provider`.
    #[serde(deserialize_with = "or_default")]
    pub provider: String,
    /// `targetRef`.
    #[serde(deserialize_with = "or_default")]
    pub target_ref: Named,
    /// `analysis`.
    #[serde(deserialize_with = "or_default")]
    pub analysis: CanaryAnalysis,
}

/// `CanaryAnalysis`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CanaryAnalysis {
    /// `threshold`.
    #[serde(deserialize_with = "or_default")]
    pub threshold: i64,
    /// `maxWeight`.
    #[serde(deserialize_with = "or_default")]
    pub max_weight: i64,
    /// `stepWeight`.
    #[serde(deserialize_with = "or_default")]
    pub step_weight: i64,
    /// `stepWeights`.
    #[serde(deserialize_with = "or_default")]
    pub step_weights: Vec<i64>,
}

/// `CanaryStatus` of Flagger.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CanaryStatus {
    /// `phase`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// `failedChecks`.
    #[serde(deserialize_with = "or_default")]
    pub failed_checks: i64,
    /// `canaryWeight`.
    pub canary_weight: Option<i64>,
    /// `iterations`.
    #[serde(deserialize_with = "or_default")]
    pub iterations: i64,
    /// `conditions`.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<Condition>,
}
