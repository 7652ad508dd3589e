//! The queries about serving engines, as text. Each value is in our unit, and one a pod; each selector has the connection's
//! matchers.

use crate::prometheus::{
    catalogue::{EngineRow, Kind, Parts, engine_rows},
    matchers::Matchers,
    query::with,
};
use pilothouse_wire::{ServingEngine, ServingMetric};
use std::{collections::BTreeSet, time::Duration};

/// Labels that name a pod. What a page itself says of a pod is renamed to `exported_…` by the scrape: it knows better,
/// for then the target is only who hands it on.
pub const POD: &[&str] = &["exported_namespace", "exported_pod", "namespace", "pod"];
/// Labels that name a model: of vLLM and SGLang, of Triton and Dynamo.
pub const MODEL: &[&str] = &["model_name", "model"];
/// The label that we put the engine's id into. No server stores it.
pub const ENGINE: &str = "pilothouse_engine";
/// The label that we put a value into that stands in a label, not in a sample.
pub const VALUE: &str = "pilothouse_value";
/// The label that the scrape's job stands in.
const JOB: &str = "job";

/// Rates are taken over so long at least; it is four scrapes at least, so that one that fails makes no gap.
const RATE: Duration = Duration::from_secs(60);
/// Quantiles and means are taken over so long at least: in one minute too few requests end.
const QUANTILE: Duration = Duration::from_secs(300);
const SCRAPES: u32 = 4;

/// Which pods have an engine, and which models it serves; the values are the times of the newest measurements.
#[must_use]
pub fn identity(among: &Matchers) -> String {
    let by = [POD, MODEL, &[JOB]].concat().join(", ");
    let of = |engine: &ServingEngine| {
        let rows = engine_rows().iter().filter(|row| row.identity && row.exporter == *engine);
        let times: Vec<String> =
            rows.flat_map(|row| &row.names).map(|name| format!("timestamp({})", among.on(name))).collect();
        let times = times.join(" or ");
        format!("label_replace(max by ({by}) ({times}), \"{ENGINE}\", \"{}\", \"\", \"\")", engine.id())
    };
    ServingEngine::ALL.iter().map(of).collect::<Vec<_>>().join(" or ")
}

/// The raw samples of some pods in the last ten minutes, to see how far apart they are. Names that would need an escape
/// are left out.
#[must_use]
pub fn raw<'a>(label: &str, pods: impl IntoIterator<Item = &'a str>, among: &Matchers) -> Option<String> {
    let is_plain = |pod: &&str| pod.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let pods: Vec<&str> = pods.into_iter().filter(is_plain).collect();
    let names = engine_rows().iter().filter(|row| row.identity).flat_map(|row| &row.names);
    let names: BTreeSet<&str> = names.map(|name| name.split('{').next().unwrap_or(name)).collect();
    let names = names.into_iter().collect::<Vec<_>>().join("|");
    let selector = || among.on(&format!("{{__name__=~\"{names}\",{label}=~\"{}\"}}", pods.join("|")));
    (!pods.is_empty()).then(|| format!("{}[10m]", selector()))
}

/// One value of a metric for each pod, or nothing where none of these engines has it. `interval` is that of the scrapes.
#[must_use]
pub fn metric(
    metric: ServingMetric,
    engines: &BTreeSet<ServingEngine>,
    among: &Matchers,
    interval: Duration,
) -> Option<String> {
    let rows = engine_rows().iter().filter(|row| row.metric == metric && engines.contains(&row.exporter));
    let of = |row| move |name: &String| of_row(row, name, among, interval);
    let rows: Vec<String> = rows.flat_map(|row| row.names.iter().map(of(row))).collect();
    (!rows.is_empty()).then(|| rows.join(" or "))
}

fn of_row(row: &EngineRow, name: &str, among: &Matchers, interval: Duration) -> String {
    let over = |least: Duration| format!("{}s", (interval * SCRAPES).max(least).as_secs());
    let (rate, quantile) = (over(RATE), over(QUANTILE));
    let selector = || among.on(name);
    let value = match &row.kind {
        Kind::Gauge | Kind::Total | Kind::Increase => together(row, &[], &selector()),
        Kind::Rate => together(row, &[], &format!("rate({}[{rate}])", selector())),
        Kind::Median => at(row, 0.5, &selector(), &quantile),
        Kind::P99 => at(row, 0.99, &selector(), &quantile),
        Kind::Mean => {
            let part = |selector: &str| together(row, &[], &format!("rate({selector}[{quantile}])"));
            let (sum, count) = match name.split_once('/') {
                Some((sum, count)) => (among.on(sum), among.on(count)),
                None => (ended(&selector(), "_sum"), ended(&selector(), "_count")),
            };
            format!("{} / {}", part(&sum), part(&count))
        }
        Kind::Label(label) => {
            let all = together(row, &[label], &selector());
            format!("label_replace({all}, \"{VALUE}\", \"$1\", \"{label}\", \"(.+)\")")
        }
    };
    if row.factor == "1" { value } else { format!("({value}) * {}", row.factor) }
}

