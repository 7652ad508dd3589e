//! The record as a file: where it is, a part of it to be sent, and one that somebody else kept, here or far away.

pub mod far;
mod moment;

use crate::Paths;
pub use moment::{Moment, span};
use pilothouse_journal::Limits;
pub use pilothouse_journal::{Exported, Info, Manifest, Names, Prepared, Reader};
use pilothouse_wire::{
    Code, Problem, Stamp,
    record::{RecordBounds, RecordInfo},
};
use std::{
    fs::File,
    io,
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
}

/// Opens an export, or a journal as it is. Blocks.
///
/// # Errors
/// If it is neither; of an export, which chunk of it is not as it was written.
pub fn open(file: &Path) -> Result<Opened, Problem> {
    reader(file)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !pilothouse_journal::is_export(file) {
        return Ok(Opened { path: file.to_owned(), name, _folder: None });
    }
    let folder = folder()?;
    let path = folder.path().join("journal.db");
    pilothouse_journal::import(file, &path)?;
    Ok(Opened { path, name, _folder: Some(folder) })
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

/// Unpacks an export into the folder that it is in, which goes with what is answered; the export itself goes at once.
/// Blocks.
fn unpack(file: &Path, name: String, folder: TempDir) -> Result<Opened, Problem> {
    let path = folder.path().join("journal.db");
    pilothouse_journal::import(file, &path)?;
    let _ = std::fs::remove_file(file);
    Ok(Opened { path, name, _folder: Some(folder) })
}

/// A folder that only this person may enter, and that goes with what is in it.
fn folder() -> Result<TempDir, Problem> {
    tempfile::tempdir().map_err(|error| {
        Problem::new(Code::Internal, "There is no room to unpack the export.").why(format!("{error}."))
    })
}

/// A new file that only this person may read.
fn private(path: &Path) -> Result<File, Problem> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Problem::new(Code::Exists, format!("{} is there already.", path.display()))
            .next("Give another name, or move it away."),
        _ => not_written(path, &error),
    })
}

fn not_written(path: &Path, error: &io::Error) -> Problem {
    Problem::new(Code::Internal, format!("{} cannot be written.", path.display())).why(format!("{error}."))
}

fn unusable(error: &tokio::task::JoinError) -> Problem {
    Problem::new(Code::Internal, "The record could not be used.").why(error.to_string())
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
