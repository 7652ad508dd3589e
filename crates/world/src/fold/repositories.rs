//! What tools keep out of repositories, into the world: each sync and each promotion is a change on the ribbon.

use super::Fold;
use crate::{
    fact::{ApplicationFact, Fact, Kind, PromotionFact, StageFact, SyncedFact},
    source::PodKey,
};
use pilothouse_wire::{
    KindId, ObjectRef, OtherId, SmolStr, Stamp,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};
use std::collections::BTreeSet;

/// A revision of Git is told by so many letters.
const SHORT: usize = 8;

/// What a stage says of itself, where that is well and was not, or the other way. Source: `HealthState` of Kargo.
fn turned<'a>(was: &SmolStr, is: &'a SmolStr) -> Option<(&'a str, Status)> {
    match (was.as_str(), is.as_str()) {
        (was, is) if was == is => None,
        (_, "Unhealthy") => Some((is, Status::Bad)),
        ("Unhealthy", "Healthy") => Some((is, Status::Good)),
        _ => None,
    }
}

impl Fold<'_> {
    pub(super) fn application(&mut self, fact: ApplicationFact) {
        let key: PodKey = (fact.namespace.clone(), fact.name.clone());
        let old = self.source.delivery.applications.get(&key);
        if old == Some(&fact) {
            return;
        }
        let known: BTreeSet<i64> = old.into_iter().flat_map(|old| old.history.iter().map(|synced| synced.id)).collect();
        let object = application(self.id, &key.0, &key.1);
        let marks: Vec<(Stamp, Mark)> = fact
            .history
            .iter()
            .enumerate()
            .filter(|(_, synced)| !known.contains(&synced.id))
            .filter_map(|(place, synced)| {
                let before = place.checked_sub(1).and_then(|place| fact.history.get(place));
                Some((synced.at?, synced_mark(&fact, before, synced, synced.at?, object.clone())))
            })
            .collect();
        let failed = self.failed_sync(&fact, old, &object);
        for (at, mark) in marks.into_iter().chain(failed) {
            self.seen_or_rebuilt(at, mark);
        }
        self.source.delivery.applications.insert(key, fact);
        self.touched.delivery = true;
    }

    /// A sync that came to nothing leaves no line in the history.
    fn failed_sync(
        &self,
        fact: &ApplicationFact,
        old: Option<&ApplicationFact>,
        object: &ObjectRef,
    ) -> Option<(Stamp, Mark)> {
        let failed = fact.operation.as_ref().filter(|of| ["Failed", "Error"].contains(&of.phase.as_str()))?;
        if old.and_then(|old| old.operation.as_ref()) == Some(failed) {
            return None;
        }
        let at = failed.finished.or(failed.started)?;
        let revision = failed.revision.as_ref().map(|revision| format!(" to {}", short(revision))).unwrap_or_default();
        let mark = Mark {
            title: format!("{} sync{revision}: {}", fact.name, failed.phase),
            detail: fact.message.clone(),
            status: Status::Bad,
            ..Mark::of(MarkKey { at, object: object.clone(), kind: MarkKind::Phase })
        };
        Some((at, mark))
    }

    pub(super) fn application_gone(&mut self, key: &PodKey) {
        self.touched.delivery |= self.source.delivery.applications.remove(key).is_some();
    }

    pub(super) fn promotion(&mut self, fact: PromotionFact) {
        let key: PodKey = (fact.namespace.clone(), fact.name.clone());
        let old = self.source.delivery.promotions.get(&key);
        if old == Some(&fact) {
            return;
        }
        let was_over = old.is_some_and(|old| outcome(old).is_some());
        if let (false, Some((word, status)), Some(at)) = (was_over, outcome(&fact), fact.finished) {
            let object = kargo(self.id, "stages", "Stage", &fact.namespace, &fact.stage);
            let mark = Mark {
                title: format!("{} gets {}: {word}", fact.stage, short(&fact.freight)),
                detail: fact.message.clone(),
                status,
                by: fact.by.clone(),
                ..Mark::of(MarkKey { at, object, kind: MarkKind::Deploy })
            };
            self.seen_or_rebuilt(at, mark);
        }
        self.source.delivery.promotions.insert(key, fact);
        self.touched.delivery = true;
    }

    pub(super) fn promotion_gone(&mut self, key: &PodKey) {
        self.touched.delivery |= self.source.delivery.promotions.remove(key).is_some();
    }

    pub(super) fn stage(&mut self, fact: StageFact) {
        let key: PodKey = (fact.namespace.clone(), fact.name.clone());
        let old = self.source.delivery.stages.get(&key);
        if old == Some(&fact) {
            return;
        }
        // How it is has no time of its own.
        let turn = old.and_then(|old| turned(old.health.as_ref()?, fact.health.as_ref()?));
        // Promotions tell of what they did; who was not there for one sees what came of it.
        let is_told = |promotion: &PromotionFact| {
            let is_its = promotion.namespace == fact.namespace && promotion.stage == fact.name;
            is_its && fact.freight.contains(&promotion.freight) && outcome(promotion).is_some()
        };
        let changed = old.filter(|old| old.holds != fact.holds && !fact.holds.is_empty());
        if let Some(old) = changed
            && !self.source.delivery.promotions.values().any(is_told)
        {
            let at = fact.since.filter(|at| Some(*at) > old.since).unwrap_or(self.seen);
            let object = kargo(self.id, "stages", "Stage", &fact.namespace, &fact.name);
            let mark = Mark {
                title: format!("{} holds {}", fact.name, fact.holds.join(", ")),
                detail: fact.health.as_ref().map(|health| format!("its stage says {health}")),
                ..Mark::of(MarkKey { at, object, kind: MarkKind::Config })
            };
            self.seen_or_rebuilt(at, mark);
        }
        if let Some((word, status)) = turn {
            let object = kargo(self.id, "stages", "Stage", &fact.namespace, &fact.name);
            let mark = Mark {
                title: format!("{} {word}", fact.name),
                status,
                ..Mark::of(MarkKey { at: self.seen, object, kind: MarkKind::Phase })
            };
            self.seen_or_rebuilt(self.seen, mark);
        }
        self.source.delivery.stages.insert(key, fact);
        self.touched.delivery = true;
    }

    pub(super) fn stage_gone(&mut self, key: &PodKey) {
        self.touched.delivery |= self.source.delivery.stages.remove(key).is_some();
    }

    /// What a complete listing does not name is gone.
    pub(super) fn drop_kept(&mut self, kind: Kind, namespace: Option<&SmolStr>, facts: &[Fact]) {
        let named: BTreeSet<(&SmolStr, &SmolStr)> = facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Application(fact) => Some((&fact.namespace, &fact.name)),
                Fact::Promotion(fact) => Some((&fact.namespace, &fact.name)),
                Fact::Stage(fact) => Some((&fact.namespace, &fact.name)),
                _ => None,
            })
            .collect();
        let stays = |(at, name): &PodKey| namespace.is_some_and(|only| only != at) || named.contains(&(at, name));
        let all = &mut self.source.delivery;
        let count =
            |all: &crate::delivery::Deliveries| all.applications.len() + all.promotions.len() + all.stages.len();
        let before = count(all);
        match kind {
            Kind::Application => all.applications.retain(|key, _| stays(key)),
            Kind::Promotion => all.promotions.retain(|key, _| stays(key)),
            _ => all.stages.retain(|key, _| stays(key)),
        }
        self.touched.delivery |= count(all) != before;
    }
}

