//! Doing something: how much of the way from the wish to the first write is ours, and of the way back from a bad canary.
//!
//! A real apiserver and the real controller of Argo. Beside our plan and confirmation stand the same requests, made plainly
//! one after the other: what is more is ours.

use std::time::Duration;

use acceptance::acting::{begun, confirmed, ended, planned};
use acceptance::{
    Alertmanager, Api, Context, ControlPlane, Failure, GpuNodes, GpuPods, Options, Result, Rollouts, rollouts::rollout,
    until,
};
use pilothouse_engine::{Clock, Operator};
use pilothouse_wire::{
    Act, Answer, Ask, Body, ConnectionId, ObjectRef, Stamp, View, ViewSpec, When,
    form::Draft,
    plan::{ActionState, Deed},
    view::FleetSpec,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::engine;
use crate::report::{Figure, Report, say};
use crate::stand::Size;
use crate::statistics::{median, millis};

const LIMIT: Duration = Duration::from_secs(60);
const ROUNDS: usize = 25;
const FEW: usize = 5;
const CONTEXT: &str = "admin";
const CHAT: &str = "chat";
const ROLLOUT: &str = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts/chat";
/// The most of an action that may be ours before its first write, in ms.
const OWN_MS: f64 = 10.0;
/// The most of a rollback that may be ours, from the alert that is shown to what is seen to be healthy, in s.
const OWN_S: f64 = 2.0;

fn id() -> ConnectionId {
    ConnectionId::slug(CONTEXT)
}

/// Switches on that something may be done.
async fn operated(operator: &Operator) -> Result<()> {
    operator.act(Act::Operate { id: id(), operate: true, production: None }).await.could_not("switch it on").map(drop)
}

/// Measures what of an action is ours.
pub async fn latency(size: Size, report: &mut Report) -> Result<()> {
    let rounds = if size.is_small() { FEW } else { ROUNDS };
    say("act-latency: a Deployment with two revisions.");
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 2, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, CHAT, 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let image = format!("{CHAT}={}", "registry.invalid/models/server:2.0.0");
    let set = ["set", "image", "deployment/chat", &image.replace("chat=", "server="), "-n", &namespace];
    plane.kubectl(&set).await?;
    let running = engine::watching(&plane.kubeconfig(), CONTEXT).await?;
    operated(&running.operator).await?;
    let object = ObjectRef::Workload(id(), namespace.as_str().into(), "Deployment".into(), CHAT.into());
    let api = plane.api()?;
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        for turn in 0..2 {
            let generation = settled(&api, &namespace).await?;
            // Somebody else sees when the write is there.
            let (other, path) = (plane.api()?, format!("/apis/apps/v1/namespaces/{namespace}/deployments?watch=1"));
            let is_written = move |object: &Value| object["metadata"]["generation"].as_u64() > Some(generation);
            let seen = tokio::spawn(async move { other.watched(&path, is_written).await });
            // It has begun to watch by then.
            tokio::time::sleep(Duration::from_millis(200)).await;
            let began = Instant::now();
            if (round + turn) % 2 == 0 {
                let mut frames =
                    running.operator.reader().watch(ViewSpec::Actions, When::Now).await.could_not("watch")?;
                let plan = planned(&running.operator, &object, Deed::Undo(None)).await?;
                let id = begun(&running.operator, &plan).await?;
                let end = ended(&mut frames, id).await?;
                if !matches!(end.state, ActionState::Verified(_)) {
                    return Err(Failure::new(format!("an undo ended as {:?}", end.state)));
                }
            } else {
                plainly(&api, &namespace).await?;
            }
            let took = millis(seen.await.could_not("wait for who looks besides")??.duration_since(began));
            // The first of each warms up.
            if round > 0 {
                if (round + turn) % 2 == 0 { &mut ours } else { &mut plain }.push(took);
            }
        }
    }
    running.operator.shutdown().await;
    let own = median(&ours.iter().zip(&plain).map(|(ours, plain)| ours - plain).collect::<Vec<_>>());
    report.add(Figure::new("act-latency.ms", median(&ours), "ms").beside(
        "the same requests, plainly",
        median(&plain),
        "ms",
    ));
    report.add(Figure::new("act-latency.own_ms", own, "ms").at_most(OWN_MS));
    Ok(())
}

