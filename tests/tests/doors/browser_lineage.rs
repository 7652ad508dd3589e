//! From a pod to the version of a model and back, from end to end: a canary of the real controller that is started with an
//! alias of a real MLflow, followed in headless Chromium and in the terminal.

use std::time::Duration;

use acceptance::mlflow::Trained;
use acceptance::{Context, ControlPlane, GpuNodes, Mlflow, Options, Page, Result, Rollouts, Terminal};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
const CANARY: &str = "workload:admin/default/Rollout/chat";
const BATCH: &str = "workload:admin/default/Deployment/batch";
/// A secret beside an address.
const SECRET: &str = "hunter2-of-lineage";

fn template(app: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let env: Vec<Value> = variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let container = json!({
        "name": "server", "image": "registry.invalid/models/server:1", "args": arguments, "env": env,
        "resources": { "limits": { "nvidia.com/gpu": "1" } },
    });
    json!({
        "metadata": { "labels": { "app": app } },
        "spec": { "terminationGracePeriodSeconds": 0, "containers": [container] },
    })
}

fn rollout(model: &str) -> String {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "chat", "namespace": "default" },
        "spec": {
            "replicas": 5, "selector": { "matchLabels": { "app": "chat" } },
            "strategy": { "canary": { "steps": [{ "setWeight": 20 }, { "pause": {} }] } },
            "template": template("chat", &["--api-key", SECRET, "--model-uri", model], &[]),
        },
    })
    .to_string()
}

fn batch() -> String {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "batch", "namespace": "default" },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": "batch" } },
            "template": template("batch", &[], &[("MODEL_URI", "models:/chat/2"), ("API_TOKEN", SECRET)]),
        },
    })
    .to_string()
}

/// A registry with a model of two versions, of which an alias leads to the second.
async fn registry(server: &Mlflow) -> Result<(String, [String; 3])> {
    let experiment = server.experiment("chat-tuning").await?;
    server.model("chat").await?;
    let mut runs = Vec::new();
    for name in ["patient-owl", "brisk-fox", "calm-elk"] {
        runs.push(server.run(&experiment, Trained { name, ..Trained::default() }).await?);
    }
    for run in &runs[..2] {
        server.version("chat", &experiment, run).await?;
    }
    server.alias("chat", "champion", "2").await?;
    Ok((experiment, runs.try_into().unwrap_or_default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_from_a_pod_to_its_version_and_from_a_version_to_where_it_serves() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("lineage", 1, 8), LIMIT).await?;
    let rollouts = Rollouts::start(&plane).await?;
    let server = Mlflow::start().await?;
    let (experiment, runs) = registry(&server).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "add", "mlflow", "--name", "registry", "--url", &server.url()]).await?;

    // The alias is seen before the pods begin.
    let (door, address) = terminal.serve(&[]).await?;
    let page = Page::browser((1_440, 900), &address).await?;
    page.press("rail-models").await?;
    page.press_by("[data-test='model'][data-key='registry/chat']").await?;
    page.reads_as("[data-test='serves']", |text| text.contains("No pod that is read"), "says that nothing serves it")
        .await?;
    plane.apply(&rollout("models:/chat/1")).await?;
    rollouts.until("default", "chat", "Status", "Healthy").await?;
    plane.apply(&rollout("models:/chat@champion")).await?;
    rollouts.until("default", "chat", "Status", "Paused").await?;
    plane.apply(&batch()).await?;
    plane.kubectl(&["wait", "--for=condition=Available", "deployment/batch", "--timeout=90s"]).await?;

    the_page_says_where_it_serves(&page).await?;
    let pod = the_terminal_says_where_it_serves(&terminal, &plane, &runs).await?;

    let then = terminal.json(&["models", "chat", "2", "--json"]).await?["as_of"].as_str().map(str::to_owned);

    // A version comes and the alias moves to it: who began before is called out.
    server.version("chat", &experiment, &runs[2]).await?;
    server.alias("chat", "champion", "3").await?;
    page.press_by("[data-test='version'][data-key='2']").await?;
    let canary = format!("[data-test='serves-row'][data-key='{CANARY}']");
    page.reads_as(&canary, |text| text.contains("moved"), "calls the alias out that moved").await?;
    let described = terminal.good(&["describe", "pod", &pod, "-n", "default"]).await?;
    assert!(described.contains("moved") && described.contains("chat@champion moved since it began"), "{described}");

    // What is gone is told of, and a press leads to what serves.
    plane.kubectl(&["delete", "deployment/batch", "--wait=true"]).await?;
    page.reads_as(&format!("[data-test='served-row'][data-key='{BATCH}']"), |text| text.contains("batch"), "served")
        .await?;
    page.gone(&format!("[data-test='serves-row'][data-key='{BATCH}']")).await?;
    page.press_by(&format!("{canary} [data-test='serves-open']")).await?;
    page.reads_as("[data-test='inspector']", |text| text.contains("Rollout") && text.contains("chat"), "opens it")
        .await?;
    drop(door);
    page.close().await?;

    // Who watched all the time had seen the alias: what was known then is in the record.
    let was = terminal.json(&["models", "chat", "2", "--at", &then.unwrap_or_default(), "--json"]).await?;
    let of_canary = |row: &&Value| row["workload"].to_string().contains("Rollout");
    let row = was["serves"].as_array().into_iter().flatten().find(of_canary).cloned().unwrap_or_default();
    assert_eq!(
        (&row["version"], &row["verdict"], &row["traffic"]["actual"]),
        (&json!(2), &json!("Current"), &json!(20)),
        "{was:#}"
    );
    Ok(())
}

