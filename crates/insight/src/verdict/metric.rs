//! What is compared: a metric with the direction in which it is better.

use pilothouse_wire::SmolStr;
use serde::{Deserialize, Serialize};

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// More of it is better.
    Higher,
    /// Less of it is better.
    Lower,
}

/// A metric of which each block has one value above 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Its word in files: `goodput`.
    pub id: SmolStr,
    /// Its name for people.
    pub label: SmolStr,
    /// Which way it is better.
    pub better: Better,
}

impl Metric {
    /// Requests a second that keep all objectives.
    pub const GOODPUT: Self = Self::of("goodput", "goodput", Better::Higher);
    /// The time to the first token that 95 % of a block's requests keep.
    pub const P95_TTFT: Self = Self::of("p95-ttft", "p95 TTFT", Better::Lower);
    /// What a million tokens of requests that keep all objectives cost.
    pub const COST: Self = Self::of("cost-good", "$ per million good tokens", Better::Lower);
    /// Tokens out, a second.
    pub const TOKENS: Self = Self::of("tokens-out", "tokens/s out", Better::Higher);

    /// A metric by its words.
    #[must_use]
    pub const fn of(id: &'static str, label: &'static str, better: Better) -> Self {
        Self { id: SmolStr::new_static(id), label: SmolStr::new_static(label), better }
    }

    /// How much better a candidate's value is than a baseline's, as the logarithm of their ratio: above 0 is better, for
    /// either direction. None unless both are finite and above 0.
    #[must_use]
    pub fn gain(&self, baseline: f64, candidate: f64) -> Option<f64> {
        let is_sound = |value: f64| value.is_finite() && value > 0.0;
        (is_sound(baseline) && is_sound(candidate)).then(|| self.sign() * (candidate.ln() - baseline.ln()))
    }

    /// A gain as the change of the metric itself: −0.08 is 8 % less of it.
    #[must_use]
    pub fn change(&self, gain: f64) -> f64 {
        (self.sign() * gain).exp_m1()
    }

    fn sign(&self) -> f64 {
        match self.better {
            Better::Higher => 1.0,
            Better::Lower => -1.0,
        }
    }
}
