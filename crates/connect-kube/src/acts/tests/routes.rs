//! Weights of routes: what is sent, what it depends on, and whether it came to pass.

use super::*;

fn route() -> Value {
    json!({
        "metadata": { "name": "chat", "namespace": "serving", "generation": 3 },
        "spec": {
            "parentRefs": [{ "name": "front" }],
            "rules": [
                { "backendRefs": [
                    { "name": "chat-stable", "port": 80, "weight": 90 }, { "name": "chat-canary", "port": 80, "weight": 10 },
                ] },
                { "backendRefs": [{ "name": "chat-stable", "port": 80 }] },
            ],
        },
        "status": { "parents": [{ "parentRef": { "name": "front" }, "controllerName": "x/y", "conditions": [
            { "type": "Accepted", "status": "True", "reason": "Accepted", "observedGeneration": 3 },
        ] }] },
    })
}

fn weights(all: &[(&str, u32)], rule: Option<u32>) -> Deed {
    let weights = all.iter().map(|(name, weight)| ((*name).into(), *weight)).collect();
    Deed::SetWeights { rule, mark: None, weights }
}

/// The same, of what takes something back: with the rule that it is about.
fn undone(draft: &Draft) -> (Option<u32>, Vec<(&str, u32)>) {
    let Some(Deed::SetWeights { rule, mark: Some(_), weights }) = &draft.undo else { panic!("{draft:?}") };
    (*rule, weights.iter().map(|(name, weight)| (name.as_str(), *weight)).collect())
}

fn words(draft: &Draft) -> Vec<String> {
    draft.traffic.iter().map(|share| format!("{}: {}", share.of, share.words())).collect()
}

fn weighed(deed: Deed) -> Result<Draft, Problem> {
    made(&workload("HTTPRoute"), deed, &route(), &[])
}

#[test]
fn weights_are_set_where_names_and_old_weights_are_as_they_were_read() {
    let draft = weighed(weights(&[("chat-canary", 50), ("chat-stable", 50)], None)).unwrap();
    assert_eq!(draft.title, "Weigh chat-stable from 90 to 50, chat-canary from 10 to 50 in HTTPRoute serving/chat");
    let at = |place: u32, field: &str| format!("/spec/rules/0/backendRefs/{place}/{field}");
    let test = |path: String, value: Value| json!({ "op": "test", "path": path, "value": value });
    let add = |path: String, value: u32| json!({ "op": "add", "path": path, "value": value });
    assert_eq!(
        patch(&draft),
        json!([
            test(at(0, "name"), json!("chat-stable")),
            test(at(0, "weight"), json!(90)),
            test(at(1, "name"), json!("chat-canary")),
            test(at(1, "weight"), json!(10)),
            add(at(0, "weight"), 50),
            add(at(1, "weight"), 50),
        ])
    );
    assert_eq!(words(&draft), ["chat-stable: 90 % → 50 %", "chat-canary: 10 % → 50 %"]);
    assert_eq!(undone(&draft), (Some(0), vec![("chat-stable", 90), ("chat-canary", 10)]));
    assert_eq!((draft.risk.0, draft.affected), (Risk::Medium, Affected::default()));
    // Of one alone the share of the other follows.
    let draft = weighed(weights(&[("chat-canary", 0)], None)).unwrap();
    assert_eq!(words(&draft), ["chat-stable: 90 % → 100 %", "chat-canary: 10 % → 0 %"]);
    // To send it nothing is right whatever the weights are by then.
    let name = |place: u32, name: &str| test(at(place, "name"), json!(name));
    let stop = json!([name(0, "chat-stable"), name(1, "chat-canary"), add(at(1, "weight"), 0)]);
    assert_eq!(patch(&draft), stop);
    let none = weighed(weights(&[("chat-canary", 0), ("chat-stable", 0)], None)).unwrap();
    assert_eq!(none.risk.0, Risk::High);
    assert_eq!(words(&none), ["chat-stable: 90 % → nothing", "chat-canary: 10 % → nothing"]);
    // A weight that is there is never told as none, and digits are those that a route shows.
    let few = weighed(weights(&[("chat-canary", 1), ("chat-stable", 999)], None)).unwrap();
    assert_eq!(words(&few), ["chat-stable: 90 % → 99.9 %", "chat-canary: 10 % → 0.1 %"]);
}

