//! What is measured of an object: a GPU itself, the GPUs of a node, those that a pod or a workload holds.

use crate::{Measured, World, project::fleet::node_row, source::Source};
use pilothouse_wire::{
    ConnectionId, Metric, NodeId, ObjectRef, PodId, Reading, SmolStr, Stamp,
    view::{MeasuredView, NodeRow},
};

/// The GPUs of an object with who measures them; `None` if nobody does.
struct Gpus<'a> {
    source: ConnectionId,
    all: Vec<Measured<'a>>,
}

/// What is measured of an object.
pub(super) fn measured(world: &World, object: &ObjectRef, now: Stamp) -> Option<MeasuredView> {
    let Gpus { source, all } = gpus(world, object)?;
    Some(MeasuredView {
        source,
        gpus: u16::try_from(all.len()).unwrap_or(u16::MAX),
        at: all.iter().filter_map(|gpu| gpu.at()).min(),
        stale: all.iter().any(|gpu| gpu.is_stale(now)),
        readings: together(&all),
    })
}

/// What was last measured of an object's GPUs, and when.
#[must_use]
pub fn readings(world: &World, object: &ObjectRef) -> Option<(Stamp, Vec<(Metric, Reading)>)> {
    let Gpus { all, .. } = gpus(world, object)?;
    Some((all.iter().filter_map(|gpu| gpu.at()).max()?, together(&all)))
}

/// Who keeps the past of an object's GPUs, and which these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeper {
    /// The connection that measures them.
    pub source: ConnectionId,
    /// Their UUIDs.
    pub gpus: Vec<SmolStr>,
    /// What is measured of them.
    pub metrics: Vec<Metric>,
    /// Before that the GPUs were in other hands: when the pod, or the last of the workload's pods, was started.
    pub since: Option<Stamp>,
}

/// Who keeps the past of an object's GPUs; `None` if nobody measures them.
#[must_use]
pub fn keeper(world: &World, object: &ObjectRef) -> Option<Keeper> {
    let Gpus { source, all } = gpus(world, object)?;
    let cluster = world.source(object.connection())?;
    let pods = cluster.pods.iter().filter(|((namespace, name), pod)| match object {
        ObjectRef::Pod(wanted) => wanted.namespace == *namespace && wanted.name == *name,
        ObjectRef::Workload(_, of, kind, wanted) => {
            of == namespace && pod.fact.workload().is_some_and(|owner| owner.kind == *kind && owner.name == *wanted)
        }
        _ => false,
    });
    Some(Keeper {
        source,
        gpus: all.iter().map(|gpu| gpu.device().uuid.clone()).collect(),
        metrics: together(&all).into_iter().map(|(metric, _)| metric).collect(),
        since: pods
            .filter(|(_, pod)| pod.fact.holds())
            .filter_map(|(_, pod)| pod.fact.started.or(pod.fact.created))
            .max(),
    })
}

fn together(all: &[Measured<'_>]) -> Vec<(Metric, Reading)> {
    let read = |metric: Metric| metric.together(all.iter().map(|gpu| gpu.read(metric)));
    let metrics = Metric::ALL.iter().filter(|metric| all.len() == 1 || **metric != Metric::ClockReasons);
    metrics.map(|metric| (*metric, read(*metric))).filter(|(_, reading)| !reading.is_absent()).collect()
}

fn gpus<'a>(world: &'a World, object: &ObjectRef) -> Option<Gpus<'a>> {
    let source = world.source(object.connection())?;
    match object {
        ObjectRef::Node(id) => of_node(world, source, id, &|_, _| true),
        ObjectRef::Gpu(id, slot) => of_node(world, source, id, &|_, at| at == usize::from(*slot)),
        ObjectRef::Pod(pod) => of_pods(world, source, std::iter::once(pod.clone())),
        ObjectRef::Workload(id, namespace, kind, name) => {
            let keys = source.workloads.get(&(kind.clone(), namespace.clone(), name.clone()))?;
            let pod = |(namespace, name): &(_, _)| PodId {
                cluster: id.clone(),
                namespace: Clone::clone(namespace),
                name: Clone::clone(name),
            };
            of_pods(world, source, keys.iter().map(pod))
        }
        ObjectRef::Connection(_)
        | ObjectRef::Namespace(..)
        | ObjectRef::Other(_)
        | ObjectRef::Alert(_)
        | ObjectRef::Model(_)
        | ObjectRef::Tag(_) => None,
    }
}

/// The measured GPUs of a node that are wanted, by their slots.
fn of_node<'a>(
    world: &'a World,
    source: &Source,
    id: &NodeId,
    wanted: &dyn Fn(&NodeRow, usize) -> bool,
) -> Option<Gpus<'a>> {
    let (measurer, telemetry) = world.measures(&id.cluster, &id.name)?;
    let row = node_row(world, &id.cluster, source, source.nodes.get(&id.name)?);
    let slots = row.devices.iter().enumerate().filter(|(slot, device)| !device.uuid.is_empty() && wanted(&row, *slot));
    let find = |uuid: &str| telemetry.of_node(&id.name).find(|gpu| gpu.device().uuid == uuid);
    let all: Vec<Measured<'a>> = slots.filter_map(|(_, device)| find(&device.uuid)).collect();
    (!all.is_empty()).then(|| Gpus { source: measurer.clone(), all })
}

/// The measured GPUs that pods are known to hold, whole or with others.
fn of_pods<'a>(world: &'a World, source: &Source, pods: impl Iterator<Item = PodId>) -> Option<Gpus<'a>> {
    let held = pods.filter_map(|pod| {
        let node = source.pods.get(&(pod.namespace.clone(), pod.name.clone()))?.fact.node.clone()?;
        let id = NodeId { cluster: pod.cluster.clone(), name: node };
        of_node(world, source, &id, &|row, slot| row.is_held_by(slot, &pod))
    });
    held.reduce(|mut all, more| {
        all.all.extend(more.all);
        all
    })
}
