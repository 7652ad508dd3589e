//! From measured blocks to a verdict a metric: guards, rounds, the planned looks, Holm's steps, and what is missing still.

use super::guard::{self, Conditions, Reading};
use super::{Estimate, Metric, Plan, Settings, Slot, holm, plan, power, words};
use pilothouse_wire::SmolStr;
use serde::{Deserialize, Serialize};

/// One block as it was measured, warm-up left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Which one of the plan it is.
    pub slot: Slot,
    /// Its value of each primary metric, in the plan's order; a quantile is over the block's requests.
    pub values: Vec<f64>,
    /// Under which conditions it ran.
    pub conditions: Conditions,
}

/// What may be said of a candidate beside a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is better.
    Better,
    /// It is worse.
    Worse,
    /// It differs by less than the stated margin.
    Same {
        /// The margin, as a share.
        within: f64,
    },
    /// None of these can be told yet.
    NotEnough {
        /// Blocks, of all arms together, until the look at which the stated effect is found with the stated power, were
        /// it there. Where the plan is over, those of a new comparison.
        more_blocks: u32,
    },
    /// Nothing may be said of what was measured.
    Invalid {
        /// Why.
        why: String,
    },
}

/// Where the true gain lies, at the level that a verdict rests on: over all looks, and as Holm's steps share the error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end, a logarithm of ratios; above 0 is better.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How sure it is, as a share.
    pub sure: f64,
}

/// What was found of one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The metric.
    pub metric: Metric,
    /// The verdict.
    pub verdict: Verdict,
    /// After how many pairs it was given; none of one that is not.
    pub decided_at: Option<u32>,
    /// What the rounds tell: those up to the look that decided, else those up to the last look, else all.
    pub estimate: Option<Estimate>,
    /// Where the true gain lies, as it is held against 0.
    pub difference: Option<Interval>,
    /// Where it lies, as it is held against the margin: narrower and less sure, since either end is tested alone.
    pub sameness: Option<Interval>,
    /// The smallest difference that these rounds find with the plan's power, as a share.
    pub detectable: Option<f64>,
}

impl Found {
    /// The interval that its verdict rests on.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        match self.verdict {
            Verdict::Same { .. } => self.sameness,
            _ => self.difference,
        }
    }
}

/// What was found of one candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its name.
    pub arm: SmolStr,
    /// Of all its metrics: invalid if one is, else worse if one is, else not enough while one is open, else better if one
    /// is, else the same.
    pub verdict: Verdict,
    /// Of each metric, in the plan's order.
    pub metrics: Vec<Found>,
    /// What could not be held against the baseline's, since it was not measured in each block.
    pub unchecked: Vec<Reading>,
}

/// A comparison as far as it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Whole pairs that are in.
    pub pairs: u32,
    /// At how many pairs the next look is; none where all is decided or the plan is over.
    pub next_look: Option<u32>,
    /// Each candidate.
    pub candidates: Vec<Candidate>,
}

impl Comparison {
    /// Whether no verdict is open.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        let mut all = self.candidates.iter().flat_map(|candidate| &candidate.metrics);
        all.all(|found| !matches!(found.verdict, Verdict::NotEnough { .. }))
    }
}

/// Judges what is measured so far. Rounds that are not whole are left out, and so is what lies past the last look taken:
/// a verdict is given at planned looks alone, and one that was given stays.
#[must_use]
pub fn judge(plan: &Plan, blocks: &[Block]) -> Comparison {
    let rounds = blocks.len() / plan.blocks_a_round();
    let blocks = &blocks[..rounds * plan.blocks_a_round()];
    let invalid = out_of_order(plan, blocks);
    let mut questions = questions(plan, blocks, rounds, invalid.as_deref());
    let taken = look_by_look(plan, rounds, &mut questions);
    let per_metric = plan.settings().metrics.len();
    let open = taken.checked_sub(1).map(|look| Standing::of(&questions, look));
    let mut found: Vec<Found> = questions.into_iter().map(|one| one.found(plan, rounds, taken, open)).collect();
    let mut candidates = Vec::new();
    for at in 1..plan.settings().arms.len() {
        let metrics: Vec<Found> = found.drain(..per_metric).collect();
        let (baseline, candidate) = (arm(plan, blocks, 0), arm(plan, blocks, at));
        candidates.push(Candidate {
            arm: plan.settings().arms[at].clone(),
            verdict: together(&metrics),
            metrics,
            unchecked: guard::unchecked(&baseline, &candidate),
        });
    }
    let mut comparison = Comparison { pairs: pairs(rounds), next_look: None, candidates };
    if !comparison.is_decided() {
        comparison.next_look = plan.settings().looks.get(taken).copied();
    }
    comparison
}

