//! The kinds of object that are listed and watched, and what is the same in all of them.

use crate::{
    facts::{facts_of_event, facts_of_namespace, facts_of_node, facts_with_labels, starts_of_pod, written_of_node},
    failure::Call,
    owned::TeamRule,
    slim::{
        AnalysisRun, Application, Canary, CoreEvent, Event, Experiment, HttpRoute, InferenceModelRewrite,
        InferencePool, InferenceService, LeaderWorkerSet, LlmInferenceService, Meta, Namespace, Node, Pod, Promotion,
        Rollout, Stage,
    },
};
use bytes::Bytes;
use pilothouse_wire::SmolStr;
use pilothouse_world::{
    Fact,
    fact::{Covers, Kind, PodLabels, WrittenFact},
};

/// How an object is read out of a list in protobuf.
pub trait Decode: Sized {
    /// The object; `None` if it cannot be read.
    fn decoded(bytes: Bytes) -> Option<Self>;
}

impl<T: prost::Message + Default> Decode for T {
    fn decoded(bytes: Bytes) -> Option<Self> {
        T::decode(bytes).ok()
    }
}

/// Custom resources are never sent in protobuf.
macro_rules! json_alone {
    ($($kind:ty),+ $(,)?) => {$(
        impl Decode for $kind {
            fn decoded(_: Bytes) -> Option<Self> {
                None
            }
        }
    )+};
}

json_alone![Rollout, AnalysisRun, Experiment, LeaderWorkerSet, InferenceService, LlmInferenceService];
json_alone![HttpRoute, InferencePool, InferenceModelRewrite, Application, Canary, Promotion, Stage];

/// An object that is listed and watched.
pub trait Resource: Decode + serde::de::DeserializeOwned + Default + 'static {
    /// The kind of its facts.
    const KIND: Kind;
    /// Its API group; empty for the core.
    const GROUP: &'static str;
    /// The version of its API.
    const VERSION: &'static str = "v1";
    /// Its name in paths and roles.
    const PLURAL: &'static str;

    /// Its metadata, of a kind whose labels tell something.
    fn meta(&self) -> Option<&Meta>;
    /// Its version.
    fn version(&self) -> String {
        self.meta().map(|meta| meta.resource_version.clone()).unwrap_or_default()
    }
    /// What it says; `None` if it cannot be used.
    fn fact(self) -> Option<Fact>;
    /// That it is gone.
    fn gone(meta: &Meta) -> Fact;
}

impl Resource for Node {
    const KIND: Kind = Kind::Node;
    const GROUP: &'static str = "";
    const PLURAL: &'static str = "nodes";

    fn meta(&self) -> Option<&Meta> {
        None
    }

    fn version(&self) -> String {
        self.metadata.as_ref().map(|meta| meta.resource_version.clone()).unwrap_or_default()
    }

    fn fact(self) -> Option<Fact> {
        let written = written_of_node(&self);
        let node = Box::new(facts_of_node(self)?);
        Some(if written == WrittenFact::default() { Fact::Node(node) } else { Fact::WrittenNode(node, written) })
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::NodeGone(SmolStr::new(&meta.name))
    }
}

impl Resource for Namespace {
    const KIND: Kind = Kind::Namespace;
    const GROUP: &'static str = "";
    const PLURAL: &'static str = "namespaces";

    fn meta(&self) -> Option<&Meta> {
        self.metadata.as_ref()
    }

    fn fact(self) -> Option<Fact> {
        facts_of_namespace(self).map(Fact::Namespace)
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::NamespaceGone(SmolStr::new(&meta.name))
    }
}

impl Resource for Pod {
    const KIND: Kind = Kind::Pod;
    const GROUP: &'static str = "";
    const PLURAL: &'static str = "pods";

    fn meta(&self) -> Option<&Meta> {
        self.metadata.as_ref()
    }

    fn fact(self) -> Option<Fact> {
        let starts = starts_of_pod(&self);
        let (pod, labels) = facts_with_labels(self)?;
        let pod = Box::new(pod);
        if !labels.is_empty() {
            return Some(Fact::ChosenPod(pod, PodLabels::default(), starts, labels));
        }
        Some(if starts.is_empty() { Fact::Pod(pod) } else { Fact::StartedPod(pod, PodLabels::default(), starts) })
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::PodGone(SmolStr::new(&meta.namespace), SmolStr::new(&meta.name))
    }
}

impl Resource for Event {
    const KIND: Kind = Kind::Event;
    const GROUP: &'static str = "events.k8s.io";
    const PLURAL: &'static str = "events";

    fn meta(&self) -> Option<&Meta> {
        self.metadata.as_ref()
    }

    fn fact(self) -> Option<Fact> {
        facts_of_event(self).map(|event| Fact::Event(Box::new(event)))
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::EventGone(SmolStr::new(&meta.uid))
    }
}

impl Resource for CoreEvent {
    const KIND: Kind = Kind::Event;
    const GROUP: &'static str = "";
    const PLURAL: &'static str = "events";

    fn meta(&self) -> Option<&Meta> {
        self.metadata.as_ref()
    }

    fn fact(self) -> Option<Fact> {
        facts_of_event(self.into()).map(|event| Fact::Event(Box::new(event)))
    }

    fn gone(meta: &Meta) -> Fact {
        Fact::EventGone(SmolStr::new(&meta.uid))
    }
}

/// What an object says, with what its labels say of whose it is; `None` if it cannot be used.
pub fn fact<T: Resource>(object: T, rule: &TeamRule) -> Option<Fact> {
    let labels = match T::KIND {
        Kind::Pod => object.meta().map(|meta| rule.of_pod(&meta.labels)),
        Kind::Namespace => object.meta().map(|meta| PodLabels { team: rule.team(&meta.labels), queue: None }),
        _ => None,
    };
    let labels = labels.filter(|labels| *labels != PodLabels::default());
    Some(match (object.fact()?, labels) {
        (Fact::Pod(pod), Some(labels)) => Fact::LabelledPod(pod, labels),
        (Fact::StartedPod(pod, _, starts), Some(labels)) => Fact::StartedPod(pod, labels, starts),
        (Fact::ChosenPod(pod, _, starts, all), Some(labels)) => Fact::ChosenPod(pod, labels, starts, all),
        (Fact::Namespace(namespace), Some(PodLabels { team: Some(team), .. })) => {
            Fact::LabelledNamespace(namespace, team)
        }
        (fact, _) => fact,
    })
}

/// All objects of a kind, everywhere or in one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The namespace; everywhere if none.
    pub namespace: Option<String>,
}

/// Of all namespaces, or of none: where what belongs to the whole cluster is.
pub const EVERYWHERE: Scope = Scope { namespace: None };

impl Scope {
    /// What a listing of it covers.
    #[must_use]
    pub fn covers<T: Resource>(&self) -> Covers {
        Covers { kind: T::KIND, namespace: self.namespace.as_ref().map(SmolStr::new) }
    }

    /// The path of the collection.
    #[must_use]
    pub fn path<T: Resource>(&self) -> String {
        let api = if T::GROUP.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/{}", T::GROUP, T::VERSION) };
        match &self.namespace {
            Some(namespace) => format!("{api}/namespaces/{namespace}/{}", T::PLURAL),
            None => format!("{api}/{}", T::PLURAL),
        }
    }

    /// The call, for messages.
    #[must_use]
    pub fn call<T: Resource>(&self, verb: &'static str) -> Call {
        Call { verb, group: T::GROUP.into(), resource: T::PLURAL.to_owned(), namespace: self.namespace.clone() }
    }
}
