//! What the `config.json` of a model says, as far as memory follows from it.

use super::{experts::Experts, quantised::Quantised};
use serde_json::{Map, Value};

/// No size in a configuration is larger: what is says nothing.
const LARGEST: u64 = 1 << 32;
/// Keys of the longest context, of which the engine takes the smallest. Source: vLLM, `_get_and_verify_max_len`.
const LENGTHS: &[&str] = &[
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
];
/// Keys of layers that keep something other than keys and values of each token.
const OTHER_CACHES: &[&str] = &[
    "full_attention_interval",
    "linear_num_value_heads",
    "hybrid_override_pattern",
    "attn_layer_period",
    "mamba_d_state",
    "mamba_num_heads",
    "ssm_cfg",
    "compress_ratios",
    "index_head_dim",
    "num_kv_shared_layers",
    "cross_attention_layers",
];
/// Keys of what sees or hears.
const SENSES: &[&str] = &["vision_config", "audio_config", "visual", "vision_tower", "mm_vision_tower"];

/// What a model's configuration says. What it does not say is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelConfig {
    /// `model_type` of the language model.
    pub(super) family: Option<String>,
    pub(super) hidden: Option<u64>,
    pub(super) layers: Option<u64>,
    pub(super) heads: Option<u64>,
    pub(super) attention: Attention,
    pub(super) intermediate: Option<u64>,
    pub(super) vocabulary: Option<u64>,
    pub(super) tied: Option<bool>,
    /// `torch_dtype`.
    pub(super) dtype: Option<String>,
    pub(super) context: Option<u64>,
    pub(super) experts: Option<Experts>,
    pub(super) windows: Windows,
    pub(super) quantised: Option<Quantised>,
    /// The key by which it keeps more than keys and values of each token.
    pub(super) other_cache: Option<&'static str>,
    /// The key by which it sees or hears.
    pub(super) senses: Option<&'static str>,
    /// Layers in the checkpoint that only predict further tokens.
    pub(super) predicts: u64,
}

/// What attention keeps of each token and layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attention {
    /// Keys and values of heads: all of them, groups, or one.
    Heads { keys: Option<u64>, size: Option<u64> },
    /// A latent vector, as in DeepSeek.
    Latent { query: Option<u64>, rank: u64, rope: Option<u64>, plain: Option<u64>, value: Option<u64> },
}

/// Layers that look back only so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Windows {
    /// How many layers.
    pub layers: u64,
    /// How far, in tokens.
    pub size: u64,
}

impl ModelConfig {
    /// Reads a configuration. It cannot fail: what cannot be read is not there.
    #[must_use]
    pub fn read(config: &Value) -> Self {
        let whole = Fields(config);
        let text = ["text_config", "llm_config", "language_config"]
            .into_iter()
            .map(|key| &config[key])
            .find(|inner| inner.is_object())
            .map_or(whole, Fields);
        let family = text.word("model_type").or_else(|| whole.word("model_type"));
        let layers = text.size(&["num_hidden_layers", "n_layer", "num_layers"]);
        let heads = text.size(&["num_attention_heads", "n_head", "num_heads"]);
        let hidden = text.size(&["hidden_size", "n_embd", "d_model"]);
        Self {
            hidden,
            layers,
            heads,
            attention: attention(text, hidden, heads),
            intermediate: text.size(&["intermediate_size", "n_inner", "ffn_dim"]),
            vocabulary: text.size(&["vocab_size"]),
            tied: text.flag("tie_word_embeddings").or_else(|| whole.flag("tie_word_embeddings")),
            dtype: [text, whole].into_iter().find_map(|of| of.word("torch_dtype").or_else(|| of.word("dtype"))),
            context: context(text),
            experts: Experts::read(text, family.as_deref(), layers),
            windows: windows(text, family.as_deref(), layers),
            quantised: [whole, text].into_iter().find_map(|of| Quantised::read(of.object("quantization_config")?)),
            other_cache: OTHER_CACHES.iter().copied().find(|key| text.has(key)).or_else(|| other_layers(text)),
            senses: SENSES.iter().copied().find(|key| whole.has(key)),
            predicts: text.number(&["num_nextn_predict_layers"]).unwrap_or_default(),
            family,
        }
    }
}

