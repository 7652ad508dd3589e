//! `pilothouse bench` on targets that answer whole, and on those that it starts itself: they are waited for, stopped with all
//! their children, and what goes wrong with them is said in their own words.

use crate::bench_desk::{Desk, kept};
use acceptance::truth::{Fault, Script, Times};
use acceptance::{Context, Failure, Result, Said, Truth, free_port, until};
use pilothouse_connect_local::stub;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs against an address, and gives what it said with the document that is kept, where one is.
async fn run(desk: &Desk, url: &str, more: &[&str]) -> Result<(Said, Option<Value>)> {
    let own = ["run", url, "--model", "org/m", "--warm-up", "none", "--input-tokens", "6"];
    desk.bench("run", &[&own, more].concat()).await
}

/// A command that serves at a port, with a child in a group of its own that nobody but its father knows.
fn serving(port: u16, child: &Path) -> String {
    let truth = env!("CARGO_BIN_EXE_truth");
    format!(
        "sh -c 'setsid sh -c \"echo \\$\\$ > {}; exec sleep 600\" & echo loading the model; exec {truth} 5 1 0 /dev/null {port}'",
        child.display()
    )
}

fn is_gone(child: &Path) -> Result<bool> {
    let text = std::fs::read_to_string(child).could_not("read the number of the child")?;
    let id = text.trim().parse().ok().and_then(Pid::from_raw).ok_or_else(|| Failure::new("it is no number"))?;
    let status = std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero())).unwrap_or_default();
    // Whoever is dead and not asked after yet is dead.
    Ok(test_kill_process(id).is_err() || status.contains(") Z "))
}

#[tokio::test]
async fn targets_that_answer_whole_are_measured_and_wrong_answers_are_failures() -> Result<()> {
    let desk = Desk::new()?;
    let ttft = Times::Fixed(Duration::from_millis(15));
    let fault = |n: u64| if n % 10 == 9 { Fault::Status(503) } else { Fault::None };
    let truth = Truth::start(Script { ttft, ..Script::quick() }.failing(fault)).await?;
    let url = truth.url();
    let generate = format!("{url}/generate");
    let body = r#"{"q":"{{prompt}}","most":{{max_tokens}}}"#;
    let load = ["--concurrency", "2", "--requests", "20", "--slo", "e2e=10s"];
    for (address, more) in [
        (&url, vec!["--api", "embeddings"]),
        (&url, vec!["--api", "infer"]),
        (&generate, vec!["--api", "http", "--body", body, "--answer", "/results/0/text", "--output-tokens", "7"]),
    ] {
        let (said, document) = kept(run(&desk, address, &[&load[..], &more].concat()).await?)?;
        let measures = &document["measures"];
        assert_eq!((said.code, measures["requests"]["answered"].as_u64()), (3, Some(18)), "{more:?} {said:?}");
        assert_eq!(measures["failures"][0]["kind"], "server_failed");
        assert!(measures["e2e"]["p50"].as_u64() >= Some(15_000), "{}", measures["e2e"]);
        assert!(measures["tpot"]["p50"].is_null() && measures["tokens"]["output"] == 0, "{measures}");
    }
    let log = truth.log();
    let bodies: Vec<Value> = log.iter().filter_map(|logged| serde_json::from_str(&logged.body).ok()).collect();
    assert_eq!(bodies.len(), 60);
    assert!(bodies[0]["input"].is_string() && bodies[0]["stream"].is_null(), "{}", bodies[0]);
    let inferred = bodies[25].pointer("/inputs/0/data/0").and_then(Value::as_str).unwrap_or_default();
    assert_eq!(inferred.split(' ').count(), 6);
    assert_eq!(bodies[45]["most"].as_u64(), Some(7), "{}", bodies[45]);
    // Where the answer is not, there is none.
    let wrong = ["--api", "http", "--body", body, "--answer", "/nowhere"];
    let (said, document) = run(&desk, &generate, &[&load[..], &wrong].concat()).await?;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("no token (nothing at /nowhere)"), "{said:?}");
    assert_eq!(document.map(|of| of["state"].clone()), Some("gave_up".into()));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_asked_names_the_field() -> Result<()> {
    let desk = Desk::new()?;
    let load = ["--concurrency", "1", "--requests", "1"];
    for (more, code, want) in [
        (vec!["--api", "http"], 1, "body cannot be left out."),
        (vec!["--api", "http", "--body", "{\"a\":\"{{promt}}\"}"], 1, "Nobody knows what {{promt}} is."),
        (vec!["--api", "http", "--body", "@/no/such/file"], 1, "The body of /no/such/file cannot be used."),
        (vec!["--api", "chat", "--body", "{}"], 1, "body cannot be used."),
        (vec!["--api", "embeddings", "--output-tokens", "4", "--ignore-eos"], 1, "ignore-eos cannot be used."),
        (vec!["--api", "http", "--method", "FETCH"], 2, "give POST, PUT or GET"),
        (vec!["--serve", "sh 'x"], 1, "serve cannot be started."),
        (vec!["--serve", "sh", "--ready-within", "-1"], 1, "ready-within cannot be -1."),
        (vec!["--ready-url", "http://h"], 2, "--serve"),
    ] {
        let (said, document) = run(&desk, "http://127.0.0.1:1", &[&load[..], &more].concat()).await?;
        assert!(said.code == code && said.err.contains(want), "{more:?}: {said:?}");
        assert_eq!(document, None);
    }
    Ok(())
}

