//! fra-train: training on B200. A node under pretrain-12 is drained and given back.

use super::{Cast, Hardware, Line, Naming::*, Pool, Trouble, Work::*};
use crate::plot::{Cue::*, Turn};

pub(super) const CAST: Cast = Cast {
    node_prefix: "b200",
    hardware: Hardware {
        product: "NVIDIA-B200",
        family: "blackwell",
        memory_mib: "183359",
        instance: "gpu-b200-8x",
        region: "eu-central-1",
        idle_watts: 128.0,
        watts: 1_000.0,
        megahertz: 1_965.0,
        nvlink: 1_800e9,
    },
    pools: &[Pool { name: "train-b200", nodes: 96 }],
    namespaces: &["gpu-operator", "kube-system", "pretraining", "research"],
    services: &[],
    lines: LINES,
    troubles: &[
        ("b200-081", Trouble::Cordoned("nvsentinel: XID 94, the GPU is to be reset")),
        ("b200-033", Trouble::Condition("MemoryPressure", "KubeletHasInsufficientMemory")),
    ],
    plot: PLOT,
};

const LINES: &[Line] = &[
    Line {
        naming: Numbered(12),
        namespace: "pretraining",
        name: "pretrain",
        work: Trains,
        pool: 0,
        gpus: 8,
        pods: 64,
        jobs: 1,
        waiting: 0,
        lasts: None,
        version: 77,
        from: 16,
        per_node: 1,
    },
    Line {
        naming: Numbered(4),
        namespace: "pretraining",
        name: "rlhf",
        work: Trains,
        pool: 0,
        gpus: 8,
        pods: 14,
        jobs: 1,
        waiting: 0,
        lasts: None,
        version: 20,
        from: 0,
        per_node: 1,
    },
    Line {
        naming: Numbered(902),
        namespace: "research",
        name: "probe",
        work: Answers,
        pool: 0,
        gpus: 4,
        pods: 1,
        jobs: 8,
        waiting: 0,
        lasts: Some((70, 210)),
        version: 5,
        from: 82,
        per_node: 1,
    },
    Line {
        naming: Numbered(51),
        namespace: "research",
        name: "distill",
        work: Trains,
        pool: 0,
        gpus: 2,
        pods: 2,
        jobs: 4,
        waiting: 0,
        lasts: Some((120, 400)),
        version: 9,
        from: 82,
        per_node: 2,
    },
];

const PLOT: &[Turn] = &[
    (
        150,
        Condition(
            "b200-071",
            "GpuEccError",
            "UncorrectableRows",
            "GPU 1 has 3 uncorrectable rows; a reset remaps them.",
        ),
    ),
    (180, Cordon("b200-071", "nvsentinel: uncorrectable rows on GPU 1")),
    (195, Drain("b200-071")),
    (400, Clear("b200-071", "GpuEccError")),
    (430, Uncordon("b200-071")),
    (700, Finish("rlhf")),
    (1_000, Clear("b200-033", "MemoryPressure")),
    (
        1_150,
        Condition("b200-033", "MemoryPressure", "KubeletHasInsufficientMemory", "Less than 100 MiB are available."),
    ),
];
