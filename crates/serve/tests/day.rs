//! A day before a wall, in simulated time: whoever misuses it in that time leaves nothing behind, and a screen that is there
//! from its beginning sees what is new at its end.
//!
//! The runtime's clock jumps to the next event as soon as nothing is left to do; the fleet's goes with it, faster.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

mod common;

use common::{Door, hear, options, say};
use futures::{SinkExt, StreamExt};
use pilothouse_engine::{Clock, Engine, Options, Paths};
use pilothouse_serve::{Book, Grade, Limits, ServeOptions, serve};
use pilothouse_wire::{
    Act, Stamp, ViewSpec, When,
    codec::{ToEngine, ToPage},
    form::Draft,
    view::FleetSpec,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpStream, time::Instant};
use tokio_tungstenite::tungstenite::Message;

const HOUR: Duration = Duration::from_secs(3_600);
/// So many seconds pass for the fleet in one of the runtime's.
const FASTER: u32 = 120;
/// What is kept for a while is there after these hours; what is more behind them is growth.
const SETTLES: u32 = 4;
/// Bytes by which the process may be larger at the end: freed memory is not given back at once.
const GROWTH: u64 = 24 << 20;

/// The memory of this process that is in use.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap() * 4_096
}

/// A day's clock and a wall on one cluster of the demo, which is measured once a minute.
async fn opened() -> Door {
    let home = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let clock = Clock::of(move || Stamp(1_795_500_000_000).plus(began.elapsed() * FASTER));
    let paths = Paths::under(home.path());
    let of_engine = Options { paths, demo: false, only: None, record: false, clock: clock.clone() };
    let operator = Engine::start(of_engine).await.unwrap();
    let values = [("cluster", "fra-train"), ("seed", "7"), ("interval", "60")];
    let values = values.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let draft = Draft { kind: "demo".into(), name: "fra".into(), values };
    operator.act(Act::AddConnection { draft, secrets: Vec::new() }).await.unwrap();
    let of_wall = ServeOptions {
        book: Some(Book::at(home.path().join("wall.json"))),
        // Each look at the book waits for the disk, and the clock with it.
        limits: Limits { check: HOUR, ..Limits::default() },
        clock,
        ..options("127.0.0.1:0", Grade::Wall)
    };
    let serving = serve(operator.reader(), of_wall).await.unwrap();
    Door { serving, operator, home }
}

/// What somebody does to a wall who means no good: garbage, too much, nothing at all, a slow hand, addresses that lead out.
async fn misused(door: &Door, cookie: &str) {
    let mut silent = Vec::new();
    for _ in 0..8 {
        let mut socket = door.greeted(cookie).await;
        let _ = socket.send(Message::Binary(vec![0xff; 64].into())).await;
        silent.push(TcpStream::connect(door.address()).await.unwrap());
        // It watches everything, and reads none of it.
        let mut slow = door.greeted(cookie).await;
        for number in 0..4 {
            say(&mut slow, &ToEngine::Watch(number, ViewSpec::Fleet(FleetSpec::default()), When::Now)).await;
        }
        let huge = Message::Binary(vec![0; 1 << 20].into());
        let _ = tokio::time::timeout(Duration::from_secs(2), slow.send(huge)).await;
    }
    for line in ["GET /../../etc/passwd", "GET /%2e%2e/%2e%2e/etc/passwd", "DELETE /session"] {
        assert!(!door.request(line, "", "").await.text.contains("root:"), "{line}");
    }
    drop(silent);
}

#[tokio::test]
async fn after_a_day_a_wall_has_no_more_than_before_and_its_screen_sees_what_is_new() {
    let door = opened().await;
    let cookie = door.cookie().await;
    let mut screen = door.greeted(&cookie).await;
    say(&mut screen, &ToEngine::Watch(1, ViewSpec::Fleet(FleetSpec::default()), When::Now)).await;
    assert!(matches!(hear(&mut screen).await, ToPage::Frame(1, _)));
    let frames = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&frames);
    let reads = tokio::spawn(async move {
        while let Some(Ok(message)) = screen.next().await {
            seen.fetch_add(u64::from(matches!(message, Message::Binary(_))), Ordering::Relaxed);
        }
    });

    let mut settled = 0;
    for hour in 1..=24_u32 {
        let before = frames.load(Ordering::Relaxed);
        tokio::time::pause();
        tokio::time::sleep(HOUR / FASTER).await;
        // Connections are made in the machine's time.
        tokio::time::resume();
        if hour % 3 == 1 {
            misused(&door, &cookie).await;
        }
        let new = frames.load(Ordering::Relaxed) - before;
        assert!(new >= 20, "the screen saw only {new} frames in hour {hour}");
        assert!(!reads.is_finished(), "the screen lost its link in hour {hour}");
        if hour == SETTLES {
            settled = resident();
        }
    }
    let growth = resident().saturating_sub(settled);
    assert!(growth < GROWTH, "{growth} bytes more than after {SETTLES} hours");
    reads.abort();
    door.end().await;
}
