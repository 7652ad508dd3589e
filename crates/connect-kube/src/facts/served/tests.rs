//! Services of KServe as its controller writes them, and what they say.

use super::*;
use crate::facts::{facts_of_deployment, facts_of_pod, facts_of_replica_set, size_of};
use pilothouse_world::{
    delivery,
    fact::{ControllerFact, RevisionFact},
};
use serde_json::json;

fn inference(value: Value) -> (ControllerFact, DeliveryFact, ServedFact) {
    let Some(Fact::Delivered(controller, fact)) = facts_of_inference(serde_json::from_value(value).unwrap()) else {
        panic!("it is no service")
    };
    let served = delivery::served(&fact).unwrap().clone();
    (*controller, *fact, served)
}

#[test]
fn a_service_of_knative_says_its_model_its_revisions_and_its_traffic() {
    let (controller, fact, served) = inference(json!({
        "metadata": {
            "name": "chat", "namespace": "serving", "generation": 4,
            "annotations": { "serving.kserve.io/stop": "false", "secret": "kept nowhere" },
            "labels": { "kustomize.toolkit.fluxcd.io/name": "serving" },
        },
        "spec": { "predictor": {
            "minReplicas": 2, "canaryTrafficPercent": 10,
            "model": {
                "modelFormat": { "name": "huggingface" }, "storageUri": "s3://models/chat-2?token=hidden",
                "env": [{ "name": "TOKEN", "value": "hidden" }], "runtime": "kserve-huggingfaceserver",
            },
        } },
        "status": {
            "url": "http://user:hidden@chat.serving.example.com", "deploymentMode": "Serverless",
            "observedGeneration": 1, "clusterServingRuntimeName": "kserve-huggingfaceserver",
            "conditions": [
                { "type": "PredictorReady", "status": "True", "lastTransitionTime": "2026-11-24T03:00:00Z" },
                { "type": "Ready", "status": "True" },
            ],
            "components": { "predictor": {
                "latestCreatedRevision": "chat-predictor-00002", "latestReadyRevision": "chat-predictor-00002",
                "latestRolledoutRevision": "chat-predictor-00001",
                "traffic": [
                    { "latestRevision": true, "percent": 10, "revisionName": "chat-predictor-00002" },
                    { "latestRevision": false, "percent": 90, "revisionName": "chat-predictor-00001", "tag": "prev" },
                ],
            } },
            "modelStatus": {
                "transitionStatus": "BlockedByFailedLoad",
                "states": { "activeModelState": "Loaded", "targetModelState": "FailedToLoad" },
                "copies": { "failedCopies": 1, "totalCopies": 2 },
                "lastFailureInfo": {
                    "reason": "ModelLoadFailed", "message": "out of memory", "exitCode": 137, "location": "chat-0",
                    "time": "2026-11-24T03:05:00Z",
                },
            },
        },
    }));
    assert_eq!((controller.kind.as_str(), controller.replicas), ("InferenceService", Some(2)));
    assert_eq!((served.mode, served.percent, served.stops), (ServedMode::Knative, Some(10), false));
    assert_eq!(served.model.as_deref(), Some("s3://models/chat-2"));
    assert_eq!(served.format.as_deref(), Some("huggingface"));
    assert_eq!(served.runtime.as_deref(), Some("kserve-huggingfaceserver"));
    assert_eq!((served.wanted(), served.share()), (10, Some(10)));
    assert_eq!(fact.current.as_deref(), Some("chat-predictor-00002"));
    assert_eq!(fact.stable.as_deref(), Some("chat-predictor-00001"));
    let words = served.load.failure_words();
    assert_eq!(words.as_deref(), Some("ModelLoadFailed: out of memory (exit code 137, at chat-0)"));
    assert_eq!(fact.guard.map(|guard| guard.words()).as_deref(), Some("Flux, serving"));
    // Its observed generation is of another object.
    assert_eq!((fact.observed, fact.conditions.len()), (None, 2));
    let said = format!("{served:?}");
    assert!(!said.contains("hidden") && !said.contains("kept nowhere"), "{said}");
}

#[test]
fn an_empty_service_and_one_of_nulls_are_services() {
    let (controller, fact, served) = inference(json!({ "metadata": { "name": "chat" } }));
    assert_eq!((controller.replicas, served.mode, fact.current), (Some(1), ServedMode::Unknown, None));
    let (_, _, served) = inference(json!({
        "metadata": { "name": "chat", "annotations": { "serving.kserve.io/deploymentMode": "RawDeployment" } },
        "spec": { "predictor": { "minReplicas": null, "model": null, "containers": [{ "name": "own" }] } },
        "status": { "conditions": null, "components": null, "modelStatus": { "states": null, "lastFailureInfo": null } },
    }));
    assert_eq!((served.mode, served.model), (ServedMode::Standard, None));
}

#[test]
fn a_framework_that_is_named_instead_of_a_model_is_its_format() {
    let (_, _, served) = inference(json!({
        "metadata": { "name": "chat" },
        "spec": { "predictor": { "sklearn": { "storageUri": "gs://models/iris" } } },
    }));
    assert_eq!((served.format.as_deref(), served.model.as_deref()), (Some("sklearn"), Some("gs://models/iris")));
}

#[test]
fn an_llm_service_says_its_model_and_its_conditions() {
    let llm = json!({
        "metadata": { "name": "llama", "namespace": "serving" },
        "spec": { "model": { "uri": "hf://meta/llama", "name": "llama" }, "replicas": 3 },
        "status": { "url": "http://llama", "conditions": [{ "type": "Ready", "status": "False", "reason": "x" }] },
    });
    let Some(Fact::Delivered(controller, fact)) = facts_of_llm(serde_json::from_value(llm).unwrap()) else { panic!() };
    let served = delivery::served(&fact).unwrap();
    assert_eq!((controller.kind.as_str(), controller.replicas), ("LLMInferenceService", Some(3)));
    assert_eq!((served.mode, served.model.as_deref()), (ServedMode::Llm, Some("hf://meta/llama")));
}

