//! Parsers of this crate as the targets in `fuzz/` call them. Not for anybody else.

use crate::body::decode;
use pilothouse_world::{Batch, World};

/// A batch as it is at rest.
#[must_use]
pub fn batch(bytes: &[u8]) -> Option<Batch> {
    decode(bytes)
}

/// A checkpoint as it is at rest.
#[must_use]
pub fn checkpoint(bytes: &[u8]) -> Option<World> {
    decode(bytes)
}
