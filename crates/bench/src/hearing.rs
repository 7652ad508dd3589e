//! One answer as it comes in: the time of each piece is handed in, and what the answer tells comes out.

use crate::{
    chunk::{self, DONE, Part, Usage},
    failure::{Failure, Kind},
    sample::{Choices, Heard},
    sse::{Events, TooLarge},
};

/// So much of what went wrong is kept, in characters.
const LONGEST: usize = 200;
/// So much of an answer is kept where it is wanted, in bytes; a piece more at most.
const LONGEST_TEXT: usize = 1 << 20;

/// An answer has no more choices: each piece is looked for among them.
const MOST_CHOICES: usize = 1_024;

/// An answer on its way. Times are microseconds from the begin of the run.
#[derive(Debug)]
pub struct Hearing {
    intended: u64,
    events: Events,
    told: Told,
}

/// What was told so far.
#[derive(Debug, Default)]
struct Told {
    first: Option<u64>,
    first_said: Option<u64>,
    last: u64,
    /// When each choice began, and when its last piece came; seldom more than one.
    choices: Vec<Choice>,
    pieces: u32,
    gaps: Vec<u32>,
    usage: Option<Usage>,
    finish: Option<String>,
    done: bool,
    failure: Option<Failure>,
    /// What is said, where somebody wants it.
    text: Option<String>,
}

/// A choice of an answer on its way.
#[derive(Clone, Copy, Debug)]
struct Choice {
    index: u32,
    first: u64,
    last: u64,
}

impl Hearing {
    /// Of a request that was meant to be sent then; so many pieces are expected, which only saves room.
    #[must_use]
    pub fn new(intended: u64, expected: Option<u32>) -> Self {
        const MOST_EXPECTED: u32 = 4_096;
        let room = expected.unwrap_or(0).min(MOST_EXPECTED) as usize;
        Self { intended, events: Events::default(), told: Told { gaps: Vec::with_capacity(room), ..Told::default() } }
    }

    /// One of which the words are wanted, and no times.
    #[must_use]
    pub fn keeping_text() -> Self {
        Self::new(0, None).with_text()
    }

    /// The same, and its words are wanted.
    #[must_use]
    pub fn with_text(mut self) -> Self {
        self.told.text = Some(String::new());
        self
    }

    /// What was said so far, where it was wanted.
    pub fn take_text(&mut self) -> String {
        self.told.text.take().unwrap_or_default()
    }

    /// Takes in bytes that came then. Is it worth to read on?
    pub fn hear(&mut self, bytes: &[u8], at: u64) -> bool {
        let Self { events, told, .. } = self;
        let pushed = events.push(bytes, |event| told.take(event.name, event.data, at));
        if let Err(TooLarge(most)) = pushed {
            told.fail(Failure::new(Kind::TooLarge, format!("a piece of more than {most} bytes")));
        }
        told.failure.is_none()
    }

    /// Has the server said that nothing more comes?
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.told.done
    }

    /// The stream is over, well by what carried it.
    ///
    /// # Errors
    /// If what came is no whole answer.
    pub fn end(self) -> Result<Heard, Failure> {
        let told = self.told;
        if let Some(failure) = told.failure {
            return Err(failure);
        }
        if !told.done && told.finish.is_none() {
            return Err(Failure::new(Kind::Unfinished, format!("after {} pieces", told.pieces)));
        }
        let Some(first) = told.first else { return Err(Failure::new(Kind::Empty, "")) };
        let usage = told.usage.unwrap_or_default();
        let since = |at: u64| at.saturating_sub(self.intended);
        let mut gaps_us = told.gaps;
        gaps_us.shrink_to_fit();
        let several = told.choices.len() > 1;
        let after_first_us = told.choices.iter().map(|choice| choice.last.saturating_sub(choice.first)).sum();
        let many = u32::try_from(told.choices.len()).unwrap_or(u32::MAX);
        Ok(Heard {
            ttft_us: since(first),
            ttfo_us: told.first_said.map(since),
            e2e_us: since(told.last),
            connect_us: None,
            pieces: told.pieces,
            gaps_us,
            choices: several.then_some(Choices { many, after_first_us }),
            input_tokens: usage.prompt_tokens,
            output_tokens: usage.completion_tokens,
            cached_tokens: usage.cached_tokens(),
            reasoning_tokens: usage.reasoning_tokens(),
            finish: told.finish,
            no_done: !told.done,
        })
    }

    /// The connection broke; what went wrong before that, if something did.
    #[must_use]
    pub fn cut(self, by: Failure) -> Failure {
        let pieces = self.told.pieces;
        self.told.failure.unwrap_or_else(|| match by.kind {
            Kind::Cut => Failure::new(Kind::Cut, format!("after {pieces} pieces")),
            _ => by,
        })
    }
}

