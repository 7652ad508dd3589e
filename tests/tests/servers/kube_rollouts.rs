//! Rollouts of the real controller of Argo, against its own plugin for kubectl: the same phase, step and weights on each
//! step; what is measured, with its values; and what is said where the controller is away, or wrong.

use crate::kube_support;
use std::time::Duration;

use crate::kube_support::{LIMIT, Settings, Watched};
use acceptance::{
    ControlPlane, Failure, GpuNodes, Options, Prometheus, Result, Rollouts, parity, rollouts, until, walk,
};
use pilothouse_wire::{
    ObjectRef,
    view::{
        AnalysisPhase, AnalysisVerdict, DeliveryPhase, DeliveryRow, MarkKind, RolloutView,
        delivery::{Left, Role, StepState},
    },
};
use serde_json::json;

const NAMESPACE: &str = "default";
const POOL: &str = "rollouts";
fn object(name: &str) -> ObjectRef {
    format!("workload:{}/{NAMESPACE}/Rollout/{name}", kube_support::NAME).parse().unwrap()
}

/// Waits until the plugin says this phase, and we the same of everything.
async fn same(rollouts: &Rollouts<'_>, watched: &Watched, name: &str, phase: &str) -> Result<DeliveryRow> {
    rollouts.until(NAMESPACE, name, "Status", phase).await?;
    let mut last = Vec::new();
    let same = until(&format!("{name} is {phase} here as there"), LIMIT, async || {
        let row = async || Ok(watched.services().rows.get(&object(name)).cloned());
        let Some((row, differs)) = parity::compare(rollouts, (NAMESPACE, name), row).await? else { return Ok(None) };
        last = differs;
        Ok(last.is_empty().then_some(row))
    })
    .await;
    same.map_err(|failure| Failure::new(format!("{failure}: {last:?}")))
}

/// One that Argo CD keeps.
fn rollout(name: &str, strategy: &serde_json::Value) -> String {
    let mut rollout = rollouts::rollout(NAMESPACE, name, strategy);
    let tracking = format!("apps:argoproj.io/Rollout:{NAMESPACE}/{name}");
    rollout["metadata"]["annotations"] = json!({ "argocd.argoproj.io/tracking-id": tracking });
    rollout.to_string()
}

async fn act(rollouts: &Rollouts<'_>, words: &[&str]) -> Result<()> {
    rollouts.plugin(&[words, &["--namespace", NAMESPACE]].concat()).await.map(drop)
}

