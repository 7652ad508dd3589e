//! Alerts from end to end: a real Alertmanager, pods and nodes of a real cluster that its alerts are about, and what
//! `pilothouse` says in the terminal and in the browser.

use std::time::Duration;

use acceptance::{Alertmanager, ControlPlane, GpuNodes, GpuPods, Page, Result, Terminal};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Node, pod and alerts about them.
struct Site {
    namespace: String,
    node: String,
    pod: String,
    alerts: Alertmanager,
    terminal: Terminal,
}

impl Site {
    async fn start(pool: &str) -> Result<Self> {
        let plane = ControlPlane::shared().await?;
        let namespace = plane.namespace(pool).await?;
        let nodes = GpuNodes::new(pool, 1, 8);
        plane.add_gpu_nodes(&nodes, LIMIT).await?;
        let pods = GpuPods::new(&namespace, "chat", 1, 2).on(pool);
        plane.add_gpu_pods(&pods).await?;
        plane.wait_running(&pods, LIMIT).await?;
        let terminal = Terminal::new(&plane.kubeconfig())?;
        let alerts = Alertmanager::start().await?;
        let site = Self { namespace, node: nodes.name(0), pod: "chat-0".into(), alerts, terminal };
        site.terminal.good(&["connect", "add", "kubernetes", "--name", "prod", "--context", "admin"]).await?;
        Ok(site)
    }

    async fn connect(&self) -> Result<()> {
        let url = self.alerts.url();
        self.terminal.good(&["connect", "add", "alertmanager", "--name", "alerts", "--url", &url]).await.map(drop)
    }

    fn slow(&self) -> Value {
        json!({
            "labels": {
                "alertname": "ThroughputCollapsed", "severity": "critical", "namespace": self.namespace,
                "pod": self.pod, "api_key": "canary-5b1f"
            },
            "annotations": {
                "summary": "chat makes 40 tokens a second, usually 900.",
                "runbook_url": "https://oncall:canary-77aa@wiki.example.com/slow?token=canary-91cc"
            },
            "startsAt": "2026-11-24T03:12:00Z"
        })
    }

    fn hot(&self) -> Value {
        json!({ "labels": { "alertname": "GpuHot", "severity": "warning", "node": self.node, "gpu": "3" } })
    }

    async fn alerts(&self) -> Result<Vec<Value>> {
        Ok(rows(&self.terminal.json(&["alerts", "--json"]).await?))
    }
}

fn rows(answer: &Value) -> Vec<Value> {
    answer["alerts"].as_array().cloned().unwrap_or_default()
}

fn called<'a>(rows: &'a [Value], name: &str) -> Option<&'a Value> {
    rows.iter().find(|row| row["id"]["name"] == name)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fires_is_said_with_what_it_is_about_and_goes_when_it_is_over() -> Result<()> {
    let mut site = Site::start("alarm").await?;
    site.alerts.send(&json!([site.slow(), site.hot()])).await?;
    site.connect().await?;

    let rows_now = site.alerts().await?;
    // The worst stands first.
    let slow = &rows_now[0];
    assert_eq!(
        (&slow["id"]["name"], &slow["state"], &slow["status"]),
        (&json!("ThroughputCollapsed"), &json!("Firing"), &json!("Bad"))
    );
    assert_eq!(slow["since"], json!("2026-11-24T03:12:00Z"));
    assert_eq!(
        slow["about"],
        json!({ "Pod": { "cluster": "prod", "namespace": site.namespace, "name": site.pod } }),
        "{slow:#}"
    );
    let hot = called(&rows_now, "GpuHot").unwrap();
    assert_eq!(hot["about"], json!({ "Gpu": [{ "cluster": "prod", "name": site.node }, 3] }), "{hot:#}");
    // Labels that nobody asked for are not kept, nor are credentials of a link.
    let all = Value::from(rows_now.clone()).to_string();
    assert!(!all.contains("canary") && all.contains("wiki.example.com/slow"), "{all}");

    let mut watch = site.terminal.watch(&["alerts"])?;
    watch.until("both fire", LIMIT, |said| (rows(said).len() == 2).then_some(())).await?;
    site.alerts.silence("GpuHot").await?;
    let silenced = |said: &Value| called(&rows(said), "GpuHot").is_some_and(|row| row["state"] == "Silenced");
    watch.until("one is silenced", LIMIT, |said| silenced(said).then_some(())).await?;

    let mut over = site.slow();
    over["endsAt"] = json!("2026-11-24T04:00:00Z");
    site.alerts.send(&json!([over])).await?;
    watch
        .until("the other is over", LIMIT, |said| called(&rows(said), "ThroughputCollapsed").is_none().then_some(()))
        .await?;

    // It is lost, and says so; what it said last stays.
    site.alerts.kill();
    let lost = watch.until("it is lost", LIMIT, |said| {
        let source = said["sources"].as_array()?.iter().find(|source| source["id"] == "alerts")?;
        (source["freshness"] == "Lost").then(|| rows(said).len())
    });
    assert_eq!(lost.await?, 1);
    site.alerts.start_again().await?;
    site.alerts.send(&json!([site.slow()])).await?;
    watch.until("it is back", LIMIT, |said| called(&rows(said), "ThroughputCollapsed").map(drop)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_another_holds_back_is_told_apart_and_a_wrong_address_says_so() -> Result<()> {
    let site = Site::start("held").await?;
    let lost = json!({ "labels": { "alertname": "NodeLost", "severity": "critical", "node": site.node } });
    site.alerts.send(&json!([lost, site.hot()])).await?;
    site.connect().await?;
    let mut watch = site.terminal.watch(&["alerts"])?;
    let inhibited = |said: &Value| called(&rows(said), "GpuHot").is_some_and(|row| row["state"] == "Inhibited");
    watch.until("the lesser one is held back", LIMIT, |said| inhibited(said).then_some(())).await?;

    let elsewhere = format!("{}/prefix", site.alerts.url());
    let said = site.terminal.call(&["connect", "add", "alertmanager", "--name", "else", "--url", &elsewhere]).await?;
    let told = format!("{}{}", said.out, said.err);
    assert!(told.contains("no API of an Alertmanager") && told.contains("/alertmanager"), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_fires_opens_it_and_comes_to_the_pod_that_it_is_about() -> Result<()> {
    let site = Site::start("page").await?;
    site.alerts.send(&json!([site.slow()])).await?;
    site.connect().await?;
    let (_door, address) = site.terminal.serve(&[]).await?;
    let page = Page::browser((1_440, 900), &address).await?;
    page.reads_as("[data-test='tab-alerts']", |text| text.contains('1'), "counts an alert").await?;
    page.press("tab-alerts").await?;
    page.press_by("[data-test='row'][data-key^='alert:alerts/ThroughputCollapsed/']").await?;
    page.reads_as(
        "[data-test='inspector']",
        |text| text.contains("usually 900") && text.contains("firing"),
        "tells of the alert",
    )
    .await?;
    page.press_by(".inspected button.link").await?;
    page.reads_as(
        "[data-test='inspector']",
        |text| text.contains("Alert ThroughputCollapsed"),
        "tells the pod's alert",
    )
    .await?;
    page.close().await
}
