//! Benchmarks that are kept, as a person sees them in headless Chromium: real runs and a real comparison by the terminal, against
//! the scripted server.

use acceptance::truth::{Fault, Script, Times};
use acceptance::{Failure, Page, Result, Terminal, Truth, until};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// A server whose first token takes so long.
async fn server(ttft: u64, fault: impl Fn(u64) -> Fault + Send + Sync + 'static) -> Result<Truth> {
    let (ttft, gap) = (Times::LogNormal(Duration::from_millis(ttft), 0.2), Times::Fixed(Duration::from_millis(2)));
    Truth::start(Script { ttft, gap, ..Script::quick() }.failing(fault)).await
}

/// The names of what is kept, the newest first.
async fn kept(terminal: &Terminal) -> Result<Vec<String>> {
    let lines = terminal.good(&["bench", "list", "--json"]).await?;
    let names = lines.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(line["id"].as_str()?.to_owned())
    });
    Ok(names.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_terminal_keeps_is_seen_with_its_figures_its_failures_and_its_verdict() -> Result<()> {
    let terminal = Terminal::new(Path::new(""))?;
    let failing = server(20, |n| if n % 20 == 19 { Fault::TooMany(0) } else { Fault::None }).await?;
    let load = "--model chat --concurrency 8 --input-tokens 16 --output-tokens 6";
    let words = |verb: &str, more: &str| -> Vec<String> {
        format!("bench {verb} {load} {more}").split(' ').map(str::to_owned).collect()
    };
    let run = words(&format!("run {}", failing.url()), "--requests 240 --slo e2e=200ms");
    let said = terminal.call(&run.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    // Some failed: that is no success.
    assert_eq!(said.code, 3, "{said:?}");

    let (_door, address) = terminal.serve(&[]).await?;
    let page = Page::browser((1_440, 900), &address).await?;
    page.press("rail-bench").await?;
    let name = kept(&terminal).await?.first().cloned().ok_or_else(|| Failure::new("nothing is kept"))?;
    let row = format!("[data-test='bench-kept'] tr[data-key='{name}']");
    page.reads_as(&row, |text| text.contains("With failures") && text.contains("chat"), "is listed").await?;
    // A browser reads: it begins none.
    page.gone("[data-test='bench-new']").await?;

    page.press_by(&format!("{row} button")).await?;
    let whole = |text: &str| {
        ["Goodput", "TTFT p95", "Time to first token", "Errors by kind", "12", "429", "What each figure is", "Warm-up"]
            .iter()
            .all(|part| text.contains(part))
    };
    page.reads_as("[data-test='bench-page']", whole, "says its figures and its failures").await?;
    // Each figure says what it is, and charts are drawn.
    let defined = "return document.querySelector(\"[data-test='bench-page'] .plain-table td[title^='time to first token']\") !== null";
    let drawn = "return document.querySelectorAll(\"[data-test='bench-page'] svg.drawing path.ink-quantity\").length";
    until("each figure says what it is, and charts are drawn", LIMIT, async || {
        let (defined, drawn) = (page.ask(defined).await?, page.ask(drawn).await?);
        Ok((defined == true && drawn.as_u64() > Some(10)).then_some(()))
    })
    .await?;
    // The end-to-end times over the requests, from the file beside it.
    page.find_by("[data-test='bench-page'] path.ink-series").await?;

    // What is kept meanwhile comes into the list by itself.
    let (now, next) = (server(20, |_| Fault::None).await?, server(150, |_| Fault::None).await?);
    let compare = words(&format!("compare {} {}", now.url(), next.url()), "--requests 40 --pairs 6 --most-late 2s");
    terminal.good(&compare.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let name = kept(&terminal).await?.first().cloned().ok_or_else(|| Failure::new("nothing is kept"))?;
    page.press("bench-home").await?;
    let row = format!("[data-test='bench-kept'] tr[data-key='{name}']");
    page.reads_as(&row, |text| text.contains("candidate worse"), "is listed").await?;
    page.press_by(&format!("{row} button")).await?;
    let verdict = |text: &str| {
        ["candidate is worse than baseline. Do not promote it", "Worse", "p95 TTFT", "Blocks", "Errors"]
            .iter()
            .all(|part| text.contains(part))
    };
    page.reads_as("[data-test='bench-page']", verdict, "says which is better").await?;
    page.find_by("[data-test='bench-page'] path.ink-arm-b").await?;

    // Its address leads back to it, and to nothing that is not kept.
    page.reload().await?;
    page.reads_as("[data-test='bench-page']", verdict, "is there again").await?;
    let elsewhere = address.split("/#").next().unwrap_or_default();
    page.driver()
        .goto(&format!("{elsewhere}/bench?tab=..%2F..%2Fconfig"))
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    page.reads_as("[data-test='bench']", |text| text.contains("No benchmark ../../config is kept here."), "keeps out")
        .await?;
    page.close().await
}
