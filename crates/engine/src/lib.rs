//! The engine: sole writer of the world. It runs connectors, answers asks, publishes frames and records.
//!
//! One task owns everything; whatever can wake it is a variant of [`input::Input`]. Doors hold a [`Reader`] or an
//! [`Operator`], and contain no decision.

mod acts;
mod asks;
mod connections;
mod event_loop;
mod handle;
mod input;
mod options;
mod past;
mod publish;
mod rates;
mod table;

pub use handle::{Frames, Operator, Reader, Settled};
pub use options::{Options, Paths};
pub use pilothouse_connect::Clock;
pub use table::KINDS;

use pilothouse_wire::Problem;

/// Starts engines.
#[derive(Clone, Copy, Debug)]
pub struct Engine;

impl Engine {
    /// Starts the engine's task and its connections, and answers at once: connecting goes on behind it.
    ///
    /// # Errors
    /// If the settings cannot be read, or the one connection asked for does not exist.
    pub async fn start(options: Options) -> Result<Operator, Problem> {
        event_loop::start(options).await
    }
}
