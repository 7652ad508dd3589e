//! The ribbon under a hand, in headless Chromium on a real cluster: what a sign says to who points at it, where a press leads,
//! from a minute to a week, and on every screen.

use acceptance::{ControlPlane, Failure, GpuNodes, GpuPods, Options, Page, Result, Terminal, until};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(120);
const CONNECTION: &str = "admin";

/// The middles of the signs, the newest first.
const SIGNS: &str = "return [...document.querySelectorAll('.ribbon svg circle.hit')].map(sign => { \
                     const at = sign.getBoundingClientRect(); \
                     return [Math.round(at.x + at.width / 2), Math.round(at.y + at.height / 2)]; }).reverse()";
/// What stands under the lines of the axis.
const AXIS: &str =
    "return [...document.querySelectorAll('.ribbon svg path.grid-line + text')].map(word => word.textContent)";

fn failed(error: thirtyfour::error::WebDriverError) -> Failure {
    Failure::new(format!("could not point at the ribbon: {error}"))
}

async fn signs(page: &Page) -> Result<Vec<(i64, i64)>> {
    serde_json::from_value(page.ask(SIGNS).await?).map_err(|error| Failure::new(error.to_string()))
}

/// Points at one sign after the other until one says this; answers where it is, and all that it says.
async fn pointed_at(page: &Page, title: &str) -> Result<((i64, i64), String)> {
    let (what, mut last) = (format!("a sign that is pointed at says {title}"), Vec::new());
    let found = until(&what, LIMIT, async || {
        last.clear();
        for (x, y) in signs(page).await? {
            page.driver().action_chain().move_to(x, y).perform().await.map_err(failed)?;
            let said = page.ask("return document.querySelector('.ribbon .bubble')?.innerText ?? ''").await?;
            let said = said.as_str().unwrap_or_default().to_owned();
            if said.contains(title) {
                return Ok(Some(((x, y), said)));
            }
            last.push(said);
        }
        Ok(None)
    });
    found.await.map_err(|failure| Failure::new(format!("{failure}; they say:\n{}", last.join("\n--\n"))))
}

/// Waits until the axis has a word like this.
async fn axis(page: &Page, what: &str, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let mut last = serde_json::Value::Null;
    let found = until(what, LIMIT, async || {
        last = page.ask(AXIS).await?;
        let words: Vec<String> = serde_json::from_value(last.clone()).unwrap_or_default();
        Ok(words.iter().any(|word| wanted(word)).then_some(()))
    });
    found.await.map_err(|failure| Failure::new(format!("{failure}: {last}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_says_what_who_and_where_and_a_press_opens_it_from_a_minute_to_a_week() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("ribbon", 1, 8), LIMIT).await?;
    let pods = GpuPods::new("default", "chat", 1, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let (door, link) = terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &link).await?;
    page.find_by(&format!("[data-test='chip-{CONNECTION}'][data-state='live']")).await?;
    page.press("rail-fleet").await?;
    page.press("tab-pods").await?;
    page.find_by("[data-test='row'][data-key^='pod:admin/default/chat-']").await?;

    // The series that moves: its name, and what it is now.
    let held = "return [...document.querySelectorAll('.ribbon .lane-name')].findIndex(name => \
                name.textContent === 'GPUs held, admin')";
    let value = |at: u64| format!("return document.querySelectorAll('.ribbon .lane-value')[{at}].textContent");
    let is_held = |wanted: &'static str| {
        let page = &page;
        until("the lane says how many GPUs are held", LIMIT, async move || {
            let Some(at) = page.ask(held).await?.as_u64() else { return Ok(None) };
            Ok((page.ask(&value(at)).await? == wanted).then_some(()))
        })
    };
    is_held("1").await?;

    // Five minutes are as wide as the ribbon: signs of a few seconds stand apart, and move slowly.
    page.press_by(".table-head").await?;
    for _ in 0..3 {
        page.key("+").await?;
    }
    plane.kubectl(&["scale", "deployment/chat", "--replicas=3"]).await?;
    let ((x, y), said) = pointed_at(&page, "chat 1 → 3").await?;
    let parts = ["by kubectl", "scale, Deployment chat, admin"];
    assert!(parts.iter().all(|part| said.contains(part)), "who and where: {said}");
    is_held("3").await?;

    // A press opens what it is about.
    page.driver().action_chain().move_to(x, y).click().perform().await.map_err(failed)?;
    page.reads_as("[data-test='inspector']", |text| text.contains("chat"), "is about the Deployment").await?;

    // From a minute, at which the axis counts seconds, to a week, at which it counts days.
    page.press_by(".table-head").await?;
    for _ in 0..4 {
        page.key("+").await?;
    }
    axis(&page, "the axis of a minute counts seconds", |word| word.matches(':').count() == 2).await?;
    for _ in 0..14 {
        page.key("-").await?;
    }
    axis(&page, "the axis of a week counts days", |word| word.ends_with(" Nov") || word.split(' ').count() == 2)
        .await?;
    page.reads_as(".ribbon-spans [aria-pressed='true']", |text| text == "7 d", "says that it is a week").await?;

    // It is at the foot of every screen.
    let routes = page.ask("return [...document.querySelectorAll('.rail-item')].map(item => item.dataset.test)").await?;
    let routes: Vec<String> = serde_json::from_value(routes).map_err(|error| Failure::new(error.to_string()))?;
    assert!(routes.len() >= 7, "{routes:?}");
    for route in &routes {
        page.press(route).await?;
        page.find_by(&format!("[data-test='{route}'][aria-current='page']")).await?;
        page.find("ribbon").await?;
        assert!(!signs(&page).await?.is_empty(), "no sign at the foot of {route}");
    }
    let faults = page.faults().await?;
    assert!(faults.is_empty(), "{faults:#?}");
    drop(door);
    page.close().await
}
