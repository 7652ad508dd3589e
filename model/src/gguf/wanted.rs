//! What a request asks for, of what OpenAI's interface has: fields that only matter to other servers are not looked at.

use crate::http::Refusal;
use serde::Deserialize;

/// Which of both interfaces is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `/v1/completions`.
    Completion,
    /// `/v1/chat/completions`.
    Chat,
}

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// The text of a completion.
    pub prompt: Option<String>,
    /// What was said in a chat.
    pub messages: Vec<Message>,
    /// Is it to come in pieces?
    pub stream: bool,
    /// How.
    pub stream_options: StreamOptions,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    min_tokens: u32,
    ignore_eos: bool,
    temperature: Option<f32>,
    /// What drawing begins with, in place of what the program was told.
    pub seed: Option<u32>,
    n: Option<u32>,
}

/// What somebody said.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Message {
    /// Who.
    pub role: String,
    /// What.
    pub content: String,
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct StreamOptions {
    /// With what was counted at its end?
    pub include_usage: bool,
}

impl Wanted {
    /// Can it be answered here?
    ///
    /// # Errors
    /// What of it cannot.
    pub fn check(&self) -> Result<(), Refusal> {
        let temperature = self.temperature();
        if !self.stream {
            return Err(Refusal::bad("this server answers in pieces alone: ask with \"stream\": true"));
        }
        if self.n.is_some_and(|n| n != 1) {
            return Err(Refusal::bad("this server gives one choice: leave n out"));
        }
        if self.most() == Some(0) {
            return Err(Refusal::bad("max_tokens cannot be 0"));
        }
        match (0.0..=100.0).contains(&temperature) {
            true => Ok(()),
            false => Err(Refusal::bad(format!("temperature cannot be {temperature}"))),
        }
    }

    /// The most tokens of the answer, where that is said.
    pub fn most(&self) -> Option<u32> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// The model does not end before so many tokens.
    pub fn least(&self) -> u32 {
        if self.ignore_eos { u32::MAX } else { self.min_tokens }
    }

    /// Is it to have exactly as many tokens as it may?
    pub fn is_pinned(&self) -> bool {
        self.ignore_eos || self.most().is_some_and(|most| self.min_tokens >= most)
    }

    /// How far tokens are drawn; 0, also where nothing is said, always takes the likeliest. Equal requests then do equal work.
    pub fn temperature(&self) -> f32 {
        self.temperature.unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Wanted {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_request_of_a_benchmark_is_understood() {
        let wanted =
            of(r#"{"model":"m","prompt":"a b","stream":true,"stream_options":{"include_usage":true},"max_tokens":8,
                "min_tokens":8,"ignore_eos":true,"top_p":0.9}"#);
        assert!(wanted.check().is_ok() && wanted.is_pinned() && wanted.stream_options.include_usage);
        assert_eq!((wanted.most(), wanted.least(), wanted.temperature()), (Some(8), u32::MAX, 0.0));
        let free = of(r#"{"messages":[{"role":"user","content":"hi"}],"stream":true,"max_completion_tokens":4}"#);
        assert_eq!((free.most(), free.least(), free.is_pinned()), (Some(4), 0, false));
        assert!(of(r#"{"stream":true,"max_tokens":4,"min_tokens":4}"#).is_pinned());
    }

    #[test]
    fn what_cannot_be_answered_is_said() {
        for (text, want) in [
            (r#"{"prompt":"a"}"#, "in pieces alone"),
            (r#"{"prompt":"a","stream":true,"n":2}"#, "one choice"),
            (r#"{"prompt":"a","stream":true,"max_tokens":0}"#, "max_tokens cannot be 0"),
            (r#"{"prompt":"a","stream":true,"temperature":-1}"#, "temperature cannot be -1"),
        ] {
            let said = format!("{:?}", of(text).check());
            assert!(said.contains(want), "{said}");
        }
    }
}