impl Told {
    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    fn take(&mut self, name: &[u8], data: &[u8], at: u64) {
        if self.failure.is_some() || self.done {
            return;
        }
        if data == DONE {
            self.done = true;
            return;
        }
        // An event with nothing in it keeps the connection awake, as a comment does.
        if data.trim_ascii().is_empty() && name != b"error" {
            return;
        }
        let piece = match chunk::read(data) {
            Ok(piece) => piece,
            Err(_) if name == b"error" => {
                return self.fail(Failure::new(Kind::SaidError, short(&String::from_utf8_lossy(data))));
            }
            Err(error) => return self.fail(Failure::new(Kind::Malformed, error.to_string())),
        };
        if let Some(words) = piece.error {
            return self.fail(Failure::new(Kind::SaidError, short(&words)));
        }
        if name == b"error" {
            return self.fail(Failure::new(Kind::SaidError, short(&String::from_utf8_lossy(data))));
        }
        let is_said = piece.parts().any(|part| part.said);
        if let Some(text) = self.text.as_mut().filter(|text| is_said && text.len() < LONGEST_TEXT) {
            text.push_str(&chunk::text(data));
        }
        piece.parts().for_each(|part| self.hear(part, at));
        self.usage = piece.usage.or(self.usage);
        self.finish = piece.finish.or(self.finish.take());
    }

    /// A piece of a choice: choices come side by side, so that a gap is from a piece to the next of the same one.
    fn hear(&mut self, part: Part, at: u64) {
        let is_full = self.choices.len() == MOST_CHOICES;
        match self.choices.iter_mut().find(|choice| choice.index == part.choice) {
            Some(choice) => {
                self.gaps.push(u32::try_from(at.saturating_sub(choice.last)).unwrap_or(u32::MAX));
                choice.last = at;
            }
            None if is_full => {
                return self.fail(Failure::new(Kind::TooLarge, format!("more than {MOST_CHOICES} choices")));
            }
            None => self.choices.push(Choice { index: part.choice, first: at, last: at }),
        }
        self.first.get_or_insert(at);
        self.last = at;
        self.pieces += 1;
        if part.said {
            self.first_said.get_or_insert(at);
        }
    }
}

/// A text that is kept for a comparison: no longer than one that comes in pieces.
#[must_use]
pub fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text
}

