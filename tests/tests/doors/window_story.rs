//! The whole story, from end to end, by four ways in which a model reaches traffic: it is pushed and registered, goes out, is
//! found to be bad, and is taken back in the window; all of it is in the audit book, and can be seen again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use acceptance::acting;
use acceptance::kserve::{FORMAT, LlmServices, member};
use acceptance::mlflow::Trained;
use acceptance::registry::Content;
use acceptance::rollouts::rollout;
use acceptance::{
    ControlPlane, Failure, GpuNodes, Kserve, Mlflow, Options, Page, Prometheus, Registry, Result, Rollouts, Terminal,
    until,
};
use serde_json::{Value, json};
use thirtyfour::Key;

pub(crate) const LIMIT: Duration = Duration::from_secs(120);
pub(crate) const NAMESPACE: &str = "default";
const SERVICE: &str = "workload:admin/default/Rollout/chat";
const BECAME: &str = "[data-test='plan-became'][data-state='verified']";
/// What the gateway says of TTFT at its 95th percentile, in ms, and the most that it may be.
const MEASURED: &str = "1142";
/// The same for people.
pub(crate) const SHOWN: &str = "1,142";
pub(crate) const MOST: u32 = 800;

/// What a person does in the story of a Rollout, as the audit book has it.
pub(crate) const DEEDS: [&str; 4] = [
    "Abort Rollout default/chat",
    "Retry Rollout default/chat",
    "Promote Rollout default/chat",
    "Take Rollout default/chat back",
];

/// Where the model comes from.
pub(crate) struct Shelves {
    registry: Registry,
    mlflow: Mlflow,
    /// The images of both versions, by their digests.
    pub(crate) images: [String; 2],
}

impl Shelves {
    /// Pushes two versions of a model and registers each, with the run that made it.
    pub(crate) async fn filled() -> Result<Self> {
        let (registry, mlflow) = (Registry::start().await?, Mlflow::start().await?);
        let experiment = mlflow.experiment("chat-tuning").await?;
        mlflow.model("chat").await?;
        let mut images = Vec::new();
        for (version, run) in [("1", "patient-owl"), ("2", "brisk-fox")] {
            let digest = registry.push("team/chat", version, &Content::image(&format!("weights of {version}"))).await?;
            images.push(format!("{}/team/chat@{digest}", registry.host()));
            let run = mlflow.run(&experiment, Trained { name: run, ..Trained::default() }).await?;
            mlflow.version("chat", &experiment, &run).await?;
        }
        mlflow.alias("chat", "champion", "1").await?;
        let images = images.try_into().map_err(|_| Failure::new("two were pushed"))?;
        Ok(Self { registry, mlflow, images })
    }

    /// Registers versions 3 and 4 from where they are in a store, from which KServe fetches.
    pub(crate) async fn in_a_store(&self) -> Result<[&'static str; 2]> {
        let places = ["s3://models/chat-1", "s3://models/chat-2"];
        for source in places {
            self.mlflow.post("model-versions/create", &json!({ "name": "chat", "source": source })).await?;
        }
        Ok(places)
    }
}

/// One version of the service, as its repository would have it: the image by its digest, the model by its number.
pub(crate) fn service(image: &str, version: &str) -> Value {
    let measured = json!({ "templates": [{ "templateName": "ttft" }] });
    let steps = json!([{ "setWeight": 20 }, { "pause": {} }, { "analysis": measured }]);
    let mut service = rollout(NAMESPACE, "chat", &json!({ "canary": { "steps": steps } }));
    let container = &mut service["spec"]["template"]["spec"]["containers"][0];
    container["image"] = json!(image);
    container["args"] = json!(["--model-uri", format!("models:/chat/{version}")]);
    service
}

/// Of so many measurements that fail one more ends it: whoever looks sees that it is bad before the controller acts on it.
pub(crate) const MOST_FAILED: u32 = 30;

/// Measured each second. Of what else it measures there is no series, which its controller lets pass.
fn template(prometheus: &Prometheus) -> Value {
    let asks = |query: &str| json!({ "prometheus": { "address": prometheus.url(), "query": query } });
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
        "metadata": { "name": "ttft", "namespace": NAMESPACE },
        "spec": { "metrics": [
            {
                "name": "ttft", "interval": "1s", "count": 600, "failureLimit": MOST_FAILED,
                "successCondition": format!("result[0] <= {MOST}"), "provider": asks(&format!("vector({MEASURED})")),
            },
            {
                "name": "goodput", "count": 1, "successCondition": "len(result) == 0 || result[0] >= 0.95",
                "provider": asks("nothing_such_total"),
            },
        ] },
    })
}

