//! What a node's row says by itself, and the row that more is put into.

use super::{Condition, GpuResource, NodeRow, Status, cell::GpuState};
use crate::{NodeId, PodId, SmolStr, Stamp, Sum};

impl Condition {
    /// Does it say that something is wrong with its node, beside whether that is ready?
    ///
    /// By the convention of Kubernetes a condition is bad when it is true. Those of the node monitoring agent of EKS
    /// (`KernelReady`, `StorageReady`, …) and `EtcdIsVoter` of k3s and RKE2 say the opposite. Of what is `Unknown` nothing is
    /// known.
    #[must_use]
    pub fn is_wrong(kind: &str, status: &str) -> bool {
        kind != "Ready" && status == if Self::is_good_when_true(kind) { "False" } else { "True" }
    }

    /// Is a node well of which this is true?
    #[must_use]
    pub fn is_good_when_true(kind: &str) -> bool {
        kind.ends_with("Ready") || kind.ends_with("Healthy") || kind == "EtcdIsVoter"
    }
}

impl GpuResource {
    /// Is one of them a share or a slice of a device, and no whole device?
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.sliced || self.replicas > 1
    }
}

impl NodeRow {
    /// One that is ready and has no GPUs, of which nothing else is known: what more is known is put into it.
    #[must_use]
    pub fn ready(id: NodeId, seen: Stamp) -> Self {
        Self {
            id,
            status: Status::Good,
            status_word: SmolStr::new_static("Ready"),
            cordoned: false,
            pool: None,
            product: None,
            gpu_memory_mib: None,
            zone: None,
            instance_type: None,
            kubelet: None,
            conditions: Vec::new(),
            taints: Vec::new(),
            quarantine: None,
            resources: Vec::new(),
            gpus: Vec::new(),
            devices: Vec::new(),
            holders_known: true,
            holders: Vec::new(),
            nameless: Vec::new(),
            created: None,
            seen,
        }
    }

    /// GPUs of this node that a pod holds, whole or shared, whether or not it is known which pod.
    #[must_use]
    pub fn gpus_held(&self) -> Sum {
        let held = self.gpus.iter().filter(|cell| cell.is_held()).count();
        Sum::of(held as u64, self.holders_known)
    }

    /// Pods that hold GPUs of this node, whether or not it is known which GPUs.
    #[must_use]
    pub fn pods_holding(&self) -> Sum {
        Sum::of((self.holders.len() + self.nameless.len()) as u64, self.holders_known)
    }

    /// GPUs of this node that nobody holds.
    #[must_use]
    pub fn gpus_free(&self) -> Sum {
        let free = self.gpus.iter().filter(|cell| cell.state == GpuState::Free).count();
        if self.holders_known { Sum::Exact(free as u64) } else { Sum::NotKnown }
    }

    /// Is a pod known to hold a GPU of it, whole or with others?
    #[must_use]
    pub fn is_held_by(&self, slot: usize, pod: &PodId) -> bool {
        let holder = self.gpus.get(slot).and_then(|cell| self.holders.get(usize::from(cell.holder?)));
        let shares = || self.devices.get(slot).is_some_and(|device| device.is_shared_by(&pod.namespace, &pod.name));
        holder == Some(pod) || shares()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_is_good_when_it_is_true_is_wrong_when_it_is_false() {
        for kind in ["KernelReady", "NetworkingReady", "StorageReady", "AcceleratedHardwareReady", "EtcdIsVoter"] {
            let wrong = ["True", "False", "Unknown"].map(|status| Condition::is_wrong(kind, status));
            assert_eq!(wrong, [false, true, false], "{kind}");
        }
        for kind in ["DiskPressure", "GpuXidError", "NetworkUnavailable", "KernelDeadlock"] {
            let wrong = ["True", "False", "Unknown"].map(|status| Condition::is_wrong(kind, status));
            assert_eq!(wrong, [true, false, false], "{kind}");
        }
        assert!(!Condition::is_wrong("Ready", "False"), "whether it is ready is told by its status");
    }
}