/// One candidate's metric on its way through the looks.
struct Question {
    metric: Metric,
    /// A gain a round, or why there is none.
    gains: Result<Vec<f64>, String>,
    /// A difference was found.
    differs: bool,
    /// The same was found.
    equals: bool,
    /// The verdict, and what stood when it was given.
    decided: Option<(Verdict, Standing)>,
}

/// A look, and which levels were right for one question at it.
#[derive(Clone, Copy)]
struct Standing {
    /// Which look, from 0.
    look: usize,
    /// How many questions shared the error of differences, the one that is asked included.
    differs: usize,
    /// How many shared the error of sameness.
    equals: usize,
}

impl Standing {
    /// Of a question that is open after a look.
    fn of(questions: &[Question], look: usize) -> Self {
        let open = |is: fn(&Question) -> bool| questions.iter().filter(|question| !is(question)).count();
        Self { look, differs: open(|question| question.differs), equals: open(|question| question.equals) }
    }
}

impl Question {
    fn at(&self, rounds: usize) -> Option<Estimate> {
        self.gains.as_ref().ok().and_then(|gains| Estimate::of(gains.get(..rounds)?))
    }

    fn found(self, plan: &Plan, rounds: usize, taken: usize, open: Option<Standing>) -> Found {
        let Settings { looks, alpha, power, .. } = plan.settings();
        let standing = self.decided.as_ref().map(|(_, standing)| *standing).or(open);
        let estimate = self.at(standing.map_or(rounds, |standing| plan::rounds(looks[standing.look])));
        let known = standing.zip(estimate);
        let interval = |level: f64, sure: f64, estimate: Estimate| {
            let (low, high) = estimate.interval(level);
            Interval { low, high, sure }
        };
        let difference =
            known.map(|(at, estimate)| interval(plan.differs_at(at.differs)[at.look], 1.0 - alpha, estimate));
        let sameness =
            known.map(|(at, estimate)| interval(2.0 * plan.equals_at(at.equals)[at.look], 1.0 - 2.0 * alpha, estimate));
        let detectable = known.map(|(at, estimate)| {
            let level = plan.differs_at(at.differs)[at.look];
            power::detectable(estimate.rounds, estimate.spread, level, *power).exp_m1()
        });
        let decided_at = self.decided.as_ref().map(|(_, standing)| looks[standing.look]);
        let verdict = match (self.gains, self.decided) {
            (Err(why), _) => Verdict::Invalid { why },
            (_, Some((verdict, _))) => verdict,
            _ => Verdict::NotEnough { more_blocks: missing(plan, estimate, rounds, taken) },
        };
        Found { metric: self.metric, verdict, decided_at, estimate, difference, sameness, detectable }
    }
}

/// The questions of a plan, candidate by candidate and metric by metric, with the gains of each round.
fn questions(plan: &Plan, blocks: &[Block], rounds: usize, invalid: Option<&str>) -> Vec<Question> {
    let mut questions = Vec::new();
    for candidate in 1..plan.settings().arms.len() {
        let why = invalid.map(str::to_owned);
        let why = why.or_else(|| guard::fault(&arm(plan, blocks, 0), &arm(plan, blocks, candidate)));
        for (at, metric) in plan.settings().metrics.iter().enumerate() {
            let gains = match &why {
                Some(why) => Err(why.clone()),
                None => gains(blocks, rounds, candidate, at, metric),
            };
            questions.push(Question { metric: metric.clone(), gains, differs: false, equals: false, decided: None });
        }
    }
    questions
}

/// The gain of each round: the mean of its two pairs.
fn gains(
    blocks: &[Block],
    rounds: usize,
    candidate: usize,
    metric_at: usize,
    metric: &Metric,
) -> Result<Vec<f64>, String> {
    let mut gains = vec![0.0; rounds];
    for (at, block) in blocks.iter().enumerate() {
        let sign = match block.slot.arm {
            0 => -1.0,
            arm if arm == candidate => 1.0,
            _ => continue,
        };
        let value = block.values.get(metric_at).copied();
        // Against 1, so that the two of a pair make a ratio.
        let gain = value.and_then(|value| metric.gain(1.0, value));
        let gain = gain.ok_or_else(|| words::no_ratio(metric, at, value))?;
        if let Some(round) = gains.get_mut(block.slot.round) {
            *round += sign * gain / 2.0;
        }
    }
    Ok(gains)
}

