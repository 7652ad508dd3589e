//! Random words that nobody guesses, never shown by `Debug`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pilothouse_wire::{Code, Problem};
use rand::{TryRngCore, rngs::OsRng};
use std::fmt;

/// 256 random bits as 43 letters that need no escaping in an address or a cookie.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random bits.
    pub fn new() -> Result<Self, Problem> {
        let mut bits = [0_u8; 32];
        OsRng.try_fill_bytes(&mut bits).map_err(|error| {
            Problem::new(Code::Internal, "This system gives no random bits.").why(format!("{error}."))
        })?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bits)))
    }

    /// The word itself, for its one reader.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_differ_and_neither_shows_itself() {
        let (one, two) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_eq!(one.reveal().len(), 43);
        assert_ne!(one.reveal(), two.reveal());
        assert_eq!(format!("{one:?}"), "Secret(…)");
    }
}
