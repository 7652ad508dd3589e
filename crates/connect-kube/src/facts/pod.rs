//! Pods into facts.

use super::{
    requests::{goes_on, requests},
    served::served_by,
    some, stamp,
};
use crate::slim::{Container, ContainerState, ContainerStatus, OwnerReference, Pod, PodSpec, PodStatus};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::{ConditionFact, ContainerFact, LabelsFact, OwnerFact, Phase, PodFact};
use smol_str::format_smolstr;
use std::collections::BTreeMap;

/// What a pod says of itself; `None` for one without a name.
#[must_use]
pub fn facts_of_pod(pod: Pod) -> Option<PodFact> {
    facts_with_labels(pod).map(|(fact, _)| fact)
}

/// The same, with all labels of one that asks for GPUs: by them disruption budgets choose it. Of others none are kept.
#[must_use]
pub fn facts_with_labels(pod: Pod) -> Option<(PodFact, LabelsFact)> {
    let meta = pod.metadata.unwrap_or_default();
    let (spec, status) = (pod.spec.unwrap_or_default(), pod.status.unwrap_or_default());
    let asked = requests(&spec);
    let all = |labels: &BTreeMap<String, String>| -> LabelsFact {
        labels.iter().map(|(key, value)| (SmolStr::new(key), SmolStr::new(value))).collect()
    };
    let labels = if asked.gpus.is_empty() { LabelsFact::new() } else { all(&meta.labels) };
    let fact = PodFact {
        namespace: SmolStr::new(&meta.namespace),
        name: some(&meta.name)?,
        uid: SmolStr::new(&meta.uid),
        created: stamp(meta.creation_timestamp),
        deleting: stamp(meta.deletion_timestamp),
        owners: owners(&meta.owner_references, &meta.labels),
        template_hash: meta.labels.get("pod-template-hash").map(SmolStr::new),
        node: some(&spec.node_name),
        phase: phase(&status.phase),
        reason: some(&status.reason),
        started: stamp(status.start_time),
        gpus: asked.gpus,
        cpu_millis: asked.cpu_millis,
        memory_bytes: asked.memory_bytes,
        containers: containers(&spec, &status),
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
    };
    Some((fact, labels))
}

/// The controller first, and behind a ReplicaSet of a Rollout that Rollout: its controller names the set by its own name and
/// the hash of the template, which is a label of the pod. Behind one of a predictor of KServe its service, by labels.
fn owners(references: &[OwnerReference], labels: &BTreeMap<String, String>) -> Vec<OwnerFact> {
    let rollout_hash = labels.get("rollouts-pod-template-hash");
    let mut references: Vec<&OwnerReference> = references.iter().collect();
    references.sort_by_key(|owner| !owner.controller.unwrap_or(false));
    let mut owners: Vec<OwnerFact> = references
        .into_iter()
        .map(|owner| OwnerFact { kind: SmolStr::new(&owner.kind), name: SmolStr::new(&owner.name) })
        .collect();
    let set = owners.first().filter(|owner| owner.kind == "ReplicaSet");
    let above = set.zip(rollout_hash).and_then(|(set, hash)| set.name.strip_suffix(hash.as_str())?.strip_suffix('-'));
    if let Some(name) = above.filter(|name| !name.is_empty()).map(SmolStr::new) {
        owners.insert(1, OwnerFact { kind: SmolStr::new_static("Rollout"), name });
    } else if let Some(service) = set.and_then(|_| served_by(labels)) {
        owners.insert(1, service);
    }
    owners
}

fn phase(text: &str) -> Phase {
    match text {
        "" | "Pending" => Phase::Pending,
        "Running" => Phase::Running,
        "Succeeded" => Phase::Succeeded,
        "Failed" => Phase::Failed,
        _ => Phase::Unknown,
    }
}

/// Init containers that go on, those that hold the pod back (named `Init:…`, as kubectl does), and the containers.
fn containers(spec: &PodSpec, status: &PodStatus) -> Vec<ContainerFact> {
    let mut facts = Vec::with_capacity(spec.containers.len());
    for container in &spec.init_containers {
        let status = status_of(&status.init_container_statuses, container);
        if goes_on(container) {
            facts.push(fact(container, status));
        } else if let Some(stuck) = status.filter(|status| holds_back(status)) {
            let mut fact = fact(container, Some(stuck));
            fact.ready = false;
            fact.reason = fact.reason.map(|reason| format_smolstr!("Init:{reason}"));
            facts.push(fact);
        }
    }
    for container in &spec.containers {
        facts.push(fact(container, status_of(&status.container_statuses, container)));
    }
    facts
}

