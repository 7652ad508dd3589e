//! What a large fleet says in a day: readings with the noise of real ones every ten seconds, and facts all the while.
//!
//! Noise is modelled on what dcgm-exporter tells of H100s in training: jobs of 8 to 64 GPUs that last minutes to hours,
//! four fifths of the fleet busy. Of a busy GPU utilisation is whole per cents near 99, tensor cores are active
//! 0.42 ± 0.02 and memory 0.35 ± 0.015 in six digits, power is 560 ± 9 W in milliwatts, the chip's temperature follows it
//! in whole degrees, memory in use moves by some MiB once in five minutes, clocks fall in steps of 15 MHz when power is at its limit; an idle one
//! draws 70 ± 0.4 W and does nothing.

use pilothouse_wire::{ConnectionId, Metric, Reading, Stamp};
use pilothouse_world::fact::{DeviceClaim, DeviceFact, DevicesFact, EventFact, Kind, ReadingsFact, SourceFact};
use pilothouse_world::{Batch, Fact};

use crate::chance::Chance;
use crate::made::{self, START};

/// GPUs of a node.
pub const GPUS: usize = 8;
/// Time between measurements, in milliseconds.
pub const EVERY_MS: i64 = 10_000;

/// What is measured.
pub const METRICS: [Metric; 8] = [
    Metric::Utilisation,
    Metric::TensorActive,
    Metric::DramActive,
    Metric::MemoryUsed,
    Metric::Power,
    Metric::Temperature,
    Metric::SmClock,
    Metric::Xid,
];

fn cluster() -> ConnectionId {
    ConnectionId::slug("largest")
}

/// Who measures.
pub fn measures() -> ConnectionId {
    ConnectionId::slug("exporters")
}

fn node_name(node: usize) -> String {
    format!("gpu-{node:05}")
}

/// The UUID of a GPU.
pub fn uuid(gpu: usize) -> String {
    // As NVIDIA's: nothing in one tells of the next.
    let mut chance = Chance::new(gpu as u64);
    let mut hex =
        |digits: usize| (0..digits).map(|_| char::from(b"0123456789abcdef"[chance.below(16)])).collect::<String>();
    format!("GPU-{}-{}-{}-{}-{}", hex(8), hex(4), hex(4), hex(4), hex(12))
}

/// What the GPUs of a job do.
#[derive(Clone, Copy)]
struct Job {
    until: usize,
    busy: bool,
    tensor: f32,
    memory: f32,
    used_mib: f32,
    watts: f32,
}

/// A fleet that goes on, step by step.
pub struct Load {
    nodes: usize,
    facts_a_day: usize,
    chance: Chance,
    step: usize,
    told: usize,
    jobs: Vec<Job>,
    heat: Vec<f32>,
    xids: Vec<f32>,
    used_mib: Vec<f32>,
    pods: usize,
}

impl Load {
    /// A fleet of so many nodes that tells so many facts a day.
    pub fn new(nodes: usize, facts_a_day: usize) -> Self {
        let mut chance = Chance::new(11);
        let jobs = (0..nodes).map(|_| job(&mut chance, 0)).collect();
        let heat = vec![40.0; nodes * GPUS];
        Self {
            nodes,
            facts_a_day,
            chance,
            step: 0,
            told: 0,
            jobs,
            heat,
            xids: vec![0.0; nodes * GPUS],
            used_mib: vec![0.0; nodes * GPUS],
            pods: 0,
        }
    }

    /// When it is.
    pub fn now(&self) -> Stamp {
        Stamp(START.0 + self.step as i64 * EVERY_MS)
    }

    /// What was known when it began.
    pub fn lists(&self) -> Vec<Batch> {
        let labels = [
            ("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"),
            ("node.kubernetes.io/instance-type", "p5.48xlarge"),
            ("topology.kubernetes.io/zone", "eu-west-1a"),
        ];
        let node = |n| Fact::Node(Box::new(made::node(&node_name(n), &made::whole(GPUS as u64), &labels)));
        let pod = |n: usize| self.pod(n, &format!("train-{n:05}-0"), &format!("train-{}", n / 8), 8);
        let daemon = |n: usize| {
            let (kind, node) = (n / self.nodes, n % self.nodes);
            self.pod(node, &format!("agent-{kind}-{node:05}"), &format!("agent-{kind}"), 0)
        };
        let pods = (0..self.nodes).map(pod).chain((0..self.nodes * 7).map(daemon)).collect();
        let devices = (0..self.nodes * GPUS).map(|gpu| DeviceFact {
            uuid: uuid(gpu).into(),
            node: Some(node_name(gpu / GPUS).into()),
            index: Some((gpu % GPUS) as u16),
            pci: Some(format!("00000000:{:02X}:00.0", 0x1b + gpu % GPUS * 0x11).into()),
            product: Some("NVIDIA H100 80GB HBM3".into()),
            driver: Some("580.95.05".into()),
            claims: vec![DeviceClaim {
                namespace: "training".into(),
                pod: format!("train-{:05}-0", gpu / GPUS).into(),
                ..DeviceClaim::default()
            }],
        });
        let devices = devices.collect();
        let list = DevicesFact {
            list: 1,
            cluster: Some(cluster()),
            interval_ms: EVERY_MS as u64,
            devices,
            missing: Vec::new(),
        };
        vec![
            made::listing(&cluster(), Kind::Node, (0..self.nodes).map(node).collect()),
            made::listing(&cluster(), Kind::Pod, pods),
            made::news(&measures(), START, vec![Fact::Devices(Box::new(list))]),
        ]
    }

    fn pod(&self, node: usize, name: &str, set: &str, gpus: u64) -> Fact {
        let namespace = if gpus > 0 { "training" } else { "system" };
        let amounts = made::whole(gpus);
        let gpus = if gpus > 0 { &amounts[..] } else { &[] };
        Fact::Pod(Box::new(made::pod(namespace, name, set, &node_name(node), gpus)))
    }

