//! A watch over time: what it says as GPUs come, stop and change hands, and as the server comes and goes. Time is paused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::open;
use pilothouse_connect::{
    Clock, Sink,
    conformance::{
        now,
        scripted::{Reply, Scripted, Then},
    },
};
use pilothouse_connect_http::prometheus::stand::{asked, error, seconds, vector, well};
use pilothouse_wire::{Code, ConnectionId, Health, Metric, Reading};
use pilothouse_world::{
    Batch, Fact,
    fact::{DevicesFact, ReadingsFact, SourceFact},
};
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

/// GPUs as the server has them now.
type Fleet = Arc<Mutex<Vec<&'static str>>>;

struct Watch {
    server: Scripted,
    batches: mpsc::Receiver<Batch>,
    task: JoinHandle<()>,
}

impl Watch {
    async fn start(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let server = Scripted::start(script).await.unwrap();
        let connector = open(&[("url", &server.url), ("cluster", "Prod EU")], Clock::of(now)).unwrap();
        let (way, batches) = mpsc::channel(64);
        let sink = Sink::new(ConnectionId::slug("gpus"), way, Clock::of(now));
        Self { server, batches, task: tokio::spawn(async move { connector.watch(sink).await }) }
    }

    /// What it says in a while.
    async fn hear(&mut self, span: Duration) -> Vec<Fact> {
        let until = Instant::now() + span;
        let mut facts = Vec::new();
        while let Ok(Some(batch)) = tokio::time::timeout_at(until, self.batches.recv()).await {
            facts.extend(batch.facts);
        }
        facts
    }

