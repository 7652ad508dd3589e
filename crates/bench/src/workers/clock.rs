//! How far a worker's clock is from that of who asks, as bounds that hold whatever the network did: a message takes time, and never
//! less than none. What a worker wrote at its `w` was read here at `a`: our clock is ahead by `a − w` at most. What we sent at `s` was
//! seen there at `w`: our clock is ahead by `s − w` at least.

use pilothouse_wire::Stamp;
use serde::{Deserialize, Serialize};

/// By how much the clock of who asks is ahead of a worker's, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// At least; none where nothing of ours was seen there yet.
    pub least_ms: Option<i64>,
    /// At most; none where nothing was heard from there yet.
    pub most_ms: Option<i64>,
}

/// What the bounds say about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Both clocks are within it.
    Within,
    /// They surely are not.
    Apart,
    /// The bounds are too wide to tell.
    CannotTell,
}

impl Clock {
    /// What it wrote at its own time was read here then.
    pub fn heard(&mut self, wrote: Stamp, read: Stamp) {
        let most = read.0.saturating_sub(wrote.0);
        self.most_ms = Some(self.most_ms.map_or(most, |known| known.min(most)));
    }

    /// What was sent here then was seen there at its own time.
    pub fn saw(&mut self, sent: Stamp, seen: Stamp) {
        let least = sent.0.saturating_sub(seen.0);
        self.least_ms = Some(self.least_ms.map_or(least, |known| known.max(least)));
    }

    /// Are both within a limit of each other?
    #[must_use]
    pub fn judge(&self, within_ms: i64) -> Judged {
        match (self.least_ms, self.most_ms) {
            (Some(least), _) if least > within_ms => Judged::Apart,
            (_, Some(most)) if most < -within_ms => Judged::Apart,
            (Some(least), Some(most)) if least >= -within_ms && most <= within_ms => Judged::Within,
            _ => Judged::CannotTell,
        }
    }

    /// May it begin? Before anything of ours was seen there only one side is known: it must not be ahead of us for certain, and what
    /// it writes must come within the limit, or else nobody could tell whether it is behind.
    #[must_use]
    pub fn may_begin(&self, within_ms: i64) -> Judged {
        match self.most_ms {
            None => Judged::CannotTell,
            Some(most) if most < -within_ms => Judged::Apart,
            Some(most) if most <= within_ms => Judged::Within,
            Some(_) => Judged::CannotTell,
        }
    }

    /// The bounds in words: "between 0.2 s behind and 0.1 s ahead of it".
    #[must_use]
    pub fn words(&self) -> String {
        let side = |ms: i64| {
            let seconds = pilothouse_wire::units::number((ms.unsigned_abs() as f64) / 1e3, 2);
            let word = if ms < 0 { "behind" } else { "ahead" };
            format!("{seconds} s {word}")
        };
        match (self.least_ms, self.most_ms) {
            (Some(least), Some(most)) => format!("ours is between {} and {}", side(least), side(most)),
            (Some(least), None) => format!("ours is {} at least", side(least)),
            (None, Some(most)) => format!("ours is {} at most", side(most)),
            (None, None) => "nothing was heard of it".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bounds_say_yes_no_or_nothing() {
        let clock = |least_ms, most_ms| Clock { least_ms, most_ms };
        for (of, judged, begin) in [
            (clock(None, None), Judged::CannotTell, Judged::CannotTell),
            (clock(None, Some(120)), Judged::CannotTell, Judged::Within),
            (clock(Some(-900), Some(120)), Judged::Within, Judged::Within),
            (clock(Some(-2_300), Some(120)), Judged::CannotTell, Judged::Within),
            (clock(None, Some(-1_001)), Judged::Apart, Judged::Apart),
            (clock(None, Some(4_000)), Judged::CannotTell, Judged::CannotTell),
            (clock(Some(1_001), Some(4_000)), Judged::Apart, Judged::CannotTell),
        ] {
            assert_eq!((of.judge(1_000), of.may_begin(1_000)), (judged, begin), "{of:?}");
        }
        assert_eq!(clock(Some(-900), Some(120)).words(), "ours is between 0.90 s behind and 0.12 s ahead");
    }

    proptest! {
        /// Whatever messages take, the true difference is between the bounds, and a clock that is within a limit is never said to be
        /// apart.
        #[test]
        fn the_truth_is_between_the_bounds(
            ahead in -5_000_i64..5_000,
            delays in proptest::collection::vec((0_i64..3_000, 0_i64..3_000), 1..20),
        ) {
            let mut clock = Clock::default();
            for (at, (out, back)) in (0..).zip(delays) {
                let now = 1_000_000 + at * 200;
                clock.heard(Stamp(now - ahead), Stamp(now + back));
                clock.saw(Stamp(now), Stamp(now + out - ahead));
            }
            prop_assert!(clock.least_ms.unwrap() <= ahead && ahead <= clock.most_ms.unwrap(), "{:?}", clock);
            let within = ahead.abs() <= 1_000;
            let is_so = match clock.judge(1_000) {
                Judged::Within => within,
                Judged::Apart => !within,
                Judged::CannotTell => true,
            };
            prop_assert!(is_so);
        }
    }
}
