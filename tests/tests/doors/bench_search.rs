//! `pilothouse bench search` against a scripted server whose capacity is known: it has so many places, and whoever comes beyond
//! waits.

use crate::bench_desk::{Desk, kept};
use acceptance::truth::{Fault, Script, Times};
use acceptance::{Result, Truth};
use serde_json::Value;
use std::time::Duration;

struct Stand {
    truth: Truth,
    desk: Desk,
}

impl Stand {
    async fn new(script: Script) -> Result<Self> {
        Ok(Self { truth: Truth::start(script).await?, desk: Desk::new()? })
    }

    async fn search(&self, more: &str) -> Result<(i32, String, Value)> {
        let url = self.truth.url();
        let own = ["search", &url, "--model", "m", "--input-tokens", "4", "--warm-up", "none", "--most-late", "2s"];
        let words: Vec<&str> = own.into_iter().chain(more.split_whitespace()).collect();
        let (said, document) = kept(self.desk.bench("search", &words).await?)?;
        Ok((said.code, format!("{}{}", said.out, said.err), document))
    }
}

/// Answers in 20 ms; so many at a time, and whoever comes beyond waits for a place.
fn with_places(places: u32) -> Script {
    Script { ttft: Times::Fixed(Duration::from_millis(20)), places: Some(places), ..Script::quick() }
}

#[tokio::test]
async fn the_most_at_a_time_that_keeps_the_limit_is_between_its_ends() -> Result<()> {
    // Eight at a time wait for nobody; from nine on one in nine waits twice as long, and more with each more.
    let stand = Stand::new(with_places(8)).await?;
    let (code, told, document) =
        stand.search("--concurrencies 2..64 --requests 300 --output-tokens 1 --slo ttft=36ms --good 70").await?;
    assert_eq!((code, document["state"].as_str()), (0, Some("whole")), "{told}");
    let [keeps, fails] = ["keeps", "fails"].map(|name| document[name].as_f64().unwrap_or(f64::NAN));
    // Up to eight keep it surely; at sixteen everybody waits.
    assert!((4.0..16.0).contains(&keeps) && fails > 8.0 && fails <= 16.0, "{keeps} {fails}: {told}");
    assert!(
        told.contains("at a time 70 % of requests keep ttft=36ms") && told.contains("Clopper and Pearson"),
        "{told}"
    );
    let probes = document["probes"].as_array().cloned().unwrap_or_default();
    for end in [keeps, fails] {
        let here = probes.iter().filter(|probe| probe["at"].as_f64() == Some(end));
        assert!(here.count() >= 2, "{end} was probed once: {told}");
    }
    let listed =
        stand.desk.terminal.good(&["bench", "show", &stand.desk.file("search.json").to_string_lossy()]).await?;
    assert!(listed.contains("keeps the limits"), "{listed}");
    Ok(())
}

#[tokio::test]
async fn what_breaks_at_once_and_what_never_breaks_are_said() -> Result<()> {
    let slow = Stand::new(Script { ttft: Times::Fixed(Duration::from_millis(30)), ..Script::quick() }).await?;
    let (code, told, document) = slow.search("--rates 20..40 --requests 40 --output-tokens 1 --slo ttft=5ms").await?;
    assert!(code == 0 && document["keeps"].is_null() && document["fails"].as_f64() == Some(20.0), "{told}");
    assert!(told.contains("not even at 20 requests/s"), "{told}");
    let quick = Stand::new(Script::quick()).await?;
    let (_, told, document) = quick.search("--rates 20..40 --requests 120 --output-tokens 1 --slo e2e=30s").await?;
    assert!(document["keeps"].as_f64() == Some(40.0) && document["fails"].is_null(), "{told}");
    assert!(told.contains("the limit is higher"), "{told}");
    Ok(())
}

#[tokio::test]
async fn failures_break_the_limits_and_are_said() -> Result<()> {
    let failing = Script::quick().failing(|n| if n % 3 == 0 { Fault::Status(500) } else { Fault::None });
    let stand = Stand::new(failing).await?;
    let (_, told, document) = stand.search("--rates 20..40 --requests 60 --output-tokens 1 --slo e2e=30s").await?;
    assert!(document["keeps"].is_null(), "{told}");
    assert!(told.contains("requests of all probes failed"), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_sweep_marks_the_points_that_no_other_one_beats() -> Result<()> {
    let gap = Times::Fixed(Duration::from_millis(4));
    let stand = Stand::new(Script { ttft: gap, gap, ..Script::quick() }).await?;
    let (code, told, document) = stand.search("--sweep 1,4 --requests 40 --output-tokens 6 --gpus 2").await?;
    let points = document["points"].as_array().cloned().unwrap_or_default();
    assert_eq!((code, points.len()), (0, 2), "{told}");
    // Four at a time are served as one is: their tokens are more for the same user.
    let [one, four] = [0, 1].map(|at| points[at]["tokens"].as_f64().unwrap_or_default());
    assert!(four > one * 2.0, "{points:?}");
    assert!(points.iter().any(|point| point["on_front"] == true) && told.contains("TOKENS/S A GPU"), "{told}");
    let csv = stand
        .desk
        .terminal
        .good(&["bench", "export", &stand.desk.file("search.json").to_string_lossy(), "--csv"])
        .await?;
    assert!(csv.lines().any(|line| line.contains(",4,002,ttft,p50,")), "{csv}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_searched_names_the_field() -> Result<()> {
    let stand = Stand::new(Script::quick()).await?;
    let url = stand.truth.url();
    for (more, code, want) in [
        ("--requests 9 --slo ttft=1s", 2, "It is not said over what"),
        ("--rates 9..1 --requests 9 --slo ttft=1s", 1, "the range cannot be 9..1."),
        ("--rates 1..9 --requests 9", 1, "slo cannot be empty."),
        ("--rates 1..9 --requests 9 --slo ttft=1s --good 100", 1, "good cannot be 100 %."),
        ("--rates 1..9 --slo ttft=1s", 1, "The run has no end."),
        ("--rates 1..9 --sweep 1,2 --requests 9", 2, "cannot be used with"),
    ] {
        let words: Vec<&str> = ["bench", "search", &url, "--model", "m"].into_iter().chain(more.split(' ')).collect();
        let said = stand.desk.terminal.call(&words).await?;
        assert!(said.code == code && said.err.contains(want), "{more}: {said:?}");
    }
    assert_eq!(stand.truth.count(), 0);
    Ok(())
}
