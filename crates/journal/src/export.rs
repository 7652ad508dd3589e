//! A part of the record as one file that can be sent: framed, each chunk with its hash, opened without any server.
//!
//! `MAGIC`, the version (2 bytes), then frames: the length (4 bytes), the SHA-256 of what follows, and that. The first frame
//! is the [`Manifest`]; it lists the hashes of all others, which are rows of the tables, packed. All numbers are
//! little-endian.

mod clip;
mod notes;
mod pseudonym;
mod read;
mod rows;
mod write;

pub use read::{check, import};
pub use write::{Exported, Names, Prepared, export, prepare};

use pilothouse_wire::{Code, Problem, SmolStr, Stamp};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The first bytes of such a file. The last two show whether somebody took it for text.
pub(crate) const MAGIC: &[u8; 8] = b"\x89PLTH\r\n\x1a";
/// The version of the format.
pub(crate) const VERSION: u16 = 1;
/// Bytes of a frame at most.
pub(crate) const MOST_FRAME: usize = 64 << 20;
/// Bytes of the manifest at most.
pub(crate) const MOST_MANIFEST: usize = 16 << 20;
/// Frames at most.
pub(crate) const MOST_FRAMES: usize = 1 << 18;
/// Bytes of a frame when it is unpacked, at most.
pub(crate) const MOST_PLAIN: u64 = 256 << 20;
/// Bytes of all frames when they are unpacked, at most.
pub(crate) const MOST_IN_ALL: u64 = 16 << 30;

/// What an export says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the facts in it.
    pub facts: u16,
    /// Version of the tables that its rows are of.
    pub schema: u32,
    /// From when it tells.
    pub since: Stamp,
    /// Until when.
    pub until: Stamp,
    /// The connections that it tells of.
    pub sources: Vec<SmolStr>,
    /// Batches in it.
    pub batches: u64,
    /// The other frames.
    pub frames: Vec<Frame>,
}

/// What the manifest says of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// What is in it, for people.
    pub what: SmolStr,
    /// Its length.
    pub bytes: u32,
    /// Its SHA-256.
    pub hash: [u8; 32],
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use read::{insert_plain, read as read_frames};

/// Is it an export, by its first bytes?
#[must_use]
pub fn is_export(path: &Path) -> bool {
    let mut head = [0; 8];
    std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head)).is_ok()
        && head == *MAGIC
}

fn not_read(path: &Path, why: impl Into<String>) -> Problem {
    Problem::new(Code::BadInput, format!("{} cannot be opened.", path.display()))
        .why(why)
        .next("Have it sent again, or export it anew.")
}

fn io(path: &Path, what: &str, error: &std::io::Error) -> Problem {
    Problem::new(Code::Internal, format!("{} cannot be {what}.", path.display())).why(format!("{error}."))
}
