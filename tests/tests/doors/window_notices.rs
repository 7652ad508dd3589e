//! What a person is told on the desktop, from end to end: a real Alertmanager, the built window, a session bus of its own
//! and dunst on it.

use acceptance::{Alertmanager, Context, Desktop, Failure, Page, Result, Terminal, until};
use pilothouse_connect::Clock;
use pilothouse_wire::{Stamp, address::Address};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// Notices are a minute apart.
const NEXT: Duration = Duration::from_secs(100);

/// An alert that needs a person, for the next hour.
fn alert(name: &str, severity: &str) -> Value {
    let ends = Stamp(Clock::system().now().0 + 3_600_000);
    json!([{
        "labels": { "alertname": name, "severity": severity },
        "annotations": { "summary": format!("{name} <b>is</b> so & stays so.") },
        "endsAt": ends.to_string()
    }])
}

/// The row of an alert in the table.
fn row(name: &str) -> String {
    format!("[data-test='row'][data-key^='alert:alerts/{name}/']")
}

/// A desktop, an Alertmanager that is connected, and a home that outlives the window.
struct Site {
    desktop: Desktop,
    alerts: Alertmanager,
    terminal: Terminal,
}

impl Site {
    async fn start() -> Result<Self> {
        let terminal = Terminal::new(Path::new(""))?;
        let alerts = Alertmanager::start().await?;
        let url = alerts.url();
        terminal.good(&["connect", "add", "alertmanager", "--name", "alerts", "--url", &url]).await?;
        Ok(Self { desktop: Desktop::start((1_440, 900)).await?, alerts, terminal })
    }

    async fn window(&self) -> Result<Page> {
        let [home, kubeconfig] = self.terminal.environment();
        let page = Page::window_on(&self.desktop, &[home, kubeconfig, ("TZ", Path::new("UTC"))]).await?;
        page.find_by("[data-test='chip-alerts'][data-state='live']").await?;
        Ok(page)
    }

    /// Waits until the title of the window is as wanted.
    async fn title(&self, page: &Page, wanted: impl Fn(&str) -> bool, what: &str) -> Result<()> {
        let (what, mut last) = (format!("the title {what}"), String::new());
        let found = until(&what, LIMIT, async || {
            last = page.driver().title().await.could_not("read the title")?;
            Ok(wanted(&last).then_some(()))
        });
        found.await.map_err(|failure| Failure::new(format!("{failure}: {last}")))
    }

