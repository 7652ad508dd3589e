//! What is measured of a cluster's GPUs, as an exporter on each node tells it: who they are, and readings; and of its
//! pods' serving engines, as they tell themselves.

mod load;
mod noise;
mod sample;
mod serving;

pub(crate) use serving::engine_of;

use crate::{
    dice::{hash, mix},
    names,
    stage::{PLACES, Slot, Stage},
};
use load::Load;
use pilothouse_wire::{Metric, Reading, SmolStr, Stamp};
use pilothouse_world::{
    Fact,
    fact::{DeviceClaim, DeviceFact, DevicesFact, MissingMetric, NodeFact, ReadingsFact},
};
use sample::{Ails, Gpu, MEASURED, Sample, measure};
use std::time::Duration;

/// How often GPUs are measured, if nobody chose.
const INTERVAL: Duration = Duration::from_secs(5);
/// How often a new list is said at most.
const LISTS: Duration = Duration::from_secs(5);
/// How long a GPU takes to cool down, in milliseconds.
const COOLS_MS: f32 = 120_000.0;
/// One exporter of so many cannot ask the kubelet which pod holds which GPU.
const BLIND: usize = 48;

const DRIVER: &str = "580.95.05";
/// Where the GPUs of an eight-GPU board sit on their buses.
const BUSES: [&str; PLACES] = ["1B", "43", "52", "61", "9D", "C3", "D1", "DF"];

/// The exporters of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry {
    nodes: Vec<SmolStr>,
    /// All GPUs, node by node, as they were last said.
    devices: Vec<DeviceFact>,
    /// The first exporter that names no pods; each [`BLIND`]th from there on is like it.
    blind: usize,
    /// The place of the GPU whose profiling counters are not to be had.
    unprofiled: usize,
    /// How often GPUs are measured.
    interval: Duration,
    list: u32,
    listed: Option<Stamp>,
    measured: Option<Stamp>,
    served: Option<Stamp>,
}

impl Telemetry {
    /// The exporters of a cluster before they have said anything.
    pub fn new(stage: &Stage) -> Self {
        let nodes: Vec<SmolStr> = stage.nodes.keys().cloned().collect();
        let of_node = |node: &SmolStr| {
            let node = node.clone();
            (0..PLACES).map(move |gpu| device(stage, &node, gpu))
        };
        let devices: Vec<DeviceFact> = nodes.iter().flat_map(of_node).collect();
        let chosen = |purpose: &str, of: usize| (hash(stage.seed, purpose) % (of as u64).max(1)) as usize;
        let (blind, unprofiled) = (chosen("blind", BLIND), chosen("profiled elsewhere", devices.len()));
        Self {
            nodes,
            devices,
            blind,
            unprofiled,
            interval: INTERVAL,
            list: 0,
            listed: None,
            measured: None,
            served: None,
        }
    }

