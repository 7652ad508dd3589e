//! Services as rows: one vocabulary for every splitter. Which revisions, which traffic, which phase and why.

mod follow;
mod rollout;
mod served;
mod shares;

pub use follow::DeliveryProjection;
pub use rollout::rollout;
pub use shares::services_hit;

use crate::{
    World,
    delivery::{self, Delivery, Sizes},
    fact::{AnalysisFact, ControllerFact, DeliveryFact, Kind, RevisionFact, StrategyFact},
    source::{Pod, Source, WorkloadKey},
};
use pilothouse_wire::{
    ConnectionId, ObjectRef, SmolStr, Stamp,
    view::{
        DeliveryRow, DeliveryView, FleetSpec, Mark, MarkKind,
        delivery::{AnalysisVerdict, StepAt},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// All services in scope.
#[must_use]
pub fn delivery(world: &World, spec: &FleetSpec) -> DeliveryView {
    DeliveryProjection::new(world, spec.clone()).into_view()
}

fn in_scope<'a>(world: &'a World, spec: &'a FleetSpec) -> impl Iterator<Item = (&'a ConnectionId, &'a Source)> {
    world.sources().filter(|(id, _)| spec.scope.is_empty() || spec.scope.contains(id))
}

/// Those that are not read whole.
fn reading(world: &World, spec: &FleetSpec) -> Vec<ConnectionId> {
    in_scope(world, spec).filter(|(_, source)| is_reading(source)).map(|(id, _)| id.clone()).collect()
}

/// How long changes of a service took that were seen from begin to end, in milliseconds; the oldest first.
#[must_use]
pub fn took(world: &World, object: &ObjectRef) -> Vec<u64> {
    let ObjectRef::Workload(id, namespace, kind, name) = object else { return Vec::new() };
    let key: WorkloadKey = (kind.clone(), namespace.clone(), name.clone());
    let service = world.source(id).and_then(|source| source.delivery.services.get(&key));
    service.map(|service| delivery::took(&service.moments)).unwrap_or_default()
}

/// When it was heard last that the shares of a route moved, by our clock.
#[must_use]
pub fn weighed(world: &World, object: &ObjectRef) -> Option<Stamp> {
    let is_it = |mark: &&Mark| mark.key.kind == MarkKind::Weight && mark.key.object == *object;
    world.marks_since(Stamp(i64::MIN)).filter(is_it).map(|mark| mark.heard).max()
}

/// The nodes on which pods of a service are, however many it has.
#[must_use]
pub fn nodes_of(world: &World, object: &ObjectRef) -> BTreeSet<SmolStr> {
    let ObjectRef::Workload(id, namespace, kind, name) = object else { return BTreeSet::new() };
    let key: WorkloadKey = (kind.clone(), namespace.clone(), name.clone());
    let source = world.source(id);
    let pods = source.into_iter().flat_map(|source| pods(source, &key));
    pods.filter_map(|pod| pod.fact.node.clone()).collect()
}

/// What keeps pods, gives them traffic or measures them on their way, and how its resource is called.
const TOLD: [(Kind, &str); 14] = [
    (Kind::Deployment, "deployments"),
    (Kind::StatefulSet, "statefulsets"),
    (Kind::ReplicaSet, "replicasets"),
    (Kind::Rollout, "rollouts"),
    (Kind::LeaderWorkerSet, "leaderworkersets"),
    (Kind::InferenceService, "inferenceservices"),
    (Kind::LlmInferenceService, "llminferenceservices"),
    (Kind::Canary, "canaries"),
    (Kind::HttpRoute, "httproutes"),
    (Kind::Service, "services"),
    (Kind::InferencePool, "inferencepools"),
    (Kind::ModelRewrite, "inferencemodelrewrites"),
    (Kind::Analysis, "analysisruns"),
    (Kind::Experiment, "experiments"),
];

/// Has it pods, and has not told of all that could keep them, give them traffic or measure them? Of what it does not serve it tells an
/// empty listing, and what it does not let us see it never tells of: that is said where it is said what we may.
fn is_reading(source: &Source) -> bool {
    let listed = |kind: Kind| source.listed.iter().any(|covers| covers.kind == kind);
    let is_told = |(kind, resource): &(Kind, &str)| listed(*kind) || source.is_refused(resource);
    listed(Kind::Pod) && !source.about.demo && !TOLD.iter().all(is_told)
}

/// Analyses by who made them: looked through once for all services.
struct Analyses<'a>(BTreeMap<(&'a SmolStr, &'a SmolStr), Vec<&'a AnalysisFact>>);

