//! The measures of workers as those of one run: counts are added, histograms put together class by class, rates made anew over the
//! time in which all of them sent. Nothing is averaged.

use crate::{
    measures::{Counts, Cut, Failures, Goodput, Measures, Rates, Tokens},
    plan::WarmUp,
    spread::{MICROS, MILLITOKENS, Recorder, Spread},
};
use std::{cmp::Reverse, collections::BTreeMap};

/// Puts measures together. With each comes by how much later than the common begin its run began, in microseconds. None of none.
#[must_use]
pub fn merge(parts: &[(u64, &Measures)], rule: WarmUp) -> Option<Measures> {
    if parts.is_empty() {
        return None;
    }
    let all = || parts.iter().map(|(_, measures)| *measures);
    let sum = |of: fn(&Measures) -> u64| total(all().map(of));
    let spread = |of: fn(&Measures) -> &Spread, unit: &str| merged(all().map(of), unit);
    let kept = counts(all().map(|measures| measures.kept));
    // Who kept nothing sent in no time.
    let sent = || parts.iter().filter(|(_, measures)| measures.kept != Counts::default());
    let from_us = sent().map(|(later, measures)| later.saturating_add(measures.from_us)).min().unwrap_or_default();
    let end = |(later, of): &(u64, &Measures)| later.saturating_add(of.from_us).saturating_add(of.span_us);
    // Nor does the time go on for whoever had nothing that ended.
    let is_over = |(_, measures): &&(u64, &Measures)| Counts { unfinished: 0, ..measures.kept } != Counts::default();
    let to_us = sent().filter(is_over).map(end).max().unwrap_or(from_us);
    let span_us = to_us.saturating_sub(from_us);
    let tokens = tokens(parts);
    Some(Measures {
        requests: counts(all().map(|measures| measures.requests)),
        failures: failures(parts),
        warm_up: Cut { rule, requests: sum(|measures| measures.warm_up.requests), found: None },
        kept,
        from_us,
        span_us,
        rates: Rates {
            requests_per_s: rate(kept.answered, span_us),
            output_tokens_per_s: rate(tokens.output, span_us),
            input_tokens_per_s: tokens.input.map(|input| rate(input, span_us)),
        },
        ttft: spread(|measures| &measures.ttft, MICROS),
        ttfo: spread(|measures| &measures.ttfo, MICROS),
        itl_gap: spread(|measures| &measures.itl_gap, MICROS),
        itl: spread(|measures| &measures.itl, MICROS),
        tpot: spread(|measures| &measures.tpot, MICROS),
        e2e: spread(|measures| &measures.e2e, MICROS),
        per_user: spread(|measures| &measures.per_user, MILLITOKENS),
        lag: spread(|measures| &measures.lag, MICROS),
        goodput: goodput(parts, span_us),
        tokens,
        without_done: sum(|measures| measures.without_done),
        finishes: finishes(parts),
        worth: parts.first().and_then(|(_, measures)| measures.worth),
    })
}

/// Histograms as one.
pub(super) fn merged<'a>(all: impl Iterator<Item = &'a Spread>, unit: &str) -> Spread {
    let mut recorder = Recorder::default();
    all.for_each(|spread| recorder.take(spread));
    recorder.spread(unit)
}

fn counts(all: impl Iterator<Item = Counts>) -> Counts {
    all.fold(Counts::default(), |sum, of| Counts {
        answered: sum.answered.saturating_add(of.answered),
        failed: sum.failed.saturating_add(of.failed),
        unfinished: sum.unfinished.saturating_add(of.unfinished),
        cancelled: sum.cancelled.saturating_add(of.cancelled),
    })
}

fn failures(parts: &[(u64, &Measures)]) -> Vec<Failures> {
    let mut kinds = BTreeMap::new();
    for of in parts.iter().flat_map(|(_, measures)| &measures.failures) {
        let known =
            kinds.entry(of.kind).or_insert_with(|| Failures { kind: of.kind, count: 0, example: String::new() });
        known.count = known.count.saturating_add(of.count);
        if known.example.is_empty() {
            known.example.clone_from(&of.example);
        }
    }
    let mut failures: Vec<Failures> = kinds.into_values().collect();
    failures.sort_by_key(|failures| Reverse(failures.count));
    failures
}

