//! What a worker says, a line each, on its standard output, which its cluster keeps as its log. A log has other lines as well, of the
//! runtime or of a panic, and lines that are too long are cut in two: each of ours says what it is, of which run and which worker,
//! and a document comes in pieces that are counted and summed.

use super::lines::{Handed, Packed};
use crate::{result::Document, run::Progress};
use pilothouse_wire::{Problem, Stamp};
use serde::{Deserialize, Serialize};

/// What each line begins with: the version is in it.
const MARK: &str = "pilothouse-bench/1";
/// Runtimes of containers cut lines at 16 KiB.
const LONGEST: usize = 8_000;

/// What a worker says.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// It is there, and waits to be told when to begin: its clock.
    Waits(Stamp),
    /// It was told: when to begin, and its clock as it saw that.
    Told(Begin, Stamp),
    /// It sends: how far it is.
    Sends(Progress),
    /// A piece of the lines of its requests: which, from 0, of how many, and the text.
    LinesPiece(u32, u32, String),
    /// The lines of its requests are whole: how many they are, how many bytes their text has, and its sum.
    Lines(Handed, u64, u32),
    /// A piece of its document: which, from 0, of how many, and the text.
    Piece(u32, u32, String),
    /// Its document is whole: how many bytes, and their sum.
    Whole(u64, u32),
    /// It cannot go on.
    Failed(Problem),
}

/// When to begin, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// When.
    pub at: Stamp,
    /// When that was said, by the clock of who asks.
    pub said: Stamp,
}

#[derive(Serialize, Deserialize)]
struct Seen {
    begin: Begin,
    seen: Stamp,
}

#[derive(Serialize, Deserialize)]
struct Sent {
    answered: u64,
    failed: u64,
    tokens: u64,
}

#[derive(Serialize, Deserialize)]
struct Sum {
    bytes: u64,
    crc32: u32,
}

#[derive(Serialize, Deserialize)]
struct SumOfLines {
    #[serde(flatten)]
    handed: Handed,
    #[serde(flatten)]
    sum: Sum,
}

impl Frame {
    /// The line, without its end.
    #[must_use]
    pub fn line(&self, run: &str, worker: u32) -> String {
        let (kind, text) = match self {
            Self::Waits(at) => ("waits", at.0.to_string()),
            Self::Told(begin, seen) => ("told", json(&Seen { begin: *begin, seen: *seen })),
            Self::Sends(Progress { answered, failed, tokens, .. }) => {
                ("sends", json(&Sent { answered: *answered, failed: *failed, tokens: *tokens }))
            }
            Self::LinesPiece(at, of, text) => ("lines-piece", format!("{at}/{of} {text}")),
            Self::Lines(handed, bytes, crc32) => {
                ("lines", json(&SumOfLines { handed: *handed, sum: Sum { bytes: *bytes, crc32: *crc32 } }))
            }
            Self::Piece(at, of, text) => ("piece", format!("{at}/{of} {text}")),
            Self::Whole(bytes, crc32) => ("whole", json(&Sum { bytes: *bytes, crc32: *crc32 })),
            Self::Failed(problem) => ("failed", json(problem)),
        };
        format!("{MARK} {run} {worker} {kind} {text}")
    }

    /// Reads a line of a log: none of this run and this worker is no frame, nor is one that is cut. A time may stand before it.
    #[must_use]
    pub fn read(line: &str, run: &str, worker: u32) -> Option<Self> {
        let marked = match line.split_once(' ') {
            Some((MARK, rest)) => rest,
            // The API server puts the time of each line before it.
            Some((_, rest)) => rest.strip_prefix(MARK)?.strip_prefix(' ')?,
            None => return None,
        };
        let rest = marked.strip_prefix(run)?.strip_prefix(' ')?;
        let (number, rest) = rest.split_once(' ')?;
        if number.parse() != Ok(worker) {
            return None;
        }
        let (kind, text) = rest.split_once(' ')?;
        Some(match kind {
            "waits" => Self::Waits(Stamp(text.parse().ok()?)),
            "told" => {
                let Seen { begin, seen } = serde_json::from_str(text).ok()?;
                Self::Told(begin, seen)
            }
            "sends" => {
                let Sent { answered, failed, tokens } = serde_json::from_str(text).ok()?;
                Self::Sends(Progress { answered, failed, tokens, ..Progress::default() })
            }
            "lines-piece" => {
                let (at, of, text) = piece(text)?;
                Self::LinesPiece(at, of, text)
            }
            "lines" => {
                let SumOfLines { handed, sum: Sum { bytes, crc32 } } = serde_json::from_str(text).ok()?;
                Self::Lines(handed, bytes, crc32)
            }
            "piece" => {
                let (at, of, text) = piece(text)?;
                Self::Piece(at, of, text)
            }
            "whole" => {
                let Sum { bytes, crc32 } = serde_json::from_str(text).ok()?;
                Self::Whole(bytes, crc32)
            }
            "failed" => Self::Failed(serde_json::from_str(text).ok()?),
            _ => return None,
        })
    }
}

