//! What is sent for each deed, what differs, and whether it came to pass.

mod behind;
mod canaries;
mod groups;
mod kserve;
mod member;
mod nodes;
mod rollouts;
mod routes;

use super::{
    blocked,
    diff::changes,
    draft::{Body, Draft, Guard, Present, Target, draft},
    leave_what_follows,
    revision::{self, Revision},
    seen::seen,
    sending::{call_of, is_not_now, kept, trying},
    written,
};
use crate::client::refused;
use pilothouse_connect::Seen;
use pilothouse_wire::{
    Code, ConnectionId, NodeId, ObjectRef, PodId, Problem, SmolStr, Stamp,
    plan::{Affected, Deed, DryRun, Expectation, Intent, Permission, Plan, Request, Resized, Risk, Step},
};
use serde_json::{Value, json};

const NOW: &str = "2026-11-28T12:00:00Z";

fn workload(kind: &str) -> ObjectRef {
    ObjectRef::Workload(ConnectionId::slug("iad"), "serving".into(), kind.into(), "chat".into())
}

fn node() -> ObjectRef {
    ObjectRef::Node(NodeId { cluster: ConnectionId::slug("iad"), name: "h-1".into() })
}

fn pod() -> ObjectRef {
    ObjectRef::Pod(PodId { cluster: ConnectionId::slug("iad"), namespace: "serving".into(), name: "chat-1".into() })
}

fn template(image: &str) -> Value {
    json!({
        "metadata": { "creationTimestamp": null, "labels": { "app": "chat" } },
        "spec": { "containers": [
            { "name": "proxy", "image": "envoy:1" },
            { "name": "engine", "image": image, "resources": { "limits": { "nvidia.com/gpu": "2", "cpu": "8" } } },
        ] },
    })
}

fn deployment() -> Value {
    json!({
        "metadata": { "name": "chat", "namespace": "serving", "generation": 7, "uid": "u-1" },
        "spec": { "replicas": 4, "progressDeadlineSeconds": 300, "template": template("vllm:2") },
    })
}

fn present<'a>(object: &'a Value, revisions: &'a [Revision], autoscalers: &'a [String]) -> Present<'a> {
    Present { object, template: None, revisions, autoscalers, pods: &[], backends: &[], keeper: None, now: NOW }
}

fn made(object: &ObjectRef, deed: Deed, now: &Value, revisions: &[Revision]) -> Result<Draft, Problem> {
    let autoscalers = ["chat-hpa".to_owned()];
    draft(&Intent { object: object.clone(), deed }, &present(now, revisions, &autoscalers))
}

/// The patch of the only step.
fn patch(draft: &Draft) -> Value {
    patch_of(draft, 0)
}

fn patch_of(draft: &Draft, step: usize) -> Value {
    let Body::Patch(put) = &draft.steps[step].body else { return Value::Null };
    json!(draft.steps[step].guards.iter().map(super::Guard::test).chain(put.iter().cloned()).collect::<Vec<_>>())
}

fn guards(draft: &Draft) -> Vec<(String, String)> {
    draft.steps.iter().flat_map(|part| part.guards.iter().map(super::Guard::shown)).collect()
}

/// A plan of this deed, with these guards.
fn plan_of(object: ObjectRef, deed: Deed, guards: Vec<(String, String)>) -> Plan {
    let request = Request { method: "PATCH".into(), path: String::new(), media: "m".into(), body: String::new() };
    let (permission, dry_run) = (Permission::Granted, DryRun::Passed);
    Plan {
        intent: Intent { object, deed },
        title: String::new(),
        made: Stamp(0),
        steps: vec![Step { words: String::new(), request, guards, permission, dry_run }],
        changes: Vec::new(),
        more_changes: 0,
        traffic: Vec::new(),
        affected: Affected::default(),
        risk: Risk::Low,
        risk_why: String::new(),
        warnings: Vec::new(),
        success: Expectation::default(),
        undo: None,
        type_name: None,
        blocked: Vec::new(),
    }
}

/// So many pods of an object, by its revisions.
fn resized(pods: u32, gpus: u64, revisions: &[(&str, u32, u32)]) -> Affected {
    let one = |(of, now, then): &(&str, u32, u32)| Resized { of: (*of).to_owned(), now: *now, then: *then };
    Affected { revisions: revisions.iter().map(one).collect(), ..Affected::new(pods, gpus) }
}

