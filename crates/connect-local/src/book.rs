//! What was seen of the GPUs of this machine, as facts. Pure.

use crate::{
    gpu::{Identity, Measured, Seen},
    host::Host,
    problems,
    reading::Absent,
    replays::Replays,
    session::PERIOD,
};
use pilothouse_wire::{ConnectionId, Health, Metric, Reading, SmolStr, Stamp};
use pilothouse_world::{
    Fact,
    fact::{ConditionFact, DeviceFact, DevicesFact, HostFact, MissingMetric, NodeFact, ReadingsFact},
};
use std::collections::BTreeMap;

/// The resource of a whole GPU, as the device plug-in of Kubernetes calls it: rooms and cells are counted by it.
const GPU: &str = "nvidia.com/gpu";

/// Metrics that NVML is not asked for, or does not have.
const ELSEWHERE: &[Metric] = &[
    Metric::TensorActive,
    Metric::EngineActive,
    Metric::DramActive,
    Metric::SmActive,
    Metric::Nvlink,
    Metric::PcieSent,
    Metric::PcieReceived,
    Metric::Xid,
    Metric::NvlinkErrors,
    Metric::ThermalSlowdown,
    Metric::PowerSlowdown,
];

/// What is known of one GPU of the driver.
#[derive(Clone, Debug, Default)]
struct Known {
    identity: Option<Identity>,
    replays: Replays,
    /// Why metrics are not there, at its last measurement.
    absent: BTreeMap<Metric, Absent>,
    lost: bool,
    /// Its memory in MiB, the unit of the label.
    memory_mib: Option<u64>,
}

/// What there is to say after a round.
#[derive(Debug, Default)]
pub struct News {
    /// The node, if it changed; the list, if it changed; what was measured.
    pub facts: Vec<Fact>,
    /// How the connection is.
    pub health: Health,
    /// Was any GPU measured, or may one still answer?
    pub lives: bool,
}

/// All that is known of this machine.
#[derive(Debug)]
pub struct Book {
    source: ConnectionId,
    name: String,
    host: Host,
    driver: Option<SmolStr>,
    gpus: Vec<Known>,
    list: u32,
    said: Option<DevicesFact>,
    node: Option<NodeFact>,
    machine: Option<HostFact>,
}

impl Book {
    /// Of a connection and its machine.
    pub fn new(source: ConnectionId, name: String, host: Host) -> Self {
        Self { source, name, host, driver: None, gpus: Vec::new(), list: 0, said: None, node: None, machine: None }
    }

    /// The driver was loaded, or went.
    pub fn driver(&mut self, version: Option<&str>) {
        self.driver = version.map(SmolStr::new);
        if version.is_none() {
            self.gpus.clear();
        }
    }

    /// Takes in a round: what was seen of each GPU, in the order of their numbers.
    pub fn take(&mut self, seen: &[Seen]) -> News {
        self.gpus.resize_with(seen.len(), Known::default);
        let rises: Vec<Option<u32>> = self.gpus.iter_mut().zip(seen).map(|(gpu, seen)| gpu.take(seen)).collect();
        let mut facts = Vec::new();
        facts.extend(self.node_if_changed().map(|node| Fact::Node(Box::new(node))));
        facts.extend(self.machine_if_changed(seen).map(|host| Fact::Host(Box::new(host))));
        facts.extend(self.list_if_changed().map(|list| Fact::Devices(Box::new(list))));
        facts.extend(self.readings(seen, &rises).map(|readings| Fact::Readings(Box::new(readings))));
        News {
            facts,
            health: problems::health(&self.name, seen),
            lives: seen.is_empty() || seen.iter().any(|seen| matches!(seen, Seen::Measured(_) | Seen::Silent)),
        }
    }

    /// The node as it is now.
    pub fn node(&mut self) -> NodeFact {
        let node = self.reckon_node();
        self.node = Some(node.clone());
        node
    }

    fn node_if_changed(&mut self) -> Option<NodeFact> {
        let node = self.reckon_node();
        (self.node.as_ref() != Some(&node)).then(|| self.node())
    }

