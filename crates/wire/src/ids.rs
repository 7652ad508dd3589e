//! Typed ids made of stable parts, so that two clusters never collide, with one printed form each.

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};
use std::{
    fmt::{self, Write},
    str::FromStr,
};

/// A configured place: a cluster, a registry, the demo fleet. A slug of `a-z 0-9 - .`, unique in the settings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnectionId(SmolStr);

impl ConnectionId {
    /// Makes an id of any text: lower case, every run of other characters becomes one dash.
    ///
    /// A cloud's context name (`arn:aws:eks:eu-west-1:1:cluster/prod`) becomes its last part, `prod`.
    #[must_use]
    pub fn slug(text: &str) -> Self {
        let tail = text.rsplit(['/', '@']).find(|part| part.chars().any(|c| c.is_ascii_alphanumeric())).unwrap_or(text);
        let mut slug = String::with_capacity(tail.len());
        for c in tail.chars() {
            match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9' | '.') => slug.push(c),
                _ if slug.ends_with('-') || slug.is_empty() => {}
                _ => slug.push('-'),
            }
            if slug.len() >= 48 {
                break;
            }
        }
        let slug = slug.trim_matches(['-', '.']);
        Self(if slug.is_empty() { "connection".into() } else { slug.into() })
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A node of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId {
    /// The connection through which the node is seen.
    pub cluster: ConnectionId,
    /// `metadata.name`, unique in the cluster.
    pub name: SmolStr,
}

/// A pod of a cluster. Two pods of one name that follow each other are told apart by uid in facts, not here:
/// a row is about the name that a person sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PodId {
    /// The connection through which the pod is seen.
    pub cluster: ConnectionId,
    /// `metadata.namespace`.
    pub namespace: SmolStr,
    /// `metadata.name`.
    pub name: SmolStr,
}

/// A name as a part of a path. Owners of pods may be called as somebody likes, also with a slash.
struct Part<'a>(&'a str);

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '%' => f.write_str("%25")?,
                '/' => f.write_str("%2F")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl Part<'_> {
    fn read(text: &str) -> SmolStr {
        if text.contains('%') { text.replace("%2F", "/").replace("%25", "%").into() } else { text.into() }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, Part(&self.name))
    }
}

impl fmt::Display for PodId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.cluster, Part(&self.namespace), Part(&self.name))
    }
}

/// A kind of object as an API server names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KindId {
    /// API group; empty for the core.
    pub group: SmolStr,
    /// API version, such as `v1beta1`.
    pub version: SmolStr,
    /// The resource as in a path: `inferenceservices`.
    pub plural: SmolStr,
    /// The kind as in an object: `InferenceService`.
    pub kind: SmolStr,
}

/// As kubectl takes it: `inferenceservices.v1beta1.serving.kserve.io`, `pods.v1` for the core.
impl fmt::Display for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.plural, self.version)?;
        if self.group.is_empty() { Ok(()) } else { write!(f, ".{}", self.group) }
    }
}

impl KindId {
    /// Reads what it prints, with the kind beside it.
    fn read(text: &str, kind: SmolStr) -> Option<Self> {
        let mut parts = text.splitn(3, '.').map(SmolStr::new);
        let (plural, version) = (parts.next()?, parts.next()?);
        let group = parts.next().unwrap_or_default();
        (!plural.is_empty() && !version.is_empty()).then_some(Self { group, version, plural, kind })
    }
}

/// An object of any kind that a cluster offers, without a name of its own in [`ObjectRef`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OtherId {
    /// The connection through which it is seen.
    pub cluster: ConnectionId,
    /// Its kind.
    pub kind: KindId,
    /// `metadata.namespace`; `None` for what is of the whole cluster.
    pub namespace: Option<SmolStr>,
    /// `metadata.name`.
    pub name: SmolStr,
}

/// An alert of an Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertId {
    /// The connection that says so.
    pub source: ConnectionId,
    /// Its label `alertname`.
    pub name: SmolStr,
    /// What tells it from others: the hash of all its labels, by which its server knows it.
    pub fingerprint: SmolStr,
}

/// A registered model of a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ModelId {
    /// The connection that says so.
    pub source: ConnectionId,
    /// Its name, unique in the registry.
    pub name: SmolStr,
}

/// A tag of a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TagId {
    /// The connection to the registry.
    pub source: ConnectionId,
    /// The repository: `team/chat`.
    pub repository: SmolStr,
    /// The tag.
    pub tag: SmolStr,
}

/// Anything that can be selected, inspected, linked to or marked on the ribbon.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ObjectRef {
    /// A connection itself.
    Connection(ConnectionId),
    /// A namespace of a cluster.
    Namespace(ConnectionId, SmolStr),
    /// A node.
    Node(NodeId),
    /// One GPU slot of a node, counted from 0.
    Gpu(NodeId, u16),
    /// A pod.
    Pod(PodId),
    /// A controller of pods: cluster, namespace, kind (`Deployment`), name.
    Workload(ConnectionId, SmolStr, SmolStr, SmolStr),
    /// An object of another kind: read when it is looked at, never watched.
    Other(Box<OtherId>),
    /// An alert.
    Alert(Box<AlertId>),
    /// A registered model.
    Model(Box<ModelId>),
    /// A tag of a registry.
    Tag(Box<TagId>),
}

