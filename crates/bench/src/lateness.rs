//! Is the client itself late? A task that only wants to be woken every few milliseconds: as late as it is, the times of
//! pieces may be. Whoever was held up for a second would have been late a hundred times in it, and counts as often: else one
//! long stall would be one value among thousands, and no share of the time.

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
            () = sleep_until(wanted) => count(&mut late, wanted.elapsed()),
            _ = &mut end => return late,
        }
    }
}

/// So late, and likewise each time at which it would have been woken meanwhile.
fn count(late: &mut Recorder, by: Duration) {
    let mut left = Some(by);
    while let Some(by) = left {
        late.add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX));
        left = by.checked_sub(EVERY).filter(|more| !more.is_zero());
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
        assert!(late.max >= Some(40_000), "{late:?}");
        // Nine times in time, then for each of the fifth of a tenth of a second in which nobody ran.
        assert_eq!((late.count, late.p50), (14, Some(0)), "{late:?}");
    }

    #[test]
    fn one_stall_is_late_as_often_as_it_was_to_be_woken_in_it() {
        let mut late = Recorder::default();
        // Ten seconds, one of which nobody ran: a tenth of the time.
        (0..900).for_each(|_| count(&mut late, Duration::ZERO));
        count(&mut late, Duration::from_secs(1));
        let spread = late.spread(MICROS);
        assert_eq!((spread.count, spread.max.map(|most| most / 10_000)), (1_000, Some(100)));
        assert!(spread.p90 <= Some(20_000) && spread.p95 >= Some(490_000), "{spread:?}");
    }
}
