//! Nodes and namespaces.

use super::meta::{Meta, Quantities, Time, or_default, time};
use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// `v1.Node`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Node {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<NodeMeta>,
    /// `spec`.
    #[prost(message, optional, tag = "2")]
    pub spec: Option<NodeSpec>,
    /// `status`.
    #[prost(message, optional, tag = "3")]
    pub status: Option<NodeStatus>,
}

/// `v1.ObjectMeta` of a node, with who wrote which of its fields. Those of pods are read without: there are many more.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeMeta {
    /// `name`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `uid`.
    #[prost(string, tag = "5")]
    pub uid: String,
    /// `resourceVersion`.
    #[prost(string, tag = "6")]
    pub resource_version: String,
    /// `creationTimestamp`.
    #[prost(message, optional, tag = "8")]
    #[serde(deserialize_with = "time")]
    pub creation_timestamp: Option<Time>,
    /// `labels`.
    #[prost(btree_map = "string, string", tag = "11")]
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// `annotations`. Facts have the one by which NVSentinel says why it has quarantined the node.
    #[prost(btree_map = "string, string", tag = "12")]
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
    /// `managedFields`.
    #[prost(message, repeated, tag = "17")]
    #[serde(deserialize_with = "or_default")]
    pub managed_fields: Vec<NamedFields>,
}

/// `v1.ManagedFieldsEntry`, with which fields it is about.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NamedFields {
    /// `manager`.
    #[prost(string, tag = "1")]
    pub manager: String,
    /// `time`.
    #[prost(message, optional, tag = "4")]
    #[serde(deserialize_with = "time")]
    pub time: Option<Time>,
    /// `fieldsV1`.
    #[prost(message, optional, tag = "7")]
    pub fields_v1: Option<FieldNames>,
    /// `subresource`.
    #[prost(string, tag = "8")]
    #[serde(deserialize_with = "or_default")]
    pub subresource: String,
}

/// `metav1.FieldsV1`: names of fields and no values, as JSON. Protobuf has it as bytes, and JSON as itself.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FieldNames {
    /// `raw`.
    #[prost(bytes = "bytes", tag = "1")]
    pub raw: Bytes,
}

impl<'de> Deserialize<'de> for FieldNames {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let names = Box::<RawValue>::deserialize(from)?;
        Ok(Self { raw: Bytes::copy_from_slice(names.get().as_bytes()) })
    }
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
    /// `timeAdded`: most that are set by hand have none.
    #[prost(message, optional, tag = "4")]
    #[serde(deserialize_with = "time")]
    pub time_added: Option<Time>,
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
