//! What stands on the stage of one cluster: its nodes, pods and events, and what changed since somebody looked.

mod ailments;
mod canary;
mod delivery;
mod events;
mod lines;
mod nodes;
mod pods;
mod services;
mod slots;

use crate::{
    agenda::{Agenda, Due, PodNo},
    dice::Dice,
    fleet::{Cast, Cluster, GPUS_A_NODE},
    owned,
    plot::{Cue, ROUND_MS, Release},
};
pub(crate) use ailments::{Ailment, Ailments, Fault};
use pilothouse_wire::{SmolStr, Stamp};
use pilothouse_world::{
    Fact,
    fact::{EventFact, NodeFact, PodFact},
};
pub(crate) use slots::{PLACES, Slot, Slots};
use std::collections::{BTreeMap, BTreeSet};

/// The resource that a GPU is asked for by.
pub(crate) const GPU: &str = "nvidia.com/gpu";

/// One cluster in play.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub cluster: Cluster,
    pub seed: u64,
    pub dice: Dice,
    pub now: Stamp,
    pub agenda: Agenda,
    pub nodes: BTreeMap<SmolStr, NodeFact>,
    pub players: BTreeMap<PodNo, Player>,
    pub events: BTreeMap<SmolStr, EventFact>,
    /// The version that new pods of each service get.
    pub versions: Vec<u32>,
    /// How far the services are that a Rollout keeps.
    canaries: Vec<Option<canary::Canary>>,
    /// How many jobs each line has begun.
    pub begun: Vec<u32>,
    /// Until when the cluster answers nobody.
    pub out_until: Option<Stamp>,
    /// Who holds which GPU.
    pub slots: Slots,
    /// What is wrong with GPUs.
    pub ailments: Ailments,
    /// Pods that wait for a node.
    pending: BTreeSet<PodNo>,
    /// Jobs whose end is on the agenda.
    ending: BTreeSet<(usize, u32)>,
    last_no: PodNo,
    /// May a pod that waited in vain find room now?
    room_changed: bool,
    changed: Changed,
    /// Services as they were told last.
    told: Vec<Fact>,
}

/// A pod and what it plays.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    pub fact: PodFact,
    pub role: Role,
    /// Is another to come in its place when it goes?
    pub replaced: bool,
}

/// What a pod plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// One of a service's pods: which service, which version, which ordinal of a StatefulSet.
    Service { service: usize, version: u32, ordinal: usize },
    /// One of a job's pods: which line, which job of it, which index in it.
    Job { line: usize, number: u32, index: usize },
    /// What runs on each node.
    Daemon,
}

/// What changed since somebody looked.
#[derive(Clone, Debug, Default)]
struct Changed {
    nodes: BTreeSet<SmolStr>,
    pods: BTreeSet<PodNo>,
    pods_gone: BTreeSet<(SmolStr, SmolStr)>,
    events: BTreeSet<SmolStr>,
    events_gone: BTreeSet<SmolStr>,
}

impl Stage {
    /// An empty stage.
    pub fn empty(cluster: Cluster, seed: u64, now: Stamp) -> Self {
        let cast = cluster.cast();
        let mut stage = Self {
            cluster,
            seed,
            canaries: Vec::new(),
            dice: Dice::new(seed, cluster.name()),
            now,
            agenda: Agenda::default(),
            nodes: BTreeMap::new(),
            players: BTreeMap::new(),
            events: BTreeMap::new(),
            versions: cast.services.iter().map(|service| service.version).collect(),
            begun: vec![0; cast.lines.len()],
            out_until: None,
            slots: Slots::default(),
            ailments: Ailments::default(),
            pending: BTreeSet::new(),
            ending: BTreeSet::new(),
            last_no: 0,
            room_changed: true,
            changed: Changed::default(),
            told: Vec::new(),
        };
        stage.canaries = cast.services.iter().map(|service| stage.rest(service)).collect();
        stage
    }

