//! Pools: nodes of one cluster with GPUs of one kind, and what is free on them.

use crate::{
    pods::PodsOf,
    room::{repack::Bin, slots::Hole},
};
use pilothouse_wire::{
    ConnectionId, NodeId, ObjectRef, SmolStr, Sum,
    view::{
        Eviction, Finding, FleetView, GpuResource, GpuState, NodeRow, PartRoom, PodRow, PoolKind, Status, Stranded,
        StrandedWhy,
    },
};
use std::collections::{BTreeMap, HashMap};

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
    /// Can a new pod get anything of it: is it ready, and neither cordoned nor quarantined?
    pub reachable: bool,
    /// Can a new pod get whole GPUs of it: is it reachable, and does it give whole ones?
    pub open: bool,
    /// Pods that hold whole GPUs of it, with how many.
    pub pods: Vec<(&'a PodRow, u64)>,
    /// GPUs that nobody holds and that are broken, by a finding.
    broken: u64,
}

impl<'a> PoolNode<'a> {
    /// A node by itself: what is free on it is known, and neither who holds the rest nor what is broken.
    pub(crate) fn alone(row: &'a NodeRow) -> Self {
        Self::new(row, &[], &[])
    }

    fn new(row: &'a NodeRow, pods: &[&'a PodRow], broken: &[u16]) -> Self {
        let ready = row.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True");
        let reachable = ready && !row.cordoned && row.quarantine.is_none();
        let held = pods.iter().map(|pod| (*pod, asked_whole(row, pod))).filter(|(_, gpus)| *gpus > 0);
        let is_free = |slot: &&u16| row.gpus.get(usize::from(**slot)).is_some_and(|cell| cell.state == GpuState::Free);
        let mut node = Self { row, reachable, open: false, pods: held.collect(), broken: 0 };
        // What its plug-in withholds is what it knows to be broken: which one that is, the count does not say.
        let found = broken.iter().filter(is_free).count() as u64;
        node.broken = found.saturating_sub(node.count(GpuState::Withheld));
        node.open = reachable && (!is_cut(row) || node.size() > 0);
        node
    }

    /// Its devices.
    pub(crate) fn devices(&self) -> u64 {
        self.row.gpus.len() as u64
    }

    /// The GPUs that it gives whole.
    pub(crate) fn size(&self) -> u64 {
        if is_cut(self.row) {
            whole(self.row).map(|of| of.capacity).sum::<u64>().min(self.devices())
        } else {
            self.devices()
        }
    }

    /// Its whole GPUs that nobody holds and that are not broken.
    pub(crate) fn unheld(&self) -> u64 {
        let cells = self.count(GpuState::Free) - self.broken;
        if !is_cut(self.row) {
            return cells;
        }
        // Cells do not say which devices are cut: the cluster counts how many whole ones are left.
        let left = whole(self.row).map(|of| of.allocatable.saturating_sub(of.requested));
        left.fold(0, u64::saturating_add).min(cells)
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
        let well = self.count(GpuState::Free) - self.broken;
        let (why_not, kept) = match (self.row.cordoned, self.row.quarantine.is_some()) {
            (true, _) => (StrandedWhy::Cordoned, well),
            (false, true) => (StrandedWhy::Quarantined, well),
            (false, false) => (StrandedWhy::Cut, well - self.unheld()),
        };
        [
            (why_not, kept),
            (StrandedWhy::NotReady, lost),
            (StrandedWhy::Broken, self.broken),
            (StrandedWhy::Withheld, self.count(GpuState::Withheld)),
            (StrandedWhy::NotKnown, self.count(GpuState::Unknown)),
        ]
        .into_iter()
        .filter(|(_, gpus)| *gpus > 0)
    }
}

/// The resources of whole GPUs that a node has.
fn whole(row: &NodeRow) -> impl Iterator<Item = &GpuResource> {
    row.resources.iter().filter(|of| of.capacity > 0 && !of.is_part())
}

/// Would its controller make it anew elsewhere? Those of a DaemonSet and of the node itself belong where they are, and a
/// bare pod would be gone.
fn is_movable(pod: &PodRow) -> bool {
    pod.workload_kind.as_ref().is_some_and(|kind| kind != "DaemonSet" && kind != "Node")
}

/// Does the node give GPUs in shares or slices?
pub(crate) fn is_cut(row: &NodeRow) -> bool {
    row.resources.iter().any(|resource| resource.capacity > 0 && resource.is_part())
}

/// The pools of a view.
pub(crate) fn pools<'a>(view: &'a FleetView, pods: &PodsOf<'a>) -> Vec<Pool<'a>> {
    // One about a source of measurements says nothing of GPUs.
    let of_gpus = |finding: &&Finding| !matches!(finding.id.object, ObjectRef::Connection(_));
    let bad = view.findings.rows().iter().filter(|finding| finding.status == Status::Bad).filter(of_gpus);
    let mut broken: HashMap<&NodeId, Vec<u16>> = HashMap::new();
    for finding in bad {
        broken.entry(&finding.node).or_default().extend(&finding.gpus);
    }
    broken.values_mut().for_each(|slots| {
        slots.sort_unstable();
        slots.dedup();
    });
    let mut pools: BTreeMap<(&ConnectionId, PoolKind, &str), Vec<PoolNode<'_>>> = BTreeMap::new();
    for row in view.nodes.rows().iter().filter(|row| !row.gpus.is_empty()) {
        let (kind, name) = match (&row.product, &row.instance_type) {
            (Some(product), _) => (PoolKind::Product, product.as_str()),
            (None, Some(kind)) => (PoolKind::InstanceType, kind.as_str()),
            (None, None) => (PoolKind::Unlabelled, ""),
        };
        let broken = broken.get(&row.id).map(Vec::as_slice).unwrap_or_default();
        let node = PoolNode::new(row, pods.at(&row.id), broken);
        pools.entry((&row.id.cluster, kind, name)).or_default().push(node);
    }
    let whole = |cluster: &ConnectionId| view.clusters.get(cluster).is_some_and(|row| row.nodes.exact().is_some());
    pools
        .into_iter()
        .map(|((cluster, kind, name), nodes)| Pool { cluster, name, kind, nodes, whole: whole(cluster) })
        .collect()
}

/// Whole GPUs that a pod asks of this node.
fn asked_whole(row: &NodeRow, pod: &PodRow) -> u64 {
    let whole = |key: &str| row.resources.iter().any(|resource| resource.key == key && !resource.is_part());
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

    /// Shares and slices of its reachable nodes, one row a resource.
    pub(crate) fn parts(&self) -> Vec<PartRoom> {
        let mut rows: BTreeMap<&SmolStr, [u64; 4]> = BTreeMap::new();
        let reachable = self.nodes.iter().filter(|node| node.reachable);
        for of in reachable.flat_map(|node| &node.row.resources).filter(|of| of.capacity > 0 && of.is_part()) {
            let [nodes, total, free, hole] = rows.entry(&of.key).or_default();
            let left = of.allocatable.saturating_sub(of.requested);
            (*nodes, *total, *free) = (*nodes + 1, total.saturating_add(of.allocatable), free.saturating_add(left));
            *hole = left.max(*hole);
        }
        let known = |n| if self.is_known() { Sum::of(n, self.whole) } else { Sum::NotKnown };
        let row = |(key, [nodes, total, free, hole]): (&SmolStr, [u64; 4])| PartRoom {
            resource: key.clone(),
            nodes,
            total: Sum::of(total, self.whole),
            free: known(free),
            hole: known(hole),
        };
        rows.into_iter().map(row).collect()
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
