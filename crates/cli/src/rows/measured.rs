//! What is measured of several GPUs together, beside the line of a node or of a workload.

use crate::{out::Tone, table::Cell};
use pilothouse_wire::{Metric, Reading, Stamp, filter::Value, view::gpu::plain_number};
use serde::Serialize;
use std::collections::BTreeMap;

/// Readings of several GPUs together: mean, sum or most, as the metric asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Measured {
    /// When the last of the GPUs that count was measured, by the clock of who measured.
    measured_at: Option<Stamp>,
    /// Is that too long ago?
    stale: bool,
    /// What is measured by metric; what is absent is not there, what is no number is `null`.
    metrics: BTreeMap<&'static str, Option<f32>>,
    /// The same, for columns and filters.
    #[serde(skip)]
    readings: BTreeMap<Metric, Reading>,
}

impl Measured {
    /// Of one row.
    pub fn new(readings: impl Iterator<Item = (Metric, Reading)>, measured_at: Option<Stamp>, stale: bool) -> Self {
        let readings: BTreeMap<Metric, Reading> = readings.filter(|(_, reading)| !reading.is_absent()).collect();
        let metrics = readings.iter().map(|(metric, reading)| (metric.id(), reading.finite())).collect();
        Self { measured_at, stale, metrics, readings }
    }

    /// When the last of the GPUs that count was measured.
    pub fn at(&self) -> Option<Stamp> {
        self.measured_at
    }

    /// A reading of now: what was measured too long ago is none.
    pub fn fresh(&self, metric: Metric) -> Reading {
        if self.stale { Reading::ABSENT } else { self.readings.get(&metric).copied().unwrap_or_default() }
    }

    /// One value, for people.
    pub fn show(&self, metric: Metric) -> Cell {
        match self.readings.get(&metric) {
            None => Cell::absent(),
            Some(_) if self.stale => Cell::text("stale").tone(Tone::Warn),
            Some(reading) => Cell::text(metric.show(*reading)),
        }
    }

    /// What a line is filtered by.
    pub fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let metric = Metric::by_id(key)?;
        Some(plain_number(metric, self.fresh(metric)).map(Value::Number).into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_too_long_ago_is_called_stale_is_no_number_and_keeps_its_time() {
        let of = |stale| Measured::new([(Metric::Utilisation, Reading::of(0.97))].into_iter(), Some(Stamp(5)), stale);
        let (now, old) = (of(false), of(true));
        let shown = |line: &Measured| line.show(Metric::Utilisation).told().map(str::to_owned);
        assert_eq!([shown(&now), shown(&old)], [Some("97 %".into()), Some("stale".into())]);
        assert_eq!(now.values("util"), Some(vec![Value::Number(f64::from(0.97_f32) * 100.0)]));
        assert_eq!(old.values("util"), Some(vec![]));
        let json = serde_json::to_value(old).unwrap();
        assert_eq!((&json["stale"], json["measured_at"].is_null()), (&serde_json::Value::Bool(true), false));
    }
}
