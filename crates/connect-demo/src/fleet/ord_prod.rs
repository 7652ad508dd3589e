//! ord-prod: serving on H200. Its connection is lost once a round, and comes back.

use super::{Cast, Hardware, Keeper::*, Line, Naming::*, Pool, Service, Trouble, Work::*};
use crate::plot::{Cue::*, Release::*, Turn};

pub(super) const CAST: Cast = Cast {
    node_prefix: "h200",
    hardware: Hardware {
        product: "NVIDIA-H200",
        family: "hopper",
        memory_mib: "143771",
        instance: "gpu-h200-8x",
        region: "us-central-1",
        idle_watts: 74.0,
        watts: 700.0,
        megahertz: 1_980.0,
        nvlink: 900e9,
    },
    pools: &[Pool { name: "serve-h200", nodes: 120 }, Pool { name: "canary-h200", nodes: 40 }],
    namespaces: &["assistant", "canary", "gpu-operator", "kube-system", "serving"],
    services: SERVICES,
    lines: LINES,
    troubles: &[
        ("h200-052", Trouble::Cordoned("on-call: BMC update")),
        ("h200-133", Trouble::Lost),
        ("h200-077", Trouble::Condition("NvlinkDegraded", "LinkDown")),
    ],
    plot: PLOT,
};

const fn service(
    namespace: &'static str,
    name: &'static str,
    pool: usize,
    gpus: u64,
    pods: usize,
    version: u32,
    from: usize,
) -> Service {
    Service { keeper: Deployment, namespace, name, pool, gpus, pods, version, from, per_node: 8 }
}

const SERVICES: &[Service] = &[
    service("serving", "chat-70b", 0, 4, 92, 41, 0),
    service("serving", "chat-405b", 0, 8, 42, 14, 47),
    service("serving", "embed-e5", 0, 1, 64, 12, 90),
    service("serving", "rerank", 0, 1, 48, 18, 98),
    service("serving", "vision-8b", 0, 1, 32, 9, 104),
    Service { keeper: StatefulSet, ..service("assistant", "memory", 0, 1, 8, 3, 108) },
    service("canary", "chat-70b-next", 1, 4, 18, 41, 0),
    service("canary", "chat-405b-next", 1, 8, 10, 15, 14),
    service("canary", "rerank-next", 1, 1, 16, 19, 25),
    Service { per_node: 1, ..service("serving", "gateway", 0, 0, 8, 64, 3) },
];

const LINES: &[Line] = &[
    Line {
        naming: Numbered(640),
        namespace: "canary",
        name: "shadow-eval",
        work: Answers,
        pool: 1,
        gpus: 8,
        pods: 2,
        jobs: 3,
        waiting: 0,
        lasts: Some((90, 300)),
        version: 8,
        from: 28,
        per_node: 1,
    },
    Line {
        naming: Numbered(1_290),
        namespace: "canary",
        name: "replay",
        work: Answers,
        pool: 1,
        gpus: 2,
        pods: 2,
        jobs: 6,
        waiting: 0,
        lasts: Some((80, 260)),
        version: 3,
        from: 34,
        per_node: 2,
    },
];

const PLOT: &[Turn] = &[
    (35, Scale("chat-405b", 44)),
    (90, Roll("chat-70b-next", Candidate, 50)),
    (140, Roll("chat-70b-next", Candidate, 100)),
    (200, Scale("rerank", 56)),
    (300, Outage(31)),
    (420, Condition("h200-019", "GpuThermalSlowdown", "ClocksThrottled", "GPU 6 is at 90 °C; its clocks are lowered.")),
    (520, Clear("h200-019", "GpuThermalSlowdown")),
    (560, Scale("rerank", 48)),
    (640, Lose("h200-144")),
    (760, Revive("h200-144")),
    (820, Scale("vision-8b", 40)),
    (880, Roll("vision-8b", Candidate, 100)),
    (960, Scale("chat-405b", 42)),
    (1_060, Scale("vision-8b", 32)),
    (1_120, Roll("rerank-next", Candidate, 100)),
];
