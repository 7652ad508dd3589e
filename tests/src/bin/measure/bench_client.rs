//! What a client of benchmarks takes itself: processor time of `pilothouse bench run`, of AIPerf and of GuideLLM for the same
//! requests to the same scripted server, by turns, each with all of its processes, begin and end included.
//!
//! - `ratio_*`: theirs for 2,560 requests ÷ ours. What starting takes counts, as it does for who uses them.
//! - `slope_*`: the same of what one more request takes: (10,240 requests − 2,560 requests) ÷ 7,680.
//!
//! Each is called as its manual says, with its own defaults and nothing switched on: no display, and for both of them the
//! same tokenizer of some words from a file, since neither may ask a hub here. A word is looked up in a table, which takes
//! them less time than a tokenizer of a real model would. That each sent all of it is read from the server's log.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use acceptance::truth::{End, start_program};
use acceptance::{Context, Failure, Result, peer, program};
use serde_json::{Map, Value, json};

use crate::report::{Figure, Report, say};
use crate::stand::Size;
use crate::statistics::median;
use crate::{TRUTH, counted};

/// Milliseconds to the first piece and from each to the next, always, and no deviation.
const TIMES: [&str; 3] = ["50", "10", "0"];
/// Tokens of a prompt.
const PROMPT: u32 = 32;
/// Tokens of an answer, a piece each.
const PIECES: u32 = 64;
/// What the tokenizer knows.
const WORDS: &str = "the of and to in a is that it was for on are as with his they at be this from have or by one had not but \
                     what all were when we there can an your which their said if do will each about how up out them then she \
                     many some so these would other into has more her two like him see time could no make than first been";

/// How much is sent.
struct Amount {
    at_a_time: u32,
    requests: [u32; 2],
    rounds: usize,
}

const WHOLE: Amount = Amount { at_a_time: 256, requests: [2_560, 10_240], rounds: 3 };
const SMALL: Amount = Amount { at_a_time: 16, requests: [64, 256], rounds: 1 };

/// Who sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Ours,
    AiPerf,
    GuideLlm,
}

impl Client {
    const ALL: [Self; 3] = [Self::Ours, Self::AiPerf, Self::GuideLlm];

