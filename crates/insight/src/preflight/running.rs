//! A service that runs: what its engine is asked for, its GPU, the GPUs of a node, and how many are free.

use super::{Engine, Surge};
use pilothouse_wire::{
    ObjectRef, Sum,
    view::{FleetView, NodeRow, PodRow, RoomView, room::PoolRoom},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// What is read of it.
#[derive(Clone, Debug, PartialEq)]
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
    /// Of a service by its pods, one of which was read as an object; `None` where no container of it is known to serve.
    #[must_use]
    pub fn of(pods: &[&PodRow], read: (&PodRow, &Value), fleet: &FleetView, room: &RoomView) -> Option<Self> {
        let (pod, object) = read;
        let (engine, arguments) = serving(object)?;
        let product = product(fleet, pods);
        let pool = product.as_ref().ok().and_then(|product| pool(room, pod, product));
        let gpus_a_node = pool.as_ref().map(|pool| pool.largest_node).filter(|gpus| *gpus > 0);
        Some(Self { engine, arguments, product, gpus_a_node, pool })
    }

    /// GPUs that are free for a replica of so many.
    #[must_use]
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

/// The pods of a workload that hold GPUs on nodes; of a pod, itself.
#[must_use]
pub fn pods_of<'a>(fleet: &'a FleetView, object: &ObjectRef) -> Vec<&'a PodRow> {
    let is_its = |pod: &&PodRow| {
        let is_of = match object {
            ObjectRef::Workload(cluster, namespace, kind, name) => {
                pod.id.cluster == *cluster
                    && pod.id.namespace == *namespace
                    && pod.workload.as_ref() == Some(name)
                    && pod.workload_kind.as_ref() == Some(kind)
            }
            ObjectRef::Pod(id) => pod.id == *id,
            _ => false,
        };
        is_of && pod.gpus > 0 && pod.node.is_some()
    };
    fleet.pods.rows().iter().filter(is_its).collect()
}

/// The one of them that tells most: the readiest, and of these the newest.
#[must_use]
pub fn telling<'a>(pods: &[&'a PodRow]) -> Option<&'a PodRow> {
    pods.iter().max_by_key(|pod| (pod.ready == pod.containers, pod.created)).copied()
}

/// The product of the GPUs that its pods hold.
fn product(fleet: &FleetView, pods: &[&PodRow]) -> Result<String, String> {
    let of = |pod: &&PodRow| {
        let is_its = |node: &&NodeRow| node.id.cluster == pod.id.cluster && pod.node.as_ref() == Some(&node.id.name);
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
            Err(format!("its pods are on {}: say which is meant", named.join(" and ")))
        }
    }
}

fn pool(room: &RoomView, pod: &PodRow, product: &str) -> Option<PoolRoom> {
    let is_its = |pool: &&PoolRoom| pool.cluster == pod.id.cluster && pool.name == product;
    room.pools.iter().find(is_its).cloned()
}

/// The engine and the words of the container that serves: the one that names an engine, else the only one.
fn serving(pod: &Value) -> Option<(Option<Engine>, Vec<String>)> {
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
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_container_that_names_an_engine_serves() {
        let proxy = json!({ "name": "proxy", "image": "envoy", "args": ["--port", "80"] });
        let server = json!({
            "name": "server", "image": "lmsysorg/sglang:v0.5", "command": ["bash", "-c"], "args": ["exec serve --tp 4"]
        });
        let (engine, words) = serving(&json!({ "spec": { "containers": [proxy, server] } })).unwrap();
        assert_eq!(
            (engine, words.as_slice()),
            (Some(Engine::Sglang), ["bash", "-c", "exec serve --tp 4"].map(str::to_owned).as_slice())
        );
        let alone = json!({ "spec": { "containers": [{ "image": "team/chat:1", "args": ["--x"] }] } });
        assert_eq!(serving(&alone), Some((None, vec!["--x".into()])));
        let two = json!({ "spec": { "containers": [{ "image": "a" }, { "image": "b" }] } });
        assert_eq!((serving(&two), serving(&json!(["a"])), serving(&Value::Null)), (None, None, None));
    }
}
