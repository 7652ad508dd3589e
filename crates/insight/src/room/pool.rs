//! Pools: nodes of one cluster with GPUs of one kind, and what is free on them.

use crate::{
    pods::PodsOf,
    room::{repack::Bin, slots::Hole},
};
use pilothouse_wire::{
    ConnectionId,
    view::{Eviction, FleetView, GpuState, NodeRow, PodRow, PoolKind, Stranded, StrandedWhy},
};
use std::collections::BTreeMap;

/// A pool.
pub(crate) struct Pool<'a> {
    pub cluster: &'a ConnectionId,
    pub name: &'a str,
    pub kind: PoolKind,
    /// All its nodes that have GPUs.
    pub nodes: Vec<PoolNode<'a>>,
    /// Are all nodes of the cluster read?
    pub whole: bool,
}

/// A node of a pool.
pub(crate) struct PoolNode<'a> {
    pub row: &'a NodeRow,
    /// Can a new pod get whole GPUs of it: is it ready, not cordoned, and not cut into shares?
    pub open: bool,
    /// Pods that hold whole GPUs of it, with how many.
    pub pods: Vec<(&'a PodRow, u64)>,
}

impl<'a> PoolNode<'a> {
    /// A node with these pods.
    fn of(row: &'a NodeRow, pods: Vec<(&'a PodRow, u64)>) -> Self {
        let ready = row.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True");
        Self { row, open: ready && !row.cordoned && !is_cut(row), pods }
    }

    /// A node by itself: what is free on it is known, and not who holds the rest.
    pub(crate) fn alone(row: &'a NodeRow) -> Self {
        Self::of(row, Vec::new())
    }

    /// Its GPUs.
    pub(crate) fn size(&self) -> u64 {
        self.row.gpus.len() as u64
    }

    /// Its GPUs that nobody holds.
    pub(crate) fn unheld(&self) -> u64 {
        self.count(GpuState::Free)
    }

    /// GPUs that a new pod can get.
    pub(crate) fn free(&self) -> u64 {
        if self.open { self.unheld() } else { 0 }
    }

    /// Those of them that disruption budgets do not keep from going now. Where budgets are not read, they may.
    pub(crate) fn free_to_go(&self) -> impl Iterator<Item = (&'a PodRow, u64)> {
        self.movable().filter(|(pod, _)| !matches!(pod.eviction, Eviction::MayNot(_)))
    }

    /// Its pods that can be moved.
    pub(crate) fn movable(&self) -> impl Iterator<Item = (&'a PodRow, u64)> {
        self.pods.iter().copied().filter(|(pod, _)| is_movable(pod))
    }

    fn count(&self, state: GpuState) -> u64 {
        self.row.gpus.iter().filter(|cell| cell.state == state).count() as u64
    }

    /// What is stranded here, and why.
    fn stranded(&self) -> impl Iterator<Item = (StrandedWhy, u64)> {
        let lost = self.row.gpus.iter().filter(|cell| cell.state == GpuState::Lost && cell.sharers == 0).count() as u64;
        let why_free = if self.row.cordoned { StrandedWhy::Cordoned } else { StrandedWhy::Cut };
        [
            (why_free, if self.open { 0 } else { self.unheld() }),
            (StrandedWhy::NotReady, lost),
            (StrandedWhy::Withheld, self.count(GpuState::Withheld)),
            (StrandedWhy::NotKnown, self.count(GpuState::Unknown)),
        ]
        .into_iter()
        .filter(|(_, gpus)| *gpus > 0)
    }
}

/// Would its controller make it anew elsewhere? Those of a DaemonSet and of the node itself belong where they are, and a
/// bare pod would be gone.
fn is_movable(pod: &PodRow) -> bool {
    pod.workload_kind.as_ref().is_some_and(|kind| kind != "DaemonSet" && kind != "Node")
}

