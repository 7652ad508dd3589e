//! One source as the world knows it: what it said of itself, and its objects.

use crate::{
    alert::Alerts,
    budgets::Budgets,
    claims::Claims,
    delivery::Deliveries,
    earlier,
    fact::{
        AllocationFact, ControllerFact, Covers, EventFact, HostFact, Kind, LabelsFact, NodeFact, PodFact, PodLabels,
        Probed, ReservedFact, RevisionFact, ServiceFact, SourceAbout, StartFact, TemplateFact, WrittenFact,
    },
    gone::GoneStarts,
    gpu,
    model::Model,
    registry::Registry,
    serving::Serving,
    sorted, sum,
    telemetry::Telemetry,
};
use pilothouse_wire::{
    ConnectionId, Health, PodId, SmolStr, Stamp,
    view::{Attempt, Eviction},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Namespace and name.
pub(crate) type PodKey = (SmolStr, SmolStr);
/// Kind, namespace and name.
pub(crate) type WorkloadKey = (SmolStr, SmolStr, SmolStr);

/// A source and all that it said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// What is known without asking.
    pub about: SourceAbout,
    /// What it told of itself.
    pub probed: Probed,
    /// How it is.
    pub health: Health,
    /// When it was last heard, by our clock.
    pub heard: Option<Stamp>,
    /// The last attempts, newest last.
    pub attempts: Vec<Attempt>,
    /// When it is tried again by itself.
    pub retry_at: Option<Stamp>,
    /// Servers inside of it that others could connect to; `None` before it was looked through. An offer is about now, so
    /// that a checkpoint does not keep it.
    #[serde(skip)]
    pub inside: Option<Vec<ServiceFact>>,
    /// Facts read.
    pub facts: u64,
    /// Objects, or parts of objects, that could not be used or kept.
    pub dropped: u64,
    /// Nodes by name.
    #[serde(deserialize_with = "sorted::map")]
    pub nodes: BTreeMap<SmolStr, Node>,
    /// Namespaces; the value says whether it is terminating.
    pub namespaces: BTreeMap<SmolStr, bool>,
    /// The teams that namespaces are labelled with.
    pub teams: BTreeMap<SmolStr, SmolStr>,
    /// Pods by namespace and name. Each stands aside: a tree that grows in order is half empty, and pods are its largest values.
    #[serde(deserialize_with = "sorted::map")]
    pub pods: BTreeMap<(SmolStr, SmolStr), Box<Pod>>,
    /// Events by uid.
    #[serde(deserialize_with = "sorted::map")]
    pub events: BTreeMap<SmolStr, EventFact>,
    /// Pods by the node they are placed on. Follows from them ([`crate::indexes`]), as the next two do.
    #[serde(skip_serializing, deserialize_with = "earlier::until::<_, _, 16>")]
    pub(crate) placed: BTreeMap<SmolStr, BTreeSet<PodKey>>,
    /// Pods by their workload (kind, namespace, name).
    #[serde(skip_serializing, deserialize_with = "earlier::until::<_, _, 16>")]
    pub(crate) workloads: BTreeMap<WorkloadKey, BTreeSet<PodKey>>,
    /// Events by what they are about: kind, namespace, name.
    #[serde(skip_serializing, deserialize_with = "earlier::until::<_, _, 16>")]
    pub(crate) regarding: BTreeMap<(SmolStr, Option<SmolStr>, SmolStr), BTreeSet<SmolStr>>,
    /// What was listed in full at least once: changes before that are no news.
    pub(crate) listed: BTreeSet<Covers>,
    /// GPUs held and pods pending, one point a bucket of time.
    pub(crate) lanes: BTreeMap<Stamp, LanePoint>,
    /// The point that holds now, once it was counted.
    #[serde(skip)]
    pub(crate) tally: Tally,
    /// What was measured over time, for the ribbon of this run: a checkpoint does not keep it.
    #[serde(skip)]
    pub(crate) measured: MeasuredPoints,
    /// What it measures of GPUs: its own, or those of another cluster.
    pub telemetry: Telemetry,
    /// What it measures of serving engines: of its own pods, or of those of another cluster.
    pub serving: Serving,
    /// Controllers of pods, by kind, namespace and name.
    pub(crate) controllers: BTreeMap<WorkloadKey, ControllerFact>,
    /// Revisions of what they make pods of, by name.
    pub(crate) revisions: BTreeMap<WorkloadKey, BTreeMap<SmolStr, RevisionFact>>,
    /// The alerts that it has.
    pub alerts: Alerts,
    /// Registered models, by name.
    pub models: BTreeMap<SmolStr, Model>,
    /// What is watched of it, if it is a registry.
    pub registry: Registry,
    /// Services on their way from revision to revision.
    pub(crate) delivery: Deliveries,
    /// Containers that were started with models and are gone.
    pub(crate) gone: GoneStarts,
    /// GPUs as drivers of dynamic resource allocation publish them, and who has claims to them.
    pub(crate) claims: Claims,
    /// Disruption budgets.
    #[serde(deserialize_with = "earlier::since::<_, _, 15>")]
    pub(crate) budgets: Budgets,
    /// The machine that it runs on, where it tells of that.
    pub(crate) host: Option<HostFact>,
    /// What revisions make pods of, by namespace and name.
    #[serde(deserialize_with = "earlier::since::<_, _, 14>")]
    pub(crate) templates: BTreeMap<PodKey, TemplateFact>,
}

