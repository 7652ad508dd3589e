//! GPUs as Kubernetes knows them: resource keys, labels, and the cells of a node.

mod devices;

pub(crate) use devices::Devices;

use crate::{fact::NodeFact, sum};
use pilothouse_wire::{
    PodId, SmolStr,
    view::{GpuCell, GpuDevice, GpuResource, GpuState},
};

/// Is this extended resource a whole GPU or accelerator, a share of one, or a slice?
///
/// Keys by vendor: NVIDIA device plug-in (`nvidia.com/gpu`, `gpu.shared`, `mig-*`), AMD, Intel (`gpu.intel.com/i915`),
/// Google TPU, AWS Neuron, Habana Gaudi. HAMi's `gpucores` and `gpumem` measure parts of a device: they are no devices.
#[must_use]
pub fn is_gpu_key(key: &str) -> bool {
    match key.split_once('/') {
        Some(("nvidia.com", name)) => name == "gpu" || name == "gpu.shared" || name.starts_with("mig-"),
        Some(("amd.com", name)) => name == "gpu",
        Some(("intel.com", name)) => name.starts_with("gpu"),
        Some(("gpu.intel.com", name)) => !name.ends_with("_monitoring") && !name.contains('.'),
        Some(("google.com", name)) => name == "tpu",
        Some(("aws.amazon.com", name)) => name.starts_with("neuron") && name != "neuroncore",
        Some(("habana.ai", name)) => name == "gaudi",
        _ => false,
    }
}

/// Labels of a node that say what its GPUs are, where it is and which pool it belongs to.
const KEPT_LABELS: &[&str] = &[
    "nvidia.com/gpu.product",
    "nvidia.com/gpu.count",
    "nvidia.com/gpu.memory",
    "nvidia.com/gpu.replicas",
    "nvidia.com/gpu.family",
    "nvidia.com/mig.strategy",
    "nvidia.com/mig.config",
    "nvidia.com/mig.config.state",
    "nvidia.com/cuda.driver-version.full",
    crate::quarantine::STATE,
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "karpenter.sh/capacity-type",
    "eks.amazonaws.com/capacityType",
    "cloud.google.com/gke-spot",
    "amd.com/gpu.product-name",
    "amd.com/gpu.vram",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-tpu-accelerator",
];

/// Labels that name a node's pool, in the order in which they are believed.
const POOL_LABELS: &[&str] = &[
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "karpenter.sh/nodepool",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "node.kubernetes.io/pool",
    "nodepool",
    "pool",
];

/// Is this a label that we use?
#[must_use]
pub fn is_kept_label(key: &str) -> bool {
    KEPT_LABELS.contains(&key) || POOL_LABELS.contains(&key)
}

impl NodeFact {
    /// The value of a kept label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&SmolStr> {
        self.labels.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The node's pool.
    #[must_use]
    pub fn pool(&self) -> Option<&SmolStr> {
        POOL_LABELS.iter().find_map(|key| self.label(key)).or_else(|| self.label("node.kubernetes.io/instance-type"))
    }

    /// The product of the node's GPUs.
    #[must_use]
    pub fn product(&self) -> Option<&SmolStr> {
        [
            "nvidia.com/gpu.product",
            "amd.com/gpu.product-name",
            "cloud.google.com/gke-accelerator",
            "cloud.google.com/gke-tpu-accelerator",
        ]
        .iter()
        .find_map(|key| self.label(key))
    }

    fn number(&self, label: &str) -> Option<u64> {
        self.label(label)?.parse().ok()
    }

    /// How many shares time-slicing makes of one device of this key. Only NVIDIA's plug-in says so.
    fn replicas(&self, key: &str) -> u64 {
        match key {
            "nvidia.com/gpu" | "nvidia.com/gpu.shared" => self.number("nvidia.com/gpu.replicas").unwrap_or(1).max(1),
            _ => 1,
        }
    }
}

/// What a pod on a node asks for.
pub(crate) struct Claim<'a> {
    /// The pod.
    pub pod: PodId,
    /// Its requests of GPU keys.
    pub gpus: &'a [(SmolStr, u64)],
}

/// The GPU resources of a node, its cells, and who holds them.
pub(crate) struct Cells {
    pub resources: Vec<GpuResource>,
    pub gpus: Vec<GpuCell>,
    /// Who the cells' GPUs are; empty where nobody measures them.
    pub devices: Vec<GpuDevice>,
    pub holders: Vec<PodId>,
}