    fn name(self) -> &'static str {
        match self {
            Self::Ours => "pilothouse",
            Self::AiPerf => "AIPerf",
            Self::GuideLlm => "GuideLLM",
        }
    }

    /// The program that is started.
    fn program(self) -> Result<PathBuf> {
        match self {
            Self::Ours => program("pilothouse"),
            Self::AiPerf => peer("aiperf"),
            Self::GuideLlm => peer("guidellm"),
        }
    }

    /// Its arguments for so many requests to this server.
    fn arguments(self, url: &str, at_a_time: u32, requests: u32, tokenizer: &Path) -> Vec<String> {
        let tokenizer = tokenizer.display();
        match self {
            Self::Ours => words(&format!(
                "bench run {url} --model truth --concurrency {at_a_time} --requests {requests} --input-tokens {PROMPT} \
                 --output-tokens {PIECES} --warm-up none --out run.json"
            )),
            Self::AiPerf => words(&format!(
                "-m aiperf profile --model truth --url {url} --endpoint-type chat --streaming --tokenizer {tokenizer} \
                 --synthetic-input-tokens-mean {PROMPT} --output-tokens-mean {PIECES} --concurrency {at_a_time} \
                 --request-count {requests} --ui none"
            )),
            Self::GuideLlm => words(&format!(
                "-m guidellm run --backend kind=openai_http,target={url},model=truth,request_format=/v1/chat/completions \
                 --tokenizer kind=hf_auto,model={tokenizer} --data \
                 kind=synthetic_text,prompt_tokens={PROMPT},output_tokens={PIECES} --profile \
                 kind=concurrent,streams={at_a_time} --constraint kind=max_requests,count={requests} --disable-progress"
            )),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Measures it.
pub fn measure(size: Size, report: &mut Report) -> Result<()> {
    let Amount { at_a_time, requests, rounds } = if size.is_small() { SMALL } else { WHOLE };
    // Seconds of each client, of fewer and of more requests.
    let mut taken: [[Vec<f64>; 2]; 3] = Default::default();
    for round in 0..rounds {
        for (amount, count) in requests.into_iter().enumerate() {
            for turn in 0..Client::ALL.len() {
                // Another begins each round.
                let at = (turn + round) % Client::ALL.len();
                let seconds = run(Client::ALL[at], at_a_time, count)?;
                say(&format!(
                    "bench-client: {} took {seconds:.2} s of processor time for {count} requests, {at_a_time} at a time \
                     (round {} of {rounds}).",
                    Client::ALL[at].name(),
                    round + 1
                ));
                taken[at][amount].push(seconds);
            }
        }
    }
    let more = f64::from(requests[1] - requests[0]);
    let [ours, aiperf, guidellm] = taken.map(|of| {
        let [few, many] = of.map(|seconds| median(&seconds));
        (few, (many - few) / more)
    });
    if ours.0 <= 0.0 || ours.1 <= 0.0 {
        return Err(Failure::new("ours took no time that the kernel counts: there is nothing to divide by"));
    }
    for (name, theirs, least) in
        [("bench-client.ratio_aiperf", aiperf, 20.0), ("bench-client.ratio_guidellm", guidellm, 40.0)]
    {
        report.add(Figure::new(name, theirs.0 / ours.0, "×").at_least(least).beside("theirs", theirs.0, "s"));
    }
    for (name, theirs) in [("bench-client.slope_aiperf", aiperf), ("bench-client.slope_guidellm", guidellm)] {
        let beside = ("theirs", theirs.1 * 1e6, "µs/request");
        report.add(Figure::new(name, theirs.1 / ours.1, "×").at_least(10.0).beside(beside.0, beside.1, beside.2));
    }
    let figure = Figure::new("bench-client.processor_s", ours.0, "s");
    report.add(figure.beside("of one more request", ours.1 * 1e6, "µs"));
    Ok(())
}

/// Lets a client send to a server of its own; the processor time that it took, in seconds.
fn run(client: Client, at_a_time: u32, requests: u32) -> Result<f64> {
    let folder = tempfile::tempdir().could_not("make a folder")?;
    let of = |name: &str| folder.path().join(name);
    let (log, time, said) = (of("served.jsonl"), of("seconds"), of("said.log"));
    let mut server = Command::new(std::env::current_exe().could_not("find this program")?);
    server.arg(TRUTH).args(TIMES).arg(&log);
    let server: End = start_program(server)?;
    let tokenizer = tokenizer(folder.path())?;
    let mut command = counted::command(&time, &client.program()?)?;
    command.args(client.arguments(&server.url, at_a_time, requests, &tokenizer));
    let out = File::create(&said).could_not(format!("write {}", said.display()))?;
    let err = out.try_clone().could_not("write what is said")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", folder.path()).env("PILOTHOUSE_HOME", folder.path());
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(out).stderr(err);
    let status = command.status().could_not(format!("start {}", client.name()))?;
    if !status.success() {
        let said = std::fs::read(&said).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        let last = lines[lines.len().saturating_sub(20)..].join("\n");
        return Err(Failure::new(format!("{} ended ({status}). The end of its words:\n{last}", client.name())));
    }
    let whole = server.log(&log)?.iter().filter(|logged| logged.wrote_us.len() == PIECES as usize).count();
    if whole < requests as usize {
        let name = client.name();
        return Err(Failure::new(format!(
            "{name} was to send {requests} requests, and {whole} were answered with {PIECES} pieces: that is another load"
        )));
    }
    counted::seconds(&time)
}

/// A tokenizer in the form of Hugging Face: a word a token. What it does not know is a word as well, and none that is left
/// out of a text: prompts would be empty.
fn tokenizer(folder: &Path) -> Result<PathBuf> {
    const UNKNOWN: &str = "word";
    let words = std::iter::once(UNKNOWN).chain(WORDS.split_whitespace());
    let vocabulary: Map<String, Value> = words.zip(0..).map(|(word, id)| (word.to_owned(), json!(id))).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": { "type": "Whitespace" }, "post_processor": null, "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": UNKNOWN },
    });
    let about = json!({ "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 4_096 });
    let folder = folder.join("tokenizer");
    std::fs::create_dir_all(&folder).could_not("make a folder")?;
    for (name, content) in [("tokenizer.json", tokenizer), ("tokenizer_config.json", about)] {
        std::fs::write(folder.join(name), content.to_string()).could_not(format!("write {name}"))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All three are asked for the same load, each in its own words.
    #[test]
    fn each_is_asked_for_the_same() {
        for client in Client::ALL {
            let line = client.arguments("http://127.0.0.1:9", 7, 11, Path::new("/t")).join(" ");
            for wanted in ["http://127.0.0.1:9", "truth", "7", "11", "32", "64"] {
                let is_there = line.split([' ', ',', '=']).any(|word| word == wanted);
                assert!(is_there, "{}: {wanted}: {line}", client.name());
            }
        }
    }

    #[test]
    fn a_word_is_a_token() -> Result<()> {
        let folder = tempfile::tempdir().could_not("make a folder")?;
        let text = std::fs::read(tokenizer(folder.path())?.join("tokenizer.json")).could_not("read it")?;
        let read: Value = serde_json::from_slice(&text).could_not("read it")?;
        let vocabulary = read["model"]["vocab"].as_object().map(Map::len);
        // None twice: each has a number of its own.
        assert_eq!(vocabulary, Some(1 + WORDS.split_whitespace().count()));
        Ok(())
    }
}
