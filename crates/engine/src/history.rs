//! What was measured of an object over time, from the record of this machine.

use pilothouse_journal::Reader as JournalReader;
use pilothouse_wire::{
    Answer, Code, Metric, ObjectRef, Problem, Reading, Stamp,
    view::{Past, Series},
};
use pilothouse_world::{World, project};
use std::{collections::BTreeMap, time::Duration};

/// The most points of a series: more than a sparkline has pixels.
const MOST_POINTS: i64 = 240;
/// The longest span that is read at once.
pub(crate) const LONGEST: Duration = Duration::from_secs(86_400);

/// Reads the series of an object's GPUs.
pub(crate) async fn history(
    journal: Option<JournalReader>,
    object: ObjectRef,
    span: Duration,
    until: Stamp,
) -> Result<Answer, Problem> {
    let Some(journal) = journal else {
        return Err(Problem::new(Code::NotFound, "Nothing is recorded here.")
            .next("Series are there once Pilothouse records: it does so in the window and in the browser."));
    };
    let since = until.minus(span.min(LONGEST));
    let read = move || {
        let mut lines = Lines::new(since, until);
        journal.replay(since, until, |world| lines.take(world, &object))?;
        Ok(Answer::History(Past { series: lines.done(), from: None }))
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|error| Problem::new(Code::Internal, "The record could not be read.").why(error.to_string()))?
}

/// Series on their way: the last reading of each bucket of time.
struct Lines {
    since: Stamp,
    bucket_ms: i64,
    last: Option<Stamp>,
    points: BTreeMap<Metric, BTreeMap<i64, (Stamp, Reading)>>,
}

impl Lines {
    fn new(since: Stamp, until: Stamp) -> Self {
        let bucket_ms = (until.0.saturating_sub(since.0) / MOST_POINTS).max(1);
        Self { since, bucket_ms, last: None, points: BTreeMap::new() }
    }

    fn take(&mut self, world: &World, object: &ObjectRef) {
        let Some((at, readings)) = project::readings(world, object) else { return };
        // Readings of others came in between: this one is as it was.
        if self.last.replace(at) == Some(at) || at < self.since {
            return;
        }
        let bucket = (at.0 - self.since.0) / self.bucket_ms;
        for (metric, reading) in readings {
            self.points.entry(metric).or_default().insert(bucket, (at, reading));
        }
    }

    /// The series, with a gap where there is no reading for three times the usual distance.
    fn done(self) -> Vec<Series> {
        let series = self.points.into_iter().map(|(metric, points)| {
            let points: Vec<(Stamp, Reading)> = points.into_values().collect();
            Series { metric, points: with_gaps(points) }
        });
        series.collect()
    }
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
}
