//! A controller of pods, or a namespace, in the inspector: the sum of its pods.

use super::{Part, field, link, pod_ref};
use crate::{fact::PodFact, project::delivery::pods as pods_of_service, source::Source, sum::total};
use pilothouse_wire::{
    ConnectionId, ObjectRef, PodId, SmolStr,
    units::count,
    view::{FieldRow, Status},
};
use std::collections::BTreeSet;

/// The pods that are listed one by one.
const MOST_LISTED: usize = 50;

pub(super) fn part(
    source: &Source,
    id: &ConnectionId,
    namespace: &SmolStr,
    kind: &SmolStr,
    name: &SmolStr,
) -> Option<Part> {
    let key = (kind.clone(), namespace.clone(), name.clone());
    if !source.workloads.contains_key(&key) && !source.delivery.services.contains_key(&key) {
        return None;
    }
    let pods: Vec<&PodFact> = pods_of_service(source, &key).into_iter().map(|pod| &pod.fact).collect();
    let identity = vec![
        field("Kind", Some(kind.to_string())),
        field("Cluster", Some(id.to_string())),
        link("Namespace", ObjectRef::Namespace(id.clone(), namespace.clone())),
    ];
    Some(sum(id, &pods, identity, Some((kind.clone(), Some(namespace.clone()), name.clone()))))
}

pub(super) fn namespace(source: &Source, id: &ConnectionId, name: &SmolStr) -> Option<Part> {
    let pods: Vec<&PodFact> = source.pods.values().map(|pod| &pod.fact).filter(|pod| pod.namespace == *name).collect();
    if pods.is_empty() && !source.namespaces.contains_key(name) {
        return None;
    }
    let identity = vec![field("Cluster", Some(id.to_string()))];
    Some(sum(id, &pods, identity, Some((SmolStr::new_static("Namespace"), Some(name.clone()), name.clone()))))
}

fn sum(
    id: &ConnectionId,
    pods: &[&PodFact],
    mut identity: Vec<FieldRow>,
    regarding: Option<(SmolStr, Option<SmolStr>, SmolStr)>,
) -> Part {
    let ready = pods.iter().filter(|pod| pod.status().0 == Status::Good).count();
    let (status, status_word) = match (ready, pods.iter().map(|pod| pod.status().0).min()) {
        (_, None) => (Status::Unknown, "No pods".into()),
        (ready, _) if ready == pods.len() => (Status::Good, SmolStr::from(format!("{ready} of {ready} well"))),
        (ready, Some(worst)) => (worst, SmolStr::from(format!("{ready} of {} well", pods.len()))),
    };
    let images: BTreeSet<&SmolStr> =
        pods.iter().flat_map(|pod| pod.containers.iter().map(|container| &container.image)).collect();
    identity.extend(images.into_iter().map(|image| super::mono("Image", Some(image.to_string()))));
    let gpus = total(pods.iter().filter(|pod| pod.holds()).flat_map(|pod| pod.gpus.iter().map(|(_, n)| n)));
    let refs: Vec<ObjectRef> = pods
        .iter()
        .map(|pod| pod_ref(&PodId { cluster: id.clone(), namespace: pod.namespace.clone(), name: pod.name.clone() }))
        .collect();
    let mut holding = vec![field("GPUs held", Some(count(gpus))), field("Pods", Some(count(pods.len() as u64)))];
    holding.extend(refs.iter().take(MOST_LISTED).map(|pod| link("Pod", pod.clone())));
    Part { status, status_word, identity, findings: Vec::new(), holding, regarding, around: refs }
}
