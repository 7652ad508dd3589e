//! How well `pilothouse bench` tells the time, and how late it sends: as the program that is shipped, against a scripted
//! server in a process of its own, which notes when it really wrote each piece.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use acceptance::truth::{End, Logged, start_program};
use acceptance::{Context, Failure, Result, program};
use serde_json::Value;

use crate::TRUTH;
use crate::report::{Figure, Report, say};
use crate::stand::Size;
use crate::statistics::{median, quantile};

/// Pieces of an answer.
const PIECES: usize = 64;
/// How many at a time, milliseconds between pieces (median), and requests.
const LEVELS: [(u32, u32, u32); 4] = [(1, 20, 30), (32, 20, 320), (256, 20, 1_024), (1_000, 50, 3_000)];
/// Of fewer requests nothing is told.
const LEAST: usize = 10;
/// Milliseconds to the first piece (median).
const TTFT_MS: u32 = 40;
/// The deviation of the logarithm of all times.
const SIGMA: &str = "0.4";
/// Requests a second whose lag is measured.
const RATE: u32 = 2_000;
/// What is not told apart from the time on the way, in microseconds.
const ON_THE_WAY: i64 = 200;

/// What was kept of a run, and what the server did for it.
struct Ran {
    document: Value,
    requests: Vec<Value>,
    log: BTreeMap<String, Logged>,
}

/// Measures what is reported beside what the server did.
pub fn truth(size: Size, report: &mut Report) -> Result<()> {
    let (mut worst, mut saturated, mut processor) = ([0.0_f64; 4], 0, Vec::new());
    for (at_a_time, gap, requests) in LEVELS {
        let requests = if size.is_small() { requests.div_ceil(4).max(at_a_time * 2 + 10) } else { requests };
        let more = format!("--concurrency {at_a_time} --requests {requests} --output-tokens {PIECES}");
        let ran = ran([&TTFT_MS.to_string(), &gap.to_string(), SIGMA], &more)?;
        let errors = ran.errors()?;
        let [ttft, ttft_ratio, itl, itl_ratio] = errors;
        let client = &ran.document["client"];
        let seconds = client["processor_s"].as_f64().unwrap_or(f64::NAN);
        processor.push(seconds * 1e6 / (f64::from(requests) * PIECES as f64));
        let is_saturated = client["saturated"].as_bool() == Some(true);
        say(&format!(
            "bench-truth: {at_a_time} at a time: TTFT {ttft:.3} ms off (p50), its p99 by {:.2} %; gaps {itl:.3} ms, {:.2} %; \
             {seconds:.2} s of processor time{}",
            ttft_ratio * 100.0,
            itl_ratio * 100.0,
            if is_saturated { "; said to be saturated, and not counted" } else { "" }
        ));
        if is_saturated {
            saturated += 1;
        } else {
            worst.iter_mut().zip(errors).for_each(|(worst, error)| *worst = worst.max(error));
        }
    }
    let levels = LEVELS.len() as f64;
    if saturated == LEVELS.len() {
        return Err(Failure::new("this machine was too busy at each level: nothing can be told"));
    }
    let [ttft, ttft_ratio, itl, itl_ratio] = worst;
    report.add(Figure::new("bench-truth.ttft_p50_error_ms", ttft, "ms").at_most(1.0));
    report.add(Figure::new("bench-truth.ttft_p99_error_ratio", ttft_ratio, "").at_most(0.05));
    report.add(Figure::new("bench-truth.itl_p50_error_ms", itl, "ms").at_most(1.0));
    report.add(Figure::new("bench-truth.itl_p99_error_ratio", itl_ratio, "").at_most(0.05));
    report.add(Figure::new("bench-truth.saturated", saturated as f64, "").beside("levels", levels, ""));
    report.add(Figure::new("bench-truth.processor_us", median(&processor), "µs/piece"));
    Ok(())
}

/// Measures how late requests of one piece are sent that are due at their moments.
pub fn lag(size: Size, report: &mut Report) -> Result<()> {
    let seconds = if size.is_small() { 5 } else { 60 };
    let more = format!("--rate {RATE} --arrivals poisson --seconds {seconds} --input-tokens 16 --output-tokens 1");
    let ran = ran(["0", "0", "0"], &more)?;
    let lag = &ran.document["measures"]["lag"];
    let millis = |name: &str| lag[name].as_f64().unwrap_or(f64::NAN) / 1e3;
    let [answered, failed] =
        ["answered", "failed"].map(|name| ran.document["measures"]["requests"][name].as_f64().unwrap_or(f64::NAN));
    let memory = ran.document["client"]["peak_memory_bytes"].as_f64().unwrap_or(f64::NAN) / 1e6;
    report.add(Figure::new("bench-lag.p99_ms", millis("p99"), "ms").at_most(2.0).beside("median", millis("p50"), "ms"));
    report.add(Figure::new("bench-lag.early", ran.early() as f64, "").at_most(0.0));
    report.add(Figure::new("bench-lag.peak_rss_mb", memory, "MB").at_most(100.0));
    let rate = answered / f64::from(seconds);
    report.add(Figure::new("bench-lag.rate", rate, "/s").beside("asked for", f64::from(RATE), "/s"));
    report.add(Figure::new("bench-lag.failed", failed, "").at_most(0.0));
    Ok(())
}

