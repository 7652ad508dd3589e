//! Doing things to objects: what would be sent, whether we may, whether the server would take it; sending it; looking
//! whether it came to pass.

mod diff;
mod draft;
mod revision;
mod seen;
#[cfg(test)]
mod tests;

use crate::{
    client::{Client, JSON, PATIENCE},
    failure::{Call, Failure},
    problems,
    read::{self, Spot},
    scrub::scrub,
};
use draft::{Draft, Present, draft};
use http::Method;
use pilothouse_connect::{NotSent, Seen};
use pilothouse_wire::{
    Code, Problem, SmolStr, Stamp,
    plan::{Deed, DryRun, Intent, Permission, Plan, Request, Step},
};
use revision::Revision;
use serde_json::{Value, json};

const JSON_PATCH: &str = "application/json-patch+json";
/// What the server says where a `test` of a JSON patch does not hold, and of nothing else: a field that is not valid is
/// named. Source: `NewGenericServerResponse` of apimachinery, for 422 without details.
const GUARD_FAILED: &str = "the server rejected our request due to an error in our request";
/// Who writes, as the server keeps it.
const MANAGER: &str = "fieldManager=pilothouse";

/// What would be done to an object. Reads alone.
pub(crate) async fn plan(client: &Client, intent: &Intent, now: Stamp) -> Result<Plan, Problem> {
    let spot = read::spot(client, &intent.object).await?;
    let object = read::object(client, &spot, intent.object.kind_word()).await?;
    let revisions = match &intent.deed {
        Deed::Undo(_) => revisions(client, &spot, &object).await?,
        _ => Vec::new(),
    };
    let mut unknown = Vec::new();
    let autoscalers = match &intent.deed {
        Deed::Scale(_) => autoscalers(client, &spot).await.unwrap_or_else(|failure| {
            let why = failure.problem(&client.place);
            unknown.push(format!("Whether an autoscaler keeps the number of pods is not known: {}", why.what));
            Vec::new()
        }),
        _ => Vec::new(),
    };
    let present = Present { object: &object, revisions: &revisions, autoscalers: &autoscalers, now: &now.to_string() };
    let draft = draft(intent, &present)?;
    let (request, call) = request(&spot, &object, draft.patch.as_deref());
    let permission = permission(client, &call, &spot).await;
    let (dry_run, after) = try_it(client, &call, &request, &permission).await;
    Ok(assembled(intent, now, draft, (request, permission, dry_run), (&object, after.as_ref()), unknown))
}

fn assembled(
    intent: &Intent,
    now: Stamp,
    draft: Draft,
    (request, permission, dry_run): (Request, Permission, DryRun),
    (before, after): (&Value, Option<&Value>),
    unknown: Vec<String>,
) -> Plan {
    let scrubbed = |object: &Value| {
        let mut object = object.clone();
        scrub(&mut object);
        object
    };
    let mut changes = after.map(|after| diff::changes(&scrubbed(before), &scrubbed(after))).unwrap_or_default();
    let more_changes = u32::try_from(changes.len().saturating_sub(diff::MOST)).unwrap_or(u32::MAX);
    changes.truncate(diff::MOST);
    let denied = match &permission {
        Permission::Denied(problem) => Some((**problem).clone()),
        Permission::Granted | Permission::Unknown(_) => None,
    };
    let refused = match &dry_run {
        DryRun::Refused(problem) => Some((**problem).clone()),
        DryRun::Passed | DryRun::NotTried(_) => None,
    };
    Plan {
        intent: intent.clone(),
        title: draft.title,
        made: now,
        steps: vec![Step { words: draft.words, request, guards: draft.guards, permission, dry_run }],
        changes,
        more_changes,
        affected: draft.affected,
        risk: draft.risk.0,
        risk_why: draft.risk.1,
        warnings: draft.warnings.into_iter().chain(unknown).collect(),
        success: draft.success,
        undo: draft.undo.map(|deed| Intent { object: intent.object.clone(), deed }),
        type_name: None,
        blocked: denied.or(refused).into_iter().collect(),
    }
}

