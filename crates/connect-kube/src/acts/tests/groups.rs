//! Groups with a leader: scaled, made anew, taken back. Revisions have the form that kubernetes-sigs/lws gives them.

use super::*;

fn template(image: &str, gpus: u32) -> Value {
    let container =
        json!({ "name": "engine", "image": image, "resources": { "limits": { "nvidia.com/gpu": gpus.to_string() } } });
    json!({ "metadata": { "creationTimestamp": null }, "spec": { "containers": [container] } })
}

fn groups_template(image: &str) -> Value {
    json!({ "size": 3, "leaderTemplate": template(image, 1), "workerTemplate": template(image, 8) })
}

fn groups() -> Value {
    let mut of = groups_template("vllm:2");
    of["maxGroupRestarts"] = json!(7);
    json!({
        "metadata": { "name": "chat", "namespace": "serving", "generation": 5, "uid": "u-1" },
        "spec": { "replicas": 2, "leaderWorkerTemplate": of },
    })
}

fn kept() -> Vec<Revision> {
    let revision = |number: u64, image: &str, restarts: Option<u32>| {
        let mut of = groups_template(image);
        of["$patch"] = json!("replace");
        if let Some(restarts) = restarts {
            of["maxGroupRestarts"] = json!(restarts);
        }
        json!({
            "metadata": { "ownerReferences": [{ "uid": "u-1", "controller": true }] }, "revision": number,
            "data": { "spec": {
                "leaderWorkerTemplate": of, "networkConfig": { "$patch": "replace", "subdomainPolicy": "Shared" },
            } },
        })
    };
    let list = json!({ "items": [revision(1, "vllm:1", Some(9)), revision(2, "vllm:2", None)] });
    (revision::keeps("LeaderWorkerSet").unwrap().revisions)(&list, "u-1")
}

