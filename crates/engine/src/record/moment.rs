//! A time as somebody says it of a record: the time itself, or how long before its end.

use pilothouse_wire::Stamp;
use std::{fmt, str::FromStr, time::Duration};

/// A time, or how long before the end of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The time itself.
    At(Stamp),
    /// So long before the end.
    Before(Duration),
}

impl Moment {
    /// The time, in a record that ends at `end`.
    #[must_use]
    pub fn of(self, end: Stamp) -> Stamp {
        match self {
            Self::At(at) => at,
            Self::Before(span) => end.minus(span),
        }
    }
}

/// Reads a span: `30s`, `90m`, `2h`, `3d`.
///
/// # Errors
/// What may be given.
pub fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "give a span such as 30s, 90m, 2h, 3d".to_owned();
    let at = text.len().checked_sub(1).filter(|at| text.is_char_boundary(*at)).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number.parse::<u32>().map(|number| Duration::from_secs(u64::from(number) * seconds)).map_err(|_| wrong())
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match span(text) {
            Ok(span) => Ok(Self::Before(span)),
            Err(_) => text.parse().map(Self::At).map_err(|error| format!("{error}, and no span such as 90m, 2h, 3d")),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => at.fmt(f),
            Self::Before(span) => write!(f, "{}s", span.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_are_told_apart_and_read_back() {
        for (text, want) in [
            ("90m", Ok(Moment::Before(Duration::from_secs(5_400)))),
            ("3d", Ok(Moment::Before(Duration::from_secs(259_200)))),
            ("4294967295d", Ok(Moment::Before(Duration::from_secs(4_294_967_295 * 86_400)))),
            ("2026-11-24T03:12:44Z", Ok(Moment::At(Stamp(1_795_489_964_000)))),
            ("d", Err(())),
            ("", Err(())),
            ("−3d", Err(())),
            ("99999999999d", Err(())),
        ] {
            let read = text.parse::<Moment>().map_err(|_| ());
            assert_eq!(read, want, "{text}");
            if let Ok(moment @ Moment::At(_)) = read {
                assert_eq!(moment.to_string().parse(), Ok(moment));
            }
        }
        let two_hours = Moment::Before(Duration::from_secs(7_200));
        assert_eq!(two_hours.to_string().parse(), Ok(two_hours));
    }
}
