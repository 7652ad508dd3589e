//! What a comparison is to be, said before its first block: arms, primary metrics, margin, looks, errors, seed.

use super::{Metric, Slot, looks, order, power, words};
use pilothouse_wire::{Problem, SmolStr};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The fewest pairs that are looked at.
pub const FEWEST_PAIRS: u32 = 6;
/// The most pairs of a plan.
const MOST_PAIRS: u32 = 2_000;
/// The most looks of a plan.
const MOST_LOOKS: usize = 20;
/// The most questions of a plan: candidates times primary metrics.
const MOST_QUESTIONS: usize = 64;

/// What is stated of a comparison. Kept with its result, so that it can be judged again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Names of the arms; the first is the baseline that the others are compared with.
    pub arms: Vec<SmolStr>,
    /// The primary metrics, about which verdicts are given. A block has a value of each, in this order.
    pub metrics: Vec<Metric>,
    /// Arms are the same if they differ by less than this share, either way: 0.03 is from 1/1.03 to 1.03 times.
    pub margin: f64,
    /// The smallest difference worth finding, as a share; what "so many more blocks" is reckoned for.
    pub effect: f64,
    /// The chance with which that is to be found.
    pub power: f64,
    /// The chance that is allowed for any false *better* or *worse*, over all metrics, candidates and looks together; and
    /// as much again for any false *same*. Of several metrics some may be equal and others not, so that either may happen: the
    /// chance of any false verdict at all may then be up to twice as much.
    pub alpha: f64,
    /// After how many pairs of blocks the data is looked at, each even; the last one ends the comparison.
    pub looks: Vec<u32>,
    /// What the order of blocks comes from.
    pub seed: u64,
}

impl Settings {
    /// The usual ones: the same within 3 %, 5 % found with a power of 80 %, errors of 5 %, looks up to 24 pairs.
    #[must_use]
    pub fn new(arms: Vec<SmolStr>, metrics: Vec<Metric>, seed: u64) -> Self {
        Self { arms, metrics, margin: 0.03, effect: 0.05, power: 0.8, alpha: 0.05, looks: looks_to(24), seed }
    }
}

/// The usual looks of a plan of so many pairs: after 6, 8, 12, 16, 24, 32, 48, …, and at its end.
#[must_use]
pub fn looks_to(pairs: u32) -> Vec<u32> {
    let doubled = |first: u32| std::iter::successors(Some(first), |pairs| pairs.checked_mul(2));
    let mut looks: Vec<u32> =
        doubled(6).zip(doubled(8)).flat_map(|(a, b)| [a, b]).take_while(|at| *at < pairs).collect();
    looks.push(pairs);
    looks
}

/// Can so many pairs be looked at?
///
/// # Errors
/// If they cannot, and why.
pub fn check_pairs(pairs: u32) -> Result<(), Problem> {
    match pairs.is_multiple_of(2) && (FEWEST_PAIRS..=MOST_PAIRS).contains(&pairs) {
        true => Ok(()),
        false => Err(words::bad_pairs(pairs, FEWEST_PAIRS, MOST_PAIRS)),
    }
}

/// A comparison that can be run and judged: settings that make sense, and what follows from them.
#[derive(Clone, Debug)]
pub struct Plan {
    settings: Settings,
    /// The two-sided level of each look for a difference, where 1, 2, … questions share the error.
    differs: Vec<Vec<f64>>,
    /// The one-sided level of each look for being the same, likewise.
    equals: Vec<Vec<f64>>,
}

impl Plan {
    /// Of settings.
    ///
    /// # Errors
    /// A setting that makes no sense, by its name.
    pub fn new(settings: Settings) -> Result<Self, Problem> {
        if let Some((field, why)) = fault(&settings) {
            return Err(words::bad_setting(field, why));
        }
        let last = settings.looks.last().copied().unwrap_or(FEWEST_PAIRS);
        let shares: Vec<f64> = settings.looks.iter().map(|pairs| f64::from(*pairs) / f64::from(last)).collect();
        let levels = |alpha: f64| looks::levels(&shares, &looks::spent(&shares, alpha));
        let questions = || (1..=questions(&settings)).map(|left| settings.alpha / left as f64);
        let differs = questions().map(levels).collect();
        // One-sided: a boundary on either side, each of which spends the whole error, and half of the level of both.
        let one_sided = |alpha: f64| levels(2.0 * alpha).iter().map(|level| level / 2.0).collect();
        let equals = questions().map(one_sided).collect();
        Ok(Self { differs, equals, settings })
    }