/// What is sent, and the right that it needs.
fn request(spot: &Spot, object: &Value, patch: Option<&[Value]>) -> (Request, Call) {
    let (method, verb, media, body) = match patch {
        Some(patch) => ("PATCH", "patch", JSON_PATCH, json!(patch)),
        None => {
            let uid = &object["metadata"]["uid"];
            let body = json!({
                "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": uid },
            });
            ("DELETE", "delete", JSON, body)
        }
    };
    let request = Request {
        method: SmolStr::new_static(method),
        path: spot.path(),
        media: SmolStr::new_static(media),
        body: body.to_string(),
    };
    let call = Call {
        verb,
        group: spot.kind.group.to_string().into(),
        resource: spot.kind.plural.to_string(),
        namespace: spot.namespace.as_ref().map(SmolStr::to_string),
    };
    (request, call)
}

/// The revisions that the server keeps of a controller, the newest first.
async fn revisions(client: &Client, spot: &Spot, object: &Value) -> Result<Vec<Revision>, Problem> {
    let kind = if spot.kind.kind == "Deployment" { "ReplicaSet" } else { "ControllerRevision" };
    let of = if kind == "ReplicaSet" { "replicasets" } else { "controllerrevisions" };
    let list = list(client, spot, "/apis/apps/v1", of).await.map_err(|failure| failure.problem(&client.place))?;
    let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
    Ok(match kind {
        "ReplicaSet" => revision::of_replica_sets(&list, uid),
        _ => revision::of_controller_revisions(&list, uid),
    })
}

/// The autoscalers that keep the number of an object's pods.
async fn autoscalers(client: &Client, spot: &Spot) -> Result<Vec<String>, Failure> {
    let list = list(client, spot, "/apis/autoscaling/v2", "horizontalpodautoscalers").await?;
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fits = |item: &&Value| {
        let target = &item["spec"]["scaleTargetRef"];
        target["kind"] == spot.kind.kind.as_str() && target["name"] == spot.name.as_str()
    };
    Ok(items.iter().filter(fits).filter_map(|item| item["metadata"]["name"].as_str().map(str::to_owned)).collect())
}

async fn list(client: &Client, spot: &Spot, root: &str, plural: &str) -> Result<Value, Failure> {
    let namespace = spot.namespace.as_deref().unwrap_or_default();
    let path = format!("{root}/namespaces/{namespace}/{plural}");
    let group = root.split('/').nth(2).unwrap_or_default().to_owned();
    let call =
        Call { verb: "list", group: group.into(), resource: plural.to_owned(), namespace: Some(namespace.to_owned()) };
    let answer = client.get(&call, &path, JSON, PATIENCE).await?;
    serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable("It is no list in JSON".to_owned()))
}

/// May we send this?
async fn permission(client: &Client, call: &Call, spot: &Spot) -> Permission {
    let attributes = json!({
        "verb": call.verb, "group": call.group, "resource": call.resource,
        "namespace": call.namespace.as_deref().unwrap_or_default(), "name": spot.name,
    });
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes },
    });
    let asked = Call {
        verb: "create",
        group: "authorization.k8s.io".into(),
        resource: "selfsubjectaccessreviews".to_owned(),
        namespace: None,
    };
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    match client.post(&asked, path, &review).await.map(|answer| answer["status"]["allowed"].as_bool()) {
        Ok(Some(true)) => Permission::Granted,
        Ok(Some(false)) => Permission::Denied(Box::new(problems::may_not(&client.place, call))),
        Ok(None) => Permission::Unknown("Its review of our rights has no result.".to_owned()),
        Err(failure) => Permission::Unknown(failure.problem(&client.place).what),
    }
}

