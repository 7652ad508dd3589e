//! Objects of the demo fleet as YAML, built from their facts, and marked as made up.

use crate::{registry, script::Script, telemetry::engine_of};
use pilothouse_wire::{ObjectRef, ServingEngine, SmolStr, Stamp};
use pilothouse_world::fact::{ConditionFact, ContainerFact, NodeFact, OwnerFact, PodFact};
use serde_json::{Value, json};
use std::fmt::Write;

/// An object as YAML, if the fleet has it.
pub(crate) fn of(script: &Script, object: &ObjectRef) -> Option<String> {
    let value = match object {
        ObjectRef::Node(node) | ObjectRef::Gpu(node, _) => node_value(script.node(&node.name)?),
        ObjectRef::Pod(pod) => pod_value(script.pod(&pod.namespace, &pod.name)?),
        ObjectRef::Namespace(_, name) => namespace_value(script, name)?,
        ObjectRef::Workload(_, namespace, kind, name) => workload_value(script, namespace, kind, name)?,
        ObjectRef::Connection(_)
        | ObjectRef::Other(_)
        | ObjectRef::Alert(_)
        | ObjectRef::Model(_)
        | ObjectRef::Tag(_) => return None,
    };
    let mut text = String::from("# Of the demo fleet: made up, not read from a server.\n");
    write_map(&mut text, &value, 0);
    Some(text)
}

fn node_value(node: &NodeFact) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "uid": node.uid,
            "creationTimestamp": time(node.created),
            "labels": pairs(&node.labels),
        },
        "spec": {
            "unschedulable": if node.cordoned { json!(true) } else { Value::Null },
            "taints": node.taints.iter().map(|taint| taint_value(taint)).collect::<Vec<_>>(),
        },
        "status": {
            "capacity": amounts(&node.capacity),
            "allocatable": amounts(&node.allocatable),
            "conditions": conditions(&node.conditions),
            "nodeInfo": { "kubeletVersion": node.kubelet },
        },
    })
}

fn pod_value(pod: &PodFact) -> Value {
    let statuses: Vec<Value> = pod.containers.iter().map(container_status).collect();
    let spec: Vec<Value> = pod.containers.iter().map(|container| container_spec(container, pod)).collect();
    let hash = pod.template_hash.as_ref().map(|hash| json!({ "pod-template-hash": hash }));
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": pod.namespace,
            "uid": pod.uid,
            "creationTimestamp": time(pod.created),
            "deletionTimestamp": time(pod.deleting),
            "labels": hash,
            "ownerReferences": pod.owners.iter().map(owner_value).collect::<Vec<_>>(),
        },
        "spec": { "nodeName": pod.node, "containers": spec },
        "status": {
            "phase": format!("{:?}", pod.phase),
            "startTime": time(pod.started),
            "conditions": conditions(&pod.conditions),
            "containerStatuses": statuses,
        },
    })
}

fn container_spec(container: &ContainerFact, pod: &PodFact) -> Value {
    let mut limits = amounts(&pod.gpus);
    limits["memory"] = json!(format!("{}Gi", pod.memory_bytes >> 30));
    let mut requests = limits.clone();
    requests["cpu"] = json!(format!("{}m", pod.cpu_millis));
    json!({
        "name": container.name,
        "image": container.image,
        "env": registry::variables(pod, &container.name)
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect::<Vec<_>>(),
        "args": arguments(&container.image, pod.gpus.iter().map(|(_, n)| n).sum()),
        "resources": { "limits": limits, "requests": requests },
    })
}

/// What an engine is asked for, by the service that its image is of.
fn arguments(image: &str, gpus: u64) -> Vec<String> {
    let service = image.rsplit('/').next().and_then(|name| name.split(':').next()).unwrap_or_default();
    let model = format!("/models/{service}");
    match engine_of(service) {
        Some(ServingEngine::Vllm) => {
            vec![
                "vllm".into(),
                "serve".into(),
                model,
                format!("--tensor-parallel-size={gpus}"),
                "--max-model-len=32768".into(),
            ]
        }
        Some(ServingEngine::Sglang) => vec![
            "python3".into(),
            "-m".into(),
            "sglang.launch_server".into(),
            format!("--model-path={model}"),
            format!("--tp-size={gpus}"),
        ],
        Some(ServingEngine::Tgi) => {
            vec!["text-generation-launcher".into(), format!("--model-id={model}"), format!("--num-shard={gpus}")]
        }
        _ => Vec::new(),
    }
}

