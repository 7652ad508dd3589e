//! GPUs as Kubernetes knows them: resource keys, labels, and the cells of a node.

mod cut;
mod devices;

pub(crate) use devices::Devices;

use crate::{fact::NodeFact, sum};
use pilothouse_wire::{
    PodId, SmolStr,
    view::{GpuCell, GpuDevice, GpuResource, GpuState},
};

/// Is this extended resource a whole GPU or accelerator, a share of one, or a slice?
///
/// Keys by vendor: NVIDIA device plug-in (`nvidia.com/gpu`, `gpu.shared`, `mig-*`), AMD (`amd.com/gpu`, and one for each
/// mode of partitions, such as `cpx_nps4`, where its plug-in is told to), Intel (`gpu.intel.com/i915`), Google TPU, AWS Neuron, Habana Gaudi. HAMi's `gpucores` and `gpumem` measure parts of a device: they are no devices.
#[must_use]
pub fn is_gpu_key(key: &str) -> bool {
    match key.split_once('/') {
        Some(("nvidia.com", name)) => name == "gpu" || name == "gpu.shared" || name.starts_with("mig-"),
        Some(("amd.com", name)) => name == "gpu" || cut::mode(name).is_some(),
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
    cut::PARTITION,
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

/// Is what a pod asks for by this key a share or a slice of a device there? Of one that waits the key alone tells.
pub(crate) fn is_part(node: Option<&NodeFact>, key: &str) -> bool {
    match node {
        Some(node) => node.is_sliced(key) || node.replicas(key) > 1,
        None => key == "nvidia.com/gpu.shared" || NodeFact::default().is_sliced(key),
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
    /// Pods that hold some of them, and nobody says which.
    pub nameless: Vec<PodId>,
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
            sliced: node.is_sliced(key),
        })
        .collect();
    let mut cells = match devices {
        Some(devices) => {
            let places = devices::places(&devices.all, &resources, node.is_settled());
            let done = devices::attribute(&places, &resources, claims, devices, idle);
            let (gpus, devices, holders) = (done.gpus, done.devices, done.holders);
            Cells { resources, gpus, devices, holders, nameless: Vec::new() }
        }
        None => slots(node, resources, claims, idle),
    };
    let asks =
        |claim: &&Claim<'_>| cells.resources.iter().any(|of| amount(claim.gpus, &of.key).is_some_and(|n| *n > 0));
    let asking = claims.iter().filter(asks).map(|claim| &claim.pod);
    cells.nameless = asking.filter(|pod| !cells.holders.contains(pod)).cloned().collect();
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
    for resource in resources.iter().filter(|resource| !resource.sliced) {
        if resource.replicas > 1 {
            gpus.extend(shared(resource, idle));
        } else {
            gpus.extend(whole(resource, claims, idle, &mut holders));
        }
        gpus.truncate(bounded(MOST_GPUS));
    }
    gpus.extend(sliced(node, &resources, gpus.len(), idle));
    Cells { resources, gpus, devices: Vec::new(), holders, nameless: Vec::new() }
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

/// Devices that are cut into slices: the label counts all devices, the whole ones are already cells. Where it counts slices,
/// or there is none of AMD, they are the fewest that give so many.
fn sliced(node: &NodeFact, resources: &[GpuResource], whole: usize, idle: GpuState) -> Vec<GpuCell> {
    let slices: Vec<&GpuResource> = resources.iter().filter(|of| of.sliced && of.capacity > 0).collect();
    if slices.is_empty() {
        return Vec::new();
    }
    let instances = |of: &GpuResource| bounded(of.capacity.div_ceil(of.replicas.max(1)));
    let fewest = slices.iter().filter_map(|of| Some(instances(of).div_ceil(node.slices_a_device(&of.key)?)));
    let devices = match fewest.sum::<usize>() {
        0 => node.number("nvidia.com/gpu.count").map_or(1, |all| bounded(all).saturating_sub(whole).max(1)),
        fewest => fewest,
    };
    let taken = bounded(sum::total(slices.iter().map(|slice| &slice.requested)));
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
    fn instances_that_are_called_gpus_are_slices_of_devices() {
        let gpu = "nvidia.com/gpu";
        // As GPU feature discovery labels them: it counts instances, and the strategy is there on whole GPUs, too.
        let of = |product, count| {
            [
                ("nvidia.com/gpu.product", product),
                ("nvidia.com/gpu.count", count),
                ("nvidia.com/mig.strategy", "single"),
            ]
        };
        let cut = node(&[(gpu, 14)], &[(gpu, 14)], &of("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "14"));
        check(&cut, true, &[&[(gpu, 1)]], "s.");
        let resource = cells(&cut, true, &[], true, None).resources.remove(0);
        assert!(resource.sliced && resource.is_part(), "{resource:?}");
        check(&node(&[(gpu, 4)], &[(gpu, 4)], &of("NVIDIA-H100-80GB-HBM3", "4")), true, &[&[(gpu, 1)]], "0...");
        let partition = [("amd.com/compute-memory-partition", "cpx_nps4")];
        let cut = node(&[("amd.com/gpu", 16)], &[("amd.com/gpu", 16)], &partition);
        check(&cut, true, &[&[("amd.com/gpu", 1)]], "s.");
        check(&node(&[("amd.com/cpx_nps1", 8)], &[("amd.com/cpx_nps1", 8)], &[]), true, &[], ".");
        check(&node(&[("amd.com/spx_nps1", 2)], &[("amd.com/spx_nps1", 2)], &[]), true, &[], "..");
    }

    #[test]
    fn pods_of_which_nobody_says_which_gpus_they_hold_are_named_all_the_same() {
        let gpu = "nvidia.com/gpu";
        let shares = node(&[(gpu, 40)], &[(gpu, 40)], &[("nvidia.com/gpu.replicas", "10")]);
        let asked = [(gpu.into(), 1)];
        let pod = |name: &str| PodId { cluster: ConnectionId::slug("a"), namespace: "n".into(), name: name.into() };
        let claims = ["x", "y"].map(|name| Claim { pod: pod(name), gpus: &asked });
        let cells = cells(&shares, true, &claims, true, None);
        assert_eq!((cells.holders, cells.nameless), (vec![], vec![pod("x"), pod("y")]));
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