/// Asks the server to try, and what the object would be.
async fn try_it(client: &Client, call: &Call, request: &Request, permission: &Permission) -> (DryRun, Option<Value>) {
    if matches!(permission, Permission::Denied(_)) {
        return (DryRun::NotTried("We may not.".to_owned()), None);
    }
    match write(client, call, &trying(request), "dryRun=All").await {
        Ok(after) => (DryRun::Passed, (request.method == "PATCH").then_some(after)),
        // An admission webhook that has side effects and does not say that it can try keeps everybody from trying.
        Err(Failure::Refusal(refusal)) if refusal.message.contains("does not support dry run") => {
            (DryRun::NotTried(problems::line(&refusal.message)), None)
        }
        Err(failure) => (DryRun::Refused(Box::new(refused(client, request, &failure))), None),
    }
}

/// The request that only tries. Where a deletion has a body, the server reads its options there and nowhere else: without
/// this one it would be done.
fn trying(request: &Request) -> Request {
    let mut tried = request.clone();
    if request.method == "DELETE" {
        let mut body: Value = serde_json::from_str(&request.body).unwrap_or_else(|_| json!({}));
        body["dryRun"] = json!(["All"]);
        tried.body = body.to_string();
    }
    tried
}

async fn write(client: &Client, call: &Call, request: &Request, query: &str) -> Result<Value, Failure> {
    let method = match request.method.as_str() {
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        other => return Err(Failure::Unreadable(format!("{other} is not sent"))),
    };
    let path = format!("{}?{MANAGER}&{query}", request.path);
    let media = if request.media == JSON_PATCH { JSON_PATCH } else { JSON };
    client.write(call, method, &path, media, request.body.clone().into_bytes()).await
}

/// A refusal in words: a guard that does not hold is the object's change, not our fault.
fn refused(client: &Client, request: &Request, failure: &Failure) -> Problem {
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
            .next("Nothing was done. Plan it anew: the plan will be of how it is now.");
    }
    let problem = failure.problem(&client.place);
    match failure {
        // Its own words are what a person needs: a webhook's, a quota's.
        Failure::Refusal(refusal) if !refusal.message.is_empty() => {
            Problem { why: Some(problems::line(&refusal.message)), ..problem }
        }
        _ => problem,
    }
}

/// Sends a step.
pub(crate) async fn send(client: &Client, request: &Request) -> Result<(), NotSent> {
    let call = Call { verb: "patch", group: "".into(), resource: request.path.clone(), namespace: None };
    match write(client, &call, request, "").await {
        Ok(_) => Ok(()),
        Err(failure) => {
            let problem = refused(client, request, &failure);
            Err(if is_lost(&failure, &problem) { NotSent::Lost(problem) } else { NotSent::Refused(problem) })
        }
    }
}

/// May it have been done all the same?
fn is_lost(failure: &Failure, problem: &Problem) -> bool {
    match failure {
        Failure::Told(_) => false,
        Failure::Refusal(refusal) => refusal.status >= 500,
        // Nothing was sent where nobody was reached.
        Failure::Transport(_) => !matches!(
            problem.code,
            Code::Refused | Code::NameNotFound | Code::TlsUntrusted | Code::TlsExpired | Code::TlsWrongName
        ),
        Failure::TimedOut(_) | Failure::Unreadable(_) | Failure::TooLarge => true,
    }
}

/// Is what was planned as it should be?
pub(crate) async fn look(client: &Client, plan: &Plan) -> Result<Seen, Problem> {
    let spot = read::spot(client, &plan.intent.object).await?;
    let kind = plan.intent.object.kind_word();
    // Only a deleted pod is told from one that has taken its name.
    let uid = plan.steps.iter().flat_map(|step| &step.guards).find(|(path, _)| path == "/metadata/uid");
    let uid = uid.map(|(_, value)| value.trim_matches('"')).unwrap_or_default();
    match read::object(client, &spot, kind).await {
        Ok(object) => Ok(seen::seen(&plan.intent.deed, kind, uid, Some(&object))),
        Err(problem) if problem.code == Code::NotFound => Ok(seen::seen(&plan.intent.deed, kind, uid, None)),
        Err(problem) => Err(problem),
    }
}
