//! Smooth noise that needs no history: the same key and time give the same value, whoever asks and however often.

use crate::dice::mix;
use pilothouse_wire::Stamp;

/// A value between -1 and 1 that wanders, and has forgotten itself after about a period.
pub(super) fn wave(key: u64, at: Stamp, period_ms: i64) -> f32 {
    let (step, within) = (at.0.div_euclid(period_ms), at.0.rem_euclid(period_ms));
    let here = |step: i64| unit(key ^ step.cast_unsigned()) * 2.0 - 1.0;
    between(here(step), here(step.wrapping_add(1)), smooth(within as f32 / period_ms as f32))
}

/// A number from 0 to 1 that a key always gives.
pub(super) fn unit(key: u64) -> f32 {
    (mix(key) >> 40) as f32 / (1_u32 << 24) as f32
}

/// From 0 at 0 to 1 at 1, without a corner.
pub(super) fn smooth(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// So far on the way from one to the other.
pub(super) fn between(from: f32, to: f32, share: f32) -> f32 {
    from + (to - from) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_stays_within_its_bounds_and_makes_no_jumps() {
        let mut last = wave(7, Stamp(0), 20_000);
        for second in 1..2_000 {
            let now = wave(7, Stamp(second * 1_000), 20_000);
            assert!((-1.0..=1.0).contains(&now) && (now - last).abs() < 0.16, "{last} and then {now} at {second} s");
            last = now;
        }
    }

    #[test]
    fn two_keys_have_nothing_in_common() {
        let same = (0..200).filter(|second| {
            let at = Stamp(second * 60_000);
            (wave(1, at, 20_000) - wave(2, at, 20_000)).abs() < 0.01
        });
        assert!(same.count() < 20);
    }
}
