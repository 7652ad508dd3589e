//! The tables of the fleet as data: their columns, their rows as cells, and what they are sorted by.

use super::serving::{self, ENGINE, SERVING};
use crate::parts::table::cell::{Cell, Column, RowModel};
use pilothouse_wire::{
    ConnectionId, Metric, NodeId, ObjectRef, Reading, SmolStr, Stamp, Sum, sort, units,
    view::{FleetView, GpuRow, Method, NodeRow, PodRow, WorkloadRow, gpu::plain_number},
};
use std::collections::HashMap;

/// When each cluster was last heard, and whether that is too long ago.
pub type Heard = HashMap<ConnectionId, (Option<Stamp>, bool)>;

/// Columns of the nodes.
pub const NODES: &[Column] = &[
    Column::text("status", "Status", "minmax(132px, 1.1fr)"),
    Column::text("node", "Node", "minmax(120px, 1.4fr)"),
    Column::text("cluster", "Cluster", "minmax(84px, 0.9fr)"),
    Column::text("pool", "Pool", "minmax(84px, 1fr)"),
    Column::text("product", "Product", "minmax(96px, 1.1fr)"),
    Column::number("gpus_used", "GPUs used", "minmax(112px, 0.9fr)"),
    Column::number("tensor", "Tensor active", "minmax(120px, 0.9fr)"),
    Column::number("util", "Util, %", "minmax(64px, 0.4fr)"),
    Column::number("power", "Power, kW", "minmax(84px, 0.45fr)"),
    Column::number("temp", "Max, °C", "minmax(72px, 0.4fr)"),
    Column::number("pods", "Holders", "minmax(60px, 0.4fr)"),
    Column::text("workload", "Workload", "minmax(96px, 1.2fr)"),
    Column::number("created", "Created, ago", "minmax(88px, 0.6fr)"),
    Column::number("age", "Age", "minmax(76px, 0.5fr)"),
];

/// The columns of nodes and workloads that are measured, with their metrics.
pub(super) const TOGETHER: [(&str, Metric); 4] = [
    ("tensor", Metric::TensorActive),
    ("util", Metric::Utilisation),
    ("power", Metric::Power),
    ("temp", Metric::Temperature),
];

/// Columns of the GPUs.
pub const GPUS: &[Column] = &[
    Column::text("status", "Status", "minmax(132px, 1.1fr)"),
    Column::text("gpu", "GPU", "minmax(120px, 1.3fr)"),
    Column::text("cluster", "Cluster", "minmax(84px, 0.8fr)"),
    Column::text("product", "Product", "minmax(96px, 1fr)"),
    Column::number("util", "Util, %", "minmax(64px, 0.4fr)"),
    Column::number("tensor", "Tensor, %", "minmax(80px, 0.45fr)"),
    Column::number("memory", "Memory, GB", "minmax(92px, 0.5fr)"),
    Column::number("power", "Power, W", "minmax(76px, 0.45fr)"),
    Column::number("temp", "Temp, °C", "minmax(76px, 0.4fr)"),
    Column::text("pod", "Held by", "minmax(140px, 1.8fr)"),
    Column::text("workload", "Workload", "minmax(96px, 1.2fr)"),
    Column::number("held", "Held for", "minmax(88px, 0.7fr)"),
    Column::number("age", "Measured, ago", "minmax(108px, 0.6fr)"),
];

/// The columns of GPUs that are measured, with their metrics.
pub(super) const MEASURED: [(&str, Metric); 5] = [
    ("util", Metric::Utilisation),
    ("tensor", Metric::TensorActive),
    ("memory", Metric::MemoryUsed),
    ("power", Metric::Power),
    ("temp", Metric::Temperature),
];

