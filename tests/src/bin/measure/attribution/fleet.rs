//! A generated fleet of which it is known who holds each GPU, and exporters that tell it, or something else.

use std::collections::BTreeMap;

use acceptance::GPU;
use pilothouse_wire::{ConnectionId, PodId, SmolStr};
use pilothouse_world::Fact;
use pilothouse_world::fact::{
    AllocatedFact, AllocationFact, DeviceClaim, DeviceFact, NodeFact, OfferedFact, Phase, PodFact, ReservedFact,
    SliceFact,
};

use crate::chance::Chance;
use crate::made;

/// GPUs of a node.
const GPUS: usize = 8;
/// Time-sliced pods that fit on one GPU.
const REPLICAS: usize = 4;
const SLICE: &str = "nvidia.com/mig-1g.10gb";
/// Instances of that profile on one GPU.
const INSTANCES: usize = 7;
/// A driver of dynamic resource allocation.
const DRIVER: &str = "gpu.nvidia.com";
/// A node of the cluster that nobody measures: where pods went that a label still names elsewhere.
const ELSEWHERE: &str = "elsewhere";

/// Who really holds a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// Nobody.
    Free,
    /// One pod, the whole of it.
    Alone(PodId),
    /// Pods that each have a part.
    Parts,
}

/// What an exporter tells of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// Who holds what.
    Truth,
    /// No pod at all.
    Nothing,
    /// In places a pod that is gone, or that ended, or that now runs on another node.
    Gone,
    /// In places a pod of the node that holds another GPU there: its name of before it was made anew.
    Stale,
    /// Two pods on some GPUs: who holds it, and another one of the node.
    Both,
}

/// The fleet as its cluster and its exporters tell it, and as it is.
pub struct Generated {
    /// The cluster that it is in.
    pub cluster: ConnectionId,
    pub nodes: Vec<NodeFact>,
    pub pods: Vec<PodFact>,
    pub devices: Vec<DeviceFact>,
    /// What drivers of dynamic resource allocation publish, and the claims to it.
    pub published: Vec<Fact>,
    pub claims: Vec<Fact>,
    /// By UUID.
    pub truth: BTreeMap<SmolStr, Truth>,
    chance: Chance,
}

impl Generated {
    /// So many nodes of all kinds.
    pub fn new(seed: u64, nodes: usize) -> Self {
        let mut all = Self {
            cluster: ConnectionId::slug("generated"),
            nodes: vec![made::node(ELSEWHERE, &made::whole(100_000), &[])],
            pods: Vec::new(),
            devices: Vec::new(),
            published: Vec::new(),
            claims: Vec::new(),
            truth: BTreeMap::new(),
            chance: Chance::new(seed),
        };
        for number in 0..nodes {
            let name = format!("node-{number:04}");
            // Each kind of node comes with each kind of exporter.
            match all.chance.below(10) {
                0..5 => all.exclusive(&name),
                5 => all.time_sliced(&name),
                6 | 7 => all.cut(&name),
                8 => all.claimed(&name),
                _ => all.one_holds_all(&name),
            }
        }
        all
    }

    /// The nodes as facts.
    pub fn node_facts(&self) -> Vec<Fact> {
        self.nodes.iter().cloned().map(|node| Fact::Node(Box::new(node))).collect()
    }

    /// The pods as facts.
    pub fn pod_facts(&self) -> Vec<Fact> {
        self.pods.iter().cloned().map(|pod| Fact::Pod(Box::new(pod))).collect()
    }

    /// Pods that hold whole GPUs, any of those that are left.
    fn exclusive(&mut self, node: &str) {
        self.nodes.push(made::node(node, &made::whole(GPUS as u64), &[]));
        let says = self.chance.of([Says::Truth, Says::Nothing, Says::Gone, Says::Stale, Says::Both]);
        let mut rest = self.chance.shuffled(GPUS);
        let mut claims = vec![Vec::new(); GPUS];
        let mut truth = vec![Truth::Free; GPUS];
        let mut pods: Vec<SmolStr> = Vec::new();
        for _ in 0..self.chance.below(6) {
            let own = self.chance.of([1, 1, 2, 4]).min(rest.len());
            if own == 0 {
                break;
            }
            let pod = self.pod(node, pods.len(), &made::whole(own as u64));
            for at in rest.drain(..own) {
                claims[at].push(claim(&pod));
                truth[at] = Truth::Alone(self.id(&pod));
            }
            pods.push(pod);
        }
        self.mistake(node, says, &mut claims, &pods);
        self.tell(node, claims, truth);
    }

