//! A request as the scripted server reads it: no more than a benchmark's client sends.

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};

/// A request is no larger, in bytes.
const LARGEST: usize = 64 << 20;

/// A request.
pub struct Request {
    /// Its path.
    pub path: String,
    /// Its header `x-request-id`.
    pub id: String,
    /// Its key.
    pub key: Option<String>,
    /// Its body, as it came.
    pub body: String,
    /// What is read of that.
    pub wanted: Wanted,
}

/// What is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    pub prompt: Option<String>,
    /// Of embeddings.
    input: Input,
    pub messages: Vec<Message>,
    pub stream_options: StreamOptions,
}

/// Texts that are to be embedded: one, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Several(Vec<String>),
}

impl Default for Input {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

/// A message of a prompt.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    content: Content,
}

/// What a message says: a text, or parts of which some are texts.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

impl Default for Content {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContentPart {
    text: String,
}

impl Message {
    fn texts(&self) -> impl Iterator<Item = &str> {
        let (text, parts) = match &self.content {
            Content::Text(text) => (Some(text.as_str()), [].as_slice()),
            Content::Parts(parts) => (None, parts.as_slice()),
        };
        text.into_iter().chain(parts.iter().map(|part| part.text.as_str()))
    }
}

/// How the answer is streamed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct StreamOptions {
    pub include_usage: bool,
}

impl Wanted {
    /// The most tokens of the answer, by the older name or by the newer one; some say both.
    pub fn most(&self) -> Option<u32> {
        self.max_tokens.or(self.max_completion_tokens)
    }

    /// Texts that are to be embedded.
    pub fn inputs(&self) -> &[String] {
        match &self.input {
            Input::One(text) => std::slice::from_ref(text),
            Input::Several(texts) => texts,
        }
    }

    /// Words of the prompt.
    pub fn words(&self) -> usize {
        let texts = self
            .messages
            .iter()
            .flat_map(Message::texts)
            .chain(self.prompt.as_deref())
            .chain(self.inputs().iter().map(String::as_str));
        texts.map(|text| text.split_whitespace().count()).sum()
    }
}

/// The next request of a connection; none where that is over, or something else came than a client of a benchmark sends.
pub async fn read(socket: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<Request> {
    let head = loop {
        if let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        more(socket, buffer).await?;
    };
    let text = String::from_utf8(buffer[..head].to_vec()).ok()?;
    let mut lines = text.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let header = |wanted: &str| {
        text.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        })
    };
    let length: usize = header("content-length").map_or(Some(0), |length| length.parse().ok())?;
    while buffer.len() < head + length {
        more(socket, buffer).await?;
    }
    let body = String::from_utf8(buffer[head..head + length].to_vec()).ok()?;
    let (id, key) = (header("x-request-id").unwrap_or_default(), header("authorization"));
    buffer.drain(..head + length);
    let wanted = serde_json::from_str(&body).unwrap_or_default();
    Some(Request { path, id, key, body, wanted })
}

async fn more(socket: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<()> {
    match socket.read_buf(buffer).await {
        Ok(count) if count > 0 && buffer.len() <= LARGEST => Some(()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_text_or_parts_and_the_most_has_two_names() {
        for (body, words, most) in [
            (r#"{"messages":[{"content":"a b"}],"max_tokens":3}"#, 2, Some(3)),
            (r#"{"messages":[{"content":[{"type":"text","text":"a b c"}]}],"max_completion_tokens":4}"#, 3, Some(4)),
            (r#"{"input":"a b"}"#, 2, None),
            (r#"{"input":["a b","c"]}"#, 3, None),
            (r#"{"prompt":"a","max_tokens":5,"max_completion_tokens":5}"#, 1, Some(5)),
            ("{}", 0, None),
        ] {
            let wanted: Wanted = serde_json::from_str(body).unwrap();
            assert_eq!((wanted.words(), wanted.most()), (words, most), "{body}");
        }
    }
}