fn container_status(container: &ContainerFact) -> Value {
    let state = match &container.reason {
        None => json!({ "running": {} }),
        Some(reason) if container.ended => json!({ "terminated": { "reason": reason } }),
        Some(reason) => json!({ "waiting": { "reason": reason } }),
    };
    json!({
        "name": container.name,
        "image": container.image,
        "imageID": container.digest.as_ref().map(|digest| format!("{}@{digest}", container.image)),
        "ready": container.ready,
        "restartCount": container.restarts,
        "state": state,
    })
}

fn namespace_value(script: &Script, name: &str) -> Option<Value> {
    script.has_namespace(name).then(|| {
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": name },
            "status": { "phase": "Active" },
        })
    })
}

/// A controller, as far as its pods tell of it.
fn workload_value(script: &Script, namespace: &str, kind: &str, name: &str) -> Option<Value> {
    let own = |pod: &&PodFact| {
        let is_owner = |owner: OwnerFact| owner.kind == kind && owner.name == name;
        pod.namespace == namespace && pod.deleting.is_none() && pod.workload().is_some_and(is_owner)
    };
    let pods: Vec<&PodFact> = script.pods().filter(own).collect();
    let newest = pods.last()?;
    let is_ready = |pod: &&&PodFact| pod.containers.iter().all(|container| container.ready);
    let spec: Vec<Value> = newest.containers.iter().map(|container| container_spec(container, newest)).collect();
    let version = match kind {
        "Job" => "batch/v1",
        "Rollout" => "argoproj.io/v1alpha1",
        _ => "apps/v1",
    };
    Some(json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": { "name": name, "namespace": namespace },
        "spec": { "replicas": pods.len(), "template": { "spec": { "containers": spec } } },
        "status": { "replicas": pods.len(), "readyReplicas": pods.iter().filter(is_ready).count() },
    }))
}

fn owner_value(owner: &OwnerFact) -> Value {
    json!({ "kind": owner.kind, "name": owner.name, "controller": true })
}

fn taint_value(taint: &str) -> Value {
    let (rest, effect) = taint.rsplit_once(':').unwrap_or((taint, ""));
    match rest.split_once('=') {
        Some((key, value)) => json!({ "key": key, "value": value, "effect": effect }),
        None => json!({ "key": rest, "effect": effect }),
    }
}

fn conditions(conditions: &[ConditionFact]) -> Value {
    let one = |condition: &ConditionFact| {
        json!({
            "type": condition.kind,
            "status": condition.status,
            "reason": condition.reason,
            "lastTransitionTime": time(condition.since),
        })
    };
    conditions.iter().map(one).collect()
}

fn pairs(list: &[(SmolStr, SmolStr)]) -> Value {
    list.iter().map(|(key, value)| (key.to_string(), json!(value))).collect()
}

fn amounts(list: &[(SmolStr, u64)]) -> Value {
    list.iter().map(|(key, n)| (key.to_string(), json!(n.to_string()))).collect()
}

fn time(stamp: Option<Stamp>) -> Value {
    stamp.map_or(Value::Null, |stamp| Value::String(stamp.to_string()))
}

fn is_left_out(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn write_map(text: &mut String, value: &Value, indent: usize) {
    let Value::Object(map) = value else { return };
    for (at, (key, value)) in map.iter().filter(|(_, value)| !is_left_out(value)).enumerate() {
        // The first key of a list's item stands behind its dash.
        let pad = if at == 0 && text.ends_with("- ") { 0 } else { indent };
        let _ = write!(text, "{:pad$}{}:", "", scalar(key));
        write_value(text, value, indent);
    }
}

fn write_value(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if map.is_empty() => text.push_str(" {}\n"),
        Value::Object(_) => {
            text.push('\n');
            write_map(text, value, indent + 2);
        }
        Value::Array(list) => {
            text.push('\n');
            for item in list {
                let _ = write!(text, "{:indent$}- ", "");
                match item {
                    Value::String(string) => {
                        let _ = writeln!(text, "{}", scalar(string));
                    }
                    item => write_map(text, item, indent + 2),
                }
            }
        }
        Value::String(string) => {
            let _ = writeln!(text, " {}", scalar(string));
        }
        other => {
            let _ = writeln!(text, " {other}");
        }
    }
}

/// A text as YAML: bare where that can only be read as this text, quoted as in JSON (which YAML reads) elsewhere.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_');
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain);
    let is_other = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_word && !is_other.iter().any(|other| text.eq_ignore_ascii_case(other)) {
        text.to_owned()
    } else {
        Value::String(text.to_owned()).to_string()
    }
}
