//! Who keeps a service as it stands in a repository, and who moves its traffic: Applications of Argo CD, Canaries of Flagger,
//! stages and promotions of Kargo. None of their controllers is here: the kinds are defined by the test with an open schema
//! on the real API server, and what a controller would write into a status the test writes. Deployments are real.

use crate::kube_support;
use crate::kube_support::{LIMIT, Settings, Watched};
use acceptance::{
    ControlPlane, Failure, Options, Result, Terminal,
    definitions::{APPLICATION, CANARY, Definition, PROMOTION, STAGE},
    until,
};
use pilothouse_wire::{
    ObjectRef, Stamp,
    view::{DeliveryPhase, DeliveryRow, Mark, MarkKind, Status, delivery::Keeper},
};
use serde_json::{Value, json};

const NAMESPACE: &str = "default";
const ARGO: &str = "argocd";
const SECRET: &str = "canary-of-a-secret";

fn object(kind: &str, name: &str) -> ObjectRef {
    format!("workload:{}/{NAMESPACE}/{kind}/{name}", kube_support::NAME).parse().unwrap()
}

fn deployment(name: &str, metadata: &Value) -> String {
    let mut meta = json!({ "name": name, "namespace": NAMESPACE });
    let more = metadata.as_object().cloned().unwrap_or_default();
    meta.as_object_mut().unwrap().extend(more);
    let container = json!({ "name": "server", "image": "registry.invalid/models/server:1.0.0" });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
        "spec": {
            "replicas": 0, "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name } }, "spec": { "containers": [container] } },
        },
    })
    .to_string()
}

fn at(now: Stamp, minutes: i64) -> String {
    Stamp(now.0 - minutes * 60_000).to_string()
}

fn application(now: Stamp, more: &[Value]) -> Value {
    let first = json!({
        "id": 0, "revision": "a".repeat(40), "deployedAt": at(now, 120), "initiatedBy": { "username": "ann" },
    });
    let history: Vec<Value> = [first].into_iter().chain(more.iter().cloned()).collect();
    json!({
        "apiVersion": APPLICATION.api_version(), "kind": APPLICATION.kind,
        "metadata": { "name": "serving", "namespace": ARGO },
        "spec": {
            "project": "default", "destination": { "namespace": NAMESPACE },
            "source": {
                "repoURL": format!("https://bot:{SECRET}@git.example/models"), "path": "prod/chat", "targetRevision": "main",
                "helm": { "parameters": [{ "name": "token", "value": SECRET }] },
            },
            "syncPolicy": { "automated": { "selfHeal": true } },
        },
        "status": {
            "sync": { "status": "OutOfSync" }, "health": { "status": "Degraded", "message": "one pod waits" },
            "history": history,
        },
    })
}

async fn create(plane: &ControlPlane, kind: Definition, namespace: &str, object: &Value) -> Result<()> {
    let api = plane.api()?;
    api.create(&kind.path(namespace, ""), object).await?;
    if kind.status {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let path = format!("{}/status", kind.path(namespace, name));
        api.patch(&path, &json!({ "status": object["status"] })).await?;
    }
    Ok(())
}

async fn row(watched: &Watched, of: &ObjectRef, what: &str, is: impl Fn(&DeliveryRow) -> bool) -> Result<DeliveryRow> {
    let mut last = None;
    let found = until(what, LIMIT, async || {
        last = watched.services().rows.get(of).cloned();
        Ok(last.clone().filter(|row| is(row)))
    })
    .await;
    found.map_err(|failure| Failure::new(format!("{failure}: {last:#?}")))
}

