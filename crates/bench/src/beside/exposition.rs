//! What a server counts, in the text that Prometheus reads: a name with its labels, and a value.

use std::collections::BTreeMap;

/// More is not kept.
const MOST: usize = 400;
/// A name with its labels is no longer, in bytes.
const LONGEST: usize = 300;

/// Reads it. Buckets of histograms are left out, since their sums and counts say how much there was; what cannot be read is
/// left out as well.
pub(super) fn read(text: &str) -> BTreeMap<String, f64> {
    text.lines().filter_map(line).take(MOST).collect()
}

fn line(line: &str) -> Option<(String, f64)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (name, rest) = match line.find('{') {
        Some(open) => {
            let close = open + closing(&line[open..])?;
            line.split_at(close + 1)
        }
        None => line.split_once(char::is_whitespace)?,
    };
    let family = name.split('{').next()?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    if family.is_empty() || !family.chars().all(is_name) || family.ends_with("_bucket") || name.len() > LONGEST {
        return None;
    }
    // A time may stand behind the value.
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    value.is_finite().then(|| (name.trim().to_owned(), value))
}

/// Where the braces close that are opened at the begin: not within quotes.
fn closing(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_with_their_labels_and_values_are_read() {
        let text = "# HELP x y\n# TYPE x counter\nvllm:prompt_tokens_total{model=\"a}b\\\"\"} 1.5e3 1700000000\nup 1\n\
            h_bucket{le=\"1\"} 4\nh_sum 9.5\nbad name 3\nnan NaN\n{x=\"y\"} 3\nopen{a=\"b 3\n";
        let read = read(text);
        let got: Vec<(&str, f64)> = read.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(got, [("h_sum", 9.5), ("up", 1.0), ("vllm:prompt_tokens_total{model=\"a}b\\\"\"}", 1_500.0)]);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_bounded_and_finite(text in "([a-z_{}\"\\\\= 0-9.#e+-]{0,40}\n){0,8}") {
            prop_assert!(read(&text).iter().all(|(name, value)| value.is_finite() && !name.is_empty() && name.len() <= LONGEST));
        }
    }
}
