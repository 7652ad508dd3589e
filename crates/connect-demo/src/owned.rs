//! Whose the demo's namespaces are, and which of them put their pods through a queue.

use crate::registry;
use pilothouse_wire::SmolStr;
use pilothouse_world::{
    Fact,
    fact::{NamespaceFact, PodFact, PodLabels},
};

/// The team that a namespace is labelled with; those of the system have none.
fn team(namespace: &str) -> Option<&'static str> {
    Some(match namespace {
        "serving" | "canary" => "inference",
        "assistant" => "assistants",
        "batch" => "offline",
        "pretraining" => "foundation",
        "research" => "research",
        _ => return None,
    })
}

/// The queue of a namespace's pods; who serves does not queue.
fn queue(namespace: &str) -> Option<&'static str> {
    Some(match namespace {
        "batch" => "offline-any",
        "pretraining" => "foundation-reserved",
        "research" => "research-shared",
        _ => return None,
    })
}

/// A namespace, with its team.
pub(crate) fn namespace(name: &str) -> Fact {
    let fact = NamespaceFact { name: name.into(), terminating: false };
    match team(name) {
        Some(team) => Fact::LabelledNamespace(fact, SmolStr::new_static(team)),
        None => Fact::Namespace(fact),
    }
}

/// A pod, with its queue, and with the models that it is started with.
pub(crate) fn pod(fact: &PodFact) -> Fact {
    let pod = Box::new(fact.clone());
    let starts = registry::starts(fact);
    if !starts.is_empty() {
        let queue = queue(&fact.namespace).map(SmolStr::new_static);
        return Fact::StartedPod(pod, PodLabels { team: None, queue }, starts);
    }
    match queue(&fact.namespace) {
        Some(queue) => Fact::LabelledPod(pod, PodLabels { team: None, queue: Some(SmolStr::new_static(queue)) }),
        None => Fact::Pod(pod),
    }
}
