//! Benchmarks from the real window: a person fills in a form, sees what would be sent, starts it, watches it, ends it early and
//! keeps it; and one that ends by itself, and a comparison.

use acceptance::truth::{Script, Times};
use acceptance::{Context, Page, Result, Terminal, Truth, free_port, until};
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);

async fn server(ttft: u64) -> Result<Truth> {
    let (ttft, gap) = (Times::Fixed(Duration::from_millis(ttft)), Times::Fixed(Duration::from_millis(2)));
    Truth::start(Script { ttft, gap, ..Script::quick() }).await
}

async fn fill(page: &Page, fields: &[(&str, &str)]) -> Result<()> {
    for (field, text) in fields {
        page.fill(&format!("field-{field}"), text).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_starts_a_run_sees_how_far_it_is_ends_it_and_keeps_it() -> Result<()> {
    let truth = server(10).await?;
    let terminal = Terminal::new(Path::new(""))?;
    let page = Page::window((1_440, 900), &terminal.environment()).await?;
    page.press("rail-bench").await?;
    page.reads_as("[data-test='bench']", |text| text.contains("No benchmark is kept"), "is empty").await?;
    page.press("bench-new").await?;

    // What is missing stands on the button; what would be sent is drawn before anything is.
    page.reads_as(
        "[data-test='bench-start']",
        |text| text.contains("Target's model is needed"),
        "says what is missing",
    )
    .await?;
    fill(&page, &[("url", &truth.url()), ("model", "chat"), ("rate", "20"), ("seconds", "600"), ("output", "6")])
        .await?;
    let preview = |text: &str| text.contains("requests in 600 s") && text.contains("open loop, 20 a second, Poisson");
    page.reads_as("[data-test='bench-preview']", preview, "shows what would be sent").await?;
    page.find_by("[data-test='bench-preview'] path.ink-quantity").await?;
    assert_eq!(truth.count(), 0);
    fill(&page, &[("limits", "ttft=fast")]).await?;
    page.reads_as("[data-test='bench-start']", |text| text.contains("Limits cannot be ttft=fast"), "is held").await?;
    fill(&page, &[("limits", "ttft=1s")]).await?;

    page.press_by("[data-test='bench-start'][aria-disabled='false']").await?;
    let under_way = |text: &str| {
        text.contains("Running: chat at") && text.contains("ends in") && text.contains("answered, 0 failed")
    };
    page.reads_as("[data-test='bench-going']", under_way, "says how far it is").await?;
    until("requests come", LIMIT, async || Ok((truth.count() > 20).then_some(()))).await?;
    page.find_by("[data-test='bench-going'] path.ink-series").await?;
    // One at a time: a second load would disturb the first.
    page.press("bench-new").await?;
    fill(&page, &[("url", &truth.url()), ("model", "chat"), ("concurrency", "2"), ("requests", "9")]).await?;
    page.press_by("[data-test='bench-start'][aria-disabled='false']").await?;
    page.reads_as("[data-test='bench-problem']", |text| text.contains("A benchmark runs here already"), "is refused")
        .await?;
    page.press("bench-home").await?;

    page.press("bench-stop").await?;
    page.gone("[data-test='bench-going']").await?;
    page.reads_as("[data-test='bench-kept'] tbody tr", |text| text.contains("Ended early"), "is kept").await?;
    let kept = terminal.good(&["bench", "list"]).await?;
    assert!(kept.contains("interrupted"), "{kept}");
    let so_far = truth.count();
    page.press_by("[data-test='bench-kept'] tbody tr button").await?;
    let partial = |text: &str| text.contains("Ended early: partial") && text.contains("TTFT");
    page.reads_as("[data-test='bench-page']", partial, "says that it is a part").await?;
    assert_eq!(truth.count(), so_far);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_compares_two_targets_and_reads_the_verdict_and_nothing_starts_where_nothing_is_done() -> Result<()> {
    let (now, next) = (server(10).await?, server(30).await?);
    let terminal = Terminal::new(Path::new(""))?;
    let page = Page::window((1_440, 900), &terminal.environment()).await?;
    page.press("rail-bench").await?;
    page.press("bench-new").await?;
    let fields = [("url", now.url()), ("model", "chat".into()), ("concurrency", "4".into()), ("requests", "40".into())];
    for (field, text) in &fields {
        page.fill(&format!("field-{field}"), text).await?;
    }
    fill(&page, &[("output", "6"), ("pairs", "6"), ("against", &next.url())]).await?;
    page.reads_as("[data-test='bench-preview']", |text| text.contains("in a drawn order"), "says what is compared")
        .await?;

    // A session that is held sends no load.
    page.press("mode").await?;
    page.reads_as("[data-test='mode']", |text| text.contains("Session read only"), "is held").await?;
    page.press_by("[data-test='bench-start'][aria-disabled='false']").await?;
    page.reads_as(
        "[data-test='bench-problem']",
        |text| text.contains("Nothing is done in this session"),
        "says why not",
    )
    .await?;
    assert_eq!((now.count(), next.count()), (0, 0));
    page.press("mode").await?;
    page.press_by("[data-test='bench-start'][aria-disabled='false']").await?;
    page.reads_as("[data-test='bench-going']", |text| text.contains("of at most"), "says how far it is").await?;
    // A client in debug form, beside other tests, may well be late: then nothing may be said, and that is said.
    let is_judged = |text: &str| text.contains("candidate worse") || text.contains("candidate invalid");
    page.reads_as("[data-test='bench-kept'] tbody tr", is_judged, "is judged").await?;
    page.gone("[data-test='bench-going']").await?;
    page.press_by("[data-test='bench-kept'] tbody tr button").await?;
    let verdict = |text: &str| {
        let worse = text.contains("candidate is worse than baseline. Do not promote it");
        worse || text.contains("the client was the limit in") && text.contains("Nothing may be said of it.")
    };
    page.reads_as("[data-test='bench-page']", verdict, "says which is better").await?;
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sweeps_what_a_command_serves_and_saves_the_report() -> Result<()> {
    let terminal = Terminal::new(Path::new(""))?;
    let page = Page::window((1_440, 900), &terminal.environment()).await?;
    page.press("rail-bench").await?;
    page.press("bench-new").await?;
    let (truth, port) = (env!("CARGO_BIN_EXE_truth"), free_port()?);
    // First tokens after 5 ms, the others 1 ms apart.
    let serve = format!("sh -c 'sleep 2; exec {truth} 5 1 0 /dev/null {port}'");
    let url = format!("http://127.0.0.1:{port}");
    let load = [("find", "1,2"), ("requests", "20"), ("output", "3")];
    fill(&page, &[("url", &url), ("model", "chat"), ("serve", &serve)]).await?;
    fill(&page, &load).await?;
    let preview = |text: &str| text.contains("1, 2 requests at a time, each once") && text.contains("Starts");
    page.reads_as("[data-test='bench-preview']", preview, "shows what would be sent").await?;
    page.press_by("[data-test='bench-start'][aria-disabled='false']").await?;
    page.reads_as("[data-test='bench-going']", |text| text.contains("is ready"), "waits for the server").await?;
    page.reads_as("[data-test='bench-kept'] tbody tr", |text| text.contains("chat"), "is kept").await?;
    page.gone("[data-test='bench-going']").await?;
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "its server is stopped");

    page.press_by("[data-test='bench-kept'] tbody tr button").await?;
    page.reads_as("[data-test='bench-page']", |text| text.contains("at a time"), "says what came of it").await?;
    page.press("bench-md").await?;
    let said = |text: &str| text.contains(".md") && text.contains("saved");
    let toast = page.reads_as(".toasts", said, "is saved").await?;
    let file = toast.split_whitespace().find(|word| word.starts_with('/')).expect("it says where");
    let text = std::fs::read_to_string(file).could_not("read what was saved")?;
    assert!(text.starts_with("## Search") && text.contains("| AT A TIME |"), "{text}");
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_told_that_a_server_ended_by_itself_while_it_was_measured() -> Result<()> {
    let terminal = Terminal::new(Path::new(""))?;
    let page = Page::window((1_440, 900), &terminal.environment()).await?;
    page.press("rail-bench").await?;
    page.press("bench-new").await?;
    let (truth, port) = (env!("CARGO_BIN_EXE_truth"), free_port()?);
    // It answers for some seconds, and then it has no memory left.
    let serve = format!("sh -c 'timeout 8 {truth} 5 1 0 /dev/null {port}; echo no memory left; exit 9'");
    let url = format!("http://127.0.0.1:{port}");
    let load = [("rate", "10"), ("seconds", "14"), ("output", "3")];
    fill(&page, &[("url", &url), ("model", "chat"), ("serve", &serve)]).await?;
    fill(&page, &load).await?;
    page.press_by("[data-test='bench-start'][aria-disabled='false']").await?;
    page.reads_as("[data-test='bench-going']", |text| text.contains("answered"), "says how far it is").await?;
    page.gone("[data-test='bench-going']").await?;
    let said = |text: &str| text.contains("ended by itself") && text.contains("exit status: 9");
    page.reads_as("[data-test='bench']", said, "says that its server ended").await?;
    // It is kept, and its own page says so to who reads it later.
    page.press_by("[data-test='bench-kept'] tbody tr button").await?;
    let said = |text: &str| text.contains("it ended while it was measured") && text.contains("no memory left");
    page.reads_as("[data-test='bench-page']", said, "says it where it is kept").await?;
    page.close().await
}
