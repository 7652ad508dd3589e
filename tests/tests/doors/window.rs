//! The window, from end to end: the real program, a real cluster, and a driver that presses what a person would.

use acceptance::{ControlPlane, Options, Page, Result, Story, Terminal};

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