#[test]
fn leaders_and_workers_of_one_name_are_given_one_image() {
    let object = workload("LeaderWorkerSet");
    let deed = |image: &str| Deed::SetImage { container: "engine".into(), image: image.into() };
    let draft = made(&object, deed("vllm:3"), &groups(), &[]).unwrap();
    let all = patch(&draft);
    let path = |of: &str| json!(format!("/spec/leaderWorkerTemplate/{of}/spec/containers/0/image"));
    let held = |of: &str| json!({ "op": "test", "path": path(of), "value": "vllm:2" });
    assert_eq!((&all[1], &all[3]), (&held("leaderTemplate"), &held("workerTemplate")));
    assert_eq!((&all[4]["path"], &all[4]["value"]), (&path("leaderTemplate"), &json!("vllm:3")));
    assert_eq!((&all[5]["path"], &all[5]["value"]), (&path("workerTemplate"), &json!("vllm:3")));
    assert_eq!((draft.undo, draft.warnings), (Some(deed("vllm:2")), Vec::new()));
    // Where they differ, both get it, and that is said: no single step takes it back.
    let mut other = groups();
    other["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]["containers"][0]["image"] = json!("vllm:1");
    let draft = made(&object, deed("vllm:2"), &other, &[]).unwrap();
    assert_eq!((patch(&draft).as_array().map(Vec::len), &draft.undo), (Some(3), &None));
    assert!(draft.warnings[0].contains("vllm:2, vllm:1"), "{:?}", draft.warnings);
    assert!(made(&object, deed("vllm:2"), &groups(), &[]).unwrap_err().what.contains("already"));
    let nobody = Deed::SetImage { container: "sidecar".into(), image: "a".into() };
    assert!(made(&object, nobody, &groups(), &[]).unwrap_err().to_string().contains("It has engine."));
}

#[test]
fn groups_go_back_to_both_templates_and_keep_the_limits_of_now() {
    let object = workload("LeaderWorkerSet");
    let draft = made(&object, Deed::Undo(None), &groups(), &kept()).unwrap();
    assert_eq!(draft.title, "Take LeaderWorkerSet serving/chat back to revision 1");
    let all = patch(&draft);
    let of_now = groups()["spec"]["leaderWorkerTemplate"].clone();
    assert_eq!(all[0], json!({ "op": "test", "path": "/spec/leaderWorkerTemplate", "value": of_now }));
    assert_eq!((&all[1]["op"], &all[1]["path"]), (&json!("replace"), &json!("/spec/leaderWorkerTemplate")));
    let put = &all[1]["value"];
    assert_eq!(put["leaderTemplate"], template("vllm:1", 1));
    assert_eq!((&put["maxGroupRestarts"], &put["$patch"], &put["size"]), (&json!(7), &Value::Null, &json!(3)));
    assert_eq!(all[2]["path"], "/spec/networkConfig");
    assert_eq!(draft.undo, Some(Deed::Undo(Some(2))));
    // Two groups of a leader with one GPU and two workers with eight.
    assert_eq!(draft.affected, Affected::new(6, 34));
    let only = made(&object, Deed::Undo(None), &groups(), &kept()[..1]).unwrap_err();
    assert!(only.to_string().contains("only while it goes to a new one"), "{only}");
    assert!(made(&object, Deed::Undo(Some(2)), &groups(), &kept()).unwrap_err().what.contains("is what runs"));
}

#[test]
fn groups_are_counted_as_groups_and_made_anew_by_a_mark_in_both_templates() {
    let object = workload("LeaderWorkerSet");
    let draft = made(&object, Deed::Scale(3), &groups(), &[]).unwrap();
    assert_eq!(
        (draft.title.as_str(), draft.affected),
        ("Scale LeaderWorkerSet serving/chat from 2 to 3 groups", Affected::new(3, 17))
    );
    let draft = made(&object, Deed::Restart, &groups(), &[]).unwrap();
    let all = patch(&draft);
    for (place, name) in [(1, "leaderTemplate"), (2, "workerTemplate")] {
        assert_eq!(all[place]["path"], format!("/spec/leaderWorkerTemplate/{name}/metadata"));
        assert_eq!(all[place]["value"]["annotations"]["kubectl.kubernetes.io/restartedAt"], NOW);
    }
}

#[test]
fn groups_are_done_when_their_controller_says_of_which_spec_it_speaks() {
    let check = |deed: Deed, status: Value| {
        let mut now = groups();
        now["status"] = status;
        seen_of(workload("LeaderWorkerSet"), deed, Vec::new(), Some(&now), &[])
    };
    let counts = |generation: Option<u64>, updated: u64| {
        let mut status = json!({ "replicas": 2, "updatedReplicas": updated, "readyReplicas": 2 });
        if let Some(generation) = generation {
            status["observedGeneration"] = json!(generation);
        }
        status
    };
    let met = Seen::Met("2 of 2 groups are ready".into());
    assert_eq!(check(Deed::Undo(None), counts(Some(5), 2)), met);
    assert_eq!(check(Deed::Undo(None), counts(Some(4), 2)), Seen::NotYet("its controller has not seen it yet".into()));
    assert_eq!(
        check(Deed::Undo(None), counts(Some(5), 1)),
        Seen::NotYet("1 of 2 groups are of the newest revision".into())
    );
    // An older controller numbers nothing: the end of an update says so, and only one that came behind the plan.
    let silent = Seen::NotYet("its controller does not say yet that it is done with it".into());
    assert_eq!(check(Deed::Restart, counts(None, 2)), silent);
    let ended = |at: &str| {
        let mut status = counts(None, 2);
        status["conditions"] = json!([{ "type": "UpdateInProgress", "status": "False", "lastTransitionTime": at }]);
        status
    };
    assert_eq!(check(Deed::Restart, ended("2026-11-28T12:00:00Z")), met);
    assert_eq!(check(Deed::Restart, ended("1970-01-01T00:00:00Z")), silent);
    assert_eq!(check(Deed::Scale(2), counts(None, 2)), met);
}
