//! Which pod holds which device, by what those who measure them say. Never guessed.

use super::{Claim, GpuDevice, amount, bounded, cut};
use crate::fact::{DeviceClaim, DeviceFact};
use pilothouse_wire::{
    ConnectionId, PodId, SmolStr,
    view::{GpuCell, GpuResource, GpuState, Method},
};
use std::collections::{BTreeMap, BTreeSet};

/// The devices of a node as somebody measures them or their driver publishes them, and the pods that are on it now.
pub(crate) struct Devices<'a> {
    /// Who measures them, if anybody does.
    pub source: Option<&'a ConnectionId>,
    /// In the order of their numbers.
    pub all: Vec<&'a DeviceFact>,
    /// Are all claims to each of them known? Then one that nobody claims is held by nobody.
    pub claims_known: bool,
    /// Is this pod on the node now, holding what it asked for?
    pub lives: &'a dyn Fn(&SmolStr, &SmolStr) -> bool,
    /// The cluster of the node.
    pub cluster: &'a ConnectionId,
}

/// The cells of a node whose devices are known, in the order of their numbers.
pub(super) struct Attributed {
    pub gpus: Vec<GpuCell>,
    pub devices: Vec<GpuDevice>,
    pub holders: Vec<PodId>,
}

/// Lays what is said of each device, and what the cluster counts, onto cells.
///
/// Where an exporter names no pod, the count says how many of the rest are held: they are *unattributed*, unless one
/// pod holds all that is left. A pod that is named on more devices than it asked for is believed on none of them: one of
/// the names is of a pod that was called the same.
pub(super) fn attribute<'a>(
    places: &[Option<&'a DeviceFact>],
    resources: &[GpuResource],
    claims: &[Claim<'_>],
    devices: &Devices<'a>,
    idle: GpuState,
) -> Attributed {
    let named: Vec<Named<'_>> = places.iter().map(|device| named(devices, *device)).collect();
    // Where nobody counts GPUs, they may be held through claims that nobody tells of.
    let is_counted = devices.claims_known || resources.iter().any(|resource| resource.capacity > 0);
    let counts = Counts { resources, claims, idle: if is_counted { idle } else { GpuState::Unknown } };
    let too_often = counts.named_too_often(&named);
    let mut done = Attributed { gpus: Vec::new(), devices: Vec::new(), holders: Vec::new() };
    for (device, named) in places.iter().zip(&named) {
        let is_doubtful = named.len() == 1 && named.keys().any(|pod| too_often.contains(pod));
        let cell = if is_doubtful { NAMELESS } else { counts.cell_of(named, &mut done.holders) };
        done.gpus.push(cell);
        done.devices.push(device_of(devices.source, *device, cell, named));
    }
    counts.settle_rest(&mut done, &named);
    done
}

/// What is said of a device, one a pod.
type Named<'a> = BTreeMap<PodId, &'a DeviceClaim>;

/// Nothing is said of it: what is left is settled by count.
const NAMELESS: GpuCell = GpuCell { state: GpuState::Unknown, holder: None, sharers: 0, method: Method::Count };

/// One place a device: its number, where numbers tell devices apart; a number without a device is a gap. So is what the
/// cluster counts beyond the devices, where it is `settled` that it counts devices.
pub(super) fn places<'a>(
    all: &[&'a DeviceFact],
    resources: &[GpuResource],
    settled: bool,
) -> Vec<Option<&'a DeviceFact>> {
    let numbers: BTreeSet<u16> = all.iter().filter_map(|device| device.index).collect();
    let counts_devices = |of: &&GpuResource| settled && !of.sliced && !cut::may_be_partitions(of, all.len());
    let whole = resources.iter().filter(counts_devices);
    let capacity: usize = whole.map(|resource| bounded(resource.capacity / resource.replicas.max(1))).sum();
    let most = numbers.last().map_or(0, |last| usize::from(*last) + 1).max(all.len()).max(capacity);
    if numbers.len() != all.len() || most > all.len().max(capacity) * 2 {
        let gaps = capacity.saturating_sub(all.len());
        return all.iter().copied().map(Some).chain(std::iter::repeat_n(None, gaps)).collect();
    }
    let mut places = vec![None; most];
    for device in all {
        if let Some(index) = device.index {
            places[usize::from(index)] = Some(*device);
        }
    }
    places
}

/// What is said of a device by pods that are there now, one a pod and part.
fn named<'a>(devices: &Devices<'a>, device: Option<&'a DeviceFact>) -> Named<'a> {
    let claims = device.map(|device| device.claims.as_slice()).unwrap_or_default();
    claims
        .iter()
        .filter(|claim| (devices.lives)(&claim.namespace, &claim.pod))
        .map(|claim| {
            let (namespace, name) = (claim.namespace.clone(), claim.pod.clone());
            (PodId { cluster: devices.cluster.clone(), namespace, name }, claim)
        })
        .collect()
}

