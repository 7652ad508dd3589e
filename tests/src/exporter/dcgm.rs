//! What dcgm-exporter says of a node's GPUs, label for label. Its values are made up.

use std::collections::BTreeMap;
use std::time::Duration;

use super::page::{Numbers, Page};
use crate::fleet::GpuNodes;
use crate::holders::{Holder, Holders, Place};

/// A counter of the exporter's list: its field, its type, its help.
type Counter = (&'static str, &'static str, &'static str);

/// What the exporter collects where nobody has changed its list.
const COUNTERS: &[Counter] = &[
    ("DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz)."),
    ("DCGM_FI_DEV_MEM_CLOCK", "gauge", "Memory clock frequency (in MHz)."),
    ("DCGM_FI_DEV_MEMORY_TEMP", "gauge", "Memory temperature (in C)."),
    ("DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C)."),
    ("DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W)."),
    ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Total energy consumption since boot (in mJ)."),
    ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", "Total number of PCIe retries."),
    ("DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %)."),
    ("DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %)."),
    ("DCGM_FI_DEV_ENC_UTIL", "gauge", "Encoder utilization (in %)."),
    ("DCGM_FI_DEV_DEC_UTIL", "gauge", "Decoder utilization (in %)."),
    ("DCGM_FI_DEV_XID_ERRORS", "gauge", "Value of the last XID error encountered."),
    ("DCGM_FI_DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB)."),
    ("DCGM_FI_DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB)."),
    ("DCGM_FI_DEV_FB_RESERVED", "gauge", "Framebuffer memory reserved (in MiB)."),
    ("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "counter", "Total number of NVLink bandwidth counters for all lanes."),
    ("DCGM_FI_DEV_VGPU_LICENSE_STATUS", "gauge", "vGPU License status"),
    ("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for uncorrectable errors"),
    ("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for correctable errors"),
    ("DCGM_FI_DEV_ROW_REMAP_FAILURE", "gauge", "Whether remapping of rows has failed"),
    ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", "Ratio of time the graphics engine is active."),
    ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "gauge", "Ratio of cycles the tensor (HMMA) pipe is active."),
    (
        "DCGM_FI_PROF_DRAM_ACTIVE",
        "gauge",
        "Ratio of cycles the device memory interface is active sending or receiving data.",
    ),
    (
        "DCGM_FI_PROF_PCIE_TX_BYTES",
        "gauge",
        "The rate of data transmitted over the PCIe bus - including both protocol headers and data payloads - in \
         bytes per second.",
    ),
    (
        "DCGM_FI_PROF_PCIE_RX_BYTES",
        "gauge",
        "The rate of data received over the PCIe bus - including both protocol headers and data payloads - in bytes \
         per second.",
    ),
];

/// What has no meaning for a part of a GPU, and is not said of one.
const WHOLE_ONLY: [&str; 4] =
    ["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_MEM_COPY_UTIL", "DCGM_FI_DEV_ENC_UTIL", "DCGM_FI_DEV_DEC_UTIL"];

/// How a build spells its labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// `UUID`, `Hostname`, `pod`.
    #[default]
    Usual,
    /// As builds of late do: `UUID`, `hostname`, `pod`.
    Late,
    /// As builds of years ago do, or those that are told to: `uuid`, `Hostname`, `pod_name`.
    Old,
}

/// The exporter of one node.
#[derive(Clone, Debug)]
pub struct Node {
    /// `Hostname`.
    pub name: String,
    /// Version of the driver.
    pub driver: String,
    /// Its GPUs.
    pub gpus: Vec<Gpu>,
    /// How it spells labels.
    pub spelling: Spelling,
    /// Does it not reach the kubelet, and name no pods?
    pub names_no_pods: bool,
    /// Other names for counters, as a list of one's own or a relabelling makes them.
    pub renamed: BTreeMap<String, String>,
    /// Counters that its list leaves out.
    pub without: Vec<String>,
}

