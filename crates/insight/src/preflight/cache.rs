//! The cache of keys and values: what a token takes on a GPU, and what a sequence does.

use super::{
    Between, ModelConfig, config::Attention, flags::Flags, params::lacks, spread::Spread, weights::plain_width,
};

/// Tokens are kept in blocks of so many. Source: vLLM, `--block-size`.
const BLOCK: u64 = 16;

/// What a token takes on the GPU with the most.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    /// In layers that look back all the way.
    pub token: Between,
    /// In layers that look back only so far.
    pub in_window: Between,
    pub window: u64,
    /// Where that is from.
    pub from: String,
}

impl Cache {
    /// Reckons it.
    ///
    /// # Errors
    ///
    /// What is missing, or what else than keys and values the model keeps.
    pub(super) fn of(config: &ModelConfig, flags: &Flags, spread: Spread) -> Result<Self, String> {
        if let Some(key) = config.other_cache {
            return Err(format!("by {key} it keeps more, or less, than keys and values of each token and layer"));
        }
        let layers = config.layers.ok_or_else(|| lacks("num_hidden_layers"))?;
        let (width, width_from) = width(config, flags)?;
        let (numbers, from) = numbers(config, spread)?;
        let layer = width.times(numbers).parted(8_000);
        let windows = config.windows.layers.min(layers);
        let most = layers.div_ceil(spread.stages);
        let more = if flags.predicts { config.predicts.max(1) } else { 0 };
        let some = |all: u64, more: u64| Between {
            low: layer.low.saturating_mul(all) / spread.stages,
            high: layer.high.map(|one| one.saturating_mul(all.min(most).saturating_add(more))),
        };
        Ok(Self {
            token: some(layers - windows, more),
            in_window: some(windows, 0),
            window: config.windows.size,
            from: format!("{from}, {width_from}"),
        })
    }

    /// What a sequence of so many tokens takes. An engine may keep all of a window's layers, or only the window.
    pub(super) fn need(&self, tokens: u64) -> Between {
        let whole = tokens.checked_next_multiple_of(BLOCK).unwrap_or(tokens);
        let at_least = self.token.times(tokens).plus(self.in_window.times(tokens.min(self.window)));
        let at_most = self.token.times(whole).plus(self.in_window.times(whole));
        Between { low: at_least.low, high: at_most.high }
    }

    /// How many tokens there is room for; as one sequence where layers have windows.
    pub(super) fn holds(&self, room: Between) -> Between {
        let most = self.token.plus(self.in_window).high.unwrap_or(u64::MAX);
        let high = room.high.and_then(|room| room.checked_div(self.token.low));
        Between { low: room.low / most.max(1), high }
    }
}

/// Numbers that a layer keeps of a token on a GPU.
fn numbers(config: &ModelConfig, spread: Spread) -> Result<(u64, String), String> {
    match config.attention {
        Attention::Heads { keys, size } => {
            let keys = keys.ok_or_else(|| lacks("num_key_value_heads"))?;
            let size = size.ok_or_else(|| lacks("head_dim"))?;
            let here = keys.div_ceil(spread.attention.max(1)).max(1);
            let from = format!("num_hidden_layers × 2 × {here} of {keys} num_key_value_heads × head_dim {size}");
            Ok((here.saturating_mul(2).saturating_mul(size), from))
        }
        Attention::Latent { rank, rope, .. } => {
            let rope = rope.ok_or_else(|| lacks("qk_rope_head_dim"))?;
            let from = format!("num_hidden_layers × (kv_lora_rank {rank} + qk_rope_head_dim {rope}) on each GPU");
            Ok((rank.saturating_add(rope), from))
        }
    }
}

/// The width of a number, in thousandths of a bit.
fn width(config: &ModelConfig, flags: &Flags) -> Result<(Between, String), String> {
    let plain = plain_width(flags);
    let asked = flags.cache.as_deref().unwrap_or("auto");
    let said = || format!("--kv-cache-dtype {asked}");
    Ok(match asked {
        "auto" if config.quantised.as_ref().is_some_and(|it| it.cache) => {
            (Between::new(8_000, plain), "8 bits as the checkpoint says, or 16: engines differ".into())
        }
        "auto" => (Between::exactly(plain), format!("{} bits", plain / 1_000)),
        "float16" | "half" | "bfloat16" | "bf16" => (Between::exactly(16_000), said()),
        eight if eight.starts_with("fp8") || eight == "int8" => (Between::exactly(8_000), said()),
        other => return Err(format!("how wide a cache by --kv-cache-dtype {other} is, is not known")),
    })
}
