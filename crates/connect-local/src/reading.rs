//! What NVML measures of one GPU, in our units; and why something is not there.

use nvml_wrapper::{
    Device,
    enum_wrappers::device::{Clock, EccCounter, MemoryError, TemperatureSensor},
    enums::device::SampleValue,
    error::{Bits, NvmlError},
    structs::device::FieldId,
    sys_exports::field_id::{NVML_FI_DEV_MEMORY_TEMP, NVML_FI_DEV_REMAPPED_FAILURE, NVML_FI_DEV_REMAPPED_UNC},
};
use pilothouse_wire::Metric;
use std::collections::BTreeMap;

/// Why a value is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// This GPU does not have it (`NVML_ERROR_NOT_SUPPORTED`).
    Unsupported,
    /// This driver's library does not have the function.
    NoFunction,
    /// The user may not read it.
    Forbidden,
    /// The GPU is lost, and everything with it (`NVML_ERROR_GPU_IS_LOST`).
    Lost,
    /// It failed this time, in NVML's words.
    Failed(String),
}

impl From<NvmlError> for Absent {
    fn from(error: NvmlError) -> Self {
        match error {
            NvmlError::NotSupported => Self::Unsupported,
            NvmlError::FailedToLoadSymbol(_) | NvmlError::FunctionNotFound => Self::NoFunction,
            NvmlError::NoPermission => Self::Forbidden,
            NvmlError::GpuLost => Self::Lost,
            other => Self::Failed(other.to_string()),
        }
    }
}

impl Absent {
    /// Why it is not to be had at all, as a sentence; `None` for what may be there the next time.
    pub fn why(&self) -> Option<&'static str> {
        match self {
            Self::Unsupported => Some("The driver does not support it on this GPU."),
            Self::NoFunction => Some("The library of this driver does not have the function."),
            Self::Forbidden => Some("The driver does not let this user read it."),
            Self::Lost | Self::Failed(_) => None,
        }
    }
}

/// A value in the unit of its metric, or why there is none.
pub type Value = Result<f64, Absent>;

/// All that is read of a GPU at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    pub values: BTreeMap<Metric, Value>,
    /// PCIe transfers repeated since the driver was loaded; the metric is how much it rises.
    pub replays: Option<Result<u32, Absent>>,
    /// The most power that it may take now, in watts; none where the driver does not tell.
    pub power_cap: Option<f64>,
}

impl Read {
    /// Did any function say that the GPU is lost?
    pub fn says_lost(&self) -> bool {
        let replays = self.replays.iter().filter_map(|replays| replays.as_ref().err());
        self.values.values().filter_map(|value| value.as_ref().err()).chain(replays).any(|why| *why == Absent::Lost)
    }

    /// If nothing at all could be read: the first of NVML's words.
    pub fn failure(&self) -> Option<String> {
        let mut whys = Vec::new();
        for value in self.values.values() {
            whys.push(value.as_ref().err()?);
        }
        whys.into_iter().find_map(|why| match why {
            Absent::Failed(words) => Some(words.clone()),
            _ => None,
        })
    }
}

/// Reads all of it. Each function is asked, whatever came of the others.
pub fn read(device: &Device<'_>) -> Read {
    // NVML counts per cent, bytes, milliwatts, degrees Celsius and megahertz.
    let memory = device.memory_info().map_err(Absent::from);
    let ecc = |kind| device.total_ecc_errors(kind, EccCounter::Volatile).map(count).map_err(Absent::from);
    let clock = |of| device.clock_info(of).map(f64::from).map_err(Absent::from);
    let [heat, rows, failure] = fields(device);
    let values = [
        (Metric::Utilisation, device.utilization_rates().map(|of| f64::from(of.gpu) / 100.0).map_err(Absent::from)),
        (Metric::MemoryUsed, memory.as_ref().map(|memory| count(memory.used)).map_err(Clone::clone)),
        (Metric::MemoryTotal, memory.as_ref().map(|memory| count(memory.total)).map_err(Clone::clone)),
        (Metric::Power, device.power_usage().map(|milliwatts| f64::from(milliwatts) / 1_000.0).map_err(Absent::from)),
        (Metric::Temperature, device.temperature(TemperatureSensor::Gpu).map(f64::from).map_err(Absent::from)),
        (Metric::MemoryTemperature, heat),
        (Metric::SmClock, clock(Clock::SM)),
        (Metric::MemoryClock, clock(Clock::Memory)),
        (Metric::ClockReasons, reasons(device)),
        (Metric::EccUncorrected, ecc(MemoryError::Uncorrected)),
        (Metric::EccCorrected, ecc(MemoryError::Corrected)),
        (Metric::RowsRemapped, rows),
        (Metric::RemapFailed, failure.map(|failed| f64::from(u8::from(failed != 0.0)))),
    ];
    let power_cap = device.enforced_power_limit().ok().map(|milliwatts| f64::from(milliwatts) / 1_000.0);
    Read { values: values.into(), replays: Some(device.pcie_replay_counter().map_err(Absent::from)), power_cap }
}

/// The bits as they are, also those that are newer than the wrapper's list.
fn reasons(device: &Device<'_>) -> Value {
    match device.current_throttle_reasons_strict() {
        Ok(reasons) => Ok(count(reasons.bits())),
        Err(NvmlError::IncorrectBits(Bits::U64(bits))) => Ok(count(bits)),
        Err(error) => Err(error.into()),
    }
}

/// What NVML has as numbered fields alone: temperature of the memory, rows remapped for uncorrectable errors, and
/// whether a remapping failed.
fn fields(device: &Device<'_>) -> [Value; 3] {
    let wanted = [NVML_FI_DEV_MEMORY_TEMP, NVML_FI_DEV_REMAPPED_UNC, NVML_FI_DEV_REMAPPED_FAILURE].map(FieldId);
    match device.field_values_for(&wanted) {
        Err(error) => {
            let why = Absent::from(error);
            [Err(why.clone()), Err(why.clone()), Err(why)]
        }
        Ok(samples) => {
            let mut samples = samples.into_iter();
            [(); 3].map(|()| {
                let sample = samples.next().ok_or(NvmlError::NoData).flatten().and_then(|sample| sample.value);
                sample.map(number).map_err(Absent::from)
            })
        }
    }
}

fn number(value: SampleValue) -> f64 {
    match value {
        SampleValue::F64(value) => value,
        SampleValue::U32(value) => f64::from(value),
        SampleValue::U64(value) => count(value),
        #[allow(clippy::cast_precision_loss, reason = "a reading keeps seven digits")]
        SampleValue::I64(value) => value as f64,
    }
}

#[allow(clippy::cast_precision_loss, reason = "a reading keeps seven digits")]
fn count(n: u64) -> f64 {
    n as f64
}
