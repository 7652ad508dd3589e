//! A service that runs, by the name that was typed: found in the fleet, and one of its pods read as YAML.

use crate::{
    args::SourceArgs,
    exit::Failed,
    named::{Place, Typed},
    out::Style,
    problems,
    start::{Session, other_answer},
};
use pilothouse_insight::preflight::{Running, telling};
use pilothouse_wire::{
    Answer, Ask, Body, Code, ObjectRef, Problem, View, ViewSpec,
    view::{FleetSpec, FleetView, PodRow},
};
use std::collections::BTreeSet;

/// Reads a service.
pub async fn read(name: &str, source: &SourceArgs, err: Style) -> Result<Running, Failed> {
    let session = Session::start(source, false).await?;
    let read = of(&session, name, source, err).await;
    session.end().await;
    read
}

async fn of(session: &Session, name: &str, source: &SourceArgs, err: Style) -> Result<Running, Failed> {
    let (frame, troubles) = session.frame(ViewSpec::Fleet(FleetSpec::default()), source.wait).await?;
    problems::tell_all(&troubles, err);
    let Body::Full(View::Fleet(fleet)) = &frame.body else { return Err(other_answer()) };
    let pods = pods(fleet, name)?;
    let pod = telling(&pods).ok_or_else(other_answer)?;
    let Answer::Yaml(yaml) = session.reader().ask(Ask::Yaml(ObjectRef::Pod(pod.id.clone()))).await? else {
        return Err(other_answer());
    };
    let room = session.frame_now(ViewSpec::Room(FleetSpec::default())).await?;
    let Body::Full(View::Room(room)) = &room.body else { return Err(other_answer()) };
    let object = serde_saphyr::from_str(&yaml).unwrap_or_default();
    Running::of(&pods, (pod, &object), fleet, room).ok_or_else(|| {
        let problem = Problem::new(Code::BadInput, format!("No container of {} is known to serve a model.", pod.id))
            .why("Neither image nor command nor arguments name vLLM, SGLang or TGI, and it has several containers.");
        problem.next("Say the arguments behind --, and the engine with --engine.").into()
    })
}

/// The workload of this name whose pods hold GPUs.
pub fn named(fleet: &FleetView, typed: &str) -> Result<ObjectRef, Problem> {
    let pods = pods(fleet, typed)?;
    let object = pods.iter().find_map(|pod| {
        let (kind, name) = (pod.workload_kind.clone()?, pod.workload.clone()?);
        Some(ObjectRef::Workload(pod.id.cluster.clone(), pod.id.namespace.clone(), kind, name))
    });
    object.ok_or_else(|| Problem::new(Code::NotFound, format!("{typed} is no workload.")))
}

/// Its pods that hold GPUs.
fn pods<'a>(fleet: &'a FleetView, typed: &str) -> Result<Vec<&'a PodRow>, Problem> {
    let called = Typed::of(typed);
    let is_meant = |pod: &&PodRow| {
        let workload = pod.workload.as_deref();
        workload.is_some_and(|name| called.is(pod.id.cluster.as_str(), &pod.id.namespace, name))
            && pod.gpus > 0
            && pod.node.is_some()
    };
    let meant: Vec<&PodRow> = fleet.pods.rows().iter().filter(is_meant).collect();
    let place = |pod: &&PodRow| Place {
        cluster: pod.id.cluster.to_string(),
        namespace: pod.id.namespace.to_string(),
        name: pod.workload.as_deref().unwrap_or_default().to_owned(),
        kind: pod.workload_kind.as_deref().unwrap_or("workload").to_owned(),
    };
    let places: BTreeSet<Place> = meant.iter().map(place).collect();
    match places.len() {
        0 => Err(Problem::new(Code::NotFound, format!("No service {typed} holds a GPU."))
            .why("No pod that is placed and has GPUs is kept by a workload of that name.")
            .next("\"pilothouse workloads\" lists those that there are.")),
        1 => Ok(meant),
        _ => Err(called.ambiguous(&places)),
    }
}