fn status_of<'a>(statuses: &'a [ContainerStatus], container: &Container) -> Option<&'a ContainerStatus> {
    statuses.iter().find(|status| status.name == container.name)
}

/// Has it failed, or does it wait for more than its turn?
fn holds_back(status: &ContainerStatus) -> bool {
    status.state.as_ref().is_some_and(|state| {
        state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0)
            || state
                .waiting
                .as_ref()
                .is_some_and(|waiting| !matches!(waiting.reason.as_str(), "" | "PodInitializing" | "ContainerCreating"))
    })
}

fn fact(container: &Container, status: Option<&ContainerStatus>) -> ContainerFact {
    let mut fact = ContainerFact {
        name: SmolStr::new(&container.name),
        image: SmolStr::new(&container.image),
        ..ContainerFact::default()
    };
    if let Some(status) = status {
        fact.digest = digest(&status.image_id);
        fact.ready = status.ready;
        fact.restarts = u32::try_from(status.restart_count).unwrap_or(0);
        (fact.reason, fact.ended) = reason(status.state.as_ref());
    }
    fact
}

/// Why it waits or how it ended, and which of the two.
fn reason(state: Option<&ContainerState>) -> (Option<SmolStr>, bool) {
    let Some(state) = state else { return (None, false) };
    match (&state.terminated, &state.waiting) {
        (Some(ended), _) if ended.reason.is_empty() => (Some(format_smolstr!("Exit {}", ended.exit_code)), true),
        (Some(ended), _) => (some(&ended.reason), true),
        (None, Some(waiting)) => (some(&waiting.reason), false),
        (None, None) => (None, false),
    }
}

