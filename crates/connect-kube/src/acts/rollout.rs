//! How a Rollout stands, read by the same rules as what is shown of it; and which revisions it goes to without waiting for steps.

use super::revision::Revision;
use crate::{facts, slim::Rollout};
use pilothouse_wire::{
    SmolStr, Stamp,
    view::{DeliveryPhase, Step},
};
use pilothouse_world::{
    Fact,
    delivery::{self, Sizes},
    fact::{ControllerFact, DeliveryFact, RolloutFact, SizeFact},
};
use serde_json::Value;

/// Why no step is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fast {
    /// It is the stable revision.
    Stable,
    /// It is within the window of rollbacks.
    Window,
    /// Its pods are still there.
    Lingers,
}

/// Why a Rollout waits for no step on its way to one of its revisions, where it does not. Sources, of Argo Rollouts v1.10: its
/// documentation of rollback windows, `isRollbackWithinWindow`, `isBlueGreenFastTracked`.
pub(crate) fn fast(object: &Value, revisions: &[Revision], to: &Revision) -> Option<Fast> {
    if is_stable(object, to) {
        return Some(Fast::Stable);
    }
    if is_within_window(object, revisions, to) {
        return Some(Fast::Window);
    }
    (to.lingers && blue_green(object).is_some()).then_some(Fast::Lingers)
}

/// Is it the stable revision: the one that serves, whatever else is on its way?
pub(crate) fn is_stable(object: &Value, revision: &Revision) -> bool {
    let stable = object["status"]["stableRS"].as_str().filter(|stable| !stable.is_empty());
    stable.is_some() && revision.hash.as_deref() == stable
}

/// Is it one of the last revisions before the stable one? They are counted by when they were made, and never by their numbers: one that
/// is taken up again gets a new number, and stays as old as it is.
fn is_within_window(object: &Value, revisions: &[Revision], to: &Revision) -> bool {
    let window = object["spec"]["rollbackWindow"]["revisions"].as_u64().unwrap_or(0);
    let stable = revisions.iter().find(|revision| is_stable(object, revision));
    let Some((then, stable)) = to.created.zip(stable.and_then(|stable| stable.created)) else { return false };
    let is_between = |at: Stamp| then < at && at < stable;
    let between = revisions.iter().filter(|one| one.created.is_some_and(is_between)).count();
    then < stable && (between as u64) < window
}

/// Its strategy, if that is blue-green.
pub(super) fn blue_green(object: &Value) -> Option<&Value> {
    let of = &object["spec"]["strategy"];
    (of["blueGreen"].is_object() && !of["canary"].is_object()).then(|| &of["blueGreen"])
}

/// A Rollout as its controller says.
pub(super) struct Standing {
    pub controller: ControllerFact,
    pub fact: DeliveryFact,
    rollout: RolloutFact,
}

impl Standing {
    /// Out of the object; none where it is no Rollout that is known.
    pub fn of(object: &Value) -> Option<Self> {
        let read: Rollout = serde_json::from_value(object.clone()).ok()?;
        let Some(Fact::Delivered(controller, fact)) = facts::facts_of_rollout(read) else { return None };
        let rollout = fact.rollout.as_deref()?.clone();
        Some(Self { controller: *controller, fact: *fact, rollout })
    }

    pub fn rollout(&self) -> &RolloutFact {
        &self.rollout
    }

    /// Has its newest revision all traffic, for good?
    pub fn is_whole(&self) -> bool {
        self.fact.current.is_some() && self.fact.current == self.fact.stable
    }

    pub fn phase(&self) -> (DeliveryPhase, String) {
        delivery::phase(&self.controller, &self.fact)
    }

    pub fn steps(&self) -> &[Step] {
        delivery::steps(&self.fact)
    }

    /// The step at which it is, from 0; none behind the last, or without steps.
    pub fn step(&self) -> Option<u32> {
        delivery::step(&self.fact).filter(|at| usize::try_from(*at).is_ok_and(|at| at < self.steps().len()))
    }

    /// Steps that are behind it: all of them behind the last, and none without steps.
    pub fn behind(&self) -> usize {
        delivery::step(&self.fact).and_then(|at| usize::try_from(at).ok()).unwrap_or(0)
    }

