//! Other names for everything that somebody named, the same within one export: who gets it learns what happened, and not
//! whose it was.
//!
//! What stays is listed ([`policy`]), and everything else that is a text is replaced, wherever it stands: a field that is
//! added is replaced until somebody says that it may stay. Names are replaced piece by piece between their signs, so that
//! what belongs together by its name still does: a ReplicaSet `chat-7d9f` is still that of `chat`, and `10.0.0.1` is still
//! the address that an alert names. The key is random and nowhere kept.

mod encode;
mod policy;
mod rows;
#[cfg(test)]
mod tests;
mod words;

pub(super) use rows::{Worlds, veiled};

use pilothouse_wire::{Code, Problem};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt;

/// The letters of pseudonyms: none that is taken for another, and no vowel, so that they make no words.
const LETTERS: &[u8; 16] = b"bcdfghjkmnpqrstv";
/// Letters of a pseudonym: 48 bits, so that a million names have one each.
const LENGTH: usize = 12;
/// The connection under which persons' notes stand: ours, and nobody's name.
const OURS: &str = "pilothouse";

/// Pseudonyms under one key.
pub(crate) struct Pseudonyms {
    key: [u8; 32],
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

impl Pseudonyms {
    /// Under a key that nobody knows.
    ///
    /// # Errors
    /// The system gives no random bits.
    pub fn new() -> Result<Self, Problem> {
        let mut key = [0; 32];
        rand::TryRngCore::try_fill_bytes(&mut rand::rngs::OsRng, &mut key).map_err(|error| {
            Problem::new(Code::Internal, "This system gives no random bits.").why(format!("{error}."))
        })?;
        Ok(Self { key })
    }

    /// A value as bytes of postcard, with other names in it.
    pub fn encode<T: Serialize>(&self, value: &T) -> Vec<u8> {
        postcard::to_stdvec(&encode::Veiled::new(value, self)).unwrap_or_default()
    }

    /// The other name of a whole: it has no pieces.
    pub fn whole(&self, name: &str) -> String {
        if name == OURS || name.is_empty() { name.to_owned() } else { self.piece(name) }
    }

    /// The other name of a name, piece by piece.
    pub fn name(&self, name: &str) -> String {
        if name == OURS {
            return name.to_owned();
        }
        let mut other = String::with_capacity(name.len() * 2);
        let mut rest = name;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            if end == 0 {
                other.push(first);
                rest = &rest[first.len_utf8()..];
            } else {
                other.push_str(&self.piece(&rest[..end]));
                rest = &rest[end..];
            }
        }
        other
    }

    /// A text: words that are everybody's stay, all else is replaced as in names.
    pub fn text(&self, text: &str) -> String {
        words::split(text).map(|word| if words::is_common(word) { word.to_owned() } else { self.name(word) }).collect()
    }

    fn piece(&self, piece: &str) -> String {
        // A keyed hash: the key has the length of a block's half, and what is hashed behind it cannot be extended by
        // whoever has only a part of the hash.
        let hash = Sha256::new().chain_update(self.key).chain_update(piece.as_bytes()).finalize();
        let letters = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(LENGTH);
        letters.map(|place| LETTERS[usize::from(place)] as char).collect()
    }
}
