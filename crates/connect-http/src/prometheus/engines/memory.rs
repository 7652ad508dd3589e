//! What a watch remembers of serving engines from one poll to the next.

use super::{
    Taken,
    pods::{PodKey, Seen, SeenPod, column},
    query,
};
use crate::prometheus::{interval::Interval, matchers::Matchers};
use pilothouse_wire::{ConnectionId, ServingEngine, ServingMetric, SmolStr, Stamp};
use pilothouse_world::fact::{ServingFact, ServingPodFact};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A pod whose engine is no longer measured stays in the list, and ages, for so long.
const KEPT: Duration = Duration::from_secs(30 * 60);

/// So many pods of each job are looked at, to see how often it scrapes.
const OF_A_JOB: usize = 3;
/// So many of all jobs together.
const OF_ALL_JOBS: usize = 60;

/// What has been scraped once has no rate yet: for so many scrapes after pods became others, everything is asked for.
const SETTLE: u32 = 4;

/// What a watch remembers of engines.
#[derive(Debug)]
pub struct Engines {
    /// How often they are measured.
    interval: Interval,
    /// Each pod, and when it was last seen to be measured, by our clock.
    known: BTreeMap<PodKey, (SeenPod, Stamp)>,
    /// When each was measured that was so this time.
    at: BTreeMap<PodKey, Stamp>,
    /// Since when the pods are these, by our clock.
    same: Stamp,
    /// Metrics that some engine says, or that could not be asked for.
    present: BTreeSet<ServingMetric>,
    /// Series of engines whose pod nobody names.
    nameless: usize,
    /// Was anything told that is to be taken back?
    told: bool,
}

impl Default for Engines {
    fn default() -> Self {
        Self {
            interval: Interval::default(),
            known: BTreeMap::new(),
            at: BTreeMap::new(),
            same: Stamp(0),
            present: BTreeSet::new(),
            nameless: 0,
            told: false,
        }
    }
}

impl Engines {
    /// Takes in which pods are measured; answers whether what they say may be other than at the last poll: they are
    /// others, or have been these for so few scrapes that their rates are still to come.
    pub fn see(&mut self, seen: &Seen, now: Stamp) -> bool {
        if !self.at.keys().eq(seen.pods.keys()) {
            self.same = now;
        }
        self.nameless = seen.nameless;
        self.at = seen.pods.iter().map(|(key, pod)| (key.clone(), pod.at)).collect();
        for (key, pod) in &seen.pods {
            self.known.insert(key.clone(), (pod.clone(), now));
        }
        self.known.retain(|_, (_, at)| now.since(*at) <= KEPT);
        now.since(self.same) <= self.interval.longest * SETTLE
    }

    /// Raw samples of some pods of each job, a query a label by which pods are named.
    #[must_use]
    pub fn raw(&self, among: &Matchers) -> Vec<String> {
        let mut of_job: BTreeMap<&SmolStr, usize> = BTreeMap::new();
        let mut sampled: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for key in self.at.keys() {
            let Some((pod, _)) = self.known.get(key) else { continue };
            let before = pod.jobs.iter().map(|job| of_job.get(job).copied().unwrap_or(0)).min().unwrap_or(0);
            if before < OF_A_JOB && sampled.values().map(BTreeSet::len).sum::<usize>() < OF_ALL_JOBS {
                pod.jobs.iter().for_each(|job| *of_job.entry(job).or_default() += 1);
                sampled.entry(pod.label).or_default().insert(&key.1);
            }
        }
        sampled.into_iter().filter_map(|(label, pods)| query::raw(label, pods, among)).collect()
    }

    /// How often each job measures, as far as that could be told.
    pub fn measured_every(&mut self, jobs: &BTreeMap<SmolStr, Duration>) {
        self.interval = Interval::over(jobs.values().copied()).unwrap_or(self.interval);
    }

    /// How often there is something new of them; `None` where there are none.
    #[must_use]
    pub fn every(&self) -> Option<Duration> {
        (!self.at.is_empty()).then_some(self.interval.shortest)
    }

    /// The questions of a poll: those whose answer was not empty lately, or all.
    #[must_use]
    pub fn queries(&self, among: &Matchers, all: bool) -> Vec<(ServingMetric, String)> {
        let engines: BTreeSet<ServingEngine> =
            self.at.keys().filter_map(|key| self.known.get(key)).map(|(pod, _)| pod.engine).collect();
        let wanted = ServingMetric::ALL.iter().copied().filter(|metric| all || self.present.contains(metric));
        let of = |metric| query::metric(metric, &engines, among, self.interval.longest);
        wanted.filter_map(|metric| Some((metric, of(metric)?))).collect()
    }

    /// Takes in which metrics some engine says.
    pub fn measured(&mut self, present: BTreeSet<ServingMetric>) {
        self.present = present;
    }

