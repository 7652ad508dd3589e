//! How long until all steps are done, by the pauses that they name and by what the same steps took in earlier revisions.

use super::{Delivery, Moment, step, steps};
use pilothouse_wire::{
    SmolStr, Stamp,
    view::{
        DeliveryPhase, Step,
        delivery::{Left, Wait},
    },
};
use std::collections::BTreeMap;

/// How long until all steps are done.
#[must_use]
pub(crate) fn left(delivery: &Delivery, now: Stamp) -> Left {
    let fact = &delivery.fact;
    let (Some(at), Some(rollout)) = (step(fact), &fact.rollout) else { return Left::Nothing };
    let all = steps(fact);
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    if at >= all.len() || fact.stable.is_some() && fact.stable == fact.current {
        return Left::Nothing;
    }
    if rollout.aborted {
        return Left::Unknown("it was stopped".to_owned());
    }
    if fact.paused {
        return Left::Unknown("it is paused by a person".to_owned());
    }
    if delivery.moments.last().is_some_and(|moment| moment.phase == DeliveryPhase::Degraded) {
        return Left::Unknown("it cannot go on".to_owned());
    }
    let took = took(&delivery.moments, fact.current.as_ref());
    let (mut least, mut most, mut by_spec) = (0_u64, 0_u64, true);
    for (place, step) in all.iter().enumerate().skip(at) {
        let since = if place == at { begun(delivery, at) } else { None };
        let gone = since.map_or(0, |since| u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX));
        let (low, high) = match step {
            Step::Pause(Wait::ForPerson) => {
                return Left::Unknown(format!("step {} waits for a person", place + 1));
            }
            Step::Pause(Wait::For(ms)) => (*ms, *ms),
            other => match took.get(&place) {
                Some((low, high)) => {
                    by_spec = false;
                    (*low, *high)
                }
                // A route is set at once; everything else takes what it takes.
                None if matches!(other, Step::Route(_)) => (0, 0),
                None => {
                    let words = other.words(super::whole(fact));
                    return Left::Unknown(format!("step {} ({words}) was never seen before", place + 1));
                }
            },
        };
        least = least.saturating_add(low.saturating_sub(gone));
        most = most.saturating_add(high.saturating_sub(gone));
    }
    Left::Between { least_ms: least, most_ms: most, by_spec }
}

/// When the step that is under way was come to.
fn begun(delivery: &Delivery, at: usize) -> Option<Stamp> {
    let is_it = |moment: &&Moment| {
        moment.hash == delivery.fact.current && moment.step.and_then(|step| usize::try_from(step).ok()) == Some(at)
    };
    // A pause says itself when it began.
    let pause = delivery.fact.rollout.as_ref().and_then(|rollout| rollout.pauses.first()).and_then(|pause| pause.1);
    pause.or_else(|| delivery.moments.iter().rev().take_while(is_it).last().map(|moment| moment.at))
}

