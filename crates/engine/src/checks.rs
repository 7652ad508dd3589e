//! Looks at what an engine would open, without starting one.

use crate::Paths;
use pilothouse_journal::Reader as JournalReader;
use pilothouse_vault::Settings;
use pilothouse_wire::{Problem, Stamp};
use std::path::PathBuf;

/// Where the journal is.
pub(crate) fn journal_file(paths: &Paths) -> PathBuf {
    paths.data().join("journal.db")
}

/// Reads the settings; answers how many connections they have.
///
/// # Errors
/// What is wrong in them, with file and line.
pub fn settings(paths: &Paths) -> Result<usize, Problem> {
    Settings::load(paths).map(|settings| settings.connections.len())
}

/// Opens the journal; answers from when until when it tells, `None` where there is none yet. Blocks.
///
/// # Errors
/// Why it cannot be read.
pub fn journal(paths: &Paths) -> Result<Option<(Stamp, Stamp)>, Problem> {
    let file = journal_file(paths);
    if !file.exists() {
        return Ok(None);
    }
    JournalReader::new(&file).span()
}
