//! Parts of a fleet that cost no more where there is more of it: a stretch of a cluster's nodes, and the pods of one service.

use super::{node_row, pod_row};
use crate::{World, project::delivery};
use pilothouse_wire::{
    ConnectionId, ObjectRef, SmolStr,
    view::{NodeRow, PodRow},
};
use std::ops::Bound::{Excluded, Unbounded};

/// A stretch of a cluster's nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodesPart {
    /// Those of them that have GPUs, by their names.
    pub rows: Vec<NodeRow>,
    /// Behind which name there may be more; none at the end.
    pub next: Option<SmolStr>,
    /// Are all nodes of the cluster read?
    pub whole: bool,
}

/// The nodes of a cluster behind this name, or from the first on: no more than `most` are looked at.
#[must_use]
pub fn nodes_behind(world: &World, cluster: &ConnectionId, after: Option<&SmolStr>, most: usize) -> NodesPart {
    let Some(source) = world.source(cluster) else { return NodesPart::default() };
    let from = after.map_or(Unbounded, Excluded);
    let (mut rows, mut seen, mut last) = (Vec::new(), 0, None);
    for (name, node) in source.nodes.range::<SmolStr, _>((from, Unbounded)).take(most) {
        let row = node_row(world, cluster, source, node);
        rows.extend((!row.gpus.is_empty()).then_some(row));
        (seen, last) = (seen + 1, Some(name));
    }
    NodesPart { rows, next: last.filter(|_| seen == most).cloned(), whole: source.knows_nodes() }
}

/// The pods of a service.
#[must_use]
pub fn pods_of(world: &World, object: &ObjectRef) -> Vec<PodRow> {
    let ObjectRef::Workload(id, namespace, kind, name) = object else { return Vec::new() };
    let Some(source) = world.source(id) else { return Vec::new() };
    let pods = delivery::pods(source, &(kind.clone(), namespace.clone(), name.clone()));
    pods.into_iter().map(|pod| pod_row(id, source, pod)).collect()
}
