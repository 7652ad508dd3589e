//! What came of a run. Latencies and rates are of what is kept after the warm-up; failures are counted over all of it, and a
//! request that failed is a good one nowhere.

use crate::{
    failure::Kind,
    plan::WarmUp,
    sample::{End, Heard, Sample},
    slo::Slo,
    spread::{MICROS, MILLITOKENS, Recorder, Spread},
    worth::Worth,
};
use pilothouse_insight::verdict::mser::{self, WarmUp as Found};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What each measure is, for whoever reads a number.
pub const DEFINITIONS: &[(&str, &str)] = &[
    (
        "ttft",
        "time to first token: from when the request was meant to be sent to its first piece that is not empty, said or thought; an answer that comes whole is one piece",
    ),
    ("ttfo", "time to first output: the same to the first piece that is said and not only thought"),
    (
        "itl_gap",
        "inter-token latency, each gap (the itl of vLLM, the inter-chunk latency of AIPerf): from a piece to the next of the same choice, one value a gap, over all answers; a piece may have more than one token",
    ),
    (
        "itl",
        "inter-token latency, each answer (as AIPerf has it): (to the last token - to the first) / (tokens - 1), of answers of two tokens or more; the same as tpot",
    ),
    (
        "tpot",
        "time per output token after the first (as vLLM has it): (to the last token - to the first) / (tokens - 1), of answers of two tokens or more; of several choices (n) the sum over them, over their tokens after the first of each",
    ),
    ("e2e", "end to end: from when the request was meant to be sent to its last piece that is not empty"),
    ("per_user", "tokens a second for one user: 1 / tpot, one value an answer"),
    ("lag", "how much later than meant requests were sent; it is within the latencies"),
    (
        "rates",
        "answers and tokens a second, over the time from when the first kept request was meant to be sent to the end of the last",
    ),
    (
        "goodput",
        "answers a second that keep all limits (ttft, tpot, e2e); failed requests keep none, nor do those that were still open when the run and what it gives them to end (--drain) were over",
    ),
    (
        "per_gpu",
        "tokens of answers a second / GPUs: as many as a person says (--gpus), else those that serve it by the driver: those on which the server computes where that is known, else those on which something ran",
    ),
    (
        "cost",
        "dollars for a million tokens of answers: what a GPU costs an hour, as a person says it (--gpu-hour), x GPUs / 3600 / tokens a second; good: the same over tokens of answers that keep all limits",
    ),
    (
        "energy",
        "joules a token: mean power of the GPUs on which the server computes, where the driver tells that, else of those on which something ran / tokens of answers a second, both over the time that is measured",
    ),
    ("tokens", "as the server counts them (usage); where it does not, each piece of an answer is counted as one"),
];

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Of all requests.
    pub requests: Counts,
    /// Failures by their kind, most first, over all requests.
    pub failures: Vec<Failures>,
    /// What was cut.
    pub warm_up: Cut,
    /// Of the requests that are kept.
    pub kept: Counts,
    /// When the first of those was meant to be sent, from the begin of the run.
    #[serde(default)]
    pub from_us: u64,
    /// The time that rates are over, in microseconds.
    pub span_us: u64,
    /// What was done in it.
    pub rates: Rates,
    /// Time to first token.
    pub ttft: Spread,
    /// Time to first output.
    pub ttfo: Spread,
    /// Inter-token latency, each gap.
    pub itl_gap: Spread,
    /// Inter-token latency, each answer: by its tokens, and so the same as the time per output token.
    pub itl: Spread,
    /// Time per output token.
    pub tpot: Spread,
    /// End to end.
    pub e2e: Spread,
    /// Tokens a second for one user.
    pub per_user: Spread,
    /// How much later than meant requests were sent, over all of them.
    pub lag: Spread,
    /// What is good of it, where limits are set.
    pub goodput: Option<Goodput>,
    /// What was counted, and by whom.
    pub tokens: Tokens,
    /// Answers whose stream ended without `[DONE]`.
    pub without_done: u64,
    /// Why answers ended, by the server's words.
    pub finishes: BTreeMap<String, u64>,
    /// What it takes to serve; none where nobody said and nothing was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worth: Option<Worth>,
}

