//! Controllers of pods and their revisions into the world, and what changed from one to the next.

use super::{
    Fold,
    pods::{repository, tag},
};
use crate::{
    fact::{ControllerFact, Fact, Kind, RevisionFact, WriteFact},
    source::WorkloadKey,
    template,
};
use pilothouse_wire::{
    ObjectRef, SmolStr, Stamp,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};
use std::collections::{BTreeMap, BTreeSet};

/// Revisions of one workload that are kept: a controller keeps ten itself, unless somebody wants more.
const MOST_REVISIONS: usize = 200;

/// The kinds of owner whose revisions are ReplicaSets, and those whose revisions are ControllerRevisions. Of another kind a
/// listing tells which it is, by naming one of it.
pub(super) const OF_REPLICA_SETS: &[&str] = &["Deployment", "Rollout", "InferenceService", "LLMInferenceService"];
pub(super) const OF_REVISIONS: &[&str] = &["StatefulSet", "DaemonSet", "LeaderWorkerSet"];

/// When somebody wrote last, as far as times are kept.
fn latest(fact: &ControllerFact) -> Option<Stamp> {
    fact.writes.iter().filter_map(|write| write.at).max()
}

/// The newest write that was not there before: of nobody else is it known that he changed anything since.
pub(super) fn fresh<'a>(old: Option<&ControllerFact>, new: &'a ControllerFact) -> Option<&'a WriteFact> {
    let is_new = |write: &&WriteFact| old.is_none_or(|old| !old.writes.contains(write));
    new.writes.iter().filter(is_new).max_by_key(|write| (write.scaled, write.at))
}

/// Who changed the number of pods: through `scale`, or with a write that was not there before.
fn who_scaled(old: &ControllerFact, new: &ControllerFact) -> Option<SmolStr> {
    let fresh = fresh(Some(old), new);
    let scaled = || new.writes.iter().find(|write| write.scaled);
    fresh.or_else(scaled).map(|write| write.by.clone())
}