/// A GPU.
#[derive(Clone, Debug)]
pub struct Gpu {
    /// Its number.
    pub index: u16,
    /// `UUID`.
    pub uuid: String,
    /// `pci_bus_id`.
    pub bus: String,
    /// `modelName`.
    pub product: String,
    /// Memory that it has.
    pub memory_mib: u32,
    /// Values that are not as made up: by counter. NaN and the infinities are said as they are.
    pub values: BTreeMap<String, f64>,
    /// The MIG instances that it is cut into.
    pub instances: Vec<Instance>,
    /// Containers that it is said of besides its holder, each in a series of its own.
    pub also: Vec<Holder>,
    /// Containers that take turns on it, as the exporter says with `KUBERNETES_VIRTUAL_GPUS`: a series each with its
    /// replica, and none of the GPU alone.
    pub turns: Vec<Holder>,
    /// It has vanished: nothing is said of it.
    pub gone: bool,
}

/// What of a GPU a series is of.
#[derive(Clone, Copy)]
enum Part<'a> {
    Whole,
    Instance(&'a Instance),
    /// A turn on the whole of it, by the number of the replica.
    Replica(usize),
}

/// A MIG instance.
#[derive(Clone, Debug)]
pub struct Instance {
    /// `GPU_I_PROFILE`, such as `3g.40gb`.
    pub profile: String,
    /// `GPU_I_ID`.
    pub id: u32,
    /// The container that has it.
    pub holder: Option<Holder>,
}

impl Node {
    /// The exporter of a node with as many GPUs of a product.
    pub fn new(name: &str, gpus: u16, product: &str, memory_mib: u32) -> Self {
        Self {
            name: name.to_owned(),
            driver: "580.95.05".to_owned(),
            gpus: (0..gpus).map(|index| Gpu::new(name, index, product, memory_mib)).collect(),
            spelling: Spelling::Usual,
            names_no_pods: false,
            renamed: BTreeMap::new(),
            without: Vec::new(),
        }
    }

    /// The exporters of the nodes of a pool.
    pub fn of_pool(nodes: &GpuNodes) -> impl Iterator<Item = Self> + '_ {
        let product = nodes.product.replace('-', " ");
        let gpus = u16::try_from(nodes.gpus).unwrap_or(u16::MAX);
        (0..nodes.count).map(move |number| Self::new(&nodes.name(number), gpus, &product, nodes.memory_mib))
    }

    /// Its list has these counters and no others.
    pub fn leave_only(&mut self, fields: &[&str]) {
        let others = COUNTERS.iter().map(|(field, ..)| *field).filter(|field| !fields.contains(field));
        self.without = others.map(str::to_owned).collect();
    }

    /// The page, so long after the driver was loaded.
    pub(super) fn page(&self, holders: &Holders, up: Duration) -> String {
        let mut page = Page::new(Numbers::Plain);
        for (field, kind, help) in COUNTERS.iter().filter(|(field, ..)| !self.without.iter().any(|own| own == field)) {
            let name = self.renamed.get(*field).map_or(*field, String::as_str);
            page.family(name, kind, help);
            for gpu in self.gpus.iter().filter(|gpu| !gpu.gone) {
                let holder = holders.get(&Place { node: self.name.clone(), gpu: gpu.index });
                let value = gpu.values.get(*field).copied().unwrap_or_else(|| gpu.value(field, holder.is_some(), up));
                if !gpu.turns.is_empty() {
                    for (replica, holder) in gpu.turns.iter().enumerate() {
                        self.series(&mut page, name, gpu, Part::Replica(replica), Some(holder), value);
                    }
                } else if gpu.instances.is_empty() {
                    self.series(&mut page, name, gpu, Part::Whole, holder, value);
                    for other in &gpu.also {
                        self.series(&mut page, name, gpu, Part::Whole, Some(other), value);
                    }
                } else if !WHOLE_ONLY.contains(field) {
                    for instance in &gpu.instances {
                        self.series(&mut page, name, gpu, Part::Instance(instance), instance.holder.as_ref(), value);
                    }
                }
            }
        }
        page.into_text()
    }

    fn series(&self, page: &mut Page, name: &str, gpu: &Gpu, part: Part<'_>, holder: Option<&Holder>, value: f64) {
        let (uuid, hostname, [container, namespace, pod]) = match self.spelling {
            Spelling::Usual => ("UUID", "Hostname", ["container", "namespace", "pod"]),
            Spelling::Late => ("UUID", "hostname", ["container", "namespace", "pod"]),
            Spelling::Old => ("uuid", "Hostname", ["container_name", "pod_namespace", "pod_name"]),
        };
        let (index, device) = (gpu.index.to_string(), format!("nvidia{}", gpu.index));
        let number = match part {
            Part::Whole => String::new(),
            Part::Instance(instance) => instance.id.to_string(),
            Part::Replica(replica) => replica.to_string(),
        };
        let mut labels = vec![
            ("gpu", index.as_str()),
            (uuid, &gpu.uuid),
            ("pci_bus_id", &gpu.bus),
            ("device", &device),
            ("modelName", &gpu.product),
        ];
        if let Part::Instance(instance) = part {
            labels.extend([("GPU_I_PROFILE", instance.profile.as_str()), ("GPU_I_ID", number.as_str())]);
        }
        labels.extend([(hostname, self.name.as_str()), ("DCGM_FI_DRIVER_VERSION", &self.driver)]);
        if let Some(holder) = holder.filter(|_| !self.names_no_pods) {
            labels.extend([(container, holder.container.as_str()), (namespace, &holder.namespace), (pod, &holder.pod)]);
            if let Part::Replica(_) = part {
                labels.push(("vgpu", &number));
            }
        }
        page.sample(name, &labels, value);
    }
}

