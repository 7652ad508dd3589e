//! A Rollout is promoted, aborted, retried, taken back: what is sent, how traffic would be split, and when it is so.

use super::{Deed, Revision, Target, guards, made, patch_of, seen_of, template, workload};
use pilothouse_connect::Seen;
use pilothouse_wire::{Code, plan::Share};
use serde_json::{Value, json};

/// A canary of five pods at its first pause, with 20 % at revision 2.
fn canary(change: impl FnOnce(&mut Value)) -> Value {
    let mut object = json!({
        "metadata": { "name": "chat", "namespace": "serving", "generation": 3, "uid": "u-1" },
        "spec": {
            "replicas": 5, "template": template("vllm:2"),
            "strategy": { "canary": { "steps": [
                { "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": { "duration": "2s" } },
            ] } },
        },
        "status": {
            "observedGeneration": "3", "phase": "Paused", "message": "CanaryPauseStep", "controllerPause": true,
            "currentStepIndex": 1, "currentPodHash": "new", "stableRS": "old",
            "pauseConditions": [{ "reason": "CanaryPauseStep", "startTime": "2026-11-28T11:00:00Z" }],
            "replicas": 5, "updatedReplicas": 1, "readyReplicas": 5, "availableReplicas": 5,
        },
    });
    change(&mut object);
    object
}

fn kept() -> Vec<Revision> {
    let revision = |number, image: &str, hash: &str, available| Revision {
        number,
        template: template(image),
        hash: Some(hash.into()),
        available,
    };
    vec![revision(2, "vllm:2", "new", 1), revision(1, "vllm:1", "old", 4)]
}

fn shares(newest: (u32, u32)) -> Vec<Share> {
    let share = Share::in_percent;
    let (now, then) = newest;
    vec![share("revision 2, newest", now, then), share("revision 1, stable", 100 - now, 100 - then)]
}

fn drafted(deed: Deed, object: &Value) -> super::Draft {
    made(&workload("Rollout"), deed, object, &kept()).unwrap()
}

#[track_caller]
fn refused(deed: Deed, object: &Value, code: Code, said: &str) {
    let problem = made(&workload("Rollout"), deed, object, &kept()).unwrap_err();
    assert_eq!(problem.code, code, "{problem}");
    assert!(problem.to_string().contains(said), "{problem}");
}

#[test]
fn a_promotion_takes_this_very_pause_away_and_says_what_follows() {
    let draft = drafted(Deed::Promote, &canary(|_| ()));
    assert_eq!(draft.title, "Promote Rollout serving/chat: go on behind the pause of step 2 of 4");
    assert_eq!(draft.steps.len(), 1);
    assert_eq!(draft.steps[0].to, Target::Status);
    let test = |path: &str, value: Value| json!({ "op": "test", "path": path, "value": value });
    assert_eq!(
        patch_of(&draft, 0),
        json!([
            test("/status/currentPodHash", json!("new")),
            test("/status/pauseConditions/0/startTime", json!("2026-11-28T11:00:00Z")),
            { "op": "remove", "path": "/status/pauseConditions" },
        ])
    );
    // The pause behind it ends by itself: by the time that somebody wants it back there may be nothing to abort.
    assert_eq!((draft.traffic, draft.undo), (shares((20, 60)), Some(Deed::Undo(Some(1)))));
    let waits = canary(|object| object["spec"]["strategy"]["canary"]["steps"][3] = json!({ "pause": {} }));
    assert_eq!(drafted(Deed::Promote, &waits).undo, Some(Deed::Abort));
    let blue_green = canary(|object| {
        object["spec"]["strategy"] = json!({ "blueGreen": { "activeService": "chat", "autoPromotionEnabled": false } });
        object["status"]["pauseConditions"][0]["reason"] = json!("BlueGreenPause");
        object["status"].as_object_mut().unwrap().remove("currentStepIndex");
    });
    assert_eq!(drafted(Deed::Promote, &blue_green).undo, Some(Deed::Undo(Some(1))));
    // The same is meant by "resume".
    assert_eq!(drafted(Deed::Resume, &canary(|_| ())).title, draft.title);
}