impl ObjectRef {
    /// The connection that this object is seen through.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        match self {
            Self::Connection(id) | Self::Namespace(id, _) | Self::Workload(id, ..) => id,
            Self::Node(node) | Self::Gpu(node, _) => &node.cluster,
            Self::Pod(pod) => &pod.cluster,
            Self::Other(other) => &other.cluster,
            Self::Alert(alert) => &alert.source,
            Self::Model(model) => &model.source,
            Self::Tag(tag) => &tag.source,
        }
    }

    /// The namespace that the object is in; `None` for what is of a cluster, or a namespace itself.
    #[must_use]
    pub fn namespace(&self) -> Option<&SmolStr> {
        match self {
            Self::Pod(pod) => Some(&pod.namespace),
            Self::Workload(_, namespace, ..) => Some(namespace),
            Self::Other(other) => other.namespace.as_ref(),
            Self::Connection(_)
            | Self::Namespace(..)
            | Self::Node(_)
            | Self::Gpu(..)
            | Self::Alert(_)
            | Self::Model(_)
            | Self::Tag(_) => None,
        }
    }

    /// The object of a kind that was listed: those that the world knows by its own word for them, others as they are.
    #[must_use]
    pub fn listed(cluster: ConnectionId, kind: &KindId, namespace: Option<SmolStr>, name: SmolStr) -> Self {
        match (kind.group.as_str(), kind.plural.as_str(), namespace) {
            ("", "nodes", None) => Self::Node(NodeId { cluster, name }),
            ("", "namespaces", None) => Self::Namespace(cluster, name),
            ("", "pods", Some(namespace)) => Self::Pod(PodId { cluster, namespace, name }),
            (_, _, namespace) => Self::Other(Box::new(OtherId { cluster, kind: kind.clone(), namespace, name })),
        }
    }

    /// The kind as a word for people: "node", "GPU", "pod".
    #[must_use]
    pub fn kind_word(&self) -> &str {
        match self {
            Self::Connection(_) => "connection",
            Self::Namespace(..) => "namespace",
            Self::Node(_) => "node",
            Self::Gpu(..) => "GPU",
            Self::Pod(_) => "pod",
            Self::Workload(_, _, kind, _) => kind,
            Self::Other(other) => &other.kind.kind,
            Self::Alert(_) => "alert",
            Self::Model(_) => "model",
            Self::Tag(_) => "tag",
        }
    }

    /// The short name for people: `h100-117 / 5` for a GPU.
    #[must_use]
    pub fn name(&self) -> SmolStr {
        match self {
            Self::Connection(id) => SmolStr::new(id.as_str()),
            Self::Namespace(_, name) | Self::Workload(_, _, _, name) => name.clone(),
            Self::Node(node) => node.name.clone(),
            Self::Gpu(node, index) => format_smolstr!("{} / {index}", node.name),
            Self::Pod(pod) => pod.name.clone(),
            Self::Other(other) => other.name.clone(),
            Self::Alert(alert) => alert.name.clone(),
            Self::Model(model) => model.name.clone(),
            Self::Tag(tag) => format_smolstr!("{}:{}", tag.repository, tag.tag),
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(id) => write!(f, "connection:{id}"),
            Self::Namespace(id, name) => write!(f, "namespace:{id}/{}", Part(name)),
            Self::Node(node) => write!(f, "node:{node}"),
            Self::Gpu(node, index) => write!(f, "gpu:{node}/{index}"),
            Self::Pod(pod) => write!(f, "pod:{pod}"),
            Self::Workload(id, namespace, kind, name) => {
                write!(f, "workload:{id}/{}/{}/{}", Part(namespace), Part(kind), Part(name))
            }
            Self::Other(other) => {
                let kind = other.kind.to_string();
                write!(f, "object:{}/{}/{}/", other.cluster, Part(&kind), Part(&other.kind.kind))?;
                if let Some(namespace) = &other.namespace {
                    write!(f, "{}/", Part(namespace))?;
                }
                write!(f, "{}", Part(&other.name))
            }
            Self::Alert(alert) => {
                write!(f, "alert:{}/{}/{}", alert.source, Part(&alert.name), Part(&alert.fingerprint))
            }
            Self::Model(model) => write!(f, "model:{}/{}", model.source, Part(&model.name)),
            Self::Tag(tag) => write!(f, "tag:{}/{}/{}", tag.source, Part(&tag.repository), Part(&tag.tag)),
        }
    }
}

