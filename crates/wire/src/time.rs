//! Points in time and how they are written. Reads no clock.

mod iso;

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
        match iso::WRITTEN.contains(&self.0) {
            true => iso::write(self.0, f),
            false => write!(f, "{} ms", self.0),
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
        iso::read(text).map(Self).ok_or_else(|| NotATime(text.to_owned()))
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

/// A text that no person means as a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no time; write now, -30m, 02:41, 2026-11-24 02:41 or 2026-11-24T02:41:30Z, in UTC")]
pub struct NotTyped(pub String);

/// Every ask and every view is about now or about a time in the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum When {
    /// The live world.
    #[default]
    Now,
    /// What was known at this time.
    At(Stamp),
}

impl When {
    /// The time that it means, where the present is `now`.
    #[must_use]
    pub fn stamp(self, now: Stamp) -> Stamp {
        match self {
            Self::Now => now,
            Self::At(then) => then,
        }
    }

    /// What a person types, as [`Stamp::typed`]. What is not before `now` is now.
    ///
    /// # Errors
    /// [`NotTyped`] for a text that is no time.
    pub fn typed(text: &str, now: Stamp) -> Result<Self, NotTyped> {
        let then = Stamp::typed(text, now)?;
        Ok(then.filter(|then| *then < now).map_or(Self::Now, Self::At))
    }
}

impl Stamp {
    /// What a person types: `now`, which is `None`; `-1h30m` before it, `02:41` as it last was, a day with a time, an ISO
    /// 8601 time. All in UTC, as times are shown.
    ///
    /// # Errors
    /// [`NotTyped`] for a text that is none of these.
    pub fn typed(text: &str, now: Self) -> Result<Option<Self>, NotTyped> {
        let text = text.trim();
        let wrong = || NotTyped(text.to_owned());
        if text.eq_ignore_ascii_case("now") {
            return Ok(None);
        }
        let then = if let Some(ago) = text.strip_prefix(['-', '−']) {
            now.minus(ago_typed(ago).ok_or_else(wrong)?)
        } else if let Some(of_day) = clock_typed(text) {
            let midnight = now.0.saturating_sub(now.0.rem_euclid(DAY_MS));
            let today = midnight.saturating_add(of_day);
            Self(if today > now.0 { today.saturating_sub(DAY_MS) } else { today })
        } else {
            day_typed(text).ok_or_else(wrong)?
        };
        Ok(Some(then))
    }
}

const DAY_MS: i64 = 86_400_000;

/// `1h30m`, `90 s`: numbers, each with its unit.
fn ago_typed(text: &str) -> Option<Duration> {
    let (mut total, mut number) = (0_u64, None::<u64>);
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        if let Some(digit) = c.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit.into())?);
            continue;
        }
        let seconds = match c.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(seconds)?)?;
    }
    // A number without a unit could be anything.
    (number.is_none() && total > 0).then(|| Duration::from_secs(total))
}

/// `02:41`, `02:41:30`: milliseconds of the day.
fn clock_typed(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(|part| (part.len() <= 2).then(|| part.parse::<i64>().ok()).flatten());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    (fits && parts.next().is_none()).then_some((hour * 3_600 + minute * 60 + second) * 1_000)
}

/// A time with its day, in UTC where it names no offset.
fn day_typed(text: &str) -> Option<Stamp> {
    iso::read(text).or_else(|| iso::read_in_utc(text.trim_end_matches(" UTC"))).map(Stamp)
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
    fn what_a_person_types_is_a_time_before_now() {
        let now: Stamp = "2026-11-24T03:12:44Z".parse().unwrap();
        for (text, want) in [
            ("now", None),
            (" NOW ", None),
            ("-30m", Some("2026-11-24T02:42:44Z")),
            ("−1h30m", Some("2026-11-24T01:42:44Z")),
            ("-2 d", Some("2026-11-22T03:12:44Z")),
            ("02:41", Some("2026-11-24T02:41:00Z")),
            ("02:41:30", Some("2026-11-24T02:41:30Z")),
            // It was yesterday that it was so late.
            ("23:10", Some("2026-11-23T23:10:00Z")),
            ("2026-11-20", Some("2026-11-20T00:00:00Z")),
            ("2026-11-20 14:30", Some("2026-11-20T14:30:00Z")),
            ("2026-11-24 03:12:44 UTC", None),
            ("2026-11-24T03:12:43+00:00", Some("2026-11-24T03:12:43Z")),
            ("2030-01-01T00:00:00Z", None),
        ] {
            let when = When::typed(text, now).unwrap();
            assert_eq!(when, want.map_or(When::Now, |want| When::At(want.parse().unwrap())), "{text}");
        }
        for text in ["", "-", "-30", "30m", "-5x", "24:00", "2:60", "1:2:3:4", "yesterday", "-99999999999999999999d"] {
            assert!(When::typed(text, now).is_err(), "{text}");
        }
    }

    /// In Berlin the clock jumps from 02:00 to 03:00 on 29 March 2026, and shows 02:00 to 03:00 twice on 25 October.
    #[test]
    fn in_the_nights_in_which_clocks_are_changed_each_typed_time_is_one_time() {
        for (night, now) in [("2026-03-29", "2026-03-29T12:00:00Z"), ("2026-10-25", "2026-10-25T12:00:00Z")] {
            let now: Stamp = now.parse().unwrap();
            let at = |text: &str| match When::typed(text, now) {
                Ok(When::At(at)) => at,
                other => panic!("{text}: {other:?}"),
            };
            // As they are shown: no hour is missing, none is there twice.
            assert_eq!(at("02:30").to_string(), format!("{night}T02:30:00Z"));
            assert_eq!(at(&format!("{night} 02:30")), at("02:30"));
            assert_eq!(at("03:30").since(at("02:30")), Duration::from_secs(3_600));
            // A day ago is as many hours, whatever a clock on a wall showed.
            assert_eq!(now.since(at("-1d")), Duration::from_secs(86_400));
            // Who has a time of a wall says which of the two it is.
            let (summer, winter) = (at(&format!("{night}T02:30:00+02:00")), at(&format!("{night}T02:30:00+01:00")));
            assert_eq!(winter.since(summer), Duration::from_secs(3_600));
        }
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
