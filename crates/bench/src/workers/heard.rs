//! What was heard of one worker so far, out of its log: which is read again and again, from its end or whole, and may be cut.

use super::{
    frame::{Begin, Frame},
    lines::{self, Handed, Packed},
};
use crate::{result::Document, run::Progress, sample::Sample};
use pilothouse_wire::{Problem, Stamp};
use std::collections::BTreeMap;

/// What comes in more pieces than this is none of ours: a log of which an API server hands out four MiB holds a quarter of them.
const MOST_PIECES: u32 = 2_000;

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
    document: Pieces,
    lines: Pieces,
    handed: Handed,
}

/// A text that comes in pieces.
#[derive(Clone, Debug, Default, PartialEq)]
struct Pieces {
    of: u32,
    each: BTreeMap<u32, String>,
    sum: Option<(u64, u32)>,
}

impl Pieces {
    fn take(&mut self, at: u32, of: u32, text: String) {
        if of <= MOST_PIECES && at < of {
            self.of = of;
            self.each.insert(at, text);
        }
    }

    /// The whole text, or why it is none; nothing as long as more may come. `what` it is.
    fn whole(&self, what: &str) -> Option<Result<String, String>> {
        let (bytes, sum) = self.sum?;
        let missing = self.of as usize - self.each.len().min(self.of as usize);
        if missing > 0 {
            return Some(Err(format!("{missing} of {} pieces of {what} are missing in its log", self.of)));
        }
        let text: String = self.each.values().map(String::as_str).collect();
        Some(match text.len() as u64 == bytes && crc32fast::hash(text.as_bytes()) == sum {
            true => Ok(text),
            false => Err(format!("{what} was changed on the way: its sum is another")),
        })
    }
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
                Frame::LinesPiece(at, of, text) => self.lines.take(at, of, text),
                Frame::Lines(handed, bytes, sum) => {
                    self.handed = handed;
                    self.lines.sum = Some((bytes, sum));
                }
                Frame::Piece(at, of, text) => self.document.take(at, of, text),
                Frame::Whole(bytes, sum) => self.document.sum = Some((bytes, sum)),
                Frame::Failed(problem) => self.failed = Some(problem),
            }
        }
    }

    /// Is there more to come, or did it hand over all?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.failed.is_some() || self.document.sum.is_some()
    }

    /// What it handed over; none as long as more may come.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        if let Some(problem) = &self.failed {
            return Some(End::Failed(problem.clone()));
        }
        let text = match self.document.whole("its document")? {
            Ok(text) => text,
            Err(why) => return Some(End::Broken(why)),
        };
        Some(match Document::read(text.as_bytes()) {
            Ok(document) => End::Document(Box::new(document)),
            Err(problem) => End::Broken(format!("its document cannot be read: {}", problem.what)),
        })
    }

    /// Did all that it handed over of its requests come?
    #[must_use]
    pub fn has_lines(&self) -> bool {
        self.lines.whole("").is_some_and(|whole| whole.is_ok())
    }

    /// Its requests, with how many they are of; or why they did not come.
    ///
    /// # Errors
    /// If none were handed over, or not whole.
    pub fn requests(&self) -> Result<(Vec<Sample>, Handed), String> {
        let whole = self.lines.whole("the text of its requests");
        let text = whole.unwrap_or_else(|| Err("it handed over no line of its requests".into()))?;
        let packed = Packed { text, handed: self.handed };
        let read = lines::unpack(&packed);
        read.map(|samples| (samples, self.handed)).map_err(|why| format!("its requests cannot be read: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::frame::{frames, frames_of_lines};
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

    #[test]
    fn requests_come_whole_or_are_said_not_to_have_come() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.jsonl");
        let samples: Vec<Sample> = (0..300).map(lines::tests::sample).collect();
        let text: String = samples.iter().map(|sample| serde_json::to_string(sample).unwrap() + "\n").collect();
        std::fs::write(&file, text).unwrap();
        let packed = lines::pack(&file).unwrap();
        let said: Vec<String> = frames_of_lines(&packed).iter().map(|frame| frame.line("bench-a", 1)).collect();
        assert!(said.len() > 3 && said.iter().all(|line| line.len() < 8_200), "{}", said.len());
        let all = heard(&said);
        assert_eq!((all.requests(), all.has_lines()), (Ok((samples, Handed { lines: 300, of: 300 })), true));
        // They are no end: the document is.
        assert!(all.end().is_none() && !all.is_over());
        let cut = heard(&said[1..]);
        assert!(!cut.has_lines() && cut.requests().unwrap_err().contains("1 of"), "{:?}", cut.requests());
        assert!(heard(&[]).requests().unwrap_err().contains("no line"));
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