/// How a promotion ended; none where it has not.
fn outcome(fact: &PromotionFact) -> Option<(&str, Status)> {
    let word = fact.phase.as_deref()?;
    let status = match word {
        "Succeeded" => Status::Good,
        "Failed" | "Errored" => Status::Bad,
        "Aborted" => Status::Warn,
        _ => return None,
    };
    Some((word, status))
}

fn synced_mark(
    fact: &ApplicationFact,
    before: Option<&SyncedFact>,
    synced: &SyncedFact,
    at: Stamp,
    object: ObjectRef,
) -> Mark {
    let revision = synced.revision.as_ref().map_or_else(|| "another revision".to_owned(), |revision| short(revision));
    let from =
        before.and_then(|before| before.revision.as_ref()).filter(|from| Some(*from) != synced.revision.as_ref());
    let from = from.map(|from| format!("{} → {revision}", short(from)));
    let source = fact.sources.first().map(|source| source.repository.to_string());
    let detail: Vec<String> = from.into_iter().chain(source).collect();
    Mark {
        title: format!("{} synced to {revision}", fact.name),
        detail: (!detail.is_empty()).then(|| detail.join(", ")),
        by: synced.by.clone(),
        ..Mark::of(MarkKey { at, object, kind: MarkKind::Deploy })
    }
}

/// A commit by its first letters; a version or a branch whole.
fn short(revision: &str) -> String {
    let is_commit = revision.len() >= 40 && revision.bytes().all(|letter| letter.is_ascii_hexdigit());
    if is_commit { revision.chars().take(SHORT).collect() } else { revision.to_owned() }
}

/// An application of Argo CD.
pub(crate) fn application(cluster: &pilothouse_wire::ConnectionId, namespace: &SmolStr, name: &SmolStr) -> ObjectRef {
    other(cluster, ("argoproj.io", "v1alpha1", "applications", "Application"), namespace, name)
}

fn kargo(
    cluster: &pilothouse_wire::ConnectionId,
    plural: &'static str,
    kind: &'static str,
    namespace: &SmolStr,
    name: &SmolStr,
) -> ObjectRef {
    other(cluster, ("kargo.akuity.io", "v1alpha1", plural, kind), namespace, name)
}

fn other(
    cluster: &pilothouse_wire::ConnectionId,
    (group, version, plural, kind): (&'static str, &'static str, &'static str, &'static str),
    namespace: &SmolStr,
    name: &SmolStr,
) -> ObjectRef {
    let [group, version, plural, kind] = [group, version, plural, kind].map(SmolStr::new_static);
    ObjectRef::Other(Box::new(OtherId {
        cluster: cluster.clone(),
        kind: KindId { group, version, plural, kind },
        namespace: Some(namespace.clone()),
        name: name.clone(),
    }))
}
