//! What a source measures of serving engines: a pod with its engine and its newest readings.

use crate::{
    fact::{ServingFact, ServingPodFact},
    source::PodKey,
};
use pilothouse_wire::{ConnectionId, Reading, ServingEngine, ServingMetric, SmolStr, Stamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// The serving engines of one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Serving {
    /// The cluster that it is about, where the source knows it.
    pub cluster: Option<ConnectionId>,
    interval_ms: u64,
    pods: BTreeMap<PodKey, Served>,
}

/// The engine of a pod with what was last measured of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// The engine.
    pub engine: ServingEngine,
    /// The models that it serves.
    pub models: Vec<SmolStr>,
    /// When it was last measured, by the clock of who measured.
    pub at: Option<Stamp>,
    /// Was it measured when the source was last asked? Else its readings are those from before.
    pub spoke: bool,
    readings: BTreeMap<ServingMetric, Reading>,
}

impl Served {
    /// The newest reading of a metric.
    #[must_use]
    pub fn read(&self, metric: ServingMetric) -> Reading {
        self.readings.get(&metric).copied().unwrap_or_default()
    }
}

impl Serving {
    /// Was it ever told what is measured?
    pub(crate) fn is_told(&self) -> bool {
        self.interval_ms > 0
    }

    /// How old a measurement may be: two and a half times the interval, so that one that comes late is not stale yet.
    #[must_use]
    pub fn patience(&self) -> Duration {
        Duration::from_millis(self.interval_ms.max(1_000).saturating_mul(5) / 2)
    }

    /// Does it know no engine?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    /// All pods with engines, by namespace and name.
    pub fn pods(&self) -> impl Iterator<Item = (&PodKey, &Served)> {
        self.pods.iter()
    }

    /// Takes in what was measured; answers how many facts could not be used. An engine that was not measured this time
    /// keeps its last readings with their time: it ages. A metric that is missing from a measurement is absent.
    pub(crate) fn take(&mut self, fact: ServingFact) -> u64 {
        let ServingFact { cluster, interval_ms, pods, at, columns } = fact;
        let n = pods.len();
        if at.len() != n || columns.iter().any(|(_, column)| column.len() != n) {
            return 1;
        }
        let mut before = std::mem::take(&mut self.pods);
        let served = pods.into_iter().zip(at).enumerate().map(|(place, (pod, at))| {
            let ServingPodFact { namespace, pod, engine, models } = pod;
            let key = (namespace, pod);
            let old = before.remove(&key);
            let (readings, at, spoke) = match (at, old) {
                (Some(at), _) => (row(&columns, place), Some(at), true),
                (None, Some(old)) => (old.readings, old.at, false),
                (None, None) => (BTreeMap::new(), None, false),
            };
            (key, Served { engine, models, at, spoke, readings })
        });
        let pods = served.collect();
        *self = Self { cluster, interval_ms, pods };
        0
    }
}

/// What was measured of the pod at this place; what is absent is left out.
fn row(columns: &[(ServingMetric, Vec<Reading>)], place: usize) -> BTreeMap<ServingMetric, Reading> {
    let read = columns.iter().map(|(metric, column)| (*metric, column[place]));
    read.filter(|(_, reading)| !reading.is_absent()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(at: &[Option<i64>], columns: Vec<(ServingMetric, Vec<Reading>)>) -> ServingFact {
        let pod = |n: usize| ServingPodFact {
            namespace: "serving".into(),
            pod: format!("chat-{n}").into(),
            engine: ServingEngine::Vllm,
            models: vec!["llama".into()],
        };
        let pods = (0..at.len()).map(pod).collect();
        ServingFact {
            cluster: None,
            interval_ms: 15_000,
            pods,
            at: at.iter().map(|at| at.map(Stamp)).collect(),
            columns,
        }
    }

    fn seen(serving: &Serving, metric: ServingMetric) -> Vec<(Reading, Option<Stamp>, bool)> {
        serving.pods().map(|(_, served)| (served.read(metric), served.at, served.spoke)).collect()
    }

    #[test]
    fn an_engine_that_is_silent_ages_and_keeps_its_values_and_one_that_is_not_named_is_gone() {
        let mut serving = Serving::default();
        let waiting = |values: [f32; 2]| vec![(ServingMetric::Waiting, values.map(Reading::of).to_vec())];
        assert_eq!(serving.take(said(&[Some(1_000), Some(1_000)], waiting([3.0, 4.0]))), 0);
        assert_eq!(serving.take(said(&[None, Some(16_000)], waiting([0.0, 5.0]))), 0);
        let want = [(Reading::of(3.0), Some(Stamp(1_000)), false), (Reading::of(5.0), Some(Stamp(16_000)), true)];
        assert_eq!(seen(&serving, ServingMetric::Waiting), want);
        assert_eq!(serving.take(said(&[Some(31_000)], Vec::new())), 0);
        // What is no longer said of one that spoke is absent, not what it was.
        assert_eq!(seen(&serving, ServingMetric::Waiting), [(Reading::ABSENT, Some(Stamp(31_000)), true)]);
    }

    #[test]
    fn columns_of_another_length_are_of_no_use() {
        let mut serving = Serving::default();
        assert_eq!(serving.take(said(&[Some(1)], vec![(ServingMetric::Running, Vec::new())])), 1);
        assert_eq!(serving.take(ServingFact { at: Vec::new(), ..said(&[Some(1)], Vec::new()) }), 1);
        assert!(serving.is_empty());
    }
}
