//! A door on the demo fleet, and a page before it: over real TCP, with a real engine.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "each test uses a part; it fails by what went wrong")]

use futures::{SinkExt, StreamExt};
use pilothouse_engine::{Clock, Engine, Operator, Options, Paths};
use pilothouse_serve::{Book, Dist, Grade, Limits, OfWall, ServeOptions, Serving, serve};
use pilothouse_wire::{
    WIRE_HASH,
    codec::{self, ToEngine, ToPage},
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, protocol::CloseFrame},
};

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open door on the demo fleet.
pub struct Door {
    pub serving: Serving,
    pub operator: Operator,
    pub home: tempfile::TempDir,
}

impl Door {
    pub async fn open(grade: Grade) -> Self {
        Self::open_with(options("127.0.0.1:0", grade)).await
    }

    /// Opened with these options; a wall keeps its book in the door's own home.
    pub async fn open_with(mut options: ServeOptions) -> Self {
        let home = tempfile::tempdir().unwrap();
        let operator = Engine::start(Options {
            paths: Paths::under(home.path()),
            demo: true,
            only: None,
            record: false,
            clock: Clock::system(),
        })
        .await
        .unwrap();
        options.book = (options.grade == Grade::Wall).then(|| Book::at(home.path().join("wall.json")));
        let serving = serve(operator.reader(), options).await.unwrap();
        Self { serving, operator, home }
    }

    pub fn address(&self) -> SocketAddr {
        self.serving.local_addr
    }

    /// The book of a wall.
    pub fn book(&self) -> Book<OfWall> {
        Book::at(self.home.path().join("wall.json"))
    }

    pub fn code(&self) -> &str {
        self.serving.url.split_once("#code=").unwrap().1
    }

    /// Sends one request: its first line and its further headers.
    pub async fn request(&self, line: &str, headers: &str, body: &str) -> Reply {
        let host = self.address();
        self.raw(&format!("{line} HTTP/1.1\r\nHost: {host}\r\n{headers}{}", ending(body))).await
    }

    pub async fn raw(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Reply { status, head: head.to_lowercase(), body: body.to_owned(), text: text.clone() }
    }

    pub async fn redeem(&self, code: &str) -> Reply {
        self.request("POST /session", "", code).await
    }

    pub async fn cookie(&self) -> String {
        self.cookie_for(self.code()).await
    }

    /// The cookie that a code or a token becomes.
    pub async fn cookie_for(&self, word: &str) -> String {
        let reply = self.redeem(word).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
        // Not from `head`, which is in lower case.
        let line = reply.text.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).unwrap().to_owned();
        line.split_once(':').unwrap().1.split(';').next().unwrap().trim().to_owned()
    }

    pub async fn socket(&self, cookie: &str, origin: Option<&str>) -> Result<Socket, tungstenite::Error> {
        let mut request = format!("ws://{}/link", self.address()).into_client_request().unwrap();
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        connect_async(request).await.map(|(socket, _)| socket)
    }

    pub async fn link(&self, cookie: &str) -> Socket {
        let origin = format!("http://{}", self.address());
        self.socket(cookie, Some(&origin)).await.unwrap()
    }

    /// A link that has said hello.
    pub async fn greeted(&self, cookie: &str) -> Socket {
        let mut socket = self.link(cookie).await;
        say(&mut socket, &ToEngine::Hello(WIRE_HASH.to_owned())).await;
        assert_eq!(hear(&mut socket).await, ToPage::Hello(WIRE_HASH.to_owned()));
        socket
    }

    pub async fn end(self) {
        self.serving.close();
        self.operator.shutdown().await;
    }
}

pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
    pub text: String,
}

pub fn ending(body: &str) -> String {
    format!("Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub fn options(address: &str, grade: Grade) -> ServeOptions {
    ServeOptions {
        address: address.parse().unwrap(),
        grade,
        identity: None,
        plain: false,
        book: None,
        names: Vec::new(),
        dist: Dist::BuiltIn,
        limits: Limits::default(),
        clock: Clock::system(),
    }
}

pub async fn say(socket: &mut Socket, message: &ToEngine) {
    socket.send(Message::Binary(codec::encode(message).into())).await.unwrap();
}

pub async fn hear(socket: &mut Socket) -> ToPage {
    loop {
        match next(socket).await {
            Message::Binary(bytes) => return codec::decode(&bytes).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

pub async fn next(socket: &mut Socket) -> Message {
    tokio::time::timeout(Duration::from_secs(30), socket.next()).await.unwrap().unwrap().unwrap()
}

pub async fn closed(socket: &mut Socket) -> u16 {
    loop {
        match next(socket).await {
            Message::Close(Some(CloseFrame { code, .. })) => return code.into(),
            Message::Close(None) => return 0,
            _ => {}
        }
    }
}
