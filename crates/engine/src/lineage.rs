//! What a pod runs, and where a model serves: what the world tells of each cluster and registry, joined.

use crate::registries::Registries;
use pilothouse_insight::lineage;
use pilothouse_wire::{
    ModelId, ObjectRef,
    view::{ArtifactServesView, Lineage, LineageView, ModelsView, RepositoryId},
};
use pilothouse_world::{World, project};

/// Where what a pod runs comes from; nothing for any other object.
pub(crate) fn of(world: &World, registries: &Registries, object: &ObjectRef) -> Vec<Lineage> {
    let (images, starts) = (project::images(world, object), project::starts(world, object));
    if images.is_empty() && starts.is_empty() {
        return Vec::new();
    }
    // Most pods are started with no model.
    let none = ModelsView::default();
    let models = if starts.is_empty() { &none } else { registries.models(world).as_ref() };
    lineage::lineage((&images, &starts), registries.artifacts(world), models)
}

/// Where the versions of a model serve, and did.
pub(crate) fn serves(world: &World, registries: &Registries, model: &ModelId) -> LineageView {
    lineage::serves(model, &project::workload_starts(world), registries.models(world))
}

/// Where the artefacts of a repository serve.
pub(crate) fn holds(world: &World, registries: &Registries, repository: &RepositoryId) -> ArtifactServesView {
    let images = project::workload_images(world, &repository.name);
    lineage::artifact_serves(repository, &images, registries.artifacts(world))
}