#[test]
fn pods_and_sets_are_of_their_service_and_its_deployment_is_no_service_of_its_own() {
    let labels = |component: &str| {
        json!({
            "serving.kserve.io/inferenceservice": "chat", "component": component, "pod-template-hash": "7c9f",
            "app": format!("isvc.chat-{component}"),
        })
    };
    let owner = |kind: &str, name: &str| json!([{ "kind": kind, "name": name, "controller": true }]);
    let pod = |component: &str| {
        let set = format!("chat-{component}-7c9f");
        let metadata =
            json!({ "name": "p", "labels": labels(component), "ownerReferences": owner("ReplicaSet", &set) });
        facts_of_pod(serde_json::from_value(json!({ "metadata": metadata })).unwrap()).unwrap()
    };
    let chain: Vec<String> = pod("predictor").owners.iter().map(|of| format!("{}/{}", of.kind, of.name)).collect();
    assert_eq!(chain, ["ReplicaSet/chat-predictor-7c9f", "InferenceService/chat"]);
    assert_eq!(pod("transformer").owners.len(), 1);
    let set = json!({
        "metadata": {
            "name": "chat-predictor-7c9f", "labels": labels("predictor"),
            "annotations": { "deployment.kubernetes.io/revision": "2" },
            "ownerReferences": owner("Deployment", "chat-predictor"),
        },
        "spec": { "replicas": 2 },
    });
    let set = serde_json::from_value(set).unwrap();
    let RevisionFact { owner: of, number, .. } = facts_of_replica_set(&set).unwrap();
    assert_eq!((of.kind.as_str(), of.name.as_str(), number), ("InferenceService", "chat", 2));
    assert_eq!(size_of(&set).hash, "7c9f");
    let deployment = |component: &str| {
        let metadata = json!({
            "name": format!("chat-{component}"), "labels": labels(component),
            "ownerReferences": owner("InferenceService", "chat"),
        });
        facts_of_deployment(serde_json::from_value(json!({ "metadata": metadata })).unwrap())
    };
    assert!(matches!(deployment("predictor"), Some(Fact::Part(_, of, _)) if of.kind == "InferenceService"));
    assert!(matches!(deployment("transformer"), Some(Fact::Delivered(..))));
}

#[test]
fn a_set_of_knative_is_the_revision_that_its_router_names() {
    let set = json!({
        "metadata": {
            "name": "chat-predictor-00002-deployment-6d5f",
            "labels": {
                "serving.kserve.io/inferenceservice": "chat", "component": "predictor", "pod-template-hash": "6d5f",
                "serving.knative.dev/revision": "chat-predictor-00002",
                "serving.knative.dev/configurationGeneration": "2",
            },
            "annotations": { "deployment.kubernetes.io/revision": "1" },
            "ownerReferences": [{ "kind": "Deployment", "name": "chat-predictor-00002-deployment", "controller": true }],
        },
    });
    let set = serde_json::from_value(set).unwrap();
    let fact = facts_of_replica_set(&set).unwrap();
    assert_eq!((fact.number, fact.owner.name.as_str()), (2, "chat"));
    assert_eq!(size_of(&set).hash, "chat-predictor-00002");
}

#[test]
fn canaries_of_standard_mode_are_told_with_their_deployments_and_what_they_take_from_the_predictor() {
    let canary = |name: &str, percent: Value, predictor: Value| {
        let mut predictor = predictor;
        predictor["name"] = json!(name);
        json!({ "predictor": predictor, "trafficPercent": percent })
    };
    let of = |annotation: &str, own: &str| {
        json!({
            "metadata": {
                "name": "chat", "namespace": "serving", "annotations": { "serving.kserve.io/deploymentMode": annotation },
            },
            "spec": {
                "predictor": { "name": own, "model": { "storageUri": "hf://org/chat-1" } },
                "canary": [
                    canary("v2", json!(25), json!({ "model": { "storageUri": "https://user:hidden@hub/chat-2?token=hidden" } })),
                    canary("v3", json!(0), json!({ "minReplicas": 1 })),
                    canary("", json!(5), json!({})),
                ],
            },
            "status": { "canaryStatuses": [{ "name": "v2", "ready": true, "trafficPercent": 25 }] },
        })
    };
    let (_, fact, _) = inference(of("Standard", ""));
    let told = delivery::canaries(&fact).unwrap();
    assert_eq!((told.stable.as_str(), told.wanted()), ("chat-predictor", 25));
    let each: Vec<_> = told
        .canaries
        .iter()
        .map(|one| (one.name.as_str(), one.deployment.as_str(), one.percent, one.ready, one.model.as_deref()))
        .collect();
    let of_predictor = Some("hf://org/chat-1");
    assert_eq!(each[1], ("v3", "chat-v3-predictor", 0, None, of_predictor));
    assert_eq!((each.len(), each[0].1, each[0].3), (2, "chat-v2-predictor", Some(true)));
    assert!(!format!("{fact:?}").contains("hidden"));
    // Promoted: the predictor has the name that the canary had.
    let (_, fact, _) = inference(of("Standard", "v1"));
    assert_eq!(delivery::canaries(&fact).unwrap().stable, "chat-v1-predictor");
    let (_, fact, _) = inference(of("Knative", ""));
    assert_eq!(delivery::canaries(&fact), None);
}