fn goodput(parts: &[(u64, &Measures)], span_us: u64) -> Option<Goodput> {
    let each: Vec<(&Goodput, u64)> = parts
        .iter()
        .map(|(_, measures)| Some((measures.goodput.as_ref()?, measures.span_us)))
        .collect::<Option<_>>()?;
    let good = total(each.iter().map(|(of, _)| of.good));
    // Of good tokens a run keeps the rate alone; they are whole ones.
    let tokens = total(each.iter().map(|(of, span)| whole(of.output_tokens_per_s * precise(*span) / 1e6)));
    Some(Goodput {
        slo: each.first()?.0.slo.clone(),
        good,
        of: total(each.iter().map(|(of, _)| of.of)),
        requests_per_s: rate(good, span_us),
        output_tokens_per_s: rate(tokens, span_us),
    })
}

fn tokens(parts: &[(u64, &Measures)]) -> Tokens {
    // Who kept no answer knows nothing of tokens.
    let each: Vec<&Tokens> =
        parts.iter().filter(|(_, measures)| measures.kept.answered > 0).map(|(_, measures)| &measures.tokens).collect();
    if each.is_empty() {
        return Tokens::default();
    }
    let sum = |of: fn(&Tokens) -> u64| total(each.iter().map(|tokens| of(tokens)));
    Tokens {
        counted_by_server: sum(|of| of.counted_by_server),
        input_wanted: sum(|of| of.input_wanted),
        input: each.iter().try_fold(0_u64, |sum, of| Some(sum.saturating_add(of.input?))),
        cached: each.iter().filter_map(|of| of.cached).reduce(u64::saturating_add),
        output: sum(|of| of.output),
        output_least: each.iter().map(|of| of.output_least).min().unwrap_or_default(),
        output_most: each.iter().map(|of| of.output_most).max().unwrap_or_default(),
        not_as_wanted: sum(|of| of.not_as_wanted),
    }
}

fn finishes(parts: &[(u64, &Measures)]) -> BTreeMap<String, u64> {
    let mut finishes = BTreeMap::new();
    for (word, count) in parts.iter().flat_map(|(_, measures)| &measures.finishes) {
        let known: &mut u64 = finishes.entry(word.clone()).or_default();
        *known = known.saturating_add(*count);
    }
    finishes
}

/// What workers say is read out of logs: no number in them makes a sum that is wrong without a word, or none at all.
fn total(all: impl Iterator<Item = u64>) -> u64 {
    all.fold(0, u64::saturating_add)
}

fn rate(number: u64, span_us: u64) -> f64 {
    if span_us == 0 { 0.0 } else { precise(number) * 1e6 / precise(span_us) }
}

