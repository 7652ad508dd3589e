//! What pods name, where they may be placed, and how they are replaced.

use super::{named, node_images, placed, service};
use crate::acts::revision::{self, Revision, Running};
use pilothouse_wire::{
    Stamp,
    back::{NamedObject, Replaces, Toleration},
};
use serde_json::{Value, json};

fn spec() -> Value {
    json!({
        "serviceAccountName": "engine",
        "imagePullSecrets": [{ "name": "registry" }, { "name": "hf-token" }],
        "volumes": [
            { "name": "config", "configMap": { "name": "engine-config" } },
            { "name": "extra", "configMap": { "name": "extra", "optional": true } },
            { "name": "certs", "secret": { "secretName": "certs", "optional": true } },
            { "name": "all", "projected": { "sources": [
                { "secret": { "name": "certs" } }, { "configMap": { "name": "ca" } }, { "serviceAccountToken": { "path": "t" } },
            ] } },
            { "name": "weights", "persistentVolumeClaim": { "claimName": "weights" } },
            { "name": "shm", "emptyDir": {} },
        ],
        "initContainers": [{ "name": "fetch", "image": "fetch:1", "envFrom": [{ "secretRef": { "name": "s3" } }] }],
        "containers": [{
            "name": "engine", "image": "vllm:2", "imagePullPolicy": "Always",
            "args": ["--model", "models:/chat@prod", "--password", "canary-of-an-argument"],
            "env": [
                { "name": "TOKEN", "valueFrom": { "secretKeyRef": { "name": "hf-token", "key": "token", "optional": true } } },
                { "name": "MODEL_URI", "value": "runs:/2040/model" },
                { "name": "AGAIN", "value": "models:/chat@prod" },
                { "name": "PASSWORD", "value": "canary-of-a-variable" },
            ],
        }],
    })
}

#[test]
fn every_object_that_pods_name_is_found_once_with_the_strictest_of_its_needs() {
    let all = named::named(&[&spec()]);
    let told = |one: &NamedObject| format!("{} {} {:?}", one.kind, one.name, one.without);
    let told: Vec<String> = all.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "ConfigMap engine-config NoStart",
            "ConfigMap extra Nothing",
            // It is optional in one place and not in the other.
            "Secret certs NoStart",
            "ConfigMap ca NoStart",
            "PersistentVolumeClaim weights NoStart",
            "Secret s3 NoStart",
            // Optional as a variable; images are pulled with it, too.
            "Secret hf-token PerhapsNoImage",
            "Secret registry PerhapsNoImage",
            "ServiceAccount engine NoStart",
        ]
    );
    assert_eq!(all[2].by, "volume certs, volume all");
    assert!(all.iter().all(|one| named::plural(&one.kind).is_some()));
    assert_eq!(named::named(&[&json!({ "serviceAccountName": "default" })]), []);
    assert_eq!(named::named(&[&Value::Null]), []);
    // A leader and its workers name the same, and one thing more.
    let worker = json!({ "volumes": [
        { "name": "certs", "secret": { "secretName": "certs" } }, { "name": "rdma", "configMap": { "name": "rdma" } },
    ] });
    let both = named::named(&[&spec(), &worker]);
    assert_eq!((both.len(), both[2].by.as_str()), (all.len() + 1, "volume certs, volume all"));
    assert!(both.iter().any(|one| one.name == "rdma"));
}

#[test]
fn of_arguments_and_variables_addresses_of_models_come_out_and_nothing_else() {
    let models = named::models(&[&spec()]);
    let told: Vec<String> = models.iter().map(|(by, text)| format!("{by}: {text}")).collect();
    assert_eq!(told, ["an argument of engine: models:/chat@prod", "variable MODEL_URI of engine: runs:/2040/model"]);
    assert!(!format!("{models:?}{:?}", named::named(&[&spec()])).contains("canary"));
}