/// A quantile of a histogram, which is no number where there are too few observations to tell it. Where it lies above all
/// bounds of the buckets the greatest of these is all that a server can tell: that comes with a minus, which no latency has.
fn at(row: &EngineRow, share: f64, name: &str, window: &str) -> String {
    let (bucket, count) = (ended(name, "_bucket"), ended(name, "_count"));
    let within = |selector: &str| together(row, &["le"], &format!("rate({selector}[{window}])"));
    let (buckets, bounded) = (within(&bucket), within(&with(&bucket, "le!=\"+Inf\"")));
    let all = together(row, &[], &format!("rate({count}[{window}])"));
    let seen = together(row, &[], &format!("increase({count}[{window}])"));
    let least = row.metric.least_observations().unwrap_or(1);
    let by = POD.join(", ");
    let sign = format!("(1 - 2 * (max by ({by}) ({bounded}) < bool {share} * {all}))");
    // 0 by 1 adds nothing; 0 by 0 is no number, and so is what it is added to.
    let value = format!("histogram_quantile({share}, {buckets}) * {sign} + 0 / ({seen} >= bool {least})");
    match row.metric {
        // Its first bucket is wide (0.3 s of vLLM): a server draws a line from 0 through it, and that is no measurement.
        ServingMetric::WholeP99 => format!("({value}) unless (min by ({by}) ({buckets}) >= {share} * {all})"),
        _ => value,
    }
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

    /// The alternatives of a metric, without those for builds that are run by Ray.
    fn of(id: &str, engine: ServingEngine, interval: Duration) -> Vec<String> {
        let of = ServingMetric::by_id(id).unwrap();
        let query = metric(of, &BTreeSet::from([engine]), &Matchers::default(), interval).unwrap();
        let all = query.replace(&POD.join(", "), "P");
        all.split(" or ").filter(|one| !one.contains("ray_vllm")).map(str::to_owned).collect()
    }

    #[test]
    fn every_selector_has_the_matchers_of_the_connection() {
        let iad = Matchers::read("cluster=iad").unwrap();
        let engines: BTreeSet<_> = ServingEngine::ALL.iter().copied().collect();
        let mut all = vec![identity(&iad)];
        all.extend(raw("pod", ["chat-0"], &iad));
        all.extend(ServingMetric::ALL.iter().filter_map(|of| metric(*of, &engines, &iad, MINUTE)));
        assert_eq!(all.len(), 2 + ServingMetric::ALL.len());
        for query in all {
            assert_eq!(query.matches('{').count(), query.matches("cluster=\"iad\"").count(), "{query}");
            for row in engine_rows() {
                for name in row.names.iter().flat_map(|name| name.split('/')).filter_map(|name| name.split('{').next())
                {
                    let bare = format!("({name})");
                    assert!(!query.contains(&bare) && !query.contains(&format!("({name}[")), "{name}: {query}");
                }
            }
        }
    }

    #[test]
    fn names_of_vllm_under_ray_are_told_apart_by_its_replicas() {
        let engines = BTreeSet::from([ServingEngine::Vllm]);
        let query = metric(ServingMetric::Running, &engines, &Matchers::default(), MINUTE).unwrap();
        for name in ["ray_vllm:num_requests_running", "ray_vllm_num_requests_running"] {
            let one = format!("engine, model_name, ReplicaId, WorkerId) ({name})");
            assert!(query.contains(&one), "{one}: {query}");
        }
        assert!(identity(&Matchers::default()).contains("timestamp(ray_vllm:num_requests_running)"));
    }

    #[test]
    fn plain_triton_tells_throughput_and_latency_by_its_counters() {
        assert_eq!(
            of("done", ServingEngine::Triton, MINUTE),
            ["sum by (P) (max by (P, model, version) (rate(nv_inference_request_success[240s])))"]
        );
        let took = |counter: &str| format!("sum by (P) (max by (P, model, version) (rate({counter}[300s])))");
        let of_requests = format!(
            "({} / {}) * 0.000001",
            took("nv_inference_request_duration_us"),
            took("nv_inference_request_success")
        );
        assert_eq!(of("e2e-mean", ServingEngine::Triton, MINUTE), [of_requests]);
        assert!(of("queue-mean", ServingEngine::Triton, MINUTE)[0].contains("nv_inference_queue_duration_us"));
        assert!(identity(&Matchers::default()).contains("timestamp(nv_inference_request_success)"));
    }

    #[test]
    fn a_value_that_stands_in_a_label_is_put_where_it_is_read() {
        assert_eq!(
            of("blocks", ServingEngine::Vllm, MINUTE),
            [
                "label_replace(sum by (P, num_gpu_blocks) (max by (P, num_gpu_blocks, engine) (vllm:cache_config_info)), \
              \"pilothouse_value\", \"$1\", \"num_gpu_blocks\", \"(.+)\")"
            ]
        );
    }

    #[test]
    fn a_whole_request_within_the_first_bucket_has_no_p99() {
        let query = &of("e2e-p99", ServingEngine::Vllm, MINUTE)[0];
        assert!(query.contains(") unless (min by (P) (sum by (P, le)"), "{query}");
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
              (rate(dynamo_frontend_time_to_first_token_seconds_bucket[300s])))) * \
              (1 - 2 * (max by (P) (sum by (P, le) (max by (P, le, model) \
              (rate(dynamo_frontend_time_to_first_token_seconds_bucket{le!=\"+Inf\"}[300s])))) < bool 0.99 * \
              sum by (P) (max by (P, model) (rate(dynamo_frontend_time_to_first_token_seconds_count[300s]))))) + 0 / \
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
        let (query, all) = (identity(&Matchers::default()), Matchers::default());
        assert_eq!(query.matches("label_replace(").count(), ServingEngine::ALL.len());
        assert!(query.contains("(timestamp(vllm:num_requests_running) or "));
        assert_eq!(metric(ServingMetric::Preemptions, &BTreeSet::from([ServingEngine::Tgi]), &all, MINUTE), None);
        assert_eq!(metric(ServingMetric::Running, &BTreeSet::new(), &all, MINUTE), None);
    }

    #[test]
    fn a_name_that_would_need_an_escape_is_not_put_into_a_query() {
        assert!(
            raw("pod", ["chat-0", "a\"} or vector(1)"], &Matchers::default())
                .unwrap()
                .ends_with("pod=~\"chat-0\"}[10m]")
        );
        assert_eq!(raw("pod", [".*"], &Matchers::default()), None);
    }
}
