//! The queries about serving engines, as text. Each value is in our unit, and one a pod.

use crate::prometheus::catalogue::{EngineRow, Kind, Parts, engine_rows};
use pilothouse_wire::{ServingEngine, ServingMetric};
use std::{collections::BTreeSet, time::Duration};

/// Labels that name a pod. What a page itself says of a pod is renamed to `exported_…` by the scrape: it knows better,
/// for then the target is only who hands it on.
pub const POD: &[&str] = &["exported_namespace", "exported_pod", "namespace", "pod"];
/// Labels that name a model: of vLLM and SGLang, of Triton and Dynamo.
pub const MODEL: &[&str] = &["model_name", "model"];
/// The label that we put the engine's id into. No server stores it.
pub const ENGINE: &str = "pilothouse_engine";

/// Rates are taken over so long at least; it is four scrapes at least, so that one that fails makes no gap.
const RATE: Duration = Duration::from_secs(60);
/// Quantiles and means are taken over so long at least: in one minute too few requests end.
const QUANTILE: Duration = Duration::from_secs(300);
const SCRAPES: u32 = 4;

/// Which pods have an engine, and which models it serves; the values are the times of the newest measurements.
#[must_use]
pub fn identity() -> String {
    let by = [POD, MODEL].concat().join(", ");
    let of = |engine: &ServingEngine| {
        let rows = engine_rows().iter().filter(|row| row.identity && row.exporter == *engine);
        let times: Vec<String> = rows.flat_map(|row| &row.names).map(|name| format!("timestamp({name})")).collect();
        let times = times.join(" or ");
        format!("label_replace(max by ({by}) ({times}), \"{ENGINE}\", \"{}\", \"\", \"\")", engine.id())
    };
    ServingEngine::ALL.iter().map(of).collect::<Vec<_>>().join(" or ")
}

/// The raw samples of some pods in the last ten minutes, to see how far apart they are. Names that would need an escape
/// are left out.
#[must_use]
pub fn raw<'a>(label: &str, pods: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let is_plain = |pod: &&str| pod.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let pods: Vec<&str> = pods.into_iter().filter(is_plain).collect();
    let names = engine_rows().iter().filter(|row| row.identity).flat_map(|row| &row.names);
    let names: BTreeSet<&str> = names.map(|name| name.split('{').next().unwrap_or(name)).collect();
    let names = names.into_iter().collect::<Vec<_>>().join("|");
    (!pods.is_empty()).then(|| format!("{{__name__=~\"{names}\",{label}=~\"{}\"}}[10m]", pods.join("|")))
}

/// One value of a metric for each pod, or nothing where none of these engines has it. `interval` is that of the scrapes.
#[must_use]
pub fn metric(metric: ServingMetric, engines: &BTreeSet<ServingEngine>, interval: Duration) -> Option<String> {
    let rows = engine_rows().iter().filter(|row| row.metric == metric && engines.contains(&row.exporter));
    let rows: Vec<String> = rows.flat_map(|row| row.names.iter().map(|name| of_row(row, name, interval))).collect();
    (!rows.is_empty()).then(|| rows.join(" or "))
}

fn of_row(row: &EngineRow, name: &str, interval: Duration) -> String {
    let over = |least: Duration| format!("{}s", (interval * SCRAPES).max(least).as_secs());
    let (rate, quantile) = (over(RATE), over(QUANTILE));
    let value = match row.kind {
        Kind::Gauge | Kind::Total | Kind::Increase => together(row, &[], name),
        Kind::Rate => together(row, &[], &format!("rate({name}[{rate}])")),
        Kind::Median => at(row, 0.5, name, &quantile),
        Kind::P99 => at(row, 0.99, name, &quantile),
        Kind::Mean => {
            let part = |ending| together(row, &[], &format!("rate({}[{quantile}])", ended(name, ending)));
            format!("{} / {}", part("_sum"), part("_count"))
        }
    };
    if row.factor == "1" { value } else { format!("({value}) * {}", row.factor) }
}

/// A quantile of a histogram, which is no number where there are too few observations to tell it.
fn at(row: &EngineRow, share: f64, name: &str, window: &str) -> String {
    let buckets = together(row, &["le"], &format!("rate({}[{window}])", ended(name, "_bucket")));
    let seen = together(row, &[], &format!("increase({}[{window}])", ended(name, "_count")));
    let least = row.metric.least_observations().unwrap_or(1);
    // 0 by 1 adds nothing; 0 by 0 is no number, and so is what it is added to.
    format!("histogram_quantile({share}, {buckets}) + 0 / ({seen} >= bool {least})")
}

