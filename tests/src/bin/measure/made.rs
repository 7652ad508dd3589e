//! Facts of a generated fleet, in the form in which a cluster says them.

use acceptance::GPU;
use pilothouse_wire::{ConnectionId, SmolStr, Stamp};
use pilothouse_world::fact::{ConditionFact, ContainerFact, Covers, Extent, Kind, NodeFact, OwnerFact, Phase, PodFact};
use pilothouse_world::{Batch, Fact};

/// When all of it began.
pub const START: Stamp = Stamp(1_795_500_000_000);

/// A list of keys with their amounts.
pub fn amounts(list: &[(&str, u64)]) -> Vec<(SmolStr, u64)> {
    list.iter().map(|(key, n)| ((*key).into(), *n)).collect()
}

/// A node that is ready and offers all of this.
pub fn node(name: &str, has: &[(&str, u64)], labels: &[(&str, &str)]) -> NodeFact {
    let good = |kind: &str, status: &str| ConditionFact {
        kind: kind.into(),
        status: status.into(),
        reason: Some("KubeletSaysSo".into()),
        since: Some(START),
    };
    NodeFact {
        name: name.into(),
        uid: format!("{name}-0000-0000-0000-000000000000").into(),
        created: Some(START),
        labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        conditions: vec![
            good("MemoryPressure", "False"),
            good("DiskPressure", "False"),
            good("PIDPressure", "False"),
            good("Ready", "True"),
        ],
        capacity: amounts(has),
        allocatable: amounts(has),
        kubelet: Some("v1.36.3".into()),
        ..NodeFact::default()
    }
}

/// A pod of a ReplicaSet that runs on a node.
pub fn pod(namespace: &str, name: &str, set: &str, on: &str, gpus: &[(&str, u64)]) -> PodFact {
    let condition =
        |kind: &str| ConditionFact { kind: kind.into(), status: "True".into(), reason: None, since: Some(START) };
    PodFact {
        namespace: namespace.into(),
        name: name.into(),
        uid: format!("{name}-0000-0000-0000-000000000000").into(),
        created: Some(START),
        owners: vec![OwnerFact { kind: "ReplicaSet".into(), name: set.into() }],
        node: Some(on.into()),
        phase: Phase::Running,
        started: Some(START),
        gpus: amounts(gpus),
        cpu_millis: 4_000,
        memory_bytes: 16 << 30,
        containers: vec![ContainerFact {
            name: "server".into(),
            image: "registry.example.com/serving/llama:v1".into(),
            ready: true,
            ..ContainerFact::default()
        }],
        conditions: vec![condition("PodScheduled"), condition("Ready")],
        ..PodFact::default()
    }
}

/// The whole list of a kind.
pub fn listing(source: &ConnectionId, kind: Kind, facts: Vec<Fact>) -> Batch {
    let extent = Extent::Replace(Covers { kind, namespace: None });
    Batch { source: source.clone(), seen_at: START, extent, facts }
}

/// What a source says beside its lists.
pub fn news(source: &ConnectionId, seen_at: Stamp, facts: Vec<Fact>) -> Batch {
    Batch { source: source.clone(), seen_at, extent: Extent::Delta, facts }
}

/// Whole GPUs.
pub fn whole(gpus: u64) -> [(&'static str, u64); 1] {
    [(GPU, gpus)]
}
