//! Pods with the models that their containers are started with, for whoever tells which versions these are.

use super::delivery::pods;
use crate::{
    World, delivery,
    fact::StartFact,
    source::{Pod, Source, WorkloadKey},
};
use pilothouse_wire::{
    ConnectionId, ObjectRef, PodId, SmolStr,
    view::{ContainerStart, GoneStart, PodStart, WorkloadStarts, delivery::Split},
};
use std::collections::{BTreeMap, BTreeSet};

/// The containers of a pod that are started with models; nothing for any other object.
#[must_use]
pub fn starts(world: &World, object: &ObjectRef) -> Vec<ContainerStart> {
    let ObjectRef::Pod(id) = object else { return Vec::new() };
    let pod = world.source(&id.cluster).and_then(|source| source.pods.get(&(id.namespace.clone(), id.name.clone())));
    pod.map(|pod| pod.starts.iter().map(start).collect()).unwrap_or_default()
}

fn start(fact: &StartFact) -> ContainerStart {
    let StartFact { container, began, models } = fact;
    ContainerStart { container: container.clone(), began: *began, models: models.clone() }
}

/// All workloads whose pods are started with models, or were, as far as that was seen.
#[must_use]
pub fn workload_starts(world: &World) -> Vec<WorkloadStarts> {
    world.sources().flat_map(|(id, source)| of_source(id, source)).collect()
}

fn of_source<'a>(id: &'a ConnectionId, source: &'a Source) -> impl Iterator<Item = WorkloadStarts> + use<'a> {
    let mut gone: BTreeMap<WorkloadKey, Vec<GoneStart>> = BTreeMap::new();
    for ((kind, namespace, name, model, began), of) in &source.gone.all {
        let models = vec![model.clone()];
        let start = ContainerStart { container: of.container.clone(), began: Some(*began), models };
        let key = (kind.clone(), namespace.clone(), name.clone());
        gone.entry(key).or_default().push(GoneStart { start, pods: of.count, until: of.until });
    }
    let live = source.pods.values().filter(|pod| !pod.starts.is_empty());
    let mut keys: BTreeSet<WorkloadKey> = live.map(|pod| pod.fact.told_under()).collect();
    keys.extend(gone.keys().cloned());
    keys.into_iter().map(move |key| {
        let gone = gone.remove(&key).unwrap_or_default();
        WorkloadStarts { workload: object(id, &key), split: split(source, &key), pods: pods_of(source, &key), gone }
    })
}

pub(super) fn object(id: &ConnectionId, (kind, namespace, name): &WorkloadKey) -> ObjectRef {
    match kind.as_str() {
        "Pod" => ObjectRef::Pod(PodId { cluster: id.clone(), namespace: namespace.clone(), name: name.clone() }),
        _ => ObjectRef::Workload(id.clone(), namespace.clone(), kind.clone(), name.clone()),
    }
}

fn split(source: &Source, key: &WorkloadKey) -> Option<(Split, Option<SmolStr>)> {
    let fact = source.service(key)?;
    Some((delivery::split(&fact, &source.sizes_of(key)), delivery::router(&fact)))
}

/// The pods of a workload that are on a node, also those that are started with no model.
fn pods_of(source: &Source, key: &WorkloadKey) -> Vec<PodStart> {
    let all = match key.0.as_str() {
        "Pod" => source.pods.get(&(key.1.clone(), key.2.clone())).map(Box::as_ref).into_iter().collect(),
        _ => pods(source, key),
    };
    let current = source.service(key).and_then(|fact| fact.current.clone());
    let pod = |pod: &Pod| PodStart {
        current: current.as_ref().and_then(|current| is_of(source, pod, current)),
        ready: pod.fact.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True"),
        gpus: source.gpus_of(&pod.fact),
        starts: pod.starts.iter().map(start).collect(),
    };
    all.into_iter().filter(|pod| pod.fact.holds()).map(pod).collect()
}

/// Is a pod of the revision with this hash, or of this name? `None` where it does not say of which it is.
fn is_of(source: &Source, pod: &Pod, hash: &SmolStr) -> Option<bool> {
    let set = pod.fact.owners.first().filter(|owner| owner.kind == "ReplicaSet")?;
    let size = source.delivery.sizes.get(&(pod.fact.namespace.clone(), set.name.clone()));
    Some(set.name == *hash || size.is_some_and(|size| size.hash == *hash))
}
