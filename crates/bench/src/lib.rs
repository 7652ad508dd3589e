//! Load on a model that serves, and what comes of it: requests at stated times, the time of each piece of an answer, a run
//! kept as one file that says everything that is needed to repeat it, and which of several targets is better, by blocks in a
//! drawn order.
//!
//! What is decided is pure and has its time handed in ([`arrivals`], [`sse`], [`hearing`], [`measures`], [`import`],
//! [`report`]); what touches the outside is [`client`], `pace`, [`mod@run`], [`compare`] and [`store`].

pub mod arrivals;
pub mod beside;
pub mod chunk;
pub mod client;
pub mod compare;
pub mod environment;
pub mod failure;
pub mod going;
pub mod hearing;
pub mod import;
pub mod kept;
mod lateness;
pub mod local;
pub mod measures;
pub mod oip;
mod pace;
pub mod page;
mod passing;
pub mod plan;
pub mod prompts;
pub mod repeat;
pub mod report;
pub mod result;
pub mod run;
mod rush;
pub mod sample;
pub mod search;
pub mod served;
pub mod server;
pub mod shown;
pub mod sizes;
pub mod slo;
pub mod spread;
pub mod sse;
mod stamped;
pub mod store;
pub mod template;
pub mod told;
pub mod trace;
pub mod whole;
pub mod wish;
mod words;
pub mod workers;
pub mod worth;
