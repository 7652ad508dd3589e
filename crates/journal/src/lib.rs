//! The flight recorder: every batch of facts in the order in which it was heard, bounded by size and age.
//!
//! SQLite in WAL mode, written by one thread. Going back to a time loads the nearest checkpoint of the world and folds
//! the batches up to it. Encoded facts carry [`pilothouse_world::FACT_VERSION`].

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod read;
mod record;
mod schema;

pub use read::Reader;
pub use record::{Limits, Recorder};
