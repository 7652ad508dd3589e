//! The browser door: the interface as files, and a link that can only read.
//!
//! It is given a [`Reader`](pilothouse_engine::Reader), which has no way to act, and decodes
//! [`ToEngine`](pilothouse_wire::codec::ToEngine), which cannot carry an act. It listens on loopback unless told
//! otherwise, knows a page by a cookie that a one-time code or a token became, and checks Host and Origin of every
//! request. A door of [`Grade::Wall`] answers what is marked for screens that others see, and nothing else.
//!
//! The door of the record ([`serve_record`]) shows no page: it gives parts of the journal to who has a token for it.

mod accept;
mod book;
mod fanout;
mod files;
mod grade;
mod guard;
mod hashed;
mod limits;
mod link;
mod places;
mod reach;
mod record;
mod secret;
mod serve;
mod session;
mod tls;
mod veil;

pub use book::{Book, CodeRow, OfRecord, OfWall, Purpose, TokenRow};
pub use files::{Dist, is_built_in};
pub use grade::Grade;
pub use limits::Limits;
pub use record::{RecordOptions, Sent, serve_record};
pub use serve::{ServeOptions, Serving, serve};
pub use session::Notice;
pub use tls::Identity;
