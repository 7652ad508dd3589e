//! Why a pod waits, in numbers.

use super::pool::{Pool, PoolNode};
use pilothouse_wire::{
    ConnectionId, NodeId, SmolStr, units,
    view::{FleetView, PendingPod, PendingWhy, PodRow},
};
use std::collections::BTreeMap;

/// Controllers whose pods are of use only together: all of them are placed, or none.
const GANGS: &[&str] = &[
    "Job",
    "JobSet",
    "LeaderWorkerSet",
    "LLMInferenceService",
    "TrainJob",
    "PyTorchJob",
    "TFJob",
    "MPIJob",
    "XGBoostJob",
    "PaddleJob",
    "JAXJob",
    "RayJob",
    "RayCluster",
    "PodGroup",
];

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
    /// What is free on each node that can be had.
    holes: Vec<u64>,
    /// What is free on each node that is cordoned, or that NVSentinel has quarantined.
    closed: Vec<u64>,
    /// Is any of them quarantined, and not cordoned?
    quarantined: bool,
    /// What is free on each node after a repack; `None` for what no repack is reckoned of.
    after: Option<Vec<u64>>,
    unknown: bool,
}

/// The pods that are of use only together, and ask for the same: their cluster, namespace, kind and name, and what each asks.
type Gang<'a> = (&'a ConnectionId, &'a str, &'a str, &'a str, &'a str, u64);

fn gang<'a>(pod: &'a PodRow, key: &'a str, asks: u64) -> Option<Gang<'a>> {
    let (kind, name) = (pod.workload_kind.as_deref()?, pod.workload.as_deref()?);
    GANGS.contains(&kind).then_some((&pod.id.cluster, pod.id.namespace.as_str(), kind, name, key, asks))
}

/// Every pod that asks for GPUs and waits, with why. `after` has what is free on each node of a pool after a repack.
pub(crate) fn pending<'a>(view: &'a FleetView, pools: &[Pool<'a>], after: &[Option<Vec<u64>>]) -> Vec<PendingPod> {
    let waiting = view.pods.rows().iter().filter(|pod| waits(pod));
    let asks =
        waiting.filter_map(|pod| Some((pod, pod.requests.iter().max_by_key(|(_, n)| *n).filter(|(_, n)| *n > 0)?)));
    let mut supplies: BTreeMap<(&ConnectionId, &str), Supply<'_>> = BTreeMap::new();
    let mut gangs: BTreeMap<Gang<'_>, u64> = BTreeMap::new();
    for gang in asks.clone().filter_map(|(pod, (key, asked))| gang(pod, key, *asked)) {
        *gangs.entry(gang).or_default() += 1;
    }
    asks.map(|(pod, (key, asked))| {
        let supply = supplies
            .entry((&pod.id.cluster, key.as_str()))
            .or_insert_with(|| Supply::of(&pod.id.cluster, key, pools, after));
        let together = gang(pod, key, *asked).and_then(|gang| Some((gang, *gangs.get(&gang)?)));
        let (why, says) = supply.reason(view, &pod.id.cluster, key, *asked, together);
        let (resource, asks) = (key.clone(), *asked);
        PendingPod { pod: pod.id.clone(), resource, asks, since: pod.created, why, says }
    })
    .collect()
}

/// What a node offers of a resource, and what of it is free. Whole GPUs are counted as cells, parts as the cluster counts.
pub(crate) fn offer(node: &PoolNode<'_>, key: &str) -> Option<(u64, u64)> {
    let resource = node.row.resources.iter().find(|resource| resource.key == key && resource.capacity > 0)?;
    Some(if resource.is_part() {
        (resource.allocatable, resource.allocatable.saturating_sub(resource.requested))
    } else {
        (node.size(), node.unheld())
    })
}

