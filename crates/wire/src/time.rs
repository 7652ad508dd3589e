//! Points in time and how they are written. Reads no clock.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr, time::Duration};

/// A point in time: milliseconds since the Unix epoch, UTC. In JSON it is an ISO 8601 text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub i64);

impl Stamp {
    /// The time passed since `earlier`; zero if `earlier` is later (two clocks may disagree).
    #[must_use]
    pub fn since(self, earlier: Stamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This point moved later by `span`.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This point moved earlier by `span`.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// `03:12:44`, UTC.
    #[must_use]
    pub fn clock(self) -> String {
        let second = self.0.div_euclid(1000).rem_euclid(86_400);
        format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A text that is not an ISO 8601 time with an offset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a time such as 2026-11-24T03:12:44Z")]
pub struct NotATime(pub String);

impl FromStr for Stamp {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        text.parse::<Timestamp>().map(|time| Self(time.as_millisecond())).map_err(|_| NotATime(text.to_owned()))
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

/// Every ask and every view is about now or about a time in the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum When {
    /// The live world.
    #[default]
    Now,
    /// What was known at this time.
    At(Stamp),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_from_what_it_prints() {
        let stamp: Stamp = "2026-11-24T03:12:44Z".parse().unwrap();
        assert_eq!(stamp.to_string(), "2026-11-24T03:12:44Z");
        assert_eq!(stamp.clock(), "03:12:44");
        assert!("yesterday".parse::<Stamp>().is_err());
    }

    #[test]
    fn json_has_text_and_the_wire_has_a_number() {
        let stamp = Stamp(1_000);
        assert_eq!(serde_json::to_string(&stamp).unwrap(), "\"1970-01-01T00:00:01Z\"");
        assert_eq!(postcard::from_bytes::<Stamp>(&postcard::to_stdvec(&stamp).unwrap()).unwrap(), stamp);
    }

    #[test]
    fn a_source_that_is_ahead_gives_age_zero() {
        assert_eq!(Stamp(5).since(Stamp(9)), Duration::ZERO);
    }
}
