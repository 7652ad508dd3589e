//! Facts of dynamic resource allocation: GPUs as their drivers publish them, and the claims by which pods hold them.

use pilothouse_wire::SmolStr;
use serde::{Deserialize, Serialize};

/// GPUs that a driver publishes. Source: `resource.k8s.io/v1.ResourceSlice`; of one without GPUs nothing is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceFact {
    /// `metadata.name`.
    pub name: SmolStr,
    /// `spec.driver`.
    pub driver: SmolStr,
    /// `spec.pool.name`.
    pub pool: SmolStr,
    /// `spec.pool.generation`: of a pool only what has the highest one counts.
    pub generation: u64,
    /// `spec.nodeName`; absent where the devices are of no node.
    pub node: Option<SmolStr>,
    /// `spec.devices`.
    pub devices: Vec<OfferedFact>,
}

/// A GPU, or a part of one, that a driver publishes. Source: `resource.k8s.io/v1.Device` and its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedFact {
    /// `name`: what claims call it.
    pub name: SmolStr,
    /// Attribute `uuid`.
    pub uuid: Option<SmolStr>,
    /// Attribute `parentUUID`: it is a part of this device.
    pub parent: Option<SmolStr>,
    /// Attribute `profile`, of a part.
    pub profile: Option<SmolStr>,
    /// Attribute `index`: its number on the node.
    pub index: Option<u16>,
    /// Attribute `resource.kubernetes.io/pciBusID`, or the driver's own for it.
    pub pci: Option<SmolStr>,
    /// Attribute `productName`.
    pub product: Option<SmolStr>,
    /// Attribute `driverVersion`.
    pub driver: Option<SmolStr>,
}

/// What was allocated to a claim, and for whom. Source: `resource.k8s.io/v1.ResourceClaim`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationFact {
    /// `metadata.namespace`; of its pods, too.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
    /// `status.allocation.devices.results` of drivers of GPUs, but those that only watch over a device (`adminAccess`). Until
    /// there is an allocation what it asks for, of a claim that was made for a pod ([`AllocatedFact::is_wanted`]).
    pub devices: Vec<AllocatedFact>,
    /// `status.reservedFor`, of pods; until there is an allocation the pod that it was made for.
    pub pods: Vec<ReservedFact>,
}

/// A device by its full name. Source: `DeviceRequestAllocationResult`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AllocatedFact {
    /// `driver`; of one that is only asked for the class of devices: `deviceClassName` of the request.
    pub driver: SmolStr,
    /// `pool`.
    pub pool: SmolStr,
    /// `device`.
    pub device: SmolStr,
}

impl AllocatedFact {
    /// Is it asked for, and not given yet? Then only its class is known.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.pool.is_empty() && self.device.is_empty()
    }
}

/// A pod that may use what was allocated. Source: `ResourceClaimConsumerReference`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReservedFact {
    /// `name`.
    pub name: SmolStr,
    /// `uid`: a later pod of the same name is another one.
    pub uid: SmolStr,
}
