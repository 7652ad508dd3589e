//! What several targets ask of whatever came out of a parser.

mod journey;

pub use journey::{Journey, same_bytes};
