//! A canary beside the predictor of a service in Standard mode: what is sent for it, and when it is so.

use super::{Deed, Draft, guards, made, patch, resized, seen_of, workload};
use pilothouse_connect::Seen;
use pilothouse_wire::{
    Code,
    plan::{Affected, Risk, Share},
};
use serde_json::{Value, json};

const KIND: &str = "InferenceService";
const NAME: &str = "/spec/canary/0/predictor/name";
const PERCENT: &str = "/spec/canary/0/trafficPercent";

/// A service of four pods with two GPUs each, of which a canary has a quarter.
fn service(change: impl FnOnce(&mut Value)) -> Value {
    let predictor = |model: &str| {
        json!({ "model": {
            "modelFormat": { "name": "huggingface" }, "storageUri": model,
            "resources": { "limits": { "nvidia.com/gpu": "2" } },
        } })
    };
    let (mut own, mut canary) = (predictor("hf://org/one"), predictor("hf://org/two"));
    (own["minReplicas"], own["serviceAccountName"]) = (json!(4), json!("engine"));
    canary["name"] = json!("v2");
    let mut object = json!({
        "metadata": { "name": "chat", "namespace": "serving", "generation": 3, "uid": "u-1" },
        "spec": { "predictor": own, "canary": [{ "predictor": canary, "trafficPercent": 25 }] },
        "status": {
            "deploymentMode": "Standard", "conditions": [{ "type": "Ready", "status": "True" }],
            "canaryStatuses": [{ "name": "v2", "ready": true, "trafficPercent": 25 }],
        },
    });
    change(&mut object);
    object
}

fn drafted(deed: Deed, object: &Value) -> Draft {
    made(&workload(KIND), deed, object, &[]).unwrap()
}

#[track_caller]
fn refused(deed: Deed, object: &Value, code: Code, said: &str) {
    let problem = made(&workload(KIND), deed, object, &[]).unwrap_err();
    assert_eq!(problem.code, code, "{problem}");
    assert!(problem.to_string().contains(said), "{problem}");
}

fn test(path: &str, value: impl Into<Value>) -> Value {
    json!({ "op": "test", "path": path, "value": value.into() })
}

fn shares(now: u32, then: u32) -> Vec<Share> {
    let share = Share::in_percent;
    vec![share("canary v2", now, then), share("what is beside it", 100 - now, 100 - then)]
}

#[test]
fn a_share_is_set_where_it_stands_and_says_which_pods_come_and_go() {
    let draft = drafted(Deed::Canary(50), &service(|_| ()));
    assert_eq!(draft.title, "Give canary v2 of InferenceService serving/chat a share of 50 %");
    let put = json!({ "op": "replace", "path": PERCENT, "value": 50 });
    assert_eq!(patch(&draft), json!([test(NAME, "v2"), test(PERCENT, 25), put]));
    assert_eq!((draft.traffic, draft.undo), (shares(25, 50), Some(Deed::Canary(25))));
    // One pod of each.
    let rows = [("canary v2", 1, 2), ("what is beside it", 3, 2)];
    assert_eq!((draft.affected, draft.risk.0), (resized(2, 4, &rows), Risk::Medium));
    assert!(draft.warnings[0].contains("sends nobody there"), "{:?}", draft.warnings);
    let own = service(|object| object["spec"]["canary"][0]["predictor"]["minReplicas"] = json!(1));
    let draft = drafted(Deed::Canary(50), &own);
    assert_eq!(draft.affected, Affected::default());
    assert!(draft.warnings[1].contains("its own number of pods"), "{:?}", draft.warnings);
    refused(Deed::Canary(25), &service(|_| ()), Code::Exists, "at 25 % for canary v2 already");
    refused(Deed::Canary(101), &service(|_| ()), Code::BadInput, "is no percentage");
}

#[test]
fn what_takes_its_share_depends_on_its_name_alone() {
    let draft = drafted(Deed::Abort, &service(|_| ()));
    assert_eq!(draft.title, "Roll InferenceService serving/chat back: give canary v2 no share");
    assert_eq!(patch(&draft), json!([test(NAME, "v2"), { "op": "replace", "path": PERCENT, "value": 0 }]));
    assert_eq!((draft.traffic, draft.undo, draft.risk.0), (shares(25, 0), Some(Deed::Canary(25)), Risk::Low));
    let none = service(|object| object["spec"]["canary"][0]["trafficPercent"] = json!(0));
    refused(Deed::Abort, &none, Code::Exists, "rolled back already");
}

#[test]
fn it_is_promoted_by_its_name_with_what_it_leaves_out_as_it_was() {
    let with_pods = service(|object| object["spec"]["canary"][0]["predictor"]["minReplicas"] = json!(1));
    let draft = drafted(Deed::Promote, &with_pods);
    assert_eq!(draft.title, "Promote canary v2 of InferenceService serving/chat: let it serve alone");
    let model = json!({
        "modelFormat": { "name": "huggingface" }, "storageUri": "hf://org/two",
        "resources": { "limits": { "nvidia.com/gpu": "2" } },
    });
    // Neither its number of pods nor its account is another one.
    let sent = json!([
        test(NAME, "v2"), test("/metadata/generation", 3),
        { "op": "add", "path": "/spec/predictor/model", "value": model },
        { "op": "add", "path": "/spec/predictor/name", "value": "v2" },
        { "op": "remove", "path": "/spec/canary" },
    ]);
    assert_eq!(patch(&draft), sent);
    assert_eq!((draft.traffic, draft.undo), (shares(25, 100), Some(Deed::SetModel("hf://org/one".into()))));
    // Three of before end, and three begin beside the one that is there.
    assert_eq!(draft.affected, resized(6, 12, &[("canary v2", 1, 4), ("what is beside it", 3, 0)]));

    // Of one that differs in more nothing is left to go back to.
    let more = service(|object| object["spec"]["canary"][0]["predictor"]["model"]["args"] = json!(["--fast"]));
    let draft = drafted(Deed::Promote, &more);
    assert!(draft.undo.is_none() && draft.warnings[0].contains("nothing takes this back"), "{:?}", draft.warnings);
    let sleepy = service(|object| object["status"]["canaryStatuses"] = json!([]));
    assert!(drafted(Deed::Promote, &sleepy).warnings[0].contains("v2 is not ready"));
}

