//! What the driver says of each GPU while the load is on.

use super::{Extent, Gathered, Series, series::Taken};
use pilothouse_connect_local::beside::Now;
use pilothouse_wire::Metric;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Instant};

/// Why its clocks are held back, of NVML's clocks event reasons: those that slow a GPU that has something to do.
const REASONS: [(u64, &str); 6] = [
    (0x4, "software power cap"),
    (0x8, "hardware slowdown"),
    (0x20, "software thermal slowdown"),
    (0x40, "hardware thermal slowdown"),
    (0x80, "hardware power brake"),
    (0x2, "clocks set by an application"),
];

/// One GPU beside a load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuBeside {
    /// Its identity.
    pub uuid: String,
    /// Its number, as `nvidia-smi` shows it.
    pub index: u32,
    /// What it is.
    pub product: Option<String>,
    /// The share of time in which something ran on it.
    pub utilisation: Option<Extent>,
    /// Memory in use, in bytes.
    pub memory_bytes: Option<Extent>,
    /// Power, in watts.
    pub power_w: Option<Extent>,
    /// What it took over all that was read, in joules: power over the time between readings.
    pub energy_j: Option<f64>,
    /// Power over the time that is measured alone, the mean in watts: from when the first kept request was meant to be sent to
    /// the end of the last. None where it was not read over nine tenths of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_w: Option<f64>,
    /// Did a process of the server compute on it? None where the server's processes, or those on it, are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_used: Option<bool>,
    /// Temperature, in °C.
    pub temperature_c: Option<Extent>,
    /// Clocks of its multiprocessors while something ran on it, in MHz; while nothing did, where nothing ever did.
    pub sm_clock_mhz: Option<Extent>,
    /// The most power that it might take, in watts.
    pub power_cap_w: Option<Extent>,
    /// Why it was slowed, by the driver's word, and the share of readings at which it was.
    pub slowed: BTreeMap<String, f64>,
    /// What was read when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
}

impl GpuBeside {
    /// Did anything run on it?
    #[must_use]
    pub fn worked(&self) -> bool {
        self.utilisation.is_some_and(|used| used.high > 0.0)
    }
}

/// One GPU as it is gathered.
#[derive(Debug, Default)]
pub(super) struct Gpu {
    told: GpuBeside,
    readings: u32,
    used: Gathered,
    memory: Gathered,
    power: Gathered,
    heat: Gathered,
    clock: Gathered,
    idle_clock: Gathered,
    cap: Gathered,
    slowed: BTreeMap<&'static str, u32>,
    series: Taken,
    /// Its power at each reading, in watts.
    course: Vec<(Instant, f64)>,
}

/// The least share of a time over which power was read for its energy to be told.
const COVERED: f64 = 0.9;

/// Power over time, as it was read.
#[derive(Debug, Default)]
pub(super) struct Course(Vec<(Instant, f64)>);

impl Course {
    /// The mean between these moments, in watts; none where too little of it was read.
    pub fn over(&self, from: Instant, to: Instant) -> Option<f64> {
        let all = to.saturating_duration_since(from).as_secs_f64();
        let (mut energy, mut read) = (0.0, 0.0);
        for pair in self.0.windows(2) {
            let ((begin, before), (end, after)) = (pair[0], pair[1]);
            let whole = end.saturating_duration_since(begin).as_secs_f64();
            let (low, high) = (begin.max(from), end.min(to));
            let part = high.saturating_duration_since(low).as_secs_f64();
            if part <= 0.0 || whole <= 0.0 {
                continue;
            }
            let at = |moment: Instant| {
                before + (after - before) * moment.saturating_duration_since(begin).as_secs_f64() / whole
            };
            energy += f64::midpoint(at(low), at(high)) * part;
            read += part;
        }
        (all > 0.0 && read >= all * COVERED).then(|| energy / read)
    }
}

