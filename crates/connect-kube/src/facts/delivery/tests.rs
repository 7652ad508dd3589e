//! Objects as servers send them, and what they say.

use super::*;
use serde_json::json;

fn fact(fact: Option<Fact>) -> (ControllerFact, DeliveryFact) {
    let Some(Fact::Delivered(controller, delivery)) = fact else { panic!("{fact:?}") };
    (*controller, *delivery)
}

fn rollout(value: Value) -> (ControllerFact, DeliveryFact) {
    fact(facts_of_rollout(serde_json::from_value(value).unwrap()))
}

#[test]
fn a_rollout_says_its_steps_where_it_is_and_who_keeps_it() {
    let (controller, delivery) = rollout(json!({
        "metadata": {
            "name": "chat", "namespace": "serving", "generation": 7,
            "annotations": { "argocd.argoproj.io/tracking-id": "assistant:argoproj.io/Rollout:serving/chat", "x": "kept nowhere" },
            "managedFields": [
                { "manager": "kubectl", "time": "2026-11-24T03:00:00Z" },
                { "manager": "rollouts-controller", "time": "2026-11-24T04:00:00Z" },
            ],
        },
        "spec": {
            "replicas": 5, "template": { "spec": { "containers": [{ "name": "server", "image": "vllm:2" }] } },
            "strategy": { "canary": {
                "trafficRouting": { "managedRoutes": [], "istio": { "virtualService": { "name": "x" } } },
                "steps": [
                    { "setWeight": 20 }, { "pause": {} }, { "pause": { "duration": "1h30m" } }, { "pause": { "duration": 30 } },
                    { "pause": { "duration": "soon" } }, { "analysis": { "templates": [{ "templateName": "ttft" }] } },
                    { "setCanaryScale": { "weight": 25 } }, { "setHeaderRoute": { "name": "beta" } },
                    { "plugin": { "name": "a/b" } }, { "later": {} }, {},
                ],
            } },
        },
        "status": {
            "phase": "Paused", "message": "CanaryPauseStep", "observedGeneration": "7", "currentStepIndex": 1,
            "currentPodHash": "b", "stableRS": "a", "replicas": 6, "updatedReplicas": 1, "readyReplicas": 6,
            "availableReplicas": 6, "controllerPause": true,
            "pauseConditions": [{ "reason": "CanaryPauseStep", "startTime": "2026-11-24T03:01:00Z" }],
            "canary": { "weights": { "canary": { "weight": 20 }, "stable": { "weight": 80 } } },
        },
    }));
    assert_eq!((controller.kind.as_str(), controller.replicas), ("Rollout", Some(5)));
    let StrategyFact::Canary { steps, router, whole } = &delivery.strategy else { panic!("{delivery:?}") };
    let words: Vec<String> = steps.iter().map(|step| step.words(*whole).to_string()).collect();
    assert_eq!(
        words.join(" | "),
        "Weight 20 % | Pause until promoted | Pause 1 h 30 min | Pause 30 s | Pause soon | Analysis ttft | \
         Scale to 25 % | Route beta | Plug-in a/b | later | "
    );
    assert_eq!(router.as_deref(), Some("istio"));
    assert_eq!(delivery.guard.as_ref().map(Guard::words).as_deref(), Some("Argo CD, assistant"));
    assert_eq!(delivery.written, "2026-11-24T03:00:00Z".parse().ok(), "its controller writes only what follows");
    let rollout = delivery.rollout.unwrap();
    assert_eq!((rollout.step, rollout.weight, rollout.pauses.len()), (Some(1), Some(20), 1));
    assert_eq!((delivery.observed, delivery.pods.updated, delivery.current.as_deref()), (Some(7), 1, Some("b")));
}

#[test]
fn an_empty_rollout_and_one_of_nulls_are_rollouts() {
    let (_, delivery) = rollout(json!({ "metadata": { "name": "chat" } }));
    assert_eq!((delivery.strategy, delivery.observed), (StrategyFact::Unknown, None));
    let (_, delivery) = rollout(json!({
        "metadata": { "name": "chat" }, "spec": { "strategy": null, "paused": null },
        "status": { "conditions": null, "observedGeneration": "6d5f", "canary": null, "phase": null },
    }));
    assert_eq!(delivery.observed, None, "controllers of old kept a hash there");
}

