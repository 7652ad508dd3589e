//! An answer in pieces, written by hand: each at its moment, and each wrong as it was asked for.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::request::{self, Request};
use super::{Fault, Logged, Shared};

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
/// Of who asks for nothing.
const TOKENS: u32 = 16;

/// Answers the requests of a connection, one after the other, until it is closed.
pub async fn serve(mut socket: TcpStream, shared: &Shared) {
    // Pieces that wait to be sent with the next would have no time of their own.
    let _ = socket.set_nodelay(true);
    let mut buffer = Vec::new();
    while let Some(request) = request::read(&mut socket, &mut buffer).await {
        let received = Instant::now();
        if let Some(text) = aside(&request.path, shared) {
            if plain(&mut socket, "200 OK", "text/plain", "", &text).await.is_err() {
                return;
            }
            continue;
        }
        let number = shared.count.fetch_add(1, Ordering::Relaxed);
        let Request { id, key, body, .. } = &request;
        let logged = Logged {
            id: id.clone(),
            received_us: shared.now(),
            key: key.clone(),
            body: body.clone(),
            ..Logged::default()
        };
        let mut answer = Answer { socket: &mut socket, shared, request: &request, received, logged };
        let goes_on = answer.give(number).await.unwrap_or(false);
        shared.note(answer.logged);
        if !goes_on {
            return;
        }
    }
}

struct Answer<'a> {
    socket: &'a mut TcpStream,
    shared: &'a Shared,
    request: &'a Request,
    received: Instant,
    logged: Logged,
}