/// Columns of the GPU workloads.
pub const WORKLOADS: &[Column] = &[
    Column::text("status", "Status", "minmax(148px, 1.2fr)"),
    Column::text("name", "Workload", "minmax(140px, 1.6fr)"),
    Column::text("kind", "Kind", "minmax(80px, 0.7fr)"),
    Column::text("cluster", "Cluster", "minmax(84px, 0.8fr)"),
    Column::text("namespace", "Namespace", "minmax(84px, 0.9fr)"),
    Column::text("team", "Team", "minmax(76px, 0.7fr)"),
    Column::number("gpus", "GPUs", "minmax(52px, 0.4fr)"),
    Column::number("wanted", "Wanted", "minmax(60px, 0.4fr)"),
    Column::number("tensor", "Tensor active", "minmax(120px, 0.9fr)"),
    Column::number("util", "Util, %", "minmax(64px, 0.4fr)"),
    Column::number("power", "Power, kW", "minmax(84px, 0.45fr)").on_demand(),
    Column::number("temp", "Max, °C", "minmax(72px, 0.4fr)").on_demand(),
    ENGINE,
    SERVING[0].0.on_demand(),
    SERVING[1].0,
    SERVING[2].0,
    SERVING[3].0,
    SERVING[4].0,
    Column::number("ready", "Ready", "minmax(56px, 0.4fr)"),
    Column::number("restarts", "Restarts", "minmax(60px, 0.4fr)").on_demand(),
    Column::number("created", "Created, ago", "minmax(88px, 0.6fr)"),
    Column::number("age", "Age", "minmax(76px, 0.5fr)"),
];

/// Columns of the pods.
pub const PODS: &[Column] = &[
    Column::text("status", "Status", "minmax(132px, 1.1fr)"),
    Column::text("pod", "Pod", "minmax(160px, 2fr)"),
    Column::text("cluster", "Cluster", "minmax(84px, 0.8fr)"),
    Column::text("namespace", "Namespace", "minmax(84px, 0.9fr)"),
    Column::text("team", "Team", "minmax(76px, 0.7fr)"),
    Column::text("workload", "Workload", "minmax(96px, 1.2fr)"),
    Column::text("node", "Node", "minmax(96px, 1.2fr)"),
    Column::number("gpus", "GPUs", "minmax(48px, 0.4fr)"),
    ENGINE,
    SERVING[0].0.on_demand(),
    SERVING[1].0.on_demand(),
    SERVING[2].0.on_demand(),
    SERVING[3].0.on_demand(),
    SERVING[4].0.on_demand(),
    Column::number("ready", "Ready", "minmax(52px, 0.4fr)"),
    Column::number("restarts", "Restarts", "minmax(60px, 0.4fr)"),
    Column::number("started", "Started, ago", "minmax(88px, 0.7fr)"),
    Column::number("age", "Age", "minmax(76px, 0.6fr)"),
];

/// The age of what is known of a cluster.
fn age(heard: &Heard, cluster: &ConnectionId) -> (Cell, bool) {
    match heard.get(cluster) {
        Some((Some(at), stale)) => (Cell::Since(*at, *stale), *stale),
        Some((None, stale)) => (Cell::Absent, *stale),
        None => (Cell::Absent, false),
    }
}

fn since(at: Option<Stamp>) -> Cell {
    at.map_or(Cell::Absent, |at| Cell::Since(at, false))
}

/// Workloads that hold a node's GPUs: the first by name, and how many others.
pub(super) fn workloads(fleet: &FleetView, node: &NodeRow) -> Cell {
    let holders = node.holders.iter().chain(&node.nameless);
    let mut names: Vec<&SmolStr> = holders.filter_map(|id| fleet.pods.get(id)?.workload.as_ref()).collect();
    sort::sort(&mut names);
    names.dedup();
    match names.as_slice() {
        [] => Cell::Absent,
        [one] => Cell::Text((*one).clone()),
        [first, rest @ ..] => Cell::Text(format!("{first} +{}", rest.len()).into()),
    }
}

/// A node as a row.
#[must_use]
pub fn node_row(fleet: &FleetView, at: usize, node: &NodeRow, heard: &Heard, now: Stamp) -> RowModel {
    let (status, status_word) = fleet.node_status(node);
    let (age, stale) = age(heard, &node.id.cluster);
    let used = match node.gpus.len() {
        0 => Cell::Absent,
        whole => match node.gpus_held() {
            Sum::Exact(part) => Cell::Of { part, whole: whole as u64 },
            // No bar is drawn of what is not known.
            held => Cell::Text(format!("{} / {}", units::sum(held), units::count(whole as u64)).into()),
        },
    };
    let product = node.product.as_ref().map(|product| super::groups::product_words(product).into());
    let mut cells = vec![
        Cell::Status(status, status_word),
        Cell::Name(node.id.name.clone()),
        Cell::Soft(node.id.cluster.as_str().into()),
        Cell::soft(node.pool.as_ref()),
        Cell::soft(product.as_ref()),
        used,
    ];
    let old = fleet.telemetry.node_is_stale(at, now);
    cells.extend(together(old, |metric| fleet.telemetry.read_node(metric, at)));
    cells.extend([
        match node.pods_holding() {
            Sum::Exact(pods) => Cell::Count(pods),
            Sum::NotKnown => Cell::Absent,
            pods => Cell::Text(units::sum(pods).into()),
        },
        workloads(fleet, node),
        since(node.created),
        age,
    ]);
    RowModel { object: ObjectRef::Node(node.id.clone()), cells, stale }
}

