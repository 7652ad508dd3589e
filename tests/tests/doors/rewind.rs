//! Going back in time, from end to end: a pod that is gone is there again, everywhere, and nothing can be done there.

use acceptance::{ControlPlane, Failure, GpuPods, Options, Page, Result, Story, Terminal};
use pilothouse_connect::Clock;
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

/// Changes that were heard later can be put onto the ribbon; nothing else changes by it, and that is said.
async fn the_ribbon_alone_may_show_what_was_true(page: &Page) -> Result<()> {
    let said = "[data-test='past-said']";
    page.press("past-true").await?;
    page.find_by("[data-test='past-true'][aria-pressed='true']").await?;
    let alone = |text: &str| text.contains("true then") && text.contains("All else is as it was known");
    page.reads_as(said, alone, "says that it is about the ribbon alone").await?;
    page.press_by("[data-test='past'] .segments button[aria-pressed='false']").await?;
    page.find_by("[data-test='past-true'][aria-pressed='false']").await?;
    page.reads_as(said, |text| text.contains("as it was then"), "says that all is as it was known").await.map(drop)
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

/// A span drawn with Shift held, and two handles put there by a key, each open the comparison of their two times.
async fn two_times_by_hand_and_by_key(page: &Page) -> Result<()> {
    let failed = |error: thirtyfour::error::WebDriverError| Failure::new(format!("could not draw a span: {error}"));
    let time = page.find("ribbon-time").await?.rect().await.map_err(failed)?;
    #[allow(clippy::cast_possible_truncation, reason = "pixels")]
    let (right, y) = ((time.x + time.width) as i64 - 1, (time.y + 20.0) as i64);
    let drawn = page.driver().action_chain().move_to(right - 120, y).key_down(Key::Shift).click_and_hold();
    let drawn = drawn.move_to(right - 60, y).move_to(right - 20, y).release().key_up(Key::Shift);
    drawn.perform().await.map_err(failed)?;
    let both = page.find("compare").await?.text().await.map_err(failed)?;
    assert!(both.contains("Compare two times"), "{both}");
    page.find("compare-rows").await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='compare']").await?;
    // The handles stay where they were drawn until they are taken away.
    page.find("ribbon-handle-0").await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='ribbon-handle-0']").await?;

    let shift_c = page.driver().action_chain().key_down(Key::Shift).send_keys("c").key_up(Key::Shift);
    shift_c.perform().await.map_err(failed)?;
    page.find("ribbon-handle-1").await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    // It stands before the record begins: ten steps on there is one.
    let on = page.driver().action_chain().key_down(Key::Shift).send_keys(Key::Right).key_up(Key::Shift);
    on.perform().await.map_err(failed)?;
    page.key(Key::Enter).await?;
    page.find("compare-rows").await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='compare']").await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='ribbon-handle-0']").await
}

/// A time at which nothing ran, since the door before was ended as a crash would end it, is shown as it was last known;
/// that is said in both doors.
async fn while_nobody_recorded_is_said(terminal: &Terminal) -> Result<()> {
    tokio::time::sleep(Duration::from_secs(4)).await;
    let away = Clock::system().now().minus(Duration::from_secs(2));
    let (door, link) = terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &link).await?;
    page.find_by(&format!("[data-test='chip-{CONNECTION}'][data-state='live']")).await?;
    let base = link.split('#').next().unwrap_or_default().trim_end_matches('/').to_owned();
    page.driver().goto(format!("{base}/fleet?at={away}")).await.map_err(|error| Failure::new(error.to_string()))?;
    page.reads_as("[data-test='past-said']", |text| text.contains("ended without closing the record"), "says why")
        .await?;
    page.close().await?;
    drop(door);
    let said = terminal.call(&["diff", "--from", &away.to_string(), "--to", "now", "--json"]).await?;
    let document: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_default();
    assert!(document["gaps"].to_string().contains("ended without closing the record"), "{said:?}");
    assert_eq!((said.code, &document["complete"]), (3, &serde_json::Value::Bool(false)), "{said:?}");
    Ok(())
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
    the_ribbon_alone_may_show_what_was_true(&page).await?;
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

    // What the record does not tell of is hatched, and says why to whoever points at it.
    page.point_at("[data-test='ribbon-gap']").await?;
    page.reads_as("[data-test='ribbon-gap-said']", |text| text.contains("Nothing is recorded"), "says why").await?;
    two_times_by_hand_and_by_key(&page).await?;

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
    page.close().await?;
    while_nobody_recorded_is_said(&terminal).await
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
    window.close().await?;
    a_link_opens_the_moment_and_the_scope(&terminal, &namespace, &there).await
}

/// As an alert or a message has it: the desktop calls the program with what was clicked.
async fn a_link_opens_the_moment_and_the_scope(terminal: &Terminal, namespace: &str, there: &str) -> Result<()> {
    let link = format!("pilothouse:/{there}&scope={CONNECTION}");
    let window = Page::window_with((1440, 900), &terminal.environment(), &[&link]).await?;
    window.find("past").await?;
    window.reads_as(&row(namespace), |text| text.contains("Running"), "is Running in the past").await?;
    window.find_by("html[data-past]").await?;
    let now = address(&window).await?;
    let at = |address: &str| address.split(['?', '&']).find(|part| part.starts_with("at=")).map(str::to_owned);
    assert_eq!(at(&now), at(there), "{now} is of the moment of {link}");
    assert!(now.contains(&format!("scope={CONNECTION}")), "{now} is of the scope of {link}");
    window.close().await
}
