//! How traffic is split: what the newest revision should get and what it gets, reckoned as `kubectl argo rollouts` does.

use super::{step, steps};
use crate::fact::{DeliveryFact, RolloutFact, SizeFact, StrategyFact};
use pilothouse_wire::{
    SmolStr,
    view::{Step, delivery::Split},
};
use std::collections::BTreeMap;

/// The sizes of revisions, by the hash of each.
pub type Sizes<'a> = BTreeMap<&'a SmolStr, &'a SizeFact>;

/// How traffic is split.
#[must_use]
pub fn split(fact: &DeliveryFact, sizes: &Sizes<'_>) -> Split {
    match (&fact.strategy, &fact.rollout) {
        (StrategyFact::Canary { router, whole, .. }, Some(rollout)) => {
            let wanted = wanted(fact, rollout, *whole);
            let actual = actual(fact, rollout, sizes, (router.is_some(), *whole), wanted);
            Split { wanted: Some(wanted), actual: Some(actual), whole: *whole }
        }
        (StrategyFact::BlueGreen { .. }, Some(rollout)) => {
            // One of two gets everything: that of the selector.
            let turned =
                rollout.active.as_ref().map(|active| if Some(active) == fact.current.as_ref() { 100 } else { 0 });
            Split { wanted: Some(100), actual: turned, whole: 100 }
        }
        (StrategyFact::Served(of), _) => super::served::split(of).unwrap_or_else(|| by_pods_alone(fact, sizes)),
        // What is wanted is known; who sends requests where is nobody's who says so.
        (StrategyFact::Canaried(_, of), _) => Split { wanted: Some(of.wanted()), actual: None, whole: 100 },
        (StrategyFact::Flagger(flagger), _) => Split { wanted: flagger.weight, actual: flagger.weight, whole: 100 },
        _ => by_pods_alone(fact, sizes),
    }
}

/// The last weight that was set up to this step. `GetCurrentSetWeight`.
fn wanted(fact: &DeliveryFact, rollout: &RolloutFact, whole: u32) -> u32 {
    if rollout.aborted {
        return 0;
    }
    let Some(at) = under_way(fact) else { return whole };
    let set = steps(fact)[..=at]
        .iter()
        .rev()
        .find_map(|step| if let Step::Weight(weight) = step { Some(*weight) } else { None });
    set.unwrap_or(0)
}

/// The place of the step that is under way; none behind the last, or without steps.
fn under_way(fact: &DeliveryFact) -> Option<usize> {
    let at = usize::try_from(step(fact)?).ok()?;
    (at < steps(fact).len()).then_some(at)
}

fn actual(
    fact: &DeliveryFact,
    rollout: &RolloutFact,
    sizes: &Sizes<'_>,
    (routed, whole): (bool, u32),
    wanted: u32,
) -> u32 {
    if under_way(fact).is_none() {
        return whole;
    }
    if fact.pods.available == 0 {
        return 0;
    }
    if routed {
        return rollout.weight.unwrap_or(wanted);
    }
    // Without a router traffic goes where pods are. A canary that is stable already is none.
    let canary = fact.current.as_ref().filter(|current| fact.stable.as_ref() != Some(current));
    let available = canary.and_then(|hash| sizes.get(hash)).map_or(0, |size| size.available);
    share(available, fact.pods.available, whole)
}

/// Nobody splits: requests go where pods are.
fn by_pods_alone(fact: &DeliveryFact, sizes: &Sizes<'_>) -> Split {
    Split { wanted: None, actual: by_pods(fact, sizes), whole: 100 }
}

/// The newest revision's share of available pods; absent where sizes are not told.
fn by_pods(fact: &DeliveryFact, sizes: &Sizes<'_>) -> Option<u32> {
    let newest = sizes.get(fact.current.as_ref()?)?;
    let all: u64 = sizes.values().fold(0, |all, size| all.saturating_add(size.available));
    (all > 0).then(|| share(newest.available, all, 100))
}

