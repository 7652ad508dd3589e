//! What serving engines say, joined to the pods of the right cluster and rolled up to workloads; and never guessed.
#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use pilothouse_wire::{
    ConnectionId, ObjectRef, Reading, ServingEngine, ServingMetric, Stamp,
    view::{FleetSpec, FleetView, ServingRow},
};
use pilothouse_world::{
    Batch, Extent, Fact, Touched, World,
    fact::{Covers, Kind, OwnerFact, Phase, PodFact, ServingFact, ServingPodFact, SourceFact},
    project::{self, FleetProjection},
};

fn said(source: &str, at: i64, extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: ConnectionId::slug(source), seen_at: Stamp(at), extent, facts }
}

fn pod(name: &str, deployment: &str) -> PodFact {
    PodFact {
        namespace: "serving".into(),
        name: name.into(),
        phase: Phase::Running,
        node: Some("h-1".into()),
        owners: vec![OwnerFact { kind: "ReplicaSet".into(), name: format!("{deployment}-7c9f").into() }],
        template_hash: Some("7c9f".into()),
        gpus: vec![("nvidia.com/gpu".into(), 1)],
        ..PodFact::default()
    }
}

/// A cluster with these pods of the deployment `chat`.
fn cluster(world: &mut World, id: &str, pods: &[&str]) {
    let facts = pods.iter().map(|name| Fact::Pod(Box::new(pod(name, "chat")))).collect();
    world.apply(said(id, 1_000, Extent::Replace(Covers { kind: Kind::Pod, namespace: None }), facts));
}

/// What is measured of a pod: its name, when, requests that run, and the share of the cache in use.
type Said<'a> = (&'a str, Option<i64>, f32, f32);

/// What a source measures of pods.
fn measured(about: Option<&str>, pods: &[Said<'_>]) -> Fact {
    let engine = |(name, ..): &Said<'_>| ServingPodFact {
        namespace: "serving".into(),
        pod: (*name).into(),
        engine: ServingEngine::Vllm,
        models: vec!["llama".into()],
    };
    let column = |of: fn(&Said<'_>) -> f32| pods.iter().map(|pod| Reading::of(of(pod))).collect();
    Fact::Serving(Box::new(ServingFact {
        cluster: about.map(ConnectionId::slug),
        interval_ms: 15_000,
        pods: pods.iter().map(engine).collect(),
        at: pods.iter().map(|(_, at, ..)| at.map(Stamp)).collect(),
        columns: vec![
            (ServingMetric::Running, column(|(_, _, running, _)| *running)),
            (ServingMetric::KvUse, column(|(.., kv)| *kv)),
        ],
    }))
}

fn tell(world: &mut World, source: &str, fact: Fact) -> Touched {
    world.apply(said(source, 2_000, Extent::Delta, vec![fact]))
}

fn view(world: &World) -> FleetView {
    FleetProjection::new(world, FleetSpec::default()).into_view()
}

fn row(view: &FleetView, object: &str) -> Option<ServingRow> {
    view.serving.get(&object.parse().unwrap()).cloned()
}

fn running(view: &FleetView, object: &str) -> Option<f32> {
    row(view, object).and_then(|row| row.read(ServingMetric::Running).finite())
}

#[test]
fn a_workload_is_its_pods_together_and_one_that_is_silent_counts_in_no_sum() {
    let mut world = World::default();
    cluster(&mut world, "iad", &["chat-a", "chat-b"]);
    let all = [("chat-a", Some(1_500), 3.0, 0.5), ("chat-b", Some(1_600), 4.0, 0.25), ("of-nobody", Some(1), 9.0, 0.9)];
    tell(&mut world, "prom", measured(None, &all));
    let seen = view(&world);
    assert_eq!(seen.serving.len(), 3, "a pod that no cluster has is shown nowhere: {:?}", seen.serving);
    let chat = row(&seen, "workload:iad/serving/Deployment/chat").unwrap();
    assert_eq!(
        [ServingMetric::Running, ServingMetric::KvUse].map(|metric| chat.read(metric)),
        [7.0, 0.5].map(Reading::of)
    );
    assert_eq!((chat.pods, chat.silent, chat.at), (2, 0, Some(Stamp(1_500))));
    assert_eq!((chat.names(), chat.models.as_slice()), ("vLLM".to_owned(), &["llama".into()][..]));
    assert!(!chat.is_stale(Stamp(39_000)) && chat.is_stale(Stamp(39_001)));

    tell(&mut world, "prom", measured(None, &[("chat-a", None, 0.0, 0.0), ("chat-b", Some(16_600), 6.0, 0.75)]));
    let seen = view(&world);
    assert_eq!(running(&seen, "workload:iad/serving/Deployment/chat"), Some(6.0));
    let silent = row(&seen, "pod:iad/serving/chat-a").unwrap();
    assert_eq!((silent.pods, silent.silent, silent.at), (0, 1, Some(Stamp(1_500))));
    assert_eq!(silent.read(ServingMetric::Running), Reading::of(3.0), "what it said last stays, with its time");

    let object: ObjectRef = "workload:iad/serving/Deployment/chat".parse().unwrap();
    let shown = project::object(&world, &object, &Default::default(), Stamp(20_000)).unwrap();
    assert_eq!(shown.serving, row(&seen, "workload:iad/serving/Deployment/chat"));
}

#[test]
fn whose_pod_it_is_is_told_or_clear_and_never_guessed() {
    let mut world = World::default();
    cluster(&mut world, "iad", &["chat-a"]);
    cluster(&mut world, "ord", &["chat-a"]);
    tell(&mut world, "prom", measured(None, &[("chat-a", Some(1_500), 3.0, 0.5)]));
    assert!(view(&world).serving.is_empty(), "two clusters have such a pod");
    tell(&mut world, "prom", measured(Some("ord"), &[("chat-a", Some(1_500), 3.0, 0.5)]));
    let seen = view(&world);
    assert_eq!([running(&seen, "pod:iad/serving/chat-a"), running(&seen, "pod:ord/serving/chat-a")], [None, Some(3.0)]);
    // The cluster's own word goes before another's; two are never made one.
    tell(&mut world, "ord", measured(None, &[("chat-a", Some(1_500), 8.0, 0.5)]));
    let seen = view(&world);
    let own = row(&seen, "pod:ord/serving/chat-a").unwrap();
    assert_eq!(
        (own.source, own.pods, running(&seen, "pod:ord/serving/chat-a")),
        (ConnectionId::slug("ord"), 1, Some(8.0))
    );
}

#[test]
fn patches_add_up_to_what_is_projected_anew() {
    let mut world = World::default();
    let mut projection = FleetProjection::new(&world, FleetSpec::default());
    let mut mirror = FleetView::clone(projection.view());
    let measure = |at, running| measured(None, &[("chat-a", Some(at), running, 0.5)]);
    let removed = Fact::Source(SourceFact::Removed);
    let gone = Fact::PodGone("serving".into(), "chat-a".into());
    let again = Fact::Pod(Box::new(pod("chat-a", "chat")));
    for (source, fact, want) in [
        // The engine is heard of before its pod is.
        ("prom", measure(1_500, 3.0), None),
        ("iad", again.clone(), Some(3.0)),
        ("prom", measure(16_500, 4.0), Some(4.0)),
        ("iad", gone, None),
        ("iad", again, Some(4.0)),
        ("prom", removed, None),
    ] {
        let touched = tell(&mut world, source, fact);
        mirror.apply(projection.update(&world, &touched));
        assert_eq!(mirror, view(&world));
        assert_eq!(running(&mirror, "pod:iad/serving/chat-a"), want);
    }
}
