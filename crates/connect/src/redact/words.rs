//! Scripts and sentences, word by word: a secret leaves, and what stands behind it stays to be seen.

use super::{GONE, Next, Of, is_header, is_scheme, names_a_secret, one, redact_text};

/// Ends of names whose value may follow a colon: `password: x`, but not `bad credentials: x is not known`.
const NAMES: &[&str] = &["token", "password", "passwd", "passphrase", "secret", "api-key", "api_key", "apikey"];

/// A text of many words.
pub(super) fn redact(text: &str, of: Of) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut next = Next::Plain;
    let mut last = "";
    while let Some(c) = rest.chars().next() {
        if matches!(c, '"' | '\'' | '`') {
            let inside = rest[1..].split(c).next().unwrap_or_default();
            let whole = next == Next::Secret || next == Next::Plain && hides_whole(inside);
            if whole && !inside.is_empty() {
                let hidden = if next == Next::Secret { GONE.to_owned() } else { redact_text(inside) };
                shown.push(c);
                shown.push_str(&hidden);
                rest = &rest[1 + inside.len()..];
                next = Next::Plain;
                last = "";
                // The quote that ends it, if one does.
                if let Some(after) = rest.strip_prefix(c) {
                    shown.push(c);
                    rest = after;
                }
                continue;
            }
        }
        if is_between(c) {
            // A command ends here: no value of its flags follows.
            if matches!(c, ';' | '&' | '|' | '\n') {
                (next, last) = (Next::Plain, "");
            }
            shown.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(end_of_word(rest));
        let opens = after.starts_with(['"', '\'', '`']);
        shown.push_str(&word_of(word, last, opens, of, &mut next));
        last = word;
        rest = after;
    }
    shown
}

/// `"Authorization: Bearer x"`.
fn hides_whole(quoted: &str) -> bool {
    is_header(quoted) || quoted.split_once(' ').is_some_and(|(scheme, _)| is_scheme(scheme))
}

fn word_of(word: &str, last: &str, opens: bool, of: Of, next: &mut Next) -> String {
    let is = std::mem::take(next);
    // Whatever an address ends with, it may hold a credential.
    if word.contains("://") {
        return one(word, is, of, next);
    }
    // `token = x`, `"token": "x"`.
    if matches!(word, ":" | "=") && (is_name(last) || word == "=" && names_a_secret(last)) {
        *next = Next::Secret;
        return word.to_owned();
    }
    if let Some(value) = word.strip_prefix(':').filter(|value| !value.is_empty() && is_name(last)) {
        return if value == GONE { word.to_owned() } else { format!(":{GONE}") };
    }
    // `token="x y"`.
    if let Some(name) = word.strip_suffix('=').filter(|name| opens && !name.contains('=') && names_a_secret(name)) {
        *next = Next::Secret;
        return format!("{name}=");
    }
    if word.strip_suffix(':').is_some_and(|name| is_name(name) || name.eq_ignore_ascii_case("authorization")) {
        *next = Next::Secret;
        return word.to_owned();
    }
    if is_scheme(word) {
        *next = Next::Secret;
        return word.to_owned();
    }
    // `bad credentials: …`: no header of a request, which has its value behind the colon.
    if let Some(name) = word.strip_suffix(':').filter(|name| is == Next::Plain && !name.contains(':')) {
        return one(name, is, of, next) + ":";
    }
    // A script in a script is one already.
    let shown = one(word, is, of, next);
    if *next == Next::Script {
        *next = Next::Plain;
    }
    shown
}

fn is_name(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    NAMES.iter().any(|name| word.ends_with(name))
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || is_sign(c)
}

fn is_sign(c: char) -> bool {
    matches!(c, ';' | '&' | '|' | '"' | '\'' | '`' | '(' | ')' | '<' | '>' | '{' | '}' | '[' | ']' | ',')
}

fn end_of_word(text: &str) -> usize {
    let end = |of: fn(char) -> bool| text.find(of).unwrap_or(text.len());
    let word = end(is_between);
    // An address has signs in it that end other words.
    if text[..word].contains("://") { end(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '`')) } else { word }
}