    async fn tray(&self, property: &str, wanted: &str) -> Result<()> {
        let (what, mut last) = (format!("the tray says {wanted}"), None);
        let found = until(&what, LIMIT, async || {
            last = self.desktop.tray(property)?;
            Ok(last.as_ref().is_some_and(|said| said.contains(wanted)).then_some(()))
        });
        found.await.map_err(|failure| Failure::new(format!("{failure}: {last:?}")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thing_is_told_once_a_click_opens_its_moment_and_quiet_hours_hold_it_back() -> Result<()> {
    let site = Site::start().await?;
    let page = site.window().await?;
    site.tray("ToolTip", "Nothing new was told.").await?;
    // Nobody looks at it.
    page.driver().minimize_window().await.could_not("put the window away")?;

    // One that needs a person is told; a warning was not asked for.
    site.alerts.send(&alert("Lukewarm", "warning")).await?;
    site.alerts.send(&alert("ThroughputCollapsed", "critical")).await?;
    let told = site.desktop.notification(1, LIMIT).await?;
    assert_eq!(told.title, "Alert: ThroughputCollapsed");
    assert_eq!(told.text, "ThroughputCollapsed &lt;b&gt;is&lt;/b&gt; so &amp; stays so.");
    assert_eq!(site.desktop.displayed()?, 1);
    site.title(&page, |title| title.starts_with("(1) "), "counts it").await?;
    site.tray("ToolTip", "1 not seen.").await?;
    site.tray("Status", "NeedsAttention").await?;

    // The same again is not told: of two that come, only what is new.
    site.alerts.send(&alert("ThroughputCollapsed", "critical")).await?;
    site.alerts.send(&alert("GpuHot", "critical")).await?;
    assert_eq!(site.desktop.notification(2, NEXT).await?.title, "Alert: GpuHot");
    site.title(&page, |title| title.starts_with("(2) "), "counts both").await?;

    // A click on the first opens its moment, in which the second was not yet, and counts as a look.
    site.desktop.click()?;
    page.find("past-back").await?;
    let address = page.driver().current_url().await.could_not("read the address")?;
    let Ok(address) = format!("{}?{}", address.path(), address.query().unwrap_or_default()).parse::<Address>();
    assert_eq!((address.screen.as_str(), address.tab.as_deref()), ("fleet", Some("alerts")));
    let selected = address.selected.map(|object| object.to_string()).unwrap_or_default();
    assert!(selected.starts_with("alert:alerts/ThroughputCollapsed/"), "{selected}");
    page.find_by(&row("ThroughputCollapsed")).await?;
    page.gone(&row("GpuHot")).await?;
    page.reads_as("[data-test='inspector']", |text| text.contains("stays so"), "tells of the alert").await?;
    site.title(&page, |title| !title.starts_with('('), "counts nothing more").await?;
    site.tray("Status", "Active").await?;
    page.press("past-back").await?;
    page.find_by(&row("GpuHot")).await?;

    // Quiet hours hold back what comes, and then one notice says what is still so.
    page.press("rail-settings").await?;
    let hour = Clock::system().now().0 / 3_600_000 % 24;
    page.fill("quiet-from", &format!("{:02}:00", (hour + 23) % 24)).await?;
    page.fill("quiet-to", &format!("{:02}:00", (hour + 3) % 24)).await?;
    page.press("wish-quiet").await?;
    let standing = "[data-test='notices-standing']";
    page.reads_as(standing, |text| text.starts_with("Quiet until"), "says that it is quiet").await?;
    site.alerts.send(&alert("LinkDown", "critical")).await?;
    site.alerts.send(&alert("PowerLost", "critical")).await?;
    page.reads_as(standing, |text| text.contains("2 held back"), "counts what is held back").await?;
    let mut over = alert("LinkDown", "critical");
    over[0]["endsAt"] = json!("2026-01-01T00:00:00Z");
    over[0]["startsAt"] = json!("2025-01-01T00:00:00Z");
    site.alerts.send(&over).await?;
    page.reads_as(standing, |text| text.contains("1 held back"), "counts what is still so").await?;
    assert_eq!(site.desktop.asked_for().len(), 2);
    let settings =
        std::fs::read_to_string(site.terminal.home().join("settings.toml")).could_not("read the settings")?;
    assert!(settings.contains("[notices]") && settings.contains("quiet = {"), "{settings}");
    page.press("wish-quiet").await?;
    let told = site.desktop.notification(3, NEXT).await?;
    assert_eq!(told.title, "Still so after the quiet hours: Alert: PowerLost");
    page.reads_as("[data-test='told-one']", |text| text.contains("PowerLost"), "lists it").await?;
    // What was told is written beside the loop, and the driver ends the window as hard as it can.
    let told = site.terminal.home().join("data/notices.json");
    let has_it = || std::fs::read_to_string(&told).is_ok_and(|text| text.contains("PowerLost"));
    until("what was told is kept", LIMIT, async || Ok(has_it().then_some(()))).await?;
    page.close().await?;

    // A new run tells only what is new.
    site.desktop.close_all()?;
    let page = site.window().await?;
    page.driver().minimize_window().await.could_not("put the window away")?;
    site.alerts.send(&alert("FanStuck", "critical")).await?;
    assert_eq!(site.desktop.notification(4, NEXT).await?.title, "Alert: FanStuck");
    // A click on the sign in the tray brings the window, and all counts as seen.
    site.title(&page, |title| title.starts_with("(1) "), "counts it").await?;
    site.desktop.click_tray()?;
    site.title(&page, |title| !title.starts_with('('), "counts nothing more").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_asked_for_is_not_told_and_a_try_shows_whether_this_desktop_tells() -> Result<()> {
    let site = Site::start().await?;
    let page = site.window().await?;
    page.press("rail-settings").await?;
    page.press("wish-alert").await?;
    let on = "[data-test='wish-alert']:checked";
    page.gone(on).await?;
    site.alerts.send(&alert("ThroughputCollapsed", "critical")).await?;
    page.press("notices-try").await?;
    let told = site.desktop.notification(1, LIMIT).await?;
    assert_eq!(told.title, "Pilothouse can tell you here");
    page.reads_as("[data-test='told-one']", |text| text.contains("can tell you here"), "lists it").await?;
    // Asked for again, it is told: until then nothing was.
    page.press("wish-alert").await?;
    page.find_by(on).await?;
    assert_eq!(site.desktop.notification(2, NEXT).await?.title, "Alert: ThroughputCollapsed");
    page.close().await?;

    // Where nothing shows notifications, the list says so, and nothing else is harmed.
    let [home, kubeconfig] = site.terminal.environment();
    let bare = Desktop::bare((1_440, 900)).await?;
    let page = Page::window_on(&bare, &[home, kubeconfig]).await?;
    page.press("rail-settings").await?;
    page.press("notices-try").await?;
    page.reads_as("[data-test='told-not-shown']", |text| text.contains("does not show notices"), "says why").await?;
    // The record of this machine says how far it reaches.
    page.reads_as("[data-test='record-facts']", |text| text.contains("of 1.07 GB"), "says what it takes").await?;
    page.reads_as("[data-test='record-facts']", |text| text.contains("Runs\n2"), "counts the runs").await?;
    page.reads_as("[data-test='record-gaps']", |text| text.contains("Pilothouse ended"), "says what is missing")
        .await?;
    page.close().await
}
