//! One object in full: identity, findings, holders, events, changes around it.

mod alert;
mod connection;
mod measured;
mod model;
mod node;
mod pod;
mod tag;
mod workload;

use crate::{World, fact::Kind, source::Source};
use pilothouse_wire::{
    ConnectionId, Keyed, NodeId, ObjectRef, PodId, SmolStr, Stamp,
    view::{EventRow, FieldRow, Finding, FindingRow, Mark, MarkKind, ObjectView, Status},
};

pub use measured::{Keeper, keeper, readings};

/// Projects one object; `None` if nothing is known of it. Of the findings it takes those that hit the object.
#[must_use]
pub fn object(world: &World, object: &ObjectRef, findings: &Keyed<Finding>, now: Stamp) -> Option<ObjectView> {
    let source = world.source(object.connection())?;
    let part = match object {
        ObjectRef::Connection(_) => Some(connection::part(source)),
        ObjectRef::Node(node) => node::part(world, source, node, None),
        ObjectRef::Gpu(node, index) => node::part(world, source, node, Some(*index)),
        ObjectRef::Pod(pod) => pod::part(world, source, pod),
        ObjectRef::Namespace(id, name) => workload::namespace(source, id, name),
        ObjectRef::Workload(id, namespace, kind, name) => workload::part(source, id, namespace, kind, name),
        ObjectRef::Alert(id) => alert::part(world, id),
        ObjectRef::Model(id) => model::part(world, id),
        ObjectRef::Tag(id) => tag::part(world, id),
        // Never watched: whoever looks at one reads it from its server.
        ObjectRef::Other(_) => None,
    };
    let Some(part) = part else { return gone(world, source, object) };
    let hit: Vec<&Finding> = findings.rows().iter().filter(|finding| hits(finding, object)).collect();
    let worst = hit.iter().copied().min_by_key(|finding| finding.status).filter(|worst| worst.status < part.status);
    let (alerts, alert_marks) = alert::about(world, object);
    let own = part.findings.into_iter().chain(alerts);
    let around: Vec<ObjectRef> = part.around.into_iter().chain(alert_marks).collect();
    Some(ObjectView {
        object: object.clone(),
        exists: true,
        status: worst.map_or(part.status, |worst| worst.status),
        status_word: worst.map_or(part.status_word, |worst| worst.word.clone()),
        identity: part.identity,
        findings: hit.into_iter().map(finding_row).chain(own).collect(),
        holding: part.holding,
        beside: match object {
            ObjectRef::Gpu(node, slot) => node::beside(world, source, node, *slot),
            _ => Vec::new(),
        },
        measured: measured::measured(world, object, now),
        serving: super::serving::of(world, object),
        // Which registries have it follows from more than the world.
        lineage: Vec::new(),
        events: events(source, part.regarding),
        changes: changes(world, object, &around, now),
        source: object.connection().clone(),
        has_yaml: !is_of_no_cluster(object),
        // The demo fleet is made of facts: there is no server behind it to tell more.
        has_description: !is_of_no_cluster(object) && !source.about.demo,
    })
}

/// What is not there, and of which the ribbon tells: when it came and went. Where its kind was not read yet nobody knows that.
fn gone(world: &World, source: &Source, object: &ObjectRef) -> Option<ObjectView> {
    let (is_read, word) = match object {
        ObjectRef::Pod(pod) => (source.was_listed(Kind::Pod, Some(&pod.namespace)), "Gone"),
        // It may be there and keep none.
        ObjectRef::Workload(_, namespace, ..) => (source.was_listed(Kind::Pod, Some(namespace)), "No pods"),
        ObjectRef::Node(_) | ObjectRef::Gpu(..) => (source.has_listed(Kind::Node), "Gone"),
        _ => (false, ""),
    };
    if !is_read {
        return None;
    }
    let own = |mark: &&Mark| mark.key.object == *object;
    let changes: Keyed<Mark> = world.marks_since(Stamp(i64::MIN)).filter(own).take(50).cloned().collect();
    let went = changes.rows().iter().max_by_key(|mark| mark.key.at)?;
    let went = matches!(went.key.kind, MarkKind::PodGone | MarkKind::NodeWent).then_some(went.key.at);
    let cluster = object.connection().clone();
    let namespace =
        object.namespace().map(|name| link("Namespace", ObjectRef::Namespace(cluster.clone(), name.clone())));
    let since = went.map(|at| field("Gone since", Some(at.to_string())));
    Some(ObjectView {
        object: object.clone(),
        exists: false,
        status: Status::Unknown,
        status_word: SmolStr::new_static(word),
        identity: std::iter::once(field("Cluster", Some(cluster.to_string()))).chain(namespace).chain(since).collect(),
        findings: Vec::new(),
        holding: Vec::new(),
        beside: Vec::new(),
        measured: None,
        serving: None,
        lineage: Vec::new(),
        events: Vec::new(),
        changes,
        source: cluster,
        has_yaml: false,
        has_description: false,
    })
}

