//! Is there room: GPUs for the pods that come before others have ended?

use super::check;
use crate::{
    pods::PodsOf,
    room::{
        pending::offer,
        pool::{self, PoolNode},
    },
};
use pilothouse_wire::{
    ConnectionId, ObjectRef, SmolStr,
    back::{Check, CheckState, Kept, Placed, Replaces, Then},
    view::{FleetView, NodeRow, PodRow},
};

/// How many pods of the revision fit now.
enum Fit {
    Known(u64),
    Unknown(&'static str),
}

pub(super) fn room(object: &ObjectRef, kept: &Kept, then: &Then, fleet: &FleetView) -> Check {
    let (state, words) = judged(object, kept, then, fleet);
    let unread = match then.placed.unread.as_slice() {
        [] => String::new(),
        unread => format!("; not read: {}", unread.join(", ")),
    };
    check("GPUs", state, words, format!("nodes and pods as they are seen, with their labels and taints{unread}"))
}

fn judged(object: &ObjectRef, kept: &Kept, then: &Then, fleet: &FleetView) -> (CheckState, String) {
    let each = then.gpus_of_a_pod();
    if each == 0 {
        return (CheckState::Holds, "Its pods ask for no GPU.".to_owned());
    }
    let made = kept.wanted.saturating_sub(then.there);
    if made == 0 {
        return (CheckState::Holds, format!("All {} pods of it are there.", kept.wanted));
    }
    let pods = |n: u64| if n == 1 { "1 pod".to_owned() } else { format!("{n} pods") };
    let frees = kept.gpus >= each;
    let (surge, unavailable) = match kept.replaces {
        Replaces::Rolling { surge, unavailable } => (surge.min(made), unavailable),
        Replaces::BesideIt => (made, 0),
        Replaces::InPlace { .. } | Replaces::AllAtOnce | Replaces::OnDelete if frees => {
            return (
                CheckState::Holds,
                format!("A pod that ends frees the {each} GPUs that the one in its place takes."),
            );
        }
        Replaces::InPlace { .. } | Replaces::AllAtOnce | Replaces::OnDelete => (made, 0),
    };
    let one_by_one = || "A pod ends before the one in its place begins: none may be there beyond.".to_owned();
    if surge == 0 && frees {
        return (CheckState::Slow, one_by_one());
    }
    let fit = match fit(object.connection(), then, fleet) {
        Fit::Known(fit) => fit,
        Fit::Unknown(why) => return (CheckState::Unknown, format!("How many GPUs are free is not known: {why}.")),
    };
    let unread = then.placed.unread.first();
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
    let broken = fleet.pods.rows().iter().filter(|pod| is_broken(pod, object, then)).count() as u64;
    match unavailable.saturating_add(broken) {
        0 => {
            let why = "no pod may end before another is there";
            (CheckState::Fails, format!("No pod of {each} GPUs fits, and {why}: it would wait for room."))
        }
        ends if frees => {
            (CheckState::Slow, format!("No pod of {each} GPUs fits: {} before others can begin.", ending(ends, &pods)))
        }
        _ => {
            let why = format!("one that ends frees {}", kept.gpus);
            (
                CheckState::Unknown,
                format!("No pod of {each} GPUs fits, and {why}: whether that makes room is not known."),
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

/// How many pods fit on nodes that they may be on.
fn fit(cluster: &ConnectionId, then: &Then, fleet: &FleetView) -> Fit {
    if fleet.clusters.get(cluster).is_none_or(|row| row.nodes.exact().is_none()) {
        return Fit::Unknown("the nodes of the cluster are not all read");
    }
    let of_it = fleet.nodes.rows().iter().filter(|row| row.id.cluster == *cluster && !row.gpus.is_empty());
    let pods = PodsOf::nodes(fleet, of_it.map(|row| &row.id));
    let pools = pool::pools(fleet, &pods);
    let mut pools = pools.iter().filter(|pool| pool.cluster == cluster);
    if pools.clone().any(|pool| !pool.is_known()) {
        return Fit::Unknown("the pods of the cluster are not all read");
    }
    let nodes = pools.by_ref().flat_map(|pool| &pool.nodes).filter(|node| may_take(node, &then.placed));
    Fit::Known(nodes.map(|node| on(node, &then.gpus)).fold(0, u64::saturating_add))
}

fn may_take(node: &PoolNode<'_>, placed: &Placed) -> bool {
    let row: &NodeRow = node.row;
    let ready = row.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True");
    let named = placed.on.as_ref().is_none_or(|nodes| nodes.contains(&row.id.name));
    let keeps_out = |taint: &&SmolStr| !taint.ends_with(":PreferNoSchedule");
    let tolerated = |taint: &SmolStr| placed.tolerates.iter().any(|one| one.tolerates(taint));
    ready && !row.cordoned && named && row.taints.iter().filter(keeps_out).all(tolerated)
}

/// Pods that fit on a node, by what is free of each thing that they ask for.
fn on(node: &PoolNode<'_>, asked: &[(SmolStr, u64)]) -> u64 {
    let each = asked.iter().filter(|(_, n)| *n > 0).map(|(key, n)| offer(node, key).map_or(0, |(_, free)| free / n));
    each.min().unwrap_or(0)
}
