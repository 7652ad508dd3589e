//! What was read when: a bounded number of steps, each the mean of its readings. Once there are too many, two become one.

use serde::{Deserialize, Serialize};

/// Steps are no more: what a person can tell apart in a drawing.
const MOST: usize = 240;

/// Readings of one GPU over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Readings of each step, a tenth of a second apart; of the last there may be fewer.
    pub readings: u32,
    /// Clocks of its multiprocessors, in MHz.
    pub clock_mhz: Vec<Option<f32>>,
    /// Power, in watts.
    pub power_w: Vec<Option<f32>>,
    /// Temperature, in °C.
    pub temperature_c: Vec<Option<f32>>,
    /// The share of time in which something ran on it.
    pub utilisation: Vec<Option<f32>>,
}

/// A line of a series: what it is called, its unit, and its values.
pub type Shown<'a> = (&'static str, &'static str, &'a [Option<f32>]);

impl Series {
    /// What can be drawn of it.
    #[must_use]
    pub fn lines(&self) -> Vec<Shown<'_>> {
        let all: [Shown<'_>; 3] = [
            ("Clocks", "MHz", &self.clock_mhz),
            ("Power", "W", &self.power_w),
            ("Temperature", "°C", &self.temperature_c),
        ];
        all.into_iter().filter(|(.., values)| values.iter().any(Option::is_some)).collect()
    }
}

/// A series as it is gathered.
#[derive(Debug, Default)]
pub(super) struct Taken {
    each: u32,
    steps: Vec<[Sum; 4]>,
    in_last: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    sum: f64,
    count: u32,
}

impl Sum {
    fn and(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, count: self.count + other.count }
    }

    #[allow(clippy::cast_possible_truncation, reason = "three digits of a reading are more than it has")]
    fn mean(self) -> Option<f32> {
        (self.count > 0).then(|| ((self.sum / f64::from(self.count) * 1e3).round() / 1e3) as f32)
    }
}

impl Taken {
    /// Takes in a reading: clocks, power, temperature, use.
    pub fn take(&mut self, values: [Option<f64>; 4]) {
        self.each = self.each.max(1);
        if self.in_last == 0 && self.steps.len() == MOST {
            self.steps = self.steps.chunks(2).map(|two| two.iter().copied().reduce(both).unwrap_or_default()).collect();
            self.each *= 2;
        }
        if self.in_last == 0 {
            self.steps.push([Sum::default(); 4]);
        }
        if let Some(step) = self.steps.last_mut() {
            let reading = values.map(|value| {
                let value = value.filter(|value| value.is_finite());
                Sum { sum: value.unwrap_or_default(), count: u32::from(value.is_some()) }
            });
            *step = both(*step, reading);
        }
        self.in_last = (self.in_last + 1) % self.each;
    }

    /// What was read; none of nothing.
    pub fn end(&self) -> Option<Series> {
        let of = |at: usize| self.steps.iter().map(|step| step[at].mean()).collect();
        (!self.steps.is_empty()).then(|| Series {
            readings: self.each,
            clock_mhz: of(0),
            power_w: of(1),
            temperature_c: of(2),
            utilisation: of(3),
        })
    }
}

fn both(one: [Sum; 4], other: [Sum; 4]) -> [Sum; 4] {
    std::array::from_fn(|at| one[at].and(other[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_bounded_and_keeps_its_means() {
        let mut taken = Taken::default();
        assert_eq!(taken.end(), None);
        for n in 0_u32..1_000 {
            taken.take([Some(f64::from(n)), None, Some(60.0), (n > 500).then_some(1.0)]);
        }
        let series = taken.end().unwrap();
        // Eight readings a step: 125 of them.
        assert_eq!((series.readings, series.clock_mhz.len()), (8, 125));
        assert_eq!((series.clock_mhz[0], series.clock_mhz[124]), (Some(3.5), Some(995.5)));
        assert!(series.power_w.iter().all(Option::is_none));
        assert_eq!(
            (series.utilisation[0], series.utilisation[62], series.utilisation[100]),
            (None, Some(1.0), Some(1.0))
        );
        let lines: Vec<&str> = series.lines().iter().map(|(name, ..)| *name).collect();
        assert_eq!(lines, ["Clocks", "Temperature"]);
    }

    #[test]
    fn of_few_readings_each_is_a_step() {
        let mut taken = Taken::default();
        (0..3).for_each(|n| taken.take([None, Some(100.0 * f64::from(n)), None, None]));
        assert_eq!(taken.end().unwrap().power_w, [Some(0.0), Some(100.0), Some(200.0)]);
    }
}
