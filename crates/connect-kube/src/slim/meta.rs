//! What all objects and lists have: metadata, times, quantities, the envelope, the status of a failed call.

use pilothouse_wire::Stamp;
use serde::{Deserialize, Deserializer};
use std::{collections::BTreeMap, fmt};

/// `v1.ObjectMeta`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    /// `name`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// `namespace`.
    #[prost(string, tag = "3")]
    pub namespace: String,
    /// `uid`.
    #[prost(string, tag = "5")]
    pub uid: String,
    /// `resourceVersion`.
    #[prost(string, tag = "6")]
    pub resource_version: String,
    /// `creationTimestamp`.
    #[prost(message, optional, tag = "8")]
    #[serde(deserialize_with = "time")]
    pub creation_timestamp: Option<Time>,
    /// `deletionTimestamp`.
    #[prost(message, optional, tag = "9")]
    #[serde(deserialize_with = "time")]
    pub deletion_timestamp: Option<Time>,
    /// `labels`.
    #[prost(btree_map = "string, string", tag = "11")]
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// `annotations`. Of a pod facts have the one by which KServe says which model is fetched, and of no object any other.
    #[prost(btree_map = "string, string", tag = "12")]
    #[serde(deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
    /// `ownerReferences`.
    #[prost(message, repeated, tag = "13")]
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<OwnerReference>,
}

/// `v1.OwnerReference`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnerReference {
    /// `kind`.
    #[prost(string, tag = "1")]
    pub kind: String,
    /// `name`.
    #[prost(string, tag = "3")]
    pub name: String,
    /// `uid`.
    #[prost(string, tag = "4")]
    pub uid: String,
    /// `controller`.
    #[prost(bool, optional, tag = "6")]
    pub controller: Option<bool>,
}

/// `v1.ListMeta`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListMeta {
    /// `resourceVersion`.
    #[prost(string, tag = "2")]
    pub resource_version: String,
    /// `continue`: where the next page begins; empty on the last.
    #[prost(string, tag = "3")]
    pub r#continue: String,
    /// `remainingItemCount`.
    #[prost(int64, optional, tag = "4")]
    pub remaining_item_count: Option<i64>,
}

impl ListMeta {
    /// About how many objects come after this page.
    #[must_use]
    pub fn left(&self) -> u64 {
        u64::try_from(self.remaining_item_count.unwrap_or(0)).unwrap_or(0)
    }
}

/// `v1.Time` and `v1.MicroTime`; a text in JSON.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Time {
    /// Seconds since the Unix epoch.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds of the second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Time {
    /// The time, unless it is the zero that stands for "none" in protobuf.
    #[must_use]
    pub fn stamp(self) -> Option<Stamp> {
        let millis =
            self.seconds.saturating_mul(1_000).saturating_add(i64::from(self.nanos.clamp(0, 999_999_999) / 1_000_000));
        (self.seconds != 0 || self.nanos != 0).then_some(Stamp(millis))
    }
}

/// `resource.Quantity`; a text or a number in JSON.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Quantity {
    /// As written: `500m`, `2Ti`.
    #[prost(string, tag = "1")]
    pub string: String,
}

/// Amounts by resource.
pub type Quantities = BTreeMap<String, Quantity>;

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity")
            }

            fn visit_str<E>(self, text: &str) -> Result<Quantity, E> {
                Ok(Quantity { string: text.to_owned() })
            }

            fn visit_u64<E>(self, n: u64) -> Result<Quantity, E> {
                Ok(Quantity { string: n.to_string() })
            }

            fn visit_i64<E>(self, n: i64) -> Result<Quantity, E> {
                Ok(Quantity { string: n.to_string() })
            }

            fn visit_f64<E>(self, n: f64) -> Result<Quantity, E> {
                Ok(Quantity { string: n.to_string() })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `v1.Status`: why a call failed, as the server says.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    /// `message`.
    #[prost(string, tag = "3")]
    pub message: String,
    /// `reason`: `Forbidden`, `Expired`.
    #[prost(string, tag = "4")]
    pub reason: String,
    /// `details`.
    #[prost(message, optional, tag = "5")]
    pub details: Option<StatusDetails>,
    /// `code`.
    #[prost(int32, tag = "6")]
    pub code: i32,
}

/// `v1.StatusDetails`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatusDetails {
    /// `causes`.
    #[prost(message, repeated, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub causes: Vec<StatusCause>,
    /// `retryAfterSeconds`.
    #[prost(int32, tag = "5")]
    pub retry_after_seconds: i32,
}

/// `v1.StatusCause`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub struct StatusCause {
    /// `reason`: `DisruptionBudget`.
    #[prost(string, tag = "1")]
    pub reason: String,
    /// `message`.
    #[prost(string, tag = "2")]
    pub message: String,
}

/// Null stands for "none" in lists and maps that Go wrote.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// A time that cannot be read is no reason to lose the object.
pub(super) fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Time>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(|time| {
        // Protobuf counts nanoseconds up from the second, also before 1970.
        let nanos = time.as_nanosecond();
        let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default();
        Time { seconds, nanos: i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default() }
    }))
}
