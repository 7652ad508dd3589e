//! What of a block is compared: one number of its measures, by a word that a person can type.

use crate::{
    beside::{Gpus, Watched},
    measures::Measures,
    plan::{Load, Plan},
    spread::Spread,
};
use pilothouse_insight::verdict::{Better, Metric};
use pilothouse_wire::{Code, Problem, SmolStr};
use std::{fmt, str::FromStr};

/// One number of a block's measures: `ttft-p95`, `tokens-out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// How values of its requests are spread, at a point.
    Spread(Measure, Point),
    /// Tokens of answers a second.
    TokensOut,
    /// Answers a second.
    Answers,
    /// Answers a second that keep all limits.
    Goodput,
    /// Tokens a second of such answers.
    GoodTokens,
    /// Tokens of answers a second, for each GPU.
    TokensGpu,
    /// Dollars for a million tokens of answers.
    Cost,
    /// Dollars for a million tokens of answers that keep all limits.
    GoodCost,
    /// Joules for a token of an answer.
    Energy,
}

/// What each request has a value of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Time to first token.
    Ttft,
    /// Time to first output.
    Ttfo,
    /// Inter-token latency, each answer.
    Itl,
    /// Inter-token latency, each gap.
    ItlGap,
    /// Time per output token.
    Tpot,
    /// End to end.
    E2e,
    /// Tokens a second for one user.
    PerUser,
}

/// A point of a spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The mean.
    Mean,
    /// Half are no more.
    P50,
    /// Nine of ten are no more.
    P90,
    /// 95 of 100 are no more.
    P95,
    /// 99 of 100 are no more.
    P99,
}

const MEASURES: [(Measure, &str, &str); 7] = [
    (Measure::Ttft, "ttft", "TTFT"),
    (Measure::Ttfo, "ttfo", "TTFO"),
    (Measure::Itl, "itl", "ITL"),
    (Measure::ItlGap, "itl-gap", "ITL of gaps"),
    (Measure::Tpot, "tpot", "TPOT"),
    (Measure::E2e, "e2e", "end to end"),
    (Measure::PerUser, "per-user", "tokens/s for one user"),
];
const POINTS: [(Point, &str, u64); 5] = [
    (Point::Mean, "mean", 1),
    (Point::P50, "p50", 1),
    (Point::P90, "p90", 10),
    (Point::P95, "p95", 20),
    (Point::P99, "p99", 100),
];
const RATES: [(Quantity, &str, &str); 8] = [
    (Quantity::TokensOut, "tokens-out", "tokens/s out"),
    (Quantity::Answers, "answers", "answers/s"),
    (Quantity::Goodput, "goodput", "goodput"),
    (Quantity::GoodTokens, "good-tokens", "good tokens/s"),
    (Quantity::TokensGpu, "tokens-gpu", "tokens/s a GPU"),
    (Quantity::Cost, "cost", "$ a million tokens"),
    (Quantity::GoodCost, "good-cost", "$ a million good tokens"),
    (Quantity::Energy, "energy", "J a token"),
];

/// What is compared where nobody says what: the wait for the first token, the pace after it, and what is served in all. An
/// open loop sends at a rate of its own, so that what is served says nothing there, but for what is good of it.
#[must_use]
pub fn usual(plan: &Plan) -> Vec<Quantity> {
    let streams = plan.target.api.streams();
    let mut usual = match streams {
        true => vec![Quantity::Spread(Measure::Ttft, Point::P95), Quantity::Spread(Measure::Tpot, Point::P50)],
        // One piece, and no tokens.
        false => vec![Quantity::Spread(Measure::E2e, Point::P95)],
    };
    if !plan.slo.is_empty() {
        usual.push(Quantity::Goodput);
    } else if matches!(plan.load, Load::Closed { .. }) {
        usual.push(if streams { Quantity::TokensOut } else { Quantity::Answers });
    }
    usual
}

impl Quantity {
    /// As the judge knows it.
    #[must_use]
    pub fn metric(self) -> Metric {
        Metric { id: SmolStr::from(self.to_string()), label: self.label().into(), better: self.better() }
    }

    /// Its value in its unit; none where the block has too few answers for it, or no limits are set.
    #[must_use]
    pub fn value(self, of: &Measures) -> Option<f64> {
        match self {
            Self::Spread(measure, point) => point.of(measure.of(of)).map(|thousandths| thousandths / 1e3),
            Self::TokensOut => Some(of.rates.output_tokens_per_s),
            Self::Answers => Some(of.rates.requests_per_s),
            Self::Goodput => of.goodput.as_ref().map(|good| good.requests_per_s),
            Self::GoodTokens => of.goodput.as_ref().map(|good| good.output_tokens_per_s),
            Self::TokensGpu => of.tokens_a_gpu(),
            Self::Cost => of.cost(),
            Self::GoodCost => of.good_cost(),
            Self::Energy => of.joules(),
        }
    }

