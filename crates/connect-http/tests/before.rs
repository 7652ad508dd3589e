//! What a server keeps of before it was watched: asked for once, and told as facts about the list of GPUs. Time is paused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::open;
use pilothouse_connect::{
    Clock, Sink,
    conformance::{
        now,
        scripted::{Reply, Scripted},
    },
};
use pilothouse_connect_http::prometheus::stand::{Ranged, answer, asked, error, ranged, well};
use pilothouse_wire::{ConnectionId, Health, Metric, Reading, Stamp};
use pilothouse_world::{
    Fact,
    fact::{BeforeFact, SourceFact},
};
use serde_json::json;
use std::time::Duration;
use tokio::{sync::mpsc, time::Instant};

/// What a watch says in a while, and the ranges that it asked for.
async fn watched(range: impl Fn(&Ranged) -> Reply + Send + Sync + 'static) -> (Vec<Fact>, Vec<Ranged>) {
    let script = move |path: &str, _| match (ranged(path), asked(path)) {
        (Some(of), _) => range(&of),
        (None, Some(query)) => answer(&query),
        (None, None) => well(path),
    };
    let server = Scripted::start(script).await.unwrap();
    let connector = open(&[("url", &server.url)], Clock::of(now)).unwrap();
    let (way, mut batches) = mpsc::channel(64);
    let sink = Sink::new(ConnectionId::slug("gpus"), way, Clock::of(now));
    let task = tokio::spawn(async move { connector.watch(sink).await });
    let until = Instant::now() + Duration::from_secs(70);
    let mut facts = Vec::new();
    while let Ok(Some(batch)) = tokio::time::timeout_at(until, batches.recv()).await {
        facts.extend(batch.facts);
    }
    task.abort();
    (facts, server.asked().iter().filter_map(|path| ranged(path)).collect())
}

fn before(facts: &[Fact]) -> Vec<&BeforeFact> {
    facts.iter().filter_map(|fact| if let Fact::Before(before) = fact { Some(&**before) } else { None }).collect()
}

fn matrix(series: &serde_json::Value) -> Reply {
    Reply::Json(200, "", json!({ "status": "success", "data": { "resultType": "matrix", "result": series } }))
}

#[tokio::test(start_paused = true)]
async fn what_came_in_the_last_day_is_asked_for_once_one_range_a_metric() {
    let (facts, ranges) = watched(|of| {
        let at = of.end - 2_400;
        let none = json!([]);
        let xid = json!([{ "metric": { "UUID": "GPU-b" }, "values": [[at, "79"]] }]);
        matrix(if of.query.contains("XID_ERRORS") { &xid } else { &none })
    })
    .await;
    let told = before(&facts);
    let [xid] = told[..] else { panic!("{told:?}") };
    assert_eq!((xid.list, xid.metric, xid.step_ms, xid.more), (1, Metric::Xid, 60_000, 0));
    let at = Stamp(i64::try_from(ranges[0].end - 2_400).unwrap() * 1_000);
    assert_eq!(xid.found, [(1, at, Reading::of(79.0))]);

    assert_eq!(ranges.len(), 3, "{ranges:?}");
    for of in &ranges {
        assert_eq!((of.end - of.start, of.step), (86_400, 60), "{of:?}");
        assert!(of.query.contains(" offset 60s"), "the server compares: {of:?}");
    }
    let lists = |fact: &Fact| matches!(fact, Fact::Devices(_));
    let place = |test: &dyn Fn(&Fact) -> bool| facts.iter().position(test);
    assert!(place(&lists) < place(&|fact| matches!(fact, Fact::Before(_))), "who they are comes first");
}

#[tokio::test(start_paused = true)]
async fn what_a_server_will_not_tell_of_before_is_said_and_the_rest_is_told() {
    let (facts, ranges) = watched(|of| match of.query.contains("XID_ERRORS") {
        true => error(422, "", "execution", "query processing would load too many samples"),
        false => matrix(&json!([])),
    })
    .await;
    assert_eq!((before(&facts).len(), ranges.len()), (0, 3));
    let mut probed = facts.iter().filter_map(|fact| match fact {
        Fact::Source(SourceFact::Probed(probed)) => Some(probed),
        _ => None,
    });
    let not = probed.next_back().unwrap().may_not.join(" ");
    assert!(not.contains("read what was before") && not.contains("too many samples"), "{not}");
    let healths: Vec<&Health> = facts
        .iter()
        .filter_map(|fact| if let Fact::Source(SourceFact::Health(health)) = fact { Some(health) } else { None })
        .collect();
    assert!(matches!(healths[..], [Health::Starting { .. }, Health::Well]), "it is as well as it was: {healths:?}");
}
