//! MLflow: registered models with their versions, aliases and tags as facts; runs, metrics, artefacts and signatures when
//! somebody looks; aliases and tags are set where it was planned and confirmed.
//!
//! Knows nothing of the world that the facts are folded into, nor of who looks at it.

mod acts;
mod answer;
mod connector;
mod files;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod kind;
mod model;
mod paths;
mod problems;
mod registry;
mod runs;
mod session;
mod signature;
#[cfg(feature = "conformance")]
pub mod stand;

pub use kind::KIND;
#[cfg(feature = "conformance")]
pub use stand::STAND;
