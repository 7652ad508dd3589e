//! `benchmarks.json` of GuideLLM: a measurement an item. Its inter-token latency is an answer's time from the first to the
//! last token over tokens − 1, which is our time per output token; its time per output token has the first one in it, and
//! stays its own.

use super::{
    Read,
    field::{Field, Wrong},
};

/// Its metric, our word, and what its values are multiplied with.
const SPREADS: [(&str, &str, f64); 3] =
    [("time_to_first_token_ms", "ttft", 1.0), ("inter_token_latency_ms", "tpot", 1.0), ("request_latency", "e2e", 1e3)];
const POINTS: [&str; 4] = ["p50", "p90", "p95", "p99"];
const RATES: [(&str, &str); 2] = [("requests_per_second", "answers"), ("output_tokens_per_second", "tokens-out")];

pub fn read(root: Field<'_>) -> Result<Vec<Read>, Wrong> {
    root.need("benchmarks")?.items()?.iter().map(one).collect()
}

fn one(benchmark: &Field<'_>) -> Result<Read, Wrong> {
    let metrics = benchmark.need("metrics")?;
    let mut read = Read::default();
    for (theirs, ours, factor) in SPREADS {
        let Some(metric) = metrics.at(&[theirs, "successful"]) else { continue };
        if let Some(mean) = metric.get("mean") {
            read.figures.insert(format!("{ours}-mean"), mean.number()? * factor);
        }
        for point in POINTS {
            if let Some(value) = metric.at(&["percentiles", point]) {
                read.figures.insert(format!("{ours}-{point}"), value.number()? * factor);
            }
        }
    }
    if let Some(mean) = metrics.at(&["time_per_output_token_ms", "successful", "mean"]) {
        read.others.insert("time_per_output_token_ms mean".into(), mean.number()?);
    }
    for (theirs, ours) in RATES {
        if let Some(mean) = metrics.at(&[theirs, "successful", "mean"]) {
            read.figures.insert(ours.to_owned(), mean.number()?);
        }
    }
    let totals = metrics.get("request_totals").or_else(|| benchmark.at(&["run_stats", "requests_made"]));
    let total = |name: &str| totals.as_ref().and_then(|totals| totals.get(name)).map(|of| of.count()).transpose();
    (read.answered, read.failed) = (total("successful")?, total("errored")?);
    let config = benchmark.get("config").or_else(|| benchmark.get("args"));
    let of = |way: &[&str]| config.as_ref().and_then(|config| config.at(way));
    read.model =
        of(&["backend", "model"]).or_else(|| benchmark.at(&["worker", "backend_model"])).and_then(|of| of.text());
    let strategy = of(&["strategy"]);
    read.load = strategy.and_then(|strategy| {
        let kind = strategy.get("type_")?.text()?;
        let number =
            ["streams", "rate", "max_concurrency"].into_iter().find_map(|name| strategy.get(name)?.number().ok());
        Some(number.map_or(kind.clone(), |number| format!("{kind} {number}")))
    });
    match read.figures.is_empty() {
        true => Err(metrics.wrong("has none of the metrics")),
        false => Ok(read),
    }
}
