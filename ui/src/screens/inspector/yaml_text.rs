//! A YAML text as lines: where a key ends, and which lines a search finds. Pure.

use pilothouse_wire::units::lower;

/// One line: what is drawn quietly (indent, dash, key), and the rest.
#[must_use]
pub fn split(line: &str) -> (&str, &str) {
    let start = line.len() - line.trim_start_matches([' ', '-']).len();
    let body = &line[start..];
    // A quoted scalar is no key, nor is a text with spaces before its colon.
    let end = match body.find(':') {
        Some(at) if !body.starts_with(['"', '\'']) && !body[..at].contains(' ') => start + at + 1,
        _ => start,
    };
    let is_key = line[end..].is_empty() || line[end..].starts_with(' ');
    line.split_at(if is_key { end } else { start })
}

/// The lines that hold a text, letters of either case alike; none for an empty text.
#[must_use]
pub fn find(lines: &[String], text: &str) -> Vec<usize> {
    let text = lower(text);
    if text.is_empty() {
        return Vec::new();
    }
    lines.iter().enumerate().filter(|(_, line)| lower(line).contains(&text)).map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_values() {
        for (line, want) in [
            ("kind: Pod", ("kind:", " Pod")),
            ("  - name: chat", ("  - name:", " chat")),
            ("metadata:", ("metadata:", "")),
            ("  - \"a: b\"", ("  - ", "\"a: b\"")),
            ("  image: reg:5000/x@sha256:1", ("  image:", " reg:5000/x@sha256:1")),
            ("  - https://x:1", ("  - ", "https://x:1")),
            ("some text: here", ("", "some text: here")),
            ("", ("", "")),
        ] {
            assert_eq!(split(line), want, "{line}");
        }
    }

    #[test]
    fn a_search_finds_lines() {
        let lines: Vec<String> = ["kind: Pod", "name: chat", "Kind"].map(String::from).to_vec();
        assert_eq!(find(&lines, "KIND"), [0, 2]);
        assert!(find(&lines, "").is_empty());
    }
}
