//! The fleet view, renewed row by row as facts come in.

mod part;
mod telemetry;
mod workloads;

pub use part::{NodesPart, nodes_behind, pods_of};

use crate::{
    Measured, Touched, World, alert, claims,
    fact::{ConditionFact, DeviceFact},
    gpu::{self, Claim, Devices},
    project::serving,
    source::{Node, Pod, Source},
};
use pilothouse_wire::{
    ConnectionId, Health, Keyed, KeyedPatch, NodeId, ObjectRef, PodId, SmolStr, Sum,
    view::{
        AlertRow, ClusterRow, Condition, Finding, FindingId, FleetSpec, FleetSummary, FleetView, Funnel, GpuState,
        NodeRow, PodRow, TelemetryView, fleet::FleetPatch,
    },
};

use std::{collections::BTreeSet, sync::Arc};
use telemetry::Layout;

/// A fleet view that follows the world.
#[derive(Clone, Debug)]
pub struct FleetProjection {
    spec: FleetSpec,
    /// Shared with who is sent it: it is copied where somebody still has it when it changes.
    view: Arc<FleetView>,
    /// Where the columns of the view come from, until that changes.
    layout: Option<Layout>,
    /// Sums over the view's nodes and pods.
    totals: Totals,
}

impl FleetProjection {
    /// Projects the whole of it.
    #[must_use]
    pub fn new(world: &World, spec: FleetSpec) -> Self {
        let sources = || world.sources().filter(|(id, _)| in_scope(&spec, id));
        let nodes = || -> Keyed<NodeRow> {
            sources()
                .flat_map(|(id, source)| source.nodes.values().map(|node| node_row(world, id, source, node)))
                .collect()
        };
        let pods = || -> Keyed<PodRow> {
            sources().flat_map(|(id, source)| source.pods.values().map(|pod| pod_row(id, source, pod))).collect()
        };
        let workloads = || sources().flat_map(|(id, source)| workloads::rows(id, source)).collect();
        // Side by side: who looks at a time of the past waits for the whole of a large fleet.
        let (nodes, (pods, workloads)) = rayon::join(nodes, || (pods(), workloads()));
        let mut view = FleetView {
            clusters: sources().filter_map(|(id, source)| cluster_row(id, source, &nodes)).collect(),
            nodes,
            pods,
            summary: FleetSummary::default(),
            workloads,
            telemetry: TelemetryView::default(),
            serving: serving::rows(world, &spec),
            findings: Keyed::default(),
            funnel: Funnel::default(),
            alerts: alerts(world, &spec),
        };
        let layout = Layout::of(world, &view);
        view.telemetry = layout.gather(world);
        let totals = Totals::of(&view);
        view.summary = summary(world, &spec, &view, &totals);
        Self { spec, view: Arc::new(view), layout: Some(layout), totals }
    }

    /// What it is a view of.
    #[must_use]
    pub fn spec(&self) -> &FleetSpec {
        &self.spec
    }

    /// The view as of the last update.
    #[must_use]
    pub fn view(&self) -> &Arc<FleetView> {
        &self.view
    }

    /// The view, taken out.
    #[must_use]
    pub fn into_view(self) -> FleetView {
        Arc::unwrap_or_clone(self.view)
    }

    /// Puts in what is wrong; answers what that changed.
    pub fn set_findings(&mut self, findings: Keyed<Finding>) -> KeyedPatch<Finding, FindingId> {
        let patch = self.view.findings.diff(&findings);
        if !patch.is_empty() {
            Arc::make_mut(&mut self.view).findings = findings;
        }
        patch
    }

    /// Puts in the funnel; answers it if it changed.
    pub fn set_funnel(&mut self, funnel: Funnel) -> Option<Box<Funnel>> {
        let changed = self.view.funnel != funnel;
        changed.then(|| {
            Arc::make_mut(&mut self.view).funnel = funnel.clone();
            Box::new(funnel)
        })
    }

