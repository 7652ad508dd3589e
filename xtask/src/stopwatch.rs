//! How long something takes, for people who wait for it.

use std::time::{Duration, Instant};

/// Runs from when it is made.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts one.
    #[expect(clippy::disallowed_methods, reason = "a tool tells people real time; nothing is replayed here")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since its start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// The same in seconds, for a sentence.
    pub fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}
