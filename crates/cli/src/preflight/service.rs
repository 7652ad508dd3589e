//! A service that runs: what its engine is asked for, its GPU, the GPUs of a node, and how many are free.

use crate::{
    args::SourceArgs,
    exit::Failed,
    out::Style,
    problems,
    start::{Session, other_answer},
};
use pilothouse_insight::preflight::{Engine, Surge};
use pilothouse_wire::{
    Answer, Ask, Body, Code, ObjectRef, Problem, Sum, View, ViewSpec,
    view::{FleetSpec, FleetView, PodRow, RoomView, room::PoolRoom},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// What is read of it.
pub struct Running {
    /// Its engine, where image, command or arguments name it.
    pub engine: Option<Engine>,
    /// Command and arguments of the container that serves.
    pub arguments: Vec<String>,
    /// The product of its GPUs, or why it is not known.
    pub product: Result<String, String>,
    /// GPUs of the largest node that has them.
    pub gpus_a_node: Option<u64>,
    pool: Option<PoolRoom>,
}

impl Running {
    /// Reads a service.
    pub async fn read(name: &str, source: &SourceArgs, err: Style) -> Result<Self, Failed> {
        let session = Session::start(source, false).await?;
        let read = read(&session, name, source, err).await;
        session.end().await;
        read
    }

    /// GPUs that are free for a replica of so many.
    pub fn surge(&self, gpus: u64) -> Surge {
        let Some(pool) = &self.pool else { return Surge::Unknown("no pool of its GPUs is known".into()) };
        if gpus > pool.largest_node {
            return Surge::Unknown("it is spread over nodes, and which are free together is not reckoned".into());
        }
        let hole = pool.hole.as_ref().map_or(0, |hole| hole.gpus);
        match pool.free {
            Sum::Exact(_) => Surge::Free(hole),
            Sum::AtLeast(_) if hole >= gpus => Surge::Free(hole),
            _ => Surge::Unknown("not all pods of its cluster are read, so nobody knows what is free".into()),
        }
    }
}

async fn read(session: &Session, name: &str, source: &SourceArgs, err: Style) -> Result<Running, Failed> {
    let (frame, troubles) = session.frame(ViewSpec::Fleet(FleetSpec::default()), source.wait).await?;
    problems::tell_all(&troubles, err);
    let Body::Full(View::Fleet(fleet)) = &frame.body else { return Err(other_answer()) };
    let pods = pods(fleet, name)?;
    let pod = pods.iter().max_by_key(|pod| (pod.ready == pod.containers, pod.created)).ok_or_else(other_answer)?;
    let Answer::Yaml(yaml) = session.reader().ask(Ask::Yaml(ObjectRef::Pod(pod.id.clone()))).await? else {
        return Err(other_answer());
    };
    let (engine, arguments) = serving(&yaml).ok_or_else(|| {
        Problem::new(Code::BadInput, format!("No container of {} is known to serve a model.", pod.id))
            .why("Neither image nor command nor arguments name vLLM, SGLang or TGI, and it has several containers.")
            .next("Say the arguments behind --, and the engine with --engine.")
    })?;
    let room = session.frame_now(ViewSpec::Room(FleetSpec::default())).await?;
    let Body::Full(View::Room(room)) = &room.body else { return Err(other_answer()) };
    let product = product(fleet, &pods);
    let pool = product.as_ref().ok().and_then(|product| pool(room, pod, product));
    let gpus_a_node = pool.as_ref().map(|pool| pool.largest_node).filter(|gpus| *gpus > 0);
    Ok(Running { engine, arguments, product, gpus_a_node, pool })
}

/// Its pods that hold GPUs.
fn pods<'a>(fleet: &'a FleetView, typed: &str) -> Result<Vec<&'a PodRow>, Problem> {
    let mut parts = typed.rsplitn(3, '/');
    let (name, namespace, cluster) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let is_meant = |pod: &&PodRow| {
        pod.workload.as_deref() == Some(name)
            && namespace.is_none_or(|namespace| pod.id.namespace == namespace)
            && cluster.is_none_or(|cluster| pod.id.cluster.as_str() == cluster)
            && pod.gpus > 0
            && pod.node.is_some()
    };
    let meant: Vec<&PodRow> = fleet.pods.rows().iter().filter(is_meant).collect();
    let place = |pod: &&PodRow| {
        let kind = pod.workload_kind.as_deref().unwrap_or("workload");
        format!("{kind} {}/{name} in {}", pod.id.namespace, pod.id.cluster)
    };
    let places: BTreeSet<String> = meant.iter().map(place).collect();
    match places.len() {
        0 => Err(Problem::new(Code::NotFound, format!("No service {typed} holds a GPU."))
            .why("No pod that is placed and has GPUs is kept by a workload of that name.")
            .next("\"pilothouse workloads\" lists those that there are.")),
        1 => Ok(meant),
        several => Err(Problem::new(Code::BadInput, format!("{several} services are called {typed}."))
            .why(format!("{}.", places.into_iter().collect::<Vec<_>>().join(", ")))
            .next("Say which: CLUSTER/NAMESPACE/NAME.")),
    }
}

