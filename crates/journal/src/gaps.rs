//! Times that the record does not tell of, or not once, and why.

use pilothouse_wire::Stamp;
use rusqlite::{Connection, params};
use std::fmt;

/// A time that the record does not tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// From when.
    pub since: Stamp,
    /// Until when.
    pub until: Stamp,
    /// Why.
    pub why: Missing,
    /// What the system said, if it said something.
    pub detail: String,
}

/// Why the record does not tell of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nothing recorded: the program was not there.
    NotRunning,
    /// The program ended without a word, and nothing recorded until it began anew.
    Ended,
    /// What was heard could not be written.
    NotWritten,
    /// What was written can no longer be read.
    Damaged,
    /// The clock was set back: this time came twice. What is shown of it is the later one.
    Twice,
}

impl Missing {
    const ALL: [Self; 5] = [Self::NotRunning, Self::Ended, Self::NotWritten, Self::Damaged, Self::Twice];

    /// Its word in the file.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NotRunning => "not-running",
            Self::Ended => "ended",
            Self::NotWritten => "not-written",
            Self::Damaged => "damaged",
            Self::Twice => "twice",
        }
    }

    fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|why| why.word() == word).unwrap_or(Self::Damaged)
    }

    /// Is what stands in the record at such a time no picture of it?
    pub(crate) fn hides(self) -> bool {
        matches!(self, Self::NotWritten | Self::Damaged)
    }
}

impl Gap {
    /// Is a time within it? At its end the record goes on.
    #[must_use]
    pub fn holds(&self, t: Stamp) -> bool {
        self.since <= t && t < self.until
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRunning => "Pilothouse was not running",
            Self::Ended => "Pilothouse ended without closing the record",
            Self::NotWritten => "What was heard could not be written",
            Self::Damaged => "The record is damaged",
            Self::Twice => "The clock was set back: this time came twice, and the later one is shown",
        })
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.why)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        f.write_str(".")
    }
}

/// Writes a gap down.
pub(crate) fn note(db: &Connection, since: i64, until: i64, why: Missing, detail: &str) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO gap (since, until, why, detail) VALUES (?1, ?2, ?3, ?4)",
        params![since, until.max(since), why.word(), detail],
    )
    .map(drop)
}

/// The gaps that touch a span, the oldest first.
pub(crate) fn within(db: &Connection, since: i64, until: i64) -> rusqlite::Result<Vec<Gap>> {
    let mut query = db.prepare_cached(
        "SELECT since, until, why, detail FROM gap WHERE until >= ?1 AND since <= ?2 ORDER BY since, id",
    )?;
    let all = query.query_map([since, until], |row| {
        let why = row.get::<_, String>(2)?;
        Ok(Gap { since: Stamp(row.get(0)?), until: Stamp(row.get(1)?), why: Missing::of(&why), detail: row.get(3)? })
    })?;
    all.collect()
}
