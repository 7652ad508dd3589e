//! What the record of this machine is, as settings show it.

use crate::Stamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

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
    pub gaps: Vec<RecordGap>,
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

/// A time of which the record does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordGap {
    /// Its begin.
    pub since: Stamp,
    /// Its end.
    pub until: Stamp,
    /// Why.
    pub why: String,
}
