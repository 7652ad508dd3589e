//! The fleet view, renewed row by row as facts come in.

use crate::{
    Touched, World,
    fact::ConditionFact,
    gpu::{self, Claim},
    source::{Node, Pod, Source},
};
use pilothouse_wire::{
    ConnectionId, Health, Keyed, KeyedPatch, NodeId, PodId,
    view::{ClusterRow, Condition, FleetSpec, FleetSummary, FleetView, GpuState, NodeRow, PodRow, fleet::FleetPatch},
};

/// A fleet view that follows the world.
#[derive(Clone, Debug)]
pub struct FleetProjection {
    spec: FleetSpec,
    view: FleetView,
}

impl FleetProjection {
    /// Projects the whole of it.
    #[must_use]
    pub fn new(world: &World, spec: FleetSpec) -> Self {
        let sources = || world.sources().filter(|(id, _)| in_scope(&spec, id));
        let nodes: Keyed<NodeRow> =
            sources().flat_map(|(id, source)| source.nodes.values().map(|node| node_row(id, source, node))).collect();
        let mut view = FleetView {
            clusters: sources().filter_map(|(id, source)| cluster_row(id, source, &nodes)).collect(),
            nodes,
            pods: sources().flat_map(|(id, source)| source.pods.values().map(|pod| pod_row(id, pod))).collect(),
            summary: FleetSummary::default(),
        };
        view.summary = summary(world, &view);
        Self { spec, view }
    }

    /// The view as of the last update.
    #[must_use]
    pub fn view(&self) -> &FleetView {
        &self.view
    }

    /// The view, taken out.
    #[must_use]
    pub fn into_view(self) -> FleetView {
        self.view
    }

    /// Renews what was touched, and says how.
    pub fn update(&mut self, world: &World, touched: &Touched) -> FleetPatch {
        if touched.all {
            let fresh = Self::new(world, self.spec.clone());
            let patch = self.view.diff(&fresh.view);
            self.view = fresh.view;
            return patch;
        }
        let mut patch = FleetPatch::default();
        for id in touched.nodes.iter().filter(|id| in_scope(&self.spec, &id.cluster)) {
            let source = world.source(&id.cluster);
            let row = source.and_then(|source| Some(node_row(&id.cluster, source, source.nodes.get(&id.name)?)));
            renew(&mut self.view.nodes, &mut patch.nodes, id, row);
        }
        for id in touched.pods.iter().filter(|id| in_scope(&self.spec, &id.cluster)) {
            let source = world.source(&id.cluster);
            let pod = source.and_then(|source| source.pods.get(&(id.namespace.clone(), id.name.clone())));
            renew(&mut self.view.pods, &mut patch.pods, id, pod.map(|pod| pod_row(&id.cluster, pod)));
        }
        let mut clusters = touched.sources.clone();
        clusters.extend(touched.nodes.iter().map(|id| id.cluster.clone()));
        clusters.extend(touched.pods.iter().map(|id| id.cluster.clone()));
        for id in clusters.iter().filter(|id| in_scope(&self.spec, id)) {
            let row = world.source(id).and_then(|source| cluster_row(id, source, &self.view.nodes));
            renew(&mut self.view.clusters, &mut patch.clusters, id, row);
        }
        let summary = summary(world, &self.view);
        if summary != self.view.summary {
            self.view.summary = summary.clone();
            patch.summary = Some(summary);
        }
        patch
    }
}

fn in_scope(spec: &FleetSpec, id: &ConnectionId) -> bool {
    spec.scope.is_empty() || spec.scope.contains(id)
}

fn renew<R: pilothouse_wire::Row>(
    rows: &mut Keyed<R>,
    patch: &mut KeyedPatch<R, R::Key>,
    key: &R::Key,
    row: Option<R>,
) {
    match row {
        Some(row) if rows.set(row.clone()) => patch.set.push(row),
        None if rows.remove(key) => patch.gone.push(key.clone()),
        _ => {}
    }
}

fn cluster_row(id: &ConnectionId, source: &Source, nodes: &Keyed<NodeRow>) -> Option<ClusterRow> {
    if source.listed.is_empty() && source.nodes.is_empty() && source.pods.is_empty() {
        return None;
    }
    let rows = nodes.rows();
    let first = rows.partition_point(|row| row.id.cluster < *id);
    let own = rows[first..].iter().take_while(|row| row.id.cluster == *id);
    let (mut gpus, mut held) = (0, 0);
    for cell in own.flat_map(|row| &row.gpus) {
        gpus += 1;
        held += u64::from(is_held(cell.state, cell.holder));
    }
    Some(ClusterRow {
        id: id.clone(),
        name: source.about.name.clone(),
        demo: source.about.demo,
        version: source.probed.version.clone(),
        gpus,
        gpus_held: held,
        nodes: source.nodes.len() as u64,
        pods: source.pods.len() as u64,
        not_visible: source.probed.not_visible.clone(),
    })
}

