//! Can a service go back: what its server keeps, joined with the fleet, the registries and the record, beside the loop.

use crate::{
    artifacts,
    asks::{connected, together, within},
    connections::Connectors,
    past::Worlds,
    views::Known,
};
use pilothouse_connect::Connector;
use pilothouse_insight::back::{Around, sought, way_back};
use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{
    Answer, ConnectionId, ObjectRef, Problem, SmolStr, Stamp,
    artifact::{Artifact, ArtifactRef},
    back::{BackQuery, Kept},
    view::{ArtifactsView, ContainerImage, FleetSpec, FleetView, ModelsView},
};
use pilothouse_world::project::{self, FleetProjection};
use std::sync::Arc;

/// What is known here of a service, as of now.
pub(crate) struct Scene {
    object: ObjectRef,
    fleet: Arc<FleetView>,
    artifacts: Arc<ArtifactsView>,
    models: Arc<ModelsView>,
    /// The nodes on which its pods are.
    nodes: Vec<SmolStr>,
    /// Images of its pods, by the number of their revision.
    images: Vec<(u64, ContainerImage)>,
    /// How long its changes took that were seen in this run.
    took: Vec<u64>,
    now: Stamp,
}

impl Scene {
    /// Takes what is known of a service out of the world.
    pub(crate) fn of(known: Known<'_>, object: ObjectRef, now: Stamp) -> Self {
        let Known { world, registries } = known;
        let scope = FleetSpec { scope: vec![object.connection().clone()] };
        let service = project::rollout(world, &object, now);
        let revisions = service.iter().flat_map(|service| &service.revisions);
        let images = revisions.flat_map(|revision| {
            let pods = revision.pods.iter().map(|pod| ObjectRef::Pod(pod.id.clone()));
            pods.flat_map(|pod| project::images(world, &pod)).map(|image| (revision.number, image))
        });
        Self {
            images: images.collect(),
            fleet: Arc::clone(FleetProjection::new(world, scope).view()),
            artifacts: Arc::clone(registries.artifacts(world)),
            models: Arc::clone(registries.models(world)),
            took: project::took(world, &object),
            nodes: project::nodes_of(world, &object).into_iter().collect(),
            object,
            now,
        }
    }
}

/// Asks its server and the registries of its images, and grades what they say.
pub(crate) async fn answer(
    scene: Scene,
    to: Option<u64>,
    connectors: Connectors,
    (worlds, journal): (Worlds, Option<JournalReader>),
) -> Result<Answer, Problem> {
    let id = scene.object.connection();
    let find = |id: &ConnectionId| connectors.get(id).cloned();
    let connector = connected(find(id), id, "What is kept of earlier revisions is read from the server")?;
    let query = BackQuery { object: scene.object.clone(), to, nodes: scene.nodes.clone() };
    let asked = format!("the revisions of {}", scene.object.name());
    let kept = within(id, &asked, connector.back(&query)).await?;
    let wanted = kept.then.as_ref().map(|then| sought(then, &scene.artifacts)).unwrap_or_default();
    let said = together(wanted.into_iter().map(|of| read(find(&of.source), of))).await;
    let said: Vec<_> = said.into_iter().flatten().collect();
    let took = match scene.took.as_slice() {
        [] => recorded(&scene, worlds, journal).await,
        seen => seen.to_vec(),
    };
    let seen = images_of(&scene, &kept);
    let around = Around {
        fleet: &scene.fleet,
        artifacts: &scene.artifacts,
        models: &scene.models,
        said: &said,
        seen: &seen,
        took: &took,
    };
    Ok(Answer::WayBack(Box::new(way_back(&scene.object, &kept, &around, scene.now))))
}

async fn read(connector: Option<Arc<dyn Connector>>, of: ArtifactRef) -> (ArtifactRef, Result<Artifact, Problem>) {
    let said = artifacts::read(connector, &of).await;
    (of, said)
}

/// Images of pods that are of the revision which is gone back to.
fn images_of(scene: &Scene, kept: &Kept) -> Vec<ContainerImage> {
    let Ok(then) = &kept.then else { return Vec::new() };
    let of_it = scene.images.iter().filter(|(number, _)| *number == then.number);
    of_it.map(|(_, image)| image.clone()).collect()
}

/// How long changes took by the record, which another run of Pilothouse may keep. What cannot be read tells of none.
async fn recorded(scene: &Scene, worlds: Worlds, journal: Option<JournalReader>) -> Vec<u64> {
    if journal.is_none() {
        return Vec::new();
    }
    let then = worlds.at(journal, scene.now, scene.now).await;
    then.map(|then| project::took(&then.world, &scene.object)).unwrap_or_default()
}
