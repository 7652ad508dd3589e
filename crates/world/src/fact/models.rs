//! Facts of registries of models.

use pilothouse_wire::{
    SmolStr, Stamp,
    view::{Readiness, VersionRow},
};
use serde::{Deserialize, Serialize};

/// A registered model with its versions. Source: `RegisteredModel` of MLflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFact {
    /// `name`.
    pub name: SmolStr,
    /// `creation_timestamp`.
    pub created: Option<Stamp>,
    /// `last_updated_timestamp`.
    pub updated: Option<Stamp>,
    /// `description`, cut at 1,024 characters.
    pub description: Option<String>,
    /// `tags`, by key, values without credentials.
    pub tags: Vec<(SmolStr, SmolStr)>,
    /// `aliases`, by name: each with the number of its version.
    pub aliases: Vec<(SmolStr, u64)>,
    /// Its versions, the newest first.
    pub versions: Vec<VersionFact>,
    /// Versions that are not kept, since there are too many.
    pub more: u64,
}

/// A version of a registered model. Source: `ModelVersion` of MLflow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionFact {
    /// `version`.
    pub number: u64,
    /// `creation_timestamp`.
    pub created: Option<Stamp>,
    /// `last_updated_timestamp`.
    pub updated: Option<Stamp>,
    /// `current_stage`; absent where it is `None`.
    pub stage: Option<SmolStr>,
    /// `status`.
    pub readiness: Readiness,
    /// `status_message`, cut at 1,024 characters.
    pub message: Option<String>,
    /// `description`, likewise.
    pub description: Option<String>,
    /// `source`, without credentials.
    pub source: Option<SmolStr>,
    /// `run_id`.
    pub run: Option<SmolStr>,
    /// `model_id`.
    pub model: Option<SmolStr>,
    /// `user_id`.
    pub user: Option<SmolStr>,
    /// `tags`, by key, values without credentials.
    pub tags: Vec<(SmolStr, SmolStr)>,
}

impl VersionFact {
    /// As a row.
    pub(crate) fn row(&self) -> VersionRow {
        let Self { number, created, updated, readiness, .. } = *self;
        VersionRow {
            number,
            created,
            updated,
            stage: self.stage.clone(),
            readiness,
            message: self.message.clone(),
            description: self.description.clone(),
            source: self.source.clone(),
            run: self.run.clone(),
            model: self.model.clone(),
            user: self.user.clone(),
            tags: self.tags.clone(),
        }
    }
}
