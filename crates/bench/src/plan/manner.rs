//! How those behave who send a load, beyond how many they are: they become more or fewer, they think, they hang up, they go on
//! with what was said, they ask several models. Seeded by the number of the request, so that the same load again is the same
//! behaviour again.

use super::{Api, Load, MOST_AT_A_TIME, MOST_RATE, Plan, Prompts, bad, positive};
use crate::slo::micros;
use pilothouse_wire::Problem;
use rand::{Rng, SeedableRng, rngs::SmallRng};
use rand_distr::{Distribution, Exp1};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// Turns of a conversation are no more: their prompts would outgrow every model.
const MOST_TURNS: u32 = 1_000;
/// A ramp has no more steps.
const MOST_STEPS: u32 = 1_000;
/// What draws of one request have nothing to do with each other by.
const THINK: u64 = 0x7419;
const CANCEL: u64 = 0xca9c;
const MODEL: u64 = 0x303d;

/// How those behave who send.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manner {
    /// The way to the height of the load; none where it begins at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// How long somebody of a closed loop waits after an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub think: Option<Pause>,
    /// Who hangs up before the answer is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Cancel>,
    /// How often somebody of a closed loop asks in one conversation; the server's answers go back with the next prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u32>,
    /// Models that are asked in the place of the target's, each by its weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mix: Vec<Weighted>,
    /// What the server's cache of prefixes is to hold when the load begins.
    #[serde(default, skip_serializing_if = "Cache::is_unstated")]
    pub cache: Cache,
}

/// From another height to that of the load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ramp {
    /// Requests a second at the begin, or at a time.
    pub from: f64,
    /// Seconds until the height of the load is reached.
    pub seconds: f64,
    /// In so many equal steps, the last at the height of the load; none: evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
}

/// A time to wait, written `2s`, or `exp:2s` where it is spread exponentially around its mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pause {
    /// Always as long, in microseconds.
    Constant(u64),
    /// Of this mean, in microseconds.
    Exponential(u64),
}

/// Who hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cancel {
    /// The share of requests, from 0 to 1.
    pub share: f64,
    /// How long after it was sent. What is answered before that is an answer.
    pub after: Pause,
}

/// A model of several, written `NAME=WEIGHT`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighted {
    /// As the server calls it.
    pub model: String,
    /// How often it is asked, beside the weights of the others.
    pub weight: f64,
}

/// What a cache of prefixes is to hold when the load begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cache {
    /// Nobody said, and nothing is done.
    #[default]
    Unstated,
    /// Nothing of any prompt: their words are drawn from the run's own name and begin.
    Cold,
    /// All prompts: each was sent once before.
    Warm,
    /// The words that all prompts begin with: they were sent once before.
    Shared,
}

