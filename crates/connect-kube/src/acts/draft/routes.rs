//! Routes: which backend of a rule gets how much of its traffic. Pure.

use super::{
    About, Body, Draft, Guard, HEAVIEST, Part, SOON, Target,
    held::{bare, digest},
};
use pilothouse_wire::{
    Code, Problem, SmolStr,
    plan::{Affected, Deed, Expectation, Portion, Risk, Share},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where a kind of route has its backends, and how it calls one: the Gateway API's HTTPRoute, llm-d's
/// InferenceModelRewrite.
#[derive(Clone, Copy)]
struct Form {
    kind: &'static str,
    list: &'static str,
    name: &'static str,
}

const FORMS: [Form; 2] = [
    Form { kind: "HTTPRoute", list: "backendRefs", name: "name" },
    Form { kind: "InferenceModelRewrite", list: "targets", name: "modelRewrite" },
];

/// What tells a rule from the others of its route, besides its backends.
const TOLD_BY: [&str; 3] = ["name", "matches", "filters"];

/// A backend of the rule: its place there, its name, its weight, and the one that it would have.
struct Backend<'a> {
    place: usize,
    name: &'a str,
    object: &'a Value,
    now: u32,
    then: u32,
}

pub(super) fn weigh(
    about: &About<'_>,
    (rule, mark): (Option<u32>, Option<&str>),
    weights: &[(SmolStr, u32)],
    beside: &[String],
) -> Result<Draft, Problem> {
    about.of(&FORMS.map(|form| form.kind), "given weights")?;
    let form = FORMS.iter().find(|form| form.kind == about.kind).copied().unwrap_or(FORMS[0]);
    asked_well(weights)?;
    let known = mark.map(|mark| marked(about, form, rule, mark)).transpose()?;
    let (rule, list) = the_rule(about, form, known.or(rule), weights)?;
    let meant = &rules(about)[rule];
    let all: Vec<Backend<'_>> = list
        .iter()
        .enumerate()
        .map(|(place, object)| {
            let (name, now) = (object[form.name].as_str().unwrap_or_default(), weight_of(object));
            let then = weights.iter().find(|(of, _)| of == name).map_or(now, |(_, then)| *then);
            Backend { place, name, object, now, then }
        })
        .collect();
    let changed: Vec<&Backend<'_>> = all.iter().filter(|backend| backend.now != backend.then).collect();
    if changed.is_empty() {
        return Err(about.so_already("so weighted"));
    }
    let at = |backend: &Backend<'_>| format!("/spec/rules/{rule}/{}/{}", form.list, backend.place);
    // What traffic results depends on all of the rule's backends, whichever of them change. Only to send nothing to some is right
    // whatever the weights are by then: that is never held up by one that somebody moved meanwhile.
    let stops = changed.iter().all(|backend| backend.then == 0);
    // Rules of the same backends are told apart by what they are for: one that another was put before is not this one.
    let told_by = TOLD_BY.iter().filter(|field| !meant[**field].is_null());
    let same_rule = told_by.map(|field| Guard::new(&format!("/spec/rules/{rule}/{field}"), meant[*field].clone()));
    let backends = all.iter().flat_map(|backend| {
        let named = Guard::new(&format!("{}/{}", at(backend), form.name), backend.object[form.name].clone());
        let weighted = || match &backend.object["weight"] {
            // One that is not said cannot be held as a field of its own.
            Value::Null => Guard::new(&at(backend), backend.object.clone()),
            weight => Guard::new(&format!("{}/weight", at(backend)), weight.clone()),
        };
        [Some(named), (!stops).then(weighted)].into_iter().flatten()
    });
    let put = changed
        .iter()
        .map(|backend| json!({ "op": "add", "path": format!("{}/weight", at(backend)), "value": backend.then }));
    let moves: Vec<String> =
        changed.iter().map(|backend| format!("{} from {} to {}", backend.name, backend.now, backend.then)).collect();
    let moves = moves.join(", ");
    Ok(Draft {
        title: format!("Weigh {moves} in {} {}", about.kind, about.name),
        steps: vec![Part {
            words: format!("Set the weights of rule {}: {moves}", rule + 1),
            to: Target::Object,
            body: Body::Patch(put.collect()),
            guards: same_rule.chain(backends).collect(),
        }],
        traffic: shares(&all),
        affected: Affected::default(),
        risk: risk(&all),
        warnings: beside.to_vec(),
        success: Expectation {
            words: "it has these weights, and whoever routes by it says that it has taken them up".to_owned(),
            within: SOON,
        },
        undo: Some(Deed::SetWeights {
            rule: u32::try_from(rule).ok(),
            mark: Some(mark_of(meant, form)),
            weights: changed.iter().map(|backend| (SmolStr::new(backend.name), backend.now)).collect(),
        }),
    })
}

