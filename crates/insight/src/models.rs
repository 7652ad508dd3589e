//! What follows from registered models: how two versions differ; and where words stand in what all registries hold.

mod compare;
mod config;
mod find;

pub use compare::{Told, VersionDetail, compare_versions};
pub use config::config_lines;
pub use find::{FoundRuns, Words, find};