/// What is seen after a draft of this deed, with these guards.
fn seen_of(object: ObjectRef, deed: Deed, guards: Vec<(String, String)>, now: Option<&Value>, pods: &[Value]) -> Seen {
    seen(&plan_of(object, deed, guards), now, pods)
}

#[test]
fn a_scale_depends_on_the_number_that_was_read_and_says_whom_it_concerns() {
    let draft = made(&workload("Deployment"), Deed::Scale(6), &deployment(), &[]).unwrap();
    assert_eq!(draft.title, "Scale Deployment serving/chat from 4 to 6 pods");
    let test = json!({ "op": "test", "path": "/spec/replicas", "value": 4 });
    assert_eq!(patch(&draft), json!([test, { "op": "replace", "path": "/spec/replicas", "value": 6 }]));
    assert_eq!(draft.affected, Affected::new(2, 4));
    assert_eq!((draft.risk.0, draft.undo), (Risk::Low, Some(Deed::Scale(4))));
    assert!(draft.warnings[0].contains("HorizontalPodAutoscaler chat-hpa"), "{:?}", draft.warnings);
    assert_eq!(draft.success.within.as_secs(), 300);
    let none = made(&workload("Deployment"), Deed::Scale(0), &deployment(), &[]).unwrap();
    assert_eq!(none.risk.0, Risk::High);
    let same = made(&workload("Deployment"), Deed::Scale(4), &deployment(), &[]).unwrap_err();
    assert_eq!(same.code, Code::Exists);
    assert_eq!(made(&workload("DaemonSet"), Deed::Scale(4), &deployment(), &[]).unwrap_err().code, Code::NotOffered);
}

#[test]
fn a_restart_marks_the_template_whatever_is_in_it_already() {
    let path_of = |annotations: Option<Value>, metadata: bool| {
        let mut object = deployment();
        let of = &mut object["spec"]["template"];
        if !metadata {
            of.as_object_mut().unwrap().remove("metadata");
        }
        if let Some(annotations) = annotations {
            of["metadata"]["annotations"] = annotations;
        }
        let of_now = object["spec"]["template"].clone();
        let draft = made(&workload("Deployment"), Deed::Restart, &object, &[]).unwrap();
        assert_eq!(patch(&draft)[0], json!({ "op": "test", "path": "/spec/template", "value": of_now }));
        patch(&draft)[1].clone()
    };
    let key = "kubectl.kubernetes.io/restartedAt";
    let added = |path: &str, value: Value| json!({ "op": "add", "path": path, "value": value });
    let template = "/spec/template/metadata";
    assert_eq!(path_of(None, false), added(template, json!({ "annotations": { key: NOW } })));
    assert_eq!(path_of(None, true), added(&format!("{template}/annotations"), json!({ key: NOW })));
    let known = format!("{template}/annotations/kubectl.kubernetes.io~1restartedAt");
    assert_eq!(path_of(Some(json!({ "a": "b" })), true), added(&known, json!(NOW)));
}

#[test]
fn what_stops_something_depends_on_nothing_and_what_goes_on_does() {
    for (object, deed, present, number) in [
        (workload("Deployment"), Deed::Pause, deployment(), 0),
        (node(), Deed::Cordon, json!({ "spec": {} }), 0),
        (node(), Deed::Uncordon, json!({ "spec": { "unschedulable": true } }), 1),
    ] {
        let draft = made(&object, deed, &present, &[]).unwrap();
        assert_eq!(guards(&draft).len(), number, "{draft:?}");
    }
    let mut paused = deployment();
    paused["spec"]["paused"] = json!(true);
    paused["status"] = json!({ "updatedReplicas": 1 });
    let resumed = made(&workload("Deployment"), Deed::Resume, &paused, &[]).unwrap();
    // What was set while it was paused reaches the pods that do not have it yet.
    assert_eq!((resumed.undo, resumed.affected), (Some(Deed::Pause), Affected::new(3, 6)));
    // Where all pods end before any comes, nothing answers in between.
    let mut at_once = deployment();
    at_once["spec"]["strategy"] = json!({ "type": "Recreate" });
    assert_eq!(made(&workload("Deployment"), Deed::Restart, &at_once, &[]).unwrap().risk.0, Risk::High);
    // What would reach no pod is not offered.
    for deed in [Deed::Restart, Deed::Undo(None), Deed::SetImage { container: "engine".into(), image: "vllm:3".into() }]
    {
        let refused = made(&workload("Deployment"), deed, &paused, &[]).unwrap_err();
        assert!(refused.what.contains("is paused"), "{refused}");
    }
}

