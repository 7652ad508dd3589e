//! Services as rows of the table, and what they are sorted by.

use crate::parts::table::{
    cell::{Cell, Column, RowModel},
    order::{Key, SortKey},
};
use pilothouse_wire::{
    Stamp,
    view::{DeliveryRow, Status, delivery::AnalysisVerdict},
};

/// The columns.
pub const COLUMNS: &[Column] = &[
    Column::text("status", "Phase", "minmax(116px, 0.8fr)"),
    Column::text("name", "Service", "minmax(140px, 1.4fr)"),
    Column::text("why", "Why", "minmax(200px, 2.4fr)"),
    Column::text("kind", "Kind", "minmax(88px, 0.6fr)"),
    Column::text("cluster", "Cluster", "minmax(84px, 0.7fr)"),
    Column::text("namespace", "Namespace", "minmax(84px, 0.8fr)"),
    Column::text("strategy", "Strategy", "minmax(84px, 0.6fr)"),
    Column::number("revision", "Revision", "minmax(76px, 0.5fr)"),
    Column::number("revisions", "Revisions", "minmax(76px, 0.4fr)"),
    Column::number("step", "Step", "minmax(64px, 0.4fr)"),
    Column::number("wanted", "Wanted, %", "minmax(76px, 0.4fr)"),
    Column::number("weight", "Actual, %", "minmax(72px, 0.4fr)"),
    Column::number("ready", "Ready", "minmax(84px, 0.5fr)"),
    Column::number("gpus", "GPUs", "minmax(56px, 0.4fr)"),
    Column::text("analysis", "Analysis", "minmax(96px, 0.6fr)"),
    Column::number("for", "For", "minmax(64px, 0.4fr)"),
    Column::number("age", "Age", "minmax(64px, 0.4fr)"),
    Column::text("team", "Team", "minmax(76px, 0.6fr)"),
    Column::text("guard", "Kept by", "minmax(96px, 0.8fr)"),
];

/// A service as a row.
#[must_use]
pub fn row(row: &DeliveryRow, now: Stamp, stale: bool) -> RowModel {
    let old = row.is_old(now);
    let step =
        row.step.as_ref().map_or(Cell::Absent, |step| Cell::Ratio { part: step.done.into(), whole: step.of.into() });
    let weight = |share: Option<u32>| share.map_or(Cell::Absent, |share| Cell::Number(percent(share, row), 0));
    let ready = row.wanted.map_or(Cell::Count(row.ready), |wanted| Cell::Ratio { part: row.ready, whole: wanted });
    let (status, word) = match &old {
        Some(_) => (Status::Warn, "Old"),
        None => (row.status, row.phase.word()),
    };
    let cells = vec![
        Cell::Status(status, word.into()),
        Cell::Name(row.name.clone()),
        old.or_else(|| row.why.clone())
            .or_else(|| row.share_words())
            .map_or(Cell::Absent, |why| Cell::Soft(why.into())),
        Cell::Soft(row.kind.clone()),
        Cell::Soft(row.cluster().as_str().into()),
        Cell::Soft(row.namespace.clone()),
        Cell::Soft(row.strategy.clone()),
        revision(row),
        // None that is known is not none.
        if row.revisions == 0 { Cell::Absent } else { Cell::Count(row.revisions.into()) },
        step,
        row.traffic.wanted.map_or_else(|| from_route(row), |share| weight(Some(share))),
        weight(row.traffic.actual),
        if row.has_pods() { ready } else { Cell::Absent },
        if row.has_pods() { Cell::Count(row.gpus) } else { Cell::Absent },
        analysis(row),
        since(row.since),
        since(row.created),
        Cell::soft(row.team.as_ref()),
        row.guard.as_ref().map_or(Cell::Absent, |guard| Cell::Soft(guard.words().into())),
    ];
    RowModel { object: row.id.clone(), cells, stale }
}

fn since(at: Option<Stamp>) -> Cell {
    at.map_or(Cell::Absent, |at| Cell::Since(at, false))
}

/// The revision that is wanted, behind the one that it comes from while it is on its way: `1 → 2`.
fn revision(row: &DeliveryRow) -> Cell {
    let Some(wanted) = row.revision else { return Cell::Absent };
    let from = row.stable.filter(|stable| *stable != wanted).map(|stable| format!("{stable} → ")).unwrap_or_default();
    Cell::Text(format!("{from}{wanted}").into())
}

/// What it should get, where one route says so.
fn from_route(row: &DeliveryRow) -> Cell {
    let [only] = row.shares.as_slice() else { return Cell::Absent };
    only.share().filter(|_| !row.is_route()).map_or(Cell::Absent, |share| Cell::Number(share, 0))
}

fn percent(share: u32, row: &DeliveryRow) -> f64 {
    f64::from(share) * 100.0 / f64::from(row.traffic.whole.max(1))
}

