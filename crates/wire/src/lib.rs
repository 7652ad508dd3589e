//! Everything that crosses a process or wasm border: ids, units, asks, acts, views, frames and problems.
//!
//! Holds no behaviour but encode and decode, apply a patch, sort, and parse, print and match ids, units, filters and
//! addresses. Messages travel as postcard, which does not describe itself: no `untagged`, `flatten` or
//! `skip_serializing_if` in this crate.

pub mod address;
pub mod area;
pub mod artifact;
pub mod ask;
pub mod back;
pub mod bench;
mod between;
mod bytes;
pub mod clocks;
pub mod codec;
pub mod describe;
pub mod door;
pub mod drawing;
pub mod filter;
pub mod find;
pub mod form;
pub mod frame;
pub mod health;
pub mod ids;
pub mod keyed;
pub mod kinds;
pub mod media;
pub mod metric;
pub mod model_uri;
pub mod notice;
pub mod plan;
pub mod preflight;
pub mod problem;
pub mod record;
pub mod rights;
pub mod runs;
pub mod serving;
pub mod shell;
pub mod sort;
pub mod sum;
pub mod time;
pub mod units;
pub mod view;
pub mod wall;

pub use area::Area;
pub use ask::{Act, Acted, Answer, Ask};
pub use between::Between;
pub use codec::WIRE_HASH;
pub use frame::{Body, Frame, Patch, Rev, View, ViewSpec};
pub use health::{Freshness, Health};
pub use ids::{AlertId, ConnectionId, KindId, ModelId, NodeId, ObjectRef, OtherId, PodId, TagId};
pub use keyed::{Keyed, KeyedPatch, Row};
pub use metric::{Metric, Reading, Readings};
pub use model_uri::{AddressPlace, ModelAddress, ModelUri};
pub use problem::{Code, Problem};
pub use serving::{ServingEngine, ServingMetric};
pub use smol_str::SmolStr;
pub use sum::Sum;
pub use time::{Stamp, When};