#[tokio::test]
async fn a_server_is_started_waited_for_and_stopped_with_all_its_children() -> Result<()> {
    let desk = Desk::new()?;
    let (port, child) = (free_port()?, desk.file("child"));
    let url = format!("http://127.0.0.1:{port}");
    let command = serving(port, &child);
    let more = ["--concurrency", "2", "--requests", "10", "--output-tokens", "3", "--serve", &command];
    let (said, document) = kept(run(&desk, &url, &more).await?)?;
    assert_eq!((said.code, document["measures"]["requests"]["answered"].as_u64()), (0, Some(10)), "{said:?}");
    assert_eq!(document["server"]["ready_url"], format!("{url}/health"));
    assert!(said.out.contains("started as sh -c") && said.out.contains("ready after"), "{said:?}");
    let log = std::fs::read_to_string(desk.file("run.server.log")).could_not("read its words")?;
    assert!(log.contains("loading the model") && log.contains(&url), "{log}");
    assert!(is_gone(&child)?, "its child is still there");
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "it still serves");
    // Beside it was read what its processes take, and what it counted before and after.
    let beside = &document["beside"];
    assert!(beside["server"]["processes"].as_u64() >= Some(2), "{beside}");
    assert!(beside["server"]["memory_bytes"]["high"].as_f64() > Some(1e6), "{beside}");
    assert_eq!(beside["metrics"]["truth_requests_total"], serde_json::json!([0.0, 10.0]));
    assert!(said.out.contains("the server counted truth_requests_total +10"), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn gpus_are_read_beside_a_load_and_held_against_each_other() -> Result<()> {
    let desk = Desk::new()?;
    let library = stub::build(desk.folder(), &[]).map_err(Failure::new)?;
    let conf = "gpus 2\nutil 40\nutil@1 0\nheat 61\ncap 650000\nsm-clock 1410\nreasons 4\n";
    std::fs::write(desk.file("libnvml-mock.so.conf"), conf).could_not("tell the mock")?;
    let ttft = Times::Fixed(Duration::from_millis(10));
    let [now, next] = [
        Truth::start(Script { ttft, ..Script::quick() }).await?,
        Truth::start(Script { ttft, ..Script::quick() }).await?,
    ];
    let (library, own) = (library.to_string_lossy().into_owned(), std::process::id().to_string());
    let more = ["--concurrency", "2", "--requests", "40", "--output-tokens", "2", "--nvml", &library, "--pid", &own];
    let (said, document) = kept(run(&desk, &now.url(), &more).await?)?;
    let gpus = document["beside"]["gpus"].as_array().cloned().unwrap_or_default();
    assert_eq!((said.code, gpus.len(), gpus[0]["power_cap_w"]["high"].as_f64()), (0, 2, Some(650.0)), "{said:?}");
    assert_eq!(gpus[0]["slowed"]["software power cap"].as_f64(), Some(1.0), "{}", gpus[0]);
    assert!(said.out.contains("GPU 0 NVIDIA H100 80GB HBM3, 40 % used on average, 1,410 MHz"), "{said:?}");
    assert!(document["beside"]["server"]["processes"].as_u64() >= Some(1), "{}", document["beside"]);

    let [url, other] = [&now, &next].map(Truth::url);
    let load = "--model m --concurrency 2 --requests 20 --output-tokens 2 --warm-up none --most-late 2s --metric e2e-p50 --answers 0";
    let own = ["bench", "compare", &url, &other, "--nvml", &library, "--pairs", "6", "--margin", "50", "--json"];
    let words: Vec<&str> = own.into_iter().chain(load.split(' ')).collect();
    let compared = desk.terminal.json(&words).await?;
    // Both arms had the GPU that worked at the same clock, cap and heat: all of it was held against each other.
    assert_eq!(
        compared["comparison"]["candidates"][0]["unchecked"],
        serde_json::json!([]),
        "{}",
        compared["comparison"]
    );
    let conditions = &compared["blocks"][0]["conditions"];
    assert_eq!(
        (conditions["clock_mhz"]["low"].as_f64(), conditions["temperature_c"]["high"].as_f64()),
        (Some(1_410.0), Some(61.0))
    );
    // A library that is not there is said, and nothing else is lost by it.
    let (said, document) =
        run(&desk, &url, &["--concurrency", "1", "--requests", "2", "--nvml", "/no/such.so"]).await?;
    assert!(
        said.code == 0 && said.out.contains("not read: GPUs: the driver's library /no/such.so cannot be used"),
        "{said:?}"
    );
    assert!(document.is_some());
    Ok(())
}

#[tokio::test]
async fn two_that_are_started_are_compared() -> Result<()> {
    let desk = Desk::new()?;
    let [one, two] = [free_port()?, free_port()?];
    let truth = env!("CARGO_BIN_EXE_truth");
    let targets = [("now", one), ("next", two)].map(|(name, port)| format!("{name}=http://127.0.0.1:{port}"));
    let serve = [("now", one), ("next", two)].map(|(name, port)| format!("{name}={truth} 10 1 0 /dev/null {port}"));
    let out = desk.file("cmp.json").to_string_lossy().into_owned();
    let load = "--model m --concurrency 4 --requests 20 --output-tokens 2 --input-tokens 4 --warm-up none --most-late 2s --metric e2e-p50";
    let own = ["bench", "compare", &targets[0], &targets[1], "--serve", &serve[0], "--serve", &serve[1], "--out", &out];
    let more = ["--pairs", "6", "--answers", "2", "--margin", "50"];
    let words: Vec<&str> = own.into_iter().chain(load.split(' ')).chain(more).collect();
    let said = desk.terminal.call(&words).await?;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("next: 100 % of 2 the same to the letter"), "{said:?}");
    let text = std::fs::read(desk.file("cmp.json")).could_not("read the comparison")?;
    let document: Value = serde_json::from_slice(&text).could_not("read the comparison")?;
    assert_eq!(document["arms"][1]["server"]["log"], "cmp.next.server.log");
    assert!(desk.file("cmp.now.server.log").exists());
    for port in [one, two] {
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "{port} still serves");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_ends_or_is_never_ready_is_told_in_its_own_words() -> Result<()> {
    let desk = Desk::new()?;
    let url = format!("http://127.0.0.1:{}", free_port()?);
    let load = ["--concurrency", "1", "--requests", "1", "--serve"];
    let ends = "sh -c 'echo reading weights; echo CUDA out of memory >&2; exit 3'";
    let (said, document) = run(&desk, &url, &[&load[..], &[ends]].concat()).await?;
    assert_eq!((said.code, document), (1, None), "{said:?}");
    assert!(
        said.err.contains("exit status: 3") && said.err.contains("reading weights | CUDA out of memory"),
        "{said:?}"
    );
    let child = desk.file("child");
    let never = format!("sh -c 'echo $$ > {}; echo still loading; exec sleep 600'", child.display());
    let (said, _) = run(&desk, &url, &[&load[..], &[&never, "--ready-within", "2"]].concat()).await?;
    assert!(
        said.code == 1 && said.err.contains("did not say within 2 s") && said.err.contains("still loading"),
        "{said:?}"
    );
    assert!(is_gone(&child)?, "it is still there");
    // Where somebody answers already it would not be what was started that is measured.
    let truth = Truth::start(Script::quick()).await?;
    let (said, _) = run(&desk, &truth.url(), &[&load[..], &["sleep 600"]].concat()).await?;
    assert!(said.code == 1 && said.err.contains("Somebody answers there already"), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn whoever_interrupts_leaves_no_server_behind() -> Result<()> {
    let desk = Desk::new()?;
    let (port, child) = (free_port()?, desk.file("child"));
    let (url, command, out) = (format!("http://127.0.0.1:{port}"), serving(port, &child), desk.file("run.json"));
    let out_text = out.to_string_lossy();
    let words = [
        "bench",
        "run",
        &url,
        "--model",
        "m",
        "--concurrency",
        "2",
        "--requests",
        "1000000",
        "--serve",
        &command,
        "--out",
        &out_text,
    ];
    let running = desk.terminal.command(&words)?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let running = running.could_not("start pilothouse")?;
    let requests = desk.file("run.requests.jsonl");
    until("some are answered", LIMIT, async || {
        Ok(std::fs::read_to_string(&requests).ok().filter(|text| text.lines().count() > 5).map(drop))
    })
    .await?;
    let id = running.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    kill_process(id.ok_or_else(|| Failure::new("it has ended"))?, Signal::INT).could_not("interrupt it")?;
    let said = tokio::time::timeout(LIMIT, running.wait_with_output()).await.could_not("wait for its end")?;
    let said = said.could_not("wait for its end")?;
    assert_eq!(said.status.code(), Some(3), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(is_gone(&child)?, "its child is still there");
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "it still serves");
    Ok(())
}