/// A pass that is disputed is none to trust.
fn analysis(row: &DeliveryRow) -> Cell {
    match row.analysis {
        None => Cell::Absent,
        Some(AnalysisVerdict::Passed) if row.disputed => Cell::Status(Status::Warn, "Disputed".into()),
        Some(verdict) => Cell::Status(verdict.status(), verdict.word().into()),
    }
}

/// What a service is sorted by: what cannot go on first.
#[must_use]
pub fn key(row: &DeliveryRow, column: &'static str) -> Key {
    let number = |n: Option<u64>| n.map_or(Key::Absent, |n| SortKey::count(n).into());
    let text = |text: &str| Key::from(SortKey::Text(text));
    match column {
        "name" => text(&row.name),
        "kind" => text(&row.kind),
        "cluster" => text(row.cluster().as_str()),
        "namespace" => text(&row.namespace),
        "strategy" => text(&row.strategy),
        "step" => number(row.step.as_ref().map(|step| step.done.into())),
        "wanted" => number(row.traffic.wanted.map(u64::from)),
        "weight" => number(row.traffic.actual.map(u64::from)),
        "ready" => number(Some(row.ready)),
        "gpus" => number(Some(row.gpus)),
        "analysis" => {
            row.analysis.map_or(Key::Absent, |verdict| Key::ranked(f64::from(verdict as u8) + 1.0, &row.name))
        }
        "for" => long(row.since),
        "age" => long(row.created),
        "revision" => number(row.revision),
        "revisions" => number(Some(row.revisions.into())),
        "team" => row.team.as_ref().map_or(Key::Absent, |team| text(team)),
        "guard" => row.guard.as_ref().map_or(Key::Absent, |guard| text(&guard.words())),
        "why" => row.why.as_ref().map_or(Key::Absent, |why| text(why)),
        _ => Key::ranked(f64::from(row.phase as u8) + 1.0, &row.name),
    }
}

/// How long ago that is, the newest first.
fn long(since: Option<Stamp>) -> Key {
    since.map_or(Key::Absent, |since| {
        #[allow(clippy::cast_precision_loss, reason = "a time in milliseconds")]
        let begun = -(since.0 as f64);
        SortKey::Number(begun).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::table::export::plain;
    use pilothouse_wire::view::{DeliveryPhase, delivery::Split};

    fn service(name: &str, phase: DeliveryPhase) -> DeliveryRow {
        DeliveryRow {
            status: phase.status(),
            phase,
            why: Some("CanaryPauseStep".into()),
            strategy: "canary".into(),
            traffic: Split { wanted: Some(200), actual: None, whole: 1_000 },
            ready: 3,
            gpus: 8,
            ..DeliveryRow::of(format!("workload:iad/serving/Rollout/{name}").parse().unwrap())
        }
    }

    #[test]
    fn absent_is_not_zero_and_a_share_is_of_its_whole() {
        let row = row(&service("chat", DeliveryPhase::Paused), Stamp(0), false);
        let cells: Vec<String> = row.cells.iter().map(|cell| plain(cell).unwrap_or("—".into())).collect();
        assert_eq!(cells[7..14], ["—", "—", "—", "20", "—", "3", "8"]);
        assert_eq!(row.cells.len(), COLUMNS.len());
    }

    #[test]
    fn a_revision_on_its_way_stands_behind_the_one_that_it_comes_from() {
        let told = |revision, stable, revisions| {
            let service = DeliveryRow { revision, stable, revisions, ..service("chat", DeliveryPhase::Paused) };
            let row = row(&service, Stamp(0), false);
            [7, 8].map(|at| plain(&row.cells[at]).unwrap_or("—".into()))
        };
        assert_eq!(told(Some(42), Some(41), 5), ["41 → 42", "5"]);
        assert_eq!(told(Some(42), Some(42), 5), ["42", "5"]);
        assert_eq!(told(None, None, 0), ["—", "—"]);
    }

    #[test]
    fn what_nobody_has_taken_up_is_called_old() {
        let service = DeliveryRow { unobserved: Some(Stamp(0)), ..service("chat", DeliveryPhase::Healthy) };
        let row = row(&service, Stamp(240_000), false);
        assert_eq!(row.cells[0], Cell::Status(Status::Warn, "Old".into()));
        assert!(plain(&row.cells[2]).unwrap().contains("No controller has taken its spec up for 4 min"));
    }

    #[test]
    fn a_pass_that_is_disputed_is_no_pass() {
        let analysis = Some(AnalysisVerdict::Passed);
        let service = DeliveryRow { analysis, disputed: true, ..service("chat", DeliveryPhase::Healthy) };
        assert_eq!(super::analysis(&service), Cell::Status(Status::Warn, "Disputed".into()));
    }
}
