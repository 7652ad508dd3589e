//! Kubernetes quantities (`500m`, `2Ti`, `1e3`), exactly: a fraction is rounded up, as the scheduler does.

/// The amount in whole units, rounded up; `None` for what is no quantity. A negative amount is 0.
#[must_use]
pub fn whole(text: &str) -> Option<u64> {
    Parsed::of(text)?.in_parts(0)
}

/// The amount in thousandths, rounded up; `None` for what is no quantity. A negative amount is 0.
#[must_use]
pub fn milli(text: &str) -> Option<u64> {
    Parsed::of(text)?.in_parts(3)
}

/// `digits × 10^ten × 2^two`.
struct Parsed {
    negative: bool,
    digits: u128,
    ten: i32,
    two: u32,
}

impl Parsed {
    fn of(text: &str) -> Option<Self> {
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (integer, fraction) = number.split_once('.').unwrap_or((number, ""));
        if integer.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let (ten, two) = scale(suffix)?;
        let mut digits: u128 = 0;
        let mut dropped = 0;
        let fraction = fraction.trim_end_matches('0');
        for (at, digit) in integer.bytes().chain(fraction.bytes()).enumerate() {
            match digits.checked_mul(10).and_then(|more| more.checked_add(u128::from(digit - b'0'))) {
                Some(more) => digits = more,
                // Past 38 digits only the size matters, and that it is not less than written.
                None => {
                    dropped = i32::try_from(integer.len() + fraction.len() - at).ok()?;
                    digits = digits.saturating_add(1);
                    break;
                }
            }
        }
        let ten = ten.checked_sub(i32::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
        Some(Self { negative, digits, ten, two })
    }

    /// In parts of 10^-`places`; the largest number there is, where it does not fit.
    fn in_parts(&self, places: i32) -> Option<u64> {
        if self.negative || self.digits == 0 {
            return Some(0);
        }
        let Some(scaled) = self.digits.checked_mul(1_u128 << self.two) else { return Some(u64::MAX) };
        let ten = self.ten.checked_add(places)?;
        let parts = match (10_u128.checked_pow(ten.unsigned_abs()), ten >= 0) {
            (Some(power), true) => scaled.checked_mul(power),
            (Some(power), false) => Some(scaled.div_ceil(power)),
            (None, true) => None,
            (None, false) => Some(1),
        };
        Some(parts.and_then(|parts| u64::try_from(parts).ok()).unwrap_or(u64::MAX))
    }
}

/// Powers of ten and of two that a suffix stands for.
fn scale(suffix: &str) -> Option<(i32, u32)> {
    Some(match suffix {
        "" => (0, 0),
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        _ => (suffix.strip_prefix(['e', 'E'])?.parse().ok()?, 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantities_are_read_as_the_scheduler_reads_them() {
        for (text, want_whole, want_milli) in [
            ("0", 0, 0),
            ("8", 8, 8_000),
            ("1", 1, 1_000),
            ("500m", 1, 500),
            ("1500m", 2, 1_500),
            ("0.5", 1, 500),
            (".5", 1, 500),
            ("1.", 1, 1_000),
            ("0.0001", 1, 1),
            ("100u", 1, 1),
            ("1n", 1, 1),
            ("1k", 1_000, 1_000_000),
            ("1Ki", 1_024, 1_024_000),
            ("1.5Gi", 1_610_612_736, 1_610_612_736_000),
            ("2Ti", 2_199_023_255_552, 2_199_023_255_552_000),
            ("1E", 1_000_000_000_000_000_000, u64::MAX),
            ("1e3", 1_000, 1_000_000),
            ("1E3", 1_000, 1_000_000),
            ("12e-1", 2, 1_200),
            ("1e-400", 1, 1),
            ("1e400", u64::MAX, u64::MAX),
            ("16Ei", u64::MAX, u64::MAX),
            ("-5", 0, 0),
            ("+5", 5, 5_000),
            ("000000000000000000000000000000000000000000000007", 7, 7_000),
            ("1.00000000000000000000000000000000000000000000000", 1, 1_000),
        ] {
            assert_eq!((whole(text), milli(text)), (Some(want_whole), Some(want_milli)), "{text}");
        }
        for text in ["", "-", ".", "m", "1x", "1.2.3", "1 Gi", "1e", "1KI", "ten", "1e99999999999"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9.eEmkKMGTPiun]{0,60}") {
            let _ = (whole(&text), milli(&text));
        }

        #[test]
        fn whole_numbers_come_back(n: u64) {
            prop_assert_eq!(whole(&n.to_string()), Some(n));
        }
    }
}
