//! What is measured of a GPU: the closed list of metrics with their units, and readings that keep "absent", "not a
//! number" and 0 apart.

use crate::{clocks, units};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One measured value: 32 bits, compared bit by bit, so that a record equals its replay whatever was measured.
///
/// [`Reading::ABSENT`] is nobody's measurement; NaN and the infinities are what a source really said.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reading(u32);

/// What marks a reading of which only a bound is known.
const BEYOND: u32 = 0xffc0_0000;
const LEFT_OUT: u32 = 9;

impl Reading {
    /// There is no value. A quiet NaN whose payload no arithmetic makes.
    pub const ABSENT: Self = Self(0x7fc0_ab5e);

    /// What was measured. A source's NaN stays NaN: it never becomes "absent".
    #[must_use]
    pub fn of(value: f32) -> Self {
        if value.is_nan() { Self(0x7fc0_0000) } else { Self(value.to_bits()) }
    }

    /// What was measured, in 64 bits.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "seven digits are kept: more than any exporter measures")]
    pub fn of_f64(value: f64) -> Self {
        Self::of(value as f32)
    }

    /// Was there a measurement at all?
    #[must_use]
    pub fn is_absent(self) -> bool {
        self == Self::ABSENT
    }

    /// All that is known is that it was more than this number: a quantile above all bounds of a histogram, say. A NaN of the
    /// other sign, with the number in its payload: the last nine bits of it are left out, which makes it no greater.
    #[must_use]
    pub fn more_than(bound: Self) -> Self {
        match bound.finite() {
            Some(number) if number > 0.0 => Self(BEYOND | bound.0 >> LEFT_OUT),
            _ => bound,
        }
    }

    /// What it was more than, where no more is known.
    #[must_use]
    pub fn bound(self) -> Option<f32> {
        (self.0 & BEYOND == BEYOND).then(|| f32::from_bits((self.0 & !BEYOND) << LEFT_OUT))
    }

    /// The number, or the one that it was more than.
    #[must_use]
    pub fn least(self) -> Option<f32> {
        self.finite().or_else(|| self.bound())
    }

    /// The value, if one was measured and it is a finite number.
    #[must_use]
    pub fn finite(self) -> Option<f32> {
        let value = f32::from_bits(self.0);
        value.is_finite().then_some(value)
    }

    /// The value as it was measured, NaN and infinities included.
    #[must_use]
    pub fn measured(self) -> Option<f32> {
        (!self.is_absent()).then(|| f32::from_bits(self.0))
    }

    /// Its bits, for a column of raw bytes.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// From bits of a column.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl Default for Reading {
    fn default() -> Self {
        Self::ABSENT
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.bound(), self.measured()) {
            (Some(bound), _) => write!(f, "> {bound}"),
            (None, Some(value)) => write!(f, "{value}"),
            (None, None) => f.write_str("absent"),
        }
    }
}

/// The unit of a metric. Units of exporters are turned into these on their way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// A share between 0 and 1, shown in per cent.
    Ratio,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Watts.
    Watts,
    /// Degrees Celsius.
    Celsius,
    /// Megahertz.
    Megahertz,
    /// A number of things.
    Count,
    /// A code: neither sums nor means make sense.
    Code,
    /// Yes (1) or no (0).
    Flag,
    /// Seconds.
    Seconds,
    /// Things a second.
    PerSecond,
    /// A set of bits, each a reason: neither sums nor means make sense.
    Reasons,
}

