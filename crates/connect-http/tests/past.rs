//! What a server keeps of the past, before one that is scripted for what a real one does not do on demand: a lower limit
//! of points, a metric that it will not answer for. Time is paused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::open;
use pilothouse_connect::{
    Clock, Connector, PastQuery, Sink,
    conformance::{
        now,
        scripted::{Reply, Scripted},
    },
};
use pilothouse_connect_http::prometheus::stand::{error, ranged, well};
use pilothouse_wire::{Code, ConnectionId, Metric, Problem, Stamp, view::Series};
use pilothouse_world::Fact;
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc;

/// The steps that were asked for, in seconds.
type Steps = Arc<Mutex<Vec<u64>>>;

const LIMITED: &str = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution \
                       (?step=XX)";

/// Asks for the last day of two GPUs, once the watch has looked at them.
async fn day(least_step: u64, metrics: &[Metric]) -> (Result<Vec<Series>, Problem>, Vec<u64>) {
    let steps = Steps::default();
    let asked = Arc::clone(&steps);
    let server = Scripted::start(move |path, _| {
        let Some(range) = ranged(path) else { return well(path) };
        asked.lock().unwrap().push(range.step);
        if range.step < least_step {
            return error(400, "", "bad_data", LIMITED);
        }
        if range.query.contains("DCGM_FI_DEV_GPU_TEMP") {
            return error(422, "", "execution", "query processing would load too many samples into memory");
        }
        let values: Vec<_> =
            (0..=(range.end - range.start) / range.step).map(|n| json!([range.start + n * range.step, "7"])).collect();
        let data = json!({ "resultType": "matrix", "result": [{ "metric": {}, "values": values }] });
        Reply::Json(200, "", json!({ "status": "success", "data": data }))
    })
    .await
    .unwrap();
    let connector: Arc<dyn Connector> = open(&[("url", &server.url)], Clock::of(now)).unwrap();
    looked(&connector).await;
    let until = now();
    let wanted = PastQuery {
        gpus: vec!["GPU-a".into(), "GPU-b".into()],
        metrics: metrics.to_vec(),
        since: until.minus(Duration::from_secs(86_400)),
        until,
        most_points: 300,
    };
    let outcome = connector.past(&wanted).await;
    let steps = steps.lock().unwrap().clone();
    (outcome, steps)
}

/// Until its watch has said which GPUs there are.
async fn looked(connector: &Arc<dyn Connector>) {
    let (way, mut batches) = mpsc::channel(64);
    let (watched, sink) = (Arc::clone(connector), Sink::new(ConnectionId::slug("gpus"), way, Clock::of(now)));
    let task = tokio::spawn(async move { watched.watch(sink).await });
    while let Some(batch) = batches.recv().await {
        if batch.facts.iter().any(|fact| matches!(fact, Fact::Devices(_))) {
            break;
        }
    }
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_day_has_few_points_and_fewer_where_the_server_has_a_lower_limit() {
    let (day_at_once, steps) = day(0, &[Metric::Power]).await;
    let series = day_at_once.unwrap();
    assert_eq!((series.len(), series[0].metric, steps), (1, Metric::Power, vec![288]));
    assert!((300..=301).contains(&series[0].points.len()), "{}", series[0].points.len());

    let (widened, steps) = day(4_000, &[Metric::Power]).await;
    assert_eq!(steps, [288, 1_152, 4_608]);
    assert_eq!(widened.unwrap()[0].points.len(), 86_400 / 4_608 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_lower_than_all_patience_is_told() {
    let (refused, steps) = day(1_000_000, &[Metric::Power]).await;
    let problem = refused.unwrap_err();
    assert_eq!(steps, [288, 1_152, 4_608, 18_432]);
    assert_eq!(problem.code, Code::BadInput);
    assert!(problem.why.as_ref().is_some_and(|why| why.contains("11,000 points")), "{problem:?}");
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_the_server_will_not_answer_for_leaves_the_others() {
    let (some, _) = day(0, &[Metric::Temperature, Metric::Power]).await;
    assert_eq!(some.unwrap().iter().map(|series| series.metric).collect::<Vec<_>>(), [Metric::Power]);
    let (none, _) = day(0, &[Metric::Temperature]).await;
    assert!(none.unwrap_err().why.is_some_and(|why| why.contains("too many samples")));
}

#[tokio::test(start_paused = true)]
async fn before_anybody_looked_there_is_nothing_to_ask_for() {
    let server = Scripted::start(move |path, _| well(path)).await.unwrap();
    let connector = open(&[("url", &server.url)], Clock::of(now)).unwrap();
    let wanted = PastQuery {
        gpus: vec!["GPU-a".into()],
        metrics: vec![Metric::Power],
        since: Stamp(0),
        until: now(),
        most_points: 300,
    };
    assert_eq!(connector.past(&wanted).await.unwrap(), []);
    assert!(server.asked().is_empty());
}
