//! Connectors to servers that are asked over HTTP, a folder each, and the client that they share with those in crates of
//! their own.
//!
//! Knows nothing of the world that the facts are folded into, nor of who looks at it.

pub mod access;
pub mod acts;
pub mod address;
pub mod alertmanager;
pub mod client;
pub mod destination;
pub mod failure;
pub mod fields;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod inside;
mod offered;
pub mod place;
pub mod problems;
pub mod prometheus;
pub mod pulse;
pub mod rounds;
pub mod server;
pub mod trust;
