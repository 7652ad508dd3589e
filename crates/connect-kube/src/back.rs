//! Can a service go back: what the server keeps of the revision that it would go back to, and of what its pods need. Reads
//! alone; of ConfigMaps, Secrets and all else that pods name, the metadata only.

mod kserve;
mod named;
mod placed;
mod service;
mod specs;
#[cfg(test)]
mod tests;
mod traffic;

use crate::{
    acts::{self, revision},
    client::{Client, JSON, PATIENCE},
    facts,
    failure::{Call, Failure},
    list::encoded,
    read::{self, Spot},
    slim::PodSpec,
};
use futures::{StreamExt, stream};
use pilothouse_wire::{
    Code, KindId, Problem, SmolStr,
    back::{BackQuery, Kept, Known, NamedObject, NodeImages, Placed, Then, ThenImage, Workers},
    plan::Deed,
};
use serde_json::Value;
use specs::Specs;

/// Objects and nodes that are asked for at once.
const AT_ONCE: usize = 8;
/// Nodes whose images are looked at.
const MOST_NODES: usize = 8;
/// Names that pods may name and that are looked for.
const MOST_NAMED: usize = 64;
/// So many images a kubelet tells of at most: `nodeStatusMaxImages`.
const IMAGES_OF_A_NODE: usize = 50;

/// What is kept of a service and of the revision that it would go back to.
pub(crate) async fn back(client: &Client, query: &BackQuery) -> Result<Kept, Problem> {
    let spot = read::spot(client, &query.object).await?;
    let kind = query.object.kind_word();
    let object = read::object(client, &spot, kind).await?;
    let specs = Specs::of_now(kind, &object);
    let now = Kept {
        from: None,
        deed: Deed::Undo(query.to),
        then: Err(no_way(kind, &spot.name)),
        wanted: service::wanted(kind, &object),
        gpus: gpus_of(specs.first),
        workers: workers_of(&specs),
        replaces: service::replaces(kind, &object),
        paused: object["spec"]["paused"] == true,
        stops: None,
        last: None,
        traffic: None,
    };
    if matches!(kind, "InferenceService" | "LLMInferenceService") {
        return kserve::back(client, (&spot, &object), query, now).await;
    }
    if let Some(traffic) = traffic::kept(client, &spot, &object).await {
        return Ok(Kept { traffic: Some(Box::new(traffic)), ..now });
    }
    let Some(keeps) = revision::keeps(kind) else { return Ok(now) };
    let list = acts::list(client, &spot, "/apis/apps/v1", keeps.plural).await;
    let list = list.map_err(|failure| failure.problem(&client.place))?;
    let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
    let revisions = (keeps.revisions)(&list, uid);
    let running = revision::running(kind, &object, &object["spec"]["template"]);
    let current = revisions.iter().find(|revision| running.is(revision));
    let item = |number: u64| service::item(&list, uid, number).unwrap_or(&Value::Null);
    let runs = current.map(|current| Specs::of(&current.template));
    let kept = Kept {
        from: current.map(|revision| revision.number),
        gpus: runs.as_ref().map_or(now.gpus, |runs| gpus_of(runs.first)),
        workers: runs.as_ref().map_or(now.workers, workers_of),
        last: current.and_then(|current| service::last_change(kind, &object, item(current.number))),
        ..now
    };
    // What is on its way goes back to what it came from, whatever is numbered in between.
    let midway = service::midway(kind, &object, &revisions).filter(|_| query.to.is_none());
    let to = midway.as_ref().map(|midway| midway.stable).or(query.to);
    match revision::chosen(to, &revisions, running) {
        Ok((_, then)) => {
            let of = item(then.number);
            let needs = Needs {
                kind: keeps.kind,
                name: of["metadata"]["name"].as_str().unwrap_or_default().into(),
                api: service::owner_api(of),
            };
            let mut read = read_then(client, &spot, query, then, needs).await?;
            read.placed.unread.extend(placed::of_groups(kind, &object));
            let aborts = midway.is_some_and(|midway| !midway.aborted);
            let deed = if aborts { Deed::Abort } else { Deed::Undo(Some(then.number)) };
            let stops = service::stops(kind, &object, &revisions, then);
            // What stops something is not held up by a pause, and the plan back to what is stable takes the pause away.
            let paused = kept.paused && !aborts && !service::is_stable(kind, &object, then);
            Ok(Kept { deed, then: Ok(Box::new(read)), stops, paused, ..kept })
        }
        Err(problem) if kind == "LeaderWorkerSet" => Ok(Kept { then: Err(revision::of_groups_alone(problem)), ..kept }),
        Err(problem) => Ok(Kept { then: Err(problem), ..kept }),
    }
}