impl<'a> Analyses<'a> {
    fn of(source: &'a Source) -> Self {
        Self::among(source, source.delivery.analyses.values())
    }

    /// Those of one namespace, in which all is that an analysis of its services could be.
    fn of_namespace(source: &'a Source, namespace: &SmolStr) -> Self {
        let from = source.delivery.analyses.range((namespace.clone(), SmolStr::default())..);
        Self::among(source, from.take_while(|((of, _), _)| of == namespace).map(|(_, analysis)| analysis))
    }

    fn among(source: &'a Source, some: impl Iterator<Item = &'a AnalysisFact>) -> Self {
        let mut by_owner: BTreeMap<_, Vec<&AnalysisFact>> = BTreeMap::new();
        for analysis in some {
            if let Some(owner) = owner(source, analysis) {
                by_owner.entry((&analysis.namespace, owner)).or_default().push(analysis);
            }
        }
        // The newest first; names decide between those of one second.
        for all in by_owner.values_mut() {
            all.sort_by(|a, b| (b.created, &b.name).cmp(&(a.created, &a.name)));
        }
        Self(by_owner)
    }

    /// Of a Rollout: others of its name have none.
    fn of_service<'b>(&'b self, (kind, namespace, name): &'b WorkloadKey) -> &'b [&'a AnalysisFact] {
        let all = self.0.get(&(namespace, name)).filter(|_| kind == "Rollout");
        all.map_or(&[], Vec::as_slice)
    }
}

/// The Rollout that an analysis belongs to; through the Experiment that made it, if one did.
fn owner<'a>(source: &'a Source, analysis: &'a AnalysisFact) -> Option<&'a SmolStr> {
    let owner = analysis.owner.as_ref()?;
    match owner.kind.as_str() {
        "Rollout" => Some(&owner.name),
        "Experiment" => {
            let key = (analysis.namespace.clone(), owner.name.clone());
            let above = source.delivery.experiments.get(&key)?.owner.as_ref()?;
            (above.kind == "Rollout").then_some(&above.name)
        }
        _ => None,
    }
}

/// A service as a row.
fn row(id: &ConnectionId, source: &Source, key: &WorkloadKey, analyses: &Analyses<'_>) -> Option<DeliveryRow> {
    let (controller, service) = (source.controllers.get(key)?, source.delivery.services.get(key)?);
    let fact = &*source.service(key)?;
    let (phase, why) = delivery::phase(controller, fact);
    let pods = pods(source, key);
    let current = revision(source, key, fact.current.as_ref());
    let of_current: Vec<AnalysisVerdict> = analyses
        .of_service(key)
        .iter()
        .filter(|analysis| analysis.hash == fact.current)
        .map(|analysis| delivery::verdict::of(analysis))
        .collect();
    let disputed = analyses
        .of_service(key)
        .iter()
        .filter(|analysis| analysis.hash == fact.current)
        .any(|analysis| delivery::verdict::analysis(analysis, None).dispute.is_some());
    let (kind, namespace, name) = key.clone();
    let sizes = source.sizes_of(key);
    Some(DeliveryRow {
        id: ObjectRef::Workload(id.clone(), namespace.clone(), kind.clone(), name.clone()),
        kind,
        namespace,
        name,
        status: phase.status(),
        phase,
        why: Some(why).filter(|why| !why.is_empty()),
        since: since(service),
        unobserved: delivery::unobserved(controller, fact),
        strategy: delivery::strategy_word(fact).into(),
        router: delivery::router(fact),
        step: step_at(service),
        traffic: delivery::split(fact, &sizes),
        revision: current.map(|revision| revision.number),
        stable: revision(source, key, fact.stable.as_ref()).map(|revision| revision.number),
        revisions: count(source.revisions.get(key).map_or(0, BTreeMap::len)),
        images: images(fact.images.as_slice(), current),
        wanted: wanted(controller, fact, &sizes),
        updated: fact.pods.updated,
        ready: fact.pods.ready,
        available: fact.pods.available,
        gpus: pods
            .iter()
            .filter(|pod| pod.fact.holds())
            .map(|pod| source.gpus_of(&pod.fact))
            .fold(0, u64::saturating_add),
        team: pods.iter().find_map(|pod| source.team(pod)).or_else(|| source.teams.get(&key.1)).cloned(),
        guard: fact.guard.clone(),
        kept: None,
        shares: Vec::new(),
        analysis: of_current.into_iter().next(),
        disputed,
        created: controller.created,
    })
}

