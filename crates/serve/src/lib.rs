//! The browser door: the interface as files, and a link that can only read.
//!
//! It is given a [`Reader`](pilothouse_engine::Reader), which has no way to act, and decodes
//! [`ToEngine`](pilothouse_wire::codec::ToEngine), which cannot carry an act. It listens on loopback unless told
//! otherwise, knows a page by a cookie that a one-time code became, and checks Host and Origin of every request.

mod files;
mod grade;
mod guard;
mod link;
mod secret;
mod serve;
mod session;

pub use files::{Dist, is_built_in};
pub use grade::Grade;
pub use serve::{ServeOptions, Serving, serve};
pub use session::Notice;
