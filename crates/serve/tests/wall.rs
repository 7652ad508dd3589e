//! The wall's door: what it shows, what it never answers, whom it lets in and for how long.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod common;

use common::{Door, closed, hear, options, say};
use futures::SinkExt;
use pilothouse_engine::Clock;
use pilothouse_serve::{Grade, Identity, Limits, ServeOptions, serve};
use pilothouse_wire::{
    Act, Answer, Ask, Body, Code, ConnectionId, Health, ObjectRef, Stamp, View, ViewSpec, When,
    codec::{self, ToDesktop, ToEngine, ToPage},
    door::DoorAct,
    form::{Draft, SecretInput},
    notice::Wishes,
    plan::{Confirmation, Digest},
    view::{MarkKind, connections::PluginNotice, ribbon::MarkKey},
};
use std::{fs, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

const DAY: Duration = Duration::from_secs(86_400);
const ACTS: usize = 22;

/// The place of an act in [`acts`]. A new act does not compile until it has one.
fn place(act: &Act) -> usize {
    match act {
        Act::AddConnection { .. } => 0,
        Act::TestConnection { .. } => 1,
        Act::EditConnection { .. } => 2,
        Act::PauseConnection { .. } => 3,
        Act::RemoveConnection(_) => 4,
        Act::RetryConnection(_) => 5,
        Act::TrustPlugin { .. } => 6,
        Act::UnlockVault(_) => 7,
        Act::Note { .. } => 8,
        Act::RemoveNote(_) => 9,
        Act::ShowNotices => 10,
        Act::TryNotice => 11,
        Act::Wish(_) => 12,
        Act::SawNotices(_) => 13,
        Act::DeliveredNotice(..) => 14,
        Act::Operate { .. } => 15,
        Act::Confirm(_) => 16,
        Act::Halt(_) => 17,
        Act::Hold(_) => 18,
        Act::CloseCut(_) => 19,
        Act::BeginBench(_) => 20,
        Act::EndBench => 21,
    }
}

/// Every act, about a connection that there is.
fn acts() -> [Act; ACTS] {
    let id = ConnectionId::slug("iad-prod");
    let (about, operated) = (ObjectRef::Connection(id.clone()), id.clone());
    let plugin = PluginNotice { command: "x".into(), arguments: Vec::new(), digest: None, fingerprint: None };
    let (draft, secrets) = (Draft { kind: "demo".into(), name: "forged".into(), ..Draft::default() }, Vec::new());
    [
        Act::AddConnection { draft: draft.clone(), secrets: secrets.clone() },
        Act::TestConnection { of: Some(id.clone()), draft: draft.clone(), secrets: secrets.clone() },
        Act::EditConnection { id: id.clone(), draft, secrets },
        Act::PauseConnection { id: id.clone(), paused: true },
        Act::RemoveConnection(id.clone()),
        Act::RetryConnection(id.clone()),
        Act::TrustPlugin { id, plugin },
        Act::UnlockVault(SecretInput("x".into())),
        Act::Note { at: Stamp(1), object: Some(about.clone()), text: "forged".into() },
        Act::RemoveNote(MarkKey { at: Stamp(1), object: about, kind: MarkKind::Bookmark }),
        Act::ShowNotices,
        Act::TryNotice,
        Act::Wish(Wishes { kinds: [].into(), ..Wishes::default() }),
        Act::SawNotices(7),
        Act::DeliveredNotice(7, Ok(())),
        Act::Operate { id: operated, operate: true, production: Some(false) },
        Act::Confirm(Confirmation { digest: Digest([7; 32]), typed: None }),
        Act::Halt(7),
        Act::Hold(true),
        Act::CloseCut(7),
        Act::BeginBench(Draft { kind: "bench".into(), ..Draft::default() }),
        Act::EndBench,
    ]
}

/// What an act looks like in every dress: as the window sends it, behind each word that a page may say, cut at each
/// place, and with each other first byte.
fn forged(act: Act) -> Vec<Vec<u8>> {
    let whole = codec::encode(&ToDesktop::Act(1, act));
    let behind = (0..8).map(|tag| [&[tag], whole.as_slice()].concat());
    let cut = (1..whole.len()).map(|end| whole[..end].to_vec());
    let other = (0..=17_u8).map(|first| [&[first], &whole[1..]].concat());
    std::iter::once(whole.clone()).chain(behind).chain(cut).chain(other).collect()
}

/// The connections with their settings, whether each is paused, and whether the session is held, as their owner sees them.
async fn connections(door: &Door) -> Vec<String> {
    let ask = Ask::Frame { spec: ViewSpec::Connections, when: When::Now };
    let Answer::Frame(frame) = door.operator.reader().ask(ask).await.unwrap() else { panic!("another answer") };
    let Body::Full(View::Connections(view)) = frame.body else { panic!("another view") };
    let rows = view.rows.rows().iter();
    let rows = rows.map(|row| format!("{} {:?} {:?}", row.id, row.values, row.health == Health::Paused));
    std::iter::once(format!("{:?}", view.hold)).chain(rows).collect()
}

#[tokio::test]
async fn no_address_message_or_forged_frame_reaches_an_act() {
    let limits = Limits { links_of_one: 1_000, requests_at_once: 100_000.try_into().unwrap(), ..Limits::default() };
    let door = Door::open_with(ServeOptions { limits, ..options("127.0.0.1:0", Grade::Wall) }).await;
    let (cookie, before) = (door.cookie().await, connections(&door).await);
    assert!(!before.is_empty());
    for (at, act) in acts().into_iter().enumerate() {
        assert_eq!(place(&act), at);
        // It reads as nothing, or by chance as a question: messages do not describe themselves, and no page has a word for an act.
        let read = codec::decode::<ToEngine>(&codec::encode(&ToDesktop::Act(1, act.clone())));
        assert!(matches!(read, Err(_) | Ok(ToEngine::Ask(..))), "{act:?} {read:?}");
        for bytes in forged(act.clone()) {
            // What reads as something that a page may say is answered as that, and what does not ends the link: either
            // way none of it is an act.
            let mut socket = door.greeted(&cookie).await;
            socket.send(Message::Binary(bytes.into())).await.unwrap();
            say(&mut socket, &ToEngine::Ask(9, Ask::About)).await;
            while let Some(Ok(Message::Binary(bytes))) = futures::StreamExt::next(&mut socket).await {
                match codec::decode(&bytes).unwrap() {
                    ToPage::Answer(9, _) => break,
                    ToPage::Acted(..) => panic!("an act was answered: {act:?}"),
                    _ => {}
                }
            }
        }
    }
    for act in [DoorAct::Look, DoorAct::Open { port: 7447 }, DoorAct::Close] {
        assert!(codec::decode::<ToEngine>(&codec::encode(&ToDesktop::Door(1, act))).is_err(), "{act:?}");
    }
    let save = ToDesktop::Save(1, "rows.csv".into(), "a".into());
    assert!(codec::decode::<ToEngine>(&codec::encode(&save)).is_err());
    for line in ["POST /act", "PUT /link", "DELETE /wall", "POST /wall", "POST /connections", "PATCH /session"] {
        let body = String::from_utf8_lossy(&codec::encode(&ToDesktop::Act(1, acts()[4].clone()))).into_owned();
        let reply = door.request(line, &format!("Cookie: {cookie}\r\n"), &body).await;
        assert!([404, 405, 426, 400].contains(&reply.status), "{line}: {}", reply.text);
    }
    assert_eq!(connections(&door).await, before);
    door.end().await;
}

#[tokio::test]
async fn a_wall_is_shown_the_fleet_and_no_settings() {
    let door = Door::open(Grade::Wall).await;
    let mut socket = door.greeted(&door.cookie().await).await;
    let object = ViewSpec::Object("node:iad-prod/h100-117".parse().unwrap());
    for (number, spec, when) in [
        (1, ViewSpec::Connections, When::Now),
        (2, object, When::Now),
        (3, ViewSpec::Fleet(Default::default()), When::At(Stamp(1))),
    ] {
        say(&mut socket, &ToEngine::Watch(number, spec, when)).await;
        let ToPage::Refused(of, problem) = hear(&mut socket).await else { panic!("shown") };
        assert_eq!((of, problem.code), (number, Code::NotOffered));
    }
    let search = Ask::Search { text: "h100".into(), limit: 5, when: When::Now };
    say(&mut socket, &ToEngine::Ask(2, search)).await;
    assert!(matches!(hear(&mut socket).await, ToPage::Answer(2, Err(problem)) if problem.code == Code::NotOffered));
    say(&mut socket, &ToEngine::Ask(3, Ask::About)).await;
    assert!(matches!(hear(&mut socket).await, ToPage::Answer(3, Ok(Answer::About(about))) if about.wall && about.demo));
    say(&mut socket, &ToEngine::Watch(4, ViewSpec::Fleet(Default::default()), When::Now)).await;
    assert!(matches!(hear(&mut socket).await, ToPage::Frame(4, frame) if matches!(frame.body, Body::Full(_))));
    door.end().await;
}

#[tokio::test]
async fn every_page_of_a_wall_is_the_wall_and_nothing_outside_of_the_interface_is_served() {
    let door = Door::open(Grade::Wall).await;
    let page = "Accept: text/html\r\n";
    assert_eq!(door.request("GET /wall?show=fleet", page, "").await.status, 200);
    for (path, to) in
        [("/", "/wall"), ("/connections", "/wall"), ("/fleet?scope=a", "/wall?scope=a"), ("//evil.example", "/wall")]
    {
        let reply = door.request(&format!("GET {path}"), page, "").await;
        assert_eq!(reply.status, 303, "{path}: {}", reply.text);
        assert!(reply.head.contains(&format!("location: {to}\r\n")), "{path}: {}", reply.head);
    }
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/wall/../../etc/passwd",
        "/..%5c..%5cx",
        "/wall%00.js",
        "/.git/config",
    ] {
        let reply = door.request(&format!("GET {path}"), "", "").await;
        assert!([400, 404].contains(&reply.status), "{path}: {}", reply.text);
    }
    door.end().await;
}