#[test]
fn a_weight_that_is_not_said_is_held_with_its_whole_backend() {
    let draft = weighed(weights(&[("chat-stable", 5)], Some(1))).unwrap();
    let whole = json!({ "name": "chat-stable", "port": 80 });
    assert_eq!(patch(&draft)[1], json!({ "op": "test", "path": "/spec/rules/1/backendRefs/0", "value": whole }));
    assert_eq!(undone(&draft), (Some(1), vec![("chat-stable", 1)]));
}

#[test]
fn what_names_no_backend_or_several_is_told_with_those_that_there_are() {
    let fails = |deed: Deed| {
        let problem = weighed(deed).unwrap_err();
        (problem.code, problem.what, problem.next.unwrap_or_default())
    };
    let (code, what, next) = fails(weights(&[("chat-new", 1)], None));
    assert_eq!((code, what.as_str()), (Code::NotFound, "No rule of HTTPRoute serving/chat has chat-new."));
    assert_eq!(next, "Of it rule 1 has chat-stable, chat-canary; rule 2 has chat-stable.");
    let (code, _, next) = fails(weights(&[("chat-stable", 2)], None));
    assert_eq!((code, next.as_str()), (Code::BadInput, "Say which: 1, 2."));
    assert_eq!(fails(weights(&[("chat-canary", 10)], None)).0, Code::Exists);
    assert_eq!(fails(weights(&[("chat-canary", 1_000_001)], None)).0, Code::BadInput);
    assert_eq!(fails(weights(&[], None)).0, Code::BadInput);
    assert_eq!(fails(weights(&[("a", 1), ("a", 2)], None)).0, Code::BadInput);
    let other = made(&workload("Deployment"), weights(&[("a", 1)], None), &deployment(), &[]).unwrap_err();
    assert_eq!(other.code, Code::NotOffered);
}

#[test]
fn models_of_a_rewrite_are_weighed_in_the_same_way() {
    let rewrite = json!({
        "metadata": { "name": "chat", "namespace": "serving", "generation": 1 },
        "spec": { "poolRef": { "name": "llama" }, "rules": [{ "targets": [
            { "modelRewrite": "chat-v1", "weight": 9 }, { "modelRewrite": "chat-v2", "weight": 1 },
        ] }] },
    });
    let draft = made(&workload("InferenceModelRewrite"), weights(&[("chat-v2", 9)], None), &rewrite, &[]).unwrap();
    let last = json!({ "op": "add", "path": "/spec/rules/0/targets/1/weight", "value": 9 });
    assert_eq!(patch(&draft).as_array().and_then(|all| all.last()), Some(&last));
}

#[test]
fn it_came_to_pass_once_the_gateway_says_so() {
    let deed = weights(&[("chat-canary", 50), ("chat-stable", 50)], None);
    let held = guards(&weighed(deed.clone()).unwrap());
    let check = |object: &Value| seen_of(workload("HTTPRoute"), deed.clone(), held.clone(), Some(object), &[]);
    assert_eq!(check(&route()), Seen::Never("somebody set other weights since".into()));
    let mut set = route();
    for backend in 0..2 {
        set["spec"]["rules"][0]["backendRefs"][backend]["weight"] = json!(50);
    }
    set["metadata"]["generation"] = json!(4);
    let weighs = "chat-canary weighs 50, chat-stable weighs 50";
    assert_eq!(check(&set), Seen::NotYet(format!("{weighs}; waiting for the spec to be taken up")));
    let condition = &mut set["status"]["parents"][0]["conditions"][0];
    condition["observedGeneration"] = json!(4);
    assert_eq!(check(&set), Seen::Met(format!("{weighs}, and it is taken up")));
    set["status"]["parents"][0]["conditions"][0]["status"] = json!("False");
    assert!(matches!(check(&set), Seen::NotYet(why) if why.contains("Accepted is False")));
    // Nobody's word is no yes.
    set["status"] = json!({});
    assert!(matches!(check(&set), Seen::NotYet(why) if why.contains("no controller has said anything")));
}

/// A rule for requests below a path, of the two backends.
fn rule(path: &str, weights: [u32; 2]) -> Value {
    let backend = |name: &str, weight: u32| json!({ "name": name, "port": 80, "weight": weight });
    json!({
        "matches": [{ "path": { "type": "PathPrefix", "value": path } }],
        "backendRefs": [backend("chat-stable", weights[0]), backend("chat-canary", weights[1])],
    })
}

fn of_rules(rules: Vec<Value>) -> Value {
    let mut route = route();
    route["spec"]["rules"] = json!(rules);
    route
}

