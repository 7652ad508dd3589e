//! One poll of a fleet's measurements: a real Prometheus that scraped 1,000 exporters of 8 GPUs each, asked by the
//! connector, until the facts are folded; beside curl, asking the same questions one after the other.
//!
//! `cpu_percent` is the processor time of the process that polls and folds, as a share of one core, were a poll made every
//! 15 seconds. The polls are made in a process of their own, since this one serves the exporters' pages.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use acceptance::exporter::Node;
use acceptance::prometheus::Job;
use acceptance::{Context, Exporters, Failure, Prometheus, Result};
use pilothouse_connect::{Clock, Opening, Relays};
use pilothouse_connect_http::prometheus::measuring::Polls;
use pilothouse_wire::ConnectionId;
use pilothouse_world::{Fact, World};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::Instant;

use crate::report::{self, Figure, Report, say};
use crate::statistics::{median, millis};
use crate::{POLLS, made, processes, timed};

const NODES: usize = 1_000;
/// GPUs of a node.
const GPUS: u16 = 8;
/// Long, so that few scrapes fall into the measuring.
const SCRAPE: Duration = Duration::from_secs(50);
/// How often a poll is made in use.
const PERIOD: Duration = Duration::from_secs(15);
const ROUNDS: usize = 5;
/// Polls of a round.
const AT_A_TIME: usize = 5;

/// What is left of an exporter's list: the eight metrics that a fleet is watched by.
const FIELDS: [&str; 8] = [
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    "DCGM_FI_PROF_DRAM_ACTIVE",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_FI_DEV_SM_CLOCK",
    "DCGM_FI_DEV_XID_ERRORS",
];

/// Measures it.
pub async fn measure(report: &mut Report) -> Result<()> {
    say("metrics-poll: Prometheus scrapes its exporters once.");
    let exporters = Exporters::serve((0..NODES).map(|number| {
        let mut node = Node::new(&format!("gpu-{number:04}"), GPUS, "NVIDIA H100 80GB HBM3", 81_559);
        node.leave_only(&FIELDS);
        node
    }))
    .await?;
    let prometheus = Prometheus::start(SCRAPE, &[Job::new("dcgm", exporters.gpu_targets())]).await?;
    let (mut ratios, mut polls, mut curls, mut cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let told = polled(&prometheus.url()).await?;
        let list = |key: &str| told[key].as_array().cloned().unwrap_or_default();
        let ours = median(&list("poll_ms").iter().filter_map(Value::as_f64).collect::<Vec<_>>());
        let queries: Vec<String> = list("queries").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if told["readings"].as_u64() != Some((NODES * usize::from(GPUS) * FIELDS.len()) as u64) {
            return Err(Failure::new(format!("{} readings came of one poll", told["readings"])));
        }
        let mut theirs = Vec::new();
        for _ in 0..AT_A_TIME {
            theirs.push(millis(timed::run(curl(&prometheus.url(), &queries)).await?.took));
        }
        let theirs = median(&theirs);
        say(&format!("  {ours:.0} ms, curl {theirs:.0} ms, {} questions", queries.len()));
        ratios.push(ours / theirs);
        polls.push(ours);
        curls.push(theirs);
        cpu.push(told["cpu_ms"].as_f64().unwrap_or(f64::NAN) / millis(PERIOD) * 100.0);
    }
    report.add(Figure::new("metrics-poll.ms", median(&polls), "ms"));
    report.add(Figure::new("metrics-poll.ratio", median(&ratios), "×").at_most(1.3).beside(
        "curl, one after the other",
        median(&curls),
        "ms",
    ));
    report.add(Figure::new("metrics-poll.cpu_percent", median(&cpu), "%").at_most(10.0));
    Ok(())
}

async fn polled(url: &str) -> Result<Value> {
    let own = std::env::current_exe().could_not("find this program")?;
    let mut command = Command::new(own);
    command.args([POLLS, url]);
    serde_json::from_slice(&timed::run(command).await?.output).could_not("read what the process told")
}

/// curl over one connection, with each question as the connector asks it, but for the compression.
fn curl(url: &str, queries: &[String]) -> Command {
    let mut curl = Command::new("curl");
    for (number, query) in queries.iter().enumerate() {
        curl.args((number > 0).then_some("--next"));
        curl.args(["--silent", "--fail", "--noproxy", "*", "--output", "/dev/null"]);
        curl.args(["--data-urlencode", &format!("query={query}")]).arg(format!("{url}/api/v1/query"));
    }
    curl
}

/// Polls in a process that does nothing else: tells the times on its output.
pub async fn alone(url: &str) -> ExitCode {
    match polls(url).await {
        Ok(told) => {
            report::tell(&told.to_string());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            report::say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn polls(url: &str) -> Result<Value> {
    let id = ConnectionId::slug("metrics");
    let opening = Opening {
        id: id.clone(),
        name: "metrics".to_owned(),
        values: BTreeMap::from([("url".to_owned(), url.to_owned())]),
        secrets: BTreeMap::new(),
        trusted: Vec::new(),
        clock: Clock::system(),
        relays: Relays::none(),
        sought: &[],
    };
    let failed = |problem: pilothouse_wire::Problem| Failure::new(format!("{problem:?}"));
    let mut polls = Polls::open(opening).map_err(failed)?;
    let mut world = World::default();
    // The look at the whole fleet, and a poll to warm up.
    for _ in 0..2 {
        world.apply(made::news(&id, made::START, polls.poll().await.map_err(failed)?));
    }
    let (mut times, mut readings) = (Vec::new(), 0);
    let before = processes::processor_time()?;
    for _ in 0..AT_A_TIME {
        let began = Instant::now();
        let facts = polls.poll().await.map_err(failed)?;
        readings = facts.iter().map(of_fact).sum::<usize>();
        world.apply(made::news(&id, made::START, facts));
        times.push(millis(began.elapsed()));
    }
    let took = processes::processor_time()?.saturating_sub(before);
    let cpu = millis(took) / AT_A_TIME as f64;
    Ok(json!({ "poll_ms": times, "cpu_ms": cpu, "queries": polls.queries(), "readings": readings }))
}

/// Readings of a fact.
fn of_fact(fact: &Fact) -> usize {
    match fact {
        Fact::Readings(readings) => {
            let columns = readings.columns.iter().flat_map(|(_, column)| column);
            columns.filter(|reading| !reading.is_absent()).count()
        }
        _ => 0,
    }
}
