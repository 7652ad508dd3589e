//! The facts of the largest fleet: its lists, made as they are needed, and then one measurement after another.

use pilothouse_wire::{ConnectionId, Metric, Reading, Stamp};
use pilothouse_world::fact::{DeviceClaim, DeviceFact, DevicesFact, Kind, ReadingsFact, SourceFact};
use pilothouse_world::{Batch, Fact};

use crate::chance::Chance;
use crate::made::{self, START};

const NODES: usize = 10_000;
/// GPUs of a node.
const GPUS: usize = 8;
/// Pods of a node; those that hold no GPU are daemons and the like.
const PODS: usize = 10;
/// Time between measurements, in milliseconds: 0.1 Hz.
const EVERY_MS: i64 = 10_000;
/// GPUs of each pod of a node, by the kind of node: one for all of it, or several.
const SHAPES: [&[u64]; 4] = [&[8], &[4, 4], &[2, 2, 2, 2], &[1, 1, 1, 1, 1, 1]];

/// What is measured, and about how much.
pub const METRICS: [(Metric, f32); 8] = [
    (Metric::Utilisation, 0.8),
    (Metric::TensorActive, 0.4),
    (Metric::MemoryUsed, 70e9),
    (Metric::MemoryTotal, 80e9),
    (Metric::Power, 600.0),
    (Metric::Temperature, 60.0),
    (Metric::SmClock, 1_900.0),
    (Metric::Xid, 0.0),
];

fn cluster() -> ConnectionId {
    ConnectionId::slug("largest")
}

fn measures() -> ConnectionId {
    ConnectionId::slug("exporters")
}

fn node_name(node: usize) -> String {
    format!("gpu-{node:05}")
}

/// GPU pods of a node by name, with the GPUs that each holds.
fn holders(node: usize) -> impl Iterator<Item = (String, u64)> {
    let shape = SHAPES[node % SHAPES.len()];
    shape.iter().enumerate().map(move |(number, gpus)| (format!("train-{node:05}-{number}"), *gpus))
}

/// The cluster's lists and that of the exporters, each made when the one before is folded.
pub fn lists() -> impl Iterator<Item = Batch> {
    let makers: [fn() -> Batch; 3] = [nodes, pods, devices];
    makers.into_iter().map(|make| make())
}

fn nodes() -> Batch {
    let labels = [
        ("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"),
        ("nvidia.com/gpu.memory", "81559"),
        ("node.kubernetes.io/instance-type", "p5.48xlarge"),
        ("topology.kubernetes.io/zone", "eu-west-1a"),
    ];
    let node = |n| Fact::Node(Box::new(made::node(&node_name(n), &made::whole(GPUS as u64), &labels)));
    made::listing(&cluster(), Kind::Node, (0..NODES).map(node).collect())
}

fn pods() -> Batch {
    let mut facts = Vec::with_capacity(NODES * PODS);
    for node in 0..NODES {
        let on = node_name(node);
        let first = facts.len();
        for (name, gpus) in holders(node) {
            let set = format!("train-{}", node % 2_000);
            facts.push(Fact::Pod(Box::new(made::pod("training", &name, &set, &on, &made::whole(gpus)))));
        }
        for number in facts.len() - first..PODS {
            let (name, set) = (format!("agent-{number}-{node:05}"), format!("agent-{number}"));
            facts.push(Fact::Pod(Box::new(made::pod("system", &name, &set, &on, &[]))));
        }
    }
    made::listing(&cluster(), Kind::Pod, facts)
}

fn devices() -> Batch {
    let mut devices = Vec::with_capacity(NODES * GPUS);
    for node in 0..NODES {
        let of = holders(node).flat_map(|(pod, gpus)| std::iter::repeat_n(Some(pod), gpus as usize));
        for (index, pod) in (0..GPUS as u16).zip(of.chain(std::iter::repeat(None))) {
            let claim =
                |pod: String| DeviceClaim { namespace: "training".into(), pod: pod.into(), ..DeviceClaim::default() };
            devices.push(DeviceFact {
                uuid: format!("GPU-{node:08x}-0000-4000-8000-{index:012x}").into(),
                node: Some(node_name(node).into()),
                index: Some(index),
                pci: Some(format!("00000000:{:02X}:00.0", 0x1b + index * 0x11).into()),
                product: Some("NVIDIA H100 80GB HBM3".into()),
                driver: Some("580.95.05".into()),
                claims: pod.map(claim).into_iter().collect(),
            });
        }
    }
    let cluster = Some(cluster());
    let list = DevicesFact { list: 1, cluster, interval_ms: EVERY_MS as u64, devices, missing: Vec::new() };
    made::news(&measures(), START, vec![Fact::Devices(Box::new(list))])
}

/// One measurement after another: nearly every value is another one each time.
pub struct Measurements {
    chance: Chance,
    at: Stamp,
}

impl Measurements {
    /// The first one comes next.
    pub fn new() -> Self {
        Self { chance: Chance::new(7), at: START }
    }

    /// What the connector tells of one poll: the readings, and that the source was heard.
    pub fn next(&mut self) -> [Batch; 2] {
        self.at = Stamp(self.at.0 + EVERY_MS);
        let columns = METRICS.iter().map(|(metric, about)| (*metric, self.column(*about))).collect();
        let readings = ReadingsFact { list: 1, at: vec![Some(self.at); NODES * GPUS], columns };
        [Fact::Readings(Box::new(readings)), Fact::Source(SourceFact::Heard)]
            .map(|fact| made::news(&measures(), self.at, vec![fact]))
    }

    fn column(&mut self, about: f32) -> Vec<Reading> {
        (0..NODES * GPUS).map(|_| Reading::of(about * (0.9 + self.chance.below(10_000) as f32 / 100_000.0))).collect()
    }
}
