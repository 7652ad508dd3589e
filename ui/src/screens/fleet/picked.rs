//! What belongs to the GPUs that a person picked out on the map: their nodes, the pods that hold them, whose pods these
//! are. The tables show that alone.

use pilothouse_wire::{
    Area, ObjectRef, PodId,
    units::count,
    view::{FleetView, PodRow},
};
use std::collections::HashSet;

/// What was picked, in a fleet as it is now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picked {
    /// The GPUs and nodes.
    pub area: Area,
    /// How many GPUs.
    pub gpus: usize,
    /// How many nodes they are of.
    pub nodes: usize,
    /// Pods that hold one of them.
    pub pods: HashSet<PodId>,
    /// Workloads of these pods.
    pub workloads: HashSet<ObjectRef>,
}

impl Picked {
    /// What an area holds of a fleet; `None` if nothing is picked.
    #[must_use]
    pub fn of(area: &Area, fleet: &FleetView) -> Option<Self> {
        if area.is_empty() {
            return None;
        }
        let mut picked = Self { area: area.clone(), ..Self::default() };
        for node in fleet.nodes.rows().iter().filter(|node| area.holds_node(&node.id)) {
            picked.nodes += 1;
            for (_, cell) in (0u16..).zip(&node.gpus).filter(|(slot, _)| area.holds(&node.id, *slot)) {
                picked.gpus += 1;
                if cell.sharers > 1 {
                    // Which of the node's pods share it is not told one by one: each of them may.
                    picked.pods.extend(node.holders.iter().cloned());
                } else if let Some(pod) = cell.holder.and_then(|at| node.holders.get(usize::from(at))) {
                    picked.pods.insert(pod.clone());
                }
            }
        }
        let rows = picked.pods.iter().filter_map(|pod| fleet.pods.get(pod));
        picked.workloads = rows.map(workload).collect();
        Some(picked)
    }

    /// How much it is, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let some = |n: usize, one: &str, many: &str| format!("{} {}", count(n as u64), if n == 1 { one } else { many });
        format!("{} of {} picked", some(self.gpus, "GPU", "GPUs"), some(self.nodes, "node", "nodes"))
    }
}

/// The workload of a pod, as its row is named: its controller, or itself.
fn workload(pod: &PodRow) -> ObjectRef {
    match (&pod.workload_kind, &pod.workload) {
        (Some(kind), Some(name)) => {
            ObjectRef::Workload(pod.id.cluster.clone(), pod.id.namespace.clone(), kind.clone(), name.clone())
        }
        _ => ObjectRef::Pod(pod.id.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::fleet::sample::{node, pod};
    use pilothouse_wire::view::{GpuCell, GpuState};

    #[test]
    fn what_is_picked_brings_its_nodes_pods_and_workloads() {
        let (chat, alone) = (pod("iad", "chat-0"), PodRow { workload: None, ..pod("iad", "alone") });
        let mut shared = node("iad", "h-2", "serve", 1);
        shared.holders = vec![chat.id.clone(), alone.id.clone()];
        shared.gpus = vec![GpuCell { sharers: 2, ..GpuCell::slot(GpuState::Shared, Some(0)) }];
        let mut held = node("iad", "h-1", "serve", 4);
        held.holders = vec![chat.id.clone()];
        held.gpus[1] = GpuCell::slot(GpuState::Held, Some(0));
        let fleet = FleetView {
            nodes: [held, shared].into_iter().collect(),
            pods: [chat.clone(), alone.clone()].into_iter().collect(),
            ..FleetView::default()
        };
        assert_eq!(Picked::of(&Area::default(), &fleet), None);
        let of = |text: &str| Picked::of(&text.parse().unwrap(), &fleet).unwrap();
        let picked = of("iad:h-1/0-1,gone");
        assert_eq!((picked.words().as_str(), picked.pods.len()), ("2 GPUs of 1 node picked", 1));
        assert_eq!(picked.workloads, HashSet::from([workload(&chat)]));
        assert!(of("iad:h-1/0").pods.is_empty());
        let picked = of("iad:h-[1-2]");
        assert_eq!((picked.gpus, picked.nodes, picked.pods.len()), (5, 2, 2));
        assert!(picked.workloads.contains(&ObjectRef::Pod(alone.id.clone())));
    }
}
