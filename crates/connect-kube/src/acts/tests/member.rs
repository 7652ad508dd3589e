//! Weights of members of a routing group: what is sent, what it depends on, how traffic would be split, and when it is so.

use super::*;
use pilothouse_wire::plan::{Portion, Share};

const KIND: &str = "LLMInferenceService";
const WEIGHT: &str = "/spec/router/route/weight";
const GROUP: &str = "/spec/router/route/group";
const MEMBERS: &str = "/status/router/group/members";

/// `chat`, which weighs so much by its spec, in a group with these members.
fn service(name: &str, weight: u32, members: &[(&str, u32)]) -> Value {
    let members: Vec<Value> = members.iter().map(|(name, weight)| json!({ "name": name, "weight": weight })).collect();
    json!({
        "kind": KIND, "metadata": { "name": name, "namespace": "serving", "generation": 3 },
        "spec": { "replicas": 2, "router": { "route": { "group": "chat", "weight": weight } } },
        "status": {
            "router": { "group": { "name": "chat", "members": members } },
            "conditions": [{ "type": "RouterReady", "status": "True" }],
        },
    })
}

fn canary() -> Value {
    service("chat", 10, &[("chat", 10), ("stable", 90)])
}

fn drafted(to: u32, object: &Value) -> Draft {
    made(&workload(KIND), Deed::MemberWeight(to), object, &[]).unwrap()
}

#[track_caller]
fn refused(object: &Value, to: u32, code: Code, said: &str) {
    let problem = made(&workload(KIND), Deed::MemberWeight(to), object, &[]).unwrap_err();
    assert!(problem.code == code && problem.to_string().contains(said), "{problem}");
}

#[test]
fn a_weight_depends_on_those_of_the_others_and_none_on_nobody() {
    let (object, draft) = (canary(), drafted(30, &canary()));
    assert_eq!(draft.title, "Weigh LLMInferenceService serving/chat from 10 to 30 in group chat");
    let test = |path: &str, value: Value| json!({ "op": "test", "path": path, "value": value });
    let put = |to: u32| json!({ "op": "add", "path": WEIGHT, "value": to });
    let held =
        [test(GROUP, json!("chat")), test(WEIGHT, json!(10)), test(MEMBERS, object.pointer(MEMBERS).unwrap().clone())];
    assert_eq!(patch(&draft), json!([held[0], held[1], held[2], put(30)]));
    let share = |of: &str, now: (u32, u64), then: (u32, u64)| {
        let [now, then] = [now, then].map(|(part, whole)| Portion { part, whole });
        Share { of: of.into(), now, then }
    };
    assert_eq!(draft.traffic, [share("chat", (10, 100), (30, 120)), share("stable", (90, 100), (90, 120))]);
    assert_eq!((draft.undo, draft.risk.0), (Some(Deed::MemberWeight(10)), Risk::Medium));
    let none = drafted(0, &object);
    assert_eq!(patch(&none), json!([held[0], put(0)]));
    assert_eq!(none.traffic, [share("chat", (10, 100), (0, 90)), share("stable", (90, 100), (90, 90))]);
}

#[test]
fn what_cannot_be_weighed_says_why_and_what_moves_nothing_says_so() {
    let mut alone = canary();
    alone["spec"]["router"]["route"] = json!({ "http": {} });
    refused(&alone, 5, Code::NotOffered, "in no routing group");
    refused(&canary(), 10, Code::Exists, "weighed 10 already");
    refused(&canary(), 1_000_001, Code::BadInput, "too heavy");
    let last = service("chat", 10, &[("chat", 10), ("stable", 0)]);
    let draft = drafted(0, &last);
    assert_eq!(draft.risk.0, Risk::High, "{:?}", draft.risk);
    let waits = service("chat", 10, &[("stable", 90)]);
    let draft = drafted(20, &waits);
    assert_eq!((draft.risk.0, draft.traffic.len()), (Risk::Low, 1));
    assert!(draft.warnings[0].contains("not ready"), "{:?}", draft.warnings);
    let mut stopped = canary();
    stopped["status"]["router"]["group"]["members"][0]["stopped"] = json!(true);
    let draft = drafted(20, &stopped);
    assert!(draft.warnings[0].contains("stopped") && draft.traffic[0].then.part == 0, "{draft:?}");
}