fn share(part: u64, all: u64, whole: u32) -> u32 {
    let share = part.saturating_mul(whole.into()).checked_div(all).unwrap_or(0);
    u32::try_from(share).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::PodsFact;
    use pilothouse_wire::view::delivery::Wait;

    fn canary(at: u32, change: impl FnOnce(&mut DeliveryFact, &mut RolloutFact)) -> DeliveryFact {
        let steps = vec![Step::Weight(20), Step::Pause(Wait::ForPerson), Step::Weight(50), Step::Experiment];
        let mut fact = DeliveryFact {
            strategy: StrategyFact::Canary { steps, router: None, whole: 100 },
            pods: PodsFact { all: 6, updated: 1, ready: 6, available: 6 },
            current: Some("new".into()),
            stable: Some("old".into()),
            ..DeliveryFact::default()
        };
        let mut rollout = RolloutFact { step: Some(at), ..RolloutFact::default() };
        change(&mut fact, &mut rollout);
        DeliveryFact { rollout: Some(Box::new(rollout)), ..fact }
    }

    #[track_caller]
    fn check(fact: &DeliveryFact, want: (Option<u32>, Option<u32>)) {
        let (new, old) = (SmolStr::from("new"), SmolStr::from("old"));
        let size = |available| SizeFact { available, ..SizeFact::default() };
        let (of_new, of_old) = (size(1), size(5));
        let got = split(fact, &Sizes::from([(&new, &of_new), (&old, &of_old)]));
        assert_eq!((got.wanted, got.actual), want);
    }

    #[test]
    fn what_is_wanted_is_the_last_weight_that_was_set() {
        check(&canary(0, |_, _| ()), (Some(20), Some(16)));
        check(&canary(1, |_, _| ()), (Some(20), Some(16)));
        check(&canary(3, |_, _| ()), (Some(50), Some(16)));
        check(&canary(4, |_, _| ()), (Some(100), Some(100)));
        check(&canary(9, |_, _| ()), (Some(100), Some(100)));
        check(&canary(1, |_, of| of.aborted = true), (Some(0), Some(16)));
        // A first step that sets none leaves nothing wanted.
        check(
            &canary(0, |fact, _| {
                fact.strategy = StrategyFact::Canary { steps: vec![Step::Experiment], router: None, whole: 100 };
            }),
            (Some(0), Some(16)),
        );
    }

    #[test]
    fn a_router_is_believed_and_counts_as_it_likes() {
        let routed = |at, weight| {
            canary(at, move |fact, of| {
                let StrategyFact::Canary { router, whole, .. } = &mut fact.strategy else { unreachable!() };
                (*router, *whole) = (Some("istio".into()), 1_000);
                of.weight = weight;
            })
        };
        check(&routed(1, Some(7)), (Some(20), Some(7)));
        check(&routed(1, None), (Some(20), Some(20)));
        check(&routed(4, Some(7)), (Some(1_000), Some(1_000)));
    }

    #[test]
    fn without_available_pods_nothing_is_answered() {
        check(&canary(1, |fact, _| fact.pods.available = 0), (Some(20), Some(0)));
        // What is stable already is no canary.
        check(&canary(1, |fact, _| fact.stable = Some("new".into())), (Some(20), Some(0)));
    }

    #[test]
    fn who_splits_nothing_has_the_share_of_its_pods() {
        let rolling = DeliveryFact {
            strategy: StrategyFact::Rolling { partition: 0 },
            current: Some("new".into()),
            ..DeliveryFact::default()
        };
        check(&rolling, (None, Some(16)));
        check(&DeliveryFact { current: Some("other".into()), ..rolling }, (None, None));
    }

    #[test]
    fn blue_and_green_turn_as_a_whole() {
        let at = |active: Option<&str>| {
            canary(0, |fact, of| {
                fact.strategy = StrategyFact::BlueGreen { promotes_itself: true, analysed_behind: false };
                of.active = active.map(SmolStr::from);
            })
        };
        check(&at(Some("old")), (Some(100), Some(0)));
        check(&at(Some("new")), (Some(100), Some(100)));
        check(&at(None), (Some(100), None));
    }
}
