//! What follows from registered models: how two versions differ.

mod compare;

pub use compare::{VersionDetail, compare_versions};
