//! The Kubernetes connector: from kubeconfig to facts.
//!
//! Knows nothing of the world that the facts are folded into, nor of who looks at it.

mod acts;
pub mod auth;
mod back;
mod board;
mod claimed;
pub mod client;
mod connector;
mod describe;
mod discover;
mod early;
mod entrance;
pub mod facts;
pub mod failure;
mod follow;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod inside;
mod kind;
mod kinds;
pub mod kubeconfig;
mod lines;
pub mod list;
mod logs;
mod objects;
mod offered;
pub mod owned;
pub mod place;
pub mod problems;
mod read;
mod relay;
pub mod resource;
pub mod rights;
mod sample;
mod scrub;
mod session;
pub mod slim;
mod small_file;
#[cfg(feature = "conformance")]
pub mod stand;
mod tables;
pub mod target;
pub mod watch;
mod workers;
mod written;
mod yaml;

pub use kind::KIND;
#[cfg(feature = "conformance")]
pub use stand::STAND;
