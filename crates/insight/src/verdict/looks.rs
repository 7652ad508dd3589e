//! How much each planned look at the data may spend of the error that is allowed, so that looking again costs nothing.
//!
//! The allowed error α is spent by α·t², where t is the share of the planned rounds that are in (K. K. G. Lan and D. L.
//! DeMets, Biometrika 70, 1983; the power family: K. Kim and D. L. DeMets, Biometrika 74, 1987). The level of each look
//! follows by numerical integration over what did not stop before (P. Armitage, C. K. McPherson and B. C. Rowe, J. R.
//! Statist. Soc. A 132, 1969), and is held against the p-value of Student's t at that look: the significance-level
//! approach (C. Jennison and B. W. Turnbull, "Group Sequential Methods", 2000, sections 4.4 and 7.2). Of few rounds it gives
//! a little too much, since one look's t follows from another's less than the integral takes for granted. So the integral
//! decides the last look alone; each before it has what it adds to the spending and no more (Bonferroni's bound, which needs
//! no such thing). What that comes to is measured by `cargo xtask measure bench-verdict`.
//!
//! Why this and not another:
//! - The spending of O'Brien and Fleming leaves a look at three or four rounds so little that Student's t of two or three
//!   degrees of freedom cannot reach it: that look would be none. Squares are between it and Pocock's, which makes the
//!   last look, where small effects are found, dear.
//! - α·t² grows with α at each look, and so do the levels. That is what Holm's steps over several looks need: a metric
//!   that another one's verdict gives a larger α is tested at a larger level at each look (W. Maurer and F. Bretz, Stat.
//!   Biopharm. Res. 5, 2013).
//! - A sequence that is valid at any time cannot decide at so few rounds. The one for symmetric noise, by self-normalised
//!   sums (V. H. de la Peña, Ann. Probab. 27, 1999), wants half the square of the sum over the sum of squares to reach
//!   ln(2/α). That quotient is at most half the number of rounds: no verdict before 8 rounds, 16 pairs, were the difference
//!   tenfold and the same in each.

use std::ops::RangeFrom;

use statrs::distribution::{Continuous, ContinuousCDF, Normal};

/// Points over what goes on; an even number more than 1 for Simpson's rule. With so many, published bounds are met to four
/// places.
const POINTS: usize = 200;
/// Beyond so many standard deviations there is nothing to integrate.
const FAR: f64 = 8.0;

/// What was spent at each look of what is allowed in all, by the square of the share that is in.
#[must_use]
pub(super) fn spent(shares: &[f64], alpha: f64) -> Vec<f64> {
    shares.iter().map(|share| alpha * share * share).collect()
}

/// The two-sided level of each look, by what may have been spent at each of them in all. Both lists go upwards, shares to 1.
#[must_use]
pub(super) fn levels(shares: &[f64], spent: &[f64]) -> Vec<f64> {
    integrated(shares, spent, shares.len().saturating_sub(1)..)
}

/// The same, by the integral at these looks alone.
fn integrated(shares: &[f64], spent: &[f64], by_integral: RangeFrom<usize>) -> Vec<f64> {
    let normal = Normal::standard();
    let (mut levels, mut before, mut so_far) = (Vec::with_capacity(shares.len()), 0.0, 0.0);
    // Where the sum stands among what did not stop yet, with the weight of each point. It begins at nothing.
    let mut going = vec![(0.0, 1.0)];
    for (look, (share, total)) in shares.iter().zip(spent).enumerate() {
        let (step, root) = ((share - before).max(f64::MIN_POSITIVE).sqrt(), share.sqrt());
        let stops = |bound: f64| -> f64 {
            let beyond = |at: f64| normal.sf((bound * root - at) / step) + normal.cdf((-bound * root - at) / step);
            going.iter().map(|(at, weight)| weight * beyond(*at)).sum()
        };
        let adds = total - so_far;
        let bound = match by_integral.contains(&look) {
            true => where_falls_to(stops, adds),
            false => where_falls_to(|bound| 2.0 * normal.sf(bound), adds),
        };
        levels.push(2.0 * normal.sf(bound));
        let edge = bound.min(FAR) * root;
        going = points(edge).map(|(at, width)| (at, width * arrives(&normal, &going, at, step))).collect();
        (before, so_far) = (*share, *total);
    }
    levels
}

