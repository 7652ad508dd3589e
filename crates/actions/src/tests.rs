//! A plan is confirmed by who saw it, while it is fresh, where something may be done, and only as it was shown.

use crate::{Confirmed, Entry, Proposal, Seal, What, entry::OFTEN};
use pilothouse_wire::{
    Code, ConnectionId, NodeId, ObjectRef, Problem, Stamp,
    plan::{
        ActionState, Affected, Confirmation, Deed, Digest, DryRun, Expectation, Intent, Operation, Permission, Plan,
        Request, Risk, Step,
    },
};

const MADE: Stamp = Stamp(1_795_500_000_000);
const OPERATED: Operation = Operation { operate: true, production: false };
const PRODUCTION: Operation = Operation { operate: true, production: true };

/// The seal of a session.
fn seal() -> Seal {
    Seal::new([7; 32])
}

fn step(name: &str) -> Step {
    Step {
        words: name.to_owned(),
        request: Request { method: "PATCH".into(), path: name.to_owned(), media: "m".into(), body: "[]".into() },
        guards: Vec::new(),
        permission: Permission::Granted,
        dry_run: DryRun::Passed,
    }
}

fn plan(steps: &[&str]) -> Plan {
    let object = ObjectRef::Node(NodeId { cluster: ConnectionId::slug("iad"), name: "h-1".into() });
    Plan {
        intent: Intent { object, deed: Deed::Cordon },
        title: "Cordon node h-1".into(),
        made: MADE,
        steps: steps.iter().map(|name| step(name)).collect(),
        changes: Vec::new(),
        more_changes: 0,
        traffic: Vec::new(),
        affected: Affected::default(),
        risk: Risk::Low,
        risk_why: "Pods that run go on.".into(),
        warnings: Vec::new(),
        success: Expectation::default(),
        undo: None,
        type_name: None,
        blocked: Vec::new(),
    }
}

/// Confirms a plan that was shown under one setting, under another one.
fn confirmed(shown: Operation, now: Operation, typed: Option<&str>, later_ms: i64) -> Result<Confirmed, Problem> {
    let proposal = Proposal::new(plan(&["one"]), "iad", shown, &seal(), Deed::clone);
    let by = Confirmation { digest: proposal.planned().digest, typed: typed.map(str::to_owned) };
    proposal.confirm(&by, now, Stamp(MADE.0 + later_ms))
}

#[test]
fn only_what_was_shown_is_confirmed_and_only_while_it_is_fresh() {
    assert!(confirmed(OPERATED, OPERATED, None, 60_000).is_ok());
    let late = confirmed(OPERATED, OPERATED, None, 16 * 60_000).unwrap_err();
    assert!(late.what.contains("planned too long ago"), "{late}");
    let proposal = Proposal::new(plan(&["one"]), "iad", OPERATED, &seal(), Deed::clone);
    let by = Confirmation { digest: Digest([0; 32]), typed: None };
    assert!(proposal.confirm(&by, OPERATED, MADE).unwrap_err().what.contains("another plan"));
}

#[test]
fn a_connection_that_is_read_alone_changes_nothing_when_it_was_planned_or_since() {
    let shown = Proposal::new(plan(&["one"]), "iad", Operation::default(), &seal(), Deed::clone);
    assert_eq!(shown.planned().plan.blocked[0].code, Code::Denied);
    assert_eq!(confirmed(Operation::default(), OPERATED, None, 0).unwrap_err().code, Code::Denied);
    assert_eq!(confirmed(OPERATED, Operation::default(), None, 0).unwrap_err().code, Code::Denied);
}

#[test]
fn production_wants_its_name_typed_also_where_it_was_marked_since() {
    assert_eq!(
        Proposal::new(plan(&["one"]), "iad", PRODUCTION, &seal(), Deed::clone).planned().plan.type_name.as_deref(),
        Some("h-1")
    );
    for shown in [PRODUCTION, OPERATED] {
        assert!(confirmed(shown, PRODUCTION, Some(" h-1 "), 0).is_ok());
        for typed in [None, Some(""), Some("h-2")] {
            assert!(confirmed(shown, PRODUCTION, typed, 0).unwrap_err().next.unwrap().contains("type \"h-1\""));
        }
    }
}

#[test]
fn the_digest_is_over_all_that_is_shown() {
    let digest = |plan: &Plan| seal().digest(plan);
    let one = digest(&plan(&["one"]));
    let mut other = plan(&["one"]);
    other.steps[0].request.body = "[1]".into();
    assert_ne!(one, digest(&other));
    assert_ne!(one, digest(&Plan { made: Stamp(MADE.0 + 1), ..plan(&["one"]) }));
    assert_eq!(one, digest(&plan(&["one"])));
}

