//! Objects into facts: pure functions, so that each is tested by table and a server is not needed.

mod controller;
mod event;
mod namespace;
mod node;
mod pod;
mod quantity;
mod requests;

pub use controller::{facts_of_controller, facts_of_job, facts_of_replica_set, facts_of_revision};
pub use event::facts_of_event;
pub use namespace::facts_of_namespace;
pub use node::facts_of_node;
pub use pod::facts_of_pod;
pub use quantity::{milli, whole};

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

/// The amounts of GPU keys, by key.
fn gpus(amounts: &Quantities) -> Vec<(SmolStr, u64)> {
    let gpus = amounts.iter().filter(|(key, _)| gpu::is_gpu_key(key));
    gpus.map(|(key, amount)| (SmolStr::new(key), whole(&amount.string).unwrap_or(0))).collect()
}