#[test]
fn a_step_that_measures_is_skipped_by_its_number_and_one_that_could_not_decide_too() {
    let measuring = canary(|object| {
        object["status"].as_object_mut().unwrap().remove("pauseConditions");
        object["status"]["controllerPause"] = json!(false);
        object["spec"]["strategy"]["canary"]["steps"][1] =
            json!({ "analysis": { "templates": [{ "templateName": "t" }] } });
    });
    let draft = drafted(Deed::Promote, &measuring);
    assert!(draft.title.contains("without the result of the analysis of step 2"), "{}", draft.title);
    assert_eq!(patch_of(&draft, 0)[2], json!({ "op": "add", "path": "/status/currentStepIndex", "value": 2 }));
    assert_eq!(guards(&draft)[1], ("/status/currentStepIndex".to_owned(), "1".to_owned()));
    let undecided = canary(|object| {
        object["status"]["canary"] = json!({ "currentStepAnalysisRunStatus": { "status": "Inconclusive" } });
    });
    let patch = patch_of(&drafted(Deed::Promote, &undecided), 0);
    assert_eq!(patch[3], json!({ "op": "add", "path": "/status/controllerPause", "value": false }));
    assert_eq!(patch[4]["path"], "/status/currentStepIndex");
}

#[test]
fn the_pause_of_a_person_is_taken_away_behind_that_of_the_controller() {
    let paused = canary(|object| object["spec"]["paused"] = json!(true));
    let draft = drafted(Deed::Promote, &paused);
    assert_eq!(draft.steps.iter().map(|part| &part.to).collect::<Vec<_>>(), [&Target::Status, &Target::Object]);
    assert_eq!(patch_of(&draft, 1)[1], json!({ "op": "add", "path": "/spec/paused", "value": false }));
    // To resume takes the person's pause away, and leaves the step to the controller.
    assert_eq!(drafted(Deed::Resume, &paused).steps.len(), 1);
}

#[test]
fn all_the_way_and_all_the_way_back_are_said_in_traffic() {
    let fully = drafted(Deed::PromoteFully, &canary(|_| ()));
    assert_eq!((fully.traffic, fully.undo), (shares((20, 100)), Some(Deed::Undo(Some(1)))));
    let abort = drafted(Deed::Abort, &canary(|_| ()));
    assert_eq!(abort.title, "Abort Rollout serving/chat: give all traffic back to revision 1");
    assert_eq!((abort.traffic.clone(), abort.undo.clone()), (shares((20, 0)), Some(Deed::Retry)));
    assert_eq!(guards(&abort), [("/status/stableRS".to_owned(), "\"old\"".to_owned())]);
    let aborted = canary(|object| object["status"]["abort"] = json!(true));
    let retry = drafted(Deed::Retry, &aborted);
    assert_eq!(guards(&retry), [("/status/abort".to_owned(), "true".to_owned())]);
}

#[test]
fn what_makes_no_sense_is_refused_before_it_is_sent() {
    let whole = canary(|object| object["status"]["stableRS"] = json!("new"));
    refused(Deed::Promote, &whole, Code::Exists, "with all traffic already");
    refused(Deed::Abort, &whole, Code::Exists, "with all traffic already");
    let aborted = canary(|object| object["status"]["abort"] = json!(true));
    refused(Deed::Promote, &aborted, Code::BadInput, "Retry it first");
    refused(Deed::Abort, &aborted, Code::Exists, "aborted already");
    refused(Deed::Retry, &canary(|_| ()), Code::NotOffered, "was not aborted");
    let first = canary(|object| object["status"]["stableRS"] = json!(""));
    refused(Deed::Abort, &first, Code::NotOffered, "No revision of it was ever stable");
    let blue = canary(|object| {
        object["spec"]["strategy"] = json!({ "blueGreen": { "activeService": "a" } });
        object["status"].as_object_mut().unwrap().remove("pauseConditions");
    });
    refused(Deed::Promote, &blue, Code::NotOffered, "waits at no step");
    assert_eq!(
        made(&workload("Deployment"), Deed::Abort, &canary(|_| ()), &kept()).unwrap_err().code,
        Code::NotOffered
    );
}

#[test]
fn an_undo_in_the_middle_goes_back_to_the_stable_revision() {
    // A server fills in what a ReplicaSet leaves out, and of a custom resource nothing: its own revision is not its equal.
    let mut kept = kept();
    kept[0].template["spec"]["dnsPolicy"] = json!("ClusterFirst");
    let filled = made(&workload("Rollout"), Deed::Undo(None), &canary(|_| ()), &kept).unwrap();
    assert_eq!(
        (filled.title.as_str(), filled.undo),
        ("Take Rollout serving/chat back to revision 1", Some(Deed::Undo(Some(2))))
    );
    let draft = drafted(Deed::Undo(None), &canary(|_| ()));
    assert_eq!(draft.title, "Take Rollout serving/chat back to revision 1");
    assert_eq!(patch_of(&draft, 0)[1]["value"], template("vllm:1"));
    assert_eq!(draft.risk.1, "It is its stable revision: no step is waited for.");
    assert_eq!(draft.traffic, shares((20, 0)));
    // Whatever was tried in between: revision 2 was aborted, and 3 is on its way.
    let mut tried = self::kept();
    tried.insert(0, Revision { number: 3, template: template("vllm:3"), hash: Some("newer".into()), available: 1 });
    let third = canary(|object| object["status"]["currentPodHash"] = json!("newer"));
    let draft = made(&workload("Rollout"), Deed::Undo(None), &third, &tried).unwrap();
    assert_eq!(draft.title, "Take Rollout serving/chat back to revision 1");
    let named = made(&workload("Rollout"), Deed::Undo(Some(2)), &third, &tried).unwrap();
    assert_eq!((named.traffic, named.risk.1.as_str()), (vec![], "Pods are made anew, by the steps of its strategy."));
}

