//! The tables of the fleet, put together: which rows in which order, and each row as cells.

use super::{
    Fleet,
    alert_rows::{ALERTS, alert_key, alert_row},
    picked::Picked,
    room_rows::{PENDING, POOLS, WASTE, pending_key, pending_row, pool_key, pool_row, waste_key, waste_row},
    rows::{
        GPUS, Heard, MEASURED, NODES, PODS, TOGETHER, WORKLOADS, gpu_row, node_of, node_row, pod_row, workload_row,
    },
    serving,
    sorting::{gpu_key, node_key, pod_key, workload_key},
};
use crate::{
    mirror::Part,
    once::effect,
    parts::table::{
        body::TableState,
        cell::{Column, RowModel},
        order::{Ordered, Sort, Wanted, id_of, order, order_kept},
    },
    state::{State, use_state},
};
use leptos::prelude::*;
use pilothouse_wire::{
    Metric, ObjectRef,
    units::lower,
    view::{GpuRow, NodeAt, PodRow, Served, WorkloadAt, gpu::Worst},
};

/// One of the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// Nodes.
    #[default]
    Nodes,
    /// GPU slots.
    Gpus,
    /// GPU workloads.
    Workloads,
    /// Pods.
    Pods,
    /// Pods that wait for GPUs.
    Pending,
    /// Pools with their room.
    Room,
    /// GPUs that do nothing, or less than they could.
    Waste,
    /// What fires.
    Alerts,
}

impl Tab {
    /// All of them, as they stand side by side.
    pub const ALL: [Self; 8] =
        [Self::Nodes, Self::Gpus, Self::Workloads, Self::Pods, Self::Pending, Self::Room, Self::Waste, Self::Alerts];

    /// Its word in the address.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Gpus => "gpus",
            Self::Workloads => "workloads",
            Self::Pods => "pods",
            Self::Pending => "pending",
            Self::Room => "room",
            Self::Waste => "waste",
            Self::Alerts => "alerts",
        }
    }

    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Nodes => "Nodes",
            Self::Gpus => "GPUs",
            Self::Workloads => "Workloads",
            Self::Pods => "Pods",
            Self::Pending => "Pending",
            Self::Room => "Room",
            Self::Waste => "Waste",
            Self::Alerts => "Alerts",
        }
    }

    /// Hook for end-to-end tests.
    #[must_use]
    pub fn hook(self) -> &'static str {
        match self {
            Self::Nodes => "tab-nodes",
            Self::Gpus => "tab-gpus",
            Self::Workloads => "tab-workloads",
            Self::Pods => "tab-pods",
            Self::Pending => "tab-pending",
            Self::Room => "tab-room",
            Self::Waste => "tab-waste",
            Self::Alerts => "tab-alerts",
        }
    }

    /// Does it show only what belongs to the GPUs that were picked on the map?
    #[must_use]
    pub fn follows_the_map(self) -> bool {
        matches!(self, Self::Nodes | Self::Gpus | Self::Workloads | Self::Pods)
    }

    /// Its columns.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Nodes => NODES,
            Self::Gpus => GPUS,
            Self::Workloads => WORKLOADS,
            Self::Pods => PODS,
            Self::Pending => PENDING,
            Self::Room => POOLS,
            Self::Waste => WASTE,
            Self::Alerts => ALERTS,
        }
    }

    /// The table of a word; the nodes for any other.
    #[must_use]
    pub fn read(word: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|tab| Some(tab.word()) == word).unwrap_or_default()
    }
}

/// One table with its rows. Copies are the same table.
#[derive(Clone, Copy)]
pub struct FleetTable {
    /// Which.
    pub tab: Tab,
    /// What a person does with it.
    pub state: TableState,
    /// Its rows in their order.
    pub ordered: Memo<Ordered>,
    fleet: Fleet,
}