/// Lets a Deployment of that name run it, and waits until all its pods do.
pub(crate) async fn deployed(plane: &ControlPlane, image: &str, version: &str) -> Result<()> {
    let mut chat = service(image, version);
    (chat["apiVersion"], chat["kind"]) = (json!("apps/v1"), json!("Deployment"));
    chat["spec"]["strategy"] = json!({ "type": "RollingUpdate" });
    plane.apply(&chat.to_string()).await?;
    plane.kubectl(&["rollout", "status", "deployment/chat", "-n", NAMESPACE, "--timeout=90s"]).await.map(drop)
}

/// Version 1 serves in a cluster of the real controller, whose analyses ask a real Prometheus.
pub(crate) async fn the_first_serves<'a>(
    plane: &'a ControlPlane,
    shelves: &Shelves,
) -> Result<(Rollouts<'a>, Prometheus)> {
    plane.add_gpu_nodes(&GpuNodes::new("story", 2, 8), LIMIT).await?;
    let rollouts = Rollouts::start(plane).await?;
    let prometheus = Prometheus::start(Duration::from_secs(1), &[]).await?;
    plane.apply(&template(&prometheus).to_string()).await?;
    plane.apply(&service(&shelves.images[0], "1").to_string()).await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Healthy").await?;
    Ok((rollouts, prometheus))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_goes_out_is_found_bad_and_comes_back_with_all_of_it_in_the_book() -> Result<()> {
    let shelves = Shelves::filled().await?;
    let [first, second] = &shelves.images;
    let plane = ControlPlane::start(Options::default()).await?;
    let (rollouts, _prometheus) = the_first_serves(&plane, &shelves).await?;

    let (terminal, page) = seen(&plane.kubeconfig(), &shelves).await?;

    // It goes out, and waits for a person.
    plane.apply(&service(second, "2").to_string()).await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Paused").await?;
    page.key("gd").await?;
    page.press_by(&format!("[data-test='row'][data-key='{SERVICE}']")).await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Paused"), "waits").await?;
    page.reads_as("[data-test='rollout-traffic']", |text| text.contains("20 %"), "says its weight").await?;
    it_serves(&terminal, "chat", "2").await?;
    it_can_go_back(&page, first).await?;

    // Stopped in haste, and tried again: it waits as before.
    done(&page, "deed-abort").await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Degraded"), "was stopped").await?;
    done(&page, "deed-retry").await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Paused"), "waits again").await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Paused").await?;

    // The person lets it go on, and it is measured; beside it somebody looks in the terminal, who sees it while it goes.
    let measured = |it: &Value| {
        let value = &it["analyses"][0]["metrics"][0]["compared"]["value"];
        it["row"]["phase"] == "Progressing" && *value == 1_142.0
    };
    let (promoted, measured) = tokio::join!(
        done(&page, "deed-promote"),
        once(&terminal, "it is measured while it goes", ("chat", &[]), measured)
    );
    promoted?;
    let then = measured?["as_of"].as_str().unwrap_or_default().to_owned();
    // What is measured stands against its condition.
    let bad = |text: &str| text.contains(SHOWN) && text.contains(&format!("≤ {MOST}")) && text.contains("+43 %");
    page.reads_as("[data-test='metric'][data-key='ttft']", bad, "says the value against the condition").await?;
    it_is_told_what_was_asked_and_what_nobody_could_measure(&page).await?;
    // And of each measurement, by a press.
    page.unfold("measured").await?;
    let each = |text: &str| text.starts_with("Failed") && text.contains("+43 %");
    page.reads_as("[data-test='measurement']", each, "says it of each").await?;

    it_fails_by_itself(&page, &rollouts).await?;

    // Gone back from, by the keyboard alone, and verified.
    page.key("a").await?;
    page.fill("palette-input", ">go back").await?;
    page.key(Key::Enter).await?;
    confirmed(&page).await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Healthy"), "is well again").await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Healthy").await?;
    let image = ["get", "rollout", "chat", "-n", NAMESPACE, "-o", "jsonpath={.spec.template.spec.containers[0].image}"];
    assert_eq!(plane.kubectl(&image).await?, *first);
    it_serves(&terminal, "chat", "1").await?;

    the_book_has(&terminal, &DEEDS).await?;
    it_is_then(&page, &then).await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Progressing"), "is on its way again").await?;
    page.reads_as("[data-test='metric'][data-key='ttft']", |text| text.contains(SHOWN), "has its value").await?;
    it_is_now(&page).await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Healthy"), "is now").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_gets_a_model_and_goes_back_from_it() -> Result<()> {
    let shelves = Shelves::filled().await?;
    let [first, second] = &shelves.images;
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("story", 2, 8), LIMIT).await?;
    deployed(&plane, first, "1").await?;
    let (terminal, page) = seen(&plane.kubeconfig(), &shelves).await?;
    page.key("gd").await?;
    page.press_by("[data-test='row'][data-key='workload:admin/default/Deployment/chat']").await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Healthy"), "is well").await?;

    deployed(&plane, second, "2").await?;
    let newest = |text: &str| text.contains("Revision 2");
    page.reads_as("[data-test='revisions']", newest, "has a second revision").await?;
    it_serves(&terminal, "chat", "2").await?;
    let bad = terminal.json(&["rollout", "get", "chat", "--json"]).await?;
    let then = bad["as_of"].as_str().unwrap_or_default().to_owned();

    it_can_go_back(&page, first).await?;
    done(&page, "deed-undo").await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Healthy"), "is well again").await?;
    let image =
        ["get", "deployment", "chat", "-n", NAMESPACE, "-o", "jsonpath={.spec.template.spec.containers[0].image}"];
    assert_eq!(plane.kubectl(&image).await?, *first);
    it_serves(&terminal, "chat", "1").await?;
    page.reads_as("[data-test='revisions']", |text| text.contains("Revision 3"), "has what it went back to").await?;

    the_book_has(&terminal, &["Take Deployment default/chat back"]).await?;
    it_is_then(&page, &then).await?;
    let of_then = |text: &str| text.contains("Revision 2") && !text.contains("Revision 3");
    page.reads_as("[data-test='revisions']", of_then, "is at its second revision again").await?;
    it_is_now(&page).await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_a_group_of_kserve_gets_traffic_and_loses_it_again() -> Result<()> {
    let shelves = Shelves::filled().await?;
    let plane = Arc::new(ControlPlane::start(Options::default()).await?);
    plane.add_gpu_nodes(&GpuNodes::new("story", 2, 8), LIMIT).await?;
    let services = LlmServices::start(Arc::clone(&plane)).await?;
    for (name, version, weight) in [("stable", "1", 90), ("canary", "2", 10)] {
        let mut member = member(NAMESPACE, name, "hf://org/chat", weight);
        let container = &mut member["spec"]["template"]["containers"][0];
        container["args"] = json!(["--model-uri", format!("models:/chat/{version}")]);
        plane.apply(&member.to_string()).await?;
    }
    services.until_together(&plane, NAMESPACE, &["stable", "canary"]).await?;
    let (terminal, page) = seen(&plane.kubeconfig(), &shelves).await?;
    it_serves(&terminal, "canary", "2").await?;
    page.key("gd").await?;
    page.press_by("[data-test='row'][data-key='workload:admin/default/LLMInferenceService/canary']").await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Healthy"), "is well").await?;
    page.reads_as("[data-test='shares']", |text| text.contains("10 %"), "says its share").await?;

    weighed(&page, "60", "canary 10 % → 40 %").await?;
    page.reads_as("[data-test='shares']", |text| text.contains("40 %"), "has more of the traffic").await?;
    services.until_together(&plane, NAMESPACE, &["stable", "canary"]).await?;
    let bad = terminal.json(&["rollout", "get", "canary", "--json"]).await?;
    let then = bad["as_of"].as_str().unwrap_or_default().to_owned();

    // It was a mistake: nothing is sent to it any more.
    weighed(&page, "0", "canary 40 % → 0 %").await?;
    page.reads_as("[data-test='shares']", |text| !text.contains("40 %"), "has none of the traffic").await?;

    let deeds = ["default/canary from 10 to 60 in group chat", "default/canary from 60 to 0 in group chat"];
    the_book_has(&terminal, &deeds).await?;
    it_is_then(&page, &then).await?;
    page.reads_as("[data-test='shares']", |text| text.contains("40 %"), "has its share of then").await?;
    it_is_now(&page).await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_kserve_gets_a_model_and_goes_back_to_the_one_before() -> Result<()> {
    let shelves = Shelves::filled().await?;
    let places = shelves.in_a_store().await?;
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("story", 2, 8), LIMIT).await?;
    let kserve = Kserve::start(&plane).await?;
    let chat = json!({
        "apiVersion": "serving.kserve.io/v1beta1", "kind": "InferenceService",
        "metadata": {
            "name": "chat", "namespace": NAMESPACE, "annotations": { "serving.kserve.io/autoscalerClass": "none" },
        },
        "spec": { "predictor": {
            "minReplicas": 2, "terminationGracePeriodSeconds": 0,
            "model": { "modelFormat": { "name": FORMAT }, "storageUri": places[0] },
        } },
    });
    plane.apply(&chat.to_string()).await?;
    kserve.until(NAMESPACE, "chat", "Ready", "True").await?;
    let (terminal, page) = seen(&plane.kubeconfig(), &shelves).await?;
    it_serves(&terminal, "chat", "3").await?;
    page.key("gd").await?;
    page.press_by("[data-test='row'][data-key='workload:admin/default/InferenceService/chat']").await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Healthy"), "is well").await?;

    page.press("deed-set-model").await?;
    page.fill("set-model-to", places[1]).await?;
    page.press("set-model-plan").await?;
    page.reads_as("[data-test='plan-changes']", |text| text.contains(places[1]), "says what changes").await?;
    confirmed(&page).await?;
    page.reads_as("[data-test='rollout-served']", |text| text.contains(places[1]), "serves the other one").await?;
    it_serves(&terminal, "chat", "4").await?;
    let bad = terminal.json(&["rollout", "get", "chat", "--json"]).await?;
    let then = bad["as_of"].as_str().unwrap_or_default().to_owned();

    // Its registry has the model of before; of the image of its runtime nobody here knows.
    page.press_until("back-ask", "[data-test='back-said']").await?;
    page.find_by("[data-test='back-said'][data-grade='unknown']").await?;
    page.reads_as("[data-test='back']", |text| text.contains("It leads to version 3 of chat."), "has the model")
        .await?;
    page.press("back-go").await?;
    confirmed(&page).await?;
    page.reads_as("[data-test='rollout-served']", |text| text.contains(places[0]), "serves the one before").await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Healthy"), "is well again").await?;
    it_serves(&terminal, "chat", "3").await?;

    let deeds = places.map(|place| format!("Serve {place} by InferenceService default/chat"));
    the_book_has(&terminal, &deeds.each_ref().map(String::as_str)).await?;
    it_is_then(&page, &then).await?;
    page.reads_as("[data-test='rollout-served']", |text| text.contains(places[1]), "serves what it served then")
        .await?;
    it_is_now(&page).await?;
    page.close().await
}

