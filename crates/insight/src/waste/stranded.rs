//! Are GPUs free that no pod of the sizes that the pool has can use?

use crate::{answer::Answer, room::pool::Pool};
use std::collections::BTreeMap;

/// Share of the GPUs that pods hold from which on a size is usual.
const USUAL: f64 = 0.1;

/// What is stranded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// GPUs that are left over on their nodes.
    pub gpus: u64,
    /// GPUs of the smallest usual pod.
    pub smallest: u64,
    /// Nodes that have them.
    pub nodes: u64,
}

/// What is left on each node when as many of the smallest usual pods as fit have been placed there.
pub(crate) fn judge(pool: &Pool<'_>) -> Answer<Left> {
    if !pool.is_known() {
        return Answer::CannotTell("Not all pods of the cluster are read.");
    }
    let Some(smallest) = smallest_usual(pool) else {
        return Answer::CannotTell("No pod holds GPUs there: no size is usual.");
    };
    let rests = pool.open().map(|node| node.free() % smallest).filter(|rest| *rest > 0);
    let (nodes, gpus) = rests.fold((0, 0), |(nodes, gpus), rest| (nodes + 1, gpus + rest));
    if gpus == 0 { Answer::No } else { Answer::Yes(Left { gpus, smallest, nodes }) }
}

/// The smallest size of which pods hold a good part of the pool.
fn smallest_usual(pool: &Pool<'_>) -> Option<u64> {
    let mut held: BTreeMap<u64, u64> = BTreeMap::new();
    for (_, gpus) in pool.nodes.iter().flat_map(|node| &node.pods) {
        *held.entry(*gpus).or_default() += gpus;
    }
    let all: u64 = held.values().sum();
    #[allow(clippy::cast_precision_loss, reason = "counts of GPUs stay far below 2^53")]
    let usual = |part: u64| part as f64 >= USUAL * all as f64;
    held.into_iter().find(|(_, part)| usual(*part)).map(|(size, _)| size)
}