impl Gpu {
    /// Takes a reading in; `server` are the processes of the server, where they are known.
    pub fn take(&mut self, now: &Now, at: Instant, server: Option<&[u32]>) {
        if let Some((all, own)) = now.computing.as_ref().zip(server) {
            *self.told.is_used.get_or_insert_default() |= all.iter().any(|one| own.contains(one));
        }
        let value = |metric: Metric| now.values.get(&metric).copied();
        self.readings += 1;
        self.told.uuid = now.uuid.to_string();
        self.told.index = now.index;
        self.told.product = now.product.as_ref().map(ToString::to_string);
        let used = value(Metric::Utilisation);
        for (gathered, value) in [
            (&mut self.used, used),
            (&mut self.memory, value(Metric::MemoryUsed)),
            (&mut self.power, value(Metric::Power)),
            (&mut self.heat, value(Metric::Temperature)),
            (&mut self.cap, now.power_cap),
        ] {
            value.into_iter().for_each(|value| gathered.add(value));
        }
        self.series.take([value(Metric::SmClock), value(Metric::Power), value(Metric::Temperature), used]);
        if let Some(clock) = value(Metric::SmClock) {
            if used.is_some_and(|used| used > 0.0) { self.clock.add(clock) } else { self.idle_clock.add(clock) }
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bits, whole and no less than 0")]
        let bits = value(Metric::ClockReasons).map_or(0, |bits| bits as u64);
        for (_, word) in REASONS.iter().filter(|(bit, _)| bits & bit != 0) {
            *self.slowed.entry(word).or_default() += 1;
        }
        if let Some(power) = value(Metric::Power) {
            self.course.push((at, power));
        }
    }

    /// What was read of it, and its power as it went.
    pub fn end(self) -> (GpuBeside, Course) {
        let share = |count: u32| f64::from(count) / f64::from(self.readings.max(1));
        let course = Course(self.course);
        let ends = course.0.first().zip(course.0.last());
        let told = GpuBeside {
            utilisation: self.used.extent(),
            memory_bytes: self.memory.extent(),
            power_w: self.power.extent(),
            energy_j: ends.map(|((from, _), (to, _))| {
                course.over(*from, *to).unwrap_or_default() * to.saturating_duration_since(*from).as_secs_f64()
            }),
            temperature_c: self.heat.extent(),
            sm_clock_mhz: self.clock.extent().or(self.idle_clock.extent()),
            power_cap_w: self.cap.extent(),
            slowed: self.slowed.iter().map(|(word, count)| ((*word).to_owned(), share(*count))).collect(),
            series: self.series.end(),
            ..self.told
        };
        (told, course)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_gpu_is_gathered_with_its_energy_and_why_it_was_slowed() {
        let now = |used: f64, power: f64, clock: f64, bits: f64| Now {
            uuid: "GPU-1".into(),
            index: 1,
            product: Some("H100".into()),
            values: [
                (Metric::Utilisation, used),
                (Metric::Power, power),
                (Metric::SmClock, clock),
                (Metric::ClockReasons, bits),
            ]
            .into(),
            power_cap: Some(700.0),
            computing: Some(vec![7, 4_711]),
        };
        #[allow(clippy::disallowed_methods, reason = "the begin of a measurement")]
        let begin = Instant::now();
        let mut gpu = Gpu::default();
        let second = |n: u64| begin + Duration::from_secs(n);
        gpu.take(&now(0.0, 100.0, 200.0, 1.0), begin, None);
        gpu.take(&now(0.9, 300.0, 1_980.0, 4.0), second(1), Some(&[9]));
        assert_eq!(gpu.told.is_used, Some(false));
        gpu.take(&now(0.7, 300.0, 1_410.0, 68.0), second(3), Some(&[4_711]));
        let (told, course) = gpu.end();
        assert_eq!(told.is_used, Some(true));
        // 200 W for a second, 300 W for two.
        assert!((told.energy_j.unwrap() - 800.0).abs() < 1e-9, "{told:?}");
        // Of a part only what was taken in it.
        assert!((course.over(second(1), second(2)).unwrap() - 300.0).abs() < 1e-9);
        assert!((course.over(begin + Duration::from_millis(500), second(1)).unwrap() - 250.0).abs() < 1e-9);
        // What was hardly read is not told, and a little that is missing is taken for the mean.
        assert_eq!(course.over(second(2), second(9)), None);
        assert_eq!(course.over(second(2), second(2)), None);
        assert!((course.over(second(1), second(3) + Duration::from_millis(100)).unwrap() - 300.0).abs() < 1e-9);
        assert_eq!(told.sm_clock_mhz, Some(Extent { low: 1_410.0, mean: 1_695.0, high: 1_980.0 }));
        assert_eq!((told.power_cap_w.map(|cap| cap.high), told.temperature_c), (Some(700.0), None));
        let slowed: Vec<(&str, u32)> =
            told.slowed.iter().map(|(word, share)| (word.as_str(), (share * 3.0).round() as u32)).collect();
        assert_eq!(slowed, [("hardware thermal slowdown", 1), ("software power cap", 2)]);
        assert!(told.worked());
        let series = told.series.unwrap();
        assert_eq!(series.clock_mhz, [Some(200.0), Some(1_980.0), Some(1_410.0)]);
    }
}
