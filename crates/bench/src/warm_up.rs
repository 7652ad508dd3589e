//! How much of the begin of a run is not like the rest of it: MSER-5 (White, 1997). Of the means of five answers each, that
//! cut is taken which leaves the least standard error of the mean of what remains.

use serde::{Deserialize, Serialize};

/// Answers of one mean.
const BATCH: usize = 5;
/// Of fewer means nothing can be told.
const LEAST: usize = 10;

/// What a rule found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// So many answers are warm-up; it may be none.
    Cut(usize),
    /// The best cut is half of the run or more: it never came to rest, and nothing is cut.
    NeverAtRest,
    /// There are too few answers to tell, and nothing is cut.
    TooFew,
}

/// Looks for the warm-up in values that are in the order of their times.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "a run has far fewer than 2^53 answers")]
pub fn mser5(values: &[f64]) -> Found {
    let means: Vec<f64> = values.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect();
    if means.len() < LEAST {
        return Found::TooFew;
    }
    let half = means.len() / 2;
    // From the end, so that each cut adds one mean to what remains (Welford).
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    let (mut best, mut least) = (0, f64::INFINITY);
    for (cut, value) in means.iter().enumerate().rev() {
        count += 1.0;
        let away = value - mean;
        mean += away / count;
        squares += away * (value - mean);
        let error = squares / (count * count);
        // Of equal ones the smallest cut: it keeps most.
        if cut <= half && error <= least {
            (best, least) = (cut, error);
        }
    }
    if best == half { Found::NeverAtRest } else { Found::Cut(best * BATCH) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values around a mean that do not repeat.
    fn noise(n: usize) -> f64 {
        let n = u32::try_from(n).unwrap();
        f64::from(n.wrapping_mul(2_654_435_761) >> 16) / 65_536.0
    }

    #[test]
    fn a_slow_begin_is_cut_and_what_is_at_rest_is_kept() {
        let at_rest: Vec<f64> = (0..400).map(|n| 100.0 + noise(n)).collect();
        let Found::Cut(cut) = mser5(&at_rest) else { panic!("{:?}", mser5(&at_rest)) };
        assert!(cut <= 40, "{cut}");
        let slow: Vec<f64> = (0..400).map(|n| 100.0 + noise(n) + if n < 60 { 50.0 } else { 0.0 }).collect();
        let Found::Cut(cut) = mser5(&slow) else { panic!("{:?}", mser5(&slow)) };
        assert!((60..=100).contains(&cut), "{cut}");
    }

    #[test]
    fn what_never_comes_to_rest_and_what_is_too_short_is_said_to_be_so() {
        let rising: Vec<f64> = (0..400).map(|n| f64::from(n)).collect();
        assert_eq!(mser5(&rising), Found::NeverAtRest);
        assert_eq!([mser5(&[]), mser5(&[1.0; 49])], [Found::TooFew; 2]);
        assert_eq!(mser5(&[1.0; 50]), Found::Cut(0));
    }

    /// The definition, word by word.
    fn plainly(values: &[f64]) -> Found {
        let means: Vec<f64> = values.chunks_exact(5).map(|batch| batch.iter().sum::<f64>() / 5.0).collect();
        let half = means.len() / 2;
        let error = |cut: usize| {
            let rest = &means[cut..];
            let mean = rest.iter().sum::<f64>() / rest.len() as f64;
            rest.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (rest.len() as f64).powi(2)
        };
        let best = (0..=half).min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap();
        if best == half { Found::NeverAtRest } else { Found::Cut(best * 5) }
    }

    proptest! {
        #[test]
        fn it_is_what_its_definition_says(values in proptest::collection::vec(1.0_f64..1e4, 50..300)) {
            prop_assert_eq!(mser5(&values), plainly(&values));
        }
    }
}
