//! A pod in the inspector.

use super::{Part, field, link, mono, node_ref};
use crate::{
    World,
    fact::{AllocatedFact, PodFact},
    project::fleet::node_row,
    source::{Pod, Source},
};
use pilothouse_wire::{
    ObjectRef, PodId, SmolStr,
    units::bytes,
    view::{Eviction, FieldRow, FindingRow, Method, Status},
};

pub(super) fn part(world: &World, source: &Source, id: &PodId) -> Option<Part> {
    let pod = source.pods.get(&(id.namespace.clone(), id.name.clone()))?;
    let fact = &pod.fact;
    let (status, status_word) = fact.status();
    let mut around: Vec<ObjectRef> = fact.node.iter().map(|node| node_ref(&id.cluster, node)).collect();
    around.extend(workload_ref(id, fact));
    Some(Part {
        status,
        status_word,
        identity: identity(source, id, pod),
        findings: findings(id, fact),
        holding: holding(world, source, id, fact),
        regarding: Some((SmolStr::new_static("Pod"), Some(id.namespace.clone()), id.name.clone())),
        around,
    })
}

fn workload_ref(id: &PodId, fact: &PodFact) -> Option<ObjectRef> {
    let owner = fact.workload()?;
    Some(ObjectRef::Workload(id.cluster.clone(), id.namespace.clone(), owner.kind, owner.name))
}

fn identity(source: &Source, id: &PodId, pod: &Pod) -> Vec<FieldRow> {
    let fact = &pod.fact;
    let mut fields = vec![
        field("Cluster", Some(id.cluster.to_string())),
        link("Namespace", ObjectRef::Namespace(id.cluster.clone(), id.namespace.clone())),
    ];
    fields.extend(workload_ref(id, fact).map(|workload| FieldRow {
        value: Some(format!("{} {}", workload.kind_word(), workload.name())),
        ..link("Workload", workload)
    }));
    fields.extend(source.team(pod).map(|team| field("Team", Some(team.to_string()))));
    fields.extend(pod.labels.queue.as_ref().map(|queue| field("Queue", Some(queue.to_string()))));
    fields.push(match &fact.node {
        Some(node) => link("Node", node_ref(&id.cluster, node)),
        None => field("Node", None),
    });
    if let Eviction::MayNot(budgets) = source.eviction(pod) {
        fields.push(field("Eviction", Some(format!("held back by disruption budget {budgets}"))));
    }
    for container in &fact.containers {
        fields.push(mono("Image", Some(container.image.to_string())));
        fields.extend(container.digest.as_ref().map(|digest| mono("Digest", Some(digest.to_string()))));
    }
    let restarts = fact.restarts();
    fields.extend([field("Restarts", Some(restarts.to_string())), mono("Uid", Some(fact.uid.to_string()))]);
    fields
}

fn holding(world: &World, source: &Source, id: &PodId, fact: &PodFact) -> Vec<FieldRow> {
    let mut gpus: Vec<String> = fact.gpus.iter().map(|(key, n)| format!("{n} × {key}")).collect();
    gpus.extend(source.claims.of_pod(fact).map(|claim| {
        let waits = claim.devices.iter().any(AllocatedFact::is_wanted);
        format!("{} {}by claim {}", claim.devices.len(), if waits { "asked for " } else { "" }, claim.name)
    }));
    let mut fields = vec![
        field("GPUs", (!gpus.is_empty()).then(|| gpus.join(", "))),
        field("CPU", (fact.cpu_millis > 0).then(|| format!("{} m", fact.cpu_millis))),
        field("Memory", (fact.memory_bytes > 0).then(|| bytes(fact.memory_bytes))),
        field("How sure", Some("exact: its requests".into())),
    ];
    fields.extend(devices(world, source, id, fact));
    fields
}

/// The GPUs that it is known to hold, each with how sure that is.
fn devices(world: &World, source: &Source, id: &PodId, fact: &PodFact) -> Vec<FieldRow> {
    let node = fact.node.as_ref().filter(|_| fact.holds()).and_then(|name| source.nodes.get(name));
    let Some(row) = node.map(|node| node_row(world, &id.cluster, source, node)) else { return Vec::new() };
    let held = row.gpus.iter().enumerate().filter(|(slot, cell)| {
        let holder = cell.holder.and_then(|at| row.holders.get(usize::from(at)));
        holder == Some(id) && row.devices.get(*slot).is_some_and(|device| !device.uuid.is_empty())
    });
    held.map(|(slot, cell)| {
        let gpu = ObjectRef::Gpu(row.id.clone(), u16::try_from(slot).unwrap_or(u16::MAX));
        let how = match cell.method {
            Method::Device | Method::Whole => String::new(),
            method => format!(", {}", method.words()),
        };
        FieldRow { value: Some(format!("{}{how}", gpu.name())), ..link("GPU", gpu) }
    })
    .collect()
}

fn findings(id: &PodId, fact: &PodFact) -> Vec<FindingRow> {
    let (status, word) = fact.status();
    let blamed = fact.containers.iter().find(|container| container.reason.is_some() && !container.ready);
    let unplaced =
        fact.conditions.iter().find(|condition| condition.kind == "PodScheduled" && condition.status == "False");
    let finding = |status, claim: String, since, effect: String, evidence: String| FindingRow {
        status,
        claim,
        since,
        effect,
        evidence,
        command: Some(format!("kubectl -n {} describe pod {}", id.namespace, id.name)),
    };
    match (status, blamed, unplaced) {
        (Status::Bad, Some(container), _) => vec![finding(
            Status::Bad,
            format!("Container {} is in {word}", container.name),
            None,
            format!("{} restarts so far.", container.restarts),
            format!("Container status: {}.", container.reason.as_deref().unwrap_or("")),
        )],
        (Status::Bad, None, _) => vec![finding(
            Status::Bad,
            format!("The pod is in {word}"),
            None,
            "It does no work.".into(),
            format!("Phase {:?}.", fact.phase),
        )],
        (_, _, Some(condition)) => vec![finding(
            Status::Warn,
            "No node takes it".into(),
            condition.since,
            "It waits and holds nothing.".into(),
            format!("Condition PodScheduled is False. {}", condition.reason.as_deref().unwrap_or("")),
        )],
        _ => Vec::new(),
    }
}
