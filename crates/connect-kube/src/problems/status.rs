//! Answers that say no: 401, 403, 404, 429, 5xx.

use super::{AGAIN, line, span};
use crate::{
    failure::{Call, Refusal},
    place::Place,
};
use pilothouse_wire::{Code, Problem, Stamp};

pub(super) fn problem(refusal: &Refusal, place: &Place) -> Problem {
    let Place { name, .. } = place;
    let Refusal { call, status, message, .. } = refusal;
    match status {
        401 => unauthenticated(place, refusal.ended),
        403 => denied(place, std::slice::from_ref(call)),
        404 | 410 if call.resource.starts_with('/') => {
            Problem::new(Code::NotFound, format!("{name} has no {}.", call.resource)).why(said(refusal))
        }
        404 => Problem::new(Code::ApiAbsent, format!("{name} does not serve {}.", api(call)))
            .why("404: the server does not have this API.")
            .next("Everything else is read. It is asked for again every minute."),
        429 => {
            let patience =
                refusal.retry_after.map_or_else(String::new, |wait| format!(" It asks us to wait {}.", span(wait)));
            Problem::new(Code::TooMany, format!("{name} asks us to be patient."))
                .why(format!("429 to {}: it has too many requests.{patience}", asked(call)))
                .next("It is asked again after that wait, by itself.")
        }
        500.. => Problem::new(Code::ServerFailed, format!("{name} failed to answer."))
            .why(format!("{status} to {}: {}", asked(call), sentence(message)))
            .next(AGAIN),
        _ => Problem::new(Code::BadInput, format!("{name} refused to {}.", asked(call))).why(said(refusal)).next(AGAIN),
    }
}

fn said(refusal: &Refusal) -> String {
    format!("{}: {}", refusal.status, sentence(&refusal.message))
}

pub(super) fn sentence(text: &str) -> String {
    let text = line(text);
    match text.chars().last() {
        None => "it gives no reason.".to_owned(),
        Some('.' | '!' | '?' | '…') => text,
        Some(_) => format!("{text}."),
    }
}

fn asked(call: &Call) -> String {
    format!("{} {}", call.verb, call.resource)
}

fn api(call: &Call) -> String {
    if call.group.is_empty() { call.resource.clone() } else { format!("{} of {}", call.resource, call.group) }
}

fn unauthenticated(place: &Place, ended: Option<Stamp>) -> Problem {
    let cause = match ended {
        Some(ended) => format!("the client certificate ended on {ended}."),
        None => "the credential is wrong, or no longer valid.".to_owned(),
    };
    Problem::new(Code::Unauthenticated, format!("{} does not know who we are.", place.name))
        .why(format!("401 for user {} of {}: {cause}", place.user, place.file))
        .next("Sign in again, or fetch the cluster's kubeconfig anew. The file is read again at each attempt.")
}

/// 403 for these calls, with the role that would allow them.
#[must_use]
pub fn denied(place: &Place, calls: &[Call]) -> Problem {
    let who = place.who();
    let list: Vec<String> = calls
        .iter()
        .map(|call| {
            let at = call
                .namespace
                .as_ref()
                .map_or_else(|| "at cluster scope".to_owned(), |namespace| format!("in {namespace}"));
            format!("{} {} {at}", call.verb, call.resource)
        })
        .collect();
    Problem::new(Code::Denied, format!("{} is readable in part.", place.name))
        .why(format!("403 for {who}: may not {}.", list.join(", ")))
        .next(format!("Ask an administrator of {} to apply this. It gives reading only.", place.name))
        .remedy(role(who, calls))
}

/// We may not do this, with the role that would allow it.
#[must_use]
pub fn may_not(place: &Place, call: &Call) -> Problem {
    let who = place.who();
    let Call { verb, resource, namespace, .. } = call;
    let at = match namespace {
        Some(namespace) => format!("in {namespace}"),
        None => "at cluster scope".to_owned(),
    };
    Problem::new(Code::Denied, format!("We may not {verb} {resource} {at} of {}.", place.name))
        .why(format!("The server says so of {who}."))
        .next(format!("Ask an administrator of {} to apply this. It gives this one right.", place.name))
        .remedy(acting_role(who, &[call]))
}

/// The roles and their bindings that would allow these calls, as YAML: one in each namespace, and one for what is everywhere.
#[must_use]
pub fn acting_role(who: &str, calls: &[&Call]) -> String {
    let mut places: Vec<Option<&str>> = calls.iter().map(|call| call.namespace.as_deref()).collect();
    places.sort_unstable();
    places.dedup();
    let role = |place: &Option<&str>| {
        let of = calls.iter().filter(|call| call.namespace.as_deref() == *place);
        yaml("pilothouse-act", who, *place, of.map(|call| (&*call.group, call.resource.as_str(), call.verb)))
    };
    places.iter().map(role).collect::<Vec<_>>().join("---\n")
}

/// The ClusterRole and its binding that would allow to read by these calls, as YAML.
#[must_use]
pub fn role(who: &str, calls: &[Call]) -> String {
    let read = calls.iter().map(|call| (&*call.group, call.resource.as_str(), "get, list, watch"));
    yaml("pilothouse-read", who, None, read)
}

/// A role with its binding. Rights are groups, resources and verbs: those of a group with the same verbs are one rule.
fn yaml<'a>(
    name: &str,
    who: &str,
    namespace: Option<&str>,
    rights: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) -> String {
    let mut rules: Vec<(&str, Vec<&str>, &str)> = Vec::new();
    for (group, resource, verbs) in rights {
        match rules.iter_mut().find(|(known, _, of)| (*known, *of) == (group, verbs)) {
            Some((_, resources, _)) if !resources.contains(&resource) => resources.push(resource),
            Some(_) => {}
            None => rules.push((group, vec![resource], verbs)),
        }
    }
    let (kind, metadata) = match namespace {
        Some(namespace) => ("Role", format!("{{ name: {name}, namespace: {namespace} }}")),
        None => ("ClusterRole", format!("{{ name: {name} }}")),
    };
    let api = "apiVersion: rbac.authorization.k8s.io/v1";
    let mut text = format!("{api}\nkind: {kind}\nmetadata: {metadata}\nrules:\n");
    for (group, resources, verbs) in rules {
        let resources = resources.join(", ");
        text += &format!("- {{ apiGroups: [\"{group}\"], resources: [{resources}],\n    verbs: [{verbs}] }}\n");
    }
    text += &format!(
        "---\n{api}\nkind: {kind}Binding\nmetadata: {metadata}\n\
         roleRef: {{ apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: {name} }}\nsubjects:\n{}",
        subject(who)
    );
    text
}

pub(super) fn subject(who: &str) -> String {
    match who.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
        Some((namespace, name)) => format!("- {{ kind: ServiceAccount, namespace: {namespace}, name: {name} }}\n"),
        // A user's name is free text: quoted, it cannot become more YAML.
        None => {
            format!("- {{ apiGroup: rbac.authorization.k8s.io, kind: User, name: {} }}\n", serde_json::Value::from(who))
        }
    }
}
