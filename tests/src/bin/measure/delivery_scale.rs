//! Many services: all of them in the terminal beside curl's listings of what they are made of, and changes of their steps
//! from a plain watch of the same Rollouts to the frame that shows them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acceptance::{
    APP_LABEL, Api, Context, ControlPlane, Failure, GpuNodes, Options, Result, Rollouts, Terminal, api::items,
    rollouts::rollout, until,
};
use futures::{StreamExt, TryStreamExt, stream};
use pilothouse_wire::{
    Body, Patch, View, ViewSpec, When,
    view::{DeliveryRow, FleetSpec},
};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::engine;
use crate::plain::{Lines, Plain};
use crate::report::{Figure, Report, say};
use crate::stand::Size;
use crate::statistics::{median, millis, quantile};
use crate::timed;

/// How long the cluster may take; nothing of this is measured.
const LIMIT: Duration = Duration::from_secs(1_800);
const CONTEXT: &str = "admin";
const ARGUMENTS: [&str; 5] = ["rollout", "list", "--json", "--context", CONTEXT];
const NAMESPACES: usize = 5;
/// Pods of a service.
const PODS: usize = 10;
/// Of so many services one asks for GPUs: a GPU for each of its pods.
const WITH_GPUS: usize = 4;
const AT_ONCE: usize = 16;
/// Steps that wait for a person, behind the first weight: as often can each Rollout be promoted.
const WAITS: usize = 8;
/// Promotions a second.
const RATE: u32 = 10;
/// How long the last may take to be shown.
const LAST: Duration = Duration::from_secs(20);

struct Scale {
    /// Rollouts, and as many Deployments.
    services: usize,
    rounds: usize,
    promotions: usize,
}

const WHOLE: Scale = Scale { services: 500, rounds: 9, promotions: 600 };
const SMALL: Scale = Scale { services: 10, rounds: 3, promotions: 30 };

/// Measures it.
pub async fn measure(size: Size, report: &mut Report) -> Result<()> {
    let scale = if size.is_small() { SMALL } else { WHOLE };
    let plane = ControlPlane::start(Options::default()).await?;
    let rollouts = Rollouts::start(&plane).await?;
    let names = fill(&plane, &scale).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    std::fs::write(terminal.home().join("ca.crt"), plane.ca_pem()).could_not("write the authority")?;
    open(&plane, &terminal, &scale, report).await?;
    step(&plane, &names, &scale, report).await?;
    drop(rollouts);
    Ok(())
}

/// Makes the services, each with a revision of before and one of now; the Rollouts on their way. Answers where the Rollouts are.
async fn fill(plane: &ControlPlane, scale: &Scale) -> Result<Vec<(String, String)>> {
    let of_each = scale.services;
    say(&format!("delivery-scale: {of_each} Rollouts, {of_each} Deployments, {} pods.", 2 * of_each * PODS));
    let gpus = of_each * 2 * PODS / WITH_GPUS;
    plane.add_gpu_nodes(&GpuNodes::new("delivery", (gpus / 8).max(of_each / 5) + 4, 8), LIMIT).await?;
    let mut namespaces = Vec::new();
    for _ in 0..NAMESPACES {
        namespaces.push(plane.namespace("serving").await?);
    }
    let api = plane.api()?;
    let (mut names, mut paths) = (Vec::new(), Vec::new());
    for number in 0..of_each {
        let namespace = &namespaces[number % NAMESPACES];
        let name = format!("canary-{number:03}");
        let canary = canary(namespace, &name, number);
        let collection = format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts");
        paths.push((collection, name.clone(), canary));
        names.push((namespace.clone(), name));
        let (name, collection) =
            (format!("steady-{number:03}"), format!("/apis/apps/v1/namespaces/{namespace}/deployments"));
        let deployment = deployment(&name, number);
        paths.push((collection, name, deployment));
    }
    // The first revision has no pods yet, so that nothing has to be replaced.
    let making = paths.iter().map(async |(collection, _, object)| api.create(collection, object).await.map(drop));
    stream::iter(making).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    rest(&api, 2 * of_each, 0).await?;
    let changing = paths.iter().map(async |(collection, name, object)| {
        // A merge replaces a list: all of its one container is said.
        let mut containers = object["spec"]["template"]["spec"]["containers"].clone();
        containers[0]["image"] = json!("registry.invalid/models/server:2.0.0");
        let change = json!({ "spec": { "replicas": PODS, "template": { "spec": { "containers": containers } } } });
        api.patch(&format!("{collection}/{name}"), &change).await.map(drop)
    });
    stream::iter(changing).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    rest(&api, 4 * of_each, 2 * of_each * PODS).await?;
    say("The pods run.");
    // What the controllers write after the last pod runs.
    tokio::time::sleep(Duration::from_secs(5)).await;
    Ok(names)
}