    /// All of the traffic, as its router counts.
    pub fn whole(&self) -> u32 {
        delivery::whole(&self.fact)
    }

    /// What the newest revision gets.
    pub fn actual(&self, revisions: &[Revision]) -> Option<u32> {
        let sizes: Vec<(SmolStr, SizeFact)> = revisions
            .iter()
            .filter_map(|revision| {
                Some((revision.hash.clone()?, SizeFact { available: revision.available, ..SizeFact::default() }))
            })
            .collect();
        let sizes: Sizes<'_> = sizes.iter().map(|(hash, size)| (hash, size)).collect();
        delivery::split(&self.fact, &sizes).actual
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Revisions by their numbers, the oldest first: each was made a minute after the one before it.
    fn made(numbers: &[u64]) -> Vec<Revision> {
        let one = |(minute, number): (i64, &u64)| Revision {
            number: *number,
            hash: Some(format!("h{number}").into()),
            created: Some(Stamp(60_000 * minute)),
            ..Revision::default()
        };
        (0..).zip(numbers).map(one).collect()
    }

    fn rollout(stable: &str, window: u64) -> Value {
        json!({
            "spec": { "strategy": { "canary": {} }, "rollbackWindow": { "revisions": window } },
            "status": { "stableRS": stable },
        })
    }

    /// By the documentation of Argo Rollouts and the rule of its controller: revisions that were made between the one that is gone
    /// back to and the stable one are fewer than the window.
    #[test]
    fn a_window_counts_the_revisions_that_were_made_in_between() {
        // As they were made; those that are behind others in number were taken up again.
        let linear: &[u64] = &[1, 2, 3, 4, 5];
        let taken_up: &[u64] = &[1, 6, 3, 4, 5];
        for (history, stable, to, window, within) in [
            // The example of the documentation: with three, 5 goes back to 4 or 3 without steps.
            (linear, 5, 4, 3, true),
            (linear, 5, 3, 3, true),
            (linear, 5, 2, 3, true),
            (linear, 5, 1, 3, false),
            (linear, 5, 4, 1, true),
            (linear, 5, 3, 1, false),
            (linear, 5, 4, 0, false),
            // What comes behind the stable one is no way back, however near its number is.
            (linear, 3, 4, 3, false),
            (linear, 3, 2, 1, true),
            // Revision 2 was taken up again and is 6: it is the second that was made, and only 1 is before it.
            (taken_up, 6, 5, 3, false),
            (taken_up, 6, 3, 3, false),
            (taken_up, 6, 1, 1, true),
            // Back from 5, it is as far away as it was.
            (taken_up, 5, 6, 3, true),
            (taken_up, 5, 6, 2, false),
        ] {
            let (revisions, object) = (made(history), rollout(&format!("h{stable}"), window));
            let to_it = revisions.iter().find(|one| one.number == to).unwrap();
            let want = within.then_some(Fast::Window);
            assert_eq!(fast(&object, &revisions, to_it), want, "{history:?}: from {stable} to {to} by {window}");
        }
    }

    #[test]
    fn the_stable_one_waits_for_nothing_nor_does_a_blue_green_one_that_still_has_its_pods() {
        let mut revisions = made(&[1, 2, 3]);
        revisions[0].lingers = true;
        let canary = rollout("h2", 0);
        let blue = json!({ "spec": { "strategy": { "blueGreen": {} } }, "status": { "stableRS": "h2" } });
        let of = |object: &Value| [0, 1, 2].map(|at| fast(object, &revisions, &revisions[at]));
        assert_eq!(of(&canary), [None, Some(Fast::Stable), None]);
        assert_eq!(of(&blue), [Some(Fast::Lingers), Some(Fast::Stable), None]);
        // Of one whose age nobody knows, and without a stable one, nothing is said.
        let unknown = Revision { created: None, ..revisions[0].clone() };
        assert_eq!(fast(&rollout("h2", 9), &revisions, &unknown), None);
        assert_eq!(fast(&rollout("", 9), &revisions, &Revision::default()), None);
    }
}
