//! Controllers of pods, and the revisions that they keep.
//!
//! Of annotations a few are read, by name: the number of a revision, when it goes, who keeps the object as it stands in
//! a repository, and of a service of KServe its mode and whether it is to stop.

use super::{
    meta::{Meta, OwnerReference, Time, or_default, time},
    pod::PodCondition,
    template::TemplateSpec,
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
    /// `generation`.
    #[prost(int64, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub generation: i64,
    /// `creationTimestamp`.
    #[prost(message, optional, tag = "8")]
    #[serde(deserialize_with = "time")]
    pub creation_timestamp: Option<Time>,
    /// `labels`.
    #[prost(btree_map = "string, string", tag = "11")]
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
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
    pub spec: Option<DeploymentSpec>,
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<DeploymentStatus>,
}

/// `apps/v1.DeploymentSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DeploymentSpec {
    /// `replicas`.
    #[prost(int32, optional, tag = "1")]
    pub replicas: Option<i32>,
    /// `template`.
    #[prost(message, optional, tag = "3")]
    pub template: Option<Template>,
    /// `strategy`.
    #[prost(message, optional, tag = "4")]
    pub strategy: Option<Strategy>,
    /// `paused`.
    #[prost(bool, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub paused: bool,
}

/// `apps/v1.DeploymentStrategy`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Strategy {
    /// `type`.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
}

/// `apps/v1.DeploymentStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DeploymentStatus {
    /// `observedGeneration`.
    #[prost(int64, optional, tag = "1")]
    pub observed_generation: Option<i64>,
    /// `replicas`.
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub replicas: i32,
    /// `updatedReplicas`.
    #[prost(int32, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub updated_replicas: i32,
    /// `availableReplicas`.
    #[prost(int32, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub available_replicas: i32,
    /// `conditions`.
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<DeploymentCondition>,
    /// `readyReplicas`.
    #[prost(int32, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub ready_replicas: i32,
}

/// `apps/v1.DeploymentCondition`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DeploymentCondition {
    /// `type`.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
    /// `status`.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    /// `reason`.
    #[prost(string, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// `message`.
    #[prost(string, tag = "5")]
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// `lastTransitionTime`.
    #[prost(message, optional, tag = "7")]
    #[serde(deserialize_with = "time")]
    pub last_transition_time: Option<Time>,
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
    pub spec: Option<StatefulSetSpec>,
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<StatefulSetStatus>,
}

/// `apps/v1.StatefulSetSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatefulSetSpec {
    /// `replicas`.
    #[prost(int32, optional, tag = "1")]
    pub replicas: Option<i32>,
    /// `template`.
    #[prost(message, optional, tag = "3")]
    pub template: Option<Template>,
    /// `updateStrategy`.
    #[prost(message, optional, tag = "7")]
    pub update_strategy: Option<UpdateStrategy>,
}

/// `apps/v1.StatefulSetUpdateStrategy`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct UpdateStrategy {
    /// `type`.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
    /// `rollingUpdate`.
    #[prost(message, optional, tag = "2")]
    pub rolling_update: Option<Partition>,
}

/// `apps/v1.RollingUpdateStatefulSetStrategy`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Partition {
    /// `partition`.
    #[prost(int32, optional, tag = "1")]
    pub partition: Option<i32>,
}

/// `apps/v1.StatefulSetStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatefulSetStatus {
    /// `observedGeneration`.
    #[prost(int64, optional, tag = "1")]
    pub observed_generation: Option<i64>,
    /// `replicas`.
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub replicas: i32,
    /// `readyReplicas`.
    #[prost(int32, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub ready_replicas: i32,
    /// `updatedReplicas`.
    #[prost(int32, tag = "5")]
    #[serde(deserialize_with = "or_default")]
    pub updated_replicas: i32,
    /// `currentRevision`.
    #[prost(string, tag = "6")]
    #[serde(deserialize_with = "or_default")]
    pub current_revision: String,
    /// `updateRevision`.
    #[prost(string, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub update_revision: String,
    /// `availableReplicas`.
    #[prost(int32, tag = "11")]
    #[serde(deserialize_with = "or_default")]
    pub available_replicas: i32,
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
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<ReplicaSetStatus>,
}

/// `apps/v1.ReplicaSetStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReplicaSetStatus {
    /// `replicas`.
    #[prost(int32, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub replicas: i32,
    /// `readyReplicas`.
    #[prost(int32, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub ready_replicas: i32,
    /// `availableReplicas`.
    #[prost(int32, tag = "5")]
    #[serde(deserialize_with = "or_default")]
    pub available_replicas: i32,
}

/// `apps/v1.ReplicaSetSpec`.
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
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<TemplateSpec>,
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
