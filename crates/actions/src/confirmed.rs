//! A plan that was confirmed: its steps in order, and what becomes of it.

use pilothouse_wire::{
    Problem,
    plan::{ActionState, Deed, Digest, Plan, Request},
};
use std::collections::{BTreeMap, VecDeque};

/// Names of what is held for one reason that are told one by one.
const MOST_NAMED: usize = 3;
/// Reasons that are told one by one.
const MOST_REASONS: usize = 3;

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
    /// Steps that the server has not taken, in the order in which they are sent.
    left: VecDeque<usize>,
    sent: usize,
    /// Steps at the begin that only look: where no other was sent, nothing was done.
    looks: usize,
    /// Is what is held passed by? The steps of a drain are each about another pod, and wait for nobody.
    goes_round: bool,
    /// Steps of this round that were held; it is over once all that are left were.
    passed: usize,
    /// Of each step that is held, what it is about, and why.
    held: BTreeMap<usize, (String, Problem)>,
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
        Course {
            left: (0..self.requests.len()).collect(),
            sent: 0,
            looks: self.requests.iter().take_while(|request| request.method == "GET").count(),
            goes_round: self.plan.intent.deed == Deed::Drain,
            passed: 0,
            held: BTreeMap::new(),
            stopped: None,
        }
    }

    /// What is to be sent next, with its number from 0; nothing once all is sent, or a step was refused.
    #[must_use]
    pub fn next(&self, course: &Course) -> Option<(u32, &Request)> {
        let at = *course.left.front().filter(|_| course.stopped.is_none())?;
        Some((number(at), self.requests.get(at)?))
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Course {
    /// How many steps the server took.
    #[must_use]
    pub fn sent(&self) -> u32 {
        number(self.sent)
    }

    /// The server took the step: it is not sent again.
    pub fn took(&mut self) {
        if let Some(step) = self.left.pop_front() {
            self.held.remove(&step);
            self.sent += 1;
        }
    }

    /// The server does not take the step just now: what it is `of`, and why. It is sent again once the others had their turn.
    pub fn later(&mut self, of: String, why: Problem) {
        let Some(step) = self.left.front().copied() else { return };
        self.held.insert(step, (of, why));
        if self.goes_round {
            self.left.rotate_left(1);
            self.passed += 1;
        } else {
            self.passed = self.left.len();
        }
    }

    /// Is everything held that is left? Then it is waited for a moment.
    #[must_use]
    pub fn is_round(&self) -> bool {
        !self.left.is_empty() && self.passed >= self.left.len()
    }

    /// Begins another round.
    pub fn again(&mut self) {
        self.passed = 0;
    }

    /// The steps that are held, by their numbers from 0, and why each is.
    pub fn held(&self) -> impl Iterator<Item = (u32, &Problem)> {
        self.held.iter().map(|(step, (_, why))| (number(*step), why))
    }

    /// What is held and why, for a person: each reason once, with those that it holds. Empty where nothing is.
    #[must_use]
    pub fn waits(&self) -> String {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for (of, problem) in self.held.values() {
            let why = problem.why.as_deref().unwrap_or(&problem.what);
            match reasons.iter_mut().find(|(known, _)| *known == why) {
                Some((_, held)) => held.push(of),
                None => reasons.push((why, vec![of])),
            }
        }
        let told = reasons.iter().take(MOST_REASONS).map(|(why, held)| format!("{}: {why}", listed(held)));
        let mut words = told.collect::<Vec<_>>().join(" ");
        let more: usize = reasons.iter().skip(MOST_REASONS).map(|(_, held)| held.len()).sum();
        if more > 0 {
            words.push_str(&format!(" {more} more for other reasons."));
        }
        words
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
            Some(Stopped::Lost(_)) => self.left.len() == 1,
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

/// The first of these, and how many more there are.
fn listed(names: &[&str]) -> String {
    let told = names.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}
