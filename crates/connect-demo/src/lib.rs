//! The demo fleet: a seeded, scripted world of three clusters with incidents, and a registry of the models that they serve.
//! It asks no server and says so.
//!
//! [`Script`] is pure: a cluster, a seed and the time passed give its facts. The connector only plays it into a sink.

mod agenda;
mod back;
mod connector;
mod dice;
mod fleet;
mod kind;
mod logs;
mod names;
mod opening;
mod owned;
mod plot;
mod registry;
mod script;
mod stage;
#[cfg(feature = "conformance")]
mod stand;
mod telemetry;
mod yaml;

pub use fleet::{Cluster, NoSuchCluster};
pub use kind::{KIND, default_connections};
pub use script::{Script, Step};
pub use stage::Listing;
#[cfg(feature = "conformance")]
pub use stand::STAND;