/// Requests by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Answered, whole.
    pub answered: u64,
    /// Failed.
    pub failed: u64,
    /// Under way when the run was ended: cut off by a person, or open still when their time was over.
    pub unfinished: u64,
    /// Given up by who asked, as the plan says of a share of them: neither failed nor good.
    #[serde(default, skip_serializing_if = "is_none")]
    pub cancelled: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Failures of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// The kind.
    pub kind: Kind,
    /// How many.
    pub count: u64,
    /// What was said of the first that said something.
    pub example: String,
}

/// What was cut at the begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// By which rule.
    pub rule: WarmUp,
    /// Requests that are cut, failed ones among them.
    pub requests: u64,
    /// What MSER-5 found over the end-to-end times of the answers, where it was asked.
    pub found: Option<Found>,
}

/// What was done in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Answers.
    pub requests_per_s: f64,
    /// Tokens of answers.
    pub output_tokens_per_s: f64,
    /// Tokens of prompts; none where the server does not count.
    pub input_tokens_per_s: Option<f64>,
}

/// What is good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goodput {
    /// The limits.
    pub slo: String,
    /// Answers that keep all of them.
    pub good: u64,
    /// Of so many requests, failed ones among them, and those that were open still when their time was over.
    pub of: u64,
    /// Good answers a second.
    pub requests_per_s: f64,
    /// Tokens of good answers a second.
    pub output_tokens_per_s: f64,
}

/// Tokens of what is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Answers whose tokens the server counted.
    pub counted_by_server: u64,
    /// Tokens of prompts, as asked for by the estimate of a word a token.
    pub input_wanted: u64,
    /// Tokens of prompts, as the server counted; none where it counted not all.
    pub input: Option<u64>,
    /// Of those, tokens that were in a cache; none where it said so of none.
    pub cached: Option<u64>,
    /// Tokens of answers.
    pub output: u64,
    /// The fewest of an answer.
    pub output_least: u32,
    /// The most of an answer.
    pub output_most: u32,
    /// Answers that have another number of tokens than was asked for.
    pub not_as_wanted: u64,
}

/// What came of these requests, in the order of when they were meant to be sent.
#[must_use]
pub fn measure(samples: &[Sample], rule: WarmUp, slo: &Slo) -> Measures {
    let (cut, warm_up) = cut(samples, rule);
    let kept = &samples[cut..];
    let span_us = span(kept);
    let mut spreads = Spreads::default();
    let mut lag = Recorder::default();
    samples.iter().for_each(|sample| lag.add(sample.lag_us));
    let (mut good, mut good_tokens) = (0, 0);
    let (mut without_done, mut finishes) = (0, BTreeMap::new());
    for heard in kept.iter().filter_map(heard) {
        spreads.add(heard);
        if slo.is_kept_by(heard) {
            good += 1;
            good_tokens += u64::from(heard.tokens());
        }
        without_done += u64::from(heard.no_done);
        *finishes.entry(heard.finish.clone().unwrap_or_else(|| "none".into())).or_default() += 1;
    }
    let counts = count(kept);
    let tokens = tokens(kept);
    let per_second = |number: u64| rate(number, span_us);
    let goodput = (!slo.is_empty()).then(|| Goodput {
        slo: slo.to_string(),
        good,
        of: counts.answered + counts.failed,
        requests_per_s: per_second(good),
        output_tokens_per_s: per_second(good_tokens),
    });
    let Spreads { ttft, ttfo, itl_gap, itl, tpot, e2e, per_user } = spreads;
    Measures {
        requests: count(samples),
        failures: failures(samples),
        warm_up,
        kept: counts,
        from_us: kept.first().map_or(0, |sample| sample.intended_us),
        span_us,
        rates: Rates {
            requests_per_s: per_second(counts.answered),
            output_tokens_per_s: per_second(tokens.output),
            input_tokens_per_s: tokens.input.map(per_second),
        },
        ttft: ttft.spread(MICROS),
        ttfo: ttfo.spread(MICROS),
        itl_gap: itl_gap.spread(MICROS),
        itl: itl.spread(MICROS),
        tpot: tpot.spread(MICROS),
        e2e: e2e.spread(MICROS),
        per_user: per_user.spread(MILLITOKENS),
        lag: lag.spread(MICROS),
        goodput,
        tokens,
        without_done,
        finishes,
        worth: None,
    }
}

