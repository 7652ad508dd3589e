//! What a person is told of: each thing once, several together, nothing in quiet hours, and then what is still so.

mod quiet;
#[cfg(test)]
mod tests;
mod words;
mod wrong;

pub use quiet::quiet_until;
pub use wrong::{Wrong, wrong};

use pilothouse_wire::{
    ConnectionId, Freshness, ObjectRef, Stamp,
    frame::SourceState,
    notice::{NoticeKind, Wishes},
    view::{FindingId, Status},
};
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

/// For so long after the first of them, things are gathered into one notice.
const GATHER: Duration = Duration::from_secs(5);
/// So long apart notices are: a fault that spreads is told of now and then, and not with each of its steps.
const APART: Duration = Duration::from_secs(60);
/// What is over for so long is told of again when it comes back. Before, it is the same thing that comes and goes.
const FORGET: Duration = Duration::from_secs(600);
/// The most things that are kept in mind, told and waiting together. What comes on top of them is not told: nobody reads it.
const MOST: usize = 16_384;

/// Keeps in mind what was told and what waits. Its size is bounded.
#[derive(Clone, Debug, Default)]
pub struct Lookout {
    told: BTreeMap<FindingId, Told>,
    waiting: BTreeMap<FindingId, Waiting>,
    /// When the last notice was told.
    last: Option<Stamp>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    status: Status,
    /// When it was last so.
    so: Stamp,
}

#[derive(Clone, Debug)]
struct Waiting {
    since: Stamp,
    /// Was it held back by quiet hours?
    held: bool,
    what: Wrong,
}

/// What is to be told now, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The worst of it.
    pub status: Status,
    /// In a line.
    pub title: String,
    /// A sentence, or a line for each of the worst.
    pub text: String,
    /// How many things.
    pub things: u32,
    /// The worst of them.
    pub object: ObjectRef,
}

impl Lookout {
    /// One that keeps in mind what an earlier run told. What is not so any more is forgotten as if it had ended now.
    #[must_use]
    pub fn recalling(told: impl IntoIterator<Item = (FindingId, Status)>, now: Stamp) -> Self {
        let told = told.into_iter().take(MOST).map(|(id, status)| (id, Told { status, so: now })).collect();
        Self { told, ..Self::default() }
    }

    /// What was told and is kept in mind.
    pub fn told(&self) -> impl Iterator<Item = (&FindingId, Status)> {
        self.told.iter().map(|(id, told)| (id, told.status))
    }

    /// How many of them.
    #[must_use]
    pub fn told_count(&self) -> usize {
        self.told.len()
    }

    /// How many things wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Looks at what is wrong now, and answers what is to be told, if anything is. `quiet`: nothing may be told now.
    pub fn look(
        &mut self,
        wrong: Vec<Wrong>,
        sources: &[SourceState],
        wishes: &Wishes,
        quiet: bool,
        now: Stamp,
    ) -> Option<Call> {
        self.turn_back(now);
        self.note(wrong, wishes, now);
        self.forget(sources, now);
        if quiet {
            self.waiting.values_mut().for_each(|waiting| waiting.held = true);
            return None;
        }
        let due = self.due(now)?;
        self.last = Some(now);
        self.told
            .extend(due.iter().map(|Waiting { what, .. }| (what.id.clone(), Told { status: what.status, so: now })));
        let held = due.iter().any(|waiting| waiting.held);
        words::call(due.into_iter().map(|waiting| waiting.what).collect(), held)
    }

    /// Forgets times that are still to come: a clock that was set back keeps nothing waiting until it has caught up.
    fn turn_back(&mut self, now: Stamp) {
        self.last = self.last.filter(|last| *last <= now);
        self.waiting.values_mut().for_each(|waiting| waiting.since = waiting.since.min(now));
        self.told.values_mut().for_each(|told| told.so = told.so.min(now));
    }

    /// Takes in what is wrong: what was told stays so, what is new or became worse waits, what ended waits no more.
    fn note(&mut self, wrong: Vec<Wrong>, wishes: &Wishes, now: Stamp) {
        let mut before = std::mem::take(&mut self.waiting);
        for what in wrong {
            if let Some(told) = self.told.get_mut(&what.id) {
                told.so = now;
                if told.status <= what.status {
                    continue;
                }
            }
            if asked_for(&what, wishes) && self.told.len() + self.waiting.len() < MOST {
                let (since, held) = before.remove(&what.id).map_or((now, false), |old| (old.since, old.held));
                self.waiting.insert(what.id.clone(), Waiting { since, held, what });
            }
        }
    }

    /// Forgets what ended long ago. Of a source that is not heard nobody knows what ended.
    fn forget(&mut self, sources: &[SourceState], now: Stamp) {
        // One that was removed has nothing left to say.
        let silent: HashSet<&ConnectionId> = sources.iter().filter(|source| !tells(source)).map(|of| &of.id).collect();
        self.told.retain(|id, told| {
            if silent.contains(id.object.connection()) {
                told.so = now;
            }
            now.since(told.so) < FORGET
        });
    }

    /// Takes out what is to be told: everything that has been so for long enough, once it is time for a notice.
    fn due(&mut self, now: Stamp) -> Option<Vec<Waiting>> {
        let ripe = |waiting: &Waiting| waiting.since.plus(patience(waiting.what.kind));
        let first = self.waiting.values().map(ripe).min()?;
        let apart = self.last.is_none_or(|last| now.since(last) >= APART);
        if !apart || now < first.plus(GATHER) {
            return None;
        }
        let waiting = std::mem::take(&mut self.waiting);
        let (due, rest): (BTreeMap<_, _>, _) = waiting.into_iter().partition(|(_, waiting)| ripe(waiting) <= now);
        self.waiting = rest;
        Some(due.into_values().collect())
    }
}

fn asked_for(what: &Wrong, wishes: &Wishes) -> bool {
    let bad_enough = what.status == Status::Bad || wishes.warnings && what.status == Status::Warn;
    bad_enough && wishes.kinds.contains(&what.kind)
}

/// How long a thing has to be so before it is told: a connection may be lost for a moment, a pod may fail once.
fn patience(kind: NoticeKind) -> Duration {
    match kind {
        NoticeKind::Gpu | NoticeKind::Finding | NoticeKind::Alert => Duration::ZERO,
        NoticeKind::Workload | NoticeKind::Source => Duration::from_secs(30),
    }
}

/// Would this connection say that something ended?
fn tells(source: &SourceState) -> bool {
    matches!(source.freshness, Freshness::Live | Freshness::Slow | Freshness::Partial)
}