fn is_held(state: GpuState, holder: Option<u16>) -> bool {
    holder.is_some() || state == GpuState::Shared
}

fn node_cells(id: &ConnectionId, source: &Source, node: &Node) -> gpu::Cells {
    let holders = source.holders(&node.fact.name);
    let claims: Vec<Claim<'_>> = holders
        .into_iter()
        .map(|pod| Claim {
            pod: PodId { cluster: id.clone(), namespace: pod.namespace.clone(), name: pod.name.clone() },
            gpus: &pod.gpus,
        })
        .collect();
    gpu::cells(&node.fact, node.fact.is_ready(), &claims)
}

pub(super) fn node_row(id: &ConnectionId, source: &Source, node: &Node) -> NodeRow {
    let fact = &node.fact;
    let (status, status_word) = fact.status();
    let cells = node_cells(id, source, node);
    let shown = |condition: &&ConditionFact| condition.kind == "Ready" || condition.status == "True";
    NodeRow {
        id: NodeId { cluster: id.clone(), name: fact.name.clone() },
        status,
        status_word,
        cordoned: fact.cordoned,
        pool: fact.pool().cloned(),
        product: fact.product().cloned(),
        gpu_memory_mib: fact.label("nvidia.com/gpu.memory").and_then(|text| text.parse().ok()),
        zone: fact.label("topology.kubernetes.io/zone").cloned(),
        instance_type: fact.label("node.kubernetes.io/instance-type").cloned(),
        kubelet: fact.kubelet.clone(),
        conditions: fact.conditions.iter().filter(shown).map(condition).collect(),
        taints: fact.taints.clone(),
        resources: cells.resources,
        gpus: cells.gpus,
        holders: cells.holders,
        created: fact.created,
        seen: node.seen,
    }
}

pub(super) fn pod_row(id: &ConnectionId, pod: &Pod) -> PodRow {
    let fact = &pod.fact;
    let (status, status_word) = fact.status();
    let workload = fact.workload();
    let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    PodRow {
        id: PodId { cluster: id.clone(), namespace: fact.namespace.clone(), name: fact.name.clone() },
        status,
        status_word,
        node: fact.node.clone(),
        workload_kind: workload.as_ref().map(|owner| owner.kind.clone()),
        workload: workload.map(|owner| owner.name),
        owners: fact.owner_chain(),
        gpus: fact.gpu_count(),
        requests: fact.gpus.clone(),
        images: fact.containers.iter().map(|container| container.image.clone()).collect(),
        digests: fact.containers.iter().filter_map(|container| container.digest.clone()).collect(),
        ready: count(fact.containers.iter().filter(|container| container.ready).count()),
        containers: count(fact.containers.len()),
        restarts: fact.restarts(),
        conditions: fact.conditions.iter().map(condition).collect(),
        created: fact.created,
        started: fact.started,
        seen: pod.seen,
    }
}

fn condition(fact: &ConditionFact) -> Condition {
    Condition { kind: fact.kind.clone(), status: fact.status.clone(), reason: fact.reason.clone(), since: fact.since }
}

fn summary(world: &World, view: &FleetView) -> FleetSummary {
    let mut sum = FleetSummary { nodes: view.nodes.len() as u64, pods: view.pods.len() as u64, ..Default::default() };
    for node in view.nodes.rows() {
        sum.nodes_ready += u64::from(node.status != pilothouse_wire::view::Status::Bad);
        sum.gpus += node.gpus.len() as u64;
        for cell in &node.gpus {
            let well = !matches!(cell.state, GpuState::Lost | GpuState::Withheld);
            sum.gpus_healthy += u64::from(well);
            sum.gpus_lost += u64::from(!well);
            sum.gpus_cordoned += u64::from(node.cordoned);
            sum.gpus_held += u64::from(is_held(cell.state, cell.holder));
            sum.gpus_free += u64::from(cell.state == GpuState::Free && !node.cordoned);
        }
    }
    for pod in view.pods.rows().iter().filter(|pod| pod.node.is_none() && pod.status_word == "Pending") {
        sum.pods_pending += 1;
        sum.gpus_wanted = sum.gpus_wanted.saturating_add(pod.gpus);
    }
    sum.partial = world
        .sources()
        .filter(|(id, source)| {
            view.clusters.get(id).is_some() && !matches!(source.health, Health::Well | Health::Slow(_))
        })
        .map(|(id, _)| id.clone())
        .collect();
    sum
}