/// What the cluster counts on a node.
struct Counts<'a> {
    resources: &'a [GpuResource],
    claims: &'a [Claim<'a>],
    /// The state of what nobody holds.
    idle: GpuState,
}

impl Counts<'_> {
    fn whole(&self) -> impl Iterator<Item = &GpuResource> {
        self.resources.iter().filter(|resource| !resource.is_part())
    }

    fn parts(&self) -> impl Iterator<Item = &GpuResource> {
        self.resources.iter().filter(|resource| resource.is_part())
    }

    /// Whole devices that a pod asked for.
    fn asked_whole(&self, claim: &Claim<'_>) -> usize {
        self.whole().filter_map(|resource| amount(claim.gpus, &resource.key)).copied().map(bounded).sum()
    }

    /// Shares and slices that a pod asked for.
    fn asked_parts(&self, claim: &Claim<'_>) -> usize {
        self.parts().filter_map(|resource| amount(claim.gpus, &resource.key)).copied().map(bounded).sum()
    }

    /// Pods that are named on more whole devices than they asked for.
    fn named_too_often(&self, named: &[Named<'_>]) -> BTreeSet<&PodId> {
        let on = |pod: &PodId| {
            let claims = named.iter().filter_map(|named| named.get(pod));
            claims.filter(|claim| claim.slice.is_none() && claim.dra.is_none()).count()
        };
        let asked = self.claims.iter().map(|claim| (&claim.pod, self.asked_whole(claim)));
        asked.filter(|(pod, asked)| *asked > 0 && on(pod) > *asked).map(|(pod, _)| pod).collect()
    }

    /// Has this pod only a part of the device that it is named on?
    fn has_part(&self, pod: &PodId, said: &DeviceClaim) -> bool {
        let asked = || self.claims.iter().find(|claim| claim.pod == *pod);
        said.slice.is_some() || asked().is_some_and(|asked| self.asked_whole(asked) == 0 && self.asked_parts(asked) > 0)
    }

    fn cell_of(&self, named: &Named<'_>, holders: &mut Vec<PodId>) -> GpuCell {
        let sharers = u16::try_from(named.len()).unwrap_or(u16::MAX);
        let sliced = self.resources.iter().any(|resource| resource.replicas > 1)
            || named.iter().any(|(pod, claim)| self.has_part(pod, claim));
        let all: Vec<Option<u16>> = named.keys().map(|pod| place_of(pod, holders)).collect();
        let holder = all.first().copied().flatten();
        let by_claim = named.values().all(|claim| claim.dra.is_some());
        let (state, method, holder) = match (named.len(), sliced) {
            (0, _) => return NAMELESS,
            (_, true) => (GpuState::Shared, Method::Shared, holder),
            (1, false) if by_claim => (GpuState::Held, Method::Claim, holder),
            (1, false) => (GpuState::Held, Method::Device, holder),
            (_, false) if by_claim => (GpuState::Shared, Method::Shared, holder),
            (_, false) => (GpuState::Held, Method::Contested, None),
        };
        GpuCell { state, holder, sharers, method }
    }

    /// Settles the devices of which nobody says who holds them.
    fn settle_rest(&self, done: &mut Attributed, named: &[Named<'_>]) {
        let rest: Vec<usize> = (0..done.gpus.len()).filter(|at| done.gpus[*at].sharers == 0).collect();
        let owed = self.claims.iter().map(|claim| {
            let owed = self.asked_whole(claim).saturating_sub(exclusive(done, &claim.pod));
            (&claim.pod, owed)
        });
        let owed: Vec<(&PodId, usize)> = owed.filter(|(_, owed)| *owed > 0).collect();
        // Each contested device is held by one pod of those that are named there.
        let contested = done.gpus.iter().filter(|cell| cell.method == Method::Contested).count();
        let held = owed.iter().map(|(_, owed)| owed).sum::<usize>().saturating_sub(contested);
        let nameless = self.claims.iter().filter(|claim| !named.iter().any(|named| named.contains_key(&claim.pod)));
        let shared: usize = nameless.map(|claim| self.asked_parts(claim)).sum();
        let withheld: usize =
            self.whole().map(|resource| bounded(resource.capacity.saturating_sub(resource.allocatable))).sum();
        if let [(pod, _)] = owed.as_slice()
            && held == rest.len()
            && contested == 0
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
                _ => (self.idle, Method::Count),
            };
            done.gpus[*at] = GpuCell { state, holder: None, sharers: 0, method };
        }
    }
}

