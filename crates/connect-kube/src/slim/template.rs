//! What pods are made of: a template's spec, with the names of what its variables and volumes refer to. What is in a ConfigMap
//! or a Secret has no field here.

use super::{
    meta::{Quantities, or_default},
    pod::{Container, Resources},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `v1.PodSpec` of a template. A pod's own ([`super::PodSpec`]) is read without what nobody asks of it: there are many more.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TemplateSpec {
    /// `volumes`.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub volumes: Vec<Volume>,
    /// `containers`.
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<Container>,
    /// `nodeSelector`.
    #[prost(btree_map = "string, string", tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub node_selector: BTreeMap<String, String>,
    /// `initContainers`.
    #[prost(message, repeated, tag = "20")]
    #[serde(deserialize_with = "or_default")]
    pub init_containers: Vec<Container>,
    /// `tolerations`.
    #[prost(message, repeated, tag = "22")]
    #[serde(deserialize_with = "or_default")]
    pub tolerations: Vec<Toleration>,
    /// `overhead`.
    #[prost(btree_map = "string, message", tag = "32")]
    #[serde(deserialize_with = "or_default")]
    pub overhead: Quantities,
    /// `resources`: requests of the pod as a whole.
    #[prost(message, optional, tag = "40")]
    pub resources: Option<Resources>,
}

/// `v1.Toleration`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Toleration {
    /// `key`; of all taints where there is none.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    /// `value`.
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub value: String,
    /// `effect`; of each where there is none.
    #[prost(string, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub effect: String,
}

/// `v1.LocalObjectReference`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default)]
pub struct LocalReference {
    /// `name`.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}

/// What begins with a `v1.LocalObjectReference`, which JSON writes inline: `v1.ConfigMapKeySelector`, `SecretEnvSource`,
/// `ConfigMapVolumeSource`, `SecretProjection` and the like.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(from = "LocalReference")]
pub struct Named {
    /// `localObjectReference`.
    #[prost(message, optional, tag = "1")]
    pub reference: Option<LocalReference>,
}

impl From<LocalReference> for Named {
    fn from(reference: LocalReference) -> Self {
        Self { reference: Some(reference) }
    }
}

impl Named {
    /// The name, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.reference.as_ref().map(|reference| reference.name.as_str()).filter(|name| !name.is_empty())
    }
}

/// `v1.EnvVarSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ValueFrom {
    /// `configMapKeyRef`.
    #[prost(message, optional, tag = "3")]
    pub config_map_key_ref: Option<Named>,
    /// `secretKeyRef`.
    #[prost(message, optional, tag = "4")]
    pub secret_key_ref: Option<Named>,
}

/// `v1.EnvFromSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvFrom {
    /// `configMapRef`.
    #[prost(message, optional, tag = "2")]
    pub config_map_ref: Option<Named>,
    /// `secretRef`.
    #[prost(message, optional, tag = "3")]
    pub secret_ref: Option<Named>,
}

/// `v1.Volume`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(from = "VolumeSource")]
pub struct Volume {
    /// `volumeSource`, which JSON writes inline.
    #[prost(message, optional, tag = "2")]
    pub source: Option<VolumeSource>,
}

impl From<VolumeSource> for Volume {
    fn from(source: VolumeSource) -> Self {
        Self { source: Some(source) }
    }
}

/// `v1.VolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeSource {
    /// `secret`.
    #[prost(message, optional, tag = "6")]
    pub secret: Option<SecretVolume>,
    /// `persistentVolumeClaim`.
    #[prost(message, optional, tag = "10")]
    pub persistent_volume_claim: Option<ClaimVolume>,
    /// `configMap`.
    #[prost(message, optional, tag = "19")]
    pub config_map: Option<Named>,
    /// `projected`.
    #[prost(message, optional, tag = "26")]
    pub projected: Option<Projected>,
}

/// `v1.SecretVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SecretVolume {
    /// `secretName`.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub secret_name: String,
}

/// `v1.PersistentVolumeClaimVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClaimVolume {
    /// `claimName`.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub claim_name: String,
}

/// `v1.ProjectedVolumeSource`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default)]
pub struct Projected {
    /// `sources`.
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub sources: Vec<Projection>,
}

/// `v1.VolumeProjection`.
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Projection {
    /// `secret`.
    #[prost(message, optional, tag = "1")]
    pub secret: Option<Named>,
    /// `configMap`.
    #[prost(message, optional, tag = "3")]
    pub config_map: Option<Named>,
}
