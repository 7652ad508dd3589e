//! Nodes and namespaces.

use super::meta::{Meta, Quantities, Time, or_default, time};
use serde::Deserialize;

/// `v1.Node`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Node {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<NodeSpec>,
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<NodeStatus>,
}

/// `v1.NodeSpec`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSpec {
    /// `unschedulable`.
    #[prost(bool, tag = "4")]
    pub unschedulable: bool,
    /// `taints`.
    #[prost(message, repeated, tag = "5")]
    #[serde(deserialize_with = "or_default")]
    pub taints: Vec<Taint>,
}

/// `v1.Taint`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Taint {
    /// `key`.
    #[prost(string, tag = "1")]
    pub key: String,
    /// `value`.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub value: String,
    /// `effect`.
    #[prost(string, tag = "3")]
    pub effect: String,
}

/// `v1.NodeStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeStatus {
    /// `capacity`.
    #[prost(btree_map = "string, message", tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub capacity: Quantities,
    /// `allocatable`.
    #[prost(btree_map = "string, message", tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub allocatable: Quantities,
    /// `conditions`.
    #[prost(message, repeated, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub conditions: Vec<NodeCondition>,
    /// `nodeInfo`.
    #[prost(message, optional, tag = "7")]
    pub node_info: Option<NodeInfo>,
}

/// `v1.NodeCondition`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeCondition {
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

/// `v1.NodeSystemInfo`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeInfo {
    /// `kubeletVersion`.
    #[prost(string, tag = "7")]
    pub kubelet_version: String,
}

/// `v1.Namespace`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Namespace {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<NamespaceStatus>,
}

/// `v1.NamespaceStatus`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NamespaceStatus {
    /// `phase`.
    #[prost(string, tag = "1")]
    pub phase: String,
}
