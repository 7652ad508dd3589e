//! Arguments as the line of a shell that makes them, and back.

use crate::{Code, Problem};
use std::borrow::Cow;

/// The arguments that a POSIX shell would make of a line: parted at its spaces, but in quotes and behind a backslash.
/// Variables and signs of control stay as they are written.
///
/// # Errors
/// A [`Problem`] of [`Code::BadInput`] for a quote that is not closed, or a backslash with nothing behind it.
pub fn split(line: &str) -> Result<Vec<String>, Problem> {
    shlex::split(&continued(line)).ok_or_else(|| {
        Problem::new(Code::BadInput, "This is no line of a shell.")
            .why("A quote in it is not closed, or nothing stands behind its last backslash.")
            .next("Close the quote: --hf-overrides '{\"rope_theta\": 1000000}'.")
    })
}

/// The line by which a shell would make these arguments: what has spaces, quotes or signs of the shell stands in quotes.
#[must_use]
pub fn join<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    arguments.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(text: &str) -> Cow<'_, str> {
    // Only a zero byte could not be quoted, and that one is let through.
    let quote = |text| shlex::Quoter::new().allow_nul(true).quote(text).unwrap_or_default().into_owned();
    // For the sign between a flag and its value alone there need be no quotes.
    let bare = text.replace('=', "-");
    if text.starts_with('-') && quote(&bare) == bare { Cow::Borrowed(text) } else { Cow::Owned(quote(text)) }
}

/// A text without the breaks of lines that a backslash takes away, which it does everywhere but in single quotes.
fn continued(line: &str) -> String {
    let (mut text, mut signs, mut quote) = (String::with_capacity(line.len()), line.chars(), None);
    while let Some(sign) = signs.next() {
        match (quote, sign) {
            (None | Some('"'), '\\') => match signs.next() {
                Some('\n') => {}
                next => {
                    text.push(sign);
                    text.extend(next);
                }
            },
            (None, '"' | '\'') => {
                quote = Some(sign);
                text.push(sign);
            }
            (Some(end), sign) if end == sign => {
                quote = None;
                text.push(sign);
            }
            _ => text.push(sign),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_split_as_a_shell_splits_it() {
        for (line, want) in [
            ("vllm serve -tp=4", &["vllm", "serve", "-tp=4"][..]),
            ("  a 'b c'd  ", &["a", "b cd"]),
            (r#"--x "{\"a\": 1, \"b\": 'two'}" """#, &["--x", r#"{"a": 1, "b": 'two'}"#, ""]),
            ("serve m \\\n  --tp 4", &["serve", "m", "--tp", "4"]),
            (r"a\ b", &["a b"]),
            ("a\\\nb \"c\\\nd\" 'e\\\nf' \\\\\ng", &["ab", "cd", "e\\\nf", "\\", "g"]),
            ("", &[]),
        ] {
            assert_eq!(split(line).unwrap(), want, "{line}");
        }
        for line in ["a \"b", "it's", "a \\"] {
            assert_eq!(split(line).unwrap_err().code, Code::BadInput, "{line}");
        }
    }

    #[test]
    fn only_what_needs_quotes_has_some() {
        assert_eq!(join(["vllm", "serve", "--tp=4", "/models/a-b_c.d"]), "vllm serve --tp=4 /models/a-b_c.d");
        assert_eq!(join(["--hf-overrides", r#"{"a": 1}"#, ""]), r#"--hf-overrides '{"a": 1}' ''"#);
    }

    proptest! {
        #[test]
        fn what_is_joined_is_split_again(arguments in prop::collection::vec("\\PC{0,12}|[ '\"\\\\$#\n]{0,6}", 0..6)) {
            let line = join(arguments.iter().map(String::as_str));
            prop_assert_eq!(split(&line).unwrap(), arguments);
        }
    }
}
