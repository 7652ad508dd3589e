//! What differs between two times, of all that is shown: an alert, a service on its way, a model with its versions and
//! aliases. A real Alertmanager, the real controller of Argo Rollouts, a real MLflow; in the browser and in the terminal. And
//! out of a record in a file, with no server at all.

use std::path::Path;
use std::time::Duration;

use acceptance::mlflow::Trained;
use acceptance::rollouts::rollout;
use acceptance::{Alertmanager, ControlPlane, Failure, GpuNodes, Mlflow, Options, Page, Result, Rollouts, Terminal};
use pilothouse_connect::Clock;
use pilothouse_journal::{Limits, Recorder};
use pilothouse_wire::{ConnectionId, Health, Metric, Reading, Stamp};
use pilothouse_world::fact::{Covers, DeviceFact, DevicesFact, Kind, NodeFact, ReadingsFact, SourceAbout, SourceFact};
use pilothouse_world::{Batch, Extent, Fact};
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

/// Two minutes of a cluster: a node is cordoned, and another one goes; a second cluster comes later, and then somebody who
/// measures a GPU that met an XID who knows when.
fn a_journal(path: &Path, begin: Stamp) -> Result<()> {
    let recorder = Recorder::open(path, Limits::default()).map_err(|problem| Failure::new(problem.to_string()))?;
    let say = |id: &str, second: u64, extent: Extent, facts: Vec<Fact>| {
        let seen_at = begin.plus(Duration::from_secs(second));
        recorder.append(&Batch { source: ConnectionId::slug(id), seen_at, extent, facts });
    };
    let gpu = || vec![("nvidia.com/gpu".into(), 1)];
    let node = |name: &str, cordoned| {
        let fact = NodeFact { name: name.into(), cordoned, capacity: gpu(), allocatable: gpu(), ..NodeFact::default() };
        Fact::Node(Box::new(fact))
    };
    let listed = |kind| Extent::Replace(Covers { kind, namespace: None });
    let comes = |id: &str, second: u64, nodes: Vec<Fact>| {
        let about =
            SourceAbout { name: id.into(), kind: "kubernetes".into(), period_ms: 60_000, ..SourceAbout::default() };
        let facts = vec![SourceFact::About(Box::new(about)), SourceFact::Health(Health::Well)];
        say(id, second, Extent::Delta, facts.into_iter().map(Fact::Source).collect());
        say(id, second, listed(Kind::Node), nodes);
        say(id, second, listed(Kind::Pod), Vec::new());
    };
    comes("iad", 0, vec![node("h-1", false), node("h-2", false)]);
    say("iad", 60, Extent::Delta, vec![node("h-1", true)]);
    comes("ord", 80, vec![node("o-1", false)]);
    let device = DeviceFact { uuid: "GPU-1".into(), node: Some("h-1".into()), index: Some(0), ..DeviceFact::default() };
    let cluster = Some(ConnectionId::slug("iad"));
    let devices =
        DevicesFact { list: 1, cluster, interval_ms: 30_000, devices: vec![device], ..DevicesFact::default() };
    let columns = vec![(Metric::Xid, vec![Reading::of(79.0)])];
    let readings = ReadingsFact { list: 1, at: vec![Some(begin.plus(Duration::from_secs(90)))], columns };
    let about =
        SourceAbout { name: "prom".into(), kind: "prometheus".into(), period_ms: 30_000, ..SourceAbout::default() };
    let facts = vec![SourceFact::About(Box::new(about)), SourceFact::Health(Health::Well), SourceFact::Heard];
    say("prom", 85, Extent::Delta, facts.into_iter().map(Fact::Source).collect());
    say("prom", 90, Extent::Delta, vec![Fact::Devices(Box::new(devices)), Fact::Readings(Box::new(readings))]);
    say("iad", 120, Extent::Delta, vec![Fact::NodeGone("h-2".into())]);
    recorder.flush();
    Ok(())
}

#[tokio::test]
async fn two_times_of_a_copied_journal_and_of_an_export_are_compared_without_a_server() -> Result<()> {
    let terminal = Terminal::new(Path::new("/nowhere/kubeconfig"))?;
    let [journal, part] = ["copied.db", "part.pilothouse"].map(|name| terminal.home().join(name).display().to_string());
    let begin: Stamp = "2026-11-24T02:00:00Z".parse().map_err(|_| Failure::new("that is a time"))?;
    a_journal(Path::new(&journal), begin)?;
    terminal.good(&["journal", "--journal", &journal, "export", "--from", "1h", &part]).await?;
    for file in [&journal, &part] {
        let differ = async |words: &[&str]| {
            let said = terminal.call(&[&["diff", "--journal", file, "--json"][..], words].concat()).await?;
            let read = serde_json::from_str::<Value>(&said.out);
            read.map_err(|_| Failure::new(format!("{words:?}: {said:?}")))
        };
        // Before the end of the record, and at it: whatever the time is now.
        let said = differ(&["--from", "-30s"]).await?;
        assert_eq!((&said["from"], &said["to"]), (&json!("2026-11-24T02:01:30Z"), &json!("2026-11-24T02:02:00Z")));
        assert!(matches!(&of_kind(&said, "Node")[..], [one] if one.starts_with("Went")), "{said:#}");
        let said = differ(&["--from", "02:00", "--to", "2026-11-24T02:01:40Z"]).await?;
        let nodes = of_kind(&said, "Node");
        assert!(matches!(&nodes[..], [one] if one.contains("cordoned no → yes")), "{said:#}");
        let left_out = said["left_out"].to_string();
        assert!(left_out.contains("ord was not connected at 2026-11-24T02:00:00Z"), "{left_out}");
        // Nobody knows since when a GPU has its fault that was not measured before.
        let findings = of_kind(&said, "Finding");
        assert!(
            matches!(&findings[..], [one] if one.starts_with("NotKnown claim — → ") && one.contains("XID 79")),
            "{said:#}"
        );
        let why = said["rows"].as_array().into_iter().flatten().find_map(|row| row["why"].as_str());
        assert_eq!(why, Some("Not known at 2026-11-24T02:00:00Z: prom was not connected yet."));
    }
    let early = terminal.call(&["diff", "--journal", &part, "--from", "2026-11-24T01:00:00Z"]).await?;
    assert!(early.code == 1 && early.err.contains("The record tells of 2026-11-24T02:00:00Z"), "{early:?}");
    let both = terminal.call(&["diff", "--journal", &part, "--from", "-30s", "--demo"]).await?;
    assert_eq!(both.code, 2, "{both:?}");
    Ok(())
}
