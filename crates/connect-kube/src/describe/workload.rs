//! What makes pods, in words: how many it wants and has, and the template that it makes them from.

use super::{
    containers,
    fields::{conditions, pairs, present, row, section},
    pod,
};
use pilothouse_wire::describe::Section;
use serde_json::Value;

/// Where kinds keep the spec of their pods. Further kinds are shown field by field.
const TEMPLATES: &[&str] = &["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"];

/// Counts and settings that controllers of pods have, by their labels.
const FIELDS: &[(&str, &str)] = &[
    ("Replicas wanted", "/spec/replicas"),
    ("Replicas", "/status/replicas"),
    ("Updated", "/status/updatedReplicas"),
    ("Ready", "/status/readyReplicas"),
    ("Available", "/status/availableReplicas"),
    ("Unavailable", "/status/unavailableReplicas"),
    ("Nodes wanted", "/status/desiredNumberScheduled"),
    ("Scheduled", "/status/currentNumberScheduled"),
    ("Misscheduled", "/status/numberMisscheduled"),
    ("Nodes ready", "/status/numberReady"),
    ("Parallelism", "/spec/parallelism"),
    ("Completions", "/spec/completions"),
    ("Back-off limit", "/spec/backoffLimit"),
    ("Active", "/status/active"),
    ("Succeeded", "/status/succeeded"),
    ("Failed", "/status/failed"),
    ("Started", "/status/startTime"),
    ("Completed", "/status/completionTime"),
    ("Schedule", "/spec/schedule"),
    ("Suspended", "/spec/suspend"),
    ("Last scheduled", "/status/lastScheduleTime"),
    ("Strategy", "/spec/strategy/type"),
    ("Max surge", "/spec/strategy/rollingUpdate/maxSurge"),
    ("Max unavailable", "/spec/strategy/rollingUpdate/maxUnavailable"),
    ("Update strategy", "/spec/updateStrategy/type"),
    ("Pod management", "/spec/podManagementPolicy"),
    ("Service", "/spec/serviceName"),
    ("Paused", "/spec/paused"),
    ("Progress deadline, s", "/spec/progressDeadlineSeconds"),
    ("Minimum ready, s", "/spec/minReadySeconds"),
    ("Observed generation", "/status/observedGeneration"),
];

/// The spec of the pods that an object makes, if it has one where controllers have it.
pub(super) fn template(object: &Value) -> Option<&Value> {
    TEMPLATES.iter().filter_map(|pointer| object.pointer(pointer)).find(|spec| spec["containers"].is_array())
}

/// The parts of a controller of pods.
pub(super) fn sections(object: &Value) -> Vec<Section> {
    let mut rows = present(object, FIELDS);
    rows.push(row("Selector", pairs(object, "/spec/selector/matchLabels").or_else(|| pairs(object, "/spec/selector"))));
    let mut all = vec![section("Status", rows), conditions(object)];
    let spec = template(object).unwrap_or(&Value::Null);
    all.extend(containers::sections(spec, &Value::Null));
    all.push(pod::volumes(spec));
    all.push(pod::placing(spec));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_deployment_tells_what_it_wants_and_has() {
        let object = json!({
            "spec": { "replicas": 6, "selector": { "matchLabels": { "app": "chat" } }, "strategy": { "type": "Recreate" },
                "template": { "spec": { "containers": [{ "name": "engine", "image": "vllm" }] } } },
            "status": { "replicas": 6, "readyReplicas": 5, "conditions": [{ "type": "Available", "status": "True" }] },
        });
        let sections = sections(&object);
        let rows: Vec<String> = sections[0]
            .rows
            .iter()
            .map(|row| format!("{}={}", row.label, row.value.as_deref().unwrap_or("—")))
            .collect();
        assert_eq!(rows, ["Replicas wanted=6", "Replicas=6", "Ready=5", "Strategy=Recreate", "Selector=app=chat"]);
        let titles: Vec<&str> = sections.iter().map(|section| section.title.as_str()).collect();
        assert_eq!(titles, ["Status", "Conditions", "Container engine", "Volumes", "Placing"]);
    }

    #[test]
    fn a_kind_without_a_template_is_no_controller_of_pods() {
        for object in [json!({ "spec": { "template": { "spec": {} } } }), json!({ "spec": {} }), json!(null)] {
            assert_eq!(template(&object), None, "{object}");
        }
    }
}
