//! The one place where verdicts, changes and refusals become words for people.

use super::guard::{Range, Reading};
use super::mser::WarmUp;
use super::{Candidate, Comparison, Found, Interval, Metric, Verdict};
use pilothouse_wire::{Code, Problem, units};

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same { .. } => "the same",
            Self::NotEnough { .. } => "not enough data",
            Self::Invalid { .. } => "invalid",
        }
    }

    /// The word with what belongs to it: `the same within ±3 %`, `not enough data: 24 more blocks`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Better | Self::Worse => self.word().to_owned(),
            Self::Same { within } => format!("{} within ±{}", self.word(), share(*within)),
            Self::NotEnough { more_blocks } => {
                format!("{}: {} more blocks", self.word(), units::count(u64::from(*more_blocks)))
            }
            Self::Invalid { why } => format!("{}: {why}", self.word()),
        }
    }
}

impl Found {
    /// One sentence: the verdict, by how much, and how sure.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut words = format!("{}: {}", self.metric.label, self.verdict.words());
        if let Some(estimate) = self.estimate {
            words.push_str(&format!("; {}", signed(self.metric.change(estimate.gain))));
        }
        if let Some(interval) = self.interval() {
            words.push_str(&format!(" ({} sure: {})", share(interval.sure), between(&self.metric, interval)));
        }
        match (self.decided_at, self.detectable) {
            (Some(pairs), _) => words.push_str(&format!(", decided at {pairs} pairs")),
            (None, Some(least)) => words.push_str(&format!(", {} would be found so far", share(least))),
            (None, None) => {}
        }
        words + "."
    }
}

impl Candidate {
    /// What was not measured, and so could not make the comparison invalid; none where all was.
    #[must_use]
    pub fn not_checked(&self) -> Option<String> {
        let names: Vec<&str> = self.unchecked.iter().map(|reading| reading.name()).collect();
        (!names.is_empty()).then(|| format!("Not measured in each block, so not compared: {}.", names.join(", ")))
    }
}

impl Comparison {
    /// What comes next, if anything does.
    #[must_use]
    pub fn next(&self) -> String {
        match self.next_look {
            Some(pairs) => format!("{} pairs are in; the next look is at {pairs}.", self.pairs),
            None if self.is_decided() => format!("Decided with {} pairs.", self.pairs),
            None => format!(
                "The plan is over with {} pairs. More blocks are a new comparison: the data cannot be looked at once more.",
                self.pairs
            ),
        }
    }
}

impl WarmUp {
    /// What was cut, or why nothing could be.
    #[must_use]
    pub fn words(self) -> String {
        let count = |many: usize| units::count(many as u64);
        match self {
            Self::Ends { after: 0, .. } => "No warm-up to cut (MSER-5).".to_owned(),
            Self::Ends { after, of } => {
                format!("Warm-up: the first {} of {} are left out (MSER-5).", count(after), count(of))
            }
            Self::NeverSettled { after, of } => format!(
                "It never settled: warm-up would take {} of {}, more than half (MSER-5). Measure longer.",
                count(after),
                count(of)
            ),
            Self::TooFew { of, needed } => {
                format!("Too few to tell where warm-up ends: {} of the {} needed (MSER-5).", count(of), count(needed))
            }
            Self::NoNumber { at } => format!("Measurement {} is no number.", count(at + 1)),
        }
    }
}

impl Reading {
    fn name(self) -> &'static str {
        match self {
            Self::Clock => "clocks",
            Self::PowerCap => "power caps",
            Self::Temperature => "temperatures",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Clock => "MHz",
            Self::PowerCap => "W",
            Self::Temperature => "°C",
        }
    }

    fn range(self, range: Range) -> String {
        let [low, high] = [range.low, range.high].map(|value| grouped(value, 0));
        match low == high {
            true => format!("{low} {}", self.unit()),
            false => format!("{low} to {high} {}", self.unit()),
        }
    }
}

pub(super) fn client_was_limit(limited: usize, of: usize) -> String {
    format!("the client was the limit in {limited} of {of} blocks, so the servers were not measured")
}

pub(super) fn slept(asleep: usize, of: usize) -> String {
    format!("the machine slept in {asleep} of {of} blocks, and nobody was measured in it")
}

pub(super) fn apart(reading: Reading, one: (&str, Range), other: (&str, Range)) -> String {
    format!(
        "{} do not overlap: {} in {}, {} in {}",
        reading.name(),
        reading.range(one.1),
        one.0,
        reading.range(other.1),
        other.0
    )
}

