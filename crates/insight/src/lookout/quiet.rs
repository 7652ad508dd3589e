//! Quiet hours on a real calendar: over midnight, and over days of 23 and 25 hours.

use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};
use pilothouse_wire::{
    Stamp,
    notice::{QuietHours, TimeOfDay},
};

/// Until when it is quiet, if it is quiet now. The ends are points in time and not hands of a clock: where a clock is put
/// back, quiet hours that are over do not begin again; an end in an hour that a day does not have comes an hour later.
#[must_use]
pub fn quiet_until(hours: QuietHours, now: Stamp, zone: &TimeZone) -> Option<Stamp> {
    let local = Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone.clone());
    let today = local.date();
    [today.yesterday().ok(), Some(today)].into_iter().flatten().find_map(|first| {
        let last = if hours.to() > hours.from() { first } else { first.tomorrow().ok()? };
        let (from, to) = (at(first, hours.from(), zone)?, at(last, hours.to(), zone)?);
        (from <= now && now < to).then_some(to)
    })
}

fn at(date: Date, time: TimeOfDay, zone: &TimeZone) -> Option<Stamp> {
    let (hour, minute) = (i8::try_from(time.hour()).ok()?, i8::try_from(time.minute()).ok()?);
    let zoned: Zoned = date.at(hour, minute, 0, 0).to_zoned(zone.clone()).ok()?;
    Some(Stamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of the middle of Europe: forward on 29 March 2026 at 02:00, back on 25 October 2026 at 03:00.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn hours(text: &str) -> QuietHours {
        let (from, to) = text.split_once('-').unwrap();
        QuietHours::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
    }

    /// Until when it is quiet, as a time of UTC.
    #[track_caller]
    fn check(quiet: &str, zone: &TimeZone, now: &str, want: &str) {
        let until = quiet_until(hours(quiet), now.parse().unwrap(), zone);
        let until = until.map_or("no".to_owned(), |until| until.to_string());
        assert_eq!(until, want, "{quiet} at {now}");
    }

    #[test]
    fn within_a_day() {
        for (now, want) in [
            ("2026-01-10T11:59:59Z", "no"),
            ("2026-01-10T12:00:00Z", "2026-01-10T13:30:00Z"),
            ("2026-01-10T13:29:59Z", "2026-01-10T13:30:00Z"),
            ("2026-01-10T13:30:00Z", "no"),
        ] {
            check("12:00-13:30", &TimeZone::UTC, now, want);
        }
    }

    #[test]
    fn over_midnight() {
        for (now, want) in [
            ("2026-01-10T20:59:59Z", "no"),
            ("2026-01-10T21:00:00Z", "2026-01-11T06:00:00Z"),
            ("2026-01-10T23:30:00Z", "2026-01-11T06:00:00Z"),
            ("2026-01-11T05:59:59Z", "2026-01-11T06:00:00Z"),
            ("2026-01-11T06:00:00Z", "no"),
        ] {
            check("22:00-07:00", &berlin(), now, want);
        }
    }

    #[test]
    fn a_night_in_which_the_clock_goes_forward_is_an_hour_shorter() {
        check("22:00-07:00", &berlin(), "2026-03-28T21:30:00Z", "2026-03-29T05:00:00Z");
        // 02:30 is not there: it ends at 03:30.
        check("22:00-02:30", &berlin(), "2026-03-29T01:10:00Z", "2026-03-29T01:30:00Z");
        check("22:00-02:30", &berlin(), "2026-03-29T01:30:00Z", "no");
    }

    #[test]
    fn a_night_in_which_the_clock_goes_back_is_an_hour_longer_and_does_not_begin_again() {
        check("22:00-07:00", &berlin(), "2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z");
        check("22:00-02:30", &berlin(), "2026-10-25T00:29:00Z", "2026-10-25T00:30:00Z");
        // 02:10 for the second time.
        check("22:00-02:30", &berlin(), "2026-10-25T01:10:00Z", "no");
    }

    proptest! {
        #[test]
        fn quiet_hours_end_within_a_day_and_an_hour_and_are_over_then(
            now in 1_700_000_000_000_i64..1_900_000_000_000, from in 0_u8..24, to in 0_u8..24, minute in 0_u8..60,
        ) {
            let hours = QuietHours::new(TimeOfDay::new(from, 0).unwrap(), TimeOfDay::new(to, minute).unwrap());
            let Some(hours) = hours else { return Ok(()) };
            if let Some(until) = quiet_until(hours, Stamp(now), &berlin()) {
                prop_assert!(until > Stamp(now) && until.since(Stamp(now)).as_secs() <= 25 * 3_600);
                prop_assert_eq!(quiet_until(hours, until, &berlin()), None);
            }
        }
    }
}