fn no_way(kind: &str, name: &str) -> Problem {
    Problem::new(Code::NotOffered, format!("Pilothouse knows no way back for {kind} {name}.")).why(
        "It goes back with Deployments, StatefulSets, DaemonSets, Rollouts, LeaderWorkerSets, services of KServe and routes.",
    )
}

/// What a revision is kept as, and what it needs beside its pods.
struct Needs {
    /// The kind of that.
    kind: &'static str,
    /// Its name.
    name: SmolStr,
    /// The API of the service.
    api: SmolStr,
}

/// The revision that is gone back to, with what its pods need.
async fn read_then(
    client: &Client,
    spot: &Spot,
    query: &BackQuery,
    revision: &revision::Revision,
    Needs { kind, name, api }: Needs,
) -> Result<Then, Problem> {
    let specs = Specs::of(&revision.template);
    let read = |spec: &Value| gpus(spec).ok_or_else(|| unreadable(client, revision.number));
    let gpus = read(specs.first)?;
    let workers = match specs.workers {
        Some((pods, spec)) => Some(Workers { pods, gpus: read(spec)?, placed: where_placed(client, spec).await }),
        None => None,
    };
    let all = specs.all();
    let now = version(&spot.kind);
    // What is Kubernetes' own it converts itself, and its controllers go by that.
    let api = if spot.kind.group == "apps" { now.clone() } else { api };
    let (named, nodes, placed, served) = tokio::join!(
        looked_for(client, spot, named::named(&all)),
        images_of(client, &query.nodes),
        where_placed(client, specs.first),
        still_served(client, &api, &now, &spot.kind.kind),
    );
    Ok(Then {
        number: revision.number,
        kind: SmolStr::new_static(kind),
        name,
        there: revision.available,
        images: images(&all),
        nodes,
        nodes_in_all: query.nodes.len() as u64,
        named,
        models: named::models(&all),
        gpus,
        placed,
        workers,
        api: (api, served),
    })
}

fn unreadable(client: &Client, number: u64) -> Problem {
    let what = format!("The template of revision {number} cannot be read.");
    Problem::new(Code::BadInput, what).why(format!("What {} keeps of it is no spec of a pod.", client.place.name))
}

/// The GPUs that a pod of this spec asks for, by vendor key; none of what does not read, which is not the same as no GPU.
fn gpus(spec: &Value) -> Option<Vec<(SmolStr, u64)>> {
    serde_json::from_value::<PodSpec>(spec.clone()).map(|spec| facts::gpus_of(&spec)).ok()
}

fn gpus_of(spec: &Value) -> u64 {
    gpus(spec).iter().flatten().fold(0, |sum, (_, gpus)| sum.saturating_add(*gpus))
}

/// Workers of a group, and the GPUs that each asks for.
fn workers_of(specs: &Specs<'_>) -> Option<(u64, u64)> {
    specs.workers.map(|(pods, spec)| (pods, gpus_of(spec)))
}

fn images(specs: &[&Value]) -> Vec<ThenImage> {
    let one = |container: &Value| {
        let image = container["image"].as_str()?;
        Some(ThenImage {
            container: container["name"].as_str().unwrap_or_default().into(),
            image: image.into(),
            always_pulled: container["imagePullPolicy"] == "Always",
        })
    };
    specs.iter().flat_map(|spec| named::containers(spec)).filter_map(one).collect()
}

/// Are the objects there? Of more than can be looked for the rest stays unknown.
async fn looked_for(client: &Client, spot: &Spot, named: Vec<NamedObject>) -> Vec<NamedObject> {
    let look = |(at, object): (usize, NamedObject)| async move {
        let there = match place(spot, &object) {
            _ if at >= MOST_NAMED => Known::NotAsked,
            Some(place) => is_there(client, &place).await,
            None => Known::No,
        };
        NamedObject { there, ..object }
    };
    stream::iter(named.into_iter().enumerate()).map(look).buffered(AT_ONCE).collect().await
}