/// A closed list of metrics: each with its id, its name for people, its unit, and what it means.
macro_rules! metrics {
    ($(#[doc = $of:literal])+ $list:ident; $($(#[doc = $about:literal])+ $name:ident = $id:literal, $label:literal, $unit:ident;)+) => {
        $(#[doc = $of])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $list {
            $($(#[doc = $about])+ $name,)+
        }

        impl $list {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its stable id: in filters, columns, `--json`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id),+ }
            }

            /// Its name for people.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => $label),+ }
            }

            /// Its unit.
            #[must_use]
            pub fn unit(self) -> $crate::metric::Unit {
                match self { $(Self::$name => $crate::metric::Unit::$unit),+ }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => concat!($($about),+)),+ }
            }

            /// The metric with this id.
            #[must_use]
            pub fn by_id(id: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|metric| metric.id() == id)
            }

            /// A reading with its unit, as people read it. Absent is `—`, never 0.
            #[must_use]
            pub fn show(self, reading: $crate::metric::Reading) -> String {
                self.unit().show(reading)
            }

            /// One reading for several of what is measured, over those that were; absent if none was.
            #[must_use]
            pub fn together(self, readings: impl Iterator<Item = $crate::metric::Reading>) -> $crate::metric::Reading {
                self.over().together(readings)
            }
        }
    };
}

pub(crate) use metrics;

metrics! {
    /// A metric of a GPU. The names that exporters give it are in `assets/metrics.csv`.
    Metric;
    /// Share of the time in which any kernel ran. It is no measure of load: one small kernel after another makes it 1.
    Utilisation = "util", "Utilisation", Ratio;
    /// Share of cycles in which tensor cores worked: whether it does useful maths.
    TensorActive = "tensor", "Tensor active", Ratio;
    /// Share of the time in which the graphics or compute engine was busy.
    EngineActive = "engine", "Engine active", Ratio;
    /// Share of cycles in which its memory sent or received: what decoding is bound by.
    DramActive = "dram", "Memory active", Ratio;
    /// Share of the time in which a warp was on a multiprocessor, over all of them.
    SmActive = "sm", "SM active", Ratio;
    /// Memory in use.
    MemoryUsed = "memory", "Memory used", Bytes;
    /// Memory that it has.
    MemoryTotal = "memory-total", "Memory", Bytes;
    /// Share of its memory that is in use.
    MemoryUse = "memory-use", "Memory in use", Ratio;
    /// Power drawn.
    Power = "power", "Power", Watts;
    /// Temperature of the chip.
    Temperature = "temp", "Temperature", Celsius;
    /// Temperature of its memory.
    MemoryTemperature = "memory-temp", "Memory temperature", Celsius;
    /// Clock of its multiprocessors.
    SmClock = "clock", "SM clock", Megahertz;
    /// Clock of its memory.
    MemoryClock = "memory-clock", "Memory clock", Megahertz;
    /// Sent and received over NVLink.
    Nvlink = "nvlink", "NVLink", BytesPerSecond;
    /// Sent over PCIe.
    PcieSent = "pcie-tx", "PCIe sent", BytesPerSecond;
    /// Received over PCIe.
    PcieReceived = "pcie-rx", "PCIe received", BytesPerSecond;
    /// The last XID: a code of the driver, which stays after the event.
    Xid = "xid", "Last XID", Code;
    /// PCIe transfers repeated, in the last ten minutes: a bad slot or riser makes it rise.
    PcieReplays = "pcie-replays", "PCIe replays in 10 min", Count;
    /// Uncorrectable memory errors since the driver was loaded.
    EccUncorrected = "ecc-double", "Uncorrectable ECC errors", Count;
    /// Correctable memory errors since the driver was loaded.
    EccCorrected = "ecc-single", "Correctable ECC errors", Count;
    /// Memory rows replaced because of uncorrectable errors.
    RowsRemapped = "rows-remapped", "Rows remapped, uncorrectable", Count;
    /// Did the replacement of a memory row fail? Then the GPU is to be exchanged.
    RemapFailed = "remap-failed", "Row remap failed", Flag;
    /// NVLink transfers repeated or recovered, in the last ten minutes.
    NvlinkErrors = "nvlink-errors", "NVLink errors in 10 min", Count;
    /// Share of the last minutes in which it was slowed because of heat.
    ThermalSlowdown = "slow-thermal", "Slowed by heat", Ratio;
    /// Share of the last minutes in which it was slowed to stay within its power limit.
    PowerSlowdown = "slow-power", "Slowed by its power limit", Ratio;
    /// Why its clocks are held back: the bits of NVML's clocks event reasons.
    ClockReasons = "clock-reasons", "Clock reasons", Reasons;
}