impl Gpu {
    fn new(node: &str, index: u16, product: &str, memory_mib: u32) -> Self {
        Self {
            index,
            uuid: uuid(node, index),
            bus: format!("00000000:{:02X}:00.0", 0x1b + index * 0x11),
            product: product.to_owned(),
            memory_mib,
            values: BTreeMap::new(),
            instances: Vec::new(),
            also: Vec::new(),
            turns: Vec::new(),
            gone: false,
        }
    }

    /// A value as it may be of a GPU that works, or of one that nobody holds.
    fn value(&self, field: &str, held: bool, up: Duration) -> f64 {
        let pick = |busy: f64, idle: f64| if held { busy } else { idle };
        let (memory, reserved) = (f64::from(self.memory_mib), 600.0);
        let used = pick((memory * 0.85).round(), 4.0);
        match field {
            "DCGM_FI_DEV_SM_CLOCK" => pick(1_980.0, 345.0),
            "DCGM_FI_DEV_MEM_CLOCK" => 2_619.0,
            "DCGM_FI_DEV_MEMORY_TEMP" => pick(71.0, 38.0),
            "DCGM_FI_DEV_GPU_TEMP" => pick(61.0, 30.0),
            "DCGM_FI_DEV_POWER_USAGE" => pick(488.315, 70.124),
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" => (up.as_secs_f64() * pick(488_315.0, 70_124.0)).round(),
            "DCGM_FI_DEV_GPU_UTIL" => pick(83.0, 0.0),
            "DCGM_FI_DEV_MEM_COPY_UTIL" => pick(44.0, 0.0),
            "DCGM_FI_DEV_FB_USED" => used,
            "DCGM_FI_DEV_FB_RESERVED" => reserved,
            "DCGM_FI_DEV_FB_FREE" => memory - used - reserved,
            "DCGM_FI_PROF_GR_ENGINE_ACTIVE" => pick(0.812, 0.0),
            "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE" => pick(0.341, 0.0),
            "DCGM_FI_PROF_DRAM_ACTIVE" => pick(0.487, 0.0),
            "DCGM_FI_PROF_PCIE_TX_BYTES" => pick(412_000_000.0, 91_000.0),
            "DCGM_FI_PROF_PCIE_RX_BYTES" => pick(388_000_000.0, 88_000.0),
            _ => 0.0,
        }
    }
}