    /// Renews what was touched, and says how.
    pub fn update(&mut self, world: &World, touched: &Touched) -> FleetPatch {
        if touched.all {
            let mut fresh = Self::new(world, self.spec.clone());
            // What follows from it is concluded anew by who asks for it.
            let view = Arc::make_mut(&mut fresh.view);
            (view.findings, view.funnel) = (self.view.findings.clone(), self.view.funnel.clone());
            let patch = self.view.diff(&fresh.view);
            *self = fresh;
            return patch;
        }
        let Self { spec, view, layout, totals } = self;
        let view = Arc::make_mut(view);
        let mut patch = FleetPatch::default();
        let mut reordered = false;
        let mut named = touched.devices.clone();
        if world.has_telemetry() {
            // Whom a list of GPUs is about depends on which clusters have a node of that name.
            named.extend(touched.nodes.iter().map(|id| id.name.clone()));
        }
        let measured = world.nodes_called(&named);
        let mut renamed: BTreeSet<PodId> = BTreeSet::new();
        view.nodes.reserve(touched.nodes.iter().filter(|id| in_scope(spec, &id.cluster)).count());
        for id in touched.nodes.union(&measured).filter(|id| in_scope(spec, &id.cluster)) {
            let source = world.source(&id.cluster);
            let row = source.and_then(|source| Some(node_row(world, &id.cluster, source, source.nodes.get(&id.name)?)));
            let gpus = |view: &FleetView| view.nodes.get(id).map(|node| node.gpus.len());
            let parts = |view: &FleetView| view.nodes.get(id).map(parts).unwrap_or_default();
            let (before, cut) = (gpus(view), parts(view));
            renew(&mut view.nodes, &mut patch.nodes, id, row);
            reordered |= gpus(view) != before;
            if parts(view) != cut {
                // What its pods ask for is a part of a GPU now, or is none any more.
                renamed.extend(source.into_iter().flat_map(|source| source.placed_on(&id.cluster, &id.name)));
            }
        }
        let mut moved: BTreeSet<ObjectRef> = BTreeSet::new();
        // Whose GPUs are whose follows from the nodes' rows, which are new by now, and from the pods that these name.
        let mut held_anew = !patch.nodes.is_empty();
        let touched_pods = || touched.pods.union(&renamed).filter(|id| in_scope(spec, &id.cluster));
        let pods = touched_pods().count();
        view.pods.reserve(pods);
        patch.pods.set.reserve_exact(pods);
        for id in touched_pods() {
            moved.extend(view.pods.get(id).map(workloads::of_row));
            held_anew |= layout.as_ref().is_some_and(|layout| layout.is_held_by(id));
            let source = world.source(&id.cluster);
            let row = source.and_then(|source| {
                let pod = source.pods.get(&(id.namespace.clone(), id.name.clone()))?;
                Some(pod_row(&id.cluster, source, pod))
            });
            renew(&mut view.pods, &mut patch.pods, id, row);
            moved.extend(view.pods.get(id).map(workloads::of_row));
        }
        for workload in &moved {
            let row = world.source(workload.connection()).and_then(|source| workloads::row(source, workload));
            let before = view.workloads.len();
            renew(&mut view.workloads, &mut patch.workloads, workload, row);
            reordered |= view.workloads.len() != before;
        }
        if held_anew || reordered || touched.lists {
            *layout = None;
        }
        // Columns follow the order of nodes, their GPUs, and workloads: where that changed they are laid out anew at once,
        // so that no reading stands at another GPU. What else follows from changed rows may wait for what is measured.
        let has = world.has_telemetry() || !view.telemetry.columns.is_empty();
        let reordered = reordered || touched.lists || !touched.devices.is_empty();
        if touched.readings || (has && (reordered || touched.columns)) {
            let layout = layout.get_or_insert_with(|| Layout::of(world, view));
            let newer = layout.gather(world);
            patch.telemetry = view.telemetry.diff(&newer).map(Box::new);
            view.telemetry = newer;
        }
        if touched.serving || (!patch.pods.is_empty() && world.has_serving()) {
            let newer = serving::rows(world, spec);
            patch.serving = view.serving.changes(&newer);
            view.serving = newer;
        }
        // What an alert is about may have come only now.
        if touched.alerts || (touched.columns && world.sources().any(|(_, source)| !source.alerts.is_empty())) {
            let newer = alerts(world, spec);
            patch.alerts = view.alerts.changes(&newer);
            view.alerts = newer;
        }
        let mut clusters = touched.sources.clone();
        // Who measures may be another source than the node's own.
        clusters.extend(touched.nodes.union(&measured).map(|id| id.cluster.clone()));
        clusters.extend(touched.pods.iter().map(|id| id.cluster.clone()));
        for id in clusters.iter().filter(|id| in_scope(spec, id)) {
            let row = world.source(id).and_then(|source| cluster_row(id, source, &view.nodes));
            renew(&mut view.clusters, &mut patch.clusters, id, row);
        }
        if !patch.nodes.is_empty() || !patch.pods.is_empty() {
            *totals = Totals::of(view);
        }
        let summary = summary(world, spec, view, totals);
        if summary != view.summary {
            view.summary = summary.clone();
            patch.summary = Some(Box::new(summary));
        }
        patch
    }
}

