//! The ribbon's axis: which time is at which pixel, and where the axis has words.

use pilothouse_wire::Stamp;
use std::time::Duration;

/// Room for two labels side by side.
const LABEL_PX: f64 = 84.0;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Steps that people count in, in seconds.
const STEPS: [u64; 16] = [
    5,
    10,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
];

/// Times between two pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The time at the left.
    pub from: Stamp,
    /// The time at the right.
    pub to: Stamp,
    /// Pixels at the left.
    pub left: f64,
    /// Pixels at the right.
    pub right: f64,
}

/// A place of the axis with a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where.
    pub x: f64,
    /// `03:05`, or the day at midnight.
    pub label: String,
}

impl Scale {
    /// The span that ends at a time.
    #[must_use]
    pub fn ending(end: Stamp, span: Duration, left: f64, right: f64) -> Self {
        Self { from: end.minus(span), to: end, left, right: right.max(left + 1.0) }
    }

    /// The pixel of a time. Outside of the span it is outside of the ribbon.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a week in milliseconds is far below 2^53")]
    pub fn x(&self, at: Stamp) -> f64 {
        let span = (self.to.0 - self.from.0).max(1) as f64;
        self.left + (at.0 - self.from.0) as f64 / span * (self.right - self.left)
    }

    /// The time at a pixel, within the span.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a week in milliseconds fits")]
    pub fn at(&self, x: f64) -> Stamp {
        let share = ((x - self.left) / (self.right - self.left)).clamp(0.0, 1.0);
        Stamp(self.from.0 + ((self.to.0 - self.from.0) as f64 * share) as i64)
    }

    /// How long so many pixels are, in milliseconds.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a week in milliseconds fits")]
    pub fn at_ms(&self, pixels: f64) -> i64 {
        ((self.to.0 - self.from.0) as f64 * pixels / (self.right - self.left)) as i64
    }

    /// Is this time shown?
    #[must_use]
    pub fn holds(&self, at: Stamp) -> bool {
        self.from <= at && at <= self.to
    }

    /// The axis: round times in UTC, as many as have room.
    #[must_use]
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "spans are days at most")]
    pub fn ticks(&self) -> Vec<Tick> {
        let span_s = (self.to.0 - self.from.0).max(1) as f64 / 1000.0;
        let least = span_s * LABEL_PX / (self.right - self.left);
        let step = STEPS.into_iter().find(|step| *step as f64 >= least).unwrap_or(7 * DAY) as i64 * 1000;
        let first = self.from.0.div_euclid(step) + 1;
        let last = self.to.0.div_euclid(step);
        (first..=last).map(|n| Stamp(n * step)).map(|at| Tick { x: self.x(at), label: label(at) }).collect()
    }
}

fn label(at: Stamp) -> String {
    let clock = at.clock();
    match &clock[6..] {
        _ if clock == "00:00:00" => day(at),
        "00" => clock[..5].to_owned(),
        _ => clock,
    }
}

/// `24 Nov`, in UTC.
pub fn day(at: Stamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let mut parts = text.get(5..10).unwrap_or_default().split('-').map(|part| part.parse::<usize>().unwrap_or(1));
    let (month, day) = (parts.next().unwrap_or(1), parts.next().unwrap_or(1));
    format!("{day} {}", MONTHS[(month - 1).min(11)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(from: &str, to: &str) -> Scale {
        Scale { from: from.parse().unwrap(), to: to.parse().unwrap(), left: 184.0, right: 1_348.0 }
    }

    fn words(scale: Scale) -> Vec<String> {
        scale.ticks().into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn an_hour_has_a_word_every_five_minutes() {
        let hour = scale("2026-11-24T02:12:44Z", "2026-11-24T03:12:44Z");
        let words = words(hour);
        assert_eq!((words.len(), words[0].as_str(), words[11].as_str()), (12, "02:15", "03:10"));
    }

    #[test]
    fn days_are_named_at_midnight() {
        let week = scale("2026-11-17T03:12:44Z", "2026-11-24T03:12:44Z");
        assert_eq!(words(week)[..3], ["18 Nov", "19 Nov", "20 Nov"]);
    }

    /// In Berlin the clock jumps from 02:00 to 03:00 on 29 March 2026, and shows 02:00 to 03:00 twice on 25 October.
    #[test]
    fn no_hour_is_missing_or_told_twice_in_the_nights_in_which_clocks_are_changed() {
        for night in ["2026-03-29", "2026-10-25"] {
            let scale = scale(&format!("{night}T00:00:00Z"), &format!("{night}T06:00:00Z"));
            let ticks = scale.ticks();
            let hours: Vec<&str> =
                ticks.iter().map(|tick| tick.label.as_str()).filter(|label| label.ends_with(":00")).collect();
            assert_eq!(hours, ["01:00", "02:00", "03:00", "04:00", "05:00", "06:00"], "{night}");
            // Each is as wide as any other.
            let widths = ticks.windows(2).map(|pair| pair[1].x - pair[0].x);
            assert!(widths.clone().all(|width| (width - widths.clone().next().unwrap()).abs() < 0.01), "{night}");
        }
    }

    #[test]
    fn a_pixel_is_the_time_that_it_is_drawn_at() {
        let hour = scale("2026-11-24T02:12:44Z", "2026-11-24T03:12:44Z");
        for x in [184.0, 500.0, 1_348.0] {
            assert!((hour.x(hour.at(x)) - x).abs() < 0.01, "{x}");
        }
        assert_eq!((hour.at(0.0), hour.at(9_999.0)), (hour.from, hour.to));
    }

    #[test]
    fn words_never_come_nearer_than_they_are_wide() {
        for minutes in [15, 60, 360, 1_440, 10_080] {
            for width in [400.0, 700.0, 1_160.0, 3_000.0] {
                let span = Duration::from_secs(minutes * 60);
                let scale = Scale::ending(Stamp(1_795_489_964_000), span, 184.0, 184.0 + width);
                let ticks = scale.ticks();
                assert!(ticks.windows(2).all(|pair| pair[1].x - pair[0].x >= LABEL_PX - 0.01), "{minutes} {width}");
                assert!(ticks.iter().all(|tick| tick.x >= 184.0 && tick.x <= 184.0 + width));
            }
        }
    }
}
