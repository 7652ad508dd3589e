//! What a watch remembers from one poll to the next, and across lost connections: the list of GPUs as it was last told.

use super::{
    answer::Labels,
    before::{Kept, Wanted},
    catalogue::{self, Exporter},
    engines::Engines,
    interval::Interval,
    look::Look,
    matchers::Matchers,
    past::Known,
    query,
    readings::Places,
    session::PERIOD,
};
use pilothouse_wire::{ConnectionId, Metric, Problem, SmolStr, Stamp};
use pilothouse_world::fact::{BeforeFact, DeviceFact, DevicesFact, MissingMetric};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A GPU that is no longer measured stays in the list, and ages, for so long.
const KEPT: Duration = Duration::from_secs(30 * 60);

/// What a watch remembers.
#[derive(Debug)]
pub struct Memory {
    /// How often GPUs are measured.
    pub interval: Interval,
    /// What it remembers of serving engines.
    pub engines: Engines,
    /// What others who ask this server have to know.
    shared: Arc<Mutex<Known>>,
    /// Who exports them.
    exporters: BTreeSet<Exporter>,
    /// Each GPU, and when it was last looked at.
    known: BTreeMap<SmolStr, (DeviceFact, Stamp)>,
    /// Those that the last look saw.
    seen: BTreeSet<SmolStr>,
    /// By what labels.
    seen_by: BTreeSet<Labels>,
    /// Metrics that somebody measures, or that could not be asked for.
    present: BTreeSet<Metric>,
    missing: Vec<MissingMetric>,
    /// Why nothing is measured, by the last look.
    nothing: Option<Problem>,
    told: Option<DevicesFact>,
    /// How often each job measures.
    jobs: BTreeMap<SmolStr, Duration>,
    /// How often each GPU is measured, where that is known.
    paces: BTreeMap<SmolStr, Duration>,
    /// The same of the list that was last told, from which place on, as was last told.
    paced: Vec<(u32, u64)>,
    /// The GPUs of that list of which nothing was heard, by their places, as was last told.
    silent: Vec<u32>,
    looked_back: Back,
}

/// How far a look back at what was before the watch is. Who asks once, for one answer, does not wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Back {
    /// The GPUs are told by so many polls.
    After(u32),
    /// It was made; what the server would not tell, and why.
    Made(Option<Problem>),
}

/// The poll behind which it is looked back: the clusters have told of their nodes by then.
const LOOKS_BACK: u32 = 2;

impl Default for Memory {
    fn default() -> Self {
        Self {
            interval: Interval::default(),
            engines: Engines::default(),
            shared: Arc::default(),
            exporters: BTreeSet::new(),
            known: BTreeMap::new(),
            seen: BTreeSet::new(),
            seen_by: BTreeSet::new(),
            present: BTreeSet::new(),
            missing: Vec::new(),
            nothing: None,
            told: None,
            jobs: BTreeMap::new(),
            paces: BTreeMap::new(),
            paced: Vec::new(),
            silent: Vec::new(),
            looked_back: Back::After(0),
        }
    }
}

impl Memory {
    /// A memory of nothing yet, of which others are told what they have to know.
    #[must_use]
    pub fn shared_with(known: &Arc<Mutex<Known>>) -> Self {
        Self { shared: Arc::clone(known), ..Self::default() }
    }

    /// Takes in a look.
    pub fn look(&mut self, look: &Look, now: Stamp) {
        self.jobs.extend(look.jobs.iter().map(|(job, every)| (job.clone(), *every)));
        let now_there: BTreeSet<&SmolStr> = look.seen.jobs.iter().flatten().collect();
        self.jobs.retain(|job, _| now_there.contains(job));
        self.interval = Interval::over(self.jobs.values().copied()).unwrap_or(self.interval);
        self.seen = look.seen.devices.iter().map(|(device, _)| device.uuid.clone()).collect();
        self.seen_by.clone_from(&look.seen.told);
        self.nothing.clone_from(&look.nothing);
        self.exporters.extend(&look.seen.exporters);
        if !look.seen.devices.is_empty() {
            let known =
                Known { exporters: self.exporters.clone(), key: look.seen.key, interval: self.interval.longest };
            *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = known;
        }
        for ((device, _), jobs) in look.seen.devices.iter().zip(&look.seen.jobs) {
            self.known.insert(device.uuid.clone(), (device.clone(), now));
            // Of several the fastest: its measurement is the newest.
            match jobs.iter().filter_map(|job| self.jobs.get(job)).min() {
                Some(every) => self.paces.insert(device.uuid.clone(), *every),
                None => self.paces.remove(&device.uuid),
            };
        }
        let place = |device: &DeviceFact| Some((device.node.clone()?, device.index?));
        let taken: BTreeSet<_> = look.seen.devices.iter().filter_map(|(device, _)| place(device)).collect();
        let seen = &self.seen;
        self.known.retain(|id, (device, at)| {
            // Where another one is now, it has been taken out.
            let replaced = !seen.contains(id) && place(device).is_some_and(|place| taken.contains(&place));
            now.since(*at) <= KEPT && !replaced
        });
        let known = &self.known;
        self.paces.retain(|id, _| known.contains_key(id));
    }

