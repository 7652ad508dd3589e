//! Which pod holds which device, by what those who measure them say. Never guessed.

use super::{Claim, GpuDevice, amount, bounded, is_slice};
use crate::{fact::DeviceClaim, telemetry::Measured};
use pilothouse_wire::{
    ConnectionId, PodId, SmolStr,
    view::{GpuCell, GpuResource, GpuState, Method},
};
use std::collections::{BTreeMap, BTreeSet};

/// The devices of a node as somebody measures them, and the pods that are on it now.
pub(crate) struct Devices<'a> {
    /// Who measures them.
    pub source: &'a ConnectionId,
    /// In the order of their numbers.
    pub measured: Vec<Measured<'a>>,
    /// Is this pod on the node now, holding what it asked for?
    pub lives: &'a dyn Fn(&SmolStr, &SmolStr) -> bool,
    /// The cluster of the node.
    pub cluster: &'a ConnectionId,
}

/// The cells of a node whose devices are measured, in the order of their numbers.
pub(super) struct Attributed {
    pub gpus: Vec<GpuCell>,
    pub devices: Vec<GpuDevice>,
    pub holders: Vec<PodId>,
}

/// Lays what is said of each device, and what the cluster counts, onto cells.
///
/// Where an exporter names no pod, the count says how many of the rest are held: they are *unattributed*, unless one
/// pod holds all that is left.
pub(super) fn attribute(
    resources: &[GpuResource],
    claims: &[Claim<'_>],
    devices: &Devices<'_>,
    idle: GpuState,
) -> Attributed {
    let places = places(&devices.measured, resources);
    let mut done = Attributed { gpus: Vec::new(), devices: Vec::new(), holders: Vec::new() };
    let time_sliced = resources.iter().any(|resource| resource.replicas > 1);
    // Some of the node's devices are cut. Of which, tell their series, or what their pods asked for.
    let cut = resources.iter().any(|resource| is_slice(&resource.key));
    let asks_whole = |pod: &PodId| {
        let whole = |(key, n): &(SmolStr, u64)| *n > 0 && !is_slice(key);
        claims.iter().any(|claim| claim.pod == *pod && claim.gpus.iter().any(whole))
    };
    for measured in &places {
        let named = named(devices, *measured);
        let shared = time_sliced || (cut && !named.iter().all(|(pod, claim)| claim.dra.is_some() || asks_whole(pod)));
        done.gpus.push(cell_of(&named, shared, &mut done.holders));
        done.devices.push(device_of(devices.source, *measured));
    }
    settle_rest(&mut done, resources, claims, idle);
    done
}

/// One place a device: its number, where numbers tell devices apart; a number without a device is a gap.
fn places<'a>(measured: &[Measured<'a>], resources: &[GpuResource]) -> Vec<Option<Measured<'a>>> {
    let numbers: BTreeSet<u16> = measured.iter().filter_map(|gpu| gpu.device().index).collect();
    let whole = resources.iter().filter(|resource| !is_slice(&resource.key));
    let capacity: usize = whole.map(|resource| bounded(resource.capacity / resource.replicas.max(1))).sum();
    let most = numbers.last().map_or(0, |last| usize::from(*last) + 1).max(measured.len()).max(capacity);
    if numbers.len() != measured.len() || most > measured.len().max(capacity) * 2 {
        let gaps = capacity.saturating_sub(measured.len());
        return measured.iter().copied().map(Some).chain(std::iter::repeat_n(None, gaps)).collect();
    }
    let mut places = vec![None; most];
    for gpu in measured {
        if let Some(index) = gpu.device().index {
            places[usize::from(index)] = Some(*gpu);
        }
    }
    places
}

/// What is said of a device by pods that are there now, one a pod and part.
fn named<'a>(devices: &Devices<'a>, measured: Option<Measured<'a>>) -> BTreeMap<PodId, &'a DeviceClaim> {
    let claims = measured.map(|gpu| gpu.device().claims.as_slice()).unwrap_or_default();
    claims
        .iter()
        .filter(|claim| (devices.lives)(&claim.namespace, &claim.pod))
        .map(|claim| {
            let (namespace, name) = (claim.namespace.clone(), claim.pod.clone());
            (PodId { cluster: devices.cluster.clone(), namespace, name }, claim)
        })
        .collect()
}

