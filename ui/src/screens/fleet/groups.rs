//! How the fleet is grouped on the map: clusters, then pools, products, zones or who holds most, then nodes. Pure.

use crate::{
    mirror::Part,
    parts::map::layout::{ClusterPlan, PoolPlan},
};
use pilothouse_wire::{
    ConnectionId, PodId, SmolStr, sort, units,
    view::{FleetView, NodeRow},
};
use std::collections::BTreeMap;

/// What stands between cluster and node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// The pool of the cloud or installer.
    #[default]
    Pool,
    /// The GPU product.
    Product,
    /// The zone.
    Zone,
    /// The namespace that holds most of a node.
    Owner,
    /// The team that holds most of a node.
    Team,
    /// The queue through which came what holds most of a node.
    Queue,
}

impl Grouping {
    /// All of them, in the order in which `Shift M` goes through them.
    pub const ALL: [Self; 6] = [Self::Pool, Self::Product, Self::Zone, Self::Owner, Self::Team, Self::Queue];

    /// As words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pool => "cluster › pool › node",
            Self::Product => "cluster › product › node",
            Self::Zone => "cluster › zone › node",
            Self::Owner => "cluster › owner › node",
            Self::Team => "cluster › team › node",
            Self::Queue => "cluster › queue › node",
        }
    }

    /// Its word in addresses.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Product => "product",
            Self::Zone => "zone",
            Self::Owner => "owner",
            Self::Team => "team",
            Self::Queue => "queue",
        }
    }

    /// The one of this word; by pool for any other.
    #[must_use]
    pub fn read(word: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|grouping| Some(grouping.id()) == word).unwrap_or_default()
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|grouping| *grouping == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// The parts of the fleet that it depends on.
    #[must_use]
    pub fn parts(self) -> &'static [Part] {
        match self {
            Self::Pool | Self::Product | Self::Zone | Self::Owner => &[Part::Totals, Part::Nodes],
            Self::Team | Self::Queue => &[Part::Totals, Part::Nodes, Part::Pods],
        }
    }

    fn of<'a>(self, fleet: &'a FleetView, node: &'a NodeRow) -> Option<&'a SmolStr> {
        match self {
            Self::Pool => node.pool.as_ref(),
            Self::Product => node.product.as_ref(),
            Self::Zone => node.zone.as_ref(),
            Self::Owner => most(node, |pod| Some(&pod.namespace)),
            Self::Team => most(node, |pod| fleet.pods.get(pod)?.team.as_ref()),
            Self::Queue => most(node, |pod| fleet.pods.get(pod)?.queue.as_ref()),
        }
    }

    fn unnamed(self) -> &'static str {
        match self {
            Self::Pool => "no pool label",
            Self::Product => "product not labelled",
            Self::Zone => "no zone label",
            Self::Owner => "held by nobody who is known",
            Self::Team => "no team label on what holds it",
            Self::Queue => "nothing that came through a queue",
        }
    }
}

/// What most of the GPUs of a node that somebody holds have in common; among equals the first by name.
fn most<'a>(node: &'a NodeRow, name: impl Fn(&'a PodId) -> Option<&'a SmolStr>) -> Option<&'a SmolStr> {
    let mut held: BTreeMap<&SmolStr, usize> = BTreeMap::new();
    let holders = node.gpus.iter().filter_map(|cell| node.holders.get(usize::from(cell.holder?)));
    for name in holders.filter_map(name) {
        *held.entry(name).or_default() += 1;
    }
    held.into_iter().rev().max_by_key(|(_, gpus)| *gpus).map(|(name, _)| name)
}

/// The fleet as the map shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// Clusters.
    pub clusters: Vec<ClusterGroup>,
    /// Nodes without GPUs: they have no place on a map of GPUs.
    pub nodes_without: usize,
}

/// A cluster on the map.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterGroup {
    /// The connection.
    pub id: ConnectionId,
    /// Name for people.
    pub name: SmolStr,
    /// GPUs shown.
    pub gpus: u64,
    /// Groups in it.
    pub pools: Vec<PoolGroup>,
    /// Nothing of it is listed yet.
    pub ghost: bool,
}