#[test]
fn a_stop_gives_its_traffic_to_the_others_and_a_start_takes_it_again() {
    let share = |of: &str, now: (u32, u64), then: (u32, u64)| {
        let [now, then] = [now, then].map(|(part, whole)| Portion { part, whole });
        Share { of: of.into(), now, then }
    };
    let of = |deed: Deed, object: &Value| made(&workload(KIND), deed, object, &[]).unwrap();
    let stop = of(Deed::Stop, &canary());
    assert_eq!(stop.traffic, [share("chat", (10, 100), (0, 90)), share("stable", (90, 100), (90, 90))]);
    assert!(
        stop.risk.0 == Risk::High && stop.risk.1.contains("the other members of group chat get"),
        "{:?}",
        stop.risk
    );
    let last = of(Deed::Stop, &service("chat", 10, &[("chat", 10), ("stable", 0)]));
    assert!(last.risk.1.contains("each request is answered with an error"), "{:?}", last.risk);
    let waits = of(Deed::Stop, &service("chat", 10, &[("stable", 90)]));
    assert_eq!(waits.traffic, [share("stable", (90, 90), (90, 90))]);
    assert!(waits.warnings[0].contains("not ready"), "{:?}", waits.warnings);

    let mut stopped = canary();
    stopped["metadata"]["annotations"] = json!({ "serving.kserve.io/stop": "true" });
    stopped["status"]["router"]["group"]["members"][0]["stopped"] = json!(true);
    let start = of(Deed::Start, &stopped);
    assert_eq!(start.traffic, [share("chat", (0, 90), (10, 100)), share("stable", (90, 90), (90, 100))]);
    assert!(start.risk.0 == Risk::Medium && start.risk.1.contains("its 10 parts in group chat"), "{:?}", start.risk);
    // One that shares with nobody answers nothing until it is started.
    let mut alone = canary();
    alone["spec"]["router"]["route"] = json!({ "http": {} });
    let stop = of(Deed::Stop, &alone);
    assert!(stop.traffic.is_empty() && stop.risk.1.contains("nothing answers until it is started"), "{:?}", stop.risk);
}

#[test]
fn a_weight_is_seen_once_the_routes_of_all_members_have_it() {
    let draft = drafted(30, &canary());
    let plan = plan_of(workload(KIND), Deed::MemberWeight(30), guards(&draft));
    let plan = Plan { traffic: draft.traffic, ..plan };
    let seen = |now: &Value, group: &[Value]| super::seen(&plan, Some(now), group);
    let (old, new) = ([("chat", 10), ("stable", 90)], [("chat", 30), ("stable", 90)]);
    let not_yet = |words: &str| Seen::NotYet(words.to_owned());
    let taken = service("chat", 30, &new);
    assert_eq!(seen(&canary(), &[]), Seen::Never("somebody set another weight since".into()));
    assert_eq!(seen(&service("chat", 30, &old), &[]), not_yet("its controller has not taken the weight up yet"));
    let others = |members: &[(&str, u32)]| [taken.clone(), service("stable", 90, members), service("waits", 5, &[])];
    assert_eq!(seen(&taken, &others(&old)), not_yet("the route of stable still has the weights of before"));
    assert_eq!(seen(&taken, &others(&new)), Seen::Met("it weighs 30 of 120 in its group".into()));
    let left = service("chat", 30, &[("chat", 30)]);
    let words = "stable is out of the group for now: its route is not taken up";
    assert_eq!(seen(&left, &others(&new)), not_yet(words));
    let mut refused = taken.clone();
    refused["status"]["conditions"][0] = json!({ "type": "RouterReady", "status": "False", "message": "no gateway" });
    assert_eq!(seen(&refused, &others(&new)), not_yet("its routes are not taken up: no gateway"));
}
