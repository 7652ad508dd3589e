//! Nodes into facts.

use super::{gpus, some, stamp};
use crate::slim::{Meta, Node, Taint};
use pilothouse_wire::SmolStr;
use pilothouse_world::{
    fact::{ConditionFact, NodeFact},
    gpu,
};
use smol_str::format_smolstr;

/// What a node says of itself; `None` for one without a name.
#[must_use]
pub fn facts_of_node(node: Node) -> Option<NodeFact> {
    let meta = node.metadata.unwrap_or_default();
    let (spec, status) = (node.spec.unwrap_or_default(), node.status.unwrap_or_default());
    Some(NodeFact {
        name: some(&meta.name)?,
        uid: SmolStr::new(&meta.uid),
        created: stamp(meta.creation_timestamp),
        labels: labels(&meta),
        cordoned: spec.unschedulable,
        taints: spec.taints.iter().map(taint).collect(),
        conditions: status
            .conditions
            .into_iter()
            .map(|condition| ConditionFact {
                kind: condition.r#type.into(),
                status: condition.status.into(),
                reason: some(&condition.reason),
                since: stamp(condition.last_transition_time),
            })
            .collect(),
        capacity: gpus(&status.capacity),
        allocatable: gpus(&status.allocatable),
        kubelet: status.node_info.and_then(|info| some(&info.kubelet_version)),
    })
}

fn labels(meta: &Meta) -> Vec<(SmolStr, SmolStr)> {
    let kept = meta.labels.iter().filter(|(key, _)| gpu::is_kept_label(key));
    kept.map(|(key, value)| (SmolStr::new(key), SmolStr::new(value))).collect()
}

fn taint(taint: &Taint) -> SmolStr {
    let Taint { key, value, effect } = taint;
    if value.is_empty() { format_smolstr!("{key}:{effect}") } else { format_smolstr!("{key}={value}:{effect}") }
}
