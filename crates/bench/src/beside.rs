//! What is read beside a load, ten times a second and on a thread of its own: the processors and the memory that the server's
//! processes take, what the driver says of the GPUs, and what the server itself counts, before and after.

mod exposition;
mod gpus;
mod sampler;
mod series;
mod tree;
mod words;

pub use gpus::GpuBeside;
pub use sampler::Sampler;
pub use series::{Series, Shown};
pub use tree::ServerLoad;
pub use words::lines;

use crate::{server::Started, worth::Price};
use pilothouse_insight::verdict::Range;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// How often it is read.
pub const EVERY: Duration = Duration::from_millis(100);

/// What is given to a run besides its plan.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// What was started to be measured.
    pub server: Option<Started>,
    /// What is read beside it.
    pub watched: Watched,
}

/// What is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// The server's process on this machine; its children are read, too.
    pub process: Option<u32>,
    /// Where the server tells what it counts, as Prometheus reads it.
    pub metrics: Option<String>,
    /// The GPUs of this machine.
    pub gpus: Gpus,
    /// What a person says that it costs to serve, which is not read.
    pub price: Price,
}

/// Whether GPUs are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Gpus {
    /// They are not.
    #[default]
    No,
    /// By the library that the driver usually brings.
    Usual,
    /// By this library.
    Library(String),
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Milliseconds between two readings.
    pub every_ms: u64,
    /// How often it was read.
    pub readings: u64,
    /// What the server's processes took; none where they were not read.
    pub server: Option<ServerLoad>,
    /// The version of the GPUs' driver; none where none was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Each GPU that gave an answer.
    pub gpus: Vec<GpuBeside>,
    /// What the server counts: before the load, and after it.
    pub metrics: BTreeMap<String, (f64, f64)>,
    /// Why something could not be read.
    pub missing: Vec<String>,
}

/// The least, the mean and the most of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extent {
    /// The least.
    pub low: f64,
    /// The mean over the readings.
    pub mean: f64,
    /// The most.
    pub high: f64,
}

impl Watched {
    /// Is there nothing to read?
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self { price: self.price, ..Self::default() }
    }
}

impl Beside {
    /// The same without what was read when: a document of many runs keeps that with each of them.
    #[must_use]
    pub fn without_series(mut self) -> Self {
        self.gpus.iter_mut().for_each(|gpu| gpu.series = None);
        self
    }

    /// The GPUs that serve: those that the server's processes compute on where that is known, else those on which something ran.
    #[must_use]
    pub fn serving(&self) -> Vec<&GpuBeside> {
        let used: Vec<&GpuBeside> = self.gpus.iter().filter(|gpu| gpu.is_used == Some(true)).collect();
        // Numbers of processes that are none of ours tell nothing: in a container they may be those of its machine.
        if used.is_empty() { self.gpus.iter().filter(|gpu| gpu.worked()).collect() } else { used }
    }

    /// What those took together over the time that is measured, the mean in watts. None where there are none, or one of them was
    /// not read over it.
    #[must_use]
    pub fn measured_watts(&self) -> Option<f64> {
        let watts: Option<f64> = self.serving().iter().map(|gpu| gpu.measured_w).sum();
        watts.filter(|watts| *watts > 0.0)
    }

    /// From the least to the most over the GPUs that worked; none where none is known to have.
    #[must_use]
    pub fn range(&self, of: fn(&GpuBeside) -> Option<Extent>) -> Option<Range> {
        let worked = self.gpus.iter().filter(|gpu| gpu.worked());
        let ranges = worked.map(|gpu| of(gpu).map(|of| Range { low: of.low, high: of.high }));
        // What one of them does not tell is not known of all.
        ranges.reduce(|all, one| Some(Range { low: all?.low.min(one?.low), high: all?.high.max(one?.high) })).flatten()
    }
}

/// Takes values in, one after the other.
#[derive(Clone, Copy, Debug, Default)]
struct Gathered {
    sum: f64,
    count: u32,
    low: f64,
    high: f64,
}

impl Gathered {
    fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        (self.low, self.high) = match self.count {
            0 => (value, value),
            _ => (self.low.min(value), self.high.max(value)),
        };
        self.sum += value;
        self.count += 1;
    }

    fn extent(&self) -> Option<Extent> {
        let mean = self.sum / f64::from(self.count);
        (self.count > 0).then_some(Extent { low: self.low, mean, high: self.high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_of_gpus_that_worked() {
        let extent = |low: f64, high: f64| Some(Extent { low, mean: low, high });
        let gpu = |index: u32, used: f64, clock: Option<Extent>| GpuBeside {
            index,
            utilisation: extent(0.0, used),
            sm_clock_mhz: clock,
            ..GpuBeside::default()
        };
        let mut beside = Beside {
            gpus: vec![gpu(0, 0.9, extent(1_400.0, 1_980.0)), gpu(1, 0.0, extent(200.0, 300.0))],
            ..Beside::default()
        };
        assert_eq!(beside.range(|gpu| gpu.sm_clock_mhz), Some(Range { low: 1_400.0, high: 1_980.0 }));
        beside.gpus.push(gpu(2, 0.4, None));
        assert_eq!(beside.range(|gpu| gpu.sm_clock_mhz), None);
        assert_eq!(Beside::default().range(|gpu| gpu.sm_clock_mhz), None);
    }

    #[test]
    fn power_is_of_gpus_that_the_server_uses_where_that_is_known() {
        let gpu = |index: u32, measured_w: Option<f64>, is_used: Option<bool>| GpuBeside {
            index,
            measured_w,
            is_used,
            utilisation: Some(Extent { low: 0.0, mean: 0.1, high: if index < 2 { 0.5 } else { 0.0 } }),
            ..GpuBeside::default()
        };
        let of = |gpus: Vec<GpuBeside>| {
            let beside = Beside { gpus, ..Beside::default() };
            (beside.measured_watts(), beside.serving().iter().map(|gpu| gpu.index).collect::<Vec<_>>())
        };
        let (other, used) = (gpu(0, Some(70.0), Some(false)), gpu(1, Some(400.0), Some(true)));
        assert_eq!(of(vec![other.clone(), used]), (Some(400.0), vec![1]));
        // Where none of them is known to be, those on which something ran.
        assert_eq!(
            of(vec![gpu(0, Some(70.0), None), gpu(1, Some(400.0), None), gpu(2, Some(9.0), None)]),
            (Some(470.0), vec![0, 1])
        );
        assert_eq!(of(vec![other, gpu(1, Some(400.0), Some(false))]), (Some(470.0), vec![0, 1]));
        assert_eq!(of(vec![gpu(0, Some(70.0), None), gpu(1, None, None)]), (None, vec![0, 1]));
        assert_eq!(of(vec![]), (None, vec![]));
    }

    #[test]
    fn values_are_gathered_and_what_is_none_is_not() {
        let mut gathered = Gathered::default();
        assert_eq!(gathered.extent(), None);
        [4.0, f64::NAN, 2.0, 9.0].into_iter().for_each(|value| gathered.add(value));
        assert_eq!(gathered.extent(), Some(Extent { low: 2.0, mean: 5.0, high: 9.0 }));
    }
}
