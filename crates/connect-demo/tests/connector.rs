//! The demo as a connector: it lists, it is heard, it ends with its sink. Time is paused.
#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use pilothouse_connect::{Clock, Connector, Opening, Relays, Sink};
use pilothouse_connect_demo::KIND;
use pilothouse_wire::{Code, ConnectionId, Health, ObjectRef, Stamp};
use pilothouse_world::{Batch, Extent, Fact, fact::SourceFact};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// A clock that runs with tokio's paused time.
fn clock() -> Clock {
    let start = Instant::now();
    Clock::of(move || Stamp(1_795_489_964_000).plus(start.elapsed()))
}

fn open(cluster: &str, clock: Clock) -> Arc<dyn Connector> {
    let opening = Opening {
        id: ConnectionId::slug(cluster),
        name: cluster.into(),
        values: BTreeMap::from([("cluster".into(), cluster.into())]),
        secrets: BTreeMap::new(),
        trusted: Vec::new(),
        clock,
        relays: Relays::none(),
        sought: &[],
    };
    (KIND.open)(opening).unwrap()
}

/// Watches for a while and returns what was said.
async fn watched(demo: Arc<dyn Connector>, clock: Clock, span: Duration) -> Vec<Batch> {
    let (way, mut batches) = mpsc::channel(8);
    let sink = Sink::new(ConnectionId::slug("demo"), way, clock);
    let watch = tokio::spawn(async move { demo.watch(sink).await });
    let mut said = Vec::new();
    let until = Instant::now() + span;
    while let Ok(Some(batch)) = tokio::time::timeout_at(until, batches.recv()).await {
        said.push(batch);
    }
    drop(batches);
    // It ends by itself once nobody listens.
    watch.await.unwrap();
    said
}

fn source_facts(said: &[Batch]) -> impl Iterator<Item = (Stamp, &SourceFact)> {
    said.iter().flat_map(|batch| {
        batch.facts.iter().filter_map(|fact| match fact {
            Fact::Source(fact) => Some((batch.seen_at, fact)),
            _ => None,
        })
    })
}

#[tokio::test(start_paused = true)]
async fn it_lists_everything_first_and_is_heard_within_its_period() {
    let clock = clock();
    let said = watched(open("fra-train", clock.clone()), clock, Duration::from_secs(120)).await;
    let replaced = said.iter().filter(|batch| matches!(batch.extent, Extent::Replace(_))).count();
    assert_eq!(replaced, 9);
    assert!(matches!(source_facts(&said).next(), Some((_, SourceFact::Health(Health::Starting { .. })))));
    assert!(source_facts(&said).any(|(_, fact)| matches!(fact, SourceFact::Health(Health::Well))));
    for pair in said.windows(2) {
        let gap = pair[1].seen_at.since(pair[0].seen_at);
        assert!(gap <= Duration::from_secs(5), "silent for {gap:?} at {}", pair[0].seen_at);
    }
}

#[tokio::test(start_paused = true)]
async fn gpus_are_listed_before_it_is_well_and_measured_again_and_again() {
    let clock = clock();
    let said = watched(open("fra-train", clock.clone()), clock, Duration::from_secs(62)).await;
    let facts: Vec<&Fact> = said.iter().flat_map(|batch| &batch.facts).collect();
    let well = facts.iter().position(|fact| matches!(fact, Fact::Source(SourceFact::Health(Health::Well)))).unwrap();
    assert!(facts[..well].iter().any(|fact| matches!(fact, Fact::Devices(_))));
    let mut list = None;
    let mut measured = 0;
    for fact in facts {
        match fact {
            Fact::Devices(devices) => list = Some((devices.list, devices.devices.len())),
            Fact::Readings(readings) => {
                assert_eq!(list, Some((readings.list, readings.at.len())));
                measured += 1;
            }
            _ => {}
        }
    }
    assert_eq!(measured, 13);
}

#[tokio::test(start_paused = true)]
async fn a_lost_cluster_is_not_heard_and_is_listed_anew_when_it_is_back() {
    let clock = clock();
    let said = watched(open("ord-prod", clock.clone()), clock, Duration::from_secs(400)).await;
    let lost: Vec<(Stamp, &Health)> = source_facts(&said)
        .filter_map(|(at, fact)| match fact {
            SourceFact::Health(health @ Health::Lost(_)) => Some((at, health)),
            _ => None,
        })
        .collect();
    let (from, problem) = lost.first().map(|(at, health)| (*at, health.problem().unwrap())).unwrap();
    assert_eq!((problem.code, problem.what.as_str()), (Code::Refused, "ord-prod refused the connection."));
    assert!(problem.why.as_ref().is_some_and(|why| why.contains("demo")), "{problem}");
    let back = said.iter().find(|batch| batch.seen_at > from && matches!(batch.extent, Extent::Replace(_))).unwrap();
    let span = back.seen_at.since(from);
    assert!((28..35).contains(&span.as_secs()), "{span:?}");
    let between = said.iter().filter(|batch| batch.seen_at > from && batch.seen_at < back.seen_at);
    let heard = |fact: &Fact| !matches!(fact, Fact::Source(fact) if !matches!(fact, SourceFact::Heard));
    assert!(!between.flat_map(|batch| &batch.facts).any(heard));
}

#[tokio::test(start_paused = true)]
async fn a_probe_says_that_it_is_the_demo() {
    let demo = open("iad-prod", clock());
    let tested = demo.probe().await.unwrap();
    assert_eq!((tested.version.as_deref(), tested.identity.as_deref()), (Some("v1.36 demo"), Some("demo")));
    assert!(demo.about().demo && tested.problem.is_none() && !tested.may.is_empty());
}

#[tokio::test(start_paused = true)]
async fn yaml_is_built_of_facts_and_says_that_it_is_made_up() {
    let clock = clock();
    let demo = open("iad-prod", clock.clone());
    let node: ObjectRef = "node:iad-prod/h100-117".parse().unwrap();
    assert_eq!(demo.yaml(&node).await.map_err(|problem| problem.code), Err(Code::NotFound));
    watched(demo.clone(), clock, Duration::from_secs(2)).await;
    insta::assert_snapshot!(demo.yaml(&node).await.unwrap());
    let service: ObjectRef = "workload:iad-prod/serving/Rollout/chat-70b".parse().unwrap();
    insta::assert_snapshot!(demo.yaml(&service).await.unwrap());
    let memory: ObjectRef = "pod:iad-prod/assistant/memory-3".parse().unwrap();
    insta::assert_snapshot!(demo.yaml(&memory).await.unwrap());
    let nothing: ObjectRef = "pod:iad-prod/serving/nothing".parse().unwrap();
    assert_eq!(demo.yaml(&nothing).await.map_err(|problem| problem.code), Err(Code::NotFound));
}
