//! What is done in a session, found again once its dialog is closed: a sign in the bar, the list under it, by hand and by keyboard, over
//! loading the page again, until somebody has looked what became of it.

use acceptance::{Context, ControlPlane, GpuNodes, GpuPods, Options, Page, Part, Result, Terminal};
use std::time::Duration;
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(60);
const SIGN: &str = "[data-test='doing']";

/// The line of an action that is so, in the list.
fn line(state: &str) -> String {
    format!("[data-test='doing-action'][data-state='{state}']")
}

async fn confirm(page: &Page) -> Result<()> {
    page.reads_as("[data-test='plan-permission']", |text| text.contains("would take it"), "says that it can").await?;
    let keys = page.driver().action_chain().key_down(Key::Control).send_keys(Key::Enter).key_up(Key::Control);
    keys.perform().await.could_not("confirm by the key")?;
    page.reads_as("[data-test='plan-became']", |text| text.contains("It goes on when this is closed"), "runs").await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_whose_dialog_is_closed_is_found_again_stopped_there_and_told_until_somebody_looked() -> Result<()> {
    let mut plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("doing", 2, 8), LIMIT).await?;
    plane.kubectl(&["create", "namespace", "serving"]).await?;
    let pods = GpuPods::new("serving", "chat", 4, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    // No pod may go: a drain waits as long as nobody stops it.
    let keeps = [
        "create",
        "poddisruptionbudget",
        "chat",
        "-n",
        "serving",
        "--selector=app.kubernetes.io/name=chat",
        "--min-available=4",
    ];
    plane.kubectl(&keeps).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "operate", "admin"]).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-fleet").await?;
    page.gone(SIGN).await?;

    let names = plane.kubectl(&["get", "pods", "-n", "serving", "-o", "jsonpath={.items[0].spec.nodeName}"]).await?;
    page.press("tab-nodes").await?;
    page.press_by(&format!("[data-test='row'][data-key='node:admin/{names}']")).await?;
    page.press("deed-drain").await?;
    page.press("plan-confirm").await?;
    page.reads_as("[data-test='plan-became']", |text| text.contains("It waits"), "waits").await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await?;
    // It goes on, and the bar says so: what, on what, and how far.
    let drains = |text: &str| text.contains(&format!("Drain {names}")) && text.contains("1 of ");
    page.reads_as(SIGN, drains, "says what is under way").await?;

    // Another one, which waits for pods: without kwok none becomes ready.
    plane.pause(Part::Kwok)?;
    page.press("tab-workloads").await?;
    page.press_by("[data-test='row'][data-key='workload:admin/serving/Deployment/chat']").await?;
    page.press("deed-scale").await?;
    page.fill("scale-to", "5").await?;
    page.press("scale-plan").await?;
    confirm(&page).await?;
    let both = |text: &str| text.contains("2 actions") && text.contains("2 under way");
    page.reads_as(SIGN, both, "counts them").await?;
    // The engine knows what runs, whatever becomes of the page.
    page.reload().await?;
    page.reads_as(SIGN, both, "says it again").await?;

    // By the keyboard: the newest first, then the drain, which opens again with its stop.
    page.key("ga").await?;
    let scaled = |text: &str| text.contains("Scale Deployment serving/chat from 4 to 5 pods") && text.contains("for ");
    page.reads_as(&line("sent, being verified"), scaled, "tells of the scale").await?;
    page.reads_as(&line("being sent"), |text| text.contains("1 of ") && text.contains("admin"), "and of the drain")
        .await?;
    page.key(Key::Down).await?;
    page.key(Key::Enter).await?;
    page.gone("[data-test='doing-action']").await?;
    page.reads_as("[data-test='plan']", |text| text.contains(&format!("Drain node {names}")), "is the drain").await?;
    page.press("plan-halt").await?;
    page.find_by("[data-test='plan-became'][data-state='partly done']").await?;
    page.find("plan-undo").await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await?;
    // What was over as its dialog was closed was looked at.
    page.reads_as(SIGN, |text| text.contains("Scale chat"), "says the other one alone").await?;

    // That one ends while nobody has its dialog open: it is said, and stands there until somebody looks.
    plane.resume(Part::Kwok)?;
    page.reads_as("[data-test='toast']", |text| text.contains(": verified"), "says the end").await?;
    page.reads_as(SIGN, |text| text.contains("Scale chat") && text.contains("verified"), "says the end, too").await?;
    page.reload().await?;
    page.press("doing").await?;
    page.reads_as(&line("verified"), |text| text.contains("5 of 5 pods are ready"), "says what was seen").await?;
    page.reads_as(&line("partly done"), |text| text.contains("A person stopped it"), "says who stopped it").await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='doing-action']").await?;
    page.gone(SIGN).await?;
    page.reload().await?;
    page.reads_as("[data-test='mode']", |text| text.contains("Operate"), "is there again").await?;
    page.gone(SIGN).await?;
    // All of it is still told to who asks.
    page.key("ga").await?;
    page.find_by(&line("verified")).await?;
    page.close().await
}
