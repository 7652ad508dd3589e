//! Series on their way: what several GPUs came to in each bucket of time.

use pilothouse_journal::{GpuPoints, Point};
use pilothouse_wire::{Metric, Reading, Stamp, view::Series};
use std::collections::BTreeMap;

/// The most buckets of a series: more than a sparkline has pixels.
const MOST_POINTS: i64 = 240;

/// Series on their way: of each bucket of time the last reading of each GPU.
pub(super) struct Lines {
    since: Stamp,
    until: Stamp,
    bucket_ms: i64,
    points: BTreeMap<Metric, BTreeMap<i64, Bucket>>,
}

/// What was measured in a bucket.
#[derive(Default)]
struct Bucket {
    /// When the last of it was measured.
    at: Stamp,
    /// The last reading of each GPU.
    last: Vec<Reading>,
    /// The reading of a single GPU that is furthest from its last one.
    far: Option<(Stamp, Reading)>,
}

impl Lines {
    pub(super) fn new(since: Stamp, until: Stamp) -> Self {
        let bucket_ms = (until.0.saturating_sub(since.0) / MOST_POINTS).max(1);
        Self { since, until, bucket_ms, points: BTreeMap::new() }
    }

    /// Takes in what was measured of GPUs in a part of the span.
    pub(super) fn take(&mut self, gpus: Vec<GpuPoints>) {
        let one = gpus.len() == 1;
        let mut here: BTreeMap<Metric, BTreeMap<i64, Bucket>> = BTreeMap::new();
        for mut of_gpu in gpus {
            add_memory_use(&mut of_gpu);
            // Several GPUs have no reasons in common.
            for (metric, points) in of_gpu.into_iter().filter(|(metric, _)| one || *metric != Metric::ClockReasons) {
                self.gpu(here.entry(metric).or_default(), metric, &points, one);
            }
        }
        for (metric, buckets) in here {
            self.points.entry(metric).or_default().extend(buckets);
        }
    }

    fn gpu(&self, buckets: &mut BTreeMap<i64, Bucket>, metric: Metric, points: &[Point], one: bool) {
        let place = |point: &Point| (point.at.0 - self.since.0).div_euclid(self.bucket_ms);
        let within = |point: &&Point| point.at >= self.since && point.at <= self.until;
        let points: Vec<&Point> = points.iter().filter(within).collect();
        for of_bucket in points.chunk_by(|a, b| place(a) == place(b)) {
            let Some(last) = of_bucket.last() else { continue };
            let bucket = buckets.entry(place(last)).or_default();
            bucket.at = bucket.at.max(last.at);
            bucket.last.push(last.last);
            if one {
                bucket.far = furthest(metric, of_bucket, last.last);
            }
        }
    }

    /// The series, with a gap where there is no reading for three times the usual distance.
    pub(super) fn done(self) -> Vec<Series> {
        let series = self.points.into_iter().map(|(metric, buckets)| {
            let far: Vec<(Stamp, Reading)> = buckets.values().filter_map(|bucket| bucket.far).collect();
            let last = buckets.into_values().map(|bucket| (bucket.at, metric.together(bucket.last.into_iter())));
            let mut points = with_gaps(last.collect());
            points.extend(far);
            points.sort_by_key(|(at, _)| *at);
            Series { metric, points }
        });
        series.filter(|series| series.points.iter().any(|(_, reading)| !reading.is_absent())).collect()
    }
}

/// The reading of a bucket that is furthest from its last one: a spike is seen however short it was.
fn furthest(metric: Metric, points: &[&Point], last: Reading) -> Option<(Stamp, Reading)> {
    use pilothouse_wire::metric::Unit;
    let last = last.finite().filter(|_| !matches!(metric.unit(), Unit::Code | Unit::Reasons))?;
    let extremes = points.iter().flat_map(|point| [point.min, point.max].map(|reading| (point.at, reading)));
    let apart = extremes.filter_map(|(at, reading)| Some((at, reading, (reading.finite()? - last).abs())));
    let (at, reading, distance) = apart.max_by(|a, b| a.2.total_cmp(&b.2))?;
    // It was before the last one, at whatever time of the bucket.
    let end = points.last()?.at;
    (distance > 0.0).then_some((at.min(Stamp(end.0 - 1)), reading))
}

