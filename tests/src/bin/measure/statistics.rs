//! Medians and quantiles of what was measured several times.

use std::time::Duration;

/// The value below which this share of all values is; 0 where there is none.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * share).ceil() as usize;
    sorted.get(at.min(last)).copied().unwrap_or(0.0)
}

/// The middle value; of an even number of them the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        many if many % 2 == 1 => sorted[many / 2],
        many => (sorted[many / 2 - 1] + sorted[many / 2]) / 2.0,
    }
}

/// A length of time in milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_end_of_a_list() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((median(&hundred), quantile(&hundred, 0.99), quantile(&hundred, 1.0)), (50.5, 100.0, 100.0));
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[]), quantile(&[], 0.5)), (2.0, 0.0, 0.0));
    }
}