/// Lays the claims on a node, in the order given, onto its GPU slots. What nobody claims is free only where all claims
/// are known.
///
/// Slots are not devices: Kubernetes says how many GPUs a pod got, not which. Where somebody measures the devices, cells
/// are devices.
pub(crate) fn cells(
    node: &NodeFact,
    ready: bool,
    claims: &[Claim<'_>],
    all: bool,
    devices: Option<&Devices<'_>>,
) -> Cells {
    let idle = if all { GpuState::Free } else { GpuState::Unknown };
    let resources: Vec<GpuResource> = node
        .capacity
        .iter()
        .map(|(key, capacity)| GpuResource {
            key: key.clone(),
            capacity: *capacity,
            allocatable: amount(&node.allocatable, key).copied().unwrap_or(0),
            requested: sum::total(claims.iter().filter_map(|claim| amount(claim.gpus, key))),
            replicas: node.replicas(key),
        })
        .collect();
    let mut cells = match devices {
        Some(devices) => {
            let done = devices::attribute(&resources, claims, devices, idle);
            Cells { resources, gpus: done.gpus, devices: done.devices, holders: done.holders }
        }
        None => slots(node, resources, claims, idle),
    };
    cells.gpus.truncate(bounded(MOST_GPUS));
    cells.devices.truncate(bounded(MOST_GPUS));
    if !ready {
        for cell in &mut cells.gpus {
            cell.state = GpuState::Lost;
        }
    }
    cells
}

/// The cells of a node that nobody measures.
fn slots(node: &NodeFact, resources: Vec<GpuResource>, claims: &[Claim<'_>], idle: GpuState) -> Cells {
    let mut holders: Vec<PodId> = Vec::new();
    let mut gpus = Vec::new();
    for resource in resources.iter().filter(|resource| !is_slice(&resource.key)) {
        if resource.replicas > 1 {
            gpus.extend(shared(resource, idle));
        } else {
            gpus.extend(whole(resource, claims, idle, &mut holders));
        }
        gpus.truncate(bounded(MOST_GPUS));
    }
    gpus.extend(sliced(node, &resources, gpus.len(), idle));
    Cells { resources, gpus, devices: Vec::new(), holders }
}

fn is_slice(key: &str) -> bool {
    key.starts_with("nvidia.com/mig-")
}

fn amount<'a>(list: &'a [(SmolStr, u64)], key: &str) -> Option<&'a u64> {
    list.iter().find(|(name, _)| name == key).map(|(_, n)| n)
}

/// A node that claims to have more is mistaken or hostile: no machine has so many.
const MOST_GPUS: u64 = 4_096;

fn bounded(n: u64) -> usize {
    usize::try_from(n.min(MOST_GPUS)).unwrap_or(0)
}