#[test]
fn what_is_empty_or_false_in_a_canary_leaves_what_is_below_it() {
    let odd = service(|object| {
        let canary = &mut object["spec"]["canary"][0]["predictor"];
        canary["model"]["runtime"] = json!("");
        canary["model"]["args"] = json!([]);
        let own = &mut object["spec"]["predictor"];
        (own["model"]["runtime"], own["model"]["args"]) = (json!("vllm"), json!(["--slow"]));
    });
    let sent = patch(&drafted(Deed::Promote, &odd));
    let model = &sent[2]["value"];
    assert_eq!(
        (&model["runtime"], &model["args"], &model["storageUri"]),
        (&json!("vllm"), &json!(["--slow"]), &json!("hf://org/two"))
    );
}

#[test]
fn of_several_nobody_says_which_one_is_meant() {
    let two = service(|object| {
        let mut other = object["spec"]["canary"][0].clone();
        other["predictor"]["name"] = json!("v3");
        object["spec"]["canary"].as_array_mut().unwrap().push(other);
    });
    for deed in [Deed::Canary(10), Deed::Promote, Deed::Abort] {
        refused(deed, &two, Code::NotOffered, "Several canaries serve beside it (v2, v3)");
    }
}

/// A Deployment of so many pods, all of which are there.
fn deployment(name: &str, wanted: u64, ready: u64) -> Value {
    json!({
        "metadata": { "name": name, "generation": 2 }, "spec": { "replicas": wanted },
        "status": {
            "observedGeneration": 2, "replicas": wanted, "updatedReplicas": wanted, "availableReplicas": ready,
        },
    })
}

#[track_caller]
fn check(deed: Deed, now: &Value, workloads: &[Value], want: Result<&str, &str>) {
    let sent = guards(&drafted(deed.clone(), &service(|_| ())));
    match (seen_of(workload(KIND), deed, sent, Some(now), workloads), want) {
        (Seen::Met(got), Ok(want)) => assert_eq!(got, want),
        (Seen::NotYet(got) | Seen::Never(got), Err(want)) => assert_eq!(got, want),
        (got, want) => panic!("{got:?} instead of {want:?}"),
    }
}

#[test]
fn a_share_is_seen_once_it_is_taken_up_and_the_pods_of_both_are_there() {
    let at = |wanted: u32, said: u32| {
        service(|object| {
            object["spec"]["canary"][0]["trafficPercent"] = json!(wanted);
            object["status"]["canaryStatuses"][0]["trafficPercent"] = json!(said);
        })
    };
    let both = |canary: u64, ready: u64, own: u64| {
        [deployment("chat-predictor", own, own), deployment("chat-v2-predictor", canary, ready)]
    };
    let not_taken_up = Err("its controller has not taken the share up yet");
    check(Deed::Canary(50), &at(50, 25), &both(1, 1, 3), not_taken_up);
    check(Deed::Canary(50), &at(50, 50), &both(2, 1, 2), Err("1 of 2 pods are ready"));
    check(Deed::Canary(50), &at(50, 50), &both(2, 2, 2), Ok("canary v2 has its share of 50 %, and 2 of the pods"));
    check(Deed::Canary(50), &at(40, 40), &both(2, 2, 2), Err("somebody set another share since"));
    check(Deed::Abort, &at(0, 0), &both(0, 0, 4), Ok("canary v2 has its share of 0 %, and 0 of the pods"));
    let gone = service(|object| object["spec"]["canary"] = json!([]));
    check(Deed::Abort, &gone, &[], Err("canary v2 is not beside it any more"));
}

#[test]
fn a_promotion_is_seen_once_its_pods_are_all_there_are() {
    let alone = |name: &str| {
        service(|object| {
            let spec = object["spec"].as_object_mut().unwrap();
            spec.remove("canary");
            spec["predictor"]["name"] = json!(name);
        })
    };
    let (own, old) = (deployment("chat-v2-predictor", 4, 4), deployment("chat-predictor", 3, 3));
    let as_it_was = Err("it is as it was: nothing was written, or it was taken back");
    check(Deed::Promote, &service(|_| ()), &[], as_it_was);
    check(Deed::Promote, &alone("v2"), std::slice::from_ref(&old), Err("its controller has made no pods of it yet"));
    check(Deed::Promote, &alone("v2"), &[old, own.clone()], Err("the pods of before are still there"));
    check(Deed::Promote, &alone("v2"), &[own], Ok("its predictor is v2, and all its pods are ready"));
    check(Deed::Promote, &alone("v3"), &[], Err("its predictor was given another name since"));
}
