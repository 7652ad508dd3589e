//! A hundred changes a second on the real servers: from the patch to the frame, beside a plain watch of the same pods.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use acceptance::{Api, Context, Failure, Result, api::items};
use pilothouse_wire::view::FleetView;
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::engine;
use crate::follower::{Follower, Shown};
use crate::plain::{Lines, Plain};
use crate::report::{Figure, Report, say};
use crate::stand::Stand;
use crate::statistics::{median, quantile};
use crate::ticks::{self, Made};

/// Changes a second.
const RATE: u32 = 100;
/// Patches under way at most: a server that falls behind is then seen in the rate, not in a heap of connections.
const UNDER_WAY: usize = 64;
/// How long the last changes may take to arrive.
const LAST: Duration = Duration::from_secs(20);

/// Measures it.
pub async fn measure(stand: &Stand, report: &mut Report) -> Result<()> {
    say("fleet-churn: the engine and a plain watch begin.");
    let running = engine::watching(&stand.plane.kubeconfig(), "admin").await?;
    let mut follower = Follower::start(&running.operator.reader(), 0).await?;
    let plain = Plain::new(&stand.plane)?;
    let version = stand.plane.api()?.get("/api/v1/pods?limit=1").await?;
    let version = version["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    let lines = plain.watch("/api/v1/pods", &version).await?;

    let pods = stand.pod_names().await?;
    let count = (stand.size.churn.as_secs_f64() * f64::from(RATE)) as usize;
    let made = Arc::new(Made::none_of(count));
    let bare = tokio::spawn(hear(lines, Arc::clone(&made), count));
    let changing = tokio::spawn(change(Arc::new(plain), pods, Arc::clone(&made), count));
    let seen = follow(&mut follower, &changing, &made, count).await?;
    let rate = changing.await.could_not("make the changes")??;
    let heard = timeout(LAST, bare).await.map_err(|_| Failure::new("the plain watch did not hear all changes"))?;
    let heard = heard.could_not("hear the changes")??;

    let differences = settle(&mut follower, &stand.plane.api()?).await?;
    let (frames, whole) = follower.counts;
    say(&format!("  {} of {count} changes in {frames} frames, {whole} of them whole.", seen.to_frame.len()));
    let (to_frame, bare) = (quantile(&seen.to_frame, 0.99), quantile(&heard, 0.99));
    report.add(Figure::new("fleet-churn.p99_ms", quantile(&seen.in_engine, 0.99), "ms").at_most(120.0).beside(
        "median",
        median(&seen.in_engine),
        "ms",
    ));
    report.add(Figure::new("fleet-churn.over_bare_ms", to_frame - bare, "ms").at_most(120.0).beside(
        "plain watch, p99",
        bare,
        "ms",
    ));
    report.add(Figure::new("fleet-churn.differences", differences as f64, "").at_most(0.0));
    report.add(Figure::new("fleet-churn.rate", rate, "/s").beside("asked for", f64::from(RATE), "/s"));
    running.operator.shutdown().await;
    Ok(())
}

/// What a door saw of the changes, in milliseconds.
#[derive(Default)]
struct Seen {
    /// From hearing the event to the frame.
    in_engine: Vec<f64>,
    /// From making the change to the frame.
    to_frame: Vec<f64>,
}

/// Takes frames until all changes are shown, or nothing more comes of those that a later one has overtaken.
async fn follow<T>(follower: &mut Follower, changing: &JoinHandle<T>, made: &Made, count: usize) -> Result<Seen> {
    let (mut seen, mut end) = (Seen::default(), None);
    while seen.to_frame.len() < count && end.is_none_or(|end| Instant::now() < end) {
        if end.is_none() && changing.is_finished() {
            end = Some(Instant::now() + Duration::from_secs(3));
        }
        let Ok(shown) = timeout(Duration::from_secs(1), follower.next()).await else { continue };
        for Shown { number, heard, here, at, .. } in shown? {
            seen.in_engine.push(here.since(heard).as_secs_f64() * 1_000.0);
            seen.to_frame.extend(made.millis_until(number, at));
        }
    }
    Ok(seen)
}

/// The plain watch: how long each change took to be heard, in milliseconds.
async fn hear(mut lines: Lines, made: Arc<Made>, count: usize) -> Result<Vec<f64>> {
    let mut heard = Vec::with_capacity(count);
    while heard.len() < count {
        let number = ticks::in_line(lines.next().await?);
        heard.extend(number.and_then(|number| made.millis_until(number, Instant::now())));
    }
    Ok(heard)
}

/// Changes one pod after the other, and gives how many a second were done.
async fn change(plain: Arc<Plain>, pods: Vec<(String, String)>, made: Arc<Made>, count: usize) -> Result<f64> {
    let mut under_way = JoinSet::new();
    let mut turn = interval(Duration::from_secs(1) / RATE);
    turn.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let began = Instant::now();
    for number in 0..count {
        turn.tick().await;
        while under_way.len() >= UNDER_WAY {
            done(under_way.join_next().await)?;
        }
        let pod = pods[number % pods.len()].clone();
        let (plain, made) = (Arc::clone(&plain), Arc::clone(&made));
        under_way.spawn(async move {
            made.note(number);
            plain.change(&pod, &ticks::word(number)).await
        });
    }
    while !under_way.is_empty() {
        done(under_way.join_next().await)?;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

fn done(ended: Option<std::result::Result<Result<()>, tokio::task::JoinError>>) -> Result<()> {
    ended.map_or(Ok(()), |ended| ended.could_not("change a pod")?)
}

/// Waits until the world is as the API lists it, and counts what still differs when it should be.
async fn settle(follower: &mut Follower, api: &Api) -> Result<usize> {
    let deadline = Instant::now() + LAST;
    loop {
        let (pods, nodes) = (api.get("/api/v1/pods").await?, api.get("/api/v1/nodes").await?);
        let listed: BTreeSet<String> = items(&pods).iter().map(pod).chain(items(&nodes).iter().map(node)).collect();
        while let Ok(shown) = timeout(Duration::from_millis(300), follower.next()).await {
            shown?;
        }
        let shown = of_fleet(follower.fleet()?);
        let differs = shown.symmetric_difference(&listed);
        if differs.clone().next().is_none() || Instant::now() > deadline {
            differs.clone().take(5).for_each(|one| say(&format!("  only on one side: {one}")));
            return Ok(differs.count());
        }
    }
}

fn of_fleet(fleet: &FleetView) -> BTreeSet<String> {
    let pods = fleet.pods.rows().iter().map(|row| {
        let on = row.node.as_deref().unwrap_or_default();
        let id = &row.id;
        let number = ticks::number(&row.status_word);
        format!("pod {}/{} on {on}, {} ready, change {number:?}", id.namespace, id.name, row.ready)
    });
    let nodes = fleet.nodes.rows().iter().map(|row| format!("node {}, {} GPUs", row.id.name, row.gpus.len()));
    pods.chain(nodes).collect()
}

fn pod(of: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let containers = of["status"]["containerStatuses"].as_array().into_iter().flatten();
    let ready = containers.filter(|container| container["ready"] == true).count();
    let number = ticks::number(of["status"]["reason"].as_str().unwrap_or_default());
    let (namespace, name) = (text(&of["metadata"]["namespace"]), text(&of["metadata"]["name"]));
    let on = text(&of["spec"]["nodeName"]);
    format!("pod {namespace}/{name} on {on}, {ready} ready, change {number:?}")
}

fn node(of: &Value) -> String {
    let gpus = of["status"]["capacity"][acceptance::GPU].as_str().unwrap_or("0");
    format!("node {}, {gpus} GPUs", of["metadata"]["name"].as_str().unwrap_or_default())
}
