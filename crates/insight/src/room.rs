//! Where there is room: free GPUs a pool, how well they fit together, what would make room, and why pods wait.

pub(crate) mod pending;
pub(crate) mod pool;
mod relief;
mod repack;
mod slots;

use crate::pods::PodsOf;
use pilothouse_wire::{
    Stamp, Sum,
    view::{Eviction, FleetView, PodRow, PoolRoom, RoomView, Score, SizeRoom, room::Hole},
};
use pool::Pool;
use slots::LADDER;
use std::collections::BTreeSet;

/// Above this score something should be done.
const ACT_ABOVE: f64 = 0.25;

/// The room of a fleet. Time grows with the GPUs and the pods, and with the nodes for each resource that is waited for.
#[must_use]
pub fn room(view: &FleetView, now: Stamp) -> RoomView {
    let pods = PodsOf::nodes(view, view.nodes.rows().iter().filter(|row| !row.gpus.is_empty()).map(|row| &row.id));
    let pools = pool::pools(view, &pods);
    let waiting: Vec<&PodRow> =
        view.pods.rows().iter().filter(|pod| pending::waits(pod) && pod.whole_gpus() > 0).collect();
    let (rows, after): (Vec<PoolRoom>, Vec<Option<Vec<u64>>>) =
        pools.iter().map(|pool| pool_room(pool, &waiting, now)).unzip();
    let scores = rows.iter().filter_map(|row| row.score).map(|score| score.score);
    RoomView {
        score: scores.fold(None, |worst, score| Some(worst.map_or(score, |worst: f64| worst.max(score)))),
        pending: pending::pending(view, &pools, &after),
        pools: rows,
    }
}

/// The row of a pool, and what is free on each of its nodes after a repack.
fn pool_room(pool: &Pool<'_>, waiting: &[&PodRow], now: Stamp) -> (PoolRoom, Option<Vec<u64>>) {
    let (holes, largest, known) = (pool.holes(), pool.largest(), pool.is_known());
    let of_pods = |n: u64| if known { Sum::of(n, pool.whole) } else { Sum::NotKnown };
    let wanted = wanting(pool, waiting);
    let packed = repack::repack(&pool.bins());
    let after: Vec<slots::Hole> = match packed {
        Some(free) => holes.iter().zip(free).map(|(hole, free)| slots::Hole { free, ..*hole }).collect(),
        None => holes.clone(),
    };
    let widest = pool.open().max_by_key(|node| (node.free(), std::cmp::Reverse(&node.row.id)));
    let slot = LADDER[LADDER.len() - 1].min(largest);
    let room = PoolRoom {
        cluster: pool.cluster.clone(),
        name: pool.name.into(),
        kind: pool.kind,
        nodes: Sum::of(pool.nodes.len() as u64, pool.whole),
        total: Sum::of(pool.nodes.iter().map(pool::PoolNode::devices).sum(), pool.whole),
        free: of_pods(slots::total(&holes)),
        parts: pool.parts(),
        stranded: pool.stranded(),
        largest_node: largest,
        hole: widest
            .filter(|node| known && node.free() > 0)
            .map(|node| Hole { node: node.row.id.clone(), gpus: node.free() }),
        sizes: LADDER
            .iter()
            .map(|size| SizeRoom {
                size: *size,
                slots: of_pods(slots::slots(&holes, largest, *size)),
                frag: known.then(|| slots::frag(&holes, largest, *size)),
            })
            .collect(),
        score: known.then(|| score(pool, &wanted, (&holes, &after), now)),
        relief: relief::relief(pool, slot),
        held_back: pool.movable_that(|eviction| matches!(eviction, Eviction::MayNot(_))),
        not_known: pool.movable_that(|eviction| *eviction == Eviction::NotKnown),
    };
    (room, known.then(|| after.iter().map(|hole| hole.free).collect()))
}

/// Pods that ask for what the pool offers. Selectors and tolerations are not read: a pod counts for each pool that does.
fn wanting<'a>(pool: &Pool<'_>, waiting: &[&'a PodRow]) -> Vec<&'a PodRow> {
    let resources = pool.nodes.iter().flat_map(|node| &node.row.resources).filter(|of| !of.is_part());
    let offered: BTreeSet<&str> = resources.map(|resource| resource.key.as_str()).collect();
    let wants = |pod: &&PodRow| pod.requests.iter().any(|(key, n)| *n > 0 && offered.contains(key.as_str()));
    waiting.iter().copied().filter(|pod| *pool.cluster == pod.id.cluster).filter(wants).collect()
}

fn score(pool: &Pool<'_>, wanted: &[&PodRow], (holes, after): (&[slots::Hole], &[slots::Hole]), now: Stamp) -> Score {
    let largest = pool.largest();
    let mut demand = [0; LADDER.len()];
    let held = pool.nodes.iter().flat_map(|node| &node.pods).map(|(_, gpus)| *gpus);
    for gpus in held.chain(wanted.iter().map(|pod| pod.whole_gpus())) {
        demand[slots::rung(gpus)] += gpus;
    }
    let weights = slots::weights(demand);
    let observed = slots::weighed(holes, largest, weights);
    let reclaimable = (observed - slots::weighed(after, largest, weights)).max(0.0);
    let most = after.iter().map(|hole| hole.free).max().unwrap_or(0);
    // A pod that has room as it is waits for something else: no repack would help it. The formula counts it all the same.
    let room = holes.iter().map(|hole| hole.free).max().unwrap_or(0);
    let seated = wanted.iter().filter(|pod| pod.whole_gpus() > room && pod.whole_gpus() <= most);
    let pressure = slots::pressure(seated.filter_map(|pod| Some(now.since(pod.created?).as_secs_f64() / 60.0)));
    let score = slots::score(reclaimable, pressure);
    Score { observed, reclaimable, pressure, score, act: score > ACT_ABOVE }
}

#[cfg(test)]
mod tests;