/// A run of the shipped program against a server of these times.
fn ran(times: [&str; 3], more: &str) -> Result<Ran> {
    let folder = tempfile::tempdir().could_not("make a folder")?;
    let [log, file] = ["log.jsonl", "run.json"].map(|name| folder.path().join(name));
    let mut server = Command::new(std::env::current_exe().could_not("find this program")?);
    server.arg(TRUTH).args(times).arg(&log);
    let server: End = start_program(server)?;
    let mut client = Command::new(program("pilothouse")?);
    client.args(["bench", "run", &server.url, "--model", "truth", "--warm-up", "none"]).args(more.split(' '));
    client.arg("--out").arg(&file).env("PILOTHOUSE_HOME", folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
    let output = client.output().could_not("start pilothouse")?;
    if !output.status.success() {
        return Err(Failure::new(format!("pilothouse bench run: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let log = server.log(&log)?.into_iter().map(|logged| (logged.id.clone(), logged)).collect();
    let text = read(&file)?;
    let requests = read(&folder.path().join("run.requests.jsonl"))?;
    let requests: serde_json::Result<Vec<Value>> = requests.lines().map(serde_json::from_str).collect();
    Ok(Ran {
        document: serde_json::from_str(&text).could_not("read the run")?,
        requests: requests.could_not("read the requests")?,
        log,
    })
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).could_not(format!("read {}", file.display()))
}

impl Ran {
    /// Each request with what the server did for it.
    fn pairs(&self) -> Result<Vec<(&Value, &Logged)>> {
        let pairs = self.requests.iter().map(|request| {
            let id = format!("run-{}", request["n"]);
            let logged = self.log.get(&id).ok_or_else(|| Failure::new(format!("the server knows no request {id}")))?;
            Ok((request, logged))
        });
        pairs.collect()
    }

    /// How far times to the first piece are off in the middle (ms), their p99 by which share; and so of gaps.
    fn errors(&self) -> Result<[f64; 4]> {
        let (mut ttft, mut gaps) = (Compared::default(), Compared::default());
        for (request, logged) in self.pairs()? {
            let heard = &request["end"]["answered"];
            // The server does not see how long a new connection takes: only the time of its pieces is known of it.
            let is_new = !heard["connect_us"].is_null();
            let first = logged.wrote_us.first().copied().unwrap_or_default() - logged.received_us;
            if !is_new {
                ttft.add(heard["ttft_us"].as_f64().unwrap_or(f64::NAN), first as f64);
            }
            let told = heard["gaps_us"].as_array().into_iter().flatten().filter_map(Value::as_f64);
            let wrote = logged.wrote_us.windows(2).map(|pair| (pair[1] - pair[0]) as f64);
            told.zip(wrote).for_each(|(told, wrote)| gaps.add(told, wrote));
        }
        if ttft.so.len() < LEAST {
            return Err(Failure::new(format!("only {} requests used a connection again", ttft.so.len())));
        }
        Ok([ttft.off_ms(), ttft.p99_ratio(), gaps.off_ms(), gaps.p99_ratio()])
    }

    /// Requests that the server had before they were due.
    fn early(&self) -> usize {
        let number = |value: &Value| value.as_i64().unwrap_or_default();
        let Ok(pairs) = self.pairs() else { return self.requests.len() };
        let at = |logged: &Logged| i64::try_from(logged.received_us).unwrap_or(i64::MAX);
        // The quickest on its way tells how far the clocks are apart.
        let apart =
            pairs.iter().map(|(of, logged)| at(logged) - number(&of["intended_us"]) - number(&of["lag_us"])).min();
        let apart = apart.unwrap_or_default();
        pairs.iter().filter(|(of, logged)| at(logged) - apart + ON_THE_WAY < number(&of["intended_us"])).count()
    }
}

/// What was told beside what was so, in microseconds.
#[derive(Default)]
struct Compared {
    told: Vec<f64>,
    so: Vec<f64>,
}

impl Compared {
    fn add(&mut self, told: f64, so: f64) {
        self.told.push(told);
        self.so.push(so);
    }

    /// The middle of how far one value is off.
    fn off_ms(&self) -> f64 {
        let off: Vec<f64> = self.told.iter().zip(&self.so).map(|(told, so)| (told - so).abs()).collect();
        median(&off) / 1e3
    }

    fn p99_ratio(&self) -> f64 {
        (quantile(&self.told, 0.99) / quantile(&self.so, 0.99) - 1.0).abs()
    }
}
