//! The life of a pod: it waits, gets a node, starts, runs, perhaps crashes, and goes.

use super::{GPU, Player, Role, Stage};
use crate::{
    agenda::{Due, PodNo},
    fleet::Keeper,
    names,
};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::{ConditionFact, ContainerFact, NodeFact, OwnerFact, Phase, PodFact};

const CRASH_LOOP: &str = "CrashLoopBackOff";

impl Stage {
    /// Puts a pod onto the stage; it waits for a node.
    pub fn enter(&mut self, role: Role) -> PodNo {
        self.last_no += 1;
        let no = self.last_no;
        let mut fact = self.dress(role);
        fact.uid = names::uid(self.seed, &format!("pod/{}/{no}", self.cluster));
        fact.created = Some(self.now);
        self.changed.pods_gone.remove(&(fact.namespace.clone(), fact.name.clone()));
        self.players.insert(no, Player { fact, role, replaced: false });
        self.pending.insert(no);
        self.room_changed = true;
        self.changed.pods.insert(no);
        self.agenda.after(self.now, 2_500, Due::Waits(no));
        no
    }

    /// All that a role fixes of its pod.
    fn dress(&mut self, role: Role) -> PodFact {
        let cast = self.cast();
        match role {
            Role::Service { service, version, ordinal } => {
                let service = &cast.services[service];
                let hash = names::template_hash(service.name, version);
                let image = names::image(&format!("{}/{}", service.namespace, service.name), version);
                let (owner, name, hash) = match service.keeper {
                    Keeper::Deployment | Keeper::Rollout => {
                        let set = SmolStr::from(format!("{}-{hash}", service.name));
                        let name = format!("{set}-{}", self.dice.letters(5));
                        (owner("ReplicaSet", &set), name, Some(hash).filter(|_| service.keeper == Keeper::Deployment))
                    }
                    Keeper::StatefulSet => {
                        (owner("StatefulSet", service.name), format!("{}-{ordinal}", service.name), None)
                    }
                };
                let name = name.into();
                let mut fact = pod(service.namespace.into(), name, owner, hash, "server", image, service.gpus);
                if service.keeper == Keeper::Rollout {
                    fact.owners.push(self::owner("Rollout", service.name));
                }
                fact
            }
            Role::Job { line, number, index } => {
                let job = self.job_name(line, number);
                let line = &cast.lines[line];
                let image = names::image(&format!("{}/{}", line.namespace, line.name), line.version);
                let (kind, name) = match line.naming {
                    crate::fleet::Naming::Numbered(_) => ("Job", format!("{job}-{index}-{}", self.dice.letters(5))),
                    crate::fleet::Naming::Listed(_) => ("StatefulSet", format!("{job}-{index}")),
                };
                pod(line.namespace.into(), name.into(), owner(kind, &job), None, "main", image, line.gpus)
            }
            Role::Daemon => {
                let name = format!("nvidia-dcgm-exporter-{}", self.dice.letters(5)).into();
                let owner = owner("DaemonSet", "nvidia-dcgm-exporter");
                let image = names::image("nvidia/dcgm-exporter", 4);
                pod("gpu-operator".into(), name, owner, None, "exporter", image, 0)
            }
        }
    }

    /// The scheduler's round: pods that wait get nodes, the oldest first.
    pub(super) fn schedule(&mut self) {
        self.agenda.after(self.now, 1_000, Due::Schedule);
        // A machine that slept for a day has many rounds to make up for: most have nothing to do.
        if !std::mem::take(&mut self.room_changed) {
            return;
        }
        for no in self.pending.clone() {
            let Some((pool, gpus)) = self.players.get(&no).and_then(|player| self.wish(player.role)) else { continue };
            if let Some(node) = self.find_node(pool, gpus) {
                self.place(no, &node);
            }
        }
    }

    /// The pool in which a role is to be, and the GPUs that it asks for.
    fn wish(&self, role: Role) -> Option<(usize, u64)> {
        let cast = self.cast();
        match role {
            Role::Service { service, .. } => Some((cast.services[service].pool, cast.services[service].gpus)),
            Role::Job { line, .. } => Some((cast.lines[line].pool, cast.lines[line].gpus)),
            Role::Daemon => None,
        }
    }

