//! Pods.

use super::{
    meta::{Meta, Quantities, Time, or_default, time},
    template::{EnvFrom, ValueFrom},
};
use serde::Deserialize;

/// `v1.Pod`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Pod {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<PodSpec>,
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<PodStatus>,
}

/// `v1.PodSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// `containers`.
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<Container>,
    /// `nodeName`.
    #[prost(string, tag = "10")]
    #[serde(deserialize_with = "or_default")]
    pub node_name: String,
    /// `initContainers`.
    #[prost(message, repeated, tag = "20")]
    #[serde(deserialize_with = "or_default")]
    pub init_containers: Vec<Container>,
    /// `overhead`: what the pod's sandbox needs besides its containers.
    #[prost(btree_map = "string, message", tag = "32")]
    #[serde(deserialize_with = "or_default")]
    pub overhead: Quantities,
    /// `resources`: requests of the pod as a whole.
    #[prost(message, optional, tag = "40")]
    pub resources: Option<Resources>,
}

/// `v1.Container`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    /// `name`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `image`.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub image: String,
    /// `command`. Of the values of this, of `args` and of `env` facts have addresses of models, and nothing else.
    #[prost(string, repeated, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub command: Vec<String>,
    /// `args`.
    #[prost(string, repeated, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub args: Vec<String>,
    /// `env`.
    #[prost(message, repeated, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<EnvVar>,
    /// `resources`.
    #[prost(message, optional, tag = "8")]
    pub resources: Option<Resources>,
    /// `envFrom`.
    #[prost(message, repeated, tag = "19")]
    #[serde(deserialize_with = "or_default")]
    pub env_from: Vec<EnvFrom>,
    /// `restartPolicy`: `Always` makes an init container one that goes on beside the others.
    #[prost(string, tag = "24")]
    #[serde(deserialize_with = "or_default")]
    pub restart_policy: String,
}

/// `v1.EnvVar`. Of a Secret or a ConfigMap that it takes its value from there is the name, and nothing that is in it.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvVar {
    /// `name`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `value`.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub value: String,
    /// `valueFrom`.
    #[prost(message, optional, tag = "3")]
    pub value_from: Option<ValueFrom>,
}

/// `v1.ResourceRequirements`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Resources {
    /// `limits`.
    #[prost(btree_map = "string, message", tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub limits: Quantities,
    /// `requests`.
    #[prost(btree_map = "string, message", tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub requests: Quantities,
}

/// `v1.PodStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// `phase`.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// `conditions`.
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<PodCondition>,
    /// `reason`.
    #[prost(string, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// `startTime`.
    #[prost(message, optional, tag = "7")]
    #[serde(deserialize_with = "time")]
    pub start_time: Option<Time>,
    /// `containerStatuses`.
    #[prost(message, repeated, tag = "8")]
    #[serde(deserialize_with = "or_default")]
    pub container_statuses: Vec<ContainerStatus>,
    /// `initContainerStatuses`.
    #[prost(message, repeated, tag = "10")]
    #[serde(deserialize_with = "or_default")]
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// `v1.PodCondition`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodCondition {
    /// `type`.
    #[prost(string, tag = "1")]
    pub r#type: String,
    /// `status`.
    #[prost(string, tag = "2")]
    pub status: String,
    /// `lastTransitionTime`.
    #[prost(message, optional, tag = "4")]
    #[serde(deserialize_with = "time")]
    pub last_transition_time: Option<Time>,
    /// `reason`.
    #[prost(string, tag = "5")]
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
}

/// `v1.ContainerStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    /// `name`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `state`.
    #[prost(message, optional, tag = "2")]
    pub state: Option<ContainerState>,
    /// `ready`.
    #[prost(bool, tag = "4")]
    pub ready: bool,
    /// `restartCount`.
    #[prost(int32, tag = "5")]
    pub restart_count: i32,
    /// `imageID`.
    #[prost(string, tag = "7")]
    #[serde(rename = "imageID", deserialize_with = "or_default")]
    pub image_id: String,
}

/// `v1.ContainerState`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerState {
    /// `waiting`.
    #[prost(message, optional, tag = "1")]
    pub waiting: Option<Waiting>,
    /// `running`.
    #[prost(message, optional, tag = "2")]
    pub running: Option<Running>,
    /// `terminated`.
    #[prost(message, optional, tag = "3")]
    pub terminated: Option<Terminated>,
}

/// `v1.ContainerStateWaiting`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Waiting {
    /// `reason`.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
}

/// `v1.ContainerStateRunning`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Running {
    /// `startedAt`.
    #[prost(message, optional, tag = "1")]
    #[serde(deserialize_with = "time")]
    pub started_at: Option<Time>,
}

/// `v1.ContainerStateTerminated`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Terminated {
    /// `exitCode`.
    #[prost(int32, tag = "1")]
    pub exit_code: i32,
    /// `reason`.
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// `startedAt`.
    #[prost(message, optional, tag = "5")]
    #[serde(deserialize_with = "time")]
    pub started_at: Option<Time>,
}