fn replica_sets() -> Value {
    let set = |revision: &str, image: &str, owner: &str| {
        let mut template = template(image);
        template["metadata"]["labels"]["pod-template-hash"] = json!("abc");
        json!({
            "metadata": {
                "annotations": { "deployment.kubernetes.io/revision": revision },
                "ownerReferences": [{ "uid": owner, "controller": true }],
            },
            "spec": { "template": template },
        })
    };
    json!({ "items": [
        set("1", "vllm:0", "u-1"), set("3", "vllm:2", "u-1"), set("2", "vllm:1", "u-1"), set("9", "other", "u-2"),
    ] })
}

#[test]
fn an_undo_goes_back_to_the_template_of_a_revision_that_is_kept() {
    let kept = revision::of_replica_sets(&replica_sets(), "u-1", revision::DEPLOYMENT);
    assert_eq!(kept.iter().map(|revision| revision.number).collect::<Vec<_>>(), [3, 2, 1]);
    let back = |to| made(&workload("Deployment"), Deed::Undo(to), &deployment(), &kept);
    let draft = back(None).unwrap();
    assert_eq!(draft.title, "Take Deployment serving/chat back to revision 2");
    // What is replaced is held whole; how many pods there are is not, which an autoscaler moves.
    assert_eq!(patch(&draft)[0], json!({ "op": "test", "path": "/spec/template", "value": template("vllm:2") }));
    assert_eq!((patch(&draft)[1]["value"].clone(), guards(&draft).len()), (template("vllm:1"), 1));
    assert_eq!(draft.undo, Some(Deed::Undo(Some(3))));
    assert_eq!(draft.affected, Affected::new(4, 8));
    assert!(back(Some(1)).unwrap().title.ends_with("revision 1"));
    let refused = |to| back(to).unwrap_err().to_string();
    assert!(refused(Some(3)).contains("revision 3 is what runs"), "{}", refused(Some(3)));
    assert!(refused(Some(7)).contains("not kept. Kept are 3, 2, 1"), "{}", refused(Some(7)));
    let none = made(&workload("Deployment"), Deed::Undo(None), &deployment(), &kept[..1]).unwrap_err();
    assert!(none.what.contains("there is no revision before this one"), "{none}");
}

#[test]
fn an_image_is_set_in_the_container_that_is_named() {
    let set = |container: &str, image: &str| {
        let deed = Deed::SetImage { container: container.into(), image: image.into() };
        made(&workload("StatefulSet"), deed, &deployment(), &[])
    };
    let draft = set("engine", "vllm:3").unwrap();
    let test = |field: &str, value: &str| json!({ "op": "test", "path": format!("/spec/template/spec/containers/1/{field}"), "value": value });
    assert_eq!(
        patch(&draft),
        json!([
            test("name", "engine"),
            test("image", "vllm:2"),
            { "op": "replace", "path": "/spec/template/spec/containers/1/image", "value": "vllm:3" },
        ])
    );
    assert_eq!(draft.undo, Some(Deed::SetImage { container: "engine".into(), image: "vllm:2".into() }));
    assert!(set("motor", "vllm:3").unwrap_err().to_string().contains("It has proxy, engine"));
    assert!(set("engine", "a b").unwrap_err().what.contains("is no image"));
    assert_eq!(set("engine", "vllm:2").unwrap_err().code, Code::Exists);
}

