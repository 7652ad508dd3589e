//! What was heard of one worker so far, out of its log: which is read again and again, from its end or whole, and may be cut.

use super::frame::{Begin, Frame};
use crate::{result::Document, run::Progress};
use pilothouse_wire::{Problem, Stamp};
use std::collections::BTreeMap;

/// A document in more pieces than this is none.
const MOST_PIECES: u32 = 100_000;

/// What was heard of a worker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// Its clock as it last waited.
    pub waits: Option<Stamp>,
    /// When it saw by its clock that it was told to begin, and what it was told.
    pub told: Option<(Begin, Stamp)>,
    /// How far it is.
    pub progress: Option<Progress>,
    failed: Option<Problem>,
    of: u32,
    pieces: BTreeMap<u32, String>,
    sum: Option<(u64, u32)>,
}

/// What a worker handed over at its end.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// All that it measured.
    Document(Box<Document>),
    /// Why it could not.
    Failed(Problem),
    /// What it measured did not come whole.
    Broken(String),
}

impl Heard {
    /// Takes lines in, in their order; those that were taken before change nothing.
    pub fn take<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>, run: &str, worker: u32) {
        for frame in lines.into_iter().filter_map(|line| Frame::read(line, run, worker)) {
            match frame {
                Frame::Waits(at) => self.waits = self.waits.max(Some(at)),
                Frame::Told(begin, seen) => self.told = Some((begin, seen)),
                Frame::Sends(progress) => self.progress = Some(progress),
                Frame::Piece(at, of, text) => {
                    if of <= MOST_PIECES && at < of {
                        self.of = of;
                        self.pieces.insert(at, text);
                    }
                }
                Frame::Whole(bytes, sum) => self.sum = Some((bytes, sum)),
                Frame::Failed(problem) => self.failed = Some(problem),
            }
        }
    }

    /// Is there more to come, or did it hand over all?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.failed.is_some() || self.sum.is_some()
    }

    /// What it handed over; none as long as more may come.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        if let Some(problem) = &self.failed {
            return Some(End::Failed(problem.clone()));
        }
        let (bytes, sum) = self.sum?;
        let missing = self.of as usize - self.pieces.len().min(self.of as usize);
        if missing > 0 {
            return Some(End::Broken(format!(
                "{missing} of {} pieces of its document are missing in its log",
                self.of
            )));
        }
        let text: String = self.pieces.values().map(String::as_str).collect();
        if text.len() as u64 != bytes || crc32fast::hash(text.as_bytes()) != sum {
            return Some(End::Broken("its document was changed on the way: its sum is another".into()));
        }
        Some(match Document::read(text.as_bytes()) {
            Ok(document) => End::Document(Box::new(document)),
            Err(problem) => End::Broken(format!("its document cannot be read: {}", problem.what)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::frame::frames;
    use proptest::prelude::*;

    fn lines(document: &Document) -> Vec<String> {
        frames(document).iter().map(|frame| frame.line("bench-a", 1)).collect()
    }

    fn heard(lines: &[String]) -> Heard {
        let mut heard = Heard::default();
        heard.take(lines.iter().map(String::as_str), "bench-a", 1);
        heard
    }

    #[test]
    fn a_document_comes_whole_or_is_said_to_be_broken() {
        let mut document = crate::shown::tests::run();
        // Of more than one piece, with letters of several bytes where they are cut.
        document.definitions.insert("long".into(), "ä".repeat(9_000));
        let lines = lines(&document);
        assert!(lines.len() > 3 && lines.iter().all(|line| line.len() < 8_200), "{}", lines.len());
        assert_eq!(heard(&lines).end(), Some(End::Document(Box::new(document))));
        assert_eq!(heard(&lines[..lines.len() - 1]).end(), None);
        let Some(End::Broken(why)) = heard(&lines[1..]).end() else { panic!("a piece is missing") };
        assert!(why.contains("1 of"), "{why}");
        let mut changed = lines.clone();
        changed[0] = changed[0].replacen("\"state\"", "\"stale\"", 1).replacen("chat", "chit", 1);
        assert!(matches!(heard(&changed).end(), Some(End::Broken(why)) if why.contains("sum")));
        // Of other workers nothing is taken.
        let mut other = Heard::default();
        other.take(lines.iter().map(String::as_str), "bench-a", 0);
        assert_eq!(other, Heard::default());
    }

    proptest! {
        /// A log is read again from anywhere, with lines of others in it: what comes of it is the same.
        #[test]
        fn lines_are_taken_in_any_parts(cuts in proptest::collection::vec(0_usize..100, 0..6), noise in "[a-z ]{0,20}") {
            let document = crate::shown::tests::run();
            let mut lines = lines(&document);
            lines.insert(1, noise);
            let mut heard = Heard::default();
            for cut in cuts {
                let at = cut % lines.len();
                heard.take(lines[at..].iter().map(String::as_str), "bench-a", 1);
            }
            heard.take(lines.iter().map(String::as_str), "bench-a", 1);
            prop_assert_eq!(heard.end(), Some(End::Document(Box::new(document))));
        }
    }
}
