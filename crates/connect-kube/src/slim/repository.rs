//! Objects of Argo CD and Kargo. They are custom resources: servers send them as JSON alone. Parameters and values of
//! sources are not read.

use super::{
    controller::WrittenMeta,
    meta::{Time, or_default, time},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `argoproj.io/v1alpha1.Application`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Application {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: ApplicationSpec,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: ApplicationStatus,
}

/// `ApplicationSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ApplicationSpec {
    /// `project`.
    #[serde(deserialize_with = "or_default")]
    pub project: String,
    /// `source`.
    pub source: Option<ApplicationSource>,
    /// `sources`.
    #[serde(deserialize_with = "or_default")]
    pub sources: Vec<ApplicationSource>,
    /// `syncPolicy`.
    #[serde(deserialize_with = "or_default")]
    pub sync_policy: SyncPolicy,
}

/// `ApplicationSource`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ApplicationSource {
    /// `repoURL`.
    #[serde(rename = "repoURL", deserialize_with = "or_default")]
    pub repo_url: String,
    /// `path`.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
    /// `chart`.
    #[serde(deserialize_with = "or_default")]
    pub chart: String,
    /// `targetRevision`.
    #[serde(deserialize_with = "or_default")]
    pub target_revision: String,
}

/// `SyncPolicy`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SyncPolicy {
    /// `automated`.
    pub automated: Option<Automated>,
}

/// `SyncPolicyAutomated`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Automated {
    /// `selfHeal`.
    #[serde(deserialize_with = "or_default")]
    pub self_heal: bool,
    /// `enabled`; true where it is not said.
    pub enabled: Option<bool>,
}

/// `ApplicationStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ApplicationStatus {
    /// `sync`.
    #[serde(deserialize_with = "or_default")]
    pub sync: Word,
    /// `health`.
    #[serde(deserialize_with = "or_default")]
    pub health: Word,
    /// `operationState`.
    pub operation_state: Option<OperationState>,
    /// `history`.
    #[serde(deserialize_with = "or_default")]
    pub history: Vec<Synced>,
    /// `conditions`.
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<ApplicationCondition>,
}

/// `SyncStatus`, `HealthStatus`; of a stage of Kargo as well.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Word {
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
}

/// `ApplicationCondition`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ApplicationCondition {
    /// `type`.
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
}

/// `OperationState`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OperationState {
    /// `phase`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// `startedAt`.
    #[serde(deserialize_with = "time")]
    pub started_at: Option<Time>,
    /// `finishedAt`.
    #[serde(deserialize_with = "time")]
    pub finished_at: Option<Time>,
    /// `syncResult`.
    #[serde(deserialize_with = "or_default")]
    pub sync_result: Synced,
}

/// `RevisionHistory`, and what `SyncOperationResult` has of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Synced {
    /// `id`.
    #[serde(deserialize_with = "or_default")]
    pub id: i64,
    /// `revision`.
    #[serde(deserialize_with = "or_default")]
    pub revision: String,
    /// `revisions`, of several sources.
    #[serde(deserialize_with = "or_default")]
    pub revisions: Vec<String>,
    /// `deployedAt`.
    #[serde(deserialize_with = "time")]
    pub deployed_at: Option<Time>,
    /// `initiatedBy`.
    #[serde(deserialize_with = "or_default")]
    pub initiated_by: InitiatedBy,
}

/// `OperationInitiator`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InitiatedBy {
    /// `username`.
    #[serde(deserialize_with = "or_default")]
    pub username: String,
}

/// `kargo.akuity.io/v1alpha1.Promotion`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Promotion {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[serde(deserialize_with = "or_default")]
    pub spec: PromotionSpec,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: PromotionStatus,
}

/// `PromotionSpec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PromotionSpec {
    /// `stage`.
    #[serde(deserialize_with = "or_default")]
    pub stage: String,
    /// `freight`.
    #[serde(deserialize_with = "or_default")]
    pub freight: String,
}

/// `PromotionStatus`. Its end has had two names.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PromotionStatus {
    /// `phase`.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// `message`.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// `finishedAt`.
    #[serde(deserialize_with = "time")]
    pub finished_at: Option<Time>,
    /// `finishTime`.
    #[serde(deserialize_with = "time")]
    pub finish_time: Option<Time>,
}

/// `kargo.akuity.io/v1alpha1.Stage`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Stage {
    /// `metadata`.
    pub metadata: Option<WrittenMeta>,
    /// `status`.
    #[serde(deserialize_with = "or_default")]
    pub status: StageStatus,
}

/// `StageStatus`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StageStatus {
    /// `health`.
    #[serde(deserialize_with = "or_default")]
    pub health: Word,
    /// `freightHistory`, the newest first.
    #[serde(deserialize_with = "or_default")]
    pub freight_history: Vec<FreightCollection>,
    /// `lastPromotion`.
    #[serde(deserialize_with = "or_default")]
    pub last_promotion: LastPromotion,
}

/// `FreightCollection`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FreightCollection {
    /// `items`, by where each is from.
    #[serde(deserialize_with = "or_default")]
    pub items: BTreeMap<String, Freight>,
}

/// `FreightReference`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Freight {
    /// `name`.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// `images`.
    #[serde(deserialize_with = "or_default")]
    pub images: Vec<FreightPart>,
    /// `commits`.
    #[serde(deserialize_with = "or_default")]
    pub commits: Vec<FreightPart>,
}

/// An image or a commit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FreightPart {
    /// `repoURL`.
    #[serde(rename = "repoURL", deserialize_with = "or_default")]
    pub repo_url: String,
    /// `tag`, of an image.
    #[serde(deserialize_with = "or_default")]
    pub tag: String,
    /// `id`, of a commit.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
}

/// `PromotionReference`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LastPromotion {
    /// `finishedAt`.
    #[serde(deserialize_with = "time")]
    pub finished_at: Option<Time>,
}
