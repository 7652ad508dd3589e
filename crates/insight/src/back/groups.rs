//! How many groups fit: a leader and its workers, each pod of which may be on another node. Pure.

use super::room::{may_take, on};
use crate::room::{pending::offer, pool::PoolNode};
use pilothouse_wire::{
    SmolStr,
    back::{Then, Workers},
};

/// How many fit, where that can be told: `need` of them are asked for. What is packed one after the other may fit in another
/// order, so that too few of them say nothing, unless no order could have more.
pub(super) fn fit(nodes: &[&PoolNode<'_>], then: &Then, workers: &Workers, need: u64) -> Option<u64> {
    let alone = |asked: &[(SmolStr, u64)], placed| {
        let may = nodes.iter().filter(|node| may_take(node, placed));
        may.map(|node| on(node, asked)).fold(0, u64::saturating_add)
    };
    let leads = then.gpus_of_a_pod() > 0;
    let works = workers.pods > 0 && workers.gpus_of_a_pod() > 0;
    // CPU and memory are not looked at: who asks for no GPU fits anywhere.
    let leaders = leads.then(|| alone(&then.gpus, &then.placed));
    let of_workers = works.then(|| alone(&workers.gpus, &workers.placed) / workers.pods);
    match (leaders, of_workers) {
        (None, None) => None,
        (Some(groups), None) | (None, Some(groups)) => Some(groups),
        (Some(pods), Some(_)) if then.gpus == workers.gpus && then.placed == workers.placed => {
            Some(pods / workers.pods.saturating_add(1))
        }
        (Some(leaders), Some(of_workers)) => {
            let most = leaders.min(of_workers);
            let packed = packed(nodes, then, workers, most);
            (packed == most || packed >= need).then_some(packed)
        }
    }
}

/// So many fit one after the other, each pod on the node that it leaves the least of.
fn packed(nodes: &[&PoolNode<'_>], then: &Then, workers: &Workers, most: u64) -> u64 {
    let mut keys: Vec<&SmolStr> = then.gpus.iter().chain(&workers.gpus).map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    let asked = |of: &[(SmolStr, u64)]| -> Vec<u64> {
        let each = |key: &SmolStr| of.iter().filter(|(known, _)| known == key).map(|(_, n)| *n).sum();
        keys.iter().map(|key| each(key)).collect()
    };
    let free = |node: &&PoolNode<'_>| -> Vec<u64> {
        keys.iter().map(|key| offer(node, key).map_or(0, |(_, free)| free)).collect()
    };
    let mut left: Vec<Vec<u64>> = nodes.iter().map(free).collect();
    let leader = (asked(&then.gpus), nodes.iter().map(|node| may_take(node, &then.placed)).collect::<Vec<_>>(), 1);
    let worker = (
        asked(&workers.gpus),
        nodes.iter().map(|node| may_take(node, &workers.placed)).collect::<Vec<_>>(),
        workers.pods,
    );
    // The larger ones first: small ones find room beside them.
    let sum = |asked: &[u64]| asked.iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
    let order = if sum(&worker.0) > sum(&leader.0) { [worker, leader] } else { [leader, worker] };
    let group =
        |left: &mut Vec<Vec<u64>>| order.iter().all(|(asked, may, pods)| (0..*pods).all(|_| place(left, asked, may)));
    (0..most).take_while(|_| group(&mut left)).count() as u64
}

/// Puts a pod on the node that it leaves the least of; whether there is one.
fn place(left: &mut [Vec<u64>], asked: &[u64], may: &[bool]) -> bool {
    let rest = |free: &[u64]| {
        let parts = free.iter().zip(asked).map(|(free, asked)| free.checked_sub(*asked));
        parts.sum::<Option<u64>>()
    };
    let fits = left.iter().zip(may).enumerate().filter(|(_, (_, may))| **may);
    let best = fits.filter_map(|(at, (free, _))| Some((rest(free)?, at))).min();
    let Some((_, at)) = best else { return false };
    left[at].iter_mut().zip(asked).for_each(|(free, asked)| *free -= asked);
    true
}
