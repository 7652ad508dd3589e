//! How often GPUs are measured, by how far apart their samples are: each job has an interval of its own.

use super::answer::{Labels, Line};
use pilothouse_wire::{SmolStr, Stamp};
use std::{collections::BTreeMap, time::Duration};

/// What is taken where nothing tells: dcgm-exporter's own chart has it.
pub const USUAL: Duration = Duration::from_secs(15);
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);

/// How far apart the samples of some series are, in whole seconds: of each series the middle distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Of the slowest of them: nobody who is measured as seldom as that is stale for it.
    pub longest: Duration,
    /// Of the fastest: so often there is something new.
    pub shortest: Duration,
}

impl Default for Interval {
    fn default() -> Self {
        Self { longest: USUAL, shortest: USUAL }
    }
}

impl Interval {
    /// Of several jobs; `None` of none.
    pub fn over(jobs: impl Iterator<Item = Duration> + Clone) -> Option<Self> {
        Some(Self { longest: jobs.clone().max()?, shortest: jobs.min()? })
    }
}

/// How often the targets of each job are scraped, by raw samples of some of their series. A job of which no series has two
/// samples is left out: nothing tells.
#[must_use]
pub fn of_jobs(series: &[Line]) -> BTreeMap<SmolStr, Duration> {
    let mut jobs = BTreeMap::new();
    for (labels, points) in series {
        let times: Vec<Stamp> = points.iter().map(|(at, _)| *at).collect();
        let Some(distance) = middle(&times).map(whole) else { continue };
        let longest: &mut Duration = jobs.entry(job(labels)).or_default();
        *longest = distance.max(*longest);
    }
    jobs
}

/// The job that scraped a series; empty where none is named.
#[must_use]
pub fn job(labels: &Labels) -> SmolStr {
    labels.get("job").cloned().unwrap_or_default()
}

/// The distances between samples; `None` where no series has two.
#[must_use]
pub fn of(series: &[Vec<Stamp>]) -> Option<Interval> {
    let all = || series.iter().filter_map(|times| middle(times)).map(whole);
    Some(Interval { longest: all().max()?, shortest: all().min()? })
}

fn whole(distance: Duration) -> Duration {
    let seconds = distance.as_millis().saturating_add(500) / 1_000;
    Duration::from_secs(seconds.try_into().unwrap_or(u64::MAX)).clamp(SHORTEST, LONGEST)
}

fn middle(times: &[Stamp]) -> Option<Duration> {
    let mut distances: Vec<Duration> =
        times.windows(2).map(|pair| pair[1].since(pair[0])).filter(|distance| !distance.is_zero()).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_distance_of_the_slowest_and_of_the_fastest_series_count() {
        let every = |ms: i64, n: i64| (0..n).map(|at| Stamp(1_000 + at * ms)).collect::<Vec<_>>();
        let of = |series: &[Vec<Stamp>]| of(series).map(|found| (found.longest.as_secs(), found.shortest.as_secs()));
        assert_eq!(of(&[every(15_003, 20)]), Some((15, 15)));
        assert_eq!(of(&[every(15_000, 20), every(60_000, 5)]), Some((60, 15)));
        assert_eq!(of(&[every(1_000, 300)]), Some((5, 5)));
        assert_eq!(of(&[every(900_000, 2)]), Some((300, 300)));
        // A gap while the exporter was away is not the interval.
        assert_eq!(of(&[[every(15_000, 10), vec![Stamp(900_000)]].concat()]), Some((15, 15)));
        assert_eq!(of(&[every(15_000, 1), vec![]]), None);
    }

    #[test]
    fn each_job_has_the_interval_of_its_own_series() {
        let line = |job: &str, every: i64, n: i64| -> Line {
            let labels = [("UUID", "a"), ("job", job)].into_iter().collect();
            (labels, (0..n).map(|at| (Stamp(1_000 + at * every), 1.0)).collect())
        };
        let jobs = of_jobs(&[line("fast", 5_000, 100), line("slow", 60_000, 9), line("new", 15_000, 1)]);
        let told: Vec<_> = jobs.iter().map(|(job, every)| (job.as_str(), every.as_secs())).collect();
        assert_eq!(told, [("fast", 5), ("slow", 60)]);
        let all = Interval::over(jobs.values().copied()).unwrap();
        assert_eq!((all.longest.as_secs(), all.shortest.as_secs()), (60, 5));
        assert_eq!(Interval::over(std::iter::empty()), None);
    }
}