/// What is measured of several GPUs together. What was measured too long ago is no number of now, as of serving engines.
fn together(old: bool, read: impl Fn(Metric) -> Reading) -> impl Iterator<Item = Cell> {
    TOGETHER.iter().map(move |(_, metric)| match (metric, read(*metric).finite()) {
        _ if old && !read(*metric).is_absent() => Cell::Soft("stale".into()),
        (Metric::TensorActive, Some(share)) => Cell::Share(share.into()),
        (Metric::Power, Some(watts)) => Cell::Number(f64::from(watts) / 1_000.0, 1),
        _ => measured(*metric, read(*metric)),
    })
}

/// GPUs, and shares of them, which are told apart.
fn of_gpus(whole: u64, shares: u64) -> Cell {
    if shares == 0 { Cell::Count(whole) } else { Cell::Text(units::gpus(whole, shares).into()) }
}

/// A workload as a row.
#[must_use]
pub fn workload_row(fleet: &FleetView, at: usize, row: &WorkloadRow, heard: &Heard, now: Stamp) -> RowModel {
    let (age, stale) = age(heard, row.cluster());
    let mut cells = vec![
        Cell::Status(row.status, row.status_word.clone()),
        Cell::Name(row.name.clone()),
        Cell::Soft(row.kind.clone()),
        Cell::Soft(row.cluster().as_str().into()),
        Cell::Soft(row.namespace.clone()),
        Cell::soft(row.team.as_ref()),
        of_gpus(row.gpus_held, row.shares_held),
        of_gpus(row.gpus_wanted, row.shares_wanted),
    ];
    let old = fleet.telemetry.workload_is_stale(at, now);
    cells.extend(together(old, |metric| fleet.telemetry.read_workload(metric, at)));
    cells.extend(serving::cells(fleet, &row.id, now));
    cells.extend([
        Cell::Ratio { part: row.ready.into(), whole: row.pods.into() },
        Cell::Count(row.restarts.into()),
        since(row.created),
        age,
    ]);
    RowModel { object: row.id.clone(), cells, stale }
}

/// A GPU as a row: its age is that of its last measurement, or, where nobody measures it, of its cluster.
#[must_use]
pub fn gpu_row(row: &GpuRow<'_>, heard: &Heard, now: Stamp) -> RowModel {
    let (row, node) = (&row.as_of(now), row.gpu.node);
    let (of_cluster, cluster_is_stale) = age(heard, &node.id.cluster);
    let (age, stale) = match row.measured_at() {
        Some(at) => (Cell::Since(at, row.is_stale(now)), cluster_is_stale || row.is_stale(now)),
        None => (of_cluster, cluster_is_stale),
    };
    let (status, word) = row.status();
    let product = row.product().map(|product| super::groups::product_words(product).into());
    let mut cells = vec![
        Cell::Status(status, word),
        Cell::Name(row.gpu.object().name()),
        Cell::Soft(node.id.cluster.as_str().into()),
        Cell::soft(product.as_ref()),
    ];
    cells.extend(MEASURED.iter().map(|(_, metric)| measured(*metric, row.read(*metric))));
    cells.extend([
        holder(row),
        Cell::text(row.pod.and_then(|pod| pod.workload.as_ref())),
        since(row.held_since()),
        age,
    ]);
    RowModel { object: row.gpu.object(), cells, stale }
}

