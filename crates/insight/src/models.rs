//! What follows from registered models and runs: how versions and runs differ; and where words stand in what all registries hold.

mod compare;
mod config;
mod find;
mod side_by_side;

pub use compare::{Told, VersionDetail, compare_versions};
pub use config::config_lines;
pub use find::{FoundRuns, Words, find};
pub use side_by_side::compare_runs;
