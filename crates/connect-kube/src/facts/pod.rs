//! Pods into facts.

use super::{
    requests::{goes_on, requests},
    some, stamp,
};
use crate::slim::{Container, ContainerState, ContainerStatus, OwnerReference, Pod, PodSpec, PodStatus};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::{ConditionFact, ContainerFact, OwnerFact, Phase, PodFact};
use smol_str::format_smolstr;

/// What a pod says of itself; `None` for one without a name.
#[must_use]
pub fn facts_of_pod(pod: Pod) -> Option<PodFact> {
    let meta = pod.metadata.unwrap_or_default();
    let (spec, status) = (pod.spec.unwrap_or_default(), pod.status.unwrap_or_default());
    let asked = requests(&spec);
    Some(PodFact {
        namespace: SmolStr::new(&meta.namespace),
        name: some(&meta.name)?,
        uid: SmolStr::new(&meta.uid),
        created: stamp(meta.creation_timestamp),
        deleting: stamp(meta.deletion_timestamp),
        owners: owners(&meta.owner_references),
        template_hash: meta.labels.get("pod-template-hash").map(SmolStr::new),
        node: some(&spec.node_name),
        phase: phase(&status.phase),
        reason: some(&status.reason),
        started: stamp(status.start_time),
        gpus: asked.gpus,
        cpu_millis: asked.cpu_millis,
        memory_bytes: asked.memory_bytes,
        containers: containers(&spec, &status),
        conditions: status
            .conditions
            .into_iter()
            .map(|condition| ConditionFact {
                kind: condition.r#type.into(),
                status: condition.status.into(),
                reason: some(&condition.reason),
                since: stamp(condition.last_transition_time),
            })
            .collect(),
    })
}

/// The controller first.
fn owners(references: &[OwnerReference]) -> Vec<OwnerFact> {
    let mut references: Vec<&OwnerReference> = references.iter().collect();
    references.sort_by_key(|owner| !owner.controller.unwrap_or(false));
    references
        .into_iter()
        .map(|owner| OwnerFact { kind: SmolStr::new(&owner.kind), name: SmolStr::new(&owner.name) })
        .collect()
}

fn phase(text: &str) -> Phase {
    match text {
        "" | "Pending" => Phase::Pending,
        "Running" => Phase::Running,
        "Succeeded" => Phase::Succeeded,
        "Failed" => Phase::Failed,
        _ => Phase::Unknown,
    }
}

/// Init containers that go on, those that hold the pod back (named `Init:…`, as kubectl does), and the containers.
fn containers(spec: &PodSpec, status: &PodStatus) -> Vec<ContainerFact> {
    let mut facts = Vec::with_capacity(spec.containers.len());
    for container in &spec.init_containers {
        let status = status_of(&status.init_container_statuses, container);
        if goes_on(container) {
            facts.push(fact(container, status));
        } else if let Some(stuck) = status.filter(|status| holds_back(status)) {
            let mut fact = fact(container, Some(stuck));
            fact.ready = false;
            fact.reason = fact.reason.map(|reason| format_smolstr!("Init:{reason}"));
            facts.push(fact);
        }
    }
    for container in &spec.containers {
        facts.push(fact(container, status_of(&status.container_statuses, container)));
    }
    facts
}

fn status_of<'a>(statuses: &'a [ContainerStatus], container: &Container) -> Option<&'a ContainerStatus> {
    statuses.iter().find(|status| status.name == container.name)
}

/// Has it failed, or does it wait for more than its turn?
fn holds_back(status: &ContainerStatus) -> bool {
    status.state.as_ref().is_some_and(|state| {
        state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0)
            || state
                .waiting
                .as_ref()
                .is_some_and(|waiting| !matches!(waiting.reason.as_str(), "" | "PodInitializing" | "ContainerCreating"))
    })
}

fn fact(container: &Container, status: Option<&ContainerStatus>) -> ContainerFact {
    let mut fact = ContainerFact {
        name: SmolStr::new(&container.name),
        image: SmolStr::new(&container.image),
        ..ContainerFact::default()
    };
    if let Some(status) = status {
        fact.digest = digest(&status.image_id);
        fact.ready = status.ready;
        fact.restarts = u32::try_from(status.restart_count).unwrap_or(0);
        (fact.reason, fact.ended) = reason(status.state.as_ref());
    }
    fact
}

/// Why it waits or how it ended, and which of the two.
fn reason(state: Option<&ContainerState>) -> (Option<SmolStr>, bool) {
    let Some(state) = state else { return (None, false) };
    match (&state.terminated, &state.waiting) {
        (Some(ended), _) if ended.reason.is_empty() => (Some(format_smolstr!("Exit {}", ended.exit_code)), true),
        (Some(ended), _) => (some(&ended.reason), true),
        (None, Some(waiting)) => (some(&waiting.reason), false),
        (None, None) => (None, false),
    }
}

/// `sha256:…` out of `docker-pullable://registry/model@sha256:…`.
fn digest(image_id: &str) -> Option<SmolStr> {
    let tail = image_id.rsplit_once('@').map_or(image_id, |(_, tail)| tail);
    let (algorithm, hex) = tail.split_once(':')?;
    let plain = matches!(algorithm, "sha256" | "sha384" | "sha512");
    (plain && hex.len() >= 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| SmolStr::new(tail))
}