/// Takes each planned look that the rounds allow, in their order; how many were taken.
fn look_by_look(plan: &Plan, rounds: usize, questions: &mut [Question]) -> usize {
    let due = plan.settings().looks.iter().take_while(|pairs| plan::rounds(**pairs) <= rounds);
    let mut taken = 0;
    for (look, pairs) in due.enumerate() {
        taken += 1;
        let now = plan::rounds(*pairs);
        let ask = |questions: &[Question], of: &dyn Fn(Estimate) -> f64| -> Vec<Option<f64>> {
            let open = |question: &Question| question.decided.is_none().then(|| question.at(now)).flatten();
            questions.iter().map(|question| open(question).map(of)).collect()
        };
        let mut equals: Vec<bool> = questions.iter().map(|question| question.equals).collect();
        let p_values = ask(questions, &|estimate| estimate.p_of_beyond(plan.bound()));
        holm::step_down(&p_values, &mut equals, |left| plan.equals_at(left)[look]);
        let mut differs: Vec<bool> = questions.iter().map(|question| question.differs).collect();
        let p_values = ask(questions, &Estimate::p_of_none);
        holm::step_down(&p_values, &mut differs, |left| plan.differs_at(left)[look]);
        for (question, (differs, equals)) in questions.iter_mut().zip(differs.into_iter().zip(equals)) {
            (question.differs, question.equals) = (differs, equals);
        }
        let after = Standing::of(questions, look);
        for question in questions.iter_mut() {
            let Some(estimate) = question.at(now).filter(|_| question.decided.is_none()) else { continue };
            // Within the margin it is the same, though it may be known to differ.
            let (differs, equals) = (question.differs, question.equals);
            let verdict = match (equals, differs) {
                (true, _) => Verdict::Same { within: plan.settings().margin },
                (false, true) if estimate.gain > 0.0 => Verdict::Better,
                (false, true) => Verdict::Worse,
                (false, false) => continue,
            };
            // A question that was answered shared the error with those that were not, itself included.
            let own = |answered: bool, others: usize| others + usize::from(answered);
            let standing = Standing { look, differs: own(differs, after.differs), equals: own(equals, after.equals) };
            question.decided = Some((verdict, standing));
        }
    }
    taken
}

/// How many more blocks an open question wants: up to the next look at which what it points to is found. Where the plan is
/// over, those of a new comparison.
fn missing(plan: &Plan, estimate: Option<Estimate>, rounds: usize, taken: usize) -> u32 {
    let settings = plan.settings();
    let all = plan.questions();
    let last = settings.looks.len() - 1;
    let needed = estimate.map_or(0, |estimate| match estimate.gain.abs() < plan.bound() / 2.0 {
        true => power::to_equate(plan.bound(), estimate.spread, plan.equals_at(all)[last], settings.power),
        false => power::to_find(settings.effect.ln_1p(), estimate.spread, plan.differs_at(all)[last], settings.power),
    });
    let looks = &settings.looks[taken..];
    let look = looks.iter().map(|pairs| plan::rounds(*pairs)).find(|at| *at >= needed);
    let more = match look {
        Some(at) => at - rounds,
        None if looks.is_empty() => needed.max(plan::rounds(plan::FEWEST_PAIRS)),
        None => needed - rounds,
    };
    u32::try_from(more * plan.blocks_a_round()).unwrap_or(u32::MAX)
}

fn together(metrics: &[Found]) -> Verdict {
    let of = |is: fn(&Verdict) -> bool| metrics.iter().map(|found| &found.verdict).find(|verdict| is(verdict));
    let most = metrics.iter().filter_map(|found| match found.verdict {
        Verdict::NotEnough { more_blocks } => Some(more_blocks),
        _ => None,
    });
    let most = most.max().map(|more_blocks| Verdict::NotEnough { more_blocks });
    of(|verdict| matches!(verdict, Verdict::Invalid { .. }))
        .or_else(|| of(|verdict| *verdict == Verdict::Worse))
        .or(most.as_ref())
        .or_else(|| of(|verdict| *verdict == Verdict::Better))
        .or_else(|| of(|_| true))
        .cloned()
        .unwrap_or(Verdict::NotEnough { more_blocks: 0 })
}

/// Where the blocks are not those that were planned.
fn out_of_order(plan: &Plan, blocks: &[Block]) -> Option<String> {
    let mut planned = plan.order().into_iter();
    let at = blocks.iter().position(|block| planned.next() != Some(block.slot));
    at.map(words::out_of_order)
}

fn arm<'a>(plan: &'a Plan, blocks: &'a [Block], arm: usize) -> guard::Arm<'a> {
    let own = blocks.iter().filter(|block| block.slot.arm == arm);
    guard::Arm { name: &plan.settings().arms[arm], blocks: own.map(|block| &block.conditions).collect() }
}

fn pairs(rounds: usize) -> u32 {
    u32::try_from(rounds * 2).unwrap_or(u32::MAX)
}