    /// The machine, and how many processes use each GPU: of one that gives no answer it is not known.
    pub fn machine_if_changed(&mut self, seen: &[Seen]) -> Option<HostFact> {
        let text = |text: &Option<String>| text.as_ref().map(SmolStr::from);
        let processes = seen.iter().filter_map(|seen| match seen {
            Seen::Measured(measured) => Some((measured.identity.uuid.clone(), measured.processes?)),
            _ => None,
        });
        let machine = HostFact {
            node: self.host.name.clone(),
            cores: u32::try_from(self.host.cores).unwrap_or(u32::MAX),
            memory_bytes: self.host.memory,
            processor: text(&self.host.processor),
            system: text(&self.host.system),
            processes: processes.collect(),
        };
        let changed = self.machine.as_ref() != Some(&machine);
        changed.then(|| self.machine.insert(machine).clone())
    }

    /// A GPU that is cut by MIG counts as its instances, as with the device plug-in's strategy `mixed`.
    fn reckon_node(&self) -> NodeFact {
        let mut amounts: BTreeMap<SmolStr, u64> = BTreeMap::new();
        for gpu in &self.gpus {
            match gpu.identity.as_ref().and_then(|identity| identity.slices.as_ref()) {
                None => *amounts.entry(SmolStr::new_static(GPU)).or_default() += 1,
                Some(slices) => {
                    for profile in slices {
                        *amounts.entry(format!("nvidia.com/mig-{profile}").into()).or_default() += 1;
                    }
                }
            }
        }
        let capacity: Vec<(SmolStr, u64)> = amounts.into_iter().collect();
        NodeFact {
            name: self.host.name.clone(),
            labels: self.labels(),
            conditions: self.conditions(),
            allocatable: capacity.clone(),
            capacity,
            ..NodeFact::default()
        }
    }

    /// In the words of NVIDIA's feature discovery, which has no spaces in products.
    fn labels(&self) -> Vec<(SmolStr, SmolStr)> {
        let mut labels = Vec::new();
        if !self.gpus.is_empty() {
            labels.push(("nvidia.com/gpu.count".into(), self.gpus.len().to_string().into()));
        }
        let product = self.gpus.iter().find_map(|gpu| gpu.identity.as_ref()?.product.as_ref());
        labels.extend(product.map(|product| ("nvidia.com/gpu.product".into(), product.replace(' ', "-").into())));
        let memory = self.gpus.iter().find_map(|gpu| gpu.memory_mib);
        labels.extend(memory.map(|mib| ("nvidia.com/gpu.memory".into(), mib.to_string().into())));
        labels.extend(self.driver.clone().map(|driver| ("nvidia.com/cuda.driver-version.full".into(), driver)));
        labels
    }

