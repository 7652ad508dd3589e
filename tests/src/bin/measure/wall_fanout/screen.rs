//! A wall screen without glass: it watches what the page watches, and reads what it is sent as fast as it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use acceptance::{Context, Failure, Result};
use futures::{SinkExt, StreamExt};
use pilothouse_wire::codec::{self, ToEngine};
use pilothouse_wire::view::FleetSpec;
use pilothouse_wire::{ViewSpec, WIRE_HASH, When};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// The first bytes of a message with a frame: its variant.
const FRAME: u8 = 3;
/// What the page watches of the ribbon.
const WATCHED: Duration = Duration::from_secs(2 * 3_600);

/// What lets screens in: the door's host and port, and the cookie of the session.
#[derive(Clone)]
pub struct Key {
    host: String,
    cookie: String,
}

/// Turns the one-time code of a door's address into a session.
pub async fn let_in(address: &str) -> Result<Key> {
    let bad = || Failure::new("the door's address has no host or no code");
    let (host, rest) = address.strip_prefix("http://").and_then(|rest| rest.split_once('/')).ok_or_else(bad)?;
    let (_, code) = rest.split_once("#code=").ok_or_else(bad)?;
    let mut stream = TcpStream::connect(host).await.could_not("reach the door")?;
    let request = format!(
        "POST /session HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{code}",
        code.len()
    );
    stream.write_all(request.as_bytes()).await.could_not("send the code")?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.could_not("read the answer to the code")?;
    let line = reply.lines().find(|line| line.to_lowercase().starts_with("set-cookie:"));
    let cookie = line.and_then(|line| line.split([':', ';']).nth(1)).ok_or_else(|| Failure::new(reply.clone()))?;
    Ok(Key { host: host.to_owned(), cookie: cookie.trim().to_owned() })
}

/// A screen that is open. It is closed when this is dropped.
pub struct Screen {
    frames: Arc<AtomicU64>,
    reads: JoinHandle<()>,
}

impl Screen {
    /// Opens one.
    pub async fn open(key: &Key) -> Result<Self> {
        let stream = TcpStream::connect(&key.host).await.could_not("reach the door")?;
        let mut request = format!("ws://{}/link", key.host).into_client_request().could_not("ask for a link")?;
        let origin = format!("http://{}", key.host);
        for (name, value) in [("cookie", &key.cookie), ("origin", &origin)] {
            request.headers_mut().insert(name, value.parse().could_not("write a header")?);
        }
        let (mut socket, _) = client_async(request, stream).await.could_not("open a link")?;
        let ribbon = ViewSpec::Ribbon { span: WATCHED, end: When::Now };
        for message in [
            ToEngine::Hello(WIRE_HASH.to_owned()),
            ToEngine::Watch(1, ViewSpec::Fleet(FleetSpec::default()), When::Now),
            ToEngine::Watch(2, ribbon, When::Now),
        ] {
            socket.send(Message::Binary(codec::encode(&message).into())).await.could_not("say what is watched")?;
        }
        let frames = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&frames);
        let reads = tokio::spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                if matches!(&message, Message::Binary(bytes) if bytes.first() == Some(&FRAME)) {
                    seen.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { frames, reads })
    }

    /// How many frames it was sent.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Is it still sent anything?
    pub fn is_open(&self) -> bool {
        !self.reads.is_finished()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.reads.abort();
    }
}