fn place_of(pod: &PodId, holders: &mut Vec<PodId>) -> Option<u16> {
    let at = holders.iter().position(|known| known == pod).unwrap_or_else(|| {
        holders.push(pod.clone());
        holders.len() - 1
    });
    u16::try_from(at).ok()
}

fn device_of(
    source: Option<&ConnectionId>,
    device: Option<&DeviceFact>,
    cell: GpuCell,
    named: &Named<'_>,
) -> GpuDevice {
    let Some(device) = device else { return GpuDevice::default() };
    let instances = device.claims.iter().filter_map(|claim| {
        let slice = claim.slice.as_ref()?;
        Some(format!("{slice} {}/{}", claim.namespace, claim.pod).into())
    });
    // The cell has room for one of those who take turns: the others stand here, as its instances do.
    let turns = named.iter().filter(|(_, claim)| cell.state == GpuState::Shared && claim.slice.is_none());
    let turns = turns.map(|(pod, _)| format!("shared {}/{}", pod.namespace, pod.name).into());
    GpuDevice {
        uuid: device.uuid.clone(),
        index: device.index,
        pci: device.pci.clone(),
        product: device.product.clone(),
        driver: device.driver.clone(),
        source: source.cloned(),
        parts: instances.chain(turns).collect(),
    }
}

