//! The wall from end to end: a real cluster, the built program, headless Chromium at 1080p and at 4K.

use acceptance::{
    Alertmanager, Context, ControlPlane, Failure, GpuNodes, GpuPods, Options, OtherBuild, Page, Part, Process, Result,
    Terminal, until,
};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(120);
/// What is gone is said within this.
const SAID_WITHIN: Duration = Duration::from_secs(5);
const FULL_HD: (u32, u32) = (1_920, 1_080);
const FOUR_K: (u32, u32) = (3_840, 2_160);

/// What somebody four metres away would stumble over, as a list of words.
const FAULTS: &str = r"
const faults = [], wall = document.querySelector('.wall').getBoundingClientRect();
const unit = innerHeight / 1080, root = document.scrollingElement;
if (root.scrollWidth > innerWidth || root.scrollHeight > innerHeight) faults.push('the page scrolls');
if (Math.abs(wall.width - innerWidth) > 1 || Math.abs(wall.height - innerHeight) > 1) faults.push('it does not fill the screen');
if (document.querySelector('.rail, .top-bar, input, .inspector')) faults.push('there is more than a wall');
// How large a text is on the glass: its size, times what it is scaled by.
const seen = e => parseFloat(getComputedStyle(e).fontSize) * e.getBoundingClientRect().width / e.offsetWidth / unit;
for (const e of document.querySelectorAll('.wall *')) {
    const style = getComputedStyle(e);
    if (style.cursor !== 'none') faults.push('a pointer over ' + e.className);
    if (/auto|scroll/.test(style.overflowX + style.overflowY)) faults.push('a scroll bar on ' + e.className);
    const own = [...e.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (own && e.offsetWidth && seen(e) < 23.9) faults.push(seen(e) + ' units is too small: ' + e.textContent);
}
for (const e of document.querySelectorAll('.wall-figure, .wall-clock, .wall-running, .wall h1')) {
    if (e.offsetWidth && seen(e) < 59.9) faults.push(seen(e) + ' units is no figure: ' + e.textContent);
}
// A name that is cut off can be read from nowhere. Half a line more than there is room for is the air of its letters.
for (const e of document.querySelectorAll('.wall :is(h1, .clip, .wall-two, .wall-names, .wall-beside)')) {
    const air = parseFloat(getComputedStyle(e).fontSize) / 2;
    const cut = e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + air;
    if (e.offsetWidth && cut) faults.push('cut off: ' + e.textContent);
}
return faults;
";

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_is_calm_then_in_trouble_then_blind_and_comes_back_by_itself() -> Result<()> {
    let mut plane = ControlPlane::start(Options::default()).await?;
    let nodes = GpuNodes::new("wall", 3, 8);
    plane.add_gpu_nodes(&nodes, LIMIT).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let (door, address) = terminal.serve(&["--wall"]).await?;
    let port = port_of(&address)?;
    let page = Page::browser(FULL_HD, &address).await?;
    page.resize(FULL_HD).await?;

    is(&page, "calm").await?;
    page.reads_as("[data-test='wall-head']", |text| text.contains("Nothing needs you"), "is calm").await?;
    page.reads_as("[data-test='wall-foot']", |text| text.contains("admin"), "names the source").await?;
    page.reads_as("[data-test='wall-funnel']", |text| text.contains("24"), "counts 24 GPUs").await?;
    // The code is gone from the address, and every place leads to the wall.
    let address_now = page.driver().current_url().await.could_not("read the address")?;
    assert_eq!((address_now.path(), address_now.fragment()), ("/wall", None));
    for size_of in [FOUR_K, FULL_HD] {
        page.resize(size_of).await?;
        legible(&page).await?;
    }
    for panel in ["health", "changes", "fleet"] {
        page.find_by(&format!("[data-test='wall-panel'][data-panel='{panel}']")).await?;
        legible(&page).await?;
    }

    // A node fails, with nobody there to call it well again.
    plane.pause(Part::Kwok)?;
    let node = nodes.name(1);
    let ready = |status: &str| {
        let since = "2026-11-24T03:01:20Z";
        let ready = json!({ "type": "Ready", "status": status, "reason": "Broken", "lastTransitionTime": since });
        json!({ "status": { "conditions": [ready] } })
    };
    let path = format!("/api/v1/nodes/{node}/status");
    plane.api()?.patch(&path, &ready("False")).await?;
    is(&page, "trouble").await?;
    page.reads_as("[data-test='wall-band']", |text| text.contains(&node) && text.contains("1 of 1"), "says what")
        .await?;
    page.reads_as("[data-test='wall-band']", |text| text.contains("since 03:01:20 UTC"), "says since when").await?;
    page.reads_as("[data-test='wall-hit']", |text| text.contains("8\n"), "says how many GPUs").await?;
    page.reads_as("[data-test='wall-next']", |text| text.contains("fixed"), "stays").await?;
    for size_of in [FOUR_K, FULL_HD] {
        page.resize(size_of).await?;
        legible(&page).await?;
    }
    plane.api()?.patch(&path, &ready("True")).await?;
    is(&page, "calm").await?;
    page.reads_as("[data-test='wall-head']", |text| text.contains("calm for "), "saw it end").await?;
    plane.resume(Part::Kwok)?;

    // The cluster's server goes: that is said, in words and shape.
    plane.stop_apiserver();
    within(&page, "blind").await?;
    let lost = |text: &str| text.contains("admin lost, as of ");
    page.reads_as("[data-test='wall-head']", lost, "says what is lost").await?;
    page.reads_as("[data-test='wall-source']", |text| text.contains("lost, as of "), "says it at its place").await?;
    page.find_by("[data-test='wall-source'].bad .mark.bad").await?;
    legible(&page).await?;
    plane.start_apiserver().await?;
    is(&page, "calm").await?;

    the_door_goes_and_comes_back(&page, &terminal, door, port).await?;
    page.close().await
}

/// The door itself hangs, then ends: both are said, and old numbers are never shown as new. One that is started again
/// finds its screens there.
async fn the_door_goes_and_comes_back(page: &Page, terminal: &Terminal, door: Process, port: u16) -> Result<()> {
    door.pause()?;
    within(page, "cut").await?;
    door.resume()?;
    is(page, "calm").await?;
    drop(door);
    within(page, "cut").await?;
    page.reads_as("[data-test='wall-head']", |text| text.contains("No link, as of "), "says since when").await?;
    page.reads_as("[data-test='wall-source']", |text| text.contains("as of "), "counts no age on").await?;
    page.find_by(".wall.old").await?;
    let again = terminal.door(&["--wall", "--port", &port.to_string()])?;
    is(page, "calm").await?;
    page.gone(".wall.old").await?;
    // While it was away nothing was recorded, nor before it was there: that is hatched on the strip, and said.
    until("the strip says what was not recorded", LIMIT, async || {
        let said = page.ask("return document.querySelector(\"[data-test='wall-gaps']\").textContent").await?;
        let said = said.as_str().unwrap_or_default();
        Ok((said.contains("not recorded from ") && said.contains("Pilothouse ")).then_some(()))
    })
    .await?;
    drop(again);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_told_with_what_changed_before_it_and_who_tells_of_it_is_missed_at_once() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let nodes = GpuNodes::new("alarm", 1, 8);
    plane.add_gpu_nodes(&nodes, LIMIT).await?;
    let node = nodes.name(0);
    // A name of the length that people give: whole, from four metres.
    let name = "chat-llama-4-maverick-17b-128e-instruct-fp8-eu";
    let pods = GpuPods::new("default", name, 1, 8);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let mut alerts = Alertmanager::start().await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    terminal.good(&["connect", "add", "alertmanager", "--name", "alerts", "--url", &alerts.url()]).await?;
    let (door, address) = terminal.serve(&["--wall"]).await?;
    let page = Page::browser(FULL_HD, &address).await?;
    is(&page, "calm").await?;
    page.reads_as("[data-test='wall-foot']", |text| text.contains("alerts"), "names both sources").await?;

    // Somebody cordons a node, and then something fires there.
    plane.kubectl(&["cordon", &node]).await?;
    page.find_by("[data-test='wall-panel'][data-panel='changes']").await?;
    page.reads_as("[data-test='wall-changes']", |text| text.contains("cordoned"), "tells of the change").await?;
    let labels = json!({ "alertname": "GpuHot", "severity": "critical", "node": node, "gpu": "3" });
    let fires = json!({ "labels": labels, "annotations": { "summary": "It has 98 degrees." } });
    alerts.send(&json!([fires])).await?;
    is(&page, "trouble").await?;
    let is_told = |text: &str| text.contains("GpuHot") && text.contains("98 degrees") && text.contains(&node);
    page.reads_as("[data-test='wall-band']", is_told, "says what fires, and where").await?;
    page.reads_as("[data-test='wall-before']", |text| text.contains("cordoned"), "says what changed before").await?;
    legible(&page).await?;
    let mut over = fires;
    over["endsAt"] = json!("2026-11-24T04:00:00Z");
    over["startsAt"] = json!("2026-11-24T03:12:00Z");
    alerts.send(&json!([over])).await?;
    is(&page, "calm").await?;

    // One about all of a node says how many GPUs, and which workloads.
    let labels = json!({ "alertname": "NodeDown", "severity": "critical", "node": node });
    alerts.send(&json!([{ "labels": labels, "annotations": { "summary": "Nobody hears it." } }])).await?;
    is(&page, "trouble").await?;
    let workload = format!("workload: Deployment default/{name}");
    let hit = |text: &str| text.contains("8\nGPUs of ") && text.contains(&workload);
    page.reads_as("[data-test='wall-hit']", hit, "says how many GPUs and which workloads").await?;
    for size_of in [FOUR_K, FULL_HD] {
        page.resize(size_of).await?;
        legible(&page).await?;
    }
    alerts
        .send(&json!([{ "labels": labels, "startsAt": "2026-11-24T03:12:00Z", "endsAt": "2026-11-24T04:00:00Z" }]))
        .await?;
    is(&page, "calm").await?;

    // One that names nothing that is seen, and has no summary: what changed is told of all that the wall shows, and what somebody
    // wrote at length is not.
    let labels = json!({ "alertname": "Somewhere", "severity": "critical" });
    let annotations = json!({ "description": "canary: as the log says" });
    alerts.send(&json!([{ "labels": labels, "annotations": annotations }])).await?;
    is(&page, "trouble").await?;
    let is_told = |text: &str| text.contains("Somewhere") && !text.contains("canary");
    page.reads_as("[data-test='wall-band']", is_told, "says its name").await?;
    page.reads_as("[data-test='wall-before']", |text| text.contains("cordoned"), "says what changed before").await?;
    legible(&page).await?;
    alerts
        .send(&json!([{ "labels": labels, "startsAt": "2026-11-24T03:12:00Z", "endsAt": "2026-11-24T04:00:00Z" }]))
        .await?;
    is(&page, "calm").await?;

    // Who tells of alerts hangs, and ends: that is said. How soon is held where time is not the machine's (`pulse`).
    for ends in [false, true] {
        if ends {
            alerts.kill()
        } else {
            alerts.hang()?
        }
        is(&page, "blind").await?;
        page.reads_as("[data-test='wall-head']", |text| text.contains("alerts lost, as of "), "says what is lost")
            .await?;
        alerts.start_again().await?;
        is(&page, "calm").await?;
    }
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_lets_a_screen_in_until_it_is_revoked() -> Result<()> {
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    let token = terminal.good(&["serve", "token", "new", "lobby"]).await?;
    let (door, address) = terminal.serve(&["--demo", "--wall"]).await?;
    let (wall, _) = address.split_once("#code=").ok_or_else(|| Failure::new("an address without a code"))?;
    let pinned = format!("{wall}?show=health&scope=fra-train#code={}", token.trim());
    let page = Page::browser(FULL_HD, &pinned).await?;
    is(&page, "calm").await?;
    page.find("wall-demo").await?;
    page.find_by("[data-test='wall-panel'][data-panel='health']").await?;
    page.gone("[data-test='wall-next']").await?;
    let listed = terminal.json(&["serve", "token", "list", "--json"]).await?;
    assert_eq!((&listed[0]["name"], &listed[0]["screens"]), (&json!("lobby"), &json!(1)));
    assert!(!listed.to_string().contains(token.trim()) && !door.last_lines(100).contains(token.trim()));
    terminal.good(&["serve", "token", "revoke", "1"]).await?;
    is(&page, "not-let-in").await?;
    page.reads_as("[data-test='wall-head']", |text| text.contains("not let in"), "says why").await?;
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_that_came_by_the_code_of_the_address_is_listed_and_let_go_of() -> Result<()> {
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    let (door, address) = terminal.serve(&["--demo", "--wall"]).await?;
    let list = ["serve", "token", "list", "--json"];
    assert_eq!(terminal.json(&list).await?, json!([]));
    let page = Page::browser(FULL_HD, &address).await?;
    is(&page, "trouble").await?;
    let listed = terminal.json(&list).await?;
    assert_eq!((&listed[0]["name"], &listed[0]["screens"]), (&json!("a code of this machine"), &json!(1)));
    // Nobody has a token: other machines are not let in by it.
    let far = terminal.call(&["serve", "--demo", "--wall", "--plain", "--listen", "0.0.0.0", "--port", "0"]).await?;
    assert!(far.code != 0 && far.err.contains("token new"), "{far:?}");
    terminal.good(&["serve", "token", "revoke", &listed[0]["id"].to_string()]).await?;
    is(&page, "not-let-in").await?;
    assert_eq!(terminal.json(&list).await?, json!([]));
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_looks_at_the_wall_and_comes_back() -> Result<()> {
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    let (door, address) = terminal.serve(&["--demo"]).await?;
    let page = Page::browser((1_440, 900), &address).await?;
    page.press("rail-walls").await?;
    page.reads_as("[data-test='walls']", |text| text.contains("pilothouse serve --wall"), "says how").await?;
    page.press("wall-here").await?;
    page.find_by("[data-test='wall'][data-state='trouble']").await?;
    page.find("wall-demo").await?;
    page.key(thirtyfour::Key::Escape).await?;
    page.find("rail-walls").await?;
    page.gone("[data-test='wall']").await?;
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_goes_over_to_a_door_that_was_updated() -> Result<()> {
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    let folder = tempfile::tempdir().could_not("make a folder")?;
    let before = OtherBuild::make(folder.path())?;
    let interface = before.interface.display().to_string();
    let (door, address) = terminal.serve_by(&before.program, &["--demo", "--wall", "--ui", &interface]).await?;
    let port = port_of(&address)?;
    let page = Page::browser(FULL_HD, &address).await?;
    is(&page, "trouble").await?;
    page.ask("window.isTheFirst = true; return true").await?;
    drop(door);
    within(&page, "cut").await?;

    // Today's program with the page that it had before: it is loaded again, and that does not help. It says so.
    let port = port.to_string();
    let door = terminal.door(&["--demo", "--wall", "--port", &port, "--ui", &interface])?;
    is(&page, "other-build").await?;
    page.reads_as("[data-test='wall-head']", |text| text.contains("was updated"), "says why").await?;
    legible(&page).await?;
    drop(door);

    // Today's program with its own page: with nobody at the keyboard it is there.
    let door = terminal.door(&["--demo", "--wall", "--port", &port])?;
    is(&page, "trouble").await?;
    assert_eq!(page.ask("return window.isTheFirst ?? null").await?, json!(null));
    drop(door);
    page.close().await
}

/// Waits until the wall is in this state.
async fn is(page: &Page, state: &str) -> Result<()> {
    page.find_by(&format!("[data-test='wall'][data-state='{state}']")).await.map(drop)
}

/// The same, as fast as a room may rely on.
async fn within(page: &Page, state: &str) -> Result<()> {
    let began = Instant::now();
    is(page, state).await?;
    let took = began.elapsed();
    if took <= SAID_WITHIN { Ok(()) } else { Err(Failure::new(format!("{state} was said after {took:?}"))) }
}

async fn legible(page: &Page) -> Result<()> {
    // A page that turns while it is looked at has elements of neither panel.
    let faults = until("the wall is legible", Duration::from_secs(10), async || {
        let faults = page.ask(FAULTS).await?;
        Ok((faults == json!([])).then_some(()))
    });
    match faults.await {
        Ok(()) => Ok(()),
        Err(failure) => Err(Failure::new(format!("{failure}: {}", page.ask(FAULTS).await?))),
    }
}

fn port_of(address: &str) -> Result<u16> {
    let port = address.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.split('/').next()?.parse().ok());
    port.ok_or_else(|| Failure::new(format!("{address} has no port")))
}