impl Measures {
    /// The same of a run that gave its requests their time to end: what was open still then is as little good as what failed.
    #[must_use]
    pub fn drained(mut self) -> Self {
        if let Some(good) = &mut self.goodput {
            good.of += self.kept.unfinished;
        }
        self
    }
}

#[derive(Default)]
struct Spreads {
    ttft: Recorder,
    ttfo: Recorder,
    itl_gap: Recorder,
    itl: Recorder,
    tpot: Recorder,
    e2e: Recorder,
    per_user: Recorder,
}

impl Spreads {
    fn add(&mut self, heard: &Heard) {
        self.ttft.add(heard.ttft_us);
        self.e2e.add(heard.e2e_us);
        heard.gaps_us.iter().for_each(|gap| self.itl_gap.add(u64::from(*gap)));
        if let Some(ttfo) = heard.ttfo_us {
            self.ttfo.add(ttfo);
        }
        if let Some(tpot) = heard.tpot_us() {
            self.itl.add_rounded(tpot);
            self.tpot.add_rounded(tpot);
            // All tokens in one moment are no rate.
            if tpot > 0.0 {
                self.per_user.add_rounded(1e9 / tpot);
            }
        }
    }
}

fn heard(sample: &Sample) -> Option<&Heard> {
    match &sample.end {
        End::Answered(heard) => Some(heard),
        End::Failed(_) | End::Unfinished | End::Cancelled => None,
    }
}

/// How many requests are cut, and why.
fn cut(samples: &[Sample], rule: WarmUp) -> (usize, Cut) {
    let (requests, found) = match rule {
        WarmUp::None => (0, None),
        // Something has to be left.
        WarmUp::Requests(wanted) => {
            (usize::try_from(wanted).unwrap_or(usize::MAX).min(samples.len().saturating_sub(1)), None)
        }
        WarmUp::Mser5 => {
            let answers: Vec<(usize, f64)> = samples
                .iter()
                .enumerate()
                .filter_map(|(at, sample)| heard(sample).map(|heard| (at, precise(heard.e2e_us))))
                .collect();
            let found = mser::warm_up(&answers.iter().map(|(_, e2e)| *e2e).collect::<Vec<_>>());
            let first = found.cut().filter(|answered| *answered > 0).and_then(|answered| answers.get(answered));
            let at = first.map_or(0, |(at, _)| *at);
            (at, Some(found))
        }
    };
    (requests, Cut { rule, requests: requests as u64, found })
}

fn span(kept: &[Sample]) -> u64 {
    let begin = kept.first().map_or(0, |sample| sample.intended_us);
    let over = kept.iter().filter(|sample| sample.end != End::Unfinished);
    over.map(|sample| sample.end_us).max().unwrap_or(begin).saturating_sub(begin)
}

fn count(samples: &[Sample]) -> Counts {
    let mut counts = Counts::default();
    for sample in samples {
        match sample.end {
            End::Answered(_) => counts.answered += 1,
            End::Failed(_) => counts.failed += 1,
            End::Unfinished => counts.unfinished += 1,
            End::Cancelled => counts.cancelled += 1,
        }
    }
    counts
}

