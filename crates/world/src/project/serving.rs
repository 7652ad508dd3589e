//! What serving engines say, joined to pods and rolled up to workloads.

use crate::{Served, World, source::PodKey};
use pilothouse_wire::{
    ConnectionId, Keyed, ObjectRef, PodId, ServingMetric, SmolStr, Stamp,
    view::{FleetSpec, ServingRow},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The engine of one pod with who measures it.
#[derive(Clone, Copy)]
struct Told<'a> {
    source: &'a ConnectionId,
    patience: Duration,
    served: &'a Served,
}

/// How a source is known to be about a cluster, the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    Own,
    Told,
    Only,
}

/// All pods and workloads in scope of which an engine is measured.
pub(super) fn rows(world: &World, spec: &FleetSpec) -> Keyed<ServingRow> {
    let told = told(world);
    let mut of_workloads: BTreeMap<ObjectRef, Vec<Told<'_>>> = BTreeMap::new();
    let mut rows = Vec::with_capacity(told.len());
    for (pod, told) in told.into_iter().filter(|(pod, _)| spec.scope.is_empty() || spec.scope.contains(&pod.cluster)) {
        if let Some(workload) = workload(world, &pod) {
            of_workloads.entry(workload).or_default().push(told);
        }
        rows.extend(row(ObjectRef::Pod(pod), &[told]));
    }
    rows.extend(of_workloads.into_iter().filter_map(|(workload, told)| row(workload, &told)));
    rows.into_iter().collect()
}

/// The same for one pod or workload.
pub(super) fn of(world: &World, object: &ObjectRef) -> Option<ServingRow> {
    if !world.has_serving() || !matches!(object, ObjectRef::Pod(_) | ObjectRef::Workload(..)) {
        return None;
    }
    let told = told(world).into_iter().filter(|(pod, _)| match object {
        ObjectRef::Pod(wanted) => pod == wanted,
        wanted => workload(world, pod).as_ref() == Some(wanted),
    });
    row(object.clone(), &told.map(|(_, told)| told).collect::<Vec<_>>())
}

/// All engines that are measured, looked up once for several groups of pods.
pub(super) struct Engines<'a>(BTreeMap<PodId, Told<'a>>);

impl<'a> Engines<'a> {
    /// All of a world.
    pub(super) fn of(world: &'a World) -> Self {
        Self(if world.has_serving() { told(world) } else { BTreeMap::new() })
    }

    /// The engines of some pods of an object together.
    pub(super) fn together(&self, object: &ObjectRef, pods: impl Iterator<Item = PodId>) -> Option<ServingRow> {
        let told: Vec<Told<'_>> = pods.filter_map(|pod| self.0.get(&pod).copied()).collect();
        row(object.clone(), &told)
    }
}

/// Every pod of which an engine is measured, once: by the surest source, never by two together.
fn told(world: &World) -> BTreeMap<PodId, Told<'_>> {
    let mut all: BTreeMap<PodId, (Sure, Told<'_>)> = BTreeMap::new();
    for (id, source) in world.sources() {
        for (key, served) in source.serving.pods() {
            let Some((sure, cluster)) = cluster(world, id, key) else { continue };
            let (namespace, name) = key.clone();
            let pod = PodId { cluster: cluster.clone(), namespace, name };
            if all.get(&pod).is_none_or(|(known, _)| sure < *known) {
                all.insert(pod, (sure, Told { source: id, patience: source.serving.patience(), served }));
            }
        }
    }
    all.into_iter().map(|(pod, (_, told))| (pod, told)).collect()
}

/// The cluster of a pod that a source measures: the source itself, the one that it says it is about, or the only one
/// that has such a pod.
fn cluster<'a>(world: &'a World, id: &'a ConnectionId, key: &PodKey) -> Option<(Sure, &'a ConnectionId)> {
    let source = world.source(id)?;
    let has = |cluster: &ConnectionId| world.source(cluster).is_some_and(|source| source.pods.contains_key(key));
    if has(id) {
        return Some((Sure::Own, id));
    }
    if let Some(cluster) = source.serving.cluster.as_ref() {
        let (cluster, _) = world.sources().find(|(id, _)| *id == cluster)?;
        return has(cluster).then_some((Sure::Told, cluster));
    }
    // A cluster measures its own pods and no others.
    if !source.pods.is_empty() || !source.nodes.is_empty() {
        return None;
    }
    let mut clusters = world.sources().map(|(id, _)| id).filter(|id| has(id));
    let only = clusters.next()?;
    clusters.next().is_none().then_some((Sure::Only, only))
}

fn workload(world: &World, pod: &PodId) -> Option<ObjectRef> {
    let fact = &world.source(&pod.cluster)?.pods.get(&(pod.namespace.clone(), pod.name.clone()))?.fact;
    let owner = fact.workload()?;
    Some(ObjectRef::Workload(pod.cluster.clone(), pod.namespace.clone(), owner.kind, owner.name))
}

/// Engines together. One that is silent counts in no sum: but where all are, what they last said is shown with its age.
fn row(id: ObjectRef, told: &[Told<'_>]) -> Option<ServingRow> {
    let source = told.first()?.source.clone();
    let spoke: Vec<&Told<'_>> = told.iter().filter(|told| told.served.spoke).collect();
    let counted = if spoke.is_empty() { told.iter().collect() } else { spoke.clone() };
    let read = |metric: ServingMetric| metric.together(counted.iter().map(|told| told.served.read(metric)));
    let alone = |metric: ServingMetric| match counted.as_slice() {
        // Of one pod all is said as it is: what is no number, too.
        [one] => one.served.read(metric),
        _ => read(metric),
    };
    let readings = ServingMetric::ALL.iter().map(|metric| (*metric, alone(*metric)));
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let models: BTreeSet<&SmolStr> = told.iter().flat_map(|told| &told.served.models).collect();
    let at: Option<Stamp> = counted.iter().filter_map(|told| told.served.at).min();
    Some(ServingRow {
        id,
        source,
        engines: told.iter().map(|told| told.served.engine).collect::<BTreeSet<_>>().into_iter().collect(),
        models: models.into_iter().cloned().collect(),
        pods: number(spoke.len()),
        silent: number(told.len() - spoke.len()),
        at,
        patience_ms: counted
            .iter()
            .map(|told| u64::try_from(told.patience.as_millis()).unwrap_or(u64::MAX))
            .max()
            .unwrap_or(0),
        readings: readings.filter(|(_, reading)| !reading.is_absent()).collect(),
    })
}