impl<'a> Supply<'a> {
    fn of(cluster: &ConnectionId, key: &str, pools: &[Pool<'a>], after: &[Option<Vec<u64>>]) -> Self {
        let mut supply = Self::default();
        for (pool, after) in pools.iter().zip(after).filter(|(pool, _)| pool.cluster == cluster) {
            let offers = pool.nodes.iter().filter_map(|node| Some((node, offer(node, key)?)));
            let (mut any, mut whole) = (false, true);
            for (node, (size, free)) in offers {
                any = true;
                whole &= !node.row.resources.iter().any(|of| of.key == key && of.is_part());
                supply.largest = supply.largest.max(size);
                let ready = node.row.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True");
                match (ready, node.reachable) {
                    (true, false) => {
                        supply.closed.push(free);
                        supply.quarantined |= !node.row.cordoned;
                    }
                    (true, true) if free > 0 => {
                        supply.free += free;
                        supply.nodes_with_free += 1;
                        supply.holes.push(free);
                        if supply.hole.is_none_or(|(most, _)| free > most) {
                            supply.hole = Some((free, &node.row.id));
                        }
                    }
                    _ => {}
                }
            }
            supply.pools += u64::from(any);
            supply.unknown |= any && !(pool.is_known() && pool.whole);
            if let Some(after) = after.as_ref().filter(|_| any && whole) {
                supply.after.get_or_insert_default().extend(after);
            }
        }
        supply
    }

    fn reason(
        &self,
        view: &FleetView,
        cluster: &ConnectionId,
        key: &SmolStr,
        asks: u64,
        together: Option<(Gang<'_>, u64)>,
    ) -> (PendingWhy, String) {
        let all_nodes = view.clusters.get(cluster).is_some_and(|row| row.nodes.exact().is_some());
        let hole = self.hole.map_or(0, |(most, _)| most);
        if self.unknown || !all_nodes {
            let what = if all_nodes { "the pods" } else { "the nodes" };
            return (PendingWhy::CannotTell, format!("cannot tell: {what} of the cluster are not all read"));
        }
        if self.pools == 0 && !key.contains('/') {
            // A resource has a domain; this is a class of devices, which may be called like no driver.
            return (PendingWhy::CannotTell, format!("cannot tell: which devices the class {key} chooses is not read"));
        }
        if self.pools == 0 {
            return (PendingWhy::Never, format!("can never run: asks for {key}, and no node offers it"));
        }
        if asks > self.largest {
            let largest = units::count(self.largest);
            return (PendingWhy::Never, format!("can never run: asks {asks}, the largest node has {largest}"));
        }
        let (mut numbers, room) = (self.numbers(asks), seats(&self.holes, asks));
        let need = match together {
            // Each of them finds room, all of them do not.
            Some(((_, _, kind, name, ..), pods)) if hole >= asks && pods > room => {
                let have = if room == 1 { "has" } else { "have" };
                numbers.push_str(&format!(
                    "; {pods} pods of {kind}/{name} wait together, {room} of them {have} room at once"
                ));
                pods
            }
            _ if hole >= asks => {
                let else_ = "GPUs are not what it waits for: see its taints, selectors, quota and other resources";
                return (PendingWhy::NotForGpus, format!("{numbers}; {else_}"));
            }
            _ => 1,
        };
        let seat = if need > 1 { "all of them" } else { "it" };
        let closed = self.closed.iter().filter(|free| **free >= asks).count() as u64;
        if closed > 0 && room + seats(&self.closed, asks) >= need {
            let nodes = if closed == 1 { "1 node".into() } else { format!("{} nodes", units::count(closed)) };
            let are = if closed == 1 { "is" } else { "are" };
            let how = if self.quarantined { "cordoned or quarantined" } else { "cordoned" };
            return (PendingWhy::Cordoned, format!("{numbers}; {nodes} with {asks} free {are} {how}"));
        }
        match &self.after {
            Some(after) if seats(after, asks) >= need => {
                (PendingWhy::Fragmented, format!("{numbers}; fragmentation: a repack would seat {seat}"))
            }
            None if self.free >= asks.saturating_mul(need) => {
                (PendingWhy::CannotTell, format!("{numbers}; cannot tell whether a repack would seat {seat}"))
            }
            _ => (PendingWhy::Shortage, format!("{numbers}; shortage: not even a repack could seat {seat}")),
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

/// How many pods that ask for so many have room at once.
fn seats(holes: &[u64], asks: u64) -> u64 {
    holes.iter().map(|free| free / asks.max(1)).fold(0, u64::saturating_add)
}
