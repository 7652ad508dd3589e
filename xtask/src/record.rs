//! `cargo xtask record` and `cargo xtask replay`: keep facts in a file, and fold them again.

use std::env;
use std::path::PathBuf;

use crate::measure::tool;
use crate::{Outcome, command};

/// What is recorded; without a source, the journal of this account.
#[derive(clap::Args)]
pub struct Record {
    /// Where to
    file: PathBuf,
    /// A journal: data/journal.db of a PILOTHOUSE_HOME
    #[arg(long, value_name = "FILE", conflicts_with_all = ["demo", "context"])]
    journal: Option<PathBuf>,
    /// The demo fleet
    #[arg(long, conflicts_with = "context")]
    demo: bool,
    /// A connection, or a context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// How long the demo fleet or the context is recorded
    #[arg(long, value_name = "N", default_value_t = 30)]
    seconds: u64,
}

/// What is folded.
#[derive(clap::Args)]
pub struct Replay {
    /// A recording
    file: PathBuf,
}

/// The verb `record`.
pub fn record(options: &Record) -> Outcome {
    let mut program = tool("record")?;
    program.arg("record").arg(here(&options.file)?);
    if let Some(journal) = &options.journal {
        program.arg("--journal").arg(here(journal)?);
    }
    program.args(options.demo.then_some("--demo"));
    if let Some(context) = &options.context {
        program.args(["--context", context]);
    }
    command::show(program.args(["--seconds", &options.seconds.to_string()]))
}

/// The verb `replay`.
pub fn replay(options: &Replay) -> Outcome {
    command::show(tool("record")?.arg("replay").arg(here(&options.file)?))
}

/// Programs start in the root of the repository; a path is from where the person is.
fn here(path: &std::path::Path) -> Result<PathBuf, String> {
    env::current_dir().map(|folder| folder.join(path)).map_err(|error| format!("there is no current folder: {error}"))
}
