//! What the processes of a server take: the one that is named and all that it has started.

use super::{Extent, Gathered};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Instant};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// All processes are only looked through once so many readings: for children that are new.
const ANEW: u32 = 20;

/// What the processes of a server took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerLoad {
    /// Seconds of processor time, those of processes that ended meanwhile up to their last reading.
    pub processor_s: f64,
    /// Processors that were used at a time: 2.5 are two and a half.
    pub processors: Option<Extent>,
    /// The sum of the resident memory of its processes, in bytes; what they share is counted in each.
    pub memory_bytes: Option<Extent>,
    /// The most processes at a time.
    pub processes: u32,
}

/// The processes.
pub(super) struct Tree {
    system: System,
    root: Pid,
    members: Vec<Pid>,
    readings: u32,
    /// Processor time of each at its last reading, in milliseconds.
    before: BTreeMap<Pid, u64>,
    at: Instant,
    total_ms: u64,
    processors: Gathered,
    memory: Gathered,
    most: u32,
}

impl Tree {
    /// Of a process; none where there is none of this number. `now` is when it is read first.
    pub fn new(process: u32, now: Instant) -> Option<Self> {
        let mut tree = Self {
            system: System::new(),
            root: Pid::from_u32(process),
            members: Vec::new(),
            readings: 0,
            before: BTreeMap::new(),
            at: now,
            total_ms: 0,
            processors: Gathered::default(),
            memory: Gathered::default(),
            most: 0,
        };
        tree.look_anew();
        tree.system.process(tree.root)?;
        tree.refresh();
        tree.before = tree.times();
        Some(tree)
    }

    /// Reads it.
    pub fn read(&mut self, now: Instant) {
        self.readings += 1;
        if self.readings.is_multiple_of(ANEW) {
            self.look_anew();
        }
        self.refresh();
        let times = self.times();
        // A process that is new has used what it has since it began, which is since the last reading or nearly so.
        let spent: u64 =
            times.iter().map(|(id, time)| time.saturating_sub(self.before.get(id).copied().unwrap_or(0))).sum();
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.total_ms += spent;
        if seconds > 0.0 {
            self.processors.add(precise(spent) / 1e3 / seconds);
        }
        let memory = self.members.iter().filter_map(|id| Some(self.system.process(*id)?.memory())).sum();
        self.memory.add(precise(memory));
        self.most = self.most.max(u32::try_from(times.len()).unwrap_or(u32::MAX));
        (self.before, self.at) = (times, now);
    }

    /// The numbers of the processes that it has now.
    pub fn processes(&self) -> Vec<u32> {
        self.members.iter().map(|id| id.as_u32()).collect()
    }

    /// What was read; none where it never was.
    pub fn end(&self) -> Option<ServerLoad> {
        (self.most > 0).then(|| ServerLoad {
            processor_s: precise(self.total_ms) / 1e3,
            processors: self.processors.extent(),
            memory_bytes: self.memory.extent(),
            processes: self.most,
        })
    }

    fn times(&self) -> BTreeMap<Pid, u64> {
        let time = |id: &Pid| Some((*id, self.system.process(*id)?.accumulated_cpu_time()));
        self.members.iter().filter_map(time).collect()
    }

    fn refresh(&mut self) {
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&self.members), true, kind);
    }

    /// Finds its children, and theirs.
    fn look_anew(&mut self) {
        self.system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            ProcessRefreshKind::nothing().without_tasks(),
        );
        let mut members = vec![self.root];
        let mut at = 0;
        while let Some(parent) = members.get(at).copied() {
            let children = self.system.processes().iter();
            let children =
                children.filter(|(_, process)| process.parent() == Some(parent) && process.thread_kind().is_none());
            let new: Vec<Pid> = children.map(|(id, _)| *id).filter(|id| !members.contains(id)).collect();
            members.extend(new);
            at += 1;
        }
        self.members = members;
    }
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds and bytes of a machine stay far below 2^53")]
fn precise(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn this_process_takes_time_and_memory() {
        #[allow(clippy::disallowed_methods, reason = "the begin of a measurement")]
        let begin = Instant::now();
        let mut tree = Tree::new(std::process::id(), begin).unwrap();
        let before = tree.total_ms;
        // Work until the system has noticed it.
        let mut at = 0;
        while tree.total_ms == before && at < 1_000 {
            let mut hash = 0_u64;
            (0..2_000_000_u64).for_each(|n| hash = hash.rotate_left(5) ^ n.wrapping_mul(0x9e37_79b9));
            assert_ne!(hash, 1);
            at += 1;
            tree.read(begin + Duration::from_millis(100 * at));
        }
        let load = tree.end().unwrap();
        assert!(load.processor_s > 0.0 && load.processes >= 1, "{load:?}");
        assert!(load.memory_bytes.unwrap().high > 1e6 && load.processors.unwrap().high > 0.0, "{load:?}");
        assert!(Tree::new(u32::MAX - 1, begin).is_none());
    }
}