impl Answer<'_> {
    /// Gives the answer; may the connection be used again?
    async fn give(&mut self, number: u64) -> io::Result<bool> {
        // Who waits for a place has its moments from then on.
        let place = self.shared.places.clone().acquire_owned().await;
        if self.shared.script.places.is_some() {
            self.received = Instant::now();
        }
        let goes_on = self.give_at_once(number).await;
        drop(place);
        goes_on
    }

    async fn give_at_once(&mut self, number: u64) -> io::Result<bool> {
        let fault = (self.shared.script.fault)(number);
        match fault {
            Fault::Closed => return Ok(false),
            Fault::Status(status) => {
                let key = self.request.key.clone().unwrap_or_default();
                let said = json!({ "error": { "message": format!("no, said the server to {key}") } });
                return self.plain(&format!("{status} No"), "application/json", "", &said.to_string()).await;
            }
            Fault::TooMany(seconds) => {
                let more = format!("retry-after: {seconds}\r\n");
                return self.plain("429 Too Many Requests", "text/plain", &more, "slow down").await;
            }
            Fault::WrongType => return self.plain("200 OK", "application/json", "", "{\"choices\":[]}").await,
            _ => {}
        }
        if let Some(whole) = self.whole() {
            let moment = self.shared.script.moments(number, 1).first().copied().unwrap_or_default();
            self.wait(moment).await;
            let sent = self.plain("200 OK", "application/json", "", &whole).await;
            self.logged.wrote_us.push(self.shared.now());
            return sent;
        }
        let chat = self.request.path.ends_with("/chat/completions");
        let pieces = self.shared.script.tokens.or(self.request.wanted.most()).unwrap_or(TOKENS);
        let pieces = if fault == Fault::Empty { 0 } else { pieces };
        if !self.shared.script.head.is_zero() {
            sleep_until(self.received + self.shared.script.head).await;
        }
        self.socket.write_all(HEAD.as_bytes()).await?;
        if chat {
            let role = json!([{ "index": 0, "delta": { "role": "assistant", "content": "" }, "finish_reason": null }]);
            self.event(&object(&role), fault).await?;
        }
        let moments = self.shared.script.moments(number, pieces);
        for (at, moment) in (0..pieces).zip(moments) {
            self.wait(moment).await;
            match fault {
                Fault::Cut(after) if at == after => return Ok(false),
                Fault::Hangs(after) if at == after => std::future::pending::<()>().await,
                Fault::SaidError(after) if at == after => {
                    self.event("{\"error\":{\"message\":\"CUDA out of memory\",\"code\":500}}", fault).await?;
                    break;
                }
                Fault::KeepAlives => self.raw(b": keep-alive\n\n").await?,
                Fault::EmptyDeltas => self.event(&object(&delta(chat, "content", "")), fault).await?,
                _ => {}
            }
            self.piece(at, chat, fault).await?;
            self.logged.wrote_us.push(self.shared.now());
        }
        self.end(pieces, chat, fault).await?;
        Ok(true)
    }

    async fn wait(&mut self, moment: Duration) {
        let due = self.received + moment;
        let planned = due.saturating_duration_since(self.shared.begin);
        self.logged.planned_us.push(u64::try_from(planned.as_micros()).unwrap_or(u64::MAX));
        if due > Instant::now() {
            sleep_until(due).await;
        }
    }

    async fn piece(&mut self, at: u32, chat: bool, fault: Fault) -> io::Result<()> {
        let thought = matches!(fault, Fault::Reasoning(many) if at < many);
        let field = if thought { "reasoning_content" } else { "content" };
        match fault {
            Fault::NotUtf8 if at == 1 => {
                let [before, after] = ["data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", "\"}}]}\n\n"];
                self.raw(&[before.as_bytes(), b"\xff\xfe", after.as_bytes()].concat()).await
            }
            Fault::Huge(bytes) if at == 1 => self.event(&object(&delta(chat, field, &"x".repeat(bytes))), fault).await,
            Fault::TwoChoices => {
                let mut second = delta(chat, field, " two");
                second[0]["index"] = 1.into();
                self.event(&object(&delta(chat, field, " one")), fault).await?;
                self.event(&object(&second), fault).await
            }
            _ => self.event(&object(&delta(chat, field, &self.shared.script.word)), fault).await,
        }
    }

    async fn end(&mut self, pieces: u32, chat: bool, fault: Fault) -> io::Result<()> {
        if fault != Fault::Unfinished {
            let mut last = delta(chat, "content", "");
            last[0]["finish_reason"] = "length".into();
            self.event(&object(&last), fault).await?;
            if self.request.wanted.stream_options.include_usage && fault != Fault::NoUsage {
                let prompt = self.request.wanted.words();
                let spoken = if fault == Fault::TwoChoices { 2 * pieces } else { pieces };
                let usage = json!({ "prompt_tokens": prompt, "completion_tokens": spoken, "total_tokens": prompt + spoken as usize });
                self.event(&json!({ "choices": [], "usage": usage }).to_string(), fault).await?;
            }
            if fault != Fault::NoDone {
                self.event("[DONE]", fault).await?;
            }
        }
        if fault == Fault::StaysOpen {
            std::future::pending::<()>().await;
        }
        self.socket.write_all(b"0\r\n\r\n").await
    }

    async fn event(&mut self, data: &str, fault: Fault) -> io::Result<()> {
        let line = if fault == Fault::Crlf { "\r\n" } else { "\n" };
        self.part(format!("data: {data}{line}{line}").as_bytes(), fault).await
    }

    async fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.part(bytes, Fault::None).await
    }

    /// One part of the body; in small ones where that is asked for.
    async fn part(&mut self, bytes: &[u8], fault: Fault) -> io::Result<()> {
        let size = match fault {
            Fault::Split(size) => size.max(1),
            _ => bytes.len(),
        };
        for part in bytes.chunks(size.max(1)) {
            let mut whole = format!("{:x}\r\n", part.len()).into_bytes();
            whole.extend_from_slice(part);
            whole.extend_from_slice(b"\r\n");
            self.socket.write_all(&whole).await?;
            if size < bytes.len() {
                // So that the next one is a read of its own.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// An answer that comes whole, where the request is for one.
    fn whole(&self) -> Option<String> {
        let word = self.shared.script.word.trim();
        let path = &self.request.path;
        if path.ends_with("/embeddings") {
            let words = self.request.wanted.words();
            let item = |(index, text): (usize, &String)| json!({ "object": "embedding", "index": index, "embedding": letters(text) });
            let data: Vec<serde_json::Value> = self.request.wanted.inputs().iter().enumerate().map(item).collect();
            return Some(json!({ "object": "list", "data": data, "usage": { "prompt_tokens": words } }).to_string());
        }
        if path.ends_with("/infer") {
            let output = json!({ "name": "text_output", "datatype": "BYTES", "shape": [1], "data": [word] });
            return Some(json!({ "model_name": "chat", "outputs": [output] }).to_string());
        }
        path.ends_with("/generate").then(|| json!({ "results": [{ "text": word }] }).to_string())
    }

    async fn plain(&mut self, status: &str, kind: &str, more: &str, body: &str) -> io::Result<bool> {
        plain(self.socket, status, kind, more, body).await
    }
}

/// How often each letter stands in a text: texts of the same letters are the same in meaning.
fn letters(text: &str) -> Vec<f64> {
    let of = |letter: char| text.chars().filter(|c| c.eq_ignore_ascii_case(&letter)).count() as f64;
    ('a'..='z').map(of).collect()
}

/// What is told to whoever asks how it is: no request of a benchmark.
fn aside(path: &str, shared: &Shared) -> Option<String> {
    match path {
        "/health" | "/v2/health/ready" => Some("well".to_owned()),
        "/version" => Some(json!({ "version": "truth 1" }).to_string()),
        // Of any model, by the Open Inference Protocol: it takes a text.
        _ if path.starts_with("/v2/models/") && !path.ends_with("/infer") => {
            let input = json!({ "name": "text_input", "datatype": "BYTES", "shape": [-1] });
            Some(json!({ "name": "chat", "platform": "truth", "inputs": [input] }).to_string())
        }
        "/metrics" => Some(format!(
            "# TYPE truth_requests_total counter\ntruth_requests_total {}\n",
            shared.count.load(Ordering::Relaxed)
        )),
        _ => None,
    }
}

async fn plain(socket: &mut TcpStream, status: &str, kind: &str, more: &str, body: &str) -> io::Result<bool> {
    let length = body.len();
    let whole = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{more}content-length: {length}\r\n\r\n{body}");
    socket.write_all(whole.as_bytes()).await?;
    Ok(true)
}

fn delta(chat: bool, field: &str, text: &str) -> serde_json::Value {
    match chat {
        true => json!([{ "index": 0, "delta": { field: text }, "finish_reason": null }]),
        false => json!([{ "index": 0, "text": text, "finish_reason": null }]),
    }
}

/// A piece, as a server writes it.
fn object(choices: &serde_json::Value) -> String {
    format!(
        "{{\"id\":\"truth\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":\"truth\",\"choices\":{choices}}}"
    )
}
