//! Recordings of facts: `cargo xtask record FILE` keeps them, `cargo xtask replay FILE` folds them again.

mod recording;
mod replay;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use acceptance::{Context, Failure, Result};
use pilothouse_engine::{Clock, Engine, Options, Paths};
use pilothouse_journal::Reader;
use pilothouse_wire::Stamp;
use recording::Recording;

const USAGE: &str = "record FILE [--journal FILE | --demo | --context NAME] [--seconds N], or replay FILE";

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| {
        let at = words.iter().position(|word| word == flag)?;
        words.get(at + 1).cloned()
    };
    let outcome = match (words.first().map(String::as_str), words.get(1).map(PathBuf::from)) {
        (Some("replay"), Some(file)) => replay::run(&file),
        (Some("record"), Some(file)) => {
            let seconds = after("--seconds").and_then(|text| text.parse().ok()).unwrap_or(30);
            let from = From {
                journal: after("--journal").map(PathBuf::from),
                context: after("--context"),
                demo: words.iter().any(|word| word == "--demo"),
                length: Duration::from_secs(seconds),
            };
            record(&file, from).await
        }
        _ => Err(Failure::new(USAGE)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Where facts come from: a journal that is there, or an engine that is run for a while.
struct From {
    journal: Option<PathBuf>,
    context: Option<String>,
    demo: bool,
    length: Duration,
}

async fn record(file: &Path, from: From) -> Result<()> {
    let count = match &from.journal {
        Some(journal) => copy(journal, file)?,
        None if from.demo || from.context.is_some() => watch(from, file).await?,
        None => copy(&Paths::from_env().could_not("find the home folder")?.data().join("journal.db"), file)?,
    };
    let size = file.metadata().could_not(format!("read {}", file.display()))?.len();
    let _ = writeln!(std::io::stdout(), "{count} batches in {} ({} kB)", file.display(), size / 1_000);
    Ok(())
}

/// Runs an engine that records into a home of its own, and keeps its journal.
async fn watch(from: From, file: &Path) -> Result<u64> {
    let home = tempfile::tempdir().could_not("make a home")?;
    let paths = Paths::under(home.path());
    let journal = paths.data().join("journal.db");
    let options = Options { paths, demo: from.demo, only: from.context, record: true, clock: Clock::system() };
    let operator = Engine::start(options).await.could_not("start the engine")?;
    tokio::time::sleep(from.length).await;
    operator.shutdown().await;
    copy(&journal, file)
}

/// Copies a journal's batches.
fn copy(journal: &Path, file: &Path) -> Result<u64> {
    if !journal.is_file() {
        return Err(Failure::new(format!("{} is not there; name a journal, a context or the demo", journal.display())));
    }
    let mut recording = Recording::create(file)?;
    let mut outcome = Ok(());
    let read = Reader::new(journal).batches(Stamp(i64::MAX), |batch| {
        if outcome.is_ok() {
            outcome = recording.append(&batch);
        }
    });
    read.could_not("read the journal")?;
    outcome?;
    recording.finish()
}