#[test]
fn a_pod_is_deleted_only_if_it_is_the_one_that_was_shown() {
    let owners = json!([{ "kind": "ReplicaSet", "controller": true }]);
    let present = json!({
        "metadata": { "uid": "u-9", "ownerReferences": owners },
        "spec": { "terminationGracePeriodSeconds": 5, "containers": template("vllm:2")["spec"]["containers"] },
    });
    let draft = made(&pod(), Deed::Delete, &present, &[]).unwrap();
    assert_eq!((&draft.steps[0].body, &draft.affected), (&Body::Delete("u-9".into()), &Affected::new(1, 2)));
    assert_eq!(guards(&draft), [("/metadata/uid".to_owned(), "\"u-9\"".to_owned())]);
    assert_eq!(draft.risk, (Risk::Medium, "Its ReplicaSet makes another.".to_owned()));
    let alone = made(&pod(), Deed::Delete, &json!({ "metadata": { "uid": "u-9" } }), &[]).unwrap();
    assert_eq!(alone.risk.0, Risk::High);
}

#[test]
fn who_applies_it_out_of_a_repository_is_said() {
    for (list, key, who) in [
        ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
        ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
    ] {
        let mut object = deployment();
        object["metadata"][list] = json!({ key: "x" });
        let draft = made(&workload("Deployment"), Deed::Restart, &object, &[]).unwrap();
        assert!(draft.warnings.iter().any(|warning| warning.starts_with(who)), "{:?}", draft.warnings);
    }
}

#[test]
fn fields_that_differ_are_named_and_what_a_write_changes_by_itself_is_not() {
    let mut after = deployment();
    after["metadata"]["generation"] = json!(8);
    after["status"] = json!({ "replicas": 1 });
    after["spec"]["template"]["spec"]["containers"][1]["image"] = json!("vllm:3");
    after["spec"]["template"]["metadata"]["annotations"] = json!({ "a/b": "c" });
    after["spec"]["tolerations"] = json!([1, 2]);
    let told: Vec<String> = changes(&deployment(), &after, false)
        .into_iter()
        .map(|change| format!("{} {:?} {:?}", change.path, change.from, change.to))
        .collect();
    assert_eq!(
        told,
        [
            r#"/spec/template/metadata/annotations None Some("{\"a/b\":\"c\"}")"#,
            r#"/spec/template/spec/containers/1/image Some("vllm:2") Some("vllm:3")"#,
            r#"/spec/tolerations None Some("[1,2]")"#,
        ]
    );
}

