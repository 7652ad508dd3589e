//! A secret as it is kept: its SHA-256 and nothing else.
//!
//! What is hashed are 256 random bits, never a word that a person chose: nobody can go through them one by one, so a
//! slow hash such as Argon2id would protect nothing, and would let strangers keep this machine busy with wrong codes.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The hash of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hashed([u8; 32]);

impl Hashed {
    /// Of these bytes.
    pub fn of(word: &[u8]) -> Self {
        Self(Sha256::digest(word).into())
    }

    /// Is it the same? Takes as long for a near miss as for a far one.
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Serialize for Hashed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for Hashed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        let byte = |at: usize| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| D::Error::custom("not the hash of a secret"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_and_is_that_of_its_word_alone() {
        let hash = Hashed::of(b"word");
        let text = serde_json::to_string(&hash).unwrap();
        assert!(!text.contains("word"));
        let back: Hashed = serde_json::from_str(&text).unwrap();
        assert!(back.is(&hash) && !back.is(&Hashed::of(b"wore")));
        for wrong in ["\"\"", "\"zz\"", "\"00\"", "\"é0\""] {
            assert!(serde_json::from_str::<Hashed>(wrong).is_err(), "{wrong}");
        }
    }
}
