//! Sends requests on their way at their moments. On a thread of its own: the timers of the runtime go by whole
//! milliseconds, and whoever is due in between would come together with the next.

use std::{thread, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// How long it sleeps at most before it looks whether anybody still waits for it.
const LONGEST: Duration = Duration::from_millis(100);

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub n: u64,
    /// When it is meant to be sent, from the begin of the run.
    pub at: Duration,
    /// Tokens of prompt and answer, of a trace.
    pub sizes: Option<(u32, u32)>,
}

/// Gives each at its moment, never before, until all are given or nobody takes them.
pub fn pace(begin: Instant, all: impl Iterator<Item = Due>, to: &mpsc::Sender<Due>) {
    for due in all {
        loop {
            let left = (begin + due.at).saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            if to.is_closed() {
                return;
            }
            thread::park_timeout(left.min(LONGEST));
        }
        if to.blocking_send(due).is_err() {
            return;
        }
    }
}