#[test]
fn it_came_to_pass_when_the_server_says_so_of_every_pod() {
    let status = |generation: u64, updated: u64, all: u64, available: u64| {
        let mut object = deployment();
        object["status"] = json!({
            "observedGeneration": generation, "updatedReplicas": updated, "replicas": all, "availableReplicas": available,
        });
        seen_of(workload("Deployment"), Deed::Restart, Vec::new(), Some(&object), &[])
    };
    assert_eq!(status(6, 4, 4, 4), Seen::NotYet("its controller has not seen it yet".into()));
    assert_eq!(status(7, 1, 5, 4), Seen::NotYet("1 of 4 pods are of the newest revision".into()));
    assert_eq!(status(7, 4, 5, 4), Seen::NotYet("1 older pods are ending".into()));
    assert_eq!(status(7, 4, 4, 3), Seen::NotYet("3 of 4 pods are ready".into()));
    assert_eq!(status(7, 4, 4, 4), Seen::Met("4 of 4 pods are ready".into()));
    let mut stuck = deployment();
    stuck["status"] = json!({
        "observedGeneration": 7,
        "conditions": [{ "type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "timed out" }],
    });
    let seen = |deed, now: Option<&Value>| seen_of(workload("Deployment"), deed, Vec::new(), now, &[]);
    assert_eq!(seen(Deed::Restart, Some(&stuck)), Seen::Never("timed out".into()));
    // Somebody else was quicker.
    assert!(matches!(seen(Deed::Scale(6), Some(&deployment())), Seen::Never(_)));
    assert!(matches!(seen(Deed::Restart, None), Seen::Never(_)));
}

#[test]
fn a_pod_is_gone_where_another_has_its_name() {
    let named = |uid: &str| json!({ "metadata": { "uid": uid } });
    let guard = || vec![("/metadata/uid".to_owned(), "\"u-9\"".to_owned())];
    let seen = |now: Option<&Value>| seen_of(pod(), Deed::Delete, guard(), now, &[]);
    assert!(matches!(seen(Some(&named("u-9"))), Seen::NotYet(_)));
    for gone in [None, Some(named("u-10"))] {
        assert_eq!(seen(gone.as_ref()), Seen::Met("it is gone".into()));
    }
}

#[test]
fn what_only_tries_says_so_where_the_server_reads_it() {
    let request = |method: &str, body: Value| Request {
        method: method.into(),
        path: "/api/v1/namespaces/serving/pods/chat-1".into(),
        media: "application/json".into(),
        body: body.to_string(),
    };
    let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": "u-9" } });
    let tried: Value = serde_json::from_str(&trying(&request("DELETE", options)).body).unwrap();
    assert_eq!((&tried["dryRun"], &tried["preconditions"]["uid"]), (&json!(["All"]), &json!("u-9")));
    let eviction = json!({ "kind": "Eviction", "deleteOptions": { "preconditions": { "uid": "u-9" } } });
    let tried: Value = serde_json::from_str(&trying(&request("POST", eviction)).body).unwrap();
    assert_eq!(tried["deleteOptions"]["dryRun"], json!(["All"]));
    let patch = request("PATCH", json!([]));
    assert_eq!(trying(&patch), patch);
}

#[test]
fn an_eviction_that_a_budget_holds_is_for_later_and_tells_of_which_pod_and_which_budget() {
    let request = |path: &str| Request {
        method: "POST".into(),
        path: path.into(),
        media: "application/json".into(),
        body: "{}".into(),
    };
    let eviction = request("/api/v1/namespaces/serving/pods/chat-1/eviction");
    assert_eq!(kept(&eviction), "pod serving/chat-1");
    let said = |status: u16, message: &str, causes: Value| {
        let details = json!({ "causes": causes });
        let body =
            json!({ "kind": "Status", "apiVersion": "v1", "message": message, "details": details, "code": status });
        refused(&call_of(&eviction), status, None, body.to_string().as_bytes())
    };
    // As a server of Kubernetes 1.34 says it.
    let budget = "The disruption budget chat needs 2 healthy pods and has 2 currently";
    let general = "Cannot evict pod as it would violate the pod's disruption budget.";
    let causes = json!([{ "reason": "DisruptionBudget", "message": budget }, { "reason": "Other", "message": "x" }]);
    let held = said(429, general, causes);
    assert_eq!(held.message, format!("{general} {budget}"));
    let several = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    let several = said(500, several, Value::Null);
    let failed = said(500, "etcd is away", Value::Null);
    assert_eq!([&held, &several, &failed].map(|refusal| is_not_now(&eviction, refusal)), [true, true, false]);
    // Of what is no eviction only a plea for patience is for later.
    let job = request("/apis/batch/v1/namespaces/serving/jobs");
    assert_eq!([&held, &several].map(|refusal| is_not_now(&job, refusal)), [true, false]);
    assert!(!is_not_now(&Request { method: "PATCH".into(), ..eviction }, &held));
}

#[test]
fn what_was_not_written_is_not_seen_however_well_the_pods_are() {
    let mut after = deployment();
    after["spec"]["template"]["spec"]["containers"][1]["image"] = json!("vllm:1");
    let held = vec![Guard::new("/spec/template", deployment()["spec"]["template"].clone()).shown()];
    let plan = |tried: bool| Plan {
        changes: if tried { changes(&deployment(), &after, false) } else { Vec::new() },
        ..plan_of(workload("Deployment"), Deed::Undo(None), held.clone())
    };
    let before = Some(Seen::NotYet("it is as it was: nothing was written, or it was taken back".into()));
    assert_eq!(written::stands(&plan(true), &deployment()), before);
    assert_eq!(written::stands(&plan(false), &deployment()), before);
    assert_eq!(written::stands(&plan(true), &after), None);
    let mut others = after.clone();
    others["spec"]["template"]["spec"]["containers"][1]["image"] = json!("vllm:3");
    assert_eq!(written::stands(&plan(true), &others), Some(Seen::Never("it was given another template since".into())));
    // Not tried: that it was written at all is all that can be told, and that an autoscaler wrote is none of it.
    assert_eq!(written::stands(&plan(false), &others), None);
    let mut scaled = deployment();
    (scaled["metadata"]["generation"], scaled["spec"]["replicas"]) = (json!(9), json!(6));
    assert_eq!(written::stands(&plan(false), &scaled), before);
}

#[test]
fn pods_that_wait_to_be_deleted_are_waited_for_where_no_other_moves_and_are_named_before() {
    let set = |strategy: Value, updated: u64| {
        let mut set = deployment();
        set["spec"]["updateStrategy"] = strategy;
        set["status"] = json!({
            "observedGeneration": 7, "replicas": 4, "readyReplicas": 4, "updatedReplicas": updated,
            "currentRevision": "a", "updateRevision": "b",
        });
        set
    };
    let seen = |set: &Value| seen_of(workload("StatefulSet"), Deed::Restart, Vec::new(), Some(set), &[]);
    let on_delete = set(json!({ "type": "OnDelete" }), 0);
    let waits =
        |updated| format!("{updated} of 4 pods are of the newest revision: each gets it when somebody deletes it");
    assert_eq!(seen(&on_delete), Seen::NotYet(waits(0)));
    assert_eq!(seen(&set(json!({ "type": "OnDelete" }), 3)), Seen::NotYet(waits(3)));
    assert_eq!(seen(&set(json!({ "type": "OnDelete" }), 4)), Seen::Met("4 of 4 pods are ready".into()));
    let parted = |partition: u64, updated| set(json!({ "rollingUpdate": { "partition": partition } }), updated);
    assert_eq!(seen(&parted(4, 0)), Seen::NotYet(waits(0)));
    assert_eq!(seen(&parted(3, 0)), Seen::NotYet("0 of 1 pods are of the newest revision".into()));
    let part = "4 of 4 pods are ready, the others get it as they are deleted";
    assert_eq!(seen(&parted(3, 1)), Seen::Met(part.into()));
    let draft = made(&workload("StatefulSet"), Deed::Restart, &on_delete, &[]).unwrap();
    assert!(draft.warnings[0].starts_with("4 of 4 pods stay as they are"), "{:?}", draft.warnings);
}

#[test]
fn the_right_that_a_request_needs_is_told_by_its_path() {
    let right = |method: &str, path: &str| {
        let request =
            Request { method: method.into(), path: path.into(), media: SmolStr::default(), body: String::new() };
        let call = call_of(&request);
        format!("{} {} {} {}", call.verb, call.group, call.resource, call.namespace.unwrap_or_default())
    };
    for (method, path, wanted) in [
        ("PATCH", "/apis/apps/v1/namespaces/serving/deployments/chat", "patch apps deployments serving"),
        ("PATCH", "/apis/argoproj.io/v1alpha1/namespaces/a/rollouts/b/status", "patch argoproj.io rollouts/status a"),
        ("PATCH", "/api/v1/nodes/h-1", "patch  nodes "),
        ("DELETE", "/api/v1/namespaces/serving/pods/chat-1", "delete  pods serving"),
        ("POST", "/api/v1/namespaces/serving/pods/chat-1/eviction", "create  pods/eviction serving"),
    ] {
        assert_eq!(right(method, path), wanted, "{path}");
    }
}

#[test]
fn what_cannot_follow_an_abort_is_left_out_and_keeps_nobody_from_it() {
    let step = |words: &str, may: bool| Step {
        words: words.to_owned(),
        request: Request { method: "PATCH".into(), path: "/x".into(), media: "y".into(), body: String::new() },
        guards: Vec::new(),
        permission: match may {
            true => Permission::Granted,
            false => Permission::Denied(Box::new(Problem::new(Code::Denied, "You may not patch rollouts."))),
        },
        dry_run: DryRun::Passed,
    };
    for (first, second, left, said) in [
        (true, true, 2, None),
        (true, false, 1, Some("Left out, since it cannot be done: pause. You may not patch rollouts.")),
        (false, true, 2, None),
        (false, false, 1, Some("Left out, since it cannot be done: pause. You may not patch rollouts.")),
    ] {
        let mut steps = vec![step("abort", first), step("pause", second)];
        assert_eq!(leave_what_follows(&mut steps).first().map(String::as_str), said);
        // The first stays, and holds the plan up where it cannot be sent.
        assert_eq!((steps.len(), steps[0].words.as_str(), blocked(&steps).is_empty()), (left, "abort", first));
    }
}
