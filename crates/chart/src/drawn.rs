//! Drawings of a benchmark as marks (`pilothouse_wire::drawing`): they are made beside the numbers, cross to the interface as
//! they are, and get their colours there. No axis is cut: bars begin at zero, and what goes beyond a scale says so.

mod bars;
mod course;
mod front;
mod meter;
mod paper;
mod pen;
mod scale;
mod span;
mod spread;

pub use bars::{BlockBar, blocks};
pub use course::{Course, line, sends};
pub use front::{Curve, Front, front};
pub use meter::meter;
pub use paper::svg;
pub use span::{Interval, SpanScale};
pub use spread::{Spread, spread};