#[tokio::test]
async fn other_machines_are_let_in_only_to_the_wall_by_a_token_and_over_what_is_encrypted() {
    let door = Door::open(Grade::Wall).await;
    let (folder, book) = (tempfile::tempdir().unwrap(), door.book());
    let made = rcgen::generate_simple_self_signed(vec!["wall.example".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let identity = Identity::read(&cert, &key).unwrap();
    let far = |grade, plain, identity: Option<&Identity>| ServeOptions {
        plain,
        identity: identity.cloned(),
        book: Some(book.clone()),
        names: vec!["wall.example".to_owned()],
        ..options("0.0.0.0:0", grade)
    };
    let open = async |options| serve(door.operator.reader(), options).await;
    let next = |problem: pilothouse_wire::Problem| problem.next.unwrap_or_default();
    assert!(next(open(far(Grade::Own, true, None)).await.unwrap_err()).contains("--wall"));
    assert!(next(open(far(Grade::Wall, false, None)).await.unwrap_err()).contains("--cert"));
    assert!(next(open(far(Grade::Wall, true, None)).await.unwrap_err()).contains("token new"));
    assert!(next(open(far(Grade::Wall, false, Some(&identity))).await.unwrap_err()).contains("token new"));
    let (_, token) = book.make_token("lobby", DAY, Clock::system().now()).unwrap();
    let plain = open(far(Grade::Wall, true, None)).await.unwrap();
    let (address, code) = plain.url.split_once("#code=").unwrap();
    assert_eq!(address, format!("http://wall.example:{}/wall", plain.local_addr.port()));
    let port = plain.local_addr.port();
    let redeem = async |word: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let head = format!("Host: wall.example:{port}\r\nOrigin: http://wall.example:{port}\r\nConnection: close\r\n");
        let request = format!("POST /session HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{word}", word.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        reply.split(' ').nth(1).unwrap().to_owned()
    };
    // What is printed lets one screen in, and is no token: a screen more is let in by another code, or by the token.
    assert!(!token.contains(code));
    assert_eq!([redeem(code).await, redeem(code).await, redeem(&token).await], ["204", "401", "204"]);
    assert_eq!(book.tokens(Clock::system().now()).unwrap()[0].screens, 2);
    let encrypted = open(far(Grade::Wall, false, Some(&identity))).await.unwrap();
    let (address, other) = encrypted.url.split_once("#code=").unwrap();
    assert_eq!(address, format!("https://wall.example:{}/wall", encrypted.local_addr.port()));
    assert_ne!(code, other);
    let problem = open(far(Grade::Own, false, Some(&identity))).await.unwrap_err();
    assert_eq!(problem.code, Code::NotOffered);
    door.end().await;
}

#[tokio::test]
async fn an_encrypted_door_speaks_to_who_trusts_its_certificate_and_to_nobody_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let identity = Some(Identity::read(&cert, &key).unwrap());
    let door = Door::open_with(ServeOptions { identity, ..options("127.0.0.1:0", Grade::Wall) }).await;
    assert!(door.serving.url.starts_with("https://127.0.0.1:"));

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(door.address()).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let (code, port) = (door.code().to_owned(), door.address().port());
    let ending = format!("Connection: close\r\nContent-Length: {}\r\n\r\n{code}", code.len());
    let request =
        format!("POST /session HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://localhost:{port}\r\n{ending}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 204 ") && reply.contains("; Secure; Max-Age="), "{reply}");

    let clear = door.request("GET /wall", "", "").await;
    assert_eq!((clear.status, clear.body.as_str()), (0, ""));
    door.end().await;
}

