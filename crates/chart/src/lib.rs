//! Charts, drawn by plotters over any of its backends. No axis, colour or span is decided here: the caller says them.
//! What a GPU is drawn as is decided once, in [`ink`], for the map of the interface and for drawings.
//!
//! What is drawn where the numbers are, and shown by a screen that knows nothing of it, is [`drawn`]: marks whose inks are words.
//!
//! A sparkline is a part of a screen. A [`Sheet`] leaves the program, to be kept or sent: it says itself what it shows,
//! as of when and whose data it is.

pub mod bars;
pub mod cells;
pub mod drawn;
pub mod ink;
pub mod paper;
pub mod sheet;
pub mod spans;
pub mod spark;

pub use bars::{Bar, Bars};
pub use cells::{Block, Cells, Group};
pub use sheet::{Fill, Sheet};
pub use spans::{Ends, Span, Spans};
pub use spark::Spark;

/// A colour: red, green, blue.
pub type Rgb = [u8; 3];