impl FleetTable {
    /// A table of the fleet. Its rows are only worked out while somebody reads them.
    #[must_use]
    pub fn new(tab: Tab, fleet: Fleet) -> Self {
        let page = use_state();
        let state = TableState::new(Sort::default());
        keep_sort(tab, page, state.sort);
        let ordered = Memo::new(move |before: Option<&Ordered>| {
            let wanted = wanted(tab, page, state);
            // What was heard when changes each second: only an order by age depends on it.
            let heard = if wanted.sort.column == "age" { fleet.heard.get() } else { fleet.heard.get_untracked() };
            let ordered = fleet.picked.with(|picked| ordered(tab, fleet, &wanted, before, &heard, picked.as_ref()));
            ordered.unwrap_or_default()
        });
        Self { tab, state, ordered, fleet }
    }

    /// The row at an index of the view; tracks.
    #[must_use]
    pub fn model(self, at: u32) -> Option<RowModel> {
        let now = self.fleet.view.as_of().unwrap_or_default();
        let (fleet, at) = (self.fleet, at as usize);
        let row = fleet.heard.with(|heard| match self.tab {
            Tab::Nodes => {
                fleet.view.fleet(|view| view.nodes.rows().get(at).map(|node| node_row(view, at, node, heard, now)))
            }
            Tab::Gpus => fleet.view.fleet(|view| view.gpu_row_at(at).map(|row| gpu_row(&row, heard, now))),
            Tab::Workloads => fleet
                .view
                .fleet(|view| view.workloads.rows().get(at).map(|row| workload_row(view, at, row, heard, now))),
            Tab::Pods => fleet.view.fleet(|view| view.pods.rows().get(at).map(|pod| pod_row(view, pod, heard, now))),
            Tab::Pending => fleet.room.room(|room| room.pending.get(at).map(pending_row)),
            Tab::Room => fleet.room.room(|room| room.pools.get(at).map(pool_row)),
            Tab::Waste => fleet.waste.waste(|waste| waste.items.rows().get(at).map(waste_row)),
            Tab::Alerts => fleet.view.fleet(|view| view.alerts.rows().get(at).map(alert_row)),
        });
        row.flatten()
    }
}

/// The order in the address is that of the open table; a table that is opened again has its own.
fn keep_sort(tab: Tab, page: State, sort: RwSignal<Sort>) {
    let open = move || page.tab().with(|word| Tab::read(word.as_deref())) == tab;
    // From the address first: what an address that was pasted says is not written over by how the table was.
    effect(move || {
        let wanted = page.look().with(|look| look.sort.as_deref().and_then(|word| read_sort(tab, word)));
        if let Some(wanted) = wanted.filter(|wanted| open() && *wanted != sort.get_untracked()) {
            sort.set(wanted);
        }
    });
    effect(move || {
        let (sort, open) = (sort.get(), open());
        // Who leaves for another screen takes nothing along.
        if open && page.screen().with_untracked(|screen| screen == "fleet") {
            untrack(|| page.set_look(|look| look.sort = sort_word(sort)));
        }
    });
}

/// An order as it stands in an address; nothing for that of a table which nobody sorted.
fn sort_word(sort: Sort) -> Option<String> {
    let minus = if sort.falling { "-" } else { "" };
    (sort != Sort::default()).then(|| format!("{minus}{}", sort.column))
}

/// An order out of an address; `None` for a column that the table does not have.
fn read_sort(tab: Tab, word: &str) -> Option<Sort> {
    let (falling, key) = word.strip_prefix('-').map_or((false, word), |key| (true, key));
    let column = tab.columns().iter().find(|column| column.key == key)?;
    Some(Sort { column: column.key, falling })
}