    /// What is said in the next ten seconds.
    pub fn next(&mut self) -> Vec<Batch> {
        self.step += 1;
        let now = self.now();
        for node in 0..self.nodes {
            if self.jobs[node].until <= self.step {
                self.jobs[node] = job(&mut self.chance, self.step);
            }
        }
        let mut batches = vec![made::news(
            &measures(),
            now,
            vec![Fact::Source(SourceFact::Heard), Fact::Readings(Box::new(self.readings(now)))],
        )];
        let due = (self.step as u128 * self.facts_a_day as u128 / 8_640) as usize;
        while self.told < due {
            let facts = self.facts(now);
            self.told += facts.len();
            batches.push(made::news(&cluster(), Stamp(now.0 + batches.len() as i64 * 7), facts));
        }
        batches
    }

    /// A pod comes, runs or goes, or an event tells of one.
    fn facts(&mut self, now: Stamp) -> Vec<Fact> {
        let pod = self.pods % 4_000;
        self.pods += 1;
        let (node, name) = (pod % self.nodes, format!("batch-{pod:04}-{:05x}", self.pods / 4_000));
        let event = EventFact {
            uid: format!("{:08x}-ev", self.pods % 1_500).into(),
            kind: "Pod".into(),
            namespace: Some("batch".into()),
            name: name.as_str().into(),
            warning: self.chance.once_in(10),
            reason: self.chance.of(["Scheduled", "Pulled", "Started", "BackOff"]).into(),
            note: format!("{name} on {}", node_name(node)),
            count: 1,
            at: now,
        };
        let gone = format!("batch-{pod:04}-{:05x}", (self.pods / 4_000).saturating_sub(1));
        vec![
            self.pod(node, &name, &format!("batch-{:03}", pod / 16), 0),
            Fact::Event(Box::new(event)),
            Fact::PodGone("system".into(), gone.into()),
        ]
    }

    fn readings(&mut self, now: Stamp) -> ReadingsFact {
        let gpus = self.nodes * GPUS;
        let mut columns: Vec<Vec<Reading>> = METRICS.iter().map(|_| Vec::with_capacity(gpus)).collect();
        let mut at = Vec::with_capacity(gpus);
        for gpu in 0..gpus {
            let job = self.jobs[gpu / GPUS];
            // Each node is scraped at its own time of the ten seconds, and a scrape fails now and then.
            let scrape = (gpu / GPUS * 7_919 % 9_000) as i64;
            at.push((!self.lost(gpu)).then_some(Stamp(now.0 - 1_000 - scrape)));
            let of = self.gpu(gpu, job);
            columns.iter_mut().zip(of).for_each(|(column, value)| column.push(Reading::of(value)));
        }
        ReadingsFact { list: 1, at, columns: METRICS.into_iter().zip(columns).collect() }
    }

    fn lost(&self, gpu: usize) -> bool {
        (gpu / GPUS + self.step * 31).is_multiple_of(2_003)
    }

    fn gpu(&mut self, gpu: usize, job: Job) -> [f32; 8] {
        let noise =
            [normal(&mut self.chance), normal(&mut self.chance), normal(&mut self.chance), normal(&mut self.chance)];
        let rare = self.chance.below(4_000_000);
        if rare == 0 {
            self.xids[gpu] = if self.xids[gpu] == 0.0 { 94.0 } else { 0.0 };
        }
        let (util, tensor, memory, watts) = match job.busy {
            true => (
                (0.99 + 0.008 * noise[3]).clamp(0.0, 1.0),
                digits((job.tensor + 0.02 * noise[0]).clamp(0.0, 1.0), 1e6),
                digits((job.memory + 0.015 * noise[1]).clamp(0.0, 1.0), 1e6),
                (job.watts + 9.0 * noise[2]).clamp(60.0, 700.0),
            ),
            false => (0.0, 0.0, 0.0, 70.0 + 0.4 * noise[2]),
        };
        let heat = &mut self.heat[gpu];
        *heat += ((24.0 + watts / 15.0) - *heat) * 0.05;
        let clock = if !job.busy { 345.0 } else { 1_980.0 - 15.0 * ((watts - 560.0) / 12.0).max(0.0).floor() };
        if job.busy && self.chance.once_in(30) {
            self.used_mib[gpu] = (2.0 * noise[1]).round();
        }
        let used = job.used_mib + if job.busy { self.used_mib[gpu] } else { 0.0 };
        [digits(util, 1e2), tensor, memory, used * 1_048_576.0, digits(watts, 1e3), heat.round(), clock, self.xids[gpu]]
    }
}

fn job(chance: &mut Chance, step: usize) -> Job {
    let busy = chance.below(5) > 0;
    Job {
        until: step + 60 + chance.below(2_400),
        busy,
        tensor: 0.3 + chance.below(250) as f32 / 1_000.0,
        memory: 0.25 + chance.below(200) as f32 / 1_000.0,
        used_mib: if busy { 60_000.0 + chance.below(18_000) as f32 } else { 3.0 },
        watts: 480.0 + chance.below(160) as f32,
    }
}

fn digits(value: f32, of: f32) -> f32 {
    (f64::from(value) * f64::from(of)).round() as f32 / of
}

/// About a normal distribution of variance 1.
fn normal(chance: &mut Chance) -> f32 {
    let bits = chance.below(usize::MAX) as u64;
    let parts = [bits & 0xffff, bits >> 16 & 0xffff, bits >> 32 & 0xffff];
    let sum: f32 = parts.into_iter().map(|part| part as f32 / 65_536.0 - 0.5).sum();
    sum * 2.0
}