/// A reading under a head that says its unit.
fn measured(metric: Metric, reading: Reading) -> Cell {
    match plain_number(metric, reading) {
        Some(value) => Cell::Number(value, if metric == Metric::MemoryUsed { 1 } else { 0 }),
        None if reading.is_absent() => Cell::Absent,
        None => Cell::Text(metric.show(reading).into()),
    }
}

/// Who holds it, with how many others; nobody is named where nobody is known to.
fn holder(row: &GpuRow<'_>) -> Cell {
    let cell = row.gpu.cell();
    match row.holder {
        Some(id) if cell.sharers > 1 => Cell::Text(format!("{} +{}", id.name, cell.sharers - 1).into()),
        Some(id) => Cell::Text(id.name.clone()),
        None if cell.method == Method::Unattributed => Cell::Soft("unattributed".into()),
        None if cell.method == Method::Contested => Cell::Soft("contested".into()),
        None => Cell::Absent,
    }
}

/// A pod as a row.
#[must_use]
pub fn pod_row(fleet: &FleetView, pod: &PodRow, heard: &Heard, now: Stamp) -> RowModel {
    let (age, stale) = age(heard, &pod.id.cluster);
    let object = ObjectRef::Pod(pod.id.clone());
    let mut cells = vec![
        Cell::Status(pod.status, pod.status_word.clone()),
        Cell::Name(pod.id.name.clone()),
        Cell::Soft(pod.id.cluster.as_str().into()),
        Cell::Soft(pod.id.namespace.clone()),
        Cell::soft(pod.team.as_ref()),
        Cell::text(pod.workload.as_ref()),
        Cell::soft(pod.node.as_ref()),
        of_gpus(pod.whole_gpus(), pod.shares),
    ];
    cells.extend(serving::cells(fleet, &object, now));
    cells.extend([
        Cell::Ratio { part: u64::from(pod.ready), whole: u64::from(pod.containers) },
        Cell::Count(u64::from(pod.restarts)),
        since(pod.started),
        age,
    ]);
    RowModel { object, cells, stale }
}

