//! Doing things to objects: what would be sent, whether we may, whether the server would take it; sending it; looking
//! whether it came to pass.

pub(crate) mod beside;
mod diff;
mod draft;
pub(crate) mod kserve;
pub(crate) mod member;
pub(crate) mod revision;
pub(crate) mod rollout;
mod seen;
mod sending;
#[cfg(test)]
mod tests;
mod workers;
mod written;

use crate::{
    client::{Client, JSON, PATIENCE},
    failure::{Call, Failure},
    problems,
    read::{self, Spot},
    rights,
    scrub::scrub,
};
use draft::{Body, Guard, Part, Present, Target, as_sent, draft};
use futures::{StreamExt, stream};
use pilothouse_connect::Seen;
use pilothouse_wire::{
    Code, ObjectRef, Problem, SmolStr, Stamp,
    plan::{Deed, DryRun, Intent, Permission, Plan, Request, Step},
};
use revision::Revision;
pub(crate) use sending::send;
use sending::try_it;
use serde_json::{Value, json};

const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
/// Steps that the server is asked to try at once.
const AT_ONCE: usize = 8;
/// Where a pod is evicted, behind its path.
const EVICTION: &str = "/eviction";

/// What would be done to an object. Reads alone.
pub(crate) async fn plan(client: &Client, intent: &Intent, now: Stamp) -> Result<Plan, Problem> {
    // What is to be made is not there yet.
    if let Deed::RunWorkers(of) = &intent.deed {
        return workers::run(client, intent, of, now).await;
    }
    let spot = read::spot(client, &intent.object).await?;
    let object = read::object(client, &spot, intent.object.kind_word()).await?;
    let template = match (&intent.deed, is_borrowing(&spot, &object)) {
        (Deed::Undo(_) | Deed::SetImage { .. }, true) => Some(template(client, &spot, &object).await?),
        _ => None,
    };
    let mut unknown = Vec::new();
    let revisions = match intent.deed {
        Deed::Undo(_) => revisions(client, &spot, &object).await?,
        // Nobody is kept from stopping something by what cannot be read.
        Deed::Promote | Deed::PromoteFully | Deed::Abort | Deed::Retry | Deed::Resume | Deed::SetImage { .. }
            if spot.kind.kind == "Rollout" =>
        {
            revisions(client, &spot, &object).await.unwrap_or_else(|problem| {
                let why = problem.what;
                unknown.push(format!("Which revision has which pods is not known, and all pods are counted: {why}"));
                Vec::new()
            })
        }
        _ => Vec::new(),
    };
    let pods = match intent.deed {
        Deed::Drain => pods_of(client, &spot.name).await.map_err(|failure| failure.problem(&client.place))?,
        Deed::BeginWorkers { .. } => {
            let namespace = spot.namespace.as_deref().unwrap_or_default();
            let pods = crate::workers::pods(client, namespace, &spot.name).await;
            pods.map_err(|failure| failure.problem(&client.place))?
        }
        _ => Vec::new(),
    };
    let autoscalers = match intent.deed {
        Deed::Scale(_) => autoscalers(client, &spot).await.unwrap_or_else(|failure| {
            let why = failure.problem(&client.place);
            unknown.push(format!("Whether an autoscaler keeps the number of pods is not known: {}", why.what));
            Vec::new()
        }),
        _ => Vec::new(),
    };
    let beside = beside::beside(client, &spot, &object, &intent.deed).await;
    let present = Present {
        object: &object,
        template: template.as_ref().map(|(_, template)| template),
        revisions: &revisions,
        autoscalers: &autoscalers,
        pods: &pods,
        backends: &beside.backends,
        keeper: beside.keeper.as_deref(),
        now: &now.to_string(),
    };
    let draft = draft(intent, &present)?;
    let others = template.as_ref().map(|(spot, _)| spot);
    // Made one by one: a closure over borrowed steps is not general enough for a boxed future.
    let mut asked = Vec::new();
    for part in &draft.steps {
        asked.push(tried(client, &spot, others, part));
    }
    let tried: Vec<(Step, Option<Value>)> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    // What is shown to change is the object; of several steps each is tried alone, and what they change comes together.
    let mut changes = Vec::new();
    for (part, (_, after)) in draft.steps.iter().zip(&tried) {
        let before = if part.to == Target::Template { present.template } else { Some(&object) };
        if let (Some(before), Some(after)) = (before, after) {
            let status = part.to == Target::Status;
            changes.extend(diff::changes(&scrubbed(before), &scrubbed(after), status));
        }
    }
    let more_changes = u32::try_from(changes.len().saturating_sub(diff::MOST)).unwrap_or(u32::MAX);
    changes.truncate(diff::MOST);
    let mut steps: Vec<Step> = tried.into_iter().map(|(step, _)| step).collect();
    let stays = if intent.deed == Deed::Abort { leave_what_follows(&mut steps) } else { Vec::new() };
    Ok(Plan {
        intent: intent.clone(),
        title: draft.title,
        made: now,
        blocked: blocked(&steps),
        steps,
        changes,
        more_changes,
        traffic: draft.traffic,
        affected: draft.affected,
        risk: draft.risk.0,
        risk_why: draft.risk.1,
        warnings: draft.warnings.into_iter().chain(stays).chain(beside.warnings).chain(unknown).collect(),
        success: draft.success,
        undo: draft.undo.map(|deed| Intent { object: intent.object.clone(), deed }),
        type_name: None,
    })
}

