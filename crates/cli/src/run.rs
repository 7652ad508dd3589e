//! From the arguments to the command, and from its end to the exit code.

use crate::{
    act,
    args::{Arguments, ListArgs, Verb},
    artifacts, audit, bench, can, connect, describe, diff, doctor,
    exit::{Exit, Failed},
    fleet, get, journal, list, logs, manual, models,
    out::{Style, note},
    preflight, problems, record, rollback, rollout, room,
    rows::{ConnectionLine, FindingLine, GpuLine, NodeLine, PodLine, WorkloadLine},
    runs, serve,
};
use clap::Parser;
use pilothouse_wire::{
    Code, Problem,
    units::visible,
    view::{AlertRow, WasteItem},
};
use std::process::ExitCode;

/// Two are enough for an engine and a door; more would only cost time to start.
const WORKERS: usize = 2;

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let err = Style::stderr(&arguments);
    log(err);
    // The one TLS provider of this process. Only a second call could fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem = Problem::new(Code::Internal, "This system gives no threads.").why(format!("{error}."));
            return end(Err(problem.into()), err);
        }
    };
    let outcome = runtime.block_on(run(&arguments, err));
    // A plug-in or a file system that hangs must not keep the terminal.
    runtime.shutdown_background();
    end(outcome, err)
}

async fn run(arguments: &Arguments, err: Style) -> Result<Exit, Failed> {
    let out = Style::stdout(arguments);
    if tells_of_cut(&arguments.verb) {
        audit::tell_of_cut(err);
    }
    match &arguments.verb {
        Verb::Fleet(of) => fleet::run(of, out, err).await,
        Verb::Nodes(of) => list::run_or_draw::<NodeLine>(of, out, err).await,
        Verb::Gpus(of) => list::run_or_draw::<GpuLine>(of, out, err).await,
        Verb::Workloads(of) => list::run_or_draw::<WorkloadLine>(of, out, err).await,
        Verb::Room(of) => room::run(of, out, err).await,
        Verb::Waste(of) => list::run_or_draw::<WasteItem>(of, out, err).await,
        Verb::Findings(of) => list::run::<FindingLine>(of, out, err).await,
        Verb::Logs(of) => logs::run(of, out, err).await,
        Verb::Alerts(of) => list::run::<AlertRow>(of, out, err).await,
        Verb::Artifacts(of) => artifacts::run(of, out, err).await,
        Verb::Pods(of) => list::run::<PodLine>(of, out, err).await,
        Verb::Models(of) => models::run(of, out, err).await,
        Verb::Runs(of) => runs::run(of, out, err).await,
        Verb::Rollout(of) => rollout::run(&of.verb, out, err).await,
        Verb::Preflight(of) => preflight::run(of, out, err).await,
        Verb::Bench(of) => bench::run(of, out, err).await,
        Verb::Get(of) => get::run(of, out, err).await,
        Verb::Describe(of) => describe::run(of, out, err).await,
        Verb::Diff(of) => diff::run(of, out, err).await,
        Verb::Connections(of) => connections(of, out, err).await,
        Verb::Connect(of) => connect::run(&of.verb, out, err).await,
        Verb::Act(of) => act::run(of, out, err).await,
        Verb::Can(of) => can::run(of, out, err).await,
        Verb::Rollback(of) => rollback::run(of, out, err).await,
        Verb::Audit(of) => audit::run(of, out).await,
        Verb::Serve(of) => serve::run(of, err).await,
        Verb::Record(of) => record::run(of, err).await,
        Verb::Journal(of) => journal::run(of, out).await,
        Verb::Open(of) => serve::run_on_record(of, err).await,
        Verb::Doctor => doctor::run(out).await,
        Verb::Completions { shell } => manual::completions(*shell),
        Verb::Man => manual::page(),
    }
}

/// Is this where a person acts, or looks what became of that? There an action that was cut is told of.
fn tells_of_cut(verb: &Verb) -> bool {
    matches!(verb, Verb::Act(_) | Verb::Rollback(_) | Verb::Rollout(_) | Verb::Connections(_) | Verb::Doctor)
}

async fn connections(of: &ListArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    list::run::<ConnectionLine>(of, out, err).await
}

fn end(outcome: Result<Exit, Failed>, err: Style) -> ExitCode {
    match outcome {
        Ok(exit) => exit.into(),
        Err(Failed::NobodyReads) => ExitCode::SUCCESS,
        // It repeats what was typed, which may have been pasted from anywhere.
        Err(Failed::Usage(why)) => {
            note(&visible(&why));
            ExitCode::from(2)
        }
        Err(Failed::Problem(problem)) => {
            problems::tell(&problem, err);
            ExitCode::FAILURE
        }
    }
}

/// Logs to stderr if somebody asks for it: `PILOTHOUSE_LOG=debug`.
fn log(err: Style) {
    if let Ok(wanted) = std::env::var("PILOTHOUSE_LOG") {
        let filter = tracing_subscriber::EnvFilter::new(wanted);
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(err.colour)
            .try_init();
    }
}
