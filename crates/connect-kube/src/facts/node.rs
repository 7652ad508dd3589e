//! Nodes into facts.

use super::{gpus, quarantine, some, stamp};
use crate::slim::{NamedFields, Node, NodeMeta, Taint};
use pilothouse_wire::SmolStr;
use pilothouse_world::{
    QUARANTINE,
    fact::{ConditionFact, NodeFact, NodeWriteFact, WrittenFact},
    gpu,
};
use serde::de::IgnoredAny;
use smol_str::format_smolstr;
use std::collections::BTreeMap;

/// They write what follows from what a node is, or from what others wrote into it.
const FOLLOWERS: [&str; 7] = [
    "kubelet",
    "kube-controller-manager",
    "cloud-controller-manager",
    "aws-cloud-controller-manager",
    "cloud-node-manager",
    // Several of these in one program.
    "k3s",
    "kubelite",
];
/// By taints under this the control plane repeats conditions and the cordon.
const ECHOES: &str = "node.kubernetes.io/";
/// The one of the cordon.
const CORDON: &str = "node.kubernetes.io/unschedulable";
/// Keys of labels that are kept of one writer. One that has more is no person.
const MOST_LABELS: usize = 8;

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

/// What a server keeps of who wrote into a node, and since when it is as it is.
#[must_use]
pub fn written_of_node(node: &Node) -> WrittenFact {
    let entries = node.metadata.iter().flat_map(|meta| &meta.managed_fields);
    let by_hand = |entry: &&NamedFields| entry.subresource.is_empty() && !FOLLOWERS.contains(&entry.manager.as_str());
    let mut writes: Vec<NodeWriteFact> = entries.filter(by_hand).filter_map(write).collect();
    writes.sort_by(|a, b| (a.at, &a.by).cmp(&(b.at, &b.by)));
    let taints = || node.spec.iter().flat_map(|spec| &spec.taints);
    let dated = taints().filter(|of| !of.key.starts_with(ECHOES));
    WrittenFact {
        writes,
        cordoned: taints().find(|of| of.key == CORDON).and_then(|of| stamp(of.time_added)),
        taints: dated.filter_map(|of| Some((taint(of), stamp(of.time_added)?))).collect(),
    }
}

/// What a writer has of a node, as far as a person would have written it; `None` where it has nothing of that.
fn write(entry: &NamedFields) -> Option<NodeWriteFact> {
    type Names = BTreeMap<String, BTreeMap<String, BTreeMap<String, IgnoredAny>>>;
    let names: Names = serde_json::from_slice(&entry.fields_v1.as_ref()?.raw).ok()?;
    let of = |part: &str, field: &str| names.get(part).and_then(|part| part.get(field));
    let (cordon, taints) = (of("f:spec", "f:unschedulable").is_some(), of("f:spec", "f:taints").is_some());
    let labels: Vec<SmolStr> = of("f:metadata", "f:labels")
        .into_iter()
        .flat_map(BTreeMap::keys)
        .filter_map(|key| key.strip_prefix("f:").map(SmolStr::new))
        .collect();
    (cordon || taints || !labels.is_empty()).then(|| NodeWriteFact {
        by: SmolStr::new(&entry.manager),
        at: stamp(entry.time),
        cordon,
        taints,
        alone: names.values().map(BTreeMap::len).sum::<usize>() == 1,
        labels_in_all: u32::try_from(labels.len()).unwrap_or(u32::MAX),
        labels: labels.into_iter().take(MOST_LABELS).collect(),
    })
}

/// The labels that we use, and of the annotations the one by which NVSentinel says why it has quarantined the node.
fn labels(meta: &NodeMeta) -> Vec<(SmolStr, SmolStr)> {
    let kept = meta.labels.iter().filter(|(key, _)| gpu::is_kept_label(key));
    let quarantine = meta.annotations.get(QUARANTINE).filter(|text| !text.is_empty());
    let quarantine = quarantine.map(|text| (QUARANTINE.into(), quarantine::in_words(text).into()));
    kept.map(|(key, value)| (SmolStr::new(key), SmolStr::new(value))).chain(quarantine).collect()
}

fn taint(taint: &Taint) -> SmolStr {
    let Taint { key, value, effect, .. } = taint;
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
    fn who_wrote_into_a_node_is_told_by_names_of_fields_alone_without_those_who_only_follow() {
        let at = "2026-11-24T03:00:00Z";
        let entry = |manager: &str, subresource: &str, fields: Value| {
            json!({
                "manager": manager, "operation": "Update", "apiVersion": "v1", "time": at, "fieldsType": "FieldsV1",
                "subresource": subresource, "fieldsV1": fields,
            })
        };
        let many: serde_json::Map<String, Value> = (0..20).map(|n| (format!("f:feature/{n}"), json!({}))).collect();
        let node = json!({
            "metadata": { "name": "n", "managedFields": [
                entry("kubectl-cordon", "", json!({ "f:spec": { "f:unschedulable": {} } })),
                entry("sentinel", "", json!({
                    "f:metadata": { "f:annotations": { ".": {}, "f:why": {} } }, "f:spec": { "f:taints": {} },
                })),
                entry("kubectl-label", "", json!({ "f:metadata": { "f:labels": { ".": {}, "f:tier": {} } } })),
                entry("discovery", "", json!({ "f:metadata": { "f:labels": many } })),
                entry("kubelet", "", json!({ "f:metadata": { "f:labels": { "f:zone": {} } } })),
                entry("kube-controller-manager", "", json!({ "f:spec": { "f:taints": {} } })),
                entry("anything", "status", json!({ "f:spec": { "f:taints": {} } })),
                entry("annotator", "", json!({ "f:metadata": { "f:annotations": { "f:x": {} } } })),
                entry("odd", "", json!([1])),
                { "manager": "bare" },
            ] },
            "spec": { "taints": [
                { "key": "sick", "value": "xid", "effect": "NoExecute", "timeAdded": at },
                { "key": "team", "effect": "NoSchedule" },
                { "key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "timeAdded": "2026-11-24T01:00:00Z" },
                { "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-11-24T02:00:00Z" },
            ] },
        });
        let node: Node = serde_json::from_value(node).unwrap();
        let written = written_of_node(&node);
        let told = |write: &NodeWriteFact| {
            let NodeWriteFact { by, at: _, cordon, taints, alone, labels, labels_in_all } = write;
            format!("{by} cordon {cordon} taints {taints} alone {alone} labels {}/{labels_in_all}", labels.len())
        };
        assert_eq!(
            written.writes.iter().map(told).collect::<Vec<_>>(),
            [
                "discovery cordon false taints false alone true labels 8/20",
                "kubectl-cordon cordon true taints false alone true labels 0/0",
                "kubectl-label cordon false taints false alone true labels 1/1",
                "sentinel cordon false taints true alone false labels 0/0",
            ]
        );
        assert!(written.writes.iter().all(|write| write.at == Some(at.parse().unwrap())));
        assert_eq!(written.writes[2].labels, ["tier"]);
        assert_eq!(written.cordoned, Some("2026-11-24T02:00:00Z".parse().unwrap()));
        assert_eq!(written.taints, [("sick=xid:NoExecute".into(), at.parse().unwrap())]);
        // The same in protobuf, in which names of fields are bytes.
        let bytes = prost::Message::encode_to_vec(&node);
        assert_eq!(written_of_node(&prost::Message::decode(&bytes[..]).unwrap()), written);
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
