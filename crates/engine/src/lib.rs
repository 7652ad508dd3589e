//! The engine: sole writer of the world. It runs connectors, answers asks, publishes frames and records.
//!
//! One task owns everything; whatever can wake it is a variant of [`input::Input`]. Doors hold a [`Reader`] or an
//! [`Operator`], and contain no decision.

mod acts;
mod artifacts;
mod asks;
pub mod audit;
mod back;
mod benches;
pub mod checks;
mod connections;
mod deeds;
mod event_loop;
mod find;
mod gaps;
mod handle;
mod history;
mod input;
mod lanes;
mod lineage;
mod logs;
mod looked;
mod notes;
mod notices;
mod offers;
mod older;
mod options;
mod past;
mod preflight;
mod publish;
mod rates;
pub mod record;
mod registries;
mod runs;
mod table;
mod views;
mod ways;

pub use deeds::Grounded;
pub use handle::{Engine, Frames, Operator, Reader, Settled};
pub use options::{Options, Paths};
pub use pilothouse_connect::Clock;
pub use table::KINDS;
#[cfg(feature = "conformance")]
pub use table::STANDS;
