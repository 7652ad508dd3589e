//! The commands about the record: what it is, a part of it as a file, whether it is whole, less of it.

use crate::{
    exit::{Exit, Failed},
    far::{self, FarArgs, Place},
    journal_args::{JournalArgs, JournalVerb},
    json,
    out::{Style, Tone, note, stdout},
    past,
};
use pilothouse_engine::{
    Paths,
    record::{self, Moment, Names},
};
use pilothouse_wire::{
    Code, Problem, Stamp,
    units::{bytes, count, span, visible},
};
use serde::Serialize;
use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

/// What whoever sends an export on should know.
const NAMES: &str =
    "It names nodes, pods, namespaces and images as they are called: --pseudonyms gives them other names.";
/// The same of one with pseudonyms.
const OTHER_NAMES: &str = "Names and texts are replaced, and nobody can take that back. Times, sizes, products, kinds and \
                           what was measured stay: who knows the fleet may still recognise it.";

/// Does what was asked for with the record.
pub async fn run(of: &JournalArgs, out: Style) -> Result<Exit, Failed> {
    let place = of.journal.clone().map_or_else(own, Ok)?;
    match &of.verb {
        JournalVerb::Info { json } => info(here(place)?, *json, out).await,
        JournalVerb::Verify { file: Some(other) } => verify(other.clone(), out).await,
        JournalVerb::Verify { file: None } => verify(here(place)?, out).await,
        JournalVerb::Prune { older_than } => prune(here(place)?, *older_than).await,
        JournalVerb::Export { from, to, pseudonyms, far, file } => match place {
            Place::Here(journal) if *pseudonyms => export(journal, *from, *to, Names::Pseudonyms, file.clone()).await,
            Place::Here(journal) => export(journal, *from, *to, Names::Own, file.clone()).await,
            Place::Far(address) if *pseudonyms => {
                let opened = far::open(&Place::Far(address), far, Some(*from), *to).await?;
                // What was asked for has come: spans of it would be cut off once more.
                let (since, until) =
                    opened.told().map_or((*from, *to), |told| (Moment::At(told.0), Some(Moment::At(told.1))));
                export(opened.path().to_owned(), since, until, Names::Pseudonyms, file.clone()).await
            }
            Place::Far(address) => fetch(&address, far, *from, *to, file).await,
        },
    }
}

/// A journal or an export of this machine.
fn here(place: Place) -> Result<PathBuf, Problem> {
    match place {
        Place::Here(file) => Ok(file),
        Place::Far(address) => {
            Err(Problem::new(Code::NotOffered, format!("{address} gives its record, and does nothing with it."))
                .why("What is asked for is done with a file.")
                .next("Export a part of it into a file: pilothouse journal --journal ADDRESS export --from 2h FILE."))
        }
    }
}

/// The journal of this account.
fn own() -> Result<Place, Problem> {
    Ok(Place::Here(record::file(&Paths::from_env()?)))
}

/// Does work that waits for the disk.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::new(Code::Internal, "The record could not be used.").why(error.to_string()))?
}

#[derive(Serialize)]
struct InfoDocument {
    file: String,
    bytes: u64,
    used_bytes: u64,
    since: Option<Stamp>,
    until: Option<Stamp>,
    runs: u64,
    worlds: u64,
    world_bytes: u64,
    batch_bytes: u64,
    reading_bytes: ReadingBytes,
    gaps: Vec<json::GapDocument>,
}

#[derive(Serialize)]
struct ReadingBytes {
    whole: u64,
    by_minute: u64,
    by_ten_minutes: u64,
}

