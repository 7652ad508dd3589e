//! The ribbon under a hand, in headless Chromium on a real cluster: what a sign says to who points at it, where a press leads,
//! from a minute to a week, and on every screen; and the same of the ticks of pods, which a later run still has.

use acceptance::{ControlPlane, Failure, GpuNodes, GpuPods, Options, Page, Result, Terminal, until};
use std::time::Duration;
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(120);
const CONNECTION: &str = "admin";

/// The middles of the signs, the newest first.
const SIGNS: &str = "return [...document.querySelectorAll('.ribbon svg circle.hit')].map(sign => { \
                     const at = sign.getBoundingClientRect(); \
                     return [Math.round(at.x + at.width / 2), Math.round(at.y + at.height / 2)]; }).reverse()";
/// The places of the ticks of pods, the newest first.
const TICKS: &str = "const top = document.querySelector('.ribbon svg').getBoundingClientRect().y; \
                     return [...document.querySelectorAll('.ribbon svg path.change.tick')].flatMap(path => \
                     [...path.getAttribute('d').matchAll(/M([\\d.]+) 25/g)].map(at => \
                     [Math.round(+at[1]), Math.round(top + 29)])).sort((a, b) => b[0] - a[0])";
/// What is told of what is pointed at.
const TOLD: &str = "return document.querySelector('.ribbon .bubble')?.innerText ?? ''";
/// What stands under the lines of the axis.
const AXIS: &str =
    "return [...document.querySelectorAll('.ribbon svg path.grid-line + text')].map(word => word.textContent)";

fn failed(error: thirtyfour::error::WebDriverError) -> Failure {
    Failure::new(format!("could not point at the ribbon: {error}"))
}

async fn places(page: &Page, of: &str) -> Result<Vec<(i64, i64)>> {
    serde_json::from_value(page.ask(of).await?).map_err(|error| Failure::new(error.to_string()))
}

async fn told(page: &Page) -> Result<String> {
    Ok(page.ask(TOLD).await?.as_str().unwrap_or_default().to_owned())
}

/// Points at one place after the other until one says this; answers where it is, and all that it says.
async fn pointed_at(page: &Page, of: &str, title: &str) -> Result<((i64, i64), String)> {
    let (what, mut last) = (format!("what is pointed at says {title}"), Vec::new());
    let found = until(&what, LIMIT, async || {
        last.clear();
        for (x, y) in places(page, of).await? {
            page.driver().action_chain().move_to(x, y).perform().await.map_err(failed)?;
            let said = told(page).await?;
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
    let ((x, y), said) = pointed_at(&page, SIGNS, "chat 1 → 3").await?;
    let parts = ["by kubectl", "scale, Deployment chat, admin"];
    assert!(parts.iter().all(|part| said.contains(part)), "who and where: {said}");
    is_held("3").await?;

    // A press opens what it is about.
    page.driver().action_chain().move_to(x, y).click().perform().await.map_err(failed)?;
    page.reads_as("[data-test='inspector']", |text| text.contains("chat"), "is about the Deployment").await?;

    pods_are_told_of(&page, &plane, &is_held).await?;

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
        assert!(!places(&page, SIGNS).await?.is_empty(), "no sign at the foot of {route}");
    }
    let faults = page.faults().await?;
    assert!(faults.is_empty(), "{faults:#?}");
    drop(door);
    page.close().await?;

    // A pod that went before this run is on its ribbon all the same.
    let (door, link) = terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &link).await?;
    page.find_by(&format!("[data-test='chip-{CONNECTION}'][data-state='live']")).await?;
    pointed_at(&page, TICKS, " gone").await?;
    drop(door);
    page.close().await
}

/// A pod that came, by the pointer; one that went, by keys: what, who and where, and a press opens it, as it was last.
async fn pods_are_told_of(
    page: &Page,
    plane: &ControlPlane,
    is_held: &impl AsyncFn(&'static str) -> Result<()>,
) -> Result<()> {
    // An hour is as wide as the ribbon: a tick stands still under the pointer.
    page.press_by(".table-head").await?;
    for _ in 0..3 {
        page.key("-").await?;
    }
    let ((x, y), said) = pointed_at(page, TICKS, " placed").await?;
    let parts = ["pod placed", "chat-", "1 GPU of ", ", admin"];
    assert!(parts.iter().all(|part| said.contains(part)), "what, who and where: {said}");
    page.driver().action_chain().move_to(x, y).click().perform().await.map_err(failed)?;
    let inspector = "[data-test='inspector'][data-key^='pod:admin/default/chat-']";
    page.reads_as(inspector, |text| text.contains("Deployment chat"), "is about the pod").await?;

    page.press_by(".table-head").await?;
    for _ in 0..3 {
        page.key("+").await?;
    }
    plane.kubectl(&["scale", "deployment/chat", "--replicas=1"]).await?;
    is_held("1").await?;
    let by_key = async |key: Key, title: &str| {
        until(&format!("keys lead to a pod {title}"), LIMIT, async || {
            page.ask("document.querySelector('.ribbon-marks').focus()").await?;
            page.key(key.clone() + "").await?;
            Ok(told(page).await?.contains(title).then_some(()))
        })
        .await
    };
    by_key(Key::Down, "chat-").await?;
    by_key(Key::Right, " gone").await?;
    by_key(Key::Left, " placed").await?;
    by_key(Key::Right, " gone").await?;
    page.key(Key::Enter + "").await?;
    page.reads_as(inspector, |text| text.contains("Gone"), "says that it is gone").await?;
    page.press("inspector-as-it-was").await?;
    page.reads_as(inspector, |text| text.contains("Deployment chat"), "shows it as it was").await?;
    page.key("n").await?;
    page.gone(".past-banner").await?;
    plane.kubectl(&["scale", "deployment/chat", "--replicas=3"]).await?;
    is_held("3").await
}
