//! ISO 8601 times as they are written and read, in the proleptic calendar of ISO 8601 and without leap seconds. It is what
//! `jiff` does, against which a test holds it; but what `jiff` says of texts that are none would be a fiftieth of the interface.

use std::{fmt, ops::RangeInclusive};

/// The times that have a text, in milliseconds: as far as the years of four digits reach, whatever the offset.
pub(super) const WRITTEN: RangeInclusive<i64> = -377_705_023_201_000..=253_402_207_200_000;

const DAY_S: i64 = 86_400;

/// Writes a time in UTC: `2026-11-24T03:12:44.5Z`.
pub(super) fn write(ms: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (seconds, ms) = (ms.div_euclid(1_000), ms.rem_euclid(1_000));
    let (of_day, (year, month, day)) = (seconds.rem_euclid(DAY_S), date(seconds.div_euclid(DAY_S)));
    match year {
        0.. => write!(f, "{year:04}")?,
        before => write!(f, "-{:06}", -before)?,
    }
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    write!(f, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
    match ms {
        0 => {}
        _ if ms % 100 == 0 => write!(f, ".{}", ms / 100)?,
        _ if ms % 10 == 0 => write!(f, ".{:02}", ms / 10)?,
        _ => write!(f, ".{ms:03}")?,
    }
    f.write_str("Z")
}

/// Reads a time with its offset.
pub(super) fn read(text: &str) -> Option<i64> {
    let mut rest = Rest(text.as_bytes());
    let local = rest.date()?;
    rest.one_of(b"Tt ")?;
    let (of_day, nanos) = rest.clock()?;
    let offset = rest.offset()?;
    rest.0.is_empty().then(|| whole(local * DAY_S + of_day - offset, nanos))?
}

/// Reads a day, or a time without an offset, which is then in UTC.
pub(super) fn read_in_utc(text: &str) -> Option<i64> {
    let mut rest = Rest(text.as_bytes());
    let day = rest.date()?;
    if rest.0.is_empty() {
        return whole(day * DAY_S, 0);
    }
    rest.one_of(b"Tt ")?;
    let (of_day, nanos) = rest.clock()?;
    rest.0.is_empty().then(|| whole(day * DAY_S + of_day, nanos))?
}

/// In milliseconds, what is less of one cut off, towards the epoch.
fn whole(seconds: i64, nanos: i64) -> Option<i64> {
    let cut = if seconds < 0 && nanos % 1_000_000 != 0 { 1 } else { 0 };
    Some(seconds * 1_000 + nanos / 1_000_000 + cut).filter(|ms| WRITTEN.contains(ms))
}

/// Year, month and day of a day since the epoch.
fn date(days: i64) -> (i64, i64, i64) {
    // Counted from the first of March of the year 0: the day that may be missing is then the last of its year.
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// The day since the epoch; none of a day that its month has not.
fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_march = year - i64::from(month <= 2);
    let (era, of_era) = (of_march.div_euclid(400), of_march.rem_euclid(400));
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    (date(days) == (year, month, day)).then_some(days)
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn one_of(&mut self, signs: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        signs.contains(first).then(|| self.0 = rest)?;
        Some(*first)
    }

    /// A number of so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        let number =
            number.iter().try_fold(0, |number, c| c.is_ascii_digit().then(|| number * 10 + i64::from(c - b'0')))?;
        self.0 = rest;
        Some(number)
    }

    /// A number of two digits below a bound.
    fn below(&mut self, bound: i64) -> Option<i64> {
        self.number(2).filter(|number| *number < bound)
    }

    fn date(&mut self) -> Option<i64> {
        let year = match self.one_of(b"+-") {
            None => self.number(4)?,
            Some(b'-') => -self.number(6).filter(|year| *year != 0)?,
            Some(_) => self.number(6)?,
        };
        self.one_of(b"-")?;
        let month = self.number(2)?;
        self.one_of(b"-")?;
        day(year, month, self.number(2)?)
    }

    /// Seconds of the day, and the nanoseconds behind them. A leap second is the one before.
    fn clock(&mut self) -> Option<(i64, i64)> {
        let hour = self.below(24)?;
        self.one_of(b":")?;
        let minute = self.below(60)?;
        let (mut second, mut nanos) = (0, 0);
        if self.one_of(b":").is_some() {
            second = self.below(61)?.min(59);
            if self.one_of(b".,").is_some() {
                let digits = self.0.iter().take_while(|c| c.is_ascii_digit()).count();
                let number = (1..=9).contains(&digits).then(|| self.number(digits))??;
                nanos = (digits..9).fold(number, |number, _| number * 10);
            }
        }
        Some((hour * 3_600 + minute * 60 + second, nanos))
    }

    /// Seconds before UTC, or behind it.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'Z' | b'z' => return Some(0),
            b'-' => -1,
            _ => 1,
        };
        let mut seconds = self.below(26)? * 3_600;
        if !self.0.is_empty() {
            let parted = self.one_of(b":").is_some();
            seconds += self.below(60)? * 60;
            if !self.0.is_empty() {
                if parted {
                    self.one_of(b":")?;
                }
                seconds += self.below(60)?;
            }
        }
        Some(sign * seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stamp;
    use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
    use proptest::prelude::*;

    fn by_jiff(text: &str) -> Option<i64> {
        text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
    }

    fn in_utc_by_jiff(text: &str) -> Option<i64> {
        let zoned = text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(zoned.timestamp().as_millisecond())
    }

    #[test]
    fn the_ends_and_what_is_beside_them_are_those_of_jiff() {
        for ms in [*WRITTEN.start(), *WRITTEN.end(), 0, -1, 951_782_400_000, -62_167_219_200_000, -62_167_219_200_001] {
            assert_eq!(Stamp(ms).to_string(), Timestamp::from_millisecond(ms).unwrap().to_string());
        }
        for ms in [WRITTEN.start() - 1, WRITTEN.end() + 1, i64::MIN, i64::MAX] {
            assert!(Timestamp::from_millisecond(ms).is_err());
            assert_eq!(Stamp(ms).to_string(), format!("{ms} ms"));
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-11-24",
            "2026-11-24T03:12:44",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T03:12:44.Z",
            "2026-11-24T03:12:44.0123456789Z",
            "2026-11-24T03:12:44Zx",
            "2026-11-24T03:12:44+26:00",
            "-000000-01-01T00:00:00Z",
            "99999-01-01T00:00:00Z",
            "９026-11-24T03:12:44Z",
        ] {
            assert_eq!((read(text), by_jiff(text)), (None, None), "{text}");
        }
        assert_eq!(read("2024-02-29t23:59:60,5z"), by_jiff("2024-02-29T23:59:59.5Z"));
    }

    proptest! {
        #[test]
        fn a_time_is_written_as_jiff_writes_it_and_reads_back(ms in WRITTEN) {
            let text = Stamp(ms).to_string();
            prop_assert_eq!(&text, &Timestamp::from_millisecond(ms).unwrap().to_string());
            prop_assert_eq!(read(&text), Some(ms));
        }

        #[test]
        fn what_is_read_is_what_jiff_reads(
            (year, month, day) in (0_u32..10_000, 0_u32..14, 0_u32..33),
            (hour, minute, second) in (0_u32..25, 0_u32..62, 0_u32..61),
            fraction in proptest::option::of("[0-9]{1,9}"),
            (sign, ahead, by) in (prop::bool::ANY, 0_u32..27, 0_u32..61),
        ) {
            let fraction = fraction.map(|digits| format!(".{digits}")).unwrap_or_default();
            let local = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}");
            let sign = if sign { '+' } else { '-' };
            for text in [format!("{local}{sign}{ahead:02}:{by:02}"), format!("{local}Z"), format!("{local}{sign}{ahead:02}")] {
                prop_assert_eq!(read(&text), by_jiff(&text), "{}", text);
            }
            prop_assert_eq!(read_in_utc(&local), in_utc_by_jiff(&local), "{}", local);
            let day = &local[..10];
            prop_assert_eq!(read_in_utc(day), in_utc_by_jiff(day), "{}", day);
        }

        #[test]
        fn whatever_is_read_is_read_by_jiff_too(text in "[-+]?[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.,Zz+ -]{0,24}") {
            if let Some(ms) = read(&text) {
                prop_assert_eq!(Some(ms), by_jiff(&text), "{}", text);
            }
        }
    }
}
