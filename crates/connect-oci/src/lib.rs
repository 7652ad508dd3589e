//! The connector to OCI registries: which tags stand at which digests, and artefacts in full when somebody looks.
//!
//! Speaks the distribution specification over the client of `connect-http`: anonymous, with a password, or by tokens of a
//! token service. Manifests and configurations are held against their digests; layers, and so weights, are never read. Types
//! of answers are ours, with the fields that we use: real registries leave out what the specification demands.
//!
//! Knows nothing of the world that the facts are folded into, nor of who looks at it.

pub mod answer;
pub mod challenge;
mod client;
pub mod config;
mod connector;
pub mod digest;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod kind;
pub mod link;
pub mod manifest;
mod model;
pub mod names;
mod problems;
mod read;
mod referrers;
mod round;
mod session;
#[cfg(feature = "conformance")]
pub mod stand;
mod token;

pub use kind::KIND;
#[cfg(feature = "conformance")]
pub use stand::STAND;
