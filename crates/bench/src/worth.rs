//! What it takes to serve: GPUs, what they cost an hour where a person says it, and the power that they drew. What a million
//! tokens cost follows from it, and is never made up: without a price there is none.

use crate::{beside::Beside, measures::Measures};
use pilothouse_wire::units::{ABSENT, number};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A GPU costs no more an hour, in millionths of a dollar.
const DEAREST: f64 = 1e12;
/// Tokens that a price is told for.
const MILLION: f64 = 1e6;

/// What a person says of what serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// What a GPU costs an hour; none where nobody says.
    pub gpu_hour: Option<Dollars>,
    /// GPUs that serve it; none where nobody says.
    pub gpus: Option<u32>,
}

/// An amount, in millionths of a dollar: written `2.50`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dollars(pub u64);

/// What serves a target, as it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    /// GPUs; none where nobody knows.
    pub gpus: Option<u32>,
    /// Did a person say how many, or are they those that serve it, by the driver?
    pub gpus_said: bool,
    /// What one costs an hour, by a person.
    pub gpu_hour: Option<Dollars>,
    /// What those that serve drew together over the time that is measured, on average, in watts.
    pub watts: Option<f64>,
}

impl Worth {
    /// Of what was said and what was read; none of neither.
    #[must_use]
    pub fn of(price: Price, beside: Option<&Beside>) -> Option<Self> {
        let seen = beside.map_or(0, |beside| beside.serving().len());
        let seen = u32::try_from(seen).ok().filter(|seen| *seen > 0);
        let watts = beside.and_then(Beside::measured_watts);
        let worth =
            Self { gpus: price.gpus.or(seen), gpus_said: price.gpus.is_some(), gpu_hour: price.gpu_hour, watts };
        (worth.gpus.is_some() || worth.gpu_hour.is_some()).then_some(worth)
    }

    /// What all of them cost a second, in dollars.
    #[must_use]
    pub fn a_second(&self) -> Option<f64> {
        Some(self.gpu_hour?.dollars() * f64::from(self.gpus?) / 3_600.0)
    }

    fn whose(&self) -> &'static str {
        if self.gpus_said { "as given" } else { "those that serve it, by the driver" }
    }
}

impl Measures {
    /// Tokens of answers a second, for each GPU.
    #[must_use]
    pub fn tokens_a_gpu(&self) -> Option<f64> {
        let gpus = self.worth?.gpus.filter(|gpus| *gpus > 0)?;
        Some(self.rates.output_tokens_per_s / f64::from(gpus))
    }

    /// Dollars for a million tokens of answers.
    #[must_use]
    pub fn cost(&self) -> Option<f64> {
        each(self.worth?.a_second()? * MILLION, self.rates.output_tokens_per_s)
    }

    /// Dollars for a million tokens of answers that keep all limits.
    #[must_use]
    pub fn good_cost(&self) -> Option<f64> {
        each(self.worth?.a_second()? * MILLION, self.goodput.as_ref()?.output_tokens_per_s)
    }

    /// Joules for a token of an answer.
    #[must_use]
    pub fn joules(&self) -> Option<f64> {
        each(self.worth?.watts?, self.rates.output_tokens_per_s)
    }

    /// What it costs, in words.
    #[must_use]
    pub fn cost_words(&self) -> String {
        let Some(Worth { gpu_hour: Some(hour), .. }) = self.worth else {
            return "no price: nobody said what a GPU costs an hour (--gpu-hour)".into();
        };
        let Some((worth, gpus)) = self.worth.and_then(|worth| Some((worth, worth.gpus?))) else {
            return format!("no price: {hour} a GPU an hour, and how many serve it is not known (--gpus)");
        };
        let good = match (&self.goodput, self.good_cost()) {
            (None, _) => "no limits are set that an answer could keep".to_owned(),
            (Some(_), cost) => format!("{} a million good ones", cost.map_or_else(|| ABSENT.to_owned(), dollars)),
        };
        let all = self.cost().map_or_else(|| ABSENT.to_owned(), dollars);
        format!("{all} a million tokens of answers, {good}: {hour} an hour × {gpus} GPUs, {}", worth.whose())
    }

    /// Tokens for each GPU, in words; none where it is not known how many there are.
    #[must_use]
    pub fn gpu_words(&self) -> Option<String> {
        let (worth, each) = (self.worth?, self.tokens_a_gpu()?);
        Some(format!("{} tokens/s out of each of {}, {}", number(each, 1), worth.gpus?, worth.whose()))
    }
}

/// So much for each of so many; nothing is none for each.
fn each(much: f64, many: f64) -> Option<f64> {
    (many > 0.0).then(|| much / many)
}

