//! How often a comparison of two equal arms is told wrongly, and how often a difference is found: simulated comparisons,
//! judged at their planned looks until they are decided.
//!
//! A block's value is `exp(noise + effect)`. Noise has long tails (Student's t with 3 degrees of freedom, or a lognormal of
//! skewness 6) and half of it stays from one block to the next (AR(1), 0.5); its standard deviation is 5 %. The plan is the
//! usual one: looks at 6, 8, 12, 16 and 24 pairs, 3 % margin, α = 5 %. Equal arms have a margin of 0.1 %, which is out of
//! reach, so that each is looked at until it is told apart or the plan is over.
//!
//! - `false_upper_bound`: of equal arms that are told apart, one-sided upper 95 % bound (C. J. Clopper and E. S. Pearson,
//!   Biometrika 26, 1934) of the share, under the noise in which it is larger.
//! - `three_upper_bound`: the same where any of three metrics is told apart.
//! - `same_upper_bound`: of arms that differ by just the margin and are called the same.
//! - `power_*`: of arms that differ by so much, the share called better, under Student's t; beside it the pairs they took.

use acceptance::{Context, Result};
use pilothouse_insight::verdict::{Block, Conditions, Metric, Plan, Settings, Slot, Verdict, judge};
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, LogNormal, StudentT};
use statrs::distribution::{Beta, ContinuousCDF};

use crate::report::{Figure, Report, say};
use crate::stand::Size;

/// The standard deviation of a block's noise.
const SPREAD: f64 = 0.05;
/// How much of it stays to the next block.
const STAYS: f64 = 0.5;
/// Blocks before the first one, after which noise no longer knows how it began.
const BEFORE: usize = 50;
/// No effect, and a margin that is out of reach.
const EQUAL: (f64, f64) = (0.0, 0.001);
/// Simulated comparisons.
const MANY: u64 = 2_000;
/// The same to try the measuring.
const FEW: u64 = 200;

/// Of which kind the steps of noise are.
#[derive(Clone, Copy)]
enum Tails {
    Student,
    LogNormal,
}

impl Tails {
    const ALL: [Self; 2] = [Self::Student, Self::LogNormal];

    fn word(self) -> &'static str {
        match self {
            Self::Student => "Student's t, 3 degrees of freedom",
            Self::LogNormal => "lognormal, σ = 1",
        }
    }
}

/// The noise of one metric from block to block, with mean 0 and standard deviation [`SPREAD`].
struct Noise {
    tails: Tails,
    student: StudentT<f64>,
    lognormal: LogNormal<f64>,
    now: f64,
}

impl Noise {
    fn new(tails: Tails, chance: &mut StdRng) -> Result<Self> {
        let student = StudentT::new(3.0).could_not("make Student's t")?;
        let lognormal = LogNormal::new(0.0, 1.0).could_not("make a lognormal")?;
        let mut noise = Self { tails, student, lognormal, now: 0.0 };
        (0..BEFORE).for_each(|_| {
            noise.next(chance);
        });
        Ok(noise)
    }

    fn next(&mut self, chance: &mut StdRng) -> f64 {
        let e = std::f64::consts::E;
        let step = match self.tails {
            // Its variance is 3.
            Tails::Student => self.student.sample(chance) / 3.0_f64.sqrt(),
            // Its mean is √e, its variance (e − 1)·e.
            Tails::LogNormal => (self.lognormal.sample(chance) - e.sqrt()) / ((e - 1.0) * e).sqrt(),
        };
        self.now = STAYS * self.now + (1.0 - STAYS * STAYS).sqrt() * step;
        SPREAD * self.now
    }
}

/// What became of simulated comparisons.
#[derive(Default)]
struct Outcome {
    told_apart: u64,
    better: u64,
    same: u64,
    pairs: u64,
}

