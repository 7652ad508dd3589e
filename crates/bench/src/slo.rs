//! What an answer has to keep to be a good one.

use crate::sample::Heard;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Limits, in microseconds, written `ttft=500ms,tpot=50ms,e2e=10s`; `e2el`, as others call it, is e2e. An answer is good if it keeps all that are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slo {
    /// Of the time to the first token.
    pub ttft_us: Option<u64>,
    /// Of the time per token after the first; an answer of one token keeps it.
    pub tpot_us: Option<u64>,
    /// Of the time to the last token.
    pub e2e_us: Option<u64>,
}

impl Slo {
    /// Is nothing asked for?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Does an answer keep all of it?
    #[must_use]
    pub fn is_kept_by(&self, heard: &Heard) -> bool {
        let keeps = |limit: Option<u64>, value: f64| limit.is_none_or(|limit| value <= precise(limit));
        keeps(self.ttft_us, precise(heard.ttft_us))
            && keeps(self.e2e_us, precise(heard.e2e_us))
            && heard.tpot_us().is_none_or(|tpot| keeps(self.tpot_us, tpot))
    }
}

#[allow(clippy::cast_precision_loss, reason = "times of a run stay far below 2^53 microseconds")]
fn precise(micros: u64) -> f64 {
    micros as f64
}

impl FromStr for Slo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut slo = Self::default();
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            let (name, limit) = part.split_once('=').ok_or_else(|| format!("\"{part}\" is not NAME=TIME"))?;
            let field = match name.trim() {
                "ttft" => &mut slo.ttft_us,
                "tpot" => &mut slo.tpot_us,
                "e2e" | "e2el" => &mut slo.e2e_us,
                other => return Err(format!("\"{other}\" is none of ttft, tpot, e2e")),
            };
            if field.replace(micros(limit.trim())?).is_some() {
                return Err(format!("{} is said twice", name.trim()));
            }
        }
        Ok(slo)
    }
}

/// Microseconds of `500ms`, `2.5s`, `800us`.
///
/// # Errors
/// If it is no time from a microsecond to a day.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held between 1 and a day")]
pub fn micros(text: &str) -> Result<u64, String> {
    let units = [("ms", 1e3), ("us", 1.0), ("µs", 1.0), ("s", 1e6)];
    let (number, unit) = units
        .iter()
        .find_map(|(unit, micros)| Some((text.strip_suffix(unit)?.trim(), *micros)))
        .ok_or_else(|| format!("\"{text}\" has no unit: write 500ms or 2s"))?;
    let micros = number.parse::<f64>().map_or(f64::NAN, |number| number * unit);
    match (1.0..=86_400e6).contains(&micros) {
        true => Ok(micros.round() as u64),
        false => Err(format!("\"{text}\" is no time from 1us to a day")),
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, limit) in [("ttft", self.ttft_us), ("tpot", self.tpot_us), ("e2e", self.e2e_us)] {
            if let Some(limit) = limit {
                write!(f, "{separator}{name}={}ms", precise(limit) / 1e3)?;
                separator = ",";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_with_their_units() {
        let slo: Slo = "ttft=500ms,tpot=2.5ms,e2e=10s".parse().unwrap();
        assert_eq!(slo, Slo { ttft_us: Some(500_000), tpot_us: Some(2_500), e2e_us: Some(10_000_000) });
        assert_eq!(slo.to_string().parse(), Ok(slo));
        assert_eq!("e2el=10s".parse::<Slo>().unwrap(), "e2e=10s".parse().unwrap());
        for bad in [
            "e2e=1s,e2el=1s",
            "ttft",
            "ttft=5",
            "ttft=0ms",
            "x=1ms",
            "ttft=1ms,ttft=2ms",
            "e2e=-1s",
            "e2e=NaNs",
            "tpot=ms",
        ] {
            assert!(bad.parse::<Slo>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_good_if_it_keeps_all_limits() {
        let heard = Heard { ttft_us: 100, e2e_us: 500, output_tokens: Some(5), ..Heard::default() };
        for (text, good) in [
            ("", true),
            ("ttft=100us,tpot=100us,e2e=500us", true),
            ("ttft=99us", false),
            ("tpot=99us", false),
            ("e2e=499us,ttft=1s", false),
        ] {
            assert_eq!(text.parse::<Slo>().unwrap().is_kept_by(&heard), good, "{text}");
        }
        // Of one token there is no time per token after the first.
        let one = Heard { output_tokens: Some(1), ..heard };
        assert!("tpot=1us".parse::<Slo>().unwrap().is_kept_by(&one));
    }
}
