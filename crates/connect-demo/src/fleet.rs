//! Who is in the demo fleet: clusters, pools, services and lines of jobs, as data.

mod fra_train;
mod iad_prod;
mod ord_prod;

use crate::plot::Turn;
use std::{fmt, str::FromStr};

/// GPUs of a node, everywhere in the demo fleet.
pub(crate) const GPUS_A_NODE: u64 = 8;

/// A cluster of the demo fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cluster {
    /// Serving on 2,048 H100: a canary that failed, another one, an incident, a way back.
    IadProd,
    /// Serving on 1,280 H200: a connection that is lost and comes back.
    OrdProd,
    /// Training on 768 B200: a node that is drained.
    FraTrain,
}

impl Cluster {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::IadProd, Self::OrdProd, Self::FraTrain];
    /// Their names.
    pub const NAMES: [&'static str; 3] = ["iad-prod", "ord-prod", "fra-train"];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::IadProd => Self::NAMES[0],
            Self::OrdProd => Self::NAMES[1],
            Self::FraTrain => Self::NAMES[2],
        }
    }

    /// What it is made of.
    pub(crate) fn cast(self) -> &'static Cast {
        match self {
            Self::IadProd => &iad_prod::CAST,
            Self::OrdProd => &ord_prod::CAST,
            Self::FraTrain => &fra_train::CAST,
        }
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no cluster of the demo fleet has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the demo fleet has no such cluster")]
pub struct NoSuchCluster;

impl FromStr for Cluster {
    type Err = NoSuchCluster;

    fn from_str(text: &str) -> Result<Self, NoSuchCluster> {
        Self::ALL.into_iter().find(|cluster| cluster.name() == text).ok_or(NoSuchCluster)
    }
}

/// All that a cluster is made of, and its story.
pub(crate) struct Cast {
    /// What the names of its nodes begin with.
    pub node_prefix: &'static str,
    /// Its nodes' GPUs.
    pub hardware: Hardware,
    /// Groups of nodes, numbered through.
    pub pools: &'static [Pool],
    /// Namespaces.
    pub namespaces: &'static [&'static str],
    /// What runs until somebody changes it.
    pub services: &'static [Service],
    /// What runs and ends, again and again.
    pub lines: &'static [Line],
    /// What is wrong with nodes at the start.
    pub troubles: &'static [(&'static str, Trouble)],
    /// What happens in each round.
    pub plot: &'static [Turn],
}

/// The machines of a cluster.
pub(crate) struct Hardware {
    pub product: &'static str,
    pub family: &'static str,
    pub memory_mib: &'static str,
    pub instance: &'static str,
    pub region: &'static str,
    /// What one of its GPUs draws when nothing runs on it, and at most.
    pub idle_watts: f32,
    pub watts: f32,
    /// Clock of its multiprocessors when it has work.
    pub megahertz: f32,
    /// What NVLink carries at most, both ways together, in bytes a second.
    pub nvlink: f32,
}

/// A group of like nodes.
pub(crate) struct Pool {
    pub name: &'static str,
    pub nodes: usize,
}

/// What keeps a service's pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    Deployment,
    Rollout,
    StatefulSet,
}

/// A service: so many like pods until somebody changes it.
pub(crate) struct Service {
    pub keeper: Keeper,
    pub namespace: &'static str,
    pub name: &'static str,
    /// Index of its pool.
    pub pool: usize,
    /// GPUs of a pod.
    pub gpus: u64,
    pub pods: usize,
    pub version: u32,
    /// The first node of its pool that it gets at the start, and how many of its pods a node gets at most.
    pub from: usize,
    pub per_node: usize,
}

/// How the jobs of a line are named.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Naming {
    /// `name-311`, and on from there.
    Numbered(u32),
    /// `name-ada`, and so on through the list: notebooks, which are StatefulSets.
    Listed(&'static [&'static str]),
}

/// What the pods of a line do with their GPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// They answer requests: more or less of them, and much of the memory is a model.
    Answers,
    /// They train, with all there is.
    Trains,
    /// They hold their GPUs and do nothing with them.
    Rests,
}

/// A line of jobs: when one ends, the next begins.
pub(crate) struct Line {
    pub naming: Naming,
    pub namespace: &'static str,
    pub name: &'static str,
    pub work: Work,
    /// Index of its pool.
    pub pool: usize,
    /// GPUs of a pod.
    pub gpus: u64,
    /// Pods of a job.
    pub pods: usize,
    /// Jobs that run at the start, and jobs that wait for nodes then.
    pub jobs: usize,
    pub waiting: usize,
    /// The least and the most seconds that a job runs; `None` for one that only a cue ends.
    pub lasts: Option<(u64, u64)>,
    pub version: u32,
    /// As in [`Service`].
    pub from: usize,
    pub per_node: usize,
}

/// What is wrong with a node at the start.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// It is cordoned, and nothing runs on it: by whom and why.
    Cordoned(&'static str),
    /// It has not been heard for a while.
    Lost,
    /// A condition is true: condition, reason.
    Condition(&'static str, &'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fleet_has_4096_gpus_in_512_nodes() {
        let nodes: Vec<usize> =
            Cluster::ALL.iter().map(|cluster| cluster.cast().pools.iter().map(|pool| pool.nodes).sum()).collect();
        assert_eq!(nodes, [256, 160, 96]);
        assert_eq!(nodes.iter().sum::<usize>() as u64 * GPUS_A_NODE, 4_096);
    }

    #[test]
    fn a_cluster_reads_back_from_its_name() {
        for cluster in Cluster::ALL {
            assert_eq!(cluster.name().parse(), Ok(cluster));
        }
        assert_eq!("iad".parse::<Cluster>(), Err(NoSuchCluster));
    }

    #[test]
    fn every_name_of_a_story_is_in_its_cast() {
        use crate::plot::Cue;
        for cluster in Cluster::ALL {
            let cast = cluster.cast();
            let all: usize = cast.pools.iter().map(|pool| pool.nodes).sum();
            let nodes: Vec<String> = (1..=all).map(|n| format!("{}-{n:03}", cast.node_prefix)).collect();
            for (_, cue) in cast.plot {
                let known = match cue {
                    Cue::Scale(name, _) | Cue::Roll(name, ..) | Cue::Crash(name, _) => {
                        cast.services.iter().any(|service| service.name == *name)
                    }
                    Cue::Finish(name) => cast.lines.iter().any(|line| line.name == *name),
                    Cue::Xid(node, _)
                    | Cue::Condition(node, ..)
                    | Cue::Clear(node, _)
                    | Cue::Lose(node)
                    | Cue::Revive(node)
                    | Cue::Cordon(node, _)
                    | Cue::Uncordon(node)
                    | Cue::Drain(node) => nodes.iter().any(|name| name == node),
                    Cue::Outage(_) => true,
                };
                assert!(known, "{cluster}: {cue:?}");
            }
        }
    }
}
