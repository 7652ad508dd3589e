//! The whole story in the terminal alone, by three ways in which a model reaches traffic: it is pushed and registered, goes out, is
//! found to be bad, and is taken back, each step verified; all of it is in the audit book, and can be seen again.

use crate::window_story::{
    DEEDS, LIMIT, MOST, MOST_FAILED, NAMESPACE, SHOWN, Shelves, connected, deployed, it_serves, once, service,
    the_book_has, the_first_serves,
};
use acceptance::{
    Context, ControlPlane, Failure, GpuNodes, Kserve, Options, Result, Said, Terminal,
    kserve::{FORMAT, path_of},
};
use serde_json::{Value, json};
use tokio::process::Child;

/// What a service says of itself, now or then.
async fn told(terminal: &Terminal, name: &str, more: &[&str]) -> Result<Value> {
    terminal.json(&[&["rollout", "get", name, "--json"], more].concat()).await
}

/// Does it, and wants these words of what became of it.
async fn done(terminal: &Terminal, words: &[&str], became: &str) -> Result<Said> {
    let said = terminal.call(&[words, &["-n", NAMESPACE, "--yes"]].concat()).await?;
    assert!(said.code == 0 && said.err.contains(&format!("verified: {became}")), "{words:?}: {said:?}");
    Ok(said)
}

