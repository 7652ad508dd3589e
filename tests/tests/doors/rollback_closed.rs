//! Where the way back is not possible it is closed: by its button, by every other button, by the palette's plans and by the
//! terminal's, and nothing is done.

use crate::rollback_support::{Named, Site, Wish};
use acceptance::{Context, Page, Result};
use std::time::Duration;
use thirtyfour::Key;

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_not_possible_no_button_and_no_plan_goes_round_it() -> Result<()> {
    let site = Site::start("closed", Wish::new(8, 1, 0)).await?;
    site.without(Named::Secret).await?;

    // A plan that goes back says so and cannot be confirmed.
    let undo = ["act", "undo", "deployment", "chat", "-n", &site.namespace];
    let plan = site.terminal.call(&[&undo[..], &["--plan"]].concat()).await?;
    assert!(plan.out.contains("Deployment chat cannot go back as it is"), "{plan:?}");
    let said = site.terminal.call(&[&undo[..], &["--yes"]].concat()).await?;
    assert!(said.code == 1 && said.err.contains("Secret hf-token: It is not there"), "{said:?}");
    let line = format!("pilothouse rollback {}/chat --kind Deployment --context cluster --anyway", site.namespace);
    assert!(said.err.contains(&line), "{said:?}");
    assert!(site.running().await?.ends_with(":v2"), "nothing was done");

    let page = Page::window((1440, 900), &site.terminal.environment()).await?;
    page.press("rail-delivery").await?;
    let row = format!("[data-test='row'][data-key='workload:cluster/{}/Deployment/chat']", site.namespace);
    page.press_by(&row).await?;
    page.press("back-ask").await?;
    page.find_by("[data-test='back-said'][data-grade='not possible']").await?;
    let closed = |text: &str| text.contains("not possible: Secret hf-token");
    page.reads_as("[data-test='back-go']", closed, "says why it is closed").await?;
    page.press("back-go").await?;
    page.gone("[data-test='plan']").await?;

    // The other ways to the same plan: the deed of the page, and the button of its revision.
    for hook in ["deed-undo", "revision-undo"] {
        page.press(hook).await?;
        let blocked = |text: &str| text.contains("cannot go back as it is");
        page.reads_as("[data-test='plan-confirm']", blocked, "says why it cannot be confirmed").await?;
        page.press("plan-confirm").await?;
        let keys = page.driver().action_chain().key_down(Key::Control).send_keys(Key::Enter).key_up(Key::Control);
        keys.perform().await.could_not("confirm by the key")?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        page.gone("[data-test='plan-became']").await?;
        page.press("plan-close").await?;
        page.gone("[data-test='plan']").await?;
    }
    assert!(site.running().await?.ends_with(":v2"), "nothing was done");
    page.close().await
}
