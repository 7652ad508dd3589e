//! One measurement of one GPU: its load, its machine and what ails it, turned into readings.

use super::{
    load::Load,
    noise::{between, unit, wave},
};
use crate::{
    fleet::Hardware,
    stage::{Ailment, Fault},
};
use pilothouse_wire::{Metric, Reading, Stamp};

/// What is measured, in the order of the readings of a sample.
pub(super) const MEASURED: [Metric; 16] = [
    Metric::Utilisation,
    Metric::TensorActive,
    Metric::EngineActive,
    Metric::DramActive,
    Metric::MemoryUsed,
    Metric::MemoryTotal,
    Metric::Power,
    Metric::Temperature,
    Metric::MemoryTemperature,
    Metric::SmClock,
    Metric::Nvlink,
    Metric::PcieReplays,
    Metric::Xid,
    Metric::ThermalSlowdown,
    Metric::RowsRemapped,
    Metric::EccUncorrected,
];

/// What was measured of a GPU, in the order of [`MEASURED`].
pub(super) type Sample = [Reading; MEASURED.len()];

const MIB: f32 = 1_048_576.0;
/// The clock of a GPU that has nothing to do.
const RESTS_AT: f32 = 345.0;

/// A GPU in its place, as it is now.
pub(super) struct Gpu<'a> {
    pub hardware: &'a Hardware,
    /// Memory that it has, in MiB.
    pub mib: f32,
    /// What makes it different from all others.
    pub key: u64,
    pub load: Load,
    pub held: bool,
    /// How far it has cooled down since it was last held: 1 is cold.
    pub cooled: f32,
    /// Are its profiling counters taken by somebody else?
    pub unprofiled: bool,
}

/// What ails one GPU, out of what ails its node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ails {
    xid: u32,
    hot: Option<Heat>,
    uncorrected: u32,
    remapped: u32,
    link_down: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Heat {
    /// Its node's air is warm.
    Shared,
    /// It is the one that is named.
    Named,
}

impl Ails {
    pub fn of(all: &[Ailment], gpu: usize) -> Self {
        let mut ails = Self::default();
        for ailment in all {
            let named = ailment.gpu == Some(gpu);
            let here = named || ailment.gpu.is_none();
            match ailment.fault {
                // Air is shared.
                Fault::Heat => ails.hot = Some(if named { Heat::Named } else { Heat::Shared }),
                Fault::Xid(xid) if here => {
                    ails.xid = xid;
                    // These three are of memory.
                    ails.uncorrected += match xid {
                        63 | 94 => 1,
                        95 => 2,
                        _ => 0,
                    };
                }
                Fault::Rows(rows) if here => ails.uncorrected += rows,
                Fault::Remapped(rows) if here => ails.remapped += rows,
                Fault::Link if here => ails.link_down = true,
                _ => {}
            }
        }
        ails
    }
}

/// Measures a GPU.
pub(super) fn measure(gpu: &Gpu<'_>, ails: Ails, now: Stamp) -> Sample {
    // One that has fallen off the bus answers nothing: what the driver said is all there is.
    if ails.xid == 79 {
        return MEASURED.map(|metric| if metric == Metric::Xid { Reading::of(79.0) } else { Reading::ABSENT });
    }
    let (load, machine) = (gpu.load, gpu.hardware);
    let jitter = wave(gpu.key, now, 9_000);
    let slowed = if ails.hot.is_some() { 0.68 + 0.04 * jitter } else { 1.0 };
    let util = (load.util + if load.util > 0.05 { 0.008 * jitter } else { 0.0 }).clamp(0.0, 1.0);
    let tensor = (load.tensor * slowed * (1.0 + 0.02 * jitter)).clamp(0.0, 1.0);
    let dram = (load.dram * slowed * (1.0 + 0.02 * jitter)).clamp(0.0, 1.0);
    let effort = 0.28 * util + 0.62 * (tensor / 0.65) + 0.12 * dram + if gpu.held { 0.05 } else { 0.0 };
    let drawn = between(machine.idle_watts, machine.watts, effort.min(1.0)) + 3.0 * jitter;
    let chip = temperature(gpu, ails, effort, jitter);
    let link = load.link * if ails.link_down { 0.55 } else { 1.0 };
    let clock = if gpu.held { (machine.megahertz - 40.0 * effort) * slowed + 8.0 * jitter } else { RESTS_AT };
    let memory = if gpu.held { load.memory } else { 0.0 };
    let old_rows = if gpu.key.is_multiple_of(397) { 1 } else { 0 };
    let profiled = |value: f32| if gpu.unprofiled { Reading::ABSENT } else { Reading::of(value) };
    MEASURED.map(|metric| match metric {
        Metric::TensorActive => profiled(tensor),
        Metric::EngineActive => profiled(util * 0.96),
        Metric::DramActive => profiled(dram),
        metric => Reading::of(match metric {
            Metric::Utilisation => (util * 100.0).round() / 100.0,
            Metric::MemoryUsed => ((0.006 + memory).min(0.99) * gpu.mib).round() * MIB,
            Metric::MemoryTotal => gpu.mib * MIB,
            Metric::Power => drawn.min(machine.watts),
            Metric::Temperature => chip.round(),
            Metric::MemoryTemperature => (chip + 4.0 + 8.0 * dram).round(),
            Metric::SmClock => (clock / 15.0).round() * 15.0,
            Metric::Nvlink => (link * machine.nvlink * (1.0 + 0.05 * jitter)).max(0.0),
            Metric::PcieReplays => replays(gpu.key, now),
            Metric::Xid => ails.xid as f32,
            Metric::ThermalSlowdown if ails.hot.is_some() => 0.3 + 0.1 * jitter,
            Metric::RowsRemapped => (ails.remapped + old_rows) as f32,
            Metric::EccUncorrected => ails.uncorrected as f32,
            _ => 0.0,
        }),
    })
}

fn temperature(gpu: &Gpu<'_>, ails: Ails, effort: f32, jitter: f32) -> f32 {
    match ails.hot {
        Some(Heat::Named) => 90.5 + 0.4 * jitter,
        Some(Heat::Shared) => 86.0 + 1.4 * jitter,
        None => {
            // The same work makes GPUs differ by a few degrees: where they are in the stream of air.
            let place = 29.0 + 3.0 * unit(gpu.key);
            let warm =
                if gpu.held { 43.0 * effort.min(1.0) * gpu.load.warm } else { 30.0 * (1.0 - gpu.cooled).powi(2) };
            place + warm + 0.6 * jitter
        }
    }
}

/// A few sit in a slot that makes transfers repeat.
fn replays(key: u64, now: Stamp) -> f32 {
    if key.is_multiple_of(499) { (14.0 + 9.0 * wave(key, now, 600_000)).round() } else { 0.0 }
}