/// The node that an object is or stands on: its row is marked, too.
#[must_use]
pub fn node_of(object: &ObjectRef) -> Option<&NodeId> {
    match object {
        ObjectRef::Node(node) | ObjectRef::Gpu(node, _) => Some(node),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        parts::table::{
            export::{Form, plain, write},
            order::{Sort, Wanted, id_of, order},
        },
        screens::fleet::{
            sample::{cluster, node, pod},
            sorting::{gpu_key, node_key},
        },
    };
    use pilothouse_wire::view::{GpuCell, GpuState, Status, TelemetryView, Together, gpu::Worst};

    fn fleet() -> FleetView {
        let mut first = node("iad", "h-1", "serve", 3);
        let holder = pod("iad", "chat-1");
        first.holders = vec![holder.id.clone()];
        first.gpus[1] = GpuCell::slot(GpuState::Held, Some(0));
        first.gpus[2] = GpuCell::slot(GpuState::Withheld, None);
        let mut second = node("iad", "h-2", "serve", 1);
        (second.status, second.status_word, second.cordoned) = (Status::Warn, "Cordoned".into(), true);
        FleetView {
            clusters: [cluster("iad")].into_iter().collect(),
            nodes: [first, second].into_iter().collect(),
            pods: [holder].into_iter().collect(),
            ..FleetView::default()
        }
    }

    fn gpus(fleet: &FleetView) -> Vec<GpuRow<'_>> {
        fleet.gpu_rows().collect()
    }

    fn heard() -> Heard {
        HashMap::from([(ConnectionId::slug("iad"), (Some(Stamp(9_000)), true))])
    }

    #[test]
    fn every_row_has_a_cell_for_each_column() {
        let (fleet, heard) = (fleet(), heard());
        assert_eq!(node_row(&fleet, 0, &fleet.nodes.rows()[0], &heard, Stamp(9_000)).cells.len(), NODES.len());
        assert_eq!(gpu_row(&gpus(&fleet)[0], &heard, Stamp(9_000)).cells.len(), GPUS.len());
        assert_eq!(pod_row(&fleet, &fleet.pods.rows()[0], &heard, Stamp(9_000)).cells.len(), PODS.len());
    }

    #[test]
    fn a_gpu_says_what_it_does_and_who_holds_it() {
        let (fleet, heard) = (fleet(), heard());
        let lines: Vec<String> = gpus(&fleet)
            .iter()
            .map(|row| {
                let cells = gpu_row(row, &heard, Stamp(9_000)).cells;
                [0, 1, 9, 10].map(|at| plain(&cells[at]).unwrap_or("—".into())).join(" | ")
            })
            .collect();
        assert_eq!(
            lines,
            [
                "Free | h-1 / 0 | — | —",
                "Held | h-1 / 1 | chat-1 | chat-70b",
                "Withheld | h-1 / 2 | — | —",
                "Cordoned, free | h-2 / 0 | — | —"
            ]
        );
    }

    #[test]
    fn what_several_gpus_did_too_long_ago_is_called_stale_and_so_is_a_gpu() {
        let mut fleet = fleet();
        let old = Some(Stamp(1_000));
        fleet.telemetry = TelemetryView {
            times: [old; 4].into_iter().collect(),
            nodes: [(Metric::Utilisation, [Reading::of(0.97)].into_iter().collect())].into(),
            of_nodes: Together { times: [old].into_iter().collect(), ..Together::default() },
            patience_ms: 30_000,
            ..TelemetryView::default()
        };
        let heard = heard();
        let util = |now| plain(&node_row(&fleet, 0, &fleet.nodes.rows()[0], &heard, Stamp(now)).cells[7]);
        assert_eq!([util(31_000), util(31_001)], [Some("97".into()), Some("stale".into())]);
        let status = |now| plain(&gpu_row(&gpus(&fleet)[1], &heard, Stamp(now)).cells[0]);
        assert_eq!([status(31_000), status(31_001)], [Some("Held".into()), Some("Held, stale".into())]);
    }

    #[test]
    fn what_nobody_is_seen_to_hold_is_not_known_until_all_pods_are_read() {
        let mut node = node("iad", "h-1", "serve", 2);
        (node.holders_known, node.gpus[0].state, node.gpus[1].state) = (false, GpuState::Unknown, GpuState::Unknown);
        let (fleet, heard) = (FleetView { nodes: [node].into_iter().collect(), ..FleetView::default() }, heard());
        let cells = node_row(&fleet, 0, &fleet.nodes.rows()[0], &heard, Stamp(9_000)).cells;
        assert_eq!([5, 10].map(|at| plain(&cells[at]).unwrap_or("—".into())), ["— / 2", "—"]);
        assert_eq!(gpus(&fleet)[0].status(), (Status::Unknown, "Not known".into()));
    }

    #[test]
    fn gpus_are_filtered_by_what_they_are_and_by_who_holds_them() {
        let fleet = fleet();
        for (filter, want) in [
            ("state=free", 2),
            ("state=free status!=cordoned*", 1),
            ("status!=ok", 2),
            ("workload=chat-70b", 1),
            ("holder~chat", 1),
            ("node=h-1 index>0", 2),
            ("chat", 1),
        ] {
            let wanted = Wanted { filter: filter.into(), sort: Sort::default(), still: false };
            let id = |row: &GpuRow<'_>| id_of(&(&row.gpu.node.id, row.index()));
            let ordered = order(gpus(&fleet).iter(), &wanted, None, gpu_key, id);
            assert_eq!((ordered.rows.len(), ordered.bad.as_deref()), (want, None), "{filter}");
        }
    }

    #[test]
    fn the_worst_comes_first() {
        let (fleet, heard) = (fleet(), heard());
        let key = |row: &NodeRow, column: &'static str| node_key(&fleet, &Worst::of(&fleet), row, &heard, column);
        let ordered = order(fleet.nodes.rows().iter(), &Wanted::default(), None, key, |row| id_of(&row.id));
        assert_eq!(ordered.rows.iter().map(|place| place.at).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn an_export_has_what_the_table_has() {
        let (fleet, heard) = (fleet(), heard());
        let rows = fleet.pods.rows().iter().map(|pod| pod_row(&fleet, pod, &heard, Stamp(9_000)).cells);
        let csv = write(Form::Csv, PODS, rows);
        assert_eq!(
            csv.lines().nth(1),
            Some("Running,chat-1,iad,serving,,chat-70b,,8,,,,,,,1 / 1,0,1970-01-01T00:00:02Z,1970-01-01T00:00:09Z")
        );
    }
}
