//! What is read of one piece of an answer: is something new in it, is it thought or said, why it ended, what the server
//! counted. No tree is built, and no text is copied.

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::fmt;

/// The data of the event that ends a stream.
pub const DONE: &[u8] = b"[DONE]";

/// What a piece tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// What has something in it: the first choice that does.
    pub part: Option<Part>,
    /// The other choices of the same piece that do, which is seldom.
    pub more: Vec<Part>,
    /// Why the answer ended, if it did.
    pub finish: Option<String>,
    /// What the server counted.
    pub usage: Option<Usage>,
    /// What went wrong, by the server's words.
    pub error: Option<String>,
}

/// What a piece has of one choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Which choice of the answer; the first where the server does not tell.
    pub choice: u32,
    /// Is there something in it that is said: text, a refusal, a call of a tool? Else it is only thought.
    pub said: bool,
}

impl Piece {
    /// Each choice that has something in it.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        self.part.iter().chain(&self.more).copied()
    }
}

/// Tokens, as the server counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// Of the prompt.
    #[serde(default)]
    pub prompt_tokens: Option<u32>,
    /// Of the answer, thoughts among them.
    #[serde(default)]
    pub completion_tokens: Option<u32>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

impl Usage {
    /// Tokens of the prompt that were in a cache.
    #[must_use]
    pub fn cached_tokens(&self) -> Option<u32> {
        self.prompt_tokens_details?.cached_tokens
    }

    /// Tokens of the answer that are only thought.
    #[must_use]
    pub fn reasoning_tokens(&self) -> Option<u32> {
        self.completion_tokens_details?.reasoning_tokens
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u32>,
}

/// Reads a piece.
///
/// # Errors
/// If it is not JSON of this form; invalid UTF-8 is none.
pub fn read(data: &[u8]) -> Result<Piece, serde_json::Error> {
    let wire: Wire = serde_json::from_slice(data)?;
    let mut piece = Piece { usage: wire.usage, error: wire.error.as_ref().map(words), ..Piece::default() };
    for choice in wire.choices.into_iter().flatten() {
        let delta = choice.delta.unwrap_or_default();
        let said = [choice.text, delta.content, delta.refusal, delta.tool_calls].into_iter().any(Something::is);
        if said || [delta.reasoning_content, delta.reasoning].into_iter().any(Something::is) {
            let part = Part { choice: choice.index.unwrap_or_default(), said };
            match &piece.part {
                None => piece.part = Some(part),
                Some(_) => piece.more.push(part),
            }
        }
        piece.finish = choice.finish_reason.or(piece.finish);
    }
    Ok(piece)
}

/// What is said in a piece, over all of its choices; nothing where it is none.
#[must_use]
pub fn text(data: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Texts {
        choices: Option<Vec<Text>>,
    }
    #[derive(Deserialize)]
    struct Text {
        delta: Option<Content>,
        text: Option<String>,
    }
    #[derive(Deserialize)]
    struct Content {
        content: Option<String>,
    }
    let choices = serde_json::from_slice(data).ok().and_then(|texts: Texts| texts.choices);
    let said = choices.into_iter().flatten().filter_map(|choice| choice.text.or_else(|| choice.delta?.content));
    said.collect()
}

/// Of an error: its message, or all of it.
fn words(error: &serde_json::Value) -> String {
    error["message"].as_str().or_else(|| error.as_str()).map_or_else(|| error.to_string(), str::to_owned)
}

#[derive(Deserialize)]
struct Wire {
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    index: Option<u32>,
    delta: Option<Delta>,
    text: Option<Something>,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<Something>,
    refusal: Option<Something>,
    tool_calls: Option<Something>,
    reasoning_content: Option<Something>,
    reasoning: Option<Something>,
}

/// Is there something: a text or a list that is not empty?
#[derive(Clone, Copy)]
struct Something(bool);

impl Something {
    fn is(field: Option<Self>) -> bool {
        field.is_some_and(|something| something.0)
    }
}

impl<'de> Deserialize<'de> for Something {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Something;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list")
    }

    fn visit_str<E>(self, text: &str) -> Result<Something, E> {
        Ok(Something(!text.is_empty()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Something, A::Error> {
        let mut any = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(Something(any))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Something, A::Error> {
        let mut any = false;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(Something(any))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data: &str, said: bool, thought: bool) {
        let piece = read(data.as_bytes()).unwrap();
        let any = |said: bool| piece.parts().any(|part| part.said == said);
        assert_eq!((any(true), any(false)), (said, thought), "{data}");
    }

    #[test]
    fn what_is_said_is_told_from_what_is_thought_and_from_nothing() {
        check(r#"{"choices":[{"index":0,"delta":{"content":" the"},"finish_reason":null}]}"#, true, false);
        check(r#"{"choices":[{"index":0,"text":"a \"quoted\" \n one"}]}"#, true, false);
        check(r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#, false, false);
        check(r#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#, false, false);
        check(r#"{"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}"#, false, true);
        check(r#"{"choices":[{"delta":{"reasoning":"hm"}}]}"#, false, true);
        check(r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#, true, false);
        check(r#"{"choices":[{"delta":{}},{"delta":{"content":"b"}}]}"#, true, false);
        check(r#"{"choices":[]}"#, false, false);
        check(r#"{"choices":null,"object":"x"}"#, false, false);
    }

    #[test]
    fn each_choice_of_a_piece_is_told_by_its_index() {
        let of = |data: &str| read(data.as_bytes()).unwrap().parts().map(|of| (of.choice, of.said)).collect::<Vec<_>>();
        assert_eq!(of(r#"{"choices":[{"index":3,"delta":{"content":"b"}}]}"#), [(3, true)]);
        assert_eq!(of(r#"{"choices":[{"delta":{"reasoning":"b"}}]}"#), [(0, false)]);
        let two = r#"{"choices":[{"index":0,"text":""},{"index":1,"text":"a"},{"index":2,"delta":{"reasoning":"b"}}]}"#;
        assert_eq!(of(two), [(1, true), (2, false)]);
    }

    #[test]
    fn what_the_server_counted_and_why_it_ended() {
        let text = r#"{"choices":[{"delta":{},"finish_reason":"length"}],"usage":{"prompt_tokens":7,"completion_tokens":64,
            "total_tokens":71,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}}"#;
        let piece = read(text.as_bytes()).unwrap();
        let usage = piece.usage.unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (Some(7), Some(64)));
        assert_eq!((usage.cached_tokens(), usage.reasoning_tokens()), (Some(4), Some(3)));
        assert_eq!(piece.finish.as_deref(), Some("length"));
    }

    #[test]
    fn what_went_wrong_is_in_the_servers_words() {
        for (text, want) in [
            (r#"{"error":{"message":"out of memory","code":500}}"#, "out of memory"),
            (r#"{"error":"gone"}"#, "gone"),
            (r#"{"error":{"code":7}}"#, r#"{"code":7}"#),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap().error.as_deref(), Some(want));
        }
        for bad in [&b"{"[..], b"\xff", b"{\"choices\":[{\"text\":\"\xff\"}]}", b"{\"choices\":7}", b""] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
