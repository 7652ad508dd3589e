//! Disruption budgets: which pods they choose, and how many of them may go now.

use super::{controller::WrittenMeta, meta::or_default};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `policy/v1.PodDisruptionBudget`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DisruptionBudget {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<BudgetSpec>,
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<BudgetStatus>,
}

/// `policy/v1.PodDisruptionBudgetSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BudgetSpec {
    /// `selector`.
    #[prost(message, optional, tag = "2")]
    pub selector: Option<LabelSelector>,
    /// `unhealthyPodEvictionPolicy`.
    #[prost(string, optional, tag = "4")]
    pub unhealthy_pod_eviction_policy: Option<String>,
}

/// `policy/v1.PodDisruptionBudgetStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BudgetStatus {
    /// `observedGeneration`.
    #[prost(int64, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub observed_generation: i64,
    /// `disruptionsAllowed`.
    #[prost(int32, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub disruptions_allowed: i32,
    /// `currentHealthy`.
    #[prost(int32, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub current_healthy: i32,
    /// `desiredHealthy`.
    #[prost(int32, tag = "5")]
    #[serde(deserialize_with = "or_default")]
    pub desired_healthy: i32,
}

/// `meta/v1.LabelSelector`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelSelector {
    /// `matchLabels`.
    #[prost(btree_map = "string, string", tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub match_labels: BTreeMap<String, String>,
    /// `matchExpressions`.
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub match_expressions: Vec<Requirement>,
}

/// `meta/v1.LabelSelectorRequirement`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Requirement {
    /// `key`.
    #[prost(string, tag = "1")]
    pub key: String,
    /// `operator`.
    #[prost(string, tag = "2")]
    pub operator: String,
    /// `values`.
    #[prost(string, repeated, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub values: Vec<String>,
}