#[tokio::test]
async fn a_revoked_token_ends_the_links_that_it_made_and_no_others() {
    let limits = Limits { check: Duration::from_millis(20), ..Limits::default() };
    let door = Door::open_with(ServeOptions { limits, ..options("127.0.0.1:0", Grade::Wall) }).await;
    let (row, token) = door.book().make_token("lobby", DAY, Clock::system().now()).unwrap();
    let (by_token, by_code) = (door.cookie_for(&token).await, door.cookie().await);
    let mut screen = door.greeted(&by_token).await;
    let mut own = door.greeted(&by_code).await;
    door.book().revoke(row.id, Clock::system().now()).unwrap();
    assert_eq!(closed(&mut screen).await, 4003);
    let headers = format!("Cookie: {by_token}\r\n");
    assert_eq!(door.request("GET /link", &headers, "").await.status, 401);
    assert_eq!(door.redeem(&token).await.status, 401);
    say(&mut own, &ToEngine::Ask(1, Ask::About)).await;
    assert!(matches!(hear(&mut own).await, ToPage::Answer(1, Ok(_))));
    door.end().await;
}

#[tokio::test]
async fn a_screen_is_still_known_when_the_door_is_opened_anew() {
    let mut door = Door::open(Grade::Wall).await;
    let cookie = door.cookie().await;
    let book = door.book();
    door.serving.close();
    (&mut door.serving.done).await.unwrap();
    let again = ServeOptions { book: Some(book), ..options(&door.address().to_string(), Grade::Wall) };
    door.serving = serve(door.operator.reader(), again).await.unwrap();
    let mut socket = door.greeted(&cookie).await;
    say(&mut socket, &ToEngine::Ask(1, Ask::About)).await;
    assert!(matches!(hear(&mut socket).await, ToPage::Answer(1, Ok(_))));
    door.end().await;
}