#[allow(clippy::cast_precision_loss, reason = "counts and times of a run stay far below 2^53")]
fn precise(number: u64) -> f64 {
    number as f64
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        failure::{Failure, Kind},
        measures::measure,
        sample::{End, Heard, Sample},
        slo::Slo,
        workers::Share,
    };
    use proptest::prelude::*;

    fn sample() -> impl Strategy<Value = Sample> {
        let heard = (
            1_u64..2_000_000,
            proptest::collection::vec(1_u32..400_000, 0..6),
            proptest::option::of(1_u32..40),
            any::<bool>(),
        );
        let answered = heard.prop_map(|(ttft_us, gaps_us, counted, thinks)| {
            let e2e_us = ttft_us + gaps_us.iter().map(|gap| u64::from(*gap)).sum::<u64>();
            End::Answered(Heard {
                ttft_us,
                ttfo_us: (!thinks).then_some(ttft_us),
                e2e_us,
                pieces: u32::try_from(gaps_us.len()).unwrap() + 1,
                gaps_us,
                input_tokens: Some(9),
                output_tokens: counted,
                cached_tokens: thinks.then_some(3),
                finish: thinks.then(|| "length".to_owned()),
                no_done: thinks,
                ..Heard::default()
            })
        });
        let failed = prop_oneof![Just(Kind::Cut), Just(Kind::TooMany), Just(Kind::TimedOut)];
        let failed = failed.prop_map(|kind| End::Failed(Failure::new(kind, kind.words())));
        let end = prop_oneof![6 => answered, 1 => failed, 1 => Just(End::Unfinished), 1 => Just(End::Cancelled)];
        (end, 0_u64..5_000, 0_u64..3_000_000).prop_map(|(end, lag_us, took)| Sample {
            n: 0,
            intended_us: 0,
            lag_us,
            end_us: took,
            wanted_input: 8,
            wanted_output: Some(6),
            end,
        })
    }

    proptest! {
        /// However a load was dealt out, what comes of the parts is what would have come of all of it at once.
        #[test]
        fn parts_put_together_are_the_whole(
            drawn in proptest::collection::vec(sample(), 1..150),
            workers in 1_u32..6,
            later in 0_u64..4_000,
        ) {
            let slo: Slo = "ttft=1s,e2e=2s".parse().unwrap();
            let mut samples = drawn;
            for (n, sample) in (0..).zip(&mut samples) {
                (sample.n, sample.intended_us) = (n, n * 10_000);
                sample.end_us += sample.intended_us;
            }
            let whole = measure(&samples, WarmUp::None, &slo);
            let parts: Vec<(u64, Measures)> = (0..workers).map(|index| {
                let share = Share { index, of: workers };
                // One that began later by its own clock counts from there.
                let own = if index == 0 { 0 } else { later };
                let moved = |sample: &Sample| Sample {
                    intended_us: sample.intended_us.saturating_sub(own),
                    end_us: sample.end_us.saturating_sub(own),
                    ..sample.clone()
                };
                let samples: Vec<Sample> = samples.iter().filter(|sample| share.has(sample.n)).map(moved).collect();
                (own, measure(&samples, WarmUp::None, &slo))
            }).filter(|(_, measures)| measures.requests != Counts::default()).collect();
            let parts: Vec<(u64, &Measures)> = parts.iter().map(|(later, measures)| (*later, measures)).collect();
            let merged = merge(&parts, WarmUp::None).unwrap();
            prop_assert_eq!(merged, whole);
        }
    }

    /// A log may hold anything that reads as a document.
    #[test]
    fn numbers_that_cannot_be_are_added_up_all_the_same() {
        let mut absurd = measure(&[], WarmUp::None, &Slo::default());
        absurd.requests.answered = u64::MAX;
        (absurd.kept, absurd.from_us, absurd.span_us) = (absurd.requests, u64::MAX, u64::MAX);
        (absurd.tokens.input, absurd.tokens.cached, absurd.tokens.output) = (Some(u64::MAX), Some(u64::MAX), u64::MAX);
        absurd.finishes.insert("stop".into(), u64::MAX);
        absurd.failures = vec![Failures { kind: Kind::Cut, count: u64::MAX, example: String::new() }];
        absurd.ttft.counts = vec![(u64::MAX, u64::MAX)];
        let merged = merge(&[(u64::MAX, &absurd), (u64::MAX, &absurd)], WarmUp::None).unwrap();
        assert_eq!((merged.requests.answered, merged.failures[0].count), (u64::MAX, u64::MAX));
        assert_eq!((merged.tokens.input, merged.finishes["stop"]), (Some(u64::MAX), u64::MAX));
    }

    /// Found by the property above: of two workers with a request each, neither of which ended, the later one made a time.
    #[test]
    fn what_never_ended_takes_no_time() {
        let open = |intended_us: u64| Sample {
            n: 0,
            intended_us,
            lag_us: 0,
            end_us: intended_us,
            wanted_input: 8,
            wanted_output: Some(6),
            end: End::Unfinished,
        };
        let parts = [0, 10_000].map(|at| measure(&[open(at)], WarmUp::None, &Slo::default()));
        let merged = merge(&[(0, &parts[0]), (0, &parts[1])], WarmUp::None).unwrap();
        assert_eq!((merged.kept.unfinished, merged.span_us), (2, 0));
    }

    #[test]
    fn nothing_comes_of_none() {
        assert_eq!(merge(&[], WarmUp::None), None);
        let empty = measure(&[], WarmUp::None, &Slo::default());
        let merged = merge(&[(0, &empty), (5, &empty)], WarmUp::None).unwrap();
        assert_eq!((merged.requests, merged.tokens, merged.ttft.count), (Counts::default(), Tokens::default(), 0));
    }
}
