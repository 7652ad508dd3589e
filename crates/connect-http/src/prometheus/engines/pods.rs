//! Which pods have a serving engine: series joined to pods, and values to columns in the order of a list.

use super::query::{ENGINE, MODEL, VALUE};
use crate::prometheus::{
    answer::{Labels, Sample, Vector, time},
    interval,
};
use pilothouse_wire::{Reading, ServingEngine, ServingMetric, SmolStr, Stamp, metric::Over};
use std::collections::{BTreeMap, BTreeSet};

/// Namespace and name.
pub type PodKey = (SmolStr, SmolStr);

/// A pod with an engine, as its series tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPod {
    /// The engine; of several the first of [`ServingEngine::ALL`].
    pub engine: ServingEngine,
    /// The models that it serves.
    pub models: BTreeSet<SmolStr>,
    /// When it was last measured.
    pub at: Stamp,
    /// The label that names it.
    pub label: &'static str,
    /// The jobs by which it is measured.
    pub jobs: BTreeSet<SmolStr>,
}

/// The pods that series tell of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The pods.
    pub pods: BTreeMap<PodKey, SeenPod>,
    /// So many series are of an engine whose pod nobody names.
    pub nameless: usize,
}

/// The pod of a series, and the label that names it.
#[must_use]
pub fn pod(labels: &Labels) -> Option<(PodKey, &'static str)> {
    let named = |namespace, pod| Some((labels.get(namespace)?.clone(), labels.get(pod)?.clone()));
    let renamed = named("exported_namespace", "exported_pod").map(|key| (key, "exported_pod"));
    renamed.or_else(|| named("namespace", "pod").map(|key| (key, "pod")))
}

/// Reads the answer to [`super::query::identity`].
#[must_use]
pub fn seen(samples: &[Sample]) -> Seen {
    let mut seen = Seen::default();
    for sample in samples {
        let engine = sample.labels.get(ENGINE).and_then(|id| ServingEngine::by_id(id));
        // A time that is none is no measurement.
        let (Some(engine), Some(at)) = (engine, time(sample.value)) else { continue };
        let Some((key, label)) = pod(&sample.labels) else {
            seen.nameless += 1;
            continue;
        };
        let new = || SeenPod { engine, models: BTreeSet::new(), at, label, jobs: BTreeSet::new() };
        let pod = seen.pods.entry(key).or_insert_with(new);
        pod.engine = pod.engine.min(engine);
        pod.at = pod.at.max(at);
        pod.jobs.insert(interval::job(&sample.labels));
        pod.models.extend(MODEL.iter().filter_map(|name| sample.labels.get(name)).cloned());
    }
    seen
}

