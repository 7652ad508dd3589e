//! An Alertmanager inside of a cluster: found by its service, offered, and read through the cluster's API server. All of
//! them are real.

use std::time::Duration;

use acceptance::{Alertmanager, Context, ControlPlane, Failure, GpuNodes, Page, Result, Terminal, until};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// What of a namespace is found inside of the cluster.
async fn offered(terminal: &Terminal, namespace: &str) -> Result<Vec<Value>> {
    // Not every connection has to be well for it.
    let all = terminal.call(&["connect", "services", "--json"]).await?.out;
    let all: Vec<Value> = serde_json::from_str(&all).could_not("read what was found")?;
    let of = format!("{namespace}/");
    Ok(all.into_iter().filter(|one| one["service"].as_str().is_some_and(|name| name.starts_with(&of))).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_inside_is_found_by_itself_and_its_alerts_come_through_the_api_server() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("alarms").await?;
    let nodes = GpuNodes::new("alarms", 1, 8);
    plane.add_gpu_nodes(&nodes, LIMIT).await?;
    let alerts = Alertmanager::start().await?;
    let labels = json!({ "app.kubernetes.io/name": "alertmanager" });
    let inside = plane.put_inside(&namespace, "alertmanager-main", &labels, alerts.port()).await?;
    // The same server by the service that the operator makes: it is offered once.
    let operated = json!({ "operated-alertmanager": "true" });
    let _same = plane.put_inside(&namespace, "alertmanager-operated", &operated, alerts.port()).await?;
    let api = plane.api()?;
    let ready = format!("/api/v1/namespaces/{namespace}/services/alertmanager-main:9090/proxy/-/ready");
    until("the API server reaches it", LIMIT, async || {
        let answer = api.call(reqwest::Method::GET, &ready, None).await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await?;

    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let found = offered(&terminal, &namespace).await?;
    let [offer] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((&offer["service"], &offer["cluster"]), (&json!(inside.service), &json!("admin")));
    assert_eq!((&offer["what"], &offer["connected_as"]), (&json!("Alertmanager"), &Value::Null));

    // The command that is shown connects it.
    let table = terminal.good(&["connect", "services"]).await?;
    let line = table.lines().find(|line| line.starts_with("pilothouse ") && line.contains(&inside.service));
    let line = line.ok_or_else(|| Failure::new(format!("no command in {table}")))?;
    let said = terminal.good(&line.split_whitespace().skip(1).collect::<Vec<_>>()).await?;
    assert!(said.contains("Well"), "{said}");
    let name = format!("admin-{namespace}-alertmanager-main");
    assert_eq!(offered(&terminal, &namespace).await?[0]["connected_as"], json!(name));

    // It is about the cluster that it runs in.
    let node = nodes.name(0);
    alerts
        .send(&json!([{ "labels": { "alertname": "GpuHot", "severity": "warning", "node": node, "gpu": "3" } }]))
        .await?;
    let mut watch = terminal.watch(&["alerts"])?;
    let hot = watch
        .until("it fires, at what it is about", LIMIT, |said| {
            let all = said["alerts"].as_array()?;
            // Before the nodes are listed nobody knows of which cluster it is.
            all.iter().find(|row| row["id"]["name"] == "GpuHot" && !row["about"].is_null()).cloned()
        })
        .await?;
    assert_eq!(hot["about"], json!({ "Gpu": [{ "cluster": "admin", "name": node }, 3] }), "{hot:#}");
    assert_eq!(hot["id"]["source"], json!(name));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_press_connects_an_alertmanager_that_was_found_inside() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let namespace = plane.namespace("press").await?;
    let alerts = Alertmanager::start().await?;
    let labels = json!({ "app": "kube-prometheus-stack-alertmanager" });
    let inside = plane.put_inside(&namespace, "stack-alertmanager", &labels, alerts.port()).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.connect_inside(&format!("admin-{namespace}-stack-alertmanager"), &inside.service).await?;
    page.close().await
}
