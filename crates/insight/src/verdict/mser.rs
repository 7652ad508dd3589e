//! Where warm-up ends in a series of measurements: MSER-5.
//!
//! The rule takes means of five observations each, and cuts where the standard error of what is left is smallest: a cut
//! that is too early leaves the transient's spread in, one that is too late leaves few observations. The last five means
//! are no place to cut, since so few lie close together by chance. Where the best cut is past half of the means, what was
//! measured never settled, and there is no cut: more is to be measured.
//!
//! K. P. White, "An effective truncation heuristic for bias reduction in simulation output", Simulation 69 (1997); S. C.
//! Spratt, thesis, University of Virginia (1998), for the five; K. Hoad, S. Robinson and R. Davies, "Automating warm-up
//! length estimation", J. Oper. Res. Soc. 61 (2010), for the last five and for the half.

use serde::{Deserialize, Serialize};

/// Observations in one mean.
pub const BATCH: usize = 5;
/// Means at the end before which a cut must lie.
const LAST: usize = 5;
/// The fewest means of which half can be told from the last ones.
const FEWEST: usize = 2 * LAST;

/// What there is to cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarmUp {
    /// It ends after so many observations, which are to be left out.
    Ends {
        /// Observations before the cut; a multiple of [`BATCH`].
        after: usize,
        /// Observations in all.
        of: usize,
    },
    /// The best cut lies past half of what was measured: it never settled.
    NeverSettled {
        /// Observations before that cut.
        after: usize,
        /// Observations in all.
        of: usize,
    },
    /// Too few observations to tell.
    TooFew {
        /// Observations in all.
        of: usize,
        /// The fewest of which it can be told.
        needed: usize,
    },
    /// An observation is no number, or not a finite one.
    NoNumber {
        /// Its place in the series, from 0.
        at: usize,
    },
}

impl WarmUp {
    /// Observations to leave out; none where no cut can be told.
    #[must_use]
    pub fn cut(self) -> Option<usize> {
        match self {
            Self::Ends { after, .. } => Some(after),
            Self::NeverSettled { .. } | Self::TooFew { .. } | Self::NoNumber { .. } => None,
        }
    }
}

/// Where warm-up ends in a series that is in the order of time, by MSER-5. What does not fill a last mean is kept and not
/// looked at.
#[must_use]
pub fn warm_up(series: &[f64]) -> WarmUp {
    let of = series.len();
    if let Some(at) = series.iter().position(|value| !value.is_finite()) {
        return WarmUp::NoNumber { at };
    }
    let means: Vec<f64> = series.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect();
    if means.len() < FEWEST {
        return WarmUp::TooFew { of, needed: FEWEST * BATCH };
    }
    let cut = best(&means);
    match cut * 2 > means.len() {
        true => WarmUp::NeverSettled { after: cut * BATCH, of },
        false => WarmUp::Ends { after: cut * BATCH, of },
    }
}

/// How many means to leave out: the first place where the squared deviations of the rest, over the square of their
/// number, are least. From the end on, so that each place costs one step (Welford, Technometrics 4, 1962).
fn best(means: &[f64]) -> usize {
    let (mut mean, mut squares, mut many) = (0.0, 0.0, 0.0);
    let (mut best, mut least) = (0, f64::INFINITY);
    for (at, value) in means.iter().enumerate().rev() {
        many += 1.0;
        let off = value - mean;
        mean += off / many;
        squares += off * (value - mean);
        let error = squares / (many * many);
        if at + LAST <= means.len() && error <= least {
            (best, least) = (at, error);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each mean five times, so that the means are the ones that are given.
    fn series(means: &[f64]) -> Vec<f64> {
        means.iter().flat_map(|mean| [*mean; BATCH]).collect()
    }

    /// The rule as it is defined, for each place anew.
    fn by_definition(means: &[f64]) -> usize {
        let error = |cut: usize| {
            let rest = &means[cut..];
            let many = rest.len() as f64;
            let mean = rest.iter().sum::<f64>() / many;
            rest.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (many * many)
        };
        let places = 0..=means.len() - LAST;
        places.min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap()
    }

    /// By hand. Of 9 1 2 1 2 1 2 1 2 1 2 1, all: sum 25, squares 107 − 625/12 = 54.92, over 144: 0.381. Without the
    /// first: sum 16, squares 26 − 256/11 = 2.727, over 121: 0.0225. Without two: 2.5 over 100: 0.025.
    #[test]
    fn the_transient_goes_and_no_more() {
        let means = [9.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0];
        assert_eq!(warm_up(&series(&means)), WarmUp::Ends { after: 5, of: 60 });
        assert_eq!(warm_up(&series(&means)).cut(), Some(5));
    }

    #[test]
    fn what_is_level_is_not_cut() {
        assert_eq!(warm_up(&[3.0; 52]), WarmUp::Ends { after: 0, of: 52 });
    }

    #[test]
    fn what_climbs_to_its_end_is_refused() {
        let mut means = vec![1.0; 12];
        means.extend([50.0; 8]);
        let means: Vec<f64> = means.iter().enumerate().map(|(at, mean)| mean + (at % 2) as f64 * 0.1).collect();
        assert_eq!(warm_up(&series(&means)), WarmUp::NeverSettled { after: 60, of: 100 });
        assert_eq!(warm_up(&series(&means)).cut(), None);
    }

    #[test]
    fn few_or_no_numbers_are_refused() {
        assert_eq!(warm_up(&[1.0; 49]), WarmUp::TooFew { of: 49, needed: 50 });
        assert_eq!(warm_up(&[]), WarmUp::TooFew { of: 0, needed: 50 });
        let mut holed = [1.0; 60];
        holed[7] = f64::NAN;
        assert_eq!(warm_up(&holed), WarmUp::NoNumber { at: 7 });
    }

    proptest! {
        #[test]
        fn it_is_the_rule_as_it_is_defined(means in prop::collection::vec(-1e3..1e3f64, 10..60)) {
            let cut = by_definition(&means) * BATCH;
            let of = means.len() * BATCH;
            let want = match cut * 2 > of {
                true => WarmUp::NeverSettled { after: cut, of },
                false => WarmUp::Ends { after: cut, of },
            };
            prop_assert_eq!(warm_up(&series(&means)), want);
        }

        #[test]
        fn neither_unit_nor_offset_moves_the_cut(values in prop::collection::vec(0.0..1e3f64, 50..300)) {
            let other: Vec<f64> = values.iter().map(|value| value * 8.0 + 4096.0).collect();
            prop_assert_eq!(warm_up(&values), warm_up(&other));
        }
    }
}
