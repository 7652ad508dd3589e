//! Is the client itself late? A task that only wants to be woken every few milliseconds: as late as it is, the times of
//! pieces may be.

use crate::spread::Recorder;
use std::time::Duration;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

const EVERY: Duration = Duration::from_millis(10);

/// Watches until it is told to end; how late it was each time, in microseconds. A timer of the runtime is up to a millisecond
/// late by itself.
pub async fn watch(mut end: oneshot::Receiver<()>) -> Recorder {
    let mut late = Recorder::default();
    loop {
        let wanted = Instant::now() + EVERY;
        tokio::select! {
            () = sleep_until(wanted) => late.add(u64::try_from(wanted.elapsed().as_micros()).unwrap_or(u64::MAX)),
            _ = &mut end => return late,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spread::MICROS;

    #[tokio::test(start_paused = true)]
    async fn it_looks_every_ten_milliseconds_and_is_late_by_what_holds_it_up() {
        let (end, ended) = oneshot::channel();
        let watching = tokio::spawn(watch(ended));
        tokio::time::sleep(Duration::from_millis(95)).await;
        // Time passes while nobody runs.
        tokio::time::advance(Duration::from_millis(50)).await;
        tokio::task::yield_now().await;
        end.send(()).unwrap();
        let late = watching.await.unwrap().spread(MICROS);
        assert_eq!((late.count, late.p50), (10, Some(0)));
        assert!(late.max >= Some(40_000), "{late:?}");
    }
}
