//! A Rollout is promoted, aborted, retried, taken back: what is sent, how traffic would be split, and when it is so.

use super::{
    Body, Deed, Revision, Target, guards, made, patch_of, plan_of, resized, seen, seen_of, template, workload,
};
use pilothouse_connect::Seen;
use pilothouse_wire::{
    Code, Stamp,
    plan::{Affected, Plan, Risk, Share},
};
use serde_json::{Value, json};

/// A canary of five pods at its first pause, with 20 % at revision 2.
pub(super) fn canary(change: impl FnOnce(&mut Value)) -> Value {
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

pub(super) fn kept() -> Vec<Revision> {
    vec![revision(2, "vllm:2", "new", 1), revision(1, "vllm:1", "old", 4)]
}

fn revision(number: u64, image: &str, hash: &str, pods: u32) -> Revision {
    Revision {
        number,
        template: template(image),
        hash: Some(hash.into()),
        available: pods.into(),
        pods,
        ..Revision::default()
    }
}

pub(super) fn shares(newest: (u32, u32)) -> Vec<Share> {
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
    tried.insert(0, revision(3, "vllm:3", "newer", 1));
    let third = canary(|object| object["status"]["currentPodHash"] = json!("newer"));
    let draft = made(&workload("Rollout"), Deed::Undo(None), &third, &tried).unwrap();
    assert_eq!(draft.title, "Take Rollout serving/chat back to revision 1");
    // To any other by the steps: the one that was on its way loses its traffic.
    let named = made(&workload("Rollout"), Deed::Undo(Some(2)), &third, &tried).unwrap();
    let share = Share::in_percent;
    assert_eq!(
        named.traffic,
        [share("revision 2, coming", 0, 20), share("revision 3, newest", 20, 0), share("revision 1, stable", 80, 80)]
    );
    let words =
        "Pods are made anew, by the steps of its strategy. It waits for a person at step 2 of 4, at a weight of 20 %.";
    assert_eq!(named.risk.1, words);
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

/// All traffic at revision 2, and five pods of it.
fn whole(change: impl FnOnce(&mut Value)) -> (Value, Vec<Revision>) {
    let object = canary(|object| {
        object["status"]["stableRS"] = json!("new");
        object["status"]["currentStepIndex"] = json!(4);
        object["status"]["phase"] = json!("Healthy");
        object["status"]["controllerPause"] = json!(false);
        object["status"].as_object_mut().unwrap().remove("pauseConditions");
        change(object);
    });
    (object, vec![revision(2, "vllm:2", "new", 5), revision(1, "vllm:1", "old", 0)])
}

fn image(image: &str) -> Deed {
    Deed::SetImage { container: "engine".into(), image: image.into() }
}

#[test]
fn the_pods_of_a_deed_are_those_of_the_revisions_that_it_touches() {
    let (object, share) = (canary(|_| ()), ("revision 2, newest", "revision 1, stable"));
    let affected = |deed: Deed, object: &Value| drafted(deed, object).affected;
    // Five pods of two GPUs each; not all of them are touched.
    let some = |newest: (u32, u32), stable: (u32, u32)| {
        let pods = newest.0.abs_diff(newest.1) + stable.0.abs_diff(stable.1);
        let rows = [(share.0, newest.0, newest.1), (share.1, stable.0, stable.1)];
        let rows: Vec<_> = rows.into_iter().filter(|(_, now, then)| now != then).collect();
        resized(pods, u64::from(pods) * 2, &rows)
    };
    assert_eq!(affected(Deed::Promote, &object), some((1, 3), (4, 2)));
    assert_eq!(affected(Deed::PromoteFully, &object), some((1, 5), (4, 0)));
    assert_eq!(affected(Deed::Abort, &object), some((1, 0), (4, 5)));
    // Where a router splits traffic the stable one keeps its pods, and a step may say how many the newest has.
    let routed = |change: fn(&mut Value)| {
        canary(|object| {
            object["spec"]["strategy"]["canary"]["trafficRouting"] = json!({ "istio": {} });
            object["status"]["canary"] = json!({ "weights": { "canary": { "weight": 20 } } });
            change(object);
        })
    };
    assert_eq!(affected(Deed::Promote, &routed(|_| ())), some((1, 3), (4, 5)));
    let scaled = routed(|object| {
        let steps = &mut object["spec"]["strategy"]["canary"]["steps"];
        steps[2] = json!({ "setCanaryScale": { "replicas": 2 } });
    });
    assert_eq!(affected(Deed::Promote, &scaled), some((1, 2), (4, 5)));
    let shrinks = routed(|object| object["spec"]["strategy"]["canary"]["dynamicStableScale"] = json!(true));
    assert_eq!(affected(Deed::Promote, &shrinks), some((1, 3), (4, 2)));
    // Told to keep what was aborted, it keeps it.
    let kept = routed(|object| object["spec"]["strategy"]["canary"]["abortScaleDownDelaySeconds"] = json!(0));
    assert_eq!(affected(Deed::Abort, &kept), some((1, 1), (4, 5)));
    // Of revisions that cannot be read all pods are counted, and no share is made up.
    let draft = made(&workload("Rollout"), Deed::Promote, &object, &[]).unwrap();
    assert_eq!((draft.affected, draft.traffic.len()), (Affected::new(5, 10), 0));
}

#[test]
fn another_image_begins_at_the_first_step_and_says_its_weight() {
    let share = Share::in_percent;
    let (object, kept) = whole(|_| ());
    let draft = made(&workload("Rollout"), image("vllm:3"), &object, &kept).unwrap();
    assert_eq!(draft.traffic, [share("the revision that comes", 0, 20), share("revision 2, stable", 100, 80)]);
    let rows = [("the revision that comes", 0, 1), ("revision 2, stable", 5, 4)];
    assert_eq!((draft.affected, draft.undo), (resized(2, 4, &rows), Some(image("vllm:2"))));
    assert!(draft.risk.1.ends_with("It waits for a person at step 2 of 4, at a weight of 20 %."), "{}", draft.risk.1);
    // In the middle of another: that one loses what it has.
    let draft = drafted(image("vllm:3"), &canary(|_| ()));
    assert_eq!(
        draft.traffic,
        [
            share("the revision that comes", 0, 20),
            share("revision 2, newest", 20, 0),
            share("revision 1, stable", 80, 80)
        ]
    );
    // The image of the stable revision is the way back, and waits for no step.
    let draft = drafted(image("vllm:1"), &canary(|_| ()));
    assert_eq!(
        (draft.traffic, draft.risk.1.as_str()),
        (shares((20, 0)), "It is its stable revision: no step is waited for.")
    );
    // Three pods and one more come no nearer to 20 % than one in four or one in three.
    let few = whole(|object| object["spec"]["replicas"] = json!(3)).0;
    let draft = made(&workload("Rollout"), image("vllm:3"), &few, &kept).unwrap();
    assert_eq!(draft.traffic[0], share("the revision that comes", 0, 25));
    assert!(draft.risk.1.ends_with("Without a router its pods come no nearer to that than 25 %."), "{}", draft.risk.1);
    // The first revision of all is given everything.
    let first = canary(|object| object["status"]["stableRS"] = json!(""));
    let draft = drafted(image("vllm:3"), &first);
    assert_eq!(draft.traffic, [share("the revision that comes", 0, 100), share("revision 2, newest", 100, 0)]);
}

#[test]
fn one_that_was_promoted_goes_back_by_its_steps_unless_its_window_says_otherwise() {
    let share = Share::in_percent;
    let back = |object: &Value, kept: &[Revision]| made(&workload("Rollout"), Deed::Undo(None), object, kept).unwrap();
    let (object, kept) = whole(|_| ());
    let draft = back(&object, &kept);
    assert_eq!(draft.traffic, [share("revision 1, coming", 0, 20), share("revision 2, stable", 100, 80)]);
    assert_eq!(draft.affected.pods, 2);
    assert!(draft.risk.1.contains("It waits for a person at step 2 of 4"), "{}", draft.risk.1);
    let dated = |of: &[Revision]| {
        let mut of = of.to_vec();
        of[0].created = Some(Stamp(2_000));
        of[1].created = Some(Stamp(1_000));
        of
    };
    let (within, kept) = whole(|object| object["spec"]["rollbackWindow"] = json!({ "revisions": 1 }));
    let draft = back(&within, &dated(&kept));
    assert_eq!(draft.traffic, [share("revision 1, coming", 0, 100), share("revision 2, stable", 100, 0)]);
    assert!(draft.risk.1.contains("within its window of rollbacks"), "{}", draft.risk.1);
    // With another in between it is outside.
    let mut between = dated(&kept);
    between.push(Revision { created: Some(Stamp(1_500)), ..revision(9, "vllm:9", "mid", 0) });
    let draft = made(&workload("Rollout"), Deed::Undo(Some(1)), &within, &between).unwrap();
    assert_eq!(draft.traffic[0], share("revision 1, coming", 0, 20));
    // Blue and green: beside the stable one until somebody turns it, but at once while its pods are still there.
    let blue_green = |object: &mut Value| {
        object["spec"]["strategy"] = json!({ "blueGreen": { "activeService": "chat", "autoPromotionEnabled": false } });
        object["status"]["blueGreen"] = json!({ "activeSelector": "new" });
        object["status"].as_object_mut().unwrap().remove("currentStepIndex");
    };
    let (blue, mut kept) = whole(blue_green);
    let draft = back(&blue, &kept);
    assert_eq!(draft.traffic, [share("revision 1, coming", 0, 0), share("revision 2, stable", 100, 100)]);
    assert_eq!(draft.affected, resized(5, 10, &[("revision 1, coming", 0, 5)]));
    assert!(draft.risk.1.ends_with("without traffic until a person promotes it."), "{}", draft.risk.1);
    (kept[1].lingers, kept[1].pods) = (true, 5);
    assert_eq!(back(&blue, &kept).traffic[0], share("revision 1, coming", 0, 100));
}

#[test]
fn a_retry_begins_the_steps_anew_and_its_way_back_is_the_one_that_there_will_be() {
    let aborted = |change: fn(&mut Value)| {
        canary(|object| {
            object["status"]["abort"] = json!(true);
            object["status"]["currentStepIndex"] = json!(0);
            object["status"].as_object_mut().unwrap().remove("pauseConditions");
            change(object);
        })
    };
    let kept = [revision(2, "vllm:2", "new", 0), revision(1, "vllm:1", "old", 5)];
    let retried = |object: &Value| made(&workload("Rollout"), Deed::Retry, object, &kept).unwrap();
    let draft = retried(&aborted(|_| ()));
    assert_eq!((draft.traffic, draft.undo), (shares((0, 20)), Some(Deed::Abort)));
    assert_eq!(draft.affected, resized(2, 4, &[("revision 2, newest", 0, 1), ("revision 1, stable", 5, 4)]));
    assert!(draft.risk.1.contains("at step 2 of 4, at a weight of 20 %"), "{}", draft.risk.1);
    // Nothing stops it: by the time that somebody wants it back there is nothing to abort.
    let runs = aborted(|object| object["spec"]["strategy"]["canary"]["steps"] = json!([{ "setWeight": 20 }]));
    let draft = retried(&runs);
    assert_eq!((draft.traffic, draft.undo), (shares((0, 100)), Some(Deed::Undo(Some(1)))));
}

#[test]
fn what_a_person_has_paused_stays_as_it_is_and_the_plan_says_so() {
    let paused = |object: &mut Value| object["spec"]["paused"] = json!(true);
    let (object, kept) = whole(paused);
    for deed in [Deed::Undo(None), image("vllm:3")] {
        let draft = made(&workload("Rollout"), deed.clone(), &object, &kept).unwrap();
        assert!(draft.traffic.iter().all(|share| share.now == share.then), "{:?}", draft.traffic);
        assert_eq!((&draft.affected, draft.risk.0), (&Affected::default(), Risk::Low));
        assert!(draft.warnings[0].contains("It stays paused"), "{:?}", draft.warnings);
        assert_eq!(draft.success.words, "its template is the new one, and it stays paused");
        let mut now = object.clone();
        now["status"]["phase"] = json!("Paused");
        let quiet = plan_of(workload("Rollout"), deed, guards(&draft));
        assert_eq!(seen(&quiet, Some(&now), &[]), Seen::Met("its template is the new one, and it stays paused".into()));
        // Paused only since it was planned, it has not come to pass.
        let moved = Plan { affected: Affected::new(2, 4), ..quiet };
        let words = "a person has paused it: no pod changes until it is resumed";
        assert_eq!(seen(&moved, Some(&now), &[]), Seen::NotYet(words.into()));
    }
}

#[test]
fn what_is_ended_before_it_failed_counts_as_passed_and_who_goes_on_is_named() {
    let run = json!({
        "kind": "AnalysisRun", "status": { "phase": "Running" },
        "metadata": {
            "name": "chat-2", "namespace": "serving",
            "ownerReferences": [{ "kind": "Rollout", "name": "chat", "uid": "u-1", "controller": true }],
        },
    });
    let draft = made(&workload("AnalysisRun"), Deed::Terminate, &run, &[]).unwrap();
    let said = &draft.warnings[0];
    assert!(said.contains("counts as passed: Rollout chat goes on") && said.contains("abort it"), "{said}");
}

#[test]
fn what_goes_back_to_what_served_before_is_not_held_up_by_the_pause_of_a_person() {
    let paused = canary(|object| object["spec"]["paused"] = json!(true));
    for deed in [Deed::Abort, Deed::Undo(None), image("vllm:1")] {
        let draft = drafted(deed, &paused);
        assert_eq!(draft.steps.len(), 2, "{draft:?}");
        // Behind what goes back, and without a guard: nothing that somebody did meanwhile keeps it.
        assert_eq!(draft.steps[1].body, Body::Merge(json!({ "spec": { "paused": null } })));
        assert!(draft.steps[1].to == Target::Object && draft.steps[1].guards.is_empty());
        assert_eq!(draft.traffic, shares((20, 0)));
    }
    assert_eq!(drafted(Deed::Abort, &canary(|_| ())).steps.len(), 1);
}

#[test]
fn one_that_is_resumed_says_how_far_it_goes() {
    let at = |step: u64| {
        canary(|object| {
            object["spec"]["paused"] = json!(true);
            object["status"]["currentStepIndex"] = json!(step);
        })
    };
    // At a step that waits nothing changes; at one that sets a weight it does.
    let stays = drafted(Deed::Resume, &at(1));
    assert_eq!((stays.traffic, stays.affected), (shares((20, 20)), Affected::default()));
    let goes = drafted(Deed::Resume, &at(2));
    assert_eq!(goes.traffic, shares((20, 60)));
    assert_eq!(goes.affected, resized(4, 8, &[("revision 2, newest", 1, 3), ("revision 1, stable", 4, 2)]));
    // A template that was set while it was paused has no pods yet, and is made now.
    let unmade = canary(|object| {
        object["spec"]["paused"] = json!(true);
        object["status"]["currentPodHash"] = json!("unmade");
        object["status"]["currentStepIndex"] = json!(0);
    });
    let kept = [revision(2, "vllm:2", "old", 5)];
    let draft = made(&workload("Rollout"), Deed::Resume, &unmade, &kept).unwrap();
    assert_eq!(draft.traffic, [Share::in_percent("newest", 0, 20), Share::in_percent("revision 2, stable", 100, 80)]);
    assert_eq!(draft.affected, resized(2, 4, &[("newest", 0, 1), ("revision 2, stable", 5, 4)]));
}
