//! The weights on a GPU: from the dimensions of the model, or from the size of its files where that is given.

use super::{
    Between, Gpu, Line, Version,
    flags::Flags,
    params::Params,
    parts::{Parts, Widths, on_gpu, ratio},
    quantised::{Exempt, Quantised},
    spread::Spread,
};

/// Weights take so much more than their tensors once they are loaded, in thousandths. Reports of vLLM: 14.96 GiB for 14.957
/// (Llama 3 8B), 30.59 for 30.51 (Qwen3 32B on two), 13.95 for 13.76 (Qwen2.5 14B on two), which is the most: 1.4 %.
const LOADED: u64 = 15;
/// A model alone on one GPU.
const ALONE: Spread = Spread { attention: 1, tensor: 1, experts: 1, whole_experts: false, stages: 1, copies: 1 };

/// The weights on the GPU with the most.
pub(super) struct Weights {
    pub kept: Between,
    /// While they are loaded.
    pub loading: Between,
    pub lines: Vec<Line>,
}

/// How wide weights are that are not quantised, in thousandths of a bit. A checkpoint in 32 bits is loaded in 16.
pub(super) fn plain_width(flags: &Flags) -> u64 {
    if matches!(flags.dtype.as_deref(), Some("float32" | "float")) { 32_000 } else { 16_000 }
}

/// Reckons them.
///
/// # Errors
///
/// What is missing.
pub(super) fn weights(version: &Version<'_>, spread: Spread, gpu: Option<&Gpu>) -> Result<Weights, String> {
    let (config, flags) = (version.config, version.flags);
    let at_loading = match (&config.quantised, flags.quantisation.as_deref()) {
        (None, Some(flag)) => Some(Quantised::while_loading(flag).ok_or_else(|| {
            format!("how wide weights are by {flag} is not known, or it takes a checkpoint that says so")
        })?),
        _ => None,
    };
    let capability = gpu.and_then(|gpu| gpu.capability);
    let quantised = at_loading.as_ref().or(config.quantised.as_ref());
    let (mut kept, mut lines) = kept(version, quantised, spread, capability)?;
    let mut loading = kept;
    if at_loading.is_some() {
        // Source: vLLM, quantization/fp8: the model is loaded as it is before it is quantised; newer ones do so by layer.
        let (whole, _) = self::kept(version, None, spread, capability)?;
        loading = kept.or(whole);
    }
    if let Some(reason) = &flags.more_weights {
        (kept.high, loading.high) = (None, None);
        lines.push(line("More weights", Between::at_least(0), reason, true));
    }
    let (kept, loading) = (kept.without(flags.offload), loading.without(flags.offload));
    let less = if flags.offload > 0 { ", less --cpu-offload-gb" } else { "" };
    let from = format!("the sum{less}; reports show up to {}.{} % more once loaded", LOADED / 10, LOADED % 10);
    lines.push(line("Weights", kept, from, false));
    Ok(Weights { kept, loading, lines })
}

pub(super) fn line(what: &str, bytes: Between, from: impl Into<String>, part: bool) -> Line {
    Line { what: what.to_owned(), bytes, from: from.into(), part }
}

fn kept(
    version: &Version<'_>,
    quantised: Option<&Quantised>,
    spread: Spread,
    capability: Option<(u16, u16)>,
) -> Result<(Between, Vec<Line>), String> {
    let (config, flags) = (version.config, version.flags);
    let widths = Widths { plain: plain_width(flags), quantised, capability };
    let more = if flags.predicts { config.predicts.max(1) } else { 0 };
    match (version.weights, Params::of(config)) {
        (None, Ok(params)) => {
            let parts = on_gpu(config, &params, widths, spread, more)?;
            Ok((loaded(parts.whole()), told(&parts, widths)))
        }
        (Some(total), Ok(params)) => {
            let in_files = Widths { quantised: config.quantised.as_ref(), ..widths };
            let stored = on_gpu(config, &params, in_files, ALONE, 0)?.whole();
            let here = on_gpu(config, &params, widths, spread, more)?.whole();
            Ok((scaled(total, stored, here), vec![files(total, "parted as its dimensions are")]))
        }
        (Some(total), Err(_)) => {
            let narrower = if config.quantised.is_none() { quantised.and_then(|it| it.width) } else { None };
            let least = narrower.map_or(total, |width| ratio(total, width.low, 16_000));
            let from = "the layers of its family are not known, so at most all of it is copied to each GPU";
            Ok((loaded(Between::new(least / spread.gpus().max(1), total)), vec![files(total, from)]))
        }
        (None, Err(missing)) => Err(missing),
    }
}

fn files(total: u64, how: &str) -> Line {
    line("Files", Between::exactly(total), format!("the size of its files, {how}"), true)
}

fn loaded(kept: Between) -> Between {
    Between { low: kept.low, high: kept.high.map(|high| high.saturating_add(ratio(high, LOADED, 1_000))) }
}

/// The size of the files, by the share that a GPU has of the dimensions. What is in the files and not in the dimensions
/// (layers that predict further tokens, what sees) is loaded, or not; where files are less than the dimensions say, a part
/// of them may be missing.
fn scaled(total: u64, stored: Between, here: Between) -> Between {
    let most = stored.high.unwrap_or(u64::MAX);
    let low = if total > most { here.low } else { ratio(here.low, total, most) };
    loaded(Between { low, high: here.high.map(|high| ratio(high, total, stored.low).max(high)) })
}

fn told(parts: &Parts, widths: Widths<'_>) -> Vec<Line> {
    let plain = format!("in {} bits", widths.plain / 1_000);
    let method = widths.quantised.map_or_else(|| plain.clone(), |it| format!("by quantization {}", it.method));
    let dense = if widths.quantised.is_some_and(|it| it.experts_only) { &plain } else { &method };
    let attention = if widths.quantised.is_some_and(|it| it.attention == Exempt::All) { &plain } else { dense };
    let all = [
        ("Table and head", parts.table, format!("vocab_size × hidden_size, {plain}")),
        ("Attention", parts.attention, format!("num_hidden_layers × heads × head_dim, {attention}")),
        ("Dense layers", parts.dense, format!("3 × hidden_size × intermediate_size a layer, {dense}")),
        ("Experts", parts.experts, format!("their number × 3 × hidden_size × width a layer, {method}")),
        ("Norms, routers", parts.other, plain),
    ];
    let some = all.into_iter().filter(|(_, bytes, _)| *bytes != Between::ZERO);
    some.map(|(what, bytes, from)| line(what, bytes, from, true)).collect()
}
