//! What the server keeps from before it was watched: where XIDs came and slow-downs began. One range a metric, once; the
//! server compares each step with the one before, so that its answer holds the changes alone.

use super::{answer::Line, api::Api, catalogue::Exporter, identity, query};
use crate::failure::Failure;
use pilothouse_wire::{Metric, Reading, SmolStr, Stamp};
use pilothouse_world::fact::BeforeFact;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What of a measurement tells of a change.
pub const TELLING: [Metric; 3] = [Metric::Xid, Metric::ClockReasons, Metric::ThermalSlowdown];
/// How far back.
const BACK: Duration = Duration::from_secs(24 * 3_600);
/// How far apart times are: as near as the server can bear for so many GPUs, within these.
const FINEST: Duration = Duration::from_secs(60);
const COARSEST: Duration = Duration::from_secs(300);
/// What it is asked to look at in one range, in GPUs times steps.
const BEARABLE: u64 = 4_000_000;
/// The most changes of one metric that are told: the newest.
const MOST: usize = 1_000;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Who exports the GPUs.
    pub exporters: BTreeSet<Exporter>,
    /// So many GPUs there are.
    pub gpus: usize,
    /// How often they are measured.
    pub interval: Duration,
}

/// What the server keeps.
#[derive(Debug, Default)]
pub struct Kept {
    /// How far apart it was looked at.
    pub step: Duration,
    /// Each metric with its changes, by GPU.
    pub lines: Vec<(Metric, Vec<Line>)>,
    /// What it would not tell, and why.
    pub failure: Option<(Metric, Failure)>,
}

/// Asks for what came in the last day, up to a time by the server's clock. What one metric lacks leaves the others.
pub async fn before(api: &Api, wanted: &Wanted, now: Stamp) -> Kept {
    let step = step(wanted);
    let ends = (now.minus(BACK), now);
    let mut kept = Kept { step, ..Kept::default() };
    for metric in TELLING {
        let Some(query) = query::came(metric, &wanted.exporters, &api.matchers, step) else { continue };
        match api.lines(&query, ends, step).await {
            Ok(lines) => kept.lines.push((metric, lines)),
            Err(failure) => {
                // Who fails at all, or asks for patience, is not asked on.
                let ends = !failure.is_of_the_question();
                kept.failure = kept.failure.or(Some((metric, failure)));
                if ends {
                    break;
                }
            }
        }
    }
    kept
}

/// Whole seconds, and none between two measurements.
fn step(wanted: &Wanted) -> Duration {
    let gpus = u64::try_from(wanted.gpus).unwrap_or(u64::MAX);
    let bearable = Duration::from_secs(BACK.as_secs().saturating_mul(gpus).div_ceil(BEARABLE));
    bearable.clamp(FINEST, COARSEST).max(wanted.interval)
}

impl Kept {
    /// As facts, by the places of the GPUs in a list; none for a metric that tells of nothing.
    #[must_use]
    pub fn facts(self, list: u32, places: &BTreeMap<&SmolStr, u32>) -> Vec<BeforeFact> {
        let step_ms = u64::try_from(self.step.as_millis()).unwrap_or(u64::MAX);
        let fact = |(metric, lines): (Metric, Vec<Line>)| {
            let (mut found, mut more) = (Vec::new(), 0_usize);
            for (labels, points) in lines {
                match identity::key(&labels).and_then(|id| places.get(id)) {
                    Some(place) => {
                        found.extend(points.into_iter().map(|(at, value)| (*place, at, Reading::of_f64(value))))
                    }
                    None => more += points.len(),
                }
            }
            found.sort_by_key(|(place, at, _)| (*at, *place));
            let over = found.len().saturating_sub(MOST);
            found.drain(..over);
            let more = u64::try_from(more + over).unwrap_or(u64::MAX);
            BeforeFact { list, metric, step_ms, found, more }
        };
        self.lines.into_iter().map(fact).filter(|fact| !fact.found.is_empty() || fact.more > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus::answer::Labels;

    fn wanted(gpus: usize, interval_s: u64) -> Wanted {
        let exporters = BTreeSet::from([Exporter::Dcgm]);
        Wanted { exporters, gpus, interval: Duration::from_secs(interval_s) }
    }

    #[test]
    fn times_are_as_near_as_a_server_can_bear_and_never_nearer_than_measurements() {
        for (gpus, interval_s, want_s) in
            [(8, 15, 60), (2_700, 15, 60), (4_000, 15, 87), (10_000, 15, 216), (100_000, 15, 300), (8, 120, 120)]
        {
            assert_eq!(step(&wanted(gpus, interval_s)).as_secs(), want_s, "{gpus} GPUs each {interval_s} s");
        }
    }

    #[test]
    fn what_is_found_stands_in_the_order_of_time_and_what_is_left_out_is_counted() {
        let line = |id: &str, points: Vec<(i64, f64)>| -> Line {
            let points = points.into_iter().map(|(at, value)| (Stamp(at), value)).collect();
            ([("UUID", id)].into_iter().collect::<Labels>(), points)
        };
        let [a, b] = ["a", "b"].map(SmolStr::new);
        let places = BTreeMap::from([(&a, 0), (&b, 1)]);
        let many: Vec<(i64, f64)> = (0..1_001).map(|at| (at, 31.0)).collect();
        let lines = vec![
            (Metric::Xid, vec![line("b", vec![(5, 79.0)]), line("a", vec![(3, 31.0)]), line("gone", vec![(1, 13.0)])]),
            (Metric::ClockReasons, Vec::new()),
            (Metric::ThermalSlowdown, vec![line("a", many)]),
        ];
        let kept = Kept { step: FINEST, lines, failure: None };
        let facts = kept.facts(7, &places);
        let [xids, heat] = &facts[..] else { panic!("{facts:?}") };
        assert_eq!((xids.list, xids.metric, xids.step_ms, xids.more), (7, Metric::Xid, 60_000, 1));
        assert_eq!(xids.found, [(0, Stamp(3), Reading::of(31.0)), (1, Stamp(5), Reading::of(79.0))]);
        assert_eq!((heat.found.len(), heat.found[0].1, heat.more), (1_000, Stamp(1), 1), "the newest are told");
    }
}
