//! The map by hand, in headless Chromium on the demo fleet: a box picks GPUs, the keys do too, the wheel's keys zoom, and
//! what is not measured can be read.

use std::path::Path;

use acceptance::{Context, Failure, Page, Process, Result, Terminal};
use thirtyfour::Key;

/// The GPUs of the demo fleet.
const ALL: &str = "4,096";

async fn demo() -> Result<(Process, Page)> {
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    let (door, address) = terminal.serve(&["--demo"]).await?;
    let page = Page::browser((1440, 900), &address).await?;
    page.reads_as("[data-test='funnel']", |text| text.contains(ALL), "counts all GPUs").await?;
    Ok((door, page))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_over_the_map_picks_gpus_and_the_tables_and_the_address_follow() -> Result<()> {
    let (_door, page) = demo().await?;
    page.press("tab-gpus").await?;
    let map = page.find("fleet-map").await?;
    let drawn = page.driver().action_chain().move_to_element_with_offset(&map, -220, -60).click_and_hold();
    drawn.move_by_offset(90, 20).move_by_offset(200, 60).release().perform().await.could_not("draw a box")?;
    let (gpus, nodes) = picked(&page).await?;
    assert!(gpus > 20 && nodes > 2 && gpus <= nodes * 8, "{gpus} GPUs of {nodes} nodes");
    counts(&page, gpus, ALL).await?;

    // It stands in the address, and another table follows it.
    let there = page.driver().current_url().await.could_not("read the address")?;
    assert!(there.query().is_some_and(|query| query.contains("gpus=")), "{there}");
    page.driver().goto("about:blank").await.could_not("leave")?;
    page.driver().goto(there.as_str()).await.could_not("open the address")?;
    assert_eq!(picked(&page).await?, (gpus, nodes));
    counts(&page, gpus, ALL).await?;
    page.press("tab-nodes").await?;
    counts(&page, nodes, "512").await?;

    // And it goes as everything goes.
    page.key(Key::Escape).await?;
    page.gone("[data-test='picked']").await?;
    let there = page.driver().current_url().await.could_not("read the address")?;
    assert!(!there.as_str().contains("gpus="), "{there}");
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_around_gpus_picks_those_within_with_alt_held_or_by_the_key() -> Result<()> {
    let (_door, page) = demo().await?;
    page.press("tab-gpus").await?;
    let map = page.find("fleet-map").await?;
    let corner = || page.driver().action_chain().move_to_element_with_offset(&map, -220, -60);
    // A triangle: half of the box around it, more or less.
    let boxed = corner().click_and_hold().move_by_offset(150, 60).move_by_offset(150, 60).release();
    boxed.perform().await.could_not("draw a box")?;
    let (in_box, _) = picked(&page).await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='picked']").await?;

    let alt = corner().key_down(Key::Alt).click_and_hold().move_by_offset(300, 0).move_by_offset(0, 120);
    alt.perform().await.could_not("begin a line")?;
    let shown =
        "const line = document.querySelector('.map-line polygon'); return line ? line.getAttribute('points') : ''";
    let points = told(&page, shown).await?;
    assert!(points.split_whitespace().count() >= 3, "it is drawn: {points}");
    page.driver().action_chain().release().key_up(Key::Alt).perform().await.could_not("end the line")?;
    let (gpus, nodes) = picked(&page).await?;
    assert!(gpus > in_box / 4 && gpus < in_box * 3 / 4 && gpus <= nodes * 8, "{gpus} of {in_box} GPUs");
    assert_eq!(told(&page, shown).await?, "");
    counts(&page, gpus, ALL).await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='picked']").await?;

    // The same by the key, once: what is drawn next is a box.
    map.focus().await.could_not("give the map the caret")?;
    page.driver().action_chain().send_keys("o").perform().await.could_not("press the key")?;
    page.find_by(".map-stage.by-hand").await?;
    let line = corner().click_and_hold().move_by_offset(300, 0).move_by_offset(0, 120).release();
    line.perform().await.could_not("draw a line")?;
    assert_eq!(picked(&page).await?, (gpus, nodes));
    page.gone(".map-stage.by-hand").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_pick_and_zoom_and_what_is_pointed_at_is_what_is_chosen() -> Result<()> {
    let (_door, page) = demo().await?;
    let map = page.find("fleet-map").await?;
    map.focus().await.could_not("give the map the caret")?;
    page.key(Key::Right).await?;
    let shift = page.driver().action_chain().key_down(Key::Shift);
    let steps = shift.send_keys(Key::Right + "").send_keys(Key::Down + "").key_up(Key::Shift);
    steps.perform().await.could_not("press keys with Shift")?;
    assert_eq!(picked(&page).await?, (4, 1));
    page.key(Key::Escape).await?;
    page.gone("[data-test='picked']").await?;

    let is_larger =
        "const box = document.querySelector('.map-box'); return String(box.scrollWidth > box.clientWidth + 50)";
    assert_eq!(told(&page, is_larger).await?, "false");
    for _ in 0..4 {
        page.driver().action_chain().send_keys("+").perform().await.could_not("zoom")?;
    }
    page.find_by(".map-box.zoomed").await?;
    assert_eq!(told(&page, is_larger).await?, "true");

    // In the middle of what is in sight: the cell under the pointer is the one that is outlined.
    let middle =
        "const box = document.querySelector('.map-box'); box.scrollTo(box.scrollWidth / 3, box.scrollHeight / 3);";
    told(&page, middle).await?;
    let frame = page.find_by(".map-box").await?;
    let mut pointed = Vec::new();
    for step in 0..6 {
        // One or the other falls between two nodes.
        let (x, y) = (3 + 11 * step, 2 + 7 * step);
        let point = page.driver().action_chain().move_to_element_with_offset(&frame, x, y);
        point.perform().await.could_not("point at the map")?;
        let under = format!(
            "const cell = document.querySelector('.map-hover-cell')?.getBoundingClientRect();
            if (!cell) return 'between';
            const box = document.querySelector('.map-box').getBoundingClientRect();
            const x = box.left + box.width / 2 + {x} - cell.left, y = box.top + box.height / 2 + {y} - cell.top;
            return String(x > -4 && y > -4 && x < cell.width + 4 && y < cell.height + 4);"
        );
        pointed.push(told(&page, &under).await?);
    }
    assert!(pointed.iter().any(|one| one == "true") && !pointed.iter().any(|one| one == "false"), "{pointed:?}");

    page.driver().action_chain().send_keys("0").perform().await.could_not("show the whole map")?;
    page.gone(".map-box.zoomed").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_measured_can_be_read_with_the_line_that_gives_it() -> Result<()> {
    let (_door, page) = demo().await?;
    page.reads_as("[data-test='missing']", |text| text.starts_with("1 metric"), "counts what is missing").await?;
    page.press("missing").await?;
    let whole = |text: &str| text.contains("iad-prod") && text.contains("DCGM_FI_DEV_MEM_CLOCK, gauge");
    page.reads_as("[data-test='missing-list']", whole, "names source and line").await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='missing-list']").await?;
    page.close().await
}

/// GPUs and nodes that the map says are picked.
async fn picked(page: &Page) -> Result<(usize, usize)> {
    let text = page.reads_as("[data-test='picked']", |text| text.contains("picked"), "says what is picked").await?;
    let mut numbers = text.split(' ').filter_map(|word| word.replace(',', "").parse::<usize>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(gpus), Some(nodes)) => Ok((gpus, nodes)),
        _ => Err(Failure::new(format!("the map says: {text}"))),
    }
}

/// The open table shows so many rows out of all.
async fn counts(page: &Page, rows: usize, all: &str) -> Result<()> {
    let wanted = format!("{rows} of {all}");
    page.reads_as("[data-test='table-count']", |text| text == wanted, &format!("counts {wanted}")).await.map(drop)
}

async fn told(page: &Page, script: &str) -> Result<String> {
    let answer = page.driver().execute(script, Vec::new()).await.could_not("ask the page")?;
    Ok(answer.json().as_str().unwrap_or_default().to_owned())
}
