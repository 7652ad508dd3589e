//! The door as a page sees it: over real TCP, with a real engine on the demo fleet.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use futures::{SinkExt, StreamExt};
use pilothouse_engine::{Clock, Engine, Operator, Options, Paths};
use pilothouse_serve::{Dist, Grade, Notice, ServeOptions, Serving, serve};
use pilothouse_wire::{
    Act, Answer, Ask, Body, Code, View, ViewSpec, WIRE_HASH, When,
    codec::{self, MAX_FROM_PAGE, ToDesktop, ToEngine, ToPage},
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

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open door on the demo fleet.
struct Door {
    serving: Serving,
    operator: Operator,
    _home: tempfile::TempDir,
}

impl Door {
    async fn open(grade: Grade) -> Self {
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
        let serving = serve(operator.reader(), options("127.0.0.1:0", grade)).await.unwrap();
        Self { serving, operator, _home: home }
    }

    fn address(&self) -> SocketAddr {
        self.serving.local_addr
    }

    fn code(&self) -> &str {
        self.serving.url_with_code.split_once("#code=").unwrap().1
    }

    /// Sends one request: its first line and its further headers.
    async fn request(&self, line: &str, headers: &str, body: &str) -> Reply {
        let host = self.address();
        self.raw(&format!("{line} HTTP/1.1\r\nHost: {host}\r\n{headers}{}", ending(body))).await
    }

    async fn raw(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Reply { status, head: head.to_lowercase(), body: body.to_owned(), text: text.clone() }
    }

    async fn redeem(&self, code: &str) -> Reply {
        self.request("POST /session", "", code).await
    }

    async fn cookie(&self) -> String {
        let reply = self.redeem(self.code()).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
        // Not from `head`, which is in lower case.
        let line = reply.text.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).unwrap().to_owned();
        line.split_once(':').unwrap().1.split(';').next().unwrap().trim().to_owned()
    }

    async fn socket(&self, cookie: &str, origin: Option<&str>) -> Result<Socket, tungstenite::Error> {
        let mut request = format!("ws://{}/link", self.address()).into_client_request().unwrap();
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        connect_async(request).await.map(|(socket, _)| socket)
    }

    async fn link(&self, cookie: &str) -> Socket {
        let origin = format!("http://{}", self.address());
        self.socket(cookie, Some(&origin)).await.unwrap()
    }

    /// A link that has said hello.
    async fn greeted(&self, cookie: &str) -> Socket {
        let mut socket = self.link(cookie).await;
        say(&mut socket, &ToEngine::Hello(WIRE_HASH.to_owned())).await;
        assert_eq!(hear(&mut socket).await, ToPage::Hello(WIRE_HASH.to_owned()));
        socket
    }

    async fn end(self) {
        self.serving.close();
        self.operator.shutdown().await;
    }
}

struct Reply {
    status: u16,
    head: String,
    body: String,
    text: String,
}