/// Whole devices that a pod is said to hold.
fn exclusive(done: &Attributed, pod: &PodId) -> usize {
    let Some(place) = done.holders.iter().position(|known| known == pod).and_then(|at| u16::try_from(at).ok()) else {
        return 0;
    };
    done.gpus.iter().filter(|cell| cell.state == GpuState::Held && cell.holder == Some(place)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Measured, Telemetry,
        fact::{DevicesFact, NodeFact},
        gpu::cells,
    };

    const GPU: &str = "nvidia.com/gpu";
    const MIG: &str = "nvidia.com/mig-1g.10gb";

    /// Lays pods, by what they ask for, onto devices, by who is said to hold them: a pod's number, then `/` and the
    /// instance that it has. Draws the cells: the holder's number, `?` held by one of them, `c` contested, `s` shared,
    /// `.` free, `u` not known.
    #[track_caller]
    fn check(capacity: &[(&str, u64)], pods: &[&[(&str, u64)]], said: &[&[&str]], want: &str) {
        let done = laid(capacity, &[], pods, said);
        let drawn: String = done
            .gpus
            .iter()
            .map(|cell| match (cell.state, cell.holder) {
                (_, _) if cell.method == Method::Contested => "c".into(),
                (GpuState::Held, Some(holder)) => done.holders[usize::from(holder)].name.to_string(),
                (GpuState::Held, None) => "?".into(),
                (GpuState::Shared, _) => "s".into(),
                (GpuState::Free, _) => ".".into(),
                (GpuState::Unknown, _) => "u".into(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(drawn, want);
    }

    fn laid(
        capacity: &[(&str, u64)],
        labels: &[(&str, &str)],
        pods: &[&[(&str, u64)]],
        said: &[&[&str]],
    ) -> crate::gpu::Cells {
        let amounts = |list: &[(&str, u64)]| list.iter().map(|(key, n)| ((*key).into(), *n)).collect::<Vec<_>>();
        let labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let node =
            NodeFact { capacity: amounts(capacity), allocatable: amounts(capacity), labels, ..NodeFact::default() };
        let claim = |text: &&str| {
            let (pod, slice) = text.split_once('/').map_or((*text, None), |(pod, slice)| (pod, Some(slice.into())));
            DeviceClaim { namespace: "n".into(), pod: pod.into(), slice, dra: None }
        };
        let device = |(index, claims): (u16, &&[&str])| DeviceFact {
            uuid: format!("GPU-{index}").into(),
            node: Some("a".into()),
            index: Some(index),
            claims: claims.iter().map(claim).collect(),
            ..DeviceFact::default()
        };
        let mut telemetry = Telemetry::default();
        telemetry.list(DevicesFact { devices: (0..).zip(said).map(device).collect(), ..DevicesFact::default() });
        let cluster = ConnectionId::slug("c");
        let requests: Vec<_> = pods.iter().map(|asked| amounts(asked)).collect();
        let id = |n: usize| PodId { cluster: cluster.clone(), namespace: "n".into(), name: n.to_string().into() };
        let claims: Vec<Claim<'_>> =
            requests.iter().enumerate().map(|(n, gpus)| Claim { pod: id(n), gpus: gpus.as_slice() }).collect();
        let lives = |_: &SmolStr, name: &SmolStr| name.parse::<usize>().is_ok_and(|n| n < pods.len());
        let all = telemetry.of_node("a").map(Measured::device).collect();
        let devices = Devices { source: Some(&cluster), all, claims_known: false, lives: &lives, cluster: &cluster };
        cells(&node, true, &claims, true, Some(&devices))
    }

    #[test]
    fn of_those_who_take_turns_on_a_gpu_each_is_known() {
        let one: &[(&str, u64)] = &[(GPU, 1)];
        let none: &[(&str, u64)] = &[];
        let said: &[&[&str]] = &[&["0", "2", "gone"], &["1"], &[]];
        let done = laid(&[(GPU, 12)], &[("nvidia.com/gpu.replicas", "4")], &[one, one, one, none], said);
        let parts: Vec<Vec<&str>> =
            done.devices.iter().map(|device| device.parts.iter().map(SmolStr::as_str).collect()).collect();
        assert_eq!(parts, [vec!["shared n/0", "shared n/2"], vec!["shared n/1"], vec![]]);
        assert_eq!(done.gpus.iter().map(|cell| cell.sharers).collect::<Vec<_>>(), [2, 1, 0]);
        // Instances are told of by their own names, and a whole one is no part.
        let done = laid(&[(GPU, 1), (MIG, 7)], &[], &[one, &[(MIG, 1)]], &[&["0"], &["1/1g/3"]]);
        assert_eq!(done.devices.iter().map(|device| device.parts.len()).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(done.devices[1].parts, ["1g/3 n/1"]);
    }

    #[test]
    fn a_pod_that_is_told_on_more_gpus_than_it_asked_for_is_believed_on_none() {
        check(&[(GPU, 4)], &[&[(GPU, 1)]], &[&["0"], &[], &[], &[]], "0...");
        check(&[(GPU, 4)], &[&[(GPU, 1)], &[(GPU, 2)]], &[&["0"], &["1"], &["0"], &["1"]], "?1.1");
        check(&[(GPU, 2)], &[&[(GPU, 1)]], &[&["0"], &["0"]], "?.");
    }

    #[test]
    fn a_contested_gpu_is_held_by_one_of_those_who_are_told_there() {
        check(&[(GPU, 3)], &[&[(GPU, 1)], &[(GPU, 1)]], &[&["0", "1"], &["0"], &[]], "c?.");
        check(&[(GPU, 2)], &[&[(GPU, 1)], &[(GPU, 1)]], &[&["0", "1"], &[]], "c?");
    }

    #[test]
    fn a_pod_with_two_instances_of_one_gpu_has_no_share_of_another() {
        let said: &[&[&str]] = &[&["0/1g/1", "0/1g/2"], &[], &["1"], &[]];
        check(&[(GPU, 2), (MIG, 14)], &[&[(MIG, 2)], &[(GPU, 1)]], said, "s.1.");
    }

    #[test]
    fn a_whole_gpu_beside_cut_ones_is_held_by_its_pod_alone() {
        check(&[(GPU, 1), (MIG, 7)], &[&[(GPU, 1)], &[(MIG, 1)]], &[&["0"], &["1"]], "0s");
        check(&[(GPU, 2), (MIG, 0)], &[&[(GPU, 1)]], &[&["0"], &[]], "0.");
    }

    #[test]
    fn instances_that_are_called_gpus_are_no_gpus_that_are_gone() {
        // Two A100 in fourteen instances, three pods: one of which nobody says which it has.
        let single = [("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb"), ("nvidia.com/gpu.count", "14")];
        let one: &[(&str, u64)] = &[(GPU, 1)];
        let done = laid(&[(GPU, 14)], &single, &[one, one, one], &[&["0/1g.5gb/7", "1/1g.5gb/8"], &[]]);
        let cells: Vec<_> = done.gpus.iter().map(|cell| (cell.state, cell.sharers, cell.method)).collect();
        assert_eq!(cells, [(GpuState::Shared, 2, Method::Shared), (GpuState::Shared, 0, Method::Unattributed)]);
        assert_eq!(done.nameless.iter().map(|pod| pod.name.as_str()).collect::<Vec<_>>(), ["2"]);
        // While it is cut anew, labels are of before: what is counted says nothing of devices.
        let state = [("nvidia.com/mig.config.state", "pending")];
        assert_eq!(laid(&[(GPU, 14)], &state, &[], &[&[], &[]]).gpus.len(), 2);
        // AMD's plug-in calls partitions GPUs, and its labeller says so only if it is told to.
        assert_eq!(laid(&[("amd.com/gpu", 16)], &[], &[], &[&[], &[]]).gpus.len(), 2);
        assert_eq!(laid(&[("amd.com/gpu", 3)], &[], &[], &[&[], &[]]).gpus.len(), 3);
    }

    #[test]
    fn where_nobody_counts_gpus_one_that_is_not_told_of_is_not_known_to_be_free() {
        check(&[], &[], &[&[], &[]], "uu");
    }
}
