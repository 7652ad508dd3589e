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
    pub max_tokens: Option<u32>,
    pub prompt: Option<String>,
    /// Of embeddings.
    pub input: Option<String>,
    pub messages: Vec<Message>,
    pub stream_options: StreamOptions,
}

/// A message of a prompt.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    pub content: String,
}

/// How the answer is streamed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct StreamOptions {
    pub include_usage: bool,
}

impl Wanted {
    /// Words of the prompt.
    pub fn words(&self) -> usize {
        let texts = self
            .messages
            .iter()
            .map(|message| message.content.as_str())
            .chain(self.prompt.as_deref())
            .chain(self.input.as_deref());
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