    /// The unit of its value.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Spread(Measure::PerUser, _) | Self::TokensOut | Self::GoodTokens | Self::TokensGpu => "tokens/s",
            Self::Cost | Self::GoodCost => "$/Mtok",
            Self::Energy => "J",
            Self::Spread(..) => "ms",
            Self::Answers | Self::Goodput => "answers/s",
        }
    }

    /// Which way it is better.
    #[must_use]
    pub fn better(self) -> Better {
        match self {
            Self::Spread(measure, _) if measure != Measure::PerUser => Better::Lower,
            Self::Cost | Self::GoodCost | Self::Energy => Better::Lower,
            _ => Better::Higher,
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Spread(measure, point) => {
                let (point, measure) = (point.word(), MEASURES.iter().find(|(is, ..)| *is == measure));
                format!("{point} {}", measure.map_or("", |(_, _, label)| label))
            }
            rate => RATES.iter().find(|(is, ..)| *is == rate).map_or("", |(_, _, label)| label).to_owned(),
        }
    }

    /// Can blocks have a value of it, with what is read beside them and what was said of its price?
    ///
    /// # Errors
    /// If they cannot, and why.
    pub fn check_worth(self, watched: &Watched) -> Result<(), Problem> {
        let reads = watched.gpus != Gpus::No;
        let price = watched.price;
        let (why, next) = match self {
            Self::Cost | Self::GoodCost if price.gpu_hour.is_none() => {
                ("Nobody said what a GPU costs an hour, and a price is never made up.", "Give --gpu-hour.")
            }
            Self::Cost | Self::GoodCost | Self::TokensGpu if price.gpus.is_none() && !reads => {
                ("Nobody said how many GPUs serve it, and none are read.", "Give --gpus.")
            }
            Self::Energy if !reads => {
                ("No GPUs are read beside it.", "Give --pid or --serve, on the machine whose GPUs serve.")
            }
            _ => return Ok(()),
        };
        Err(Problem::new(Code::BadInput, format!("metric cannot be {self}.")).why(why).next(next))
    }

    /// Can blocks of this plan have a value of it?
    ///
    /// # Errors
    /// If they cannot, and why.
    pub fn check(self, plan: &Plan) -> Result<(), Problem> {
        let bad = |why: String, next: &str| {
            Err(Problem::new(Code::BadInput, format!("metric cannot be {self}.")).why(why).next(next))
        };
        if matches!(self, Self::Goodput | Self::GoodTokens | Self::GoodCost) && plan.slo.is_empty() {
            return bad(
                "No limits are set that an answer could keep.".into(),
                "Give --slo, such as ttft=500ms,tpot=50ms.",
            );
        }
        if let (Self::Spread(_, point), Some(requests)) = (self, plan.until.requests)
            && requests < point.needs()
        {
            let why =
                format!("A block has {requests} requests, and a {} needs {} answers.", point.word(), point.needs());
            return bad(why, "Give more --requests, which are those of a block, or another metric.");
        }
        Ok(())
    }
}

impl Measure {
    fn of(self, measures: &Measures) -> &Spread {
        match self {
            Self::Ttft => &measures.ttft,
            Self::Ttfo => &measures.ttfo,
            Self::Itl => &measures.itl,
            Self::ItlGap => &measures.itl_gap,
            Self::Tpot => &measures.tpot,
            Self::E2e => &measures.e2e,
            Self::PerUser => &measures.per_user,
        }
    }
}

impl Point {
    #[allow(clippy::cast_precision_loss, reason = "times of a run stay far below 2^53 microseconds")]
    fn of(self, spread: &Spread) -> Option<f64> {
        let quantile = match self {
            Self::Mean => return spread.mean,
            Self::P50 => spread.p50,
            Self::P90 => spread.p90,
            Self::P95 => spread.p95,
            Self::P99 => spread.p99,
        };
        quantile.map(|value| value as f64)
    }