    fn queries(&self) -> usize {
        self.server.asked().iter().filter(|path| path.contains("/query?")).count()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lists(facts: &[Fact]) -> Vec<&DevicesFact> {
    let mut lists = Vec::new();
    for fact in facts {
        if let Fact::Devices(list) = fact {
            lists.push(&**list);
        }
    }
    lists
}

fn readings(facts: &[Fact]) -> Vec<&ReadingsFact> {
    let mut all = Vec::new();
    for fact in facts {
        if let Fact::Readings(readings) = fact {
            all.push(&**readings);
        }
    }
    all
}

/// Of which GPUs of which lists it was said that there was nothing.
fn silent(facts: &[Fact]) -> Vec<(u32, Vec<u32>)> {
    let said = |fact: &Fact| if let Fact::Silent(list, places) = fact { Some((*list, places.clone())) } else { None };
    facts.iter().filter_map(said).collect()
}

fn healths(facts: &[Fact]) -> Vec<&Health> {
    let mut all = Vec::new();
    for fact in facts {
        if let Fact::Source(SourceFact::Health(health)) = fact {
            all.push(health);
        }
    }
    all
}

/// Answers with the fleet as it is.
fn of_fleet(fleet: &Fleet) -> impl Fn(&str, usize) -> Reply + Send + Sync + 'static {
    let fleet = Arc::clone(fleet);
    move |path, _| {
        let Some(query) = asked(path) else { return well(path) };
        let ids = fleet.lock().unwrap().clone();
        let labels = |id: &&str| json!({ "UUID": id, "Hostname": "n" });
        if query.contains("timestamp(") {
            return vector(ids.iter().map(|id| (labels(id), (seconds() - 3.0).to_string())));
        }
        match query.starts_with("max by") && query.contains("(DCGM_FI_DEV_GPU_TEMP)") {
            true => vector(ids.iter().map(|id| (labels(id), "71".to_owned()))),
            false => vector(std::iter::empty()),
        }
    }
}

const SOME_POLLS: Duration = Duration::from_secs(70);

#[tokio::test(start_paused = true)]
async fn a_gpu_that_stops_ages_and_one_that_comes_is_listed_at_once() {
    let fleet = Fleet::new(Mutex::new(vec!["a", "b"]));
    let mut watch = Watch::start(of_fleet(&fleet)).await;
    let first = watch.hear(SOME_POLLS).await;
    let [list] = lists(&first)[..] else { panic!("{first:?}") };
    assert_eq!((list.list, list.devices.len(), list.interval_ms), (1, 2, 15_000));
    assert_eq!(list.cluster, Some(ConnectionId::slug("prod-eu")));
    assert!(list.missing.iter().any(|missing| missing.metric == Metric::SmActive));
    assert!(readings(&first).len() >= 4);
    assert_eq!(readings(&first)[0].columns, [(Metric::Temperature, vec![Reading::of(71.0); 2])]);
    assert_eq!(healths(&first).last(), Some(&&Health::Well));

    // Its place stays, with no time of a measurement; the list is the same.
    *fleet.lock().unwrap() = vec!["b"];
    let stopped = watch.hear(SOME_POLLS).await;
    assert!(lists(&stopped).is_empty(), "{stopped:?}");
    let last = readings(&stopped).last().copied().unwrap();
    assert!(last.at[0].is_none() && last.at[1].is_some());
    assert_eq!(last.columns, [(Metric::Temperature, vec![Reading::ABSENT, Reading::of(71.0)])]);
    assert_eq!(silent(&stopped), [(1, vec![0])], "it is told once, at the poll that misses it");

    *fleet.lock().unwrap() = vec!["b", "c"];
    let came = watch.hear(SOME_POLLS).await;
    let [list] = lists(&came)[..] else { panic!("{came:?}") };
    assert_eq!((list.list, list.devices.len()), (2, 3));
    assert!(readings(&came).iter().all(|readings| readings.list == 2 && readings.at.len() == 3));

    // Nothing is left: what was known ages, and it is told why.
    fleet.lock().unwrap().clear();
    let nothing = watch.hear(SOME_POLLS).await;
    assert!(lists(&nothing).is_empty() && readings(&nothing).is_empty(), "{nothing:?}");
    assert_eq!(silent(&nothing), [(2, vec![0, 1, 2])]);
    assert!(matches!(healths(&nothing)[..], [Health::Partial(problem)] if problem.code == Code::NotFound));
}

#[tokio::test(start_paused = true)]
async fn a_gpu_that_goes_to_another_pod_or_node_is_told_of_at_the_next_poll() {
    let place = Arc::new(Mutex::new(("n", "chat-0")));
    let now = Arc::clone(&place);
    let mut watch = Watch::start(move |path, _| {
        let Some(query) = asked(path) else { return well(path) };
        let (node, pod) = *now.lock().unwrap();
        let labels = json!({ "UUID": "a", "Hostname": node, "exported_namespace": "serving", "exported_pod": pod });
        match query.contains("timestamp(") {
            true => vector([(labels, (seconds() - 3.0).to_string())]),
            false => vector(std::iter::empty()),
        }
    })
    .await;
    let mut held = async || {
        let facts = watch.hear(Duration::from_secs(20)).await;
        let of = |list: &&DevicesFact| (list.devices[0].node.clone(), list.devices[0].claims[0].pod.clone());
        lists(&facts).iter().map(of).collect::<Vec<_>>()
    };
    let said = |node: &str, pod: &str| vec![(Some(node.into()), pod.into())];
    assert_eq!(held().await, said("n", "chat-0"));
    *place.lock().unwrap() = ("n", "chat-1");
    assert_eq!(held().await, said("n", "chat-1"));
    *place.lock().unwrap() = ("m", "chat-1");
    assert_eq!(held().await, said("m", "chat-1"));
    assert!(held().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_measures_is_asked_for_only_now_and_then() {
    let fleet = Fleet::new(Mutex::new(vec!["a"]));
    let mut watch = Watch::start(of_fleet(&fleet)).await;
    watch.hear(Duration::from_secs(10)).await;
    let first = watch.queries();
    watch.hear(Duration::from_secs(150)).await;
    // Ten polls: the times, the one metric that there is, and whether a pod serves.
    assert!(first > 20 && watch.queries() - first <= 32, "{first}, then {}", watch.queries() - first);
    watch.hear(Duration::from_secs(180)).await;
    assert!(watch.queries() > 2 * first, "no look after five minutes: {}", watch.queries());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_patience_is_slow_and_the_list_outlives_it() {
    let busy = |path: &str, before: usize| match asked(path) {
        Some(_) if (60..63).contains(&before) => error(503, "retry-after: 45\r\n", "unavailable", "starting up"),
        _ => well(path),
    };
    let mut watch = Watch::start(busy).await;
    let facts = watch.hear(Duration::from_secs(400)).await;
    let healths = healths(&facts);
    assert!(
        matches!(healths[..], [Health::Starting { .. }, Health::Well, Health::Slow(_), .., Health::Well]),
        "{healths:?}"
    );
    let problem = healths[2].problem().unwrap();
    assert!(problem.code == Code::ServerFailed && problem.to_string().contains("wait 45 s"), "{problem}");
    assert_eq!(lists(&facts).len(), 1, "the same GPUs are listed anew");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_too_slowly_is_said_to_until_it_is_quick_again() {
    let is_slow = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&is_slow);
    let mut watch = Watch::start(move |path, _| match (asked(path), well(path)) {
        // Each answer in time, and all of them together later than the next poll is due.
        (Some(_), Reply::Json(200, _, body)) if now.load(Ordering::Relaxed) => {
            Reply::Stream(vec![(Duration::from_secs(4), body.to_string())], Then::End)
        }
        (_, reply) => reply,
    })
    .await;
    let first = watch.hear(SOME_POLLS).await;
    assert_eq!(healths(&first).last(), Some(&&Health::Well));
    is_slow.store(true, Ordering::Relaxed);
    let facts = watch.hear(Duration::from_secs(240)).await;
    let Some(Health::Slow(problem)) = healths(&facts).last() else { panic!("{:?}", healths(&facts)) };
    let said = problem.to_string();
    assert!(said.contains("answers slowly") && said.contains("they are asked every 15 s"), "{said}");
    assert!(readings(&facts).len() >= 3, "what comes late comes all the same: {}", readings(&facts).len());
    is_slow.store(false, Ordering::Relaxed);
    let again = watch.hear(Duration::from_secs(120)).await;
    assert_eq!(healths(&again).last(), Some(&&Health::Well));
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_is_called_otherwise_is_read_on_and_one_that_is_dropped_is_said_to_be_missing() {
    let name = Arc::new(Mutex::new(Some("DCGM_FI_DEV_CLOCK_THROTTLE_REASONS")));
    let now = Arc::clone(&name);
    let mut watch = Watch::start(move |path, _| {
        let Some(query) = asked(path) else { return well(path) };
        let labels = json!({ "UUID": "a", "Hostname": "n" });
        if query.contains("timestamp(") {
            return vector([(labels, (seconds() - 3.0).to_string())]);
        }
        let is_there = now.lock().unwrap().is_some_and(|name| query.starts_with("max by") && query.contains(name));
        vector(is_there.then(|| (labels, "4".to_owned())))
    })
    .await;
    let reasons = |facts: &[Fact]| {
        let last = readings(facts).last().copied().cloned()?;
        let column = last.columns.into_iter().find(|(metric, _)| *metric == Metric::ClockReasons);
        column.and_then(|(_, column)| column[0].finite())
    };
    assert_eq!(reasons(&watch.hear(SOME_POLLS).await), Some(4.0));
    // As builds of late call it.
    *name.lock().unwrap() = Some("DCGM_FI_DEV_CLOCKS_EVENT_REASONS");
    assert_eq!(reasons(&watch.hear(SOME_POLLS).await), Some(4.0));
    *name.lock().unwrap() = None;
    let dropped = watch.hear(Duration::from_secs(400)).await;
    assert_eq!(reasons(&dropped), None);
    let list = lists(&dropped).last().copied().unwrap();
    assert!(list.missing.iter().any(|missing| missing.metric == Metric::ClockReasons), "{:?}", list.missing);
}