/// How readings of several GPUs, or of several pods, become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Their mean.
    Mean,
    /// Their sum.
    Sum,
    /// The greatest.
    Most,
}

impl Over {
    /// One reading for several, over those of them that were measured; absent if none was.
    #[must_use]
    pub fn together(self, readings: impl Iterator<Item = Reading>) -> Reading {
        let (mut n, mut sum, mut most) = (0_u16, 0.0_f32, f32::NEG_INFINITY);
        let mut is_more = false;
        for reading in readings {
            let Some(value) = reading.least() else { continue };
            n = n.saturating_add(1);
            sum += value;
            most = most.max(value);
            is_more |= reading.bound().is_some();
        }
        let all = match (n, self) {
            (0, _) => Reading::ABSENT,
            (n, Self::Mean) => Reading::of(sum / f32::from(n)),
            (_, Self::Sum) => Reading::of(sum),
            (_, Self::Most) => Reading::of(most),
        };
        if is_more { Reading::more_than(all) } else { all }
    }
}

impl Metric {
    /// How readings of the GPUs of a node, or of a pool, become one.
    #[must_use]
    pub fn over(self) -> Over {
        match self.unit() {
            Unit::Ratio | Unit::Megahertz => Over::Mean,
            Unit::Bytes | Unit::BytesPerSecond | Unit::PerSecond | Unit::Watts | Unit::Count => Over::Sum,
            Unit::Celsius | Unit::Seconds | Unit::Code | Unit::Flag | Unit::Reasons => Over::Most,
        }
    }
}

impl Unit {
    /// A reading with this unit, as people read it. Absent is `—`, never 0.
    #[must_use]
    pub fn show(self, reading: Reading) -> String {
        if let Some(bound) = reading.bound() {
            return format!("> {}", self.show(Reading::of(bound)));
        }
        let Some(value) = reading.measured() else { return units::ABSENT.into() };
        if !value.is_finite() {
            return if value.is_nan() {
                "not a number".into()
            } else {
                format!("{}∞", if value > 0.0 { "" } else { "−" })
            };
        }
        let grouped = |value: f32| units::count(whole(value));
        match self {
            Self::Ratio => format!("{:.0} %", value * 100.0),
            Self::Bytes => units::bytes(whole(value)),
            Self::BytesPerSecond => format!("{}/s", units::bytes(whole(value))),
            Self::Watts if value >= 9_999.5 => format!("{:.1} kW", value / 1_000.0),
            Self::Watts => format!("{} W", grouped(value)),
            Self::Celsius => format!("{value:.0} °C"),
            Self::Megahertz => format!("{} MHz", grouped(value)),
            Self::Reasons => clocks::bits(value).map_or_else(|| grouped(value), clocks::words),
            Self::Count | Self::Code => grouped(value),
            Self::Flag => if value == 0.0 { "no" } else { "yes" }.into(),
            Self::Seconds if value < 0.999_5 => format!("{} ms", units::number((value * 1_000.0).into(), small(value))),
            Self::Seconds => format!("{} s", units::number(value.into(), if value < 99.95 { 1 } else { 0 })),
            Self::PerSecond => {
                let decimals = usize::from(value != 0.0 && value < 9.95);
                format!("{} /s", units::number(value.into(), decimals))
            }
        }
    }
}

/// Decimals of milliseconds: under ten of them one counts.
fn small(seconds: f32) -> usize {
    usize::from(seconds < 0.009_95)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "negative counts do not exist: they show as 0"
)]
fn whole(value: f32) -> u64 {
    value.round().max(0.0) as u64
}