/// Does the node give its GPUs in shares or slices?
pub(crate) fn is_cut(row: &NodeRow) -> bool {
    row.resources.iter().any(|resource| resource.capacity > 0 && (resource.replicas > 1 || is_slice(&resource.key)))
}

/// Is it a key of slices of a device?
pub(crate) fn is_slice(key: &str) -> bool {
    key.starts_with("nvidia.com/mig-")
}

/// The pools of a view.
pub(crate) fn pools<'a>(view: &'a FleetView, pods: &PodsOf<'a>) -> Vec<Pool<'a>> {
    let mut pools: BTreeMap<(&ConnectionId, PoolKind, &str), Vec<PoolNode<'_>>> = BTreeMap::new();
    for row in view.nodes.rows().iter().filter(|row| !row.gpus.is_empty()) {
        let (kind, name) = match (&row.product, &row.instance_type) {
            (Some(product), _) => (PoolKind::Product, product.as_str()),
            (None, Some(kind)) => (PoolKind::InstanceType, kind.as_str()),
            (None, None) => (PoolKind::Unlabelled, ""),
        };
        let held = pods.at(&row.id).iter().map(|pod| (*pod, asked_whole(row, pod))).filter(|(_, gpus)| *gpus > 0);
        pools.entry((&row.id.cluster, kind, name)).or_default().push(PoolNode::of(row, held.collect()));
    }
    let whole = |cluster: &ConnectionId| view.clusters.get(cluster).is_some_and(|row| row.nodes.exact().is_some());
    pools
        .into_iter()
        .map(|((cluster, kind, name), nodes)| Pool { cluster, name, kind, nodes, whole: whole(cluster) })
        .collect()
}

/// Whole GPUs that a pod asks of this node.
fn asked_whole(row: &NodeRow, pod: &PodRow) -> u64 {
    let whole = |key: &str| {
        row.resources.iter().any(|resource| resource.key == key && resource.replicas <= 1 && !is_slice(key))
    };
    let asked = pod.requests.iter().filter(|(key, _)| whole(key));
    asked.fold(0_u64, |sum, (_, n)| sum.saturating_add(*n)).min(row.gpus.len() as u64)
}

impl Pool<'_> {
    /// Are all pods of the cluster read?
    pub(crate) fn is_known(&self) -> bool {
        self.nodes.iter().all(|node| node.row.holders_known)
    }

    pub(crate) fn largest(&self) -> u64 {
        self.nodes.iter().map(PoolNode::size).max().unwrap_or(0)
    }

    /// Nodes that a new pod can get, as holes.
    pub(crate) fn holes(&self) -> Vec<Hole> {
        self.open().map(|node| Hole { free: node.free(), size: node.size() }).collect()
    }

    /// How many pods on nodes that a new pod can get could be moved, of which this is so.
    pub(crate) fn movable_that(&self, is_so: impl Fn(&Eviction) -> bool) -> u64 {
        self.open().flat_map(PoolNode::movable).filter(|(pod, _)| is_so(&pod.eviction)).count() as u64
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = &PoolNode<'_>> {
        self.nodes.iter().filter(|node| node.open)
    }

    /// Nodes that a new pod can get, as bins.
    pub(crate) fn bins(&self) -> Vec<Bin> {
        let bin =
            |node: &PoolNode<'_>| Bin { free: node.free(), movable: node.movable().map(|(_, gpus)| gpus).collect() };
        self.open().map(bin).collect()
    }

    /// What is stranded, one row a reason.
    pub(crate) fn stranded(&self) -> Vec<Stranded> {
        let mut rows: BTreeMap<StrandedWhy, (u64, u64)> = BTreeMap::new();
        for (why, gpus) in self.nodes.iter().flat_map(PoolNode::stranded) {
            let row = rows.entry(why).or_default();
            *row = (row.0 + gpus, row.1 + 1);
        }
        rows.into_iter().map(|(why, (gpus, nodes))| Stranded { why, gpus, nodes }).collect()
    }
}
