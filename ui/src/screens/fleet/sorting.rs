//! What the rows of the fleet's tables are sorted by, column by column.

use super::{
    rows::{Heard, MEASURED, TOGETHER, workloads},
    serving,
};
use crate::parts::table::{
    cell::Cell,
    order::{Key, SortKey},
};
use pilothouse_wire::{
    ConnectionId, ObjectRef, SmolStr, Stamp, Sum,
    view::{
        FleetView, GpuRow, NodeRow, PodRow, Status, WorkloadRow,
        gpu::{Worst, plain_number},
    },
};

fn text(text: Option<&SmolStr>) -> Key {
    text.map_or(Key::Absent, |text| SortKey::Text(text).into())
}

fn sum(sum: Sum) -> Key {
    sum.number().map_or(Key::Absent, |n| SortKey::count(n).into())
}

fn count(n: usize) -> Key {
    SortKey::count(n as u64).into()
}

/// From the youngest to the oldest, as the spans read.
#[allow(clippy::cast_precision_loss, reason = "milliseconds stay below 2^53")]
pub(super) fn span(at: Option<Stamp>) -> Key {
    at.map_or(Key::Absent, |at| Key::Number(-(at.0 as f64)))
}

/// The worst first; among equals by name.
fn rank(status: Status, name: &str) -> Key {
    Key::ranked(f64::from(status as u8) + 1.0, name)
}

fn by_age(heard: &Heard, cluster: &ConnectionId) -> Key {
    span(heard.get(cluster).and_then(|heard| heard.0))
}

/// What a node is sorted by.
#[must_use]
pub fn node_key(fleet: &FleetView, worst: &Worst<'_>, node: &NodeRow, heard: &Heard, column: &'static str) -> Key {
    if let Some((_, metric)) = TOGETHER.iter().find(|(key, _)| *key == column) {
        let at = fleet.nodes.rows().binary_search_by(|row| row.id.cmp(&node.id)).unwrap_or(usize::MAX);
        return plain_number(*metric, fleet.telemetry.read_node(*metric, at)).map_or(Key::Absent, Key::Number);
    }
    match column {
        "status" => rank(worst.status(node), &node.id.name),
        "cluster" => SortKey::Text(node.id.cluster.as_str()).into(),
        "pool" => text(node.pool.as_ref()),
        "product" => text(node.product.as_ref()),
        "gpus_used" => sum(node.gpus_held()),
        "pods" => sum(node.pods_holding()),
        "workload" => match workloads(fleet, node) {
            Cell::Text(name) => text(Some(&name)),
            _ => Key::Absent,
        },
        "created" => span(node.created),
        "age" => by_age(heard, &node.id.cluster),
        _ => text(Some(&node.id.name)),
    }
}

/// What a GPU is sorted by.
#[must_use]
pub fn gpu_key(row: &GpuRow<'_>, column: &'static str) -> Key {
    let node = row.gpu.node;
    if let Some((_, metric)) = MEASURED.iter().find(|(key, _)| *key == column) {
        // The most first: that is what one looks for.
        return plain_number(*metric, row.read(*metric)).map_or(Key::Absent, Key::Number);
    }
    match column {
        "status" => rank(row.status().0, &node.id.name),
        "cluster" => SortKey::Text(node.id.cluster.as_str()).into(),
        "product" => text(row.product()),
        "pod" => text(row.holder.map(|id| &id.name)),
        "workload" => text(row.pod.and_then(|pod| pod.workload.as_ref())),
        "held" => span(row.held_since()),
        "age" => span(row.measured_at()),
        _ => text(Some(&node.id.name)),
    }
}

/// What a workload is sorted by.
#[must_use]
pub fn workload_key(fleet: &FleetView, row: &WorkloadRow, column: &'static str) -> Key {
    if let Some((_, metric)) = TOGETHER.iter().find(|(key, _)| *key == column) {
        let at = fleet.workloads.rows().binary_search_by(|other| other.id.cmp(&row.id)).unwrap_or(usize::MAX);
        return plain_number(*metric, fleet.telemetry.read_workload(*metric, at)).map_or(Key::Absent, Key::Number);
    }
    if let Some(key) = serving::key(fleet, &row.id, column) {
        return key;
    }
    match column {
        "status" => rank(row.status, &row.name),
        "kind" => text(Some(&row.kind)),
        "cluster" => SortKey::Text(row.cluster().as_str()).into(),
        "namespace" => text(Some(&row.namespace)),
        "team" => text(row.team.as_ref()),
        "gpus" => SortKey::count(row.gpus_held).into(),
        "wanted" => SortKey::count(row.gpus_wanted).into(),
        "ready" => SortKey::count(row.ready.into()).into(),
        "restarts" => SortKey::count(row.restarts.into()).into(),
        "created" | "age" => span(row.created),
        _ => text(Some(&row.name)),
    }
}

/// What a pod is sorted by.
#[must_use]
pub fn pod_key(fleet: &FleetView, pod: &PodRow, heard: &Heard, column: &'static str) -> Key {
    if let Some(key) = serving::key(fleet, &ObjectRef::Pod(pod.id.clone()), column) {
        return key;
    }
    match column {
        "status" => rank(pod.status, &pod.id.name),
        "cluster" => SortKey::Text(pod.id.cluster.as_str()).into(),
        "namespace" => text(Some(&pod.id.namespace)),
        "team" => text(pod.team.as_ref()),
        "workload" => text(pod.workload.as_ref()),
        "node" => text(pod.node.as_ref()),
        "gpus" => SortKey::count(pod.gpus).into(),
        "ready" => count(usize::from(pod.ready)),
        "restarts" => SortKey::count(u64::from(pod.restarts)).into(),
        "started" => span(pod.started),
        "age" => by_age(heard, &pod.id.cluster),
        _ => text(Some(&pod.id.name)),
    }
}