/// Readings of one metric, one for each GPU of a view in its order: raw little-endian bytes, four a reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readings(#[serde(with = "crate::bytes")] Vec<u8>);

impl Readings {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len() / 4
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len() < 4
    }

    /// The reading of the GPU at this place; absent behind the end.
    #[must_use]
    pub fn get(&self, at: usize) -> Reading {
        let bytes = self.0.get(at * 4..at * 4 + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        bytes.map_or(Reading::ABSENT, |bytes| Reading(u32::from_le_bytes(bytes)))
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = Reading> {
        self.0.chunks_exact(4).map(|bytes| Reading(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])))
    }
}

impl FromIterator<Reading> for Readings {
    fn from_iter<I: IntoIterator<Item = Reading>>(readings: I) -> Self {
        let readings = readings.into_iter();
        let mut bytes = Vec::with_capacity(readings.size_hint().0.saturating_mul(4));
        readings.for_each(|reading| bytes.extend_from_slice(&reading.0.to_le_bytes()));
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_not_a_number_infinite_and_zero_stay_apart() {
        let all = [Reading::ABSENT, Reading::of(f32::NAN), Reading::of(f32::INFINITY), Reading::of(0.0)];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
        let shown = all.map(|reading| Metric::Power.show(reading));
        assert_eq!(shown, ["—", "not a number", "∞", "0 W"]);
        assert_eq!(all.iter().copied().collect::<Readings>().iter().collect::<Vec<_>>(), all);
        assert_eq!(Reading::of(f32::from_bits(Reading::ABSENT.bits())), Reading::of(f32::NAN));
    }

    #[test]
    fn readings_have_their_units() {
        for (unit, value, want) in [
            (Unit::Seconds, 0.004_21, "4.2 ms"),
            (Unit::Seconds, 0.412, "412 ms"),
            (Unit::Seconds, 2.64, "2.6 s"),
            (Unit::Seconds, 1_280.4, "1,280 s"),
            (Unit::PerSecond, 0.0, "0 /s"),
            (Unit::PerSecond, 0.25, "0.2 /s"),
            (Unit::PerSecond, 4_211.6, "4,212 /s"),
        ] {
            assert_eq!(unit.show(Reading::of(value)), want);
        }
        for (metric, value, want) in [
            (Metric::Utilisation, 0.614, "61 %"),
            (Metric::MemoryUsed, 73.8e9, "73.8 GB"),
            (Metric::Nvlink, 214e9, "214 GB/s"),
            (Metric::Power, 612.4, "612 W"),
            (Metric::Temperature, 84.0, "84 °C"),
            (Metric::SmClock, 1980.0, "1,980 MHz"),
            (Metric::Xid, 79.0, "79"),
            (Metric::RemapFailed, 1.0, "yes"),
        ] {
            assert_eq!(metric.show(Reading::of(value)), want);
        }
    }

    #[test]
    fn several_gpus_are_one_by_mean_sum_or_most_and_who_was_not_measured_does_not_count() {
        let readings = [Reading::of(0.5), Reading::ABSENT, Reading::of(1.0), Reading::of(f32::NAN)];
        let together = |metric: Metric| metric.together(readings.into_iter());
        assert_eq!(
            [Metric::TensorActive, Metric::Power, Metric::Temperature].map(together),
            [0.75, 1.5, 1.0].map(Reading::of)
        );
        assert_eq!(Metric::Power.together([Reading::ABSENT].into_iter()), Reading::ABSENT);
    }

    #[test]
    fn an_id_reads_back() {
        for metric in Metric::ALL {
            assert_eq!(Metric::by_id(metric.id()), Some(*metric));
        }
    }

    #[test]
    fn a_column_ends_where_it_ends() {
        let column: Readings = [Reading::of(1.0)].into_iter().collect();
        assert_eq!([column.get(0), column.get(1)], [Reading::of(1.0), Reading::ABSENT]);
    }
}
