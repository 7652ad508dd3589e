//! How a Prometheus speaks, as far as scripts need it: the connector's stand in the suite of all connectors, and the
//! words of the tests that play single faults.

use pilothouse_connect::conformance::{Given, Part, Place, Server, Stand, now, scripted::Reply};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The stand of this connector.
pub const STAND: Stand = Stand { kind: super::KIND, fill, server: Some(Server { well, listing, paged: None }) };

fn fill(place: &Place<'_>) -> Given {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Given {
        values: BTreeMap::from([pair("url", &format!("{}/prometheus", place.url)), pair("tenant", "team-a")]),
        secrets: BTreeMap::from([
            ("token".to_owned(), place.secret.to_owned().into()),
            ("header".to_owned(), format!("X-Gateway: key {}", place.secret).into()),
        ]),
    }
}

fn listing(path: &str) -> Option<Part> {
    // What was before is looked back at once, and is no listing.
    let is_one = path.starts_with("/prometheus/api/v1/query") && !path.starts_with("/prometheus/api/v1/query_range");
    is_one.then_some(Part::First)
}

/// A server with two GPUs, measured every fifteen seconds.
#[must_use]
pub fn well(path: &str) -> Reply {
    match asked(path) {
        Some(query) => answer(&query),
        None if path.ends_with("/api/v1/status/buildinfo") => {
            Reply::Json(200, "", json!({ "status": "success", "data": { "version": "3.5.0" } }))
        }
        None => Reply::Text(404, "content-type: text/plain\r\n", "404 page not found".to_owned()),
    }
}

/// The query that is asked.
#[must_use]
pub fn asked(path: &str) -> Option<String> {
    let (_, form) = path.split_once("/api/v1/query?")?;
    form_urlencoded::parse(form.as_bytes()).find(|(name, _)| name == "query").map(|(_, query)| query.into_owned())
}

/// A range that is asked for, in seconds.
#[derive(Clone, Debug)]
pub struct Ranged {
    /// The query.
    pub query: String,
    /// From when.
    pub start: u64,
    /// To when.
    pub end: u64,
    /// How far apart points are.
    pub step: u64,
}

/// The range that is asked for.
#[must_use]
pub fn ranged(path: &str) -> Option<Ranged> {
    let (_, form) = path.split_once("/api/v1/query_range?")?;
    let form: BTreeMap<_, _> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let seconds = |name: &str| form.get(name)?.split('.').next()?.parse().ok();
    let (start, end, step) = (seconds("start")?, seconds("end")?, seconds("step")?);
    Some(Ranged { query: form.get("query")?.clone(), start, end, step })
}

/// What a server with two GPUs answers to a query of ours.
#[must_use]
pub fn answer(query: &str) -> Reply {
    let measured = seconds() - 4.0;
    let ids = ["GPU-a", "GPU-b"];
    let labels = |id: &str| json!({ "UUID": id });
    if query.starts_with("timestamp(") {
        return vector(ids.iter().enumerate().map(|(at, id)| (gpu(id, at), measured.to_string())));
    }
    if query.starts_with("label_replace(") {
        // No pod serves.
        return vector(std::iter::empty());
    }
    if query.starts_with("up and") {
        return vector([(target(), "1".to_owned())]);
    }
    if query.starts_with("{__name__") {
        let values: Vec<Value> = (0..40).map(|at| json!([measured - 15.0 * f64::from(39 - at), "1"])).collect();
        return success("matrix", &json!([{ "metric": gpu("GPU-a", 0), "values": values }]));
    }
    if query.contains("timestamp(") {
        return vector(ids.iter().enumerate().map(|(at, id)| (gpu(id, at), measured.to_string())));
    }
    vector(ids.iter().map(|id| (labels(id), "0.5".to_owned())))
}

/// An answer to an instant query.
#[must_use]
pub fn vector(series: impl IntoIterator<Item = (Value, String)>) -> Reply {
    let at = seconds();
    let series: Vec<Value> =
        series.into_iter().map(|(labels, value)| json!({ "metric": labels, "value": [at, value] })).collect();
    success("vector", &json!(series))
}

fn success(kind: &str, result: &Value) -> Reply {
    Reply::Json(200, "", json!({ "status": "success", "data": { "resultType": kind, "result": result } }))
}

/// A refusal of the query API.
#[must_use]
pub fn error(status: u16, headers: &'static str, kind: &str, text: &str) -> Reply {
    Reply::Json(status, headers, json!({ "status": "error", "errorType": kind, "error": text }))
}

fn gpu(id: &str, number: usize) -> Value {
    let mut labels = target();
    labels["UUID"] = json!(id);
    labels["gpu"] = json!(number.to_string());
    labels["Hostname"] = json!("ord-gpu-1");
    labels["modelName"] = json!("NVIDIA H100 80GB HBM3");
    labels
}

fn target() -> Value {
    json!({ "job": "dcgm", "instance": "10.0.0.7:9400", "namespace": "gpu-operator", "pod": "dcgm-x7k2p" })
}

/// The suite's time as the API says times.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "milliseconds of this century are exact in 53 bits")]
pub fn seconds() -> f64 {
    now().0 as f64 / 1_000.0
}