/// Waits until it rests, and answers its generation.
async fn settled(api: &Api, namespace: &str) -> Result<u64> {
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{CHAT}");
    until("the Deployment rests", LIMIT, async || {
        let object = api.get(&path).await?;
        let (status, wanted) = (&object["status"], json!(2));
        let rests = status["observedGeneration"] == object["metadata"]["generation"]
            && ["replicas", "updatedReplicas", "availableReplicas"].iter().all(|count| status[*count] == wanted);
        Ok(object["metadata"]["generation"].as_u64().filter(|_| rests))
    })
    .await
}

/// What an undo has to ask and to send: the object, its revisions, whether we may, whether the server would, and the write.
async fn plainly(api: &Api, namespace: &str) -> Result<()> {
    let base = format!("/apis/apps/v1/namespaces/{namespace}");
    let path = format!("{base}/deployments/{CHAT}");
    let object = api.get(&path).await?;
    let sets = api.get(&format!("{base}/replicasets")).await?;
    let image = |template: &Value| template["spec"]["containers"][0]["image"].clone();
    let running = image(&object["spec"]["template"]);
    let other = acceptance::api::items(&sets)
        .iter()
        .map(|set| image(&set["spec"]["template"]))
        .find(|image| *image != running)
        .ok_or_else(|| Failure::new("there is no other revision"))?;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": {
            "verb": "patch", "group": "apps", "resource": "deployments", "namespace": namespace, "name": CHAT,
        } },
    });
    api.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await?;
    let change = json!({ "spec": { "template": { "spec": { "containers": [{
        "name": "server", "image": other,
        "resources": object["spec"]["template"]["spec"]["containers"][0]["resources"],
    }] } } } });
    for query in ["?dryRun=All", ""] {
        let answer = api.call(Method::PATCH, &format!("{path}{query}"), Some(&change)).await?;
        if answer.status != 200 {
            return Err(Failure::new(format!("a plain write was answered with {}", answer.status)));
        }
    }
    Ok(())
}

/// Measures the way back from a bad canary: from the alert that is shown, by the page of its service, to an undo that is planned,
/// confirmed and verified healthy; and the same from when the alert began to fire by the word of its Alertmanager (`startsAt`),
/// with what passed until it was shown. An abort, which gives the traffic back and leaves the service degraded, is told beside it.
pub async fn rollback(size: Size, report: &mut Report) -> Result<()> {
    let rounds = if size.is_small() { 1 } else { 5 };
    say("rollback-60: an alert of a canary of the real controller; it is undone, and another one aborted.");
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 4, 8), LIMIT).await?;
    let (rollouts, alerts) = (Rollouts::start(&plane).await?, Alertmanager::start().await?);
    plane.apply(&canary().to_string()).await?;
    rollouts.until("default", CHAT, "Status", "Healthy").await?;
    let running = engine::watching(&plane.kubeconfig(), CONTEXT).await?;
    let operator = &running.operator;
    operated(operator).await?;
    let values = [("url".to_owned(), alerts.url())].into();
    let draft = Draft { kind: "alertmanager".to_owned(), name: "alerts".to_owned(), values };
    operator.act(Act::AddConnection { draft, secrets: Vec::new() }).await.could_not("connect the alerts")?;
    let object = ObjectRef::Workload(id(), "default".into(), "Rollout".into(), CHAT.into());
    let (mut totals, mut owns, mut aborts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut firing, mut heard) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        rollouts.set_image("default", CHAT, &format!("2.{round}")).await?;
        rollouts.until("default", CHAT, "Status", "Paused").await?;
        // Each round has its own: those of before fire on.
        let alert = format!("ChatErrors{round}");
        let labels = json!({ "alertname": alert, "severity": "critical", "namespace": "default" });
        alerts.send(&json!([{ "labels": labels }])).await?;
        let since = shown(operator, &alert).await?;
        let fired = || Clock::system().now().since(since).as_secs_f64();
        heard.push(fired());
        let (total, theirs) = taken_back(operator, &plane, &object, Deed::Undo(None)).await?;
        firing.push(fired());
        totals.push(total.as_secs_f64());
        owns.push(total.saturating_sub(theirs).as_secs_f64());
        let [total, theirs] = [total, theirs].map(|time| time.as_secs_f64());
        say(&format!("  {total:.2} s from the alert to healthy, of it the controller's {theirs:.2} s"));
        rollouts.until("default", CHAT, "Status", "Healthy").await?;

        rollouts.set_image("default", CHAT, &format!("3.{round}")).await?;
        rollouts.until("default", CHAT, "Status", "Paused").await?;
        let (total, _) = taken_back(operator, &plane, &object, Deed::Abort).await?;
        aborts.push(total.as_secs_f64());
        let back = planned(operator, &object, Deed::Undo(None)).await?;
        confirmed(operator, &back).await?;
        rollouts.until("default", CHAT, "Status", "Healthy").await?;
    }
    running.operator.shutdown().await;
    report.add(Figure::new("rollback-60.total_s", median(&totals), "s"));
    report.add(Figure::new("rollback-60.from_firing_s", median(&firing), "s").beside(
        "of it until the alert is shown, by polls of 10 s",
        median(&heard),
        "s",
    ));
    report.add(Figure::new("rollback-60.own_s", median(&owns), "s").at_most(OWN_S));
    report.add(Figure::new("rollback-60.abort_s", median(&aborts), "s"));
    Ok(())
}

