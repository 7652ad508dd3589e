//! Who cordoned, tainted or labelled a node, and when: as it is seen, and as far as its server keeps it of before.

use super::{
    Fold,
    nodes::{SETTLES, is_echo},
};
use crate::{
    QUARANTINE,
    fact::{NodeFact, NodeWriteFact, WrittenFact},
    gpu::is_kept_label,
    source::Node,
};
use pilothouse_wire::{
    NodeId, ObjectRef, SmolStr, Stamp,
    view::{Mark, MarkKind, Status, ribbon::MarkKey},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// One that has more labels is a program that finds out what a node is: of before it tells nothing that a person did.
const MOST_LABELS: u32 = 8;
/// The event of a kubelet and the cordon that it tells of are this near, in milliseconds.
const NEAR_MS: u64 = 60_000;

/// Who did what was just seen: whose it is since now; where it is nobody's any more, the only one who wrote. After a listing
/// that may be anybody.
pub(super) fn who(
    old: &WrittenFact,
    new: &WrittenFact,
    is_own: impl Fn(&NodeWriteFact) -> bool,
    listing: bool,
) -> Option<SmolStr> {
    let own: Vec<&NodeWriteFact> = new.writes.iter().filter(|write| is_own(write)).collect();
    if !own.is_empty() {
        let now = own.into_iter().filter(|write| !old.writes.contains(write));
        return only(now.map(|write| &write.by));
    }
    let before = |write: &NodeWriteFact| old.writes.iter().find(|other| other.by == write.by);
    let fresh = new.writes.iter().filter(|write| before(write).is_none_or(|other| write.at > other.at));
    only(fresh.map(|write| &write.by)).filter(|_| !listing)
}

/// Of several nobody knows who it was.
fn only<'a>(all: impl Iterator<Item = &'a SmolStr>) -> Option<SmolStr> {
    let all: BTreeSet<&SmolStr> = all.collect();
    all.first().filter(|_| all.len() == 1).map(|by| (*by).clone())
}

/// Since when something is as it is by its writer's last write: exactly, or at the latest.
struct Since<'a> {
    at: Stamp,
    by: &'a SmolStr,
    is_exact: bool,
}

/// Of whom something is, and since when; nothing where it is of several or of nobody.
fn since(written: &WrittenFact, is_own: impl Fn(&NodeWriteFact) -> bool) -> Option<Since<'_>> {
    let mut own = written.writes.iter().filter(|write| is_own(write));
    let (one, None) = (own.next()?, own.next()) else { return None };
    Some(Since { at: one.at?, by: &one.by, is_exact: one.alone })
}

/// When a node that is cordoned was, by whom, and whether that is exact; nothing where nobody keeps it.
fn cordoned(fact: &NodeFact, written: &WrittenFact) -> Option<(Stamp, Option<SmolStr>, bool)> {
    if !fact.cordoned {
        return None;
    }
    let wrote = since(written, |write| write.cordon);
    let by = wrote.as_ref().map(|wrote| wrote.by.clone());
    match (wrote.filter(|wrote| wrote.is_exact || written.cordoned.is_none()), written.cordoned) {
        (Some(wrote), _) => Some((wrote.at, by, wrote.is_exact)),
        // The control plane repeats it within a moment.
        (None, Some(at)) => Some((at, by, true)),
        (None, None) => None,
    }
}

/// Does what is kept of a node's writers tell of the cordon that a kubelet's event of this time is about?
pub(super) fn tells(node: &Node, at: Stamp) -> bool {
    let told = cordoned(&node.fact, &node.written);
    told.is_some_and(|(told, ..)| told.0.abs_diff(at.0) <= NEAR_MS)
}

/// Labels that changed: those that we use from what to what, and of the others the names of those that came and went.
fn labelled(old: (&NodeFact, &WrittenFact), new: (&NodeFact, &WrittenFact)) -> Vec<String> {
    let mut all = Vec::new();
    let keys: BTreeSet<&SmolStr> = old.0.labels.iter().chain(&new.0.labels).map(|(key, _)| key).collect();
    for key in keys.into_iter().filter(|key| *key != QUARANTINE) {
        match (old.0.label(key), new.0.label(key)) {
            (Some(from), Some(to)) if from != to => all.push(format!("{key} {from} → {to}")),
            (None, Some(to)) => all.push(format!("+ {key} {to}")),
            (Some(_), None) => all.push(format!("− {key}")),
            _ => {}
        }
    }
    // Of who has more only the first are kept: whether one came or another stands in its place nobody knows.
    let is_whole = |written: &WrittenFact| written.writes.iter().all(|write| write.labels_in_all <= MOST_LABELS);
    if is_whole(old.1) && is_whole(new.1) {
        let named = |written: &WrittenFact| -> BTreeSet<SmolStr> {
            let all = written.writes.iter().flat_map(|write| &write.labels);
            all.filter(|key| !is_kept_label(key)).cloned().collect()
        };
        let (before, after) = (named(old.1), named(new.1));
        all.extend(after.difference(&before).map(|key| format!("+ {key}")));
        all.extend(before.difference(&after).map(|key| format!("− {key}")));
    }
    all
}

