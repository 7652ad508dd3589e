//! PCIe replays in the last ten minutes, out of a counter that only rises.

use pilothouse_wire::Stamp;
use std::{collections::VecDeque, time::Duration};

/// The span that the metric is about.
const SPAN: Duration = Duration::from_secs(600);
/// A value is kept so often: 21 of them span ten minutes.
const STEP: Duration = Duration::from_secs(30);

/// Some values of the counter of one GPU, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Replays {
    kept: VecDeque<(Stamp, u32)>,
    full: bool,
}

impl Replays {
    /// Takes in a value of the counter, and tells how much it rose in ten minutes.
    ///
    /// Before ten minutes have been watched only a rise is told: it is at least that. That there was none is not known.
    pub fn rise(&mut self, at: Stamp, count: u32) -> Option<u32> {
        if self.kept.back().is_some_and(|(seen, last)| count < *last || at < *seen) {
            // The driver was loaded anew, or the clock was set back.
            self.kept.clear();
            self.full = false;
        }
        // The youngest of those that are old enough is where the ten minutes begin.
        while self.kept.get(1).is_some_and(|(second, _)| at.since(*second) >= SPAN) {
            self.kept.pop_front();
        }
        let first = self.kept.front().copied();
        if self.kept.back().is_none_or(|(last, _)| at.since(*last) >= STEP) {
            self.kept.push_back((at, count));
        }
        let (since, before) = first?;
        let rise = count - before;
        self.full = at.since(since) >= SPAN;
        (rise > 0 || self.full).then_some(rise)
    }

    /// Have ten minutes been watched?
    pub fn is_full(&self) -> bool {
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counter, read every two seconds: what is told at the end.
    fn after(seconds: i64, count: impl Fn(i64) -> u32) -> Option<u32> {
        let mut replays = Replays::default();
        let told = (0..=seconds / 2).map(|n| replays.rise(Stamp(n * 2_000), count(n * 2))).last().flatten();
        assert!(replays.kept.len() <= 22, "{}", replays.kept.len());
        told
    }

    #[test]
    fn no_rise_is_known_only_after_ten_minutes() {
        assert_eq!(after(0, |_| 7), None);
        assert_eq!(after(598, |_| 7), None);
        assert_eq!(after(600, |_| 7), Some(0));
    }

    #[test]
    fn a_rise_is_told_at_once_and_is_over_after_ten_minutes() {
        let rises_at_a_minute = |second| if second < 60 { 7 } else { 10 };
        assert_eq!(after(60, rises_at_a_minute), Some(3));
        assert_eq!(after(640, rises_at_a_minute), Some(3));
        assert_eq!(after(700, rises_at_a_minute), Some(0));
    }

    #[test]
    fn a_counter_that_falls_begins_anew() {
        assert_eq!(after(60, |second| if second < 60 { 7 } else { 2 }), None);
    }
}