#[test]
fn where_pods_may_be_is_read_as_far_as_it_can_be_and_the_rest_is_named() {
    let spec = json!({
        "schedulerName": "kueue",
        "nodeSelector": { "pool": "h100", "zone": "a" },
        "tolerations": [
            { "key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule" },
            { "key": "team", "value": "chat" },
            { "operator": "Exists" },
            { "key": "bare" },
        ],
        "affinity": {
            "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [] },
            "podAntiAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [] },
        },
        "topologySpreadConstraints": [{ "whenUnsatisfiable": "ScheduleAnyway" }],
    });
    let placed = placed::placed(&spec);
    assert_eq!(placed.unread, ["a required pod anti-affinity", "the scheduler kueue"]);
    let tolerates = |taint: &str| placed.tolerates.iter().map(|one| one.tolerates(taint)).collect::<Vec<_>>();
    assert_eq!(tolerates("nvidia.com/gpu=present:NoSchedule"), [true, false, true, false]);
    assert_eq!(tolerates("team=chat:NoExecute"), [false, true, true, false]);
    assert_eq!(tolerates("bare:NoSchedule"), [false, false, true, true]);
    assert_eq!(placed.tolerates[2], Toleration::default());
    assert_eq!(placed::selector(&spec).as_deref(), Some("pool=h100,zone=a"));
    assert_eq!(placed::selector(&json!({ "nodeSelector": {} })), None);
    let exclusive =
        json!({ "metadata": { "annotations": { "leaderworkerset.sigs.k8s.io/exclusive-topology": "rack" } } });
    assert!(placed::of_groups("LeaderWorkerSet", &exclusive).is_some());
    assert_eq!(placed::of_groups("Deployment", &exclusive), None);
    assert_eq!(placed::of_groups("LeaderWorkerSet", &json!({ "metadata": {} })), None);
}

#[test]
fn how_pods_are_replaced_is_told_in_pods() {
    let deployment = |strategy: Value| json!({ "spec": { "replicas": 5, "strategy": strategy } });
    let rolling = |surge: Value, unavailable: Value| {
        deployment(json!({ "rollingUpdate": { "maxSurge": surge, "maxUnavailable": unavailable } }))
    };
    let of = |surge, unavailable| Replaces::Rolling { surge, unavailable };
    let groups = |rolling: Value| json!({ "spec": { "replicas": 4, "rolloutStrategy": { "rollingUpdateConfiguration": rolling } } });
    for (kind, object, want) in [
        // A share of five pods: surge is rounded up, what may be missing down.
        ("Deployment", rolling(json!("25%"), json!("25%")), of(2, 1)),
        ("Deployment", rolling(json!(1), json!(0)), of(1, 0)),
        ("Deployment", rolling(json!(0), json!("10%")), of(0, 1)),
        ("Deployment", deployment(json!({ "type": "Recreate" })), Replaces::AllAtOnce),
        ("Rollout", deployment(json!({ "canary": { "steps": [] } })), of(2, 1)),
        ("Rollout", deployment(json!({ "canary": { "trafficRouting": {} } })), Replaces::BesideIt),
        ("Rollout", deployment(json!({ "canary": { "trafficRouting": {}, "dynamicStableScale": true } })), of(2, 1)),
        ("Rollout", deployment(json!({ "blueGreen": {} })), Replaces::BesideIt),
        ("StatefulSet", json!({ "spec": {} }), Replaces::InPlace { partition: 0 }),
        (
            "StatefulSet",
            json!({ "spec": { "updateStrategy": { "rollingUpdate": { "partition": 2 } } } }),
            Replaces::InPlace { partition: 2 },
        ),
        ("StatefulSet", json!({ "spec": { "updateStrategy": { "type": "OnDelete" } } }), Replaces::OnDelete),
        ("DaemonSet", json!({ "spec": {} }), Replaces::InPlace { partition: 0 }),
        ("LeaderWorkerSet", json!({ "spec": {} }), Replaces::InPlace { partition: 0 }),
        ("LeaderWorkerSet", groups(json!({ "partition": 1, "maxSurge": 1 })), Replaces::InPlace { partition: 1 }),
        ("LeaderWorkerSet", groups(json!({ "maxSurge": "50%", "maxUnavailable": 0 })), of(2, 0)),
        ("LeaderWorkerSet", groups(json!({ "maxSurge": 1 })), of(1, 1)),
    ] {
        assert_eq!(service::replaces(kind, &object), want, "{kind} {object}");
    }
    let unheard_of =
        json!({ "spec": { "replicas": u64::MAX, "strategy": { "rollingUpdate": { "maxSurge": "999999999999%" } } } });
    service::replaces("Deployment", &unheard_of);
}

/// Revisions were made in the order of their numbers.
fn of_hash(number: u64, hash: &str) -> Revision {
    let created = i64::try_from(number).ok().map(|number| Stamp(60_000 * number));
    Revision { number, hash: Some(hash.into()), available: 4, created, ..Revision::default() }
}