#[test]
fn nobody_can_make_the_digest_of_another_session() {
    let of = |bits: u8| Seal::new([bits; 32]).digest(&plan(&["one"]));
    assert_ne!(of(1), of(2));
    assert_eq!(of(1), of(1));
    assert_eq!(format!("{:?}", seal()), "Seal(…)");
    // A plan of one session is not confirmed by the digest that another one gave it.
    let proposal = Proposal::new(plan(&["one"]), "iad", OPERATED, &seal(), Deed::clone);
    let by = Confirmation { digest: of(1), typed: None };
    assert!(proposal.confirm(&by, OPERATED, MADE).unwrap_err().what.contains("another plan"));
}

#[test]
fn what_is_sent_is_shown_to_nobody() {
    let mut secret = plan(&["one"]);
    secret.steps[0].request.body = "[{\"value\":\"hunter2\"}]".into();
    let proposal = Proposal::new(secret.clone(), "iad", OPERATED, &seal(), Deed::clone);
    assert!(!format!("{:?}", proposal.planned()).contains("hunter2"));
    let by = Confirmation { digest: proposal.planned().digest, typed: None };
    let confirmed = proposal.confirm(&by, OPERATED, MADE).unwrap();
    assert!(!format!("{:?}", confirmed.plan()).contains("hunter2"));
    assert_eq!(confirmed.next(&confirmed.course()), Some((0, &secret.steps[0].request)));
}

/// A deed as it may be shown.
fn hidden(deed: &Deed) -> Deed {
    match deed {
        Deed::SetTag { version, key, .. } => Deed::SetTag { version: *version, key: key.clone(), value: "…".into() },
        other => other.clone(),
    }
}

#[test]
fn a_secret_in_a_deed_is_looked_for_and_shown_to_nobody() {
    let tag = |value: &str| Deed::SetTag { version: None, key: "token".into(), value: value.into() };
    let mut secret = plan(&["one"]);
    let undo = Intent { object: secret.intent.object.clone(), deed: tag("hunter1") };
    (secret.intent.deed, secret.undo) = (tag("hunter2"), Some(undo));
    let proposal = Proposal::new(secret, "iad", OPERATED, &seal(), hidden);
    let shown = proposal.planned().plan.clone();
    assert!(!format!("{:?}", proposal.planned()).contains("hunter"));
    assert_eq!((&shown.intent.deed, &shown.undo), (&tag("…"), &None));
    assert!(shown.warnings[0].contains("has a secret in it"), "{:?}", shown.warnings);
    let by = Confirmation { digest: proposal.planned().digest, typed: None };
    let confirmed = proposal.confirm(&by, OPERATED, MADE).unwrap();
    assert_eq!((confirmed.plan(), &confirmed.sought().intent.deed), (&shown, &tag("hunter2")));
    // What undoes it without a secret stays.
    let harmless = Proposal::new(
        Plan { undo: Some(shown.intent.clone()), ..plan(&["one"]) },
        "iad",
        OPERATED,
        &seal(),
        Deed::clone,
    );
    assert_eq!(harmless.planned().plan.undo.as_ref(), Some(&shown.intent));
}

#[test]
fn what_became_of_it_follows_from_how_far_the_sending_came() {
    let proposal = Proposal::new(plan(&["one", "two"]), "iad", OPERATED, &seal(), Deed::clone);
    let by = Confirmation { digest: proposal.planned().digest, typed: None };
    let confirmed = proposal.confirm(&by, OPERATED, MADE).unwrap();
    let problem = || Problem::new(Code::Denied, "no");
    let run = |taken: usize, end: &str, seen: Result<String, String>| {
        let mut course = confirmed.course();
        for _ in 0..taken {
            assert!(confirmed.next(&course).is_some());
            course.took();
        }
        match end {
            "refused" => course.refused(problem()),
            "lost" => course.lost(problem()),
            _ => {}
        }
        assert!(confirmed.next(&course).is_none(), "nothing is sent behind that");
        (course.is_to_be_verified(), course.end(seen))
    };
    let (no, yes) = (|| Err("1 of 2".to_owned()), || Ok("2 of 2".to_owned()));
    let boxed = || Box::new(problem());
    assert_eq!(run(2, "", yes()), (true, ActionState::Verified("2 of 2".into())));
    assert_eq!(run(2, "", no()), (true, ActionState::Unverified("1 of 2".into())));
    assert_eq!(run(0, "refused", no()), (false, ActionState::Refused(boxed())));
    assert_eq!(run(1, "refused", no()), (false, ActionState::Partly(boxed())));
    // The last answer was lost: what is seen says whether it was done.
    assert_eq!(run(1, "lost", yes()), (true, ActionState::Verified("2 of 2".into())));
    assert_eq!(run(1, "lost", no()), (true, ActionState::Unknown(boxed())));
    assert_eq!(run(0, "lost", no()), (false, ActionState::Unknown(boxed())));
}

