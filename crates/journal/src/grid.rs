//! To how many digits readings are kept: finer than anything shows them, coarser than noise.
//!
//! A reading is rounded once, as it is taken in. From then on all that is kept and folded is exact.

use pilothouse_wire::{Metric, Reading, metric::Unit};
use pilothouse_world::{Batch, Fact};

/// The distance between values that are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Grid {
    /// So many to one unit.
    Per(f64),
    /// So many bits behind the first one: a share of the value, for what spans orders of magnitude.
    Bits(u32),
    /// Whole numbers: a code is what it is. Others are kept as they are.
    Whole,
}

/// A fifth of a per cent, a watt, a tenth of a degree, a megahertz, a thousandth of a count, a byte; of rates and times
/// a thousandth of themselves. Codes and flags are not rounded.
fn grid(metric: Metric) -> Grid {
    match metric.unit() {
        Unit::Ratio => Grid::Per(500.0),
        Unit::Count => Grid::Per(1_000.0),
        Unit::Watts | Unit::Megahertz | Unit::Bytes => Grid::Per(1.0),
        Unit::Celsius => Grid::Per(10.0),
        Unit::BytesPerSecond | Unit::Seconds | Unit::PerSecond => Grid::Bits(9),
        Unit::Code | Unit::Flag | Unit::Reasons => Grid::Whole,
    }
}

/// The bits behind the first one of a 32-bit float.
const MANTISSA: u32 = 23;
/// Above this the numbers of a grid are no longer told apart.
const MOST: f64 = 9e15;

/// A reading as it is kept. What is no finite number stays what it is.
pub(crate) fn round(metric: Metric, reading: Reading) -> Reading {
    number(metric, reading).map_or(reading, |number| of_number(metric, number))
}

/// Rounds the readings of a batch to what a record keeps of them, so that what is shown now is what is shown of now later.
pub fn round_readings(batch: &mut Batch) {
    for fact in &mut batch.facts {
        if let Fact::Readings(readings) = fact {
            round_columns(readings.columns.iter_mut().map(|(metric, column)| (*metric, column)));
        }
    }
}

/// Rounds columns.
pub(crate) fn round_columns<'a>(columns: impl Iterator<Item = (Metric, &'a mut Vec<Reading>)>) {
    for (metric, column) in columns {
        column.iter_mut().for_each(|reading| *reading = round(metric, *reading));
    }
}

/// The number of a reading on its grid; `None` for what is not on it: absent, not a number, infinite, not rounded.
pub(crate) fn to_number(metric: Metric, reading: Reading) -> Option<i64> {
    number(metric, reading).filter(|number| of_number(metric, *number) == reading)
}

#[allow(clippy::cast_possible_truncation, reason = "it is within ±9e15")]
fn number(metric: Metric, reading: Reading) -> Option<i64> {
    let value = reading.finite()?;
    let number = match grid(metric) {
        Grid::Per(per) => (f64::from(value) * per).round(),
        Grid::Whole => Some(f64::from(value)).filter(|value| value.fract() == 0.0)?,
        Grid::Bits(bits) => {
            let cut = MANTISSA - bits;
            let size = value.abs().to_bits().checked_add(1 << (cut - 1))? >> cut;
            let number = i64::from(size);
            return f32::from_bits(size << cut).is_finite().then_some(if value < 0.0 { -number } else { number });
        }
    };
    (number.abs() < MOST).then_some(number as i64)
}

/// The reading of a number on its grid.
#[allow(clippy::cast_precision_loss, reason = "numbers are below 2^53")]
pub(crate) fn of_number(metric: Metric, number: i64) -> Reading {
    match grid(metric) {
        Grid::Per(per) => Reading::of_f64(number as f64 / per),
        Grid::Whole => Reading::of_f64(number as f64),
        Grid::Bits(bits) => {
            let size = u32::try_from(number.unsigned_abs()).unwrap_or(u32::MAX >> (MANTISSA - bits));
            let value = f32::from_bits(size << (MANTISSA - bits));
            Reading::of(if number < 0 { -value } else { value })
        }
    }
}

/// Is it a code or a flag, of which neither sums nor means make sense?
pub(crate) fn is_code(metric: Metric) -> bool {
    grid(metric) == Grid::Whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reading_is_rounded_to_what_can_be_told_apart() {
        for (metric, value, want) in [
            (Metric::TensorActive, 0.412_345, 0.412),
            (Metric::Power, 612.48, 612.0),
            (Metric::Temperature, 63.04, 63.0),
            (Metric::MemoryUsed, 73.8e9, 73.8e9),
            (Metric::PcieReplays, 0.4, 0.4),
            (Metric::Nvlink, 214.0e9, 213.943_06e9),
            (Metric::ClockReasons, 4.5, 4.5),
            (Metric::Xid, 79.0, 79.0),
            (Metric::Power, -0.2, 0.0),
        ] {
            assert_eq!(round(metric, Reading::of(value)), Reading::of(want), "{metric:?} {value}");
        }
    }

    proptest! {
        #[test]
        fn rounding_twice_is_rounding_once_and_every_number_reads_back(of in 0..Metric::ALL.len(), bits: u32) {
            let metric = Metric::ALL[of];
            let reading = Reading::from_bits(bits);
            let once = round(metric, reading);
            prop_assert_eq!(round(metric, once), once);
            if let Some(number) = to_number(metric, once) {
                prop_assert_eq!(of_number(metric, number), once);
            }
            match (reading.finite(), once.finite()) {
                (None, _) => prop_assert_eq!(once, reading),
                (Some(was), Some(is)) => prop_assert!((was - is).abs() <= 0.5_f32.max(was.abs() / 1_000.0)),
                (Some(_), None) => prop_assert!(false, "a number became none"),
            }
        }
    }
}
