//! What is planned, tried and sent: the request that only tries, the one that does it, and whose fault it is where a server takes
//! neither.

use super::{EVICTION, JSON_PATCH, MERGE_PATCH};
use crate::{
    client::{Client, JSON},
    failure::{Call, Failure, Refusal},
    problems,
};
use http::Method;
use pilothouse_connect::NotSent;
use pilothouse_wire::{
    Code, Problem,
    plan::{DryRun, Permission, Request},
};
use serde_json::{Value, json};

/// What the server says where a `test` of a JSON patch does not hold, and of nothing else: a field that is not valid is
/// named. Source: `NewGenericServerResponse` of apimachinery, for 422 without details.
const GUARD_FAILED: &str = "the server rejected our request due to an error in our request";
/// Who writes, as the server keeps it.
pub(super) const MANAGER: &str = "fieldManager=pilothouse";

/// Asks the server to try, and what the object would be.
pub(super) async fn try_it(
    client: &Client,
    call: &Call,
    request: &Request,
    permission: &Permission,
) -> (DryRun, Option<Value>) {
    if matches!(permission, Permission::Denied(_)) {
        return (DryRun::NotTried("We may not.".to_owned()), None);
    }
    match write(client, call, &trying(request), "dryRun=All").await {
        Ok(after) => (DryRun::Passed, (request.method == "PATCH").then_some(after)),
        // Its budget may allow it by the time when it is its turn.
        Err(Failure::Refusal(refusal)) if is_not_now(request, &refusal) => {
            (DryRun::NotTried(format!("not just now: {}", problems::line(&refusal.message))), None)
        }
        // An admission webhook that has side effects and does not say that it can try keeps everybody from trying.
        Err(Failure::Refusal(refusal)) if refusal.message.contains("does not support dry run") => {
            (DryRun::NotTried(problems::line(&refusal.message)), None)
        }
        Err(failure) => (DryRun::Refused(Box::new(refused(client, request, &failure))), None),
    }
}

/// The request that only tries. Where a deletion or an eviction has a body, the server reads its options there: without this
/// one it would be done.
pub(super) fn trying(request: &Request) -> Request {
    let mut tried = request.clone();
    if request.method != "PATCH" {
        let mut body: Value = serde_json::from_str(&request.body).unwrap_or_else(|_| json!({}));
        let options = if request.method == "POST" { &mut body["deleteOptions"] } else { &mut body };
        options["dryRun"] = json!(["All"]);
        tried.body = body.to_string();
    }
    tried
}

async fn write(client: &Client, call: &Call, request: &Request, query: &str) -> Result<Value, Failure> {
    let method = match request.method.as_str() {
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        "POST" => Method::POST,
        other => return Err(Failure::Unreadable(format!("{other} is not sent"))),
    };
    let path = format!("{}?{MANAGER}&{query}", request.path);
    let media = [JSON_PATCH, MERGE_PATCH].into_iter().find(|media| request.media == *media).unwrap_or(JSON);
    client.write(call, method, &path, media, request.body.clone().into_bytes()).await
}

/// Is this kept for later: by a disruption budget, by several of them of which none may be changed for it, or by a server that asks
/// for patience? Source: the Eviction API of Kubernetes, and `EvictionREST`.
pub(super) fn is_not_now(request: &Request, refusal: &Refusal) -> bool {
    let of_several = || is_eviction(request) && refusal.message.contains("more than one PodDisruptionBudget");
    request.method == "POST" && (refusal.status == 429 || of_several())
}

fn is_eviction(request: &Request) -> bool {
    request.path.ends_with(EVICTION)
}

/// What is kept for later, in words: the pod of an eviction.
pub(super) fn kept(request: &Request) -> String {
    let parts: Vec<&str> = request.path.split('/').collect();
    match parts.as_slice() {
        [.., "namespaces", namespace, "pods", name, _] if is_eviction(request) => format!("pod {namespace}/{name}"),
        _ => request.path.clone(),
    }
}

/// A refusal in words: a guard that does not hold is the object's change, not our fault.
pub(super) fn refused(client: &Client, request: &Request, failure: &Failure) -> Problem {
    let changed = match failure {
        Failure::Refusal(refusal) => {
            refusal.status == 409
                || (refusal.status == 422 && request.media == JSON_PATCH && refusal.message == GUARD_FAILED)
        }
        _ => false,
    };
    if changed {
        return Problem::new(Code::Exists, "It has changed since it was planned.")
            .why("A field that the plan depends on is another one by now.")
            .next("This was not done. Plan it anew: the plan will be of how it is now.");
    }
    let problem = match failure {
        // With the role that would allow what was asked.
        Failure::Refusal(refusal) if refusal.status == 403 => problems::may_not(&client.place, &call_of(request)),
        _ => failure.problem(&client.place),
    };
    match failure {
        // Its own words are what a person needs: a webhook's, a quota's.
        Failure::Refusal(refusal) if !refusal.message.is_empty() => {
            Problem { why: Some(problems::line(&refusal.message)), ..problem }
        }
        _ => problem,
    }
}

/// Is the pod that was to be evicted gone? One of another identity with its name is another pod. Source: `BeforeDelete` of
/// `k8s.io/apiserver`.
fn is_gone(refusal: &Refusal) -> bool {
    refusal.status == 404 || (refusal.status == 409 && refusal.message.contains("Precondition failed"))
}

/// The right that a request needs, by its path: `/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME/BELOW`.
pub(super) fn call_of(request: &Request) -> Call {
    let mut parts = request.path.trim_start_matches('/').split('/');
    let group = if parts.next() == Some("apis") { parts.next().unwrap_or_default() } else { "" };
    let rest: Vec<&str> = parts.skip(1).collect();
    let (namespace, rest) = match rest.as_slice() {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
        rest => (None, rest),
    };
    let resource = match rest {
        [plural, _, below, ..] => format!("{plural}/{below}"),
        [plural, ..] => (*plural).to_owned(),
        [] => request.path.clone(),
    };
    let verb = match request.method.as_str() {
        "DELETE" => "delete",
        "POST" => "create",
        _ => "patch",
    };
    Call { verb, group: group.to_owned().into(), resource, namespace }
}

/// Sends a step.
pub(crate) async fn send(client: &Client, request: &Request) -> Result<(), NotSent> {
    let call = call_of(request);
    match write(client, &call, request, "").await {
        Ok(_) => Ok(()),
        // Who is gone already need not be sent away.
        Err(Failure::Refusal(refusal)) if is_eviction(request) && is_gone(&refusal) => Ok(()),
        Err(failure) => {
            let problem = refused(client, request, &failure);
            Err(match &failure {
                Failure::Refusal(refusal) if is_not_now(request, refusal) => {
                    NotSent::Later { of: kept(request), why: problem }
                }
                _ if is_lost(&failure, &problem) => NotSent::Lost(problem),
                _ => NotSent::Refused(problem),
            })
        }
    }
}

/// May it have been done all the same?
fn is_lost(failure: &Failure, problem: &Problem) -> bool {
    match failure {
        Failure::Told(_) => false,
        // A webhook is asked before anything is written. Source: `NewInternalError` in the dispatchers of `k8s.io/apiserver`.
        Failure::Refusal(refusal) => refusal.status >= 500 && !refusal.message.contains("failed calling webhook"),
        // Nothing was sent where nobody was reached.
        Failure::Transport(_) => !matches!(
            problem.code,
            Code::Refused | Code::NameNotFound | Code::TlsUntrusted | Code::TlsExpired | Code::TlsWrongName
        ),
        Failure::TimedOut(_) | Failure::Unreadable(_) | Failure::TooLarge => true,
    }
}
