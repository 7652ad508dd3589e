//! Devices that are cut into slices: whether a resource counts slices, and into how many a device is cut.
//!
//! NVIDIA's plug-in calls instances of MIG by their profile (strategy `mixed`), or GPUs (`single`): GPU feature discovery
//! then writes the profile behind the product (`NVIDIA-A100-SXM4-40GB-MIG-1g.5gb`) and counts instances. Its label of the
//! strategy is there on nodes with whole GPUs, too: it is what the installer was told. AMD's plug-in likewise calls partitions
//! by their mode (`amd.com/cpx_nps4`) or GPUs; then its labeller has the mode, if it is told to.

use crate::fact::NodeFact;
use pilothouse_wire::{SmolStr, view::GpuResource};

/// The label with the mode of all partitions of a node, such as `cpx_nps4`. Source: `docs/user-guide` of
/// ROCm/k8s-device-plugin.
pub(super) const PARTITION: &str = "amd.com/compute-memory-partition";

/// Instances that the largest GPUs are cut into. Source: the table of supported GPUs of NVIDIA's MIG user guide.
const MOST_INSTANCES: u64 = 7;

/// Partitions of a device by their mode: of `cpx` one for each of its dies, which are eight of most.
const PARTITIONS: &[(&str, u64)] = &[("spx", 1), ("dpx", 2), ("tpx", 3), ("qpx", 4), ("cpx", 8)];

/// How many partitions a device has in a mode such as `cpx_nps4`; `None` for what is none.
pub(super) fn mode(text: &str) -> Option<u64> {
    let (mode, memory) = text.split_once("_nps")?;
    let known = PARTITIONS.iter().find(|(word, _)| *word == mode)?.1;
    (!memory.is_empty() && memory.bytes().all(|digit| digit.is_ascii_digit())).then_some(known)
}

/// May AMD's plug-in call partitions GPUs here without saying so? There are then so many for each device.
pub(super) fn may_be_partitions(of: &GpuResource, devices: usize) -> bool {
    let devices = devices as u64;
    let each = if devices > 0 && of.capacity.is_multiple_of(devices) { of.capacity / devices } else { 0 };
    of.key == "amd.com/gpu" && (2..=8).contains(&each)
}

impl NodeFact {
    /// Are these slices of devices, by their key or by what the node's labels say?
    pub(super) fn is_sliced(&self, key: &str) -> bool {
        let is_nvidia = key.starts_with("nvidia.com/");
        // An instance that is all of its device is one all the same; a mode of AMD with one partition is the whole device.
        key.starts_with("nvidia.com/mig-") || self.slices_a_device(key).is_some_and(|each| is_nvidia || each > 1)
    }

    /// Into how many of these a device is cut at most, where labels or the key tell; at least 1.
    pub(super) fn slices_a_device(&self, key: &str) -> Option<usize> {
        let each = match key.split_once('/') {
            Some(("nvidia.com", "gpu" | "gpu.shared")) => instances(self.label("nvidia.com/gpu.product")?),
            Some(("amd.com", "gpu")) => mode(self.label(PARTITION)?),
            Some(("amd.com", name)) => mode(name),
            _ => None,
        };
        each.and_then(|each| usize::try_from(each.max(1)).ok())
    }

    /// Do labels and what is counted belong together? While GPUs are cut anew, some of it is of before.
    pub(super) fn is_settled(&self) -> bool {
        let state = self.label("nvidia.com/mig.config.state").map(SmolStr::as_str);
        !matches!(state, Some("pending" | "rebooting"))
    }
}

/// Into how many instances the product says that each of its GPUs is cut, at most: by its slices of compute, and by its memory
/// where it tells that; `None` for whole GPUs.
fn instances(product: &str) -> Option<u64> {
    let (device, profile) = product.split_once("-MIG-")?;
    let number = |text: &str, unit: &str| text.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok());
    let part = |unit: &str| profile.split(['.', '-', '+']).find_map(|part| number(part, unit)).filter(|n| *n > 0);
    let named = |name: &str| device.split('-').any(|word| word == name);
    let all = if named("A30") || device.contains("RTX-PRO-6000") { 4 } else { MOST_INSTANCES };
    let slices = part("g").unwrap_or(1);
    let by_compute = (all / slices).max(1);
    let memory = device.split('-').find_map(|word| number(word, "GB")).zip(part("gb"));
    let by_memory = memory.map_or(by_compute, |(all, each)| (all / each).max(1));
    // Some are cut once more, and each part of an instance is called one.
    let cut_again = part("c").map_or(1, |each| (slices / each).max(1));
    Some(by_compute.min(by_memory) * cut_again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_tells_into_how_many_instances_its_gpus_are_cut() {
        for (product, want) in [
            ("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", Some(7)),
            ("NVIDIA-A100-SXM4-40GB-MIG-1g.10gb", Some(4)),
            ("A100-80GB-PCIe-MIG-3g.40gb", Some(2)),
            ("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED", Some(7)),
            ("NVIDIA-H100-80GB-HBM3-MIG-2g.20gb", Some(3)),
            ("NVIDIA-H100-80GB-HBM3-MIG-7g.80gb", Some(1)),
            ("NVIDIA-H100-80GB-HBM3-MIG-1c.3g.40gb", Some(6)),
            ("NVIDIA-H200-MIG-1g.18gb", Some(7)),
            ("NVIDIA-A30-MIG-1g.6gb", Some(4)),
            ("NVIDIA-A100-SXM4-40GB-MIG-INVALID", Some(7)),
            ("NVIDIA-H100-80GB-HBM3", None),
        ] {
            assert_eq!(instances(product), want, "{product}");
        }
    }

    #[test]
    fn a_mode_of_partitions_is_told_from_other_words() {
        let modes = ["spx_nps1", "dpx_nps2", "cpx_nps4", "cpx_nps", "gpu", "x_nps1"].map(mode);
        assert_eq!(modes, [Some(1), Some(2), Some(8), None, None, None]);
    }
}
