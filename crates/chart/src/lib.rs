//! Charts, drawn by plotters over any of its backends. No axis, colour or span is decided here: the caller says them.

pub mod spark;

pub use spark::Spark;
