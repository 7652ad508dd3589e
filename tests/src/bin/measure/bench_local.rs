//! How quick a GGUF is in our own program, beside llama-bench with the same library, model, threads and sizes: reading a prompt
//! and generating, by turns. Ours is measured as a person would: over HTTP, by `pilothouse bench run`, from when a request was
//! meant to be sent; what that costs counts against it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use acceptance::{Context, Failure, Result, model, program};
use serde_json::Value;

use crate::report::{Figure, Report, say};
use crate::stand::Size;
use crate::statistics::median;

/// The variable that says where llama-bench is; `cargo xtask measure` builds it.
const LLAMA_BENCH: &str = "PILOTHOUSE_LLAMA_BENCH";
const GGUF: &str = "gemma-3-270m-q4_k_m.gguf";
/// Words of the prompt that is read.
const WORDS: usize = 400;
/// Tokens that are generated.
const GENERATED: u32 = 128;
/// Requests of a run behind the first, which warms up, and repetitions of llama-bench behind its own.
const REQUESTS: u32 = 3;
/// Tokens a second, of both.
struct Rates {
    ours: f64,
    theirs: f64,
}

/// Measures both by turns.
pub fn measure(size: Size, report: &mut Report) -> Result<()> {
    let rounds = if size.is_small() { 1 } else { 5 };
    let bench = std::env::var_os(LLAMA_BENCH).map(PathBuf::from);
    let bench = bench.ok_or_else(|| Failure::new("llama-bench is not built: measure by cargo xtask measure"))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let model = model(GGUF)?;
    let (mut reading, mut generating) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let ours = || Ok::<_, Failure>((ours(&model, threads, true)?, self::ours(&model, threads, false)?));
        // Who is first changes, so that neither always has the warmer processor.
        let early = if round % 2 == 0 { Some(ours()?) } else { None };
        // As many tokens as the prompt really has.
        let tokens = match &early {
            Some(((_, tokens), _)) => *tokens,
            None => reading.last().map_or(0, |(_, tokens): &(Rates, u32)| *tokens),
        };
        let theirs = [theirs(&bench, &model, threads, (tokens, 0))?, theirs(&bench, &model, threads, (0, GENERATED))?];
        let ((read, tokens), (generated, _)) = match early {
            Some(early) => early,
            None => ours()?,
        };
        say(&format!(
            "bench-local: {threads} threads; {tokens} tokens of prompt {read:.1}/s beside {:.1}/s, {GENERATED} generated \
             {generated:.2}/s beside {:.2}/s",
            theirs[0], theirs[1]
        ));
        reading.push((Rates { ours: read, theirs: theirs[0] }, tokens));
        generating.push(Rates { ours: generated, theirs: theirs[1] });
    }
    let reading: Vec<Rates> = reading.into_iter().map(|(rates, _)| rates).collect();
    let ratio = |rates: &[Rates]| median(&rates.iter().map(|rates| rates.ours / rates.theirs).collect::<Vec<f64>>());
    let theirs = |rates: &[Rates]| median(&rates.iter().map(|rates| rates.theirs).collect::<Vec<f64>>());
    let (read, generated) = (ratio(&reading), ratio(&generating));
    report.add(Figure::new("bench-local.ratio", read.min(generated), "×").at_least(0.97));
    let beside =
        |name, ratio, rates: &[Rates]| Figure::new(name, ratio, "×").beside("llama-bench", theirs(rates), "tokens/s");
    report.add(beside("bench-local.prompt_ratio", read, &reading));
    report.add(beside("bench-local.generation_ratio", generated, &generating));
    Ok(())
}

/// Tokens a second by our own program, and the tokens of a prompt: of the prompt up to the first token of the answer, or of the
/// answer behind that.
fn ours(model: &Path, threads: usize, reads: bool) -> Result<(f64, u32)> {
    let folder = tempfile::tempdir().could_not("make a folder")?;
    let [file, prompts] = ["run.json", "prompts.jsonl"].map(|name| folder.path().join(name));
    let words = if reads { WORDS } else { 1 };
    let prompt = vec!["river"; words].join(" ");
    std::fs::write(&prompts, format!("{}\n", serde_json::json!({ "prompt": prompt }))).could_not("write a prompt")?;
    let mut client = Command::new(program("pilothouse")?);
    client.args([
        "bench",
        "run",
        "--concurrency",
        "1",
        "--ignore-eos",
        "--warm-up",
        "1",
        "--extra",
        "{\"temperature\":0}",
    ]);
    client.arg("--requests").arg((REQUESTS + 1).to_string()).arg("--threads").arg(threads.to_string());
    client.arg("--output-tokens").arg(if reads { "1".to_owned() } else { GENERATED.to_string() });
    client.arg("--model").arg(model).arg("--prompts").arg(&prompts).arg("--out").arg(&file);
    client.env("PILOTHOUSE_HOME", folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
    let output = client.output().could_not("start pilothouse")?;
    if !output.status.success() {
        return Err(Failure::new(format!("pilothouse bench run: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let requests = std::fs::read_to_string(folder.path().join("run.requests.jsonl")).could_not("read the requests")?;
    let requests: serde_json::Result<Vec<Value>> = requests.lines().map(serde_json::from_str).collect();
    let requests = requests.could_not("read the requests")?;
    let (mut rates, mut tokens) = (Vec::new(), 0);
    for request in requests.iter().filter(|request| request["n"] != 0) {
        let heard = &request["end"]["answered"];
        let number = |name: &str| heard[name].as_f64().ok_or_else(|| Failure::new(format!("no {name} in {request}")));
        let (ttft, e2e) = (number("ttft_us")? / 1e6, number("e2e_us")? / 1e6);
        tokens = heard["input_tokens"].as_u64().and_then(|tokens| u32::try_from(tokens).ok()).unwrap_or(0);
        rates.push(match reads {
            true => f64::from(tokens) / ttft,
            false => (number("output_tokens")? - 1.0) / (e2e - ttft),
        });
    }
    if rates.len() != REQUESTS as usize || tokens == 0 {
        return Err(Failure::new(format!("{} requests were measured, of {tokens} tokens", rates.len())));
    }
    Ok((median(&rates), tokens))
}

/// Tokens a second by llama-bench, of a prompt of so many tokens or of so many that are generated.
fn theirs(bench: &Path, model: &Path, threads: usize, (prompt, generated): (u32, u32)) -> Result<f64> {
    let mut command = Command::new(bench);
    command.arg("-m").arg(model).arg("-t").arg(threads.to_string()).args(["-ngl", "0", "-b", "2048", "-ub", "512"]);
    command.args(["-p", &prompt.to_string(), "-n", &generated.to_string(), "-r", &REQUESTS.to_string(), "-o", "json"]);
    let output = command.stdin(Stdio::null()).output().could_not("start llama-bench")?;
    let told = String::from_utf8_lossy(&output.stdout);
    let unread = || Failure::new(format!("llama-bench: {told} {}", String::from_utf8_lossy(&output.stderr)));
    let told: Value = serde_json::from_str(&told).map_err(|_| unread())?;
    let samples = told[0]["samples_ts"].as_array().into_iter().flatten().filter_map(Value::as_f64);
    let samples: Vec<f64> = samples.collect();
    if samples.is_empty() { Err(unread()) } else { Ok(median(&samples)) }
}
