//! The containers of a pod with their images, for whoever tells where these come from.

use crate::World;
use pilothouse_wire::{ObjectRef, view::ContainerImage};

/// The images of a pod's containers; nothing for any other object.
#[must_use]
pub fn images(world: &World, object: &ObjectRef) -> Vec<ContainerImage> {
    let ObjectRef::Pod(id) = object else { return Vec::new() };
    let source = world.source(&id.cluster);
    let Some(pod) = source.and_then(|source| source.pods.get(&(id.namespace.clone(), id.name.clone()))) else {
        return Vec::new();
    };
    let one = |container: &crate::fact::ContainerFact| ContainerImage {
        container: container.name.clone(),
        image: container.image.clone(),
        digest: container.digest.clone(),
        started: pod.fact.started,
    };
    pod.fact.containers.iter().map(one).collect()
}
