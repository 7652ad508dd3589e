//! Rows for the tests of the fleet screen.

use pilothouse_wire::{
    ConnectionId, NodeId, PodId, Stamp, Sum,
    view::{ClusterRow, Eviction, GpuCell, GpuState, NodeRow, PodRow, Status},
};

pub(crate) fn cluster(name: &str) -> ClusterRow {
    ClusterRow {
        id: ConnectionId::slug(name),
        name: name.into(),
        demo: false,
        version: None,
        gpus: Sum::Exact(0),
        gpus_held: Sum::Exact(0),
        nodes: Sum::Exact(0),
        pods: Sum::Exact(0),
        not_visible: None,
        budgets_told: true,
    }
}

pub(crate) fn node(cluster: &str, name: &str, pool: &str, gpus: usize) -> NodeRow {
    NodeRow {
        id: NodeId { cluster: ConnectionId::slug(cluster), name: name.into() },
        status: Status::Good,
        status_word: "Ready".into(),
        cordoned: false,
        pool: Some(pool.into()),
        product: Some("NVIDIA-H100-80GB-HBM3".into()),
        gpu_memory_mib: None,
        zone: None,
        instance_type: None,
        kubelet: None,
        conditions: vec![],
        taints: vec![],
        quarantine: None,
        resources: vec![],
        gpus: vec![GpuCell::slot(GpuState::Free, None); gpus],
        devices: Vec::new(),
        holders_known: true,
        holders: vec![],
        nameless: vec![],
        created: Some(Stamp(1_000)),
        seen: Stamp(2_000),
    }
}

pub(crate) fn pod(cluster: &str, name: &str) -> PodRow {
    PodRow {
        id: PodId { cluster: ConnectionId::slug(cluster), namespace: "serving".into(), name: name.into() },
        status: Status::Good,
        status_word: "Running".into(),
        node: None,
        workload_kind: Some("Deployment".into()),
        workload: Some("chat-70b".into()),
        owners: vec![],
        team: None,
        queue: None,
        gpus: 8,
        shares: 0,
        requests: vec![],
        images: vec![],
        digests: vec![],
        ready: 1,
        containers: 1,
        restarts: 0,
        conditions: vec![],
        eviction: Eviction::May,
        created: Some(Stamp(1_000)),
        started: Some(Stamp(2_000)),
        seen: Stamp(3_000),
    }
}
