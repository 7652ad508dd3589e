//! Sources, namespaces and events into the world.

use super::{Fold, written};
use crate::fact::{EventFact, Kind, NamespaceFact, SourceFact};
use pilothouse_wire::{
    Health, ObjectRef, PodId, SmolStr,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};

/// The most events of one source that are kept: the oldest give way, counted.
const MOST_EVENTS: usize = 5_000;
/// Events that tell of a change of what they are about, by their reason.
const TELLING: &[(&str, MarkKind)] = &[
    ("NodeNotReady", MarkKind::Fault),
    ("Rebooted", MarkKind::Fault),
    // Of a cordon that is over nothing else is kept, and of others not always: the kubelet tells of them.
    ("NodeNotSchedulable", MarkKind::Cordon),
    ("NodeSchedulable", MarkKind::Cordon),
    ("SystemOOM", MarkKind::Condition),
    ("OOMKilling", MarkKind::Condition),
    ("Evicted", MarkKind::Condition),
    ("Preempted", MarkKind::Condition),
    ("TaintManagerEviction", MarkKind::Condition),
    ("BackOff", MarkKind::Condition),
];
/// The attempts that are kept.
const MOST_ATTEMPTS: usize = 8;

impl Fold<'_> {
    pub(super) fn about(&mut self, fact: SourceFact) {
        match fact {
            SourceFact::About(about) => {
                // Of the demo it is known that it has no disruption budgets and no claims.
                self.touched.all |= self.source.about.demo != about.demo;
                self.source.about = *about;
            }
            SourceFact::Heard => self.source.heard = Some(self.seen),
            SourceFact::Health(health) => self.health(health),
            SourceFact::Probed(probed) => {
                // What may not be read is not waited for.
                self.touched.delivery |= self.source.probed.may_not != probed.may_not;
                self.source.probed = *probed;
            }
            SourceFact::Attempt(attempt) => {
                self.source.attempts.push(attempt);
                let over = self.source.attempts.len().saturating_sub(MOST_ATTEMPTS);
                self.source.attempts.drain(..over);
            }
            SourceFact::RetryAt(at) => self.source.retry_at = at,
            SourceFact::Dropped(n) => self.source.dropped = self.source.dropped.saturating_add(n),
            SourceFact::Removed => {}
            SourceFact::Inside(services) => self.source.inside = Some(services),
        }
        self.touched.sources.insert(self.id.clone());
    }

    fn health(&mut self, health: Health) {
        let (was_lost, is_lost) = (matches!(self.source.health, Health::Lost(_)), matches!(health, Health::Lost(_)));
        let never_heard = self.source.heard.is_none();
        let name = &self.source.about.name;
        let news = match (was_lost, is_lost) {
            (false, true) if !never_heard => Some((MarkKind::ConnectionLost, format!("{name} lost"), Status::Bad)),
            (true, false) if !never_heard && matches!(health, Health::Well | Health::Partial(_)) => {
                Some((MarkKind::ConnectionFound, format!("{name} found again"), Status::Good))
            }
            _ => None,
        };
        if let Some((kind, title, status)) = news {
            let detail = health.problem().map(|problem| problem.what.clone());
            let key = MarkKey { at: self.seen, object: ObjectRef::Connection(self.id.clone()), kind };
            self.marks.push(Mark { title, detail, status, ..Mark::of(key) });
        }
        self.source.health = health;
    }

    pub(super) fn namespace(&mut self, fact: NamespaceFact, team: Option<SmolStr>) {
        let was = match &team {
            Some(team) => self.source.teams.insert(fact.name.clone(), team.clone()),
            None => self.source.teams.remove(&fact.name),
        };
        if was != team {
            self.touch_pods_of(&fact.name);
        }
        if self.source.namespaces.insert(fact.name, fact.terminating) != Some(fact.terminating) {
            self.touched.sources.insert(self.id.clone());
        }
    }

    /// Whose they are follows from their namespace.
    fn touch_pods_of(&mut self, namespace: &SmolStr) {
        let first = (namespace.clone(), SmolStr::default());
        let pods = self.source.pods.range(first..).take_while(|((of, _), _)| of == namespace);
        let ids = pods.map(|((namespace, name), _)| PodId {
            cluster: self.id.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
        });
        self.touched.pods.extend(ids);
        self.touched.delivery = true;
    }

    pub(super) fn namespace_gone(&mut self, name: &SmolStr) {
        if self.source.teams.remove(name).is_some() {
            self.touch_pods_of(name);
        }
        if self.source.namespaces.remove(name).is_some() {
            self.touched.sources.insert(self.id.clone());
        }
    }

    pub(super) fn event(&mut self, event: EventFact) {
        if self.listing && !self.source.was_listed(Kind::Event, event.namespace.as_ref()) {
            self.rebuild_event(&event);
        }
        let old = self.source.events.remove(&event.uid);
        if let Some(old) = &old {
            self.no_longer_regarding(old);
        }
        let about = (event.kind.clone(), event.namespace.clone(), event.name.clone());
        self.source.regarding.entry(about).or_default().insert(event.uid.clone());
        self.source.events.insert(event.uid.clone(), event);
        if old.is_none() && self.source.events.len() > MOST_EVENTS {
            let oldest = self.source.events.values().min_by_key(|event| (event.at, event.uid.clone()));
            if let Some(uid) = oldest.map(|event| event.uid.clone()) {
                self.event_gone(&uid);
                self.source.dropped = self.source.dropped.saturating_add(1);
            }
        }
        self.touched.events.insert(self.id.clone());
    }

    /// What a server still tells of changes that we did not see.
    fn rebuild_event(&mut self, event: &EventFact) {
        let Some((_, kind)) = TELLING.iter().find(|(reason, _)| event.reason == *reason) else { return };
        let node = self.source.nodes.get(&event.name).filter(|_| event.kind == "Node");
        if event.reason == "NodeNotSchedulable" && node.is_some_and(|node| written::tells(node, event.at)) {
            // Who did it is known, and when.
            return;
        }
        let object = match (event.kind.as_str(), &event.namespace) {
            ("Node", _) => ObjectRef::Node(self.node_id(&event.name)),
            ("Pod", Some(namespace)) => {
                let (namespace, name) = (namespace.clone(), event.name.clone());
                ObjectRef::Pod(PodId { cluster: self.id.clone(), namespace, name })
            }
            _ => return,
        };
        self.rebuild(Mark {
            title: format!("{}: {}", event.name, event.reason),
            detail: Some(event.note.clone()).filter(|note| !note.is_empty()),
            status: if event.warning { Status::Warn } else { Status::Unknown },
            ..Mark::of(MarkKey { at: event.at, object, kind: *kind })
        });
    }

    pub(super) fn event_gone(&mut self, uid: &SmolStr) {
        let Some(event) = self.source.events.remove(uid) else { return };
        self.no_longer_regarding(&event);
        self.touched.events.insert(self.id.clone());
    }

    /// Takes an event away from what it is about.
    fn no_longer_regarding(&mut self, event: &EventFact) {
        let about = (event.kind.clone(), event.namespace.clone(), event.name.clone());
        if let Some(uids) = self.source.regarding.get_mut(&about) {
            uids.remove(&event.uid);
            if uids.is_empty() {
                self.source.regarding.remove(&about);
            }
        }
    }
}