/// Draws of one purpose for one request.
fn dice(seed: u64, what: u64, n: u64) -> SmallRng {
    SmallRng::seed_from_u64(seed ^ what.rotate_left(32) ^ n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

impl Manner {
    /// How long is waited behind a request before the next.
    #[must_use]
    pub fn thinks(&self, seed: u64, n: u64) -> Duration {
        self.think.map_or(Duration::ZERO, |think| think.draw(&mut dice(seed, THINK, n)))
    }

    /// After how long a request is given up by who asked; none where it is heard out.
    #[must_use]
    pub fn hangs_up(&self, seed: u64, n: u64) -> Option<Duration> {
        let Cancel { share, after } = self.cancel?;
        let mut dice = dice(seed, CANCEL, n);
        (dice.random::<f64>() < share).then(|| after.draw(&mut dice))
    }

    /// Which model of the mix a request asks, by its place; none without a mix.
    #[must_use]
    pub fn model(&self, seed: u64, n: u64) -> Option<usize> {
        let all: f64 = self.mix.iter().map(|of| of.weight).sum();
        let mut left = dice(seed, MODEL, n).random::<f64>() * all;
        let found = self.mix.iter().position(|of| {
            left -= of.weight;
            left < 0.0
        });
        found.or(self.mix.len().checked_sub(1))
    }

    /// Can requests of this plan be sent like that?
    pub(super) fn check(&self, plan: &Plan) -> Result<(), Problem> {
        let Plan { load, prompts, target, .. } = plan;
        let is_closed = matches!(load, Load::Closed { .. });
        if let Some(ramp) = self.ramp {
            let Ramp { from, seconds, steps } = ramp;
            let most = if is_closed { f64::from(MOST_AT_A_TIME) } else { MOST_RATE };
            positive("ramp-from", from, most)?;
            positive("ramp-seconds", seconds, super::LONGEST.as_secs_f64())?;
            if matches!(load, Load::Trace { .. }) {
                return Err(bad("ramp-from", &from.to_string(), "A trace has times of its own.", "Leave it out"));
            }
            if steps.is_some_and(|steps| !(2..=MOST_STEPS).contains(&steps)) {
                let steps = steps.unwrap_or_default().to_string();
                let next = format!("Give 2 to {MOST_STEPS}, or leave it out for an even ramp");
                return Err(bad("ramp-steps", &steps, "The first step is where it begins, the last the load.", &next));
            }
        }
        if let Some(think) = self.think.filter(|_| !is_closed) {
            let why = "Who sends at times of its own waits for no answer.";
            return Err(bad("think", &think.to_string(), why, "Give --concurrency, or leave it out"));
        }
        if let Some(Cancel { share, .. }) = self.cancel.filter(|of| !(of.share > 0.0 && of.share <= 1.0)) {
            let share = format!("{} %", share * 100.0);
            return Err(bad("cancel", &share, "It is a share of all requests.", "Give more than 0, 100 at most"));
        }
        if let Some(turns) = self.turns {
            let refused = |why: &str, next: &str| Err(bad("turns", &turns.to_string(), why, next));
            if !(2..=MOST_TURNS).contains(&turns) {
                return refused("A conversation has several.", &format!("Give 2 to {MOST_TURNS}, or leave it out"));
            }
            if !is_closed {
                return refused("The next turn needs the answer to the one before.", "Give --concurrency");
            }
            if target.api != Api::Chat {
                return refused("Only chat takes what was said before.", "Use --api chat");
            }
        }
        if let Some(of) =
            self.mix.iter().find(|of| !(of.weight > 0.0 && of.weight.is_finite()) || of.model.trim().is_empty())
        {
            let why = "A model has a name, and a weight of more than 0.";
            return Err(bad("mix", &of.to_string(), why, "Write NAME=WEIGHT"));
        }
        if let Some(of) =
            self.mix.first().filter(|_| !matches!(target.api, Api::Chat | Api::Completions | Api::Embeddings))
        {
            let why = "Only interfaces of OpenAI name a model in the request.";
            return Err(bad("mix", &of.model, why, "Leave it out"));
        }
        self.cache.check(plan, prompts)
    }
}

impl Ramp {
    /// When an open loop has sent as much of its load, on the way to a rate of `to`.
    pub(crate) fn moment(self, so_much: f64, to: f64) -> f64 {
        let Self { from, seconds, steps } = self;
        let Some(steps) = steps else {
            let whole = f64::midpoint(from, to) * seconds;
            if so_much >= whole {
                return seconds + (so_much - whole) / to;
            }
            // The root of from·t + (to − from)·t²/(2·seconds), in the form that does not divide by their difference.
            let root = (from * from + 2.0 * (to - from) * so_much / seconds).max(0.0).sqrt();
            return 2.0 * so_much / (from + root);
        };
        let each = seconds / f64::from(steps);
        let mut left = so_much;
        for step in 0..steps {
            let rate = self.at_step(step, steps, to);
            if left < rate * each {
                return f64::from(step) * each + left / rate;
            }
            left -= rate * each;
        }
        seconds + left / to
    }

    fn at_step(self, step: u32, steps: u32, to: f64) -> f64 {
        self.from + (to - self.from) * f64::from(step) / f64::from(steps.max(2) - 1)
    }

    /// People of a closed loop on the way to so many: when each begins, and when he leaves, if he does; in seconds.
    pub(crate) fn people(self, to: u32) -> Vec<(f64, Option<f64>)> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held within what can be run")]
        let all = (self.from.ceil() as u32).max(to);
        let height = f64::from(to);
        // When the load first is where it is for this one.
        let reached = |wanted: f64, is_there: &dyn Fn(f64) -> bool| match self.steps {
            None => (wanted - self.from) / (height - self.from) * self.seconds,
            Some(steps) => {
                let step = (0..steps).find(|step| is_there(self.at_step(*step, steps, height)));
                f64::from(step.unwrap_or(steps)) * self.seconds / f64::from(steps)
            }
        };
        let one = |person: u32| {
            let (before, with) = (f64::from(person), f64::from(person) + 1.0);
            let begins =
                if with <= self.from.max(1.0) || self.from >= height { 0.0 } else { reached(with, &|at| at >= with) };
            let leaves = (before >= height).then(|| reached(before, &|at| at <= before));
            (begins, leaves)
        };
        (0..all).map(one).collect()
    }
}

impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} within {} s, ", self.from, self.seconds)?;
        match self.steps {
            Some(steps) => write!(f, "in {steps} steps"),
            None => f.write_str("evenly"),
        }
    }
}