/// A pool on the map.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolGroup {
    /// Its name.
    pub name: SmolStr,
    /// Product and nodes, as words.
    pub about: String,
    /// How many nodes it has.
    pub nodes: usize,
    plan: PoolPlan,
}

impl Groups {
    /// Groups a fleet. `coming` are connections that are on their way, with their names.
    #[must_use]
    pub fn of(fleet: &FleetView, grouping: Grouping, coming: &[(ConnectionId, String)]) -> Self {
        let mut groups = Self::default();
        let rows = fleet.nodes.rows();
        for cluster in fleet.clusters.rows() {
            let mut by_name: BTreeMap<Option<&SmolStr>, Vec<u32>> = BTreeMap::new();
            let mut gpus = 0;
            let from = rows.partition_point(|node| node.id.cluster < cluster.id);
            for (at, node) in (0u32..).zip(rows).skip(from).take_while(|(_, node)| node.id.cluster == cluster.id) {
                gpus += node.gpus.len() as u64;
                if node.gpus.is_empty() {
                    groups.nodes_without += 1;
                } else {
                    by_name.entry(grouping.of(fleet, node)).or_default().push(at);
                }
            }
            let pools: Vec<PoolGroup> =
                by_name.into_iter().map(|(name, nodes)| pool(rows, grouping, name, nodes)).collect();
            let ghost = pools.is_empty() && coming.iter().any(|(id, _)| *id == cluster.id);
            groups.clusters.push(ClusterGroup {
                id: cluster.id.clone(),
                name: cluster.name.clone(),
                gpus,
                pools,
                ghost,
            });
        }
        for (id, name) in coming {
            if fleet.clusters.get(id).is_none() {
                let (id, name) = (id.clone(), SmolStr::new(name));
                groups.clusters.push(ClusterGroup { id, name, gpus: 0, pools: Vec::new(), ghost: true });
            }
        }
        // A cluster without GPUs takes no room from those that have some.
        groups.clusters.retain(|cluster| !cluster.pools.is_empty() || cluster.ghost);
        groups
    }

    /// What the layout needs to know.
    #[must_use]
    pub fn plans(&self) -> Vec<ClusterPlan> {
        let plan = |cluster: &ClusterGroup| ClusterPlan {
            pools: cluster.pools.iter().map(|pool| pool.plan.clone()).collect(),
            ghost: cluster.ghost,
            // A cluster that is not seen says why, which takes more room than a count.
            heading: cluster.name.chars().count() + if cluster.ghost { 20 } else { 14 },
        };
        self.clusters.iter().map(plan).collect()
    }
}

fn pool(rows: &[NodeRow], grouping: Grouping, name: Option<&SmolStr>, mut nodes: Vec<u32>) -> PoolGroup {
    // As people read names: h100-9 before h100-10.
    let name_of = |at: u32| &rows[at as usize].id.name;
    sort::by(&mut nodes, |a, b| crate::parts::table::order::natural(name_of(*a), name_of(*b)));
    let first = nodes.first().and_then(|at| rows.get(*at as usize));
    let product = first.and_then(|node| node.product.as_ref()).map(|product| product_words(product));
    let count = nodes.len();
    let count_words = if count == 1 { "1 node".to_owned() } else { format!("{} nodes", units::count(count as u64)) };
    let about = match product.filter(|_| grouping != Grouping::Product) {
        Some(product) => format!("{product} · {count_words}"),
        None => count_words,
    };
    let plan = nodes.iter().map(|at| (*at, u16::try_from(rows[*at as usize].gpus.len()).unwrap_or(u16::MAX)));
    PoolGroup {
        name: match (name, grouping) {
            (Some(name), Grouping::Product) => product_words(name).into(),
            (Some(name), _) => name.clone(),
            (None, _) => grouping.unnamed().into(),
        },
        about,
        nodes: count,
        plan: PoolPlan::new(plan.collect()),
    }
}