/// A drain of these pods behind a step that closes the node.
fn drain(pods: &[&str]) -> Confirmed {
    let mut plan = plan(&[&["close"][..], pods].concat());
    plan.intent.deed = Deed::Drain;
    let proposal = Proposal::new(plan, "iad", OPERATED, &seal(), Deed::clone);
    let by = Confirmation { digest: proposal.planned().digest, typed: None };
    proposal.confirm(&by, OPERATED, MADE).unwrap()
}

fn held_by(budget: &str) -> Problem {
    Problem::new(Code::TooMany, "It is held.").why(format!("The disruption budget {budget} needs 2."))
}

/// Which step is next.
fn at(confirmed: &Confirmed, course: &crate::Course) -> Option<u32> {
    confirmed.next(course).map(|(at, _)| at)
}

#[test]
fn a_drain_passes_by_what_is_held_and_comes_back_to_it_until_all_is_taken() {
    let confirmed = drain(&["a", "b", "c"]);
    let mut course = confirmed.course();
    course.took();
    // The first one is held, and no later one waits for it.
    course.later("pod n/a".into(), held_by("chat"));
    assert_eq!((at(&confirmed, &course), course.is_round()), (Some(2), false));
    course.took();
    course.later("pod n/c".into(), held_by("chat"));
    assert!(course.is_round());
    assert_eq!(course.waits(), "pod n/a, pod n/c: The disruption budget chat needs 2.");
    assert_eq!(course.held().map(|(step, _)| step).collect::<Vec<_>>(), [1, 3]);
    course.again();
    // What was taken is not sent again, and what is held comes in its order.
    assert_eq!((at(&confirmed, &course), course.is_round()), (Some(1), false));
    course.took();
    assert_eq!(
        (at(&confirmed, &course), course.waits().as_str()),
        (Some(3), "pod n/c: The disruption budget chat needs 2.")
    );
    course.took();
    assert_eq!((at(&confirmed, &course), course.sent(), course.waits()), (None, 4, String::new()));
    assert!(course.is_to_be_verified());
    assert_eq!(course.end(Ok("gone".into())), ActionState::Verified("gone".into()));
}

#[test]
fn a_drain_that_ends_before_all_is_taken_is_done_in_part_and_looked_at_where_only_the_last_answer_was_lost() {
    let confirmed = drain(&["a", "b"]);
    let stopped = |taken: usize, held: usize, lost: bool| {
        let mut course = confirmed.course();
        (0..taken).for_each(|_| course.took());
        (0..held).for_each(|_| course.later("pod n/a".into(), held_by("chat")));
        if lost {
            course.lost(held_by("chat"))
        } else {
            course.refused(held_by("chat"))
        }
        assert_eq!(at(&confirmed, &course), None, "nothing is sent behind that");
        (course.is_to_be_verified(), course.end(Err(String::new())))
    };
    let boxed = || Box::new(held_by("chat"));
    assert_eq!(stopped(1, 2, false), (false, ActionState::Partly(boxed())));
    assert_eq!(stopped(0, 0, false), (false, ActionState::Refused(boxed())));
    assert_eq!(stopped(2, 0, true), (true, ActionState::Unknown(boxed())));
    // Another pod was never sent away: whatever is seen, it is not done.
    assert_eq!(stopped(1, 1, true), (false, ActionState::Unknown(boxed())));
}

#[test]
fn what_is_no_drain_waits_at_the_step_that_is_held() {
    let proposal = Proposal::new(plan(&["one", "two"]), "iad", OPERATED, &seal(), Deed::clone);
    let by = Confirmation { digest: proposal.planned().digest, typed: None };
    let confirmed = proposal.confirm(&by, OPERATED, MADE).unwrap();
    let mut course = confirmed.course();
    course.later("one".into(), held_by("chat"));
    assert_eq!((at(&confirmed, &course), course.is_round()), (Some(0), true));
    course.again();
    course.took();
    assert_eq!((at(&confirmed, &course), course.is_round()), (Some(1), false));
}

