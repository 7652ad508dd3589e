//! Facts of tools that keep clusters as they stand in a repository: what they keep, from where, and when they changed it.

use pilothouse_wire::{SmolStr, Stamp};
use serde::{Deserialize, Serialize};

/// What Argo CD keeps. Source: `argoproj.io/v1alpha1.Application`; no parameters and no values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationFact {
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// `spec.project`.
    pub project: Option<SmolStr>,
    /// `spec.source`, or `spec.sources`.
    pub sources: Vec<RepositorySource>,
    /// `spec.syncPolicy.automated` is set, and `enabled` is not false.
    pub automated: bool,
    /// `spec.syncPolicy.automated.selfHeal`.
    pub self_heal: bool,
    /// `status.sync.status`.
    pub sync: Option<SmolStr>,
    /// `status.health.status`.
    pub health: Option<SmolStr>,
    /// `status.health.message`, `status.operationState.message`, and messages of conditions that are errors, cut.
    pub message: Option<String>,
    /// `status.operationState`.
    pub operation: Option<OperationFact>,
    /// `status.history`, the newest of it; the oldest first.
    pub history: Vec<SyncedFact>,
}

/// From where it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositorySource {
    /// `repoURL`, without credentials.
    pub repository: SmolStr,
    /// `path`.
    pub path: Option<SmolStr>,
    /// `chart`.
    pub chart: Option<SmolStr>,
    /// `targetRevision`.
    pub revision: Option<SmolStr>,
}

/// A sync that is under way, or was the last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationFact {
    /// `phase`.
    pub phase: SmolStr,
    /// `startedAt`.
    pub started: Option<Stamp>,
    /// `finishedAt`.
    pub finished: Option<Stamp>,
    /// `syncResult.revision`.
    pub revision: Option<SmolStr>,
}

/// A sync that was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncedFact {
    /// `id`.
    pub id: i64,
    /// `revision`, or the first of `revisions`.
    pub revision: Option<SmolStr>,
    /// `deployedAt`.
    pub at: Option<Stamp>,
    /// `initiatedBy.username`; absent where it synced by itself.
    pub by: Option<SmolStr>,
}

/// A step of a delivery. Source: `kargo.akuity.io/v1alpha1.Promotion`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionFact {
    /// `metadata.namespace`: the project.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// `spec.stage`.
    pub stage: SmolStr,
    /// `spec.freight`.
    pub freight: SmolStr,
    /// `status.phase`.
    pub phase: Option<SmolStr>,
    /// `status.message`, cut at 1,024 characters.
    pub message: Option<String>,
    /// Annotation `kargo.akuity.io/create-actor`.
    pub by: Option<SmolStr>,
    /// `metadata.creationTimestamp`.
    pub created: Option<Stamp>,
    /// `status.finishedAt`, or `status.finishTime`.
    pub finished: Option<Stamp>,
}

/// Where something is delivered to. Source: `kargo.akuity.io/v1alpha1.Stage`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageFact {
    /// `metadata.namespace`: the project.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// `status.health.status`.
    pub health: Option<SmolStr>,
    /// Names of what `status.freightHistory[0].items` has.
    pub freight: Vec<SmolStr>,
    /// Images of it as `repository:tag`, and commits as `repository@commit`; without credentials.
    pub holds: Vec<SmolStr>,
    /// `status.lastPromotion.finishedAt`.
    pub since: Option<Stamp>,
}