fn ending(body: &str) -> String {
    format!("Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn options(address: &str, grade: Grade) -> ServeOptions {
    ServeOptions {
        address: address.parse().unwrap(),
        grade,
        allow_remote: false,
        names: Vec::new(),
        dist: Dist::BuiltIn,
    }
}

async fn say(socket: &mut Socket, message: &ToEngine) {
    socket.send(Message::Binary(codec::encode(message).into())).await.unwrap();
}

async fn hear(socket: &mut Socket) -> ToPage {
    loop {
        match next(socket).await {
            Message::Binary(bytes) => return codec::decode(&bytes).unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn next(socket: &mut Socket) -> Message {
    tokio::time::timeout(Duration::from_secs(30), socket.next()).await.unwrap().unwrap().unwrap()
}

async fn closed(socket: &mut Socket) -> u16 {
    loop {
        match next(socket).await {
            Message::Close(Some(CloseFrame { code, .. })) => return code.into(),
            Message::Close(None) => return 0,
            _ => {}
        }
    }
}

#[tokio::test]
async fn without_a_session_there_is_a_401_and_nothing_else() {
    let door = Door::open(Grade::Own).await;
    for headers in ["", "Cookie: pilothouse=guess\r\n", "Upgrade: websocket\r\nConnection: upgrade\r\n"] {
        let reply = door.request("GET /link", headers, "").await;
        assert_eq!((reply.status, reply.body.as_str()), (401, ""), "{headers}");
    }
    assert!(matches!(door.socket("a=b", None).await, Err(tungstenite::Error::Http(answer)) if answer.status() == 401));
    door.end().await;
}

#[tokio::test]
async fn foreign_names_and_pages_are_refused_before_anything_else() {
    let door = Door::open(Grade::Own).await;
    let cookie = door.cookie().await;
    let host = door.raw(&format!("GET / HTTP/1.1\r\nHost: evil.example\r\n{}", ending(""))).await;
    assert_eq!(host.status, 403);
    for path in ["GET /", "GET /link", "POST /session"] {
        let headers = format!("Cookie: {cookie}\r\nOrigin: http://evil.example\r\n");
        assert_eq!(door.request(path, &headers, "").await.status, 403, "{path}");
    }
    for origin in [Some("http://evil.example"), None] {
        let refused = door.socket(&cookie, origin).await;
        assert!(matches!(refused, Err(tungstenite::Error::Http(answer)) if answer.status() == 403), "{origin:?}");
    }
    door.end().await;
}

#[tokio::test]
async fn a_code_works_once_and_ten_wrong_ones_void_it() {
    let mut door = Door::open(Grade::Own).await;
    let reply = door.redeem(door.code()).await;
    assert!(reply.head.contains("; httponly; samesite=strict; path=/"), "{}", reply.head);
    assert_eq!(door.serving.notices.recv().await, Some(Notice::Opened));
    assert_eq!(door.redeem(door.code()).await.status, 401);
    door.end().await;

    let mut door = Door::open(Grade::Own).await;
    for _ in 0..10 {
        assert_eq!(door.redeem("guess").await.status, 401);
    }
    assert_eq!(door.serving.notices.recv().await, Some(Notice::Void));
    assert_eq!(door.redeem(door.code()).await.status, 401);
    door.end().await;
}

#[tokio::test]
async fn a_page_asks_and_watches() {
    let door = Door::open(Grade::Own).await;
    let mut socket = door.greeted(&door.cookie().await).await;
    say(&mut socket, &ToEngine::Ask(7, Ask::About)).await;
    let ToPage::Answer(7, Ok(Answer::About(about))) = hear(&mut socket).await else { panic!("no answer") };
    assert!(about.demo && !about.may_act);
    say(&mut socket, &ToEngine::Watch(1, ViewSpec::Connections, When::Now)).await;
    let ToPage::Frame(1, frame) = hear(&mut socket).await else { panic!("no frame") };
    assert!(matches!(frame.body, Body::Full(View::Connections(view)) if !view.kinds.is_empty()));
    // The same number again asks for the whole view anew.
    say(&mut socket, &ToEngine::Watch(1, ViewSpec::Connections, When::Now)).await;
    loop {
        let ToPage::Frame(1, frame) = hear(&mut socket).await else { panic!("no frame") };
        if matches!(frame.body, Body::Full(_)) {
            break;
        }
    }
    say(&mut socket, &ToEngine::Unwatch(1)).await;
    say(&mut socket, &ToEngine::Ask(8, Ask::About)).await;
    while !matches!(hear(&mut socket).await, ToPage::Answer(8, Ok(_))) {}
    door.end().await;
}

#[tokio::test]
async fn what_one_page_does_wrong_ends_its_link_and_no_other() {
    let door = Door::open(Grade::Own).await;
    let cookie = door.cookie().await;
    let mut well = door.greeted(&cookie).await;
    let act = ToDesktop::Act(1, Act::RemoveConnection(pilothouse_wire::ConnectionId::slug("iad-prod")));
    let two = [codec::encode(&ToEngine::Ask(1, Ask::About)), vec![0]].concat();
    for (bytes, want) in
        [(vec![0xff; 40], 1007), (two, 1007), (codec::encode(&act), 1007), (vec![0; MAX_FROM_PAGE + 1], 1009)]
    {
        let (mut socket, length) = (door.greeted(&cookie).await, bytes.len());
        let _ = socket.send(Message::Binary(bytes.into())).await;
        assert_eq!(closed(&mut socket).await, want, "{length} bytes");
    }
    // A huge one is not even read: the system may cut it off before the reason arrives.
    let mut socket = door.greeted(&cookie).await;
    let _ = socket.send(Message::Binary(vec![0; 3 * MAX_FROM_PAGE].into())).await;
    let ended = tokio::time::timeout(Duration::from_secs(30), socket.next()).await.unwrap();
    assert!(!matches!(ended, Some(Ok(Message::Binary(_) | Message::Text(_)))), "{ended:?}");
    let mut socket = door.greeted(&cookie).await;
    socket.send(Message::Text("hello".into())).await.unwrap();
    assert_eq!(closed(&mut socket).await, 1003);
    let mut socket = door.link(&cookie).await;
    say(&mut socket, &ToEngine::Ask(1, Ask::About)).await;
    assert_eq!(closed(&mut socket).await, 1002);
    let mut socket = door.link(&cookie).await;
    say(&mut socket, &ToEngine::Hello("another build".into())).await;
    assert_eq!(hear(&mut socket).await, ToPage::Hello(WIRE_HASH.to_owned()));
    assert_eq!(closed(&mut socket).await, 4001);
    let mut socket = door.greeted(&cookie).await;
    for number in 0..17 {
        say(&mut socket, &ToEngine::Watch(number, ViewSpec::Connections, When::Now)).await;
    }
    assert_eq!(closed(&mut socket).await, 1008);

    say(&mut well, &ToEngine::Ask(2, Ask::About)).await;
    assert!(matches!(hear(&mut well).await, ToPage::Answer(2, Ok(_))));
    door.end().await;
}

#[tokio::test]
async fn no_message_of_a_page_is_an_act() {
    // The type has no such variant; and no bytes of an act read as anything that it has.
    let acts = [
        Act::RemoveConnection(pilothouse_wire::ConnectionId::slug("a")),
        Act::RetryConnection(pilothouse_wire::ConnectionId::slug("a")),
        Act::PauseConnection { id: pilothouse_wire::ConnectionId::slug("a"), paused: true },
        Act::UnlockVault(pilothouse_wire::form::SecretInput("x".into())),
    ];
    for act in acts {
        let bytes = codec::encode(&ToDesktop::Act(1, act));
        assert!(codec::decode::<ToEngine>(&bytes).is_err(), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_wall_is_shown_the_fleet_and_no_settings() {
    let door = Door::open(Grade::Wall).await;
    let mut socket = door.greeted(&door.cookie().await).await;
    say(&mut socket, &ToEngine::Watch(1, ViewSpec::Connections, When::Now)).await;
    let ToPage::Refused(1, problem) = hear(&mut socket).await else { panic!("shown") };
    assert_eq!(problem.code, Code::NotOffered);
    let search = Ask::Search { text: "h100".into(), limit: 5, when: When::Now };
    say(&mut socket, &ToEngine::Ask(2, search)).await;
    assert!(matches!(hear(&mut socket).await, ToPage::Answer(2, Err(problem)) if problem.code == Code::NotOffered));
    say(&mut socket, &ToEngine::Watch(3, ViewSpec::Fleet(Default::default()), When::Now)).await;
    assert!(matches!(hear(&mut socket).await, ToPage::Frame(3, frame) if matches!(frame.body, Body::Full(_))));
    door.end().await;
}

#[tokio::test]
async fn other_machines_are_let_in_only_to_the_wall_and_only_if_asked_for() {
    let door = Door::open(Grade::Own).await;
    for (allow_remote, grade, want) in
        [(false, Grade::Wall, false), (true, Grade::Own, false), (false, Grade::Own, false), (true, Grade::Wall, true)]
    {
        let options = ServeOptions { allow_remote, ..options("0.0.0.0:0", grade) };
        let opened = serve(door.operator.reader(), options).await;
        assert_eq!(opened.is_ok(), want, "{allow_remote} {grade:?}");
    }
    door.end().await;
}

#[tokio::test]
async fn every_answer_forbids_what_the_page_does_not_need() {
    let door = Door::open(Grade::Own).await;
    for line in ["GET /", "GET /nothing.js", "GET /link", "POST /session", "DELETE /"] {
        let reply = door.request(line, "Accept: text/html\r\n", "").await;
        for want in ["default-src 'self'", "frame-ancestors 'none'", "nosniff", "no-referrer", "cache-control: no-"] {
            assert!(reply.head.contains(want), "{line}: {want}\n{}", reply.head);
        }
        assert!(!reply.head.contains("access-control-"), "{line}");
    }
    let large = door.redeem(&"x".repeat(4_096)).await;
    assert_eq!(large.status, 413);
    door.end().await;
}
