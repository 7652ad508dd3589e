//! Is there room: GPUs for the pods that come before others have ended?

use super::{Around, check, counted, groups};
use crate::room::{pending::offer, pool::PoolNode};
use pilothouse_wire::{
    ObjectRef, SmolStr,
    back::{Check, CheckState, Kept, Placed, Replaces, Then},
    view::{NodeRow, PodRow},
};

/// How many pods of the revision fit now.
enum Fit {
    Known(u64),
    Unknown(&'static str),
}

/// Does it depend on what is free on nodes?
#[must_use]
pub fn asks_for_room(kept: &Kept) -> bool {
    let asks = |then: &Then| then.gpus_of_one() > 0 && kept.wanted > then.there;
    kept.traffic.is_none() && kept.then.as_ref().is_ok_and(|then| asks(then))
}

pub(super) fn room(object: &ObjectRef, kept: &Kept, then: &Then, around: &Around<'_>) -> Check {
    let (state, words) = judged(object, kept, then, around);
    let unread: Vec<&str> = unread(then).map(SmolStr::as_str).collect();
    let unread = if unread.is_empty() { String::new() } else { format!("; not read: {}", unread.join(", ")) };
    check("GPUs", state, words, format!("nodes and pods as they are seen, with their labels and taints{unread}"))
}

/// What says where its pods may be, and is not read; once, where a leader and its workers have the same.
fn unread(then: &Then) -> impl Iterator<Item = &SmolStr> {
    let own = &then.placed.unread;
    let more = then.workers.iter().flat_map(|workers| &workers.placed.unread).filter(|one| !own.contains(one));
    own.iter().chain(more)
}

/// Does what ends free what the one in its place takes? Of a group each pod has to find its own place again.
fn frees(kept: &Kept, then: &Then) -> bool {
    let first = kept.gpus >= then.gpus_of_a_pod();
    match (kept.workers, &then.workers) {
        (None, None) => first,
        (Some((pods, gpus)), Some(workers)) => first && pods >= workers.pods && gpus >= workers.gpus_of_a_pod(),
        _ => false,
    }
}

/// The GPUs that one that ends frees.
fn freed(kept: &Kept) -> u64 {
    kept.gpus.saturating_add(kept.workers.map_or(0, |(pods, gpus)| pods.saturating_mul(gpus)))
}

fn judged(object: &ObjectRef, kept: &Kept, then: &Then, around: &Around<'_>) -> (CheckState, String) {
    let each = then.gpus_of_one();
    let [one, many] = counted(then.workers.is_some());
    if each == 0 {
        return (CheckState::Holds, format!("Its {many} ask for no GPU."));
    }
    let made = kept.wanted.saturating_sub(then.there);
    if made == 0 {
        return (CheckState::Holds, format!("All {} {many} of it are there.", kept.wanted));
    }
    let pods = |n: u64| if n == 1 { format!("1 {one}") } else { format!("{n} {many}") };
    let frees = frees(kept, then);
    let (surge, unavailable) = match kept.replaces {
        Replaces::Rolling { surge, unavailable } => (surge.min(made), unavailable),
        Replaces::BesideIt => (made, 0),
        Replaces::InPlace { .. } | Replaces::AllAtOnce | Replaces::OnDelete if frees => {
            return (
                CheckState::Holds,
                format!("A {one} that ends frees the {each} GPUs that the one in its place takes."),
            );
        }
        // One ends first, and may leave too little for what comes.
        Replaces::InPlace { .. } => (1, 1),
        Replaces::AllAtOnce | Replaces::OnDelete => (made, 1),
    };
    let one_by_one = || format!("A {one} ends before the one in its place begins: none may be there beyond.");
    if surge == 0 && frees {
        return (CheckState::Slow, one_by_one());
    }
    let fit = match fit(then, around.nodes, surge.max(1)) {
        Fit::Known(fit) => fit,
        Fit::Unknown(why) => return (CheckState::Unknown, format!("How many GPUs are free is not known: {why}.")),
    };
    let unread = unread(then).next();
    let there = format!("{} of {each} GPUs {}", pods(fit), if fit == 1 { "fits" } else { "fit" });
    if surge == 0 && fit > 0 && unread.is_none() {
        return (CheckState::Slow, one_by_one());
    }
    if surge > 0 && fit > 0 {
        return match unread {
            Some(unread) => (CheckState::Unknown, format!("{there}, and {unread} is not read: perhaps they do not.")),
            // Traffic turns to it once all of it is there: what is missing is waited for.
            None if fit < surge && kept.replaces == Replaces::BesideIt => {
                (CheckState::Fails, format!("{there}, and {surge} have to be there beside those that run."))
            }
            None if fit < surge => {
                (CheckState::Slow, format!("{there}, and {surge} would come at once: it goes on with fewer."))
            }
            None => (CheckState::Holds, format!("{there} beside those that run; {} at once.", coming(surge))),
        };
    }
    let broken = around.pods.iter().filter(|pod| is_broken(pod, object, then)).count() as u64;
    // However many pods of it are not ready, one group at least.
    let broken = if then.workers.is_some() { broken.min(1) } else { broken };
    match unavailable.saturating_add(broken) {
        0 => {
            let why = format!("no {one} may end before another is there");
            (CheckState::Fails, format!("No {one} of {each} GPUs fits, and {why}: it would wait for room."))
        }
        ends if frees => (
            CheckState::Slow,
            format!("No {one} of {each} GPUs fits: {} before others can begin.", ending(ends, &pods)),
        ),
        _ => {
            let why = format!("one that ends frees {}", freed(kept));
            (
                CheckState::Unknown,
                format!("No {one} of {each} GPUs fits, and {why}: whether that makes room is not known."),
            )
        }
    }
}

fn coming(n: u64) -> String {
    if n == 1 { "1 comes".to_owned() } else { format!("{n} come") }
}

fn ending(n: u64, pods: &impl Fn(u64) -> String) -> String {
    if n == 1 { format!("{} ends", pods(n)) } else { format!("{} end", pods(n)) }
}

/// A pod of what runs that holds its GPUs and is not ready: its controller ends such ones first.
fn is_broken(pod: &PodRow, object: &ObjectRef, then: &Then) -> bool {
    let owned = |owner: &str| pod.owners.iter().any(|of| of == owner);
    pod.id.cluster == *object.connection()
        && object.namespace() == Some(&pod.id.namespace)
        && owned(&format!("{}/{}", object.kind_word(), object.name()))
        && !owned(&format!("{}/{}", then.kind, then.name))
        && pod.node.is_some()
        && pod.ready < pod.containers
}

/// How many pods, or groups, fit on nodes that they may be on; `need` are asked for.
fn fit(then: &Then, nodes: Option<&[NodeRow]>, need: u64) -> Fit {
    let Some(nodes) = nodes else { return Fit::Unknown("the nodes of the cluster are not all read") };
    if nodes.iter().any(|row| !row.holders_known) {
        return Fit::Unknown("the pods of the cluster are not all read");
    }
    let nodes: Vec<PoolNode<'_>> = nodes.iter().map(PoolNode::alone).collect();
    let nodes: Vec<&PoolNode<'_>> = nodes.iter().collect();
    if let Some(workers) = &then.workers {
        let why = "leaders and workers ask for other things, and one order of them finds too little room";
        return groups::fit(&nodes, then, workers, need).map_or(Fit::Unknown(why), Fit::Known);
    }
    let nodes = nodes.into_iter().filter(|node| may_take(node, &then.placed));
    Fit::Known(nodes.map(|node| on(node, &then.gpus)).fold(0, u64::saturating_add))
}

pub(super) fn may_take(node: &PoolNode<'_>, placed: &Placed) -> bool {
    let row: &NodeRow = node.row;
    let ready = row.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True");
    let named = placed.on.as_ref().is_none_or(|nodes| nodes.contains(&row.id.name));
    let keeps_out = |taint: &&SmolStr| !taint.ends_with(":PreferNoSchedule");
    let tolerated = |taint: &SmolStr| placed.tolerates.iter().any(|one| one.tolerates(taint));
    ready && !row.cordoned && row.quarantine.is_none() && named && row.taints.iter().filter(keeps_out).all(tolerated)
}

/// Pods that fit on a node, by what is free of each thing that they ask for.
pub(super) fn on(node: &PoolNode<'_>, asked: &[(SmolStr, u64)]) -> u64 {
    let each = asked.iter().filter(|(_, n)| *n > 0).map(|(key, n)| offer(node, key).map_or(0, |(_, free)| free / n));
    each.min().unwrap_or(0)
}
