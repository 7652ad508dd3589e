//! How much of a GPU an engine takes.

use super::{
    Between, Gpu,
    flags::{Engine, Flags},
    parts::ratio,
};

const WHOLE: u64 = 1_000_000;

/// The share that an engine takes, in millionths, and where that is from.
pub(super) fn share(flags: &Flags) -> (Between, String) {
    let (flag, default, why) = match flags.engine {
        Engine::Vllm => ("--gpu-memory-utilization", Between::new(900_000, 920_000), "0.9 by default, 0.92 in newer ones"),
        Engine::Sglang => {
            ("--mem-fraction-static", Between::new(700_000, 900_000), "by default the engine chooses it, up to 0.9")
        }
        Engine::Tgi => ("--cuda-memory-fraction", Between::new(900_000, WHOLE), "1.0 by default, less what it leaves free"),
    };
    match flags.share {
        Some(share) => (Between::exactly(share), format!("{flag} {}.{:02}", share / WHOLE, share % WHOLE / 10_000)),
        None => (default, format!("{flag}: {why}")),
    }
}

/// What the engine takes of the GPU, and what it leaves.
pub(super) fn budget(gpu: &Gpu, share: Between) -> (Between, Between) {
    let most = share.high.unwrap_or(WHOLE);
    let takes = Between { low: ratio(gpu.memory.low, share.low, WHOLE), high: gpu.memory.high.map(|all| ratio(all, most, WHOLE)) };
    let leaves = Between {
        low: ratio(gpu.memory.low, WHOLE - most.min(WHOLE), WHOLE),
        high: gpu.memory.high.map(|all| ratio(all, WHOLE - share.low.min(WHOLE), WHOLE)),
    };
    (takes, leaves)
}
