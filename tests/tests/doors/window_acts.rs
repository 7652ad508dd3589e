//! Doing something from the window: a plan in a dialog, confirmed by a key, verified by the server, and taken back; a session in
//! which nothing is done; an alert that is silenced; an action that was cut.

use acceptance::{
    Alertmanager, Context, ControlPlane, Failure, GpuNodes, GpuPods, Options, Page, Part, Result, Terminal, until,
};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(60);
const BECAME: &str = "[data-test='plan-became'][data-state='verified']";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_cordons_a_node_scales_a_deployment_and_takes_it_back() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 2, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;

    // A connection is read alone: the plan says so, and lets it be changed there.
    page.press("rail-fleet").await?;
    page.press("tab-nodes").await?;
    page.press_by("[data-test='row'][data-key='node:admin/acts-0000']").await?;
    page.press("deed-cordon").await?;
    page.reads_as("[data-test='plan-blocked']", |text| text.contains("is read alone"), "says why not").await?;
    page.press("plan-allow").await?;
    page.gone("[data-test='plan-blocked']").await?;
    page.reads_as("[data-test='plan-changes']", |text| text.contains("/spec/unschedulable"), "says what changes")
        .await?;
    page.reads_as("[data-test='plan-permission']", |text| text.contains("would take it"), "says that it can").await?;
    page.driver()
        .action_chain()
        .key_down(Key::Control)
        .send_keys(Key::Enter)
        .key_up(Key::Control)
        .perform()
        .await
        .could_not("confirm by the key")?;
    page.find_by(BECAME).await?;
    let cordoned = ["get", "node", "acts-0000", "-o", "jsonpath={.spec.unschedulable}"];
    assert_eq!(plane.kubectl(&cordoned).await?, "true");

    // The way back stands there.
    page.press("plan-undo").await?;
    page.reads_as("[data-test='plan-changes']", |text| text.contains("/spec/unschedulable"), "plans the way back")
        .await?;
    page.press("plan-confirm").await?;
    page.find_by(BECAME).await?;
    assert_eq!(plane.kubectl(&cordoned).await?, "");
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await?;

    page.press("tab-workloads").await?;
    page.press_by(&format!("[data-test='row'][data-key='workload:admin/{namespace}/Deployment/chat']")).await?;
    page.press("deed-scale").await?;
    page.fill("scale-to", "3").await?;
    page.press("scale-plan").await?;
    page.reads_as("[data-test='plan-affected']", |text| text.contains("1 pod with 1 GPU"), "says whom").await?;
    page.press("plan-confirm").await?;
    page.find_by(BECAME).await?;
    let ready = ["get", "deployment", "chat", "-n", &namespace, "-o", "jsonpath={.status.availableReplicas}"];
    assert_eq!(plane.kubectl(&ready).await?, "3");
    page.close().await
}

const IMAGE: &str = "registry.invalid/models/server";
const SERVICE: &str = "workload:admin/serving/Deployment/chat";

/// A Deployment of two pods in a cluster of which the terminal may change things.
async fn deployed(pool: &str) -> Result<(ControlPlane, Terminal)> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new(pool, 2, 8), LIMIT).await?;
    plane.kubectl(&["create", "namespace", "serving"]).await?;
    let pods = GpuPods::new("serving", "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "operate", "admin"]).await?;
    Ok((plane, terminal))
}

async fn image(plane: &ControlPlane) -> Result<String> {
    let path = "jsonpath={.spec.template.spec.containers[0].image}";
    plane.kubectl(&["get", "deployment", "chat", "-n", "serving", "-o", path]).await
}

