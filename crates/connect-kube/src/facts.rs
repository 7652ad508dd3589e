//! Objects into facts: pure functions, so that each is tested by table and a server is not needed.

mod analysis;
mod budget;
mod claims;
mod controller;
mod delivery;
mod event;
mod namespace;
mod node;
mod pod;
mod quantity;
pub(crate) mod quarantine;
mod repository;
mod requests;
mod route;
mod served;
mod start;
mod template;

pub use analysis::{facts_of_analysis, facts_of_experiment};
pub use budget::facts_of_budget;
pub use claims::{facts_of_claim, facts_of_slice};
pub use controller::{facts_of_controller, facts_of_job, facts_of_replica_set, facts_of_revision};
pub(crate) use delivery::guard_of;
pub use delivery::{facts_of_deployment, facts_of_groups, facts_of_rollout, facts_of_stateful_set, size_of};
pub use event::facts_of_event;
pub use namespace::facts_of_namespace;
pub use node::{facts_of_node, written_of_node};
pub use pod::{facts_of_pod, facts_with_labels};
pub use quantity::{milli, whole};
pub use repository::{facts_of_application, facts_of_promotion, facts_of_stage};
pub(crate) use requests::gpus_of;
pub use route::{
    Labelled, facts_of_canary, facts_of_pool, facts_of_rewrite, facts_of_route, facts_of_service, with_labels,
    without_labels,
};
pub(crate) use served::{SERVICE, STOP};
pub use served::{facts_of_inference, facts_of_llm};
pub use start::starts_of_pod;
pub use template::{template_of_replica_set, template_of_revision};

use crate::slim::{Quantities, Time};
use pilothouse_wire::{SmolStr, Stamp};
use pilothouse_world::gpu;

fn stamp(time: Option<Time>) -> Option<Stamp> {
    time.and_then(Time::stamp)
}

/// An empty text is how Go writes "none".
fn some(text: &str) -> Option<SmolStr> {
    (!text.is_empty()).then(|| SmolStr::new(text))
}

/// A count that Go keeps with a sign.
fn count(n: impl TryInto<u64>) -> u64 {
    n.try_into().unwrap_or(0)
}

/// A text of a server that is kept as words: credentials taken out, of so many characters at most.
fn words(text: &str, most: usize) -> Option<String> {
    let text: String = text.trim().chars().take(most).collect();
    (!text.is_empty()).then(|| pilothouse_connect::redact_words(&text))
}

/// The amounts of GPU keys, by key.
fn gpus(amounts: &Quantities) -> Vec<(SmolStr, u64)> {
    let gpus = amounts.iter().filter(|(key, _)| gpu::is_gpu_key(key));
    gpus.map(|(key, amount)| (SmolStr::new(key), whole(&amount.string).unwrap_or(0))).collect()
}
