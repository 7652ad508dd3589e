//! A sum over sources of which some may not be read: a number, a bound, or not known.

use serde::{Deserialize, Serialize, Serializer};

/// How many there are, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub enum Sum {
    /// So many.
    Exact(u64),
    /// What is not read can only add to it. Never 0: that says nothing, and is [`Sum::NotKnown`].
    AtLeast(u64),
    /// What is not read can only take from it.
    AtMost(u64),
    /// Nobody knows.
    #[default]
    NotKnown,
}

impl Sum {
    /// So many, or at least so many where something may be missing.
    #[must_use]
    pub fn of(n: u64, whole: bool) -> Self {
        match (whole, n) {
            (true, n) => Self::Exact(n),
            (false, 0) => Self::NotKnown,
            (false, n) => Self::AtLeast(n),
        }
    }

    /// The number, or that of the bound.
    #[must_use]
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Exact(n) | Self::AtLeast(n) | Self::AtMost(n) => Some(n),
            Self::NotKnown => None,
        }
    }

    /// The number, where it is one.
    #[must_use]
    pub fn exact(self) -> Option<u64> {
        if let Self::Exact(n) = self { Some(n) } else { None }
    }

    /// How many there are for sure.
    #[must_use]
    pub fn sure(self) -> u64 {
        match self {
            Self::Exact(n) | Self::AtLeast(n) => n,
            Self::AtMost(_) | Self::NotKnown => 0,
        }
    }
}

/// For programs that read JSON a number stays a number; a bound says that it is one, and what is not known is `null`.
impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        const NAME: &str = "Sum";
        let words = to.is_human_readable();
        match *self {
            Self::Exact(n) if words => to.serialize_u64(n),
            Self::NotKnown if words => to.serialize_none(),
            Self::Exact(n) => to.serialize_newtype_variant(NAME, 0, "Exact", &n),
            Self::AtLeast(n) => to.serialize_newtype_variant(NAME, 1, if words { "at_least" } else { "AtLeast" }, &n),
            Self::AtMost(n) => to.serialize_newtype_variant(NAME, 2, if words { "at_most" } else { "AtMost" }, &n),
            Self::NotKnown => to.serialize_unit_variant(NAME, 3, "NotKnown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_crosses_the_wire_and_is_a_plain_number_in_json() {
        for (sum, json) in [
            (Sum::Exact(8), "8"),
            (Sum::Exact(0), "0"),
            (Sum::of(8, false), r#"{"at_least":8}"#),
            (Sum::AtMost(8), r#"{"at_most":8}"#),
            (Sum::of(0, false), "null"),
        ] {
            assert_eq!(serde_json::to_string(&sum).unwrap(), json);
            assert_eq!(postcard::from_bytes::<Sum>(&postcard::to_stdvec(&sum).unwrap()).unwrap(), sum);
        }
    }
}