fn failures(samples: &[Sample]) -> Vec<Failures> {
    let mut kinds: BTreeMap<Kind, (u64, &str)> = BTreeMap::new();
    for sample in samples {
        if let End::Failed(failure) = &sample.end {
            let (count, example) = kinds.entry(failure.kind).or_default();
            *count += 1;
            if example.is_empty() {
                *example = &failure.detail;
            }
        }
    }
    let failures =
        kinds.into_iter().map(|(kind, (count, example))| Failures { kind, count, example: example.to_owned() });
    let mut failures: Vec<Failures> = failures.collect();
    failures.sort_by_key(|failures| std::cmp::Reverse(failures.count));
    failures
}

fn tokens(kept: &[Sample]) -> Tokens {
    let mut tokens = Tokens { input: Some(0), output_least: u32::MAX, ..Tokens::default() };
    let mut any = false;
    for sample in kept {
        let Some(heard) = heard(sample) else { continue };
        any = true;
        let output = heard.tokens();
        tokens.counted_by_server += u64::from(heard.output_tokens.is_some());
        tokens.input_wanted += u64::from(sample.wanted_input);
        tokens.input = tokens.input.zip(heard.input_tokens).map(|(sum, more)| sum + u64::from(more));
        if let Some(cached) = heard.cached_tokens {
            *tokens.cached.get_or_insert(0) += u64::from(cached);
        }
        tokens.output += u64::from(output);
        tokens.output_least = tokens.output_least.min(output);
        tokens.output_most = tokens.output_most.max(output);
        tokens.not_as_wanted += u64::from(sample.wanted_output.is_some_and(|wanted| wanted != output));
    }
    if any { tokens } else { Tokens::default() }
}

fn rate(number: u64, span_us: u64) -> f64 {
    // What took no time had no rate.
    if span_us == 0 { 0.0 } else { precise(number) * 1e6 / precise(span_us) }
}

