//! What follows from registered models: how two versions differ; and where words stand in what all registries hold.

mod compare;
mod find;

pub use compare::{VersionDetail, compare_versions};
pub use find::{FoundRuns, Words, find};
