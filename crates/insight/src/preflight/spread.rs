//! How a model is spread over GPUs: what a flag of parallelism parts, and what it copies.

use super::{Engine, flags::Flags};

/// How an engine spreads a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spread {
    /// GPUs that part the attention of a layer.
    pub attention: u64,
    /// GPUs that part the other matrices of a layer, the table and the head.
    pub tensor: u64,
    /// GPUs that part the experts of a layer.
    pub experts: u64,
    /// Are experts given out whole?
    pub whole_experts: bool,
    /// Stages that part the layers.
    pub stages: u64,
    /// Copies of what is not experts, which take requests of their own.
    pub copies: u64,
}

impl Spread {
    pub(super) fn of(flags: &Flags) -> Self {
        let (tensor, stages) = (flags.tensor.max(1), flags.pipeline.max(1));
        let copies = flags.data.max(1);
        let inside = flags.engine == Engine::Sglang && flags.data_inside;
        // SGLang parts the attention of each copy within the same GPUs; vLLM has GPUs of their own for each.
        let attention = if inside { (tensor / copies).max(1) } else { tensor };
        let experts = match flags.engine {
            Engine::Vllm => tensor.saturating_mul(copies),
            Engine::Sglang | Engine::Tgi => tensor,
        };
        Self {
            attention,
            tensor,
            experts,
            whole_experts: flags.whole_experts,
            stages,
            copies: if inside { 1 } else { copies },
        }
    }

    /// All GPUs of it.
    pub(super) fn gpus(self) -> u64 {
        self.tensor.saturating_mul(self.stages).saturating_mul(self.copies)
    }
}
