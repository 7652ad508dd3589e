//! How numbers and foreign texts are written for people, the same in every door. Absent is `—`, never 0.

use crate::Sum;
use std::time::Duration;

/// The mark of a value that is absent.
pub const ABSENT: &str = "—";

/// `4096` as `4,096`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

/// GPUs, and shares or slices of them beside these: "8", "20 shares", "8 + 1 share".
#[must_use]
pub fn gpus(whole: u64, shares: u64) -> String {
    let shared = format!("{} share{}", count(shares), if shares == 1 { "" } else { "s" });
    match (whole, shares) {
        (_, 0) => count(whole),
        (0, _) => shared,
        _ => format!("{} + {shared}", count(whole)),
    }
}

/// A number with so many decimals, its thousands parted: `1,980`, `73.8`; a minus is U+2212.
#[must_use]
pub fn number(n: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", n.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let sign = if n < 0.0 && text.chars().any(|c| ('1'..='9').contains(&c)) { "−" } else { "" };
    match whole.parse() {
        Ok(whole) => format!("{sign}{}{rest}", count(whole)),
        Err(_) => format!("{sign}{text}"),
    }
}

/// A sum: `8`, `≥ 8` or `≤ 8` where something is not read, `—` where nobody knows.
#[must_use]
pub fn sum(sum: Sum) -> String {
    match sum {
        Sum::Exact(n) => count(n),
        Sum::AtLeast(n) => format!("≥ {}", count(n)),
        Sum::AtMost(n) => format!("≤ {}", count(n)),
        Sum::NotKnown => ABSENT.into(),
    }
}

/// The share of one sum in another. A share of bounds is not known, and not said.
#[must_use]
pub fn share_of(part: Sum, whole: Sum) -> Option<String> {
    let (part, whole) = (part.exact()?, whole.exact()?);
    (whole > 0).then(|| share(part, whole))
}

/// A share with one decimal: `99.4 %`; absent when there is nothing to take a share of.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return ABSENT.into();
    }
    #[allow(clippy::cast_precision_loss, reason = "counts of things stay far below 2^53")]
    let percent = part as f64 * 100.0 / whole as f64;
    format!("{percent:.1} %")
}

/// A span with two units at most, the second zero-padded: `48 s`, `4 min 12 s`, `6 d 02 h`.
#[must_use]
pub fn span(span: Duration) -> String {
    let s = span.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min {:02} s", s / 60, s % 60),
        3_600..86_400 => format!("{} h {:02} min", s / 3_600, s / 60 % 60),
        _ => format!("{} d {:02} h", s / 86_400, s / 3_600 % 24),
    }
}

/// A span as a person types it: a whole number of seconds, minutes, hours or days, such as `30m`, `2 h`.
///
/// # Errors
/// What to give instead.
pub fn span_typed(text: &str) -> Result<Duration, String> {
    let wrong = || "give a whole number of seconds, minutes, hours or days, such as 30m or 2h".to_owned();
    let text = text.trim();
    let at = text.find(|sign: char| !sign.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let seconds = match unit.trim_start() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).filter(|all| *all > 0).map(Duration::from_secs).ok_or_else(wrong)
}

/// The age of a fact: a [`span`], from 1 s (under a second is "1 s": nobody can see the difference).
#[must_use]
pub fn age(span_of: Duration) -> String {
    span(span_of.max(Duration::from_secs(1)))
}

/// Bytes by powers of 1,000, three significant digits: `73.8 GB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = if unit == 0 || value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// An id of at most `max` characters: its middle gives way to an ellipsis.
#[must_use]
pub fn middle(text: &str, max: usize) -> String {
    let length = text.chars().count();
    if length <= max || max < 3 {
        return text.to_owned();
    }
    let head = max / 2;
    let tail = max - head - 1;
    text.chars().take(head).chain(std::iter::once('…')).chain(text.chars().skip(length - tail)).collect()
}

/// Does a character act on what shows it, or hide in it, instead of being seen?
///
/// Control marks (ANSI escapes begin with one), marks that turn the direction of writing, and those that take no room.
/// What makes letters and emoji whole, such as combining marks and variation selectors, is not among them; the joiners
/// are, although some scripts use them: two names that differ by one look the same.
#[must_use]
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Text from a server made safe to show: each character that [`acts`] gives way to one that is seen.
///
/// Every door shows foreign texts through this, wherever they stand: in a cell, a title, a label that is read out. One
/// character stays one, so that places in the text stay right.
#[must_use]
pub fn visible(text: &str) -> String {
    let seen = |c: char| match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}'..='\u{9f}' => '\u{2421}',
        c if acts(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(seen).collect()
}

