//! Pods rolled up to the controller that keeps them.

use crate::{
    fact::PodFact,
    source::{Pod, PodKey, Source},
};
use pilothouse_wire::{
    ConnectionId, ObjectRef, PodId, SmolStr,
    view::{PodRow, Status, WorkloadRow},
};
use std::collections::BTreeSet;

/// The workload of a pod: its topmost controller, or itself.
pub(super) fn of_row(pod: &PodRow) -> ObjectRef {
    match (&pod.workload_kind, &pod.workload) {
        (Some(kind), Some(name)) => {
            ObjectRef::Workload(pod.id.cluster.clone(), pod.id.namespace.clone(), kind.clone(), name.clone())
        }
        _ => ObjectRef::Pod(pod.id.clone()),
    }
}

/// All workloads of a source that ask for GPUs.
pub(super) fn rows<'a>(id: &'a ConnectionId, source: &'a Source) -> impl Iterator<Item = WorkloadRow> + 'a {
    let kept = source
        .workloads
        .keys()
        .map(|(kind, namespace, name)| ObjectRef::Workload(id.clone(), namespace.clone(), kind.clone(), name.clone()));
    let alone = source.pods.iter().filter(|(_, pod)| pod.fact.workload().is_none()).map(|((namespace, name), _)| {
        ObjectRef::Pod(PodId { cluster: id.clone(), namespace: namespace.clone(), name: name.clone() })
    });
    kept.chain(alone).filter_map(|object| row(source, &object))
}

/// One workload; `None` if it has no pod that asks for GPUs.
pub(super) fn row(source: &Source, object: &ObjectRef) -> Option<WorkloadRow> {
    let pod = |key: &PodKey| source.pods.get(key);
    let (kind, namespace, name, pods): (_, _, _, Vec<&Pod>) = match object {
        ObjectRef::Workload(_, namespace, kind, name) => {
            let keys = source.workloads.get(&(kind.clone(), namespace.clone(), name.clone()))?;
            (kind.clone(), namespace, name, keys.iter().filter_map(pod).map(Box::as_ref).collect())
        }
        ObjectRef::Pod(id) => {
            let alone = pod(&(id.namespace.clone(), id.name.clone())).filter(|pod| pod.fact.workload().is_none())?;
            (SmolStr::new_static("Pod"), &id.namespace, &id.name, vec![alone])
        }
        _ => return None,
    };
    let team = pods.iter().find_map(|pod| source.team(pod)).cloned();
    let live: Vec<&PodFact> =
        pods.iter().map(|pod| &pod.fact).filter(|pod| !pod.ended() && source.gpus_of(pod) > 0).collect();
    if live.is_empty() {
        return None;
    }
    // Whole GPUs, and shares and slices of them.
    let gpus = |pods: &mut dyn Iterator<Item = &&PodFact>| {
        pods.fold((0, 0), |(whole, shares): (u64, u64), pod| {
            let parts = source.shares_of(pod);
            (whole.saturating_add(source.gpus_of(pod).saturating_sub(parts)), shares.saturating_add(parts))
        })
    };
    let (gpus_held, shares_held) = gpus(&mut live.iter().filter(|pod| pod.holds()));
    let (gpus_wanted, shares_wanted) = gpus(&mut live.iter().filter(|pod| pod.waits()));
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let ready = live.iter().filter(|pod| pod.status().0 == Status::Good).count();
    let worst = live.iter().map(|pod| pod.status()).min().unwrap_or((Status::Unknown, SmolStr::default()));
    let told = format!("{ready} of {} ready", live.len());
    Some(WorkloadRow {
        id: object.clone(),
        kind,
        namespace: namespace.clone(),
        name: name.clone(),
        team,
        status: worst.0,
        status_word: if worst.0 == Status::Good { told.into() } else { format!("{}, {told}", worst.1).into() },
        gpus_held,
        shares_held,
        gpus_wanted,
        shares_wanted,
        pods: number(live.len()),
        ready: number(ready),
        pending: number(live.iter().filter(|pod| pod.waits()).count()),
        nodes: number(live.iter().filter_map(|pod| pod.node.as_ref()).collect::<BTreeSet<_>>().len()),
        restarts: live.iter().fold(0, |sum: u32, pod| sum.saturating_add(pod.restarts())),
        created: live.iter().filter_map(|pod| pod.created).min(),
    })
}