impl Source {
    /// How many revisions of workloads are known.
    #[must_use]
    pub fn revisions_known(&self) -> usize {
        self.revisions.values().map(BTreeMap::len).sum()
    }

    /// A controller of pods, by kind, namespace and name.
    #[must_use]
    pub fn controller(&self, kind: &str, namespace: &str, name: &str) -> Option<&ControllerFact> {
        self.controllers.get(&(kind.into(), namespace.into(), name.into()))
    }

    /// The pods of a workload: those that are not well first, then by name.
    #[must_use]
    pub fn pods_of(&self, kind: &SmolStr, namespace: &SmolStr, name: &SmolStr) -> Vec<&PodFact> {
        let keys = self.workloads.get(&(kind.clone(), namespace.clone(), name.clone()));
        let mut pods: Vec<&PodFact> =
            keys.into_iter().flatten().filter_map(|key| self.pods.get(key)).map(|pod| &pod.fact).collect();
        pods.sort_by_key(|pod| (pod.status().0, pod.name.clone()));
        pods
    }
}

/// One point of the lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LanePoint {
    pub held: u64,
    pub pending: u64,
}

/// A node as last said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// What was said.
    pub fact: NodeFact,
    /// When it last changed, by our clock.
    pub seen: Stamp,
    /// What is kept of who wrote into it.
    #[serde(deserialize_with = "earlier::since::<_, _, 16>")]
    pub written: WrittenFact,
}

/// A pod as last said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    /// What was said.
    pub fact: PodFact,
    /// What its labels say.
    pub labels: PodLabels,
    /// Those of its containers that are started with models.
    pub starts: Vec<StartFact>,
    /// All of its labels, where it asks for GPUs: disruption budgets choose it by them.
    #[serde(deserialize_with = "earlier::since::<_, _, 15>")]
    pub(crate) all_labels: LabelsFact,
    /// When it last changed, by our clock.
    pub seen: Stamp,
}

