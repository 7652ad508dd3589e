//! How many tokens: always the same, any number between two, or around a mean.

use rand::Rng;
use rand_distr::{Distribution, Normal};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Nobody has a longer prompt, or waits for a longer answer.
pub const MOST: u32 = 10_000_000;

/// A distribution of numbers of tokens, written `512`, `256..1024` or `512~128` (mean and standard deviation; no less than
/// one token, no more than twice the mean).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Sizes {
    /// Always this many.
    Fixed(u32),
    /// Any number from the first to the second, each as often.
    Between(u32, u32),
    /// Normal, by its mean and its standard deviation.
    Around(u32, u32),
}

impl Sizes {
    /// Draws a number.
    pub fn draw(self, dice: &mut impl Rng) -> u32 {
        match self {
            Self::Fixed(size) => size,
            Self::Between(least, most) => dice.random_range(least..=most),
            Self::Around(mean, deviation) => {
                let Ok(normal) = Normal::new(f64::from(mean), f64::from(deviation)) else { return mean };
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "held between 1 and 2 means"
                )]
                let drawn = normal.sample(dice).round().clamp(1.0, 2.0 * f64::from(mean)) as u32;
                drawn
            }
        }
    }

    /// The most that can be drawn.
    #[must_use]
    pub fn most(self) -> u32 {
        match self {
            Self::Fixed(size) => size,
            Self::Between(_, most) => most,
            Self::Around(mean, _) => mean.saturating_mul(2),
        }
    }
}

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            let number = text.trim().parse::<u32>().ok().filter(|number| *number <= MOST);
            number.ok_or_else(|| format!("\"{text}\" is no number of tokens: 1 to {MOST}"))
        };
        let least = |number: u32| {
            if number == 0 { Err("no tokens are no prompt and no answer".to_owned()) } else { Ok(number) }
        };
        if let Some((from, to)) = text.split_once("..") {
            let (from, to) = (least(number(from)?)?, number(to)?);
            return if from <= to { Ok(Self::Between(from, to)) } else { Err(format!("{from} is more than {to}")) };
        }
        if let Some((mean, deviation)) = text.split_once('~') {
            return Ok(Self::Around(least(number(mean)?)?, number(deviation)?));
        }
        Ok(Self::Fixed(least(number(text)?)?))
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Between(least, most) => write!(f, "{least}..{most}"),
            Self::Around(mean, deviation) => write!(f, "{mean}~{deviation}"),
        }
    }
}

impl TryFrom<String> for Sizes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Sizes> for String {
    fn from(sizes: Sizes) -> Self {
        sizes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::SmallRng};

    #[test]
    fn what_is_written_is_what_is_meant() {
        for (text, want) in
            [("512", Sizes::Fixed(512)), ("1..9", Sizes::Between(1, 9)), ("512~128", Sizes::Around(512, 128))]
        {
            let sizes: Sizes = text.parse().unwrap();
            assert_eq!((sizes, sizes.to_string().as_str()), (want, text));
        }
        for bad in ["", "0", "0..4", "9..1", "x", "1..", "-3", "10~-1", "99999999999"] {
            assert!(bad.parse::<Sizes>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_that_is_not_meant(mean in 1_u32..5_000, other in 0_u32..5_000, seed: u64) {
            let mut dice = SmallRng::seed_from_u64(seed);
            prop_assert_eq!(Sizes::Fixed(mean).draw(&mut dice), mean);
            let (least, most) = (mean.min(other + 1), mean.max(other + 1));
            prop_assert!((least..=most).contains(&Sizes::Between(least, most).draw(&mut dice)));
            let around = Sizes::Around(mean, other);
            prop_assert!((1..=around.most()).contains(&around.draw(&mut dice)));
        }
    }
}