impl Fold<'_> {
    /// Tells that labels of a node changed. Those of a new one are found out as it comes up.
    pub(super) fn mark_labels(&mut self, id: &NodeId, old: (&NodeFact, &WrittenFact), new: (&NodeFact, &WrittenFact)) {
        if new.0.created.is_some_and(|created| self.seen < created.plus(SETTLES)) {
            return;
        }
        let changed = labelled(old, new);
        if !changed.is_empty() {
            let by = who(old.1, new.1, |write| write.labels_in_all > 0, self.listing);
            let mark = sign(id, self.seen, MarkKind::Config, format!("{} labelled", id.name));
            self.marks.push(Mark { detail: Some(changed.join(", ")), by, ..mark });
        }
    }

    /// What a server keeps of who wrote into a node before we were there. Whoever made it made no change.
    pub(super) fn rebuild_written(&mut self, id: &NodeId, created: Stamp, fact: &NodeFact, written: &WrittenFact) {
        let mut tainted = tainted(fact, written);
        tainted.retain(|at, _| *at > created);
        if let Some((at, by, is_exact)) = cordoned(fact, written).filter(|(at, ..)| *at > created) {
            // Both at once are one sign, as where they are seen.
            let with = tainted.remove(&at);
            let is_exact = is_exact && with.as_ref().is_none_or(|with| with.is_exact);
            let with = with.map(|with| format!("tainted: {}", with.taints.join(", ")));
            let detail = with.into_iter().chain((!is_exact).then(|| AT_THE_LATEST.to_owned())).collect::<Vec<_>>();
            let detail = (!detail.is_empty()).then(|| detail.join("; "));
            let mark = sign(id, at, MarkKind::Cordon, format!("{} cordoned", fact.name));
            self.rebuild(Mark { detail, by, status: Status::Warn, ..mark });
        }
        for (at, with) in tainted {
            let mut detail = with.taints.join(", ");
            if !with.is_exact {
                detail = format!("{detail}; {AT_THE_LATEST}");
            }
            let mark = sign(id, at, MarkKind::Cordon, format!("{} tainted", fact.name));
            self.rebuild(Mark { detail: Some(detail), by: with.by, status: Status::Warn, ..mark });
        }
        let (settled, mut taken) = (created.plus(SETTLES), BTreeSet::new());
        for write in written.writes.iter().filter(|write| (1..=MOST_LABELS).contains(&write.labels_in_all)) {
            let Some(mut at) = write.at.filter(|at| *at > settled) else { continue };
            // Times are in whole seconds: two writers of one each keep a place of their own.
            while !taken.insert(at) {
                at = at.plus(Duration::from_millis(1));
            }
            // The last of what he wrote may have taken another one away.
            let detail = format!("{}; {AT_THE_LATEST}", write.labels.join(", "));
            let mark = sign(id, at, MarkKind::Config, format!("{} labelled", fact.name));
            self.rebuild(Mark { detail: Some(detail), by: Some(write.by.clone()), ..mark });
        }
    }
}

/// Of a writer only the last write has a time.
const AT_THE_LATEST: &str = "at the latest: of its writer only the last time is kept";

/// Taints of one time.
struct Tainted {
    taints: Vec<String>,
    by: Option<SmolStr>,
    is_exact: bool,
}

/// The taints of a node by when they came, as far as that is kept.
fn tainted(fact: &NodeFact, written: &WrittenFact) -> BTreeMap<Stamp, Tainted> {
    let wrote = since(written, |write| write.taints);
    let dated = |taint: &SmolStr| written.taints.iter().find(|(of, _)| of == taint).map(|(_, at)| *at);
    let own = || fact.taints.iter().filter(|taint| !is_echo(taint));
    // Taints are one list: whoever wrote it last need not have put in any that is in it, and may have taken one away.
    let mut all: BTreeMap<Stamp, Tainted> = BTreeMap::new();
    for taint in own() {
        let dated = dated(taint);
        let Some(at) = dated.or_else(|| wrote.as_ref().map(|wrote| wrote.at)) else { continue };
        let is_exact = dated.is_some();
        let by = wrote.as_ref().filter(|wrote| is_exact && wrote.at <= at).map(|wrote| wrote.by.clone());
        let of = all.entry(at).or_insert(Tainted { taints: Vec::new(), by, is_exact });
        of.taints.push(taint.to_string());
    }
    all
}

fn sign(id: &NodeId, at: Stamp, kind: MarkKind, title: String) -> Mark {
    Mark { title, ..Mark::of(MarkKey { at, object: ObjectRef::Node(id.clone()), kind }) }
}
