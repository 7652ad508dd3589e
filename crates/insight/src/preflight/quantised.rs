//! How a checkpoint is quantised, as its configuration says: how many bits a weight, and which weights are not.

use super::{Between, config::Fields};
use serde_json::Value;
use std::collections::BTreeSet;

/// Thousandths of a bit, in which widths are reckoned: a scale of each 32 weights is a part of a bit.
const BIT: u64 = 1_000;

/// A weight in 8 bits, with a scale of a tensor, or of 32 bits for each row of 320 weights or more.
const EIGHT: Between = Between { low: 8 * BIT, high: Some(8 * BIT + BIT / 10) };

/// How a checkpoint is quantised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quantised {
    /// The method, in the words of the configuration.
    pub method: String,
    /// The row of the table of formats.
    pub format: Option<&'static str>,
    /// The width of a weight with its share of the scales, in thousandths of a bit; none where nobody can tell.
    pub width: Option<Between>,
    /// Only experts are.
    pub experts_only: bool,
    /// Weights are scaled in blocks that are so wide.
    pub block: Option<u64>,
    /// So many weights along a row have a scale of their own.
    pub group: Option<u64>,
    /// Are dimensions of experts rounded up?
    pub padded: bool,
    /// Layers whose attention is not.
    pub attention: Exempt,
    /// Layers whose experts or other matrices are not.
    pub mlp: Exempt,
    /// Are the shared experts not?
    pub shared: bool,
    /// Does it say that the cache is kept in 8 bits?
    pub cache: bool,
}

/// Layers that something does not hold of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exempt {
    /// Only these.
    Layers(BTreeSet<u64>),
    All,
}

impl Exempt {
    fn none() -> Self {
        Self::Layers(BTreeSet::new())
    }

    fn add(&mut self, layer: Option<u64>) {
        match (&mut *self, layer) {
            (Self::Layers(layers), Some(layer)) => {
                layers.insert(layer);
            }
            (_, None) => *self = Self::All,
            (Self::All, _) => {}
        }
    }

    /// How many of so many layers.
    pub(super) fn of(&self, layers: u64) -> u64 {
        match self {
            Self::Layers(some) => some.iter().filter(|layer| **layer < layers).count() as u64,
            Self::All => layers,
        }
    }
}

/// Bits with a scale of so many bits for each group of weights.
fn grouped(bits: u64, scale: u64, group: u64) -> u64 {
    bits.saturating_mul(BIT).saturating_add(scale.saturating_mul(BIT).checked_div(group).unwrap_or_default())
}

impl Quantised {
    /// Reads `quantization_config`.
    pub(super) fn read(config: &Value) -> Option<Self> {
        let fields = Fields::of(config);
        let method = fields.word("quant_method").or_else(|| fields.word("quant_algo"))?;
        let mut it = Self::plain(method);
        it.by_method(fields);
        for key in ["modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules", "llm_int8_skip_modules"] {
            for module in fields.list(key).into_iter().flatten().filter_map(Value::as_str) {
                it.exempt(&module.to_lowercase());
            }
        }
        it.cache = fields.object("kv_cache_scheme").is_some() || fields.word("kv_cache_quant_algo").is_some();
        Some(it)
    }

    /// What a flag asks of an engine, of a checkpoint that is not quantised. None where it cannot be.
    pub(super) fn while_loading(flag: &str) -> Option<Self> {
        let mut it = Self::plain(flag.to_owned());
        match flag {
            "fp8" | "fp8_per_tensor" | "fp8_e4m3" => it.in_format("fp8", EIGHT),
            "bitsandbytes" | "bitsandbytes-nf4" => it.in_format("bitsandbytes", Between::new(4_127, 4_500)),
            "w8a8_int8" => it.in_format("int8", EIGHT),
            _ => return None,
        }
        Some(it)
    }

    fn plain(method: String) -> Self {
        Self {
            method,
            format: None,
            width: None,
            experts_only: false,
            block: None,
            group: None,
            padded: false,
            attention: Exempt::none(),
            mlp: Exempt::none(),
            shared: false,
            cache: false,
        }
    }