async fn full(watched: &Watched, name: &str, what: &str, test: impl Fn(&RolloutView) -> bool) -> Result<RolloutView> {
    let mut last = None;
    let found = until(what, LIMIT, async || {
        last = watched.service(&object(name));
        Ok(last.clone().filter(|view| test(view)))
    })
    .await;
    found.map_err(|failure| Failure::new(format!("{failure}: {last:#?}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_and_its_ways_back_are_shown_as_the_plugin_shows_them() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new(POOL, 4, 8), LIMIT).await?;
    let rollouts = Rollouts::start(&plane).await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    let steps = json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": { "duration": "4s" } }]);
    plane.apply(&rollout("chat", &json!({ "canary": { "steps": steps } }))).await?;

    let first = same(&rollouts, &watched, "chat", "Healthy").await?;
    assert_eq!((first.revision, first.gpus), (Some(1), 5));
    assert_eq!(first.guard.map(|guard| guard.words()).as_deref(), Some("Argo CD, apps"));

    // 20 %, then a pause that waits for a person.
    rollouts.set_image(NAMESPACE, "chat", "2.0.0").await?;
    let paused = same(&rollouts, &watched, "chat", "Paused").await?;
    assert_eq!(paused.step_words().as_deref(), Some("1 of 4"));
    assert_eq!((paused.traffic.wanted, paused.revision, paused.stable), (Some(20), Some(2), Some(1)));
    let view = full(&watched, "chat", "its revisions are told with their pods", |view| {
        view.revisions.first().is_some_and(|revision| revision.role == Role::Canary && !revision.pods.is_empty())
    })
    .await?;
    let canary = &view.revisions[0];
    assert_eq!((canary.number, canary.gpus, canary.pods.len()), (2, 1, 1), "{canary:?}");
    assert!(canary.images[0].1.ends_with(":2.0.0") && view.revisions[1].role == Role::Stable);
    assert_eq!(view.left, Left::Unknown("step 2 waits for a person".into()));
    assert_eq!((view.steps[0].state, view.steps[1].state), (StepState::Done, StepState::Now));

    // A person goes on; the rest is timed.
    act(&rollouts, &["promote", "chat"]).await?;
    let healthy = same(&rollouts, &watched, "chat", "Healthy").await?;
    assert_eq!((healthy.revision, healthy.stable), (Some(2), Some(2)));

    // Stopped: what is wanted stays, and all traffic goes back.
    rollouts.set_image(NAMESPACE, "chat", "3.0.0").await?;
    same(&rollouts, &watched, "chat", "Paused").await?;
    act(&rollouts, &["abort", "chat"]).await?;
    let degraded = same(&rollouts, &watched, "chat", "Degraded").await?;
    assert_eq!(degraded.traffic.wanted, Some(0));
    let view =
        full(&watched, "chat", "steps are not reached", |view| view.steps[3].state == StepState::NotReached).await?;
    assert_eq!(view.left, Left::Unknown("it was stopped".into()));

    // Tried again, and then gone back from.
    act(&rollouts, &["retry", "rollout", "chat"]).await?;
    same(&rollouts, &watched, "chat", "Paused").await?;
    act(&rollouts, &["abort", "chat"]).await?;
    same(&rollouts, &watched, "chat", "Degraded").await?;
    act(&rollouts, &["undo", "chat"]).await?;
    let back = same(&rollouts, &watched, "chat", "Healthy").await?;
    assert!(back.images[0].ends_with(":2.0.0"), "{back:?}");

    // Behind the person there are only steps that it has gone before: what is left is told as a range.
    rollouts.set_image(NAMESPACE, "chat", "4.0.0").await?;
    same(&rollouts, &watched, "chat", "Paused").await?;
    act(&rollouts, &["promote", "chat"]).await?;
    let ranged = |view: &RolloutView| matches!(view.left, Left::Between { most_ms: 1..60_000, .. });
    full(&watched, "chat", "what is left is told", ranged).await?;
    same(&rollouts, &watched, "chat", "Healthy").await?;

    // All of it is on the ribbon.
    let ribbon = watched.ribbon();
    let titles = |kind: MarkKind| -> Vec<&str> {
        let of_kind = ribbon.marks.rows().iter().filter(|mark| mark.key.kind == kind && !mark.rebuilt);
        of_kind.map(|mark| mark.title.as_str()).collect()
    };
    assert!(titles(MarkKind::Weight).contains(&"chat 0 % → 20 %"), "{:?}", titles(MarkKind::Weight));
    assert!(titles(MarkKind::Step).contains(&"chat step 2 of 4: Pause until promoted"), "{:?}", titles(MarkKind::Step));
    for phase in ["chat Paused", "chat Degraded", "chat Healthy"] {
        assert!(titles(MarkKind::Phase).contains(&phase), "{phase}: {:?}", titles(MarkKind::Phase));
    }
    Ok(())
}

/// What does not rest: pods that are not ready yet or come nowhere, an analysis under way, a pause at 60 %, one by a person and
/// one that ends by itself, a time that is over.
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_between_the_states_that_rest_is_shown_as_the_plugin_shows_it() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new(POOL, 4, 8), LIMIT).await?;
    let rollouts = Rollouts::start(&plane).await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    for object in walk::canary(NAMESPACE, "walk") {
        plane.apply(&object.to_string()).await?;
    }
    for station in walk::of_canary() {
        station.reach(&plane, &rollouts, (NAMESPACE, "walk")).await?;
        let mut last = Vec::new();
        let row = until(&format!("it is the same at {}", station.words()), LIMIT, async || {
            let row = async || Ok(watched.services().rows.get(&object("walk")).cloned());
            let compared = parity::compare(&rollouts, (NAMESPACE, "walk"), row).await?;
            let Some((row, differs)) = compared else { return Ok(None) };
            last = differs;
            Ok(last.is_empty().then_some(row))
        })
        .await;
        let row = row.map_err(|failure| Failure::new(format!("{failure}: {last:?}")))?;
        let step = row.step.as_ref().map(|step| format!("{}/{}", step.done, step.of)).unwrap_or_default();
        assert!(station.is(row.phase.word(), &step), "it left {} before it was looked at: {row:?}", station.words());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn blue_and_green_are_shown_as_the_plugin_shows_them() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new(POOL, 4, 8), LIMIT).await?;
    let rollouts = Rollouts::start(&plane).await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    for service in ["active", "preview"] {
        let ports = json!([{ "port": 80 }]);
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": service, "namespace": NAMESPACE },
            "spec": { "selector": { "app": "embed" }, "ports": ports },
        });
        plane.apply(&service.to_string()).await?;
    }
    let strategy = json!({ "blueGreen": {
        "activeService": "active", "previewService": "preview", "autoPromotionEnabled": false, "scaleDownDelaySeconds": 600,
    } });
    plane.apply(&rollout("embed", &strategy)).await?;
    same(&rollouts, &watched, "embed", "Healthy").await?;
    rollouts.set_image(NAMESPACE, "embed", "2.0.0").await?;
    let paused = same(&rollouts, &watched, "embed", "Paused").await?;
    assert_eq!((paused.strategy.as_str(), paused.traffic.actual), ("blue-green", Some(0)));
    let view = full(&watched, "embed", "both sides are told", |view| view.revisions.len() == 2).await?;
    let roles: Vec<Role> = view.revisions.iter().map(|revision| revision.role).collect();
    assert_eq!(roles, [Role::Preview, Role::Active]);
    act(&rollouts, &["promote", "embed"]).await?;
    let healthy = same(&rollouts, &watched, "embed", "Healthy").await?;
    assert_eq!(healthy.traffic.actual, Some(100));
    // The pods of before are still there, and the controller has set the time at which they go:
    // until it has, it would pause on the way back as on the way there.
    full(&watched, "embed", "the pods of before have a time", |view| {
        view.revisions.iter().any(|revision| revision.goes_at.is_some())
    })
    .await?;
    // It goes back at once, without a pause.
    act(&rollouts, &["undo", "embed"]).await?;
    let back = until("the image of before is wanted", LIMIT, async || {
        let row = watched.services().rows.get(&object("embed")).cloned();
        Ok(row.filter(|row| row.images[0].ends_with(":1.0.0")))
    });
    back.await?;
    same(&rollouts, &watched, "embed", "Healthy").await?;
    rollouts.set_image(NAMESPACE, "embed", "3.0.0").await?;
    same(&rollouts, &watched, "embed", "Paused").await?;
    act(&rollouts, &["abort", "embed"]).await?;
    same(&rollouts, &watched, "embed", "Degraded").await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_fails_with_its_value_and_what_passed_without_data_is_disputed() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new(POOL, 4, 8), LIMIT).await?;
    let mut rollouts = Rollouts::start(&plane).await?;
    let prometheus = Prometheus::start(Duration::from_secs(1), &[]).await?;
    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    let asks = |query: &str| json!({ "prometheus": { "address": prometheus.url(), "query": query } });
    let template = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
        "metadata": { "name": "ttft", "namespace": NAMESPACE },
        "spec": {
            "args": [{ "name": "value" }],
            "metrics": [
                { "name": "goodput", "count": 1, "successCondition": "len(result) == 0 || result[0] >= 0.95", "provider": asks("nothing_such_total") },
                { "name": "ttft", "count": 2, "interval": "1s", "failureLimit": 1, "successCondition": "result[0] <= 800", "provider": asks("vector({{args.value}})") },
            ],
        },
    });
    plane.apply(&template.to_string()).await?;
    let analysis = json!({ "templates": [{ "templateName": "ttft" }], "args": [{ "name": "value", "value": "1142" }] });
    let steps = json!([{ "setWeight": 20 }, { "analysis": analysis }, { "pause": {} }]);
    plane.apply(&rollout("chat", &json!({ "canary": { "steps": steps } }))).await?;
    same(&rollouts, &watched, "chat", "Healthy").await?;
    rollouts.set_image(NAMESPACE, "chat", "2.0.0").await?;

    // The controller takes it back, and here stands why.
    let degraded = same(&rollouts, &watched, "chat", "Degraded").await?;
    assert_eq!(degraded.analysis, Some(AnalysisVerdict::Failed), "{degraded:?}");
    let view = full(&watched, "chat", "the analysis is over", |view| {
        view.analyses.first().is_some_and(|run| run.phase.is_over())
    })
    .await?;
    let run = &view.analyses[0];
    assert_eq!((run.phase, run.verdict, run.revision), (AnalysisPhase::Failed, AnalysisVerdict::Failed, Some(2)));
    let metric = |name: &str| run.metrics.iter().find(|metric| metric.name == name).unwrap();
    let ttft = metric("ttft");
    let compared = ttft.compared.clone().unwrap();
    assert_eq!((compared.value, compared.limit, compared.holds), (1_142.0, 800.0, false));
    assert_eq!(ttft.query.as_deref(), Some("vector(1142)"), "as it was asked, with its arguments");
    assert_eq!((ttft.failed, ttft.measurements.len()), (2, 2), "measurement by measurement");
    assert!(ttft.measurements.iter().all(|one| one.value.as_deref() == Some("[1142]") && one.started.is_some()));
    // No series: the controller lets it pass, and we do not.
    let goodput = metric("goodput");
    assert_eq!((goodput.phase, goodput.verdict), (AnalysisPhase::Successful, AnalysisVerdict::NoData));
    assert!(goodput.dispute.as_ref().unwrap().contains("not a pass"), "{goodput:?}");
    let failed =
        |step: &&pilothouse_wire::view::delivery::StepRow| step.result.as_deref() == Some("1 failed, 1 no data");
    assert!(view.steps.iter().any(|step| failed(&step)), "{:?}", view.steps);
    let ribbon = watched.ribbon();
    let mark = ribbon.marks.rows().iter().find(|mark| mark.key.kind == MarkKind::Analysis).unwrap();
    assert_eq!((mark.title.as_str(), mark.detail.as_deref()), ("chat analysis: failed", Some("ttft is 1142, ≤ 800")));

    // Nobody runs the controller. What is said of it then is said by hand: it cannot be made to err so.
    rollouts.stop_controller();
    the_controller_errs(&plane, &watched, &view).await?;
    rollouts.set_image(NAMESPACE, "chat", "3.0.0").await?;
    let old = until("the phase is known to be old", LIMIT, async || {
        let row = watched.services().rows.get(&object("chat")).cloned();
        Ok(row.filter(|row| row.unobserved.is_some()))
    })
    .await?;
    assert_eq!(old.phase, DeliveryPhase::Progressing);
    let later = old.unobserved.unwrap().plus(Duration::from_secs(240));
    assert!(old.is_old(later).unwrap().starts_with("No controller has taken its spec up for 4 min 00 s"), "{old:?}");
    assert_eq!(old.is_old(old.unobserved.unwrap()), None);
    rollouts.start_controller().await?;
    let taken_up = until("the controller takes it up", LIMIT, async || {
        let row = watched.services().rows.get(&object("chat")).cloned();
        Ok(row.filter(|row| row.unobserved.is_none()))
    });
    taken_up.await.map(drop)
}