impl Source {
    /// How often it is expected to be heard.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_millis(self.about.period_ms.max(1_000))
    }

    /// Was everything of this kind listed at least once, in this namespace or everywhere?
    pub(crate) fn was_listed(&self, kind: Kind, namespace: Option<&SmolStr>) -> bool {
        self.listed
            .iter()
            .any(|covers| covers.kind == kind && (covers.namespace.is_none() || covers.namespace.as_ref() == namespace))
    }

    /// Was anything of this kind listed at least once, everywhere or in a part of its namespaces?
    #[must_use]
    pub fn has_listed(&self, kind: Kind) -> bool {
        self.listed.iter().any(|covers| covers.kind == kind)
    }

    /// Does it tell of what stands beside clusters (models, artefacts, alerts, measurements), and of no cluster? Then nothing
    /// of the fleet is missing that it could list.
    pub(crate) fn is_beside(&self) -> bool {
        let of_cluster = self.listed.iter().any(|covers| covers.kind != Kind::Model);
        let tells = !self.listed.is_empty()
            || self.registry.is_told()
            || self.alerts.are_told()
            || self.telemetry.is_told()
            || self.serving.is_told();
        tells && !of_cluster && self.nodes.is_empty() && self.pods.is_empty()
    }

    /// Are all nodes read?
    pub(crate) fn knows_nodes(&self) -> bool {
        self.was_listed(Kind::Node, None)
    }

    /// Are all pods read? Those of some namespaces do not tell who holds the rest of a node.
    pub(crate) fn knows_pods(&self) -> bool {
        self.was_listed(Kind::Pod, None)
    }

    /// Are all claims to devices read?
    pub(crate) fn knows_claims(&self) -> bool {
        self.was_listed(Kind::ResourceClaim, None)
    }

    /// Is it told of devices and of claims to them, or said that it is not? One that has no pods has none.
    pub(crate) fn is_told_of_claims(&self) -> bool {
        let listed = |kind: Kind| self.listed.iter().any(|covers| covers.kind == kind);
        let told = |kind: Kind, resource: &str| listed(kind) || self.is_refused(resource);
        let both = || told(Kind::ResourceSlice, "resourceslices") && told(Kind::ResourceClaim, "resourceclaims");
        self.about.demo || !listed(Kind::Pod) || both()
    }

    /// Are the disruption budgets of a namespace read? The demo has none.
    fn knows_budgets(&self, namespace: &SmolStr) -> bool {
        self.about.demo || self.was_listed(Kind::DisruptionBudget, Some(namespace))
    }

    /// Are its disruption budgets read, or said that they may not be? One that has no pods has none.
    pub(crate) fn is_told_of_budgets(&self) -> bool {
        let listed = |kind: Kind| self.listed.iter().any(|covers| covers.kind == kind);
        let told = || listed(Kind::DisruptionBudget) || self.is_refused("poddisruptionbudgets");
        self.about.demo || !listed(Kind::Pod) || told()
    }

    /// Do disruption budgets let a pod go now? Asked of pods that ask for GPUs: of others no labels are kept.
    pub(crate) fn eviction(&self, pod: &Pod) -> Eviction {
        if pod.fact.gpus.is_empty() || !self.knows_budgets(&pod.fact.namespace) {
            return Eviction::NotKnown;
        }
        self.budgets.judge(pod)
    }

    /// Is it said that a resource may not be read?
    pub(crate) fn is_refused(&self, resource: &str) -> bool {
        let mut words = self.probed.may_not.iter().flat_map(|text| text.split(|sign: char| !sign.is_alphanumeric()));
        words.any(|word| word == resource)
    }

    /// How many GPUs a pod asks for, or has by claims: where it has them for what it asks for, they are counted once.
    pub(crate) fn gpus_of(&self, pod: &PodFact) -> u64 {
        if pod.gpus.is_empty() { self.claims.count(pod) } else { pod.gpu_count() }
    }

    /// How many of these are shares or slices of devices, by the node that it is on; of one that waits by its keys alone.
    pub(crate) fn shares_of(&self, pod: &PodFact) -> u64 {
        if pod.gpus.is_empty() {
            return self.claims.count_parts(pod);
        }
        let node = pod.node.as_ref().and_then(|name| self.nodes.get(name)).map(|node| &node.fact);
        let shares = pod.gpus.iter().filter(|(key, _)| gpu::is_part(node, key)).map(|(_, n)| n);
        sum::total(shares)
    }

    /// The pods that are placed on a node.
    pub(crate) fn placed_on<'a>(&'a self, cluster: &'a ConnectionId, node: &str) -> impl Iterator<Item = PodId> + 'a {
        let keys = self.placed.get(node).into_iter().flatten();
        keys.map(|(namespace, name)| PodId {
            cluster: cluster.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
        })
    }

    /// The pods placed on a node that still hold what they asked for, the longest held first.
    pub(crate) fn holders<'a>(&'a self, node: &str) -> Vec<&'a PodFact> {
        let keys = self.placed.get(node).into_iter().flatten();
        let mut pods: Vec<&PodFact> = keys
            .filter_map(|key| self.pods.get(key))
            .map(|pod| &pod.fact)
            .filter(|pod| pod.holds() && !pod.gpus.is_empty())
            .collect();
        pods.sort_by(|a, b| (a.created, &a.uid, &a.name).cmp(&(b.created, &b.uid, &b.name)));
        pods
    }

    /// Is this pod on that node, holding what it asked for?
    pub(crate) fn lives_on(&self, node: &str, namespace: &SmolStr, name: &SmolStr) -> bool {
        let pod = self.pods.get(&(namespace.clone(), name.clone()));
        pod.is_some_and(|pod| pod.fact.holds() && pod.fact.node.as_deref() == Some(node))
    }

    /// The team of a pod: by its own label, else by that of its namespace.
    pub(crate) fn team<'a>(&'a self, pod: &'a Pod) -> Option<&'a SmolStr> {
        pod.labels.team.as_ref().or_else(|| self.teams.get(&pod.fact.namespace))
    }

    /// The point that holds now: all pods are counted once, then each as it or its claim changes.
    pub(crate) fn lane_point(&mut self) -> LanePoint {
        if let Some(point) = self.tally.0 {
            return point;
        }
        let mut all = LanePoint { held: self.held_by(self.claims.all()), pending: 0 };
        for point in self.pods.values().map(|pod| LanePoint::of(&pod.fact)) {
            all.held = all.held.saturating_add(point.held);
            all.pending += point.pending;
        }
        self.tally.0 = Some(all);
        all
    }

    /// GPUs that are held by claims: each once, however many pods of a claim share it. What a pod counts is not counted again.
    fn held_by<'a>(&self, claims: impl Iterator<Item = &'a AllocationFact>) -> u64 {
        let held = |claim: &AllocationFact| {
            let holds = |of: &ReservedFact| {
                let pod = self.pods.get(&(claim.namespace.clone(), of.name.clone()));
                pod.is_some_and(|pod| pod.fact.uid == of.uid && pod.fact.holds() && pod.fact.gpus.is_empty())
            };
            let devices = || claim.devices.iter().collect::<BTreeSet<_>>().len() as u64;
            if claim.pods.iter().any(holds) { devices() } else { 0 }
        };
        claims.fold(0, |sum: u64, claim| sum.saturating_add(held(claim)))
    }

    /// Keeps a pod, or forgets it.
    pub(crate) fn set_pod(&mut self, key: PodKey, pod: Option<Pod>) -> Option<Box<Pod>> {
        let mut new = pod.as_ref().map(|pod| LanePoint::of(&pod.fact)).unwrap_or_default();
        let before = self.held_by(self.claims.naming(&key));
        let old = match pod {
            Some(pod) => self.pods.insert(key.clone(), Box::new(pod)),
            None => self.pods.remove(&key),
        };
        let mut was = old.as_ref().map(|pod| LanePoint::of(&pod.fact)).unwrap_or_default();
        was.held = was.held.saturating_add(before);
        new.held = new.held.saturating_add(self.held_by(self.claims.naming(&key)));
        self.tally.moved(was, new);
        old
    }

    /// Keeps what a claim has, or forgets it; answers the pods that this is about.
    pub(crate) fn set_claim(&mut self, key: &PodKey, new: Option<AllocationFact>) -> BTreeSet<PodKey> {
        let was = LanePoint { held: self.held_by(self.claims.called(key).into_iter()), pending: 0 };
        let changed = self.claims.allocate(key, new);
        let is = LanePoint { held: self.held_by(self.claims.called(key).into_iter()), pending: 0 };
        self.tally.moved(was, is);
        changed
    }
}