/// A UUID that is always the same for the same place.
fn uuid(node: &str, index: u16) -> String {
    let fold = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = format!("{node}/{index}").bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    format!("GPU-{:08x}-{:04x}-4000-8000-{:012x}", hash >> 32, hash & 0xffff, hash & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
        page.lines().filter(|line| line.starts_with(&format!("{name}{{"))).collect()
    }

    fn holder() -> Holder {
        Holder { namespace: "serving".into(), pod: "llama-0".into(), container: "server".into() }
    }

    #[test]
    fn series_have_the_labels_of_the_exporter_in_its_order() {
        let mut node = Node::new("h100-0", 2, "NVIDIA H100 80GB HBM3", 81_559);
        let holders = Holders::from([(Place { node: "h100-0".into(), gpu: 0 }, holder())]);
        let page = node.page(&holders, Duration::from_secs(10));
        let uuid = node.gpus[0].uuid.clone();
        assert!(
            page.contains("# HELP DCGM_FI_DEV_GPU_TEMP GPU temperature (in C).\n# TYPE DCGM_FI_DEV_GPU_TEMP gauge\n")
        );
        let temperatures = line(&page, "DCGM_FI_DEV_GPU_TEMP");
        let head = format!(
            "DCGM_FI_DEV_GPU_TEMP{{gpu=\"0\",UUID=\"{uuid}\",pci_bus_id=\"00000000:1B:00.0\",device=\"nvidia0\",\
             modelName=\"NVIDIA H100 80GB HBM3\",Hostname=\"h100-0\",DCGM_FI_DRIVER_VERSION=\"580.95.05\""
        );
        assert_eq!(temperatures[0], format!("{head},container=\"server\",namespace=\"serving\",pod=\"llama-0\"}} 61"));
        assert!(!temperatures[1].contains("pod=") && temperatures[1].ends_with("} 30"));

        node.spelling = Spelling::Old;
        let page = node.page(&holders, Duration::ZERO);
        assert!(page.contains(&format!("uuid=\"{uuid}\"")) && page.contains("pod_name=\"llama-0\""));
        node.spelling = Spelling::Late;
        assert!(node.page(&holders, Duration::ZERO).contains(",hostname=\"h100-0\","));
        node.names_no_pods = true;
        assert!(!node.page(&holders, Duration::ZERO).contains("llama-0"));
    }

    #[test]
    fn those_who_take_turns_have_a_series_each_with_their_replica() {
        let mut node = Node::new("n", 1, "P", 100);
        node.gpus[0].turns = vec![holder(), Holder { pod: "llama-1".into(), ..holder() }];
        let page = node.page(&Holders::new(), Duration::ZERO);
        let said = line(&page, "DCGM_FI_DEV_FB_USED");
        assert!(said.len() == 2 && said[1].contains("namespace=\"serving\",pod=\"llama-1\",vgpu=\"1\"}"), "{said:?}");
    }

    #[test]
    fn faults_change_only_what_they_are_about() {
        let mut node = Node::new("n", 3, "P", 100);
        node.gpus[0].gone = true;
        node.gpus[1].values.insert("DCGM_FI_DEV_XID_ERRORS".into(), 79.0);
        node.gpus[1].values.insert("DCGM_FI_DEV_POWER_USAGE".into(), f64::NAN);
        node.gpus[2].instances = vec![
            Instance { profile: "3g.40gb".into(), id: 1, holder: Some(holder()) },
            Instance { profile: "4g.40gb".into(), id: 2, holder: None },
        ];
        node.renamed.insert("DCGM_FI_DEV_GPU_TEMP".into(), "gpu_temperature".into());
        node.without.push("DCGM_FI_DEV_MEM_CLOCK".into());
        let page = node.page(&Holders::new(), Duration::ZERO);
        assert!(!page.contains(&node.gpus[0].uuid) && !page.contains("DCGM_FI_DEV_MEM_CLOCK"));
        assert!(line(&page, "DCGM_FI_DEV_XID_ERRORS")[0].ends_with("} 79"));
        assert!(line(&page, "DCGM_FI_DEV_POWER_USAGE")[0].ends_with("} NaN"));
        assert_eq!((line(&page, "gpu_temperature").len(), line(&page, "DCGM_FI_DEV_GPU_TEMP").len()), (3, 0));
        assert_eq!(line(&page, "DCGM_FI_DEV_GPU_UTIL").len(), 1);
        let parts = line(&page, "DCGM_FI_DEV_FB_USED");
        assert!(parts[1].contains("GPU_I_PROFILE=\"3g.40gb\",GPU_I_ID=\"1\",Hostname=\"n\""));
        assert!(parts[1].contains("pod=\"llama-0\"") && !parts[2].contains("pod="));
    }
}
