//! From what a person wants to what became of it, as types: a [`Proposal`] is confirmed, and only a [`Confirmed`] one hands
//! out what is to be sent.
//!
//! Pure: what is sent, read and written down is done by others, and time is an argument.

mod confirmed;
pub mod entry;
mod proposal;
mod seal;
#[cfg(test)]
mod tests;

pub use confirmed::{Confirmed, Course};
pub use entry::{Entry, What};
pub use proposal::Proposal;
pub use seal::Seal;
