//! Everything that a Prometheus can be told to have, in words, before a server that is scripted for what a real one does
//! not do on demand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::open;
use pilothouse_connect::{
    Clock,
    conformance::{
        now,
        scripted::{Reply, Scripted, Then},
    },
};
use pilothouse_connect_http::prometheus::stand::{answer, asked, error, vector, well};
use pilothouse_wire::{Problem, Stamp};
use serde_json::json;
use std::{fmt::Write, time::Duration};

/// What the test of a connection says of a server, with these fields beside its address.
async fn told(
    fields: &[(&str, &str)],
    clock: Clock,
    script: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static,
) -> String {
    let server = Scripted::start(move |path, _| script(path).unwrap_or_else(|| well(path))).await.unwrap();
    let connector = open(&[&[("url", server.url.as_str())], fields].concat(), clock).unwrap();
    let problem = match connector.probe().await {
        Ok(tested) => tested.problem.expect("it finds nothing wrong"),
        Err(problem) => problem,
    };
    words(&problem).replace(server.url.trim_start_matches("http://"), "HOST:PORT")
}

fn words(problem: &Problem) -> String {
    let mut text = format!("{:?}: {}\n", problem.code, problem.what);
    for (word, part) in [("why", &problem.why), ("next", &problem.next), ("remedy", &problem.remedy)] {
        if let Some(part) = part {
            writeln!(text, "  {word}: {part}").unwrap();
        }
    }
    text
}

/// Longer than any message.
const LONG: &str = concat!(
    "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMyJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUub3JnIiwic3ViIjoib25jYWxsIiwiYXVkIjoi",
    "bWV0cmljcyIsImV4cCI6MTc5NTQ4OTk2NCwiaWF0IjoxNzk1NDg2MzY0LCJncm91cHMiOlsib25jYWxsIiwiZ3B1Il0sIm5vdGUiOiJub3QgYSByZWFs",
    "IG9uZSJ9.c2lnbmVkLWJ5LW5vYm9keQ"
);

