//! Room: where GPUs are free, how well the free ones fit together, and why pods wait.

use crate::{
    ConnectionId, NodeId, PodId, SmolStr, Stamp, Sum,
    filter::{Record, Value},
    units::{count, sum},
};
use serde::{Deserialize, Serialize};

/// The room of a fleet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoomView {
    /// Pools, by cluster and name. GPUs of different pools are never added up: a pod that fits one may not fit another.
    pub pools: Vec<PoolRoom>,
    /// Pods that ask for GPUs and wait for a node.
    pub pending: Vec<PendingPod>,
    /// The worst score of all pools; `None` where none can be told.
    pub score: Option<f64>,
}

/// What the nodes of a pool have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PoolKind {
    /// The product of their GPUs, by their label.
    Product,
    /// Their instance type: they have no label of a product.
    InstanceType,
    /// Nothing is known: they have neither.
    Unlabelled,
}

/// A pool: nodes of one cluster with GPUs of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolRoom {
    /// The cluster.
    pub cluster: ConnectionId,
    /// What its nodes have in common.
    pub name: SmolStr,
    /// Which kind of thing that is.
    pub kind: PoolKind,
    /// Nodes.
    pub nodes: Sum,
    /// GPUs.
    pub total: Sum,
    /// Whole GPUs that a pod can get: nobody holds them, and no finding says that they are broken, on nodes that are ready
    /// and neither cordoned nor quarantined.
    pub free: Sum,
    /// Shares and slices of GPUs, one row a resource.
    pub parts: Vec<PartRoom>,
    /// GPUs that nobody is seen to hold and nobody can get, one row a reason.
    pub stranded: Vec<Stranded>,
    /// Whole GPUs of its largest node: a pod that asks for more can never run.
    pub largest_node: u64,
    /// The most free GPUs on one node, where any are free.
    pub hole: Option<Hole>,
    /// How many pods of each size have room at once.
    pub sizes: Vec<SizeRoom>,
    /// How much of that is fragmentation; `None` where not all pods of the cluster are read.
    pub score: Option<Score>,
    /// What would make room for the largest size.
    pub relief: Relief,
    /// Pods that could be moved, but that a disruption budget does not let go now.
    pub held_back: u64,
    /// Pods that could be moved, of which it is not known whether disruption budgets let them go.
    pub not_known: u64,
}

/// Shares or slices of GPUs of one kind, on nodes of a pool that are ready and neither cordoned nor quarantined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRoom {
    /// The resource that a pod asks for: `nvidia.com/mig-1g.10gb`, or `nvidia.com/gpu` where that is a part of one.
    pub resource: SmolStr,
    /// Nodes that offer it.
    pub nodes: u64,
    /// What they offer of it.
    pub total: Sum,
    /// What of that no pod asks for.
    pub free: Sum,
    /// The most that is free on one node.
    pub hole: Sum,
}

/// Free GPUs of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// The node.
    pub node: NodeId,
    /// How many.
    pub gpus: u64,
}

/// Why nobody can get a GPU that nobody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StrandedWhy {
    /// Its node is cordoned.
    Cordoned,
    /// NVSentinel has quarantined its node.
    Quarantined,
    /// Its node is not ready.
    NotReady,
    /// A finding says that it is broken.
    Broken,
    /// Its node has it, but does not offer it.
    Withheld,
    /// Its node gives shares or slices, and no whole GPU.
    Cut,
    /// Not all pods are read: somebody may hold it.
    NotKnown,
}

impl StrandedWhy {
    /// The reason in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Cordoned => "node cordoned",
            Self::Quarantined => "node quarantined",
            Self::NotReady => "node not ready",
            Self::Broken => "broken, by a finding",
            Self::Withheld => "withheld by the node",
            Self::Cut => "given in shares or slices only",
            Self::NotKnown => "not known: not all pods are read",
        }
    }
}

/// GPUs that nobody can get, for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stranded {
    /// The reason.
    pub why: StrandedWhy,
    /// GPUs. Never 0.
    pub gpus: u64,
    /// Nodes that have them.
    pub nodes: u64,
}

/// Room for pods of one size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SizeRoom {
    /// GPUs of a pod.
    pub size: u64,
    /// Pods of that size that have room at once. A size above the largest node is a gang of whole nodes.
    pub slots: Sum,
    /// Share of the free GPUs that pods of that size cannot use, from 0 to 1; `None` where it cannot be told.
    pub frag: Option<f64>,
}

/// How fragmented a pool is. After ome-projects/ome, oeps/0008-alfred-gpu-cluster-caretaker, and Weng et al., USENIX
/// ATC'23. All of them from 0 to 1. It differs in the pods that press: see [`Score::pressure`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Fragmentation as it is, weighed by which sizes are asked for.
    pub observed: f64,
    /// What of it a repack of the pods that can be moved would mend.
    pub reclaimable: f64,
    /// How long pods wait that the repack could seat and that have no room as it is. The formula counts those that have room,
    /// too: they wait for something else, and no move would help them.
    pub pressure: f64,
    /// The score of both.
    pub score: f64,
    /// Is it high enough to do something about it?
    pub act: bool,
}

