//! Charts, drawn by plotters over any of its backends. No axis, colour or span is decided here: the caller says them.
//!
//! A sparkline is a part of a screen. A [`Sheet`] leaves the program, to be kept or sent: it says itself what it shows,
//! as of when and whose data it is.

pub mod bars;
pub mod cells;
pub mod paper;
pub mod sheet;
pub mod spark;

pub use bars::{Bar, Bars};
pub use cells::{Block, Cells, Group};
pub use sheet::{Fill, Sheet};
pub use spark::Spark;

/// A colour: red, green, blue.
pub type Ink = [u8; 3];