async fn info(file: PathBuf, as_json: bool, style: Style) -> Result<Exit, Failed> {
    let name = file.display().to_string();
    let info = aside(move || record::reader(&file)?.info()).await?;
    let [whole, by_minute, by_ten_minutes] = info.reading_bytes;
    let document = InfoDocument {
        file: name,
        bytes: info.bytes,
        used_bytes: info.used,
        since: info.span.map(|(since, _)| since),
        until: info.span.map(|(_, until)| until),
        runs: info.runs,
        worlds: info.worlds,
        world_bytes: info.world_bytes,
        batch_bytes: info.batch_bytes,
        reading_bytes: ReadingBytes { whole, by_minute, by_ten_minutes },
        gaps: json::gaps(&info.gaps),
    };
    let mut out = stdout();
    if as_json {
        json::write(&mut out, &document, false)?;
        return Ok(Exit::Ok);
    }
    let mut line = |name: &str, text: String| writeln!(out, "{:<12}{text}", style.paint(Tone::Soft, name));
    line("File", format!("{}, {}", visible(&document.file), bytes(document.bytes)))?;
    match info.span {
        Some((since, until)) => line("Tells", format!("{since} to {until}, {}", span(until.since(since))))?,
        None => line("Tells", "nothing yet".into())?,
    }
    line(
        "Readings",
        format!(
            "{} as heard, {} by the minute, {} by ten minutes",
            bytes(whole),
            bytes(by_minute),
            bytes(by_ten_minutes)
        ),
    )?;
    line("Facts", bytes(info.batch_bytes))?;
    line("Worlds", format!("{}, {}", count(info.worlds), bytes(info.world_bytes)))?;
    line("Runs", count(info.runs))?;
    for gap in &document.gaps {
        let [since, until] = [gap.since, gap.until].map(|at| at.map(|at| at.to_string()).unwrap_or_default());
        line("Missing", format!("{since} to {until}: {}", visible(&gap.why)))?;
    }
    Ok(Exit::Ok)
}

async fn export(file: PathBuf, from: Moment, to: Option<Moment>, names: Names, into: PathBuf) -> Result<Exit, Failed> {
    let name = into.display().to_string();
    let exported = aside(move || record::export(&record::reader(&file)?, from, to, names, &into));
    let exported = exported.await?;
    let manifest = &exported.manifest;
    writeln!(
        stdout(),
        "{}: {} to {}, {} batches of {} connections in {} chunks, {}",
        visible(&name),
        manifest.since,
        manifest.until,
        count(manifest.batches),
        manifest.sources.len(),
        manifest.frames.len(),
        bytes(exported.bytes),
    )?;
    note(match names {
        Names::Own => NAMES,
        Names::Pseudonyms => OTHER_NAMES,
    });
    Ok(Exit::Ok)
}

async fn fetch(
    address: &record::far::Address,
    far: &FarArgs,
    from: Moment,
    to: Option<Moment>,
    into: &Path,
) -> Result<Exit, Failed> {
    far::fetch(address, far, from, to, into).await?;
    writeln!(stdout(), "{}: whole, as {address} sent it", visible(&into.display().to_string()))?;
    note(NAMES);
    Ok(Exit::Ok)
}

async fn verify(file: PathBuf, style: Style) -> Result<Exit, Failed> {
    let name = file.display().to_string();
    let opened = past::open(file).await?;
    let path = opened.path().to_owned();
    let wrong = aside(move || record::reader(&path)?.verify()).await?;
    let mut out = stdout();
    for what in &wrong {
        writeln!(out, "{}", style.paint(Tone::Bad, &visible(what)))?;
    }
    if wrong.is_empty() {
        writeln!(out, "{} is whole.", visible(&name))?;
        return Ok(Exit::Ok);
    }
    drop(opened);
    let problem = Problem::new(Code::BadInput, format!("{name} is damaged in {} places.", wrong.len()));
    Err(problem.next("What is not named still shows. Times that cannot be shown are said when they are sought.").into())
}

async fn prune(file: PathBuf, older_than: Duration) -> Result<Exit, Failed> {
    let freed = aside(move || record::prune(&file, older_than)).await?;
    writeln!(stdout(), "{} given back.", bytes(freed))?;
    Ok(Exit::Ok)
}
