//! Will the candidate collapse? What a version of a model needs of a GPU, by sums from its configuration and the flags of
//! its engine, held against the GPU that there is.
//!
//! Nothing is guessed. What is not known exactly has two bounds, each with where it is from: it *fits* where it does by the
//! worse one, it does not where it does not even by the better one, and between them, or where a field that decides is
//! missing, that *cannot be told*.
//!
//! - [`ModelConfig`]: what a `config.json` says: attention, experts, windows, quantisation.
//! - [`Flags`]: what the arguments of a container ask of vLLM, SGLang or TGI.
//! - [`Gpu`]: memory and compute capability of a product, and which formats it computes in.
//! - [`Running`]: what a service that runs is asked for, and the room that it has.
//! - [`preflight()`]: the sums, the checks, and what changed since the version before.

mod budget;
mod cache;
mod checks;
mod config;
mod experts;
mod flags;
mod formats;
mod gpu;
mod judge;
mod params;
mod parts;
mod quantised;
mod running;
mod spread;
mod weights;
mod words;
mod work;

#[cfg(test)]
mod tests;

pub use config::ModelConfig;
pub use flags::Flags;
pub use gpu::Gpu;
pub use judge::{Machine, Surge, Version, preflight};
pub use pilothouse_wire::{
    Between,
    preflight::{Change, Changed, Check, Engine, Line, Report, Side, Topic, Verdict},
};
pub use running::{Running, pods_of, telling};
