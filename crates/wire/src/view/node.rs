//! What a node's row says by itself, and the row that more is put into.

use super::{NodeRow, Status};
use crate::{NodeId, PodId, SmolStr, Stamp};

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
            created: None,
            seen,
        }
    }

    /// Is a pod known to hold a GPU of it, whole or with others?
    #[must_use]
    pub fn is_held_by(&self, slot: usize, pod: &PodId) -> bool {
        let holder = self.gpus.get(slot).and_then(|cell| self.holders.get(usize::from(cell.holder?)));
        let shares = || self.devices.get(slot).is_some_and(|device| device.is_shared_by(&pod.namespace, &pod.name));
        holder == Some(pod) || shares()
    }
}
