//! The shell around all screens, in headless Chromium on the demo fleet: every screen of the rail, the keys and their help,
//! dark and light.

use acceptance::{Failure, Page, Process, Result, Terminal};
use std::path::Path;
use thirtyfour::Key;

/// The browser door on the demo fleet, and its first page.
async fn demo() -> Result<(Terminal, Process, Page)> {
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    let (door, address) = terminal.serve(&["--demo"]).await?;
    let page = Page::browser((1440, 900), &address).await?;
    page.find_by("[data-test='chip-iad-prod'][data-state='live']").await?;
    Ok((terminal, door, page))
}

/// The routes and the names of the rail, in its order.
async fn rail(page: &Page) -> Result<Vec<(String, String)>> {
    let script = "return [...document.querySelectorAll('.rail-item')].map(item => \
                  [item.dataset.test.replace('rail-', ''), item.querySelector('.word').textContent])";
    let items = page.ask(script).await?;
    serde_json::from_value(items).map_err(|error| Failure::new(error.to_string()))
}

/// The screen is here: the rail says so, it has a heading with its name, and nothing of it is still on its way.
async fn is_at(page: &Page, route: &str, name: &str) -> Result<()> {
    page.find_by(&format!("[data-test='rail-{route}'][aria-current='page']")).await?;
    page.gone("main [aria-busy='true']").await?;
    let heading = page.ask("return document.querySelector('h1')?.textContent ?? ''").await?;
    assert!(heading.as_str().is_some_and(|heading| heading.contains(name)), "{route} is headed {heading}, not {name}");
    let reads = page.ask("return document.querySelector('main').innerText.trim().length").await?;
    assert!(reads.as_u64().is_some_and(|letters| letters > 20), "{route} reads as {reads} letters");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_of_the_rail_opens_has_its_heading_and_leaves_no_fault_in_the_console() -> Result<()> {
    let (_terminal, door, page) = demo().await?;
    let all = rail(&page).await?;
    assert!(all.len() >= 7 && all.iter().any(|(route, _)| route == "bench"), "{all:?}");
    for (route, name) in &all {
        page.press(&format!("rail-{route}")).await?;
        is_at(&page, route, name).await?;
    }
    // The same by its address alone, as somebody opens it who was sent it.
    for (route, name) in &all {
        page.ask(&format!("location.assign('/{route}')")).await?;
        is_at(&page, route, name).await?;
        let faults = page.faults().await?;
        assert!(faults.is_empty(), "{route}: {faults:#?}");
    }
    // And a fault would have been seen.
    page.ask("console.error('a fault of the test')").await?;
    assert!(page.faults().await?.join(" ").contains("a fault of the test"));
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_tells_the_keys_of_a_screen_and_each_key_goes_where_it_says() -> Result<()> {
    let (_terminal, door, page) = demo().await?;
    let all = rail(&page).await?;
    page.press_by(".table-head").await?;
    page.key("?").await?;
    let keys = |text: &str| {
        let parts =
            ["Keys of this screen", "dark or light", "filter this table", "next colour of the map", "shorter span"];
        parts.iter().all(|part| text.contains(part))
    };
    let help = page.reads_as("[data-test='help']", keys, "tells of the keys").await?;
    for (_, name) in &all {
        assert!(help.contains(&format!("go to {name}")), "no key goes to {name}: {help}");
    }
    page.key(Key::Escape).await?;
    page.gone("[data-test='help']").await?;

    // The caret is in no field: two keys, one after the other, go to a screen; what the help says of them is read there.
    let chords = page.ask("return [...document.querySelectorAll('.rail-item')].map(item => item.title)").await?;
    let chords: Vec<String> = serde_json::from_value(chords).map_err(|error| Failure::new(error.to_string()))?;
    for ((route, name), title) in all.iter().zip(&chords) {
        let chord = title.rsplit_once('(').map(|(_, chord)| chord.trim_end_matches(')')).unwrap_or_default();
        // In one go: the first key is forgotten after a moment, and a busy machine may take longer between two calls.
        page.key(&chord.replace(' ', "")).await?;
        is_at(&page, route, name).await?;
    }
    // What is of another screen is not told here.
    page.key("gn").await?;
    is_at(&page, "connections", "Connections").await?;
    page.key("?").await?;
    let here =
        page.reads_as("[data-test='help']", |text| text.contains("dark or light"), "tells of this screen").await?;
    assert!(!here.contains("next colour of the map"), "{here}");
    page.key("?").await?;
    page.gone("[data-test='help']").await?;
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_changes_between_dark_and_light_and_the_choice_stays() -> Result<()> {
    let (_terminal, door, page) = demo().await?;
    let theme = async || page.ask("return document.documentElement.dataset.theme").await;
    let ground = async || page.ask("return getComputedStyle(document.body).backgroundColor").await;
    let toggle = async || {
        let keys = page.driver().action_chain().key_down(Key::Control).key_down(Key::Shift).send_keys("t");
        let keys = keys.key_up(Key::Shift).key_up(Key::Control).perform().await;
        keys.map_err(|error| Failure::new(error.to_string()))
    };
    let (first, first_ground) = (theme().await?, ground().await?);
    let other = if first == "dark" { "light" } else { "dark" };
    toggle().await?;
    page.find_by(&format!("html[data-theme='{other}']")).await?;
    assert_ne!(ground().await?, first_ground, "the grounds are other ones");
    page.reload().await?;
    page.find_by(&format!("html[data-theme='{other}']")).await?;
    page.find_by("[data-test='chip-iad-prod'][data-state='live']").await?;
    toggle().await?;
    page.find_by(&format!("html[data-theme={first}]")).await?;
    assert_eq!(ground().await?, first_ground);
    drop(door);
    page.close().await
}