impl Fold<'_> {
    pub(super) fn controller(&mut self, fact: ControllerFact) {
        let key: WorkloadKey = (fact.kind.clone(), fact.namespace.clone(), fact.name.clone());
        match self.source.controllers.get(&key) {
            Some(old) if *old == fact => return,
            Some(old) => {
                if let (Some(from), Some(to)) = (old.replicas, fact.replicas)
                    && from != to
                {
                    let at = latest(&fact).filter(|at| Some(*at) > latest(old)).unwrap_or(self.seen);
                    let mark = Mark {
                        title: format!("{} {from} → {to}", fact.name),
                        by: who_scaled(old, &fact),
                        ..self.mark_of(&key, at, MarkKind::Scale)
                    };
                    self.marks.push(Mark { rebuilt: self.listing, ..mark });
                }
            }
            None => self.rebuild_writes(&key, &fact),
        }
        self.source.controllers.insert(key, fact);
    }

    pub(super) fn controller_gone(&mut self, key: &WorkloadKey) {
        self.source.controllers.remove(key);
        self.service_gone(key);
        if self.source.revisions.remove(key).is_some() {
            self.forget_sizes();
        }
    }

    /// Controllers of a kind that a complete listing does not name are gone.
    pub(super) fn drop_controllers(&mut self, kind: &str, namespace: Option<&SmolStr>, facts: &[Fact]) {
        let named: BTreeSet<(&SmolStr, &SmolStr)> = facts
            .iter()
            .filter_map(Fact::controller)
            .filter(|controller| controller.kind == kind)
            .map(|controller| (&controller.namespace, &controller.name))
            .collect();
        let covered = |(of, at, _): &&WorkloadKey| of == kind && namespace.is_none_or(|only| only == at);
        let all = self.source.controllers.keys().filter(covered);
        let gone: Vec<WorkloadKey> = all.filter(|(_, at, name)| !named.contains(&(at, name))).cloned().collect();
        gone.iter().for_each(|key| self.controller_gone(key));
    }

    /// Revisions that a complete listing does not name are gone: those of these kinds of owner, and of the kinds that it
    /// names.
    pub(super) fn drop_revisions(&mut self, owners: &[&str], namespace: Option<&SmolStr>, facts: &[Fact]) {
        let listed: Vec<&RevisionFact> = facts.iter().filter_map(Fact::revision).collect();
        let named: BTreeSet<(&SmolStr, &SmolStr)> = listed.iter().map(|fact| (&fact.namespace, &fact.name)).collect();
        let kinds: BTreeSet<&str> =
            owners.iter().copied().chain(listed.iter().map(|fact| fact.owner.kind.as_str())).collect();
        self.source.revisions.retain(|(kind, at, _), revisions| {
            if kinds.contains(kind.as_str()) && namespace.is_none_or(|only| only == at) {
                revisions.retain(|name, _| named.contains(&(at, name)));
            }
            !revisions.is_empty()
        });
        self.forget_sizes();
        self.touched.delivery = true;
    }

    /// Who wrote what before we were there: a server keeps the last time of each writer, not what was there before.
    fn rebuild_writes(&mut self, key: &WorkloadKey, fact: &ControllerFact) {
        if !self.listing {
            return;
        }
        for write in &fact.writes {
            // Whoever made it made no change, and what has no time has no place.
            let Some(at) = write.at.filter(|at| fact.created.is_some_and(|created| *at > created)) else { continue };
            let title = format!("{} changed", fact.name);
            let mark = Mark {
                title,
                detail: Some("what was there before is not kept".into()),
                by: Some(write.by.clone()),
                ..self.mark_of(key, at, MarkKind::Config)
            };
            self.rebuild(mark);
        }
    }

    pub(super) fn revision(&mut self, fact: RevisionFact) {
        let key: WorkloadKey = (fact.owner.kind.clone(), fact.namespace.clone(), fact.owner.name.clone());
        let known = self.source.revisions.entry(key.clone()).or_default();
        let old = known.get(&fact.name);
        if old == Some(&fact) {
            return;
        }
        let before = known.values().filter(|other| other.name != fact.name).max_by_key(|other| other.number).cloned();
        let at = match old {
            None => fact.created,
            // An old one became the newest: somebody went back to it.
            Some(_) => Some(self.seen),
        };
        let is_new = old.is_none_or(|old| old.number < fact.number);
        known.insert(fact.name.clone(), fact.clone());
        while known.len() > MOST_REVISIONS {
            let oldest = known.values().min_by_key(|revision| revision.number).map(|revision| revision.name.clone());
            if let Some(oldest) = oldest.and_then(|name| known.remove(&name)) {
                self.source.templates.remove(&(oldest.namespace, oldest.name));
            }
        }
        // A listing tells of all of them in any order: they are compared once all are there.
        if let Some(before) = before
            && !self.listing
            && is_new
            && before.number < fact.number
        {
            let mark = self.revised(&key, &before, &fact, at.unwrap_or(self.seen));
            self.marks.push(mark);
        }
        // Of a service that names no revision itself the newest is the one that is wanted.
        self.touch_service(&key);
        self.assess(&key);
    }

    pub(super) fn revision_gone(&mut self, namespace: &SmolStr, name: &SmolStr) {
        let of = |(_, of, _): &WorkloadKey| of == namespace;
        for (_, revisions) in self.source.revisions.iter_mut().filter(|(key, _)| of(key)) {
            revisions.remove(name);
        }
        self.source.revisions.retain(|_, revisions| !revisions.is_empty());
        let key = (namespace.clone(), name.clone());
        self.source.delivery.sizes.remove(&key);
        self.source.templates.remove(&key);
        self.touched.delivery = true;
        // One that nobody owned was a controller itself.
        self.source.controllers.remove(&(SmolStr::new_static("ReplicaSet"), namespace.clone(), name.clone()));
    }

    /// What changed from revision to revision, as far as it was not seen as it happened.
    pub(super) fn rebuild_revisions(&mut self, namespace: Option<&SmolStr>) {
        let listed = |of: &SmolStr| namespace.is_none_or(|only| only == of);
        let all: BTreeMap<WorkloadKey, Vec<RevisionFact>> = self
            .source
            .revisions
            .iter()
            .filter(|((_, of, _), _)| listed(of))
            .map(|(key, revisions)| (key.clone(), revisions.values().cloned().collect()))
            .collect();
        for (key, mut revisions) in all {
            revisions.sort_by_key(|revision| revision.number);
            for pair in revisions.windows(2) {
                // One that is older than the one before it was gone back to, at a time that nobody keeps.
                if let (Some(before), Some(at)) = (pair[0].created, pair[1].created)
                    && before <= at
                {
                    let mark = self.revised(&key, &pair[0], &pair[1], at);
                    self.rebuild(mark);
                }
            }
        }
    }

    fn revised(&self, key: &WorkloadKey, from: &RevisionFact, to: &RevisionFact, at: Stamp) -> Mark {
        let image_of = |name: &SmolStr| from.images.iter().find(|(other, _)| other == name).map(|(_, image)| image);
        let images: Vec<(Option<&SmolStr>, &SmolStr)> = to
            .images
            .iter()
            .map(|(name, image)| (image_of(name), image))
            .filter(|(before, image)| *before != Some(image))
            .collect();
        let numbers = format!("revision {} → {}", from.number, to.number);
        let settings = self.settings(from, to);
        let told = |all: Vec<String>| all.into_iter().chain([numbers.clone()]).collect::<Vec<_>>().join(", ");
        let Some((_, first)) = images.first() else {
            let (title, others) = match settings {
                None => (format!("settings, revision {}", to.number), Vec::new()),
                Some(all) if all.is_empty() => {
                    (format!("settings, revision {}", to.number), vec!["in what is not looked at".to_owned()])
                }
                // The first stands in the title, the others behind it.
                Some(mut all) => (all.remove(0), all),
            };
            let (title, detail) = (format!("{} {title}", key.2), told(others));
            return Mark { title, detail: Some(detail), ..self.mark_of(key, at, MarkKind::Config) };
        };
        let word = if tag(first).is_empty() { repository(first) } else { tag(first) };
        let changes = images.iter().map(|(before, image)| match before {
            Some(before) => format!("{before} → {image}"),
            None => format!("+ {image}"),
        });
        // A leader and its workers have mostly the same.
        let mut said = BTreeSet::new();
        let changes = changes.filter(|change| said.insert(change.clone()));
        let detail = told(changes.chain(settings.unwrap_or_default()).collect());
        let title = format!("{} {word}", key.2);
        Mark { title, detail: Some(detail), ..self.mark_of(key, at, MarkKind::Deploy) }
    }

    /// What differs beside images; nothing where it is not told of what one of them makes pods.
    fn settings(&self, from: &RevisionFact, to: &RevisionFact) -> Option<Vec<String>> {
        let of = |fact: &RevisionFact| self.source.templates.get(&(fact.namespace.clone(), fact.name.clone()));
        Some(template::changes(of(from)?, of(to)?))
    }

    pub(super) fn mark_of(&self, (kind, namespace, name): &WorkloadKey, at: Stamp, what: MarkKind) -> Mark {
        let object = ObjectRef::Workload(self.id.clone(), namespace.clone(), kind.clone(), name.clone());
        Mark { status: Status::Unknown, ..Mark::of(MarkKey { at, object, kind: what }) }
    }

    /// Do revisions tell what this workload is made of? Then its pods need not.
    pub(super) fn has_revisions(&self, key: &WorkloadKey) -> bool {
        let told = [Kind::Revision, Kind::ReplicaSet, Kind::ControllerRevision];
        told.into_iter().any(|kind| self.source.was_listed(kind, Some(&key.1)))
            && self.source.revisions.contains_key(key)
    }
}
