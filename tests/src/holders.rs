//! Which container holds which GPU: given out as a kubelet does, after the pods that a real cluster runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::api::{Api, items};
use crate::control_plane::ControlPlane;
use crate::exporter::Exporters;
use crate::failure::Result;
use crate::fleet::GPU;

/// How often the cluster is asked.
const PERIOD: Duration = Duration::from_millis(250);

/// A GPU's place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The node.
    pub node: String,
    /// Its number there.
    pub gpu: u16,
}

/// A container that holds a GPU.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Namespace of its pod.
    pub namespace: String,
    /// Its pod.
    pub pod: String,
    /// Its name.
    pub container: String,
}

/// Who holds what; what is not named is free.
pub type Holders = BTreeMap<Place, Holder>;

/// A container that runs on a node, and how many GPUs it has.
struct Running {
    node: String,
    holder: Holder,
    gpus: usize,
}

/// Keeps the GPUs of exporters in the hands of the pods that run in a cluster, until it is dropped.
pub struct Follower(JoinHandle<()>);

impl Follower {
    /// Begins to follow. Where the cluster does not answer, the kubelets' last word holds.
    pub fn start(plane: &ControlPlane, exporters: &Exporters) -> Result<Self> {
        let (api, pages) = (plane.api()?, exporters.pages());
        Ok(Self(tokio::spawn(async move {
            loop {
                if let Ok(running) = running(&api).await {
                    let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
                    let places = pages
                        .nodes
                        .values()
                        .flat_map(|node| node.gpus.iter().map(|gpu| Place { node: node.name.clone(), gpu: gpu.index }));
                    let holders = given_out(&pages.holders, places.collect(), &running);
                    pages.holders = holders;
                }
                tokio::time::sleep(PERIOD).await;
            }
        })))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The containers with GPUs of all pods that run.
async fn running(api: &Api) -> Result<Vec<Running>> {
    let list = api.get("/api/v1/pods?fieldSelector=status.phase=Running").await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let containers = items(&list).iter().flat_map(|pod| {
        let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        containers.map(move |container| Running {
            node: text(&pod["spec"]["nodeName"]),
            holder: Holder {
                namespace: text(&pod["metadata"]["namespace"]),
                pod: text(&pod["metadata"]["name"]),
                container: text(&container["name"]),
            },
            gpus: container["resources"]["limits"][GPU].as_str().and_then(|n| n.parse().ok()).unwrap_or(0),
        })
    });
    Ok(containers.filter(|container| container.gpus > 0).collect())
}

/// Gives GPUs out: who holds one keeps it while it runs; the others get the lowest numbers that are free.
fn given_out(before: &Holders, places: BTreeSet<Place>, running: &[Running]) -> Holders {
    let mut now = Holders::new();
    for container in running {
        let own = |place: &&Place| place.node == container.node && before.get(*place) == Some(&container.holder);
        for place in places.iter().filter(own).take(container.gpus) {
            now.insert(place.clone(), container.holder.clone());
        }
    }
    for container in running {
        let has =
            now.iter().filter(|(place, holder)| place.node == container.node && **holder == container.holder).count();
        let free = |place: &&Place| place.node == container.node && !now.contains_key(*place);
        let new: Vec<Place> = places.iter().filter(free).take(container.gpus.saturating_sub(has)).cloned().collect();
        now.extend(new.into_iter().map(|place| (place, container.holder.clone())));
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(pod: &str, node: &str, gpus: usize) -> Running {
        let holder = Holder { namespace: "n".into(), pod: pod.into(), container: "server".into() };
        Running { node: node.into(), holder, gpus }
    }

    #[test]
    fn who_stays_keeps_its_gpus_and_who_comes_gets_the_lowest_free_ones() {
        let places: BTreeSet<Place> =
            (0..4).flat_map(|gpu| ["a", "b"].map(|node| Place { node: node.into(), gpu })).collect();
        let pods = |holders: &Holders| {
            let on_a = (0..4).map(|gpu| holders.get(&Place { node: "a".into(), gpu }));
            on_a.map(|holder| holder.map_or("-", |holder| holder.pod.as_str()).to_owned()).collect::<Vec<_>>().join(" ")
        };
        let first = given_out(&Holders::new(), places.clone(), &[running("x", "a", 1), running("y", "a", 2)]);
        assert_eq!(pods(&first), "x y y -");
        let second = given_out(&first, places.clone(), &[running("z", "a", 2), running("y", "a", 2)]);
        assert_eq!(pods(&second), "z y y z");
        let third = given_out(&second, places, &[running("z", "b", 2), running("y", "a", 9)]);
        assert_eq!(pods(&third), "y y y y");
    }
}
