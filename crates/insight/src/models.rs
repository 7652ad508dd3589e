//! What follows from registered models: how two versions differ.

pub mod compare;
