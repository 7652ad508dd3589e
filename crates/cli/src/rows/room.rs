//! Pools with their room, and pods that wait, as lines.

use crate::{columns::Column, out::Tone, table::Cell};
use pilothouse_wire::{
    units::{count, number, sum},
    view::{PendingPod, PendingWhy, PoolRoom, Relief},
};

fn slots(pool: &PoolRoom, size: u64) -> Cell {
    Cell::some(pool.size(size).map(|room| sum(room.slots)))
}

/// The columns of pools.
pub const POOLS: &[Column<PoolRoom>] = &[
    Column::usual("cluster", "CLUSTER", |pool, _| Cell::text(pool.cluster.as_str())),
    Column::usual("pool", "POOL", |pool, _| Cell::text(&pool.name)),
    Column::number("nodes", "NODES", |pool, _| Cell::text(sum(pool.nodes))),
    Column::number("gpus", "GPUS", |pool, _| Cell::text(sum(pool.total))),
    Column::number("free", "FREE", |pool, _| Cell::text(sum(pool.free))),
    Column::number("by1", "×1", |pool, _| slots(pool, 1)),
    Column::number("by2", "×2", |pool, _| slots(pool, 2)),
    Column::number("by4", "×4", |pool, _| slots(pool, 4)),
    Column::number("by8", "×8", |pool, _| slots(pool, 8)),
    Column::number("frag", "FRAG 8", |pool, _| {
        Cell::some(pool.size(8).and_then(|room| room.frag).map(|frag| number(frag, 2)))
    }),
    Column::number("score", "SCORE", |pool, _| {
        let tone = if pool.score.is_some_and(|score| score.act) { Tone::Warn } else { Tone::Plain };
        Cell::some(pool.score.map(|score| number(score.score, 2))).tone(tone)
    }),
    Column::usual("stranded", "NOBODY CAN GET", |pool, _| {
        let parts = pool.stranded.iter().map(|part| format!("{} {}", count(part.gpus), part.why.words()));
        Cell::text(parts.collect::<Vec<_>>().join(", "))
    }),
    Column::usual("relief", "FOR AN 8", |pool, _| {
        let said = match &pool.relief {
            Relief::NotNeeded => "there is room".to_owned(),
            Relief::Moves { node, moves, .. } => {
                format!("{} move{} would free {}", moves.len(), if moves.len() == 1 { "" } else { "s" }, node.name)
            }
            Relief::None => "no moves would make room".to_owned(),
            Relief::CannotTell => return Cell::text("cannot tell").tone(Tone::Soft),
        };
        Cell::text(match pool.budgets() {
            Some(budgets) => format!("{said}; {budgets}"),
            None => said,
        })
    }),
];

/// The columns of pods that wait.
pub const PENDING: &[Column<PendingPod>] = &[
    Column::usual("why", "WAITS", |pod, _| {
        let tone = if pod.why == PendingWhy::Never { Tone::Bad } else { Tone::Warn };
        Cell::text(pod.why.word()).tone(tone)
    }),
    Column::usual("pod", "POD", |pod, _| Cell::text(format!("{}/{}", pod.pod.namespace, pod.pod.name))),
    Column::usual("cluster", "CLUSTER", |pod, _| Cell::text(pod.pod.cluster.as_str())),
    Column::number("asks", "ASKS", |pod, _| Cell::text(count(pod.asks))),
    Column::number("since", "FOR", |pod, moment| moment.ago(pod.since)),
    Column::usual("says", "WHY", |pod, _| Cell::text(&pod.says)),
];
