//! Two real clusters in one view: what has the same name in both is told apart, one that is lost leaves the other as it is,
//! and what could not be read is counted and said.

use acceptance::definitions::HTTP_ROUTE;
use acceptance::{ControlPlane, GpuNodes, GpuPods, Options, Page, Result, Terminal};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

async fn connect(terminal: &Terminal, plane: &ControlPlane, name: &str) -> Result<()> {
    let file = plane.kubeconfig().display().to_string();
    let add = ["connect", "add", "kubernetes", "--name", name, "--context", "admin", "--kubeconfig", &file];
    terminal.good(&add).await.map(drop)
}

/// The clusters of the nodes of an answer, a word a node.
fn clusters_of_nodes(said: &Value) -> Vec<&str> {
    said["nodes"].as_array().into_iter().flatten().filter_map(|row| row["id"]["cluster"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_are_one_view_and_one_that_is_lost_leaves_the_other_as_it_is() -> Result<()> {
    let (mut east, west) =
        (ControlPlane::start(Options::default()).await?, ControlPlane::start(Options::default()).await?);
    // The same names in both: two nodes of eight GPUs there, one here, and a pod of each.
    east.add_gpu_nodes(&GpuNodes::new("pool", 2, 8), LIMIT).await?;
    west.add_gpu_nodes(&GpuNodes::new("pool", 1, 8), LIMIT).await?;
    for plane in [&east, &west] {
        let pods = GpuPods::new("default", "chat", 1, 3);
        plane.add_gpu_pods(&pods).await?;
        plane.wait_running(&pods, LIMIT).await?;
        let service = GpuPods::new("default", "embed", 1, 1);
        plane.add_gpu_deployment(&service).await?;
        plane.wait_running(&service, LIMIT).await?;
    }
    let terminal = Terminal::new(Path::new(""))?;
    connect(&terminal, &east, "east").await?;
    connect(&terminal, &west, "west").await?;

    let fleet = terminal.json(&["fleet", "--json"]).await?;
    assert_eq!((&fleet["complete"], &fleet["summary"]["gpus"]), (&json!(true), &json!(24)), "{:#}", fleet["summary"]);
    assert_eq!(clusters_of_nodes(&fleet), ["east", "east", "west"]);
    let only = terminal.json(&["fleet", "--json", "--context", "west"]).await?;
    assert_eq!(only["summary"]["gpus"], json!(8));
    let services = terminal.json(&["rollout", "list", "--json", "--filter", "name=embed"]).await?;
    let of_both = services["services"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_of = |id: &str| of_both.iter().any(|row| row["id"].to_string().contains(id));
    assert!(of_both.len() == 2 && is_of("east") && is_of("west"), "{services:#}");

    let (door, address) = terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &address).await?;
    for id in ["east", "west"] {
        page.find_by(&format!("[data-test='chip-{id}'][data-state='live']")).await?;
    }
    page.reads_as("[data-test='funnel']", |text| text.contains("24"), "counts both").await?;
    page.press("tab-pods").await?;
    for id in ["east", "west"] {
        let row = format!("[data-test='row'][data-key='pod:{id}/default/chat-0']");
        page.reads_as(&row, |text| text.contains("Running"), "runs there").await?;
    }

    // So do services.
    page.press("rail-delivery").await?;
    for id in ["east", "west"] {
        let row = format!("[data-test='row'][data-key='workload:{id}/default/Deployment/embed']");
        page.reads_as(&row, |text| text.contains("Healthy"), "serves there").await?;
    }
    page.press("rail-fleet").await?;
    page.press("tab-pods").await?;

    // One goes: it says so, what was known of it stays, and the other goes on.
    east.stop_apiserver();
    page.find_by("[data-test='chip-east'][data-state='lost']").await?;
    page.find_by("[data-test='chip-west'][data-state='live']").await?;
    page.find_by("[data-test='row'][data-key='pod:east/default/chat-0']").await?;
    let late = GpuPods::new("default", "late", 1, 2);
    west.add_gpu_pods(&late).await?;
    page.reads_as(
        "[data-test='row'][data-key='pod:west/default/late-0']",
        |text| text.contains("Running"),
        "is placed meanwhile",
    )
    .await?;
    page.find_by("[data-test='chip-west'][data-state='live']").await?;
    let said = terminal.call(&["nodes", "--json", "--wait", "10"]).await?;
    assert_eq!(said.code, 3, "one of the two could not be read: {said:?}");
    let known: Value = serde_json::from_str(&said.out).unwrap_or_default();
    assert!(clusters_of_nodes(&known) == ["west"] && said.err.contains("east"), "{said:?}");
    east.start_apiserver().await?;
    page.find_by("[data-test='chip-east'][data-state='live']").await?;
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_counted_and_said_in_the_browser_and_in_the_terminal() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("odd", 1, 8), LIMIT).await?;
    plane.define(&[HTTP_ROUTE]).await?;
    let route = |name: &str, spec: Value| {
        json!({
            "apiVersion": HTTP_ROUTE.api_version(), "kind": HTTP_ROUTE.kind,
            "metadata": { "name": name, "namespace": "default" }, "spec": spec,
        })
    };
    let api = plane.api()?;
    // A definition of somebody's own lets through what no route is.
    for (name, spec) in [("odd", json!({ "rules": "none" })), ("odder", json!({ "rules": [7] })), ("good", json!({}))] {
        api.create(&HTTP_ROUTE.path("default", ""), &route(name, spec)).await?;
    }
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let (door, address) = terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &address).await?;
    page.find_by("[data-test='chip-admin'][data-state='live']").await?;
    page.reads_as("[data-test='dropped']", |text| text.contains("2 dropped"), "counts both").await?;

    // One more while it is watched.
    api.create(&HTTP_ROUTE.path("default", ""), &route("oddest", json!("none"))).await?;
    page.reads_as("[data-test='dropped']", |text| text.contains("3 dropped"), "counts one more").await?;
    page.close().await?;
    drop(door);

    let mut watch = terminal.watch(&["connections"])?;
    let counted = watch.until("the terminal counts them, too", LIMIT, |said| (said["dropped"] == 3).then_some(()));
    counted.await
}
