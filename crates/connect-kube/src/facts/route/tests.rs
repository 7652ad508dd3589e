//! Routes and their backends, table by table.

use super::*;
use serde_json::{Value, json};

fn route(spec: Value, status: Value) -> (DeliveryFact, RouteFact) {
    let it: HttpRoute = serde_json::from_value(json!({
        "metadata": { "name": "chat", "namespace": "serving", "generation": 4 }, "spec": spec, "status": status,
    }))
    .unwrap();
    let Some(Fact::Delivered(controller, delivery)) = facts_of_route(it) else { panic!("no fact") };
    assert_eq!((controller.kind.as_str(), controller.replicas), ("HTTPRoute", None));
    let StrategyFact::Routed(route) = delivery.strategy.clone() else { panic!("{delivery:?}") };
    (*delivery, *route)
}

#[test]
fn a_route_says_its_backends_with_their_weights_and_no_value_of_a_header() {
    let (_, fact) = route(
        json!({
            "parentRefs": [{ "name": "front", "namespace": "infra" }, { "kind": "Service", "name": "chat" }],
            "hostnames": ["chat.example"],
            "rules": [
                {
                    "matches": [
                        { "path": { "type": "PathPrefix", "value": "/v1" }, "method": "POST" },
                        { "headers": [{ "name": "x-key", "value": "canary-of-a-secret" }] },
                    ],
                    "backendRefs": [
                        { "name": "chat-stable", "port": 80, "weight": 90 },
                        { "name": "chat-canary", "port": 80, "weight": 10 },
                    ],
                },
                {
                    "name": "pool",
                    "backendRefs": [
                        { "group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "llama", "namespace": "models" },
                        { "name": "none", "weight": 0 },
                    ],
                },
                { "filters": [{ "type": "RequestRedirect" }] },
            ],
        }),
        json!({}),
    );
    assert!(!format!("{fact:?}").contains("canary-of"), "{fact:?}");
    assert_eq!(fact.hosts, ["chat.example"]);
    let parents: Vec<_> = fact.parents.iter().map(|of| (of.of.kind.as_str(), of.namespace.as_deref())).collect();
    assert_eq!(parents, [("Gateway", Some("infra")), ("Service", None)]);
    assert_eq!(fact.rules[0].matches, ["POST and paths below /v1", "header x-key"]);
    let shares = |rule: usize| -> Vec<(String, u32)> {
        let of = |share: &ShareFact| {
            let place = share.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
            (format!("{} {place}{}", share.to.kind, share.to.name), share.weight)
        };
        fact.rules[rule].backends.iter().map(of).collect()
    };
    assert_eq!(shares(0), [("Service chat-stable".into(), 90), ("Service chat-canary".into(), 10)]);
    // What is not said weighs 1.
    assert_eq!(shares(1), [("InferencePool models/llama".into(), 1), ("Service none".into(), 0)]);
    assert!(shares(2).is_empty());
}

#[test]
fn a_route_is_as_old_as_the_oldest_word_on_it() {
    let parents = json!([{ "name": "front" }]);
    let condition = |kind: &str, status: &str, generation: Value| json!({ "type": kind, "status": status, "reason": "R", "message": "m", "observedGeneration": generation });
    let of = |conditions: Value, name: &str| {
        let said = json!([{ "parentRef": { "name": name }, "controllerName": "x/y", "conditions": conditions }]);
        route(json!({ "parentRefs": parents }), json!({ "parents": said }))
    };
    let (delivery, fact) =
        of(json!([condition("Accepted", "True", json!(4)), condition("ResolvedRefs", "False", json!(3))]), "front");
    assert_eq!((delivery.generation, delivery.observed), (4, Some(3)));
    assert_eq!((fact.parents[0].by.as_deref(), fact.parents[0].conditions.len()), (Some("x/y"), 2));
    // A controller that numbers nothing means what is there; nobody's word is none.
    assert_eq!(of(json!([condition("Accepted", "True", Value::Null)]), "front").0.observed, Some(4));
    let (delivery, fact) = route(json!({ "parentRefs": parents }), json!({ "parents": [] }));
    assert_eq!((delivery.observed, fact.parents.len(), fact.parents[0].conditions.len()), (None, 1, 0));
    // What is said of another parent is of that one.
    assert!(of(json!([condition("Accepted", "True", json!(4))]), "other").1.parents[0].conditions.is_empty());
}

#[test]
fn a_rewrite_gives_shares_to_models_of_its_pool() {
    let it: InferenceModelRewrite = serde_json::from_value(json!({
        "metadata": { "name": "chat", "namespace": "serving", "generation": 1 },
        "spec": {
            "poolRef": { "name": "llama" },
            "rules": [{
                "matches": [{ "model": { "type": "Exact", "value": "chat" } }],
                "targets": [{ "modelRewrite": "chat-v1", "weight": 9 }, { "modelRewrite": "chat-v2", "weight": 1 }],
            }],
        },
        "status": { "conditions": [{ "type": "Accepted", "status": "True", "reason": "Accepted", "observedGeneration": 1 }] },
    }))
    .unwrap();
    let Some(Fact::Delivered(controller, delivery)) = facts_of_rewrite(it) else { panic!("no fact") };
    assert_eq!((controller.kind.as_str(), delivery.observed), ("InferenceModelRewrite", Some(1)));
    let StrategyFact::Routed(fact) = delivery.strategy else { panic!("no route") };
    assert_eq!((fact.parents[0].of.kind.as_str(), fact.parents[0].of.name.as_str()), ("InferencePool", "llama"));
    assert_eq!(fact.rules[0].matches, ["model chat"]);
    let models: Vec<_> =
        fact.rules[0].backends.iter().map(|of| (of.to.kind.as_str(), of.to.name.as_str(), of.weight)).collect();
    assert_eq!(models, [("Model", "chat-v1", 9), ("Model", "chat-v2", 1)]);
}

#[test]
fn a_service_chooses_by_labels_and_a_canary_by_the_hash_of_its_revision() {
    let of = |selector: Value| {
        let it: Service = serde_json::from_value(json!({
            "metadata": { "name": "chat", "namespace": "serving" }, "spec": { "selector": selector, "ports": [{ "port": 80 }] },
        }))
        .unwrap();
        let fact = facts_of_service(it).unwrap();
        (fact.selector, fact.hash)
    };
    let label = ("app".into(), "chat".into());
    assert_eq!(of(json!({ "app": "chat" })), (vec![label], None));
    let (selector, hash) = of(json!({ "app": "chat", "rollouts-pod-template-hash": "7f9d" }));
    assert_eq!((selector.len(), hash.as_deref()), (1, Some("7f9d")));
    assert_eq!(of(Value::Null), (Vec::new(), None));
    let pool: InferencePool = serde_json::from_value(json!({
        "metadata": { "name": "llama", "namespace": "serving" },
        "spec": { "selector": { "matchLabels": { "app": "chat" } }, "targetPorts": [{ "number": 8000 }] },
        "status": { "parents": [{ "parentRef": { "name": "front" }, "conditions": [
            { "type": "Accepted", "status": "True", "reason": "Accepted" },
            { "type": "ResolvedRefs", "status": "False", "reason": "InvalidExtensionRef", "message": "no such service" },
        ] }] },
    }))
    .unwrap();
    let fact = facts_of_pool(pool).unwrap();
    assert_eq!((fact.selector.len(), fact.wrong.len(), fact.wrong[0].kind.as_str()), (1, 1, "ResolvedRefs"));
}

#[test]
fn a_canary_of_flagger_says_whom_it_moves_how_far_and_by_which_steps() {
    let of = |analysis: Value, status: Value| {
        let it: Canary = serde_json::from_value(json!({
            "metadata": { "name": "chat", "namespace": "serving", "generation": 2 },
            "spec": {
                "provider": "gatewayapi:v1", "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "chat" },
                "service": { "port": 80 }, "analysis": analysis,
            },
            "status": status,
        }))
        .unwrap();
        let Some(Fact::Delivered(_, delivery)) = facts_of_canary(it) else { panic!("no fact") };
        let StrategyFact::Flagger(fact) = delivery.strategy else { panic!("no canary") };
        (*fact, delivery.observed)
    };
    let analysis = json!({
        "interval": "1m", "threshold": 5, "maxWeight": 50, "stepWeight": 20,
        "webhooks": [{ "name": "gate", "url": "http://x", "metadata": { "token": "canary-of-a-secret" } }],
    });
    let (fact, observed) = of(analysis, json!({ "phase": "Progressing", "canaryWeight": 20, "failedChecks": 1 }));
    assert_eq!((fact.weight, fact.failed_checks, fact.most_failed, observed), (Some(20), 1, 5, Some(2)));
    assert_eq!((fact.weights.as_slice(), fact.target.name.as_str()), (&[20, 40][..], "chat"));
    assert!(!format!("{fact:?}").contains("canary-of"));
    assert_eq!(of(json!({ "stepWeights": [1, 5, 100] }), json!({})).0.weights, [1, 5, 100]);
    // Blue and green, by iterations: no share grows.
    let (fact, observed) = of(json!({ "iterations": 10 }), json!({}));
    assert_eq!((fact.weights.len(), fact.phase, observed), (0, None, None));
}

#[test]
fn what_makes_pods_says_which_labels_they_get() {
    let it: Deployment = serde_json::from_value(json!({
        "metadata": { "name": "chat", "namespace": "serving", "labels": { "team": "not of its pods" } },
        "spec": { "template": { "metadata": { "labels": { "app": "chat" } }, "spec": { "containers": [] } } },
    }))
    .unwrap();
    let Some(Fact::Labelled(controller, _, labels)) = with_labels(it, crate::facts::facts_of_deployment) else {
        panic!("no labels")
    };
    assert_eq!((controller.name.as_str(), &labels), ("chat", &vec![("app".into(), "chat".into())]));
    // Without routes nothing is joined by them.
    let mut fact = Fact::Labelled(controller, Box::default(), labels);
    without_labels(&mut fact);
    assert!(matches!(&fact, Fact::Labelled(controller, _, labels) if controller.name == "chat" && labels.is_empty()));
}