    /// Gives a pod its node; its containers start a little later.
    fn place(&mut self, no: PodNo, node: &SmolStr) {
        let (now, starts_in) = (self.now, self.dice.between(1_500, 4_000));
        let Some(player) = self.players.get_mut(&no) else { return };
        player.fact.started = Some(now);
        player.fact.conditions = vec![condition("PodScheduled", "True", None, now)];
        for container in &mut player.fact.containers {
            container.reason = Some("ContainerCreating".into());
        }
        self.seat(no, node);
        self.agenda.after(now, starts_in, Due::Start(no));
    }

    /// Puts a pod on a node, where it takes what it asked for.
    pub fn seat(&mut self, no: PodNo, node: &SmolStr) {
        let Some(player) = self.players.get_mut(&no) else { return };
        player.fact.node = Some(node.clone());
        let fact = player.fact.clone();
        self.slots.take(node, no, gpus(&fact), self.now);
        self.pending.remove(&no);
        self.changed.pods.insert(no);
        let note = format!("Successfully assigned {}/{} to {node}", fact.namespace, fact.name);
        self.say_of_pod(&fact, false, "Scheduled", note);
    }

    /// Can the kubelet of the pod's node act on the pod?
    pub(super) fn is_reached(&self, no: PodNo) -> bool {
        let node = self.players.get(&no).and_then(|player| player.fact.node.as_ref());
        node.and_then(|node| self.nodes.get(node)).is_some_and(NodeFact::is_ready)
    }

    pub(super) fn start(&mut self, no: PodNo) {
        if !self.is_reached(no) {
            return;
        }
        let (now, ready_in) = (self.now, self.dice.between(3_000, 9_000));
        let Some(player) = self.players.get_mut(&no).filter(|player| player.fact.deleting.is_none()) else { return };
        player.fact.phase = Phase::Running;
        for container in &mut player.fact.containers {
            container.reason = None;
            container.digest = Some(names::digest(&container.image));
        }
        set_ready(&mut player.fact, false, now);
        self.changed.pods.insert(no);
        self.agenda.after(now, ready_in, Due::Ready(no));
    }

    pub(super) fn ready(&mut self, no: PodNo) {
        if !self.is_reached(no) {
            return;
        }
        let now = self.now;
        let Some(player) = self.players.get_mut(&no) else { return };
        let fact = &mut player.fact;
        let crashes = fact.containers.iter().any(|container| container.reason.is_some());
        if fact.deleting.is_some() || fact.phase != Phase::Running || crashes {
            return;
        }
        set_ready(fact, true, now);
        let role = player.role;
        self.changed.pods.insert(no);
        if let Role::Job { line, number, .. } = role {
            self.job_runs(line, number);
        }
    }

    /// A pod's container crashes; it will again.
    pub(super) fn crash(&mut self, no: PodNo) {
        if !self.is_reached(no) {
            return;
        }
        let (now, again_in) = (self.now, self.dice.between(14_000, 24_000));
        let Some(player) = self.players.get_mut(&no) else { return };
        let fact = &mut player.fact;
        if fact.deleting.is_some() || fact.phase != Phase::Running {
            return;
        }
        for container in &mut fact.containers {
            container.restarts += 1;
            container.reason = Some(CRASH_LOOP.into());
        }
        set_ready(fact, false, now);
        let fact = fact.clone();
        self.changed.pods.insert(no);
        let restarts = fact.containers.first().map_or(0, |container| container.restarts);
        let note = format!("Back-off restarting failed container server, restarted {restarts} times");
        self.say_of_pod(&fact, true, "BackOff", note);
        self.agenda.after(now, again_in, Due::Crash(no));
    }

    pub(super) fn waits(&mut self, no: PodNo) {
        if !self.pending.contains(&no) {
            return;
        }
        let Some(player) = self.players.get(&no) else { return };
        let Some((pool, gpus)) = self.wish(player.role) else { return };
        let (fact, pool) = (player.fact.clone(), &self.cast().pools[pool]);
        let note = format!(
            "0/{} nodes are available: no node of {} has {gpus} GPUs free. preemption: 0 nodes would help.",
            self.nodes.len(),
            pool.name
        );
        self.say_of_pod(&fact, true, "FailedScheduling", note);
        self.agenda.after(self.now, 30_000, Due::Waits(no));
    }

