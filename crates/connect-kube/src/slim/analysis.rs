//! Analyses of Argo Rollouts. They are custom resources: servers send them as JSON alone.
//!
//! Of providers of metrics the name is read, and the query of Prometheus; of arguments whether they come from a Secret.

use super::{
    controller::WrittenMeta,
    meta::{Time, or_default, time},
};
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;
use std::collections::BTreeMap;

/// `argoproj.io/v1alpha1.AnalysisRun`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AnalysisRun {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: AnalysisSpec,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: AnalysisStatus,
}

/// `AnalysisRunSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AnalysisSpec {
    /// `metrics`.
    #[serde(deserialize_with = "or_default")]
    pub metrics: Vec<Metric>,
    /// `args`.
    #[serde(deserialize_with = "or_default")]
    pub args: Vec<Argument>,
    /// `terminate`.
    #[serde(deserialize_with = "or_default")]
    pub terminate: bool,
}

/// `Metric`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metric {
    /// `name`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `successCondition`.
    #[serde(deserialize_with = "or_default")]
    pub success_condition: String,
    /// `failureCondition`.
    #[serde(deserialize_with = "or_default")]
    pub failure_condition: String,
    /// `count`: a number, or a number as a text.
    #[serde(deserialize_with = "whole")]
    pub count: Option<i64>,
    /// `failureLimit`.
    #[serde(deserialize_with = "whole")]
    pub failure_limit: Option<i64>,
    /// `inconclusiveLimit`.
    #[serde(deserialize_with = "whole")]
    pub inconclusive_limit: Option<i64>,
    /// `consecutiveErrorLimit`.
    #[serde(deserialize_with = "whole")]
    pub consecutive_error_limit: Option<i64>,
    /// `provider`: one key.
    #[serde(deserialize_with = "or_default")]
    pub provider: BTreeMap<String, Provider>,
}

/// A provider of a metric, as far as it has a query.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    /// `query`.
    pub query: String,
}

impl<'de> Deserialize<'de> for Provider {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Some have a query, some none, and a plug-in whatever it likes.
        let value = Value::deserialize(from)?;
        Ok(Self { query: value["query"].as_str().unwrap_or_default().to_owned() })
    }
}

/// `Argument`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Argument {
    /// `valueFrom`.
    pub value_from: Option<ValueFrom>,
}

/// `ValueFrom`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ValueFrom {
    /// `secretKeyRef`.
    pub secret_key_ref: Option<IgnoredAny>,
}

/// `AnalysisRunStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AnalysisStatus {
    /// `phase`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// `startedAt`.
    #[serde(deserialize_with = "time")]
    pub started_at: Option<Time>,
    /// `completedAt`.
    #[serde(deserialize_with = "time")]
    pub completed_at: Option<Time>,
    /// `metricResults`.
    #[serde(deserialize_with = "or_default")]
    pub metric_results: Vec<MetricResult>,
}

/// `MetricResult`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MetricResult {
    /// `name`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `phase`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// `dryRun`.
    #[serde(deserialize_with = "or_default")]
    pub dry_run: bool,
    /// `successful`.
    #[serde(deserialize_with = "or_default")]
    pub successful: i64,
    /// `failed`.
    #[serde(deserialize_with = "or_default")]
    pub failed: i64,
    /// `inconclusive`.
    #[serde(deserialize_with = "or_default")]
    pub inconclusive: i64,
    /// `error`.
    #[serde(deserialize_with = "or_default")]
    pub error: i64,
    /// `metadata`.
    #[serde(deserialize_with = "or_default")]
    pub metadata: Resolved,
    /// `measurements`.
    #[serde(deserialize_with = "or_default")]
    pub measurements: Vec<Measurement>,
}

/// What a provider says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Resolved {
    /// `ResolvedPrometheusQuery`.
    #[serde(rename = "ResolvedPrometheusQuery", deserialize_with = "or_default")]
    pub query: String,
}

/// `Measurement`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Measurement {
    /// `phase`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// `value`: a text.
    #[serde(deserialize_with = "or_default")]
    pub value: String,
    /// `startedAt`.
    #[serde(deserialize_with = "time")]
    pub started_at: Option<Time>,
    /// `finishedAt`.
    #[serde(deserialize_with = "time")]
    pub finished_at: Option<Time>,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
}

/// A number, or a number as a text: `intstr.IntOrString`. A share of something is none.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(match Option::<Value>::deserialize(from)? {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    })
}