/// A product label as people say it: `NVIDIA-H100-80GB-HBM3` is "H100 80 GB HBM3".
#[must_use]
pub fn product_words(label: &str) -> String {
    let label = label.strip_prefix("NVIDIA-").or_else(|| label.strip_prefix("NVIDIA ")).unwrap_or(label);
    let word = |word: &str| match word.strip_suffix("GB") {
        Some(number) if !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()) => format!("{number} GB"),
        _ => word.to_owned(),
    };
    label.split(['-', ' ']).filter(|part| !part.is_empty()).map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::fleet::sample::{cluster, node, pod};
    use pilothouse_wire::view::{GpuCell, GpuState};

    fn fleet() -> FleetView {
        let mut cpu = node("iad", "cpu-1", "system", 0);
        cpu.product = None;
        FleetView {
            clusters: [cluster("iad"), cluster("ord"), cluster("empty")].into_iter().collect(),
            nodes: [
                node("iad", "h100-10", "serve", 8),
                node("iad", "h100-9", "serve", 8),
                node("iad", "a-1", "batch", 4),
                node("ord", "x", "serve", 8),
                cpu,
            ]
            .into_iter()
            .collect(),
            ..FleetView::default()
        }
    }

    #[test]
    fn nodes_stand_in_their_pools_and_cpu_nodes_stand_nowhere() {
        let groups = Groups::of(&fleet(), Grouping::Pool, &[]);
        let text: Vec<String> = groups
            .clusters
            .iter()
            .flat_map(|c| c.pools.iter().map(move |p| format!("{} {} {}", c.name, p.name, p.about)))
            .collect();
        assert_eq!(
            text,
            [
                "iad batch H100 80 GB HBM3 · 1 node",
                "iad serve H100 80 GB HBM3 · 2 nodes",
                "ord serve H100 80 GB HBM3 · 1 node"
            ]
        );
        assert_eq!((groups.nodes_without, groups.clusters[0].gpus), (1, 20));
    }

    #[test]
    fn a_node_stands_with_who_holds_most_of_it() {
        let mut fleet = fleet();
        let (mut a, mut b) = (pod("iad", "a"), pod("iad", "b"));
        (a.team, b.team) = (Some("search".into()), Some("ads".into()));
        let mut held = node("iad", "h100-9", "serve", 3);
        held.holders = vec![a.id.clone(), b.id.clone()];
        held.gpus = [0, 0, 1].map(|holder| GpuCell::slot(GpuState::Held, Some(holder))).to_vec();
        fleet.nodes = [held, node("iad", "h100-10", "serve", 8)].into_iter().collect();
        fleet.pods = [a, b].into_iter().collect();
        let names = |grouping| {
            let groups = Groups::of(&fleet, grouping, &[]);
            groups.clusters.iter().flat_map(|cluster| &cluster.pools).map(|pool| pool.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(Grouping::Team), ["no team label on what holds it", "search"]);
        assert_eq!(names(Grouping::Owner), ["held by nobody who is known", "serving"]);
        assert_eq!(names(Grouping::Queue), ["nothing that came through a queue"]);
    }

    #[test]
    fn a_connection_that_is_on_its_way_gets_outlines() {
        let coming = [(ConnectionId::slug("fra"), "fra-train".to_owned())];
        let groups = Groups::of(&fleet(), Grouping::Pool, &coming);
        assert!(groups.clusters.iter().any(|c| c.ghost && c.name == "fra-train"));
        assert_eq!(groups.plans().iter().filter(|plan| plan.ghost).count(), 1);
    }

    #[test]
    fn a_grouping_reads_back_from_its_word() {
        assert!(Grouping::ALL.into_iter().all(|grouping| Grouping::read(Some(grouping.id())) == grouping));
        assert_eq!([Grouping::read(None), Grouping::read(Some("x"))], [Grouping::Pool; 2]);
    }

    #[test]
    fn products_are_said_as_people_say_them() {
        for (label, want) in [
            ("NVIDIA-H100-80GB-HBM3", "H100 80 GB HBM3"),
            ("NVIDIA A10G", "A10G"),
            ("AMD-MI300X", "AMD MI300X"),
            ("", ""),
        ] {
            assert_eq!(product_words(label), want);
        }
    }
}
