//! What pages may use of this machine: too much of anything ends with words or with that page alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod common;

use common::{Door, Socket, hear, options, say};
use futures::{StreamExt, future::join_all};
use pilothouse_serve::{Grade, Limits, ServeOptions};
use pilothouse_wire::{
    Ask, Body, ViewSpec, When,
    codec::{ToEngine, ToPage},
    view::FleetSpec,
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_tungstenite::{
    MaybeTlsStream, client_async,
    tungstenite::{self, client::IntoClientRequest},
};

fn wall(limits: Limits) -> ServeOptions {
    ServeOptions { limits, ..options("127.0.0.1:0", Grade::Wall) }
}

/// A page at another address of this machine.
async fn page_at(door: &Door, host: u8, cookie: &str) -> Result<Socket, tungstenite::Error> {
    let stream = connected(door, host).await;
    let origin = format!("http://{}", door.address());
    let mut request = format!("ws://{}/link", door.address()).into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    request.headers_mut().insert("origin", origin.parse().unwrap());
    client_async(request, MaybeTlsStream::Plain(stream)).await.map(|(socket, _)| socket)
}

async fn connected(door: &Door, host: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // So small that what is not read soon stays where it is.
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
    socket.connect(door.address()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_pages_are_fine_and_the_next_is_told_so() {
    let all = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit { current: all, maximum: all },
    )
    .unwrap();
    let door = Door::open_with(wall(Limits::default())).await;
    let cookie = door.cookie().await;
    let mut pages = Vec::new();
    for host in 1..=10 {
        let many = (0..100).map(|_| page_at(&door, host, &cookie));
        pages.extend(join_all(many).await.into_iter().map(Result::unwrap));
    }
    let Err(tungstenite::Error::Http(answer)) = page_at(&door, 11, &cookie).await else { panic!("let in") };
    assert_eq!(answer.status(), 503);
    assert!(String::from_utf8_lossy(answer.body().as_deref().unwrap_or_default()).contains("Too many pages"));
    // The others are not harmed by it: each of them is served when it asks.
    let last = pages.last_mut().unwrap();
    say(last, &ToEngine::Hello(pilothouse_wire::WIRE_HASH.to_owned())).await;
    assert!(matches!(hear(last).await, ToPage::Hello(_)));
    // Who goes makes room.
    drop(pages.pop());
    let mut again = page_at(&door, 11, &cookie).await;
    for _ in 0..100 {
        if again.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        again = page_at(&door, 11, &cookie).await;
    }
    assert!(again.is_ok());
    drop(pages);
    door.end().await;
}

#[tokio::test]
async fn one_address_has_its_share_of_pages_and_no_more() {
    let door = Door::open_with(wall(Limits { links_of_one: 2, ..Limits::default() })).await;
    let cookie = door.cookie().await;
    let _pages = [page_at(&door, 2, &cookie).await.unwrap(), page_at(&door, 2, &cookie).await.unwrap()];
    assert!(
        matches!(page_at(&door, 2, &cookie).await, Err(tungstenite::Error::Http(answer)) if answer.status() == 503)
    );
    assert!(page_at(&door, 3, &cookie).await.is_ok());
    door.end().await;
}

#[tokio::test]
async fn a_connection_that_never_says_what_it_wants_is_closed_and_too_many_are_refused_in_words() {
    let limits = Limits { connections_of_one: 2, head: Duration::from_millis(300), ..Limits::default() };
    let door = Door::open_with(wall(limits)).await;
    let mut silent = connected(&door, 2).await;
    let mut slow = connected(&door, 2).await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
    let mut third = connected(&door, 2).await;
    let mut words = String::new();
    third.read_to_string(&mut words).await.unwrap();
    assert!(words.starts_with("HTTP/1.1 503 ") && words.contains("Too many connections"), "{words}");
    // Another address is served meanwhile, and the two end by themselves.
    assert_eq!(door.request("GET /link", "", "").await.status, 401);
    for stream in [&mut silent, &mut slow] {
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    }
    door.end().await;
}

#[tokio::test]
async fn codes_are_tried_a_few_times_and_then_no_more() {
    let few = 5.try_into().unwrap();
    let limits = Limits { codes_at_once: few, code_every: Duration::from_secs(3_600), ..Limits::default() };
    let door = Door::open_with(wall(limits)).await;
    for _ in 0..5 {
        assert_eq!(door.redeem("guess").await.status, 401);
    }
    let refused = door.redeem(door.code()).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert!(refused.head.contains("retry-after: 3600"), "{}", refused.head);
    door.end().await;
}

#[tokio::test]
async fn who_asks_too_often_is_told_to_wait() {
    let limits =
        Limits { requests: 1.try_into().unwrap(), requests_at_once: 10.try_into().unwrap(), ..Limits::default() };
    let door = Door::open_with(wall(limits)).await;
    let mut seen = Vec::new();
    for _ in 0..40 {
        seen.push(door.request("GET /favicon.ico", "", "").await.status);
    }
    assert_eq!(seen[..10], [404; 10]);
    assert!(seen.contains(&429), "{seen:?}");
    door.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_takes_nothing_is_dropped_and_others_see_what_is_new() {
    let limits = Limits { send: Duration::from_millis(300), ..Limits::default() };
    let door = Door::open_with(wall(limits)).await;
    let cookie = door.cookie().await;
    let fleet = ViewSpec::Fleet(FleetSpec::default());
    let mut slow = page_at(&door, 2, &cookie).await.unwrap();
    say(&mut slow, &ToEngine::Hello(pilothouse_wire::WIRE_HASH.to_owned())).await;
    let mut well = door.greeted(&cookie).await;
    say(&mut well, &ToEngine::Watch(1, fleet.clone(), When::Now)).await;
    // The whole fleet again and again, which is more than any buffer on the way holds; it reads none of it.
    let mut gone = false;
    for _ in 0..2_000 {
        let bytes = pilothouse_wire::codec::encode(&ToEngine::Watch(1, fleet.clone(), When::Now));
        let message = tungstenite::Message::Binary(bytes.into());
        let sent = tokio::time::timeout(Duration::from_secs(2), futures::SinkExt::send(&mut slow, message)).await;
        if !matches!(sent, Ok(Ok(()))) {
            gone = true;
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(gone, "a page that takes nothing is still there");
    let mut frames = 0;
    while frames < 3 {
        if let ToPage::Frame(1, frame) = hear(&mut well).await {
            assert!(!matches!((frames, &frame.body), (1.., Body::Full(_))), "it missed one");
            frames += 1;
        }
    }
    door.end().await;
}

#[tokio::test]
async fn screens_may_watch_the_same_and_only_so_many_different_things() {
    let door = Door::open_with(wall(Limits { links_of_one: 100, ..Limits::default() })).await;
    let cookie = door.cookie().await;
    let (mut pages, mut refused) = (Vec::new(), 0);
    for page in 0..6_u64 {
        let mut socket = door.greeted(&cookie).await;
        for number in 0..16_u32 {
            let span = Duration::from_secs(60 + page * 16 + u64::from(number));
            say(&mut socket, &ToEngine::Watch(number, ViewSpec::Ribbon { span, end: When::Now }, When::Now)).await;
            if matches!(hear(&mut socket).await, ToPage::Refused(..)) {
                refused += 1;
            }
        }
        pages.push(socket);
    }
    assert_eq!(refused, 6 * 16 - 64);
    let mut another = door.greeted(&cookie).await;
    say(
        &mut another,
        &ToEngine::Watch(1, ViewSpec::Ribbon { span: Duration::from_secs(60), end: When::Now }, When::Now),
    )
    .await;
    assert!(matches!(hear(&mut another).await, ToPage::Frame(1, _)));
    say(&mut another, &ToEngine::Ask(2, Ask::About)).await;
    while let Some(Ok(_)) = tokio::time::timeout(Duration::from_millis(1), another.next()).await.unwrap_or(None) {}
    door.end().await;
}