/// The containers of what makes pods, each once with its image. Of leaders and workers that share a name and have other images
/// the leader's is told.
pub(crate) async fn containers(client: &Client, object: &ObjectRef) -> Result<Vec<(SmolStr, SmolStr)>, Problem> {
    let kind = object.kind_word();
    let spot = read::spot(client, object).await?;
    let read = read::object(client, &spot, kind).await?;
    let holder = if is_borrowing(&spot, &read) { template(client, &spot, &read).await?.1 } else { read };
    let mut all: Vec<(SmolStr, SmolStr)> = Vec::new();
    for place in draft::places(kind, &holder) {
        if all.iter().all(|(name, _)| name != place.name) {
            all.push((place.name.into(), place.image.into()));
        }
    }
    if all.is_empty() {
        let what = format!("{kind} {} has no template with containers.", object.name());
        return Err(Problem::new(Code::NotOffered, what));
    }
    Ok(all)
}

fn scrubbed(object: &Value) -> Value {
    let mut object = object.clone();
    scrub(&mut object);
    object
}

/// Why it cannot be confirmed: each reason once, however many steps have it.
fn blocked(steps: &[Step]) -> Vec<Problem> {
    let mut all: Vec<Problem> = Vec::new();
    for problem in steps.iter().filter_map(hindrance) {
        if !all.contains(problem) {
            all.push(problem.clone());
        }
    }
    all
}

/// Why a step cannot be sent.
fn hindrance(step: &Step) -> Option<&Problem> {
    match (&step.permission, &step.dry_run) {
        (Permission::Denied(problem), _) | (_, DryRun::Refused(problem)) => Some(problem),
        _ => None,
    }
}

/// Nobody is kept from stopping something by what would only follow it: of what is sent behind the first step, what cannot be is left
/// out. Answers what is to be said of that.
fn leave_what_follows(steps: &mut Vec<Step>) -> Vec<String> {
    let mut said = Vec::new();
    let mut is_first = true;
    steps.retain(|step| {
        let stays = std::mem::take(&mut is_first);
        let hindrance = hindrance(step).filter(|_| !stays);
        said.extend(
            hindrance.map(|problem| format!("Left out, since it cannot be done: {}. {}", step.words, problem.what)),
        );
        hindrance.is_none()
    });
    said
}

/// A step as it would be sent, with what the server says of it, and what the object would be.
async fn tried(client: &Client, spot: &Spot, others: Option<&Spot>, part: &Part) -> (Step, Option<Value>) {
    let (request, call, name) = request(spot, others, part);
    let permission = match rights::is_granted(client, &call, Some(&name)).await {
        Ok(true) => Permission::Granted,
        Ok(false) => Permission::Denied(Box::new(problems::may_not(&client.place, &call))),
        Err(failure) => Permission::Unknown(failure.problem(&client.place).what),
    };
    let (dry_run, after) = try_it(client, &call, &request, &permission).await;
    let guards = part.guards.iter().map(Guard::shown).collect();
    (Step { words: part.words.clone(), request, guards, permission, dry_run }, after)
}

/// What is sent, the right that it needs, and the name that this is about.
fn request(spot: &Spot, others: Option<&Spot>, part: &Part) -> (Request, Call, SmolStr) {
    let pod = match &part.to {
        Target::Pod(namespace, name) | Target::Itself(namespace, name) => Some(read::pod(namespace, name)),
        _ => None,
    };
    let (spot, below) = match &part.to {
        Target::Object => (spot, ""),
        Target::Status => (spot, "/status"),
        Target::Template => (others.unwrap_or(spot), ""),
        Target::Pod(..) => (pod.as_ref().unwrap_or(spot), EVICTION),
        Target::Itself(..) => (pod.as_ref().unwrap_or(spot), ""),
    };
    let precondition =
        |uid: &str| json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": uid } });
    let (method, verb, media, body) = match &part.body {
        Body::Patch(put) => {
            let guards = part.guards.iter().map(Guard::test);
            ("PATCH", "patch", JSON_PATCH, json!(guards.chain(put.iter().cloned()).collect::<Vec<_>>()))
        }
        Body::Merge(object) => ("PATCH", "patch", MERGE_PATCH, object.clone()),
        Body::Delete(uid) => ("DELETE", "delete", JSON, precondition(uid)),
        Body::DeleteWithPods(uid) => {
            let mut options = precondition(uid);
            options["propagationPolicy"] = json!("Background");
            ("DELETE", "delete", JSON, options)
        }
        Body::Evict(uid) => {
            let metadata = json!({ "name": spot.name, "namespace": spot.namespace });
            let eviction = json!({
                "apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": precondition(uid),
            });
            ("POST", "create", JSON, eviction)
        }
    };
    let request = Request {
        method: SmolStr::new_static(method),
        path: format!("{}{below}", spot.path()),
        media: SmolStr::new_static(media),
        body: as_sent(&body),
    };
    let call = Call {
        verb,
        group: spot.kind.group.to_string().into(),
        resource: format!("{}{below}", spot.kind.plural),
        namespace: spot.namespace.as_ref().map(SmolStr::to_string),
    };
    (request, call, spot.name.clone())
}

