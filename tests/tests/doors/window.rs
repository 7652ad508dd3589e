//! The window, from end to end: the real program, a real cluster, and a driver that presses what a person would.

use acceptance::{Context, ControlPlane, Options, Page, Result, Story, Terminal};
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_connects_sees_a_pod_arrive_and_the_server_go_and_come_back() -> Result<()> {
    let mut plane = ControlPlane::start(Options::default()).await?;
    let story = Story { connection: "admin", pool: "window" };
    story.prepare(&plane).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;

    // Nothing is configured: the demo fleet is there and says that it is one.
    page.find("demo").await?;
    page.press("rail-connections").await?;
    page.press_by("[data-test='offer-admin'] button").await?;
    page.find("connection-row-admin").await?;

    story.the_fleet_is_live(&page).await?;
    story.a_pod_takes_its_gpus(&page, &plane).await?;
    story.the_server_goes_and_comes_back(&page, &mut plane).await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_in_a_file_that_is_named() -> Result<()> {
    let terminal = Terminal::new(Path::new(""))?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.find("demo").await?;
    page.press("export-csv").await?;
    let toast = page.reads_as(".toasts", |text| text.contains("rows exported"), "says where the rows are").await?;
    let file = toast.split_whitespace().find(|word| word.starts_with('/')).expect("it says where");
    assert!(file.contains("/Downloads/DEMO-pilothouse-") && file.ends_with(".csv"), "{toast}");
    let text = std::fs::read_to_string(file).could_not("read what was saved")?;
    let rows: usize = toast.split_whitespace().next().unwrap().replace(',', "").parse().unwrap();
    assert_eq!(text.lines().count(), rows + 1, "{toast}");
    page.close().await
}
