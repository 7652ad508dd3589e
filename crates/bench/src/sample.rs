//! What became of one request: a line of the file of requests. All times are microseconds; those of an answer are from when
//! the request was *meant* to be sent, so that a client which is late does not make its server look quick.

use crate::failure::Failure;
use serde::{Deserialize, Serialize};

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its number, from 0 in the order in which requests were meant to be sent.
    pub n: u64,
    /// When it was meant to be sent, from the begin of the run.
    pub intended_us: u64,
    /// How much later it was sent.
    pub lag_us: u64,
    /// When it was over, from the begin of the run.
    pub end_us: u64,
    /// Tokens of the prompt that were asked for, by the estimate of a word a token.
    pub wanted_input: u32,
    /// The most tokens of the answer that were asked for; none where nothing was said.
    pub wanted_output: Option<u32>,
    /// What became of it.
    pub end: End,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It was answered, whole.
    Answered(Heard),
    /// It failed.
    Failed(Failure),
    /// It was under way when the run was ended: neither an answer nor a failure. Of a whole run it had its time.
    Unfinished,
    /// Who asked hung up, as the plan says of a share of them: neither an answer nor a failure.
    Cancelled,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// To the first token, said or thought.
    pub ttft_us: u64,
    /// To the first token that is said and not only thought; none where all was thought.
    pub ttfo_us: Option<u64>,
    /// To the last token.
    pub e2e_us: u64,
    /// Of that, until a new connection stood; none where one was used again.
    pub connect_us: Option<u64>,
    /// Pieces of the answer that had something in them.
    pub pieces: u32,
    /// From each such piece to the next of the same choice.
    pub gaps_us: Vec<u32>,
    /// Its choices, where it had more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Choices>,
    /// Tokens of the prompt, as the server counted; none where it does not.
    pub input_tokens: Option<u32>,
    /// Tokens of the answer, as the server counted; none where it does not.
    pub output_tokens: Option<u32>,
    /// Tokens of the prompt that were in a cache, as the server counted.
    pub cached_tokens: Option<u32>,
    /// Tokens that were only thought, as the server counted.
    pub reasoning_tokens: Option<u32>,
    /// Why it ended, by the server's word.
    pub finish: Option<String>,
    /// Did the stream end without `[DONE]`?
    pub no_done: bool,
}

/// Of an answer of several choices, which come side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// How many had something in them.
    pub many: u32,
    /// From the first token of each to its last, all of them together.
    pub after_first_us: u64,
}

impl Heard {
    /// One that came whole after so long: one piece, and no tokens that anybody counted.
    #[must_use]
    pub fn whole(e2e_us: u64, input_tokens: Option<u32>) -> Self {
        Self {
            ttft_us: e2e_us,
            ttfo_us: Some(e2e_us),
            e2e_us,
            pieces: 1,
            input_tokens,
            output_tokens: Some(0),
            ..Self::default()
        }
    }

    /// Tokens of the answer: as the server counted, else its pieces.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.output_tokens.unwrap_or(self.pieces)
    }

    /// Time per token after the first: (to the last token − to the first) ÷ (tokens − 1). None of fewer than two tokens. Of
    /// several choices the sum of what each took, over their tokens after the first of each.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "times of a run stay far below 2^53 microseconds")]
    pub fn tpot_us(&self) -> Option<f64> {
        let (firsts, took) = match self.choices {
            Some(Choices { many, after_first_us }) => (many, after_first_us),
            None => (1, self.e2e_us.saturating_sub(self.ttft_us)),
        };
        let more = self.tokens().checked_sub(firsts).filter(|more| *more > 0)?;
        Some(took as f64 / f64::from(more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_per_token_needs_a_second_token() {
        let mut heard = Heard { ttft_us: 100, e2e_us: 1_000, pieces: 1, ..Heard::default() };
        assert_eq!((heard.tokens(), heard.tpot_us()), (1, None));
        // Four tokens came in two pieces: the server's count is believed.
        heard = Heard { pieces: 2, gaps_us: vec![900], output_tokens: Some(4), ..heard };
        assert_eq!((heard.tokens(), heard.tpot_us()), (4, Some(300.0)));
        assert_eq!(Heard { output_tokens: Some(0), ..heard }.tpot_us(), None);
    }

    #[test]
    fn choices_that_come_side_by_side_take_no_less_time_for_a_token() {
        let one = Heard { ttft_us: 100, e2e_us: 1_000, output_tokens: Some(4), ..Heard::default() };
        let choices = Some(Choices { many: 2, after_first_us: 1_800 });
        let two = Heard { output_tokens: Some(8), choices, ..one.clone() };
        assert_eq!((one.tpot_us(), two.tpot_us()), (Some(300.0), Some(300.0)));
        assert_eq!(Heard { output_tokens: Some(2), ..two }.tpot_us(), None);
    }
}
