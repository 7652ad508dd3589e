//! The wall door of the window, from end to end: a person opens it, a browser shows it, and it is closed again.

use acceptance::{Context, Page, Result, Terminal, until};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_window_opens_a_wall_says_where_and_closes_it_again() -> Result<()> {
    let terminal = Terminal::new(Path::new(""))?;
    let page = Page::window((1_440, 900), &terminal.environment()).await?;
    page.press("rail-walls").await?;

    // A port that somebody else has is said to be taken, and nothing opens.
    let taken = TcpListener::bind("127.0.0.1:0").could_not("take a port")?;
    let port = taken.local_addr().could_not("read the port")?.port();
    page.fill("wall-port", "80").await?;
    page.reads_as("[data-test='wall-open']", |text| text.contains("1024"), "says which ports there are").await?;
    page.fill("wall-port", &port.to_string()).await?;
    page.press("wall-open").await?;
    let said = page.reads_as("[data-test='wall-door']", |text| text.contains("Cannot listen"), "says why not").await?;
    assert!(said.contains(&format!("127.0.0.1:{port}")) && said.contains("another port"), "{said}");
    drop(taken);

    // It opens on this machine alone, and the address lets one browser in.
    page.press("wall-open").await?;
    let address = page.reads_as("[data-test='wall-address']", |text| text.contains("#code="), "is an address").await?;
    assert!(address.starts_with(&format!("http://127.0.0.1:{port}/wall#code=")), "{address}");
    let screen = Page::browser((1_280, 720), address.trim()).await?;
    // The demo fleet, which is there while nothing is connected, and says so.
    screen.find("wall-demo").await?;
    page.reads_as("[data-test='wall-door']", |text| text.contains("A screen is let in"), "says that it was used")
        .await?;
    let address = page.reads_as("[data-test='wall-address']", |text| !text.contains('#'), "has no code").await?;
    assert_eq!(address.trim(), format!("http://127.0.0.1:{port}/wall"));

    // Closed, the port is free, and the screen says that it has no link. Opened again, it comes back by itself.
    page.press("wall-close").await?;
    page.find("wall-open").await?;
    until("the port is free", LIMIT, async || Ok(TcpListener::bind(("127.0.0.1", port)).ok().map(drop))).await?;
    let cut = "[data-test='wall'][data-state='cut']";
    screen.find_by(cut).await?;
    page.fill("wall-port", &port.to_string()).await?;
    page.press("wall-open").await?;
    page.reads_as("[data-test='wall-address']", |text| text.contains("#code="), "is an address again").await?;
    screen.gone(cut).await?;
    screen.find("wall-demo").await?;
    screen.close().await?;
    page.close().await
}