fn attention(text: Fields<'_>, hidden: Option<u64>, heads: Option<u64>) -> Attention {
    if let Some(rank) = text.size(&["kv_lora_rank"]) {
        return Attention::Latent {
            query: text.size(&["q_lora_rank"]),
            rank,
            rope: text.size(&["qk_rope_head_dim"]),
            plain: text.size(&["qk_nope_head_dim"]),
            value: text.size(&["v_head_dim"]),
        };
    }
    // Source: vLLM, `get_total_num_kv_heads`: where none of these stands, each head has its own.
    let one = text.flag("multi_query").filter(|yes| *yes).map(|_| 1);
    let keys = text.size(&["n_head_kv", "num_kv_heads", "num_key_value_heads", "multi_query_group_num"]);
    let size = text.size(&["head_dim"]).or_else(|| hidden.zip(heads).map(|(hidden, heads)| hidden / heads));
    Attention::Heads { keys: keys.or(one).or(heads), size }
}

/// The longest context. A scaled rotation makes it longer, as vLLM reckons it.
fn context(text: Fields<'_>) -> Option<u64> {
    let longest = LENGTHS.iter().filter_map(|key| text.size(&[key])).min()?;
    let Some(scaling) = text.object("rope_scaling").or_else(|| text.object("rope_parameters")).map(Fields::of) else {
        return Some(longest);
    };
    let kind = scaling.word("rope_type").or_else(|| scaling.word("type"));
    let factor = scaling.decimal("factor").unwrap_or(1.0).clamp(1.0, 1e6);
    let base = match kind.as_deref() {
        Some("yarn") => scaling.size(&["original_max_position_embeddings"]).unwrap_or(longest),
        Some("linear" | "dynamic") => longest,
        _ => return Some(longest),
    };
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
    let scaled = (base as f64 * factor) as u64;
    Some(scaled.max(longest))
}

fn windows(text: Fields<'_>, family: Option<&str>, layers: Option<u64>) -> Windows {
    let Some(size) = text.size(&["sliding_window"]) else { return Windows::default() };
    if text.flag("use_sliding_window") == Some(false) {
        return Windows::default();
    }
    if let Some(kinds) = text.list("layer_types") {
        let slide = |kind: &&Value| matches!(kind.as_str(), Some("sliding_attention" | "chunked_attention"));
        return Windows { layers: kinds.iter().filter(slide).count() as u64, size };
    }
    let layers = layers.unwrap_or_default();
    let every = match family {
        Some("gemma2" | "gpt_oss") => 2,
        _ => text.size(&["sliding_window_pattern", "_sliding_window_pattern"]).unwrap_or(u64::MAX),
    };
    Windows { layers: layers - layers / every, size }
}

/// Layers of another kind than attention, among those that are listed.
fn other_layers(text: Fields<'_>) -> Option<&'static str> {
    let known = ["full_attention", "sliding_attention", "chunked_attention", "attention"];
    let other = |kind: &Value| kind.as_str().is_none_or(|kind| !known.contains(&kind));
    text.list("layer_types")?.iter().any(other).then_some("layer_types")
}

/// The fields of an object, if it is one.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a Value);

impl<'a> Fields<'a> {
    pub(super) fn of(object: &'a Value) -> Self {
        Self(object)
    }

    fn value(self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// Does it say anything under this key? What is off or none says nothing.
    fn has(self, key: &str) -> bool {
        self.value(key).is_some_and(|value| !matches!(value, Value::Bool(false)) && value.as_u64() != Some(0))
    }

    /// The first of these keys that has a number, which may be 0.
    pub(super) fn number(self, keys: &[&str]) -> Option<u64> {
        keys.iter().find_map(|key| self.value(key)?.as_u64()).filter(|n| *n <= LARGEST)
    }

    /// The first of these keys that has a size: 0 is none.
    pub(super) fn size(self, keys: &[&str]) -> Option<u64> {
        self.number(keys).filter(|n| *n > 0)
    }

    fn decimal(self, key: &str) -> Option<f64> {
        self.value(key)?.as_f64()
    }

    pub(super) fn word(self, key: &str) -> Option<String> {
        Some(self.value(key)?.as_str()?.to_owned())
    }

    pub(super) fn flag(self, key: &str) -> Option<bool> {
        self.value(key)?.as_bool()
    }

    pub(super) fn list(self, key: &str) -> Option<&'a Vec<Value>> {
        self.value(key)?.as_array()
    }

    pub(super) fn object(self, key: &str) -> Option<&'a Value> {
        self.value(key).filter(|value| value.as_object().is_some_and(|object: &Map<_, _>| !object.is_empty()))
    }
}
