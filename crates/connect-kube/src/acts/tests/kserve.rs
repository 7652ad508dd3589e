//! A service of KServe is given a share, promoted, rolled back, stopped, started, given a model: what is sent, how traffic would
//! be split, and when it is so.

use super::{Body, Deed, Draft, guards, made, patch, seen_of, workload};
use pilothouse_connect::Seen;
use pilothouse_wire::{
    Code,
    plan::{Affected, Risk, Share},
};
use serde_json::{Value, json};

const KIND: &str = "InferenceService";
const PERCENT: &str = "/spec/predictor/canaryTrafficPercent";
const CREATED: &str = "/status/components/predictor/latestCreatedRevision";
const MODEL: &str = "/spec/predictor/model/storageUri";
const STOPS: &str = "/metadata/annotations/serving.kserve.io~1stop";

/// A service of Knative with 10 % at its second revision.
fn canary(change: impl FnOnce(&mut Value)) -> Value {
    let mut object = json!({
        "metadata": { "name": "chat", "namespace": "serving", "generation": 3, "uid": "u-1" },
        "spec": { "predictor": {
            "minReplicas": 2, "canaryTrafficPercent": 10,
            "model": {
                "modelFormat": { "name": "huggingface" }, "storageUri": "hf://org/two",
                "resources": { "limits": { "nvidia.com/gpu": "4" } },
            },
        } },
        "status": {
            "deploymentMode": "Knative",
            "conditions": [{ "type": "PredictorReady", "status": "True" }, { "type": "Ready", "status": "True" }],
            "components": { "predictor": {
                "latestCreatedRevision": "chat-2", "latestReadyRevision": "chat-2", "latestRolledoutRevision": "chat-1",
                "traffic": [
                    { "latestRevision": true, "percent": 10, "revisionName": "chat-2" },
                    { "percent": 90, "revisionName": "chat-1", "tag": "prev" },
                ],
            } },
        },
    });
    change(&mut object);
    object
}

fn standard(change: impl FnOnce(&mut Value)) -> Value {
    canary(|object| {
        object["status"]["deploymentMode"] = json!("Standard");
        object["status"]["components"] = json!({ "predictor": { "url": "http://chat" } });
        object["spec"]["predictor"].as_object_mut().unwrap().remove("canaryTrafficPercent");
        change(object);
    })
}

fn percent(object: &mut Value, to: Option<u32>) {
    let predictor = object["spec"]["predictor"].as_object_mut().unwrap();
    predictor.remove("canaryTrafficPercent");
    predictor.extend(to.map(|to| ("canaryTrafficPercent".to_owned(), json!(to))));
}

