//! `profile_export_aiperf.json` of AIPerf: a field a metric, with its unit and its statistics. Its inter-token latency is an
//! answer's (latency − TTFT) / (tokens − 1), which is our time per output token.

use super::{
    Read,
    field::{Field, Wrong},
};

/// Its metric, our word, and the statistics that both have.
const SPREADS: [(&str, &str); 5] = [
    ("time_to_first_token", "ttft"),
    ("time_to_first_output_token", "ttfo"),
    ("inter_token_latency", "tpot"),
    ("request_latency", "e2e"),
    ("output_token_throughput_per_user", "per-user"),
];
const POINTS: [(&str, &str); 5] = [("avg", "mean"), ("p50", "p50"), ("p90", "p90"), ("p95", "p95"), ("p99", "p99")];
const RATES: [(&str, &str); 3] =
    [("request_throughput", "answers"), ("output_token_throughput", "tokens-out"), ("goodput", "goodput")];

pub fn read(root: Field<'_>) -> Result<Read, Wrong> {
    // Earlier versions had metrics one level deeper.
    let metrics = root.get("records").unwrap_or_else(|| root.clone());
    let mut read = Read::default();
    for (theirs, ours) in SPREADS {
        let Some(metric) = metrics.get(theirs) else { continue };
        let factor = milliseconds(&metric)?;
        for (statistic, point) in POINTS {
            if let Some(value) = metric.get(statistic) {
                read.figures.insert(format!("{ours}-{point}"), value.number()? * factor);
            }
        }
    }
    for (theirs, ours) in RATES {
        if let Some(value) = metrics.at(&[theirs, "avg"]) {
            read.figures.insert(ours.to_owned(), value.number()?);
        }
    }
    let count = |name: &str| metrics.at(&[name, "avg"]).map(|value| value.count()).transpose();
    read.answered = count("request_count")?;
    read.failed = match count("error_request_count")? {
        Some(failed) => Some(failed),
        None => summed(&root)?,
    };
    let config = root.get("input_config");
    let of = |way: &[&str]| config.as_ref().and_then(|config| config.at(way));
    read.model = of(&["endpoint", "model_names"]).and_then(|names| names.items().ok()?.first()?.text());
    let load = [("concurrency", "at a time"), ("request_rate", "a second")]
        .into_iter()
        .filter_map(|(name, words)| Some(format!("{} {words}", of(&["loadgen", name])?.number().ok()?)));
    read.load = Some(load.collect::<Vec<_>>().join(", ")).filter(|load| !load.is_empty());
    match read.figures.is_empty() && read.answered.is_none() {
        true => Err(root.wrong("has none of the metrics")),
        false => Ok(read),
    }
}

/// Errors as they are listed: an absent list is not known, an empty one is none.
fn summed(root: &Field<'_>) -> Result<Option<u64>, Wrong> {
    let Some(list) = root.get("error_summary") else { return Ok(None) };
    let mut sum = 0_u64;
    for item in list.items()? {
        sum = sum.saturating_add(item.need("count")?.count()?);
    }
    Ok(Some(sum))
}

/// What its times are multiplied with; rates stay as they are.
fn milliseconds(metric: &Field<'_>) -> Result<f64, Wrong> {
    let Some(unit) = metric.get("unit") else { return Ok(1.0) };
    match unit.text().as_deref() {
        Some("ms") => Ok(1.0),
        Some("s" | "sec") => Ok(1e3),
        Some("us") => Ok(1e-3),
        Some("ns") => Ok(1e-6),
        Some(text) if text.starts_with("tokens/s") => Ok(1.0),
        _ => Err(unit.wrong("is a unit that is not known")),
    }
}