/// The least and the most that each step took in revisions before this one, in milliseconds.
fn took(moments: &[Moment], current: Option<&SmolStr>) -> BTreeMap<usize, (u64, u64)> {
    let mut took: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    let mut begun: Option<(&Moment, Stamp)> = None;
    for moment in moments {
        let goes_on = begun.is_some_and(|(first, _)| first.hash == moment.hash && first.step == moment.step);
        if goes_on {
            continue;
        }
        if let Some((first, since)) = begun
            && first.hash == moment.hash
            && first.hash.as_ref() != current
            // What was stopped is no measure, nor is what was skipped.
            && moment.step == first.step.map(|step| step.saturating_add(1))
            && moment.phase != DeliveryPhase::Degraded
            && let Some(place) = first.step.and_then(|step| usize::try_from(step).ok())
        {
            let ms = u64::try_from(moment.at.since(since).as_millis()).unwrap_or(u64::MAX);
            let entry = took.entry(place).or_insert((ms, ms));
            *entry = (entry.0.min(ms), entry.1.max(ms));
        }
        begun = Some((moment, moment.at));
    }
    took
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{DeliveryFact, RolloutFact, StrategyFact};
    use pilothouse_wire::view::delivery::Split;

    fn moment(at: i64, hash: &str, step: u32) -> Moment {
        Moment {
            at: Stamp(at * 1_000),
            hash: Some(hash.into()),
            step: Some(step),
            split: Split::default(),
            phase: DeliveryPhase::Progressing,
        }
    }

    fn delivery(at: u32, steps: Vec<Step>, moments: Vec<Moment>) -> Delivery {
        let fact = DeliveryFact {
            strategy: StrategyFact::Canary { steps, router: None, whole: 100 },
            current: Some("c".into()),
            stable: Some("b".into()),
            rollout: Some(Box::new(RolloutFact { step: Some(at), ..RolloutFact::default() })),
            ..DeliveryFact::default()
        };
        Delivery { fact, moments }
    }

    fn steps() -> Vec<Step> {
        vec![Step::Weight(20), Step::Pause(Wait::For(60_000)), Step::Weight(100)]
    }

    /// Two revisions went through: the first in 10, 60 and 30 s, the second in 20, 61 and 40 s.
    fn before() -> Vec<Moment> {
        let of = |hash: &'static str, times: [i64; 4]| {
            (0..).zip(times).map(move |(step, at)| moment(at, hash, step)).collect::<Vec<_>>()
        };
        [of("a", [0, 10, 70, 100]), of("b", [1_000, 1_020, 1_081, 1_121])].concat()
    }

    #[test]
    fn what_is_to_come_takes_what_it_took_before() {
        let begins = [before(), vec![moment(2_000, "c", 0)]].concat();
        let of = |at: i64| left(&delivery(0, steps(), begins.clone()), Stamp(at * 1_000));
        // 10 … 20 of the first, 60 of the pause, 30 … 40 of the last.
        assert_eq!(of(2_000), Left::Between { least_ms: 100_000, most_ms: 120_000, by_spec: false });
        assert_eq!(of(2_005), Left::Between { least_ms: 95_000, most_ms: 115_000, by_spec: false });
        // What takes longer than ever is not less than nothing.
        assert_eq!(of(2_900), Left::Between { least_ms: 90_000, most_ms: 100_000, by_spec: false });
        assert_eq!(of(2_900).words(), "1 min 30 s … 1 min 40 s");
    }

    #[test]
    fn a_person_and_what_was_never_seen_are_unknown() {
        let with_person = vec![Step::Pause(Wait::For(1_000)), Step::Pause(Wait::ForPerson)];
        let now = Stamp(2_000_000);
        assert_eq!(left(&delivery(0, with_person, before()), now), Left::Unknown("step 2 waits for a person".into()));
        let new = left(&delivery(0, steps(), Vec::new()), now);
        assert_eq!(new, Left::Unknown("step 1 (Weight 20 %) was never seen before".into()));
        let mut stopped = delivery(0, steps(), before());
        stopped.fact.rollout = Some(Box::new(RolloutFact { aborted: true, ..RolloutFact::default() }));
        assert_eq!(left(&stopped, now), Left::Unknown("it was stopped".into()));
    }

    #[test]
    fn pauses_are_exact_and_behind_the_last_step_nothing_is_left() {
        let pauses = vec![Step::Pause(Wait::For(30_000)), Step::Pause(Wait::For(60_000))];
        let half = delivery(0, pauses.clone(), vec![moment(100, "c", 0)]);
        let want = Left::Between { least_ms: 80_000, most_ms: 80_000, by_spec: true };
        assert_eq!(left(&half, Stamp(110_000)), want);
        assert_eq!(want.words(), "about 1 min 20 s");
        assert_eq!(left(&delivery(2, pauses, Vec::new()), Stamp(0)), Left::Nothing);
    }

    #[test]
    fn a_step_that_was_stopped_is_no_measure() {
        let mut moments = vec![moment(0, "a", 0), moment(500, "a", 1)];
        moments[1].phase = DeliveryPhase::Degraded;
        moments.extend(before().into_iter().filter(|moment| moment.hash.as_deref() == Some("b")));
        let took = took(&moments, None);
        assert_eq!(took[&0], (20_000, 20_000));
    }
}
