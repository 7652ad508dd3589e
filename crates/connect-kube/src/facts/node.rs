//! Nodes into facts.

use super::{gpus, quarantine, some, stamp};
use crate::slim::{Meta, Node, Taint};
use pilothouse_wire::SmolStr;
use pilothouse_world::{
    QUARANTINE,
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

/// The labels that we use, and of the annotations the one by which NVSentinel says why it has quarantined the node.
fn labels(meta: &Meta) -> Vec<(SmolStr, SmolStr)> {
    let kept = meta.labels.iter().filter(|(key, _)| gpu::is_kept_label(key));
    let quarantine = meta.annotations.get(QUARANTINE).filter(|text| !text.is_empty());
    let quarantine = quarantine.map(|text| (QUARANTINE.into(), quarantine::in_words(text).into()));
    kept.map(|(key, value)| (SmolStr::new(key), SmolStr::new(value))).chain(quarantine).collect()
}

fn taint(taint: &Taint) -> SmolStr {
    let Taint { key, value, effect } = taint;
    if value.is_empty() { format_smolstr!("{key}:{effect}") } else { format_smolstr!("{key}={value}:{effect}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn node(value: Value) -> Option<NodeFact> {
        facts_of_node(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_node_becomes_what_is_known_of_it() {
        let fact = node(json!({
            "metadata": {
                "name": "h100-117", "uid": "u", "creationTimestamp": "2026-11-24T03:00:00Z",
                "labels": { "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "karpenter.sh/nodepool": "h100", "owner": "hunter2" },
                "annotations": { "x": "hunter2" }
            },
            "spec": {
                "unschedulable": true,
                "taints": [
                    { "key": "gpu", "value": "yes", "effect": "NoSchedule" },
                    { "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-11-24T03:00:00Z" }
                ]
            },
            "status": {
                "capacity": { "cpu": "192", "nvidia.com/gpu": "8", "nvidia.com/gpumem": "640000", "pods": "110" },
                "allocatable": { "cpu": "191", "nvidia.com/gpu": "7" },
                "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": "2026-11-24T03:00:03Z",
                                 "lastHeartbeatTime": "2026-11-24T03:05:03Z" }],
                "nodeInfo": { "kubeletVersion": "v1.36.3" }
            }
        }));
        insta::assert_debug_snapshot!(fact);
    }

    #[test]
    fn what_nvsentinel_says_of_a_node_is_kept_in_our_words() {
        let event =
            r#"[{"checkName":"SysLogsXIDError","errorCode":["79"],"recommendedAction":24,"message":"hunter2"}]"#;
        let fact = node(json!({ "metadata": {
            "name": "n",
            "labels": { "dgxc.nvidia.com/nvsentinel-state": "draining", "quarantineHealthEvent": "of somebody else" },
            "annotations": { "quarantineHealthEvent": event, "quarantineHealthEventIsCordoned": "True" }
        } }));
        let fact = fact.unwrap();
        assert_eq!(fact.quarantine().as_deref(), Some("SysLogsXIDError 79 (RESTART_BM); it is draining"));
        assert!(!format!("{fact:?}").contains("hunter2"));
        let over = node(json!({ "metadata": { "name": "n", "annotations": { "quarantineHealthEvent": "" } } }));
        assert_eq!(over.unwrap().quarantine(), None);
    }

    #[test]
    fn a_node_without_a_name_is_no_fact() {
        assert_eq!(node(json!({ "metadata": {} })), None);
        assert_eq!(node(json!({})), None);
        assert_eq!(
            node(json!({ "metadata": { "name": "n" } })),
            Some(NodeFact { name: "n".into(), ..NodeFact::default() })
        );
    }
}