/// The parts of each pod's engine together. Two targets may be the same pod: they are never added up.
fn together(row: &EngineRow, beside: &[&str], value: &str) -> String {
    let by = [POD, beside].concat().join(", ");
    match &row.parts {
        Parts::Max => format!("max by ({by}) ({value})"),
        Parts::Sum(labels) => format!("sum by ({by}) (max by ({by}, {}) ({value}))", labels.join(", ")),
    }
}

/// The name of a series of a histogram, before its selector if there is one.
fn ended(name: &str, ending: &str) -> String {
    match name.split_once('{') {
        Some((name, selector)) => format!("{name}{ending}{{{selector}"),
        None => format!("{name}{ending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn of(id: &str, engine: ServingEngine, interval: Duration) -> Vec<String> {
        let query = metric(ServingMetric::by_id(id).unwrap(), &BTreeSet::from([engine]), interval).unwrap();
        query.replace(&POD.join(", "), "P").split(" or ").map(str::to_owned).collect()
    }

    #[test]
    fn ranks_are_added_up_and_two_targets_of_a_pod_are_not() {
        assert_eq!(
            of("running", ServingEngine::Vllm, MINUTE),
            ["sum by (P) (max by (P, engine, model_name) (vllm:num_requests_running))"]
        );
        assert_eq!(
            of("kv", ServingEngine::Vllm, MINUTE),
            ["max by (P) (vllm:kv_cache_usage_perc)", "max by (P) (vllm:gpu_cache_usage_perc)"]
        );
    }

    #[test]
    fn what_waits_for_capacity_counts_before_all_that_waits_and_each_name_is_exact() {
        assert_eq!(
            of("waiting", ServingEngine::Vllm, MINUTE),
            [
                "sum by (P) (max by (P, engine, model_name) (vllm:num_requests_waiting_by_reason{reason='capacity'}))",
                "sum by (P) (max by (P, engine, model_name) (vllm:num_requests_waiting))"
            ]
        );
    }

    #[test]
    fn a_window_is_four_scrapes_at_least() {
        let windows = |interval| {
            let rate = of("preemptions", ServingEngine::Vllm, interval).remove(0);
            let p99 = of("itl-p99", ServingEngine::Dynamo, interval).remove(0);
            [rate, p99].map(|query| query.split(['[', ']']).nth(1).unwrap().to_owned())
        };
        assert_eq!(windows(Duration::from_secs(5)), ["60s", "300s"]);
        assert_eq!(windows(Duration::from_secs(90)), ["360s", "360s"]);
    }

    #[test]
    fn a_quantile_is_of_all_ranks_buckets_and_none_where_too_few_were_seen() {
        assert_eq!(
            of("ttft-p99", ServingEngine::Dynamo, MINUTE),
            ["histogram_quantile(0.99, sum by (P, le) (max by (P, le, model) \
              (rate(dynamo_frontend_time_to_first_token_seconds_bucket[300s])))) + 0 / \
              (sum by (P) (max by (P, model) (increase(dynamo_frontend_time_to_first_token_seconds_count[300s]))) \
              >= bool 2000)"]
        );
        assert_eq!(
            of("ttft-mean", ServingEngine::Dynamo, MINUTE),
            ["sum by (P) (max by (P, model) (rate(dynamo_frontend_time_to_first_token_seconds_sum[300s]))) / \
              sum by (P) (max by (P, model) (rate(dynamo_frontend_time_to_first_token_seconds_count[300s])))"]
        );
        assert_eq!(ended("a{b='c'}", "_sum"), "a_sum{b='c'}");
    }

    #[test]
    fn an_engine_is_told_by_its_series_and_none_is_asked_for_what_it_has_not() {
        let query = identity();
        assert_eq!(query.matches("label_replace(").count(), ServingEngine::ALL.len());
        assert!(query.contains("(timestamp(vllm:num_requests_running)), \"pilothouse_engine\", \"vllm\", \"\", \"\")"));
        assert_eq!(metric(ServingMetric::Preemptions, &BTreeSet::from([ServingEngine::Tgi]), MINUTE), None);
        assert_eq!(metric(ServingMetric::Running, &BTreeSet::new(), MINUTE), None);
    }

    #[test]
    fn a_name_that_would_need_an_escape_is_not_put_into_a_query() {
        assert!(raw("pod", ["chat-0", "a\"} or vector(1)"]).unwrap().ends_with("pod=~\"chat-0\"}[10m]"));
        assert_eq!(raw("pod", [".*"]), None);
    }
}