/// An analysis that its controller calls Successful though every measurement failed.
async fn the_controller_errs(plane: &ControlPlane, watched: &Watched, view: &RolloutView) -> Result<()> {
    let owner = plane.api()?.get(&format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts/chat")).await?;
    let measurement = json!({ "phase": "Failed", "value": "[1142]", "startedAt": "2026-11-24T03:00:00Z" });
    let hash = view.revisions.iter().find(|revision| revision.number == 2).and_then(|revision| revision.hash.clone());
    let run = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
        "metadata": {
            "name": "chat-wrong", "namespace": NAMESPACE,
            "labels": { "rollouts-pod-template-hash": hash, "rollout-type": "Background" },
            "ownerReferences": [{
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "chat", "controller": true,
                "blockOwnerDeletion": true, "uid": owner["metadata"]["uid"],
            }],
        },
        "spec": { "metrics": [{ "name": "ttft", "successCondition": "result[0] <= 800", "failureLimit": 5,
            "provider": { "prometheus": { "address": "http://127.0.0.1:1", "query": "x" } } }] },
        "status": { "phase": "Successful", "metricResults": [{
            "name": "ttft", "phase": "Successful", "count": 2, "failed": 2, "measurements": [measurement, measurement],
        }] },
    });
    plane.apply(&run.to_string()).await?;
    let view = full(watched, "chat", "the wrong word is told", |view| {
        view.analyses.iter().any(|run| run.name == "chat-wrong")
    });
    let view = view.await?;
    let wrong = view.analyses.iter().find(|run| run.name == "chat-wrong").unwrap();
    assert_eq!((wrong.phase, wrong.verdict), (AnalysisPhase::Successful, AnalysisVerdict::Failed));
    assert_eq!(wrong.dispute.as_deref(), Some("The controller says Successful; its measurements say failed."));
    assert!(view.row.disputed);
    Ok(())
}
