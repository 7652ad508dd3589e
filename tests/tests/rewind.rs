//! Going back in time, from end to end: a pod that is gone is there again, everywhere, and nothing can be done there.

use acceptance::{ControlPlane, Failure, GpuPods, Options, Page, Result, Story, Terminal};
use std::time::Duration;
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(120);
const CONNECTION: &str = "admin";

fn row(namespace: &str) -> String {
    format!("[data-test='row'][data-key='pod:{CONNECTION}/{namespace}/chat-0']")
}

/// A pod runs and is seen; then it is gone, and that is seen, too.
async fn a_pod_came_and_went(page: &Page, plane: &ControlPlane) -> Result<String> {
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 1, 5).on("rewind");
    plane.add_gpu_pods(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    page.press("rail-fleet").await?;
    page.press("tab-pods").await?;
    page.fill("table-filter", "gpus>=5").await?;
    page.reads_as(&row(&namespace), |text| text.contains("Running"), "is Running").await?;
    // What a second look needs is a second in which it was so.
    tokio::time::sleep(Duration::from_secs(3)).await;
    plane.kubectl(&["delete", "pod", "chat-0", "-n", &namespace, "--grace-period=0", "--force"]).await?;
    page.gone(&row(&namespace)).await?;
    page.reads_as("[data-test='table-count']", |text| text.starts_with("0 of"), "counts none").await?;
    Ok(namespace)
}

/// Drags along the ribbon until the pod is there again.
async fn drag_back(page: &Page, namespace: &str) -> Result<()> {
    // The keys belong to the ribbon once no field has the caret.
    page.press_by(".table-head").await?;
    for _ in 0..4 {
        page.key("+").await?;
    }
    let time = page.find("ribbon-time").await?;
    let driver = page.driver();
    let (mut back, step) = (20_i64, 12_i64);
    let from = time.rect().await.map_err(|error| Failure::new(error.to_string()))?;
    #[allow(clippy::cast_possible_truncation, reason = "pixels")]
    let (right, y) = ((from.x + from.width) as i64 - 1, (from.y + 20.0) as i64);
    let failed = |error: thirtyfour::error::WebDriverError| Failure::new(format!("could not drag: {error}"));
    driver.action_chain().move_to(right, y).click_and_hold().perform().await.map_err(failed)?;
    // Two minutes are as wide as the ribbon: each step is a second and a bit.
    for _ in 0..60 {
        driver.action_chain().move_to(right - back, y).perform().await.map_err(failed)?;
        back += step;
        tokio::time::sleep(Duration::from_millis(150)).await;
        if driver.find(thirtyfour::By::Css(row(namespace))).await.is_ok() {
            driver.action_chain().release().perform().await.map_err(failed)?;
            page.reads_as(&row(namespace), |text| text.contains("Running"), "is Running again").await?;
            return Ok(());
        }
    }
    Err(Failure::new("the pod never came back"))
}

async fn the_past_cannot_be_mistaken(page: &Page, namespace: &str) -> Result<()> {
    page.reads_as("[data-test='past']", |text| text.contains("The past") && text.contains("ago"), "says when").await?;
    page.reads_as("[data-test='past-said']", |text| text.contains("Actions are off"), "says what").await?;
    page.reads_as("[data-test='mode']", |text| text.contains("No actions"), "offers none").await?;
    page.find_by("html[data-past]").await?;
    page.find_by(&format!("[data-test='chip-{CONNECTION}'][data-state='past']")).await?;
    // What is read from a server is of now, and is not offered.
    page.press_by(&row(namespace)).await?;
    page.reads_as("[data-test='inspector']", |text| text.contains("5 × nvidia.com/gpu"), "says what it held").await?;
    page.find("inspector-past").await?;
    page.gone("[data-test='inspector-logs']").await
}

async fn n_returns(page: &Page, namespace: &str) -> Result<()> {
    page.press_by(".table-head").await?;
    page.key("n").await?;
    page.gone("[data-test='past']").await?;
    page.gone("html[data-past]").await?;
    page.gone(&row(namespace)).await?;
    page.find_by(&format!("[data-test='chip-{CONNECTION}'][data-state='live']")).await.map(drop)
}

