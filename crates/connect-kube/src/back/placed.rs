//! Where pods of a template may be placed, as far as it is read. Pure.
//!
//! Source: `v1.PodSpec`. Labels are the server's to compare, taints are told of nodes; what else binds pods to nodes is named
//! as not read, so that nobody takes free GPUs for ones that these pods can have.

use pilothouse_wire::{
    SmolStr,
    back::{Placed, Toleration},
};
use serde_json::Value;

/// What binds pods to nodes and is not read, with where it stands and how it is called.
const UNREAD: [(&str, &str); 4] = [
    ("/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution", "a required node affinity"),
    ("/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution", "a required pod affinity"),
    ("/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution", "a required pod anti-affinity"),
    ("/resourceClaims/0", "claims of devices (DRA)"),
];

/// All but the nodes that have its labels.
pub(super) fn placed(spec: &Value) -> Placed {
    let list = |key: &str| spec[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut unread: Vec<SmolStr> = UNREAD
        .iter()
        .filter(|(at, _)| spec.pointer(at).is_some())
        .map(|(_, words)| SmolStr::new_static(words))
        .collect();
    if list("topologySpreadConstraints").iter().any(|one| one["whenUnsatisfiable"] == "DoNotSchedule") {
        unread.push(SmolStr::new_static("a spread over topologies"));
    }
    if let Some(name) = spec["schedulerName"].as_str().filter(|name| *name != "default-scheduler") {
        unread.push(format!("the scheduler {name}").into());
    }
    Placed { on: None, tolerates: list("tolerations").iter().map(toleration).collect(), unread }
}

/// What puts whole groups in one place, by its controller, and is not read.
const OF_GROUPS: [&str; 2] =
    ["leaderworkerset.sigs.k8s.io/exclusive-topology", "leaderworkerset.sigs.k8s.io/subgroup-exclusive-topology"];

/// Has a set of groups such?
pub(super) fn of_groups(kind: &str, object: &Value) -> Option<SmolStr> {
    let annotations = &object["metadata"]["annotations"];
    let is_placed = kind == "LeaderWorkerSet" && OF_GROUPS.iter().any(|key| annotations[*key].is_string());
    is_placed.then(|| SmolStr::new_static("a topology of its own for each group"))
}

fn toleration(of: &Value) -> Toleration {
    let text = |key: &str| of[key].as_str().filter(|text| !text.is_empty()).map(SmolStr::new);
    // Without an operator the values are equal; without a value there, the taint has none either.
    let exists = of["operator"] == "Exists";
    let value = if exists { None } else { Some(text("value").unwrap_or_default()) };
    Toleration { key: text("key"), value, effect: text("effect") }
}

/// The labels that its nodes have to have, as a selector; none where any node will do.
pub(super) fn selector(spec: &Value) -> Option<String> {
    let labels = spec["nodeSelector"].as_object()?;
    let pairs: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}
