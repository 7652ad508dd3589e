//! Alertmanager: what fires, since when, and what somebody silenced, by its API v2; one alert is silenced where it was
//! planned and confirmed.

mod acts;
mod answer;
mod connector;
mod kind;
mod problems;
mod session;
#[cfg(feature = "conformance")]
pub mod stand;

pub use answer::{alerts, version};
pub use kind::KIND;
#[cfg(feature = "conformance")]
pub use stand::STAND;