    /// Measures so often from now on.
    pub fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
    }

    /// What is to be said now: a list if GPUs changed hands, readings if it is time.
    pub fn due(&mut self, stage: &mut Stage) -> Vec<Fact> {
        let now = stage.now;
        let passed = |since: Option<Stamp>, span| since.is_none_or(|since| now.since(since) >= span);
        let mut facts = Vec::new();
        if self.listed.is_none() || stage.slots.is_changed() && passed(self.listed, LISTS) {
            facts.push(Fact::Devices(Box::new(self.list(stage))));
        }
        if passed(self.measured, self.interval) {
            self.measured = Some(now);
            facts.push(Fact::Readings(Box::new(self.readings(stage))));
        }
        if passed(self.served, serving::INTERVAL) {
            self.served = Some(now);
            let said = serving::said(stage);
            // A cluster that serves nothing says nothing.
            facts.extend((!said.pods.is_empty()).then(|| Fact::Serving(Box::new(said))));
        }
        facts
    }

    /// All of it, as somebody hears it who asks anew.
    pub fn anew(&mut self, stage: &mut Stage) -> Vec<Fact> {
        (self.listed, self.measured, self.served) = (None, None, None);
        self.due(stage)
    }

    /// Who the GPUs are and which pods hold them.
    fn list(&mut self, stage: &mut Stage) -> DevicesFact {
        let changed = stage.slots.take_changed();
        let all = self.listed.is_none();
        for ((n, node), devices) in self.nodes.iter().enumerate().zip(self.devices.chunks_mut(PLACES)) {
            if (all || changed.contains(node)) && n % BLIND != self.blind {
                for (device, slot) in devices.iter_mut().zip(stage.slots.of(node)) {
                    device.claims = claims(stage, slot);
                }
            }
        }
        self.list = self.list.wrapping_add(1);
        self.listed = Some(stage.now);
        DevicesFact {
            list: self.list,
            cluster: None,
            interval_ms: u64::try_from(self.interval.as_millis()).unwrap_or(5_000),
            devices: self.devices.clone(),
            missing: vec![MissingMetric {
                metric: Metric::MemoryClock,
                why: "The exporter's list of counters leaves it out.".into(),
                next: Some("DCGM_FI_DEV_MEM_CLOCK, gauge, Memory clock frequency (in MHz).".into()),
            }],
        }
    }

    /// What is measured of all GPUs at this moment. Those of a node that is not heard are not.
    fn readings(&self, stage: &Stage) -> ReadingsFact {
        let mut at = Vec::with_capacity(self.devices.len());
        let mut columns = MEASURED.map(|metric| (metric, Vec::with_capacity(self.devices.len())));
        let mib = stage.cast().hardware.memory_mib.parse().unwrap_or(0.0);
        for (n, node) in self.nodes.iter().enumerate() {
            let heard = stage.nodes.get(node).is_some_and(NodeFact::is_ready);
            at.extend(std::iter::repeat_n(heard.then_some(stage.now), PLACES));
            let samples = if heard { self.node(stage, n, node, mib) } else { [NOTHING; PLACES] };
            for sample in samples {
                for ((_, column), reading) in columns.iter_mut().zip(sample) {
                    column.push(reading);
                }
            }
        }
        ReadingsFact { list: self.list, at, columns: columns.into() }
    }

    fn node(&self, stage: &Stage, n: usize, node: &SmolStr, mib: f32) -> [Sample; PLACES] {
        let ailments = stage.ailments.of(node);
        let mut last: Option<(u32, Load)> = None;
        let slots = stage.slots.of(node);
        std::array::from_fn(|place| {
            let (slot, at) = (slots[place], n * PLACES + place);
            let load = slot.holder.map(|no| match last {
                Some((known, load)) if known == no => load,
                _ => {
                    let load = stage.players.get(&no).map(|player| load::of_pod(stage, no, player)).unwrap_or_default();
                    last = Some((no, load));
                    load
                }
            });
            let rested = |since: Stamp| (stage.now.since(since).as_secs_f32() * 1_000.0 / COOLS_MS).min(1.0);
            let gpu = Gpu {
                hardware: &stage.cast().hardware,
                mib,
                key: mix(stage.seed.rotate_left(17) ^ at as u64),
                load: load.unwrap_or_default(),
                held: load.is_some(),
                cooled: slot.since.map_or(1.0, rested),
                unprofiled: at == self.unprofiled,
            };
            measure(&gpu, Ails::of(ailments, place), stage.now)
        })
    }
}

const NOTHING: Sample = [Reading::ABSENT; MEASURED.len()];

fn device(stage: &Stage, node: &SmolStr, gpu: usize) -> DeviceFact {
    DeviceFact {
        uuid: SmolStr::from(format!("GPU-{}", names::uid(stage.seed, &format!("gpu/{node}/{gpu}")))),
        node: Some(node.clone()),
        index: u16::try_from(gpu).ok(),
        pci: Some(SmolStr::from(format!("00000000:{}:00.0", BUSES[gpu]))),
        product: Some(SmolStr::new_static(stage.cast().hardware.product)),
        driver: Some(SmolStr::new_static(DRIVER)),
        claims: Vec::new(),
    }
}

fn claims(stage: &Stage, slot: Slot) -> Vec<DeviceClaim> {
    let pod = slot.holder.and_then(|no| stage.players.get(&no)).map(|player| &player.fact);
    let claim = pod.map(|pod| DeviceClaim {
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        ..DeviceClaim::default()
    });
    claim.into_iter().collect()
}