async fn the_page_says_where_it_serves(page: &Page) -> Result<()> {
    let row = |of: &str| format!("[data-test='serves-row'][data-key='{of}']");
    // The newest version, 2, is shown.
    page.reads_as(
        &row(CANARY),
        |text| text.contains("current") && text.contains("1 of 1") && text.contains("20 %"),
        "is 2 of its alias, with the share of the canary",
    )
    .await?;
    page.reads_as(
        &row(BATCH),
        |text| text.contains("pinned") && text.contains("1 of 1") && text.contains("100 %"),
        "is 2 by its number",
    )
    .await?;
    page.press_by("[data-test='version'][data-key='1']").await?;
    page.reads_as(
        &row(CANARY),
        |text| text.contains("pinned") && text.contains("4 of 4") && text.contains("80 %"),
        "is 1 in the pods of before",
    )
    .await?;
    page.gone(&row(BATCH)).await
}

/// One command begins after the pods: of them it knows what their addresses fix. Gives the name of a pod of the canary.
async fn the_terminal_says_where_it_serves(
    terminal: &Terminal,
    plane: &ControlPlane,
    runs: &[String],
) -> Result<String> {
    let one = terminal.json(&["models", "chat", "1", "--json"]).await?;
    let of_version = |row: &&Value| row["version"] == 1;
    let rows: Vec<&Value> = one["serves"].as_array().into_iter().flatten().collect();
    let known: Vec<&&Value> = rows.iter().filter(|row| of_version(row)).collect();
    assert_eq!(known.len(), 1, "{one:#}");
    assert_eq!(
        (&known[0]["pods"], &known[0]["gpus"], &known[0]["traffic"]["actual"]),
        (&json!(4), &json!(4), &json!(80))
    );
    assert!(known[0]["since"].is_string(), "since when: {one:#}");
    let alias = rows.iter().find(|row| row["version"].is_null()).copied().cloned().unwrap_or_default();
    let why = "Alias champion leads to version 2 now; whether it did when the container began was not seen.";
    assert_eq!((&alias["evidence"], &alias["traffic"]["actual"]), (&json!(why), &json!(20)), "{one:#}");
    let text = terminal.good(&["models", "chat", "2"]).await?;
    for word in ["chat/2 in registry", "Deployment/batch", "100 %", "pinned", "None was seen to go"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let none = terminal.call(&["models", "chat", "9"]).await?;
    assert!(none.code == 1 && none.err.contains("chat has no version and no alias 9"), "{none:?}");

    let pods = plane.kubectl(&["get", "pods", "-o", "json"]).await?;
    let pods: Value = serde_json::from_str(&pods).could_not("read the pods")?;
    let named = |wanted: &str| {
        let mut all = pods["items"].as_array().into_iter().flatten();
        let pod = all.find(|pod| pod["spec"]["containers"][0].to_string().contains(wanted));
        pod.and_then(|pod| pod["metadata"]["name"].as_str()).unwrap_or_default().to_owned()
    };
    let described = terminal.good(&["describe", "pod", &named("models:/chat/2"), "-n", "default"]).await?;
    for word in ["Where what it runs comes from", "By variable MODEL_URI", "chat/2 in registry", "champion", &runs[1]] {
        assert!(described.contains(word), "{word}: {described}");
    }
    let pod = named("models:/chat@champion");
    let described = terminal.good(&["describe", "pod", &pod, "-n", "default"]).await?;
    assert!(described.contains("By argument --model-uri") && described.contains(why), "{described}");
    assert!(!described.contains(SECRET), "{described}");
    Ok(pod)
}