fn whole(resource: &GpuResource, claims: &[Claim<'_>], idle: GpuState, holders: &mut Vec<PodId>) -> Vec<GpuCell> {
    let (capacity, offered) = (bounded(resource.capacity), bounded(resource.allocatable));
    let mut cells = Vec::with_capacity(capacity);
    for claim in claims {
        let Some(&n @ 1..) = amount(claim.gpus, &resource.key) else { continue };
        let at = holders.iter().position(|pod| *pod == claim.pod).unwrap_or_else(|| {
            holders.push(claim.pod.clone());
            holders.len() - 1
        });
        let holder = u16::try_from(at).ok();
        let room = capacity - cells.len();
        cells.extend(std::iter::repeat_n(GpuCell::slot(GpuState::Held, holder), bounded(n).min(room)));
    }
    // What the node has but does not offer is shown last: nobody can hold it.
    for slot in cells.len()..capacity {
        let state = if slot < offered { idle } else { GpuState::Withheld };
        cells.push(GpuCell::slot(state, None));
    }
    cells
}

fn shared(resource: &GpuResource, idle: GpuState) -> impl Iterator<Item = GpuCell> {
    let devices = bounded(resource.capacity / resource.replicas);
    let taken = bounded(resource.requested);
    (0..devices).map(move |slot| GpuCell::slot(if slot < taken { GpuState::Shared } else { idle }, None))
}

/// Devices that are cut into MIG slices: the label counts all devices, the whole ones are already cells.
fn sliced(node: &NodeFact, resources: &[GpuResource], whole: usize, idle: GpuState) -> Vec<GpuCell> {
    let slices = resources.iter().filter(|resource| is_slice(&resource.key) && resource.capacity > 0);
    let requested: Vec<&u64> = slices.map(|slice| &slice.requested).collect();
    if requested.is_empty() {
        return Vec::new();
    }
    let devices = node.number("nvidia.com/gpu.count").map_or(1, |all| bounded(all).saturating_sub(whole).max(1));
    let taken = bounded(sum::total(requested));
    (0..devices).map(|slot| GpuCell::slot(if slot < taken { GpuState::Shared } else { idle }, None)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::ConnectionId;

    fn node(capacity: &[(&str, u64)], offered: &[(&str, u64)], labels: &[(&str, &str)]) -> NodeFact {
        let list = |list: &[(&str, u64)]| list.iter().map(|(key, n)| ((*key).into(), *n)).collect();
        NodeFact {
            capacity: list(capacity),
            allocatable: list(offered),
            labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            ..NodeFact::default()
        }
    }

    /// Draws the cells as letters: the holder's number, `.` free, `s` shared, `w` withheld, `x` lost.
    #[track_caller]
    fn check(node: &NodeFact, ready: bool, claims: &[&[(&str, u64)]], want: &str) {
        let requests: Vec<Vec<(SmolStr, u64)>> =
            claims.iter().map(|gpus| gpus.iter().map(|(key, n)| ((*key).into(), *n)).collect()).collect();
        let claims: Vec<Claim<'_>> = requests
            .iter()
            .enumerate()
            .map(|(i, gpus)| Claim {
                pod: PodId { cluster: ConnectionId::slug("a"), namespace: "n".into(), name: i.to_string().into() },
                gpus,
            })
            .collect();
        let drawn: String = cells(node, ready, &claims, true, None)
            .gpus
            .iter()
            .map(|cell| match (cell.state, cell.holder) {
                (GpuState::Held, Some(holder)) => holder.to_string(),
                (GpuState::Held, None) => "?".into(),
                (GpuState::Free, _) => ".".into(),
                (GpuState::Shared, _) => "s".into(),
                (GpuState::Unknown, _) => "u".into(),
                (GpuState::Withheld, _) => "w".into(),
                (GpuState::Lost, _) => "x".into(),
            })
            .collect();
        assert_eq!(drawn, want);
    }

    #[test]
    fn gpus_are_cells_before_there_is_telemetry() {
        let gpu = "nvidia.com/gpu";
        check(&node(&[(gpu, 4)], &[(gpu, 4)], &[]), true, &[], "....");
        check(&node(&[(gpu, 4)], &[(gpu, 4)], &[]), true, &[&[(gpu, 2)], &[(gpu, 1)]], "001.");
        check(&node(&[(gpu, 4)], &[(gpu, 3)], &[]), true, &[&[(gpu, 2)]], "00.w");
        check(&node(&[(gpu, 4)], &[(gpu, 4)], &[]), false, &[&[(gpu, 2)]], "xxxx");
        check(&node(&[(gpu, 2)], &[(gpu, 2)], &[]), true, &[&[(gpu, 9)]], "00");
        check(&node(&[], &[], &[]), true, &[], "");
    }

    #[test]
    fn shares_and_slices_are_devices_not_their_parts() {
        let (gpu, mig) = ("nvidia.com/gpu", "nvidia.com/mig-1g.10gb");
        check(&node(&[(gpu, 40)], &[(gpu, 40)], &[("nvidia.com/gpu.replicas", "10")]), true, &[&[(gpu, 1)]], "s...");
        check(&node(&[(mig, 14)], &[(mig, 14)], &[("nvidia.com/gpu.count", "2")]), true, &[&[(mig, 1)]], "s.");
        check(
            &node(&[(gpu, 1), (mig, 7)], &[(gpu, 1), (mig, 7)], &[("nvidia.com/gpu.count", "2")]),
            true,
            &[&[(gpu, 1)]],
            "0.",
        );
    }

    #[test]
    fn other_vendors_count_too() {
        for key in ["amd.com/gpu", "gpu.intel.com/i915", "google.com/tpu", "aws.amazon.com/neuron", "habana.ai/gaudi"] {
            assert!(is_gpu_key(key), "{key}");
            check(&node(&[(key, 2)], &[(key, 2)], &[]), true, &[&[(key, 1)]], "0.");
        }
        for key in ["cpu", "nvidia.com/gpumem", "nvidia.com/gpucores", "gpu.intel.com/i915_monitoring", "x/gpu"] {
            assert!(!is_gpu_key(key), "{key}");
        }
    }

    #[test]
    fn a_node_that_claims_millions_of_gpus_gives_no_millions_of_cells() {
        let keys = [("nvidia.com/gpu", u64::MAX), ("amd.com/gpu", u64::MAX), ("nvidia.com/mig-1g.10gb", u64::MAX)];
        let huge = node(&keys, &keys, &[("nvidia.com/gpu.count", "9999999")]);
        assert_eq!(cells(&huge, true, &[], true, None).gpus.len(), 4_096);
    }
}