    /// How often there is something new to ask for: as often as the fastest of the targets is scraped. Where nothing is measured,
    /// so often that what comes is soon seen.
    #[must_use]
    pub fn every(&self) -> Duration {
        let gpus = (!self.seen.is_empty()).then_some(self.interval.shortest);
        gpus.into_iter().chain(self.engines.every()).min().unwrap_or(PERIOD)
    }

    /// Why nothing is measured at all, if so.
    #[must_use]
    pub fn nothing(&self) -> Option<&Problem> {
        self.nothing.as_ref()
    }

    /// Are these other GPUs than those of the last look?
    #[must_use]
    pub fn differs(&self, ids: &BTreeMap<SmolStr, Stamp>) -> bool {
        !self.seen.iter().eq(ids.keys())
    }

    /// Are they elsewhere, or in other hands, than at the last look?
    #[must_use]
    pub fn moved(&self, told: &BTreeSet<Labels>) -> bool {
        self.seen_by != *told
    }

    /// The questions of a poll: those whose answer was not empty lately, or all.
    #[must_use]
    pub fn queries(&self, among: &Matchers, all: bool) -> Vec<(Metric, String)> {
        let wanted = Metric::ALL.iter().copied().filter(|metric| all || self.present.contains(metric));
        wanted.filter_map(|metric| Some((metric, query::metric(metric, &self.exporters, among)?))).collect()
    }

    /// Takes in which metrics somebody measures.
    pub fn measured(&mut self, present: BTreeSet<Metric>) {
        self.present = present;
        let has = |metric: &Metric| self.present.contains(metric);
        let is_made = |metric: &Metric| {
            // Used and total make the share.
            *metric == Metric::MemoryUse && has(&Metric::MemoryUsed) && has(&Metric::MemoryTotal)
        };
        let missing = Metric::ALL.iter().filter(|metric| !has(metric) && !is_made(metric));
        self.missing = missing.map(|metric| missing_metric(*metric, &self.exporters)).collect();
    }

    /// So many metrics are measured.
    #[must_use]
    pub fn metrics(&self) -> usize {
        self.present.len()
    }

    /// The GPUs that the last look saw, and the nodes that they are in.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let devices = self.seen.iter().filter_map(|id| self.known.get(id));
        let nodes: BTreeSet<_> = devices.filter_map(|(device, _)| device.node.as_ref()).collect();
        (self.seen.len(), nodes.len())
    }

    /// The list of GPUs, if it is another than was last told.
    pub fn news(&mut self, cluster: Option<&ConnectionId>) -> Option<DevicesFact> {
        let mut devices: Vec<DeviceFact> = self.known.values().map(|(device, _)| device.clone()).collect();
        devices.sort_by(|a, b| (&a.node, a.index, &a.uuid).cmp(&(&b.node, b.index, &b.uuid)));
        let list = DevicesFact {
            list: self.number(),
            cluster: cluster.cloned(),
            interval_ms: u64::try_from(self.interval.longest.as_millis()).unwrap_or(u64::MAX),
            devices,
            missing: self.missing.clone(),
        };
        if self.told.as_ref() == Some(&list) {
            return None;
        }
        let news = DevicesFact { list: self.number().wrapping_add(1), ..list };
        self.told = Some(news.clone());
        self.silent.clear();
        self.paced.clear();
        Some(news)
    }

    /// From which place of the list on GPUs are measured how often, in milliseconds, where that is not as often as the list
    /// says; if it is other than was last told.
    pub fn paced(&mut self) -> Option<Vec<(u32, u64)>> {
        let told = self.told.as_ref()?;
        let ms = |every: Duration| u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        let (mut runs, mut now) = (Vec::new(), told.interval_ms);
        for (place, device) in (0..).zip(&told.devices) {
            let every = self.paces.get(&device.uuid).map_or(told.interval_ms, |every| ms(*every));
            if every != now {
                runs.push((place, every));
                now = every;
            }
        }
        (runs != self.paced).then(|| {
            self.paced.clone_from(&runs);
            runs
        })
    }

    /// Of which GPUs of the list, by their places, an answer has nothing, if these are others than was last told. A series
    /// that ended is marked so by its server: it is not there from then on, long before its age tells.
    pub fn silent(&mut self, at: &BTreeMap<SmolStr, Stamp>) -> Option<Vec<u32>> {
        let places = (0..).zip(self.told.iter().flat_map(|told| &told.devices));
        let silent: Vec<u32> = places.filter(|(_, of)| !at.contains_key(&of.uuid)).map(|(place, _)| place).collect();
        (silent != self.silent).then(|| {
            self.silent.clone_from(&silent);
            silent
        })
    }

    /// What is to be asked about what was before, once: behind the second poll that told of GPUs.
    #[must_use]
    pub fn looks_back(&mut self) -> Option<Wanted> {
        let Back::After(polls) = &mut self.looked_back else { return None };
        let gpus = self.told.as_ref().map_or(0, |told| told.devices.len());
        *polls += u32::from(gpus > 0);
        let wanted = || Wanted { exporters: self.exporters.clone(), gpus, interval: self.interval.longest };
        (*polls >= LOOKS_BACK).then(wanted)
    }

    /// Takes in what the server keeps of before, as facts about the list that was last told; and what it would not tell.
    pub fn looked_back(&mut self, kept: Kept, not: Option<Problem>) -> Vec<BeforeFact> {
        self.looked_back = Back::Made(not);
        let devices = self.told.iter().flat_map(|told| &told.devices).map(|device| &device.uuid);
        kept.facts(self.number(), &devices.zip(0..).collect())
    }

    /// What the server would not tell of before, for people.
    #[must_use]
    pub fn not_before(&self) -> Option<String> {
        match &self.looked_back {
            Back::Made(Some(problem)) => {
                let why = problem.why.as_ref().unwrap_or(&problem.what);
                Some(format!("read what was before: {why} Not all XIDs and slow-downs of the last day are rebuilt"))
            }
            _ => None,
        }
    }

    /// The number of the list that was last told.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.told.as_ref().map_or(0, |told| told.list)
    }

    /// The places of its GPUs.
    #[must_use]
    pub fn places(&self) -> Places {
        self.told.iter().flat_map(|told| &told.devices).map(|device| &device.uuid).collect()
    }
}