#[test]
fn of_many_that_are_held_the_first_are_named_and_the_others_counted() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let confirmed = drain(&names);
    let mut course = confirmed.course();
    course.took();
    for (at, name) in names.iter().enumerate() {
        let budget = if at < 5 { "chat" } else { name };
        course.later(format!("pod n/{name}"), held_by(budget));
    }
    assert_eq!(
        course.waits(),
        "pod n/a, pod n/b, pod n/c and 2 more: The disruption budget chat needs 2. pod n/f: The disruption budget f \
         needs 2. pod n/g: The disruption budget g needs 2. 1 more for other reasons."
    );
}

#[test]
fn where_only_was_looked_nothing_was_done() {
    let mut both = plan(&["look", "write"]);
    both.steps[0].request.method = "GET".into();
    let proposal = Proposal::new(both, "iad", OPERATED, &seal(), Deed::clone);
    let by = Confirmation { digest: proposal.planned().digest, typed: None };
    let mut course = proposal.confirm(&by, OPERATED, MADE).unwrap().course();
    course.took();
    course.refused(Problem::new(Code::Denied, "no"));
    assert!(matches!(course.end(Err(String::new())), ActionState::Refused(_)));
}

fn planned(at: Stamp, title: &str) -> Entry {
    let proposal =
        Proposal::new(Plan { title: title.to_owned(), ..plan(&["one"]) }, "iad", OPERATED, &seal(), Deed::clone);
    let what = What::planned(proposal.planned());
    Entry { at, who: "ada".into(), door: "pilothouse".into(), action: None, what }
}

/// How often it was planned, and since when that is counted.
fn counted(entry: &Entry) -> (u32, Option<Stamp>) {
    let What::Planned { times, since, .. } = &entry.what else { panic!("{entry:?}") };
    (*times, *since)
}

#[test]
fn a_plan_that_is_made_again_says_how_often_and_one_that_is_made_over_and_over_does_not_fill_the_book() {
    let after = |ms: i64| Stamp(MADE.0 + ms);
    let mut book: Vec<Entry> = Vec::new();
    let write =
        |entry: Entry, book: &mut Vec<Entry>| entry.behind(book.iter().rev()).map(|entry| book.push(entry)).is_some();
    assert!(write(planned(MADE, "Cordon"), &mut book));
    assert!(write(planned(after(1_000), "Cordon"), &mut book));
    // Of another plan, person or door it is the first time.
    assert!(write(planned(after(2_000), "Drain"), &mut book));
    assert!(write(Entry { who: "bob".into(), ..planned(after(3_000), "Cordon") }, &mut book));
    assert!(write(Entry { door: "pilothouse-desktop".into(), ..planned(after(4_000), "Cordon") }, &mut book));
    assert!(write(planned(after(5_000), "Cordon"), &mut book));
    let told: Vec<_> = book.iter().map(counted).collect();
    assert_eq!(told, [(1, None), (2, Some(MADE)), (1, None), (1, None), (1, None), (3, Some(MADE))]);

    let often = (0..1_000).filter(|at| write(planned(after(6_000 + at), "Cordon"), &mut book)).count();
    assert_eq!(often, usize::try_from(OFTEN).unwrap() - 3);
    // A minute later it is written again, and a while after an hour it is a new series.
    assert!(write(planned(after(70_000), "Cordon"), &mut book));
    assert_eq!(counted(&book[book.len() - 1]), (OFTEN + 1, Some(MADE)));
    assert!(write(planned(after(3_600_000), "Cordon"), &mut book));
    assert_eq!(counted(&book[book.len() - 1]), (1, None));
}

#[test]
fn entries_of_an_earlier_pilothouse_read_and_a_first_plan_is_written_as_it_was_then() {
    let first = planned(MADE, "Cordon");
    let text = serde_json::to_string(&first).unwrap();
    assert!(!text.contains("times") && !text.contains("since"), "{text}");
    assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), first);
    let old = r#"{"at":"2026-11-24T03:12:44.000Z","who":"ada","door":"pilothouse","action":null,"what":"turned-down","title":"Cordon","why":"no"}"#;
    let what = serde_json::from_str::<Entry>(old).unwrap().what;
    let none = String::new;
    let want = What::TurnedDown {
        connection: none(),
        object: none(),
        title: "Cordon".into(),
        digest: none(),
        why: "no".into(),
    };
    assert_eq!(what, want);
    // A plan in a book of before says nothing of revisions.
    let mut shown = serde_json::to_value(plan(&["one"])).unwrap();
    shown["affected"].as_object_mut().unwrap().remove("revisions").unwrap();
    assert_eq!(serde_json::from_value::<Plan>(shown).unwrap(), plan(&["one"]));
}