    /// Ends a pod; it is gone a little later, or once its node is heard again.
    pub fn leave(&mut self, no: PodNo, replaced: bool) {
        let (now, gone_in) = (self.now, self.dice.between(3_000, 6_000));
        let Some(player) = self.players.get_mut(&no).filter(|player| player.fact.deleting.is_none()) else { return };
        player.fact.deleting = Some(now);
        let (role, waited, fact) = (player.role, player.fact.node.is_none(), player.fact.clone());
        self.changed.pods.insert(no);
        if waited {
            self.gone(no);
        } else {
            self.say_of_pod(&fact, false, "Killing", "Stopping container server".into());
            self.agenda.after(now, gone_in, Due::Gone(no));
        }
        match self.players.get_mut(&no) {
            // A pod of a StatefulSet comes back under its name, so only once the old one is gone.
            Some(player) if fact.owners.iter().any(|owner| owner.kind == "StatefulSet") => player.replaced = replaced,
            _ if replaced => {
                self.enter(role);
            }
            _ => {}
        }
    }

    pub(super) fn gone(&mut self, no: PodNo) {
        let Some(player) = self.players.get(&no) else { return };
        if player.fact.node.is_some() && !self.is_reached(no) {
            // Nobody can tell that its containers have ended: it stays, terminating, until the node is heard.
            return;
        }
        self.release(no);
        let Some(player) = self.players.remove(&no) else { return };
        self.pending.remove(&no);
        self.changed.pods.remove(&no);
        self.changed.pods_gone.insert((player.fact.namespace.clone(), player.fact.name.clone()));
        if player.replaced {
            self.enter(player.role);
        }
    }

    /// Gives back what a pod holds. Its name stays until it is gone.
    pub(super) fn release(&mut self, no: PodNo) {
        let Some(fact) = self.players.get(&no).map(|player| &player.fact) else { return };
        if let Some(node) = &fact.node
            && !matches!(fact.phase, Phase::Succeeded | Phase::Failed)
        {
            self.slots.give_back(node, no, self.now);
            self.room_changed = true;
        }
    }

    /// A job's pod ends well.
    pub(super) fn complete(&mut self, no: PodNo) {
        let (now, gone_in) = (self.now, self.dice.between(15_000, 25_000));
        self.release(no);
        let Some(player) = self.players.get_mut(&no) else { return };
        player.fact.phase = Phase::Succeeded;
        for container in &mut player.fact.containers {
            container.reason = Some("Completed".into());
            container.ended = true;
        }
        set_ready(&mut player.fact, false, now);
        self.changed.pods.insert(no);
        self.agenda.after(now, gone_in, Due::Gone(no));
    }

    /// The pods on a node, without what runs on each node.
    pub(super) fn guests(&self, node: &str) -> Vec<PodNo> {
        let here = |player: &Player| player.fact.node.as_deref() == Some(node) && player.role != Role::Daemon;
        self.players.iter().filter(|(_, player)| here(player)).map(|(no, _)| *no).collect()
    }
}

fn gpus(fact: &PodFact) -> u64 {
    fact.gpus.iter().map(|(_, n)| n).sum()
}

/// Sets a condition's status; the time is only that of a change.
pub(super) fn set(conditions: &mut Vec<ConditionFact>, new: ConditionFact) {
    match conditions.iter_mut().find(|condition| condition.kind == new.kind) {
        Some(old) if old.status == new.status => {}
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

pub(super) fn condition(
    kind: &str,
    status: &str,
    reason: Option<&str>,
    since: pilothouse_wire::Stamp,
) -> ConditionFact {
    ConditionFact { kind: kind.into(), status: status.into(), reason: reason.map(Into::into), since: Some(since) }
}

fn set_ready(fact: &mut PodFact, ready: bool, now: pilothouse_wire::Stamp) {
    for container in &mut fact.containers {
        container.ready = ready;
    }
    let (status, reason) = if ready { ("True", None) } else { ("False", Some("ContainersNotReady")) };
    set(&mut fact.conditions, condition("Ready", status, reason, now));
}

fn owner(kind: &str, name: &str) -> OwnerFact {
    OwnerFact { kind: kind.into(), name: name.into() }
}

fn pod(
    namespace: SmolStr,
    name: SmolStr,
    owner: OwnerFact,
    template_hash: Option<SmolStr>,
    container: &str,
    image: SmolStr,
    gpus: u64,
) -> PodFact {
    PodFact {
        namespace,
        name,
        owners: vec![owner],
        template_hash,
        gpus: if gpus == 0 { Vec::new() } else { vec![(GPU.into(), gpus)] },
        cpu_millis: 500 + gpus * 12_000,
        memory_bytes: (1 + gpus * 120) << 30,
        containers: vec![ContainerFact { name: container.into(), image, ..ContainerFact::default() }],
        ..PodFact::default()
    }
}
