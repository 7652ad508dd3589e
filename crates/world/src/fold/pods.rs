//! Pods into the world, the indexes that find them, and the marks that their changes leave.

use super::Fold;
use crate::{
    fact::{Kind, LabelsFact, OwnerFact, PodFact, PodLabels, StartFact},
    source::{Pod, PodKey, WorkloadKey},
};
use pilothouse_wire::{
    ObjectRef, PodId, SmolStr, Stamp,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};
use std::collections::BTreeSet;

impl Fold<'_> {
    pub(super) fn pod(&mut self, fact: PodFact, labels: PodLabels, starts: Vec<StartFact>, all_labels: LabelsFact) {
        let key: PodKey = (fact.namespace.clone(), fact.name.clone());
        let old = self.source.pods.get(&key).map(Box::as_ref);
        let same = |old: &Pod| {
            old.fact == fact && old.labels == labels && old.starts == starts && old.all_labels == all_labels
        };
        if old.is_some_and(same) {
            return;
        }
        self.restarted(&key, &fact, &starts);
        let old = self.source.pods.get(&key);
        let old = old.map(|pod| &pod.fact);
        let placed_before = old.filter(|old| old.uid == fact.uid).is_some_and(|old| old.node.is_some());
        let (was_on, was_bad) = (old.and_then(|old| old.node.clone()), old.map(PodFact::status));
        let known = old.is_some_and(|old| old.uid == fact.uid);
        if self.source.was_listed(Kind::Pod, Some(&fact.namespace)) {
            if !known {
                self.deployed(&fact);
            }
            if !placed_before && fact.holds() {
                self.placed(&fact);
            }
            self.turned_bad(&fact, was_bad.map(|(status, _)| status));
        } else if !placed_before && fact.holds() {
            self.rebuild_placed(&fact);
        }
        self.unindex(&key);
        self.touch_pod(&key, was_on.as_ref());
        self.touch_pod(&key, fact.node.as_ref());
        self.index(&key, &fact);
        self.source.set_pod(key, Some(Pod { fact, labels, starts, all_labels, seen: self.seen }));
    }

    pub(super) fn pod_gone(&mut self, key: &PodKey) {
        self.unindex(key);
        let Some(pod) = self.source.set_pod(key.clone(), None) else { return };
        let Pod { fact, starts, .. } = *pod;
        self.served(&fact, starts);
        self.touch_pod(key, fact.node.as_ref());
        let gpus = fact.gpu_count();
        if fact.node.is_some() && gpus > 0 {
            // A server writes down until when it has time to go: it may be gone sooner.
            let at = fact.deleting.map_or(self.seen, |latest| latest.min(self.seen));
            let detail = Some(format!("gives back {gpus} GPU{}", if gpus == 1 { "" } else { "s" }));
            self.mark_pod(key, at, MarkKind::PodGone, format!("{} gone", key.1), detail, Status::Unknown);
        }
    }

    fn touch_pod(&mut self, key: &PodKey, node: Option<&SmolStr>) {
        self.touched.pods.insert(self.pod_id(key));
        if let Some(node) = node {
            self.touched.nodes.insert(self.node_id(node));
        }
    }

    fn touch_whose(&mut self, workload: &WorkloadKey) {
        // In a record of before, a pod of a Rollout names no more than its ReplicaSet.
        self.touched.delivery |= workload.0 == "ReplicaSet";
        self.touch_service(workload);
    }

    fn pod_id(&self, key: &PodKey) -> PodId {
        PodId { cluster: self.id.clone(), namespace: key.0.clone(), name: key.1.clone() }
    }

    fn index(&mut self, key: &PodKey, fact: &PodFact) {
        if let Some(node) = &fact.node {
            self.source.placed.entry(node.clone()).or_default().insert(key.clone());
        }
        if let Some(OwnerFact { kind, name }) = fact.workload() {
            let workload = (kind, fact.namespace.clone(), name);
            self.touch_whose(&workload);
            self.source.workloads.entry(workload).or_default().insert(key.clone());
        }
    }

    fn unindex(&mut self, key: &PodKey) {
        let Some(fact) = self.source.pods.get(key).map(|pod| &pod.fact) else { return };
        if let Some(node) = &fact.node
            && let Some(pods) = self.source.placed.get_mut(node)
        {
            pods.remove(key);
            if pods.is_empty() {
                self.source.placed.remove(node);
            }
        }
        if let Some(OwnerFact { kind, name }) = fact.workload() {
            let workload = (kind, key.0.clone(), name);
            if let Some(pods) = self.source.workloads.get_mut(&workload) {
                pods.remove(key);
                if pods.is_empty() {
                    self.source.workloads.remove(&workload);
                }
            }
            self.touch_whose(&workload);
        }
    }

    fn placed(&mut self, fact: &PodFact) {
        let mark = self.placement(fact);
        self.marks.extend(mark);
    }

    /// A pod that had its GPUs before we were there.
    fn rebuild_placed(&mut self, fact: &PodFact) {
        let at = self.placed_at(fact);
        if at < self.seen
            && self.may_rebuild(MarkKind::PodPlaced, at)
            && let Some(mark) = self.placement(fact)
        {
            self.rebuild(mark);
        }
    }

    /// When it got its node, by the cluster's word; now, where that does not say.
    fn placed_at(&self, fact: &PodFact) -> Stamp {
        let placed = fact.conditions.iter().find(|condition| condition.kind == "PodScheduled");
        placed.and_then(|condition| condition.since).or(fact.started).unwrap_or(self.seen)
    }

    fn placement(&self, fact: &PodFact) -> Option<Mark> {
        let gpus = fact.gpu_count();
        if gpus == 0 {
            return None;
        }
        let at = self.placed_at(fact);
        let on = fact.node.as_deref().unwrap_or_default();
        let detail = Some(format!("{gpus} GPU{} of {on}", if gpus == 1 { "" } else { "s" }));
        let pod = self.pod_id(&(fact.namespace.clone(), fact.name.clone()));
        let key = MarkKey { at, object: ObjectRef::Pod(pod), kind: MarkKind::PodPlaced };
        Some(Mark { title: format!("{} placed", fact.name), detail, status: Status::Good, ..Mark::of(key) })
    }

    /// A workload's first pod with an image that none of its other pods has: somebody deployed.
    fn deployed(&mut self, fact: &PodFact) {
        let Some(OwnerFact { kind, name }) = fact.workload() else { return };
        let workload = (kind, fact.namespace.clone(), name);
        if self.has_revisions(&workload) {
            return;
        }
        let mates = self.source.workloads.get(&workload).into_iter().flatten();
        let running: BTreeSet<&SmolStr> = mates
            .filter_map(|key| self.source.pods.get(key))
            .flat_map(|pod| pod.fact.containers.iter().map(|container| &container.image))
            .collect();
        let fresh = fact.containers.iter().find(|container| !running.contains(&container.image));
        let (false, Some(fresh)) = (running.is_empty(), fresh) else { return };
        let from = running.iter().find(|image| repository(image) == repository(&fresh.image));
        let detail = match from {
            Some(from) => format!("{from} → {}", fresh.image),
            None => fresh.image.to_string(),
        };
        let (kind, namespace, name) = workload;
        let object = ObjectRef::Workload(self.id.clone(), namespace, kind, name.clone());
        let key = MarkKey { at: fact.created.unwrap_or(self.seen), object, kind: MarkKind::Deploy };
        let title = format!("{name} {}", tag(&fresh.image));
        self.marks.push(Mark { title, detail: Some(detail), ..Mark::of(key) });
    }

    fn turned_bad(&mut self, fact: &PodFact, was: Option<Status>) {
        let (status, word) = fact.status();
        if status != Status::Bad || was == Some(Status::Bad) {
            return;
        }
        let key = (fact.namespace.clone(), fact.name.clone());
        self.mark_pod(&key, self.seen, MarkKind::Condition, format!("{}: {word}", fact.name), None, Status::Bad);
    }

    fn mark_pod(
        &mut self,
        key: &PodKey,
        at: Stamp,
        kind: MarkKind,
        title: String,
        detail: Option<String>,
        status: Status,
    ) {
        let key = MarkKey { at, object: ObjectRef::Pod(self.pod_id(key)), kind };
        self.marks.push(Mark { title, detail, status, ..Mark::of(key) });
    }
}

/// An image without its tag and digest.
pub(super) fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

/// An image's tag; its digest's beginning where it has none.
pub(super) fn tag(image: &str) -> &str {
    let rest = &image[repository(image).len()..];
    let tag = rest.split_once('@').map_or(rest, |(tag, digest)| if tag.is_empty() { digest } else { tag });
    tag.trim_start_matches(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_apart_by_repository_and_tag() {
        for (image, want) in [
            ("ghcr.io/a/b:v2", ("ghcr.io/a/b", "v2")),
            ("localhost:5000/b", ("localhost:5000/b", "")),
            ("b@sha256:77d0", ("b", "sha256:77d0")),
            ("b:v1@sha256:77d0", ("b", "v1")),
        ] {
            assert_eq!((repository(image), tag(image)), want, "{image}");
        }
    }
}
