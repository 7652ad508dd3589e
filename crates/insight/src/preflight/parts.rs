//! What of a model is on the GPU with the most, part by part.

use super::{
    Between, ModelConfig,
    params::{Params, PerLayer},
    quantised::{Exempt, Quantised},
    spread::Spread,
};

/// Bytes of each part on that GPU.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub table: Between,
    pub attention: Between,
    pub dense: Between,
    pub experts: Between,
    pub other: Between,
}

impl Parts {
    pub(super) fn whole(&self) -> Between {
        [self.attention, self.dense, self.experts, self.other].into_iter().fold(self.table, Between::plus)
    }
}

/// How wide weights are: of what is quantised, and of what is not. In thousandths of a bit.
#[derive(Clone, Copy)]
pub(super) struct Widths<'a> {
    pub plain: u64,
    pub quantised: Option<&'a Quantised>,
    /// Of the GPU, where it is known.
    pub capability: Option<(u16, u16)>,
}

impl Widths<'_> {
    /// Bytes of so many weights of each layer, of which some layers are not quantised; of one layer, on an average.
    fn of(self, weights: u64, layers: u64, exempt: impl Fn(&Quantised) -> Option<&Exempt>) -> Result<Between, String> {
        let plain = Between::exactly(self.plain);
        let Some(it) = self.quantised else { return Ok(bytes(weights, plain)) };
        let Some(exempt) = exempt(it) else { return Ok(bytes(weights, plain)) };
        let width = it.width.ok_or_else(|| format!("how wide weights are by {} is not known", it.method))?;
        let part = ratio(weights, exempt.of(layers), layers);
        Ok(bytes(weights.saturating_sub(part), width).plus(bytes(part, plain)))
    }
}

/// Bytes of so many weights.
fn bytes(weights: u64, width: Between) -> Between {
    width.times(weights).parted(8_000)
}

/// `n × part ÷ whole`, without going over in between.
pub(super) fn ratio(n: u64, part: u64, whole: u64) -> u64 {
    let exact = u128::from(n).saturating_mul(u128::from(part)) / u128::from(whole.max(1));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

/// The parts on the GPU with the most. `more` is layers that predict further tokens.
pub(super) fn on_gpu(
    config: &ModelConfig,
    params: &Params,
    widths: Widths<'_>,
    spread: Spread,
    more: u64,
) -> Result<Parts, String> {
    let plain = Between::exactly(widths.plain);
    let stage = Stage::of(params, spread, more);
    let layers = params.layers;
    let attention = attention(&params.attention, spread.attention);
    let mut attention = stage.all(widths.of(attention, layers, |it| (!it.experts_only).then_some(&it.attention))?);
    // What is unpacked may stay beside the packed.
    let unpacked = stage.all(bytes(params.attention.unpacked / spread.attention.max(1), plain));
    attention.high = attention.plus(unpacked).high;
    let mlp = |weights| widths.of(weights, layers, |it| (!it.experts_only).then_some(&it.mlp));
    let mut experts = widths.of(params.experts / spread.experts.max(1), layers, |it| Some(&it.mlp))?;
    if widths.quantised.is_some_and(|it| it.padded) {
        experts.high = experts.high.map(|high| padded(high, config, spread, widths.capability));
    }
    let shared = params.shared / spread.tensor;
    let shared = widths.of(shared, layers, |it| (!it.experts_only && !it.shared).then_some(&it.mlp))?;
    Ok(Parts {
        table: stage.ends(params, spread.tensor, plain),
        attention,
        dense: stage.dense(mlp(params.dense / spread.tensor)?),
        experts: stage.experts(experts.plus(shared)),
        other: stage.all(bytes(params.small, plain)),
    })
}

fn attention(of: &PerLayer, parts: u64) -> u64 {
    let parts = parts.max(1);
    let (one, heads) = of.keys;
    (of.parted / parts).saturating_add(one.saturating_mul(heads.div_ceil(parts))).saturating_add(of.copied)
}

/// Bytes of experts in MXFP4, each dimension rounded up as the kernel needs it. Source: vLLM, quantization/mxfp4.py: by
/// kernel up to 256; below capability 9.0 there is only Marlin, which rounds their width to 128.
fn padded(bytes: u64, config: &ModelConfig, spread: Spread, capability: Option<(u16, u16)>) -> u64 {
    let (Some(hidden), Some(size)) = (config.hidden, config.experts.and_then(|it| it.size)) else { return bytes };
    let size = if spread.whole_experts { size } else { (size / spread.experts.max(1)).max(1) };
    let to = if capability.is_some_and(|it| it < (9, 0)) { 128 } else { 256 };
    let up = |n: u64, to: u64| n.checked_next_multiple_of(to).unwrap_or(n);
    ratio(ratio(bytes, up(hidden, 256), hidden), up(size, to), size)
}

/// The stage with the most layers: at least an average one.
struct Stage {
    stages: u64,
    layers: (u64, u64),
    dense: (u64, u64),
    experts: (u64, u64),
}

impl Stage {
    fn of(params: &Params, spread: Spread, more: u64) -> Self {
        let with_experts = params.layers - params.dense_layers;
        let most = params.layers.div_ceil(spread.stages);
        let of = |all: u64, more: u64| (all, all.min(most).saturating_add(more));
        let (to_dense, to_experts) = if with_experts > 0 { (0, more) } else { (more, 0) };
        Self {
            stages: spread.stages,
            layers: of(params.layers, more),
            dense: of(params.dense_layers, to_dense),
            experts: of(with_experts, to_experts),
        }
    }

    /// Of an average stage below, of the one with the most above.
    fn some(&self, (all, most): (u64, u64), one: Between) -> Between {
        let low = ratio(one.low, all, self.stages);
        Between { low, high: one.high.map(|one| one.saturating_mul(most)) }
    }

    fn all(&self, one: Between) -> Between {
        self.some(self.layers, one)
    }

    fn dense(&self, one: Between) -> Between {
        self.some(self.dense, one)
    }

    fn experts(&self, one: Between) -> Between {
        self.some(self.experts, one)
    }

    /// The table on the first stage, and the head on the last: a head that is the table is on both.
    fn ends(&self, params: &Params, tensor: u64, plain: Between) -> Between {
        let of = |weights: u64| bytes(weights / tensor, plain);
        let table = of(params.embedding);
        let head = Between { low: of(params.head.0).low, high: of(params.head.1).high };
        if self.stages == 1 {
            return table.plus(head);
        }
        Between { low: table.low / self.stages, high: table.plus(table).high }
    }
}
