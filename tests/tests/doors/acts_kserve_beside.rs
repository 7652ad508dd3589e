//! Canaries beside the predictor of a service in KServe's Standard mode (`spec.canary`, since v0.20), by its real controller: how
//! they are shown, what is done beside them, and what is not offered and why.

use acceptance::{
    ControlPlane, Failure, GPU, GpuNodes, Kserve, Options, Result, Terminal, acting,
    kserve::{FORMAT, path_of},
    until,
};
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "default";

/// What serves a model: a predictor, or that of a canary.
fn predictor(model: &str) -> Value {
    json!({ "model": {
        "modelFormat": { "name": FORMAT }, "storageUri": format!("hf://org/{model}"),
        "resources": { "requests": { GPU: "1" }, "limits": { GPU: "1" } },
    } })
}

/// A service of four pods, of which a canary takes its share.
fn service(percent: u32) -> Value {
    let mut own = predictor("chat-1");
    own["minReplicas"] = json!(4);
    own["terminationGracePeriodSeconds"] = json!(0);
    let mut canary = predictor("chat-2");
    canary["name"] = json!("v2");
    json!({
        "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
        "metadata": { "name": "chat", "namespace": NAMESPACE, "annotations": {
            // Its webhook takes canaries only where this says so.
            "serving.kserve.io/deploymentMode": "Standard", "serving.kserve.io/autoscalerClass": "none",
        } },
        "spec": { "predictor": own, "canary": [{ "predictor": canary, "trafficPercent": percent }] },
    })
}

/// The service, once it is so.
async fn seen(terminal: &Terminal, what: &str, is: impl Fn(&Value) -> bool) -> Result<Value> {
    let mut last = Value::Null;
    let found = until(what, LIMIT, async || {
        last = terminal.json(&["rollout", "get", "chat", "--json"]).await?["service"].take();
        Ok(is(&last).then(|| last.clone()))
    });
    found.await.map_err(|failure| Failure::new(format!("{failure}: {last:#}")))
}

/// Its revisions as they are called, each with its role, the share that is wanted, and its pods.
fn revisions(of: &Value) -> Vec<(String, u64, String, Option<u64>, usize)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = of["revisions"].as_array().into_iter().flatten();
    let row = |row: &Value| {
        let pods = row["pods"].as_array().map_or(0, Vec::len);
        (
            text(&row["part"]),
            row["number"].as_u64().unwrap_or(0),
            text(&row["role"]),
            row["weight_wanted"].as_u64(),
            pods,
        )
    };
    let mut all: Vec<_> = rows.map(row).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_beside_its_predictor_is_told_as_its_controller_has_it_and_goes_with_its_entry() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("beside", 2, 8), LIMIT).await?;
    let kserve = Kserve::start(&plane).await?;
    plane.apply(&service(25).to_string()).await?;
    kserve.until(NAMESPACE, "chat", "CanaryPredictorReady", "True").await?;
    kserve.until(NAMESPACE, "chat", "Ready", "True").await?;
    let terminal = acting::terminal(&plane).await?;

    // A quarter of four pods is one: its controller splits pods, and nobody says what comes to whom.
    let waits = seen(&terminal, "the canary waits", |it| it["row"]["phase"] == "Paused").await?;
    assert_eq!(waits["row"]["why"], "canary v2 of 25 % waits for a person");
    assert_eq!((&waits["row"]["strategy"], &waits["row"]["wanted"]), (&json!("canary"), &json!(4)), "{waits:#}");
    assert_eq!(waits["row"]["traffic"], json!({ "wanted": 25, "actual": null, "whole": 100 }));
    let own = (String::new(), 1, "Stable".to_owned(), Some(75), 3);
    assert_eq!(revisions(&waits), [own, ("v2".to_owned(), 1, "Canary".to_owned(), Some(25), 1)], "{waits:#}");
    let text = terminal.good(&["rollout", "get", "chat"]).await?;
    for part in ["v2: 25 % wanted, ready, hf://org/chat-2", "sends nobody there", "CanaryPredictorReady", "v2 1"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    // Its share is the spec's to change; a model for the predictor leaves the canary as it is.
    let change = json!([{ "op": "replace", "path": "/spec/canary/0/trafficPercent", "value": 50 }]).to_string();
    plane.kubectl(&["patch", "inferenceservice", "chat", "-n", NAMESPACE, "--type=json", "-p", &change]).await?;
    let half = |it: &Value| it["row"]["traffic"]["wanted"] == 50 && revisions(it).iter().all(|row| row.4 == 2);
    seen(&terminal, "half of it is the canary's", half).await?;
    let act = async |verb: &str, more: &[&str]| {
        terminal.call(&[&["act", verb, "inferenceservice", "chat", "-n", NAMESPACE], more].concat()).await
    };
    let said = act("set-model", &["--uri", "hf://org/chat-3", "--yes"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: its pods are ready with the model"), "{said:?}");
    let object = plane.api()?.get(&path_of(NAMESPACE, "chat")).await?;
    assert_eq!(object["spec"]["canary"][0]["predictor"]["model"]["storageUri"], "hf://org/chat-2");

    // What is not done from here says so, and what is done instead.
    for (verb, more) in [("canary", &["--to", "10", "--yes"][..]), ("promote", &["--yes"]), ("abort", &["--yes"])] {
        let said = act(verb, more).await?;
        assert!(said.code == 1 && said.err.contains("entries of spec.canary"), "{verb}: {said:?}");
    }
    let said = terminal.call(&["rollback", "chat", "-n", NAMESPACE, "--check"]).await?;
    assert!(said.code == 3 && said.out.contains("Canaries serve beside it: v2 of 50 %"), "{said:?}");

    // Promoted as KServe has it: the predictor takes the name.
    let mut promoted = predictor("chat-2");
    (promoted["minReplicas"], promoted["name"]) = (json!(4), json!("v2"));
    let change = json!([
        { "op": "remove", "path": "/spec/canary" }, { "op": "replace", "path": "/spec/predictor", "value": promoted },
    ]);
    let change = change.to_string();
    plane.kubectl(&["patch", "inferenceservice", "chat", "-n", NAMESPACE, "--type=json", "-p", &change]).await?;
    let alone =
        seen(&terminal, "it is alone", |it| it["row"]["phase"] == "Healthy" && it["row"]["strategy"] == "rolling");
    let alone = alone.await?;
    assert_eq!(
        (&alone["row"]["ready"], &alone["served"]["model"]),
        (&json!(4), &json!("hf://org/chat-2")),
        "{alone:#}"
    );
    Ok(())
}
