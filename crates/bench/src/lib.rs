//! Load on a model that serves, and what comes of it: requests at stated times, the time of each piece of an answer, and a
//! run kept as one file that says everything that is needed to repeat it.
//!
//! What is decided is pure and has its time handed in ([`arrivals`], [`sse`], [`hearing`], [`measures`]); what
//! touches the outside is [`client`], `pace`, [`mod@run`] and [`store`].

pub mod arrivals;
pub mod chunk;
pub mod client;
pub mod environment;
pub mod failure;
pub mod hearing;
mod lateness;
pub mod measures;
mod pace;
pub mod plan;
pub mod prompts;
pub mod result;
pub mod run;
pub mod sample;
pub mod sizes;
pub mod slo;
pub mod spread;
pub mod sse;
mod stamped;
pub mod store;
pub mod trace;
mod words;