fn asked_well(weights: &[(SmolStr, u32)]) -> Result<(), Problem> {
    let bad = |what: String| Err(Problem::new(Code::BadInput, what));
    let names: BTreeSet<&SmolStr> = weights.iter().map(|(name, _)| name).collect();
    if weights.is_empty() {
        return bad("No backend is named.".to_owned());
    }
    if names.len() < weights.len() {
        return bad("A backend is named twice.".to_owned());
    }
    match weights.iter().find(|(_, weight)| *weight > HEAVIEST) {
        Some((name, weight)) => bad(format!("{weight} is too heavy for {name}: at most {HEAVIEST}.")),
        None => Ok(()),
    }
}

/// The rule that is meant, from 0, and its backends.
fn the_rule<'a>(
    about: &About<'a>,
    form: Form,
    rule: Option<u32>,
    weights: &[(SmolStr, u32)],
) -> Result<(usize, &'a Vec<Value>), Problem> {
    let lists = || {
        let all = rules(about).iter().enumerate();
        all.filter_map(move |(place, rule)| rule[form.list].as_array().map(|list| (place, list)))
    };
    let count = |list: &Vec<Value>, name: &SmolStr| list.iter().filter(|one| one[form.name] == name.as_str()).count();
    let has = |list: &Vec<Value>| weights.iter().all(|(name, _)| count(list, name) > 0);
    let asked = rule.and_then(|rule| usize::try_from(rule).ok());
    let found: Vec<(usize, &Vec<Value>)> =
        lists().filter(|(place, list)| asked.is_none_or(|asked| asked == *place) && has(list)).collect();
    match found.as_slice() {
        [(place, list)] => match weights.iter().find(|(name, _)| count(list, name) > 1) {
            Some((name, _)) => Err(Problem::new(
                Code::BadInput,
                format!("Rule {} of {} {} has several backends called {name}.", place + 1, about.kind, about.name),
            )
            .next("Which of them is meant cannot be said by its name. Change it with another tool.")),
            None => Ok((*place, list)),
        },
        [] => {
            let named: Vec<&str> = weights.iter().map(|(name, _)| name.as_str()).collect();
            let what = match asked {
                Some(rule) => {
                    format!("Rule {} of {} {} has no {}.", rule + 1, about.kind, about.name, named.join(" with "))
                }
                None => format!("No rule of {} {} has {}.", about.kind, about.name, named.join(" with ")),
            };
            Err(Problem::new(Code::NotFound, what).next(kept(about, form)))
        }
        several => {
            let places: Vec<String> = several.iter().map(|(place, _)| (place + 1).to_string()).collect();
            let what = format!("Several rules of {} {} have these backends.", about.kind, about.name);
            Err(Problem::new(Code::BadInput, what).next(format!("Say which: {}.", places.join(", "))))
        }
    }
}

