//! Aliases and tags from the window, before a real MLflow: each press opens a plan, and nothing is drawn as done before the
//! server says so.

use acceptance::{Mlflow, Page, Result, Terminal, mlflow::Trained};
use std::path::Path;

const BECAME: &str = "[data-test='plan-became'][data-state='verified']";

async fn confirmed(page: &Page, change: &str) -> Result<()> {
    page.reads_as("[data-test='plan-changes']", |text| text.contains(change), "says what changes").await?;
    page.press("plan-confirm").await?;
    page.find_by(BECAME).await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sets_moves_and_takes_away_an_alias_and_a_tag() -> Result<()> {
    let server = Mlflow::start().await?;
    let experiment = server.experiment("chat").await?;
    server.model("chat").await?;
    for name in ["first", "second"] {
        let run = server.run(&experiment, Trained { name, ..Trained::default() }).await?;
        server.version("chat", &experiment, &run).await?;
    }
    let terminal = Terminal::new(Path::new(""))?;
    terminal.good(&["connect", "add", "mlflow", "--name", "registry", "--url", &server.url()]).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-models").await?;
    page.press_by("[data-test='model'][data-key='registry/chat']").await?;

    // A connection is read alone: the button says so, and it can be changed there.
    page.reads_as("[data-test='alias-set']", |text| text.contains("registry is read alone"), "says why not").await?;
    page.press("deeds-allow").await?;
    page.gone("[data-test='deeds-allow']").await?;

    page.press("alias-set").await?;
    page.fill("alias-name", "@champion").await?;
    page.press("alias-plan").await?;
    confirmed(&page, "/aliases/champion").await?;
    let version = |number: u32| format!("[data-test='version'][data-key='{number}']");
    page.reads_as(&version(2), |text| text.contains("@champion"), "has the alias").await?;
    // A row of a table is pressed in one of its cells.
    page.press_by(&format!("{} td:first-child", version(1))).await?;
    page.press("alias-move").await?;
    page.reads_as("[data-test='plan']", |text| text.contains("from version 2 to 1"), "says from where").await?;
    confirmed(&page, "/aliases/champion").await?;
    page.reads_as(&version(1), |text| text.contains("@champion"), "has the alias now").await?;
    page.press("alias-remove").await?;
    confirmed(&page, "/aliases/champion").await?;
    page.gone("[data-test='alias-remove']").await?;

    page.press("tag-set").await?;
    page.fill("tag-key", "team").await?;
    page.fill("tag-value", "search and chat").await?;
    page.press("tag-plan").await?;
    confirmed(&page, "/versions/1/tags/team").await?;
    page.reads_as("[data-test='tags']", |text| text.contains("team=search and chat"), "has the tag").await?;
    page.press_by("[data-test='tag-remove'][data-key='team']").await?;
    confirmed(&page, "/versions/1/tags/team").await?;
    page.gone("[data-test='tag-remove']").await?;
    page.close().await
}