async fn mark(watched: &Watched, title: &str) -> Result<Mark> {
    let found = until(&format!("the ribbon says {title}"), LIMIT, async || {
        Ok(watched.ribbon().marks.rows().iter().find(|mark| mark.title == title).cloned())
    })
    .await;
    found.map_err(|failure| {
        let all: Vec<String> = watched.ribbon().marks.rows().iter().map(|mark| mark.title.clone()).collect();
        Failure::new(format!("{failure}: {all:#?}"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_a_guard_with_a_better_way_and_its_syncs_are_changes() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.define(&[APPLICATION]).await?;
    plane.kubectl(&["create", "namespace", ARGO]).await?;
    let now = pilothouse_connect::Clock::system().now();
    create(&plane, APPLICATION, ARGO, &application(now, &[])).await?;
    let tracked = json!({ "annotations": {
        "argocd.argoproj.io/tracking-id": format!("serving:apps/Deployment:{NAMESPACE}/chat"),
    } });
    plane.apply(&deployment("chat", &tracked)).await?;
    // By a label that everybody leaves: only an application of that name makes it one of Argo CD.
    plane.apply(&deployment("embed", &json!({ "labels": { "app.kubernetes.io/instance": "serving" } }))).await?;
    plane.apply(&deployment("other", &json!({ "labels": { "app.kubernetes.io/instance": "other" } }))).await?;

    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    let chat = row(&watched, &object("Deployment", "chat"), "chat is kept", |row| row.kept.is_some()).await?;
    let kept = chat.kept.unwrap();
    assert_eq!(kept.place(), "prod/chat in https://git.example/models at main");
    assert_eq!(
        (kept.state().as_str(), kept.self_heal, kept.automated),
        ("OutOfSync, Degraded, project default", true, true)
    );
    assert_eq!(kept.message.as_deref(), Some("one pod waits"));
    let embed = row(&watched, &object("Deployment", "embed"), "embed is kept", |row| row.kept.is_some()).await?;
    assert_eq!(embed.guard.map(|guard| guard.by), Some(Keeper::ArgoCd));
    let other = row(&watched, &object("Deployment", "other"), "other is there", |row| row.guard.is_some()).await?;
    assert_eq!((other.guard.map(|guard| guard.by), other.kept), (Some(Keeper::ArgoCdPerhaps), None));
    // A sync of before, and one that is seen.
    let first = mark(&watched, "serving synced to aaaaaaaa").await?;
    assert!(first.rebuilt && first.by.as_deref() == Some("ann") && first.key.kind == MarkKind::Deploy, "{first:?}");
    let second =
        json!({ "id": 1, "revision": "b".repeat(40), "deployedAt": at(now, 0), "initiatedBy": { "automated": true } });
    let changed = application(now, &[second]);
    plane.api()?.patch(&APPLICATION.path(ARGO, "serving"), &json!({ "status": changed["status"] })).await?;
    let second = mark(&watched, "serving synced to bbbbbbbb").await?;
    assert_eq!(second.detail.as_deref(), Some("aaaaaaaa → bbbbbbbb, https://git.example/models"));
    let page = watched.service(&object("Deployment", "chat")).unwrap();
    assert!(page.changes.iter().any(|mark| mark.title == "serving synced to bbbbbbbb"), "{:?}", page.changes);
    assert!(!watched.said().contains(SECRET), "no parameter, and no credential of an address");

    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let plan = terminal.call(&["act", "scale", "deployment", "chat", "-n", NAMESPACE, "--to", "1", "--plan"]).await?;
    let warning = "Application argocd/serving of Argo CD keeps this object as it stands in prod/chat in https://git.example/models at main. It heals itself";
    assert!(plan.out.contains(warning) && !plan.out.contains("may take this back"), "{plan:?}");
    let plan = terminal.call(&["act", "scale", "deployment", "other", "-n", NAMESPACE, "--to", "1", "--plan"]).await?;
    assert!(!plan.out.contains("Argo CD"), "{plan:?}");
    let page = until("the terminal says from where it is kept", LIMIT, async || {
        let page = terminal.call(&["rollout", "get", "chat"]).await?.out;
        Ok(page.contains("Kept from").then_some(page))
    })
    .await?;
    assert!(
        page.contains("prod/chat in https://git.example/models at main")
            && page.contains("heals itself")
            && page.contains("OutOfSync, Degraded, project default"),
        "{page}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn flagger_is_a_service_and_a_guard_and_kargo_says_what_came_where() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.define(&[CANARY, PROMOTION, STAGE]).await?;
    plane.apply(&deployment("chat", &json!({}))).await?;
    let canary = json!({
        "apiVersion": CANARY.api_version(), "kind": CANARY.kind, "metadata": { "name": "chat", "namespace": NAMESPACE },
        "spec": {
            "provider": "gatewayapi:v1", "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "chat" },
            "service": { "port": 80 },
            "analysis": {
                "interval": "1m", "threshold": 5, "maxWeight": 50, "stepWeight": 10,
                "webhooks": [{ "name": "gate", "url": "http://x", "metadata": { "token": SECRET } }],
            },
        },
        "status": { "phase": "Progressing", "canaryWeight": 10, "failedChecks": 1 },
    });
    create(&plane, CANARY, NAMESPACE, &canary).await?;
    let stage = |tag: &str| {
        json!({
            "apiVersion": STAGE.api_version(), "kind": STAGE.kind, "metadata": { "name": "prod", "namespace": NAMESPACE },
            "spec": {},
            "status": { "health": { "status": "Healthy" }, "freightHistory": [{ "id": tag, "items": { "Warehouse/w": {
                "name": tag, "images": [{ "repoURL": "registry.example/chat", "tag": tag }],
            } } }] },
        })
    };
    create(&plane, STAGE, NAMESPACE, &stage("1.0.0")).await?;

    let watched = Watched::start(&Settings::new(&plane.kubeconfig()))?;
    let of = object("Canary", "chat");
    let moving = row(&watched, &of, "the canary moves", |row| row.traffic.wanted == Some(10)).await?;
    assert_eq!((moving.phase, moving.strategy.as_str()), (DeliveryPhase::Progressing, "canary of Flagger"));
    assert_eq!(moving.why.as_deref(), Some("10 % of traffic, 1 of 5 failed checks that take it back"));
    assert_eq!((moving.step_words().as_deref(), moving.router.as_deref()), (Some("1 of 5"), Some("gatewayapi:v1")));
    let target =
        row(&watched, &object("Deployment", "chat"), "its target is guarded", |row| row.guard.is_some()).await?;
    assert_eq!(target.guard.map(|guard| guard.words()).as_deref(), Some("Flagger, chat"));

    let path = format!("{}/status", CANARY.path(NAMESPACE, "chat"));
    let set = async |phase: &str, weight: u32| {
        let status = json!({ "status": { "phase": phase, "canaryWeight": weight, "failedChecks": 5 } });
        plane.api()?.patch(&path, &status).await.map(drop)
    };
    set("Progressing", 20).await?;
    mark(&watched, "chat 10 % → 20 %").await?;
    set("Failed", 0).await?;
    let failed = mark(&watched, "chat Degraded").await?;
    assert_eq!((failed.status, failed.key.kind), (Status::Bad, MarkKind::Phase));

    let now = pilothouse_connect::Clock::system().now();
    let promotion = json!({
        "apiVersion": PROMOTION.api_version(), "kind": PROMOTION.kind,
        "metadata": {
            "name": "prod.01", "namespace": NAMESPACE, "annotations": { "kargo.akuity.io/create-actor": "ann" },
        },
        "spec": { "stage": "prod", "freight": "c".repeat(40), "steps": [{ "uses": "http", "config": { "token": SECRET } }] },
        "status": { "phase": "Succeeded", "finishedAt": at(now, 0) },
    });
    create(&plane, PROMOTION, NAMESPACE, &promotion).await?;
    let promoted = mark(&watched, "prod gets cccccccc: Succeeded").await?;
    assert_eq!((promoted.by.as_deref(), promoted.status), (Some("ann"), Status::Good));
    // What a stage holds is a change only for who has seen it hold something else, and nothing above waits for that.
    until("the stage is read", LIMIT, async || {
        Ok(watched.said().contains("registry.example/chat:1.0.0").then_some(()))
    })
    .await?;
    let path = format!("{}/status", STAGE.path(NAMESPACE, "prod"));
    plane.api()?.patch(&path, &json!({ "status": stage("2.0.0")["status"] })).await?;
    mark(&watched, "prod holds registry.example/chat:2.0.0").await?;
    assert!(!watched.said().contains(SECRET), "no metadata of a webhook, no configuration of a step");

    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let plan = terminal.call(&["act", "scale", "deployment", "chat", "-n", NAMESPACE, "--to", "1", "--plan"]).await?;
    assert!(plan.out.contains("Canary chat of Flagger (Failed) targets this object"), "{plan:?}");
    Ok(())
}
