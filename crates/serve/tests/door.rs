//! The door as a page sees it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod common;

use common::{Door, closed, ending, hear, say};
use futures::{SinkExt, StreamExt};
use pilothouse_serve::{Grade, Notice};
use pilothouse_wire::{
    Act, Acted, Answer, Ask, Body, Code, ConnectionId, View, ViewSpec, WIRE_HASH, When,
    codec::{self, MAX_FROM_PAGE, ToDesktop, ToEngine, ToPage},
    form::Draft,
    runs::RunAsk,
};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::{self, Message};

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
    // What is answered, or was never asked, can be left as well.
    for number in [7, 70] {
        say(&mut socket, &ToEngine::Leave(number)).await;
    }
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

/// A connection to a server that takes every call and answers none, once it is open.
async fn silent_server(door: &Door, server: &TcpListener) -> ConnectionId {
    let url = format!("http://{}", server.local_addr().unwrap());
    let draft = Draft { kind: "mlflow".into(), name: "silent".into(), values: [("url".to_owned(), url)].into() };
    let Acted::Done(id) = door.operator.act(Act::AddConnection { draft, secrets: Vec::new() }).await.unwrap() else {
        panic!("not added")
    };
    let reader = door.operator.reader();
    // Before it is open that is said at once.
    while tokio::time::timeout(Duration::from_millis(200), reader.ask(runs_of(&id))).await.is_ok() {}
    id
}

fn runs_of(id: &ConnectionId) -> Ask {
    Ask::Runs(id.clone(), RunAsk::Run("ab12".into()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_leaves_waits_behind_no_question() {
    let door = Door::open(Grade::Own).await;
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let id = silent_server(&door, &server).await;
    let mut socket = door.greeted(&door.cookie().await).await;
    // More than are answered at the same time: the last ones wait for their turn.
    for number in 0..12 {
        say(&mut socket, &ToEngine::Ask(number, runs_of(&id))).await;
    }
    for number in 0..12 {
        say(&mut socket, &ToEngine::Leave(number)).await;
    }
    say(&mut socket, &ToEngine::Ask(100, Ask::About)).await;
    // None of them was waited for: the first answer is that of the question which nobody left.
    let heard = hear(&mut socket).await;
    assert!(matches!(heard, ToPage::Answer(100, Ok(Answer::About(_)))), "{heard:?}");
    door.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_asks_too_much_at_once_is_told_so_and_the_rest_is_answered() {
    let door = Door::open(Grade::Own).await;
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let id = silent_server(&door, &server).await;
    let mut socket = door.greeted(&door.cookie().await).await;
    for number in 0..=64 {
        say(&mut socket, &ToEngine::Ask(number, runs_of(&id))).await;
    }
    let ToPage::Answer(64, Err(problem)) = hear(&mut socket).await else { panic!("not refused") };
    assert_eq!(problem.code, Code::TooMany);
    for number in 0..64 {
        say(&mut socket, &ToEngine::Leave(number)).await;
    }
    say(&mut socket, &ToEngine::Ask(100, Ask::About)).await;
    assert!(matches!(hear(&mut socket).await, ToPage::Answer(100, Ok(_))));
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
