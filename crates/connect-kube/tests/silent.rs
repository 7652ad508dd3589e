//! An API server that says nothing any more: that is told at once, and it is given up only when it goes on. Time is paused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use pilothouse_connect::{
    Clock, Connector, Opening, Relays, Sink,
    conformance::{
        Place, now,
        scripted::{Reply, Scripted},
    },
};
use pilothouse_connect_kube::stand::{STAND, usual};
use pilothouse_wire::{Code, ConnectionId, Health};
use pilothouse_world::{Batch, Fact, fact::SourceFact};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// Waits for a health, and answers how long that took, by the clock that is paused.
async fn until(batches: &mut mpsc::Receiver<Batch>, is_it: fn(&Health) -> bool) -> (Health, Duration) {
    let began = Instant::now();
    loop {
        let batch = tokio::time::timeout(Duration::from_secs(120), batches.recv()).await.expect("it is told").unwrap();
        for fact in batch.facts {
            if let Fact::Source(SourceFact::Health(health)) = fact
                && is_it(&health)
            {
                return (health, began.elapsed());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_hangs_is_called_lost_within_five_seconds_and_given_up_later() {
    let hangs = Arc::new(AtomicBool::new(false));
    let script = Arc::clone(&hangs);
    let server = Scripted::start(move |path, _| match path {
        "/livez" if script.load(Ordering::Relaxed) => Reply::Silence,
        path => usual(path),
    });
    let server = server.await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let given = (STAND.fill)(&Place { url: &server.url, secret: "t", folder: folder.path() });
    let opening = Opening {
        id: ConnectionId::slug("iad"),
        name: "iad".to_owned(),
        values: given.values.into_iter().collect(),
        secrets: given.secrets,
        trusted: Vec::new(),
        clock: Clock::of(now),
        relays: Relays::none(),
        sought: &[],
    };
    let connector: Arc<dyn Connector> = (STAND.kind.open)(opening).unwrap();
    let (way, mut batches) = mpsc::channel(1_024);
    let sink = Sink::new(ConnectionId::slug("iad"), way, Clock::of(now));
    let watch = tokio::spawn(async move { connector.watch(sink).await });
    let sessions = || server.asked().iter().filter(|path| *path == "GET /version").count();

    until(&mut batches, |health| *health == Health::Well).await;
    hangs.store(true, Ordering::Relaxed);
    let (lost, took) = until(&mut batches, |health| matches!(health, Health::Lost(_))).await;
    assert!(took <= Duration::from_secs(5), "{took:?}");
    assert_eq!(lost.problem().unwrap().code, Code::TimedOut, "{lost:?}");
    // It was busy for a moment: nothing is listed anew for that.
    hangs.store(false, Ordering::Relaxed);
    until(&mut batches, |health| *health == Health::Well).await;
    assert_eq!(sessions(), 1);

    hangs.store(true, Ordering::Relaxed);
    let (_, took) = until(&mut batches, |health| matches!(health, Health::Lost(_))).await;
    assert!(took <= Duration::from_secs(5), "{took:?}");
    tokio::time::sleep(Duration::from_secs(20)).await;
    hangs.store(false, Ordering::Relaxed);
    until(&mut batches, |health| *health == Health::Well).await;
    assert!(sessions() > 1, "one that goes on being silent is connected anew");
    watch.abort();
}
