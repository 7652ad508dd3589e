//! Events, of `events.k8s.io/v1` and of the older core group.

use super::meta::{Meta, Time, or_default, time};
use serde::Deserialize;

/// `events.k8s.io/v1.Event`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Event {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `eventTime`.
    #[prost(message, optional, tag = "2")]
    #[serde(deserialize_with = "time")]
    pub event_time: Option<Time>,
    /// `series`.
    #[prost(message, optional, tag = "3")]
    pub series: Option<EventSeries>,
    /// `reason`.
    #[prost(string, tag = "7")]
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// `regarding`.
    #[prost(message, optional, tag = "8")]
    pub regarding: Option<ObjectReference>,
    /// `note`.
    #[prost(string, tag = "10")]
    #[serde(deserialize_with = "or_default")]
    pub note: String,
    /// `type`.
    #[prost(string, tag = "11")]
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
    /// `deprecatedLastTimestamp`.
    #[prost(message, optional, tag = "14")]
    #[serde(deserialize_with = "time")]
    pub deprecated_last_timestamp: Option<Time>,
    /// `deprecatedCount`.
    #[prost(int32, tag = "15")]
    #[serde(deserialize_with = "or_default")]
    pub deprecated_count: i32,
}

/// `v1.Event` of the core group.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CoreEvent {
    /// `metadata`.
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<Meta>,
    /// `involvedObject`.
    #[prost(message, optional, tag = "2")]
    pub involved_object: Option<ObjectReference>,
    /// `reason`.
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub reason: String,
    /// `message`.
    #[prost(string, tag = "4")]
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// `lastTimestamp`.
    #[prost(message, optional, tag = "7")]
    #[serde(deserialize_with = "time")]
    pub last_timestamp: Option<Time>,
    /// `count`.
    #[prost(int32, tag = "8")]
    #[serde(deserialize_with = "or_default")]
    pub count: i32,
    /// `type`.
    #[prost(string, tag = "9")]
    #[serde(deserialize_with = "or_default")]
    pub r#type: String,
    /// `eventTime`.
    #[prost(message, optional, tag = "10")]
    #[serde(deserialize_with = "time")]
    pub event_time: Option<Time>,
    /// `series`.
    #[prost(message, optional, tag = "11")]
    pub series: Option<EventSeries>,
}

impl From<CoreEvent> for Event {
    fn from(core: CoreEvent) -> Self {
        Self {
            metadata: core.metadata,
            event_time: core.event_time,
            series: core.series,
            reason: core.reason,
            regarding: core.involved_object,
            note: core.message,
            r#type: core.r#type,
            deprecated_last_timestamp: core.last_timestamp,
            deprecated_count: core.count,
        }
    }
}

/// `EventSeries` of both groups.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EventSeries {
    /// `count`.
    #[prost(int32, tag = "1")]
    pub count: i32,
    /// `lastObservedTime`.
    #[prost(message, optional, tag = "2")]
    #[serde(deserialize_with = "time")]
    pub last_observed_time: Option<Time>,
}

/// `v1.ObjectReference`.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectReference {
    /// `kind`.
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// `namespace`.
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
    /// `name`.
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}
