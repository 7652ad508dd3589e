//! What moves traffic alone: each grade of a route, and a canary that its controller moves.

use super::{denied, gone};
use crate::{
    back::{Around, Given, way_back},
    fixture::{NOW, cluster},
};
use pilothouse_wire::{
    ObjectRef, SmolStr,
    back::{Answers, Backend, CheckState, Grade, Kept, KeptTraffic, Mover, Replaces, SetBy, WayBack},
    plan::Deed,
    view::{ArtifactsView, ModelsView, delivery::ShareRow},
};

/// A backend by its rule, its name and its weight.
type Weighed = (u32, &'static str, u32);

const STABLE: Weighed = (0, "chat-stable", 90);
const CANARY: Weighed = (0, "chat-canary", 10);

struct Case {
    kind: &'static str,
    backend: &'static str,
    then: Result<Vec<Weighed>, &'static str>,
    now: Vec<(Weighed, Answers)>,
    set_by: SetBy,
}

/// It had 90 and 10, has 50 each, and all of them answer.
fn moved() -> Case {
    Case {
        kind: "HTTPRoute",
        backend: "Service",
        then: Ok(vec![STABLE, CANARY]),
        now: vec![
            ((0, "chat-stable", 50), Answers::Ready(3)),
            ((0, "chat-canary", 50), Answers::Ready(1)),
            ((0, "chat-none", 0), Answers::Absent),
        ],
        set_by: SetBy::Nobody,
    }
}

fn object(kind: &str) -> ObjectRef {
    ObjectRef::Workload(cluster(), "n".into(), kind.into(), "chat".into())
}

fn graded(kind: &str, traffic: KeptTraffic, given: Result<&Given, &str>) -> WayBack {
    let kept = Kept {
        from: None,
        deed: Deed::Undo(None),
        then: Err(gone()),
        wanted: 0,
        gpus: 0,
        workers: None,
        replaces: Replaces::BesideIt,
        paused: false,
        stops: None,
        last: None,
        traffic: Some(Box::new(traffic)),
    };
    let around = Around {
        nodes: None,
        pods: &[],
        artifacts: &ArtifactsView::default(),
        models: &ModelsView::default(),
        versions: &[],
        said: &[],
        seen: &[],
        took: &[],
        given,
    };
    way_back(&object(kind), &kept, &around, NOW)
}

fn way(case: Case) -> WayBack {
    let Case { kind, backend: of, then, now, set_by } = case;
    let row = |all: &[Weighed], (rule, name, weight): &Weighed| ShareRow {
        route: object(kind),
        rule: *rule,
        rule_words: String::new(),
        kind: of.into(),
        backend: (*name).into(),
        namespace: None,
        weight: *weight,
        of: all.iter().filter(|(other, ..)| other == rule).map(|(.., weight)| u64::from(*weight)).sum(),
        to: Vec::new(),
        revision: None,
        unknown: None,
    };
    let given = then.map(|all| Given { until: NOW, shares: all.iter().map(|one| row(&all, one)).collect() });
    let backend = |((rule, name, weight), answers): (Weighed, Answers)| Backend {
        rule,
        kind: of.into(),
        name: name.into(),
        namespace: None,
        weight,
        answers,
    };
    let backends = now.into_iter().map(backend).collect();
    graded(kind, KeptTraffic::Route { backends, set_by }, given.as_ref().map_err(|why| *why))
}

#[track_caller]
fn check(case: Case, what: &str, state: CheckState, words: &str, grade: Grade) -> WayBack {
    let way = way(case);
    let found = way.checks.iter().find(|check| check.what == what);
    let Some(found) = found else { panic!("no {what}: {way:#?}") };
    assert!(found.words.starts_with(words), "{found:?}");
    assert_eq!((found.state, way.grade), (state, grade), "{way:#?}");
    way
}

fn weights(rule: u32, all: &[(&str, u32)]) -> Deed {
    let weights = all.iter().map(|(name, weight)| (SmolStr::new(*name), *weight)).collect();
    Deed::SetWeights { rule: Some(rule), mark: None, weights }
}

#[test]
fn a_route_goes_back_to_the_weights_that_it_had_where_those_answer() {
    let words = format!("Until {NOW} rule 1 gave chat-stable 90 %, chat-canary 10 %.");
    let way = check(moved(), "Weights", CheckState::Holds, &words, Grade::Ready);
    assert_eq!(way.goal().as_deref(), Some("chat-stable 90 %, chat-canary 10 %"));
    assert_eq!(way.deed, weights(0, &[("chat-stable", 90), ("chat-canary", 10)]));
    // One that has nothing, and would get nothing, is not looked at.
    assert!(way.checks.iter().all(|check| check.what != "Service chat-none"), "{way:#?}");
    check(moved(), "Service chat-stable", CheckState::Holds, "3 pods of it are ready.", Grade::Ready);
    // One that is new since gets nothing again.
    let mut new = moved();
    new.now[2].0.2 = 7;
    let way = check(new, "Service chat-canary", CheckState::Holds, "1 pod", Grade::Ready);
    assert_eq!(way.deed, weights(0, &[("chat-stable", 90), ("chat-canary", 10), ("chat-none", 0)]));
}

#[test]
fn of_several_rules_each_goes_back_by_a_plan_of_its_own_which_is_slow() {
    let mut case = moved();
    case.then = Ok(vec![STABLE, CANARY, (2, "embed-a", 1), (3, "same", 1)]);
    case.now.extend([
        ((2, "embed-a", 0), Answers::Ready(2)),
        ((2, "embed-b", 1), Answers::Ready(2)),
        ((3, "same", 1), Answers::Ready(0)),
    ]);
    let words = "Its weights are others, too, and go back by a plan of their own: pilothouse act weight httproute chat -n n \
                 --to embed-a=1 --to embed-b=0 --rule 3";
    let way = check(case, "Rule 3", CheckState::Slow, words, Grade::Slow);
    assert_eq!(way.deed, weights(0, &[("chat-stable", 90), ("chat-canary", 10)]));
    assert!(way.checks.iter().any(|check| check.what == "Service embed-a"), "{way:#?}");
    assert!(way.checks.iter().all(|check| check.what != "Service same"), "{way:#?}");
}

#[test]
fn what_cannot_answer_or_is_set_by_another_makes_it_not_possible() {
    use CheckState::Fails;
    for (answers, words) in
        [(Answers::Absent, "There is no such Service"), (Answers::Ready(0), "No pod of the Service is ready")]
    {
        let mut case = moved();
        case.now[0].1 = answers;
        let way = check(case, "Service chat-stable", Fails, words, Grade::NotPossible);
        assert!(way.closed().and_then(|of| of.why).is_some_and(|why| why.contains(words)), "{way:#?}");
    }
    let mut case = moved();
    case.now.remove(1);
    check(case, "Service chat-canary", Fails, "It got 10 % and is no backend of rule 1 any more", Grade::NotPossible);
    let mut case = moved();
    case.now.push(((0, "chat-canary", 0), Answers::Ready(1)));
    check(case, "Names", Fails, "Rule 1 has several backends called chat-canary", Grade::NotPossible);
    let case = Case { set_by: SetBy::Another("Rollout chat sets them. Better: abort it.".to_owned()), ..moved() };
    check(case, "Moves", Fails, "Rollout chat sets them. Better: abort it.", Grade::NotPossible);
}

#[test]
fn what_nobody_saw_or_may_look_at_is_unknown() {
    use CheckState::Unknown;
    let case = Case { then: Err("nothing was recorded"), ..moved() };
    let words = "What it gave to whom before is not known: nothing was recorded. Instead: set";
    let way = check(case, "Weights", Unknown, words, Grade::Unknown);
    assert_eq!((way.goal(), way.deed), (None, Deed::Undo(None)));
    // Who else sets it is known all the same, and worse.
    let set_by = SetBy::Another("Rollout chat sets them.".to_owned());
    let case = Case { then: Err("nothing was recorded"), set_by, ..moved() };
    check(case, "Weights", Unknown, words, Grade::NotPossible);
    let case = Case { set_by: SetBy::Unknown(Box::new(denied())), ..moved() };
    check(case, "Moves", Unknown, "Whether a Rollout sets its weights again is not known: 403", Grade::Unknown);
    let mut case = moved();
    case.now[1].1 = Answers::Unknown(Box::new(denied()));
    check(case, "Service chat-canary", Unknown, "Not known: 403 for user x", Grade::Unknown);
    let mut case = Case { backend: "Bucket", ..moved() };
    case.now[0].1 = Answers::NotLooked;
    check(case, "Bucket chat-stable", Unknown, "Whether a Bucket answers is not looked into", Grade::Unknown);
    let mut same = moved();
    (same.now[0].0.2, same.now[1].0.2) = (90, 10);
    check(same, "Weights", Unknown, "What it gave to whom before is not known: it has the weights", Grade::Unknown);
}

#[test]
fn a_model_of_a_rewrite_is_served_by_its_pool_and_one_that_gets_nothing_now_may_not_be() {
    let rewrite = || Case { kind: "InferenceModelRewrite", backend: "Model", ..moved() };
    let way = check(rewrite(), "Model chat-stable", CheckState::Holds, "3 pods of it are ready.", Grade::Ready);
    assert_eq!(way.deed, weights(0, &[("chat-stable", 90), ("chat-canary", 10)]));
    let mut case = rewrite();
    case.now[0].0.2 = 0;
    let words = "3 pods of it are ready. Whether one of them serves this model is not read.";
    check(case, "Model chat-stable", CheckState::Unknown, words, Grade::Unknown);
    let mut case = rewrite();
    case.now[0].1 = Answers::Ready(0);
    check(case, "Model chat-stable", CheckState::Fails, "No pod of the pool is ready", Grade::NotPossible);
}

#[test]
fn a_canary_of_flagger_says_what_keeps_the_version_of_before_and_what_its_controller_does() {
    use CheckState::{Fails, Holds, Unknown};
    let mover = |phase: Option<&str>, answers| Mover {
        phase: phase.map(SmolStr::new),
        target: ("Deployment".into(), "chat".into()),
        primary: "chat-primary".into(),
        answers,
        failed: 2,
        most_failed: 5,
    };
    let way =
        |phase: Option<&str>, answers| graded("Canary", KeptTraffic::Moved(mover(phase, answers)), Err("not asked"));
    let told = |phase: Option<&str>, words: &str| {
        let way = way(phase, Answers::Ready(4));
        let [primary, controller] = way.checks.as_slice() else { panic!("{way:#?}") };
        assert_eq!((primary.state, primary.words.as_str()), (Holds, "4 pods of it are ready."));
        assert!(controller.words.contains(words), "{controller:?}");
        assert_eq!(way.goal(), None, "there is nothing that could be taken: {way:#?}");
        (controller.state, way.grade)
    };
    for (phase, words) in [
        ("Progressing", "Flagger does by itself after 3 more failed checks"),
        ("Waiting", "gives all traffic to chat-primary. Instead: take Deployment chat back"),
        ("Failed", "all traffic is at chat-primary already. Instead"),
        ("Promoting", "chat-primary has the new version by then. Instead"),
        ("Succeeded", "and none of before. Instead: take Deployment chat back (pilothouse rollback n/chat"),
    ] {
        assert_eq!(told(Some(phase), words), (Fails, Grade::NotPossible), "{phase}");
    }
    assert_eq!(told(None, "has said nothing"), (Unknown, Grade::Unknown));
    assert_eq!(told(Some("Dreaming"), "its phase Dreaming"), (Unknown, Grade::Unknown));
    let absent = way(None, Answers::Absent);
    assert_eq!((absent.checks[0].state, absent.grade), (Fails, Grade::NotPossible), "{absent:#?}");
    let denied = way(None, Answers::Unknown(Box::new(denied())));
    assert_eq!((denied.checks[0].state, denied.grade), (Unknown, Grade::Unknown), "{denied:#?}");
}