    fn in_format(&mut self, format: &'static str, width: Between) {
        (self.format, self.width) = (Some(format), Some(width));
    }

    fn by_method(&mut self, fields: Fields<'_>) {
        match self.method.to_lowercase().as_str() {
            "fp8" | "fbgemm_fp8" => {
                self.block = block(fields);
                self.in_format("fp8", self.block.map_or(EIGHT, in_blocks));
            }
            "awq" | "gptq" | "awq_marlin" | "gptq_marlin" => {
                let bits = fields.size(&["bits", "w_bit"]).unwrap_or(4);
                let group = fields.size(&["group_size", "q_group_size"]).unwrap_or_default();
                self.group = Some(group).filter(|group| *group > 0);
                let format = if self.method.to_lowercase().starts_with("awq") { "awq" } else { "gptq" };
                // A scale of 16 bits, and at most a zero point beside it.
                self.in_format(format, Between::new(grouped(bits, 16, group), grouped(bits, 16 + bits, group)));
            }
            "bitsandbytes" if fields.flag("load_in_8bit") == Some(true) => self.in_format("bitsandbytes", EIGHT),
            // A scale of 32 bits for 64 weights, or of 8 where scales are quantised too.
            "bitsandbytes" => self.in_format("bitsandbytes", Between::new(4_127, 4_500)),
            "mxfp4" => self.in_mxfp4(),
            "compressed-tensors" | "modelopt" | "modelopt_fp4" | "modelopt_fp8" | "nvfp4" => self.by_groups(fields),
            _ => {}
        }
    }

    fn in_mxfp4(&mut self) {
        self.in_format("mxfp4", Between::exactly(grouped(4, 8, 32)));
        self.experts_only = true;
        self.padded = true;
    }

    /// Groups of weights with a scheme each, or one algorithm for all.
    fn by_groups(&mut self, fields: Fields<'_>) {
        let algorithm = fields.word("quant_algo").unwrap_or_default().to_uppercase();
        match algorithm.as_str() {
            "FP8" | "FP8_PER_CHANNEL_PER_TOKEN" => {
                return self.in_format("fp8", EIGHT);
            }
            "NVFP4" => return self.in_format("nvfp4", Between::exactly(grouped(4, 8, 16))),
            _ => {}
        }
        let Some(groups) = fields.object("config_groups").and_then(Value::as_object) else { return };
        for group in groups.values() {
            let of = Fields::of(group);
            let Some((format, width)) = of.object("weights").and_then(|it| scheme(it, of)) else {
                (self.format, self.width) = (None, None);
                return;
            };
            let wider = self.width.is_none_or(|known| width.low > known.low);
            self.format = if wider { Some(format) } else { self.format };
            self.width = Some(self.width.map_or(width, |known| known.or(width)));
            self.block =
                self.block.or_else(|| of.object("weights").and_then(|it| block_of(Fields::of(it), "block_structure")));
        }
    }

    fn exempt(&mut self, module: &str) {
        let layer = layer(module);
        let has = |words: &[&str]| words.iter().any(|word| module.contains(word));
        if has(&["norm", "lm_head", "embed", "visual", "vision", "audio", "bias"]) {
            return;
        }
        // The router is small, and with other parts is never quantised.
        let router = has(&["router"]) || has(&["gate"]) && !has(&["gate_proj", "gate_up"]);
        if has(&["attn", "attention", "q_proj", "k_proj", "v_proj", "o_proj", "qkv"]) {
            self.attention.add(layer);
        } else if has(&["shared_expert"]) {
            self.shared |= !router;
        } else if router {
            // Nothing: it is reckoned as not quantised.
        } else if has(&["mlp", "expert", "ffn", "feed_forward", "gate_proj", "gate_up", "up_proj", "down_proj"]) {
            self.mlp.add(layer);
        } else if layer.is_some() {
            self.attention.add(layer);
            self.mlp.add(layer);
        }
    }
}

