//! Devices of dynamic resource allocation and claims to them: `resource.k8s.io/v1`, and what is other in `v1beta1`. Of
//! attributes those that tell which GPU it is are used, and of a claim what it was given, and until then how many devices of
//! which class it asks for: by what else it chooses them and how a driver is to set them up are not read.

use super::meta::{Meta, or_default};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `v1.ResourceSlice`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceSlice {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<SliceSpec>,
}

/// `v1.ResourceSliceSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SliceSpec {
    /// `driver`.
    #[prost(string, tag = "1")]
    pub driver: String,
    /// `pool`.
    #[prost(message, optional, tag = "2")]
    pub pool: Option<Pool>,
    /// `nodeName`.
    #[prost(string, optional, tag = "3")]
    pub node_name: Option<String>,
    /// `devices`.
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "or_default")]
    pub devices: Vec<Device>,
}

/// `v1.ResourcePool`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Pool {
    /// `name`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `generation`.
    #[prost(int64, tag = "2")]
    pub generation: i64,
}

/// `v1.Device`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Device {
    /// `name`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `attributes`.
    #[prost(btree_map = "string, message", tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub attributes: BTreeMap<String, Attribute>,
}

/// `v1.DeviceAttribute`: one of these.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Attribute {
    /// `int`.
    #[prost(int64, optional, tag = "2")]
    pub int: Option<i64>,
    /// `string`.
    #[prost(string, optional, tag = "4")]
    pub string: Option<String>,
    /// `version`.
    #[prost(string, optional, tag = "5")]
    pub version: Option<String>,
}

/// `v1beta1.ResourceSlice`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BasicSlice {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<BasicSpec>,
}

/// `v1beta1.ResourceSliceSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BasicSpec {
    /// `driver`.
    #[prost(string, tag = "1")]
    pub driver: String,
    /// `pool`.
    #[prost(message, optional, tag = "2")]
    pub pool: Option<Pool>,
    /// `nodeName`.
    #[prost(string, optional, tag = "3")]
    pub node_name: Option<String>,
    /// `devices`.
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "or_default")]
    pub devices: Vec<BasicDevice>,
}

/// `v1beta1.Device`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BasicDevice {
    /// `name`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `basic`.
    #[prost(message, optional, tag = "2")]
    pub basic: Option<Basic>,
}

/// `v1beta1.BasicDevice`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Basic {
    /// `attributes`.
    #[prost(btree_map = "string, message", tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub attributes: BTreeMap<String, Attribute>,
}

impl From<BasicSlice> for ResourceSlice {
    fn from(slice: BasicSlice) -> Self {
        let device =
            |device: BasicDevice| Device { name: device.name, attributes: device.basic.unwrap_or_default().attributes };
        let spec = slice.spec.map(|spec| SliceSpec {
            driver: spec.driver,
            pool: spec.pool,
            node_name: spec.node_name,
            devices: spec.devices.into_iter().map(device).collect(),
        });
        Self { metadata: slice.metadata, spec }
    }
}

/// `v1.ResourceClaim`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceClaim {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<ClaimSpec>,
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<ClaimStatus>,
}

/// `v1.ResourceClaimSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClaimSpec {
    /// `devices`.
    #[prost(message, optional, tag = "1")]
    pub devices: Option<Wanted>,
}

/// `v1.DeviceClaim`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Wanted {
    /// `requests`.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub requests: Vec<Request>,
}

/// `v1.DeviceRequest`: one of these.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Request {
    /// `exactly`.
    #[prost(message, optional, tag = "2")]
    pub exactly: Option<Exactly>,
    /// `firstAvailable`.
    #[prost(message, repeated, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub first_available: Vec<Choice>,
}

/// `v1.ExactDeviceRequest`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Exactly {
    /// `deviceClassName`.
    #[prost(string, tag = "1")]
    pub device_class_name: String,
    /// `count`.
    #[prost(int64, tag = "4")]
    pub count: i64,
    /// `adminAccess`.
    #[prost(bool, optional, tag = "5")]
    pub admin_access: Option<bool>,
}

/// `v1.DeviceSubRequest`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Choice {
    /// `deviceClassName`.
    #[prost(string, tag = "2")]
    pub device_class_name: String,
    /// `count`.
    #[prost(int64, tag = "5")]
    pub count: i64,
}

/// `v1beta1.ResourceClaim`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BasicClaim {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<BasicClaimSpec>,
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<ClaimStatus>,
}

/// `v1beta1.ResourceClaimSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BasicClaimSpec {
    /// `devices`.
    #[prost(message, optional, tag = "1")]
    pub devices: Option<BasicWanted>,
}

/// `v1beta1.DeviceClaim`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BasicWanted {
    /// `requests`.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub requests: Vec<BasicRequest>,
}

/// `v1beta1.DeviceRequest`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BasicRequest {
    /// `deviceClassName`; none where `firstAvailable` says it.
    #[prost(string, tag = "2")]
    pub device_class_name: String,
    /// `count`.
    #[prost(int64, tag = "5")]
    pub count: i64,
    /// `adminAccess`.
    #[prost(bool, optional, tag = "6")]
    pub admin_access: Option<bool>,
    /// `firstAvailable`.
    #[prost(message, repeated, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub first_available: Vec<Choice>,
}

impl From<BasicClaim> for ResourceClaim {
    fn from(claim: BasicClaim) -> Self {
        let request = |of: BasicRequest| {
            let BasicRequest { device_class_name, count, admin_access, first_available } = of;
            let exactly = (!device_class_name.is_empty()).then_some(Exactly { device_class_name, count, admin_access });
            Request { exactly, first_available }
        };
        let wanted = |of: BasicWanted| Wanted { requests: of.requests.into_iter().map(request).collect() };
        let spec = claim.spec.map(|spec| ClaimSpec { devices: spec.devices.map(wanted) });
        Self { metadata: claim.metadata, spec, status: claim.status }
    }
}

/// `v1.ResourceClaimStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClaimStatus {
    /// `allocation`.
    #[prost(message, optional, tag = "1")]
    pub allocation: Option<Allocation>,
    /// `reservedFor`.
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub reserved_for: Vec<Consumer>,
}

/// `v1.AllocationResult`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Allocation {
    /// `devices`.
    #[prost(message, optional, tag = "1")]
    pub devices: Option<Allocated>,
}

/// `v1.DeviceAllocationResult`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Allocated {
    /// `results`.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub results: Vec<AllocatedDevice>,
}

/// `v1.DeviceRequestAllocationResult`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AllocatedDevice {
    /// `driver`.
    #[prost(string, tag = "2")]
    pub driver: String,
    /// `pool`.
    #[prost(string, tag = "3")]
    pub pool: String,
    /// `device`.
    #[prost(string, tag = "4")]
    pub device: String,
    /// `adminAccess`.
    #[prost(bool, optional, tag = "5")]
    pub admin_access: Option<bool>,
}

/// `v1.ResourceClaimConsumerReference`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Consumer {
    /// `apiGroup`; none for the core.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub api_group: String,
    /// `resource`.
    #[prost(string, tag = "3")]
    pub resource: String,
    /// `name`.
    #[prost(string, tag = "4")]
    pub name: String,
    /// `uid`.
    #[prost(string, tag = "5")]
    pub uid: String,
}