fn cell_of(named: &BTreeMap<PodId, &DeviceClaim>, shared: bool, holders: &mut Vec<PodId>) -> GpuCell {
    let sharers = u16::try_from(named.len()).unwrap_or(u16::MAX);
    let sliced = shared || named.values().any(|claim| claim.slice.is_some());
    let all: Vec<Option<u16>> = named.keys().map(|pod| place_of(pod, holders)).collect();
    let holder = all.first().copied().flatten();
    let (state, method, holder) = match (named.len(), sliced) {
        // Nothing is said: what is left is settled by count.
        (0, _) => (GpuState::Unknown, Method::Count, None),
        (_, true) => (GpuState::Shared, Method::Shared, holder),
        (1, false) if named.values().all(|claim| claim.dra.is_some()) => (GpuState::Held, Method::Claim, holder),
        (1, false) => (GpuState::Held, Method::Device, holder),
        (_, false) if named.values().all(|claim| claim.dra.is_some()) => (GpuState::Shared, Method::Shared, holder),
        (_, false) => (GpuState::Held, Method::Contested, None),
    };
    GpuCell { state, holder, sharers, method }
}

fn place_of(pod: &PodId, holders: &mut Vec<PodId>) -> Option<u16> {
    let at = holders.iter().position(|known| known == pod).unwrap_or_else(|| {
        holders.push(pod.clone());
        holders.len() - 1
    });
    u16::try_from(at).ok()
}

fn device_of(source: &ConnectionId, measured: Option<Measured<'_>>) -> GpuDevice {
    let Some(device) = measured.map(Measured::device) else { return GpuDevice::default() };
    let parts = device.claims.iter().filter_map(|claim| {
        let slice = claim.slice.as_ref()?;
        Some(format!("{slice} {}/{}", claim.namespace, claim.pod).into())
    });
    GpuDevice {
        uuid: device.uuid.clone(),
        index: device.index,
        pci: device.pci.clone(),
        product: device.product.clone(),
        driver: device.driver.clone(),
        source: Some(source.clone()),
        parts: parts.collect(),
    }
}

/// Settles the devices of which nobody says who holds them, by what the cluster counts.
fn settle_rest(done: &mut Attributed, resources: &[GpuResource], claims: &[Claim<'_>], idle: GpuState) {
    let rest: Vec<usize> = (0..done.gpus.len()).filter(|at| done.gpus[*at].sharers == 0).collect();
    let whole = || resources.iter().filter(|resource| resource.replicas <= 1 && !is_slice(&resource.key));
    let owed: Vec<(&PodId, usize)> = claims
        .iter()
        .map(|claim| {
            let asked: usize =
                whole().filter_map(|resource| amount(claim.gpus, &resource.key)).copied().map(bounded).sum();
            (&claim.pod, asked.saturating_sub(exclusive(done, &claim.pod)))
        })
        .filter(|(_, owed)| *owed > 0)
        .collect();
    let parts: u64 = resources
        .iter()
        .filter(|resource| resource.replicas > 1 || is_slice(&resource.key))
        .fold(0, |sum, resource| sum.saturating_add(resource.requested));
    let seen: usize =
        done.gpus.iter().filter(|cell| cell.state == GpuState::Shared).map(|cell| usize::from(cell.sharers)).sum();
    let held: usize = owed.iter().map(|(_, owed)| owed).sum();
    let shared = bounded(parts).saturating_sub(seen);
    let withheld: usize = whole().map(|resource| bounded(resource.capacity.saturating_sub(resource.allocatable))).sum();
    if let [(pod, _)] = owed.as_slice()
        && held == rest.len()
        && shared == 0
        && withheld == 0
    {
        let holder = place_of(pod, &mut done.holders);
        for at in rest {
            done.gpus[at] = GpuCell { state: GpuState::Held, holder, sharers: 1, method: Method::Whole };
        }
        return;
    }
    for (n, at) in rest.iter().enumerate() {
        let left = rest.len() - n;
        let (state, method) = match n {
            n if n < held => (GpuState::Held, Method::Unattributed),
            n if n < held + shared => (GpuState::Shared, Method::Unattributed),
            _ if left <= withheld => (GpuState::Withheld, Method::Count),
            _ => (idle, Method::Count),
        };
        done.gpus[*at] = GpuCell { state, holder: None, sharers: 0, method };
    }
}

/// Whole devices that a pod is said to hold.
fn exclusive(done: &Attributed, pod: &PodId) -> usize {
    let Some(place) = done.holders.iter().position(|known| known == pod).and_then(|at| u16::try_from(at).ok()) else {
        return 0;
    };
    done.gpus.iter().filter(|cell| cell.state == GpuState::Held && cell.holder == Some(place)).count()
}