fn rules<'a>(about: &About<'a>) -> &'a [Value] {
    about.object["spec"]["rules"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Which rule has which backends, as a sentence.
fn kept(about: &About<'_>, form: Form) -> String {
    let all = rules(about).iter().enumerate().filter_map(|(place, rule)| {
        let names: Vec<&str> = rule[form.list].as_array()?.iter().filter_map(|one| one[form.name].as_str()).collect();
        Some(format!("rule {} has {}", place + 1, names.join(", ")))
    });
    let all: Vec<String> = all.collect();
    if all.is_empty() { "It has no backend at all.".to_owned() } else { format!("Of it {}.", all.join("; ")) }
}

/// By what a rule is known wherever it stands: what it is for, what is done to its requests, and its backends, whatever their
/// weights and in whichever order.
fn mark_of(rule: &Value, form: Form) -> SmolStr {
    let mut known: Vec<(&str, Value)> = TOLD_BY.iter().map(|field| (*field, bare(&rule[*field]))).collect();
    let backends = rule[form.list].as_array().into_iter().flatten().map(|backend| {
        let mut backend = bare(backend);
        if let Some(fields) = backend.as_object_mut() {
            fields.remove("weight");
        }
        backend.to_string()
    });
    let mut backends: Vec<String> = backends.collect();
    backends.sort();
    known.push((form.list, json!(backends)));
    digest(json!(known).to_string().as_bytes()).into()
}

/// Where the rule stands by now that has this mark. `was` is where it stood.
fn marked(about: &About<'_>, form: Form, was: Option<u32>, mark: &str) -> Result<u32, Problem> {
    let found: Vec<usize> = rules(about)
        .iter()
        .enumerate()
        .filter(|(_, rule)| mark_of(rule, form) == mark)
        .map(|(place, _)| place)
        .collect();
    let was = was.map_or_else(|| "the rule".to_owned(), |rule| format!("rule {}", u64::from(rule) + 1));
    match found.as_slice() {
        [place] => Ok(u32::try_from(*place).unwrap_or(u32::MAX)),
        [] => Err(Problem::new(
            Code::NotFound,
            format!("What was {was} of {} {} is not found any more.", about.kind, about.name),
        )
        .why("None of its rules has the matches, filters and backends that it had: somebody has changed it since.")
        .next(format!("{} Say by its number which is meant.", kept(about, form)))),
        several => {
            let places: Vec<String> = several.iter().map(|place| (place + 1).to_string()).collect();
            let places = places.join(" and ");
            Err(Problem::new(
                Code::BadInput,
                format!("Which rule of {} {} is meant cannot be told.", about.kind, about.name),
            )
            .why(format!("Rules {places} have the matches, filters and backends that {was} had."))
            .next("Say by its number which is meant."))
        }
    }
}

/// A weight that is not said is 1.
fn weight_of(backend: &Value) -> u32 {
    match &backend["weight"] {
        Value::Null => 1,
        weight => weight.as_u64().and_then(|weight| u32::try_from(weight).ok()).unwrap_or(0),
    }
}

fn shares(all: &[Backend<'_>]) -> Vec<Share> {
    let whole = |of: fn(&Backend<'_>) -> u32| all.iter().map(|backend| u64::from(of(backend))).sum::<u64>();
    let (now, then) = (whole(|backend| backend.now), whole(|backend| backend.then));
    let share = |backend: &Backend<'_>| Share {
        of: backend.name.to_owned(),
        now: Portion { part: backend.now, whole: now },
        then: Portion { part: backend.then, whole: then },
    };
    all.iter().map(share).collect()
}

fn risk(all: &[Backend<'_>]) -> (Risk, String) {
    if all.iter().all(|backend| backend.then == 0) {
        return (Risk::High, "No backend of the rule gets traffic: each request is answered with an error.".to_owned());
    }
    let first = all.iter().find(|backend| backend.now == 0 && backend.then > 0);
    let words = match first {
        Some(first) => format!("{} gets traffic, which it had none of.", first.name),
        None => "Traffic moves at once. No pod is touched.".to_owned(),
    };
    (Risk::Medium, words)
}

/// Has the object the weights of this deed, where its backends stood as it was sent?
pub(in crate::acts) fn has_weights(object: &Value, guards: &[(String, String)], weights: &[(SmolStr, u32)]) -> bool {
    let is_set = |(name, weight): &(SmolStr, u32)| {
        FORMS.iter().any(|form| {
            let end = format!("/{}", form.name);
            let held = guards.iter().filter(|(_, value)| value.trim_matches('"') == name.as_str());
            // Rules have names, too.
            let mut places =
                held.filter_map(|(path, _)| path.strip_suffix(&end)).filter(|place| place.contains(form.list));
            places.any(|place| {
                let backend = object.pointer(place);
                backend.is_some_and(|it| it[form.name] == name.as_str() && weight_of(it) == *weight)
            })
        })
    };
    weights.iter().all(is_set)
}
