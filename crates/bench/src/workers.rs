//! Past one machine: the load of a run dealt out to workers that run this same program in a cluster. Each begins at the same moment,
//! measures what it sends, and hands over its whole document; histograms are put together class by class, and no quantile is ever
//! made of quantiles. Its requests come behind that, a line each, as many as a log surely holds. What a worker did not tell is said,
//! and missing from what is counted.
//!
//! Pure but for [`serve`], which is a worker itself, and `errand`, which has them made, told and heard out by whoever may act.

mod barrier;
mod clock;
mod crew;
mod errand;
mod frame;
mod heard;
mod kept;
mod lines;
mod merge;
mod order;
pub mod serve;
mod words;

pub use barrier::{Barrier, Next, Seat};
pub use clock::{Clock, Judged};
pub use errand::{Begun, Errand, Hand, News, Spec, place};
pub use frame::{Begin, Frame, frames};
pub use heard::{End, Heard};
pub use kept::{Came, HandedOver, Place, Told, Worker, Workers, document};
pub use lines::Handed;
pub use merge::merge;
pub use order::{KEY, MOST, Order, Share};
pub use words::{client, lines, table};