/// Waits until there are so many ReplicaSets and pods that run.
async fn rest(api: &Api, sets: usize, pods: usize) -> Result<()> {
    until("the services are as they should be", LIMIT, async || {
        let replica_sets = api.get("/apis/apps/v1/replicasets").await?;
        if items(&replica_sets).len() < sets {
            return Ok(None);
        }
        let ready = |set: &Value| set["status"]["readyReplicas"].as_u64().unwrap_or(0);
        let ready: u64 = items(&replica_sets).iter().map(ready).sum();
        Ok((usize::try_from(ready).unwrap_or(0) >= pods).then_some(()))
    })
    .await
}

fn with_gpus(number: usize) -> Value {
    if number.is_multiple_of(WITH_GPUS) { json!({ "limits": { "nvidia.com/gpu": "1" } }) } else { json!({}) }
}

fn canary(namespace: &str, name: &str, number: usize) -> Value {
    let waits = std::iter::repeat_n(json!({ "pause": {} }), WAITS);
    let steps: Vec<Value> = std::iter::once(json!({ "setWeight": 10 })).chain(waits).collect();
    let mut canary = rollout(namespace, name, &json!({ "canary": { "steps": steps } }));
    canary["spec"]["replicas"] = json!(0);
    canary["spec"]["template"]["spec"]["containers"][0]["resources"] = with_gpus(number);
    canary
}

fn deployment(name: &str, number: usize) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": {
            "replicas": 0, "selector": { "matchLabels": { APP_LABEL: name } },
            "template": {
                "metadata": { "labels": { APP_LABEL: name } },
                "spec": { "containers": [{
                    "name": "server", "image": "registry.invalid/models/server:1.0.0", "resources": with_gpus(number),
                }] },
            },
        },
    })
}

/// All services in the terminal, from the start of the program to its end.
async fn open(plane: &ControlPlane, terminal: &Terminal, scale: &Scale, report: &mut Report) -> Result<()> {
    let output = timed::run(terminal.command(&ARGUMENTS)?).await?.output;
    let document: Value = serde_json::from_slice(&output).could_not("read what pilothouse printed")?;
    let shown = document["services"].as_array().map_or(0, Vec::len);
    let missing = (2 * scale.services).abs_diff(shown) + usize::from(document["complete"] != true);
    timed::run(curl(plane, terminal)).await?;
    let (mut ours, mut plainly) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        for turn in 0..2 {
            let (command, times) = match (round + turn) % 2 {
                0 => (terminal.command(&ARGUMENTS)?, &mut ours),
                _ => (curl(plane, terminal), &mut plainly),
            };
            times.push(millis(timed::run(command).await?.took));
        }
        say(&format!("  {:.0} ms, curl {:.0} ms", ours[round], plainly[round]));
    }
    let ratio = median(&ours.iter().zip(&plainly).map(|(ours, plainly)| ours / plainly).collect::<Vec<_>>());
    report.add(Figure::new("delivery-scale.ms", median(&ours), "ms"));
    report.add(Figure::new("delivery-scale.ratio", ratio, "×").at_most(0.8).beside(
        "curl, JSON lists",
        median(&plainly),
        "ms",
    ));
    report.add(Figure::new("delivery-scale.missing", missing as f64, "").at_most(0.0));
    Ok(())
}

/// curl, reading what the services are made of over one connection.
fn curl(plane: &ControlPlane, terminal: &Terminal) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--noproxy", "*", "--cacert"]).arg(terminal.home().join("ca.crt"));
    curl.args(["--header", &format!("Authorization: Bearer {}", plane.admin_token())]);
    let lists = ["apis/argoproj.io/v1alpha1/rollouts", "apis/apps/v1/deployments", "apis/apps/v1/replicasets"];
    curl.args(lists.into_iter().chain(["api/v1/pods"]).map(|list| format!("{}/{list}", plane.url())));
    curl
}

/// A Rollout's step: its namespace, its name, and how many steps are done.
type At = (String, String, u64);

