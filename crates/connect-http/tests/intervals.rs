//! How often a server is asked: as often as its targets are scraped, and never more often than every five seconds. Time is
//! paused.

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
use pilothouse_connect_http::prometheus::stand::{asked, seconds, vector, well};
use pilothouse_wire::ConnectionId;
use pilothouse_world::{Batch, Fact, fact::SourceFact};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{sync::mpsc, time::Instant};

/// A server whose targets are scraped so often.
fn scraped_every(step: f64) -> impl Fn(&str, usize) -> Reply + Send + Sync + 'static {
    move |path, _| match asked(path) {
        Some(query) if query.starts_with("{__name__") => {
            let last = seconds() - 1.0;
            let values: Vec<Value> = (0..40).map(|at| json!([last - step * f64::from(39 - at), "1"])).collect();
            let result = json!([{ "metric": { "UUID": "GPU-a", "job": "dcgm" }, "values": values }]);
            let data = json!({ "resultType": "matrix", "result": result });
            Reply::Json(200, "", json!({ "status": "success", "data": data }))
        }
        _ => well(path),
    }
}

/// Every how many milliseconds GPUs are said to be measured, the distances between polls, and the longest time for which the
/// server was not heard.
async fn told(step: f64) -> (u64, Vec<u64>, u64) {
    let server = Scripted::start(scraped_every(step)).await.unwrap();
    let connector = open(&[("url", &server.url)], Clock::of(now)).unwrap();
    let (way, mut batches) = mpsc::channel::<Batch>(64);
    let sink = Sink::new(ConnectionId::slug("gpus"), way, Clock::of(now));
    let task = tokio::spawn(async move { connector.watch(sink).await });
    let until = Instant::now() + Duration::from_secs(100).max(Duration::from_secs_f64(6.0 * step));
    let (mut interval, mut polls, mut heard, mut silent) = (0, Vec::new(), Instant::now(), Duration::ZERO);
    while let Ok(Some(batch)) = tokio::time::timeout_at(until, batches.recv()).await {
        for fact in batch.facts {
            match fact {
                Fact::Devices(list) => interval = list.interval_ms,
                Fact::Readings(_) => polls.push(Instant::now()),
                Fact::Source(SourceFact::Heard) => {
                    silent = silent.max(heard.elapsed());
                    heard = Instant::now();
                }
                _ => {}
            }
        }
    }
    task.abort();
    let apart = polls.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    (interval, apart, silent.as_secs())
}

/// Two GPUs by a job every five seconds, one by another every minute; the server knows which samples are whose.
fn of_two_jobs(path: &str, _: usize) -> Reply {
    let Some(query) = asked(path) else { return well(path) };
    let jobs = [("GPU-1", "fast", 5.0), ("GPU-2", "slow", 60.0), ("GPU-3", "fast", 5.0)];
    let labels = |id: &str, job: &str| json!({ "UUID": id, "job": job, "Hostname": "n" });
    if query.starts_with("{__name__") {
        let last = seconds() - 1.0;
        let of = |(id, job, step): &(&str, &str, f64)| {
            let values: Vec<Value> = (0..10).map(|at| json!([last - step * f64::from(9 - at), "1"])).collect();
            json!({ "metric": labels(id, job), "values": values })
        };
        let result: Vec<Value> = jobs.iter().filter(|(id, ..)| query.contains(*id)).map(of).collect();
        let data = json!({ "resultType": "matrix", "result": result });
        return Reply::Json(200, "", json!({ "status": "success", "data": data }));
    }
    if query.contains("timestamp(") && !query.starts_with("label_replace(") {
        let at = |(id, job, _): (&str, &str, f64)| (labels(id, job), (seconds() - 1.0).to_string());
        return vector(jobs.into_iter().map(at));
    }
    vector(std::iter::empty())
}

#[tokio::test(start_paused = true)]
async fn each_job_is_looked_at_and_each_gpu_has_its_own_pace() {
    let server = Scripted::start(of_two_jobs).await.unwrap();
    let connector = open(&[("url", &server.url)], Clock::of(now)).unwrap();
    let (way, mut batches) = mpsc::channel::<Batch>(64);
    let sink = Sink::new(ConnectionId::slug("gpus"), way, Clock::of(now));
    let task = tokio::spawn(async move { connector.watch(sink).await });
    let (until, mut lists, mut paces, mut polls) = (Instant::now() + Duration::from_secs(60), 0, Vec::new(), 0);
    while let Ok(Some(batch)) = tokio::time::timeout_at(until, batches.recv()).await {
        for fact in batch.facts {
            match fact {
                Fact::Devices(list) => {
                    lists += 1;
                    assert_eq!(list.interval_ms, 60_000, "the slowest makes nobody stale");
                }
                Fact::Paced(_, told) => paces.push(told),
                Fact::Readings(_) => polls += 1,
                _ => {}
            }
        }
    }
    task.abort();
    assert_eq!((lists, paces), (1, vec![vec![(0, 5_000), (1, 60_000), (2, 5_000)]]));
    assert!(polls >= 10, "asked as often as the fastest is scraped: {polls}");
}

#[tokio::test(start_paused = true)]
async fn a_server_is_asked_as_often_as_its_targets_are_scraped() {
    for (step, interval, every) in [
        (7.0, 7_000, 7),
        (10.0, 10_000, 10),
        (15.0, 15_000, 15),
        // Never more often than every five seconds, however often it is scraped.
        (1.0, 5_000, 5),
        // Who is scraped seldom has nothing new in between; that the server lives is heard all the same.
        (60.0, 60_000, 60),
        (300.0, 300_000, 300),
    ] {
        let (told, polls, silent) = told(step).await;
        assert_eq!(told, interval, "scraped every {step} s");
        // The first polls come before the interval is known.
        assert!(polls.len() >= 4 && polls.iter().skip(1).all(|apart| *apart == every), "{step} s: {polls:?}");
        assert!(silent <= 15, "scraped every {step} s, and not heard for {silent} s");
    }
}
