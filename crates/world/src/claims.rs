//! GPUs as drivers of dynamic resource allocation publish them, joined with the claims by which pods hold them.

use crate::{
    fact::{AllocatedFact, AllocationFact, DeviceClaim, DeviceFact, OfferedFact, PodFact, SliceFact},
    source::PodKey,
};
use pilothouse_wire::{SmolStr, view::GpuResource};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The class of parts of GPUs of NVIDIA's driver.
const PARTS: &str = "mig.nvidia.com";

/// Namespace and name of a claim.
type ClaimKey = (SmolStr, SmolStr);

/// All that one source tells of devices and claims.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// What drivers publish, by the name of the object.
    slices: BTreeMap<SmolStr, SliceFact>,
    /// Claims with GPUs.
    allocated: BTreeMap<ClaimKey, AllocationFact>,
    /// Names of `slices` by their node.
    by_node: BTreeMap<SmolStr, BTreeSet<SmolStr>>,
    /// Keys of `allocated` by what they have.
    by_device: BTreeMap<AllocatedFact, BTreeSet<ClaimKey>>,
    /// Keys of `allocated` by the pods that they are reserved for.
    by_pod: BTreeMap<PodKey, BTreeSet<ClaimKey>>,
}

/// Is a pod of this namespace and name, with this uid, on the node that is looked at?
pub(crate) type IsThere<'a> = dyn Fn(&SmolStr, &SmolStr, &SmolStr) -> bool + 'a;

impl Claims {
    /// Keeps what a driver publishes under a name, or forgets it; answers the nodes whose devices that changes.
    pub fn publish(&mut self, name: &SmolStr, new: Option<SliceFact>) -> BTreeSet<SmolStr> {
        let new = new.filter(|slice| !slice.devices.is_empty());
        if self.slices.get(name) == new.as_ref() {
            return BTreeSet::new();
        }
        let old = self.slices.remove(name);
        let node = |slice: &Option<SliceFact>| slice.as_ref().and_then(|slice| slice.node.clone());
        if let Some(node) = node(&old) {
            take_out(&mut self.by_node, &node, name);
        }
        if let Some(node) = node(&new) {
            self.by_node.entry(node).or_default().insert(name.clone());
        }
        let changed = [node(&old), node(&new)].into_iter().flatten().collect();
        self.slices.extend(new.map(|slice| (name.clone(), slice)));
        changed
    }

    /// Keeps what a claim has, or forgets it; answers the pods that this is about.
    pub fn allocate(&mut self, key: &ClaimKey, new: Option<AllocationFact>) -> BTreeSet<PodKey> {
        let new = new.filter(|claim| !claim.devices.is_empty() && !claim.pods.is_empty());
        if self.allocated.get(key) == new.as_ref() {
            return BTreeSet::new();
        }
        let mut changed = BTreeSet::new();
        if let Some(old) = self.allocated.remove(key) {
            for device in old.devices.iter().filter(|of| !of.is_wanted()) {
                take_out(&mut self.by_device, device, key);
            }
            for pod in pods_of(&old) {
                take_out(&mut self.by_pod, &pod, key);
                changed.insert(pod);
            }
        }
        if let Some(new) = new {
            for device in new.devices.iter().filter(|of| !of.is_wanted()) {
                self.by_device.entry(device.clone()).or_default().insert(key.clone());
            }
            for pod in pods_of(&new) {
                self.by_pod.entry(pod.clone()).or_default().insert(key.clone());
                changed.insert(pod);
            }
            self.allocated.insert(key.clone(), new);
        }
        changed
    }

    /// All claims with GPUs.
    pub fn all(&self) -> impl Iterator<Item = &AllocationFact> {
        self.allocated.values()
    }

    /// A claim.
    pub fn called(&self, key: &ClaimKey) -> Option<&AllocationFact> {
        self.allocated.get(key)
    }

    /// The claims that are reserved for a pod of this name.
    pub fn naming(&self, pod: &PodKey) -> impl Iterator<Item = &AllocationFact> {
        // Of most sources nobody claims anything.
        let keys = (!self.by_pod.is_empty()).then(|| self.by_pod.get(pod));
        keys.flatten().into_iter().flatten().filter_map(|key| self.allocated.get(key))
    }

    /// The names under which something is published that a complete listing does not name.
    pub fn not_published(&self, named: &BTreeSet<&SmolStr>) -> Vec<SmolStr> {
        self.slices.keys().filter(|name| !named.contains(name)).cloned().collect()
    }

