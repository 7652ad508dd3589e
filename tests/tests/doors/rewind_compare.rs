//! What differs between two times, of all that is shown: an alert, a service on its way, a model with its versions and
//! aliases. A real Alertmanager, the real controller of Argo Rollouts, a real MLflow; in the browser and in the terminal.

use std::time::Duration;

use acceptance::mlflow::Trained;
use acceptance::rollouts::rollout;
use acceptance::{Alertmanager, ControlPlane, GpuNodes, Mlflow, Options, Page, Result, Rollouts, Terminal};
use pilothouse_connect::Clock;
use serde_json::{Value, json};
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(60);
const MODEL: &str = "[data-test='model'][data-key='registry/chat']";
const SERVICE: &str = "[data-test='row'][data-key='workload:admin/default/Rollout/chat']";

/// The services, models and alerts of an answer of `pilothouse diff --json`, each as its fields from → to.
fn of_kind(said: &Value, kind: &str) -> Vec<String> {
    let rows = said["rows"].as_array().into_iter().flatten().filter(|row| row["kind"] == kind);
    let field = |field: &Value| {
        let text = |name: &str| field[name].as_str().unwrap_or("—").to_owned();
        format!("{} {} → {}", text("label"), text("from"), text("to"))
    };
    let fields = |row: &Value| row["fields"].as_array().into_iter().flatten().map(field).collect::<Vec<_>>().join(", ");
    rows.map(|row| format!("{} {}", row["change"].as_str().unwrap_or_default(), fields(row))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_services_and_models_that_differ_are_told_by_kind_in_both_doors() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let nodes = GpuNodes::new("compare", 1, 8);
    plane.add_gpu_nodes(&nodes, LIMIT).await?;
    let rollouts = Rollouts::start(&plane).await?;
    let steps = json!({ "canary": { "steps": [{ "setWeight": 20 }, { "pause": {} }] } });
    plane.apply(&rollout("default", "chat", &steps).to_string()).await?;
    rollouts.until("default", "chat", "Status", "Healthy").await?;
    let (mlflow, alerts) = (Mlflow::start().await?, Alertmanager::start().await?);
    let experiment = mlflow.experiment("chat").await?;
    let run = mlflow.run(&experiment, Trained { name: "fox", params: &[], metrics: &[], tags: &[] }).await?;
    mlflow.model("chat").await?;
    mlflow.version("chat", &experiment, &run).await?;
    mlflow.alias("chat", "champion", "1").await?;

    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "add", "mlflow", "--name", "registry", "--url", &mlflow.url()]).await?;
    terminal.good(&["connect", "add", "alertmanager", "--name", "alerts", "--url", &alerts.url()]).await?;
    let (door, link) = terminal.serve(&[]).await?;
    let page = Page::browser((1_440, 900), &link).await?;
    page.press("rail-models").await?;
    page.reads_as(MODEL, |text| text.contains("@champion 1"), "has its alias").await?;
    page.press("rail-delivery").await?;
    page.reads_as(SERVICE, |text| text.contains("Healthy"), "is healthy").await?;
    // What a second look needs is a second in which it was so.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = Clock::system().now().to_string();
    tokio::time::sleep(Duration::from_secs(1)).await;

    rollouts.set_image("default", "chat", "2.0.0").await?;
    rollouts.until("default", "chat", "Status", "Paused").await?;
    mlflow.version("chat", &experiment, &run).await?;
    mlflow.alias("chat", "champion", "2").await?;
    let hot = json!({ "labels": { "alertname": "GpuHot", "severity": "warning", "node": nodes.name(0) } });
    alerts.send(&json!([hot])).await?;
    page.reads_as(SERVICE, |text| text.contains("Paused"), "is paused").await?;
    page.press("rail-models").await?;
    page.reads_as(MODEL, |text| text.contains("@champion 2"), "has its alias elsewhere").await?;
    page.press("rail-fleet").await?;
    page.reads_as("[data-test='tab-alerts']", |text| text.contains('1'), "counts an alert").await?;

    page.press_by(".table-head").await?;
    page.key("c").await?;
    page.fill("compare-from", &before).await?;
    page.key(Key::Enter).await?;
    let service = |text: &str| {
        ["chat", "phase Healthy → Paused", "revision 1 → 2", "→ 20 %"].iter().all(|part| text.contains(part))
    };
    page.reads_as("[data-test='compare-service']", service, "tells of the service").await?;
    let model = |text: &str| text.contains("@champion 1 → 2") && text.contains("version 2 — → ready");
    page.reads_as("[data-test='compare-model']", model, "tells of the model").await?;
    page.reads_as("[data-test='compare-alert']", |text| text.contains("GpuHot"), "tells of the alert").await?;
    page.close().await?;
    drop(door);

    let said = terminal.json(&["diff", "--from", &before, "--json"]).await?;
    assert_eq!(said["complete"], true, "{said:#}");
    let services = of_kind(&said, "Service");
    assert!(matches!(&services[..], [one] if one.contains("phase Healthy → Paused")), "{services:?}");
    assert_eq!(of_kind(&said, "Model"), ["Changed @champion 1 → 2, version 2 — → ready"]);
    let alerts = of_kind(&said, "Alert");
    assert!(matches!(&alerts[..], [one] if one.starts_with("Came state — → firing")), "{alerts:?}");
    let only = terminal.good(&["diff", "--from", &before, "--filter", "kind=alert"]).await?;
    assert!(only.contains("Alerts 1") && only.contains("GpuHot") && !only.contains("Services"), "{only}");
    Ok(())
}