#[test]
fn a_rule_goes_back_wherever_it_stands_by_then_and_not_where_it_cannot_be_told() {
    // Both rules have the same backends: only what they are for tells them apart.
    let at_first = of_rules(vec![rule("/v1", [90, 10]), rule("/v2", [90, 10])]);
    let forth = made(&workload("HTTPRoute"), weights(&[("chat-canary", 50)], Some(0)), &at_first, &[]).unwrap();
    let held =
        json!({ "op": "test", "path": "/spec/rules/0/matches", "value": at_first["spec"]["rules"][0]["matches"] });
    assert_eq!(patch(&forth)[0], held);
    let undo = forth.undo.clone().unwrap();
    let moved = || rule("/v1", [90, 50]);
    let with = |field: &str, value: Value| {
        let mut rule = moved();
        rule[field] = value;
        rule
    };
    let mut more = moved();
    let third = json!({ "name": "chat-third", "port": 80, "weight": 0 });
    more["backendRefs"].as_array_mut().unwrap().push(third);
    let mut turned = moved();
    turned["backendRefs"].as_array_mut().unwrap().reverse();
    let mut other_port = moved();
    other_port["backendRefs"][1]["port"] = json!(81);
    let (other, third) = (|| rule("/v2", [90, 10]), || rule("/v3", [1, 1]));
    let filter = json!([{ "type": "URLRewrite", "urlRewrite": { "hostname": "b.example" } }]);
    for (what, rules, want) in [
        ("as it was", vec![moved(), other()], Ok((0, 1))),
        ("the other way round", vec![other(), moved()], Ok((1, 1))),
        ("others before it", vec![third(), other(), moved()], Ok((2, 1))),
        ("the other one gone", vec![moved()], Ok((0, 1))),
        ("its backends in another order", vec![other(), turned], Ok((1, 0))),
        ("its weights are others since", vec![other(), rule("/v1", [7, 3])], Ok((1, 1))),
        (
            "gone",
            vec![other()],
            Err((Code::NotFound, "What was rule 1 of HTTPRoute serving/chat is not found any more.")),
        ),
        ("for another path", vec![rule("/v9", [90, 50]), other()], Err((Code::NotFound, "What was rule 1"))),
        ("with a filter", vec![with("filters", filter), other()], Err((Code::NotFound, "What was rule 1"))),
        ("with a name", vec![with("name", json!("chat")), other()], Err((Code::NotFound, "What was rule 1"))),
        ("with another backend", vec![more, other()], Err((Code::NotFound, "What was rule 1"))),
        ("to another port", vec![other_port, other()], Err((Code::NotFound, "What was rule 1"))),
        (
            "twice",
            vec![moved(), other(), moved()],
            Err((Code::BadInput, "Which rule of HTTPRoute serving/chat is meant")),
        ),
    ] {
        let planned = made(&workload("HTTPRoute"), undo.clone(), &of_rules(rules), &[]);
        let (place, backend) = match (planned, want) {
            (Ok(draft), Ok((place, backend))) => {
                let put = patch(&draft).as_array().unwrap().last().cloned().unwrap();
                let path = format!("/spec/rules/{place}/backendRefs/{backend}/weight");
                assert_eq!(put, json!({ "op": "add", "path": path, "value": 10 }), "{what}");
                continue;
            }
            (Err(problem), Err((code, words))) => {
                assert!(problem.code == code && problem.what.starts_with(words), "{what}: {problem}");
                assert!(problem.why.is_some() && problem.next.is_some(), "{what}: {problem}");
                continue;
            }
            (planned, want) => (planned, want),
        };
        panic!("{what}: {place:?}, and not {backend:?}");
    }
}

#[test]
fn a_model_of_a_rewrite_is_found_by_what_its_rule_is_for() {
    let rule = |model: &str| {
        json!({
            "matches": [{ "model": { "type": "Exact", "value": model } }],
            "targets": [{ "modelRewrite": "v1", "weight": 9 }, { "modelRewrite": "v2", "weight": 1 }],
        })
    };
    let rewrite = |rules: Vec<Value>| json!({ "metadata": { "name": "chat" }, "spec": { "rules": rules } });
    let object = workload("InferenceModelRewrite");
    let forth = made(&object, weights(&[("v2", 9)], Some(0)), &rewrite(vec![rule("a"), rule("b")]), &[]).unwrap();
    let mut moved = rule("a");
    moved["targets"][1]["weight"] = json!(9);
    let back = made(&object, forth.undo.unwrap(), &rewrite(vec![rule("b"), moved]), &[]).unwrap();
    let last = json!({ "op": "add", "path": "/spec/rules/1/targets/1/weight", "value": 1 });
    assert_eq!(patch(&back).as_array().and_then(|all| all.last()), Some(&last));
}