/// Waits until an alert is shown, and answers since when it fires by the word of its server.
async fn shown(operator: &Operator, alert: &str) -> Result<Stamp> {
    let began = Instant::now();
    loop {
        let ask = Ask::Frame { spec: ViewSpec::Fleet(FleetSpec::default()), when: When::Now };
        let Answer::Frame(frame) = operator.reader().ask(ask).await.could_not("ask for the fleet")? else {
            return Err(Failure::new("the engine answered with something else than a frame"));
        };
        let Body::Full(View::Fleet(view)) = &frame.body else {
            return Err(Failure::new("the engine answered with another view"));
        };
        if let Some(row) = view.alerts.rows().iter().find(|row| row.id.name == alert) {
            return Ok(row.since);
        }
        if began.elapsed() > LIMIT {
            return Err(Failure::new(format!("{alert} is not shown")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// From the page of the service to the end of a deed that is verified: how long that took, and how much of it its controller.
async fn taken_back(
    operator: &Operator,
    plane: &ControlPlane,
    object: &ObjectRef,
    deed: Deed,
) -> Result<(Duration, Duration)> {
    let mut frames = operator.reader().watch(ViewSpec::Actions, When::Now).await.could_not("watch")?;
    let before = plane.api()?.get(ROLLOUT).await?["metadata"]["generation"].as_u64().unwrap_or(0);
    let began = Instant::now();
    let other = tokio::spawn(seen_by_others(plane.api()?, began, (deed.clone(), before)));
    let page = Ask::Frame { spec: ViewSpec::Rollout(object.clone()), when: When::Now };
    operator.reader().ask(page).await.could_not("open the page")?;
    let plan = planned(operator, object, deed).await?;
    let id = begun(operator, &plan).await?;
    let end = ended(&mut frames, id).await?;
    let total = began.elapsed();
    if !matches!(end.state, ActionState::Verified(_)) {
        return Err(Failure::new(format!("{} ended as {:?}", plan.plan.title, end.state)));
    }
    let (written, done) = other.await.could_not("wait for who looks besides")??;
    Ok((total, done.saturating_sub(written)))
}

/// When somebody else sees that a deed is written, and that it has come to pass: of an undo that all pods are of what is healthy
/// and stable, of an abort that all are the stable revision's.
async fn seen_by_others(api: Api, began: Instant, (deed, before): (Deed, u64)) -> Result<(Duration, Duration)> {
    let mut written = None;
    loop {
        let object = api.get(ROLLOUT).await?;
        let (status, generation) = (&object["status"], object["metadata"]["generation"].as_u64().unwrap_or(0));
        let (is_written, is_done) = match deed {
            Deed::Abort => (
                status["abort"] == true,
                status["phase"] == "Degraded" && status["updatedReplicas"].as_u64().unwrap_or(0) == 0,
            ),
            _ => (
                generation > before,
                status["phase"] == "Healthy"
                    && status["observedGeneration"].as_str() == Some(generation.to_string().as_str())
                    && status["stableRS"] == status["currentPodHash"],
            ),
        };
        if is_written {
            let written = *written.get_or_insert_with(|| began.elapsed());
            if is_done && status["availableReplicas"] == 5 {
                return Ok((written, began.elapsed()));
            }
        }
        if began.elapsed() > LIMIT {
            return Err(Failure::new(format!("nobody sees that it came to pass: {deed:?}")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn canary() -> Value {
    let steps = json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": {} }]);
    rollout("default", CHAT, &json!({ "canary": { "steps": steps } }))
}
