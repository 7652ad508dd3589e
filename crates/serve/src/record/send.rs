//! Sends a part of the record piece by piece: no quicker than it is taken, and no longer than its token is good.

use super::{Door, Sent};
use crate::{accept::HangUp, book::OfRecord, places::Place};
use axum::body::{Body, Bytes};
use pilothouse_engine::record::Prepared;
use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

/// Bytes of a piece.
const PIECE: u64 = 128 * 1024;

/// To whom, and for how long.
pub(super) struct Way {
    pub door: Arc<Door>,
    pub word: Vec<u8>,
    pub sent: Sent,
    pub hang_up: HangUp,
}

/// The part as a body. Its length is told beforehand, so that one that ends early is seen to.
pub(super) fn body(prepared: Prepared, place: Place, way: Way) -> Body {
    let (pieces, taken) = mpsc::channel(1);
    tokio::spawn(async move {
        let Way { door, word, mut sent, hang_up } = way;
        let is_good = || {
            let (door, word) = (Arc::clone(&door), word.clone());
            async move { door.book.kept().await.token::<OfRecord>(&word, door.clock.now()).is_ok() }
        };
        let ended = pour(prepared.into_bytes(), pieces, door.limits.send, door.limits.check, is_good).await;
        if let Err(why) = &ended {
            tracing::warn!(%why, peer = %sent.to, "a part of the record is not sent whole");
            // Who takes nothing would not be told by what is written to it.
            hang_up.now();
        }
        sent.whole = ended.is_ok();
        drop(place);
        // Nobody listening: it was sent all the same.
        let _ = door.sent.try_send(sent);
    });
    Body::from_stream(futures::stream::unfold(taken, async |mut taken: mpsc::Receiver<Bytes>| {
        taken.recv().await.map(|piece| (Ok::<_, io::Error>(piece), taken))
    }))
}

/// Hands out pieces, each once there is room for it, and asks every so often whether it may go on.
async fn pour<F: Future<Output = bool>>(
    mut bytes: impl Read + Send + 'static,
    pieces: mpsc::Sender<Bytes>,
    patience: Duration,
    every: Duration,
    is_good: impl Fn() -> F,
) -> io::Result<()> {
    // It may have taken long to make.
    let mut checked = None;
    loop {
        if checked.is_none_or(|checked: Instant| checked.elapsed() >= every) {
            checked = Some(Instant::now());
            if !is_good().await {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "its token is no longer good"));
            }
        }
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::new();
            (&mut bytes).take(PIECE).read_to_end(&mut piece).map(|_| (bytes, piece))
        });
        let (rest, piece) = read.await.map_err(io::Error::other)??;
        if piece.is_empty() {
            return Ok(());
        }
        bytes = rest;
        match timeout(patience, pieces.send(piece.into())).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
            Err(_) => return Err(io::Error::from(io::ErrorKind::TimedOut)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::ready,
        sync::atomic::{AtomicBool, Ordering},
    };

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_given_up_and_so_is_who_has_gone() {
        let (pieces, mut taken) = mpsc::channel(1);
        let pouring = tokio::spawn(pour(io::repeat(7), pieces, SECOND, SECOND, || ready(true)));
        assert_eq!(taken.recv().await.unwrap().len() as u64, PIECE);
        assert_eq!(pouring.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
        let (pieces, taken) = mpsc::channel(1);
        drop(taken);
        let gone = pour(io::repeat(7), pieces, SECOND, SECOND, || ready(true)).await;
        assert_eq!(gone.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_soon_after_its_token() {
        let (pieces, mut taken) = mpsc::channel(1);
        let good = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&good);
        let is_good = move || ready(asked.load(Ordering::Relaxed));
        let pouring = tokio::spawn(pour(io::repeat(7), pieces, SECOND * 60, SECOND, is_good));
        taken.recv().await.unwrap();
        good.store(false, Ordering::Relaxed);
        tokio::time::advance(SECOND * 2).await;
        while taken.recv().await.is_some() {}
        assert_eq!(pouring.await.unwrap().unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[tokio::test]
    async fn all_of_it_is_sent_as_it_is() {
        let whole: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        let (pieces, mut taken) = mpsc::channel(1);
        let bytes = io::Cursor::new(whole.clone());
        let pouring = tokio::spawn(pour(bytes, pieces, SECOND, Duration::ZERO, || ready(true)));
        let mut came = Vec::new();
        while let Some(piece) = taken.recv().await {
            came.extend_from_slice(&piece);
        }
        assert!(pouring.await.unwrap().is_ok() && came == whole);
    }
}
