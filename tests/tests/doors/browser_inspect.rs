//! Any kind of object and the logs of a workload, as a person finds them: in the terminal, and in headless Chromium.

use std::time::Duration;

use acceptance::{ControlPlane, GpuNodes, GpuPods, Options, Page, Result, Terminal};
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_person_finds_any_kind_behind_a_colon_and_reads_an_object_and_the_logs_of_its_pods() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("inspect", 1, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 2, 2).on("inspect");
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    plane.set_pod_log("loading weights\nready\n")?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    the_terminal_lists_and_describes(&terminal, &namespace).await?;

    let (door, address) = terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &address).await?;
    page.find_by("[data-test='chip-admin'][data-state='live']").await?;
    the_palette_leads_to_an_object(&page, &namespace).await?;
    the_logs_of_all_pods_are_one(&plane, &page, &namespace).await?;
    drop(door);
    page.close().await
}

async fn the_terminal_lists_and_describes(terminal: &Terminal, namespace: &str) -> Result<()> {
    let listed = terminal.good(&["get", "deploy", "-n", namespace]).await?;
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"], "{listed}");
    assert_eq!(lines[1][..4], ["chat", "2/2", "2", "2"], "{listed}");
    let json = terminal.json(&["get", "deployments.apps", "--connection", "admin", "--json"]).await?;
    let names: Vec<&str> =
        json["objects"].as_array().into_iter().flatten().filter_map(|object| object["name"].as_str()).collect();
    assert!(names.contains(&"chat"), "{json}");
    let kinds = terminal.good(&["get"]).await?;
    assert!(kinds.lines().any(|line| line.split_whitespace().next() == Some("deployments")), "{kinds}");
    // In which namespace it is, is found out.
    let described = terminal.good(&["describe", "deploy", "chat"]).await?;
    assert!(described.contains("registry.invalid/models/server:1.0.0"), "{described}");
    assert!(described.contains(&format!("-n {namespace} exec -it deployments.apps/chat -- sh")), "{described}");
    let none = terminal.call(&["describe", "deploy", "nobody"]).await?;
    assert_eq!(none.code, 1, "{none:?}");
    assert!(none.err.contains("admin has no deploy nobody."), "{none:?}");
    Ok(())
}

async fn the_palette_leads_to_an_object(page: &Page, namespace: &str) -> Result<()> {
    page.find("rail-fleet").await?;
    page.chord("k").await?;
    // A part of a name lists the kinds, Enter names one.
    page.fill("palette-input", ":replicas").await?;
    page.reads_as("[data-test='palette-row']", |text| text.contains("replicasets"), "offers the kind").await?;
    page.key(Key::Enter).await?;
    page.fill("palette-input", &format!(":rs {namespace}")).await?;
    page.reads_as(".palette-heads", |text| text.contains("Desired"), "shows the server's columns").await?;
    page.reads_as("[data-test='palette-row']", |text| text.contains("chat-"), "lists the object").await?;
    page.key(Key::Enter).await?;
    page.find_by(&format!(
        "[data-test='inspector'][data-key^='object:admin/replicasets.v1.apps/ReplicaSet/{namespace}/']"
    ))
    .await?;
    page.reads_as("[data-test='inspector']", |text| text.contains("Deployment chat"), "says whose it is").await?;
    page.reads_as("[data-test='inspector']", |text| text.contains("SuccessfulCreate"), "shows its events").await?;
    is_readable(page).await?;
    page.press("inspector-yaml").await?;
    page.reads_as("[data-test='inspector-yaml-text']", |text| text.contains("kind: ReplicaSet"), "shows the YAML")
        .await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='inspector-yaml-text']").await
}

async fn the_logs_of_all_pods_are_one(plane: &ControlPlane, page: &Page, namespace: &str) -> Result<()> {
    page.press("tab-workloads").await?;
    page.press_by(&format!("[data-test='row'][data-key='workload:admin/{namespace}/Deployment/chat']")).await?;
    page.press("inspector-describe").await?;
    page.reads_as("[data-test='describe-text']", |text| text.contains("RollingUpdate"), "is described").await?;
    page.find("describe-commands").await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='describe-text']").await?;
    page.press("inspector-logs").await?;
    let two = |text: &str| text.lines().filter(|line| line.contains(" │ ") && line.ends_with("ready")).count() == 2;
    page.reads_as("[data-test='logs-text']", two, "has the lines of both pods").await?;
    page.reads_as("[data-test='logs']", |text| text.contains("2 pods"), "says of how many pods").await?;
    // It is followed: what is printed now comes by itself.
    plane.set_pod_log("loading weights\nready\nserving\n")?;
    let three = |text: &str| text.lines().filter(|line| line.ends_with("serving")).count() == 2;
    page.reads_as("[data-test='logs-text']", three, "has what both pods print now").await?;
    page.fill("logs-find", "weights").await?;
    let found = |text: &str| text.lines().count() == 2 && !text.contains("ready");
    page.reads_as("[data-test='logs-text']", found, "shows what was looked for").await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='logs-text']").await
}

/// Values have room beside their labels, however long those are.
async fn is_readable(page: &Page) -> Result<()> {
    let narrowest =
        "return Math.min(...[...document.querySelectorAll('.inspector .fields dd')].map(dd => dd.clientWidth))";
    let answer = page.driver().execute(narrowest, Vec::new()).await;
    let width = answer.ok().and_then(|answer| answer.json().as_f64());
    assert!(width.is_some_and(|width| width > 120.0), "the narrowest value has {width:?} px");
    Ok(())
}