/// The begin of a text.
#[must_use]
pub fn short(text: &str) -> String {
    text.trim().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(parts: &[(&str, u64)]) -> Result<Heard, Failure> {
        let mut hearing = Hearing::new(1_000, None);
        for (part, at) in parts {
            if !hearing.hear(part.as_bytes(), *at) {
                break;
            }
        }
        hearing.end()
    }

    fn said(text: &str) -> String {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    }

    const ROLE: &str = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    const THOUGHT: &str = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n";
    const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":6}}\n\n";
    const DONE: &str = "data: [DONE]\n\n";

    #[test]
    fn times_are_from_when_the_request_was_meant_to_be_sent_and_to_what_has_something_in_it() {
        let (a, b) = (said("a"), said("b"));
        let parts = [
            (ROLE, 1_100),
            (": keep-alive\n\n", 1_150),
            (THOUGHT, 1_200),
            (THOUGHT, 1_300),
            (&a, 1_450),
            (&b, 1_700),
            (STOP, 1_800),
            (USAGE, 1_900),
            (DONE, 1_950),
        ];
        let heard = hear(&parts).unwrap();
        let want = Heard {
            ttft_us: 200,
            ttfo_us: Some(450),
            e2e_us: 700,
            pieces: 4,
            gaps_us: vec![100, 150, 250],
            input_tokens: Some(9),
            output_tokens: Some(6),
            finish: Some("stop".into()),
            ..Heard::default()
        };
        assert_eq!(heard, want);
    }

    #[test]
    fn what_is_said_is_kept_where_it_is_wanted_and_what_is_thought_is_not() {
        let mut hearing = Hearing::keeping_text();
        for part in
            [ROLE, THOUGHT, &said("one "), &said("two"), "data: {\"choices\":[{\"text\":\"!\"}]}\n\n", USAGE, DONE]
        {
            hearing.hear(part.as_bytes(), 1);
        }
        assert_eq!(hearing.take_text(), "one two!");
        assert_eq!(Hearing::new(0, None).take_text(), "");
    }

    #[test]
    fn the_gaps_of_choices_that_come_side_by_side_are_each_its_own() {
        let of =
            |index: u32| format!("data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"a\"}}}}]}}\n\n");
        let (one, two) = (of(0), of(1));
        let usage = "data: {\"choices\":[],\"usage\":{\"completion_tokens\":6}}\n\n";
        let mut parts: Vec<(&str, u64)> = Vec::new();
        for at in [1_200, 1_400, 1_600] {
            parts.extend([(one.as_str(), at), (two.as_str(), at + 10)]);
        }
        parts.extend([(usage, 1_700), (DONE, 1_700)]);
        let heard = hear(&parts).unwrap();
        assert_eq!((heard.gaps_us.clone(), heard.pieces), (vec![200; 4], 6));
        assert_eq!((heard.ttft_us, heard.e2e_us, heard.tpot_us()), (200, 610, Some(200.0)));
        assert_eq!(heard.choices, Some(Choices { many: 2, after_first_us: 800 }));
    }

    #[test]
    fn an_event_without_data_is_no_piece_and_no_failure() {
        let a = said("a");
        let parts = [("data:\n\n", 1_050), (a.as_str(), 1_100), ("data: \n\n", 1_150), (STOP, 1_200), (DONE, 1_300)];
        let heard = hear(&parts).unwrap();
        assert_eq!((heard.pieces, heard.ttft_us, heard.e2e_us), (1, 100, 100));
        for bad in ["event: error\ndata:\n\n", "event: error\ndata: gone\n\n"] {
            assert_eq!(hear(&[(&a, 1_100), (bad, 1_200), (DONE, 1_300)]).unwrap_err().kind, Kind::SaidError, "{bad}");
        }
    }

    #[test]
    fn pieces_that_came_together_have_the_same_time() {
        let both = format!("{}{}{}", said("a"), said("b"), DONE);
        let heard = hear(&[(&both, 1_500)]).unwrap();
        assert_eq!((heard.ttft_us, heard.e2e_us, heard.gaps_us), (500, 500, vec![0]));
        assert_eq!((heard.output_tokens, heard.finish, heard.no_done), (None, None, false));
    }

    #[test]
    fn what_is_no_whole_answer_is_a_failure_of_its_kind() {
        let a = said("a");
        for (parts, want) in [
            (vec![(a.as_str(), 1_100)], Kind::Unfinished),
            (vec![(ROLE, 1_100), (STOP, 1_200), (DONE, 1_300)], Kind::Empty),
            (vec![(DONE, 1_100)], Kind::Empty),
            (
                vec![(&a, 1_100), ("data: {\"error\":{\"message\":\"CUDA\"}}\n\n", 1_200), (DONE, 1_300)],
                Kind::SaidError,
            ),
            (vec![("event: error\ndata: {}\n\n", 1_100), (DONE, 1_300)], Kind::SaidError),
            (vec![(&a, 1_100), ("data: {\"choi\n\n", 1_200), (DONE, 1_300)], Kind::Malformed),
        ] {
            assert_eq!(hear(&parts).unwrap_err().kind, want, "{parts:?}");
        }
        // Without [DONE] a reason is enough, and it is noted.
        assert!(hear(&[(&a, 1_100), (STOP, 1_200)]).unwrap().no_done);
        let mut bytes = Hearing::new(0, None);
        assert!(!bytes.hear(b"data: {\"choices\":[{\"text\":\"\xff\"}]}\n\n", 1));
        assert_eq!(bytes.end().unwrap_err().kind, Kind::Malformed);
        let mut huge = Hearing::new(0, None);
        assert!(!huge.hear(&vec![b'x'; crate::sse::LARGEST + 1], 1));
        assert_eq!(huge.end().unwrap_err().kind, Kind::TooLarge);
    }

    #[test]
    fn a_cut_says_after_how_much_unless_something_was_wrong_before() {
        let mut hearing = Hearing::new(0, None);
        hearing.hear(said("a").as_bytes(), 5);
        assert_eq!(hearing.cut(Failure::new(Kind::Cut, "")), Failure::new(Kind::Cut, "after 1 pieces"));
        let mut hearing = Hearing::new(0, None);
        hearing.hear(b"data: {\n\n", 5);
        assert_eq!(hearing.cut(Failure::new(Kind::Cut, "")).kind, Kind::Malformed);
    }
}
