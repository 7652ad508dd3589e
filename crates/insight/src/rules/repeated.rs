//! What rules about repeated transfers have in common: a way between devices on which GPUs of a node repeat too many.

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, gpus_in_words, look_at},
    site::Site,
};
use pilothouse_wire::{Metric, view::Status};

/// A way between devices.
pub(super) struct Way {
    /// The rule that asks.
    pub rule: &'static str,
    /// Kind of cause. The devices of a node share links, switches and risers: one cause.
    pub cause: Cause,
    /// How many transfers are repeated.
    pub metric: Metric,
    /// Is this too many?
    pub is_too_many: fn(f32) -> bool,
    /// The state in two words.
    pub word: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The limit behind the number, in words.
    pub limit: fn(f32) -> String,
    /// What to do.
    pub action: &'static str,
    /// Why it cannot be told where nobody measures it.
    pub why_not: &'static str,
}

impl Way {
    /// Which GPUs repeat too many transfers on it?
    pub(super) fn look(&self, site: Site<'_>) -> Answer<Vec<Draft>> {
        let asked = |slot| Answer::of(site.fresh(self.metric, slot), |n| (self.is_too_many)(*n), self.why_not);
        site.survey(self.why_not, asked).answer(|hit| {
            let most = hit.iter().map(|(_, n)| *n).fold(0.0, f32::max);
            let slots: Vec<u16> = hit.iter().map(|(slot, _)| *slot).collect();
            let gpus = gpus_in_words(&slots, site.node.gpus.len());
            let repeat = if slots.len() == 1 { "repeats" } else { "repeat" };
            vec![Draft {
                rule: self.rule.into(),
                cause: self.cause,
                witness: None,
                status: Status::Warn,
                word: self.word.into(),
                claim: format!("{gpus} of {} {repeat} transfers over {}.", site.name(), self.name),
                since: None,
                evidence: vec![(self.limit)(most)],
                action: self.action.into(),
                command: look_at(site),
                about: About::Gpus(slots),
            }]
        })
    }
}