    /// The same plan with its blocks in another order.
    #[must_use]
    pub fn reordered(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// What was stated.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The blocks in the order in which they are to run, up to the last look.
    #[must_use]
    pub fn order(&self) -> Vec<Slot> {
        let last = self.settings.looks.last().copied().unwrap_or(FEWEST_PAIRS);
        order(self.settings.arms.len(), rounds(last), self.settings.seed)
    }

    /// Blocks up to a look, by its pairs.
    #[must_use]
    pub fn blocks(&self, pairs: u32) -> usize {
        rounds(pairs) * self.blocks_a_round()
    }

    /// The smallest difference that the whole plan finds with its power, as a share, if blocks of one arm differ among
    /// themselves by this share (their coefficient of variation, guessed or from a pilot). Reckoned as if no other question
    /// were answered before, so that the truth is no worse. A round is two blocks of each arm, whose gain then spreads as
    /// one block does.
    #[must_use]
    pub fn detectable(&self, noise: f64) -> f64 {
        let (last, levels) = (self.settings.looks.len() - 1, self.differs_at(self.questions()));
        let rounds = rounds(self.settings.looks[last]);
        power::detectable(rounds, noise.ln_1p(), levels[last], self.settings.power).exp_m1()
    }

    pub(super) fn blocks_a_round(&self) -> usize {
        2 * self.settings.arms.len()
    }

    pub(super) fn questions(&self) -> usize {
        questions(&self.settings)
    }

    /// Levels of each look for a difference, where so many questions are not answered by one.
    pub(super) fn differs_at(&self, left: usize) -> &[f64] {
        &self.differs[left.clamp(1, self.questions()) - 1]
    }

    /// One-sided levels of each look for being the same, likewise.
    pub(super) fn equals_at(&self, left: usize) -> &[f64] {
        &self.equals[left.clamp(1, self.questions()) - 1]
    }

    /// The margin as a gain.
    pub(super) fn bound(&self) -> f64 {
        self.settings.margin.ln_1p()
    }
}

/// Rounds of so many pairs: a round has two of each.
pub(super) fn rounds(pairs: u32) -> usize {
    pairs as usize / 2
}

fn questions(settings: &Settings) -> usize {
    (settings.arms.len().saturating_sub(1)) * settings.metrics.len()
}

/// The first setting that makes no sense, and why.
fn fault(settings: &Settings) -> Option<(&'static str, String)> {
    let is_twice = |words: Vec<&str>| words.iter().collect::<BTreeSet<_>>().len() < words.len();
    let is_within = |value: f64, low: f64, high: f64| value >= low && value <= high;
    let Settings { arms, metrics, looks, .. } = settings;
    if arms.len() < 2 {
        return Some(("arms", words::too_few(arms.len(), 2)));
    }
    if is_twice(arms.iter().map(SmolStr::as_str).collect()) {
        return Some(("arms", words::twice()));
    }
    if metrics.is_empty() {
        return Some(("metrics", words::too_few(0, 1)));
    }
    if is_twice(metrics.iter().map(|metric| metric.id.as_str()).collect()) {
        return Some(("metrics", words::twice()));
    }
    if questions(settings) > MOST_QUESTIONS {
        return Some(("metrics", words::too_many_questions(questions(settings), MOST_QUESTIONS)));
    }
    for (name, value, low, high) in [
        ("margin", settings.margin, 0.001, 0.5),
        ("effect", settings.effect, 0.001, 10.0),
        ("power", settings.power, 0.5, 0.99),
        ("alpha", settings.alpha, 0.001, 0.2),
    ] {
        if !is_within(value, low, high) {
            return Some((name, words::outside(value, low, high)));
        }
    }
    let is_upwards = looks.windows(2).all(|two| two[0] < two[1]);
    let is_sound = |pairs: &u32| check_pairs(*pairs).is_ok();
    let is_count_sound = (1..=MOST_LOOKS).contains(&looks.len());
    (!is_upwards || !is_count_sound || !looks.iter().all(is_sound))
        .then(|| ("looks", words::bad_looks(FEWEST_PAIRS, MOST_PAIRS, MOST_LOOKS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::Code;

    fn settings() -> Settings {
        Settings::new(vec!["now".into(), "next".into()], vec![Metric::GOODPUT, Metric::P95_TTFT], 1)
    }

    #[test]
    fn the_usual_looks() {
        assert_eq!(looks_to(24), [6, 8, 12, 16, 24]);
        assert_eq!(looks_to(6), [6]);
        assert_eq!(looks_to(40), [6, 8, 12, 16, 24, 32, 40]);
        // Whatever number may be said makes looks that may be planned.
        for pairs in [10, 250, 1_022, 2_000] {
            assert!(Plan::new(Settings { looks: looks_to(pairs), ..settings() }).is_ok(), "{pairs}");
        }
    }

    #[test]
    fn pairs_that_make_no_sense_are_called_by_their_name() {
        for pairs in [0, 4, 7, 2_002] {
            assert_eq!(check_pairs(pairs).unwrap_err().what, format!("pairs cannot be {pairs}."));
        }
        assert_eq!(check_pairs(24), Ok(()));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        type Change = fn(&mut Settings);
        let cases: [(&str, Change); 12] = [
            ("arms", |settings| settings.arms.truncate(1)),
            ("arms", |settings| settings.arms[1] = "now".into()),
            ("metrics", |settings| settings.metrics.clear()),
            ("metrics", |settings| settings.metrics[1] = Metric::GOODPUT),
            ("margin", |settings| settings.margin = 0.0),
            ("effect", |settings| settings.effect = f64::NAN),
            ("power", |settings| settings.power = 1.0),
            ("alpha", |settings| settings.alpha = 0.5),
            ("looks", |settings| settings.looks.clear()),
            ("looks", |settings| settings.looks = vec![4]),
            ("looks", |settings| settings.looks = vec![7]),
            ("looks", |settings| settings.looks = vec![8, 6]),
        ];
        for (field, change) in cases {
            let mut changed = settings();
            change(&mut changed);
            let problem = Plan::new(changed).unwrap_err();
            assert!(problem.what.contains(field), "{field}: {problem}");
            assert_eq!(problem.code, Code::BadInput);
        }
        assert!(Plan::new(settings()).is_ok());
    }

    #[test]
    fn another_order_is_another_seed_and_nothing_else() {
        let (one, other) = (Plan::new(settings()).unwrap(), Plan::new(Settings { seed: 2, ..settings() }).unwrap());
        assert_ne!(one.order(), other.order());
        let one = one.reordered(2);
        assert_eq!((one.order(), one.settings(), &one.differs), (other.order(), other.settings(), &other.differs));
    }

    #[test]
    fn a_plan_says_how_many_blocks_and_what_it_finds() {
        let plan = Plan::new(settings()).unwrap();
        assert_eq!((plan.order().len(), plan.blocks(6)), (48, 12));
        let found = plan.detectable(0.05);
        // 12 rounds of 4.9 %: (2.8 + 0.88) · 0.0488 / √12, at the last look's level of two questions.
        assert!((0.04..0.06).contains(&found), "{found}");
        assert!(plan.detectable(0.02) < found);
    }

    #[test]
    fn questions_that_are_left_share_the_error() {
        let plan = Plan::new(settings()).unwrap();
        assert!(plan.differs_at(2).iter().zip(plan.differs_at(1)).all(|(two, one)| two < one));
        assert!(plan.equals_at(1).iter().zip(plan.differs_at(1)).all(|(same, two_sided)| *same > two_sided / 2.0));
        assert!(plan.equals_at(1).last().is_some_and(|level| *level < 0.05));
    }
}
