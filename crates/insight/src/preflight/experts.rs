//! Mixtures of experts, as configurations of each family name them.

use super::config::Fields;

/// The experts of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Experts {
    /// In each layer that has any.
    pub count: u64,
    /// That a token goes through.
    pub active: Option<u64>,
    /// The width of one.
    pub size: Option<u64>,
    /// The width of those that each token goes through, together.
    pub shared: u64,
    /// Layers without any.
    pub dense_layers: u64,
}

/// Families whose `intermediate_size` is the width of an expert.
const WIDTH_OF_EXPERT: &[&str] = &["mixtral", "gpt_oss", "minimax_m2", "phimoe"];

impl Experts {
    /// None where the model has none.
    pub(super) fn read(fields: Fields<'_>, family: Option<&str>, layers: Option<u64>) -> Option<Self> {
        let count = fields.size(&["n_routed_experts", "num_experts", "num_local_experts", "moe_num_experts"])?;
        if count < 2 {
            return None;
        }
        let wide = family.is_some_and(|family| WIDTH_OF_EXPERT.contains(&family));
        let size = match fields.size(&["moe_intermediate_size"]) {
            None if wide => fields.size(&["intermediate_size"]),
            size => size,
        };
        let number_shared = fields.number(&["n_shared_experts", "moe_num_shared_experts", "num_shared_experts"]);
        let shared = match fields.number(&["shared_expert_intermediate_size", "shared_intermediate_size"]) {
            Some(width) => width,
            None => number_shared.unwrap_or_default().saturating_mul(size.unwrap_or_default()),
        };
        Some(Self {
            count,
            active: fields.size(&["num_experts_per_tok", "moe_k", "experts_per_token", "moe_topk"]),
            size,
            shared,
            dense_layers: dense_layers(fields, layers),
        })
    }
}

fn dense_layers(fields: Fields<'_>, layers: Option<u64>) -> u64 {
    if let Some(first) = fields.number(&["first_k_dense_replace"]) {
        return first;
    }
    if let Some(start) = fields.number(&["moe_layer_start_index"]) {
        let after = layers.zip(fields.number(&["moe_layer_end_index"]));
        return start + after.map_or(0, |(layers, end)| layers.saturating_sub(end.saturating_add(1)));
    }
    let named = fields.list("mlp_only_layers").map_or(0, |list| list.len() as u64);
    match (fields.number(&["decoder_sparse_step"]), layers) {
        (Some(step), Some(layers)) if step > 1 => layers - layers / step,
        _ => named,
    }
}
