//! How a cluster stands when somebody first looks: it has run for weeks, and some of it is not well.

use crate::{
    agenda::{Due, PodNo},
    fleet::{Cluster, GPUS_A_NODE, Trouble},
    names,
    stage::{GPU, Role, Stage, node_name},
};
use pilothouse_wire::{SmolStr, Stamp};
use pilothouse_world::fact::{ConditionFact, NodeFact, Phase};
use std::{collections::BTreeMap, time::Duration};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// Sets the stage for a cluster at a time, and puts its story on the agenda.
pub(crate) fn open(cluster: Cluster, seed: u64, now: Stamp) -> Stage {
    let mut stage = Stage::empty(cluster, seed, now);
    nodes(&mut stage);
    daemons(&mut stage);
    before_now(&mut stage, Trouble::is_cordon);
    services(&mut stage);
    if cluster == Cluster::IadProd {
        stage.had_failed("rerank", Duration::from_secs(19 * 60));
    }
    lines(&mut stage);
    before_now(&mut stage, |trouble| !trouble.is_cordon());
    stage.now = now;
    // Events older than a server keeps them are forgotten at once.
    stage.play(now);
    stage.agenda.put(now, Due::Schedule);
    stage.agenda.put(now, Due::Loop(0));
    stage.take_changes();
    stage
}

impl Trouble {
    fn is_cordon(&self) -> bool {
        matches!(self, Self::Cordoned(_))
    }
}

fn nodes(stage: &mut Stage) {
    let cast = stage.cast();
    let mut n = 0;
    for (at, pool) in cast.pools.iter().enumerate() {
        for _ in 0..pool.nodes {
            n += 1;
            let created = stage.now.minus(Duration::from_secs(stage.dice.between(20 * DAY, 200 * DAY)));
            let node = node(stage, node_name(cast, n), at, created);
            stage.nodes.insert(node.name.clone(), node);
        }
    }
}

fn node(stage: &mut Stage, name: SmolStr, pool: usize, created: Stamp) -> NodeFact {
    let cast = stage.cast();
    let hardware = &cast.hardware;
    let zone = ["a", "b", "c"][usize::try_from(stage.dice.between(0, 3)).unwrap_or(0)];
    let booted = created.plus(Duration::from_secs(180));
    let condition = |kind: &str, status: &str, reason: &str| ConditionFact {
        kind: kind.into(),
        status: status.into(),
        reason: Some(reason.into()),
        since: Some(booted),
    };
    let label = |key: &str, value: &str| (SmolStr::from(key), SmolStr::from(value));
    NodeFact {
        uid: names::uid(stage.seed, &format!("node/{name}")),
        name,
        created: Some(created),
        labels: vec![
            label("node.kubernetes.io/instance-type", hardware.instance),
            label("node.kubernetes.io/pool", cast.pools[pool].name),
            label("nvidia.com/cuda.driver-version.full", "580.95.05"),
            label("nvidia.com/gpu.count", "8"),
            label("nvidia.com/gpu.family", hardware.family),
            label("nvidia.com/gpu.memory", hardware.memory_mib),
            label("nvidia.com/gpu.product", hardware.product),
            label("topology.kubernetes.io/region", hardware.region),
            label("topology.kubernetes.io/zone", &format!("{}{zone}", hardware.region)),
        ],
        cordoned: false,
        taints: vec!["nvidia.com/gpu=present:NoSchedule".into()],
        conditions: vec![
            condition("MemoryPressure", "False", "KubeletHasNoPressure"),
            condition("DiskPressure", "False", "KubeletHasNoPressure"),
            condition("PIDPressure", "False", "KubeletHasNoPressure"),
            condition("Ready", "True", "KubeletReady"),
        ],
        capacity: vec![(GPU.into(), GPUS_A_NODE)],
        allocatable: vec![(GPU.into(), GPUS_A_NODE)],
        kubelet: Some("v1.36.2".into()),
    }
}

fn daemons(stage: &mut Stage) {
    let nodes: Vec<SmolStr> = stage.nodes.keys().cloned().collect();
    for node in nodes {
        let no = stage.enter(Role::Daemon);
        let age = stage.dice.between(2 * DAY, 19 * DAY);
        settle(stage, no, &node, age);
    }
}

fn services(stage: &mut Stage) {
    for (at, service) in stage.cast().services.iter().enumerate() {
        let mut seats = Seats::new(service.pool, service.from, service.per_node);
        // A service was rolled out once, and some of its pods were moved since.
        let rolled = stage.dice.between(DAY, 12 * DAY);
        for ordinal in 0..service.pods {
            let no = stage.enter(Role::Service { service: at, version: service.version, ordinal });
            let moved = stage.dice.between(0, 8) == 0;
            let age = if moved { stage.dice.between(2 * HOUR, DAY) } else { rolled - stage.dice.between(0, 900) };
            if let Some(node) = seats.next(stage, service.gpus) {
                settle(stage, no, &node, age);
            }
        }
    }
}

