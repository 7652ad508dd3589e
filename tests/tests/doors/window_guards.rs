//! What keeps a person in the window from doing too much: the name that production wants, a drain that is stopped, rights that
//! are missing, and a fleet that is made up.

use acceptance::{
    Context, ControlPlane, GpuNodes, GpuPods, Options, Page, Result, Rule, Subject, Terminal, User, until,
};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "serving";
const SERVICE: &str = "workload:admin/serving/Deployment/chat";
const PERSON: &str = "guards-token-1";
const TRIED: &str = "[data-test='plan-permission']";

/// A Deployment of two pods on two nodes, and a terminal that is connected to its cluster.
async fn deployed(pool: &str, users: Vec<User>) -> Result<(ControlPlane, Terminal)> {
    let plane = ControlPlane::start(Options { users, ..Options::default() }).await?;
    plane.add_gpu_nodes(&GpuNodes::new(pool, 2, 8), LIMIT).await?;
    plane.kubectl(&["create", "namespace", NAMESPACE]).await?;
    let pods = GpuPods::new(NAMESPACE, "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    Ok((plane, terminal))
}

/// Confirms by the key, as far as it can be confirmed.
async fn confirm(page: &Page) -> Result<()> {
    let keys = page.driver().action_chain().key_down(Key::Control).send_keys(Key::Enter).key_up(Key::Control);
    keys.perform().await.could_not("confirm by the key")
}

#[tokio::test(flavor = "multi_thread")]
async fn production_wants_the_name_of_what_is_changed() -> Result<()> {
    let (plane, terminal) = deployed("typed", Vec::new()).await?;
    terminal.good(&["connect", "operate", "admin", "--production", "yes"]).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-delivery").await?;
    page.press_by(&format!("[data-test='row'][data-key='{SERVICE}']")).await?;
    page.press("deed-restart").await?;
    page.reads_as(TRIED, |text| text.contains("would take it"), "says that it can").await?;
    let made = ["get", "deployment", "chat", "-n", NAMESPACE, "-o", "jsonpath={.metadata.generation}"];
    let before = plane.kubectl(&made).await?;
    let wants = |text: &str| text.contains("type the name");
    page.reads_as("[data-test='plan-confirm']", wants, "wants the name").await?;
    for wrong in ["chta", "Chat"] {
        page.fill("plan-type", wrong).await?;
        page.reads_as("[data-test='plan-confirm']", wants, "wants another name").await?;
        confirm(&page).await?;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    page.gone("[data-test='plan-became']").await?;
    assert_eq!(plane.kubectl(&made).await?, before, "nothing is done by another name");
    page.fill("plan-type", "chat").await?;
    page.reads_as("[data-test='plan-confirm']", |text| !wants(text), "takes the name").await?;
    confirm(&page).await?;
    page.find_by("[data-test='plan-became'][data-state='verified']").await?;
    assert_ne!(plane.kubectl(&made).await?, before);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_a_budget_holds_is_stopped_and_what_was_done_stays() -> Result<()> {
    let (plane, terminal) = deployed("halted", Vec::new()).await?;
    terminal.good(&["connect", "operate", "admin"]).await?;
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "chat", "namespace": NAMESPACE },
        "spec": { "minAvailable": 2, "selector": { "matchLabels": { "app.kubernetes.io/name": "chat" } } },
    });
    plane.apply(&budget.to_string()).await?;
    let reckoned = ["get", "pdb", "chat", "-n", NAMESPACE, "-o", "jsonpath={.status.currentHealthy}"];
    until("the budget is reckoned", LIMIT, async || Ok((plane.kubectl(&reckoned).await? == "2").then_some(()))).await?;
    let places = ["get", "pods", "-n", NAMESPACE, "-o", "jsonpath={.items[*].spec.nodeName}"];
    let before = plane.kubectl(&places).await?;
    let node = before.split(' ').next().unwrap_or_default();

    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-fleet").await?;
    page.press("tab-nodes").await?;
    page.press_by(&format!("[data-test='row'][data-key='node:admin/{node}']")).await?;
    page.press("deed-drain").await?;
    page.reads_as(TRIED, |text| text.contains("would take it"), "says that it can").await?;
    page.gone("[data-test='plan-halt']").await?;
    page.press("plan-confirm").await?;
    let waits = |text: &str| text.contains("disruption budget");
    page.reads_as("[data-test='plan-became']", waits, "says what it waits for").await?;
    page.press("plan-halt").await?;
    let stopped = |text: &str| text.contains("A person stopped it after 1 of");
    page.reads_as("[data-test='plan-became'][data-state='partly done']", stopped, "says how far it came").await?;
    page.gone("[data-test='plan-halt']").await?;
    assert_eq!(plane.kubectl(&places).await?, before, "no pod went");
    let closed = ["get", "node", node, "-o", "jsonpath={.spec.unschedulable}"];
    assert_eq!(plane.kubectl(&closed).await?, "true");
    // What was done is taken back from there.
    page.press("plan-undo").await?;
    page.reads_as(TRIED, |text| text.contains("would take it"), "plans the way back").await?;
    page.press("plan-confirm").await?;
    page.find_by("[data-test='plan-became'][data-state='verified']").await?;
    assert_eq!(plane.kubectl(&closed).await?, "");
    page.close().await
}

