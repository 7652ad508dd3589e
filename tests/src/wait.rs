//! Waiting for a real server: ask again until it is so, with a limit and a reason.

use std::time::Duration;

use tokio::time::Instant;

use crate::failure::{Failure, Result};

/// Asks `probe` until it answers `Some`; an `Err` ends the waiting at once.
/// The pause grows with the time that the probe itself takes, so that a slow server is not
/// kept busy by the waiting.
pub async fn until<T>(what: &str, limit: Duration, mut probe: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        let asked = Instant::now();
        if let Some(value) = probe().await? {
            return Ok(value);
        }
        if start.elapsed() > limit {
            return Err(Failure::new(format!("{what}: still not so after {} s", limit.as_secs())));
        }
        tokio::time::sleep(asked.elapsed().max(Duration::from_millis(50))).await;
    }
}
