//! The flight recorder: every batch of facts in the order in which it was heard, bounded by size and age.
//!
//! SQLite in WAL mode, written by one thread: what is heard is a row at once; behind each checkpoint rows become a block
//! of batches, and their readings chunks of columns, which are thinned with age. Going back to a time loads the nearest
//! checkpoint of the world and folds the batches up to it. Encoded facts carry [`pilothouse_world::FACT_VERSION`].

#[cfg(test)]
extern crate self as pilothouse_journal;

pub mod audit;
mod body;
mod chunk;
mod export;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod gaps;
mod grid;
mod holders;
mod ints;
mod look;
mod over;
mod part;
mod prune;
mod read;
mod record;
mod schema;
mod seal;
mod seek;
mod series;
mod shape;
mod spells;
mod stored;
mod thin;
mod walk;
mod writer;

pub use export::{Exported, Manifest, Names, Prepared, check, export, import, is_export, prepare};
pub use grid::round_readings;
pub use look::{Info, prune_before};
pub use read::Reader;
pub use record::{Limits, Recorder};
pub use seek::{Gone, Place, Sought};
pub use series::{GpuPoints, Point};
pub use thin::Thinning;
