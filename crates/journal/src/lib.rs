//! The flight recorder: every batch of facts in the order in which it was heard, bounded by size and age.
//!
//! SQLite in WAL mode, written by one thread. Going back to a time loads the nearest checkpoint of the world and folds
//! the batches up to it. Encoded facts carry [`pilothouse_world::FACT_VERSION`].

mod body;
mod chunk;
mod export;
mod gaps;
mod grid;
mod ints;
mod look;
mod part;
mod prune;
mod read;
mod record;
mod schema;
mod seal;
mod seek;
mod series;
mod shape;
mod stored;
mod thin;
mod walk;
mod writer;

pub use export::{Exported, Manifest, export, import, is_export};
pub use gaps::{Gap, Missing};
pub use grid::round_readings;
pub use look::{Info, prune_before};
pub use read::Reader;
pub use record::{Limits, Recorder};
pub use series::{GpuPoints, Point};
pub use thin::Thinning;