    /// Each pod has a share of a GPU.
    fn time_sliced(&mut self, node: &str) {
        let replicas = REPLICAS.to_string();
        let labels = [("nvidia.com/gpu.replicas", replicas.as_str())];
        self.nodes.push(made::node(node, &made::whole((GPUS * REPLICAS) as u64), &labels));
        let says = self.chance.of([Says::Truth, Says::Nothing, Says::Gone]);
        let mut claims = vec![Vec::new(); GPUS];
        let mut truth = vec![Truth::Free; GPUS];
        for number in 0..self.chance.below(GPUS * 2) {
            let at = self.chance.below(GPUS);
            if claims[at].len() < REPLICAS {
                let pod = self.pod(node, number, &made::whole(1));
                claims[at].push(claim(&pod));
                truth[at] = Truth::Parts;
            }
        }
        self.mistake(node, says, &mut claims, &[]);
        self.tell(node, claims, truth);
    }

    /// Some GPUs are cut by MIG, the others are whole.
    fn cut(&mut self, node: &str) {
        let cut = self.chance.below(GPUS) + 1;
        let has = [(GPU, (GPUS - cut) as u64), (SLICE, (cut * INSTANCES) as u64)];
        self.nodes.push(made::node(node, &has, &[("nvidia.com/gpu.count", "8"), ("nvidia.com/mig.strategy", "mixed")]));
        let says = self.chance.of([Says::Truth, Says::Truth, Says::Nothing, Says::Gone]);
        let order = self.chance.shuffled(GPUS);
        let mut claims = vec![Vec::new(); GPUS];
        let mut truth = vec![Truth::Free; GPUS];
        for (number, at) in order.into_iter().enumerate() {
            if number >= cut {
                if !self.chance.once_in(3) {
                    let pod = self.pod(node, number * 10, &made::whole(1));
                    claims[at].push(claim(&pod));
                    truth[at] = Truth::Alone(self.id(&pod));
                }
                continue;
            }
            let mut instances = (1..=INSTANCES).collect::<Vec<_>>();
            for part in 0..self.chance.below(4) {
                let own = self.chance.of([1, 1, 2]);
                let pod = self.pod(node, number * 10 + part, &[(SLICE, own as u64)]);
                for instance in instances.drain(..own) {
                    claims[at].push(DeviceClaim { slice: Some(format!("1g.10gb/{instance}").into()), ..claim(&pod) });
                }
                truth[at] = Truth::Parts;
            }
        }
        self.mistake(node, says, &mut claims, &[]);
        self.tell(node, claims, truth);
    }

    /// Held through claims of dynamic resource allocation: the node counts no GPUs, and the pods ask for none. Of some nodes
    /// the cluster tells of the claims, and the exporter of none or of what was; of the others the exporter alone.
    fn claimed(&mut self, node: &str) {
        let is_told = node.ends_with(['0', '2', '4', '6', '8']);
        self.nodes.push(made::node(node, &[], &[]));
        let says = self.chance.of([Says::Truth, Says::Truth, Says::Nothing, Says::Gone]);
        let mut claims = vec![Vec::new(); GPUS];
        let mut truth = vec![Truth::Free; GPUS];
        for at in 0..GPUS {
            let sharers = self.chance.of([0, 1, 1, 2]);
            for sharer in 0..sharers {
                let pod = self.pod(node, at * 10 + sharer, &[]);
                claims[at].push(DeviceClaim { dra: Some(format!("team/claim-{at}").into()), ..claim(&pod) });
                truth[at] = if sharers == 1 { Truth::Alone(self.id(&pod)) } else { Truth::Parts };
            }
        }
        if is_told {
            self.publish(node, &claims);
            claims.iter_mut().for_each(Vec::clear);
        }
        self.mistake(node, says, &mut claims, &[]);
        self.tell(node, claims, truth);
    }

