//! What serving engines say, beside the line of a pod or of a workload.

use crate::{out::Tone, table::Cell};
use pilothouse_wire::{
    ConnectionId, ServingMetric, SmolStr, Stamp,
    filter::{Record, Value},
    view::{ServingRow, serving::served},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The engine of a pod, or those of a workload's pods together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServingLine {
    /// Ids of the engines.
    engines: Vec<&'static str>,
    models: Vec<SmolStr>,
    source: ConnectionId,
    /// Pods whose engine spoke when it was last asked, and pods whose engine does so no more: they are not counted.
    pods: u32,
    silent: u32,
    measured_at: Option<Stamp>,
    /// Is that too long ago, or did no engine speak?
    stale: bool,
    /// What they say by metric; what is absent is not there, what is no number (too few requests) is `null`.
    metrics: BTreeMap<&'static str, Option<f32>>,
    #[serde(skip)]
    row: ServingRow,
}

impl ServingLine {
    /// What is measured of one row as of a time.
    pub fn new(row: &ServingRow, now: Stamp) -> Self {
        Self {
            engines: row.engines.iter().map(|engine| engine.id()).collect(),
            models: row.models.clone(),
            source: row.source.clone(),
            pods: row.pods,
            silent: row.silent,
            measured_at: row.at,
            stale: row.pods == 0 || row.is_stale(now),
            metrics: row.readings.iter().map(|(metric, reading)| (metric.id(), reading.finite())).collect(),
            row: row.clone(),
        }
    }
}

/// What a line is filtered by: the keys of its row, and those of its engines.
pub fn values<'a, R: Record>(row: &'a R, line: &'a Option<ServingLine>, key: &str) -> Option<Vec<Value<'a>>> {
    served(row, line.as_ref().map(|line| &line.row), key)
}

/// The engines by name.
pub fn engine(line: &Option<ServingLine>) -> Cell {
    Cell::some(line.as_ref().map(|line| line.row.names()))
}

/// The models by name.
pub fn models(line: &Option<ServingLine>) -> Cell {
    Cell::text(line.as_ref().map(|line| line.models.join(" ")).unwrap_or_default())
}

/// One value. What was said too long ago is no value of now.
pub fn show(line: &Option<ServingLine>, metric: ServingMetric) -> Cell {
    let Some(line) = line else { return Cell::absent() };
    let reading = line.row.read(metric);
    match reading.is_absent() {
        true => Cell::absent(),
        false if line.stale => Cell::text("stale").tone(Tone::Warn),
        false => Cell::text(metric.words(reading)),
    }
}
