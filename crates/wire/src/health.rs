//! How well a connection is, and how fresh what it said.

use crate::{Problem, Stamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a connection says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    /// Not started yet.
    #[default]
    Idle,
    /// On the way: what it waits for, and how far it is (done, of about how many) where that is known.
    Starting {
        /// A verb and its object: "Listing pods".
        doing: String,
        /// Done so far and about how many there are.
        progress: Option<(u64, u64)>,
    },
    /// Everything asked for is read.
    Well,
    /// Some of it is read; what is missing, and why.
    Partial(Problem),
    /// It answers, but asks us to wait or fails now and then.
    Slow(Problem),
    /// It does not answer; what is shown is as it was.
    Lost(Problem),
    /// A person paused it.
    Paused,
}

impl Health {
    /// What is wrong, if anything is.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Partial(problem) | Self::Slow(problem) | Self::Lost(problem) => Some(problem),
            Self::Idle | Self::Starting { .. } | Self::Well | Self::Paused => None,
        }
    }

    /// The state as one word for people.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Idle => "Not started",
            Self::Starting { .. } => "Connecting",
            Self::Well => "Well",
            Self::Partial(_) => "Partial",
            Self::Slow(_) => "Slow",
            Self::Lost(_) => "Lost",
            Self::Paused => "Paused",
        }
    }
}

/// How fresh a source is, as one word with its age: what the freshness chip shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Freshness {
    /// Heard within twice its period.
    Live,
    /// Heard, but later than twice its period ago.
    Slow,
    /// On the way to its first complete listing.
    Starting,
    /// A person paused it.
    Paused,
    /// Part of what was asked for cannot be read.
    Partial,
    /// Not heard for five periods, and at least 30 s.
    Stale,
    /// The source said, or we found, that it is gone.
    Lost,
}

impl Freshness {
    /// Judges a source by its health, when it was last heard, and the period at which it speaks.
    #[must_use]
    pub fn of(health: &Health, heard: Option<Stamp>, period: Duration, now: Stamp) -> Self {
        let age = heard.map(|heard| now.since(heard));
        match (health, age) {
            (Health::Lost(_), _) => Self::Lost,
            (Health::Paused, _) => Self::Paused,
            (Health::Idle | Health::Starting { .. }, None) | (_, None) => Self::Starting,
            (_, Some(age)) if age > (period * 5).max(Duration::from_secs(30)) => Self::Stale,
            (Health::Partial(_), _) => Self::Partial,
            (Health::Slow(_), _) => Self::Slow,
            (_, Some(age)) if age > period * 2 => Self::Slow,
            (Health::Idle | Health::Starting { .. }, Some(_)) => Self::Starting,
            (Health::Well, Some(_)) => Self::Live,
        }
    }

    /// May values of this source be shown without a mark of age?
    #[must_use]
    pub fn is_fresh(self) -> bool {
        matches!(self, Self::Live | Self::Slow | Self::Partial | Self::Starting)
    }

    /// The word of the chip.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Slow => "slow",
            Self::Starting => "connecting",
            Self::Paused => "paused",
            Self::Partial => "partial",
            Self::Stale => "stale",
            Self::Lost => "lost",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn freshness_follows_health_first_and_age_next() {
        let period = Duration::from_secs(5);
        let lost = Health::Lost(Problem::new(Code::Refused, "refused"));
        let partial = Health::Partial(Problem::new(Code::Denied, "403"));
        for (health, heard, want) in [
            (&Health::Well, Some(1_000), Freshness::Live),
            (&Health::Well, Some(11_000), Freshness::Slow),
            (&Health::Well, Some(31_000), Freshness::Stale),
            (&Health::Well, None, Freshness::Starting),
            (&partial, Some(1_000), Freshness::Partial),
            (&partial, Some(31_000), Freshness::Stale),
            (&lost, Some(0), Freshness::Lost),
            (&Health::Paused, Some(90_000), Freshness::Paused),
        ] {
            let now = Stamp(100_000);
            let heard = heard.map(|age| Stamp(now.0 - age));
            assert_eq!(Freshness::of(health, heard, period, now), want, "{health:?} {heard:?}");
        }
    }
}