/// Nobody stops it: its analysis fails, and its controller takes the traffic away. Why is on the page, with the value that it
/// was measured at.
async fn it_fails_by_itself(page: &Page, rollouts: &Rollouts<'_>) -> Result<()> {
    let stopped = |text: &str| text.contains("Degraded") && text.contains("assessed Failed");
    page.reads_as("[data-test='rollout-head']", stopped, "says what stopped it").await?;
    let says = |text: &str| text.contains("the controller says Failed") && !text.contains("its measurements say");
    page.reads_as("[data-test='analysis']", says, "is told as its controller has it").await?;
    let why = format!("{} failed, and {MOST_FAILED} may", MOST_FAILED + 1);
    let failed = |text: &str| {
        text.starts_with("Failed")
            && [SHOWN, &format!("≤ {MOST}"), "+43 %", &why].iter().all(|part| text.contains(*part))
    };
    page.reads_as("[data-test='metric'][data-key='ttft']", failed, "says why, with the value").await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Degraded").await.map(drop)
}

/// The query as it was asked stays open while measurements come; and where there is no series that is no pass, whatever its
/// controller says.
async fn it_is_told_what_was_asked_and_what_nobody_could_measure(page: &Page) -> Result<()> {
    let metric = |name: &str| format!("[data-test='metric'][data-key='{name}']");
    page.press_by(&format!("{} .query summary", metric("ttft"))).await?;
    let query = format!("{} .query pre", metric("ttft"));
    page.reads_as(&query, |text| text == format!("vector({MEASURED})"), "is what was asked").await?;
    page.find_by(&format!("{} [data-test='measurements'] li:nth-child(4)", metric("ttft"))).await?;
    page.reads_as(&query, |text| text.contains(MEASURED), "is open still").await?;
    let disputed = |text: &str| text.contains("No data") && text.contains("gave no value");
    page.reads_as(&metric("goodput"), disputed, "is no pass").await.map(drop)
}