/// The share of memory that is in use, of its parts, where it is not measured itself.
fn add_memory_use(points: &mut GpuPoints) {
    if points.contains_key(&Metric::MemoryUse) {
        return;
    }
    let (Some(used), Some(total)) = (points.get(&Metric::MemoryUsed), points.get(&Metric::MemoryTotal)) else { return };
    let total: BTreeMap<Stamp, Reading> = total.iter().map(|point| (point.at, point.last)).collect();
    let share = used.iter().filter_map(|point| {
        let total = total.get(&point.at)?.finite().filter(|total| *total > 0.0)?;
        let of = |reading: Reading| reading.finite().map_or(Reading::ABSENT, |used| Reading::of(used / total));
        let Point { min, max, mean, last, .. } = *point;
        Some(Point { min: of(min), max: of(max), mean: of(mean), last: of(last), ..*point })
    });
    let share: Vec<Point> = share.collect();
    points.insert(Metric::MemoryUse, share);
}

/// A gap where there is no reading for three times the usual distance.
pub(crate) fn with_gaps(points: Vec<(Stamp, Reading)>) -> Vec<(Stamp, Reading)> {
    let mut distances: Vec<i64> = points.windows(2).map(|pair| pair[1].0.0 - pair[0].0.0).collect();
    distances.sort_unstable();
    let usual = distances.get(distances.len() / 2).copied().unwrap_or(0);
    let mut all = Vec::with_capacity(points.len());
    let mut before: Option<Stamp> = None;
    for (at, reading) in points {
        if before.is_some_and(|before| at.0 - before.0 > usual * 3) {
            all.push((Stamp(at.0 - 1), Reading::ABSENT));
        }
        before = Some(at);
        all.push((at, reading));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_gap() {
        let point = |s: i64| (Stamp(s * 1_000), Reading::of(1.0));
        let gap = (Stamp(99_999), Reading::ABSENT);
        let points = vec![point(5), point(10), point(15), point(20), point(100), point(105)];
        let mut want = points.clone();
        want.insert(4, gap);
        assert_eq!(with_gaps(points), want);
        assert_eq!(with_gaps(vec![point(1)]), [point(1)]);
    }

    fn point(at: i64, last: f32, max: f32) -> Point {
        let reading = Reading::of(last);
        Point { at: Stamp(at), last: reading, min: reading, max: Reading::of(max), mean: reading, count: 6 }
    }

    fn lines(gpus: Vec<Vec<Point>>) -> Vec<(i64, Reading)> {
        let mut lines = Lines::new(Stamp(0), Stamp(240_000));
        lines.take(gpus.into_iter().map(|points| GpuPoints::from([(Metric::Power, points)])).collect());
        lines.done().pop().unwrap().points.into_iter().map(|(at, reading)| (at.0, reading)).collect()
    }

    #[test]
    fn the_spike_of_a_gpu_is_seen_before_the_last_reading_of_its_bucket() {
        let want = [(999, 700.0), (1_000, 100.0), (2_000, 110.0)].map(|(at, watts)| (at, Reading::of(watts)));
        assert_eq!(lines(vec![vec![point(1_000, 100.0, 700.0), point(2_000, 110.0, 110.0)]]), want);
    }

    #[test]
    fn several_gpus_are_one_by_the_last_reading_of_each() {
        let gpu = |watts: f32| vec![point(1_000, watts, 700.0), point(2_000, watts, watts)];
        assert_eq!(lines(vec![gpu(100.0), gpu(200.0)]), [1_000, 2_000].map(|at| (at, Reading::of(300.0))));
    }

    #[test]
    fn memory_in_use_is_a_share_of_its_parts() {
        let one = |value: f32| point(5, value, value);
        let mut points =
            GpuPoints::from([(Metric::MemoryUsed, vec![one(20.0)]), (Metric::MemoryTotal, vec![one(80.0)])]);
        add_memory_use(&mut points);
        assert_eq!(points[&Metric::MemoryUse][0].last, Reading::of(0.25));
    }
}