/// The rows of a table in the order that is wanted; `None` until its view is there.
fn ordered(
    tab: Tab,
    fleet: Fleet,
    wanted: &Wanted,
    before: Option<&Ordered>,
    heard: &Heard,
    picked: Option<&Picked>,
) -> Option<Ordered> {
    let parts = parts(tab, wanted);
    // Each frame has a time of its own: which parts changed is what a table is thought over for.
    let now = untrack(|| fleet.view.as_of()).unwrap_or_default();
    match tab {
        Tab::Nodes => fleet.view.fleet_later(&parts, |view| {
            let worst = Worst::of(view);
            let rows: Vec<NodeAt<'_>> = view.nodes_at(now).collect();
            let key = |node: &NodeAt<'_>, column| node_key(view, &worst, node.row, heard, column);
            let keep = |node: &NodeAt<'_>| picked.is_none_or(|picked| picked.area.holds_node(&node.row.id));
            order_kept(rows.iter(), keep, wanted, before, key, |node| id_of(&node.row.id))
        }),
        Tab::Gpus => fleet.view.fleet_later(&parts, |view| {
            let rows: Vec<GpuRow<'_>> = view.gpu_rows().map(|row| row.as_of(now)).collect();
            let id = |row: &GpuRow<'_>| id_of(&(&row.gpu.node.id, row.index()));
            let keep = |row: &GpuRow<'_>| {
                picked.is_none_or(|picked| picked.area.holds(&row.gpu.node.id, row.index()))
            };
            order_kept(rows.iter(), keep, wanted, before, gpu_key, id)
        }),
        Tab::Workloads => fleet.view.fleet_later(&parts, |view| {
            let rows: Vec<WorkloadAt<'_>> = view.workloads_at(now).collect();
            let key = |workload: &WorkloadAt<'_>, column| workload_key(view, workload.row, column);
            let keep = |workload: &WorkloadAt<'_>| {
                picked.is_none_or(|picked| picked.workloads.contains(&workload.row.id))
            };
            order_kept(rows.iter(), keep, wanted, before, key, |workload| id_of(&workload.row.id))
        }),
        Tab::Pods => fleet.view.fleet_later(&parts, |view| {
            // Where no engine is measured, none is looked for.
            let any = !view.serving.is_empty();
            let of = |row: &PodRow| any.then(|| view.serving.get(&ObjectRef::Pod(row.id.clone()))).flatten();
            let rows: Vec<Served<'_, PodRow>> =
                view.pods.rows().iter().map(|row| Served { row, serving: of(row) }).collect();
            let key = |served: &Served<'_, PodRow>, column| pod_key(view, served.row, heard, column);
            let keep = |served: &Served<'_, PodRow>| picked.is_none_or(|picked| picked.pods.contains(&served.row.id));
            order_kept(rows.iter(), keep, wanted, before, key, |served| id_of(&served.row.id))
        }),
        Tab::Pending => {
            fleet.room.room(|room| order(room.pending.iter(), wanted, before, pending_key, |pod| id_of(&pod.pod)))
        }
        Tab::Room => fleet.room.room(|room| {
            order(room.pools.iter(), wanted, before, pool_key, |pool| id_of(&(&pool.cluster, &pool.name)))
        }),
        Tab::Waste => fleet
            .waste
            .waste(|waste| order(waste.items.rows().iter(), wanted, before, waste_key, |item| id_of(&item.id))),
        Tab::Alerts => fleet.view.fleet_later(&parts, |view| {
            order(view.alerts.rows().iter(), wanted, before, alert_key, |alert| id_of(&alert.id))
        }),
    }
}