/// `sha256:…` out of `docker-pullable://registry/model@sha256:…`. A bare one is that of the image's configuration: by it no
/// registry knows the image.
fn digest(image_id: &str) -> Option<SmolStr> {
    let (_, tail) = image_id.rsplit_once('@')?;
    let (algorithm, hex) = tail.split_once(':')?;
    let plain = matches!(algorithm, "sha256" | "sha384" | "sha512");
    (plain && hex.len() >= 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| SmolStr::new(tail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(value: Value) -> PodFact {
        facts_of_pod(serde_json::from_value(value).unwrap()).unwrap()
    }

    #[test]
    fn labels_are_kept_of_pods_that_ask_for_gpus_and_of_no_others() {
        let of = |limits: Value| {
            let spec = json!({ "containers": [{ "name": "a", "resources": { "limits": limits } }] });
            let meta = json!({ "name": "p", "labels": { "app": "chat", "tier": "gold" } });
            facts_with_labels(serde_json::from_value(json!({ "metadata": meta, "spec": spec })).unwrap()).unwrap().1
        };
        let all = vec![("app".into(), "chat".into()), ("tier".into(), "gold".into())];
        assert_eq!(of(json!({ "nvidia.com/gpu": "1" })), all);
        assert_eq!(of(json!({ "cpu": "1" })), []);
    }

    #[test]
    fn a_pod_becomes_what_is_known_of_it() {
        let fact = pod(json!({
            "metadata": {
                "name": "chat-70b-7c9f4d-x2k8q", "namespace": "serving", "uid": "u1", "resourceVersion": "7",
                "creationTimestamp": "2026-11-24T03:00:00Z", "deletionTimestamp": null,
                "labels": { "pod-template-hash": "7c9f4d", "secret": "hunter2" },
                "annotations": { "note": "hunter2" },
                "ownerReferences": [
                    { "kind": "Watcher", "name": "w" },
                    { "kind": "ReplicaSet", "name": "chat-70b-7c9f4d", "controller": true }
                ]
            },
            "spec": {
                "nodeName": "h100-117",
                "initContainers": [
                    { "name": "weights", "image": "fetch:1" },
                    { "name": "proxy", "image": "proxy:1", "restartPolicy": "Always" }
                ],
                "containers": [
                    { "name": "server", "image": "server:1", "env": [{ "name": "A", "value": "hunter2" }],
                      "args": ["--api-key", "hunter2"],
                      "resources": { "requests": { "cpu": "1500m", "memory": "64Gi", "nvidia.com/gpu": "8" } } }
                ]
            },
            "status": {
                "phase": "Running",
                "startTime": "2026-11-24T03:00:01Z",
                "conditions": [{ "type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": "2026-11-24T03:00:02Z" }],
                "initContainerStatuses": [
                    { "name": "weights", "ready": true, "state": { "terminated": { "exitCode": 0, "reason": "Completed" } } },
                    { "name": "proxy", "ready": true, "restartCount": 1, "state": { "running": {} } }
                ],
                "containerStatuses": [
                    { "name": "server", "ready": false, "restartCount": 4,
                      "imageID": "docker-pullable://registry/server@sha256:4f9d2c1ab38e7765ffeab00112233445566778899aabbccddeeff001122334455",
                      "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "hunter2" } } }
                ]
            }
        }));
        insta::assert_debug_snapshot!(fact);
    }

    #[track_caller]
    fn check(status: Value, init: bool, want: &str) {
        let own = json!([{ "name": "c", "image": "i" }]);
        let spec = if init { json!({ "initContainers": own }) } else { json!({ "containers": own }) };
        let fact = pod(json!({ "metadata": { "name": "p" }, "spec": spec, "status": status }));
        let said: Vec<String> = fact
            .containers
            .iter()
            .map(|c| format!("{} ready={} ended={}", c.reason.as_deref().unwrap_or("-"), c.ready, c.ended))
            .collect();
        assert_eq!(format!("{:?} [{}]", fact.phase, said.join(", ")), want);
    }

    #[test]
    fn why_a_container_waits_or_how_it_ended() {
        let state =
            |state: Value| json!({ "phase": "Running", "containerStatuses": [{ "name": "c", "state": state }] });
        check(json!({}), false, "Pending [- ready=false ended=false]");
        check(state(json!({ "running": { "startedAt": null } })), false, "Running [- ready=false ended=false]");
        check(
            state(json!({ "waiting": { "reason": "ImagePullBackOff" } })),
            false,
            "Running [ImagePullBackOff ready=false ended=false]",
        );
        check(state(json!({ "waiting": {} })), false, "Running [- ready=false ended=false]");
        check(
            state(json!({ "terminated": { "reason": "OOMKilled", "exitCode": 137 } })),
            false,
            "Running [OOMKilled ready=false ended=true]",
        );
        check(state(json!({ "terminated": { "exitCode": 3 } })), false, "Running [Exit 3 ready=false ended=true]");
        check(json!({ "phase": "Evaporated" }), false, "Unknown [- ready=false ended=false]");
    }

    #[test]
    fn an_init_container_is_shown_while_it_holds_the_pod_back() {
        let state = |state: Value| json!({ "initContainerStatuses": [{ "name": "c", "state": state }] });
        check(state(json!({ "waiting": { "reason": "PodInitializing" } })), true, "Pending []");
        check(state(json!({ "terminated": { "exitCode": 0, "reason": "Completed" } })), true, "Pending []");
        check(
            state(json!({ "waiting": { "reason": "CrashLoopBackOff" } })),
            true,
            "Pending [Init:CrashLoopBackOff ready=false ended=false]",
        );
        check(
            state(json!({ "terminated": { "exitCode": 1, "reason": "Error" } })),
            true,
            "Pending [Init:Error ready=false ended=true]",
        );
    }

    #[test]
    fn digests_are_read_out_of_image_ids() {
        let hex = "4f9d2c1ab38e7765ffeab00112233445566778899aabbccddeeff001122334455";
        for (id, want) in [
            (format!("registry/a@sha256:{hex}"), Some(format!("sha256:{hex}"))),
            (format!("docker-pullable://registry:5000/a@sha256:{hex}"), Some(format!("sha256:{hex}"))),
            (format!("sha256:{hex}"), None),
            (String::new(), None),
            ("registry:5000/a".to_owned(), None),
            ("a@sha256:xyz".to_owned(), None),
        ] {
            assert_eq!(digest(&id).map(|digest| digest.to_string()), want, "{id}");
        }
    }

    #[test]
    fn a_pod_without_a_name_is_no_fact_and_one_without_anything_else_is() {
        assert_eq!(facts_of_pod(Pod::default()), None);
        let bare = pod(json!({ "metadata": { "name": "p", "labels": null, "creationTimestamp": "not a time" } }));
        assert_eq!(bare, PodFact { name: "p".into(), ..PodFact::default() });
    }
}
