//! How a Rollout stands, read by the same rules as what is shown of it.

use super::revision::Revision;
use crate::{facts, slim::Rollout};
use pilothouse_wire::{
    SmolStr,
    view::{DeliveryPhase, Step},
};
use pilothouse_world::{
    Fact,
    delivery::{self, Sizes},
    fact::{ControllerFact, DeliveryFact, RolloutFact, SizeFact},
};
use serde_json::Value;

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
