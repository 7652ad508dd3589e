//! Why a pod waits, in numbers.

use super::pool::{Pool, PoolNode, is_cut, is_slice};
use pilothouse_wire::{
    ConnectionId, NodeId, SmolStr, units,
    view::{FleetView, PendingPod, PendingWhy, PodRow},
};
use std::collections::BTreeMap;

/// Does it wait for a node?
pub(crate) fn waits(pod: &PodRow) -> bool {
    pod.node.is_none() && pod.status_word == "Pending"
}

/// What there is of one resource in a cluster: over all pools that offer it, since which of them a pod may use is not
/// read.
#[derive(Default)]
struct Supply<'a> {
    pools: u64,
    /// The most that one node offers.
    largest: u64,
    free: u64,
    /// Nodes on which any is free.
    nodes_with_free: u64,
    /// The most that is free on one node that can be had.
    hole: Option<(u64, &'a NodeId)>,
    /// What is free on each cordoned node.
    cordoned: Vec<u64>,
    /// The largest hole after a repack; `None` for what no repack is reckoned of.
    after: Option<u64>,
    unknown: bool,
}

/// Every pod that asks for GPUs and waits, with why. `after` has the largest hole of each pool after a repack.
pub(crate) fn pending<'a>(view: &'a FleetView, pools: &[Pool<'a>], after: &[Option<u64>]) -> Vec<PendingPod> {
    let waiting = view.pods.rows().iter().filter(|pod| waits(pod));
    let asks =
        waiting.filter_map(|pod| Some((pod, pod.requests.iter().max_by_key(|(_, n)| *n).filter(|(_, n)| *n > 0)?)));
    let mut supplies: BTreeMap<(&ConnectionId, &str), Supply<'_>> = BTreeMap::new();
    asks.map(|(pod, (key, asked))| {
        let supply = supplies
            .entry((&pod.id.cluster, key.as_str()))
            .or_insert_with(|| Supply::of(&pod.id.cluster, key, pools, after));
        let (why, says) = supply.reason(view, &pod.id.cluster, key, *asked);
        let (resource, asks) = (key.clone(), *asked);
        PendingPod { pod: pod.id.clone(), resource, asks, since: pod.created, why, says }
    })
    .collect()
}

/// What a node offers of a resource, and what of it is free. Whole GPUs are counted as cells, parts as the cluster counts.
pub(crate) fn offer(node: &PoolNode<'_>, key: &str) -> Option<(u64, u64)> {
    let resource = node.row.resources.iter().find(|resource| resource.key == key && resource.capacity > 0)?;
    Some(if is_cut(node.row) {
        (resource.allocatable, resource.allocatable.saturating_sub(resource.requested))
    } else {
        (node.size(), node.unheld())
    })
}

impl<'a> Supply<'a> {
    fn of(cluster: &ConnectionId, key: &str, pools: &[Pool<'a>], after: &[Option<u64>]) -> Self {
        let mut supply = Self::default();
        for (pool, after) in pools.iter().zip(after).filter(|(pool, _)| pool.cluster == cluster) {
            let offers = pool.nodes.iter().filter_map(|node| Some((node, offer(node, key)?)));
            let mut any = false;
            for (node, (size, free)) in offers {
                any = true;
                supply.largest = supply.largest.max(size);
                let ready = node.row.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True");
                match (ready, node.row.cordoned) {
                    (true, true) => supply.cordoned.push(free),
                    (true, false) if free > 0 => {
                        supply.free += free;
                        supply.nodes_with_free += 1;
                        if supply.hole.is_none_or(|(most, _)| free > most) {
                            supply.hole = Some((free, &node.row.id));
                        }
                    }
                    _ => {}
                }
            }
            supply.pools += u64::from(any);
            supply.unknown |= any && !(pool.is_known() && pool.whole);
            if any && !is_slice(key) {
                supply.after = supply.after.max(*after);
            }
        }
        supply
    }

    fn reason(&self, view: &FleetView, cluster: &ConnectionId, key: &SmolStr, asks: u64) -> (PendingWhy, String) {
        let all_nodes = view.clusters.get(cluster).is_some_and(|row| row.nodes.exact().is_some());
        let hole = self.hole.map_or(0, |(most, _)| most);
        if self.unknown || !all_nodes {
            let what = if all_nodes { "the pods" } else { "the nodes" };
            return (PendingWhy::CannotTell, format!("cannot tell: {what} of the cluster are not all read"));
        }
        if self.pools == 0 {
            return (PendingWhy::Never, format!("can never run: asks for {key}, and no node offers it"));
        }
        if asks > self.largest {
            let largest = units::count(self.largest);
            return (PendingWhy::Never, format!("can never run: asks {asks}, the largest node has {largest}"));
        }
        let numbers = self.numbers(asks);
        if hole >= asks {
            let else_ = "GPUs are not what it waits for: see its taints, selectors, quota and other resources";
            return (PendingWhy::NotForGpus, format!("{numbers}; {else_}"));
        }
        let blocked = self.cordoned.iter().filter(|free| **free >= asks).count() as u64;
        if blocked > 0 {
            let nodes = if blocked == 1 { "1 node".into() } else { format!("{} nodes", units::count(blocked)) };
            let are = if blocked == 1 { "is" } else { "are" };
            return (PendingWhy::Cordoned, format!("{numbers}; {nodes} with {asks} free {are} cordoned"));
        }
        match self.after {
            Some(after) if after >= asks => {
                (PendingWhy::Fragmented, format!("{numbers}; fragmentation: a repack would seat it"))
            }
            None if self.free >= asks => {
                (PendingWhy::CannotTell, format!("{numbers}; cannot tell whether a repack would seat it"))
            }
            _ => (PendingWhy::Shortage, format!("{numbers}; shortage: not even a repack could seat it")),
        }
    }

    /// "asks 4; largest hole is 3 on a-1; 61 free in 40 nodes".
    fn numbers(&self, asks: u64) -> String {
        let mut text = match self.hole {
            None => format!("asks {asks}; nothing is free"),
            Some((most, node)) => format!(
                "asks {asks}; largest hole is {most} on {}; {} free in {} {}",
                node.name,
                units::count(self.free),
                units::count(self.nodes_with_free),
                if self.nodes_with_free == 1 { "node" } else { "nodes" },
            ),
        };
        if self.pools > 1 {
            text.push_str(&format!(" of {} pools, whichever of them it may use", self.pools));
        }
        text
    }
}