/// Why a metric is missing, and what would give it.
fn missing_metric(metric: Metric, exporters: &BTreeSet<Exporter>) -> MissingMetric {
    let rows: Vec<_> = catalogue::rows_of(metric, exporters).collect();
    let Some(row) = rows.first() else {
        let all: Vec<&str> = exporters.iter().map(|exporter| exporter.name()).collect();
        return MissingMetric { metric, why: format!("{} does not export it.", all.join(", ")), next: None };
    };
    let names: Vec<&str> = row.names.iter().map(String::as_str).collect();
    let why = if row.default_on {
        format!("There is no series {}: the exporter leaves it out, or these GPUs do not have it.", names.join(", "))
    } else {
        format!("There is no series {}: {} leaves it out by default.", names.join(", "), row.exporter.name())
    };
    let lines = row.enable.as_ref();
    let next = lines.map(|lines| format!("Add to {}:\n{lines}", row.exporter.settings()));
    MissingMetric { metric, why, next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus::identity::Seen;

    fn look(ids: &[&str]) -> Look {
        let device = |id: &&str| (DeviceFact { uuid: (*id).into(), ..DeviceFact::default() }, Stamp(1));
        let devices = ids.iter().map(device).collect();
        let jobs = ids.iter().map(|_| BTreeSet::from([SmolStr::new_static("dcgm")])).collect();
        let seen = Seen { devices, exporters: BTreeSet::from([Exporter::Dcgm]), jobs, ..Seen::default() };
        Look { seen, ..Look::default() }
    }

    #[test]
    fn each_gpu_has_the_pace_of_the_fastest_job_that_measures_it() {
        let mut memory = Memory::default();
        let mut look = look(&["a", "b", "c"]);
        let jobs = |all: &[&str]| all.iter().map(SmolStr::new).collect::<BTreeSet<_>>();
        look.seen.jobs = vec![jobs(&["slow"]), jobs(&["fast", "slow"]), jobs(&["slow"])];
        look.jobs = [("slow", 60), ("fast", 5)].map(|(job, every)| (job.into(), Duration::from_secs(every))).into();
        memory.look(&look, Stamp(0));
        assert_eq!(memory.news(None).map(|news| news.interval_ms), Some(60_000));
        assert_eq!(memory.every(), Duration::from_secs(5), "as often as there is something new");
        assert_eq!(memory.paced(), Some(vec![(1, 5_000), (2, 60_000)]));
        assert_eq!(memory.paced(), None, "it is told once");
        // The fast job is gone.
        look.seen.jobs = vec![jobs(&["slow"]); 3];
        look.jobs.clear();
        memory.look(&look, Stamp(1_000));
        assert_eq!((memory.news(None), memory.paced()), (None, Some(Vec::new())));
        assert_eq!(memory.every(), Duration::from_secs(60));
    }

    fn queries(memory: &Memory, all: bool) -> Vec<(Metric, String)> {
        memory.queries(&Matchers::default(), all)
    }

    #[test]
    fn the_number_of_the_list_rises_with_each_change_and_only_then() {
        let mut memory = Memory::default();
        let mut numbers = Vec::new();
        for ids in [&["b", "a"][..], &["a", "b"], &["a", "b", "c"], &["a", "b", "c"]] {
            memory.look(&look(ids), Stamp(0));
            numbers.push(memory.news(None).map(|news| news.list));
        }
        assert_eq!(numbers, [Some(1), None, Some(2), None]);
    }

    #[test]
    fn a_gpu_that_is_no_longer_measured_stays_for_a_while() {
        let mut memory = Memory::default();
        memory.look(&look(&["a", "b"]), Stamp(0));
        memory.look(&look(&["a"]), Stamp(60_000));
        assert_eq!(memory.news(None).map(|news| news.devices.len()), Some(2));
        assert_eq!(memory.counts().0, 1);
        memory.look(&look(&["a"]), Stamp(40 * 60_000));
        assert_eq!(memory.news(None).map(|news| news.devices.len()), Some(1));
    }

    #[test]
    fn of_which_gpus_an_answer_has_nothing_is_told_once_and_of_a_new_list_anew() {
        let mut memory = Memory::default();
        memory.look(&look(&["a", "b"]), Stamp(0));
        memory.news(None);
        let at = |ids: &[&str]| ids.iter().map(|id| (SmolStr::new(id), Stamp(0))).collect::<BTreeMap<_, _>>();
        assert_eq!(memory.silent(&at(&["a", "b"])), None);
        assert_eq!(memory.silent(&at(&["b"])), Some(vec![0]));
        assert_eq!(memory.silent(&at(&["b"])), None);
        memory.look(&look(&["b", "c"]), Stamp(0));
        memory.news(None);
        assert_eq!(memory.silent(&at(&["b", "c"])), Some(vec![0]));
        assert_eq!(memory.silent(&at(&["a", "b", "c"])), Some(Vec::new()));
    }

    #[test]
    fn a_gpu_in_whose_place_another_is_has_been_taken_out() {
        let mut memory = Memory::default();
        for (id, node, index) in [("a", "n", 0), ("b", "n", 0), ("b", "m", 1)] {
            let mut look = look(&[id]);
            look.seen.devices[0].0.node = Some(node.into());
            look.seen.devices[0].0.index = Some(index);
            memory.look(&look, Stamp(0));
            let news = memory.news(None).unwrap();
            let all: Vec<_> = news.devices.iter().map(|device| (device.uuid.as_str(), device.index)).collect();
            assert_eq!(all, [(id, Some(index))]);
        }
    }

    #[test]
    fn other_gpus_than_those_of_the_last_look_are_noticed_once() {
        let mut memory = Memory::default();
        memory.look(&look(&["a", "b"]), Stamp(0));
        let times = |ids: &[&str]| ids.iter().map(|id| (SmolStr::new(id), Stamp(0))).collect::<BTreeMap<_, _>>();
        assert!(!memory.differs(&times(&["b", "a"])));
        assert!(memory.differs(&times(&["a"])) && memory.differs(&times(&["a", "c"])));
        memory.look(&look(&["a"]), Stamp(0));
        assert!(!memory.differs(&times(&["a"])));
    }

    #[test]
    fn what_is_missing_comes_with_the_line_that_gives_it() {
        let mut memory = Memory::default();
        memory.look(&look(&["a"]), Stamp(0));
        let present =
            Metric::ALL.iter().copied().filter(|metric| ![Metric::SmActive, Metric::MemoryUse].contains(metric));
        memory.measured(present.collect());
        let [missing] = &memory.missing[..] else { panic!("{:?}", memory.missing) };
        assert_eq!(missing.metric, Metric::SmActive);
        assert!(missing.why.contains("leaves it out by default"), "{}", missing.why);
        let next = missing.next.clone().unwrap_or_default();
        assert!(next.contains("\nDCGM_FI_PROF_SM_ACTIVE, gauge, "), "{next}");
    }

    #[test]
    fn only_what_somebody_measures_is_asked_for_each_time() {
        let mut memory = Memory::default();
        memory.look(&look(&["a"]), Stamp(0));
        assert!(queries(&memory, true).len() > 20 && queries(&memory, false).is_empty());
        memory.measured(BTreeSet::from([Metric::Power]));
        assert_eq!(queries(&memory, false).into_iter().map(|(metric, _)| metric).collect::<Vec<_>>(), [Metric::Power]);
    }
}
