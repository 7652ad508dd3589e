//! Configurations of the demo's larger language models: dimensions that published models of that size have.

use serde_json::{Value, json};

/// About the bytes of the weights of such a model, two a weight: attention and the layers behind it, and the words twice.
pub(super) fn bytes(config: &Value) -> u64 {
    let of = |key: &str| config[key].as_u64().unwrap_or_default();
    let (hidden, width) = (of("hidden_size"), of("intermediate_size"));
    let of_keys = hidden * of("num_key_value_heads") / of("num_attention_heads").max(1);
    let layer = 2 * hidden * hidden + 2 * hidden * of_keys + 3 * hidden * width;
    2 * (of("num_hidden_layers") * layer + 2 * of("vocab_size") * hidden)
}

/// Hidden size, layers, heads, heads of keys, width, words, context.
type Sizes = (u64, u64, u64, u64, u64, u64, u64);

/// The configuration of a model of this name, if one is made up.
pub(super) fn of(name: &str) -> Option<Value> {
    let (family, sizes): (&str, Sizes) = match name {
        // As Llama 3.1 70B, 405B and 8B.
        "chat-70b" => ("llama", (8_192, 80, 64, 8, 28_672, 128_256, 131_072)),
        "chat-405b" => ("llama", (16_384, 126, 128, 8, 53_248, 128_256, 131_072)),
        "guard-8b" => ("llama", (4_096, 32, 32, 8, 14_336, 128_256, 131_072)),
        // As Code Llama 34B.
        "code-34b" => ("llama", (8_192, 48, 64, 8, 22_016, 32_000, 32_768)),
        // As Qwen2.5 32B.
        "planner-32b" => ("qwen2", (5_120, 64, 40, 8, 27_648, 152_064, 131_072)),
        _ => return None,
    };
    let (hidden, layers, heads, keys, width, words, context) = sizes;
    Some(json!({
        "model_type": family, "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": keys, "intermediate_size": width, "vocab_size": words, "max_position_embeddings": context,
        "torch_dtype": "bfloat16", "tie_word_embeddings": false
    }))
}
