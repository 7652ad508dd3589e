//! A node is emptied: who leaves, who stays, and when it is over.

use super::{Body, Deed, NOW, Present, Target, draft, guards, node, patch_of, seen_of};
use pilothouse_connect::Seen;
use pilothouse_wire::plan::{Affected, Intent, Risk};
use serde_json::{Value, json};

fn pod(name: &str, owner: Option<&str>, change: impl FnOnce(&mut Value)) -> Value {
    let owners = owner.map(|kind| json!({ "kind": kind, "controller": true }));
    let mut pod = json!({
        "metadata": { "name": name, "namespace": "serving", "uid": format!("u-{name}"), "ownerReferences": owners.into_iter().collect::<Vec<_>>() },
        "spec": { "containers": [{ "resources": { "limits": { "nvidia.com/gpu": "2" } } }] },
        "status": { "phase": "Running" },
    });
    change(&mut pod);
    pod
}

fn pods() -> Vec<Value> {
    vec![
        pod("a", Some("ReplicaSet"), |_| ()),
        pod("b", Some("ReplicaSet"), |pod| pod["spec"]["volumes"] = json!([{ "emptyDir": {} }])),
        pod("daemon", Some("DaemonSet"), |_| ()),
        pod("mirror", Some("Node"), |pod| {
            pod["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "x" })
        }),
        pod("done", Some("Job"), |pod| pod["status"]["phase"] = json!("Succeeded")),
    ]
}

fn drained(object: &Value, pods: &[Value]) -> super::Draft {
    let present = Present {
        object,
        template: None,
        revisions: &[],
        autoscalers: &[],
        pods,
        backends: &[],
        keeper: None,
        now: NOW,
    };
    draft(&Intent { object: node(), deed: Deed::Drain }, &present).unwrap()
}

#[test]
fn a_drain_closes_the_node_first_and_evicts_whom_a_controller_makes_anew() {
    let draft = drained(&json!({ "spec": {} }), &pods());
    assert_eq!(patch_of(&draft, 0)[0]["path"], "/spec/unschedulable");
    let evicted: Vec<&Target> = draft.steps[1..].iter().map(|part| &part.to).collect();
    assert_eq!(evicted, [&Target::Pod("serving".into(), "a".into()), &Target::Pod("serving".into(), "b".into())]);
    assert_eq!(draft.steps[1].body, Body::Evict("u-a".into()));
    assert_eq!((draft.affected, draft.risk.0), (Affected::new(2, 4), Risk::Medium));
    assert_eq!(draft.undo, Some(Deed::Uncordon));
    assert!(draft.warnings[0].contains("1 of the pods keep files"), "{:?}", draft.warnings);
    // One that is closed already is not closed again, and a pod without a controller is named.
    let alone = drained(&json!({ "spec": { "unschedulable": true } }), &[pod("alone", None, |_| ())]);
    assert_eq!((alone.steps.len(), alone.risk.0), (1, Risk::High));
    assert_eq!(alone.undo, None, "who closed it before had a reason");
    assert!(alone.warnings[0].contains("Nothing makes another of alone"), "{:?}", alone.warnings);
}

#[test]
fn a_node_that_nvsentinel_has_quarantined_is_not_opened_without_a_word() {
    let opened = |annotations: Value| {
        let node = json!({ "metadata": { "annotations": annotations }, "spec": { "unschedulable": true } });
        super::made(&super::node(), Deed::Uncordon, &node, &[]).unwrap().warnings
    };
    let event = r#"[{"checkName":"SysLogsXIDError","errorCode":["79"],"recommendedAction":24}]"#;
    let warnings = opened(json!({ "quarantineHealthEvent": event }));
    assert!(warnings[0].contains("SysLogsXIDError 79 (RESTART_BM)"), "{warnings:?}");
    assert_eq!(
        [opened(json!({})), opened(json!({ "quarantineHealthEvent": "" }))],
        [const { Vec::<String>::new() }; 2]
    );
}

#[test]
fn a_drain_is_over_when_the_pods_that_were_meant_are_gone() {
    let closed = json!({ "spec": { "unschedulable": true } });
    let sent = guards(&drained(&json!({ "spec": {} }), &pods()));
    let seen = |node: &Value, pods: &[Value]| seen_of(super::node(), Deed::Drain, sent.clone(), Some(node), pods);
    assert_eq!(seen(&closed, &pods()), Seen::NotYet("2 of its pods are still ending".into()));
    assert!(matches!(seen(&closed, &pods()[2..]), Seen::Met(_)));
    // One that came in between is another matter.
    let came = seen(&closed, &[pod("c", Some("ReplicaSet"), |_| ())]);
    assert!(matches!(&came, Seen::Never(why) if why.contains("1 came to it since")), "{came:?}");
    assert!(matches!(seen(&json!({ "spec": {} }), &pods()[2..]), Seen::Never(_)));
}
