//! Controllers of pods and their revisions into facts.

use super::{
    requests::requests,
    served::{of_knative, served_by},
    some, stamp,
};
use crate::slim::{Container, ControllerRevision, GroupTemplate, Job, ReplicaSet, Template, WrittenMeta};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::{ControllerFact, JobFact, OwnerFact, RevisionFact, WriteFact};
use serde::Deserialize;

/// Where the number of a revision stands on a ReplicaSet, by who keeps it.
const NUMBERS: [&str; 2] = ["deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"];
/// They write what follows from what others wrote. `manager` is what KServe calls itself, and most who are made by its tools.
const CONTROLLERS: [&str; 4] = ["kube-controller-manager", "rollouts-controller", "lws-controller-manager", "manager"];

/// What a controller of pods says; `None` for one without a name.
#[must_use]
pub fn facts_of_controller(kind: &'static str, meta: WrittenMeta, replicas: Option<i32>) -> Option<ControllerFact> {
    let writes = meta
        .managed_fields
        .into_iter()
        .filter(|entry| entry.subresource != "status" && !CONTROLLERS.contains(&entry.manager.as_str()))
        .filter_map(|entry| {
            let scaled = entry.subresource == "scale";
            Some(WriteFact { by: some(&entry.manager)?, at: stamp(entry.time), scaled })
        });
    let mut writes: Vec<WriteFact> = writes.collect();
    writes.sort_by(|a, b| (a.at, &a.by, a.scaled).cmp(&(b.at, &b.by, b.scaled)));
    Some(ControllerFact {
        kind: SmolStr::new_static(kind),
        namespace: SmolStr::new(&meta.namespace),
        name: some(&meta.name)?,
        created: stamp(meta.creation_timestamp),
        replicas: replicas.and_then(|replicas| u64::try_from(replicas).ok()),
        writes,
    })
}

