//! Services of KServe, acted on from the terminal.
//!
//! In Standard mode by its real controller with its real webhooks. Knative is not built here: in that test the objects are real
//! ones of its own definitions, on the real API server, and their status is written by [`StandIn`], by the rules of
//! `PropagateStatus` and `createKnativeService` of KServe v0.20.

use acceptance::{
    ControlPlane, Failure, GpuNodes, Kserve, Options, Result, Said, Terminal, acting,
    definitions::Definition,
    kserve::{FORMAT, path_of},
    until,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

const LIMIT: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "default";
/// Revisions of Knative.
const KNATIVE: Definition =
    Definition { group: "serving.knative.dev", version: "v1", plural: "revisions", kind: "Revision", status: true };

/// A service of two pods with a GPU each.
fn inference(name: &str, uri: &str, annotations: &Value) -> String {
    let mut object = json!({
        "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
        "metadata": {
            "name": name, "namespace": NAMESPACE, "annotations": { "serving.kserve.io/autoscalerClass": "none" },
        },
        "spec": { "predictor": {
            "minReplicas": 2, "terminationGracePeriodSeconds": 0,
            "model": {
                "modelFormat": { "name": FORMAT }, "storageUri": uri,
                "resources": { "requests": { "nvidia.com/gpu": "1" }, "limits": { "nvidia.com/gpu": "1" } },
            },
        } },
    });
    let more = annotations.as_object().cloned().unwrap_or_default();
    object["metadata"]["annotations"].as_object_mut().unwrap().extend(more);
    object.to_string()
}

/// What a deed to the service says.
async fn act(terminal: &Terminal, verb: &str, name: &str, more: &[&str]) -> Result<Said> {
    terminal.call(&[&["act", verb, "inferenceservice", name, "-n", NAMESPACE], more].concat()).await
}

/// Does it, and wants this to be seen.
#[track_caller]
fn seen(said: &Said, words: &str) {
    assert!(said.code == 0 && said.err.contains(&format!("verified: {words}")), "{words}: {said:?}");
}

/// The service, once it is so.
async fn service(terminal: &Terminal, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
    let mut last = Value::Null;
    let found = until(what, LIMIT, async || {
        last = terminal.json(&["rollout", "get", name, "--json"]).await?["service"].take();
        Ok(is(&last).then(|| last.clone()))
    });
    found.await.map_err(|failure| Failure::new(format!("{failure}: {last:#}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_ready_gets_another_model_is_stopped_and_started_and_taken_back() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 2, 8), LIMIT).await?;
    let kserve = Kserve::start(&plane).await?;
    plane.apply(&inference("chat", "hf://org/chat-1", &json!({}))).await?;
    kserve.until(NAMESPACE, "chat", "Ready", "True").await?;
    let terminal = acting::terminal(&plane).await?;

    // It is one service, with the pods of its Deployment, its model and what its controller says of it.
    let seen_first = service(&terminal, "chat", "it is seen ready", |it| {
        it["row"]["phase"] == "Healthy" && it["served"]["load"] == "UpToDate, Loaded"
    });
    let first = seen_first.await?;
    assert_eq!((&first["row"]["kind"], &first["row"]["ready"]), (&json!("InferenceService"), &json!(2)), "{first:#}");
    assert_eq!((&first["row"]["wanted"], &first["row"]["gpus"]), (&json!(2), &json!(2)), "{first:#}");
    assert_eq!(first["served"]["model"], "hf://org/chat-1");
    assert_eq!(first["served"]["mode"], "Standard");
    assert_eq!(first["revisions"][0]["number"], 1);
    assert_eq!(first["revisions"][0]["pods"].as_array().map(Vec::len), Some(2), "{first:#}");
    let text = terminal.good(&["rollout", "get", "chat"]).await?;
    for part in
        ["InferenceService default/chat in admin", "Standard (RawDeployment), by tests", "PredictorReady", "http://"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let list = terminal.good(&["rollout", "list"]).await?;
    assert!(list.contains("InferenceService") && !list.contains("chat-predictor"), "{list}");
    let pods = terminal.json(&["pods", "--json"]).await?.to_string();
    assert!(pods.contains("InferenceService/chat"), "{pods}");

    // Another model: tried by the webhooks first, and seen once its pods are ready with it.
    let plan = act(&terminal, "set-model", "chat", &["--uri", "hf://org/chat-2", "--plan"]).await?;
    for part in [
        "Serve hf://org/chat-2 by InferenceService default/chat",
        "would take it",
        "2 pods, 2 GPUs",
        "/spec/predictor/model/storageUri: hf://org/chat-1 → hf://org/chat-2",
        "set-model inferenceservice chat",
    ] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    let said = act(&terminal, "set-model", "chat", &["--uri", "hf://org/chat-2", "--yes"]).await?;
    seen(&said, "its pods are ready with the model");
    assert!(said.err.contains("--uri hf://org/chat-1"), "{said:?}");
    let second = service(&terminal, "chat", "the model is another one", |it| it["row"]["revision"] == 2).await?;
    assert_eq!(second["served"]["model"], "hf://org/chat-2");
    it_goes_back_to_the_model_of_before(&terminal).await?;
    seen(&act(&terminal, "set-model", "chat", &["--uri", "hf://org/chat-2", "--yes"]).await?, "its pods are ready");

    // No pods, and pods again.
    let said = act(&terminal, "stop", "chat", &["--yes"]).await?;
    seen(&said, "it is stopped, and has no pods");
    let stopped = service(&terminal, "chat", "it is stopped", |it| it["row"]["phase"] == "Paused").await?;
    assert_eq!((&stopped["row"]["why"], &stopped["row"]["wanted"]), (&json!("stopped by a person"), &json!(0)));
    let again = act(&terminal, "stop", "chat", &["--yes"]).await?;
    assert!(again.code == 1 && again.err.contains("stopped already"), "{again:?}");
    seen(&act(&terminal, "start", "chat", &["--yes"]).await?, "it is ready");

    // The way back is the model of before.
    let said = act(&terminal, "set-model", "chat", &["--uri", "hf://org/chat-1", "--yes"]).await?;
    seen(&said, "its pods are ready with the model");

    // What there is not in this mode says why.
    for (verb, more) in [("canary", &["--to", "10", "--yes"][..]), ("promote", &["--yes"]), ("abort", &["--yes"])] {
        let said = act(&terminal, verb, "chat", more).await?;
        let why = "no two revisions of it share traffic";
        assert!(said.code == 1 && said.err.contains(why) && said.err.contains("set-model"), "{verb}: {said:?}");
    }
    let book = terminal.good(&["audit", "list"]).await?;
    for part in ["Serve hf://org/chat-2 by InferenceService default/chat", "Stop InferenceService default/chat"] {
        assert!(book.contains(part), "{part}: {book}");
    }
    acting::book_fits(&terminal).await
}

/// KServe keeps no earlier spec: its Deployment tells what its pods fetched. Whether that model is still there nobody can say, so
/// that the grade is unknown; it is taken all the same, and ends where it said.
async fn it_goes_back_to_the_model_of_before(terminal: &Terminal) -> Result<()> {
    let said = terminal.call(&["rollback", "chat", "-n", NAMESPACE, "--check"]).await?;
    assert_eq!(said.code, 3, "{said:?}");
    for part in ["go back from revision 2 to 1? unknown", "Revision 1 is kept.", "Model hf://org/chat-1", "is served."]
    {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let said = terminal.call(&["rollback", "chat", "-n", NAMESPACE, "--yes"]).await?;
    seen(&said, "its pods are ready with the model");
    let back = service(terminal, "chat", "the model is that of before", |it| {
        it["served"]["model"] == "hf://org/chat-1" && it["row"]["phase"] == "Healthy"
    });
    back.await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_refuses_is_heard_in_its_own_words_and_a_controller_that_is_away_is_no_success() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 2, 8), LIMIT).await?;
    let mut kserve = Kserve::start(&plane).await?;
    plane.apply(&inference("chat", "hf://org/chat-1", &json!({}))).await?;
    kserve.until(NAMESPACE, "chat", "Ready", "True").await?;
    // Something that the webhook does not take, written while nobody asked it: each change is refused from then on.
    plane.kubectl(&["delete", "validatingwebhookconfiguration", "inferenceservice.serving.kserve.io"]).await?;
    let wrong = json!({ "spec": { "predictor": { "containerConcurrency": -1 } } });
    until("nobody asks the webhook", LIMIT, async || {
        Ok(plane.api()?.patch(&path_of(NAMESPACE, "chat"), &wrong).await.ok())
    })
    .await?;
    kserve.ask_webhooks().await?;
    let terminal = acting::terminal(&plane).await?;
    let words = "parallelism cannot be less than 0";
    let plan = until("the webhook is asked", LIMIT, async || {
        let plan = act(&terminal, "set-model", "chat", &["--uri", "hf://org/chat-2", "--plan"]).await?;
        Ok(plan.out.contains("Blocked").then_some(plan))
    });
    let plan = plan.await?;
    assert!(plan.out.contains(words), "{}", plan.out);
    let said = act(&terminal, "set-model", "chat", &["--uri", "hf://org/chat-2", "--yes"]).await?;
    assert!(said.code == 1 && said.err.contains(words), "{said:?}");
    let model = ["get", "isvc", "chat", "-n", NAMESPACE, "-o", "jsonpath={.spec.predictor.model.storageUri}"];
    assert_eq!(plane.kubectl(&model).await?, "hf://org/chat-1", "nothing was done");

    // With it its webhooks are away, too: the server takes nothing then, and says so.
    kserve.stop_controller();
    let said = act(&terminal, "stop", "chat", &["--yes"]).await?;
    assert!(said.code == 1 && said.err.contains("failed calling webhook"), "{said:?}");
    Ok(())
}

/// Who keeps an object, as its controller would write it.
fn owner(version: &str, kind: &str, name: &str, uid: &Value) -> Value {
    let version = format!("serving.kserve.io/{version}");
    json!([{ "apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": true }])
}

/// Writes the status of a service as Knative and KServe would, and makes the Deployments of its revisions. Ends when dropped.
struct StandIn(#[allow(dead_code, reason = "it works until it is dropped")] JoinSet<()>);

/// What it knows.
#[derive(Default)]
struct Router {
    model: Option<String>,
    made: u32,
    rolled_out: Option<String>,
    before: Option<String>,
}

impl StandIn {
    fn start(plane: &Arc<ControlPlane>, name: &'static str) -> Self {
        let (plane, mut tasks, mut router) = (Arc::clone(plane), JoinSet::new(), Router::default());
        tasks.spawn(async move {
            loop {
                // What fails is tried again, and missed by whoever waits for it.
                let _ = router.turn(&plane, name).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        Self(tasks)
    }
}

impl Router {
    async fn turn(&mut self, plane: &ControlPlane, name: &str) -> Result<()> {
        let (api, path) = (plane.api()?, path_of(NAMESPACE, name));
        let object = api.get(&path).await?;
        let predictor = &object["spec"]["predictor"];
        let model = predictor["model"]["storageUri"].as_str().map(str::to_owned);
        if model != self.model {
            (self.model, self.made) = (model, self.made + 1);
            plane.apply(&self.deployment(name, &object["metadata"]["uid"])).await?;
        }
        let newest = self.revision(name);
        let mut traffic = vec![(newest.clone(), 100)];
        if let (Some(percent), Some(all)) = (predictor["canaryTrafficPercent"].as_u64(), &self.rolled_out) {
            traffic = vec![(newest.clone(), percent)];
            traffic.extend((percent < 100).then(|| (all.clone(), 100 - percent)));
        }
        let of_newest: u64 = traffic.iter().filter(|(of, _)| *of == newest).map(|(_, percent)| percent).sum();
        if self.rolled_out.as_ref() != Some(&newest) {
            if traffic[0].1 == 100 {
                (self.before, self.rolled_out) = (self.rolled_out.take(), Some(newest.clone()));
            }
        } else if traffic[0].1 < 100 && of_newest == 100 && self.before.is_some() {
            self.rolled_out = self.before.clone();
        }
        let target = |(of, percent): &(String, u64)| json!({ "revisionName": of, "percent": percent, "latestRevision": *of == newest });
        let status = json!({
            "deploymentMode": "Knative", "url": format!("http://{name}.{NAMESPACE}.example.com"),
            "conditions": [{ "type": "PredictorReady", "status": "True" }, { "type": "Ready", "status": "True" }],
            "components": { "predictor": {
                "latestCreatedRevision": newest, "latestReadyRevision": newest,
                "latestRolledoutRevision": self.rolled_out, "previousRolledoutRevision": self.before,
                "traffic": traffic.iter().map(target).collect::<Vec<_>>(),
            } },
            "modelStatus": { "transitionStatus": "UpToDate", "states": { "activeModelState": "Loaded" } },
        });
        if object["status"]["components"] != status["components"] {
            api.patch(&format!("{path}/status"), &json!({ "status": status })).await?;
        }
        Ok(())
    }

    fn revision(&self, name: &str) -> String {
        format!("{name}-predictor-{:05}", self.made)
    }

    /// The Deployment of the newest revision, with the labels that Knative and KServe give it. Its owner is the service here,
    /// and there a Revision of Knative.
    fn deployment(&self, name: &str, uid: &Value) -> String {
        let revision = self.revision(name);
        let labels = json!({
            "app": revision, "serving.knative.dev/revision": revision,
            "serving.knative.dev/configurationGeneration": self.made.to_string(),
            "serving.kserve.io/inferenceservice": name, "component": "predictor",
        });
        let container = json!({
            "name": "kserve-container", "image": "registry.invalid/models/server:1.0.0",
            "resources": { "limits": { "nvidia.com/gpu": "1" } },
        });
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": format!("{revision}-deployment"), "namespace": NAMESPACE, "labels": labels,
                "ownerReferences": owner("v1beta1", "InferenceService", name, uid),
            },
            "spec": {
                "replicas": 1, "selector": { "matchLabels": { "app": revision } },
                "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
            },
        })
        .to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_of_knative_whose_status_the_test_writes_is_split_promoted_and_rolled_back() -> Result<()> {
    let plane = Arc::new(ControlPlane::start(Options::default()).await?);
    plane.add_gpu_nodes(&GpuNodes::new("acts", 2, 8), LIMIT).await?;
    let _definitions = Kserve::without_controller(&plane).await?;
    let knative = json!({ "serving.kserve.io/deploymentMode": "Serverless" });
    plane.apply(&inference("chat", "hf://org/chat-1", &knative)).await?;
    let _stand_in = StandIn::start(&plane, "chat");
    let terminal = acting::terminal(&plane).await?;
    let first = service(&terminal, "chat", "it is seen ready", |it| it["row"]["phase"] == "Healthy").await?;
    assert_eq!(
        (&first["row"]["strategy"], &first["row"]["router"]),
        (&json!("canary"), &json!("Knative")),
        "{first:#}"
    );

    // The share is set first: nothing moves, and the revision that comes begins with it.
    let said = act(&terminal, "canary", "chat", &["--to", "10", "--yes"]).await?;
    seen(&said, "chat-predictor-00001 is alone: the next revision gets 10 % at first");
    let said = act(&terminal, "set-model", "chat", &["--uri", "hf://org/chat-2", "--yes"]).await?;
    seen(&said, "revision chat-predictor-00002 is ready");
    for part in ["the revision that comes: 0 % → 10 %", "chat-predictor-00001: 100 % → 90 %"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let canary = service(&terminal, "chat", "the canary is seen", |it| it["row"]["traffic"]["actual"] == 10).await?;
    assert_eq!((&canary["row"]["phase"], &canary["row"]["traffic"]["wanted"]), (&json!("Paused"), &json!(10)));
    assert_eq!(canary["row"]["why"], "a canary of 10 % waits for a person");
    let roles: Vec<(&Value, &Value)> =
        canary["revisions"].as_array().unwrap().iter().map(|row| (&row["role"], &row["weight_actual"])).collect();
    assert_eq!(roles, [(&json!("Canary"), &json!(10)), (&json!("Stable"), &json!(90))], "{canary:#}");

    let plan = act(&terminal, "promote", "chat", &["--plan"]).await?;
    for part in ["chat-predictor-00002, newest: 10 % → 100 %", "chat-predictor-00001, before: 90 % → 0 %", "--to 10"]
    {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    seen(&act(&terminal, "promote", "chat", &["--yes"]).await?, "all traffic is at chat-predictor-00002");
    service(&terminal, "chat", "all of it is seen", |it| it["row"]["phase"] == "Healthy").await?;
    // Knative is not there: its router names the revision, and what that needs nobody can look at.
    let said = terminal.call(&["rollback", "chat", "-n", NAMESPACE, "--check"]).await?;
    let words = "Its router names chat-predictor-00001, and revisions of serving.knative.dev/v1 cannot be read here.";
    assert!(said.code == 3 && said.out.contains(words), "{said:?}");
    let said = terminal.call(&["rollback", "chat", "-n", NAMESPACE, "--yes"]).await?;
    seen(&said, "all traffic is at chat-predictor-00001");
    assert!(said.err.contains("To take it back: pilothouse act promote inferenceservice chat"), "{said:?}");
    let back = service(&terminal, "chat", "the way back is seen", |it| it["row"]["traffic"]["actual"] == 0).await?;
    assert_eq!(back["row"]["phase"], "Paused", "{back:#}");
    let again = act(&terminal, "abort", "chat", &["--yes"]).await?;
    assert!(again.code == 1 && again.err.contains("rolled back already"), "{again:?}");
    let again = terminal.call(&["rollback", "chat", "-n", NAMESPACE, "--check"]).await?;
    assert!(again.code == 1 && again.out.contains("All traffic is at chat-predictor-00001 already."), "{again:?}");
    let book = terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("Roll InferenceService default/chat back"), "{book}");
    its_revisions_can_be_read(&plane, &terminal).await
}

/// Knative's own API is served from here on, with an open schema, and has the revisions; the test is who keeps them. One whose
/// pods run is ready to be gone back to, and one that is gone leaves nothing to go back to.
async fn its_revisions_can_be_read(plane: &ControlPlane, terminal: &Terminal) -> Result<()> {
    plane.define(&[KNATIVE]).await?;
    let (api, first) = (plane.api()?, "chat-predictor-00001");
    let container = json!({ "name": "kserve-container", "image": "registry.invalid/models/server:1.0.0" });
    let revision = json!({
        "apiVersion": KNATIVE.api_version(), "kind": KNATIVE.kind, "metadata": { "name": first },
        "spec": { "containers": [container] },
    });
    api.create(&KNATIVE.path(NAMESPACE, ""), &revision).await?;
    let status = json!({ "status": { "actualReplicas": 2 } });
    api.patch(&format!("{}/status", KNATIVE.path(NAMESPACE, first)), &status).await?;
    seen(&act(terminal, "promote", "chat", &["--yes"]).await?, "all traffic is at chat-predictor-00002");
    service(terminal, "chat", "all of it is seen", |it| it["row"]["phase"] == "Healthy").await?;
    let back = async |more: &str| terminal.call(&["rollback", "chat", "-n", NAMESPACE, more]).await;
    let said = back("--check").await?;
    assert!(said.code == 0 && said.out.contains("go back from revision 2 to 1? ready"), "{said:?}");
    assert!(said.out.contains("Revision 1 is kept. 2 of its pods are ready."), "{said:?}");
    seen(&back("--yes").await?, "all traffic is at chat-predictor-00001");

    seen(&act(terminal, "promote", "chat", &["--yes"]).await?, "all traffic is at chat-predictor-00002");
    service(terminal, "chat", "all of it is seen", |it| it["row"]["phase"] == "Healthy").await?;
    api.delete(&KNATIVE.path(NAMESPACE, first)).await?;
    let said = back("--check").await?;
    assert!(said.code == 1 && said.out.contains("not possible"), "{said:?}");
    let said = back("--yes").await?;
    assert!(said.code == 1 && said.err.contains("cannot go back as it is"), "{said:?}");
    Ok(())
}
