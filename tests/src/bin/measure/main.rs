//! Measures what Pilothouse promises, each figure beside its reference in the same run: `cargo xtask measure`.

mod act_crash;
mod acting;
mod attribution;
mod bench;
mod bench_client;
mod bench_local;
mod bench_verdict;
mod chance;
mod churn;
mod counted;
mod delivery_scale;
mod engine;
mod fleet_open;
mod follower;
mod journal;
mod made;
mod map_frames;
mod metrics_poll;
mod oci_tags;
mod parity;
mod peak;
mod plain;
mod processes;
mod recorded;
mod report;
mod scripted;
mod stand;
mod start;
mod statistics;
mod ticks;
mod timed;
mod wall_fanout;
mod watch_replay;
mod world_scale;

use acceptance::{Context, Failure, Result};
use report::{Form, Report};
use stand::{Size, Stand};
use std::process::ExitCode;

/// As the terminal and the browser door have it: what is measured in this process is theirs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What can be measured, in the order in which it is when all of it is.
const NAMES: [&str; 23] = [
    "fleet-open",
    "fleet-churn",
    "watch-replay",
    "start",
    "attribution",
    "world-scale",
    "metrics-poll",
    "map-frames",
    "journal-day",
    "journal-seek",
    "journal-crash",
    "wall-fanout",
    "oci-50k",
    "act-latency",
    "rollback-60",
    "act-crash",
    "parity",
    "delivery-scale",
    "bench-truth",
    "bench-lag",
    "bench-verdict",
    "bench-client",
    "bench-local",
];
/// What this program is called with by itself, to measure the world in a process that does nothing else.
const ALONE: &str = "--world-alone";
/// The same for polls of the Prometheus whose address follows.
const POLLS: &str = "--polls-alone";
/// The same for the pages of a registry's tags, whose address follows.
const TAGS: &str = "--tags-alone";
/// The same for a wall of screens, for as many minutes as follow.
const DAY: &str = "--wall-day";
/// The same for the scripted server of benchmarks, whose times and log follow.
const TRUTH: &str = "--truth";

#[tokio::main]
async fn main() -> ExitCode {
    // The one TLS provider of this process. Only a second call could fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| words.iter().any(|word| word == flag);
    if has(ALONE) {
        return world_scale::alone();
    }
    if let [journal::CHILD, ..] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return journal::child(&words[1..]);
    }
    if let [TRUTH, ..] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return acceptance::truth::program(&words[1..]).await;
    }
    if let [counted::FLAG, ..] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return counted::alone(&words[1..]);
    }
    if let [POLLS, url] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return metrics_poll::alone(url).await;
    }
    if let [TAGS, url] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return oci_tags::alone(url).await;
    }
    if let [DAY, minutes] = words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return wall_fanout::alone(minutes.parse().unwrap_or(1));
    }
    let mut report = Report::new(if has("--json") { Form::Json } else { Form::Table });
    let size = if has("--small") { Size::SMALL } else { Size::WHOLE };
    let names: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    match measure(&names, size, has("--hold"), &mut report).await {
        Ok(()) => report.end(),
        Err(failure) => {
            // What was measured before counts all the same.
            report.end();
            report::say(&failure.to_string());
            ExitCode::from(2)
        }
    }
}

async fn measure(names: &[&str], size: Size, hold: bool, report: &mut Report) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(name)) {
        return Err(Failure::new(format!("There is no figure \"{unknown}\". There are: {}.", NAMES.join(", "))));
    }
    let wanted = |name: &str| names.is_empty() || names.contains(&name);
    if wanted("start") {
        start::measure(report).await?;
    }
    if wanted("attribution") {
        attribution::measure(report)?;
    }
    if wanted("world-scale") {
        world_scale::measure(report).await?;
    }
    if wanted("metrics-poll") {
        metrics_poll::measure(report).await?;
    }
    let scale = if size.is_small() { journal::Scale::SMALL } else { journal::Scale::WHOLE };
    journal::measure(wanted, scale, report).await?;
    if wanted("map-frames") {
        map_frames::measure(size, report).await?;
    }
    if wanted("wall-fanout") {
        wall_fanout::measure(size, report).await?;
    }
    if wanted("oci-50k") {
        oci_tags::measure(size, report).await?;
    }
    if wanted("act-latency") {
        acting::latency(size, report).await?;
    }
    if wanted("rollback-60") {
        acting::rollback(size, report).await?;
    }
    if wanted("act-crash") {
        act_crash::measure(size, report).await?;
    }
    if wanted("parity") {
        parity::measure(report).await?;
    }
    if wanted("delivery-scale") {
        delivery_scale::measure(size, report).await?;
    }
    if wanted("bench-truth") {
        bench::truth(size, report)?;
    }
    if wanted("bench-lag") {
        bench::lag(size, report)?;
    }
    if wanted("bench-verdict") {
        bench_verdict::measure(size, report)?;
    }
    if wanted("bench-client") {
        bench_client::measure(size, report)?;
    }
    if wanted("bench-local") {
        bench_local::measure(size, report)?;
    }
    if !NAMES[..3].iter().any(|name| wanted(name)) {
        return Ok(());
    }
    let stand = Stand::build(size).await?;
    if hold {
        report::say(&format!("Ready until Ctrl-C: KUBECONFIG={}", stand.plane.kubeconfig().display()));
        return tokio::signal::ctrl_c().await.could_not("wait for Ctrl-C");
    }
    if wanted("fleet-open") {
        fleet_open::measure(&stand, report).await?;
    }
    if wanted("fleet-churn") {
        churn::measure(&stand, report).await?;
    }
    if wanted("watch-replay") {
        watch_replay::measure(stand, report).await?;
    }
    Ok(())
}
