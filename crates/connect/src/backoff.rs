//! How long to wait before the next attempt: longer each time, with jitter, never against the server's own word.

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;

/// Waits that grow from half a second to thirty, each with jitter, so that many clients do not come back at once.
#[derive(Debug)]
pub struct Backoff {
    waits: ExponentialBackoff,
}

const LONGEST: Duration = Duration::from_secs(30);
/// A server that asks for more patience than this is asked again all the same.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

impl Default for Backoff {
    fn default() -> Self {
        Self { waits: builder().build() }
    }
}

fn builder() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(LONGEST)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
}

impl Backoff {
    /// The next wait; at least what the server asked for (`Retry-After`).
    pub fn wait(&mut self, asked: Option<Duration>) -> Duration {
        let own = self.waits.next().unwrap_or(LONGEST).min(LONGEST);
        asked.map_or(own, |asked| own.max(asked.min(LONGEST_ASKED)))
    }

    /// It worked: the next wait is short again.
    pub fn worked(&mut self) {
        self.waits = builder().build();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_start_again_after_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = (0..12).map(|_| backoff.wait(None)).collect();
        assert!(waits[0] <= Duration::from_secs(2), "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= LONGEST), "{waits:?}");
        assert!(waits[11] > waits[0], "{waits:?}");
        backoff.worked();
        assert!(backoff.wait(None) <= Duration::from_secs(2));
    }

    #[test]
    fn a_server_that_asks_for_patience_gets_it() {
        assert_eq!(Backoff::default().wait(Some(Duration::from_secs(60))), Duration::from_secs(60));
        assert_eq!(Backoff::default().wait(Some(Duration::from_secs(86_400))), LONGEST_ASKED);
    }
}
