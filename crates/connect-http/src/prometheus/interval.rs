//! How often GPUs are measured, by how far apart their samples are.

use pilothouse_wire::Stamp;
use std::time::Duration;

/// What is taken where nothing tells: dcgm-exporter's own chart has it.
pub const USUAL: Duration = Duration::from_secs(15);
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);

/// The distance between samples: of each series the middle one, of all series the largest, so that nobody who is
/// measured as seldom as usual is taken for stale. Whole seconds.
#[must_use]
pub fn of(series: &[Vec<Stamp>]) -> Option<Duration> {
    let longest = series.iter().filter_map(|times| middle(times)).max()?;
    let whole = Duration::from_secs((longest.as_millis().saturating_add(500) / 1_000).try_into().unwrap_or(u64::MAX));
    Some(whole.clamp(SHORTEST, LONGEST))
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
    fn the_middle_distance_of_the_slowest_series_counts() {
        let every = |ms: i64, n: i64| (0..n).map(|at| Stamp(1_000 + at * ms)).collect::<Vec<_>>();
        assert_eq!(of(&[every(15_003, 20)]), Some(USUAL));
        assert_eq!(of(&[every(15_000, 20), every(60_000, 5)]), Some(Duration::from_secs(60)));
        assert_eq!(of(&[every(1_000, 300)]), Some(SHORTEST));
        assert_eq!(of(&[every(900_000, 2)]), Some(LONGEST));
        // A gap while the exporter was away is not the interval.
        assert_eq!(of(&[[every(15_000, 10), vec![Stamp(900_000)]].concat()]), Some(USUAL));
        assert_eq!(of(&[every(15_000, 1), vec![]]), None);
    }
}
