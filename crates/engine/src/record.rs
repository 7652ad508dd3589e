//! The record as a file: where it is, a part of it to be sent, and one that somebody else kept, here or far away.

pub mod far;
mod moment;

use crate::{Paths, past};
pub use moment::{Moment, span};
use pilothouse_journal::Limits;
pub use pilothouse_journal::{Exported, Info, Manifest, Names, Prepared, Reader};
use pilothouse_wire::{
    Code, Problem, Stamp,
    record::{RecordBounds, RecordInfo},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// The journal of this account.
#[must_use]
pub fn file(paths: &Paths) -> PathBuf {
    crate::checks::journal_file(paths)
}

/// A reader of the journal in a file.
///
/// # Errors
/// If there is no such file.
pub fn reader(file: &Path) -> Result<Reader, Problem> {
    if !file.is_file() {
        return Err(Problem::new(Code::NotFound, format!("There is no record at {}.", file.display()))
            .next("The window, `pilothouse serve` and `pilothouse record` write one."));
    }
    Ok(Reader::new(file))
}

/// What a record is, for a screen that shows it. Blocks.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn info(reader: &Reader, recording: bool) -> Result<RecordInfo, Problem> {
    let info = reader.info()?;
    Ok(RecordInfo {
        file: reader.path().display().to_string(),
        recording,
        span: info.span,
        bytes: info.bytes,
        used: info.used,
        bounds: recording.then(bounds),
        readings: info.reading_bytes,
        facts: info.batch_bytes,
        worlds: info.worlds,
        world_bytes: info.world_bytes,
        runs: info.runs,
        gaps: info.gaps,
    })
}

/// Those with which every engine records.
fn bounds() -> RecordBounds {
    let limits = Limits::default();
    let thinned = limits.thin.map(|thinning| (thinning.whole, thinning.minutes));
    RecordBounds { bytes: limits.bytes, age: limits.age, thinned }
}

/// A record that was opened: an export is unpacked into a folder of its own, which goes with it.
#[derive(Debug)]
pub struct Opened {
    path: PathBuf,
    name: String,
    told: Option<(Stamp, Stamp)>,
    _folder: Option<TempDir>,
}

impl Opened {
    /// The journal.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is called: its file, or where it came from.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// From when to when an export was made; `None` of a journal.
    #[must_use]
    pub fn told(&self) -> Option<(Stamp, Stamp)> {
        self.told
    }
}

/// Opens an export, or a journal as it is. Who gives up meanwhile leaves nothing behind.
///
/// # Errors
/// If it is neither; of an export, which chunk of it is not as it was written.
pub async fn open(file: &Path) -> Result<Opened, Problem> {
    let (path, name) = (file.to_owned(), file.file_name().unwrap_or_default().to_string_lossy().into_owned());
    let looked = file.to_owned();
    let look = move || reader(&looked).map(|_| pilothouse_journal::is_export(&looked));
    match past::apart(look).await.flatten()? {
        true => unpack(path, name, folder()?).await,
        false => Ok(Opened { path, name, told: None, _folder: None }),
    }
}

/// Unpacks an export. The folder is not the work's, which goes on where nobody waits for it.
async fn unpack(file: PathBuf, name: String, folder: TempDir) -> Result<Opened, Problem> {
    let path = folder.path().join("journal.db");
    let into = path.clone();
    let manifest = past::apart(move || pilothouse_journal::import(&file, &into)).await.flatten()?;
    Ok(Opened { path, name, told: Some((manifest.since, manifest.until)), _folder: Some(folder) })
}

/// Writes a part of a record into a new file. Blocks.
///
/// # Errors
/// If the file is there or cannot be written, or nothing is told of that time.
pub fn export(
    reader: &Reader,
    from: Moment,
    to: Option<Moment>,
    names: Names,
    into: &Path,
) -> Result<Exported, Problem> {
    let (since, until) = within(reader, from, to)?;
    pilothouse_journal::export(reader, since, until, names, into)
}

/// Makes a part of a record to be sent; beside it, in a file without a name, it stands until then. Blocks.
///
/// # Errors
/// If nothing is told of that time, or there is no room.
pub fn part(reader: &Reader, from: Moment, to: Option<Moment>) -> Result<Prepared, Problem> {
    let (since, until) = within(reader, from, to)?;
    // Not where temporary files are: that may be memory.
    let beside = reader.path().parent().unwrap_or(Path::new("."));
    pilothouse_journal::prepare(reader, since, until, Names::Own, beside)
}

fn within(reader: &Reader, from: Moment, to: Option<Moment>) -> Result<(Stamp, Stamp), Problem> {
    let nothing = || Problem::new(Code::NotFound, format!("Nothing is recorded in {} yet.", reader.path().display()));
    let (_, end) = reader.span()?.ok_or_else(nothing)?;
    Ok((from.of(end), to.map_or(end, |to| to.of(end))))
}

/// A folder that only this person may enter, and that goes with what is in it.
fn folder() -> Result<TempDir, Problem> {
    tempfile::tempdir().map_err(|error| {
        Problem::new(Code::Internal, "There is no room to unpack the export.").why(format!("{error}."))
    })
}

/// Drops from a journal what is older than this before its end. Answers how many bytes that gave back. Blocks.
///
/// # Errors
/// If somebody records into it, or it cannot be used.
pub fn prune(file: &Path, older_than: Duration) -> Result<u64, Problem> {
    match reader(file)?.span()? {
        Some((_, end)) => pilothouse_journal::prune_before(file, end.minus(older_than)),
        None => Ok(0),
    }
}
