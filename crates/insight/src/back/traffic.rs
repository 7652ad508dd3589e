//! The way back of what has no pods of its own and moves traffic alone: of a route to the weights that it had before, of a canary
//! that its controller moves.
//!
//! A route keeps no earlier weights. What it gave to whom before is known only where that was recorded, and otherwise unknown.
//! One plan sets the weights of one rule: where several moved, each other one goes back by a plan of its own, which is slow. Whether those who get
//! the traffic again can take all of it is not looked at: that one of their pods is ready is.

use super::{Around, check, reason};
use pilothouse_wire::{
    ObjectRef, SmolStr, Stamp,
    back::{Answers, Backend, Check, CheckState, Grade, Kept, KeptTraffic, Mover, SetBy, Took, WayBack},
    plan::{Deed, Intent},
    view::delivery::ShareRow,
};
use std::collections::BTreeMap;

/// What a route gave to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Until when.
    pub until: Stamp,
    /// All shares of all its rules.
    pub shares: Vec<ShareRow>,
}

/// Grades it, as of a time.
pub(super) fn way_back(
    object: &ObjectRef,
    kept: &Kept,
    traffic: &KeptTraffic,
    (around, now): (&Around<'_>, Stamp),
) -> WayBack {
    let (checks, aim, took) = match traffic {
        KeptTraffic::Route { backends, set_by } => {
            let (mut checks, aim) = route(object, backends, around.given);
            checks.extend(moves(set_by));
            (checks, aim, "its gateway takes weights up by itself, and nobody says how soon")
        }
        KeptTraffic::Moved(mover) => (moved(object, mover), None, "its controller moves traffic by itself"),
    };
    let (deed, aim) = aim.map_or_else(|| (kept.deed.clone(), None), |(deed, aim)| (deed, Some(aim)));
    WayBack {
        object: object.clone(),
        from: None,
        to: None,
        aim,
        deed,
        grade: Grade::of(&checks),
        checks,
        took: Took::Unknown(took.to_owned()),
        checked_at: now,
    }
}

/// A backend now, and the weight that it had.
type Pair<'a> = (&'a Backend, u32);

/// A rule whose weights are others than they were.
struct Turned<'a> {
    rule: u32,
    then: Vec<&'a ShareRow>,
    now: Vec<Pair<'a>>,
}

/// What a route needs, and the deed with what it leads to.
fn route(
    object: &ObjectRef,
    backends: &[Backend],
    given: Result<&Given, &str>,
) -> (Vec<Check>, Option<(Deed, String)>) {
    let kind = object.kind_word();
    let unknown = |why: &str| {
        let words = format!(
            "What it gave to whom before is not known: {why}. Instead: set the weights that it should have \
             (pilothouse act weight)."
        );
        (vec![check("Weights", CheckState::Unknown, words, format!("{kind} keeps no earlier weights"))], None)
    };
    let given = match given {
        Ok(given) => given,
        Err(why) => return unknown(why),
    };
    let turned = turned(backends, &given.shares);
    let Some(first) = turned.first() else { return unknown("it has the weights that it had last") };
    let mut checks = vec![weights(given.until, first)];
    for Turned { rule, then, now } in &turned {
        let gets = |row: &&&ShareRow| row.weight > 0;
        checks.extend(then.iter().filter(gets).map(|row| match now.iter().find(|(backend, _)| is(row, backend)) {
            Some((backend, _)) => answers(backend),
            None => gone(*rule, row),
        }));
        checks.extend(twice(*rule, now));
    }
    checks.extend(turned.iter().skip(1).map(|other| {
        let command = Intent { object: object.clone(), deed: deed(other) }.command();
        let words =
            format!("Its weights are others, too, and go back by a plan of their own: pilothouse act {command}");
        check(format!("Rule {}", other.rule + 1), CheckState::Slow, words, "its weights now, beside those before")
    }));
    (checks, Some((deed(first), aim(first))))
}

/// What gives a rule the weights that it had.
fn deed(of: &Turned<'_>) -> Deed {
    let others = of.now.iter().filter(|(backend, then)| backend.weight != *then);
    let weights = others.map(|(backend, then)| (backend.name.clone(), *then)).collect();
    Deed::SetWeights { rule: Some(of.rule), mark: None, weights }
}

fn is(row: &ShareRow, backend: &Backend) -> bool {
    (&row.kind, &row.backend, &row.namespace) == (&backend.kind, &backend.name, &backend.namespace)
}

/// The rules of before whose weights are others now.
fn turned<'a>(backends: &'a [Backend], shares: &'a [ShareRow]) -> Vec<Turned<'a>> {
    let mut rules: BTreeMap<u32, Vec<&ShareRow>> = BTreeMap::new();
    for row in shares {
        rules.entry(row.rule).or_default().push(row);
    }
    let turned = rules.into_iter().map(|(rule, then)| {
        let weight = |backend: &Backend| then.iter().find(|row| is(row, backend)).map_or(0, |row| row.weight);
        let of_rule = backends.iter().filter(|backend| backend.rule == rule);
        let now = of_rule.map(|backend| (backend, weight(backend))).collect();
        Turned { rule, then, now }
    });
    let is_other = |one: &Turned<'_>| {
        let went = |row: &&ShareRow| row.weight > 0 && !one.now.iter().any(|(backend, _)| is(row, backend));
        one.now.iter().any(|(backend, then)| backend.weight != *then) || one.then.iter().any(went)
    };
    turned.filter(is_other).collect()
}