/// Is it no object of a cluster, so that no server of one can say more of it?
fn is_of_no_cluster(object: &ObjectRef) -> bool {
    matches!(object, ObjectRef::Connection(_) | ObjectRef::Alert(_) | ObjectRef::Model(_) | ObjectRef::Tag(_))
}

/// Does a finding hit an object? A pod is not ill because of what is wrong with its own node's neighbours.
fn hits(finding: &Finding, object: &ObjectRef) -> bool {
    match object {
        ObjectRef::Node(node) => finding.node == *node,
        ObjectRef::Gpu(node, slot) => finding.node == *node && finding.gpus.contains(slot),
        ObjectRef::Pod(pod) => finding.pods.contains(pod),
        ObjectRef::Workload(id, namespace, kind, name) => {
            finding.node.cluster == *id
                && finding.workloads.iter().any(|hit| *hit == format!("{kind} {namespace}/{name}"))
        }
        ObjectRef::Connection(_)
        | ObjectRef::Namespace(..)
        | ObjectRef::Other(_)
        | ObjectRef::Alert(_)
        | ObjectRef::Model(_)
        | ObjectRef::Tag(_) => false,
    }
}

/// A finding as the inspector shows it: who is hit and what to do in one sentence each.
fn finding_row(finding: &Finding) -> FindingRow {
    let of = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let hit = match (finding.pods.len(), finding.workloads.as_slice()) {
        (0, _) => format!("It hits {} and no pod.", of(finding.gpus.len(), "GPU")),
        (pods, []) => format!("It hits {} and {}.", of(finding.gpus.len(), "GPU"), of(pods, "pod")),
        (pods, workloads) => {
            let names = workloads.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(", ");
            let services = match finding.services.as_slice() {
                [] => String::new(),
                services => format!(", behind {}", services.join(", ")),
            };
            format!("It hits {} and {} of {names}{services}.", of(finding.gpus.len(), "GPU"), of(pods, "pod"))
        }
    };
    FindingRow {
        status: finding.status,
        claim: finding.claim.clone(),
        since: finding.since,
        effect: format!("{hit} {}", finding.action),
        evidence: finding.evidence.clone(),
        command: finding.command.clone(),
    }
}

/// What each kind of object adds.
struct Part {
    status: Status,
    status_word: SmolStr,
    identity: Vec<FieldRow>,
    findings: Vec<FindingRow>,
    holding: Vec<FieldRow>,
    /// What events are about: kind, namespace, name.
    regarding: Option<(SmolStr, Option<SmolStr>, SmolStr)>,
    /// Other objects whose changes belong here.
    around: Vec<ObjectRef>,
}

pub(super) fn events(source: &Source, regarding: Option<(SmolStr, Option<SmolStr>, SmolStr)>) -> Vec<EventRow> {
    let Some((kind, namespace, name)) = regarding else { return Vec::new() };
    // Events about a cluster-wide object stand in namespace "default" or in none: writers differ.
    let keys = [(kind.clone(), namespace.clone(), name.clone()), (kind, None, name)];
    let uids = keys.iter().filter_map(|key| source.regarding.get(key)).flatten();
    let mut rows: Vec<EventRow> = uids
        .filter_map(|uid| source.events.get(uid))
        .map(|event| EventRow {
            at: event.at,
            warning: event.warning,
            reason: event.reason.clone(),
            note: event.note.clone(),
            count: event.count,
        })
        .collect();
    rows.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.note.cmp(&b.note)));
    rows.dedup();
    rows.truncate(50);
    rows
}

fn changes(world: &World, object: &ObjectRef, around: &[ObjectRef], now: Stamp) -> Keyed<Mark> {
    let day = now.minus(std::time::Duration::from_secs(86_400));
    let own = |mark: &&Mark| mark.key.object == *object || around.contains(&mark.key.object);
    world.marks_since(day).filter(own).take(50).cloned().collect()
}

fn field(label: &'static str, value: Option<String>) -> FieldRow {
    FieldRow { label: SmolStr::new_static(label), value, mono: false, link: None }
}

fn mono(label: &'static str, value: Option<String>) -> FieldRow {
    FieldRow { mono: true, ..field(label, value) }
}

fn link(label: &'static str, object: ObjectRef) -> FieldRow {
    FieldRow { link: Some(object.clone()), ..field(label, Some(object.name().to_string())) }
}

fn node_ref(id: &ConnectionId, name: &SmolStr) -> ObjectRef {
    ObjectRef::Node(NodeId { cluster: id.clone(), name: name.clone() })
}

fn pod_ref(pod: &PodId) -> ObjectRef {
    ObjectRef::Pod(pod.clone())
}
