//! The containers of pods with their images, for whoever tells where these come from, and where an artefact serves.

use super::starts::object;
use crate::{
    World,
    fact::ContainerFact,
    source::{Pod, Source, WorkloadKey},
};
use pilothouse_wire::{
    ConnectionId, ModelUri, ObjectRef, SmolStr, Stamp,
    view::{ContainerImage, PodImages, WorkloadImages},
};
use std::collections::BTreeMap;

/// The scheme of models that lie in registries.
const REGISTRY: &str = "oci://";

/// The images of a pod's containers; nothing for any other object.
#[must_use]
pub fn images(world: &World, object: &ObjectRef) -> Vec<ContainerImage> {
    let ObjectRef::Pod(id) = object else { return Vec::new() };
    let source = world.source(&id.cluster);
    let Some(pod) = source.and_then(|source| source.pods.get(&(id.namespace.clone(), id.name.clone()))) else {
        return Vec::new();
    };
    pod.fact.containers.iter().map(|container| image(container, pod)).collect()
}

fn image(container: &ContainerFact, pod: &Pod) -> ContainerImage {
    ContainerImage {
        container: container.name.clone(),
        image: container.image.clone(),
        digest: container.digest.clone(),
        started: pod.fact.started,
    }
}

/// Workloads of which pods on nodes may run something of a repository, by the last part of its name: whoever reads an image
/// as a container runtime does tells whether they do.
#[must_use]
pub fn workload_images(world: &World, repository: &str) -> Vec<WorkloadImages> {
    let last = repository.rsplit('/').next().unwrap_or(repository);
    if last.is_empty() {
        return Vec::new();
    }
    world.sources().flat_map(|(id, source)| of_source(id, source, last)).collect()
}

fn of_source(id: &ConnectionId, source: &Source, last: &str) -> Vec<WorkloadImages> {
    let mut all: BTreeMap<WorkloadKey, Vec<PodImages>> = BTreeMap::new();
    for pod in source.pods.values().filter(|pod| pod.fact.holds()) {
        let images: Vec<ContainerImage> = pod
            .fact
            .containers
            .iter()
            .filter(|container| container.image.contains(last))
            .map(|container| image(container, pod))
            .collect();
        let addresses = addresses(pod, last);
        if images.is_empty() && addresses.is_empty() {
            continue;
        }
        let ready = pod.fact.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True");
        let of = PodImages { ready, gpus: source.gpus_of(&pod.fact), images, addresses };
        all.entry(pod.fact.told_under()).or_default().push(of);
    }
    all.into_iter().map(|(key, pods)| WorkloadImages { workload: object(id, &key), pods }).collect()
}

/// The addresses of models in registries with which a pod's containers are started, and when these began.
fn addresses(pod: &Pod, last: &str) -> Vec<(SmolStr, Option<Stamp>)> {
    let starts = pod.starts.iter().flat_map(|start| start.models.iter().map(|model| (&model.text, start.began)));
    let in_registry = starts.filter_map(|(text, began)| match ModelUri::parse(text) {
        Some(ModelUri::Store(store)) => Some((SmolStr::new(store.strip_prefix(REGISTRY)?), began)),
        _ => None,
    });
    in_registry.filter(|(text, _)| text.contains(last)).collect()
}