/// Which piece it is, of how many, and its text.
fn piece(text: &str) -> Option<(u32, u32, String)> {
    let (place, text) = text.split_once(' ')?;
    let (at, of) = place.split_once('/')?;
    // A longer one is none of ours.
    if text.len() > LONGEST {
        return None;
    }
    Some((at.parse().ok()?, of.parse().ok()?, text.to_owned()))
}

/// A document as frames.
#[must_use]
pub fn frames(document: &Document) -> Vec<Frame> {
    // What was kept as JSON is JSON again.
    let text = serde_json::to_string(document).unwrap_or_default();
    let mut frames = pieces(&text, Frame::Piece);
    frames.push(Frame::Whole(text.len() as u64, crc32fast::hash(text.as_bytes())));
    frames
}

/// The lines of requests as frames. They stand before the document, whose end is the last that is said.
#[must_use]
pub fn frames_of_lines(of: &Packed) -> Vec<Frame> {
    let mut frames = pieces(&of.text, Frame::LinesPiece);
    frames.push(Frame::Lines(of.handed, of.text.len() as u64, crc32fast::hash(of.text.as_bytes())));
    frames
}

fn pieces(text: &str, frame: fn(u32, u32, String) -> Frame) -> Vec<Frame> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.floor_char_boundary(LONGEST.min(rest.len()));
        let (piece, behind) = rest.split_at(end);
        pieces.push(piece.to_owned());
        rest = behind;
    }
    let of = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    (0..).zip(pieces).map(|(at, piece)| frame(at, of, piece)).collect()
}

/// What stands on a line is made of numbers and texts, which always are JSON.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::Code;
    use proptest::prelude::*;

    #[test]
    fn what_is_said_is_read_again_whatever_stands_before_it() {
        let begin = Begin { at: Stamp(1_800_000_010_250), said: Stamp(1_800_000_000_125) };
        let progress = Progress { answered: 7, failed: 1, tokens: 99, ..Progress::default() };
        for frame in [
            Frame::Waits(Stamp(1_800_000_000_001)),
            Frame::Told(begin, Stamp(1_800_000_001_999)),
            Frame::Sends(progress),
            Frame::Piece(3, 9, "{\"a b\":  1 ".into()),
            Frame::LinesPiece(0, 2, "KLUv/Q==".into()),
            Frame::Lines(Handed { lines: 7, of: 9 }, 1_000, 5),
            Frame::Whole(7, 8),
            Frame::Failed(Problem::new(Code::BadInput, "No \n line.").why("Because.")),
        ] {
            let line = frame.line("bench-a", 2);
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(Frame::read(&line, "bench-a", 2).as_ref(), Some(&frame), "{line}");
            let timed = format!("2026-11-30T09:00:00.123456789Z {line}");
            assert_eq!(Frame::read(&timed, "bench-a", 2), Some(frame));
            // Another run, another worker, a line that was cut.
            assert_eq!(Frame::read(&line, "bench-b", 2), None);
            assert_eq!(Frame::read(&line, "bench-", 2), None);
            assert_eq!(Frame::read(&line, "bench-a", 22), None);
        }
        for other in ["", "thread 'main' panicked at x", "pilothouse-bench/2 bench-a 2 waits 1", MARK] {
            assert_eq!(Frame::read(other, "bench-a", 2), None, "{other}");
        }
    }

    proptest! {
        /// A log holds whatever others write: nothing of it is more than no frame.
        #[test]
        fn any_line_is_read_or_is_none(rest in ".{0,60}", kind in "(waits|told|sends|lines-piece|lines|piece|whole|failed|x) ?") {
            let line = format!("{MARK} bench-a 2 {kind}{rest}");
            if let Some(frame) = Frame::read(&line, "bench-a", 2) {
                prop_assert_eq!(Frame::read(&frame.line("bench-a", 2), "bench-a", 2), Some(frame));
            }
        }
    }
}