/// Gives the member a weight, and wants the plan to say what follows.
async fn weighed(page: &Page, to: &str, follows: &str) -> Result<()> {
    page.press("deed-member-weight").await?;
    page.fill("member-weight-to", to).await?;
    page.press("member-weight-plan").await?;
    let words: Vec<&str> = follows.split(' ').collect();
    let says = |text: &str| words.iter().all(|word| text.contains(word));
    page.reads_as("[data-test='plan-traffic']", says, "says what follows").await?;
    confirmed(page).await
}

/// A terminal and a window that see a cluster and where its models come from.
async fn seen(kubeconfig: &Path, shelves: &Shelves) -> Result<(Terminal, Page)> {
    let terminal = connected(kubeconfig, shelves).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.find_by("[data-test='chip-admin'][data-state='live']").await?;
    Ok((terminal, page))
}

/// A terminal that sees a cluster and where its models come from, and may act.
pub(crate) async fn connected(kubeconfig: &Path, shelves: &Shelves) -> Result<Terminal> {
    let terminal = Terminal::new(kubeconfig)?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "operate", "admin"]).await?;
    terminal.good(&["connect", "add", "mlflow", "--name", "models", "--url", &shelves.mlflow.url()]).await?;
    let oci =
        ["connect", "add", "oci", "--name", "images", "--url", &shelves.registry.url(), "--set", "watch=team/chat"];
    terminal.good(&oci).await?;
    Ok(terminal)
}