#[test]
fn a_rollout_on_its_way_goes_back_to_what_it_came_from_and_else_by_its_steps() {
    let revisions = [of_hash(3, "c"), of_hash(2, "b"), of_hash(1, "a")];
    let steps = json!([{ "setWeight": 20 }, { "pause": { "duration": "1m" } }, { "pause": {} }]);
    let object = |stable: &str, window: u64| {
        json!({
            "spec": { "strategy": { "canary": { "steps": steps } }, "rollbackWindow": { "revisions": window } },
            "status": { "currentPodHash": "c", "stableRS": stable },
        })
    };
    let midway = |kind: &str, stable: &str| service::midway(kind, &object(stable, 0), &revisions).map(|it| it.stable);
    // Not to the one before, which nobody ever promoted.
    assert_eq!(midway("Rollout", "a"), Some(1));
    assert_eq!([midway("Rollout", "c"), midway("Rollout", ""), midway("Deployment", "a")], [None; 3]);
    // A pause holds up the way to any revision but the one that serves.
    let stable = [0, 1, 2].map(|at| service::is_stable("Rollout", &object("a", 0), &revisions[at]));
    assert_eq!(stable, [false, false, true]);
    assert!(!service::is_stable("Deployment", &object("a", 0), &revisions[2]));
    let stops = |object: &Value, then: usize| service::stops("Rollout", object, &revisions, &revisions[then]);
    let words = "It goes by the 3 steps of its strategy, of which step 3 waits for a person.";
    assert_eq!(stops(&object("c", 0), 1).as_deref(), Some(words));
    assert_eq!([stops(&object("a", 0), 2), stops(&object("c", 1), 1)], [None, None]);
    assert_eq!(stops(&object("c", 1), 2).as_deref(), Some(words));
    let blue = json!({ "spec": { "strategy": { "blueGreen": { "autoPromotionEnabled": false } } } });
    assert_eq!(stops(&blue, 1).as_deref(), Some("It waits for a person to promote it."));
    // As a plan says it: a revision that was taken up again has a higher number, and was made no later for it.
    let again = [of_hash(3, "c"), Revision { number: 4, ..of_hash(2, "b") }, of_hash(1, "a")];
    let stops = |object: &Value, then: usize| service::stops("Rollout", object, &again, &again[then]);
    assert_eq!(stops(&object("b", 1), 0).as_deref(), Some(words), "it comes behind the stable one");
    assert_eq!(stops(&object("c", 1), 1), None);
    // Its pods are there still.
    let lingers = Revision { lingers: true, ..of_hash(1, "a") };
    assert_eq!(service::stops("Rollout", &blue, &revisions, &lingers), None);
    assert!(matches!(revision::running("Rollout", &object("a", 0), &Value::Null), Running::Hash("c")));
    assert!(matches!(revision::running("Deployment", &object("a", 0), &Value::Null), Running::Template(_)));
}

#[test]
fn how_long_the_last_change_took_is_told_of_a_set_that_was_made_for_it() {
    let set = |history: Option<&str>| {
        json!({ "metadata": {
            "name": "chat-5d", "creationTimestamp": "2026-11-28T12:00:00Z",
            "annotations": { "deployment.kubernetes.io/revision-history": history },
        } })
    };
    let deployment = |reason: &str, of: &str| {
        json!({ "status": { "conditions": [
            { "type": "Available", "status": "True" },
            {
                "type": "Progressing", "reason": reason, "lastUpdateTime": "2026-11-28T12:00:42Z",
                "message": format!("ReplicaSet \"{of}\" has successfully progressed."),
            },
        ] } })
    };
    let took = |object: &Value, set: &Value| {
        service::last_change("Deployment", object, set).map(|(begun, ended)| ended.since(begun).as_secs())
    };
    assert_eq!(took(&deployment("NewReplicaSetAvailable", "chat-5d"), &set(None)), Some(42));
    // One that was taken up again began nobody knows when; one that is on its way has no end; another set is another change.
    assert_eq!(took(&deployment("NewReplicaSetAvailable", "chat-5d"), &set(Some("1,3"))), None);
    assert_eq!(took(&deployment("ReplicaSetUpdated", "chat-5d"), &set(None)), None);
    assert_eq!(took(&deployment("NewReplicaSetAvailable", "chat-6f"), &set(None)), None);
}

#[test]
fn a_node_tells_of_its_largest_images_and_one_that_tells_of_none_says_nothing() {
    let image = json!({ "names": ["ghcr.io/team/chat@sha256:77", "ghcr.io/team/chat:v1"], "sizeBytes": 9 });
    let node = |count: usize| json!({ "status": { "images": vec![image.clone(); count] } });
    let read = |count: usize| node_images("h-1".into(), &node(count));
    assert_eq!(read(1).images, [["ghcr.io/team/chat@sha256:77", "ghcr.io/team/chat:v1"]]);
    assert_eq!([read(0).whole, read(1).whole, read(50).whole], [false, true, false]);
}