    /// The claims that a complete listing of this namespace, or of all, does not name.
    pub fn not_claimed(&self, namespace: Option<&SmolStr>, named: &BTreeSet<(&SmolStr, &SmolStr)>) -> Vec<ClaimKey> {
        let of_it = self.allocated.keys().filter(|(of, _)| namespace.is_none_or(|only| only == of));
        of_it.filter(|(of, name)| !named.contains(&(of, name))).cloned().collect()
    }

    /// What a pod has claims to.
    pub fn of_pod(&self, pod: &PodFact) -> impl Iterator<Item = &AllocationFact> {
        // Of most sources nobody claims anything.
        let key = (!self.by_pod.is_empty()).then(|| (pod.namespace.clone(), pod.name.clone()));
        let keys = key.and_then(|key| self.by_pod.get(&key));
        let claims = keys.into_iter().flatten().filter_map(|key| self.allocated.get(key));
        claims.filter(|claim| claim.pods.iter().any(|other| other.name == pod.name && other.uid == pod.uid))
    }

    /// How many devices a pod has by claims, or asks for by them.
    pub fn count(&self, pod: &PodFact) -> u64 {
        let wanted = self.wanted(pod).iter().fold(0, |sum: u64, (_, n)| sum.saturating_add(*n));
        wanted.saturating_add(self.given(pod).collect::<BTreeSet<_>>().len() as u64)
    }

    /// How many of these are parts of a device: NVIDIA's driver has that in the name of each (`gpu-0-mig-1g10gb-19-0`; source:
    /// `cmd/gpu-kubelet-plugin` of k8s-dra-driver-gpu), and a class for them.
    pub fn count_parts(&self, pod: &PodFact) -> u64 {
        let wanted = self.wanted(pod).into_iter().filter(|(class, _)| class == PARTS).map(|(_, n)| n);
        let given = self.given(pod).filter(|of| of.device.contains("-mig-")).collect::<BTreeSet<_>>().len() as u64;
        wanted.fold(given, u64::saturating_add)
    }

    fn given(&self, pod: &PodFact) -> impl Iterator<Item = &AllocatedFact> {
        self.of_pod(pod).flat_map(|claim| &claim.devices).filter(|of| !of.is_wanted())
    }

    /// What a pod asks for by claims that have nothing yet: classes of devices, with how many.
    pub fn wanted(&self, pod: &PodFact) -> Vec<(SmolStr, u64)> {
        let mut classes: BTreeMap<&SmolStr, u64> = BTreeMap::new();
        for of in self.of_pod(pod).flat_map(|claim| &claim.devices).filter(|of| of.is_wanted()) {
            *classes.entry(&of.driver).or_default() += 1;
        }
        classes.into_iter().map(|(class, n)| (class.clone(), n)).collect()
    }

    /// What drivers publish of a node, as resources by the class that chooses them: that of whole GPUs is called like the driver.
    /// A class that is called otherwise may choose them, too: by which rule is not read.
    pub fn resources(&self, node: &str, is_there: &IsThere<'_>) -> Vec<GpuResource> {
        let mut all: BTreeMap<SmolStr, GpuResource> = BTreeMap::new();
        for (slice, offered) in self.published(node) {
            let sliced = offered.parent.is_some();
            let key = match (sliced, slice.driver.as_str()) {
                (false, _) => slice.driver.clone(),
                (true, "gpu.nvidia.com") => SmolStr::new_static(PARTS),
                (true, driver) => format!("{driver} parts").into(),
            };
            let none =
                || GpuResource { key: key.clone(), capacity: 0, allocatable: 0, requested: 0, replicas: 1, sliced };
            let row = all.entry(key.clone()).or_insert_with(none);
            row.capacity += 1;
            row.allocatable += 1;
            row.requested += u64::from(self.holding(slice, offered, is_there).next().is_some());
        }
        all.into_values().collect()
    }

    /// What drivers publish of a node: of a pool only what has the highest generation counts.
    fn published(&self, node: &str) -> Vec<(&SliceFact, &OfferedFact)> {
        let names = self.by_node.get(node).into_iter().flatten();
        let slices: Vec<&SliceFact> = names.filter_map(|name| self.slices.get(name)).collect();
        let newest = |of: &SliceFact| {
            let pool = slices.iter().filter(|other| (&other.driver, &other.pool) == (&of.driver, &of.pool));
            pool.map(|other| other.generation).max() == Some(of.generation)
        };
        let current = slices.iter().copied().filter(|slice| newest(slice));
        current.flat_map(|slice| slice.devices.iter().map(move |offered| (slice, offered))).collect()
    }

