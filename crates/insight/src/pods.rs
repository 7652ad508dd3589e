//! Which pods and workloads a cause hits.

use crate::site::Site;
use pilothouse_wire::{
    ConnectionId, NodeId, PodId, SmolStr,
    view::{FleetView, GpuDevice, GpuState, Method, PodRow},
};
use std::collections::{BTreeSet, HashMap};

/// The pods of the nodes that are looked at, by node.
pub(crate) struct PodsOf<'a> {
    view: &'a FleetView,
    by_node: HashMap<(&'a ConnectionId, &'a str), Vec<&'a PodRow>>,
}

/// Is it placed, and not over? Words of the ends of a pod, as the cluster gives them.
pub(crate) fn is_there(pod: &PodRow) -> bool {
    pod.node.is_some() && !matches!(pod.status_word.as_str(), "Completed" | "Failed" | "Evicted" | "Succeeded")
}

/// Does a pod hold this GPU without anybody saying which?
pub(crate) fn is_unattributed(site: Site<'_>, slot: u16) -> bool {
    site.cell(slot).is_some_and(|cell| {
        cell.holder.is_none() && matches!(cell.state, GpuState::Held | GpuState::Shared) && cell.sharers == 0
    })
}

impl<'a> PodsOf<'a> {
    /// The pods of these nodes: one pass over all pods.
    pub(crate) fn nodes(view: &'a FleetView, nodes: impl Iterator<Item = &'a NodeId>) -> Self {
        let mut by_node: HashMap<(&ConnectionId, &str), Vec<&PodRow>> =
            nodes.map(|node| ((&node.cluster, node.name.as_str()), Vec::new())).collect();
        if !by_node.is_empty() {
            for pod in view.pods.rows().iter().filter(|pod| is_there(pod)) {
                let Some(node) = &pod.node else { continue };
                if let Some(pods) = by_node.get_mut(&(&pod.id.cluster, node.as_str())) {
                    pods.push(pod);
                }
            }
        }
        Self { view, by_node }
    }

    /// The pods of one of the nodes.
    pub(crate) fn at(&self, node: &'a NodeId) -> &[&'a PodRow] {
        self.by_node.get(&(&node.cluster, node.name.as_str())).map(Vec::as_slice).unwrap_or_default()
    }

    /// All pods on a node.
    pub(crate) fn on(&self, site: Site<'a>) -> Vec<PodId> {
        self.at(&site.node.id).iter().map(|pod| pod.id.clone()).collect()
    }

    /// The pods that are known to hold these GPUs, or a part of them.
    pub(crate) fn holding(&self, site: Site<'a>, slots: &[u16]) -> Vec<PodId> {
        let mut pods = BTreeSet::new();
        for slot in slots {
            let Some(cell) = site.cell(*slot) else { continue };
            pods.extend(cell.holder.and_then(|holder| site.node.holders.get(usize::from(holder))));
            if cell.method == Method::Contested {
                pods.extend(without_a_cell(site));
            }
            let device = site.device(*slot).filter(|device| !device.parts.is_empty());
            pods.extend(device.into_iter().flat_map(|device| self.sharing(site, device)));
        }
        pods.into_iter().cloned().collect()
    }

    /// The pods of the node that hold parts of a device.
    fn sharing(&self, site: Site<'a>, device: &GpuDevice) -> impl Iterator<Item = &'a PodId> {
        let pods = self.at(&site.node.id).iter().map(|pod| &pod.id);
        pods.filter(|pod| device.is_shared_by(&pod.namespace, &pod.name))
    }

    /// Their workloads, as `Kind namespace/name`.
    pub(crate) fn workloads(&self, pods: &[PodId]) -> Vec<SmolStr> {
        let rows = pods.iter().filter_map(|pod| self.view.pods.get(pod));
        rows.filter_map(workload_of).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// A pod's workload, as `Kind namespace/name`.
fn workload_of(pod: &PodRow) -> Option<SmolStr> {
    let (kind, name) = (pod.workload_kind.as_ref()?, pod.workload.as_ref()?);
    Some(format!("{kind} {}/{name}", pod.id.namespace).into())
}

/// Pods that are said to hold GPUs of the node, and are not seen to hold one alone: those that contest.
fn without_a_cell(site: Site<'_>) -> impl Iterator<Item = &PodId> {
    let seen: BTreeSet<u16> = site.node.gpus.iter().filter_map(|cell| cell.holder).collect();
    let holders = site.node.holders.iter().enumerate();
    holders.filter(move |(at, _)| u16::try_from(*at).is_ok_and(|at| !seen.contains(&at))).map(|(_, pod)| pod)
}
