//! Scales: from values to pixels, and the round values that stand beside them.

/// A scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    by_power: bool,
}

impl Scale {
    /// Even, from one value to another.
    pub(super) fn even((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, from, to, by_power: false }
    }

    /// By powers: each ten times takes the same room. Both are above zero.
    pub(super) fn power((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let low = low.max(1e-9);
        Self { low, high: high.max(low * 1.01), from, to, by_power: true }
    }

    /// The place of a value, on the scale or at its end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = if self.by_power {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        self.from + share * (self.to - self.from)
    }

    /// Round values on it, few enough to stand beside it.
    pub(super) fn ticks(&self, most: usize) -> Vec<f64> {
        let steps: Vec<f64> = if self.by_power { powers(self.low, self.high) } else { even(self.low, self.high, most) };
        let every = steps.len().div_ceil(most.max(1)).max(1);
        steps.into_iter().step_by(every).collect()
    }
}

/// 1, 2 and 5 times each power of ten.
fn powers(low: f64, high: f64) -> Vec<f64> {
    let mut base = 10_f64.powf(low.log10().floor());
    let mut values = Vec::new();
    while base <= high && values.len() < 60 {
        values.extend([1.0, 2.0, 5.0].map(|times| times * base).iter().filter(|value| (low..=high).contains(*value)));
        base *= 10.0;
    }
    values
}

fn even(low: f64, high: f64, most: usize) -> Vec<f64> {
    #[allow(clippy::cast_precision_loss, reason = "a handful")]
    let rough = (high - low) / most.max(1) as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let base = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * base).into_iter().find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(base * 10.0);
    let first = (low / step).ceil();
    (0..100).map(|at| (first + f64::from(at)) * step).take_while(|value| *value <= high * 1.000_001 + 1e-12).collect()
}

/// A round value as it stands beside a scale.
pub(super) fn label(value: f64) -> String {
    let decimals = match value.abs() {
        value if value == 0.0 || value >= 10.0 => 0,
        value if value >= 1.0 => 1,
        value if value >= 0.1 => 2,
        _ => 3,
    };
    let text = pilothouse_wire::units::number(value, decimals);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_on_the_scale() {
        assert_eq!(Scale::even((0.0, 13.1), (0.0, 1.0)).ticks(4), [0.0, 5.0, 10.0]);
        assert_eq!(Scale::even((-12.0, 46.0), (0.0, 1.0)).ticks(6), [-10.0, 0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(Scale::power((8.0, 220.0), (0.0, 1.0)).ticks(9), [10.0, 20.0, 50.0, 100.0, 200.0]);
        assert_eq!(
            [label(0.0), label(2.5), label(1_200.0), label(0.05), label(5.0)],
            ["0", "2.5", "1,200", "0.05", "5"]
        );
    }

    #[test]
    fn what_is_beyond_stands_at_the_end_and_what_is_no_number_nowhere_else() {
        let scale = Scale::even((0.0, 10.0), (0.0, 100.0));
        let places = [-1.0, 5.0, 20.0, f64::NAN, f64::INFINITY].map(|value| scale.place(value));
        assert_eq!(places, [0.0, 50.0, 100.0, 0.0, 0.0]);
        let power = Scale::power((1.0, 100.0), (0.0, 100.0));
        assert!((power.place(10.0) - 50.0).abs() < 1e-9);
        assert!(Scale::even((3.0, 3.0), (0.0, 1.0)).place(3.0).is_finite());
    }
}