/// The parts of the fleet that say which rows a table has and in which order. Thousands of rows are not sorted again for
/// each measurement, unless it is measurements that they are sorted or filtered by.
fn parts(tab: Tab, wanted: &Wanted) -> Vec<Part> {
    let by = wanted.sort.column;
    let mut parts = match tab {
        Tab::Nodes => vec![Part::Nodes, Part::Findings],
        Tab::Gpus => vec![Part::Nodes, Part::Findings, Part::Pods],
        Tab::Workloads => vec![Part::Workloads],
        Tab::Pods => vec![Part::Pods],
        Tab::Alerts => return vec![Part::Alerts],
        Tab::Pending | Tab::Room | Tab::Waste => return Vec::new(),
    };
    if tab == Tab::Nodes && by == "workload" {
        parts.push(Part::Pods);
    }
    let is_measured = match tab {
        Tab::Nodes | Tab::Workloads => {
            let filter = lower(&wanted.filter);
            let names = |metric: &Metric| filter.contains(metric.id());
            TOGETHER.iter().any(|(column, _)| *column == by) || Metric::ALL.iter().any(names)
        }
        // Each metric is a key of the filter.
        Tab::Gpus => {
            by == "age" || MEASURED.iter().any(|(column, _)| *column == by) || !wanted.filter.trim().is_empty()
        }
        _ => false,
    };
    if is_measured {
        parts.push(Part::Telemetry);
    }
    // What engines say is a key of the filter, too.
    let serves = matches!(tab, Tab::Workloads | Tab::Pods);
    if serves && (serving::is_column(by) || !wanted.filter.trim().is_empty()) {
        parts.push(Part::Serving);
    }
    parts
}

fn wanted(tab: Tab, page: State, state: TableState) -> Wanted {
    // The filter in the address is that of the open table.
    let open = page.tab().with(|word| Tab::read(word.as_deref())) == tab;
    let filter = if open { page.filter().get() } else { String::new() };
    Wanted { filter, sort: state.sort.get(), still: state.still.get() }
}

/// Is the row of this object marked, given what is selected? The node of a selected GPU is, too.
#[must_use]
pub fn is_marked(row: &ObjectRef, selected: Option<&ObjectRef>) -> bool {
    let Some(selected) = selected else { return false };
    row == selected || matches!(row, ObjectRef::Node(node) if node_of(selected) == Some(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_of_a_selected_gpu_is_marked() {
        let read = |text: &str| text.parse::<ObjectRef>().unwrap();
        let gpu = read("gpu:iad/h-1/5");
        assert!(is_marked(&read("node:iad/h-1"), Some(&gpu)));
        assert!(is_marked(&gpu, Some(&gpu)));
        assert!(!is_marked(&read("gpu:iad/h-1/4"), Some(&gpu)));
        assert!(!is_marked(&read("node:iad/h-1"), None));
    }

    #[test]
    fn rows_are_sorted_again_for_a_measurement_only_where_one_sorts_or_filters_by_it() {
        let measured = |tab, column, filter: &str| {
            let wanted = Wanted { filter: filter.into(), sort: Sort::rising(column), still: false };
            parts(tab, &wanted).contains(&Part::Telemetry)
        };
        for (tab, column, filter, want) in [
            (Tab::Nodes, "status", "pool=serve", false),
            (Tab::Nodes, "power", "", true),
            (Tab::Nodes, "status", "Temp>80", true),
            (Tab::Workloads, "status", "util<5", true),
            (Tab::Gpus, "status", " ", false),
            (Tab::Gpus, "status", "power>600", true),
            (Tab::Gpus, "age", "", true),
            (Tab::Workloads, "util", "", true),
            (Tab::Workloads, "gpus", "", false),
            (Tab::Pods, "status", "x", false),
        ] {
            assert_eq!(measured(tab, column, filter), want, "{tab:?} by {column}, {filter}");
        }
    }

    #[test]
    fn an_order_reads_back_from_its_word_where_the_table_has_its_column() {
        for tab in Tab::ALL {
            for column in tab.columns() {
                let sort = Sort { column: column.key, falling: true };
                assert_eq!(sort_word(sort).and_then(|word| read_sort(tab, &word)), Some(sort));
            }
        }
        assert_eq!((sort_word(Sort::default()), read_sort(Tab::Nodes, "-restarts")), (None, None));
    }

    #[test]
    fn an_unknown_table_is_the_nodes() {
        assert_eq!(Tab::read(Some("gpus")), Tab::Gpus);
        assert_eq!(Tab::read(Some("x")), Tab::Nodes);
    }
}
