//! `pilothouse bench compare` against scripted servers whose times are known: it finds what is so, says so where nobody can
//! tell, and what it keeps can be shown, reported and handed on.

use acceptance::truth::{Fault, Script, Times};
use acceptance::{Context, Failure, Result, Terminal, Truth, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// Blocks of forty requests that take a third of a second; whoever runs this has a busy machine.
const LOAD: &str =
    "--model chat --concurrency 8 --requests 40 --input-tokens 8 --output-tokens 4 --warm-up none --most-late 2s";

/// Two servers, a home, and a folder.
struct Stand {
    servers: [Truth; 2],
    terminal: Terminal,
    folder: tempfile::TempDir,
}

/// What a call gave, with what was kept.
struct Compared {
    code: i32,
    told: String,
    document: Value,
}

/// So many milliseconds to the first piece.
fn script(ttft_ms: u64) -> Script {
    let gap = Times::Fixed(Duration::from_millis(2));
    Script { ttft: Times::Fixed(Duration::from_millis(ttft_ms)), gap, ..Script::quick() }
}

impl Stand {
    async fn new(now: Script, next: Script) -> Result<Self> {
        let servers = [Truth::start(now).await?, Truth::start(next).await?];
        let (terminal, folder) = (Terminal::new(Path::new(""))?, tempfile::tempdir().could_not("make a folder")?);
        Ok(Self { servers, terminal, folder })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn words(&self, more: &str) -> Vec<String> {
        let [now, next] =
            [("now", &self.servers[0]), ("next", &self.servers[1])].map(|(name, of)| format!("{name}={}", of.url()));
        let own =
            ["bench", "compare", &now, &next, "--out", &self.file("cmp.json").to_string_lossy()].map(str::to_owned);
        own.into_iter().chain(LOAD.split(' ').chain(more.split_whitespace()).map(str::to_owned)).collect()
    }

    async fn compare(&self, more: &str) -> Result<Compared> {
        let words = self.words(more);
        let said = self.terminal.call(&words.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        let document = read(&self.file("cmp.json")).could_not(format!("read the comparison; it said {said:?}"))?;
        Ok(Compared { code: said.code, told: format!("{}{}", said.out, said.err), document })
    }
}

fn read(file: &Path) -> Result<Value> {
    let text = std::fs::read(file).could_not(format!("read {}", file.display()))?;
    serde_json::from_slice(&text).could_not(format!("read {}", file.display()))
}

fn text(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).could_not(format!("read {}", file.display()))
}

impl Compared {
    /// The verdict on the candidate, and on each metric, as they are written.
    fn verdict(&self) -> String {
        let verdict = &self.document["comparison"]["candidates"][0]["verdict"];
        verdict.as_str().map_or_else(|| verdict.to_string(), str::to_owned)
    }

    fn blocks(&self) -> usize {
        self.document["blocks"].as_array().map_or(0, Vec::len)
    }
}

#[tokio::test]
async fn a_slower_candidate_is_worse_and_a_job_fails_by_it() -> Result<()> {
    let stand = Stand::new(script(20), script(60)).await?;
    let [junit, summary] = ["junit.xml", "summary.md"].map(|name| stand.file(name));
    let more = format!(
        "--metric ttft-p50 --answers 3 --fail-if worse --junit {} --summary {}",
        junit.display(),
        summary.display()
    );
    let compared = stand.compare(&more).await?;
    assert_eq!((compared.code, compared.verdict().as_str()), (5, "worse"), "{}", compared.told);
    assert!(
        compared.told.contains("next is worse than now") && compared.told.contains("p50 TTFT: worse; +"),
        "{}",
        compared.told
    );
    let document = &compared.document;
    assert_eq!(document["format"], "pilothouse-bench-comparison");
    // It ended at a look, in pairs, with each arm as often.
    let blocks = document["blocks"].as_array().cloned().unwrap_or_default();
    assert!(blocks.len() >= 12 && blocks.len() % 4 == 0, "{}", blocks.len());
    let arms: Vec<u64> = blocks.iter().filter_map(|block| block["slot"]["arm"].as_u64()).collect();
    for round in arms.chunks(4) {
        assert!(round == [0, 1, 1, 0] || round == [1, 0, 0, 1], "{arms:?}");
    }
    // Each pair has its own load, the same for both.
    let mut seeds: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for block in &blocks {
        seeds.entry(block["seed"].as_u64().unwrap_or(0)).or_default().push(block["slot"]["arm"].as_u64().unwrap_or(9));
    }
    assert!(seeds.values().all(|arms| arms.len() == 2 && arms.contains(&0) && arms.contains(&1)), "{seeds:?}");
    assert!(document["before"]["metrics"][0]["detectable"].as_f64() > Some(0.0), "{}", document["before"]);
    assert!(compared.told.contains("as the first round lets expect"), "{}", compared.told);
    assert!(compared.told.contains("now asked again: 100 % of 3 the same to the letter"), "{}", compared.told);
    // Both were asked as often: 3 prompts each and the baseline once more, and the same blocks.
    let [now, next] = [0, 1].map(|at| stand.servers[at].count());
    assert_eq!((now, next), (6 + blocks.len() as u64 * 20, 3 + blocks.len() as u64 * 20));

    let junit = text(&junit)?;
    assert!(
        junit.contains("<testcase name=\"ttft-p50\"") && junit.contains("<failure message=\"p50 TTFT: worse"),
        "{junit}"
    );
    assert!(text(&summary)?.contains("**Verdict**: next is worse than now"));
    handed_on(&stand, blocks.len()).await
}

/// What is kept is shown, listed, reported and exported.
async fn handed_on(stand: &Stand, blocks: usize) -> Result<()> {
    let file = stand.file("cmp.json").to_string_lossy().into_owned();
    let shown = stand.terminal.good(&["bench", "show", &file]).await?;
    assert!(shown.contains("next is worse than now") && shown.contains("Student's t over rounds"), "{shown}");
    let html = stand.terminal.good(&["bench", "report", &file]).await?;
    assert!(html.starts_with("<!doctype html>") && html.contains("<svg"), "{html}");
    assert!(!html.contains("src=\"") && !html.contains("href=\""), "it loads something: {html}");
    let page = stand.file("report.md");
    stand.terminal.good(&["bench", "report", &file, "--md", "-o", &page.to_string_lossy()]).await?;
    assert!(text(&page)?.starts_with("## Comparison now and next"));
    let svg = stand.terminal.good(&["bench", "report", &file, "--svg"]).await?;
    assert!(svg.starts_with("<svg") && svg.contains("p50 TTFT"), "{svg}");
    let csv = stand.terminal.good(&["bench", "export", &file, "--csv"]).await?;
    assert_eq!(csv.lines().filter(|line| line.contains(",ttft,p50,")).count(), blocks, "{csv}");
    let lines = stand.terminal.good(&["bench", "export", &file, "--jsonl"]).await?;
    assert_eq!(lines.lines().count(), blocks * 40);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap_or_default()).could_not("read a line")?;
    assert!(first["block"].as_str().is_some_and(|block| block.starts_with("001-")), "{first}");
    let whole = stand.terminal.json(&["bench", "export", &file]).await?;
    assert_eq!(whole["comparison"]["candidates"][0]["verdict"], "worse");
    Ok(())
}

#[tokio::test]
async fn equal_servers_are_the_same_within_a_wide_margin_and_the_comparison_is_listed() -> Result<()> {
    let stand = Stand::new(script(30), script(30)).await?;
    let [now, next] = [0, 1].map(|at| stand.servers[at].url());
    let words = ["bench", "compare", &now, &next, "--metric", "ttft-p50", "--margin", "50", "--answers", "0", "--json"];
    let words: Vec<&str> = words.into_iter().chain(LOAD.split(' ')).collect();
    let document = stand.terminal.json(&words).await?;
    let verdict = &document["comparison"]["candidates"][0]["verdict"];
    assert_eq!(verdict["same"]["within"].as_f64(), Some(0.5), "{}", document["comparison"]);
    let listed = stand.terminal.json(&["bench", "list", "--json"]).await?;
    assert_eq!(
        (listed["kind"].as_str(), listed["verdicts"][0]["verdict"].as_str()),
        (Some("comparison"), Some("the same"))
    );
    let id = document["id"].as_str().unwrap_or_default();
    assert!(id.ends_with("-baseline-candidate"), "{id}");
    // The next one of the same load knows before its first block what it can find.
    let again = stand.terminal.json(&words).await?;
    assert_eq!(again["before"]["earlier"].as_str(), Some(id));
    let shown = stand.terminal.good(&["bench", "list"]).await?;
    assert!(shown.contains("candidate the same"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn of_three_each_candidate_gets_its_own_verdict() -> Result<()> {
    let stand = Stand::new(script(20), script(20)).await?;
    let third = Truth::start(script(80)).await?;
    let [now, next] = [0, 1].map(|at| stand.servers[at].url());
    let slow = format!("slow={}", third.url());
    let own = [
        "bench",
        "compare",
        &now,
        &next,
        &slow,
        "--metric",
        "ttft-p50",
        "--margin",
        "50",
        "--pairs",
        "6",
        "--answers",
        "0",
    ];
    let words: Vec<&str> = own.into_iter().chain(["--json"]).chain(LOAD.split(' ')).collect();
    let document = stand.terminal.json(&words).await?;
    let candidates = document["comparison"]["candidates"].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = candidates.iter().filter_map(|of| of["arm"].as_str()).collect();
    assert_eq!(names, ["candidate", "slow"]);
    assert_eq!(candidates[1]["verdict"], "worse", "{}", document["comparison"]);
    let arms: Vec<u64> =
        document["blocks"].as_array().into_iter().flatten().filter_map(|of| of["slot"]["arm"].as_u64()).collect();
    assert_eq!(arms.len(), 18);
    assert!((0..3).all(|arm| arms.iter().filter(|of| **of == arm).count() == 6), "{arms:?}");
    Ok(())
}

#[tokio::test]
async fn where_the_client_was_the_limit_nothing_is_said_of_the_servers() -> Result<()> {
    for (fail, code) in [("--fail-if worse", 6), ("--fail-if invalid", 5), ("", 0)] {
        let stand = Stand::new(script(5), script(40)).await?;
        let words: Vec<String> = stand.words(&format!("--answers 0 {fail}"));
        let words: Vec<&str> = words.iter().map(|word| if word == "2s" { "1us" } else { word }).collect();
        let said = stand.terminal.call(&words).await?;
        assert_eq!(said.code, code, "{fail}: {said:?}");
        // After the first round no later block could mend it.
        assert!(said.out.contains("invalid: the client was the limit in 4 of 4 blocks"), "{said:?}");
        assert!(said.out.contains("late (p99), 0.001 ms are allowed"), "{said:?}");
    }
    Ok(())
}

#[tokio::test]
async fn failures_of_one_are_not_hidden_by_its_quick_answers() -> Result<()> {
    let failing = |n: u64| if n % 4 == 3 { Fault::Status(500) } else { Fault::None };
    let stand = Stand::new(script(30), script(10).failing(failing)).await?;
    let compared = stand.compare("--metric ttft-p50 --answers 0 --fail-if not-better").await?;
    assert_eq!((compared.code, compared.blocks()), (5, 12), "{}", compared.told);
    assert!(compared.verdict().contains("25 % in next"), "{}", compared.verdict());
    assert!(
        compared.told.contains("of 240 requests failed (25.0 %)") && compared.told.contains("5xx"),
        "{}",
        compared.told
    );
    Ok(())
}

#[tokio::test]
async fn a_candidate_that_leaves_every_second_request_open_is_not_better_by_the_others() -> Result<()> {
    let hangs = |n: u64| if n % 2 == 1 { Fault::Hangs(1) } else { Fault::None };
    let stand = Stand::new(script(30), script(5).failing(hangs)).await?;
    let file = stand.file("cmp.json");
    let [now, next] = [("now", 0), ("next", 1)].map(|(name, at)| format!("{name}={}", stand.servers[at].url()));
    let own = ["bench", "compare", &now, &next, "--model", "chat", "--out", &file.to_string_lossy()].map(str::to_owned);
    let load = "--rate 40 --arrivals constant --seconds 1 --drain 0.2 --output-tokens 4 --warm-up none --most-late 2s \
                --metric ttft-p50 --answers 0 --fail-if not-better";
    let words: Vec<String> = own.into_iter().chain(load.split_whitespace().map(str::to_owned)).collect();
    let said = stand.terminal.call(&words.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    assert_eq!(said.code, 5, "{said:?}");
    let verdict = read(&file)?["comparison"]["candidates"][0]["verdict"].to_string();
    assert!(verdict.contains("0 % of requests were not answered in now, 50 % in next"), "{verdict}");
    assert!(
        said.out.contains("next: 120 of 240 requests were open still 0.2 s after the end (50.0 %)"),
        "{}",
        said.out
    );
    Ok(())
}

/// Thinking models may not come to say a word within what a fixed prompt gives them: nobody can tell then, and nothing is passed.
#[tokio::test]
async fn a_guard_is_not_passed_by_models_that_only_think() -> Result<()> {
    let thinks = || script(20).failing(|_| Fault::Reasoning(u32::MAX));
    let stand = Stand::new(thinks(), thinks()).await?;
    let compared =
        stand.compare("--metric ttft-p50 --margin 50 --pairs 6 --answers 3 --least-overlap 80 --fail-if worse").await?;
    assert_eq!(compared.code, 6, "{}", compared.told);
    assert!(compared.told.contains("no fixed prompt was answered with a word"), "{}", compared.told);
    assert!(
        compared.told.contains("of 0 the same to the letter") && !compared.told.contains("100 % of"),
        "{}",
        compared.told
    );
    Ok(())
}

#[tokio::test]
async fn a_target_that_answers_nothing_ends_it() -> Result<()> {
    let stand = Stand::new(script(10), script(10).failing(|_| Fault::Status(401))).await?;
    let compared = stand.compare("--answers 2").await?;
    assert_eq!(compared.code, 3, "{}", compared.told);
    assert_eq!(compared.document["state"], "gave_up");
    assert!(compared.told.contains("given up, nothing but failures"), "{}", compared.told);
    assert!(compared.told.contains("not answered: 401, not signed in"), "{}", compared.told);
    Ok(())
}

#[tokio::test]
async fn a_candidate_that_says_something_else_is_worse_however_quick() -> Result<()> {
    let other = Script { word: " something else".into(), ..script(20) };
    let stand = Stand::new(script(20), other).await?;
    let compared =
        stand.compare("--metric ttft-p50 --margin 50 --answers 4 --least-overlap 80 --fail-if worse").await?;
    assert_eq!(compared.code, 5, "{}", compared.told);
    assert!(compared.told.contains("its answers have less in common with the baseline's"), "{}", compared.told);
    assert!(compared.told.contains("next: 0 % of 4 the same to the letter, words overlap by 0 %"), "{}", compared.told);
    Ok(())
}

#[tokio::test]
async fn a_comparison_that_is_interrupted_keeps_its_blocks_and_marks_the_one_that_was_cut() -> Result<()> {
    let stand = Stand::new(script(20), script(20)).await?;
    let words = stand.words("--answers 0");
    let mut command = stand.terminal.command(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().could_not("start pilothouse")?;
    until("two blocks are over", LIMIT, async || {
        Ok((stand.servers[0].count() + stand.servers[1].count() > 85).then_some(()))
    })
    .await?;
    let id =
        child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or_else(|| Failure::new("it has ended"))?;
    kill_process(id, Signal::INT).could_not("interrupt it")?;
    let said = tokio::time::timeout(LIMIT, child.wait_with_output()).await.could_not("wait for its end")?;
    let said = said.could_not("wait for its end")?;
    let out = String::from_utf8_lossy(&said.stdout);
    assert_eq!(said.status.code(), Some(3), "{out}{}", String::from_utf8_lossy(&said.stderr));
    assert!(
        out.contains("interrupted: partial, its last block is not judged") && out.contains("not enough data"),
        "{out}"
    );
    let document = read(&stand.file("cmp.json"))?;
    assert_eq!(document["state"], "interrupted");
    let states: Vec<&str> =
        document["blocks"].as_array().into_iter().flatten().filter_map(|block| block["state"].as_str()).collect();
    assert!(states.len() >= 2 && states[..2] == ["whole", "whole"], "{states:?}");
    assert_eq!(document["comparison"]["pairs"], 0);
    Ok(())
}

#[tokio::test]
async fn two_kept_runs_stand_side_by_side_without_a_verdict() -> Result<()> {
    let stand = Stand::new(script(10), script(40)).await?;
    for (at, name) in ["one", "two"].iter().enumerate() {
        let (url, file) = (stand.servers[at].url(), stand.file(&format!("{name}.json")));
        let words = [
            "bench",
            "run",
            &url,
            "--model",
            "chat",
            "--concurrency",
            "4",
            "--requests",
            "40",
            "--output-tokens",
            "4",
            "--out",
        ];
        let file = file.to_string_lossy();
        stand.terminal.good(&words.into_iter().chain([&*file]).collect::<Vec<_>>()).await?;
    }
    let [one, two] = ["one.json", "two.json"].map(|name| stand.file(name).to_string_lossy().into_owned());
    let said = stand.terminal.good(&["bench", "compare", &one, &two]).await?;
    assert!(said.contains("none. Two single runs give no verdict") && said.contains("less is better"), "{said}");
    let side = stand.terminal.json(&["bench", "compare", &one, &two, "--json"]).await?;
    assert!(side["verdict"].is_null(), "{side}");
    let row = side["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|row| row["metric"] == "ttft-p50")
        .cloned()
        .unwrap_or_default();
    assert!(row["difference"].as_f64() > Some(0.5), "{row}");
    let refused = stand.terminal.call(&["bench", "compare", &one, &two, "--fail-if", "worse"]).await?;
    assert!(refused.code == 2 && refused.err.contains("give no verdict"), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn what_another_tool_measured_is_taken_in_and_stands_beside_our_own() -> Result<()> {
    let stand = Stand::new(script(10), script(10)).await?;
    let file = stand.file("result.json");
    let vllm = r#"{"model_id":"chat","num_prompts":50,"completed":48,"failed":2,"request_throughput":9.8,"output_throughput":600.0,
        "mean_ttft_ms":40.0,"median_ttft_ms":38.0,"p99_ttft_ms":66.0,"request_rate":"inf","max_concurrency":8}"#;
    std::fs::write(&file, vllm).could_not("write a file")?;
    let imported = stand.terminal.json(&["bench", "import", &file.to_string_lossy(), "--json"]).await?;
    let id = imported["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!((imported["tool"].as_str(), imported["figures"]["ttft-p99"].as_f64()), (Some("vllm"), Some(66.0)));
    let shown = stand.terminal.good(&["bench", "show", &id]).await?;
    assert!(shown.contains("48 answered, 2 failed") && shown.contains("not from when it was meant to be"), "{shown}");
    let url = stand.servers[0].url();
    let own = stand
        .terminal
        .json(&["bench", "run", &url, "--model", "chat", "--concurrency", "2", "--requests", "20", "--json"])
        .await?;
    let side = stand.terminal.good(&["bench", "compare", &id, own["id"].as_str().unwrap_or_default()]).await?;
    assert!(
        side.contains("from another tool") && side.contains(&format!("{id}: 2 of 50 requests were not answered")),
        "{side}"
    );
    std::fs::write(&file, vllm.replace("38.0", "\"fast\"")).could_not("write a file")?;
    let refused = stand.terminal.call(&["bench", "import", &file.to_string_lossy()]).await?;
    assert!(refused.code == 1 && refused.err.contains("median_ttft_ms is no number"), "{refused:?}");
    let lines = stand.terminal.call(&["bench", "export", &id, "--jsonl"]).await?;
    assert!(lines.code == 1 && lines.err.contains("There are no requests"), "{lines:?}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_compared_names_the_field() -> Result<()> {
    let stand = Stand::new(script(1), script(1)).await?;
    for (more, code, want) in [
        ("--metric ttft-p42", 2, "is none of"),
        ("--metric ttft-p99", 1, "metric cannot be ttft-p99."),
        ("--metric goodput", 1, "metric cannot be goodput."),
        ("--pairs 4", 1, "pairs cannot be 4."),
        ("--pairs 7", 1, "pairs cannot be 7."),
        ("--answers 500", 1, "answers cannot be 500."),
        ("--margin 0", 1, "margin"),
        ("--least-overlap 180", 1, "least-overlap cannot be 180."),
        ("--fail-if slow", 2, "invalid value"),
    ] {
        let words = stand.words(more);
        let said = stand.terminal.call(&words.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        assert!(said.code == code && said.err.contains(want), "{more}: {said:?}");
    }
    assert_eq!((stand.servers[0].count(), stand.file("cmp.json").exists()), (0, false));
    Ok(())
}
