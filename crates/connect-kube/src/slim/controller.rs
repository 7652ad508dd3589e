//! Controllers of pods, and the revisions that they keep.
//!
//! Of annotations there is one that is read: the number of a revision. Of a template there are its images, and what its
//! pods ask for.

use super::{
    meta::{OwnerReference, Time, or_default, time},
    pod::{PodCondition, PodSpec},
};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// `v1.ObjectMeta`, as far as changes are told by it.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WrittenMeta {
    /// `name`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `namespace`.
    #[prost(string, tag = "3")]
    pub namespace: String,
    /// `resourceVersion`.
    #[prost(string, tag = "6")]
    pub resource_version: String,
    /// `creationTimestamp`.
    #[prost(message, optional, tag = "8")]
    #[serde(deserialize_with = "time")]
    pub creation_timestamp: Option<Time>,
    /// `annotations`.
    #[prost(btree_map = "string, string", tag = "12")]
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
    /// `ownerReferences`.
    #[prost(message, repeated, tag = "13")]
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<OwnerReference>,
    /// `managedFields`.
    #[prost(message, repeated, tag = "17")]
    #[serde(deserialize_with = "or_default")]
    pub managed_fields: Vec<ManagedFields>,
}

/// `v1.ManagedFieldsEntry`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ManagedFields {
    /// `manager`.
    #[prost(string, tag = "1")]
    pub manager: String,
    /// `time`.
    #[prost(message, optional, tag = "4")]
    #[serde(deserialize_with = "time")]
    pub time: Option<Time>,
    /// `subresource`.
    #[prost(string, tag = "8")]
    #[serde(deserialize_with = "or_default")]
    pub subresource: String,
}

/// `apps/v1.Deployment`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Deployment {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<ScaledSpec>,
}

/// `apps/v1.StatefulSet`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatefulSet {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<ScaledSpec>,
}

/// `apps/v1.DaemonSet`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DaemonSet {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<WrittenMeta>,
}

/// `apps/v1.ReplicaSet`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReplicaSet {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<ScaledSpec>,
}

/// What the specs of Deployments, StatefulSets and ReplicaSets have in common, under the same numbers.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScaledSpec {
    /// `replicas`.
    #[prost(int32, optional, tag = "1")]
    pub replicas: Option<i32>,
    /// `template`.
    #[prost(message, optional, tag = "3")]
    pub template: Option<Template>,
}

/// `v1.PodTemplateSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Template {
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<PodSpec>,
}

/// `batch/v1.Job`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Job {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<WrittenMeta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<JobSpec>,
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<JobStatus>,
}

/// `batch/v1.JobSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JobSpec {
    /// `parallelism`.
    #[prost(int32, optional, tag = "1")]
    pub parallelism: Option<i32>,
    /// `template`.
    #[prost(message, optional, tag = "6")]
    pub template: Option<Template>,
}

/// `batch/v1.JobStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JobStatus {
    /// `conditions`, of the same form as those of a pod.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<PodCondition>,
    /// `startTime`.
    #[prost(message, optional, tag = "2")]
    #[serde(deserialize_with = "time")]
    pub start_time: Option<Time>,
    /// `completionTime`.
    #[prost(message, optional, tag = "3")]
    #[serde(deserialize_with = "time")]
    pub completion_time: Option<Time>,
}

/// `apps/v1.ControllerRevision`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ControllerRevision {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<WrittenMeta>,
    /// `data`: a patch that makes a controller's template this one.
    #[prost(message, optional, tag = "2")]
    pub data: Option<Raw>,
    /// `revision`.
    #[prost(int64, tag = "3")]
    pub revision: i64,
}

/// `runtime.RawExtension`: JSON as bytes in protobuf, and as itself in JSON.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Raw {
    /// `raw`.
    #[prost(bytes = "vec", tag = "1")]
    pub raw: Vec<u8>,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self { raw: value.to_string().into_bytes() })
    }
}
