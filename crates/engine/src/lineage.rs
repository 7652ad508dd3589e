//! What a pod runs, and where a model serves: what the world tells of each cluster and registry, joined.

use pilothouse_insight::lineage;
use pilothouse_wire::{
    ModelId, ObjectRef,
    view::{ArtifactServesView, Lineage, LineageView, ModelsSpec, ModelsView, RepositoryId},
};
use pilothouse_world::{World, project};

/// Where what a pod runs comes from; nothing for any other object.
pub(crate) fn of(world: &World, object: &ObjectRef) -> Vec<Lineage> {
    let (images, starts) = (project::images(world, object), project::starts(world, object));
    if images.is_empty() && starts.is_empty() {
        return Vec::new();
    }
    // Most pods are started with no model.
    let models = if starts.is_empty() { ModelsView::default() } else { models(world) };
    lineage::lineage((&images, &starts), &project::artifacts(world), &models)
}

/// Where the versions of a model serve, and did.
pub(crate) fn serves(world: &World, model: &ModelId) -> LineageView {
    lineage::serves(model, &project::workload_starts(world), &models(world))
}

/// Where the artefacts of a repository serve.
pub(crate) fn holds(world: &World, repository: &RepositoryId) -> ArtifactServesView {
    lineage::artifact_serves(repository, &project::workload_images(world, &repository.name), &project::artifacts(world))
}

fn models(world: &World) -> ModelsView {
    project::models(world, &ModelsSpec::default())
}