/// A text in small letters, to be compared or searched without regard to case. A sigma at the end of a word is written like
/// any other, since both sides of a comparison are.
#[must_use]
pub fn lower(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().flat_map(char::to_lowercase).collect() }
}

/// [`visible`] for a text whose line breaks are meant: a remedy, a report.
#[must_use]
pub fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// A character as JSON writes it when it must not act: the text stays exact, and harmless where it is looked at.
#[must_use]
pub fn json_escape(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_the_look_says() {
        assert_eq!([count(0), count(999), count(4_096), count(1_234_567)], ["0", "999", "4,096", "1,234,567"]);
        let numbers = [number(1_979.6, 0), number(73.84, 1), number(-18.4, 1), number(-0.01, 1), number(f64::NAN, 0)];
        assert_eq!(numbers, ["1,980", "73.8", "−18.4", "0.0", "NaN"]);
        let sums = [Sum::Exact(0), Sum::AtLeast(1_264), Sum::AtMost(8), Sum::NotKnown];
        assert_eq!(sums.map(sum), ["0", "≥ 1,264", "≤ 8", "—"]);
        assert_eq!(share_of(Sum::Exact(1), Sum::Exact(4)).as_deref(), Some("25.0 %"));
        assert_eq!([share_of(Sum::AtLeast(1), Sum::Exact(4)), share_of(Sum::Exact(0), Sum::Exact(0))], [None, None]);
        assert_eq!([share(0, 0), share(4_071, 4_096), share(0, 5)], ["—", "99.4 %", "0.0 %"]);
        assert_eq!(
            [bytes(999), bytes(73_800_000_000), bytes(1_000), bytes(999_600)],
            ["999 B", "73.8 GB", "1.00 kB", "1.00 MB"]
        );
    }

    #[test]
    fn a_span_is_typed_with_one_unit() {
        for (text, want) in [("30m", 1_800), (" 2 h ", 7_200), ("90 min", 5_400), ("1d", 86_400), ("45s", 45)] {
            assert_eq!(span_typed(text), Ok(Duration::from_secs(want)), "{text}");
        }
        for text in ["", "2", "h", "0m", "-1h", "1.5h", "2 weeks", "99999999999999999999d", "1h30m", "২h"] {
            assert!(span_typed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, want) in
            [(0, "0 s"), (48, "48 s"), (252, "4 min 12 s"), (3_600, "1 h 00 min"), (525_600, "6 d 02 h")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), want);
        }
        assert_eq!(age(Duration::ZERO), "1 s");
    }

    #[test]
    fn hostile_text_loses_its_power_and_stays_readable() {
        assert_eq!(visible("a\u{1b}[31mred\u{202e}x"), "a␛[31mred\u{fffd}x");
        assert_eq!(visible("<b>bold</b>"), "<b>bold</b>");
        assert_eq!(visible("a\r\n\0\u{9b}2J"), "a␍␊␀␡2J");
        assert_eq!(visible("pay\u{ad}pal \u{2028}\u{e0041}"), "pay\u{fffd}pal \u{fffd}\u{fffd}");
    }

    #[test]
    fn what_makes_a_text_whole_stays() {
        for text in ["שלום", "東京", "é", "e\u{301}", "❤\u{fe0f}", "a b\u{a0}c"] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn an_escape_reads_back_as_its_character() {
        for c in ['\u{1b}', '\u{9b}', '\u{202e}', '\u{e0041}'] {
            let text = format!("\"{}\"", json_escape(c));
            assert!(text.is_ascii());
            assert_eq!(serde_json::from_str::<String>(&text).unwrap(), c.to_string());
        }
    }

    #[test]
    fn lines_that_are_meant_stay_lines() {
        assert_eq!(visible_lines("kind: Role\nname: \u{202e}x\r\n"), "kind: Role\nname: \u{fffd}x␍\n");
    }

    #[test]
    fn a_long_id_keeps_both_ends() {
        assert_eq!(middle("chat-70b-7c9f4d-x2k8q", 11), "chat-…x2k8q");
        assert_eq!(middle("short", 11), "short");
    }
}
