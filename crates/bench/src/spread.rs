//! How values are spread: a histogram (HDR, three digits) with its quantiles. Histograms of parts can be put together;
//! quantiles of parts never are.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

const DIGITS: u8 = 3;
/// A day, in microseconds.
const MOST: u64 = 86_400_000_000;

/// Takes values in.
pub struct Recorder(Histogram<u64>);

/// What was taken in, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// What a value is counted in: `us`, `millitokens/s`.
    pub unit: String,
    /// How many values there are.
    pub count: u64,
    /// Their mean; none of no value.
    pub mean: Option<f64>,
    /// The least.
    pub min: Option<u64>,
    /// Half of them are no more.
    pub p50: Option<u64>,
    /// Nine of ten are no more; none of fewer than 10 values, as no value would be above it.
    pub p90: Option<u64>,
    /// None of fewer than 20 values.
    pub p95: Option<u64>,
    /// None of fewer than 100 values.
    pub p99: Option<u64>,
    /// The most.
    pub max: Option<u64>,
    /// The histogram: the highest value of each class that has any, and how many it has. A class is no wider than a
    /// thousandth of its value.
    pub counts: Vec<(u64, u64)>,
}

/// Microseconds.
pub const MICROS: &str = "us";
/// Thousandths of a token a second.
pub const MILLITOKENS: &str = "millitokens/s";

impl Default for Recorder {
    #[allow(clippy::expect_used, reason = "only other constants could fail")]
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MOST, DIGITS).expect("these bounds make a histogram"))
    }
}

impl Recorder {
    /// Takes in a value; what is more than a day is a day.
    pub fn add(&mut self, value: u64) {
        self.0.saturating_record(value);
    }

    /// Takes in a value that is between whole ones.
    pub fn add_rounded(&mut self, value: f64) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
        self.add(value.round() as u64);
    }

    /// Takes in what another one took in: the same comes of both as of one that took in all.
    pub fn take(&mut self, other: &Spread) {
        other.counts.iter().for_each(|(value, count)| self.0.saturating_record_n(*value, *count));
    }

    /// 95 of 100 of what was taken in are no more; none of fewer than 20 values.
    #[must_use]
    pub fn p95(&self) -> Option<u64> {
        (self.0.len() >= 20).then(|| self.0.value_at_quantile(0.95))
    }

    /// What was taken in.
    #[must_use]
    pub fn spread(&self, unit: &str) -> Spread {
        let all = &self.0;
        let some = |value: u64| (!all.is_empty()).then_some(value);
        let quantile =
            |share: f64, least: u64| (all.len() >= least).then(|| all.value_at_quantile(share)).and_then(some);
        Spread {
            unit: unit.to_owned(),
            count: all.len(),
            mean: (!all.is_empty()).then(|| all.mean()),
            min: some(all.min()),
            p50: quantile(0.5, 1),
            p90: quantile(0.9, 10),
            p95: quantile(0.95, 20),
            p99: quantile(0.99, 100),
            max: some(all.max()),
            counts: all.iter_recorded().map(|class| (class.value_iterated_to(), class.count_at_value())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Spread {
        let mut recorder = Recorder::default();
        values.iter().for_each(|value| recorder.add(*value));
        recorder.spread(MICROS)
    }

    #[test]
    fn a_quantile_needs_values_above_it() {
        let spread = of(&(1..=99).collect::<Vec<_>>());
        assert_eq!((spread.count, spread.p50, spread.p95, spread.p99), (99, Some(50), Some(95), None));
        assert_eq!((spread.min, spread.max), (Some(1), Some(99)));
        assert!(spread.mean.is_some_and(|mean| (mean - 50.0).abs() < 1e-9), "{:?}", spread.mean);
        assert_eq!(of(&(1..=100).collect::<Vec<_>>()).p99, Some(99));
        let none = of(&[]);
        assert_eq!((none.count, none.p50, none.min, none.max, none.mean), (0, None, None, None, None));
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_values_to_three_digits(
            mut values in proptest::collection::vec(0_u64..5_000_000_000, 1..400),
        ) {
            let spread = of(&values);
            values.sort_unstable();
            for (share, got) in [(0.5, spread.p50), (0.9, spread.p90), (0.99, spread.p99)] {
                let Some(got) = got else { continue };
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let exact = values[((values.len() as f64 * share).ceil() as usize).max(1) - 1];
                prop_assert!(got >= exact && got as f64 <= exact as f64 * 1.001 + 1.0, "{got} {exact}");
            }
            // What is kept is all that is needed to have the same again.
            let mut again = Recorder::default();
            spread.counts.iter().for_each(|(value, count)| (0..*count).for_each(|_| again.add(*value)));
            prop_assert_eq!(again.spread(MICROS).counts, spread.counts);
            prop_assert_eq!(values.len() as u64, spread.count);
        }

        #[test]
        fn spreads_put_together_are_that_of_all_values(
            parts in proptest::collection::vec(proptest::collection::vec(0_u64..100_000_000_000, 0..60), 0..6),
        ) {
            let mut together = Recorder::default();
            parts.iter().for_each(|part| together.take(&of(part)));
            prop_assert_eq!(together.spread(MICROS), of(&parts.concat()));
        }
    }
}