fn lines(stage: &mut Stage) {
    for (at, line) in stage.cast().lines.iter().enumerate() {
        let mut seats = Seats::new(line.pool, line.from, line.per_node);
        for number in 0..(line.jobs + line.waiting) {
            let first = stage.next_job_pods(at);
            if number >= line.jobs {
                let waited = stage.dice.between(4 * 60, 40 * 60);
                first.into_iter().for_each(|no| stage.age(no, Duration::from_secs(waited)));
                continue;
            }
            let age = match line.lasts {
                Some((least, most)) => stage.dice.between(least / 3, most),
                None => stage.dice.between(3 * DAY, 9 * DAY),
            };
            for no in first {
                if let Some(node) = seats.next(stage, line.gpus) {
                    settle(stage, no, &node, age);
                }
            }
            if let Some((_, most)) = line.lasts {
                let ends_in = stage.dice.between(9_000, most * 1_000);
                stage.job_ran(at, u32::try_from(number).unwrap_or(0), ends_in);
            }
        }
    }
}

/// Which node the next pod gets at the start: from one node on, in order, only so many a node.
struct Seats {
    pool: usize,
    from: usize,
    per_node: usize,
    taken: BTreeMap<SmolStr, usize>,
}

impl Seats {
    fn new(pool: usize, from: usize, per_node: usize) -> Self {
        Self { pool, from, per_node, taken: BTreeMap::new() }
    }

    fn next(&mut self, stage: &Stage, gpus: u64) -> Option<SmolStr> {
        let nodes: Vec<SmolStr> = stage.pool_nodes(self.pool).collect();
        let fits = |node: &&SmolStr| {
            let open = stage.nodes.get(*node).is_some_and(|node| !node.cordoned);
            let taken = self.taken.get(*node).copied().unwrap_or(0);
            open && taken < self.per_node && stage.used_on(node) + gpus <= GPUS_A_NODE
        };
        let in_order = nodes.iter().cycle().skip(self.from).take(nodes.len());
        let node = in_order.clone().find(fits).or_else(|| {
            in_order.clone().find(|node| {
                stage.nodes.get(*node).is_some_and(|node| !node.cordoned) && stage.used_on(node) + gpus <= GPUS_A_NODE
            })
        })?;
        *self.taken.entry(node.clone()).or_default() += 1;
        Some(node.clone())
    }
}

impl Stage {
    fn next_job_pods(&mut self, line: usize) -> Vec<PodNo> {
        let last = self.players.last_key_value().map_or(0, |(no, _)| *no);
        self.next_job(line);
        self.players.range(last + 1..).map(|(no, _)| *no).collect()
    }

    /// Makes a pod that waits older.
    fn age(&mut self, no: PodNo, age: Duration) {
        let created = self.now.minus(age);
        if let Some(player) = self.players.get_mut(&no) {
            player.fact.created = Some(created);
        }
    }
}

/// Lets a pod have run on a node for so many seconds.
fn settle(stage: &mut Stage, no: PodNo, node: &SmolStr, age: u64) {
    let now = stage.now;
    let created = now.minus(Duration::from_secs(age));
    let ready = created.plus(Duration::from_secs(9).min(Duration::from_secs(age)));
    let crashed = stage.dice.between(0, 40) == 0;
    stage.now = created;
    stage.seat(no, node);
    stage.now = now;
    let Some(player) = stage.players.get_mut(&no) else { return };
    let fact = &mut player.fact;
    fact.created = Some(created);
    fact.started = Some(created);
    fact.phase = Phase::Running;
    for container in &mut fact.containers {
        container.ready = true;
        container.digest = Some(names::digest(&container.image));
        container.restarts = u32::from(crashed);
    }
    let condition = |(kind, since): (&str, Stamp)| ConditionFact {
        kind: kind.into(),
        status: "True".into(),
        reason: None,
        since: Some(since),
    };
    fact.conditions = [("PodScheduled", created), ("Ready", ready)].map(condition).into();
}

/// Lets troubles have begun a while ago.
fn before_now(stage: &mut Stage, which: impl Fn(&Trouble) -> bool) {
    let now = stage.now;
    for (node, trouble) in stage.cast().troubles.iter().filter(|(_, trouble)| which(trouble)) {
        stage.now = now.minus(Duration::from_secs(stage.dice.between(8 * 60, 25 * 60)));
        match trouble {
            Trouble::Cordoned(why) => stage.cordon(node, Some(why)),
            Trouble::Lost => stage.lose(node),
            Trouble::Condition(kind, reason) => {
                stage.set_condition(node, kind, reason, &format!("{kind} is true: {reason}."));
            }
        }
    }
    stage.now = now;
}
