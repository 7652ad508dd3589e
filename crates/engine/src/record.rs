//! The record as a file: where it is, a part of it to be sent, and one that somebody else kept.

use crate::Paths;
use pilothouse_journal::Limits;
pub use pilothouse_journal::{Exported, Gap, Info, Manifest, Reader, export};
use pilothouse_wire::{
    Code, Problem,
    record::{RecordBounds, RecordGap, RecordInfo},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

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
    let gaps = info.gaps.iter().map(|gap| RecordGap { since: gap.since, until: gap.until, why: gap.to_string() });
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
        gaps: gaps.collect(),
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
    _folder: Option<tempfile::TempDir>,
}

impl Opened {
    /// The journal.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens an export, or a journal as it is. Blocks.
///
/// # Errors
/// If it is neither; of an export, which chunk of it is not as it was written.
pub fn open(file: &Path) -> Result<Opened, Problem> {
    reader(file)?;
    if !pilothouse_journal::is_export(file) {
        return Ok(Opened { path: file.to_owned(), _folder: None });
    }
    let folder = tempfile::tempdir().map_err(|error| {
        Problem::new(Code::Internal, "There is no room to unpack the export.").why(format!("{error}."))
    })?;
    let path = folder.path().join("journal.db");
    pilothouse_journal::import(file, &path)?;
    Ok(Opened { path, _folder: Some(folder) })
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
