//! GPU workloads: pods rolled up to the controller that keeps them.

use crate::{
    ConnectionId, ObjectRef, Row, SmolStr, Stamp,
    filter::{Record, Value},
    view::fleet::Status,
};
use serde::{Deserialize, Serialize};

/// A controller whose pods ask for GPUs; a pod without a controller is its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadRow {
    /// Itself: [`ObjectRef::Workload`], or [`ObjectRef::Pod`] for a pod without a controller.
    pub id: ObjectRef,
    /// Kind of the controller: `Deployment`, `Job`, …; `Pod` for a pod without one.
    pub kind: SmolStr,
    /// Its namespace.
    pub namespace: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// The team of its pods: of the first by name that has one.
    pub team: Option<SmolStr>,
    /// The worst of its pods.
    pub status: Status,
    /// The status as words: "6 of 6 ready", "CrashLoopBackOff, 2 of 6 ready".
    pub status_word: SmolStr,
    /// Whole GPUs held by its placed pods.
    pub gpus_held: u64,
    /// Shares and slices of GPUs held by them.
    pub shares_held: u64,
    /// Whole GPUs asked for by pods that wait for a node.
    pub gpus_wanted: u64,
    /// Shares and slices of GPUs asked for by them, as far as their resource tells them from whole ones.
    pub shares_wanted: u64,
    /// Its pods that have not ended.
    pub pods: u32,
    /// Those of them whose containers are all ready.
    pub ready: u32,
    /// Those of them that wait for a node.
    pub pending: u32,
    /// Nodes that its pods are on.
    pub nodes: u32,
    /// Restarts, over all its pods.
    pub restarts: u32,
    /// When its oldest pod was made.
    pub created: Option<Stamp>,
}

impl Row for WorkloadRow {
    type Key = ObjectRef;
    fn key(&self) -> &ObjectRef {
        &self.id
    }
}

impl WorkloadRow {
    /// The cluster that it is in.
    #[must_use]
    pub fn cluster(&self) -> &ConnectionId {
        self.id.connection()
    }
}

impl Record for WorkloadRow {
    const KEYS: &'static [&'static str] = &[
        "name",
        "kind",
        "cluster",
        "namespace",
        "team",
        "status",
        "gpus",
        "shares",
        "wanted",
        "pods",
        "ready",
        "pending",
        "nodes",
        "restarts",
    ];

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let number = |n: u64| vec![Value::number(usize::try_from(n).unwrap_or(usize::MAX))];
        Some(match key {
            "name" => vec![Value::text(&self.name)],
            "kind" => vec![Value::text(&self.kind)],
            "cluster" => vec![Value::text(self.cluster().as_str())],
            "namespace" | "ns" => vec![Value::text(&self.namespace)],
            "team" => self.team.iter().map(|team| Value::text(team)).collect(),
            "status" => vec![Value::text(&self.status_word), Value::text(self.status.alias())],
            "gpus" => number(self.gpus_held),
            "shares" => number(self.shares_held),
            "wanted" => number(self.gpus_wanted.saturating_add(self.shares_wanted)),
            "pods" => number(self.pods.into()),
            "ready" => number(self.ready.into()),
            "pending" => number(self.pending.into()),
            "nodes" => number(self.nodes.into()),
            "restarts" => number(self.restarts.into()),
            _ => return None,
        })
    }
}
