//! `pilothouse bench` against a scripted server that answers in pieces: what it counts, by which kinds it fails, what it
//! keeps. How well it tells the time is measured elsewhere (`cargo xtask measure bench-truth bench-lag`).

use crate::bench_desk::requests;
use acceptance::truth::{Fault, Logged, Script, Times};
use acceptance::{Context, Failure, Result, Terminal, Truth, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

const KEY: &str = "hunter2hunter2hunter2";
const LIMIT: Duration = Duration::from_secs(60);

/// A server, a home, and a file for the run.
struct Stand {
    truth: Truth,
    terminal: Terminal,
    folder: tempfile::TempDir,
}

impl Stand {
    async fn new(script: Script) -> Result<Self> {
        let (truth, terminal) = (Truth::start(script).await?, Terminal::new(Path::new(""))?);
        Ok(Self { truth, terminal, folder: tempfile::tempdir().could_not("make a folder")? })
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("run.json")
    }

    fn words(&self, more: &str) -> Vec<String> {
        let words = ["bench", "run", &self.truth.url(), "--model", "chat", "--out", &self.file().to_string_lossy()]
            .map(str::to_owned);
        words.into_iter().chain(more.split_whitespace().map(str::to_owned)).collect()
    }

    /// Runs it, and gives the exit code with the document that is kept.
    async fn run(&self, more: &str) -> Result<(i32, Value)> {
        let words = self.words(more);
        let said = self.terminal.call(&words.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        let text = std::fs::read(self.file()).could_not(format!("read the run; it said {said:?}"))?;
        Ok((said.code, serde_json::from_slice(&text).could_not("read the run")?))
    }

    /// The requests that are kept, in the order of their numbers.
    fn requests(&self) -> Result<Vec<Value>> {
        requests(&self.folder.path().join("run.requests.jsonl"))
    }

    /// What the server did, by the number of the request.
    fn log(&self) -> BTreeMap<u64, Logged> {
        let numbered = |logged: Logged| Some((logged.id.rsplit('-').next()?.parse().ok()?, logged));
        self.truth.log().into_iter().filter_map(numbered).collect()
    }
}

fn counts(document: &Value) -> [Option<u64>; 3] {
    ["answered", "failed", "unfinished"].map(|name| document["measures"]["requests"][name].as_u64())
}

fn kinds(document: &Value) -> BTreeMap<String, u64> {
    let failures = document["measures"]["failures"].as_array().into_iter().flatten();
    failures.filter_map(|of| Some((of["kind"].as_str()?.to_owned(), of["count"].as_u64()?))).collect()
}

#[tokio::test]
async fn every_request_is_asked_once_answered_and_counted() -> Result<()> {
    let gap = Times::Fixed(Duration::from_millis(2));
    let stand = Stand::new(Script { ttft: gap, gap, ..Script::quick() }).await?;
    let (code, document) = stand
        .run("--concurrency 4 --requests 60 --input-tokens 20..40 --output-tokens 8 --warm-up none --slo e2e=100s")
        .await?;
    let measures = &document["measures"];
    assert_eq!((code, counts(&document)), (0, [Some(60), Some(0), Some(0)]), "{document}");
    assert_eq!((document["state"].as_str(), document["format"].as_str()), (Some("whole"), Some("pilothouse-bench")));
    assert_eq!(measures["tokens"]["output"].as_u64(), Some(480));
    assert_eq!(measures["tokens"]["counted_by_server"].as_u64(), Some(60));
    let count = |name: &str| measures[name]["count"].as_u64();
    assert_eq!(
        [count("ttft"), count("itl"), count("itl_gap"), count("tpot")],
        [Some(60), Some(60), Some(420), Some(60)]
    );
    assert_eq!(measures["goodput"]["good"].as_u64(), Some(60));
    // A word is a token to this server: what was meant is what it counted.
    assert_eq!(measures["tokens"]["input"], measures["tokens"]["input_wanted"]);

    let (requests, log) = (stand.requests()?, stand.log());
    assert_eq!((requests.len(), log.len()), (60, 60));
    for (n, request) in (0..).zip(&requests) {
        let heard = &request["end"]["answered"];
        assert_eq!((request["n"].as_u64(), heard["pieces"].as_u64()), (Some(n), Some(8)), "{request}");
        let [ttft, e2e] = ["ttft_us", "e2e_us"].map(|name| heard[name].as_u64().unwrap_or_default());
        let gaps: u64 = heard["gaps_us"].as_array().into_iter().flatten().filter_map(Value::as_u64).sum();
        assert_eq!(ttft + gaps, e2e, "{request}");
        // Nothing can be heard before it was written.
        let logged = &log[&n];
        let wrote = logged.planned_us.last().unwrap_or(&0) - logged.received_us;
        assert!(e2e >= wrote, "{request} {logged:?}");
        let body: Value = serde_json::from_str(&logged.body).could_not("read a body")?;
        assert_eq!((body["max_tokens"].as_u64(), body["stream"].as_bool()), (Some(8), Some(true)));
    }
    let prompts: BTreeSet<&str> = log.values().map(|logged| logged.body.as_str()).collect();
    assert_eq!(prompts.len(), 60);
    Ok(())
}

#[tokio::test]
async fn what_is_only_unusual_is_an_answer_like_any_other() -> Result<()> {
    let unusual = [
        Fault::None,
        Fault::Crlf,
        Fault::KeepAlives,
        Fault::EmptyDeltas,
        Fault::Split(1),
        Fault::Split(7),
        Fault::TwoChoices,
        Fault::Huge(1 << 20),
        Fault::NoUsage,
        Fault::NoDone,
        Fault::Reasoning(3),
        Fault::Reasoning(9),
        Fault::StaysOpen,
    ];
    let many = unusual.len() as u64;
    let fault = move |n: u64| unusual[usize::try_from(n).unwrap_or(0) % unusual.len()];
    let stand = Stand::new(Script::quick().failing(fault)).await?;
    let (code, document) = stand
        .run(&format!("--concurrency 1 --requests {many} --input-tokens 4 --output-tokens 6 --warm-up none"))
        .await?;
    let measures = &document["measures"];
    assert_eq!((code, counts(&document)), (0, [Some(many), Some(0), Some(0)]), "{document}");
    assert_eq!(measures["without_done"].as_u64(), Some(1));
    assert_eq!(measures["tokens"]["counted_by_server"].as_u64(), Some(many - 1));
    // One answer was thought from begin to end.
    assert_eq!((measures["ttft"]["count"].as_u64(), measures["ttfo"]["count"].as_u64()), (Some(many), Some(many - 1)));
    let requests = stand.requests()?;
    let pieces: Vec<u64> = requests.iter().filter_map(|of| of["end"]["answered"]["pieces"].as_u64()).collect();
    assert_eq!(pieces, [6, 6, 6, 6, 6, 6, 12, 6, 6, 6, 6, 6, 6]);
    // Two choices of six pieces have five gaps each.
    let two = &requests[6]["end"]["answered"];
    assert_eq!(
        (two["gaps_us"].as_array().map(Vec::len), two["choices"]["many"].as_u64()),
        (Some(10), Some(2)),
        "{two}"
    );
    let thought = &requests[10]["end"]["answered"];
    assert!(thought["ttfo_us"].as_u64() >= thought["ttft_us"].as_u64(), "{thought}");
    assert!(requests[11]["end"]["answered"]["ttfo_us"].is_null());
    Ok(())
}

#[tokio::test]
async fn choices_that_come_side_by_side_have_the_gaps_that_the_server_leaves() -> Result<()> {
    let gap = Times::Fixed(Duration::from_millis(40));
    let stand = Stand::new(Script { ttft: gap, gap, ..Script::quick() }.failing(|_| Fault::TwoChoices)).await?;
    let (code, document) =
        stand.run("--concurrency 4 --requests 20 --input-tokens 4 --output-tokens 6 --warm-up none").await?;
    assert_eq!((code, counts(&document)), (0, [Some(20), Some(0), Some(0)]), "{document}");
    let measures = &document["measures"];
    assert_eq!(measures["itl_gap"]["count"].as_u64(), Some(20 * 2 * 5));
    // Both choices are written at the same moments: taken for one answer they had gaps of nothing and of forty by turns, and
    // half of that in the mean.
    for name in ["itl_gap", "itl", "tpot"] {
        let [p50, mean] = ["p50", "mean"].map(|of| measures[name][of].as_f64().unwrap_or_default());
        assert!(p50 >= 30_000.0 && mean >= 30_000.0, "{name}: {p50} {mean}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_open_still_when_its_time_is_over_is_good_nowhere_and_no_success() -> Result<()> {
    let hangs = |n: u64| if n % 2 == 1 { Fault::Hangs(1) } else { Fault::None };
    let stand = Stand::new(Script::quick().failing(hangs)).await?;
    let (code, document) = stand
        .run("--rate 40 --arrivals constant --seconds 1 --drain 0.3 --output-tokens 4 --warm-up none --slo e2e=100s")
        .await?;
    assert_eq!((code, counts(&document)), (3, [Some(20), Some(0), Some(20)]), "{document}");
    assert_eq!(document["state"].as_str(), Some("whole"));
    let good = &document["measures"]["goodput"];
    assert_eq!((good["good"].as_u64(), good["of"].as_u64()), (Some(20), Some(40)));
    let shown = stand.terminal.good(&["bench", "show", &stand.file().to_string_lossy()]).await?;
    for want in ["20 of 40 (50.0 %) were open still 0.3 s after the last was sent (--drain)", "20 of 40 (50.0 %)"] {
        assert!(shown.contains(want), "{want}: {shown}");
    }
    let listed = stand.terminal.good(&["bench", "report", &stand.file().to_string_lossy(), "--md"]).await?;
    assert!(listed.contains("were open still"), "{listed}");
    Ok(())
}

#[tokio::test]
async fn what_fails_is_counted_by_its_kind_and_the_run_is_no_success() -> Result<()> {
    let wrong = [
        (Fault::Status(401), "unauthenticated"),
        (Fault::Status(403), "denied"),
        (Fault::Status(404), "not_found"),
        (Fault::Status(422), "rejected"),
        (Fault::Status(307), "elsewhere"),
        (Fault::Status(500), "server_failed"),
        (Fault::TooMany(1), "too_many"),
        (Fault::Closed, "cut"),
        (Fault::Cut(2), "cut"),
        (Fault::Hangs(2), "timed_out"),
        (Fault::Unfinished, "unfinished"),
        (Fault::NotUtf8, "malformed"),
        (Fault::WrongType, "not_a_stream"),
        (Fault::Huge(9 << 20), "too_large"),
        (Fault::SaidError(2), "said_error"),
        (Fault::Empty, "empty"),
    ];
    // Each stands between two that go well.
    let fault =
        move |n: u64| if n.is_multiple_of(2) { Fault::None } else { wrong[usize::try_from(n / 2).unwrap_or(0) % 16].0 };
    let stand = Stand::new(Script::quick().failing(fault)).await?;
    let (code, document) =
        stand.run("--concurrency 1 --requests 32 --timeout 2 --output-tokens 6 --warm-up none --slo e2e=100s").await?;
    assert_eq!((code, counts(&document)), (3, [Some(16), Some(16), Some(0)]), "{document}");
    let mut want = BTreeMap::new();
    wrong.iter().for_each(|(_, kind)| *want.entry((*kind).to_owned()).or_insert(0) += 1);
    assert_eq!(kinds(&document), want);
    assert_eq!(
        (document["measures"]["goodput"]["good"].as_u64(), document["measures"]["goodput"]["of"].as_u64()),
        (Some(16), Some(32))
    );
    let requests = stand.requests()?;
    assert_eq!(requests[13]["end"]["failed"]["retry_after_s"].as_u64(), Some(1));
    // Whoever is told to come back in a second does.
    let [failed, next] =
        [&requests[13]["end_us"], &requests[14]["intended_us"]].map(|at| at.as_u64().unwrap_or_default());
    assert!(next >= failed + 1_000_000, "{failed} {next}");
    let shown = stand.terminal.good(&["bench", "show", &stand.file().to_string_lossy()]).await?;
    assert!(shown.contains("16 failed (50.0 %)") && shown.contains("failed: 2 × cut off"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_key_goes_to_the_server_and_nowhere_else_and_nothing_but_failures_is_given_up() -> Result<()> {
    let stand = Stand::new(Script::quick().failing(|_| Fault::Status(401))).await?;
    let words = stand.words("--concurrency 4 --requests 100000 --key-env BENCH_KEY");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = stand.terminal.command(&words)?.env("BENCH_KEY", KEY).output().await.could_not("start pilothouse")?;
    let told = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert_eq!(said.status.code(), Some(1), "{told}");
    assert!(told.contains("Not one of") && told.contains("401"), "{told}");
    // The server repeats it in its answer.
    assert!(stand.truth.log().iter().all(|logged| logged.key.as_deref() == Some(&format!("Bearer {KEY}"))));
    assert!(stand.truth.count() < 100, "{}", stand.truth.count());
    let mut kept = std::fs::read_to_string(stand.file()).could_not("read the run")?;
    assert!(kept.contains("\"gave_up\"") && kept.contains("BENCH_KEY"), "{kept}");
    kept += &stand.requests()?.iter().map(Value::to_string).collect::<String>();
    assert!(!kept.contains(KEY) && !told.contains(KEY));
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_interrupted_keeps_what_it_has() -> Result<()> {
    let gap = Times::Fixed(Duration::from_millis(10));
    // The fourth of each eight takes longer than anybody waits.
    let fault = |n: u64| if n % 8 == 3 { Fault::Hangs(1) } else { Fault::None };
    let stand = Stand::new(Script { ttft: gap, gap, ..Script::quick() }.failing(fault)).await?;
    let words = stand.words("--concurrency 4 --requests 1000000 --output-tokens 4");
    let mut command = stand.terminal.command(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().could_not("start pilothouse")?;
    until("some are answered", LIMIT, async || Ok((stand.truth.log().len() >= 5).then_some(()))).await?;
    let id =
        child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or_else(|| Failure::new("it has ended"))?;
    kill_process(id, Signal::INT).could_not("interrupt it")?;
    let said = tokio::time::timeout(LIMIT, child.wait_with_output()).await.could_not("wait for its end")?;
    let said = said.could_not("wait for its end")?;
    assert_eq!(said.status.code(), Some(3), "{}", String::from_utf8_lossy(&said.stderr));
    let out = String::from_utf8_lossy(&said.stdout);
    assert!(out.contains("interrupted: partial") && out.contains("under way when it was ended"), "{out}");
    let document: Value =
        serde_json::from_slice(&std::fs::read(stand.file()).could_not("read the run")?).could_not("read")?;
    let [answered, failed, unfinished] = counts(&document);
    assert!(answered >= Some(1) && failed == Some(0) && unfinished > Some(0), "{document}");
    assert_eq!(stand.requests()?.len() as u64, answered.unwrap_or(0) + unfinished.unwrap_or(0));
    Ok(())
}

#[tokio::test]
async fn an_open_loop_and_a_trace_keep_their_own_times() -> Result<()> {
    let stand = Stand::new(Script::quick()).await?;
    let (code, document) = stand
        .run("--rate 400 --arrivals constant --requests 100 --input-tokens 4 --output-tokens 1 --api completions")
        .await?;
    assert_eq!((code, counts(&document)), (0, [Some(100), Some(0), Some(0)]), "{document}");
    let requests = stand.requests()?;
    let intended: Vec<u64> = requests.iter().filter_map(|of| of["intended_us"].as_u64()).collect();
    assert_eq!(intended, (0..100).map(|n| n * 2_500).collect::<Vec<_>>());
    // Of one token there is no time per token after the first.
    assert!(document["measures"]["tpot"]["p50"].is_null(), "{document}");

    let stand = Stand::new(Script::quick()).await?;
    let trace = stand.folder.path().join("trace.csv");
    let text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6800000,11,4\n\
        2023-11-16 18:15:50.9800000,7,9\n2023-11-16 18:15:51.2800000,3,1\n";
    std::fs::write(&trace, text).could_not("write a trace")?;
    let (code, document) = stand.run(&format!("--trace {} --speed 10", trace.display())).await?;
    assert_eq!((code, counts(&document)), (0, [Some(3), Some(0), Some(0)]), "{document}");
    let requests = stand.requests()?;
    let intended: Vec<u64> = requests.iter().filter_map(|of| of["intended_us"].as_u64()).collect();
    assert_eq!(intended, [0, 430_000, 460_000]);
    let sizes = |of: &Value| (of["wanted_input"].as_u64(), of["end"]["answered"]["output_tokens"].as_u64());
    assert_eq!(
        requests.iter().map(sizes).collect::<Vec<_>>(),
        [(11, 4), (7, 9), (3, 1)].map(|(a, b)| (Some(a), Some(b)))
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_run_names_the_field_and_keeps_nothing() -> Result<()> {
    let stand = Stand::new(Script::quick()).await?;
    let listed = stand.terminal.call(&["bench", "list"]).await?;
    assert_eq!((listed.code, listed.err.as_str()), (0, "There is no run yet. pilothouse bench run makes one.\n"));
    for (more, code, want) in [
        ("--concurrency 0 --requests 1", 1, "concurrency cannot be 0."),
        ("--rate nan --requests 1", 1, "rate cannot be NaN."),
        ("--rate -1 --requests 1", 1, "rate cannot be -1."),
        ("--rate 1 --arrivals gamma:0 --requests 1", 1, "burstiness cannot be 0."),
        ("--concurrency 1", 1, "The run has no end."),
        ("--concurrency 1 --requests 0", 1, "requests cannot be 0."),
        ("--concurrency 1 --requests 1 --ignore-eos", 1, "ignore-eos needs output-tokens."),
        ("--concurrency 1 --requests 1 --key-file none", 1, "There is no key in none."),
        ("--concurrency 1 --requests 1 --prompts none", 1, "The prompts of none cannot be used."),
        ("--trace none", 1, "The trace none cannot be replayed."),
        ("--concurrency 1 --requests 1 --slo ttft=5", 2, "has no unit"),
        ("--concurrency 1 --requests 1 --input-tokens 9..3", 2, "9 is more than 3"),
        ("--concurrency 1 --rate 1 --requests 1", 2, "cannot be used with"),
    ] {
        let words = stand.words(more);
        let said = stand.terminal.call(&words.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        assert!(said.code == code && said.err.contains(want), "{more}: {said:?}");
    }
    assert_eq!((stand.truth.count(), stand.file().exists()), (0, false));
    Ok(())
}

#[tokio::test]
async fn runs_are_kept_listed_and_shown_with_what_each_number_is() -> Result<()> {
    let stand = Stand::new(Script::quick()).await?;
    let url = stand.truth.url();
    let run = ["bench", "run", &url, "--model", "org/Chat 8B", "--concurrency", "2", "--requests", "10", "--json"];
    let document = stand.terminal.json(&run).await?;
    let id = document["id"].as_str().unwrap_or_default();
    assert!(id.ends_with("-chat-8b"), "{id}");
    let listed = stand.terminal.json(&["bench", "list", "--json"]).await?;
    assert_eq!((listed["id"].as_str(), listed["requests"]["answered"].as_u64()), (Some(id), Some(10)));
    let again = stand.terminal.json(&["bench", "show", id, "--json"]).await?;
    // Floats may differ in their last digit once they are read back.
    for name in ["id", "plan", "environment", "state", "definitions"] {
        assert_eq!(again[name], document[name], "{name}");
    }
    assert_eq!(again["measures"]["ttft"]["counts"], document["measures"]["ttft"]["counts"]);
    let shown = stand.terminal.good(&["bench", "show", &id[..4]]).await?;
    for want in ["10 answered, none failed", "time to first token: from when", "it needs 50 answers to tell", "seed 1"]
    {
        assert!(shown.contains(want), "{want}: {shown}");
    }
    // What was measured is never written over.
    let words = stand.words("--concurrency 1 --requests 1");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    stand.terminal.good(&words).await?;
    let again = stand.terminal.call(&words).await?;
    assert!(again.code == 1 && again.err.contains("is there already"), "{again:?}");
    Ok(())
}