/// Where an object is that pods name; none where no object can be called so.
fn place(spot: &Spot, object: &NamedObject) -> Option<Spot> {
    let plural = named::plural(&object.kind)?;
    let kind = KindId { group: "".into(), version: "v1".into(), plural: plural.into(), kind: object.kind.clone() };
    let place = Spot { kind, namespace: spot.namespace.clone(), name: object.name.clone() };
    place.is_plain().then_some(place)
}

async fn is_there(client: &Client, place: &Spot) -> Known {
    match read::metadata(client, place).await {
        Ok(_) => Known::Yes,
        Err(failure) if failure.status() == Some(404) => Known::No,
        Err(failure) => Known::Unknown(Box::new(failure.problem(&client.place))),
    }
}

/// The images that nodes have. One that cannot be read is left out: then it is not known what it has.
async fn images_of(client: &Client, nodes: &[SmolStr]) -> Vec<NodeImages> {
    let read = |node: SmolStr| async move {
        let kind = KindId { group: "".into(), version: "v1".into(), plural: "nodes".into(), kind: "Node".into() };
        let spot = Spot { kind, namespace: None, name: node.clone() };
        let object = read::object(client, &spot, "node").await.ok()?;
        Some(node_images(node, &object))
    };
    let some = nodes.iter().take(MOST_NODES).cloned();
    stream::iter(some).map(read).buffered(AT_ONCE).filter_map(async |node| node).collect().await
}

fn node_images(node: SmolStr, object: &Value) -> NodeImages {
    let told = object["status"]["images"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = |image: &Value| -> Vec<SmolStr> {
        image["names"].as_array().into_iter().flatten().filter_map(Value::as_str).map(SmolStr::new).collect()
    };
    // One that tells of none says nothing: it has at least its own.
    let whole = !told.is_empty() && told.len() < IMAGES_OF_A_NODE;
    NodeImages { node, images: told.iter().map(names).collect(), whole }
}

/// Where pods of this spec may be placed; which nodes have the labels, the server says.
async fn where_placed(client: &Client, spec: &Value) -> Placed {
    let mut placed = placed::placed(spec);
    if let Some(selector) = placed::selector(spec) {
        match nodes_with(client, &selector).await {
            Ok(nodes) => placed.on = Some(nodes),
            Err(_) => placed.unread.push("its node selector, which the server does not answer".into()),
        }
    }
    placed
}

/// The names of nodes that have these labels.
async fn nodes_with(client: &Client, selector: &str) -> Result<Vec<SmolStr>, Failure> {
    const NAMES: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let call = Call { verb: "list", group: "".into(), resource: "nodes".to_owned(), namespace: None };
    let path = format!("/api/v1/nodes?labelSelector={}", encoded(selector));
    let answer = client.get(&call, &path, NAMES, PATIENCE).await?;
    let list: Value =
        serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable("It is no list in JSON".to_owned()))?;
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(items.iter().filter_map(|node| node["metadata"]["name"].as_str().map(SmolStr::new)).collect())
}

/// The group and version of a kind, as an object of it names them.
fn version(kind: &KindId) -> SmolStr {
    if kind.group.is_empty() { kind.version.clone() } else { format!("{}/{}", kind.group, kind.version).into() }
}

/// Is the API served as which a revision was kept? `now` is the one as which the service is: where only that is, its server has
/// converted it, and whether its controller goes by that nobody can tell.
async fn still_served(client: &Client, api: &str, now: &str, kind: &str) -> Known {
    match served(client, api, kind).await {
        Known::No if api != now => {
            let what = format!("{kind} of {api} is not served.");
            let why = format!(
                "{kind} is served as {now}, and not as {api}, as which this revision was kept: whether its controller goes \
                 by that nobody can tell."
            );
            Known::Unknown(Box::new(Problem::new(Code::NotOffered, what).why(why)))
        }
        known => known,
    }
}

/// Is an API served, and this kind in it?
async fn served(client: &Client, api: &str, kind: &str) -> Known {
    let root = if api.contains('/') { "/apis" } else { "/api" };
    if api.is_empty() || !api.split('/').all(crate::yaml::is_segment) {
        return Known::NotAsked;
    }
    let path = format!("{root}/{api}");
    match client.get(&Call::path(&path), &path, JSON, PATIENCE).await {
        Ok(answer) => {
            let list: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let resources = list["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
            if resources.iter().any(|resource| resource["kind"] == kind) { Known::Yes } else { Known::No }
        }
        Err(failure) if failure.status() == Some(404) => Known::No,
        Err(failure) => Known::Unknown(Box::new(failure.problem(&client.place))),
    }
}
