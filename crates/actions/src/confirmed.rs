//! A plan that was confirmed: its steps in order, and what becomes of it.

use pilothouse_wire::{
    Problem,
    plan::{ActionState, Deed, Digest, Plan, Request},
};

/// A plan that a person confirmed. There is no other way to get one.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmed {
    /// As it was shown.
    plan: Plan,
    digest: Digest,
    requests: Vec<Request>,
    /// As it is looked for: with the deed as it is wanted.
    sought: Plan,
}

/// How far the sending came.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    sent: usize,
    /// Steps at the begin that only look: where no other was sent, nothing was done.
    looks: usize,
    all: usize,
    stopped: Option<Stopped>,
}

#[derive(Clone, Debug, PartialEq)]
enum Stopped {
    Refused(Problem),
    Lost(Problem),
}

impl Confirmed {
    pub(crate) fn new(plan: Plan, digest: Digest, requests: Vec<Request>, deed: Deed) -> Self {
        let mut sought = plan.clone();
        sought.intent.deed = deed;
        Self { plan, digest, requests, sought }
    }

    /// The plan for who looks whether it came to pass: its deed may have a secret in it, which is shown to nobody.
    #[must_use]
    pub fn sought(&self) -> &Plan {
        &self.sought
    }

    /// The plan as it was shown: without the bodies of what is sent, and without what is a secret.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// By what it was confirmed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The beginning of its course.
    #[must_use]
    pub fn course(&self) -> Course {
        let looks = self.requests.iter().take_while(|request| request.method == "GET").count();
        Course { sent: 0, looks, all: self.requests.len(), stopped: None }
    }

    /// What is to be sent next; nothing once all is sent, or a step was not.
    #[must_use]
    pub fn next(&self, course: &Course) -> Option<&Request> {
        self.requests.get(course.sent).filter(|_| course.stopped.is_none())
    }
}

impl Course {
    /// Steps that the server took.
    #[must_use]
    pub fn sent(&self) -> u32 {
        u32::try_from(self.sent).unwrap_or(u32::MAX)
    }

    /// The server took the step.
    pub fn took(&mut self) {
        self.sent += 1;
    }

    /// The server did not take it: nothing was changed by it.
    pub fn refused(&mut self, problem: Problem) {
        self.stopped = Some(Stopped::Refused(problem));
    }

    /// The answer was lost.
    pub fn lost(&mut self, problem: Problem) {
        self.stopped = Some(Stopped::Lost(problem));
    }

    /// Is it worth looking whether it came to pass? Where an answer was lost, too: it may have been done.
    #[must_use]
    pub fn is_to_be_verified(&self) -> bool {
        match self.stopped {
            None => true,
            Some(Stopped::Lost(_)) => self.sent + 1 == self.all,
            Some(Stopped::Refused(_)) => false,
        }
    }

    /// What became of it. `seen` is what a look came to, or why it did not come to pass.
    #[must_use]
    pub fn end(self, seen: Result<String, String>) -> ActionState {
        match (self.stopped, seen) {
            (Some(Stopped::Refused(problem)), _) if self.sent <= self.looks => ActionState::Refused(Box::new(problem)),
            (Some(Stopped::Refused(problem)), _) => ActionState::Partly(Box::new(problem)),
            (None | Some(Stopped::Lost(_)), Ok(seen)) => ActionState::Verified(seen),
            (Some(Stopped::Lost(problem)), Err(_)) => ActionState::Unknown(Box::new(problem)),
            (None, Err(why)) => ActionState::Unverified(why),
        }
    }
}