/// The product of the GPUs that its pods hold.
fn product(fleet: &FleetView, pods: &[&PodRow]) -> Result<String, String> {
    let of = |pod: &&PodRow| {
        let is_its = |node: &&pilothouse_wire::view::NodeRow| {
            node.id.cluster == pod.id.cluster && pod.node.as_ref() == Some(&node.id.name)
        };
        fleet.nodes.rows().iter().find(is_its)?.product.clone()
    };
    let products: BTreeSet<Option<String>> =
        pods.iter().map(|pod| of(pod).map(|product| product.to_string())).collect();
    match products.into_iter().collect::<Vec<_>>().as_slice() {
        [Some(one)] => Ok(one.clone()),
        [None] | [] => Err("no label of its nodes says which it is".into()),
        several => {
            let named: Vec<&str> =
                several.iter().map(|product| product.as_deref().unwrap_or("an unknown one")).collect();
            Err(format!("its pods are on {}: say which with --gpu", named.join(" and ")))
        }
    }
}

fn pool(room: &RoomView, pod: &PodRow, product: &str) -> Option<PoolRoom> {
    let is_its = |pool: &&PoolRoom| pool.cluster == pod.id.cluster && pool.name == product;
    room.pools.iter().find(is_its).cloned()
}

/// The engine and the words of the container that serves: the one that names an engine, else the only one.
fn serving(yaml: &str) -> Option<(Option<Engine>, Vec<String>)> {
    let pod: Value = serde_saphyr::from_str(yaml).ok()?;
    let containers = pod["spec"]["containers"].as_array()?;
    let read = |container: &Value| {
        let list =
            |key: &str| container[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let words: Vec<String> = list("command").chain(list("args")).collect();
        let image = container["image"].as_str().unwrap_or_default();
        // The image may be called as the model is; what is started is surer.
        let started = Engine::in_words(words.iter().map(String::as_str));
        (started.or_else(|| Engine::in_words([image])), words)
    };
    let all: Vec<_> = containers.iter().map(read).collect();
    match all.iter().find(|(engine, _)| engine.is_some()) {
        Some(found) => Some(found.clone()),
        None => <[_; 1]>::try_from(all).ok().map(|[only]| only),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]
mod tests {
    use super::*;

    #[test]
    fn the_container_that_names_an_engine_serves() {
        let (engine, words) = serving(
            "spec:\n  containers:\n  - name: proxy\n    image: envoy\n    args: [\"--port\", \"80\"]\n  - name: server\n    \
             image: lmsysorg/sglang:v0.5\n    command: [bash, -c]\n    args: [\"exec serve --tp 4\"]\n",
        )
        .unwrap();
        assert_eq!(
            (engine, words.as_slice()),
            (Some(Engine::Sglang), ["bash", "-c", "exec serve --tp 4"].map(str::to_owned).as_slice())
        );
        let alone = "spec:\n  containers:\n  - name: server\n    image: team/chat:1\n    args: [\"--x\"]\n";
        assert_eq!(serving(alone), Some((None, vec!["--x".into()])));
        let two = "spec:\n  containers:\n  - image: a\n  - image: b\n";
        assert_eq!((serving(two), serving("- a"), serving("{")), (None, None, None));
    }
}
