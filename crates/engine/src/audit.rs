//! The audit book, as doors read it.

pub use crate::deeds::book::{book, close, cut, seal, verify};
pub use pilothouse_actions::{Entry, What, entry::OFTEN};
pub use pilothouse_journal::audit::{Book, Checked, Noted};
pub use pilothouse_vault::Vault;
