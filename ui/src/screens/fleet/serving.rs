//! What serving engines say, as cells of the tables of workloads and pods.

use crate::parts::table::{
    cell::{Cell, Column},
    order::{Key, SortKey},
};
use pilothouse_wire::{
    ObjectRef, ServingMetric, Stamp,
    view::{FleetView, ServingRow},
};

/// The column of the engine's name.
pub(super) const ENGINE: Column = Column::text("engine", "Engine", "minmax(76px, 0.5fr)");

/// The columns that engines fill, with their metrics. Of a workload they are its pods together.
pub(super) const SERVING: [(Column, ServingMetric); 5] = [
    (Column::number("running", "Running", "minmax(64px, 0.4fr)"), ServingMetric::Running),
    (Column::number("waiting", "Waiting", "minmax(64px, 0.4fr)"), ServingMetric::Waiting),
    (Column::number("kv", "KV, %", "minmax(56px, 0.4fr)"), ServingMetric::KvUse),
    (Column::number("tokens", "Tokens/s", "minmax(72px, 0.5fr)"), ServingMetric::Generated),
    (Column::number("ttft", "TTFT p50, ms", "minmax(96px, 0.5fr)"), ServingMetric::FirstTokenMedian),
];

/// The cells of a pod's or a workload's engine: its name, and one for each of [`SERVING`]. What it said too long ago is
/// no number of now: the inspector has it, with its age.
pub(super) fn cells(fleet: &FleetView, object: &ObjectRef, now: Stamp) -> impl Iterator<Item = Cell> {
    let row = fleet.serving.get(object);
    let name = row.map_or(Cell::Absent, |row| Cell::Soft(row.names().into()));
    let values = SERVING.map(|(_, metric)| row.map_or(Cell::Absent, |row| cell(row, metric, now)));
    std::iter::once(name).chain(values)
}

fn cell(row: &ServingRow, metric: ServingMetric, now: Stamp) -> Cell {
    let reading = row.read(metric);
    match metric.plain(reading) {
        _ if reading.is_absent() => Cell::Absent,
        _ if row.pods == 0 || row.is_stale(now) => Cell::Soft("stale".into()),
        Some(value) => Cell::Number(value, 0),
        None => Cell::Soft(metric.words(reading).into()),
    }
}

/// Is this a column that engines fill?
pub(super) fn is_column(column: &str) -> bool {
    column == ENGINE.key || SERVING.iter().any(|(own, _)| own.key == column)
}

/// What a row is sorted by, if the column is one of an engine. What is stale stands with what is absent.
pub(super) fn key(fleet: &FleetView, object: &ObjectRef, column: &str) -> Option<Key> {
    let row = || fleet.serving.get(object);
    if column == ENGINE.key {
        return Some(row().map_or(Key::Absent, |row| SortKey::Text(&row.names()).into()));
    }
    let (_, metric) = SERVING.iter().find(|(own, _)| own.key == column)?;
    let value = row().filter(|row| row.pods > 0).and_then(|row| metric.plain(row.read(*metric)));
    Some(value.map_or(Key::Absent, Key::Number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::table::export::plain;
    use pilothouse_wire::{ConnectionId, Reading, ServingEngine};

    fn fleet(pods: u32, readings: &[(ServingMetric, f32)]) -> (FleetView, ObjectRef) {
        let id: ObjectRef = "pod:iad/serving/chat-0".parse().unwrap();
        let row = ServingRow {
            id: id.clone(),
            source: ConnectionId::slug("prom"),
            engines: vec![ServingEngine::Vllm],
            models: vec![],
            pods,
            silent: 1 - pods,
            at: Some(Stamp(100_000)),
            patience_ms: 37_500,
            readings: readings.iter().map(|(metric, value)| (*metric, Reading::of(*value))).collect(),
        };
        (FleetView { serving: [row].into_iter().collect(), ..FleetView::default() }, id)
    }

    fn shown(fleet: &FleetView, id: &ObjectRef, now: i64) -> Vec<String> {
        cells(fleet, id, Stamp(now)).map(|cell| plain(&cell).unwrap_or("—".into())).collect()
    }

    #[test]
    fn an_engine_says_what_it_says_and_what_is_old_is_called_stale() {
        let readings =
            [(ServingMetric::Waiting, 3.0), (ServingMetric::KvUse, 0.42), (ServingMetric::FirstTokenMedian, f32::NAN)];
        let (fleet, id) = fleet(1, &readings);
        assert_eq!(shown(&fleet, &id, 110_000), ["vLLM", "—", "3", "42", "—", "too few requests"]);
        assert_eq!(shown(&fleet, &id, 200_000), ["vLLM", "—", "stale", "stale", "—", "stale"]);
        let (silent, id) = self::fleet(0, &readings);
        assert_eq!(shown(&silent, &id, 110_000), ["vLLM", "—", "stale", "stale", "—", "stale"]);
        let other: ObjectRef = "pod:iad/serving/other".parse().unwrap();
        assert_eq!(shown(&silent, &other, 110_000), ["—"; 6]);
    }
}