/// An amount with as many digits as it needs: cents, or three that say something.
#[must_use]
pub fn dollars(amount: f64) -> String {
    let digits = if amount >= 0.1 { 2 } else { 4 };
    format!("${}", number(amount, digits))
}

impl Dollars {
    #[allow(clippy::cast_precision_loss, reason = "a price of less than 2^53 millionths")]
    fn dollars(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl FromStr for Dollars {
    type Err = String;

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held between 1 and the dearest")]
    fn from_str(text: &str) -> Result<Self, String> {
        let typed = text.trim().trim_start_matches('$');
        let millionths = typed.parse::<f64>().map_or(f64::NAN, |amount| (amount * 1e6).round());
        match (1.0..=DEAREST).contains(&millionths) {
            true => Ok(Self(millionths as u64)),
            false => Err(format!("\"{text}\" is no price: write 2.50")),
        }
    }
}

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&dollars(self.dollars()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        beside::{Extent, GpuBeside},
        measures::{Goodput, measure},
        plan::WarmUp,
    };

    fn measures(worth: Option<Worth>) -> Measures {
        let mut of = measure(&[], WarmUp::None, &crate::slo::Slo::default());
        (of.rates.output_tokens_per_s, of.worth) = (4_000.0, worth);
        of
    }

    fn price(hour: &str, gpus: Option<u32>) -> Price {
        Price { gpu_hour: hour.parse().ok(), gpus }
    }

    #[test]
    fn a_price_follows_from_what_was_said_and_from_nothing_else() {
        let mut of = measures(Worth::of(price("3.60", Some(4)), None));
        // 3.60 × 4 ÷ 3600 are 0.4 cents a second, for 4,000 tokens: a dollar a million.
        assert!((of.cost().unwrap() - 1.0).abs() < 1e-9);
        assert_eq!((of.good_cost(), of.tokens_a_gpu(), of.joules()), (None, Some(1_000.0), None));
        assert!(
            of.cost_words().starts_with("$1.00 a million tokens of answers, no limits are set"),
            "{}",
            of.cost_words()
        );
        let slo = "ttft=1s".to_owned();
        of.goodput = Some(Goodput { slo, good: 1, of: 2, requests_per_s: 1.0, output_tokens_per_s: 1_000.0 });
        assert!((of.good_cost().unwrap() - 4.0).abs() < 1e-9);
        assert!(
            of.cost_words().contains("$4.00 a million good ones: $3.60 an hour × 4 GPUs, as given"),
            "{}",
            of.cost_words()
        );
        // Nothing good has no price, and not one of nothing.
        of.goodput.as_mut().unwrap().output_tokens_per_s = 0.0;
        assert_eq!(of.good_cost(), None);
        for (price, want) in
            [(price("", Some(4)), "no price: nobody said"), (price("2", None), "no price: $2.00 a GPU")]
        {
            let of = measures(Worth::of(price, None));
            assert!(of.cost().is_none() && of.cost_words().starts_with(want), "{}", of.cost_words());
        }
        assert_eq!(Worth::of(Price::default(), None), None);
    }

    #[test]
    fn gpus_that_worked_are_counted_and_their_power_is_told_a_token() {
        let extent = |of: f64| Some(Extent { low: of, mean: of, high: of });
        let gpu =
            |used, watts| GpuBeside { utilisation: extent(used), measured_w: Some(watts), ..GpuBeside::default() };
        let beside = Beside { gpus: vec![gpu(0.9, 600.0), gpu(0.5, 400.0), gpu(0.0, 70.0)], ..Beside::default() };
        let of = measures(Worth::of(price("1.80", None), Some(&beside)));
        assert_eq!((of.worth.unwrap().gpus, of.joules()), (Some(2), Some(0.25)));
        assert!((of.cost().unwrap() - 0.25).abs() < 1e-9);
        assert!(of.cost_words().contains("2 GPUs, those that serve it, by the driver"), "{}", of.cost_words());
        assert_eq!(of.gpu_words().unwrap(), "2,000.0 tokens/s out of each of 2, those that serve it, by the driver");
        // Who says how many is believed.
        assert_eq!(Worth::of(price("1", Some(8)), Some(&beside)).unwrap().gpus, Some(8));
    }

    #[test]
    fn an_amount_is_read_as_it_is_written() {
        assert_eq!(
            ["2.50", "$0.000001", " 3 "].map(|text| text.parse().map(|Dollars(of)| of)),
            [Ok(2_500_000), Ok(1), Ok(3_000_000)]
        );
        for bad in ["", "0", "-1", "NaN", "free", "1e99"] {
            assert!(bad.parse::<Dollars>().is_err(), "{bad}");
        }
    }
}
