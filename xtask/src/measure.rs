//! `cargo xtask measure`: builds what is measured as it is shipped, and measures it.

use std::env;
use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::{Outcome, command, heal, model, repo};

/// What is measured, and how it is told.
#[derive(clap::Args)]
pub struct Options {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// A small fleet and short times: to try the measuring itself
    #[arg(long)]
    small: bool,
    /// Keep the servers of the figures until Ctrl-C, to look at by hand
    #[arg(long)]
    hold: bool,
    /// fleet-open, fleet-churn, watch-replay, start, attribution, world-scale, metrics-poll, map-frames, journal-day, journal-seek, journal-crash, wall-fanout, oci-50k, act-latency, rollback-60, act-crash, parity, delivery-scale, bench-truth, bench-lag, bench-verdict, bench-client, bench-local; all of them if none is given
    names: Vec<String>,
}

/// A program in the form in which it is shipped.
#[derive(Clone, Copy)]
pub struct Shipped {
    package: &'static str,
    program: &'static str,
    features: &'static [&'static str],
}

/// The terminal and the browser door.
pub const TERMINAL: Shipped = Shipped { package: "pilothouse-cli", program: "pilothouse", features: &[] };
/// The window.
pub const WINDOW: Shipped =
    Shipped { package: "pilothouse-desktop", program: "pilothouse-desktop", features: &["custom-protocol"] };

/// The verb.
pub fn run(options: &Options) -> Outcome {
    let wants = |name: &str| options.names.is_empty() || options.names.iter().any(|wanted| wanted == name);
    let on_servers = ["fleet-open", "fleet-churn", "watch-replay"].into_iter().any(wants);
    let on_acts = ["act-latency", "rollback-60", "act-crash", "parity", "delivery-scale"].into_iter().any(wants);
    if on_servers || on_acts || wants("oci-50k") {
        aside(&["servers"])?;
    }
    if wants("bench-client") {
        aside(&["servers", "--peers"])?;
    }
    let on_bench = ["bench-truth", "bench-lag", "bench-client", "bench-local"].into_iter().any(wants);
    if wants("bench-local") {
        aside(&["servers"])?;
    }
    let on_pages = ["start", "map-frames"].into_iter().any(wants);
    if on_servers || on_pages {
        aside(&["ui"])?;
    }
    if wants("fleet-open")
        || wants("wall-fanout")
        || wants("act-crash")
        || wants("delivery-scale")
        || on_bench
        || on_pages
    {
        build(TERMINAL)?;
    }
    if on_pages {
        build(WINDOW)?;
    }
    let mut measure = tool("measure")?;
    if wants("bench-local") {
        measure.env("PILOTHOUSE_LLAMA_BENCH", model::reference::llama_bench()?);
    }
    measure.args(options.json.then_some("--json")).args(options.small.then_some("--small"));
    measure.args(options.hold.then_some("--hold")).args(&options.names);
    command::show(&mut measure)
}

/// Another of our verbs, whose output goes to where progress goes: ours is for figures alone.
pub fn aside(words: &[&str]) -> Outcome {
    let own = env::current_exe().map_err(|error| format!("xtask does not find itself: {error}"))?;
    command::show(command::program(own).args(words).stdout(Stdio::from(std::io::stderr())))
}

/// Builds a program as it is shipped.
pub fn build(shipped: Shipped) -> Outcome {
    let features = shipped.features.iter().flat_map(|feature| ["--features", feature]);
    release(shipped.package, shipped.program, features)
}

/// A program of package `acceptance`, built and told where the other programs are.
pub fn tool(program: &'static str) -> Result<Command, String> {
    release("acceptance", program, [])?;
    let folder = repo::host_target().join("release");
    let mut tool = command::program(folder.join(program));
    tool.env("PILOTHOUSE_CACHE", repo::cache()).env("PILOTHOUSE_BIN", folder);
    Ok(tool)
}

fn release<'a>(package: &str, program: &str, features: impl IntoIterator<Item = &'a str>) -> Outcome {
    let mut cargo = command::cargo();
    cargo.args(["build", "--release", "--package", package, "--bin", program]);
    cargo.args(features.into_iter().map(OsString::from));
    heal::cargo(&mut cargo, &repo::host_target(), "release")
}