/// The scheme of a group of `compressed-tensors`.
fn scheme(weights: &Value, group: Fields<'_>) -> Option<(&'static str, Between)> {
    let of = Fields::of(weights);
    let (bits, kind) = (of.size(&["num_bits"])?, of.word("type")?);
    let size = of.size(&["group_size"]).unwrap_or_default();
    let width = Between::new(grouped(bits, 8, size), grouped(bits, 16 + bits, size).max(bits * BIT * 81 / 80));
    let format = match (kind.as_str(), bits, size, group.object("input_activations").is_some()) {
        ("float", 4, 16, _) => return Some(("nvfp4", Between::exactly(grouped(4, 8, 16)))),
        ("float", 4, ..) => return Some(("mxfp4", Between::exactly(grouped(4, 8, 32)))),
        ("float", 8, ..) => "fp8",
        ("int", 8, _, true) => "int8",
        ("int", _, _, false) => "wna16",
        _ => return None,
    };
    Some((format, width))
}

/// A weight in 8 bits, with a scale of 32 bits for each square of weights, and squares at edges that are not full.
fn in_blocks(wide: u64) -> Between {
    Between::new(8 * BIT, grouped(8, 32, wide.saturating_mul(wide)).saturating_add(BIT / 100))
}

fn block(fields: Fields<'_>) -> Option<u64> {
    block_of(fields, "weight_block_size")
}

fn block_of(fields: Fields<'_>, key: &str) -> Option<u64> {
    fields.list(key)?.first()?.as_u64().filter(|n| *n > 0)
}

/// The number of the layer in the name of a module: `model.layers.7.mlp`.
fn layer(module: &str) -> Option<u64> {
    let rest = module.split("layers.").nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(config: Value, format: Option<&str>, width: Option<Between>) -> Quantised {
        let it = Quantised::read(&config).unwrap();
        assert_eq!((it.format, it.width), (format, width), "{config}");
        it
    }

    #[test]
    fn each_method_has_its_width_with_the_share_of_its_scales() {
        check(
            json!({ "quant_method": "awq", "bits": 4, "group_size": 128 }),
            Some("awq"),
            Some(Between::new(4_125, 4_156)),
        );
        check(json!({ "quant_method": "mxfp4" }), Some("mxfp4"), Some(Between::exactly(4_250)));
        check(
            json!({ "quant_method": "modelopt", "quant_algo": "NVFP4" }),
            Some("nvfp4"),
            Some(Between::exactly(4_500)),
        );
        check(json!({ "quant_method": "gguf" }), None, None);
        let blocks = json!({ "quant_method": "fp8", "weight_block_size": [128, 128] });
        assert_eq!(check(blocks, Some("fp8"), Some(Between::new(8_000, 8_011))).block, Some(128));
        let int8 = json!({ "quant_method": "compressed-tensors", "config_groups": { "group_0": {
            "weights": { "num_bits": 8, "type": "int", "strategy": "channel" }, "input_activations": { "num_bits": 8 } } } });
        check(int8, Some("int8"), Some(Between::new(8_000, 8_100)));
    }

    #[test]
    fn what_is_left_as_it_is_is_told_by_layer() {
        let it = Quantised::read(&json!({ "quant_method": "fbgemm_fp8", "modules_to_not_convert": [
            "lm_head", "model.layers.0.mlp.up_proj", "model.layers.125.mlp.down_proj", "model.layers.7.mlp.gate",
            "model.layers.*.self_attn.q_proj", "model.layers.3.input_layernorm"
        ] }))
        .unwrap();
        assert_eq!((it.attention.of(126), it.mlp.of(126), it.shared), (126, 2, false));
        let it =
            Quantised::read(&json!({ "quant_method": "fp8", "ignore": ["re:.*mlp.gate$", "re:.*lm_head"] })).unwrap();
        assert_eq!((it.attention.of(60), it.mlp.of(60)), (0, 0));
    }
}