    fn word(self) -> &'static str {
        POINTS.iter().find(|(is, ..)| *is == self).map_or("", |(_, word, _)| word)
    }

    /// Values below which there is none.
    fn needs(self) -> u64 {
        POINTS.iter().find(|(is, ..)| *is == self).map_or(1, |(_, _, needs)| *needs)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spread(measure, point) => {
                let word = MEASURES.iter().find(|(is, ..)| is == measure).map_or("", |(_, word, _)| word);
                write!(f, "{word}-{}", point.word())
            }
            rate => f.write_str(RATES.iter().find(|(is, ..)| is == rate).map_or("", |(_, word, _)| word)),
        }
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((rate, ..)) = RATES.iter().find(|(_, word, _)| *word == text) {
            return Ok(*rate);
        }
        let found = text.rsplit_once('-').and_then(|(measure, point)| {
            let measure = MEASURES.iter().find(|(_, word, _)| *word == measure)?.0;
            Some(Self::Spread(measure, POINTS.iter().find(|(_, word, _)| *word == point)?.0))
        });
        found.ok_or_else(|| {
            let words = |all: &mut dyn Iterator<Item = &'static str>| all.collect::<Vec<_>>().join(", ");
            let (rates, measures, points) = (
                words(&mut RATES.iter().map(|(_, word, _)| *word)),
                words(&mut MEASURES.iter().map(|(_, word, _)| *word)),
                words(&mut POINTS.iter().map(|(_, word, _)| *word)),
            );
            format!("\"{text}\" is none of {rates}, nor one of {measures} with -POINT, of {points}: ttft-p95")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measures::measure,
        plan::tests::plan,
        sample::{End, Heard, Sample},
        worth::{Price, Worth},
    };

    fn measures(many: u64) -> Measures {
        let sample = |n: u64| Sample {
            n,
            intended_us: n * 1_000,
            lag_us: 0,
            end_us: n * 1_000 + 50_000,
            wanted_input: 1,
            wanted_output: None,
            end: End::Answered(Heard { ttft_us: 10_000, e2e_us: 50_000, output_tokens: Some(5), ..Heard::default() }),
        };
        measure(&(0..many).map(sample).collect::<Vec<_>>(), crate::plan::WarmUp::None, &"e2e=1s".parse().unwrap())
    }

    #[test]
    fn each_word_is_one_number_and_reads_back() {
        let of = measures(120);
        for (word, want, unit, better) in [
            ("ttft-p99", 10.0, "ms", Better::Lower),
            ("e2e-mean", 50.0, "ms", Better::Lower),
            ("tpot-p50", 10.0, "ms", Better::Lower),
            ("per-user-p50", 100.0, "tokens/s", Better::Higher),
            ("answers", 120.0 / 0.169, "answers/s", Better::Higher),
            ("tokens-out", 600.0 / 0.169, "tokens/s", Better::Higher),
            ("goodput", 120.0 / 0.169, "answers/s", Better::Higher),
        ] {
            let quantity: Quantity = word.parse().unwrap();
            let value = quantity.value(&of).unwrap();
            assert!((value / want - 1.0).abs() < 0.002, "{word}: {value}");
            assert_eq!((quantity.to_string().as_str(), quantity.unit(), quantity.better()), (word, unit, better));
        }
        assert_eq!("ttft-p99".parse::<Quantity>().unwrap().value(&measures(99)), None);
        for bad in ["", "ttft", "ttft-p42", "x-p50", "-p50"] {
            assert!(bad.parse::<Quantity>().unwrap_err().contains("ttft-p95"), "{bad}");
        }
    }

    #[test]
    fn a_price_and_energy_are_compared_and_less_is_better() {
        let mut of = measures(120);
        let price = Price { gpu_hour: "3.6".parse().ok(), gpus: Some(2) };
        of.worth = Worth::of(price, None).map(|worth| Worth { watts: Some(710.0), ..worth });
        let rate = 600.0 / 0.169;
        for (word, want, unit, better) in [
            ("tokens-gpu", rate / 2.0, "tokens/s", Better::Higher),
            ("cost", 2_000.0 / rate, "$/Mtok", Better::Lower),
            ("good-cost", 2_000.0 / rate, "$/Mtok", Better::Lower),
            ("energy", 710.0 / rate, "J", Better::Lower),
        ] {
            let quantity: Quantity = word.parse().unwrap();
            let value = quantity.value(&of).unwrap();
            assert!((value / want - 1.0).abs() < 0.002, "{word}: {value}");
            assert_eq!((quantity.to_string().as_str(), quantity.unit(), quantity.better()), (word, unit, better));
            assert_eq!(quantity.value(&measures(120)), None);
            assert!(quantity.check_worth(&Watched::default()).is_err(), "{word}");
            let said = Watched { price, gpus: Gpus::Usual, ..Watched::default() };
            quantity.check_worth(&said).unwrap();
        }
    }

    #[test]
    fn what_no_block_can_have_is_refused_before_it_runs() {
        let mut plan = plan();
        plan.until.requests = Some(50);
        plan.slo = crate::slo::Slo::default();
        let refused = |word: &str, plan: &Plan| word.parse::<Quantity>().unwrap().check(plan).err().map(|of| of.what);
        assert_eq!(refused("ttft-p99", &plan).as_deref(), Some("metric cannot be ttft-p99."));
        assert_eq!(refused("goodput", &plan).as_deref(), Some("metric cannot be goodput."));
        assert_eq!(refused("ttft-p95", &plan), None);
        plan.slo = "ttft=1s".parse().unwrap();
        assert_eq!(refused("goodput", &plan), None);
        assert_eq!(
            usual(&plan).iter().map(Quantity::to_string).collect::<Vec<_>>(),
            ["ttft-p95", "tpot-p50", "goodput"]
        );
    }
}
