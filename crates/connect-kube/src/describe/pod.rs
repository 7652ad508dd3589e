//! A pod in words.

use super::{
    About, containers,
    fields::{conditions, items, mono, pairs, present, row, section, table, text},
};
use pilothouse_wire::{NodeId, ObjectRef, describe::Section, view::FieldRow};
use serde_json::Value;

/// The parts of a pod.
pub(super) fn sections(about: &About<'_>) -> Vec<Section> {
    let object = about.object;
    let mut all = vec![status(about), conditions(object)];
    all.extend(containers::sections(&object["spec"], &object["status"]));
    all.push(volumes(&object["spec"]));
    all.push(placing(&object["spec"]));
    all
}

fn status(about: &About<'_>) -> Section {
    let object = about.object;
    let mut rows = Vec::new();
    if let Some(node) = text(object, "/spec/nodeName") {
        let link = ObjectRef::Node(NodeId { cluster: about.cluster.clone(), name: node.as_str().into() });
        rows.push(FieldRow { link: Some(link), ..row("Node", Some(node)) });
    } else {
        rows.push(row("Node", None));
    }
    rows.extend(present(
        object,
        &[("Phase", "/status/phase"), ("Reason", "/status/reason"), ("Message", "/status/message")],
    ));
    rows.push(mono("IP", text(object, "/status/podIP")));
    rows.extend(present(
        object,
        &[
            ("Started", "/status/startTime"),
            ("Quality of service", "/status/qosClass"),
            ("Nominated node", "/status/nominatedNodeName"),
            ("Service account", "/spec/serviceAccountName"),
            ("Restart policy", "/spec/restartPolicy"),
            ("Grace period, s", "/spec/terminationGracePeriodSeconds"),
        ],
    ));
    section("Status", rows)
}

/// Volumes by name and kind: what is in them is nobody's business here.
pub(super) fn volumes(spec: &Value) -> Section {
    let volume = |volume: &Value| {
        let kind = volume.as_object()?.keys().find(|key| *key != "name").cloned();
        Some(vec![text(volume, "/name"), kind])
    };
    table("Volumes", &["Name", "Kind"], items(spec, "/volumes").iter().filter_map(volume).collect())
}

/// Where it may run: selectors, tolerations, priority.
pub(super) fn placing(spec: &Value) -> Section {
    let mut rows = present(
        spec,
        &[
            ("Priority", "/priority"),
            ("Priority class", "/priorityClassName"),
            ("Scheduler", "/schedulerName"),
            ("Runtime class", "/runtimeClassName"),
            ("Host network", "/hostNetwork"),
        ],
    );
    rows.push(row("Node selectors", pairs(spec, "/nodeSelector")));
    let parts = ["nodeAffinity", "podAffinity", "podAntiAffinity"];
    let affinity: Vec<&str> = parts.into_iter().filter(|part| spec["affinity"].get(*part).is_some()).collect();
    if !affinity.is_empty() {
        rows.push(row("Affinity", Some(format!("{} (see the YAML)", affinity.join(", ")))));
    }
    let gates: Vec<String> = items(spec, "/schedulingGates").iter().filter_map(|gate| text(gate, "/name")).collect();
    if !gates.is_empty() {
        rows.push(row("Scheduling gates", Some(gates.join(", "))));
    }
    rows.extend(items(spec, "/tolerations").iter().map(|one| row("Tolerates", Some(toleration(one)))));
    section("Placing", rows)
}

/// `nvidia.com/gpu=present:NoSchedule for 300 s`, as kubectl writes it.
fn toleration(one: &Value) -> String {
    let mut words = text(one, "/key").unwrap_or_default();
    if let Some(value) = text(one, "/value").filter(|value| !value.is_empty()) {
        words += &format!("={value}");
    }
    if let Some(effect) = text(one, "/effect").filter(|effect| !effect.is_empty()) {
        words += &format!(":{effect}");
    }
    if text(one, "/operator").as_deref() == Some("Exists") {
        words = if words.is_empty() { "everything".to_owned() } else { format!("{words} op=Exists") };
    }
    if let Some(seconds) = text(one, "/tolerationSeconds") {
        words += &format!(" for {seconds} s");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tolerations_are_written_as_kubectl_does() {
        for (one, want) in [
            (json!({ "operator": "Exists" }), "everything"),
            (
                json!({ "key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule" }),
                "nvidia.com/gpu:NoSchedule op=Exists",
            ),
            (
                json!({ "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": 300 }),
                "node.kubernetes.io/not-ready:NoExecute op=Exists for 300 s",
            ),
            (json!({ "key": "pool", "value": "h100", "effect": "NoSchedule" }), "pool=h100:NoSchedule"),
        ] {
            assert_eq!(toleration(&one), want);
        }
    }

    #[test]
    fn a_volume_is_its_name_and_kind_alone() {
        let spec = json!({ "volumes": [
            { "name": "models", "persistentVolumeClaim": { "claimName": "x" } },
            { "name": "keys", "secret": { "secretName": "hunter2" } },
            { "name": "bare" },
        ] });
        let text = |text: &str| Some(text.to_owned());
        let rows = volumes(&spec).table.unwrap().rows;
        assert_eq!(
            rows,
            [[text("models"), text("persistentVolumeClaim")], [text("keys"), text("secret")], [text("bare"), None]]
        );
    }
}