#[allow(clippy::cast_precision_loss, reason = "counts and times of a run stay far below 2^53")]
fn precise(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    /// A request a hundredth of a second, each answered after the same time with three tokens.
    fn answered(n: u64, e2e_us: u64) -> Sample {
        let heard = Heard {
            ttft_us: e2e_us / 2,
            ttfo_us: Some(e2e_us / 2),
            e2e_us,
            pieces: 3,
            gaps_us: vec![100, 300],
            input_tokens: Some(20),
            output_tokens: Some(3),
            finish: Some("length".into()),
            ..Heard::default()
        };
        let intended_us = n * 10_000;
        Sample {
            n,
            intended_us,
            lag_us: 7,
            end_us: intended_us + e2e_us,
            wanted_input: 16,
            wanted_output: Some(3),
            end: End::Answered(heard),
        }
    }

    fn failed(n: u64, kind: Kind, detail: &str) -> Sample {
        Sample { end: End::Failed(Failure::new(kind, detail)), ..answered(n, 1_000) }
    }

    #[test]
    fn rates_and_spreads_are_of_all_answers() {
        let samples: Vec<Sample> = (0..100).map(|n| answered(n, 10_000)).collect();
        let measures = measure(&samples, WarmUp::None, &Slo::default());
        // A hundred answers of three tokens in a second.
        assert_eq!(measures.span_us, 1_000_000);
        let Rates { requests_per_s, output_tokens_per_s, input_tokens_per_s } = measures.rates;
        assert_eq!((requests_per_s, output_tokens_per_s, input_tokens_per_s), (100.0, 300.0, Some(2_000.0)));
        assert_eq!((measures.ttft.count, measures.itl_gap.count, measures.itl.count), (100, 200, 100));
        assert_eq!((measures.ttft.p50, measures.itl.p99, measures.tpot.p99), (Some(5_003), Some(2_501), Some(2_501)));
        assert_eq!((measures.itl_gap.min, measures.itl_gap.max), (Some(100), Some(300)));
        // 2.5 ms a token are 400 tokens a second.
        assert_eq!(measures.per_user.p50.map(|rate| rate / 1_000), Some(400));
        assert_eq!((measures.lag.p50, measures.goodput), (Some(7), None));
        assert_eq!(
            (measures.tokens.input_wanted, measures.tokens.input, measures.tokens.output),
            (1_600, Some(2_000), 300)
        );
        assert_eq!(measures.finishes, BTreeMap::from([("length".to_owned(), 100)]));
    }

    #[test]
    fn failures_are_counted_and_are_never_good() {
        let mut samples: Vec<Sample> = (0..10).map(|n| answered(n, 10_000)).collect();
        samples.push(failed(10, Kind::TooMany, ""));
        samples.push(failed(11, Kind::Cut, "after 2 pieces"));
        samples.push(failed(12, Kind::TooMany, "slow down"));
        samples.push(Sample { end: End::Unfinished, ..answered(13, 9_000_000) });
        samples.push(Sample { end: End::Cancelled, end_us: 90_000, ..answered(14, 1_000) });
        let slo = "e2e=10ms".parse().unwrap();
        let measures = measure(&samples, WarmUp::None, &slo);
        assert_eq!(measures.requests, Counts { answered: 10, failed: 3, unfinished: 1, cancelled: 1 });
        let kinds: Vec<_> = measures.failures.iter().map(|of| (of.kind, of.count, of.example.as_str())).collect();
        assert_eq!(kinds, [(Kind::TooMany, 2, "slow down"), (Kind::Cut, 1, "after 2 pieces")]);
        let goodput = measures.goodput.clone().unwrap();
        assert_eq!((goodput.good, goodput.of), (10, 13));
        // Whoever had its time and is open still is no better than who failed.
        assert_eq!(measures.clone().drained().goodput.map(|of| (of.good, of.of)), Some((10, 14)));
        // What was under way at the end is in no time.
        assert_eq!(measures.span_us, 121_000);
        assert_eq!(measure(&samples, WarmUp::None, &"e2e=9ms".parse().unwrap()).goodput.unwrap().good, 0);
    }

    #[test]
    fn a_slow_begin_is_cut_out_of_latencies_and_not_out_of_failures() {
        let mut samples: Vec<Sample> =
            (0..200).map(|n| answered(n, if n < 30 { 80_000 } else { 10_000 + n % 7 })).collect();
        samples[3] = failed(3, Kind::ServerFailed, "");
        let measures = measure(&samples, WarmUp::Mser5, &Slo::default());
        let Some(Found::Ends { after: cut, .. }) = measures.warm_up.found else { panic!("{:?}", measures.warm_up) };
        assert!((29..=60).contains(&cut), "{cut}");
        // One of those before had failed.
        assert_eq!(measures.warm_up.requests, cut as u64 + 1);
        assert_eq!((measures.requests.failed, measures.kept.failed), (1, 0));
        assert!(measures.e2e.max < Some(11_000), "{:?}", measures.e2e.max);
        let by_hand = measure(&samples, WarmUp::Requests(50), &Slo::default());
        assert_eq!((by_hand.warm_up.requests, by_hand.kept.answered), (50, 150));
        assert_eq!(measure(&samples, WarmUp::Requests(900), &Slo::default()).kept.answered, 1);
    }

    #[test]
    fn of_nothing_there_is_nothing_and_not_zero() {
        let measures = measure(&[], WarmUp::Mser5, &"ttft=1ms".parse().unwrap());
        assert_eq!(
            (measures.requests, measures.ttft.p50, measures.rates.input_tokens_per_s),
            (Counts::default(), None, None)
        );
        assert!(matches!(measures.warm_up.found, Some(Found::TooFew { .. })));
        let failed = [failed(0, Kind::Refused, "")];
        assert_eq!(measure(&failed, WarmUp::None, &Slo::default()).e2e.mean, None);
    }
}