/// Simulates so many comparisons of arms that differ by this share, beside this margin, in each of these metrics.
fn simulate(many: u64, tails: Tails, (effect, margin): (f64, f64), metrics: &[Metric]) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let usual = Settings::new(vec!["now".into(), "next".into()], metrics.to_vec(), 0);
    let plan = Plan::new(Settings { margin, ..usual }).could_not("plan a comparison")?;
    for seed in 0..many {
        let plan = plan.clone().reordered(seed);
        // Another seed than the one of the order: noise knows nothing of it.
        let mut chance = StdRng::seed_from_u64(u64::MAX - seed);
        let mut noises = Vec::new();
        for _ in metrics {
            noises.push(Noise::new(tails, &mut chance)?);
        }
        let gain = effect.ln_1p();
        let mut block = |slot: Slot| {
            let own = if slot.arm == 1 { gain } else { 0.0 };
            let values = noises.iter_mut().map(|noise| (noise.next(&mut chance) + own).exp()).collect();
            Block { slot, values, conditions: Conditions::default() }
        };
        let all: Vec<Block> = plan.order().into_iter().map(&mut block).collect();
        let mut comparison = judge(&plan, &[]);
        while let Some(pairs) = comparison.next_look {
            comparison = judge(&plan, &all[..plan.blocks(pairs)]);
        }
        let found = &comparison.candidates[0].metrics;
        let any = |is: fn(&Verdict) -> bool| u64::from(found.iter().any(|found| is(&found.verdict)));
        outcome.told_apart += any(|verdict| matches!(verdict, Verdict::Better | Verdict::Worse));
        outcome.better += any(|verdict| *verdict == Verdict::Better);
        outcome.same += any(|verdict| matches!(verdict, Verdict::Same { .. }));
        outcome.pairs += u64::from(comparison.pairs);
    }
    Ok(outcome)
}

/// The largest share under which so few of so many are still seen one time in twenty.
fn upper_bound(seen: u64, of: u64) -> Result<f64> {
    if seen >= of {
        return Ok(1.0);
    }
    let beta = Beta::new(seen as f64 + 1.0, (of - seen) as f64).could_not("make a beta distribution")?;
    Ok(beta.inverse_cdf(0.95))
}

/// Measures it.
pub fn measure(size: Size, report: &mut Report) -> Result<()> {
    let many = if size.is_small() { FEW } else { MANY };
    let one = [Metric::GOODPUT];
    let three = [Metric::GOODPUT, Metric::P95_TTFT, Metric::COST];
    let margin = Settings::new(Vec::new(), Vec::new(), 0).margin;
    let worst = |what: &str, effect: (f64, f64), metrics: &[Metric], of: fn(&Outcome) -> u64| -> Result<(u64, f64)> {
        let mut most = 0;
        for tails in Tails::ALL {
            let outcome = simulate(many, tails, effect, metrics)?;
            let pairs = outcome.pairs as f64 / many as f64;
            say(&format!(
                "bench-verdict: {what}: {} of {many} under {}, {pairs:.1} pairs.",
                of(&outcome),
                tails.word()
            ));
            most = most.max(of(&outcome));
        }
        Ok((most, upper_bound(most, many)?))
    };
    let (seen, bound) = worst("equal arms told apart", EQUAL, &one, |outcome| outcome.told_apart)?;
    let figure = Figure::new("bench-verdict.false_upper_bound", bound, "").at_most(0.06);
    report.add(figure.beside("told apart", seen as f64, "comparisons"));
    let (seen, bound) = worst("any of three metrics told apart", EQUAL, &three, |outcome| outcome.told_apart)?;
    report.add(Figure::new("bench-verdict.three_upper_bound", bound, "").beside(
        "told apart",
        seen as f64,
        "comparisons",
    ));
    let (seen, bound) = worst("arms at the margin called the same", (margin, margin), &one, |outcome| outcome.same)?;
    report.add(Figure::new("bench-verdict.same_upper_bound", bound, "").beside("the same", seen as f64, "comparisons"));
    for (name, effect) in
        [("bench-verdict.power_3pct", 0.03), ("bench-verdict.power_5pct", 0.05), ("bench-verdict.power_10pct", 0.1)]
    {
        let outcome = simulate(many, Tails::Student, (effect, margin), &one)?;
        let share = |part: u64| part as f64 / many as f64;
        report.add(Figure::new(name, share(outcome.better), "").beside("pairs", share(outcome.pairs), ""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of Clopper and Pearson: 0, 5 and 50 of 100.
    #[test]
    fn the_bound_is_the_published_one() {
        for (seen, want) in [(0, 0.029_513), (5, 0.102_253), (50, 0.586_5)] {
            let bound = upper_bound(seen, 100).unwrap();
            assert!((bound - want).abs() < 2e-3, "{bound} is not {want}");
        }
        assert_eq!(upper_bound(7, 7).unwrap(), 1.0);
    }

    #[test]
    fn noise_has_the_spread_that_is_said() {
        for tails in Tails::ALL {
            let mut chance = StdRng::seed_from_u64(1);
            let mut noise = Noise::new(tails, &mut chance).unwrap();
            let drawn: Vec<f64> = (0..400_000).map(|_| noise.next(&mut chance)).collect();
            let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
            let off = |lag: usize| drawn.iter().zip(&drawn[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
            assert!(mean.abs() < 0.001, "{mean}");
            assert!(((off(0) / drawn.len() as f64).sqrt() / SPREAD - 1.0).abs() < 0.15);
            assert!((off(1) / off(0) - STAYS).abs() < 0.02);
        }
    }
}
