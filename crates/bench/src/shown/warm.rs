//! End-to-end times over the requests of a run, from the file of its requests: where the warm-up ends is seen in them.

use crate::sample::{End, Sample};
use pilothouse_chart::drawn;
use pilothouse_wire::drawing::Drawing;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

/// A larger file is not read for a drawing, in bytes.
const LARGEST: u64 = 64 << 20;
const STEPS: u64 = 120;

/// Draws them; none where they are not there, or too many.
pub(super) fn course(file: &Path, cut: f64, limit_us: Option<u64>) -> Option<Drawing> {
    let opened = File::open(file).ok()?;
    if opened.metadata().ok()?.len() > LARGEST {
        return None;
    }
    let lines = BufReader::new(opened).lines().map_while(Result::ok);
    // The last line of a run that was killed may be half of one.
    let samples = lines.filter_map(|line| serde_json::from_str::<Sample>(&line).ok());
    let times = samples.filter_map(|sample| match sample.end {
        End::Answered(heard) => Some((sample.n, heard.e2e_us)),
        End::Failed(_) | End::Unfinished | End::Cancelled => None,
    });
    let values = means(&times.collect::<Vec<_>>());
    let limit = limit_us.map(|limit| precise(limit) / 1e3);
    let about = "end-to-end times of the answers, over the requests in their order".to_owned();
    (!values.is_empty()).then(|| drawn::line(&drawn::Course { values, limit, cut, about }, 420, 72))
}

/// The mean of each step of requests, in milliseconds; a step without an answer is a gap.
fn means(times: &[(u64, u64)]) -> Vec<Option<f64>> {
    let Some(last) = times.iter().map(|(n, _)| *n).max() else { return Vec::new() };
    let steps = STEPS.min(last + 1);
    let mut sums = vec![(0_u64, 0_u64); usize::try_from(steps).unwrap_or(0)];
    for (n, e2e_us) in times {
        let step = u128::from(*n) * u128::from(steps) / u128::from(last + 1);
        if let Some((sum, many)) = usize::try_from(step).ok().and_then(|step| sums.get_mut(step)) {
            *sum += e2e_us;
            *many += 1;
        }
    }
    sums.into_iter().map(|(sum, many)| (many > 0).then(|| precise(sum) / precise(many) / 1e3)).collect()
}

#[allow(clippy::cast_precision_loss, reason = "times of a run stay far below 2^53 microseconds")]
fn precise(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_step_is_a_mean_and_a_step_without_answers_a_gap() {
        assert_eq!(means(&[(0, 1_000), (2, 3_000)]), [Some(1.0), None, Some(3.0)]);
        assert!(means(&[]).is_empty());
        assert_eq!(course(Path::new("/nowhere"), 0.0, None), None);
    }

    proptest! {
        #[test]
        fn no_mean_is_beyond_the_values(times in proptest::collection::vec((0_u64..100_000, 1_u64..10_000_000), 1..300)) {
            let (low, high) = (times.iter().map(|t| t.1).min().unwrap(), times.iter().map(|t| t.1).max().unwrap());
            let values = means(&times);
            prop_assert!(values.len() <= 120);
            prop_assert!(values.last().unwrap().is_some());
            for value in values.into_iter().flatten() {
                prop_assert!(value >= precise(low) / 1e3 - 1e-6 && value <= precise(high) / 1e3 + 1e-6);
            }
        }
    }
}