/// The alerts of a scope: about its clusters, or about none in particular.
fn alerts(world: &World, spec: &FleetSpec) -> Keyed<AlertRow> {
    let told = |row: &AlertRow| world.source(&row.id.source).and_then(alert::cluster).cloned();
    let cluster = |row: &AlertRow| row.about.as_ref().map(|object| object.connection().clone()).or_else(|| told(row));
    alert::rows(world).filter(|row| cluster(row).is_none_or(|cluster| in_scope(spec, &cluster))).collect()
}

fn in_scope(spec: &FleetSpec, id: &ConnectionId) -> bool {
    spec.scope.is_empty() || spec.scope.contains(id)
}

/// The resources of a node of which one is a part of a GPU.
fn parts(row: &NodeRow) -> Vec<SmolStr> {
    row.resources.iter().filter(|of| of.is_part()).map(|of| of.key.clone()).collect()
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
    if source.is_beside() || source.listed.is_empty() && source.nodes.is_empty() && source.pods.is_empty() {
        return None;
    }
    let rows = nodes.rows();
    let first = rows.partition_point(|row| row.id.cluster < *id);
    let own = rows[first..].iter().take_while(|row| row.id.cluster == *id);
    let (mut gpus, mut held, mut unknown) = (0, 0, false);
    for row in own {
        // Where nobody counts the GPUs of a node, claims may give them out: until these are told of, none is not yet none.
        unknown |= row.gpus.is_empty();
        for cell in &row.gpus {
            gpus += 1;
            held += u64::from(cell.is_held());
            // Where not all pods are read, nobody is seen to hold what is counted all the same.
            unknown |= cell.state == GpuState::Unknown && source.knows_pods();
        }
    }
    let counted = gpus > 0 && !unknown || source.is_told_of_claims();
    Some(ClusterRow {
        id: id.clone(),
        name: source.about.name.clone(),
        demo: source.about.demo,
        version: source.probed.version.clone(),
        gpus: Sum::of(gpus, source.knows_nodes() && counted),
        gpus_held: Sum::of(held, source.knows_nodes() && source.knows_pods()),
        nodes: Sum::of(source.nodes.len() as u64, source.knows_nodes()),
        pods: Sum::of(source.pods.len() as u64, source.knows_pods()),
        not_visible: source.probed.not_visible.clone(),
        budgets_told: source.is_told_of_budgets(),
    })
}

