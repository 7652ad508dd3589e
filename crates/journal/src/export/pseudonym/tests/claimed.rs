//! Facts of devices with the claims to them, of disruption budgets, and of who wrote into a node, likewise.

use super::{AT, said::canary};
use pilothouse_world::fact::{
    AllocatedFact, AllocationFact, BudgetFact, NodeWriteFact, OfferedFact, RequirementFact, ReservedFact, SelectorFact,
    SliceFact, WrittenFact,
};

pub(super) fn budget() -> BudgetFact {
    let rule = RequirementFact { key: canary("key"), operator: "In".into(), values: vec![canary("value")] };
    BudgetFact {
        namespace: canary("namespace"),
        name: canary("budget"),
        chooses: Some(SelectorFact { labels: vec![(canary("key"), canary("value"))], rules: vec![rule] }),
        allowed: 0,
        unready_may: false,
    }
}

pub(super) fn slice() -> SliceFact {
    SliceFact {
        name: canary("slice"),
        driver: "gpu.nvidia.com".into(),
        pool: canary("node"),
        generation: 1,
        node: Some(canary("node")),
        devices: vec![OfferedFact {
            name: canary("device"),
            uuid: Some(canary("uuid")),
            parent: Some(canary("uuid")),
            profile: Some("1g.10gb".into()),
            index: Some(3),
            pci: Some("0000:3b:00.0".into()),
            product: Some("NVIDIA H100".into()),
            driver: Some("580.95.5".into()),
        }],
    }
}

pub(super) fn allocation() -> AllocationFact {
    AllocationFact {
        namespace: canary("namespace"),
        name: canary("claim"),
        devices: vec![AllocatedFact {
            driver: "gpu.nvidia.com".into(),
            pool: canary("node"),
            device: canary("device"),
        }],
        pods: vec![ReservedFact { name: canary("pod"), uid: canary("uid") }],
    }
}

pub(super) fn written() -> WrittenFact {
    let write = NodeWriteFact {
        by: canary("person"),
        at: Some(AT),
        cordon: true,
        taints: true,
        alone: false,
        labels: vec![canary("label")],
        labels_in_all: 1,
    };
    WrittenFact { writes: vec![write], cordoned: Some(AT), taints: vec![("canary=canary:NoSchedule".into(), AT)] }
}
