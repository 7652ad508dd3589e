//! Numbered changes: each says its number as the reason of a pod's status, so that it can be followed from where it is
//! made to the frame that shows it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

const BEGINS: &str = "tick-";
const DIGITS: usize = 6;

/// The word of a number; all of one length.
pub fn word(number: usize) -> String {
    format!("{BEGINS}{number:0DIGITS$}")
}

/// The number of a word.
pub fn number(word: &str) -> Option<usize> {
    word.strip_prefix(BEGINS)?.parse().ok()
}

/// Where in a line the digits stand.
pub fn place(line: &[u8]) -> Option<std::ops::Range<usize>> {
    // In quotes, so that no name of an object is taken for one.
    let begins = format!("\"{BEGINS}");
    let starts = line.windows(begins.len()).enumerate().filter(|(_, part)| *part == begins.as_bytes());
    starts
        .map(|(at, _)| at + begins.len()..at + begins.len() + DIGITS)
        .find(|digits| line.get(digits.clone()).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit)))
}

/// The number in a line.
pub fn in_line(line: &[u8]) -> Option<usize> {
    std::str::from_utf8(&line[place(line)?]).ok()?.parse().ok()
}

/// When each change was made.
pub struct Made {
    began: Instant,
    micros: Vec<AtomicU64>,
}

impl Made {
    /// Of so many changes none is made yet.
    pub fn none_of(count: usize) -> Self {
        Self { began: Instant::now(), micros: (0..count).map(|_| AtomicU64::new(u64::MAX)).collect() }
    }

    /// Notes that one is made now.
    pub fn note(&self, number: usize) {
        if let Some(slot) = self.micros.get(number) {
            slot.store(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// From when it was made to `then`, in milliseconds; `None` if it was never made.
    pub fn millis_until(&self, number: usize, then: Instant) -> Option<f64> {
        let micros = self.micros.get(number)?.load(Ordering::Relaxed);
        let made = (micros != u64::MAX).then(|| self.began + Duration::from_micros(micros))?;
        Some(then.saturating_duration_since(made).as_secs_f64() * 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_where_it_was_put() {
        let line = format!("{{\"name\":\"tick-9\",\"reason\":\"{}\"}}", word(1_234));
        assert_eq!((in_line(line.as_bytes()), number(&word(1_234))), (Some(1_234), Some(1_234)));
        assert_eq!((in_line(b"\"tick-12\""), number("Running")), (None, None));
    }
}
