//! The browser door, from end to end: the connection is added in the terminal, seen in headless Chromium.

use acceptance::{ControlPlane, Options, Page, Result, Story, Terminal};
use std::path::Path;
use thirtyfour::Key;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_terminal_connects_the_browser_shows() -> Result<()> {
    let mut plane = ControlPlane::start(Options::default()).await?;
    let story = Story { connection: "admin", pool: "browser" };
    story.prepare(&plane).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let (door, address) = terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &address).await?;

    story.the_fleet_is_live(&page).await?;
    story.a_pod_takes_its_gpus(&page, &plane).await?;
    story.the_server_goes_and_comes_back(&page, &mut plane).await?;

    // This door may only read, and says how to act.
    page.press("rail-connections").await?;
    page.reads_as("[data-test='read-only']", |text| text.contains("pilothouse connect"), "says how").await?;
    page.gone("[data-test='connections-add']").await?;

    // An engine that hangs keeps its socket open: the page finds out by itself.
    door.pause()?;
    page.find("link-lost").await?;
    door.resume()?;
    page.gone("[data-test='link-lost']").await?;
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_keeps_a_view_and_pins_an_object() -> Result<()> {
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    let (door, address) = terminal.serve(&["--demo"]).await?;
    let page = Page::browser((1440, 900), &address).await?;
    page.press("tab-gpus").await?;
    page.fill("table-filter", "state=lost").await?;
    // A column is put away, and what is exported or copied has it no more.
    page.press("columns").await?;
    page.press_by(".columns .menu-item:first-child").await?;
    page.key(Key::Escape).await?;
    page.reads_as(".table-head", |text| !text.contains("Cluster"), "has no clusters any more").await?;
    page.press_by("[data-test='row'][data-key^='gpu:']").await?;
    page.press("inspector-pin").await?;
    page.find_by(".pin[data-test^='pin-gpu:'][aria-pressed='true']").await?;
    page.key("s").await?;
    page.fill("save-view-name", "Lost ones").await?;
    page.key(Key::Enter).await?;
    page.gone("[data-test='save-view']").await?;

    // Both are there on another screen, and for another page of this browser.
    page.press("rail-connections").await?;
    page.reload().await?;
    page.find_by(".pin[data-test^='pin-gpu:'][aria-pressed='false']").await?;
    page.chord("k").await?;
    page.fill("palette-input", "lost ones").await?;
    page.key(Key::Enter).await?;
    page.reads_as("[data-test='table-count']", |text| text.contains(" of "), "is filtered as it was").await?;
    page.find_by(".pin[data-test^='pin-gpu:'][aria-pressed='true']").await?;
    page.reads_as(".table-head", |text| !text.contains("Cluster"), "has the columns as they were chosen").await?;
    drop(door);
    page.close().await
}