    pub fn cast(&self) -> &'static Cast {
        self.cluster.cast()
    }

    /// Lets time pass until then.
    pub fn play(&mut self, until: Stamp) {
        while let Some((at, due)) = self.agenda.next(until) {
            self.now = self.now.max(at);
            self.happen(due);
        }
        self.now = self.now.max(until);
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Loop(round) => self.begin(round),
            Due::Cue(cue, round) => self.cue(cue, round),
            Due::Schedule => self.schedule(),
            Due::Add(service, version) => self.add(service, version),
            Due::Cut(service) => self.cut(service),
            Due::Swap(service, version) => self.swap(service, version),
            Due::Start(no) => self.start(no),
            Due::Ready(no) => {
                self.ready(no);
                self.settle(no);
            }
            Due::Gone(no) => self.gone(no),
            Due::Crash(no) => self.crash(no),
            Due::Waits(no) => self.waits(no),
            Due::NextJob(line) => self.next_job(line),
            Due::JobEnds(line, number) => self.job_ends(line, number),
            Due::Forget(uid) => self.forget(uid),
        }
    }

    fn begin(&mut self, round: u32) {
        for (second, cue) in self.cast().plot {
            self.agenda.after(self.now, u64::from(*second) * 1_000, Due::Cue(*cue, round));
        }
        self.agenda.after(self.now, ROUND_MS, Due::Loop(round.saturating_add(1)));
    }

    fn cue(&mut self, cue: Cue, round: u32) {
        match cue {
            Cue::Scale(service, to) => self.scale(service, to),
            Cue::Roll(service, release, share) => self.roll(service, release, share, round),
            Cue::Crash(service, pods) => self.crash_some(service, pods),
            Cue::Xid(node, xid) => self.xid(node, xid),
            Cue::Condition(node, kind, reason, note) => self.set_condition(node, kind, reason, note),
            Cue::Clear(node, kind) => self.clear_condition(node, kind),
            Cue::Lose(node) => self.lose(node),
            Cue::Revive(node) => self.revive(node),
            Cue::Cordon(node, why) => self.cordon(node, Some(why)),
            Cue::Uncordon(node) => self.cordon(node, None),
            Cue::Drain(node) => self.drain(node),
            Cue::Finish(line) => self.finish(line),
            Cue::Outage(seconds) => {
                self.out_until = Some(self.now.plus(std::time::Duration::from_secs(seconds.into())));
            }
        }
    }

    /// The version that a release stands for in a round of the story.
    fn version_of(&self, service: usize, release: Release, round: u32) -> u32 {
        let stable = self.cast().services[service].version;
        match release {
            Release::Stable => stable,
            Release::Candidate => stable.saturating_add(round).saturating_add(1),
        }
    }

    /// A free place for so many GPUs in a pool: the node with the least room that has enough, so that whole nodes
    /// stay whole.
    fn find_node(&mut self, pool: usize, gpus: u64) -> Option<SmolStr> {
        let open: Vec<SmolStr> = self.pool_nodes(pool).filter(|name| self.takes_pods(name)).collect();
        if gpus == 0 {
            let at = self.dice.between(0, open.len() as u64);
            return open.get(usize::try_from(at).unwrap_or(0)).cloned();
        }
        let free = |name: &SmolStr| GPUS_A_NODE - self.used_on(name);
        open.into_iter().filter(|name| free(name) >= gpus).min_by_key(|name| free(name))
    }

    pub fn used_on(&self, node: &str) -> u64 {
        self.slots.held(node)
    }

    fn takes_pods(&self, node: &str) -> bool {
        self.nodes.get(node).is_some_and(|node| !node.cordoned && node.is_ready())
    }

    /// The names of a pool's nodes, in order.
    pub fn pool_nodes(&self, pool: usize) -> impl Iterator<Item = SmolStr> + use<> {
        let cast = self.cast();
        let before: usize = cast.pools[..pool].iter().map(|pool| pool.nodes).sum();
        (before + 1..=before + cast.pools[pool].nodes).map(move |n| node_name(cast, n))
    }

    /// All that there is, a list for each kind.
    pub fn listing(&self) -> Listing {
        Listing {
            namespaces: self.cast().namespaces.iter().map(|name| owned::namespace(name)).collect(),
            nodes: self.nodes.values().map(|node| Fact::Node(Box::new(node.clone()))).collect(),
            pods: self.players.values().map(|player| owned::pod(&player.fact)).collect(),
            events: self.events.values().map(|event| Fact::Event(Box::new(event.clone()))).collect(),
            deployments: self.told_of(|fact| fact_kind(fact) == "Deployment"),
            stateful_sets: self.told_of(|fact| fact_kind(fact) == "StatefulSet"),
            rollouts: self.told_of(|fact| fact_kind(fact) == "Rollout"),
            replica_sets: self.told_of(|fact| matches!(fact, Fact::SizedRevision(..))),
            analyses: self.told_of(|fact| matches!(fact, Fact::Analysis(_))),
        }
    }

    /// What changed since the last call, as it is now.
    pub fn take_changes(&mut self) -> Vec<Fact> {
        let changed = std::mem::take(&mut self.changed);
        let mut facts: Vec<Fact> = Vec::new();
        // What is gone comes first: a pod of the same name may stand in its place by now.
        facts.extend(changed.pods_gone.into_iter().map(|(namespace, name)| Fact::PodGone(namespace, name)));
        facts.extend(changed.events_gone.into_iter().map(Fact::EventGone));
        let nodes = changed.nodes.iter().filter_map(|name| self.nodes.get(name));
        facts.extend(nodes.map(|node| Fact::Node(Box::new(node.clone()))));
        let pods = changed.pods.iter().filter_map(|no| self.players.get(no));
        facts.extend(pods.map(|player| owned::pod(&player.fact)));
        facts.extend(self.changed_services());
        let events = changed.events.iter().filter_map(|uid| self.events.get(uid));
        facts.extend(events.map(|event| Fact::Event(Box::new(event.clone()))));
        facts
    }
}

/// All that there is, a list for each kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Namespaces.
    pub namespaces: Vec<Fact>,
    /// Nodes.
    pub nodes: Vec<Fact>,
    /// Pods.
    pub pods: Vec<Fact>,
    /// Events.
    pub events: Vec<Fact>,
    /// Services whose pods a Deployment keeps.
    pub deployments: Vec<Fact>,
    /// Services whose pods a StatefulSet keeps.
    pub stateful_sets: Vec<Fact>,
    /// Services whose pods a Rollout keeps.
    pub rollouts: Vec<Fact>,
    /// Revisions of those.
    pub replica_sets: Vec<Fact>,
    /// What is measured of them.
    pub analyses: Vec<Fact>,
}

/// The kind of the controller that a fact tells of.
fn fact_kind(fact: &Fact) -> &str {
    fact.controller().map_or("", |controller| &controller.kind)
}

/// The name of the n-th node of a cluster.
pub(crate) fn node_name(cast: &Cast, n: usize) -> SmolStr {
    SmolStr::from(format!("{}-{n:03}", cast.node_prefix))
}