fn node_cells(world: &World, id: &ConnectionId, source: &Source, node: &Node) -> gpu::Cells {
    let holders = source.holders(&node.fact.name);
    let lives = |namespace: &SmolStr, name: &SmolStr| source.lives_on(&node.fact.name, namespace, name);
    let measured = world.measures(id, &node.fact.name);
    let own = measured.into_iter().flat_map(|(_, telemetry)| telemetry.of_node(&node.fact.name));
    let own: Vec<&DeviceFact> = own.map(Measured::device).collect();
    let is_there = |namespace: &SmolStr, name: &SmolStr, uid: &SmolStr| {
        source.pods.get(&(namespace.clone(), name.clone())).is_some_and(|pod| pod.fact.uid == *uid)
    };
    let offered = source.claims.of_node(&node.fact.name, &is_there);
    let published = source.claims.resources(&node.fact.name, &is_there);
    let (joined, claims_known) = match measured {
        // Of most nodes nothing is published, and nothing is copied.
        _ if offered.is_empty() => (None, false),
        None => (Some(offered), true),
        Some(_) => {
            let (joined, each) = claims::joined(own.iter().copied(), offered);
            (Some(joined), each)
        }
    };
    let all: Vec<&DeviceFact> = joined.as_ref().map_or(own, |joined| joined.iter().collect());
    let devices = (!all.is_empty()).then(|| Devices {
        source: measured.map(|(source, _)| source),
        all,
        claims_known: claims_known && source.knows_claims(),
        lives: &lives,
        cluster: id,
    });
    let claims: Vec<Claim<'_>> = holders
        .into_iter()
        .map(|pod| Claim {
            pod: PodId { cluster: id.clone(), namespace: pod.namespace.clone(), name: pod.name.clone() },
            gpus: &pod.gpus,
        })
        .collect();
    let mut cells = gpu::cells(&node.fact, node.fact.is_ready(), &claims, source.knows_pods(), devices.as_ref());
    cells.resources.extend(published);
    cells
}

pub(super) fn node_row(world: &World, id: &ConnectionId, source: &Source, node: &Node) -> NodeRow {
    let fact = &node.fact;
    let (status, status_word) = fact.status();
    let cells = node_cells(world, id, source, node);
    NodeRow {
        id: NodeId { cluster: id.clone(), name: fact.name.clone() },
        status,
        status_word,
        cordoned: fact.cordoned,
        pool: fact.pool().cloned(),
        product: fact.product().cloned().or_else(|| published_product(&cells)),
        gpu_memory_mib: fact.label("nvidia.com/gpu.memory").and_then(|text| text.parse().ok()),
        zone: fact.label("topology.kubernetes.io/zone").cloned(),
        instance_type: fact.label("node.kubernetes.io/instance-type").cloned(),
        kubelet: fact.kubelet.clone(),
        conditions: fact.conditions.iter().map(condition).collect(),
        taints: fact.taints.clone(),
        quarantine: fact.quarantine(),
        resources: cells.resources,
        gpus: cells.gpus,
        devices: cells.devices,
        holders_known: source.knows_pods(),
        holders: cells.holders,
        nameless: cells.nameless,
        created: fact.created,
        seen: node.seen,
    }
}

/// The product of GPUs that their driver publishes: their nodes need no labels for it.
fn published_product(cells: &gpu::Cells) -> Option<SmolStr> {
    cells.devices.iter().filter(|device| device.source.is_none()).find_map(|device| device.product.clone())
}

pub(super) fn pod_row(id: &ConnectionId, source: &Source, pod: &Pod) -> PodRow {
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
        team: source.team(pod).cloned(),
        queue: pod.labels.queue.clone(),
        gpus: source.gpus_of(fact),
        shares: source.shares_of(fact),
        requests: fact.gpus.iter().cloned().chain(source.claims.wanted(fact)).collect(),
        images: fact.containers.iter().map(|container| container.image.clone()).collect(),
        digests: fact.containers.iter().filter_map(|container| container.digest.clone()).collect(),
        ready: count(fact.containers.iter().filter(|container| container.ready).count()),
        containers: count(fact.containers.len()),
        restarts: fact.restarts(),
        conditions: fact.conditions.iter().map(condition).collect(),
        eviction: source.eviction(pod),
        created: fact.created,
        started: fact.started,
        seen: pod.seen,
    }
}

fn condition(fact: &ConditionFact) -> Condition {
    Condition { kind: fact.kind.clone(), status: fact.status.clone(), reason: fact.reason.clone(), since: fact.since }
}