impl Pause {
    fn draw(self, dice: &mut SmallRng) -> Duration {
        match self {
            Self::Constant(micros) => Duration::from_micros(micros),
            Self::Exponential(micros) => {
                let times: f64 = Exp1.sample(dice);
                Duration::from_micros(micros).mul_f64(times)
            }
        }
    }
}

impl FromStr for Pause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("exp:") {
            Some(mean) => micros(mean).map(Self::Exponential),
            None => micros(text).map(Self::Constant),
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, micros) = match self {
            Self::Constant(micros) => ("", micros),
            Self::Exponential(micros) => ("exp:", micros),
        };
        match micros.is_multiple_of(1_000) {
            true => write!(f, "{mark}{}ms", micros / 1_000),
            false => write!(f, "{mark}{micros}us"),
        }
    }
}

impl TryFrom<String> for Pause {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Pause> for String {
    fn from(pause: Pause) -> Self {
        pause.to_string()
    }
}

impl FromStr for Weighted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (model, weight) = text.rsplit_once('=').unwrap_or((text, "1"));
        let weight: f64 = weight.trim().parse().map_err(|_| format!("\"{weight}\" is no weight: write NAME=3"))?;
        Ok(Self { model: model.trim().to_owned(), weight })
    }
}

impl fmt::Display for Weighted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.model, self.weight)
    }
}

impl Cache {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_unstated(&self) -> bool {
        *self == Self::Unstated
    }

    /// In words, with what is done for it; none where nobody said.
    #[must_use]
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::Unstated => None,
            Self::Cold => {
                Some("cold: words of prompts are drawn from the run's own name and begin, so that none was sent before")
            }
            Self::Warm => Some("warm: each prompt is sent once before the load, for an answer of one token"),
            Self::Shared => Some("shared: what all prompts begin with is sent once before the load"),
        }
    }

    fn check(self, plan: &Plan, prompts: &Prompts) -> Result<(), Problem> {
        let prefix = match prompts {
            Prompts::Synthetic { shared_prefix, .. } => Some(*shared_prefix),
            Prompts::File(_) => None,
        };
        let refused = |word: &str, why: &str, next: &str| Err(bad("cache", word, why, next));
        match self {
            Self::Unstated => Ok(()),
            _ if !matches!(plan.target.api, Api::Chat | Api::Completions) => refused(
                "stated",
                "Only chat and completions have prompts of which prefixes are cached.",
                "Leave it out",
            ),
            Self::Cold if prefix != Some(0) => refused(
                "cold",
                "Prompts of a file, or with a prefix, may have been sent before.",
                "Leave out one of both",
            ),
            Self::Shared if prefix.is_none_or(|prefix| prefix == 0) => {
                refused("shared", "There is nothing that all prompts begin with.", "Give --shared-prefix")
            }
            Self::Warm if plan.manner.turns.is_some() => {
                refused("warm", "Prompts of a conversation follow from its answers.", "Leave out --turns")
            }
            Self::Warm
                if prefix.is_some() && plan.until.requests.is_none() && !matches!(plan.load, Load::Trace { .. }) =>
            {
                refused("warm", "It is not known how many prompts there will be.", "Give --requests")
            }
            Self::Cold | Self::Warm | Self::Shared => Ok(()),
        }
    }
}

impl FromStr for Cache {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "cold" => Ok(Self::Cold),
            "warm" => Ok(Self::Warm),
            "shared" => Ok(Self::Shared),
            "unstated" => Ok(Self::Unstated),
            _ => Err("give cold, warm or shared".into()),
        }
    }
}

#[cfg(test)]
mod tests;
