//! How much of a GPU an engine takes.

use super::{Between, Engine, Gpu, ModelConfig, flags::Flags, parts::ratio, spread::Spread};

const WHOLE: u64 = 1_000_000;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The share that an engine takes, in millionths, and where that is from.
pub(super) fn share(config: &ModelConfig, flags: &Flags, spread: Spread, gpu: &Gpu) -> (Between, String) {
    let (flag, default, why) = match flags.engine {
        Engine::Vllm => {
            ("--gpu-memory-utilization", Between::new(900_000, 920_000), "0.9 by default, 0.92 in newer ones")
        }
        Engine::Sglang => (
            "--mem-fraction-static",
            Between::new(chosen(config, flags, spread, gpu), 950_000),
            "the engine chooses it by memory and parallelism, each version in its own way",
        ),
        Engine::Tgi => {
            ("--cuda-memory-fraction", Between::new(900_000, WHOLE), "1.0 by default, less what it leaves free")
        }
    };
    match flags.share {
        Some(share) => (Between::exactly(share), format!("{flag} {}.{:02}", share / WHOLE, share % WHOLE / 10_000)),
        None => (default, format!("{flag}: {why}")),
    }
}

/// The least share that a version of SGLang chooses by itself.
///
/// Source: `server_args.py` of versions of 2025 and 2026. The first went by tensor parallelism alone, the next by the
/// memory of the GPU, and the newest by what a step and its graphs take.
fn chosen(config: &ModelConfig, flags: &Flags, spread: Spread, gpu: &Gpu) -> u64 {
    let memory = gpu.memory.low;
    let parallel = spread.gpus();
    let first = match spread.tensor {
        16.. => 790_000,
        8.. => 810_000,
        4.. => 850_000,
        2.. => 870_000,
        _ => 880_000,
    };
    let drafts = if flags.predicts || flags.more_weights.is_some() { 6 * GIB } else { 0 };
    let copies = if flags.data_inside { flags.data.max(1) } else { 0 };
    let (whole, of_each) = match memory / GIB {
        0..35 => (28 * GIB / 10, GIB / 10),
        35..90 => (95 * GIB / 10, GIB / 2),
        90..160 => (12 * GIB, GIB / 2),
        160.. => (32 * GIB, 0),
    };
    let whole = if copies > 0 { whole + 4 * GIB } else { whole };
    let by_memory = parallel.saturating_mul(of_each).saturating_add(whole);
    // 1.5 MiB of a token of a step, 2 of a sequence of a graph, of which there are 512, and 4.5 of each copy.
    let tokens = flags.tokens.unwrap_or_else(|| most_tokens(gpu)).max(2_048);
    let by_step = (512 * MIB + 2 * 512 * MIB + 3 * GIB / 2)
        .saturating_add(tokens.saturating_mul(MIB * 3 / 2))
        .saturating_add(parallel.saturating_mul(GIB / 8))
        .saturating_add(copies.saturating_mul(512 * MIB * 9 / 2))
        .max(10 * GIB * u64::from(memory > 60 * GIB));
    let reserved = by_memory.max(by_step).saturating_add(drafts);
    let share = first.min(ratio(memory.saturating_sub(reserved), WHOLE, memory));
    if config.senses.is_none() {
        return share;
    }
    // Less for what sees: at least by 8 GiB, and at most by 0.95 × 0.8.
    ratio(share, 76, 100).min(share.saturating_sub(ratio(8 * GIB, WHOLE, memory)))
}

/// The most tokens of a step that a version of SGLang chooses by itself.
pub(super) fn most_tokens(gpu: &Gpu) -> u64 {
    match gpu.memory.high.unwrap_or_default() / GIB {
        0..24 => 2_048,
        24..160 => 8_192,
        160.. => 16_384,
    }
}

/// What the engine takes of the GPU, and what it leaves.
pub(super) fn budget(gpu: &Gpu, share: Between) -> (Between, Between) {
    let most = share.high.unwrap_or(WHOLE);
    let takes = Between {
        low: ratio(gpu.memory.low, share.low, WHOLE),
        high: gpu.memory.high.map(|all| ratio(all, most, WHOLE)),
    };
    let leaves = Between {
        low: ratio(gpu.memory.low, WHOLE - most.min(WHOLE), WHOLE),
        high: gpu.memory.high.map(|all| ratio(all, WHOLE - share.low.min(WHOLE), WHOLE)),
    };
    (takes, leaves)
}