/// What is added up over the rows before it is said how much of it is known.
#[derive(Clone, Debug, Default)]
struct Totals {
    gpus: u64,
    healthy: u64,
    held: u64,
    free: u64,
    /// Nobody is seen to hold them, but not all pods are read.
    maybe_free: u64,
    cordoned: u64,
    lost: u64,
    nodes_ready: u64,
    pending: u64,
    wanted: u64,
}

impl Totals {
    fn of(view: &FleetView) -> Self {
        let mut sum = Self::default();
        for node in view.nodes.rows() {
            sum.nodes_ready += u64::from(node.status != pilothouse_wire::view::Status::Bad);
            sum.gpus += node.gpus.len() as u64;
            for cell in &node.gpus {
                let well = !matches!(cell.state, GpuState::Lost | GpuState::Withheld);
                sum.healthy += u64::from(well);
                sum.lost += u64::from(!well);
                sum.cordoned += u64::from(node.cordoned);
                sum.held += u64::from(cell.is_held());
                sum.free += u64::from(cell.state == GpuState::Free && !node.cordoned);
                sum.maybe_free += u64::from(cell.state == GpuState::Unknown && !node.cordoned);
            }
        }
        for pod in view.pods.rows().iter().filter(|pod| pod.node.is_none() && pod.status_word == "Pending") {
            sum.pending += 1;
            sum.wanted = sum.wanted.saturating_add(pod.whole_gpus());
        }
        sum
    }
}

/// How much of the fleet is read, over all sources in scope.
struct Reach {
    /// All nodes, by sources that are well.
    nodes: bool,
    /// All pods, by sources that are well.
    pods: bool,
    /// Were all nodes read at least once?
    nodes_seen: bool,
    /// Does any source know who holds its GPUs?
    any_pods: bool,
    /// The sources that are not read whole, or not well.
    partial: Vec<ConnectionId>,
}

impl Reach {
    fn of(world: &World, spec: &FleetSpec) -> Self {
        let mut reach = Self { nodes: true, pods: true, nodes_seen: true, any_pods: false, partial: Vec::new() };
        for (id, source) in world.sources().filter(|(id, source)| in_scope(spec, id) && !source.is_beside()) {
            let well = matches!(source.health, Health::Well | Health::Slow(_));
            let (nodes, pods) = (source.knows_nodes(), source.knows_pods());
            reach.nodes &= nodes && well;
            reach.pods &= pods && well;
            reach.nodes_seen &= nodes;
            reach.any_pods |= pods || !source.pods.is_empty();
            if !(nodes && pods && well) {
                reach.partial.push(id.clone());
            }
        }
        reach
    }

    /// What is not read can take a GPU that seems free; a node that is not read can have more of them.
    fn free(&self, sum: &Totals) -> Sum {
        if self.nodes && self.pods {
            Sum::Exact(sum.free)
        } else if !self.any_pods {
            Sum::NotKnown
        } else if self.nodes_seen {
            Sum::AtMost(sum.free.saturating_add(sum.maybe_free))
        } else {
            Sum::of(sum.free, false)
        }
    }
}

fn summary(world: &World, spec: &FleetSpec, view: &FleetView, sum: &Totals) -> FleetSummary {
    let reach = Reach::of(world, spec);
    let of_nodes = |n: u64| Sum::of(n, reach.nodes);
    let of_pods = |n: u64| Sum::of(n, reach.pods);
    FleetSummary {
        gpus: of_nodes(sum.gpus),
        gpus_healthy: of_nodes(sum.healthy),
        gpus_held: Sum::of(sum.held, reach.nodes && reach.pods),
        gpus_free: reach.free(sum),
        gpus_cordoned: of_nodes(sum.cordoned),
        gpus_lost: of_nodes(sum.lost),
        nodes: of_nodes(view.nodes.len() as u64),
        nodes_ready: of_nodes(sum.nodes_ready),
        pods: of_pods(view.pods.len() as u64),
        pods_pending: of_pods(sum.pending),
        gpus_wanted: of_pods(sum.wanted),
        partial: reach.partial,
    }
}
