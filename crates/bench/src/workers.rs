//! Past one machine: the load of a run dealt out to workers that run this same program in a cluster. Each begins at the same moment,
//! measures what it sends, and hands over its whole document; histograms are put together class by class, and no quantile is ever
//! made of quantiles. What a worker did not tell is said, and missing from what is counted.
//!
//! Pure but for [`serve`], which is a worker itself. Who asks for them, and reads what they say, is a door.

mod barrier;
mod clock;
mod frame;
mod heard;
mod kept;
mod merge;
mod order;
pub mod serve;
mod words;

pub use barrier::{Barrier, Next, Seat};
pub use clock::{Clock, Judged};
pub use frame::{Begin, Frame, frames};
pub use heard::{End, Heard};
pub use kept::{Came, HandedOver, Place, Worker, Workers, document};
pub use merge::merge;
pub use order::{KEY, MOST, Order, Share};
pub use words::{client, lines, table};
