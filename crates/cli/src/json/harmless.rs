//! JSON that does nothing to the terminal in which it is looked at, and still reads back as it was.

use pilothouse_wire::units::{acts, json_escape};
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// Any layout, with the characters escaped that act on what shows them. JSON itself asks for that of a few only.
pub struct Harmless<F>(pub F);

/// Hands calls on to the layout.
macro_rules! as_laid_out {
    ($($name:ident($($first:ident)?)),+ $(,)?) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $first: bool)?) -> io::Result<()> {
            self.0.$name(writer $(, $first)?)
        })+
    };
}

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(acts) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut chars = from.chars();
            if let Some(c) = chars.next() {
                writer.write_all(json_escape(c).as_bytes())?;
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    as_laid_out! {
        begin_array(), end_array(), begin_array_value(first), end_array_value(),
        begin_object(), end_object(), begin_object_key(first), end_object_key(),
        begin_object_value(), end_object_value(),
    }
}

#[cfg(test)]
mod tests {
    use crate::json;

    #[test]
    fn what_acts_is_escaped_and_reads_back() {
        let hostile = "a\u{1b}[31m\u{9b}2J\u{202e}b\u{7f}\u{0}\u{e0041}\"\\שלום";
        for one_line in [true, false] {
            let mut out = Vec::new();
            json::write(&mut out, &[hostile], one_line).unwrap_or_else(|_| panic!("a vector takes all"));
            let text = String::from_utf8(out).unwrap();
            assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), [hostile]);
            let acting = |c: &char| *c != '\n' && pilothouse_wire::units::acts(*c);
            assert_eq!(text.chars().find(acting), None, "{text:?}");
            assert!(text.contains("שלום"), "{text}");
            assert_eq!(text.lines().count(), if one_line { 1 } else { 3 });
        }
    }
}