/// What it leads to: those who get something.
fn aim(of: &Turned<'_>) -> String {
    let gets = of.then.iter().filter(|row| row.weight > 0);
    gets.map(|row| row.words()).collect::<Vec<_>>().join(", ")
}

fn weights(until: Stamp, of: &Turned<'_>) -> Check {
    let words = format!("Until {until} rule {} gave {}.", of.rule + 1, aim(of));
    check("Weights", CheckState::Holds, words, "as it was recorded here")
}

fn gone(rule: u32, row: &ShareRow) -> Check {
    let words = format!(
        "It got {} and is no backend of rule {} any more. Instead: put it back where the route is kept.",
        row.percent(),
        rule + 1
    );
    check(format!("{} {}", row.kind, row.place()), CheckState::Fails, words, "its backends now")
}

/// By its name alone nobody can say which of two of one name is meant.
fn twice(rule: u32, now: &[Pair<'_>]) -> Option<Check> {
    let changed = now.iter().filter(|(backend, then)| backend.weight != *then);
    let mut names = changed.map(|(backend, _)| &backend.name);
    let name = names.find(|name| now.iter().filter(|(backend, _)| backend.name == **name).count() > 1)?;
    let words = format!(
        "Rule {} has several backends called {name}: which is meant cannot be said. Instead: change it with another tool.",
        rule + 1
    );
    Some(check("Names", CheckState::Fails, words, "its backends now"))
}

/// Can a backend answer what it would get again?
fn answers(backend: &Backend) -> Check {
    let Backend { kind, name, namespace, weight, answers, .. } = backend;
    let place = namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let what = format!("{kind} {place}{name}");
    if kind != "Model" {
        return by_pods(what, kind, answers);
    }
    let of_pool = by_pods(what, "pool", answers);
    match (of_pool.state, *weight) {
        // What is asked for now is served, or is missed already.
        (CheckState::Holds, 0) => Check {
            state: CheckState::Unknown,
            words: format!("{} Whether one of them serves this model is not read.", of_pool.words),
            ..of_pool
        },
        _ => of_pool,
    }
}

fn by_pods(what: String, kind: &str, answers: &Answers) -> Check {
    let (state, words) = match answers {
        Answers::Ready(0) => {
            (CheckState::Fails, format!("No pod of the {kind} is ready: what it gets is answered with an error."))
        }
        Answers::Ready(1) => (CheckState::Holds, "1 pod of it is ready.".to_owned()),
        Answers::Ready(pods) => (CheckState::Holds, format!("{pods} pods of it are ready.")),
        Answers::Absent => {
            (CheckState::Fails, format!("There is no such {kind}: what it gets is answered with an error."))
        }
        Answers::NotLooked => (CheckState::Unknown, format!("Whether a {kind} answers is not looked into.")),
        Answers::Unknown(problem) => (CheckState::Unknown, format!("Not known: {}", reason(problem))),
    };
    check(what, state, words, "its pods that are ready, read now")
}

/// Does somebody else set its weights again?
fn moves(set_by: &SetBy) -> Option<Check> {
    let (state, words) = match set_by {
        SetBy::Nobody => return None,
        SetBy::Another(words) => (CheckState::Fails, words.clone()),
        SetBy::Unknown(problem) => {
            (CheckState::Unknown, format!("Whether a Rollout sets its weights again is not known: {}", reason(problem)))
        }
    };
    Some(check("Moves", state, words, "who made it, and Rollouts that name it"))
}

/// A canary has no switch by which a person takes it back; what its controller does, and what can be done instead. Source: how
/// Flagger schedules a canary, and that it begins none for a spec that it has promoted (`hasSpecChanged`).
fn moved(object: &ObjectRef, mover: &Mover) -> Vec<Check> {
    let Mover { phase, target: (kind, name), primary, answers, failed, most_failed } = mover;
    let keeps = by_pods(format!("{kind} {primary}"), kind, answers);
    let place = object.namespace().map(SmolStr::as_str).unwrap_or_default();
    let instead = format!(
        "Instead: take {kind} {name} back (pilothouse rollback {place}/{name} --kind {kind}). Of the version that was promoted \
         last Flagger begins no analysis; any other it takes for a new one."
    );
    let (state, words) = match phase.as_deref() {
        None => (CheckState::Unknown, "Its controller has said nothing of it yet.".to_owned()),
        Some("Failed") => {
            (CheckState::Fails, format!("Flagger has taken it back: all traffic is at {primary} already. {instead}"))
        }
        Some("Progressing" | "Waiting" | "WaitingPromotion") => {
            let left = u64::from((*most_failed).max(1)).saturating_sub(u64::from(*failed)).max(1);
            let words = format!(
                "No switch of it takes it back: Flagger does by itself after {left} more failed checks, or by a rollback hook, \
                 and gives all traffic to {primary}. {instead}"
            );
            (CheckState::Fails, words)
        }
        Some("Promoting" | "Finalising") => {
            let words = format!("It is being promoted, and {primary} has the new version by then. {instead}");
            (CheckState::Fails, words)
        }
        Some("Initializing" | "Initialized" | "Succeeded") => {
            let words = format!("{primary} has the version that was promoted last, and none of before. {instead}");
            (CheckState::Fails, words)
        }
        Some(other) => (CheckState::Unknown, format!("What follows from its phase {other} is not known.")),
    };
    vec![keeps, check("Controller", state, words, format!("its phase, {}", phase.as_deref().unwrap_or("none")))]
}