    /// The devices of a node as drivers publish them, with the pods that are there and hold them; parts are told of their
    /// device. In the order of their numbers or, where drivers do not tell these, of their places on the bus.
    pub fn of_node(&self, node: &str, is_there: &IsThere<'_>) -> Vec<DeviceFact> {
        let mut whole: BTreeMap<SmolStr, DeviceFact> = BTreeMap::new();
        for (slice, offered) in self.published(node) {
            let id = offered.parent.as_ref().or(offered.uuid.as_ref()).or(offered.pci.as_ref());
            let device = whole.entry(id.unwrap_or(&offered.name).clone()).or_insert_with(|| DeviceFact {
                uuid: offered.parent.clone().or_else(|| offered.uuid.clone()).unwrap_or_default(),
                node: Some(SmolStr::new(node)),
                ..DeviceFact::default()
            });
            let fill = |to: &mut Option<SmolStr>, from: &Option<SmolStr>| {
                if to.is_none() {
                    to.clone_from(from);
                }
            };
            fill(&mut device.pci, &offered.pci);
            fill(&mut device.product, &offered.product);
            fill(&mut device.driver, &offered.driver);
            if offered.parent.is_none() {
                device.index = offered.index;
            }
            device.claims.extend(self.holding(slice, offered, is_there));
        }
        let mut all: Vec<DeviceFact> = whole.into_values().collect();
        all.sort_by(|a, b| (a.index, &a.pci, &a.uuid).cmp(&(b.index, &b.pci, &b.uuid)));
        all
    }

    /// The pods that hold what is offered.
    fn holding(
        &self,
        slice: &SliceFact,
        offered: &OfferedFact,
        is_there: &IsThere<'_>,
    ) -> impl Iterator<Item = DeviceClaim> {
        let (driver, pool, device) = (slice.driver.clone(), slice.pool.clone(), offered.name.clone());
        let keys = self.by_device.get(&AllocatedFact { driver, pool, device }).into_iter().flatten();
        let claims = keys.filter_map(|key| self.allocated.get(key));
        claims.flat_map(move |claim| {
            let there = claim.pods.iter().filter(move |pod| is_there(&claim.namespace, &pod.name, &pod.uid));
            there.map(move |pod| DeviceClaim {
                namespace: claim.namespace.clone(),
                pod: pod.name.clone(),
                slice: offered.parent.is_some().then(|| offered.profile.as_ref().unwrap_or(&offered.name).clone()),
                dra: Some(format!("{}/{}", claim.namespace, claim.name).into()),
            })
        })
    }
}

fn pods_of(claim: &AllocationFact) -> impl Iterator<Item = PodKey> + '_ {
    claim.pods.iter().map(|pod| (claim.namespace.clone(), pod.name.clone()))
}

fn take_out<K: Ord, V: Ord>(index: &mut BTreeMap<K, BTreeSet<V>>, key: &K, value: &V) {
    if let Some(values) = index.get_mut(key) {
        values.remove(value);
        if values.is_empty() {
            index.remove(key);
        }
    }
}

/// Devices that somebody measures, with what their driver publishes of them, and what it publishes beside them. Says, too,
/// whether each of them is published: of one that is not, claims tell nothing.
///
/// A device is the same by its UUID; where its driver tells none, by its place on the bus. Where none is the same, they are
/// told of in other words, and nothing is joined.
pub(crate) fn joined<'a>(
    measured: impl Iterator<Item = &'a DeviceFact>,
    mut offered: Vec<DeviceFact>,
) -> (Vec<DeviceFact>, bool) {
    let mut all: Vec<DeviceFact> = measured.cloned().collect();
    let mut known = 0;
    for device in &mut all {
        let Some(at) = offered.iter().position(|offered| is_same(device, offered)) else { continue };
        known += 1;
        for claim in offered.remove(at).claims {
            let same = |other: &&mut DeviceClaim| other.namespace == claim.namespace && other.pod == claim.pod;
            match device.claims.iter_mut().find(same) {
                Some(told) => told.dra = claim.dra,
                None => device.claims.push(claim),
            }
        }
    }
    let each = known == all.len();
    if known > 0 {
        all.append(&mut offered);
    }
    (all, each)
}

fn is_same(measured: &DeviceFact, offered: &DeviceFact) -> bool {
    if !offered.uuid.is_empty() {
        return measured.uuid == offered.uuid;
    }
    let place = |device: &DeviceFact| device.pci.as_deref().and_then(place);
    place(offered).is_some_and(|at| place(measured) == Some(at))
}

/// A place on the bus, however its domain is written: `0000:3b:00.0` and `00000000:3B:00.0` are one.
fn place(pci: &str) -> Option<(u32, String)> {
    let (domain, rest) = pci.split_once(':')?;
    Some((u32::from_str_radix(domain, 16).ok()?, rest.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests;