/// One reading a pod of a list. What is not there stays absent; of several values of one pod the larger counts, but numbers
/// that stand in labels are the engine's parts: so many of them say each, and they are added up where the metric is.
#[must_use]
pub fn column(metric: ServingMetric, places: &BTreeMap<&PodKey, usize>, vector: &Vector) -> Vec<Reading> {
    let mut column = vec![Reading::ABSENT; places.len()];
    for sample in &vector.samples {
        let Some(at) = pod(&sample.labels).and_then(|(key, _)| places.get(&key)).copied() else { continue };
        let value = match sample.labels.get(VALUE).map(|value| value.parse::<f64>()) {
            Some(Ok(said)) if said.is_finite() && metric.over() == Over::Sum => {
                let before = column[at].finite().map_or(0.0, f64::from);
                column[at] = Reading::of_f64(before + said * sample.value);
                continue;
            }
            Some(Ok(said)) if said.is_finite() => Reading::of_f64(said),
            Some(_) => continue,
            // A quantile above all bounds of its buckets.
            None if sample.value < 0.0 && metric.least_observations().is_some() => {
                Reading::more_than(Reading::of_f64(-sample.value))
            }
            None => Reading::of_f64(sample.value),
        };
        let is_larger = match (column[at].least(), value.least()) {
            (Some(known), Some(new)) => new > known,
            (known, new) => known.is_none() && (new.is_some() || column[at].is_absent()),
        };
        if is_larger {
            column[at] = value;
        }
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(value: f64, pairs: &[(&str, &str)]) -> Sample {
        Sample { labels: pairs.iter().copied().collect(), value }
    }

    const CHAT: [(&str, &str); 2] = [("namespace", "serving"), ("pod", "chat-0")];

    #[test]
    fn a_pod_has_its_models_and_the_engine_that_comes_first() {
        let of = |engine, model: &[(&str, &str)]| sample(9.0, &[&CHAT[..], model, &[(ENGINE, engine)]].concat());
        let all = [
            of("dynamo", &[("model", "qwen")]),
            of("vllm", &[("model_name", "qwen")]),
            of("vllm", &[("model_name", "llama")]),
            of("nobody's", &[]),
            sample(f64::NAN, &[CHAT[0], ("pod", "late"), (ENGINE, "vllm")]),
        ];
        let seen = seen(&all);
        let [(key, pod)] = &seen.pods.iter().collect::<Vec<_>>()[..] else { panic!("{seen:?}") };
        assert_eq!((key.0.as_str(), key.1.as_str()), ("serving", "chat-0"));
        assert_eq!((pod.engine, pod.at, pod.label), (ServingEngine::Vllm, Stamp(9_000), "pod"));
        assert_eq!(pod.models.iter().map(SmolStr::as_str).collect::<Vec<_>>(), ["llama", "qwen"]);
    }

    #[test]
    fn who_hands_series_on_is_not_the_pod_that_serves() {
        let renamed = [("exported_namespace", "serving"), ("exported_pod", "chat-0"), ("pod", "otel-7")];
        let handed = sample(9.0, &[&renamed[..], &[("namespace", "monitoring"), (ENGINE, "sglang")]].concat());
        let seen = seen(&[handed, sample(9.0, &[(ENGINE, "vllm"), ("instance", "10.0.0.7:8000")])]);
        let pods: Vec<_> = seen.pods.iter().map(|((_, name), pod)| (name.as_str(), pod.label)).collect();
        assert_eq!((pods, seen.nameless), (vec![("chat-0", "exported_pod")], 1));
    }

    #[test]
    fn a_quantile_above_all_bounds_is_more_than_the_greatest_and_numbers_in_labels_are_added_up() {
        let key = (SmolStr::new("serving"), SmolStr::new("chat-0"));
        let places = BTreeMap::from([(&key, 0)]);
        let read = |metric, samples| column(metric, &places, &Vector { samples, ..Vector::default() })[0];
        let first = read(ServingMetric::FirstTokenP99, vec![sample(-2_560.0, &CHAT), sample(0.5, &CHAT)]);
        assert_eq!((first, first.least()), (Reading::more_than(Reading::of(2_560.0)), Some(2_560.0)));
        let blocks = |value, engines| sample(engines, &[&CHAT[..], &[(VALUE, value)]].concat());
        // Two ranks of 100 blocks, and one of 50.
        let ranks = || vec![blocks("100", 2.0), blocks("50", 1.0), blocks("None", 1.0)];
        assert_eq!(read(ServingMetric::Blocks, ranks()), Reading::of(250.0));
        assert_eq!(read(ServingMetric::BlockTokens, ranks()), Reading::of(100.0), "each rank has blocks of one size");
    }

    #[test]
    fn values_stand_at_their_pods_and_a_number_counts_before_none() {
        let keys = ["a", "b", "c"].map(|name| (SmolStr::new("n"), SmolStr::new(name)));
        let places = keys.iter().enumerate().map(|(at, key)| (key, at)).collect();
        let of = |value, name| sample(value, &[("namespace", "n"), ("pod", name)]);
        let samples = vec![of(f64::NAN, "b"), of(2.0, "b"), of(f64::NAN, "c"), of(7.0, "elsewhere")];
        let vector = Vector { samples, ..Vector::default() };
        assert_eq!(
            column(ServingMetric::KvUse, &places, &vector),
            [Reading::ABSENT, Reading::of(2.0), Reading::of(f32::NAN)]
        );
    }
}