/// Shows what would be done, which is all of this, and does nothing.
async fn planned(terminal: &Terminal, words: &[&str], parts: &[&str]) -> Result<()> {
    let plan = terminal.good(&[words, &["-n", NAMESPACE, "--plan"]].concat()).await?;
    for part in parts.iter().chain(&["would take it"]) {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    Ok(())
}

/// A recorder, once it tells of the service: no window is open, and what is seen again later has to be recorded by somebody.
async fn recorded(terminal: &Terminal, name: &str) -> Result<Child> {
    let recorder = terminal.command(&["record"])?.spawn().could_not("start the recorder")?;
    once(terminal, "it is recorded", (name, &["--at", "now"]), |it| it["row"]["phase"] == "Healthy").await?;
    Ok(recorder)
}

/// When a document is of.
fn time_of(document: &Value) -> String {
    document["as_of"].as_str().unwrap_or_default().to_owned()
}

/// What the first metric of the newest analysis was measured at.
fn measured(service: &Value) -> &Value {
    &service["analyses"][0]["metrics"][0]["compared"]["value"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_goes_out_is_found_bad_and_comes_back_without_a_window() -> Result<()> {
    let shelves = Shelves::filled().await?;
    let [first, second] = &shelves.images;
    let plane = ControlPlane::start(Options::default()).await?;
    let (rollouts, _prometheus) = the_first_serves(&plane, &shelves).await?;
    let terminal = connected(&plane.kubeconfig(), &shelves).await?;
    let mut recorder = recorded(&terminal, "chat").await?;

    // From a version to where it serves, and what it was made by: of the new one nowhere yet.
    it_serves(&terminal, "chat", "1").await?;
    let version = terminal.good(&["models", "chat", "2"]).await?;
    assert!(version.contains(", run ") && version.contains("No pod that is read is started with it"), "{version}");

    // It goes out, and waits for a person.
    plane.apply(&service(second, "2").to_string()).await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Paused").await?;
    let paused = terminal.good(&["rollout", "get", "chat"]).await?;
    assert!(paused.contains("Paused") && paused.contains("20 %"), "{paused}");
    it_serves(&terminal, "chat", "2").await?;
    can_go_back(&terminal, first).await?;

    // Stopped in haste, and tried again: it waits as before.
    done(&terminal, &["act", "abort", "rollout", "chat"], "all traffic is at the stable revision").await?;
    assert_eq!(told(&terminal, "chat", &[]).await?["service"]["row"]["phase"], "Degraded");
    done(&terminal, &["act", "retry", "rollout", "chat"], "it ").await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Paused").await?;

    // The person lets it go on; what is measured stands against its condition while it goes.
    let (promoted, going) = tokio::join!(
        done(&terminal, &["act", "promote", "rollout", "chat"], ""),
        once(&terminal, "it is measured", ("chat", &[]), |it| {
            it["row"]["phase"] == "Progressing" && *measured(it) == 1_142.0
        })
    );
    promoted?;
    let then = time_of(&going?);
    let page = terminal.good(&["rollout", "get", "chat"]).await?;
    for part in ["ttft", SHOWN, &format!("{MOST}"), "goodput", "No data", "that is no pass"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    once(&terminal, "the record tells of then", ("chat", &["--at", &then]), |it| *measured(it) == 1_142.0).await?;

    // Nobody stops it: its analysis fails, and its controller takes the traffic away. Why is said, with the value.
    let failed = once(&terminal, "it fails by itself", ("chat", &[]), |it| {
        it["row"]["phase"] == "Degraded" && it["analyses"][0]["phase"] == "Failed"
    });
    let failed = failed.await?;
    let run = &failed["service"]["analyses"][0];
    assert_eq!((&run["verdict"], &run["dispute"]), (&json!("Failed"), &Value::Null), "{run:#}");
    assert_eq!(*measured(&failed["service"]), 1_142.0, "{run:#}");
    let page = terminal.good(&["rollout", "get", "chat"]).await?;
    let why = format!("{} failed, and {MOST_FAILED} may", MOST_FAILED + 1);
    for part in ["Degraded", "assessed Failed", "the controller says Failed", SHOWN, "+43 %", &why] {
        assert!(page.contains(part), "{part}: {page}");
    }
    rollouts.until(NAMESPACE, "chat", "Status", "Degraded").await?;

    done(&terminal, &["act", "undo", "rollout", "chat"], "5 of 5 pods are ready").await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Healthy").await?;
    let image = ["get", "rollout", "chat", "-n", NAMESPACE, "-o", "jsonpath={.spec.template.spec.containers[0].image}"];
    assert_eq!(plane.kubectl(&image).await?, *first);
    it_serves(&terminal, "chat", "1").await?;

    // The book has all of it, and its entries fit each other.
    the_book_has(&terminal, &DEEDS).await?;

    // As it was then, with its value, and as it was when it had failed; now it is well.
    let was = told(&terminal, "chat", &["--at", &then]).await?;
    assert_eq!(was["service"]["row"]["phase"], "Progressing", "{was:#}");
    assert_eq!(*measured(&was["service"]), 1_142.0, "{was:#}");
    let at = time_of(&failed);
    once(&terminal, "the record tells how it failed", ("chat", &["--at", &at]), |it| {
        it["row"]["phase"] == "Degraded" && it["analyses"][0]["phase"] == "Failed" && *measured(it) == 1_142.0
    })
    .await?;
    assert_eq!(told(&terminal, "chat", &[]).await?["service"]["row"]["phase"], "Healthy");
    recorder.kill().await.could_not("end the recorder")
}

/// Whether it can go back is known before anything is done; kwok's nodes hold no image, and so it is slow.
async fn can_go_back(terminal: &Terminal, image: &str) -> Result<()> {
    let check = terminal.call(&["rollback", "chat", "-n", NAMESPACE, "--check"]).await?;
    assert!(check.code == 0 && check.out.to_lowercase().contains("slow"), "{check:?}");
    let digest = image.split('@').next_back().unwrap_or_default();
    assert!(check.out.contains(digest), "{digest}: {check:?}");
    Ok(())
}

/// A service of KServe of four pods, with a canary beside it that gets a share of them, or none: two models of a store.
fn inference([own, beside]: [&str; 2], canary: Option<u32>) -> String {
    let predictor = |uri: &str| json!({ "terminationGracePeriodSeconds": 0, "model": { "modelFormat": { "name": FORMAT }, "storageUri": uri } });
    let (mut own, mut beside) = (predictor(own), predictor(beside));
    own["minReplicas"] = json!(4);
    beside["name"] = json!("v2");
    let mut spec = json!({ "predictor": own });
    if let Some(percent) = canary {
        spec["canary"] = json!([{ "predictor": beside, "trafficPercent": percent }]);
    }
    json!({
        "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
        "metadata": { "name": "talk", "namespace": NAMESPACE, "annotations": {
            "serving.kserve.io/deploymentMode": "Standard", "serving.kserve.io/autoscalerClass": "none",
        } },
        "spec": spec,
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_by_a_deployment_and_by_weights_of_kserve() -> Result<()> {
    let shelves = Shelves::filled().await?;
    let places = shelves.in_a_store().await?;
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("story", 2, 8), LIMIT).await?;
    let kserve = Kserve::start(&plane).await?;
    deployed(&plane, &shelves.images[0], "1").await?;
    plane.apply(&inference(places, None)).await?;
    kserve.until(NAMESPACE, "talk", "Ready", "True").await?;
    let terminal = connected(&plane.kubeconfig(), &shelves).await?;
    let mut recorder = recorded(&terminal, "chat").await?;

    a_deployment_goes_back(&plane, &terminal, &shelves).await?;
    a_canary_of_kserve_loses_its_traffic(&plane, &kserve, &terminal, places).await?;

    let deeds = [
        "Take Deployment default/chat back to revision 1",
        "Give canary v2 of InferenceService default/talk a share of 50 %",
        "Roll InferenceService default/talk back",
    ];
    the_book_has(&terminal, &deeds).await?;
    recorder.kill().await.could_not("end the recorder")
}

async fn a_deployment_goes_back(plane: &ControlPlane, terminal: &Terminal, shelves: &Shelves) -> Result<()> {
    let [first, second] = &shelves.images;
    it_serves(terminal, "chat", "1").await?;
    deployed(plane, second, "2").await?;
    let bad = once(terminal, "its second revision is there", ("chat", &[]), |it| {
        it["row"]["revision"] == 2 && it["row"]["phase"] == "Healthy"
    });
    let then = time_of(&bad.await?);
    it_serves(terminal, "chat", "2").await?;
    once(terminal, "the record tells of then", ("chat", &["--at", &then]), |it| it["row"]["revision"] == 2).await?;

    can_go_back(terminal, first).await?;
    let undo = ["act", "undo", "deployment", "chat"];
    planned(terminal, &undo, &["Take Deployment default/chat back to revision 1", first.as_str()]).await?;
    let image =
        ["get", "deployment", "chat", "-n", NAMESPACE, "-o", "jsonpath={.spec.template.spec.containers[0].image}"];
    assert_eq!(plane.kubectl(&image).await?, *second, "nothing was done yet");
    let said = done(terminal, &undo, "5 of 5 pods are ready").await?;
    assert!(said.err.contains("To take it back: pilothouse act undo deployment chat"), "{said:?}");
    assert_eq!(plane.kubectl(&image).await?, *first);
    it_serves(terminal, "chat", "1").await?;

    let now = once(terminal, "it is well again", ("chat", &[]), |it| {
        it["row"]["revision"] == 3 && it["row"]["phase"] == "Healthy"
    });
    now.await?;
    assert_eq!(told(terminal, "chat", &["--at", &then]).await?["service"]["row"]["revision"], 2);
    it_differs(terminal, &then, "chat", "2 → 3").await
}

async fn a_canary_of_kserve_loses_its_traffic(
    plane: &ControlPlane,
    kserve: &Kserve<'_>,
    terminal: &Terminal,
    places: [&str; 2],
) -> Result<()> {
    it_serves(terminal, "talk", "3").await?;
    plane.apply(&inference(places, Some(25))).await?;
    kserve.until(NAMESPACE, "talk", "CanaryPredictorReady", "True").await?;
    kserve.until(NAMESPACE, "talk", "Ready", "True").await?;
    let waits = once(terminal, "the canary waits", ("talk", &[]), |it| it["row"]["phase"] == "Paused").await?;
    assert_eq!(waits["service"]["row"]["why"], "canary v2 of 25 % waits for a person", "{waits:#}");
    it_serves(terminal, "talk", "4").await?;

    // It gets more of the pods, once that was shown.
    let more = ["act", "canary", "inferenceservice", "talk", "--to", "50"];
    planned(terminal, &more, &["canary v2: 25 % → 50 %", "/spec/canary/0/trafficPercent: 25 → 50"]).await?;
    let share = async || {
        let object = plane.api()?.get(&path_of(NAMESPACE, "talk")).await?;
        Ok::<_, Failure>(object["spec"]["canary"][0]["trafficPercent"].clone())
    };
    assert_eq!(share().await?, json!(25), "nothing was done yet");
    done(terminal, &more, "canary v2 has its share of 50 %, and 2 of the pods").await?;
    assert_eq!(share().await?, json!(50));
    let half = |it: &Value| it["row"]["traffic"]["wanted"] == 50;
    let then = time_of(&once(terminal, "it has half", ("talk", &[]), half).await?);
    once(terminal, "the record tells of then", ("talk", &["--at", &then]), half).await?;

    // It is bad: no pod is left to it. Of the image of its runtime nobody here knows, of the model its registry does.
    let check = terminal.call(&["rollback", "talk", "-n", NAMESPACE, "--check"]).await?;
    assert!(check.code == 3 && check.out.contains("It leads to version 3 of chat."), "{check:?}");
    done(terminal, &["rollback", "talk"], "canary v2 has its share of 0 %, and 0 of the pods").await?;
    assert_eq!(share().await?, json!(0));
    let none = |it: &Value| it["row"]["traffic"]["wanted"] == 0;
    once(terminal, "it has none of the traffic", ("talk", &[]), none).await?;
    let was = told(terminal, "talk", &["--at", &then]).await?;
    assert!(half(&was["service"]), "{was:#}");
    it_differs(terminal, &then, "talk", "50 % → 0 %").await
}

/// Between then and now the service is told to differ so.
async fn it_differs(terminal: &Terminal, then: &str, name: &str, so: &str) -> Result<()> {
    let filter = format!("kind=service name={name}");
    let difference = terminal.good(&["diff", "--from", then, "--filter", &filter]).await?;
    assert!(difference.contains(&format!("default/{name}")) && difference.contains(so), "{so}: {difference}");
    Ok(())
}