/// Steps that change: from when a plain watch heard of it to the frame.
async fn step(plane: &ControlPlane, names: &[(String, String)], scale: &Scale, report: &mut Report) -> Result<()> {
    let running = engine::watching(&plane.kubeconfig(), CONTEXT).await?;
    let spec = ViewSpec::Delivery(FleetSpec::default());
    let mut frames = running.operator.reader().watch(spec, When::Now).await.could_not("watch the services")?;
    let plain = Plain::new(plane)?;
    const ROLLOUTS: &str = "/apis/argoproj.io/v1alpha1/rollouts";
    let list = plane.api()?.get(ROLLOUTS).await?;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    let before: HashSet<At> = items(&list).iter().filter_map(step_of).collect();
    let lines = plain.watch(ROLLOUTS, &version).await?;
    let heard: Arc<Mutex<HashMap<At, Instant>>> = Arc::default();
    let hearing = tokio::spawn(hear(lines, before, Arc::clone(&heard)));

    let names = names.to_vec();
    let count = scale.promotions.min(names.len() * (WAITS - 1));
    let api = plane.api()?;
    let promoting = tokio::spawn(async move { promote(&api, &names, count).await });
    let mut shown: HashMap<At, Instant> = HashMap::new();
    let mut end = None;
    while end.is_none_or(|end| Instant::now() < end) {
        if end.is_none() && promoting.is_finished() {
            end = Some(Instant::now() + LAST);
        }
        if let Ok(next) = timeout(Duration::from_secs(1), frames.next()).await {
            let frame = next.ok_or_else(|| Failure::new("the engine has stopped"))?;
            let here = Instant::now();
            for at in rows(&frame.body).iter().filter_map(at) {
                shown.entry(at).or_insert(here);
            }
        }
        if end.is_some() && is_told(&heard, &shown) {
            break;
        }
    }
    promoting.await.could_not("promote the Rollouts")??;
    hearing.abort();
    running.operator.shutdown().await;
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    // One that is overtaken before the next frame is never shown, and is none of a person's steps.
    let late: Vec<f64> = heard
        .iter()
        .filter_map(|(at, heard)| shown.get(at).map(|shown| millis(shown.saturating_duration_since(*heard))))
        .collect();
    say(&format!("  {} steps heard, {} of them shown.", heard.len(), late.len()));
    if late.len() < count {
        return Err(Failure::new(format!("of {count} promotions {} were shown", late.len())));
    }
    report.add(Figure::new("delivery-scale.p99_ms", quantile(&late, 0.99), "ms").at_most(120.0).beside(
        "median",
        median(&late),
        "ms",
    ));
    Ok(())
}

fn is_told(heard: &Mutex<HashMap<At, Instant>>, shown: &HashMap<At, Instant>) -> bool {
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    heard.keys().all(|at| shown.contains_key(at))
}

fn rows(body: &Body) -> &[DeliveryRow] {
    match body {
        Body::Full(View::Delivery(view)) => view.rows.rows(),
        Body::Patch { patch: Patch::Delivery(patch), .. } => &patch.rows.set,
        _ => &[],
    }
}

fn at(row: &DeliveryRow) -> Option<At> {
    let step = row.step.as_ref()?;
    Some((row.namespace.to_string(), row.name.to_string(), u64::from(step.done)))
}

/// The step of a Rollout as the server tells it.
fn step_of(object: &Value) -> Option<At> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let step = object["status"]["currentStepIndex"].as_u64()?;
    Some((text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]), step))
}

/// Notes when each step was first heard of that no Rollout had before.
async fn hear(mut lines: Lines, before: HashSet<At>, heard: Arc<Mutex<HashMap<At, Instant>>>) -> Result<()> {
    loop {
        let line = lines.next().await?;
        let came = Instant::now();
        let event: Value = serde_json::from_slice(line).could_not("read an event")?;
        if let Some(at) = step_of(&event["object"]).filter(|at| !before.contains(at)) {
            heard.lock().unwrap_or_else(PoisonError::into_inner).entry(at).or_insert(came);
        }
    }
}

/// Promotes one Rollout after the other, as Argo's plugin does: their pause is taken away.
async fn promote(api: &Api, names: &[(String, String)], count: usize) -> Result<()> {
    let mut turn = interval(Duration::from_secs(1) / RATE);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for (namespace, name) in names.iter().cycle().take(count) {
        turn.tick().await;
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts/{name}/status");
        api.patch(&path, &json!({ "status": { "pauseConditions": null } })).await?;
    }
    Ok(())
}
