//! The view of registered models.

use crate::{World, model as registered};
use pilothouse_wire::{
    ModelId,
    view::{ModelRow, ModelsSpec, ModelsView},
};

/// The registered models of all registries, or of those in scope.
#[must_use]
pub fn models(world: &World, spec: &ModelsSpec) -> ModelsView {
    ModelsView { models: registered::rows(world, &spec.scope).collect() }
}

/// One registered model, if it is there.
#[must_use]
pub fn model(world: &World, id: &ModelId) -> Option<ModelRow> {
    registered::find(world, id)
}
