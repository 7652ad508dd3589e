//! What an engine needs of a GPU beside weights and cache: the work of a step, the runtime, links, recorded graphs.
//!
//! Two bounds: what a step cannot do without, and the most that its layers and its sampling come to.

use super::{
    Between, Engine, Gpu, Line, ModelConfig, budget,
    config::Attention,
    flags::Flags,
    params::lacks,
    spread::Spread,
    weights::{line, plain_width},
};
use pilothouse_wire::units::count;

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
/// Bytes of sampling for each word of the vocabulary and sequence: logits in 16 and 32 bits at least; and while they are
/// sorted, themselves and their places in 64 bits, twice.
const SAMPLING: Between = Between { low: 6, high: Some(6 + 2 * (4 + 8)) };
/// What the runtime takes of one GPU: reports of vLLM say 0.02 to 1.39 GiB of `non_torch_memory`.
const RUNTIME: u64 = GIB * 14 / 10;
/// With links to others: up to 2.10 GiB.
const LINKED: u64 = GIB * 21 / 10;
/// Recorded graphs: vLLM warns of 1 to 3 GiB, and reports up to 2.75 GiB of 80 layers, 35 MiB a layer.
const GRAPHS: u64 = 3 * GIB;
const GRAPH: u64 = 35 * MIB;

/// What is needed beside weights and cache.
pub(super) struct Work {
    /// Within what the engine takes of the GPU.
    pub inside: Between,
    /// In what it leaves.
    pub outside: Between,
    pub lines: Vec<Line>,
}

/// Reckons it. Where something is missing, there is no upper bound, and the line says so.
pub(super) fn work(config: &ModelConfig, flags: &Flags, spread: Spread, gpu: &Gpu) -> Work {
    let step = Step::of(flags, gpu, spread);
    let (activations, from) = match activations(config, flags, spread, &step) {
        Ok(activations) => (activations, step.from),
        Err(missing) => (Between::at_least(0), format!("no upper bound: {missing}")),
    };
    let (activations, from) = match config.senses.filter(|_| !flags.text_only) {
        Some(key) => (Between::at_least(activations.low), format!("no upper bound: {key} says that it sees or hears")),
        None => (activations, from),
    };
    let runtime = Between::new(0, if spread.gpus() > 1 { LINKED } else { RUNTIME });
    let layers = config.layers.unwrap_or(u64::MAX).div_ceil(spread.stages);
    let graphs = if flags.eager { Between::ZERO } else { Between::new(0, GRAPHS.min(GRAPH.saturating_mul(layers))) };
    let without =
        if flags.eager { "switched off" } else { "up to 35 MiB a layer and 3 GiB, as vLLM warns and reports" };
    let lines = vec![
        line("Work of a step", activations, from, true),
        line("Runtime and links", runtime, "as much as reports of vLLM show", true),
        line("Recorded graphs", graphs, without, true),
    ];
    match flags.engine {
        // Its share is for weights and cache alone.
        Engine::Sglang => Work { inside: runtime, outside: activations.plus(graphs), lines },
        Engine::Vllm | Engine::Tgi => {
            Work { inside: activations.plus(runtime).plus(graphs), outside: Between::ZERO, lines }
        }
    }
}

/// A step: how many tokens, how many sequences.
struct Step {
    tokens: Between,
    sequences: Between,
    from: String,
}