fn traffic(object: &mut Value, shares: &[(&str, u32)]) {
    let target = |(name, percent): &(&str, u32)| json!({ "revisionName": name, "percent": percent });
    object["status"]["components"]["predictor"]["traffic"] = shares.iter().map(target).collect();
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

fn shares(newest: (u32, u32)) -> Vec<Share> {
    let share = Share::in_percent;
    let (now, then) = newest;
    vec![share("chat-2, newest", now, then), share("chat-1, before", 100 - now, 100 - then)]
}

#[test]
fn a_share_depends_on_the_revision_that_was_read_and_says_what_follows() {
    let draft = drafted(Deed::Canary(50), &canary(|_| ()));
    assert_eq!(draft.title, "Give the newest revision of InferenceService serving/chat 50 % of its traffic");
    let put = json!({ "op": "add", "path": PERCENT, "value": 50 });
    assert_eq!(patch(&draft), json!([test(CREATED, "chat-2"), test(PERCENT, 10), put]));
    assert_eq!((draft.traffic, draft.undo), (shares((10, 50)), Some(Deed::Canary(10))));
    assert_eq!(draft.affected, Affected::default());
    // Where none was said, all of it is what it goes back to.
    let promoted = canary(|object| percent(object, None));
    assert_eq!(drafted(Deed::Canary(5), &promoted).undo, Some(Deed::Promote));
    // One that has no other revision moves nothing by it.
    let alone = canary(|object| {
        percent(object, None);
        traffic(object, &[("chat-2", 100)]);
        object["status"]["components"]["predictor"]["latestRolledoutRevision"] = json!("chat-2");
    });
    let draft = drafted(Deed::Canary(10), &alone);
    assert_eq!(draft.traffic, [Share::in_percent("chat-2, the only one", 100, 100)]);
    assert!(draft.warnings[0].contains("the next revision gets 10 % at first"), "{:?}", draft.warnings);
    refused(Deed::Canary(10), &canary(|_| ()), Code::Exists, "at 10 % already");
    refused(Deed::Canary(101), &canary(|_| ()), Code::BadInput, "is no percentage");
}

#[test]
fn all_the_way_and_all_the_way_back_are_said_in_traffic() {
    let draft = drafted(Deed::Promote, &canary(|_| ()));
    let put = json!({ "op": "remove", "path": PERCENT });
    assert_eq!(patch(&draft), json!([test(CREATED, "chat-2"), test(PERCENT, 10), put]));
    assert_eq!((draft.traffic, draft.undo), (shares((10, 100)), Some(Deed::Canary(10))));
    let back = drafted(Deed::Abort, &canary(|_| ()));
    assert_eq!(back.title, "Roll InferenceService serving/chat back: give all traffic to chat-1");
    // Only that another revision is the one to go back to would make it wrong.
    let at = "/status/components/predictor/latestRolledoutRevision";
    assert_eq!(patch(&back), json!([test(at, "chat-1"), { "op": "add", "path": PERCENT, "value": 0 }]));
    assert_eq!((back.traffic, back.undo, back.risk.0), (shares((10, 0)), Some(Deed::Canary(10)), Risk::Low));
    // What was promoted goes back to the one that had all traffic before.
    let promoted = canary(|object| {
        percent(object, None);
        traffic(object, &[("chat-2", 100)]);
        let of = &mut object["status"]["components"]["predictor"];
        (of["latestRolledoutRevision"], of["previousRolledoutRevision"]) = (json!("chat-2"), json!("chat-1"));
    });
    let back = drafted(Deed::Abort, &promoted);
    let at = "/status/components/predictor/previousRolledoutRevision";
    assert_eq!(guards(&back), [(at.to_owned(), "\"chat-1\"".to_owned())]);
    assert_eq!((back.traffic, back.undo), (shares((100, 0)), Some(Deed::Promote)));
    refused(Deed::Promote, &promoted, Code::Exists, "with all traffic already");
    refused(Deed::Abort, &canary(|object| percent(object, Some(0))), Code::Exists, "rolled back already");
    let first = canary(|object| {
        traffic(object, &[("chat-2", 100)]);
        object["status"]["components"]["predictor"]["latestRolledoutRevision"] = json!("chat-2");
    });
    refused(Deed::Abort, &first, Code::NotOffered, "there is none to go back to");
}

#[test]
fn where_a_deployment_makes_the_pods_nothing_is_split_and_why_is_said() {
    for deed in [Deed::Canary(10), Deed::Promote, Deed::Abort] {
        refused(deed, &standard(|_| ()), Code::NotOffered, "no two revisions of it share traffic");
    }
    refused(Deed::Abort, &standard(|_| ()), Code::NotOffered, "pilothouse act set-model");
    refused(Deed::Undo(None), &standard(|_| ()), Code::NotOffered, "what is taken back there is made anew");
    refused(Deed::Undo(None), &canary(|_| ()), Code::NotOffered, "pilothouse act abort");
    let unsaid = standard(|object| object["status"] = json!({}));
    refused(Deed::Canary(10), &unsaid, Code::NotOffered, "has not said yet");
    let problem = made(&workload("Deployment"), Deed::Stop, &standard(|_| ()), &[]).unwrap_err();
    assert_eq!(problem.code, Code::NotOffered);
}

#[test]
fn a_stop_depends_on_nothing_and_a_start_on_the_stop() {
    let draft = drafted(Deed::Stop, &standard(|_| ()));
    // By a merge: an annotation that came meanwhile stays, and keeps nobody from stopping it.
    let merged = json!({ "metadata": { "annotations": { "serving.kserve.io/stop": "true" } } });
    assert_eq!((&draft.steps[0].body, guards(&draft).len()), (&Body::Merge(merged), 0));
    assert_eq!((draft.affected, draft.risk.0), (Affected::new(2, 8), Risk::High));
    assert!(draft.warnings[0].contains("before v0.16"), "{:?}", draft.warnings);
    assert_eq!(draft.undo, Some(Deed::Start));
    let stopped = standard(|object| {
        object["metadata"]["annotations"] = json!({ "serving.kserve.io/stop": "true", "other": "stays" });
    });
    let draft = drafted(Deed::Start, &stopped);
    assert_eq!(patch(&draft), json!([test(STOPS, "true"), { "op": "add", "path": STOPS, "value": "false" }]));
    refused(Deed::Stop, &stopped, Code::Exists, "stopped already");
    refused(Deed::Start, &standard(|_| ()), Code::Exists, "not stopped already");
}

#[test]
fn a_model_is_set_where_it_stands_and_its_way_back_is_the_one_before() {
    let draft = drafted(Deed::SetModel("hf://org/three".into()), &standard(|_| ()));
    assert_eq!(draft.title, "Serve hf://org/three by InferenceService serving/chat");
    let put = json!({ "op": "replace", "path": MODEL, "value": "hf://org/three" });
    assert_eq!(patch(&draft), json!([test(MODEL, "hf://org/two"), put]));
    assert_eq!(draft.undo, Some(Deed::SetModel("hf://org/two".into())));
    assert!(draft.traffic.is_empty() && draft.risk.1.contains("Every pod is made anew"), "{draft:?}");
    // A credential is neither taken nor shown nor sent.
    let open = Deed::SetModel("https://ann:hunter2@models/chat".into());
    refused(open, &standard(|_| ()), Code::BadInput, "a credential in the address");
    let closed = standard(|object| {
        object["spec"]["predictor"]["model"]["storageUri"] = json!("https://ann:hunter2@models/chat");
    });
    let draft = drafted(Deed::SetModel("hf://org/three".into()), &closed);
    assert_eq!((guards(&draft), draft.undo.clone()), (vec![("/metadata/generation".to_owned(), "3".to_owned())], None));
    assert!(!format!("{draft:?}").contains("hunter2"), "{draft:?}");
    // Of Knative the revision that comes gets the share that is set, and the one that had all traffic the rest.
    let draft = drafted(Deed::SetModel("hf://org/three".into()), &canary(|_| ()));
    assert_eq!(guards(&draft)[1], (CREATED.to_owned(), "\"chat-2\"".to_owned()));
    let share = Share::in_percent;
    assert_eq!(
        draft.traffic,
        [share("the revision that comes", 0, 10), share("chat-2", 10, 0), share("chat-1", 90, 90)]
    );
    let framework = standard(|object| {
        object["spec"]["predictor"] = json!({ "sklearn": { "storageUri": "gs://a" } });
    });
    let draft = drafted(Deed::SetModel("gs://b".into()), &framework);
    assert_eq!(guards(&draft)[0].0, "/spec/predictor/sklearn/storageUri");
    let own = standard(|object| object["spec"]["predictor"] = json!({ "containers": [{ "name": "c", "image": "i" }] }));
    refused(Deed::SetModel("gs://b".into()), &own, Code::NotOffered, "names no address");
    refused(Deed::SetModel("a b".into()), &standard(|_| ()), Code::BadInput, "no address of a model");
    refused(Deed::SetModel("hf://org/two".into()), &standard(|_| ()), Code::Exists, "already");
}

#[track_caller]
fn check(deed: Deed, planned: &Value, now: &Value, predictors: &[Value], want: Result<&str, &str>) {
    let sent = guards(&drafted(deed.clone(), planned));
    match (seen_of(workload(KIND), deed, sent, Some(now), predictors), want) {
        (Seen::Met(got), Ok(want)) => assert_eq!(got, want),
        (Seen::NotYet(got) | Seen::Never(got), Err(want)) => assert_eq!(got, want),
        (got, want) => panic!("{got:?} instead of {want:?}"),
    }
}

#[test]
fn a_share_is_seen_once_the_router_has_it() {
    let was = canary(|_| ());
    let at = |to, shares: &[(&str, u32)]| {
        canary(|object| {
            percent(object, to);
            traffic(object, shares);
        })
    };
    let (before, half) = ([("chat-2", 10), ("chat-1", 90)], [("chat-2", 50), ("chat-1", 50)]);
    check(Deed::Canary(50), &was, &at(Some(50), &before), &[], Err("chat-2 gets 10 %"));
    check(Deed::Canary(50), &was, &at(Some(50), &half), &[], Ok("chat-2 gets 50 %, chat-1 the rest"));
    check(Deed::Canary(50), &was, &at(Some(40), &half), &[], Err("somebody set another share since"));
    check(Deed::Promote, &was, &at(None, &half), &[], Err("chat-2 gets 50 %"));
    check(Deed::Promote, &was, &at(None, &[("chat-2", 100)]), &[], Ok("all traffic is at chat-2"));
    check(Deed::Abort, &was, &at(Some(0), &before), &[], Err("chat-2 gets 10 %"));
    check(Deed::Abort, &was, &at(Some(0), &[("chat-2", 0), ("chat-1", 100)]), &[], Ok("all traffic is at chat-1"));
    check(Deed::Abort, &was, &was, &[], Err("somebody set another share since"));
}

#[test]
fn a_stop_is_seen_in_its_condition_and_in_what_is_gone() {
    let is = |wants: &str, stopped: &str| {
        standard(|object| {
            object["metadata"]["annotations"] = json!({ "serving.kserve.io/stop": wants });
            object["status"]["conditions"] = json!([
                { "type": "Stopped", "status": stopped }, { "type": "PredictorReady", "status": "False", "reason": "Stopped" },
            ]);
        })
    };
    let (was, some) = (standard(|_| ()), [json!({ "metadata": {} })]);
    check(Deed::Stop, &was, &is("true", "False"), &some, Err("it is being stopped"));
    check(Deed::Stop, &was, &is("true", "True"), &some, Err("its pods are ending"));
    check(Deed::Stop, &was, &is("true", "True"), &[], Ok("it is stopped, and has no pods"));
    check(Deed::Stop, &was, &is("false", "True"), &[], Err("somebody started it since"));
    let stopped = is("true", "True");
    check(Deed::Start, &stopped, &is("false", "True"), &[], Err("it is being started"));
    check(Deed::Start, &stopped, &standard(|_| ()), &[], Ok("it is ready"));
    check(Deed::Start, &stopped, &stopped, &[], Err("somebody stopped it since"));
}

#[test]
fn a_model_is_seen_once_its_pods_are_ready_with_it() {
    let set = || Deed::SetModel("hf://org/three".into());
    let was = standard(|_| ());
    let now = standard(|object| object["spec"]["predictor"]["model"]["storageUri"] = json!("hf://org/three"));
    let deployment = |uri: &str, updated: u64| {
        json!({
            "metadata": { "generation": 2 },
            "spec": { "replicas": 2, "template": { "metadata": { "annotations": {
                "internal.serving.kserve.io/storage-initializer-sourceuri": uri,
            } } } },
            "status": {
                "observedGeneration": 2, "replicas": 2, "updatedReplicas": updated, "availableReplicas": 2,
            },
        })
    };
    let one = |uri: &str, updated| [deployment(uri, updated)];
    check(set(), &was, &was, &[], Err("it was given another model since"));
    check(set(), &was, &now, &[], Err("its controller has made no pods of it yet"));
    check(set(), &was, &now, &one("hf://org/two", 2), Err("its controller has not taken the model up yet"));
    check(set(), &was, &now, &one("hf://org/three", 1), Err("1 of 2 pods are of the newest revision"));
    check(set(), &was, &now, &one("hf://org/three", 2), Ok("its pods are ready with the model"));
    // Of Knative a revision that is another than when it was planned.
    let (was, of) = (canary(|_| ()), |created: &str, ready: &str| {
        canary(|object| {
            object["spec"]["predictor"]["model"]["storageUri"] = json!("hf://org/three");
            let of = &mut object["status"]["components"]["predictor"];
            (of["latestCreatedRevision"], of["latestReadyRevision"]) = (json!(created), json!(ready));
            traffic(object, &[(ready, 10), ("chat-1", 90)]);
        })
    });
    check(set(), &was, &of("chat-2", "chat-2"), &[], Err("its router has made no new revision yet"));
    check(set(), &was, &of("chat-3", "chat-2"), &[], Err("revision chat-3 is not ready yet"));
    check(set(), &was, &of("chat-3", "chat-3"), &[], Ok("revision chat-3 is ready, and gets 10 %"));
}

#[test]
fn guards_are_fields_and_never_the_whole_version() {
    let set = Deed::SetModel("hf://org/three".into());
    for deed in [Deed::Canary(50), Deed::Promote, Deed::Abort, set] {
        let draft = drafted(deed, &canary(|_| ()));
        let paths: Vec<String> = guards(&draft).into_iter().map(|(path, _)| path).collect();
        let whole = ["/metadata/resourceVersion", "/metadata/generation"];
        assert!(!paths.is_empty() && paths.iter().all(|path| !whole.contains(&path.as_str())), "{paths:?}");
    }
}