/// Pods that are wanted. What scales a service of KServe sets the number of its Deployment, and leaves its own.
fn wanted(controller: &ControllerFact, fact: &DeliveryFact, sizes: &Sizes<'_>) -> Option<u64> {
    let Some(served) = delivery::served(fact) else { return controller.replicas };
    if served.stops {
        return Some(0);
    }
    let of_sets = sizes.values().map(|size| size.wanted).fold(0, u64::saturating_add);
    Some(of_sets).filter(|wanted| *wanted > 0).or(controller.replicas)
}

/// Since when it has its phase: by its pause, which has a time of its own; else as far as that was seen.
fn since(service: &Delivery) -> Option<pilothouse_wire::Stamp> {
    let paused = service.fact.rollout.as_ref().and_then(|rollout| rollout.pauses.first()).and_then(|pause| pause.1);
    paused.or_else(|| service.since())
}

fn step_at(service: &Delivery) -> Option<StepAt> {
    let fact = &service.fact;
    if let StrategyFact::Flagger(flagger) = &fact.strategy {
        let done = flagger.weights.iter().filter(|step| Some(**step) <= flagger.weight).count();
        let is_under_way =
            flagger.phase.as_deref().is_some_and(|phase| ["Progressing", "WaitingPromotion"].contains(&phase));
        return is_under_way.then(|| StepAt { done: count(done), of: count(flagger.weights.len()), words: None });
    }
    let (at, steps) = (delivery::step(fact)?, delivery::steps(fact));
    let under_way = usize::try_from(at).ok().and_then(|at| steps.get(at));
    Some(StepAt { done: at, of: count(steps.len()), words: under_way.map(|step| step.words(delivery::whole(fact))) })
}

fn images(of_template: &[(SmolStr, SmolStr)], current: Option<&RevisionFact>) -> Vec<SmolStr> {
    // One that takes the template of another has none of its own.
    let images =
        if of_template.is_empty() { current.map_or(&[][..], |revision| &revision.images) } else { of_template };
    images.iter().map(|(_, image)| image.clone()).collect()
}

/// The revision of a service with this hash, or of this name.
fn revision<'a>(source: &'a Source, key: &WorkloadKey, hash: Option<&SmolStr>) -> Option<&'a RevisionFact> {
    let hash = hash?;
    let all = source.revisions.get(key)?;
    let is_it = |revision: &&RevisionFact| {
        let size = source.delivery.sizes.get(&(key.1.clone(), revision.name.clone()));
        size.is_some_and(|size| size.hash == *hash) || revision.name == *hash
    };
    all.values().find(is_it)
}

/// The pods of a service: its own, and those of its revisions.
pub(super) fn pods<'a>(source: &'a Source, key: &WorkloadKey) -> Vec<&'a Pod> {
    let own = source.workloads.get(key).into_iter().flatten();
    // In a record of before, a pod of a Rollout names no more than its ReplicaSet.
    let sets = source.revisions.get(key).into_iter().flat_map(BTreeMap::keys);
    let set = |name: &SmolStr| (SmolStr::new_static("ReplicaSet"), key.1.clone(), name.clone());
    let of_sets = sets.filter_map(|name| source.workloads.get(&set(name))).flatten();
    own.chain(of_sets).filter_map(|pod| source.pods.get(pod)).map(Box::as_ref).collect()
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The controller and the service of an object.
fn service<'a>(source: &'a Source, key: &WorkloadKey) -> Option<(&'a ControllerFact, &'a Delivery)> {
    Some((source.controllers.get(key)?, source.delivery.services.get(key)?))
}
