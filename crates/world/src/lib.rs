//! The live model: facts, the fold that makes a world of them, and the projections of each view.
//!
//! No I/O, no clock, cannot fail: time is an argument, and a fact that cannot be used is no change.

pub mod alert;
mod budgets;
mod claims;
pub mod delivery;
pub mod earlier;
pub mod fact;
mod fold;
mod gone;
pub mod gpu;
mod indexes;
mod model;
pub mod project;
mod quarantine;
mod registry;
pub mod serving;
mod sorted;
mod source;
mod status;
mod sum;
pub mod telemetry;
mod template;
mod touched;
mod workload;
mod world;

pub use fact::{Batch, Extent, FACT_VERSION, Fact};
pub use model::Model;
pub use quarantine::QUARANTINE;
pub use serving::{Served, Serving};
pub use source::{Node, Pod, Source};
pub use telemetry::{Latest, Measured, Telemetry};
pub use touched::Touched;
pub use world::World;
