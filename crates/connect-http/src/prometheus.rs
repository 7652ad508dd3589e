//! Prometheus, and what speaks its API (VictoriaMetrics, Mimir, Thanos, Cortex): what GPUs are measured to do.
//!
//! One query says which GPUs there are and who holds them; then, once an interval, one query a metric gives a column of
//! readings. The same of the serving engines of pods. What exporters call a metric stands in `assets/metrics.csv`.

pub mod answer;
mod api;
pub mod before;
pub mod catalogue;
mod connector;
pub mod engines;
pub mod holders;
pub mod identity;
pub mod interval;
mod kind;
mod look;
pub mod matchers;
#[cfg(feature = "measuring")]
#[doc(hidden)]
pub mod measuring;
mod memory;
mod past;
pub mod problems;
pub mod query;
pub mod readings;
mod session;
#[cfg(feature = "conformance")]
pub mod stand;

pub use kind::KIND;
#[cfg(feature = "conformance")]
pub use stand::STAND;
