//! The developer's verbs: `cargo xtask VERB`. Knows the repository, never the product's data.

mod bless;
mod check;
mod command;
mod fuzz;
mod heal;
mod lanes;
mod layers;
mod measure;
mod model;
mod new;
mod programs;
mod record;
mod repo;
mod run;
mod screenshots;
mod servers;
mod setup;
mod sources;
mod stages;
mod steps;
mod stopwatch;
mod test;
mod tidy;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What every verb gives back: nothing, or a sentence that says what to do.
type Outcome = Result<(), String>;

/// The developer's verbs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what is missing on this machine; never asks
    Setup(setup::Options),
    /// Build the interface into ui/dist
    Ui(ui::Options),
    /// Build the real servers that the tests start
    Servers {
        /// Install the other clients instead that bench-client is measured beside (AIPerf, GuideLLM; 7 GB)
        #[arg(long)]
        peers: bool,
    },
    /// Build the program that loads models out of files (llama.cpp takes minutes)
    Model,
    /// Format, layers, tidy, clippy, licences and the tests that need no server
    Check,
    /// Does each crate use only lower layers?
    Layers,
    /// House rules that no other tool checks
    Tidy,
    /// Build and open the window, or the browser door where there is no display (./run)
    Run(run::Options),
    /// Everything, from format to the window (./test)
    Test(test::Options),
    /// Rewrite the golden files from what the code does today, and show the difference
    Bless(bless::Options),
    /// Measure what is promised, each figure beside its reference
    Measure(measure::Options),
    /// Give the parsers of foreign bytes inputs that nobody thought of
    Fuzz(fuzz::Options),
    /// Take the pictures of the README
    Screenshots,
    /// Keep facts in a file, for tests
    Record(record::Record),
    /// Fold a recording and print what it comes to
    Replay(record::Replay),
    /// Start a new connector or screen: its folder, its word, and a failing test
    #[command(subcommand)]
    New(new::What),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Setup(options) => setup::run(&options),
        Verb::Ui(options) => ui::run(&options),
        Verb::Servers { peers: true } => servers::build_peers(),
        Verb::Servers { peers: false } => stages::servers(),
        Verb::Model => model::run(),
        Verb::Check => check::run(),
        Verb::Layers => layers::run(),
        Verb::Tidy => tidy::run(),
        Verb::Run(options) => run::run(&options),
        Verb::Test(options) => test::run(&options),
        Verb::Bless(options) => bless::run(&options),
        Verb::Measure(options) => measure::run(&options),
        Verb::Fuzz(options) => fuzz::run(&options),
        Verb::Screenshots => screenshots::run(),
        Verb::Record(options) => record::record(&options),
        Verb::Replay(options) => record::replay(&options),
        Verb::New(what) => new::run(&what),
    };
    sources::confirm();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("\n{why}");
            ExitCode::FAILURE
        }
    }
}
