//! What serving engines say: a row a pod that serves, and a row a workload of such pods.

use crate::{
    ConnectionId, ObjectRef, Reading, Row, ServingEngine, ServingMetric, SmolStr, Stamp,
    filter::{Record, Value},
    view::{PodRow, WorkloadRow},
};
use serde::{Deserialize, Serialize};

/// The engine of a pod, or those of a workload's pods together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServingRow {
    /// The pod, or the workload.
    pub id: ObjectRef,
    /// Who measures.
    pub source: ConnectionId,
    /// The engines: of a pod one.
    pub engines: Vec<ServingEngine>,
    /// Models that they serve, as they call them.
    pub models: Vec<SmolStr>,
    /// Pods whose engine spoke when it was last asked: the readings are of these, or of all where none did.
    pub pods: u32,
    /// Pods whose engine spoke before and does so no more.
    pub silent: u32,
    /// When they were last measured, by the clock of who measured: the oldest of them.
    pub at: Option<Stamp>,
    /// How old a measurement may be before it is stale, in milliseconds.
    pub patience_ms: u64,
    /// What was measured, together as [`ServingMetric::over`] says; what is absent is not here.
    pub readings: Vec<(ServingMetric, Reading)>,
}

impl Row for ServingRow {
    type Key = ObjectRef;
    fn key(&self) -> &ObjectRef {
        &self.id
    }
}

impl ServingRow {
    /// The reading of a metric.
    #[must_use]
    pub fn read(&self, metric: ServingMetric) -> Reading {
        let found = self.readings.iter().find(|(one, _)| *one == metric);
        found.map_or(Reading::ABSENT, |(_, reading)| *reading)
    }

    /// Is the last measurement older than it should be?
    #[must_use]
    pub fn is_stale(&self, now: Stamp) -> bool {
        self.at.is_some_and(|at| now.0.saturating_sub(at.0) > i64::try_from(self.patience_ms).unwrap_or(i64::MAX))
    }

    /// The engines by name: `vLLM`, `vLLM, Dynamo`.
    #[must_use]
    pub fn names(&self) -> String {
        self.engines.iter().map(|engine| engine.name()).collect::<Vec<_>>().join(", ")
    }
}

/// A pod or a workload with what its engines say: what tables filter.
#[derive(Clone, Copy, Debug)]
pub struct Served<'a, R> {
    /// The row.
    pub row: &'a R,
    /// What its engines say, if it has any.
    pub serving: Option<&'a ServingRow>,
}

/// The keys of serving engines: engine, model, and each of their metrics.
const ENGINE_KEYS: usize = 2 + ServingMetric::ALL.len();

/// The keys of a row, and those of serving engines.
const fn keys<const N: usize>(own: &[&'static str]) -> [&'static str; N] {
    let mut all = [""; N];
    let mut at = 0;
    while at < own.len() {
        all[at] = own[at];
        at += 1;
    }
    (all[at], all[at + 1]) = ("engine", "model");
    let mut metric = 0;
    while metric < ServingMetric::ALL.len() {
        all[at + 2 + metric] = ServingMetric::ALL[metric].id();
        metric += 1;
    }
    all
}

const OF_WORKLOADS: [&str; WorkloadRow::KEYS.len() + ENGINE_KEYS] = keys(WorkloadRow::KEYS);
const OF_PODS: [&str; PodRow::KEYS.len() + ENGINE_KEYS] = keys(PodRow::KEYS);

impl Record for Served<'_, WorkloadRow> {
    const KEYS: &'static [&'static str] = &OF_WORKLOADS;

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        served(self.row, self.serving, key)
    }
}

impl Record for Served<'_, PodRow> {
    const KEYS: &'static [&'static str] = &OF_PODS;

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        served(self.row, self.serving, key)
    }
}

/// The values of a row under a key, or those of its engines: per cent for shares, milliseconds for latencies. What an
/// engine said before it fell silent is no value.
#[must_use]
pub fn served<'a, R: Record>(row: &'a R, serving: Option<&'a ServingRow>, key: &str) -> Option<Vec<Value<'a>>> {
    if let Some(own) = row.values(key) {
        return Some(own);
    }
    let speaks = serving.filter(|serving| serving.pods > 0);
    Some(match key {
        "engine" => serving.into_iter().flat_map(|row| &row.engines).map(|engine| Value::text(engine.name())).collect(),
        "model" => serving.into_iter().flat_map(|row| &row.models).map(|model| Value::text(model)).collect(),
        key => {
            let metric = ServingMetric::by_id(key)?;
            speaks.and_then(|row| metric.plain(row.read(metric))).map(Value::Number).into_iter().collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_can_be_filtered_by_their_own_keys_and_by_all_that_engines_say() {
        let own = WorkloadRow::KEYS.iter().copied();
        let metrics = ServingMetric::ALL.iter().map(|metric| metric.id());
        let want: Vec<&str> = own.chain(["engine", "model"]).chain(metrics).collect();
        assert_eq!(Served::<WorkloadRow>::KEYS, want);
        assert!(PodRow::KEYS.iter().chain(&["engine", "kv"]).all(|key| Served::<PodRow>::KEYS.contains(key)));
    }

    #[test]
    fn what_a_silent_engine_said_is_no_value() {
        struct Nothing;
        impl Record for Nothing {
            const KEYS: &'static [&'static str] = &[];
            fn values(&self, _: &str) -> Option<Vec<Value<'_>>> {
                None
            }
        }
        let mut row = ServingRow {
            id: ObjectRef::Connection(ConnectionId::slug("a")),
            source: ConnectionId::slug("prom"),
            engines: vec![ServingEngine::Sglang],
            models: vec!["qwen".into()],
            pods: 1,
            silent: 0,
            at: Some(Stamp(1)),
            patience_ms: 1,
            readings: vec![(ServingMetric::KvUse, Reading::of(0.5)), (ServingMetric::FirstTokenP99, Reading::of(0.25))],
        };
        let values = |row: &ServingRow, key: &str| served(&Nothing, Some(row), key).map(|values| format!("{values:?}"));
        assert_eq!(values(&row, "kv").as_deref(), Some("[Number(50.0)]"));
        assert_eq!(values(&row, "ttft-p99").as_deref(), Some("[Number(250.0)]"));
        assert_eq!(values(&row, "waiting").as_deref(), Some("[]"));
        assert_eq!(values(&row, "nothing"), None);
        row.pods = 0;
        assert_eq!(values(&row, "kv").as_deref(), Some("[]"));
        assert_eq!(values(&row, "engine").as_deref(), Some("[Text(\"SGLang\")]"));
    }
}