#[track_caller]
fn check(deed: Deed, object: &Value, want: Result<&str, &str>) {
    let sent: Vec<_> = match made(&workload("Rollout"), deed.clone(), &canary(|_| ()), &kept()) {
        Ok(draft) => guards(&draft),
        Err(_) => Vec::new(),
    };
    let got = seen_of(workload("Rollout"), deed, sent, Some(object), &[]);
    match (got, want) {
        (Seen::Met(got), Ok(want)) => assert_eq!(got, want),
        (Seen::NotYet(got) | Seen::Never(got), Err(want)) => assert_eq!(got, want),
        (got, want) => panic!("{got:?} instead of {want:?}"),
    }
}

#[test]
fn a_promotion_is_seen_once_the_pause_is_another_one() {
    check(Deed::Promote, &canary(|_| ()), Err("it is still at the same step"));
    let on = canary(|object| {
        object["status"].as_object_mut().unwrap().remove("pauseConditions");
        object["status"]["currentStepIndex"] = json!(2);
        object["status"]["phase"] = json!("Progressing");
        object["status"]["controllerPause"] = json!(false);
    });
    check(Deed::Promote, &on, Ok("it goes on at step 3 of 4"));
    let next = canary(|object| {
        object["status"]["pauseConditions"][0]["startTime"] = json!("2026-11-28T12:00:01Z");
        object["status"]["currentStepIndex"] = json!(3);
    });
    check(Deed::Promote, &next, Ok("it waits at step 4 of 4: CanaryPauseStep"));
}

#[test]
fn an_abort_is_seen_once_no_traffic_is_left_and_the_old_pods_are_ready() {
    let degraded = |updated: u64, available: u64| {
        canary(|object| {
            object["status"]["abort"] = json!(true);
            object["status"]["phase"] = json!("Degraded");
            object["status"]["updatedReplicas"] = json!(updated);
            object["status"]["availableReplicas"] = json!(available);
            object["status"]["controllerPause"] = json!(false);
        })
    };
    check(Deed::Abort, &canary(|_| ()), Err("it was retried, or given another revision, since"));
    check(Deed::Abort, &degraded(1, 5), Err("some traffic is still at the newest revision"));
    check(Deed::Abort, &degraded(0, 4), Err("4 of 5 pods are ready"));
    check(Deed::Abort, &degraded(0, 5), Ok("all traffic is at the stable revision, 5 of 5 pods are ready"));
    check(Deed::Retry, &degraded(0, 5), Err("it is still aborted"));
    check(Deed::Retry, &canary(|_| ()), Ok("it waits at step 2 of 4: CanaryPauseStep"));
}

#[test]
fn a_new_template_is_seen_when_it_is_healthy_or_waits_at_a_step() {
    let unseen = canary(|object| object["metadata"]["generation"] = json!(4));
    check(Deed::Undo(None), &unseen, Err("its controller has not seen it yet"));
    check(Deed::Undo(None), &canary(|_| ()), Ok("it waits at step 2 of 4: CanaryPauseStep"));
    let healthy = canary(|object| {
        object["status"]["phase"] = json!("Healthy");
        object["status"]["stableRS"] = json!("new");
    });
    check(Deed::Undo(None), &healthy, Ok("5 of 5 pods are ready"));
    check(Deed::PromoteFully, &healthy, Ok("5 of 5 pods are ready"));
    let bad = canary(|object| {
        object["status"]["phase"] = json!("Degraded");
        object["status"]["message"] = json!("ProgressDeadlineExceeded: it took too long");
    });
    check(Deed::Undo(None), &bad, Err("ProgressDeadlineExceeded: it took too long"));
}

#[test]
fn guards_are_fields_and_never_the_whole_version() {
    for deed in [Deed::Promote, Deed::PromoteFully, Deed::Abort, Deed::Undo(None)] {
        let draft = drafted(deed, &canary(|_| ()));
        let paths: Vec<&str> =
            draft.steps.iter().flat_map(|part| &part.guards).map(|guard| guard.path.as_str()).collect();
        assert!(!paths.is_empty() && !paths.contains(&"/metadata/resourceVersion"), "{paths:?}");
    }
}