/// An answer to queries alone.
fn to_queries(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> impl Fn(&str) -> Option<Reply> {
    move |path| asked(path).map(|query| answer(&query))
}

#[tokio::test(start_paused = true)]
async fn what_a_server_refuses_is_told_with_what_it_says() {
    let clock = || Clock::of(now);
    let mut all = String::new();
    let html = || Reply::Text(200, "content-type: text/html\r\n", "<!doctype html><title>Sign in</title>".to_owned());
    let away = "location: https://login.example.org/start?token=hunter2hunter2\r\n";
    let cases: Vec<(&str, Reply)> = vec![
        ("401", error(401, "", "", "who are you, Bearer hunter2hunter2?")),
        ("401 of Mimir", Reply::Text(401, "", "no org id".to_owned())),
        ("403", error(403, "", "", "not in this namespace")),
        ("404", Reply::Text(404, "", "404 page not found".to_owned())),
        ("400 of VictoriaMetrics", Reply::Text(400, "", "unsupported path requested: \"/api/v1/query\"".to_owned())),
        ("400 of vmauth", Reply::Text(400, "", "missing route for \"/api/v1/query\"".to_owned())),
        (
            "400 of a VictoriaMetrics cluster",
            Reply::Text(400, "", "auth error: cannot parse accountID from \"prometheus\": invalid syntax".to_owned()),
        ),
        ("422", error(422, "", "execution", "query processing would load too many samples into memory")),
        ("400", error(400, "", "bad_data", "invalid parameter \"query\": 1:1: parse error")),
        ("429", error(429, "retry-after: 90\r\n", "", "slow down")),
        ("503", error(503, "retry-after: 20\r\n", "unavailable", "the database is not ready")),
        ("a long secret in a long text", Reply::Text(500, "", format!("{} {LONG}", "a word ".repeat(33)))),
        ("302", Reply::Text(302, away, String::new())),
        ("a page", html()),
        ("other JSON", Reply::Json(200, "", json!({ "ok": true }))),
        ("an error with 200", error(200, "", "execution", "no series for hunter2hunter2: context deadline exceeded")),
        ("cut", Reply::Stream(vec![(Duration::ZERO, "{\"status\":".to_owned())], Then::Cut)),
        ("silent", Reply::Silence),
    ];
    for (what, reply) in cases {
        let said = told(
            &[("token", "hunter2hunter2"), ("header", &format!("X-Key: {LONG}"))],
            clock(),
            to_queries(move |_| reply.clone()),
        )
        .await;
        writeln!(all, "{what}\n{said}").unwrap();
    }
    assert!(!all.contains("hunter2") && !all.contains(&LONG[..8]), "{all}");
    insta::assert_snapshot!("refusals", all);
}

#[tokio::test(start_paused = true)]
async fn why_there_is_nothing_is_told() {
    let clock = || Clock::of(now);
    let empty = || vector(std::iter::empty());
    let mut all = String::new();
    let mut add = |what: &str, said: String| writeln!(all, "{what}\n{said}").unwrap();
    add("no exporter", told(&[], clock(), to_queries(move |_| empty())).await);
    let lately = move |query: &str| match query.contains("[6h]") {
        true => vector([(json!({}), "16".to_owned())]),
        false => empty(),
    };
    add("an exporter that stopped", told(&[], clock(), to_queries(lately)).await);
    let others = move |query: &str| match query.starts_with("count by (__name__)") {
        true => vector(
            ["DCGM_FI_DEV_NVLINK_L0", "DCGM_FI_DEV_PCIE_GEN"].map(|name| (json!({ "__name__": name }), "8".to_owned())),
        ),
        false => empty(),
    };
    add("an exporter that leaves out what tells GPUs apart", told(&[], clock(), to_queries(others)).await);
    let unlabelled = |query: &str| match query.starts_with("timestamp(") {
        true => vector([(json!({ "gpu": "0", "instance": "a:9400" }), "1795489960".to_owned())]),
        false => answer(query),
    };
    add("a label that is dropped", told(&[], clock(), to_queries(unlabelled)).await);
    let old = |query: &str| match query.starts_with("timestamp(") {
        true => vector([(
            json!({ "UUID": "GPU-a" }),
            (pilothouse_connect_http::prometheus::stand::seconds() - 240.0).to_string(),
        )]),
        false => answer(query),
    };
    add("series that are stale", told(&[], clock(), to_queries(old)).await);
    add("a clock that is wrong", told(&[], Clock::of(|| Stamp(now().0 - 95_000)), |_| None).await);
    let warned = |query: &str| match answer(query) {
        Reply::Json(status, headers, mut body)
            if query.contains("DCGM_FI_DEV_GPU_TEMP)") && query.starts_with("max") =>
        {
            body["warnings"] = json!(["store gateway 10.0.0.9:10901: connection refused"]);
            Reply::Json(status, headers, body)
        }
        reply => reply,
    };
    add("an answer with a warning", told(&[], clock(), to_queries(warned)).await);
    let one = |query: &str| match query.contains("increase(DCGM_FI_DEV_PCIE_REPLAY_COUNTER") {
        true => error(422, "", "execution", "query timed out in expression evaluation"),
        false => answer(query),
    };
    add("one query that is refused", told(&[], clock(), to_queries(one)).await);
    insta::assert_snapshot!("nothing", all);
}

#[tokio::test]
async fn nobody_at_the_address_is_told() {
    let mut all = String::new();
    for url in ["http://127.0.0.1:9", "http://nobody.invalid:9090"] {
        let problem = open(&[("url", url)], Clock::system()).unwrap().probe().await.unwrap_err();
        all += &words(&problem);
    }
    insta::assert_snapshot!("nobody", all);
}

#[test]
fn settings_that_cannot_be_used_are_named_and_not_repeated() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let no_certificate = file.path().display().to_string();
    let url = ("url", "https://prom.example.org");
    let cases: &[&[(&str, &str)]] = &[
        &[],
        &[("url", "prometheus:9090")],
        &[("url", "not an address")],
        &[("url", "https://ann:hunter2@prom.example.org")],
        &[("url", "https://prom.example.org/graph?token=hunter2")],
        &[url, ("username", "ann")],
        &[url, ("password", "hunter2")],
        &[url, ("token", "hunter2"), ("username", "ann"), ("password", "hunter2")],
        &[url, ("token", "hunter2\nhunter2")],
        &[url, ("header", "hunter2")],
        &[url, ("header", "hunter2 x: hunter2")],
        &[url, ("token", "hunter2"), ("header", "Authorization: hunter2")],
        &[url, ("ca", "/nowhere/at-all.pem")],
        &[url, ("ca", &no_certificate)],
    ];
    let mut all = String::new();
    for fields in cases {
        let problem = open(fields, Clock::system()).err().unwrap_or_else(|| panic!("{fields:?} are usable"));
        all += &words(&problem).replace(&no_certificate, "FILE");
    }
    assert!(!all.contains("hunter2"), "{all}");
    insta::assert_snapshot!("settings", all);
}