/// A text that is not the printed form of an [`ObjectRef`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names no object; write node:CLUSTER/NAME, gpu:CLUSTER/NODE/INDEX, pod:CLUSTER/NAMESPACE/NAME")]
pub struct NotAnObject(pub String);

impl FromStr for ObjectRef {
    type Err = NotAnObject;

    fn from_str(text: &str) -> Result<Self, NotAnObject> {
        let fail = || NotAnObject(text.to_owned());
        let (kind, rest) = text.split_once(':').ok_or_else(fail)?;
        let mut parts = rest.split('/');
        let mut part = || parts.next().filter(|part| !part.is_empty()).map(Part::read).ok_or_else(fail);
        let cluster = ConnectionId(part()?);
        let object = match kind {
            "connection" => Self::Connection(cluster),
            "namespace" => Self::Namespace(cluster, part()?),
            "node" => Self::Node(NodeId { cluster, name: part()? }),
            "gpu" => {
                let node = NodeId { cluster, name: part()? };
                Self::Gpu(node, part()?.parse().map_err(|_| fail())?)
            }
            "pod" => Self::Pod(PodId { cluster, namespace: part()?, name: part()? }),
            "workload" => Self::Workload(cluster, part()?, part()?, part()?),
            "alert" => Self::Alert(Box::new(AlertId { source: cluster, name: part()?, fingerprint: part()? })),
            "model" => Self::Model(Box::new(ModelId { source: cluster, name: part()? })),
            "tag" => Self::Tag(Box::new(TagId { source: cluster, repository: part()?, tag: part()? })),
            "object" => {
                let (kind, word, first) = (part()?, part()?, part()?);
                let kind = KindId::read(&kind, word).ok_or_else(fail)?;
                let (namespace, name) = match part() {
                    Ok(name) => (Some(first), name),
                    Err(_) => (None, first),
                };
                Self::Other(Box::new(OtherId { cluster, kind, namespace, name }))
            }
            _ => return Err(fail()),
        };
        if parts.next().is_some() { Err(fail()) } else { Ok(object) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_object_reads_back_from_what_it_prints() {
        for text in [
            "connection:iad-prod",
            "namespace:iad-prod/serving",
            "node:iad-prod/h100-117",
            "gpu:iad-prod/h100-117/5",
            "pod:iad-prod/serving/chat-70b-7c9f4d-x2k8q",
            "workload:iad-prod/serving/Deployment/chat-70b",
            "object:iad-prod/inferenceservices.v1beta1.serving.kserve.io/InferenceService/serving/chat",
            "object:iad-prod/persistentvolumes.v1/PersistentVolume/models",
            "alert:alerts/HighLatency/6b4f1c5a",
            "model:registry/chat-70b",
            "tag:registry/team%2Fchat/prod",
        ] {
            assert_eq!(text.parse::<ObjectRef>().map(|object| object.to_string()), Ok(text.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn an_object_reads_back_whatever_it_is_called(kind in "[^a-z]{1,6}", name in ".{1,12}", slot in any::<u16>(), namespaced in any::<bool>()) {
            let id = ConnectionId::slug("iad");
            let [kind, name] = [kind, format!("a/%2F{name}")].map(SmolStr::new);
            let node = NodeId { cluster: id.clone(), name: name.clone() };
            for object in [
                ObjectRef::Namespace(id.clone(), name.clone()),
                ObjectRef::Node(node.clone()),
                ObjectRef::Gpu(node.clone(), slot),
                ObjectRef::Pod(PodId { cluster: id.clone(), namespace: kind.clone(), name: name.clone() }),
                ObjectRef::Workload(id.clone(), kind.clone(), name.clone(), name.clone()),
                ObjectRef::Other(Box::new(OtherId {
                    cluster: id.clone(),
                    kind: KindId { group: "".into(), version: "v1".into(), plural: "things".into(), kind: kind.clone() },
                    namespace: namespaced.then(|| kind.clone()),
                    name: name.clone(),
                })),
            ] {
                prop_assert_eq!(object.to_string().parse(), Ok(object));
            }
        }
    }

    #[test]
    fn a_text_that_names_nothing_is_refused() {
        for text in [
            "",
            "node",
            "node:",
            "node:a",
            "node:a/b/c",
            "gpu:a/b/x",
            "star:a/b",
            "object:a/pods.v1/Pod",
            "object:a/pods/Pod/x",
        ] {
            assert!(text.parse::<ObjectRef>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_slug_keeps_what_tells_contexts_apart() {
        for (text, want) in [
            ("iad-prod", "iad-prod"),
            ("arn:aws:eks:eu-west-1:123:cluster/Prod_EU", "prod-eu"),
            ("gke_proj_europe-west4_train", "gke-proj-europe-west4-train"),
            ("admin@kind", "kind"),
            ("  ", "connection"),
            ("東京", "connection"),
        ] {
            assert_eq!(ConnectionId::slug(text).as_str(), want, "{text}");
        }
    }
}
