//! What a record is, and the times that it does not tell of, or not once, and why.

use crate::Stamp;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// What the record is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordInfo {
    /// Where it is.
    pub file: String,
    /// Is it written to now?
    pub recording: bool,
    /// From when to when it tells.
    pub span: Option<(Stamp, Stamp)>,
    /// The length of the file.
    pub bytes: u64,
    /// Of these in use: the rest is free for what comes.
    pub used: u64,
    /// What it is bounded by, where it is written to.
    pub bounds: Option<RecordBounds>,
    /// Bytes of readings as they were heard, by the minute, by ten minutes.
    pub readings: [u64; 3],
    /// Bytes of everything else that was heard.
    pub facts: u64,
    /// Worlds from which a seek may begin.
    pub worlds: u64,
    /// Bytes of worlds.
    pub world_bytes: u64,
    /// How often recording began.
    pub runs: u64,
    /// Times that it does not tell of.
    pub gaps: Vec<Gap>,
}

/// What a record is bounded by: what is older, or too much, goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordBounds {
    /// Bytes in use.
    pub bytes: u64,
    /// Age of the oldest.
    pub age: Duration,
    /// Up to which age readings are kept as they were heard, and by the minute; `None` where they are never thinned.
    pub thinned: Option<(Duration, Duration)>,
}

/// A time that the record does not tell of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// From when; `None` if nothing was ever told before its end.
    pub since: Option<Stamp>,
    /// Until when; `None` while it lasts.
    pub until: Option<Stamp>,
    /// Why.
    pub why: Missing,
    /// What the system said, if it said something.
    pub detail: String,
}

/// Why the record does not tell of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// Nobody recorded yet; or, behind its begin, nobody does any more.
    NotRecorded,
    /// It was recorded, and dropped since, to keep the record within its bounds.
    Pruned,
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
    /// The clock was wrong: what was heard then stands in the record at another time.
    WrongClock,
}

impl Missing {
    /// In a word or two, for where there is little room.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotRecorded => "not recorded",
            Self::Pruned => "pruned",
            Self::NotRunning => "not running",
            Self::Ended => "ended",
            Self::NotWritten => "not written",
            Self::Damaged => "damaged",
            Self::Twice => "came twice",
            Self::WrongClock => "clock was wrong",
        }
    }

    /// Is what stands in the record at such a time no picture of it?
    #[must_use]
    pub fn hides(self) -> bool {
        matches!(self, Self::NotWritten | Self::Damaged)
    }

    /// Is what was known last before it shown of such a time?
    fn is_away(self) -> bool {
        matches!(self, Self::NotRunning | Self::Ended | Self::NotRecorded | Self::WrongClock)
    }
}

impl Gap {
    /// Is a time within it? At its end the record goes on.
    #[must_use]
    pub fn holds(&self, t: Stamp) -> bool {
        self.since.is_none_or(|since| since <= t) && self.until.is_none_or(|until| t < until)
    }

    /// Does it touch a span of time?
    #[must_use]
    pub fn touches(&self, since: Stamp, until: Stamp) -> bool {
        self.since.is_none_or(|begins| begins <= until) && self.until.is_none_or(|ends| ends > since)
    }

    /// What is shown of a time in it, as a sentence; `None` where nothing is shown of it.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        match (self.why, self.since) {
            (Missing::Twice, _) => Some("What is shown is the later one.".to_owned()),
            (why, Some(since)) if why.is_away() => Some(format!("What is shown is as it was last known, at {since}.")),
            _ => None,
        }
    }

    /// As of when the world that is shown of a time in it was known: what follows from it follows from nothing later.
    #[must_use]
    pub fn known(&self, t: Stamp) -> Stamp {
        match (self.why, self.since) {
            (why, Some(since)) if why.is_away() => since.min(t),
            _ => t,
        }
    }

    /// Why nothing is told of this time, and what is shown instead, if anything is.
    #[must_use]
    pub fn sentence(&self) -> String {
        self.shown().map_or_else(|| self.to_string(), |shown| format!("{self} {shown}"))
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRecorded => "Nothing is recorded of it",
            Self::Pruned => "It was recorded, and is pruned: the record is bounded by size and age",
            Self::NotRunning => "Pilothouse was not running",
            Self::Ended => "Pilothouse ended without closing the record",
            Self::NotWritten => "What was heard could not be written",
            Self::Damaged => "The record is damaged",
            Self::Twice => "The clock was set back: this time came twice",
            Self::WrongClock => "The clock was wrong then: what was heard stands in the record at another time",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(since: Option<i64>, until: Option<i64>) -> Gap {
        Gap { since: since.map(Stamp), until: until.map(Stamp), why: Missing::Damaged, detail: String::new() }
    }

    #[test]
    fn a_gap_has_its_begin_and_not_its_end_and_an_open_side_has_no_end() {
        for (gap, inside, outside) in [
            (gap(Some(10), Some(20)), vec![10, 19], vec![9, 20]),
            (gap(None, Some(20)), vec![i64::MIN, 19], vec![20]),
            (gap(Some(10), None), vec![10, i64::MAX], vec![9]),
        ] {
            assert!(inside.iter().all(|t| gap.holds(Stamp(*t))), "{gap:?}");
            assert!(!outside.iter().any(|t| gap.holds(Stamp(*t))), "{gap:?}");
            assert!(gap.touches(Stamp(15), Stamp(16)) && gap.touches(Stamp(0), Stamp(100)), "{gap:?}");
        }
        assert!(!gap(Some(10), Some(20)).touches(Stamp(20), Stamp(30)));
    }

    #[test]
    fn it_says_why_and_what_the_system_said() {
        let full = Gap { why: Missing::NotWritten, detail: "disk full".into(), ..gap(Some(0), None) };
        assert_eq!(full.to_string(), "What was heard could not be written: disk full.");
        assert_eq!((full.shown(), gap(None, None).to_string().as_str()), (None, "The record is damaged."));
        let away = Gap { why: Missing::NotRunning, ..gap(Some(1_000), Some(5_000)) };
        assert_eq!(away.shown().unwrap(), "What is shown is as it was last known, at 1970-01-01T00:00:01Z.");
        assert_eq!((away.known(Stamp(3_000)), full.known(Stamp(3_000))), (Stamp(1_000), Stamp(3_000)));
        let behind = Gap { why: Missing::NotRecorded, ..gap(Some(1_000), None) };
        assert_eq!(
            behind.sentence(),
            "Nothing is recorded of it. What is shown is as it was last known, at 1970-01-01T00:00:01Z."
        );
        assert_eq!(behind.known(Stamp(3_000)), Stamp(1_000));
    }
}