    /// We run on it, so it is ready; a GPU that the driver lost is told as a condition.
    fn conditions(&self) -> Vec<ConditionFact> {
        let is_true = |kind: &'static str, reason: Option<SmolStr>| ConditionFact {
            kind: SmolStr::new_static(kind),
            status: SmolStr::new_static("True"),
            reason,
            since: None,
        };
        let mut conditions = vec![is_true("Ready", None)];
        if self.gpus.iter().any(|gpu| gpu.lost) {
            conditions.push(is_true("GpuLost", Some(SmolStr::new_static("NVML_ERROR_GPU_IS_LOST"))));
        }
        conditions
    }

    fn list_if_changed(&mut self) -> Option<DevicesFact> {
        let list = DevicesFact {
            list: self.list,
            cluster: Some(self.source.clone()),
            interval_ms: u64::try_from(PERIOD.as_millis()).unwrap_or(u64::MAX),
            devices: self.identities().map(|(_, identity)| self.device(identity)).collect(),
            missing: self.missing(),
        };
        if self.said.as_ref() == Some(&list) {
            return None;
        }
        self.list = self.list.wrapping_add(1);
        let list = DevicesFact { list: self.list, ..list };
        self.said = Some(list.clone());
        Some(list)
    }

    /// GPUs that said who they are, with their places among all of the driver's.
    fn identities(&self) -> impl Iterator<Item = (usize, &Identity)> {
        self.gpus.iter().enumerate().filter_map(|(place, gpu)| Some((place, gpu.identity.as_ref()?)))
    }

    fn device(&self, identity: &Identity) -> DeviceFact {
        DeviceFact {
            uuid: identity.uuid.clone(),
            node: Some(self.host.name.clone()),
            index: u16::try_from(identity.index).ok(),
            pci: identity.pci.clone(),
            product: identity.product.clone(),
            driver: self.driver.clone(),
            claims: Vec::new(),
        }
    }

    /// What none of the GPUs has, and why.
    fn missing(&self) -> Vec<MissingMetric> {
        let known: Vec<&Known> = self.gpus.iter().filter(|gpu| gpu.identity.is_some()).collect();
        let Some(first) = known.first() else { return Vec::new() };
        let own = first.absent.iter().filter_map(|(metric, absent)| {
            let why = absent.why()?;
            let all = known.iter().all(|gpu| gpu.absent.get(metric).is_some_and(|absent| absent.why().is_some()));
            all.then(|| MissingMetric { metric: *metric, why: why.to_owned(), next: None })
        });
        let mut missing: Vec<MissingMetric> = own.collect();
        let counts = known.iter().any(|gpu| !gpu.absent.contains_key(&Metric::PcieReplays));
        if counts && !known.iter().any(|gpu| gpu.replays.is_full()) {
            missing.push(MissingMetric {
                metric: Metric::PcieReplays,
                why: "NVML counts them since the driver was loaded: that there were none in ten minutes is known once \
                      ten minutes were watched."
                    .to_owned(),
                next: None,
            });
        }
        missing.extend(ELSEWHERE.iter().map(|metric| MissingMetric {
            metric: *metric,
            why: "This connection does not read it.".to_owned(),
            next: Some("Run dcgm-exporter here, and connect the Prometheus that scrapes it.".to_owned()),
        }));
        missing
    }

    /// One reading a GPU of the list; a column in which nothing was measured is left out.
    fn readings(&self, seen: &[Seen], rises: &[Option<u32>]) -> Option<ReadingsFact> {
        let places: Vec<usize> = self.identities().map(|(place, _)| place).collect();
        let measured: Vec<Option<&Measured>> = places
            .iter()
            .map(|place| match seen.get(*place) {
                Some(Seen::Measured(measured)) => Some(&**measured),
                _ => None,
            })
            .collect();
        let at: Vec<Option<Stamp>> = measured.iter().map(|measured| measured.map(|measured| measured.at)).collect();
        if at.iter().all(Option::is_none) {
            return None;
        }
        let column = |metric: Metric| -> Vec<Reading> {
            let read = |(measured, place): (&Option<&Measured>, &usize)| match metric {
                Metric::PcieReplays => rises[*place].map(f64::from),
                metric => measured.and_then(|measured| measured.read.values.get(&metric)?.as_ref().ok()).copied(),
            };
            measured.iter().zip(&places).map(|pair| read(pair).map_or(Reading::ABSENT, Reading::of_f64)).collect()
        };
        let columns = Metric::ALL.iter().map(|metric| (*metric, column(*metric)));
        let columns = columns.filter(|(_, column)| column.iter().any(|reading| !reading.is_absent())).collect();
        Some(ReadingsFact { list: self.list, at, columns })
    }
}

impl Known {
    /// Takes in what was seen of it; tells by how much its PCIe replays rose.
    fn take(&mut self, seen: &Seen) -> Option<u32> {
        // One that gives no answer is as it was.
        self.lost = *seen == Seen::Lost || self.lost && *seen == Seen::Silent;
        let Seen::Measured(measured) = seen else { return None };
        if self.identity.as_ref().is_some_and(|known| known.uuid != measured.identity.uuid) {
            *self = Self::default();
        }
        self.identity = Some(measured.identity.clone());
        let memory = measured.read.values.get(&Metric::MemoryTotal);
        self.memory_mib = memory.and_then(|memory| memory.as_ref().ok()).map(|bytes| mib(*bytes)).or(self.memory_mib);
        let values = measured.read.values.iter();
        self.absent = values.filter_map(|(metric, value)| Some((*metric, value.as_ref().err()?.clone()))).collect();
        match &measured.read.replays {
            Some(Ok(count)) => self.replays.rise(measured.at, *count),
            Some(Err(why)) => {
                self.absent.insert(Metric::PcieReplays, why.clone());
                None
            }
            None => None,
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of bytes is whole and no less than 0"
)]
fn mib(bytes: f64) -> u64 {
    bytes as u64 >> 20
}

#[cfg(test)]
#[path = "book/tests.rs"]
mod tests;