#[test]
fn blue_and_green_and_the_template_of_another_are_told() {
    let (_, delivery) = rollout(json!({
        "metadata": { "name": "chat", "annotations": { "rollout.argoproj.io/workload-generation": "3" } },
        "spec": {
            "workloadRef": { "kind": "Deployment", "name": "chat" },
            "strategy": { "blueGreen": { "activeService": "a", "autoPromotionEnabled": false, "postPromotionAnalysis": {} } },
        },
        "status": { "workloadObservedGeneration": "2", "blueGreen": { "activeSelector": "x", "previewSelector": "y" } },
    }));
    assert_eq!(delivery.strategy, StrategyFact::BlueGreen { promotes_itself: false, analysed_behind: true });
    let rollout = delivery.rollout.unwrap();
    assert!(rollout.template_unobserved && rollout.template_of.is_some());
    assert_eq!((rollout.active.as_deref(), rollout.preview.as_deref()), (Some("x"), Some("y")));
}

#[test]
fn a_deployment_and_a_stateful_set_say_their_counts() {
    let (_, delivery) = fact(facts_of_deployment(
        serde_json::from_value(json!({
            "metadata": { "name": "chat", "generation": 2, "labels": { "kustomize.toolkit.fluxcd.io/name": "apps" } },
            "spec": { "replicas": 3, "strategy": { "type": "Recreate" } },
            "status": { "observedGeneration": 2, "replicas": 3, "availableReplicas": 2, "conditions": [
                { "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too long" }] },
        }))
        .unwrap(),
    ));
    assert_eq!((delivery.strategy, delivery.pods.available, delivery.conditions.len()), (StrategyFact::Recreate, 2, 1));
    assert_eq!(delivery.guard.as_ref().map(Guard::words).as_deref(), Some("Flux, apps"));
    let (_, delivery) = fact(facts_of_stateful_set(
        serde_json::from_value(json!({
            "metadata": { "name": "cache", "labels": { "app.kubernetes.io/instance": "x", "app.kubernetes.io/managed-by": "Helm" } },
            "spec": { "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 2 } } },
            "status": { "currentRevision": "cache-1", "updateRevision": "cache-2" },
        }))
        .unwrap(),
    ));
    assert_eq!((delivery.strategy, delivery.guard), (StrategyFact::Rolling { partition: 2 }, None));
    assert_eq!((delivery.stable.as_deref(), delivery.current.as_deref()), (Some("cache-1"), Some("cache-2")));
}

#[test]
fn groups_with_a_leader_are_counted_as_groups() {
    let (controller, delivery) = fact(facts_of_groups(
        serde_json::from_value(json!({
            "metadata": { "name": "llama", "generation": 4 },
            "spec": { "replicas": 2, "leaderWorkerTemplate": { "workerTemplate": { "spec": { "containers": [
                { "name": "w", "image": "vllm:3" }] } } } },
            "status": { "replicas": 2, "readyReplicas": 1, "updatedReplicas": 2 },
        }))
        .unwrap(),
    ));
    assert_eq!((controller.replicas, delivery.pods.ready, delivery.observed), (Some(2), 1, Some(4)));
    assert_eq!(delivery.images, [("w".into(), "vllm:3".into())]);
}

#[test]
fn a_revision_has_a_size() {
    let set: ReplicaSet = serde_json::from_value(json!({
        "metadata": {
            "name": "chat-b", "labels": { "rollouts-pod-template-hash": "b" },
            "annotations": { "scale-down-deadline": "2026-11-24T03:00:00Z" },
        },
        "spec": { "replicas": 2, "template": { "spec": { "containers": [
            { "name": "s", "resources": { "limits": { "nvidia.com/gpu": "8" } } }] } } },
        "status": { "replicas": 2, "readyReplicas": 1, "availableReplicas": 1 },
    }))
    .unwrap();
    let size = size_of(&set);
    assert_eq!((size.hash.as_str(), size.wanted, size.ready, size.gpus), ("b", 2, 1, 8));
    assert!(size.goes_at.is_some());
}

#[test]
fn durations_are_read_as_go_reads_them() {
    for (text, want) in [
        ("30", Some(30_000)),
        ("90s", Some(90_000)),
        ("1h30m", Some(5_400_000)),
        ("1.5m", Some(90_000)),
        ("250ms", Some(250)),
        ("", None),
        ("soon", None),
        ("1d", None),
        ("-5s", None),
        ("5", Some(5_000)),
        ("99999999999999999999", None),
    ] {
        assert_eq!(milliseconds(text), want, "{text}");
    }
}