/// What was measured in a bucket of time: of all GPUs, and of all serving engines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MeasuredPoint {
    pub activity: Option<f32>,
    pub tokens: Option<f32>,
    pub first_token: Option<f32>,
}

/// These points. They are beside what a world is: two worlds are equal whether they were gathered or not.
#[derive(Clone, Debug, Default)]
pub(crate) struct MeasuredPoints(pub BTreeMap<Stamp, MeasuredPoint>);

impl PartialEq for MeasuredPoints {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A point that is kept as pods change. It follows from them, so that two worlds are equal whether it was counted yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally(Option<LanePoint>);

impl PartialEq for Tally {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl LanePoint {
    /// What a pod adds by itself.
    fn of(pod: &PodFact) -> Self {
        match (pod.holds(), pod.waits()) {
            (true, _) => Self { held: pod.gpu_count(), pending: 0 },
            (false, waits) => Self { held: 0, pending: u64::from(waits) },
        }
    }
}

impl Tally {
    /// Something that added one point adds another one now.
    fn moved(&mut self, was: LanePoint, is: LanePoint) {
        if let Some(point) = &mut self.0 {
            point.held = point.held.saturating_sub(was.held).saturating_add(is.held);
            point.pending = point.pending.saturating_sub(was.pending).saturating_add(is.pending);
        }
    }
}
