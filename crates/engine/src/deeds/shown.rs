//! Plans that were shown, by all doors of this process, and by what they are named here.

use pilothouse_actions::{Confirmed, Proposal, Seal};
use pilothouse_connect::Clock;
use pilothouse_wire::{
    Code, ConnectionId, Problem,
    plan::{Confirmation, Digest, Operation, Plan},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// Plans that may still be confirmed.
const MOST_PLANS: usize = 32;

/// Plans that were shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    plans: Arc<Mutex<VecDeque<Proposal>>>,
    seal: Arc<OnceLock<Seal>>,
}

impl Shown {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Proposal>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By what the plans of this session are named: made with its first plan, and kept nowhere.
    ///
    /// # Errors
    /// The system gives no random bits.
    pub(super) fn seal(&self) -> Result<&Seal, Problem> {
        if self.seal.get().is_none() {
            let mut bits = [0; 32];
            rand::TryRngCore::try_fill_bytes(&mut rand::rngs::OsRng, &mut bits).map_err(|error| {
                Problem::new(Code::Internal, "This system gives no random bits, so that no plan can be named.")
                    .why(format!("{error}."))
            })?;
            // Of two that come at once one is kept, for both.
            let _ = self.seal.set(Seal::new(bits));
        }
        self.seal.get().ok_or_else(|| Problem::new(Code::Internal, "The plan could not be named."))
    }

    pub(super) fn keep(&self, proposal: Proposal) {
        let mut shown = self.lock();
        shown.push_back(proposal);
        while shown.len() > MOST_PLANS {
            shown.pop_front();
        }
    }

    /// A plan that may be confirmed, in words.
    pub(super) fn find(&self, digest: &Digest) -> Option<Plan> {
        self.lock().iter().find(|shown| shown.planned().digest == *digest).map(|shown| shown.planned().plan.clone())
    }

    /// The connection of a plan that may be confirmed.
    pub(crate) fn connection(&self, digest: &Digest) -> Option<ConnectionId> {
        self.find(digest).map(|plan| plan.intent.object.connection().clone())
    }

    /// Confirms a plan: only once, but a wrong word may be put right.
    pub(super) fn confirm(&self, by: &Confirmation, operation: Operation, clock: &Clock) -> Result<Confirmed, Problem> {
        let mut shown = self.lock();
        let Some(at) = shown.iter().position(|shown| shown.planned().digest == by.digest) else {
            return Err(Problem::new(Code::NotFound, "There is no such plan, so nothing is done.")
                .why("It was confirmed already, or is too old, or another Pilothouse made it.")
                .next("Plan it anew."));
        };
        let confirmed = shown[at].clone().confirm(by, operation, clock.now())?;
        shown.remove(at);
        Ok(confirmed)
    }
}
