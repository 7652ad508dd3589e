//! When requests are meant to be sent that wait for nobody. Seeded: the same load again is the same moments again.

use rand::{SeedableRng, rngs::SmallRng};
use rand_distr::{Distribution, Exp1, Gamma};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How times between arrivals are spread around their mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// All the same.
    Constant,
    /// Exponential: many people who know nothing of each other.
    Poisson,
    /// Gamma of this shape: 1 is Poisson, less comes in bursts, more is more even.
    Gamma(f64),
}

enum Spread {
    Constant,
    Poisson,
    Gamma(Gamma<f64>),
}

/// The moments, from the begin of the run; never before one another, without an end.
pub struct Moments {
    spread: Spread,
    mean: f64,
    at: f64,
    dice: SmallRng,
    first: bool,
}

impl Arrivals {
    /// The moments at this rate, a second. `None` of a rate or a shape that is none.
    #[must_use]
    pub fn moments(self, rate: f64, seed: u64) -> Option<Moments> {
        let usable = |number: f64| number.is_finite() && number > 0.0;
        let spread = match self {
            Self::Constant => Spread::Constant,
            Self::Poisson => Spread::Poisson,
            Self::Gamma(shape) if usable(shape) => Spread::Gamma(Gamma::new(shape, 1.0 / shape).ok()?),
            Self::Gamma(_) => return None,
        };
        let dice = SmallRng::seed_from_u64(seed);
        usable(rate).then(|| Moments { spread, mean: 1.0 / rate, at: 0.0, dice, first: true })
    }
}

impl Iterator for Moments {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        // At a constant rate the first is due at once; else somebody has to come first.
        let gap = match &self.spread {
            Spread::Constant if self.first => 0.0,
            Spread::Constant => 1.0,
            Spread::Poisson => Exp1.sample(&mut self.dice),
            Spread::Gamma(gamma) => gamma.sample(&mut self.dice),
        };
        self.first = false;
        self.at += gap * self.mean;
        Duration::try_from_secs_f64(self.at).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gaps(arrivals: Arrivals, rate: f64, many: usize) -> Vec<f64> {
        let moments: Vec<f64> =
            arrivals.moments(rate, 7).unwrap().take(many + 1).map(|moment| moment.as_secs_f64()).collect();
        moments.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The mean, and the standard deviation in means.
    fn shape(gaps: &[f64]) -> (f64, f64) {
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        (mean, variance.sqrt() / mean)
    }

    #[test]
    fn each_kind_has_its_rate_and_its_spread() {
        // The coefficient of variation of a gamma is one by the root of its shape. 40,000 draws tell it to a few percent.
        for (arrivals, spread) in [
            (Arrivals::Constant, 0.0),
            (Arrivals::Poisson, 1.0),
            (Arrivals::Gamma(1.0), 1.0),
            (Arrivals::Gamma(0.25), 2.0),
            (Arrivals::Gamma(4.0), 0.5),
        ] {
            let (mean, deviation) = shape(&gaps(arrivals, 200.0, 40_000));
            assert!((mean * 200.0 - 1.0).abs() < 0.05, "{arrivals:?}: {mean}");
            assert!((deviation - spread).abs() < 0.06, "{arrivals:?}: {deviation}");
        }
    }

    #[test]
    fn the_first_at_a_constant_rate_is_due_at_once() {
        let moments: Vec<_> = Arrivals::Constant.moments(4.0, 0).unwrap().take(3).collect();
        assert_eq!(moments, [0, 250, 500].map(Duration::from_millis));
    }

    #[test]
    fn what_is_no_rate_or_no_shape_gives_no_moments() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Arrivals::Poisson.moments(rate, 0).is_none(), "{rate}");
            assert!(Arrivals::Gamma(rate).moments(1.0, 0).is_none(), "{rate}");
        }
    }

    proptest! {
        #[test]
        fn moments_never_go_back_and_are_the_same_for_a_seed(seed: u64, rate in 0.001_f64..1e6, shape in 0.05_f64..20.0) {
            for arrivals in [Arrivals::Constant, Arrivals::Poisson, Arrivals::Gamma(shape)] {
                let moments: Vec<_> = arrivals.moments(rate, seed).unwrap().take(50).collect();
                prop_assert!(moments.is_sorted());
                prop_assert_eq!(moments, arrivals.moments(rate, seed).unwrap().take(50).collect::<Vec<_>>());
            }
        }
    }
}
