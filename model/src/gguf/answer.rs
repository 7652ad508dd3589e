//! An answer as events of a stream: a piece a token, then why it ended and what was counted.

use super::{Style, letters::Letters};
use axum::body::Bytes;
use futures_util::{Stream, stream};
use serde_json::{Value, json};
use std::convert::Infallible;
use tokio::sync::mpsc::Receiver;

/// What who computes says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A token, as bytes.
    Piece(Vec<u8>),
    /// Nothing more comes.
    End(Finish),
    /// Nothing more can come, and why.
    Broke(String),
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model ended it.
    Stop,
    /// It is as long as it may be.
    Length,
}

/// An answer that is under way.
pub struct Answer {
    style: Style,
    /// What each event begins with.
    head: String,
    prompt_tokens: usize,
    tokens: u32,
    with_usage: bool,
    letters: Letters,
    heard: Receiver<Said>,
    is_over: bool,
}

impl Answer {
    /// The answer of this number to a prompt of so many tokens.
    pub fn new(
        style: Style,
        model: &str,
        number: u64,
        prompt_tokens: usize,
        with_usage: bool,
        heard: Receiver<Said>,
    ) -> Self {
        let object = if style == Style::Chat { "chat.completion.chunk" } else { "text_completion" };
        let (model, id) = (Value::from(model), Value::from(format!("answer-{number}")));
        let head = format!("data: {{\"id\":{id},\"object\":\"{object}\",\"created\":0,\"model\":{model},");
        Self { style, head, prompt_tokens, tokens: 0, with_usage, letters: Letters::default(), heard, is_over: false }
    }

    /// The next events, as they are sent together; none once it is over.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.is_over {
            let events = match self.heard.recv().await {
                Some(Said::Piece(bytes)) => {
                    self.tokens += 1;
                    let text = self.letters.take(&bytes);
                    // Half a letter waits for its other half.
                    if text.is_empty() { continue } else { self.choice(&text, None) }
                }
                Some(Said::End(finish)) => self.end(finish),
                Some(Said::Broke(why)) => self.broken(&why),
                None => self.broken("llama.cpp has ended"),
            };
            return Some(Bytes::from(events));
        }
        None
    }

    fn end(&mut self, finish: Finish) -> String {
        self.is_over = true;
        let rest = self.letters.end();
        let mut events = self.choice(&rest, Some(finish));
        if self.with_usage {
            let (prompt, tokens) = (self.prompt_tokens, self.tokens);
            let usage = json!({ "prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens as usize });
            events.push_str(&format!("{}\"choices\":[],\"usage\":{usage}}}\n\n", self.head));
        }
        events + "data: [DONE]\n\n"
    }

    fn broken(&mut self, why: &str) -> String {
        self.is_over = true;
        format!("data: {}\n\n", json!({ "error": { "message": why, "code": 500 } }))
    }

    fn choice(&self, text: &str, finish: Option<Finish>) -> String {
        let text = Value::from(text);
        let said = match self.style {
            Style::Completion => format!("\"text\":{text}"),
            Style::Chat => format!("\"delta\":{{\"content\":{text}}}"),
        };
        let finish = match finish {
            None => "null",
            Some(Finish::Stop) => "\"stop\"",
            Some(Finish::Length) => "\"length\"",
        };
        format!("{}\"choices\":[{{\"index\":0,{said},\"finish_reason\":{finish}}}]}}\n\n", self.head)
    }
}

/// The events of an answer. Who stops to listen ends it.
pub fn events(answer: Answer) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(answer, async |mut answer| answer.next().await.map(|bytes| (Ok(bytes), answer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn heard(style: Style, said: &[Said]) -> Vec<String> {
        let (sender, receiver) = tokio::sync::mpsc::channel(16);
        let mut answer = Answer::new(style, "a \"b\"", 3, 5, true, receiver);
        for one in said {
            sender.send(one.clone()).await.unwrap();
        }
        drop(sender);
        let mut all = Vec::new();
        while let Some(bytes) = answer.next().await {
            all.push(String::from_utf8(bytes.to_vec()).unwrap());
        }
        all
    }

    fn json(event: &str) -> Value {
        serde_json::from_str(event.trim().strip_prefix("data: ").unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_piece_is_an_event_and_the_end_tells_what_was_counted() {
        let half = ["🦙".as_bytes()[..2].to_vec(), "🦙".as_bytes()[2..].to_vec()].map(Said::Piece);
        let [first, second] = half;
        let said = [Said::Piece(b"say \"a\"".to_vec()), first, second, Said::End(Finish::Length)];
        let events = heard(Style::Completion, &said).await;
        assert_eq!(events.len(), 3, "{events:?}");
        assert_eq!(json(&events[0])["choices"][0]["text"], "say \"a\"");
        assert_eq!(
            (json(&events[1])["choices"][0]["text"].as_str(), json(&events[1])["model"].as_str()),
            (Some("🦙"), Some("a \"b\""))
        );
        let last: Vec<&str> = events[2].split_terminator("\n\n").collect();
        assert_eq!(last[2], "data: [DONE]");
        assert_eq!(json(last[0])["choices"][0]["finish_reason"], "length");
        assert_eq!(
            json(last[1])["usage"],
            serde_json::json!({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8})
        );
    }

    #[tokio::test]
    async fn a_chat_has_deltas_and_what_breaks_says_so() {
        let events = heard(Style::Chat, &[Said::Piece(b"a".to_vec()), Said::Broke("no room".into())]).await;
        assert_eq!(json(&events[0])["choices"][0]["delta"]["content"], "a");
        assert_eq!(json(&events[1])["error"]["message"], "no room");
        let cut = heard(Style::Chat, &[]).await;
        assert_eq!((cut.len(), json(&cut[0])["error"]["message"].as_str()), (1, Some("llama.cpp has ended")));
    }
}
