//! The smallest set of moves that makes room for a pod of the largest size. It is shown, never done. A pod that a disruption
//! budget does not let go now is no move.

use super::pool::{Pool, PoolNode};
use pilothouse_wire::view::{Move, PodRow, Relief};

/// Looks for the node that the fewest moves would free, by trying the nodes in the order of how many they would take.
/// Greedy: largest pods of a node first, each to the smallest hole that holds it.
pub(crate) fn relief(pool: &Pool<'_>, slot: u64) -> Relief {
    if !pool.is_known() {
        return Relief::CannotTell;
    }
    let nodes: Vec<&PoolNode<'_>> = pool.open().collect();
    if nodes.iter().any(|node| node.free() >= slot) {
        return Relief::NotNeeded;
    }
    let mut by_free = ByFree::of(&nodes);
    let mut candidates: Vec<(usize, Vec<(&PodRow, u64)>)> =
        nodes.iter().enumerate().filter_map(|(at, node)| Some((at, evicted(node, slot)?))).collect();
    candidates.sort_by_key(|(_, pods)| (pods.len(), pods.iter().map(|(_, gpus)| gpus).sum::<u64>()));
    for (at, pods) in candidates {
        if let Some(places) = by_free.seat(at, pods.iter().map(|(_, gpus)| *gpus)) {
            let freed: u64 = pods.iter().map(|(_, gpus)| gpus).sum();
            let to = |place: usize| nodes[place].row.id.clone();
            return Relief::Moves {
                node: nodes[at].row.id.clone(),
                gpus: nodes[at].free() + freed,
                moves: pods
                    .iter()
                    .zip(places)
                    .map(|((pod, gpus), place)| Move { pod: pod.id.clone(), gpus: *gpus, to: to(place) })
                    .collect(),
            };
        }
    }
    Relief::None
}

/// The fewest pods of a node that would have to go for this many GPUs to be free on it; `None` where it cannot be done.
fn evicted<'a>(node: &PoolNode<'a>, slot: u64) -> Option<Vec<(&'a PodRow, u64)>> {
    let mut need = slot.checked_sub(node.free())?;
    if node.size() < slot {
        return None;
    }
    let mut pods: Vec<(&PodRow, u64)> = node.free_to_go().collect();
    pods.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.id.cmp(&b.0.id)));
    let mut gone = Vec::new();
    while need > 0 {
        // The smallest that is enough alone; else the largest.
        let at = pods.iter().rposition(|(_, gpus)| *gpus >= need).unwrap_or(0);
        if pods.is_empty() {
            return None;
        }
        let (pod, gpus) = pods.remove(at);
        need = need.saturating_sub(gpus);
        gone.push((pod, gpus));
    }
    Some(gone)
}

/// Nodes by how many GPUs are free on them, so that the smallest hole is found at once.
struct ByFree {
    nodes: Vec<Vec<usize>>,
}

impl ByFree {
    fn of(nodes: &[&PoolNode<'_>]) -> Self {
        let most = nodes.iter().map(|node| node.free()).max().unwrap_or(0);
        let mut by_free = Self { nodes: vec![Vec::new(); index(most) + 1] };
        for (at, node) in nodes.iter().enumerate() {
            by_free.nodes[index(node.free())].push(at);
        }
        by_free
    }

    /// Where pods of these sizes have room outside of one node; nothing is changed.
    fn seat(&mut self, without: usize, sizes: impl Iterator<Item = u64>) -> Option<Vec<usize>> {
        // Nodes that a pod of this set already went to, with what is left there.
        let mut used: Vec<(usize, usize)> = Vec::new();
        let mut places = Vec::new();
        for size in sizes.map(index) {
            let fresh = (size..self.nodes.len()).find_map(|free| {
                let is_other = |at: &&usize| **at != without && used.iter().all(|(other, _)| other != *at);
                self.nodes[free].iter().find(is_other).map(|at| (*at, free))
            });
            let again = used.iter().copied().filter(|(_, free)| *free >= size).min_by_key(|(_, free)| *free);
            let (at, free) = match (fresh, again) {
                (Some(fresh), Some(again)) => {
                    if again.1 <= fresh.1 {
                        again
                    } else {
                        fresh
                    }
                }
                (fresh, again) => fresh.or(again)?,
            };
            used.retain(|(other, _)| *other != at);
            used.push((at, free - size));
            places.push(at);
        }
        Some(places)
    }
}

fn index(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX - 1)
}
