//! What is due when: the only thing that makes time pass on the stage.

use crate::plot::Cue;
use pilothouse_wire::{SmolStr, Stamp};
use std::{collections::BTreeMap, time::Duration};

/// Number of a pod on the stage: pods of one name that follow each other have different ones.
pub(crate) type PodNo = u32;

/// Something that is to happen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Due {
    /// The story begins again, for the n-th time.
    Loop(u32),
    /// A cue of the story, in its n-th round.
    Cue(Cue, u32),
    /// The scheduler looks for nodes for pods that wait.
    Schedule,
    /// A service gets one more pod of a version.
    Add(usize, u32),
    /// A service loses one pod.
    Cut(usize),
    /// A service gets one pod of a version in the place of another one.
    Swap(usize, u32),
    /// The containers of a pod start.
    Start(PodNo),
    /// The containers of a pod are ready.
    Ready(PodNo),
    /// A pod that is terminating is gone.
    Gone(PodNo),
    /// A pod's container crashes once more.
    Crash(PodNo),
    /// A pod still waits for a node, and an event says so.
    Waits(PodNo),
    /// A line starts its next job.
    NextJob(usize),
    /// A job of a line ends.
    JobEnds(usize, u32),
    /// An event is old enough to be dropped by the server.
    Forget(SmolStr),
}

/// What is due, in order. Things due at the same time happen in the order in which they were put down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    dues: BTreeMap<(Stamp, u64), Due>,
    count: u64,
}

impl Agenda {
    /// Puts something down.
    pub fn put(&mut self, at: Stamp, due: Due) {
        self.dues.insert((at, self.count), due);
        self.count += 1;
    }

    /// Puts something down for `ms` milliseconds after `now`.
    pub fn after(&mut self, now: Stamp, ms: u64, due: Due) {
        self.put(now.plus(Duration::from_millis(ms)), due);
    }

    /// Takes the next thing that is due until then.
    pub fn next(&mut self, until: Stamp) -> Option<(Stamp, Due)> {
        let entry = self.dues.first_entry().filter(|entry| entry.key().0 <= until)?;
        let at = entry.key().0;
        Some((at, entry.remove()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_in_order_of_time_and_then_of_entry() {
        let mut agenda = Agenda::default();
        agenda.put(Stamp(20), Due::Start(1));
        agenda.put(Stamp(10), Due::Start(2));
        agenda.put(Stamp(10), Due::Start(3));
        let order: Vec<_> = std::iter::from_fn(|| agenda.next(Stamp(19))).collect();
        assert_eq!(order, [(Stamp(10), Due::Start(2)), (Stamp(10), Due::Start(3))]);
        assert_eq!(agenda.next(Stamp(20)), Some((Stamp(20), Due::Start(1))));
    }
}