/// The density of the sum at a place, after a step from where it was.
fn arrives(normal: &Normal, going: &[(f64, f64)], at: f64, step: f64) -> f64 {
    going.iter().map(|(from, weight)| weight * normal.pdf((at - from) / step) / step).sum()
}

/// Places from edge to edge with their weights by Simpson's rule.
fn points(edge: f64) -> impl Iterator<Item = (f64, f64)> {
    let width = 2.0 * edge / POINTS as f64;
    (0..=POINTS).map(move |at| {
        let weight = match at {
            0 | POINTS => 1.0,
            at if at % 2 == 1 => 4.0,
            _ => 2.0,
        };
        (width * at as f64 - edge, weight * width / 3.0)
    })
}

/// Where a falling function reaches a value, by halves.
fn where_falls_to(falling: impl Fn(f64) -> f64, value: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        match falling(middle) > value {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIVE: [f64; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];

    #[track_caller]
    fn check(shares: &[f64], spent: &[f64], bounds: &[f64]) {
        let normal = Normal::standard();
        for (level, bound) in integrated(shares, spent, 0..).iter().zip(bounds) {
            let got = normal.inverse_cdf(1.0 - level / 2.0);
            assert!((got - bound).abs() < 6e-4, "{got} is not {bound}");
        }
    }

    /// D. M. Reboussin, D. L. DeMets, K. Kim and K. K. G. Lan, "Programs for computing group sequential boundaries using
    /// the Lan-DeMets method", Controlled Clinical Trials 21 (2000): five equal looks, two-sided 5 %.
    #[test]
    fn published_bounds_are_met() {
        let normal = Normal::standard();
        let of_one_side = normal.inverse_cdf(1.0 - 0.025 / 2.0);
        let fleming = FIVE.map(|share: f64| 4.0 * normal.sf(of_one_side / share.sqrt()));
        check(&FIVE, &fleming, &[4.8769, 3.3569, 2.6803, 2.2898, 2.0310]);
        let pocock = FIVE.map(|share| 0.05 * (1.0 + (std::f64::consts::E - 1.0) * share).ln());
        check(&FIVE, &pocock, &[2.4380, 2.4268, 2.4101, 2.3966, 2.3859]);
    }

    #[test]
    fn one_look_has_all_of_it() {
        assert!((levels(&[1.0], &spent(&[1.0], 0.05))[0] - 0.05).abs() < 1e-9);
    }

    /// Before the last look a level is what the look adds; the last one has more, and not more than all of it.
    #[test]
    fn a_level_is_its_own_share_and_the_last_one_has_what_is_left() {
        let shares = [0.25, 1.0 / 3.0, 0.5, 2.0 / 3.0, 1.0];
        let spent = spent(&shares, 0.05);
        let levels = levels(&shares, &spent);
        let mut before = 0.0;
        for (level, total) in levels.iter().zip(&spent[..4]) {
            assert!((level - (total - before)).abs() < 1e-9, "{level}: {before} to {total}");
            before = *total;
        }
        assert!(levels[4] > spent[4] - before && levels[4] < spent[4], "{levels:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Without this Holm's steps over looks could take back a verdict.
        #[test]
        fn more_allowed_in_all_is_more_at_each_look(
            mut shares in prop::collection::vec(0.05..0.95f64, 0..6),
            alpha in 0.001..0.2f64,
            times in 1.05..4.0f64,
        ) {
            shares.push(1.0);
            shares.sort_by(f64::total_cmp);
            shares.dedup_by(|a, b| (*a - *b).abs() < 0.01);
            let less = levels(&shares, &spent(&shares, alpha));
            let more = levels(&shares, &spent(&shares, alpha * times));
            prop_assert!(less.iter().zip(&more).all(|(less, more)| less < more), "{less:?} {more:?}");
        }
    }
}
