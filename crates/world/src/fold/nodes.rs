//! Nodes into the world, and the marks that their changes leave.

use super::{Fold, written};
use crate::{
    fact::{ConditionFact, HostFact, Kind, NodeFact, NodeWriteFact, WrittenFact},
    source::Node,
};
use pilothouse_wire::{
    NodeId, ObjectRef, SmolStr, Stamp,
    view::{Condition, Mark, MarkKind, Status, ribbon::MarkKey},
};
use std::time::Duration;

/// A new node's conditions turn as it comes up: that is no news of its own.
pub(super) const SETTLES: Duration = Duration::from_secs(600);

impl Fold<'_> {
    pub(super) fn node(&mut self, fact: NodeFact, written: WrittenFact) {
        let old = self.source.nodes.get(&fact.name);
        if old.is_some_and(|old| old.fact == fact && old.written == written) {
            return;
        }
        let id = self.node_id(&fact.name);
        match old.cloned() {
            Some(old) => {
                let is_own = |write: &NodeWriteFact| {
                    if old.fact.cordoned == fact.cordoned { write.taints } else { write.cordon }
                };
                let by = written::who(&old.written, &written, is_own, self.listing);
                self.marks_of_node(&id, node_changes(&old.fact, &fact, self.seen), by.as_ref());
                self.mark_labels(&id, (&old.fact, &old.written), (&fact, &written));
            }
            None if self.source.was_listed(Kind::Node, None) => {
                let at = fact.created.unwrap_or(self.seen);
                let came = vec![(at, MarkKind::NodeCame, format!("{} came", fact.name), None, Status::Good)];
                self.marks_of_node(&id, came, None);
            }
            None => self.rebuild_node(&id, &fact, &written),
        }
        if !self.source.nodes.contains_key(&fact.name) {
            // Whose telemetry a name stands for hangs on how many clusters have it.
            self.touched.devices.insert(fact.name.clone());
        }
        self.source.nodes.insert(fact.name.clone(), Node { fact, seen: self.seen, written });
        self.touched.nodes.insert(id);
    }

    pub(super) fn node_gone(&mut self, name: &SmolStr) {
        if self.source.nodes.remove(name).is_none() {
            return;
        }
        let id = self.node_id(name);
        let news = vec![(self.seen, MarkKind::NodeWent, format!("{name} went"), None, Status::Warn)];
        self.marks_of_node(&id, news, None);
        self.touched.devices.insert(name.clone());
        self.touched.nodes.insert(id);
    }

    /// The machine that a node is: one a source, since it is the one that the source runs on.
    pub(super) fn host(&mut self, fact: HostFact) {
        if self.source.host.as_ref() != Some(&fact) {
            self.touched.nodes.insert(self.node_id(&fact.node));
            self.source.host = Some(fact);
        }
    }

    pub(super) fn node_id(&self, name: &SmolStr) -> NodeId {
        NodeId { cluster: self.id.clone(), name: name.clone() }
    }

    /// Marks what is new of a node; `by` is who wrote, where somebody writes that.
    fn marks_of_node(&mut self, id: &NodeId, news: Vec<News>, by: Option<&SmolStr>) {
        for (at, kind, title, detail, status) in news {
            let key = MarkKey { at, object: ObjectRef::Node(id.clone()), kind };
            let by = by.filter(|_| kind == MarkKind::Cordon).cloned();
            self.marks.push(Mark { title, detail, status, by, ..Mark::of(key) });
        }
    }

    /// What a node tells of itself from before we were there: that it came, the last turn of each condition, and who wrote
    /// into it.
    fn rebuild_node(&mut self, id: &NodeId, fact: &NodeFact, written: &WrittenFact) {
        let Some(created) = fact.created else { return };
        let came = (created, MarkKind::NodeCame, format!("{} came", fact.name), None, Status::Good);
        let settled = created.plus(SETTLES);
        let turned = fact.conditions.iter().filter(|condition| condition.since.is_some_and(|since| since > settled));
        let turned = turned.filter_map(|condition| turned_to(&fact.name, condition, self.seen));
        for (at, kind, title, detail, status) in std::iter::once(came).chain(turned.collect::<Vec<_>>()) {
            let key = MarkKey { at, object: ObjectRef::Node(id.clone()), kind };
            self.rebuild(Mark { title, detail, status, ..Mark::of(key) });
        }
        self.rebuild_written(id, created, fact, written);
    }
}

type News = (Stamp, MarkKind, String, Option<String>, Status);

