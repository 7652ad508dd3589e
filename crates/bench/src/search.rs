//! The most load that keeps the limits: by probes between what surely keeps them and what surely does not; and a sweep over
//! how many are served at a time, with the points that no other one beats.

mod bracket;
mod document;
mod run;
mod words;

pub use bracket::{Bracket, Judged, Scale};
pub use document::{Document, FORMAT, Point, Probe, ServerEnded, VERSION};
pub use run::{Arm, Progress, Running, Wanted, start};
pub use words::page;