/// Plans a deed of the page, confirms it, and waits until what became of it is verified.
async fn done(page: &Page, deed: &str) -> Result<()> {
    page.press(deed).await?;
    confirmed(page).await
}

async fn confirmed(page: &Page) -> Result<()> {
    page.reads_as("[data-test='plan-permission']", |text| text.contains("would take it"), "says that it can").await?;
    page.press("plan-confirm").await?;
    page.find_by(BECAME).await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await
}

/// The image of before is in its registry at the digest that the template names. It is slow and not ready: a node that kwok plays
/// has no image.
async fn it_can_go_back(page: &Page, image: &str) -> Result<()> {
    page.press_until("back-ask", "[data-test='back-said']").await?;
    page.find_by("[data-test='back-said'][data-grade='slow']").await?;
    let digest = image.split('@').next_back().unwrap_or_default().to_owned();
    let is_there = |text: &str| text.contains(&digest) && text.contains("images has");
    page.reads_as("[data-test='back']", is_there, "has the image").await.map(drop)
}

/// From the version to its pods, in the terminal.
pub(crate) async fn it_serves(terminal: &Terminal, service: &str, version: &str) -> Result<()> {
    let document = terminal.json(&["models", "chat", version, "--json"]).await?;
    let rows = document["serves"].as_array().cloned().unwrap_or_default();
    let is_it =
        |row: &Value| row["version"].as_u64() == version.parse().ok() && row["workload"].to_string().contains(service);
    assert!(rows.iter().any(is_it), "version {version}: {document:#}");
    Ok(())
}

/// Each deed is in the audit book, whose entries fit each other.
pub(crate) async fn the_book_has(terminal: &Terminal, deeds: &[&str]) -> Result<()> {
    let book = terminal.good(&["audit", "list"]).await?;
    for part in deeds.iter().chain(&["verified"]) {
        assert!(book.contains(part), "{part}: {book}");
    }
    acting::book_fits(terminal).await
}

/// What the terminal says of a service, now or then, once it is so; also where not all that is there is read yet, or the record does not tell of then yet.
pub(crate) async fn once(
    terminal: &Terminal,
    what: &str,
    (name, more): (&str, &[&str]),
    is: impl Fn(&Value) -> bool,
) -> Result<Value> {
    until(what, LIMIT, async || {
        let said = terminal.call(&[&["rollout", "get", name, "--json"], more].concat()).await?;
        let told: Value = serde_json::from_str(&said.out).unwrap_or_default();
        Ok(is(&told["service"]).then_some(told))
    })
    .await
}

/// Takes the whole application to a time, where nothing can be done.
async fn it_is_then(page: &Page, then: &str) -> Result<()> {
    page.chord("k").await?;
    page.fill("palette-input", &format!(":{then}")).await?;
    page.key(Key::Enter).await?;
    page.find("past").await?;
    page.gone("[data-test='deeds']").await
}

async fn it_is_now(page: &Page) -> Result<()> {
    page.key("n").await?;
    page.gone("[data-test='past']").await
}
