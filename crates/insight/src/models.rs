//! What follows from registered models: how two versions differ, and which version a pod is started with.

pub mod compare;
pub mod lineage;