/// Does a Rollout take the template of another workload?
fn is_borrowing(spot: &Spot, object: &Value) -> bool {
    spot.kind.kind == "Rollout" && object["spec"]["workloadRef"].is_object()
}

/// The workload whose template a Rollout takes.
async fn template(client: &Client, spot: &Spot, object: &Value) -> Result<(Spot, Value), Problem> {
    let of = &object["spec"]["workloadRef"];
    let text = |field: &str| of[field].as_str().unwrap_or_default().to_owned();
    let group = text("apiVersion").rsplit_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default();
    let kind = read::kind_of(client, Some(&group), &text("kind")).await?;
    let of = read::plain(Spot { kind, namespace: spot.namespace.clone(), name: text("name").into() })?;
    let template = read::object(client, &of, &of.kind.kind).await?;
    Ok((of, template))
}

/// Has the controller of a Rollout seen the template of the other workload as it is now?
fn is_seen_whole(object: &Value, template: &Value) -> bool {
    let seen = object["status"]["workloadObservedGeneration"].as_str().and_then(|text| text.parse().ok());
    seen >= template["metadata"]["generation"].as_i64()
}

/// All pods of a node.
async fn pods_of(client: &Client, node: &str) -> Result<Vec<Value>, Failure> {
    let call = Call { verb: "list", group: "".into(), resource: "pods".to_owned(), namespace: None };
    let path = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}");
    let answer = client.get(&call, &path, JSON, PATIENCE).await?;
    let mut list: Value =
        serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable("It is no list in JSON".to_owned()))?;
    match list["items"].take() {
        Value::Array(pods) => Ok(pods),
        _ => Ok(Vec::new()),
    }
}

/// The revisions that the server keeps of a controller, the newest first.
async fn revisions(client: &Client, spot: &Spot, object: &Value) -> Result<Vec<Revision>, Problem> {
    let Some(keeps) = revision::keeps(&spot.kind.kind) else { return Ok(Vec::new()) };
    let list = list(client, spot, "/apis/apps/v1", keeps.plural).await;
    let list = list.map_err(|failure| failure.problem(&client.place))?;
    Ok((keeps.revisions)(&list, object["metadata"]["uid"].as_str().unwrap_or_default()))
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

/// All objects of a resource in the namespace of an object.
pub(crate) async fn list(client: &Client, spot: &Spot, root: &str, plural: &str) -> Result<Value, Failure> {
    let namespace = spot.namespace.as_deref().unwrap_or_default();
    let path = format!("{root}/namespaces/{namespace}/{plural}");
    let group = root.split('/').nth(2).unwrap_or_default().to_owned();
    let call =
        Call { verb: "list", group: group.into(), resource: plural.to_owned(), namespace: Some(namespace.to_owned()) };
    let answer = client.get(&call, &path, JSON, PATIENCE).await?;
    serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable("It is no list in JSON".to_owned()))
}

/// Is what was planned as it should be?
pub(crate) async fn look(client: &Client, plan: &Plan) -> Result<Seen, Problem> {
    if let Some(seen) = workers::look(client, plan).await {
        return seen;
    }
    let spot = read::spot(client, &plan.intent.object).await?;
    let object = read::object(client, &spot, plan.intent.object.kind_word()).await;
    let pods = match (&plan.intent.deed, &object) {
        (Deed::Drain, _) => pods_of(client, &spot.name).await,
        // Of a service of KServe what its controller has made of it.
        (
            Deed::Stop
            | Deed::Start
            | Deed::SetModel(_)
            | Deed::Canary(_)
            | Deed::Promote
            | Deed::PromoteFully
            | Deed::Abort,
            Ok(_),
        ) => kserve::workloads(client, &spot).await,
        (Deed::MemberWeight(_), Ok(object)) => member::of_group(client, &spot, object).await,
        _ => Ok(Vec::new()),
    };
    let pods = pods.map_err(|failure| failure.problem(&client.place))?;
    let object = match object {
        Ok(object) => object,
        Err(problem) if problem.code == Code::NotFound => return Ok(seen::seen(plan, None, &pods)),
        Err(problem) => return Err(problem),
    };
    let template = match is_borrowing(&spot, &object) {
        true => Some(template(client, &spot, &object).await?.1),
        false => None,
    };
    let holder = match plan.intent.deed {
        Deed::Undo(_) | Deed::SetImage { .. } => template.as_ref().unwrap_or(&object),
        _ => &object,
    };
    if let Some(seen) = written::stands(plan, holder) {
        return Ok(seen);
    }
    if template.is_some_and(|template| !is_seen_whole(&object, &template)) {
        return Ok(Seen::NotYet("its controller has not seen the template yet".to_owned()));
    }
    Ok(seen::seen(plan, Some(&object), &pods))
}
