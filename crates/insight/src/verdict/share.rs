//! Where a share lies of which so many of so many were seen: the exact interval of C. J. Clopper and E. S. Pearson,
//! Biometrika 26 (1934), which is never too narrow for things that do not hang together.

use statrs::distribution::{Beta, ContinuousCDF};

/// From where to where the true share lies, but for the chance that is left, half of it on either side. Of nothing seen it
/// may be any.
#[must_use]
pub fn bounds(seen: u64, of: u64, sure: f64) -> (f64, f64) {
    if of == 0 || seen > of {
        return (0.0, 1.0);
    }
    let (wrong, hits, misses) = ((1.0 - sure) / 2.0, seen as f64, (of - seen) as f64);
    let quantile = |a: f64, b: f64, chance: f64| Beta::new(a, b).map(|beta| beta.inverse_cdf(chance));
    let low = if seen == 0 { 0.0 } else { quantile(hits, misses + 1.0, wrong).unwrap_or(0.0) };
    let high = if seen == of { 1.0 } else { quantile(hits + 1.0, misses, 1.0 - wrong).unwrap_or(1.0) };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The tables of Clopper and Pearson, 95 %: 0, 5 and 50 of 100, and 9 of 10.
    #[test]
    fn published_bounds_are_met() {
        for (seen, of, low, high) in
            [(0, 100, 0.0, 0.0362), (5, 100, 0.0164, 0.1128), (50, 100, 0.3983, 0.6017), (9, 10, 0.5550, 0.9975)]
        {
            let (got_low, got_high) = bounds(seen, of, 0.95);
            assert!(
                (got_low - low).abs() < 2e-3 && (got_high - high).abs() < 2e-3,
                "{seen} of {of}: {got_low} {got_high}"
            );
        }
        assert_eq!(bounds(0, 0, 0.95), (0.0, 1.0));
        assert_eq!(bounds(7, 7, 0.95).1, 1.0);
    }

    proptest! {
        #[test]
        fn more_of_the_same_share_is_narrower_and_holds_it(seen in 0..50u64, misses in 0..50u64, times in 2..5u64) {
            prop_assume!(seen + misses > 0);
            let of = seen + misses;
            let (low, high) = bounds(seen, of, 0.95);
            let (lower, higher) = bounds(seen * times, of * times, 0.95);
            let share = seen as f64 / of as f64;
            prop_assert!(low <= share + 1e-9 && share <= high + 1e-9);
            prop_assert!(higher - lower <= high - low + 1e-6);
        }
    }
}