/// What would make room for a pod of the largest size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relief {
    /// There is room.
    NotNeeded,
    /// These moves would make it. They are shown, never done.
    Moves {
        /// The node that would be free.
        node: NodeId,
        /// How many GPUs would be free on it.
        gpus: u64,
        /// Which pods would go where.
        moves: Vec<Move>,
    },
    /// No moves of the pods that can be moved would make it.
    None,
    /// Not all pods of the cluster are read.
    CannotTell,
}

/// A pod that would go to another node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The pod.
    pub pod: PodId,
    /// GPUs that it holds.
    pub gpus: u64,
    /// The node that has room for it.
    pub to: NodeId,
}

/// Why a pod waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PendingWhy {
    /// No node is large enough, also when empty.
    Never,
    /// There are too few free GPUs: not even a repack could seat it.
    Shortage,
    /// There are enough free GPUs, but on too many nodes.
    Fragmented,
    /// A node has room, but is cordoned or quarantined.
    Cordoned,
    /// A node has room: it waits for something else.
    NotForGpus,
    /// Not enough is read.
    CannotTell,
}

/// A pod that waits for GPUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPod {
    /// The pod.
    pub pod: PodId,
    /// The resource that it asks for.
    pub resource: SmolStr,
    /// How many of it.
    pub asks: u64,
    /// Since when it waits, by its server's clock.
    pub since: Option<Stamp>,
    /// Why.
    pub why: PendingWhy,
    /// Why, in numbers.
    pub says: String,
}

impl PendingWhy {
    /// The reason in a word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Never => "can never run",
            Self::Shortage => "shortage",
            Self::Fragmented => "fragmented",
            Self::Cordoned => "cordoned",
            Self::NotForGpus => "not for GPUs",
            Self::CannotTell => "cannot tell",
        }
    }
}

impl PartRoom {
    /// What is free of it in words: "5 of 7 nvidia.com/mig-1g.10gb, at most 3 on a node".
    #[must_use]
    pub fn words(&self) -> String {
        let most = if self.nodes > 1 && self.free.sure() > 0 {
            format!(", at most {} on a node", sum(self.hole))
        } else {
            String::new()
        };
        format!("{} of {} {}{most}", sum(self.free), sum(self.total), self.resource)
    }
}

impl PoolRoom {
    /// What disruption budgets have to do with its moves, in words: nothing where they stand against none.
    #[must_use]
    pub fn budgets(&self) -> Option<String> {
        let pods = |n: u64| format!("{} pod{}", count(n), if n == 1 { "" } else { "s" });
        let told = match (self.held_back, self.not_known) {
            _ if !matches!(self.relief, Relief::Moves { .. } | Relief::None) => return None,
            (0, 0) => return None,
            (held, 0) => format!("disruption budgets hold {} back", pods(held)),
            (0, _) => "disruption budgets are not read".to_owned(),
            (held, rest) => {
                format!("disruption budgets hold {} back, and of {} they are not read", pods(held), pods(rest))
            }
        };
        Some(told)
    }

    /// Room for pods of a size.
    #[must_use]
    pub fn size(&self, size: u64) -> Option<&SizeRoom> {
        self.sizes.iter().find(|room| room.size == size)
    }
}

fn of_sum(sum: Sum) -> Vec<Value<'static>> {
    sum.number().map(|n| Value::number(usize::try_from(n).unwrap_or(usize::MAX))).into_iter().collect()
}

impl Record for PoolRoom {
    const KEYS: &'static [&'static str] = &["name", "cluster", "nodes", "total", "free", "stranded", "score"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        Some(match key {
            "name" => vec![Value::text(&self.name)],
            "cluster" => vec![Value::text(self.cluster.as_str())],
            "nodes" => of_sum(self.nodes),
            "total" => of_sum(self.total),
            "free" => of_sum(self.free),
            "stranded" => {
                let all: u64 = self.stranded.iter().map(|part| part.gpus).sum();
                vec![Value::number(usize::try_from(all).unwrap_or(usize::MAX))]
            }
            "score" => self.score.iter().map(|score| Value::Number(score.score)).collect(),
            _ => return None,
        })
    }
}

impl Record for PendingPod {
    const KEYS: &'static [&'static str] = &["name", "cluster", "namespace", "why", "asks", "says"];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        Some(match key {
            "name" | "pod" => vec![Value::text(&self.pod.name)],
            "cluster" => vec![Value::text(self.pod.cluster.as_str())],
            "namespace" | "ns" => vec![Value::text(&self.pod.namespace)],
            "why" => vec![Value::text(self.why.word())],
            "asks" => vec![Value::number(usize::try_from(self.asks).unwrap_or(usize::MAX))],
            "says" => vec![Value::text(&self.says)],
            _ => return None,
        })
    }
}