/// What a Job says; `None` for one without a name.
#[must_use]
pub fn facts_of_job(job: Job) -> Option<JobFact> {
    let (spec, status) = (job.spec.unwrap_or_default(), job.status.unwrap_or_default());
    let failed = status.conditions.into_iter().find(|of| of.r#type == "Failed" && of.status == "True");
    let pod = spec.template.and_then(|template| template.spec).unwrap_or_default();
    Some(JobFact {
        controller: facts_of_controller("Job", job.metadata?, spec.parallelism)?,
        gpus: requests(&pod).gpus.into_iter().map(|(_, amount)| amount).sum(),
        started: stamp(status.start_time),
        ended: match &failed {
            Some(failed) => stamp(failed.last_transition_time),
            None => stamp(status.completion_time),
        },
        failed: failed.map(|failed| some(&failed.reason).unwrap_or(SmolStr::new_static("Failed"))),
    })
}

/// What a ReplicaSet says as a revision of its owner; `None` for one that nobody owns or numbers.
#[must_use]
pub fn facts_of_replica_set(set: &ReplicaSet) -> Option<RevisionFact> {
    let meta = set.metadata.as_ref()?;
    let number = NUMBERS.iter().find_map(|key| meta.annotations.get(*key)?.parse().ok())?;
    let template = set.spec.as_ref().and_then(|spec| spec.template.as_ref());
    let fact = revision(meta, number, template)?;
    // A service of KServe keeps the Deployment; one of Knative has a Deployment a revision, each with one set.
    let Some(owner) = served_by(&meta.labels).filter(|_| fact.owner.kind == "Deployment") else { return Some(fact) };
    let number = of_knative(&meta.labels).map_or(number, |(_, number)| number);
    Some(RevisionFact { owner, number, ..fact })
}

/// What a ControllerRevision says; `None` for one that nobody owns.
#[must_use]
pub fn facts_of_revision(revision: &ControllerRevision) -> Option<RevisionFact> {
    let number = u64::try_from(revision.revision).ok()?;
    self::revision(revision.metadata.as_ref()?, number, template_in(revision).as_ref())
}

/// The template that a ControllerRevision keeps.
pub(super) fn template_in(revision: &ControllerRevision) -> Option<Template> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Data {
        spec: Spec,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Spec {
        template: Option<Template>,
        #[serde(rename = "leaderWorkerTemplate")]
        groups: GroupTemplate,
    }
    let data: Data = revision.data.as_ref().and_then(|data| serde_json::from_slice(&data.raw).ok()).unwrap_or_default();
    let Spec { template, groups } = data.spec;
    template.or_else(|| groups.whole())
}

fn revision(meta: &WrittenMeta, number: u64, template: Option<&Template>) -> Option<RevisionFact> {
    let owner = meta.owner_references.iter().find(|owner| owner.controller == Some(true))?;
    let image = |container: &Container| (SmolStr::new(&container.name), SmolStr::new(&container.image));
    let spec = template.and_then(|template| template.spec.as_ref());
    let images = spec.map(|spec| spec.init_containers.iter().chain(&spec.containers).map(image).collect());
    Some(RevisionFact {
        namespace: SmolStr::new(&meta.namespace),
        name: some(&meta.name)?,
        owner: OwnerFact { kind: SmolStr::new(&owner.kind), name: some(&owner.name)? },
        number,
        created: stamp(meta.creation_timestamp),
        images: images.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::template_of_revision;
    use serde_json::json;

    #[test]
    fn a_replica_set_is_a_revision_of_its_deployment() {
        let set: ReplicaSet = serde_json::from_value(json!({
            "metadata": {
                "name": "chat-7f9d", "namespace": "serving", "creationTimestamp": "2026-11-24T03:00:00Z",
                "annotations": { "deployment.kubernetes.io/revision": "42", "other": "kept nowhere" },
                "ownerReferences": [{ "kind": "Deployment", "name": "chat", "controller": true }],
            },
            "spec": { "replicas": 3, "template": { "spec": { "containers": [
                { "name": "server", "image": "vllm:v2", "env": [{ "name": "TOKEN", "value": "secret" }] },
            ] } } },
        }))
        .unwrap();
        let fact = facts_of_replica_set(&set).unwrap();
        assert_eq!((fact.number, fact.owner.kind.as_str(), fact.owner.name.as_str()), (42, "Deployment", "chat"));
        assert_eq!(fact.images, [("server".into(), "vllm:v2".into())]);
        assert!(!format!("{fact:?}").contains("secret"));
        let bare = ReplicaSet {
            metadata: Some(WrittenMeta { name: "bare".into(), ..WrittenMeta::default() }),
            ..ReplicaSet::default()
        };
        assert_eq!(facts_of_replica_set(&bare), None);
    }

    #[test]
    fn a_revision_of_a_stateful_set_has_its_images_in_its_patch() {
        let revision: ControllerRevision = serde_json::from_value(json!({
            "metadata": {
                "name": "cache-1", "namespace": "serving",
                "ownerReferences": [{ "kind": "StatefulSet", "name": "cache", "controller": true }],
            },
            "revision": 3,
            "data": { "spec": { "template": { "$patch": "replace", "spec": { "containers": [
                { "name": "a", "image": "redis:7" }] } } } },
        }))
        .unwrap();
        let fact = facts_of_revision(&revision).unwrap();
        assert_eq!((fact.number, fact.images), (3, vec![("a".into(), "redis:7".into())]));
    }

    #[test]
    fn a_revision_of_groups_has_the_images_of_leader_and_workers() {
        let template = |image: &str| json!({ "spec": { "containers": [{ "name": "a", "image": image }] } });
        let images = |leader: Option<&str>| {
            let mut groups = json!({ "$patch": "replace", "size": 4, "workerTemplate": template("work:2") });
            if let Some(image) = leader {
                groups["leaderTemplate"] = template(image);
            }
            let revision: ControllerRevision = serde_json::from_value(json!({
                "metadata": {
                    "name": "llama-7f9d-2", "namespace": "serving",
                    "ownerReferences": [{ "kind": "LeaderWorkerSet", "name": "llama", "controller": true }],
                },
                "revision": 2,
                "data": { "spec": {
                    "leaderWorkerTemplate": groups,
                    "networkConfig": { "$patch": "replace", "subdomainPolicy": "Shared" },
                } },
            }))
            .unwrap();
            let made = template_of_revision(&revision).unwrap();
            let fact = facts_of_revision(&revision).unwrap();
            assert_eq!(made.containers.len(), fact.images.len());
            fact.images
        };
        assert_eq!(images(Some("lead:2")), [("a".into(), "lead:2".into()), ("worker/a".into(), "work:2".into())]);
        assert_eq!(images(None), [("a".into(), "work:2".into())]);
    }

    #[test]
    fn a_job_says_when_it_began_when_it_ended_and_why_it_failed() {
        let of = |status: serde_json::Value| {
            let job: Job = serde_json::from_value(json!({
                "metadata": { "name": "train", "namespace": "batch" },
                "spec": { "parallelism": 4, "template": { "spec": { "containers": [
                    { "name": "a", "image": "t:1", "resources": { "limits": { "nvidia.com/gpu": "2", "cpu": "8" } } },
                ] } } },
                "status": status,
            }))
            .unwrap();
            let fact = facts_of_job(job).unwrap();
            let text = |at: Option<pilothouse_wire::Stamp>| at.map(|at| at.to_string()).unwrap_or_default();
            (fact.controller.replicas, fact.gpus, text(fact.started), text(fact.ended), fact.failed)
        };
        let began = "2026-11-24T03:00:00Z";
        let ended = "2026-11-24T04:00:00Z";
        assert_eq!(of(json!({})), (Some(4), 2, String::new(), String::new(), None));
        assert_eq!(
            of(json!({ "startTime": began, "completionTime": ended })),
            (Some(4), 2, began.into(), ended.into(), None)
        );
        let failed = json!([
            { "type": "Suspended", "status": "False" },
            { "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": ended },
        ]);
        assert_eq!(
            of(json!({ "startTime": began, "conditions": failed })),
            (Some(4), 2, began.into(), ended.into(), Some("BackoffLimitExceeded".into()))
        );
    }

    #[test]
    fn who_wrote_is_told_without_those_who_only_follow() {
        let entry = |manager: &str, subresource: &str| {
            json!({
                "manager": manager, "operation": "Update", "time": "2026-11-24T03:00:00Z", "subresource": subresource,
                "fieldsV1": { "f:spec": {} },
            })
        };
        let meta: WrittenMeta = serde_json::from_value(json!({
            "name": "chat", "namespace": "serving",
            "managedFields": [
                entry("kubectl-edit", ""), entry("autoscaler", "scale"), entry("anything", "status"),
                entry("kube-controller-manager", ""),
            ],
        }))
        .unwrap();
        let fact = facts_of_controller("Deployment", meta, Some(3)).unwrap();
        let writers: Vec<_> = fact.writes.iter().map(|write| (write.by.as_str(), write.scaled)).collect();
        assert_eq!((writers, fact.replicas), (vec![("autoscaler", true), ("kubectl-edit", false)], Some(3)));
    }
}