fn node_changes(old: &NodeFact, new: &NodeFact, seen: Stamp) -> Vec<News> {
    let mut news = Vec::new();
    let name = &new.name;
    let tainted = tainted(old, new, seen);
    if old.cordoned == new.cordoned {
        news.extend(tainted);
    } else {
        // Both at once are one sign: they are of one time, and of one kind.
        let (taints, worst) = tainted.map_or((None, Status::Good), |(.., taints, status)| (taints, status));
        let (title, status) = match new.cordoned {
            true => (format!("{name} cordoned"), Status::Warn),
            false => (format!("{name} uncordoned"), worst),
        };
        let word = if worst == Status::Good { "taint gone" } else { "tainted" };
        let taints = taints.map(|taints| format!("{word}: {taints}"));
        news.push((seen, MarkKind::Cordon, title, taints, status));
    }
    for condition in &new.conditions {
        let was = old.conditions.iter().find(|other| other.kind == condition.kind).map(|other| &other.status);
        let is_ready = || condition.kind == "Ready" && condition.status == "True";
        let tells = Condition::is_wrong(&condition.kind, &condition.status) || is_ready();
        if was == Some(&condition.status) || (was.is_none() && !tells) {
            continue;
        }
        news.extend(turned_to(name, condition, seen));
    }
    news
}

/// Taints that came and that went.
fn tainted(old: &NodeFact, new: &NodeFact, seen: Stamp) -> Option<News> {
    let only = |of: &NodeFact, other: &NodeFact| -> Vec<String> {
        let all = of.taints.iter().filter(|taint| !other.taints.contains(taint) && !is_echo(taint));
        all.map(ToString::to_string).collect()
    };
    let (mut came, went) = (only(new, old), only(old, new));
    let (title, status) = match (came.is_empty(), went.is_empty()) {
        (true, true) => return None,
        (true, false) => (format!("{} taint gone", new.name), Status::Good),
        (false, _) => (format!("{} tainted", new.name), Status::Warn),
    };
    let sign = if came.is_empty() { "" } else { "− " };
    came.extend(went.iter().map(|taint| format!("{sign}{taint}")));
    Some((seen, MarkKind::Cordon, title, Some(came.join(", ")), status))
}

/// What it means that a condition is as it is; nothing where it means nothing.
fn turned_to(name: &SmolStr, condition: &ConditionFact, seen: Stamp) -> Option<News> {
    // A kubelet that is silent makes every condition Unknown: Ready tells it, the others know nothing.
    if condition.kind != "Ready" && condition.status == "Unknown" {
        return None;
    }
    let at = condition.since.unwrap_or(seen);
    let good = Condition::is_good_when_true(&condition.kind) == (condition.status == "True");
    let (kind, status) = match (condition.kind == "Ready", good) {
        (true, false) => (MarkKind::Fault, Status::Bad),
        (_, false) => (MarkKind::Condition, Status::Warn),
        (_, true) => (MarkKind::Condition, Status::Good),
    };
    let title = match (condition.kind.as_str(), good) {
        ("Ready", true) => format!("{name} ready again"),
        ("Ready", false) => format!("{name} not ready"),
        (other, true) if condition.status == "True" => format!("{name}: {other} again"),
        (other, true) => format!("{name}: {other} over"),
        (other, false) if condition.status == "False" => format!("{name}: {other} is False"),
        (other, false) => format!("{name}: {other}"),
    };
    Some((at, kind, title, condition.reason.as_ref().map(ToString::to_string), status))
}

/// Taints by which the control plane only repeats a condition or a cordon, which has its own mark.
pub(super) fn is_echo(taint: &str) -> bool {
    taint.starts_with("node.kubernetes.io/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_ready_is_no_news_when_it_is_first_heard_of_and_bad_news_when_it_is_not() {
        let node = |conditions: &[(&str, &str)]| NodeFact {
            name: "a-1".into(),
            conditions: conditions
                .iter()
                .map(|(kind, status)| ConditionFact {
                    kind: (*kind).into(),
                    status: (*status).into(),
                    reason: None,
                    since: None,
                })
                .collect(),
            ..NodeFact::default()
        };
        let news = |old: &[(&str, &str)], new: &[(&str, &str)]| -> Vec<(String, Status)> {
            let news = node_changes(&node(old), &node(new), Stamp(1));
            news.into_iter().map(|(_, _, title, _, status)| (title, status)).collect()
        };
        let (up, down) = ([("StorageReady", "True")], [("StorageReady", "False")]);
        assert_eq!(news(&[], &up), []);
        assert_eq!(news(&[], &down), [("a-1: StorageReady is False".into(), Status::Warn)]);
        assert_eq!(news(&up, &down), [("a-1: StorageReady is False".into(), Status::Warn)]);
        assert_eq!(news(&down, &up), [("a-1: StorageReady again".into(), Status::Good)]);
        let (pressed, free) = ([("DiskPressure", "True")], [("DiskPressure", "False")]);
        assert_eq!(news(&free, &pressed), [("a-1: DiskPressure".into(), Status::Warn)]);
        assert_eq!(news(&pressed, &free), [("a-1: DiskPressure over".into(), Status::Good)]);
    }
}