/// Confirms what is planned, by the key, and waits until the server says that it is so.
async fn confirmed(page: &Page) -> Result<()> {
    page.reads_as("[data-test='plan-permission']", |text| text.contains("would take it"), "says that it can").await?;
    let keys = page.driver().action_chain().key_down(Key::Control).send_keys(Key::Enter).key_up(Key::Control);
    keys.perform().await.could_not("confirm by the key")?;
    page.find_by(BECAME).await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sets_images_and_goes_back_to_the_revision_that_they_choose() -> Result<()> {
    let (plane, terminal) = deployed("images").await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-delivery").await?;
    page.press_by(&format!("[data-test='row'][data-key='{SERVICE}']")).await?;
    page.reads_as("[data-test='rollout-head']", |text| text.contains("Healthy"), "is well").await?;
    // Of one revision there is none to go back to.
    page.find_by("[data-test='revision-back'][data-key='1']").await?;
    page.gone("[data-test='revision-undo']").await?;

    // The container and its image are read from the server, and stand in the dialog.
    page.press("deed-set-image").await?;
    until("the old image stands there", LIMIT, async || {
        let typed = page.ask("return document.querySelector(\"[data-test='set-image-to']\")?.value").await?;
        Ok((typed == json!(format!("{IMAGE}:1.0.0"))).then_some(()))
    })
    .await?;
    let container = page.ask("return document.querySelector(\"[data-test='set-image-container']\").value").await?;
    assert_eq!(container, json!("server"));
    page.reads_as("[data-test='set-image-plan']", |text| text.contains("give another one"), "wants another").await?;
    page.fill("set-image-to", &format!("{IMAGE}:2.0.0")).await?;
    page.press("set-image-plan").await?;
    page.reads_as("[data-test='plan-changes']", |text| text.contains(":2.0.0"), "says what changes").await?;
    confirmed(&page).await?;
    assert_eq!(image(&plane).await?, format!("{IMAGE}:2.0.0"));

    // The same by the keyboard alone.
    page.key("a").await?;
    page.fill("palette-input", ">set image").await?;
    page.key(Key::Enter).await?;
    page.find_by("[data-test='set-image'] select:not([disabled])").await?;
    page.fill("set-image-to", &format!("{IMAGE}:3.0.0")).await?;
    page.key(Key::Enter).await?;
    confirmed(&page).await?;
    assert_eq!(image(&plane).await?, format!("{IMAGE}:3.0.0"));

    // Back to the first, over the one before; the one that runs has no way back.
    page.find_by("[data-test='revision-back'][data-key='3']").await?;
    page.gone("[data-test='revision-back'][data-key='3'] button").await?;
    page.press_by("[data-test='revision-back'][data-key='1'] button").await?;
    page.reads_as("[data-test='plan']", |text| text.contains("back to revision 1"), "plans that one").await?;
    confirmed(&page).await?;
    assert_eq!(image(&plane).await?, format!("{IMAGE}:1.0.0"));
    page.find_by("[data-test='revision-back'][data-key='4']").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_held_from_any_page_and_let_go_unless_it_was_started_so() -> Result<()> {
    let (plane, terminal) = deployed("held").await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.reads_as("[data-test='mode']", |text| text.contains("Operate"), "says that something may be done").await?;
    page.press("rail-delivery").await?;
    page.press_by(&format!("[data-test='row'][data-key='{SERVICE}']")).await?;
    let refused = "[data-test='plan-blocked']";
    let held = |text: &str| text.contains("Nothing is done in this session") && text.contains("switched to reading");

    page.press("mode").await?;
    page.reads_as("[data-test='mode']", |text| text.contains("Session read only"), "is held").await?;
    page.press("deed-restart").await?;
    page.reads_as(refused, held, "says why").await?;
    page.gone("[data-test='plan-allow']").await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await?;
    // On every page, and in the settings: from there it is let go.
    page.press("rail-settings").await?;
    page.find_by("[data-test='session-read-only']:checked").await?;
    page.reads_as("[data-test='mode']", |text| text.contains("Session read only"), "is held there too").await?;
    page.press("session-read-only").await?;
    page.find_by("[data-test='session-read-only']:not(:checked)").await?;
    page.reads_as("[data-test='mode']", |text| text.contains("Operate"), "is let go").await?;
    // By the palette, and back.
    for (words, sign) in [(">do nothing in this", "Session read only"), (">let this session", "Operate")] {
        page.chord("k").await?;
        page.fill("palette-input", words).await?;
        page.key(Key::Enter).await?;
        page.reads_as("[data-test='mode']", |text| text.contains(sign), "moved").await?;
    }
    page.press("rail-delivery").await?;
    page.press_by(&format!("[data-test='row'][data-key='{SERVICE}']")).await?;
    page.press("deed-restart").await?;
    confirmed(&page).await?;
    page.close().await?;
    drop(plane);

    // One that was started so cannot be let go.
    let [home, kubeconfig] = terminal.environment();
    let environment = [home, kubeconfig, ("PILOTHOUSE_READ_ONLY", Path::new("1"))];
    let page = Page::window((1440, 900), &environment).await?;
    page.reads_as("[data-test='mode']", |text| text.contains("Session read only"), "is held").await?;
    page.press("rail-settings").await?;
    page.find_by("[data-test='session-read-only']:checked:disabled").await?;
    let why = |text: &str| text.contains("PILOTHOUSE_READ_ONLY is set");
    page.reads_as("[data-test='session-about']", why, "says why").await?;
    page.gone("button[data-test='mode']").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_silences_an_alert_for_as_long_as_they_say_and_says_why() -> Result<()> {
    let alerts = Alertmanager::start().await?;
    alerts.send(&json!([{ "labels": { "alertname": "GpuHot", "severity": "warning", "node": "h-1" } }])).await?;
    let terminal = Terminal::new(Path::new(""))?;
    terminal.good(&["connect", "add", "alertmanager", "--name", "alerts", "--url", &alerts.url()]).await?;
    terminal.good(&["connect", "operate", "alerts"]).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-fleet").await?;
    page.press("tab-alerts").await?;
    page.press_by("[data-test='row'][data-key^='alert:alerts/']").await?;

    page.press("deed-silence").await?;
    page.find_by("[data-test='silence-2h'][aria-pressed='true']").await?;
    page.press("silence-own").await?;
    page.reads_as("[data-test='silence-plan']", |text| text.contains("30m or 2h"), "wants a time").await?;
    page.fill("silence-own-time", "45m").await?;
    page.fill("silence-comment", "fan is being replaced").await?;
    page.key(Key::Enter).await?;
    let says = |text: &str| text.contains("Silence GpuHot for 45 min 00 s");
    page.reads_as("[data-test='plan']", says, "says how long").await?;
    page.reads_as("[data-test='plan-changes']", |text| text.contains("fan is being replaced"), "says why").await?;
    page.press("plan-confirm").await?;
    page.find_by(BECAME).await?;
    let silences = alerts.silences().await?;
    let [silence] = silences.as_slice() else { return Err(Failure::new(format!("not one: {silences:?}"))) };
    assert_eq!(silence["comment"], "fan is being replaced");
    let at = |key: &str| -> Result<pilothouse_wire::Stamp> {
        silence[key].as_str().unwrap_or_default().parse().could_not(format!("read {key}"))
    };
    // It begins when the server takes it, a moment after it was planned.
    let long = at("endsAt")?.since(at("startsAt")?).as_secs();
    assert!((44 * 60..=45 * 60).contains(&long), "{long} s");

    // The way back stands there.
    page.press("plan-undo").await?;
    confirmed_without_trying(&page).await?;
    let over = alerts.silences().await?;
    assert!(over.iter().all(|silence| silence["status"]["state"] == "expired"), "{over:?}");
    page.close().await
}

/// A server that cannot try is not asked to.
async fn confirmed_without_trying(page: &Page) -> Result<()> {
    page.press("plan-confirm").await?;
    page.find_by(BECAME).await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_was_cut_is_taken_back_from_where_it_is_told_of() -> Result<()> {
    let (mut plane, terminal) = deployed("cut").await?;
    // Without kwok no pod becomes ready, so that it stays unverified for long.
    plane.pause(Part::Kwok)?;
    let mut command =
        terminal.command(&["act", "scale", "deployment", "chat", "-n", "serving", "--to", "4", "--yes"])?;
    let mut child = command.spawn().could_not("start pilothouse")?;
    until("it is being verified", LIMIT, async || {
        Ok(terminal.good(&["audit", "list"]).await?.contains("sent step 1").then_some(()))
    })
    .await?;
    child.kill().await.could_not("kill it")?;
    plane.resume(Part::Kwok)?;

    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-connections").await?;
    let told = |text: &str| text.contains("was cut in the middle") && text.contains("Seen since: verified");
    page.reads_as("[data-test='cut']", told, "is told of, with what was seen since").await?;
    page.press("cut-undo").await?;
    page.reads_as("[data-test='plan']", |text| text.contains("from 4 to 2 pods"), "plans the way back").await?;
    confirmed(&page).await?;
    let replicas = ["get", "deployment", "chat", "-n", "serving", "-o", "jsonpath={.spec.replicas}"];
    assert_eq!(plane.kubectl(&replicas).await?, "2");
    page.press("cut-close").await?;
    page.gone("[data-test='cut']").await?;
    let book = terminal.good(&["audit", "list"]).await?;
    assert!(!book.contains("cut in the middle") && book.contains("Somebody looked"), "{book}");
    page.close().await
}
