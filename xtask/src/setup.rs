//! `cargo xtask setup`: brings what is missing, says what and why, never asks, and is quick when
//! nothing is missing.

pub mod apt;
pub mod servers;
pub mod tools;
pub mod wasm;

use crate::stopwatch::Stopwatch;
use crate::{Outcome, repo};

/// What the machine is prepared for.
#[derive(clap::Args)]
pub struct Options {
    /// For ./run alone, or for everything that ./test needs
    #[arg(long = "for", value_enum, default_value_t = Purpose::Test)]
    purpose: Purpose,
}

/// The two commands have different needs.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Purpose {
    /// Build and open the program.
    Run,
    /// Run every test.
    Test,
}

/// The verb.
pub fn run(options: &Options) -> Outcome {
    prepare(options.purpose)
}

/// Installs what is missing for `purpose`.
pub fn prepare(purpose: Purpose) -> Outcome {
    let start = Stopwatch::start();
    apt::ensure(purpose)?;
    let wasm = wasm::ready()?;
    tools::binaryen();
    if purpose == Purpose::Test {
        tools::rust_components()?;
        tools::cargo_deny()?;
        tools::go()?;
        servers::ready()?;
    }
    println!(
        "This machine is ready: Rust {} for the host, {} for wasm; cache {} ({:.1} s).",
        repo::version_of("rustc"),
        wasm.version,
        repo::cache().display(),
        start.seconds()
    );
    Ok(())
}