/// As an alert or a message has it: what is to be done is planned and shown, and waits for a person whatever else the address says.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_opens_a_plan_and_confirms_none() -> Result<()> {
    let (plane, terminal) = deployed("linked", Vec::new()).await?;
    terminal.good(&["connect", "operate", "admin"]).await?;
    let link = "pilothouse://fleet?sel=node:admin/linked-0000&plan=cordon&confirm=yes&yes=true";
    let page = Page::window_with((1440, 900), &terminal.environment(), &[link]).await?;
    page.reads_as("[data-test='plan']", |text| text.contains("Cordon node linked-0000"), "is planned").await?;
    page.reads_as(TRIED, |text| text.contains("would take it"), "says that it can").await?;
    let closed = ["get", "node", "linked-0000", "-o", "jsonpath={.spec.unschedulable}"];
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await?;
    assert_eq!(plane.kubectl(&closed).await?, "", "nothing was done");
    let book = terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("Cordon node linked-0000") && !book.contains("confirmed"), "{book}");
    // Who loads the place again is at the place, and not at the plan.
    let address = page.ask("return location.search").await?;
    assert!(address.as_str().is_some_and(|address| !address.contains("plan=")), "{address}");
    page.ask("window.before = true; return true").await?;
    page.reload().await?;
    until("the page is another one", LIMIT, async || {
        let is_new = "return !window.before && Boolean(document.querySelector(\"[data-test='deed-cordon']\"))";
        Ok((page.ask(is_new).await? == true).then_some(()))
    })
    .await?;
    page.gone("[data-test='plan']").await?;
    page.press("deed-cordon").await?;
    page.reads_as(TRIED, |text| text.contains("would take it"), "says that it can").await?;
    confirm(&page).await?;
    page.find_by("[data-test='plan-became'][data-state='verified']").await?;
    assert_eq!(plane.kubectl(&closed).await?, "true");
    page.close().await
}

/// How a right is held, which stands before the line that names what it needs.
fn held<'a>(told: &'a str, needs: &str) -> Option<&'a str> {
    let lines: Vec<&str> = told.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.ends_with(needs))?;
    lines.get(at.checked_sub(1)?).copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_missing_are_told_with_the_role_that_gives_them() -> Result<()> {
    let (plane, _) = deployed("rights", vec![User::new("person", PERSON)]).await?;
    let person = Subject::User("person".to_owned());
    let read = [
        Rule::new("", &["nodes", "pods", "namespaces", "events"], &["get", "list", "watch"]),
        Rule::new("apps", &["deployments"], &["get", "list", "watch", "patch"]),
    ];
    plane.grant(&person, None, &read).await?;
    let file = plane.kubeconfig_for(PERSON)?;
    let context = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let terminal = Terminal::new(&file)?;
    terminal.good(&["connect", "add", "kubernetes", "--context", &context, "--name", "own"]).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-connections").await?;
    page.press("connection-rights").await?;
    let body = "[data-test='rights-body']";
    let told = page
        .reads_as(body, |text| text.contains("as person") && text.contains("patch nodes"), "says what we may")
        .await?;
    assert_eq!(held(&told, "patch deployments.apps"), Some("yes"), "{told}");
    assert_eq!(held(&told, "patch nodes"), Some("no"), "{told}");
    // It can be copied as it stands there.
    let role = page.ask("return document.querySelector(\"[data-test='rights-role']\").textContent").await?;
    let role = role.as_str().unwrap_or_default();
    assert!(role.contains("kind: ClusterRole") && role.lines().count() > 5, "{role}");
    plane.apply(role).await?;
    page.key(Key::Escape + "").await?;
    page.gone(body).await?;
    page.press("connection-rights").await?;
    let all = |text: &str| {
        let lacks = |line: &str| matches!(line.trim(), "no" | "unknown");
        held(text, "patch nodes") == Some("yes") && !text.lines().any(lacks)
    };
    page.reads_as(body, all, "says that we may do all of it").await?;
    page.gone("[data-test='rights-role']").await?;
    page.close().await
}

/// The demo fleet is looked at, and no deed is offered on what is made up.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_looked_at_and_not_acted_on() -> Result<()> {
    let terminal = Terminal::new(Path::new(""))?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.find("demo").await?;
    page.press("rail-fleet").await?;
    page.press("tab-nodes").await?;
    page.press_by("[data-test='row'][data-key^='node:']").await?;
    page.find("inspector").await?;
    page.gone("[data-test='deeds']").await?;
    page.press("rail-delivery").await?;
    page.press_by("[data-test='row'][data-key*='/Rollout/']").await?;
    page.find("rollout-head").await?;
    page.find("revisions").await?;
    for hook in ["deeds", "revision-undo", "weigh"] {
        page.gone(&format!("[data-test='{hook}']")).await?;
    }
    // Whether it could go back is told all the same.
    page.press("back-ask").await?;
    page.find("back-said").await?;
    page.gone("[data-test='back-go']").await?;
    page.close().await
}
