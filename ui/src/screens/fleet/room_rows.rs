//! The tables of what follows from the fleet: pods that wait, pools with their room, waste.

use crate::parts::table::{
    cell::{Cell, Column, RowModel},
    order::{Key, SortKey},
};
use pilothouse_wire::{
    ObjectRef, Sum,
    units::{count, sum},
    view::{PartRoom, PendingPod, PendingWhy, PoolRoom, Relief, Status, Verdict, WasteItem},
};

/// Columns of the pods that wait.
pub const PENDING: &[Column] = &[
    Column::text("why", "Waits for", "minmax(116px, 0.8fr)"),
    Column::text("pod", "Pod", "minmax(160px, 1.4fr)"),
    Column::text("cluster", "Cluster", "minmax(84px, 0.6fr)"),
    Column::text("namespace", "Namespace", "minmax(84px, 0.7fr)"),
    Column::number("asks", "Asks, GPUs", "minmax(80px, 0.4fr)"),
    Column::number("since", "For", "minmax(88px, 0.5fr)"),
    Column::text("says", "Why", "minmax(320px, 4fr)"),
];

/// Columns of the pools.
pub const POOLS: &[Column] = &[
    Column::text("name", "Pool", "minmax(140px, 1.4fr)"),
    Column::text("cluster", "Cluster", "minmax(84px, 0.8fr)"),
    Column::number("nodes", "Nodes", "minmax(56px, 0.4fr)"),
    Column::number("total", "GPUs", "minmax(64px, 0.5fr)"),
    Column::number("free", "Free", "minmax(56px, 0.5fr)"),
    Column::number("by1", "Fits × 1", "minmax(68px, 0.5fr)"),
    Column::number("by2", "× 2", "minmax(48px, 0.4fr)"),
    Column::number("by4", "× 4", "minmax(48px, 0.4fr)"),
    Column::number("by8", "× 8", "minmax(48px, 0.4fr)"),
    Column::number("score", "Score, 0 to 1", "minmax(92px, 0.6fr)"),
    Column::text("stranded", "Nobody can get", "minmax(140px, 1.6fr)"),
    Column::text("relief", "Room for an 8", "minmax(180px, 2fr)"),
];

/// Columns of the waste.
pub const WASTE: &[Column] = &[
    Column::text("rule", "Waste", "minmax(132px, 1fr)"),
    Column::text("workload", "Whose", "minmax(140px, 1.4fr)"),
    Column::text("cluster", "Cluster", "minmax(84px, 0.7fr)"),
    Column::text("namespace", "Namespace", "minmax(84px, 0.8fr)"),
    Column::text("team", "Team", "minmax(76px, 0.7fr)"),
    Column::number("gpus", "GPUs", "minmax(56px, 0.4fr)"),
    Column::number("since", "For", "minmax(88px, 0.5fr)"),
    Column::number("hours", "GPU-hours", "minmax(80px, 0.5fr)"),
    Column::text("reason", "Why", "minmax(220px, 2.4fr)"),
    Column::text("evidence", "Measured", "minmax(200px, 2.2fr)"),
];

/// A pod that waits, as a row.
#[must_use]
pub fn pending_row(pod: &PendingPod) -> RowModel {
    let cells = vec![
        Cell::Status(pending_status(pod.why), pod.why.word().into()),
        Cell::Name(pod.pod.name.clone()),
        Cell::Soft(pod.pod.cluster.as_str().into()),
        Cell::Soft(pod.pod.namespace.clone()),
        Cell::Count(pod.asks),
        pod.since.map_or(Cell::Absent, |at| Cell::Since(at, false)),
        Cell::Text(pod.says.as_str().into()),
    ];
    RowModel { object: ObjectRef::Pod(pod.pod.clone()), cells, stale: false }
}

fn pending_status(why: PendingWhy) -> Status {
    match why {
        PendingWhy::Never => Status::Bad,
        PendingWhy::CannotTell => Status::Unknown,
        _ => Status::Warn,
    }
}

/// What a pod that waits is sorted by.
#[must_use]
pub fn pending_key(pod: &PendingPod, column: &'static str) -> Key {
    match column {
        "why" => Key::ranked(f64::from(pod.why as u8), &pod.pod.name),
        "cluster" => SortKey::Text(pod.pod.cluster.as_str()).into(),
        "namespace" => SortKey::Text(&pod.pod.namespace).into(),
        "asks" => SortKey::count(pod.asks).into(),
        "since" => super::sorting::span(pod.since),
        "says" => SortKey::Text(&pod.says).into(),
        _ => SortKey::Text(&pod.pod.name).into(),
    }
}

fn of_sum(n: Sum) -> Cell {
    match n {
        Sum::Exact(n) => Cell::Count(n),
        Sum::NotKnown => Cell::Absent,
        bound => Cell::Text(sum(bound).into()),
    }
}

fn slots(pool: &PoolRoom, size: u64) -> Cell {
    pool.size(size).map_or(Cell::Absent, |room| of_sum(room.slots))
}

/// What is free of a pool that gives shares or slices too: "7 + 5 of 7 nvidia.com/mig-1g.10gb".
fn free(pool: &PoolRoom, parts: &[PartRoom]) -> String {
    let parts = parts.iter().map(PartRoom::words);
    std::iter::once(sum(pool.free)).chain(parts).collect::<Vec<_>>().join(" + ")
}

