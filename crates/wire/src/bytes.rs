//! Raw bytes within a message: encoded as a list of numbers would be, but read and written as a whole. A list is taken
//! one number at a time, which for the columns of a large fleet takes longer than all that is then done with them.

use serde::{Deserializer, Serializer, de};
use std::fmt;

/// Writes the bytes.
pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// Reads the bytes.
///
/// # Errors
/// What stands there is no bytes, or there are fewer than it says.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_byte_buf(Whole)
}

struct Whole;

impl de::Visitor<'_> for Whole {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::{decode, encode};
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Column(#[serde(with = "super")] Vec<u8>);

    proptest! {
        #[test]
        fn bytes_are_encoded_as_a_list_of_numbers_and_read_back(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let encoded = encode(&Column(bytes.clone()));
            prop_assert_eq!(&encoded, &encode(&bytes));
            prop_assert_eq!(decode::<Column>(&encoded), Ok(Column(bytes)));
        }
    }

    #[test]
    fn a_column_that_is_cut_off_is_a_problem() {
        let encoded = encode(&Column(vec![7; 200]));
        assert!(decode::<Column>(&encoded[..100]).is_err());
    }
}