pub(super) fn errors_apart(one: (&str, f64), other: (&str, f64), most: f64) -> String {
    format!(
        "{} of requests were not answered in {}, {} in {}: more than {} apart, and what is measured is of those that were",
        share(one.1),
        one.0,
        share(other.1),
        other.0,
        share(most)
    )
}

pub(super) fn out_of_order(at: usize) -> String {
    format!("block {} is not the one that was planned: without the planned order chance says nothing", at + 1)
}

pub(super) fn no_ratio(metric: &Metric, block: usize, value: Option<f64>) -> String {
    let value = value.filter(|value| !value.is_nan()).map_or("absent".to_owned(), |value| value.to_string());
    format!("{} is {value} in block {}: a ratio needs a number above 0", metric.label, block + 1)
}

pub(super) fn bad_setting(field: &str, why: String) -> Problem {
    Problem::new(Code::BadInput, format!("The comparison cannot be planned: {field}.")).why(why)
}

pub(super) fn bad_pairs(pairs: u32, fewest: u32, most: u32) -> Problem {
    Problem::new(Code::BadInput, format!("pairs cannot be {pairs}."))
        .why(format!("It is an even number from {fewest} to {}: a round has two of each.", units::count(most.into())))
        .next("Give 6, 8, 12, 16 or 24.")
}

pub(super) fn too_few(there: usize, needed: usize) -> String {
    format!("There are {there}; at least {needed} are needed.")
}

pub(super) fn twice() -> String {
    "A name is there twice.".to_owned()
}

pub(super) fn too_many_questions(there: usize, most: usize) -> String {
    format!("Candidates times primary metrics are {there}, at most {most}: each more makes all others harder to tell.")
}

pub(super) fn outside(value: f64, low: f64, high: f64) -> String {
    format!("It is {value}; it may be from {low} to {high}.")
}

pub(super) fn bad_looks(fewest: u32, most: u32, looks: usize) -> String {
    format!("They are 1 to {looks} even numbers of pairs, each more than the one before, from {fewest} to {most}.")
}

fn between(metric: &Metric, interval: Interval) -> String {
    let ends = [interval.low, interval.high].map(|gain| metric.change(gain));
    format!("{} to {}", signed(ends[0].min(ends[1])), signed(ends[0].max(ends[1])))
}

/// A change as a share with its sign, as people write it.
fn signed(change: f64) -> String {
    match change {
        change if change.is_infinite() => "no bound".to_owned(),
        change if change < 0.0 => format!("−{} %", grouped(-change * 100.0, 1)),
        change => format!("+{} %", grouped(change * 100.0, 1)),
    }
}

fn share(share: f64) -> String {
    let percent = grouped(share * 100.0, 1);
    format!("{} %", percent.strip_suffix(".0").unwrap_or(&percent))
}

fn grouped(value: f64, decimals: usize) -> String {
    units::number(value, decimals)
}

#[cfg(test)]
mod tests {
    use super::super::Estimate;
    use super::*;

    fn found(verdict: Verdict) -> Found {
        let interval = Interval { low: 0.04, high: 0.13, sure: 0.95 };
        Found {
            metric: Metric::P95_TTFT,
            verdict,
            decided_at: Some(12),
            estimate: Some(Estimate { rounds: 6, gain: 0.085, spread: 0.04 }),
            difference: Some(interval),
            sameness: Some(Interval { low: 0.05, high: 0.12, sure: 0.9 }),
            detectable: Some(0.06),
        }
    }

    #[test]
    fn a_sentence_says_verdict_change_and_how_sure() {
        assert_eq!(
            found(Verdict::Better).sentence(),
            "p95 TTFT: better; −8.1 % (95 % sure: −12.2 % to −3.9 %), decided at 12 pairs."
        );
        assert_eq!(
            found(Verdict::Same { within: 0.15 }).sentence(),
            "p95 TTFT: the same within ±15 %; −8.1 % (90 % sure: −11.3 % to −4.9 %), decided at 12 pairs."
        );
        let open = Found { decided_at: None, ..found(Verdict::NotEnough { more_blocks: 1_024 }) };
        assert_eq!(
            open.sentence(),
            "p95 TTFT: not enough data: 1,024 more blocks; −8.1 % (95 % sure: −12.2 % to −3.9 %), 6 % would be found so far."
        );
    }

    #[test]
    fn warm_up_says_what_was_cut() {
        assert_eq!(
            WarmUp::Ends { after: 120, of: 2_400 }.words(),
            "Warm-up: the first 120 of 2,400 are left out (MSER-5)."
        );
        assert!(WarmUp::NeverSettled { after: 60, of: 100 }.words().contains("60 of 100, more than half"));
    }
}