impl Step {
    /// Source of the defaults: vLLM, `get_batch_defaults` of its API server: 8,192 tokens and 1,024 sequences from 70 GiB
    /// on, 16,384 tokens from 160 GiB on in the newest, else 2,048 and 256; the A100 counts as small.
    fn of(flags: &Flags, gpu: &Gpu, spread: Spread) -> Self {
        let memory = gpu.memory.high.unwrap_or_default();
        let large = memory >= 70 * GIB && !gpu.name.to_uppercase().contains("A100");
        let most_tokens = match (large, memory >= 160 * GIB) {
            (_, true) => 16_384,
            (true, false) => 8_192,
            (false, false) => 2_048,
        };
        let tokens = flags.tokens.map_or(Between::new(2_048, most_tokens), Between::exactly);
        let sequences = flags.requests.map_or(Between::new(256, if large { 1_024 } else { 256 }), Between::exactly);
        let (tokens, sequences) = match flags.engine {
            Engine::Vllm => (tokens, sequences),
            // It does not try the largest step beforehand. Source: SGLang, `model_runner.py`: 2,048 to 4,096 requests.
            Engine::Sglang => (
                Between::new(1, flags.tokens.unwrap_or_else(|| budget::most_tokens(gpu))),
                Between::new(1, flags.requests.unwrap_or(4_096)),
            ),
            Engine::Tgi => (flags.tokens.map_or(Between::at_least(1), Between::exactly), sequences),
        };
        let many = |what: Between, of: &str, flag: Option<u64>| match (flag, what.high) {
            (Some(n), _) => format!("{} {of}", count(n)),
            (None, Some(high)) if high == what.low => format!("{} {of} (by default)", count(high)),
            (None, Some(high)) => format!("{} to {} {of} (by default)", count(what.low), count(high)),
            (None, None) => format!("nobody says how many {of}"),
        };
        let copies = if spread.copies > 1 { format!(" of each of {} copies", spread.copies) } else { String::new() };
        let from = format!(
            "{}, {}{copies}, through a layer and its sampling",
            many(tokens, "tokens", flags.tokens),
            many(sequences, "sequences", flags.requests)
        );
        Self { tokens, sequences, from }
    }
}

fn activations(config: &ModelConfig, flags: &Flags, spread: Spread, step: &Step) -> Result<Between, String> {
    let hidden = config.hidden.ok_or_else(|| lacks("hidden_size"))?;
    let vocabulary = config.vocabulary.ok_or_else(|| lacks("vocab_size"))?;
    let width = plain_width(flags) / 8_000;
    // A step holds the states of its tokens, and what is added to them.
    let states = hidden.saturating_mul(2).saturating_mul(width);
    // Attention is over when the matrices behind it begin, and all layers when sampling does: vLLM measures the peak.
    let layer = attention(config, spread)?.max(matrices(config, hidden, spread)?);
    let most = hidden.saturating_mul(4).saturating_add(layer).saturating_mul(width);
    let sampling = step.sequences.times(vocabulary);
    let low = step.tokens.low.saturating_mul(states).max(sampling.low.saturating_mul(SAMPLING.low));
    let high = step.tokens.high.zip(sampling.high).zip(SAMPLING.high).map(|((tokens, words), bytes)| {
        let sampling = words.saturating_mul(bytes).saturating_add(tokens.saturating_mul(states));
        tokens.saturating_mul(most).max(sampling)
    });
    Ok(Between { low: low.min(high.unwrap_or(u64::MAX)), high })
}

/// Numbers of a token in the attention of a layer: in and out, and once more in another order.
fn attention(config: &ModelConfig, spread: Spread) -> Result<u64, String> {
    let heads = config.heads.ok_or_else(|| lacks("num_attention_heads"))?.div_ceil(spread.attention.max(1));
    let of_head = match config.attention {
        Attention::Heads { size, .. } => size.ok_or_else(|| lacks("head_dim"))?.saturating_mul(3 * 3),
        Attention::Latent { rope, plain, value, rank, .. } => {
            let (rope, plain, value) = (rope.unwrap_or(rank), plain.unwrap_or(rank), value.unwrap_or(rank));
            (plain + rope).saturating_mul(3).saturating_add((plain + value).saturating_mul(2))
        }
    };
    Ok(heads.saturating_mul(of_head))
}

/// Numbers of a token in the matrices behind attention: gate, up and their product; of experts, for each that it goes
/// through, and what comes out of it. Copies that part experts send each other their tokens.
fn matrices(config: &ModelConfig, hidden: u64, spread: Spread) -> Result<u64, String> {
    let dense = config.intermediate.map(|width| width.saturating_mul(3).div_ceil(spread.tensor));
    let Some(experts) = config.experts else {
        return dense.ok_or_else(|| lacks("intermediate_size"));
    };
    let active = experts.active.ok_or_else(|| lacks("num_experts_per_tok"))?;
    let size = experts.size.ok_or_else(|| lacks("moe_intermediate_size"))?.saturating_mul(3);
    let size = if spread.whole_experts { size } else { size.div_ceil(spread.experts.max(1)) };
    let of_experts = active.saturating_mul(size.saturating_add(hidden)).saturating_mul(spread.copies);
    Ok(of_experts.max(dense.unwrap_or_default()))
}
