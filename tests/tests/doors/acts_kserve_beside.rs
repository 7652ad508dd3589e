//! Canaries beside the predictor of a service in KServe's Standard mode (`spec.canary`, since v0.20), by its real controller with
//! its real webhooks: shown, given another share, rolled back, promoted, each verified and taken back.

use acceptance::{
    ControlPlane, Failure, GPU, GpuNodes, Kserve, Options, Result, Said, Terminal, acting,
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

    // Its share is planned with what follows, and taken back by the line that is printed for that.
    let plan = act(&terminal, "canary", &["--to", "50", "--plan"]).await?;
    for part in [
        "Give canary v2 of InferenceService default/chat a share of 50 %",
        "canary v2: 25 % → 50 %",
        "/spec/canary/0/trafficPercent: 25 → 50",
        "2 pods, 2 GPUs",
        "would take it",
        "sends nobody there",
    ] {
        assert!(plan.out.contains(part), "{part}: {}", plan.out);
    }
    let said = act(&terminal, "canary", &["--to", "50", "--yes"]).await?;
    verified(&said, "canary v2 has its share of 50 %, and 2 of the pods");
    let half = |it: &Value| it["row"]["traffic"]["wanted"] == 50 && revisions(it).iter().all(|row| row.4 == 2);
    seen(&terminal, "half of it is the canary's", half).await?;
    verified(&take_back(&terminal, &said).await?, "canary v2 has its share of 25 %, and 1 of the pods");
    verified(&act(&terminal, "canary", &["--to", "50", "--yes"]).await?, "canary v2 has its share of 50 %");
    let again = act(&terminal, "canary", &["--to", "50", "--yes"]).await?;
    assert!(again.code == 1 && again.err.contains("at 50 % for canary v2 already"), "{again:?}");

    // A model for the predictor leaves the canary as it is.
    let said = act(&terminal, "set-model", &["--uri", "hf://org/chat-3", "--yes"]).await?;
    verified(&said, "its pods are ready with the model");
    let object = plane.api()?.get(&path_of(NAMESPACE, "chat")).await?;
    assert_eq!(object["spec"]["canary"][0]["predictor"]["model"]["storageUri"], "hf://org/chat-2");

    it_is_rolled_back_and_given_its_share_again(&terminal).await?;
    it_is_promoted_with_the_pods_that_it_has(&plane, &terminal).await
}

/// What a deed to the service says.
async fn act(terminal: &Terminal, verb: &str, more: &[&str]) -> Result<Said> {
    terminal.call(&[&["act", verb, "inferenceservice", "chat", "-n", NAMESPACE], more].concat()).await
}

/// Takes it back by the line that the terminal printed for that.
async fn take_back(terminal: &Terminal, said: &Said) -> Result<Said> {
    let line = said.err.lines().find_map(|line| line.split_once("To take it back: pilothouse ")).unwrap_or_default().1;
    let mut words: Vec<&str> = line.split_whitespace().collect();
    words.push("--yes");
    terminal.call(&words).await
}

#[track_caller]
fn verified(said: &Said, words: &str) {
    assert!(said.code == 0 && said.err.contains(&format!("verified: {words}")), "{words}: {said:?}");
}

async fn it_is_rolled_back_and_given_its_share_again(terminal: &Terminal) -> Result<()> {
    // What serves beside it is kept, and has to have two pods more; of its image and its model nobody here can say.
    let said = terminal.call(&["rollback", "chat", "-n", NAMESPACE, "--check"]).await?;
    assert_eq!(said.code, 3, "{said:?}");
    for part in [
        "unknown",
        "Revision 2 is kept. 2 of its pods are ready.",
        "fit beside those that run; 2 come at once",
        "hf://org/chat-3",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let said = terminal.call(&["rollback", "chat", "-n", NAMESPACE, "--yes"]).await?;
    assert!(said.out.contains("Roll InferenceService default/chat back"), "{said:?}");
    verified(&said, "canary v2 has its share of 0 %, and 0 of the pods");
    let all_beside = |it: &Value| {
        let pods: usize = revisions(it).iter().filter(|row| row.0.is_empty()).map(|row| row.4).sum();
        it["row"]["traffic"]["wanted"] == 0 && it["row"]["phase"] == "Paused" && pods == 4
    };
    let back = seen(terminal, "all of it is beside the canary", all_beside).await?;
    assert_eq!(back["row"]["why"], "canary v2 of 0 % waits for a person", "{back:#}");
    let again = act(terminal, "abort", &["--yes"]).await?;
    assert!(again.code == 1 && again.err.contains("rolled back already"), "{again:?}");
    verified(&take_back(terminal, &said).await?, "canary v2 has its share of 50 %, and 2 of the pods");
    verified(&act(terminal, "abort", &["--yes"]).await?, "canary v2 has its share of 0 %");
    verified(&act(terminal, "canary", &["--to", "50", "--yes"]).await?, "canary v2 has its share of 50 %");
    Ok(())
}

/// Its predictor takes the canary's name, and with it the Deployment: no pod of it is made anew.
async fn it_is_promoted_with_the_pods_that_it_has(plane: &ControlPlane, terminal: &Terminal) -> Result<()> {
    let pods = async || {
        let of = ["get", "pods", "-n", NAMESPACE, "-l", "app=isvc.chat-v2-predictor", "-o"];
        plane.kubectl(&[&of[..], &["jsonpath={.items[*].metadata.uid}"]].concat()).await
    };
    let before = pods().await?;
    assert_eq!(before.split_whitespace().count(), 2, "{before}");
    let said = act(terminal, "promote", &["--yes"]).await?;
    verified(&said, "its predictor is v2, and all its pods are ready");
    let after = pods().await?;
    assert!(
        after.split_whitespace().count() == 4 && before.split_whitespace().all(|uid| after.contains(uid)),
        "{after}"
    );
    let alone = |it: &Value| it["row"]["phase"] == "Healthy" && it["row"]["strategy"] == "rolling";
    let alone = seen(terminal, "it is alone", alone).await?;
    assert_eq!(
        (&alone["row"]["ready"], &alone["served"]["model"]),
        (&json!(4), &json!("hf://org/chat-2")),
        "{alone:#}"
    );
    // Only the model differed: by the one before it is taken back.
    assert!(said.err.contains("set-model inferenceservice chat") && said.err.contains("hf://org/chat-3"), "{said:?}");
    verified(&take_back(terminal, &said).await?, "its pods are ready with the model");
    // Without a canary beside it there is nothing to split.
    for (verb, more) in [("canary", &["--to", "10", "--yes"][..]), ("promote", &["--yes"]), ("abort", &["--yes"])] {
        let said = act(terminal, verb, more).await?;
        assert!(said.code == 1 && said.err.contains("no two revisions of it share traffic"), "{verb}: {said:?}");
    }
    let book = terminal.good(&["audit", "list"]).await?;
    for part in ["Roll InferenceService default/chat back", "Promote canary v2 of InferenceService default/chat"] {
        assert!(book.contains(part), "{part}: {book}");
    }
    acting::book_fits(terminal).await
}
