//! How many weights a model has, from its dimensions: of families whose layers are known.

use super::config::{Attention, ModelConfig};

/// Families with these layers: queries, keys, values and output; a gate, an up and a down projection, or as many of each
/// expert. A test holds what they come to against published numbers.
const KNOWN: &[&str] = &[
    "llama",
    "mistral",
    "mixtral",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "gemma",
    "gemma2",
    "gemma3_text",
    "phi3",
    "granite",
    "olmo2",
    "seed_oss",
    "deepseek_v2",
    "deepseek_v3",
    "kimi_k2",
    "glm4_moe",
    "gpt_oss",
    "minimax_m2",
    "ernie4_5",
    "ernie4_5_moe",
];

/// Numbers of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Params {
    pub layers: u64,
    pub dense_layers: u64,
    /// The table of tokens.
    pub embedding: u64,
    /// The head, where it is not the table of tokens; two numbers where nobody says.
    pub head: (u64, u64),
    pub attention: PerLayer,
    /// Gate, up and down projections of a layer without experts.
    pub dense: u64,
    /// All experts of a layer.
    pub experts: u64,
    /// Its shared experts.
    pub shared: u64,
    /// What chooses among experts, and norms.
    pub small: u64,
}

/// The attention of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PerLayer {
    /// Parted among the GPUs.
    pub parted: u64,
    /// Keys and values of one head, and how many heads: no GPU has less than one.
    pub keys: (u64, u64),
    /// On each GPU whole.
    pub copied: u64,
    /// Matrices of a latent cache, which the engine unpacks into 16 bits beside the weights.
    pub unpacked: u64,
}

impl Params {
    /// Reckons them.
    ///
    /// # Errors
    ///
    /// The field that is missing, or the family that is not known.
    pub(super) fn of(config: &ModelConfig) -> Result<Self, String> {
        let family = config.family.as_deref().ok_or_else(|| lacks("model_type"))?;
        if !KNOWN.contains(&family) {
            return Err(format!("the layers of the family {family} are not known"));
        }
        let hidden = config.hidden.ok_or_else(|| lacks("hidden_size"))?;
        let layers = config.layers.ok_or_else(|| lacks("num_hidden_layers"))?;
        let vocabulary = config.vocabulary.ok_or_else(|| lacks("vocab_size"))?;
        let embedding = vocabulary.saturating_mul(hidden);
        let head = match config.tied {
            Some(true) => (0, 0),
            Some(false) => (embedding, embedding),
            None => (0, embedding),
        };
        let gated = |width: u64| hidden.saturating_mul(3).saturating_mul(width);
        let (mut dense_layers, mut experts, mut shared, mut small) = (layers, 0, 0, hidden.saturating_mul(2));
        if let Some(of) = config.experts {
            let size = of.size.ok_or_else(|| lacks("moe_intermediate_size"))?;
            dense_layers = of.dense_layers.min(layers);
            experts = gated(size).saturating_mul(of.count);
            shared = gated(of.shared);
            small = small.saturating_add(hidden.saturating_mul(of.count));
        }
        let dense = match config.intermediate {
            Some(width) => gated(width),
            None if dense_layers == 0 => 0,
            None => return Err(lacks("intermediate_size")),
        };
        let attention = attention(config, hidden)?;
        Ok(Self { layers, dense_layers, embedding, head, attention, dense, experts, shared, small })
    }

    /// All of them, with the head or without.
    #[cfg(test)]
    pub(super) fn total(&self) -> u64 {
        let attention = self.attention.parted + self.attention.copied + self.attention.keys.0 * self.attention.keys.1;
        let with_experts = self.layers - self.dense_layers;
        self.embedding
            + self.head.1
            + self.layers * (attention + self.small)
            + self.dense_layers * self.dense
            + with_experts * (self.experts + self.shared)
    }
}

fn attention(config: &ModelConfig, hidden: u64) -> Result<PerLayer, String> {
    let heads = config.heads.ok_or_else(|| lacks("num_attention_heads"))?;
    let times = |all: &[u64]| all.iter().fold(1_u64, |product, n| product.saturating_mul(*n));
    match config.attention {
        Attention::Heads { keys, size } => {
            let keys = keys.ok_or_else(|| lacks("num_key_value_heads"))?;
            let size = size.ok_or_else(|| lacks("head_dim"))?;
            let one = times(&[hidden, size]);
            Ok(PerLayer {
                parted: times(&[2, heads, one]),
                keys: (one.saturating_mul(2), keys),
                copied: 0,
                unpacked: 0,
            })
        }
        Attention::Latent { query, rank, rope, plain, value } => {
            let rope = rope.ok_or_else(|| lacks("qk_rope_head_dim"))?;
            let plain = plain.ok_or_else(|| lacks("qk_nope_head_dim"))?;
            let value = value.ok_or_else(|| lacks("v_head_dim"))?;
            let queries = times(&[query.unwrap_or(hidden), heads, plain + rope]);
            let unpacked = times(&[rank, heads, plain + value]);
            Ok(PerLayer {
                parted: queries.saturating_add(unpacked).saturating_add(times(&[heads, value, hidden])),
                keys: (0, 0),
                copied: times(&[hidden, query.unwrap_or_default() + rank + rope]),
                unpacked,
            })
        }
    }
}

pub(super) fn lacks(field: &str) -> String {
    format!("the configuration has no {field}")
}