    /// So many pods are measured, and so many series are of no pod that is known.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.at.len(), self.nameless)
    }

    /// What a poll brought, as a fact; none where there is no engine and was none.
    pub fn fact(&mut self, cluster: Option<&ConnectionId>, taken: &Taken) -> Option<ServingFact> {
        if self.known.is_empty() && !self.told {
            return None;
        }
        self.told = !self.known.is_empty();
        let places: BTreeMap<&PodKey, usize> = self.known.keys().enumerate().map(|(at, key)| (key, at)).collect();
        let columns = taken.columns.iter().map(|(metric, vector)| (*metric, column(*metric, &places, vector)));
        let columns = columns.filter(|(_, column)| column.iter().any(|reading| !reading.is_absent())).collect();
        let pod = |((namespace, name), (pod, _)): (&PodKey, &(SeenPod, Stamp))| ServingPodFact {
            namespace: namespace.clone(),
            pod: name.clone(),
            engine: pod.engine,
            models: pod.models.iter().cloned().collect(),
        };
        Some(ServingFact {
            cluster: cluster.cloned(),
            interval_ms: u64::try_from(self.interval.longest.as_millis()).unwrap_or(u64::MAX),
            at: self.known.keys().map(|key| self.at.get(key).copied()).collect(),
            pods: self.known.iter().map(pod).collect(),
            columns,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus::answer::{Labels, Sample, Vector};
    use pilothouse_wire::Reading;

    fn seen(pods: &[(&str, i64)]) -> Seen {
        let pod = |(name, at): &(&str, i64)| {
            let (models, jobs) = (BTreeSet::new(), BTreeSet::from(["engines".into()]));
            let pod = SeenPod { engine: ServingEngine::Vllm, models, at: Stamp(*at), label: "pod", jobs };
            (("n".into(), (*name).into()), pod)
        };
        Seen { pods: pods.iter().map(pod).collect(), nameless: 0 }
    }

    fn waiting(pods: &[(&str, f64)]) -> Taken {
        let labels = |name: &str| [("namespace", "n"), ("pod", name)].into_iter().collect::<Labels>();
        let samples = pods.iter().map(|(name, value)| Sample { labels: labels(name), value: *value }).collect();
        Taken { columns: vec![(ServingMetric::Waiting, Vector { samples, ..Vector::default() })], ..Taken::default() }
    }

    #[test]
    fn an_engine_that_stops_is_told_without_a_time_for_a_while_and_then_no_more() {
        let mut engines = Engines::default();
        assert!(engines.fact(None, &Taken::default()).is_none(), "where there are none, nothing is said");
        assert!(engines.see(&seen(&[("a", 1), ("b", 1)]), Stamp(0)));
        let fact = engines.fact(None, &waiting(&[("a", 3.0), ("b", 4.0)])).unwrap();
        assert_eq!(fact.at, [Some(Stamp(1)), Some(Stamp(1))]);
        engines.see(&seen(&[("b", 2)]), Stamp(15_000));
        engines.see(&seen(&[("b", 3)]), Stamp(30_000));
        let fact = engines.fact(None, &waiting(&[("b", 5.0)])).unwrap();
        assert_eq!(fact.at, [None, Some(Stamp(3))]);
        assert_eq!(fact.columns, [(ServingMetric::Waiting, vec![Reading::ABSENT, Reading::of(5.0)])]);
        engines.see(&seen(&[]), Stamp(60 * 60_000));
        assert_eq!(
            engines.fact(None, &Taken::default()),
            Some(ServingFact { interval_ms: 15_000, ..ServingFact::default() })
        );
        assert_eq!(engines.fact(None, &Taken::default()), None, "it is taken back once");
    }

    #[test]
    fn all_is_asked_for_until_a_rate_could_be_there() {
        let mut engines = Engines::default();
        let mut sees = |pods: &[(&str, i64)], at: i64| engines.see(&seen(pods), Stamp(1_000_000 + at));
        // A scrape each 15 s: the second one, which makes a rate, comes within four of them.
        let asked = [0, 15_000, 60_000, 75_000].map(|at| sees(&[("a", at)], at));
        assert_eq!(asked, [true, true, true, false]);
        assert!(sees(&[("a", 1), ("b", 1)], 90_000) && !sees(&[("a", 1), ("b", 1)], 160_000));
    }

    #[test]
    fn only_what_some_engine_says_is_asked_for_each_time() {
        let mut engines = Engines::default();
        let queries = |engines: &Engines, all| engines.queries(&Matchers::default(), all);
        assert!(queries(&engines, true).is_empty(), "nobody has an engine");
        engines.see(&seen(&[("a", 1)]), Stamp(0));
        assert!(queries(&engines, true).len() > 8 && queries(&engines, false).is_empty());
        engines.measured(BTreeSet::from([ServingMetric::KvUse]));
        let asked: Vec<_> = queries(&engines, false).into_iter().map(|(metric, _)| metric).collect();
        assert_eq!(asked, [ServingMetric::KvUse]);
        let [raw] = &engines.raw(&Matchers::default())[..] else { panic!("one label names all pods") };
        assert!(raw.contains("pod=~\"a\""), "{raw}");
    }

    #[test]
    fn pods_of_each_job_are_looked_at_and_the_slowest_job_makes_nobody_stale() {
        let mut engines = Engines::default();
        let names: Vec<String> = (0..9).map(|n| format!("chat-{n}")).collect();
        let pods: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let mut all = seen(&pods);
        for (key, pod) in &mut all.pods {
            let is_slow = key.1 == "chat-4";
            pod.jobs = BTreeSet::from([if is_slow { "slow".into() } else { "fast".into() }]);
        }
        engines.see(&all, Stamp(0));
        let [raw] = &engines.raw(&Matchers::default())[..] else { panic!("one label names all pods") };
        assert!(raw.contains("pod=~\"chat-0|chat-1|chat-2|chat-4\""), "{raw}");
        let every = [("fast", 5), ("slow", 60)].map(|(job, every)| (job.into(), Duration::from_secs(every)));
        engines.measured_every(&every.into());
        assert_eq!(engines.every(), Some(Duration::from_secs(5)));
        assert_eq!(engines.fact(None, &Taken::default()).map(|fact| fact.interval_ms), Some(60_000));
    }
}