/// A pool as a row: a click opens its cluster.
#[must_use]
pub fn pool_row(pool: &PoolRoom) -> RowModel {
    let stranded: Vec<String> =
        pool.stranded.iter().map(|part| format!("{} {}", count(part.gpus), part.why.words())).collect();
    let relief = match &pool.relief {
        Relief::NotNeeded => "there is".to_owned(),
        Relief::Moves { node, moves, .. } => {
            let moves: Vec<String> =
                moves.iter().map(|step| format!("{} to {}", step.pod.name, step.to.name)).collect();
            format!("{} would be free: {}", node.name, moves.join(", "))
        }
        Relief::None => "no moves would make it".to_owned(),
        Relief::CannotTell => "cannot tell: not all pods are read".to_owned(),
    };
    let relief = match pool.budgets() {
        Some(budgets) => format!("{relief}; {budgets}"),
        None => relief,
    };
    let cells = vec![
        Cell::Name(pool.name.clone()),
        Cell::Soft(pool.cluster.as_str().into()),
        of_sum(pool.nodes),
        of_sum(pool.total),
        match pool.parts.as_slice() {
            [] => of_sum(pool.free),
            parts => Cell::Text(free(pool, parts).into()),
        },
        slots(pool, 1),
        slots(pool, 2),
        slots(pool, 4),
        slots(pool, 8),
        pool.score.map_or(Cell::Absent, |score| Cell::Number(score.score, 2)),
        if stranded.is_empty() { Cell::Soft("none".into()) } else { Cell::Text(stranded.join(", ").into()) },
        Cell::Text(relief.into()),
    ];
    RowModel { object: ObjectRef::Connection(pool.cluster.clone()), cells, stale: false }
}

/// What a pool is sorted by.
#[must_use]
pub fn pool_key(pool: &PoolRoom, column: &'static str) -> Key {
    let number = |n: Sum| n.number().map_or(Key::Absent, |n| SortKey::count(n).into());
    let by = |size| pool.size(size).map_or(Key::Absent, |room| number(room.slots));
    match column {
        "cluster" => SortKey::Text(pool.cluster.as_str()).into(),
        "nodes" => number(pool.nodes),
        "total" => number(pool.total),
        "free" => number(pool.free),
        "by1" => by(1),
        "by2" => by(2),
        "by4" => by(4),
        "by8" => by(8),
        "score" => pool.score.map_or(Key::Absent, |score| Key::Number(score.score)),
        _ => SortKey::Text(&pool.name).into(),
    }
}

/// An item of waste as a row.
#[must_use]
pub fn waste_row(item: &WasteItem) -> RowModel {
    let status = match item.id.verdict {
        Verdict::Yes => Status::Warn,
        Verdict::No => Status::Good,
        Verdict::CannotTell => Status::Unknown,
    };
    let whose = item.workload.clone().or_else(|| item.id.pool.clone()).unwrap_or_else(|| item.id.object.name());
    let cells = vec![
        Cell::Status(status, item.id.rule.words().into()),
        Cell::Name(whose),
        Cell::Soft(item.id.object.connection().as_str().into()),
        Cell::soft(item.namespace.as_ref()),
        Cell::soft(item.team.as_ref()),
        Cell::Count(item.gpus),
        item.since.map_or(Cell::Absent, |at| Cell::Since(at, false)),
        item.gpu_hours.map_or(Cell::Absent, |hours| Cell::Number(hours, 1)),
        Cell::Text(item.reason.as_str().into()),
        Cell::Soft(item.evidence.as_str().into()),
    ];
    RowModel { object: item.id.object.clone(), cells, stale: false }
}

/// What an item of waste is sorted by: what is sure and costs most comes first.
#[must_use]
pub fn waste_key(item: &WasteItem, column: &'static str) -> Key {
    match column {
        "workload" => SortKey::Text(item.workload.as_deref().unwrap_or_default()).into(),
        "cluster" => SortKey::Text(item.id.object.connection().as_str()).into(),
        "namespace" => SortKey::Text(item.namespace.as_deref().unwrap_or_default()).into(),
        "team" => SortKey::Text(item.team.as_deref().unwrap_or_default()).into(),
        "gpus" => SortKey::count(item.gpus).into(),
        "since" => super::sorting::span(item.since),
        "hours" => item.gpu_hours.map_or(Key::Absent, Key::Number),
        "reason" => SortKey::Text(&item.reason).into(),
        _ => Key::ranked(f64::from(item.id.verdict as u8), item.id.rule.words()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ConnectionId, PodId,
        view::{PoolKind, WasteId, WasteRule},
    };

    #[test]
    fn every_row_has_a_cell_for_each_column() {
        let id = ConnectionId::slug("iad");
        let pod = PodId { cluster: id.clone(), namespace: "n".into(), name: "p".into() };
        let pending = PendingPod {
            pod: pod.clone(),
            resource: "nvidia.com/gpu".into(),
            asks: 16,
            since: None,
            why: PendingWhy::Never,
            says: "can never run".into(),
        };
        assert_eq!(pending_row(&pending).cells.len(), PENDING.len());
        let pool = PoolRoom {
            cluster: id,
            name: "H100".into(),
            kind: PoolKind::Product,
            nodes: Sum::Exact(1),
            total: Sum::Exact(8),
            free: Sum::NotKnown,
            parts: vec![],
            stranded: vec![],
            largest_node: 8,
            hole: None,
            sizes: vec![],
            score: None,
            relief: Relief::CannotTell,
            held_back: 0,
            not_known: 0,
        };
        assert_eq!(pool_row(&pool).cells.len(), POOLS.len());
        let item = WasteItem {
            id: WasteId { rule: WasteRule::HeldIdle, verdict: Verdict::Yes, object: ObjectRef::Pod(pod), pool: None },
            namespace: None,
            workload: None,
            team: None,
            pods: vec![],
            gpus: 8,
            since: None,
            gpu_hours: None,
            reason: String::new(),
            evidence: String::new(),
        };
        assert_eq!(waste_row(&item).cells.len(), WASTE.len());
    }
}
