//! What a comparison could find, said before its verdicts: by how much blocks of one arm differ among themselves, from an
//! earlier comparison of the same load or from the first round.

use super::{BlockRun, Document};
use pilothouse_insight::verdict::Plan;
use pilothouse_wire::SmolStr;
use serde::{Deserialize, Serialize};

/// What could be found, and how that was known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// The earlier comparison that it is from; none where it is from the first round of this one.
    pub earlier: Option<String>,
    /// Each primary metric of which something is known.
    pub metrics: Vec<Foreseen>,
}

/// What could be found of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Foreseen {
    /// The metric.
    pub metric: SmolStr,
    /// By which share blocks of one arm differ among themselves (their coefficient of variation).
    pub noise: f64,
    /// The smallest difference that the whole plan finds with its power, as a share.
    pub detectable: f64,
}

impl Before {
    /// From the newest of earlier comparisons of the same load and the same targets, if there is one.
    pub(super) fn from_earlier(plan: &Plan, now: &Document, earlier: &[Document]) -> Option<Self> {
        let is_alike = |other: &&Document| other.arms.len() == now.arms.len() && alike(other, now);
        let newest = earlier.iter().filter(is_alike).max_by_key(|document| document.began)?;
        let found = newest.comparison.candidates.iter().flat_map(|candidate| &candidate.metrics);
        let noises = found.filter_map(|found| Some((found.metric.id.clone(), found.estimate?.spread)));
        Self::of(plan, Some(newest.id.clone()), noises)
    }

    /// From the first round: two blocks of each arm.
    pub(super) fn from_first_round(plan: &Plan, blocks: &[BlockRun]) -> Option<Self> {
        let arms = plan.settings().arms.len();
        let first = blocks.get(..2 * arms)?;
        let noise = |at: usize| {
            let mut squares = 0.0;
            for arm in 0..arms {
                let mut own = first.iter().filter(|block| block.slot.arm == arm).map(|block| block.values.get(at));
                let [one, other] = [own.next()??, own.next()??].map(|value| value.filter(|value| *value > 0.0));
                // Of two values the variance is half of the square of how far they are apart.
                squares += (one?.ln() - other?.ln()).powi(2) / 2.0;
            }
            #[allow(clippy::cast_precision_loss, reason = "a few arms")]
            let arms = arms as f64;
            Some((squares / arms).sqrt())
        };
        let metrics = plan.settings().metrics.iter().enumerate();
        Self::of(plan, None, metrics.filter_map(|(at, metric)| Some((metric.id.clone(), noise(at)?))))
    }

    fn of(plan: &Plan, earlier: Option<String>, noises: impl Iterator<Item = (SmolStr, f64)>) -> Option<Self> {
        let is_primary = |id: &SmolStr| plan.settings().metrics.iter().any(|metric| metric.id == *id);
        let mut metrics: Vec<Foreseen> = Vec::new();
        for (metric, spread) in noises.filter(|(id, spread)| is_primary(id) && spread.is_finite()) {
            let noise = spread.exp_m1();
            match metrics.iter_mut().find(|known| known.metric == metric) {
                // Of several candidates the one that spreads most.
                Some(known) if known.noise >= noise => {}
                Some(known) => (known.noise, known.detectable) = (noise, plan.detectable(noise)),
                None => metrics.push(Foreseen { metric, noise, detectable: plan.detectable(noise) }),
            }
        }
        (!metrics.is_empty()).then_some(Self { earlier, metrics })
    }
}

/// Were the same targets under the same load?
fn alike(one: &Document, other: &Document) -> bool {
    one.arms.iter().zip(&other.arms).all(|(one, other)| {
        let seedless = |plan: &crate::plan::Plan| crate::plan::Plan { seed: 0, ..plan.clone() };
        seedless(&one.plan) == seedless(&other.plan)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::document;

    #[test]
    fn the_first_round_tells_how_far_blocks_of_an_arm_differ() {
        // 100 and 110 of either arm: the logarithms are 0.0953 apart, over the root of 2.
        let now = document(6, |_, at| if at < 2 { 100.0 } else { 110.0 });
        let plan = now.plan().unwrap();
        let before = Before::from_first_round(&plan, &now.blocks).unwrap();
        let ttft = &before.metrics[0];
        assert_eq!((ttft.metric.as_str(), &before.earlier), ("ttft-p95", &None));
        assert!((ttft.noise - 0.0697).abs() < 0.001, "{ttft:?}");
        assert!((ttft.detectable - plan.detectable(ttft.noise)).abs() < 1e-12 && ttft.detectable > ttft.noise);
        assert_eq!(Before::from_first_round(&plan, &now.blocks[..3]), None);
    }

    #[test]
    fn an_earlier_comparison_of_the_same_load_tells_it_before_the_first_block() {
        #[allow(clippy::cast_precision_loss)]
        let mut earlier = document(6, |_, at| 100.0 + (at % 4) as f64);
        earlier.arms[0].plan.seed = 99;
        let now = document(6, |_, _| 100.0);
        let plan = now.plan().unwrap();
        let before = Before::from_earlier(&plan, &now, std::slice::from_ref(&earlier)).unwrap();
        assert_eq!(before.earlier.as_deref(), Some("cmp"));
        assert!(before.metrics[0].noise > 0.0 && before.metrics[0].noise < 0.03, "{before:?}");
        earlier.arms[1].plan.target.model = "other".into();
        assert_eq!(Before::from_earlier(&plan, &now, &[earlier]), None);
    }
}