async fn address(page: &Page) -> Result<String> {
    let read = page.driver().execute("return location.pathname + location.search", Vec::new()).await;
    let read = read.map_err(|error| Failure::new(error.to_string()))?;
    let text = read.json().as_str().unwrap_or_default().to_owned();
    if text.contains("at=") { Ok(text) } else { Err(Failure::new(format!("{text} has no time"))) }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_a_hand_on_the_ribbon_brings_back_what_was() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let story = Story { connection: CONNECTION, pool: "rewind" };
    story.prepare(&plane).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let (door, link) = terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &link).await?;
    story.the_fleet_is_live(&page).await?;
    let namespace = a_pod_came_and_went(&page, &plane).await?;

    drag_back(&page, &namespace).await?;
    the_past_cannot_be_mistaken(&page, &namespace).await?;
    // The address has the time: whoever loads it sees the same.
    tokio::time::sleep(Duration::from_millis(500)).await;
    address(&page).await?;
    page.reload().await?;
    page.reads_as(&row(&namespace), |text| text.contains("Running"), "is Running in the past").await?;
    page.find("past").await?;

    // What differs since: the pod, and the GPUs that it held.
    page.press_by(".table-head").await?;
    page.key("c").await?;
    page.reads_as("[data-test='compare-pod']", |text| text.contains("chat-0"), "names the pod that went").await?;
    page.reads_as("[data-test='compare-gpu']", |text| text.contains("held → free"), "says which GPUs are free").await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='compare']").await?;

    // This door cannot write, and says who can.
    page.key("b").await?;
    page.reads_as(".toasts", |text| text.contains("window"), "says where notes are written").await?;
    n_returns(&page, &namespace).await?;

    // Before the record there is nothing, and it says from when there is.
    page.chord("k").await?;
    page.fill("palette-input", ":-2d").await?;
    page.key(Key::Enter).await?;
    page.reads_as("[data-test='past-said']", |text| text.contains("The record begins at"), "says since when").await?;
    page.press("past-back").await?;
    page.gone("[data-test='past']").await?;

    // The same from the terminal, on the same record.
    let said = terminal.good(&["diff", "--from", "-5s", "--to", "now", "--json"]).await?;
    let said: serde_json::Value = serde_json::from_str(&said).map_err(|error| Failure::new(error.to_string()))?;
    assert!(said["rows"].is_array() && said["complete"] == true, "{said}");
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_in_the_window_is_the_same_in_the_browser() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let story = Story { connection: CONNECTION, pool: "rewind" };
    story.prepare(&plane).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    // The window records; the browser's door reads its record.
    let window = Page::window((1440, 900), &terminal.environment()).await?;
    story.the_fleet_is_live(&window).await?;
    let namespace = a_pod_came_and_went(&window, &plane).await?;

    // A note is put on the ribbon.
    window.press_by(".table-head").await?;
    window.key("b").await?;
    window.fill("note-text", "here it began").await?;
    window.key(Key::Enter).await?;
    window.reads_as(".toasts", |text| text.contains("on the ribbon"), "says that it is there").await?;
    window.reads_as(".ribbon", |text| text.contains("here it began"), "has the note").await?;

    drag_back(&window, &namespace).await?;
    the_past_cannot_be_mistaken(&window, &namespace).await?;
    window.press("rail-connections").await?;
    window.gone("[data-test='connections-add']").await?;
    window.press("rail-fleet").await?;
    window.press("tab-pods").await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let there = address(&window).await?;

    let (door, link) = terminal.serve(&[]).await?;
    let browser = Page::browser((1440, 900), &link).await?;
    browser.find_by(&format!("[data-test='chip-{CONNECTION}'][data-state='live']")).await?;
    let base = link.split('#').next().unwrap_or_default().trim_end_matches('/').to_owned();
    browser.driver().goto(format!("{base}{there}")).await.map_err(|error| Failure::new(error.to_string()))?;
    browser.find("past").await?;
    browser.reads_as(&row(&namespace), |text| text.contains("Running"), "is Running in the past").await?;
    let [here, other] = [&window, &browser].map(|page| page.reads_as("[data-test='past-time']", |_| true, "is read"));
    assert_eq!(here.await?, other.await?, "one time in both doors");
    browser.close().await?;
    drop(door);
    n_returns(&window, &namespace).await?;
    window.close().await
}