    /// The cluster tells what these claims say.
    fn publish(&mut self, node: &str, claims: &[Vec<DeviceClaim>]) {
        let device = |at: usize| SmolStr::from(format!("gpu-{at}"));
        let offered = |at: usize| OfferedFact {
            name: device(at),
            uuid: Some(format!("GPU-{node}-{at}").into()),
            ..OfferedFact::default()
        };
        self.published.push(Fact::Slice(Box::new(SliceFact {
            name: format!("{node}-{DRIVER}").into(),
            driver: DRIVER.into(),
            pool: node.into(),
            generation: 1,
            node: Some(node.into()),
            devices: (0..GPUS).map(offered).collect(),
        })));
        for (at, sharers) in claims.iter().enumerate().filter(|(_, sharers)| !sharers.is_empty()) {
            let uid = |pod: &SmolStr| self.pods.iter().find(|own| own.name == *pod).map(|own| own.uid.clone());
            let reserved = |claim: &DeviceClaim| ReservedFact {
                name: claim.pod.clone(),
                uid: uid(&claim.pod).unwrap_or_default(),
            };
            let claim = AllocationFact {
                namespace: "team".into(),
                name: format!("{node}-claim-{at}").into(),
                devices: vec![AllocatedFact { driver: DRIVER.into(), pool: node.into(), device: device(at) }],
                pods: sharers.iter().map(reserved).collect(),
            };
            self.claims.push(Fact::Allocation(Box::new(claim)));
        }
    }

    /// One pod holds all of the node.
    fn one_holds_all(&mut self, node: &str) {
        self.nodes.push(made::node(node, &made::whole(GPUS as u64), &[]));
        let says = self.chance.of([Says::Truth, Says::Nothing, Says::Gone]);
        let pod = self.pod(node, 0, &made::whole(GPUS as u64));
        let mut claims = vec![vec![claim(&pod)]; GPUS];
        let truth = vec![Truth::Alone(self.id(&pod)); GPUS];
        self.mistake(node, says, &mut claims, &[]);
        self.tell(node, claims, truth);
    }

    /// Turns the truth into what the exporter tells.
    fn mistake(&mut self, node: &str, says: Says, claims: &mut [Vec<DeviceClaim>], pods: &[SmolStr]) {
        match says {
            Says::Truth => {}
            Says::Nothing => claims.iter_mut().for_each(Vec::clear),
            Says::Gone => {
                for (at, claims) in claims.iter_mut().enumerate() {
                    if self.chance.once_in(3) {
                        let old = self.gone(node, at);
                        // The new pod's name is not told yet, or is told beside the old one.
                        if self.chance.once_in(2) {
                            claims.clear();
                        }
                        claims.push(claim(&old));
                    }
                }
            }
            Says::Stale | Says::Both => {
                // A pod that is told on all that it holds, and on one GPU more. Where its label hides another's, only one
                // is: were two told on no more than they have, and on the wrong ones, nobody could see it.
                for pod in pods.iter().take(if says == Says::Stale { 1 } else { 2 }) {
                    let at = self.chance.below(claims.len());
                    if claims[at].iter().any(|claim| claim.pod == *pod) {
                        continue;
                    }
                    if says == Says::Stale {
                        claims[at].clear();
                    }
                    claims[at].push(claim(pod));
                }
            }
        }
    }

    /// A pod that a label names and that holds nothing on this node.
    fn gone(&mut self, node: &str, at: usize) -> SmolStr {
        let name: SmolStr = format!("old-{node}-{at}").into();
        match self.chance.below(3) {
            0 => {}
            1 => self.pods.push(made::pod("team", &name, "old", ELSEWHERE, &made::whole(1))),
            _ => {
                let ended = made::pod("team", &name, "old", node, &made::whole(1));
                self.pods.push(PodFact { phase: Phase::Succeeded, ..ended });
            }
        }
        name
    }

    fn pod(&mut self, node: &str, number: usize, gpus: &[(&str, u64)]) -> SmolStr {
        let name: SmolStr = format!("{node}-pod-{number}").into();
        self.pods.push(made::pod("team", &name, node, node, gpus));
        name
    }

    fn id(&self, pod: &SmolStr) -> PodId {
        PodId { cluster: self.cluster.clone(), namespace: "team".into(), name: pod.clone() }
    }

    fn tell(&mut self, node: &str, claims: Vec<Vec<DeviceClaim>>, truth: Vec<Truth>) {
        for ((index, claims), truth) in (0..).zip(claims).zip(truth) {
            let uuid: SmolStr = format!("GPU-{node}-{index}").into();
            self.truth.insert(uuid.clone(), truth);
            let (node, index) = (Some(node.into()), Some(index));
            self.devices.push(DeviceFact { uuid, node, index, claims, ..DeviceFact::default() });
        }
    }
}

fn claim(pod: &SmolStr) -> DeviceClaim {
    DeviceClaim { namespace: "team".into(), pod: pod.clone(), ..DeviceClaim::default() }
}
