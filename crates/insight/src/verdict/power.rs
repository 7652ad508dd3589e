//! What so many rounds can find, and how many are needed to find something.
//!
//! The usual sum of two quantiles of Student's t with the degrees of freedom of the rounds (S.-C. Chow, J. Shao and H. Wang,
//! "Sample Size Calculations in Clinical Research", 2008, section 3.1): within one round of the exact reckoning by the
//! non-central t for what is asked here.

use super::estimate::t_beyond;

/// The most rounds that are ever named.
pub(super) const MOST: usize = 10_000;

/// The smallest gain that is found with this power by so many rounds of this spread, tested two-sided at this level.
#[must_use]
pub(super) fn detectable(rounds: usize, spread: f64, level: f64, power: f64) -> f64 {
    reach(rounds, spread, level / 2.0, 1.0 - power)
}

/// The fewest rounds that find this gain; [`MOST`] where more are needed.
#[must_use]
pub(super) fn to_find(gain: f64, spread: f64, level: f64, power: f64) -> usize {
    fewest(|rounds| detectable(rounds, spread, level, power) <= gain)
}

/// The fewest rounds that show two equal arms to be the same within this bound, each side tested at this level.
#[must_use]
pub(super) fn to_equate(bound: f64, spread: f64, level: f64, power: f64) -> usize {
    fewest(|rounds| reach(rounds, spread, level, (1.0 - power) / 2.0) <= bound)
}

fn reach(rounds: usize, spread: f64, wrong: f64, missed: f64) -> f64 {
    let freedom = rounds as f64 - 1.0;
    (t_beyond(wrong, freedom) + t_beyond(missed, freedom)) * spread / (rounds as f64).sqrt()
}

/// The smallest number for which it is enough; what is enough stays so for more.
fn fewest(is_enough: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (2, MOST);
    while low < high {
        let middle = usize::midpoint(low, high);
        match is_enough(middle) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sample sizes of the one-sample t-test, two-sided 5 %, power 80 %: J. Cohen, "Statistical Power Analysis", 1988, and
    /// G*Power alike.
    #[test]
    fn published_sample_sizes() {
        for (effect, rounds) in [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)] {
            assert_eq!(to_find(effect, 1.0, 0.05, 0.8), rounds, "effect {effect}");
        }
    }

    #[test]
    fn nobody_waits_for_ever() {
        assert_eq!(to_find(1e-6, 1.0, 0.05, 0.8), MOST);
        assert_eq!(to_find(0.01, 0.0, 0.05, 0.8), 2);
        assert_eq!(to_equate(1e-6, 1.0, 0.05, 0.8), MOST);
    }

    proptest! {
        #[test]
        fn what_is_needed_finds_it_and_one_less_does_not(gain in 0.01..0.5f64, spread in 0.01..0.3f64) {
            let rounds = to_find(gain, spread, 0.05, 0.8);
            prop_assert!(detectable(rounds, spread, 0.05, 0.8) <= gain);
            prop_assert!(rounds == 2 || detectable(rounds - 1, spread, 0.05, 0.8) > gain);
        }

        #[test]
        fn more_rounds_find_less(rounds in 2..200usize, spread in 0.01..0.3f64) {
            prop_assert!(detectable(rounds + 1, spread, 0.05, 0.8) < detectable(rounds, spread, 0.05, 0.8));
        }
    }
}
