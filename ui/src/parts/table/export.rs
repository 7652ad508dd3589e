//! A table as CSV or JSON: what is filtered and in this order, as text that a spreadsheet cannot run.

use super::cell::{Cell, Column};
use pilothouse_wire::{
    Stamp,
    units::{acts, json_escape, visible},
};

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated values, RFC 4180.
    Csv,
    /// An array of objects.
    Json,
}

impl Form {
    /// The end of the file's name.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// Writes rows of cells under their columns.
#[must_use]
pub fn write(form: Form, columns: &[Column], rows: impl Iterator<Item = Vec<Cell>>) -> String {
    match form {
        Form::Csv => csv(columns, rows),
        Form::Json => json(columns, rows),
    }
}

fn csv(columns: &[Column], rows: impl Iterator<Item = Vec<Cell>>) -> String {
    let mut text = line(columns.iter().map(|column| column.key.to_owned()));
    for cells in rows {
        text.push_str(&line(cells.iter().map(|cell| plain(cell).unwrap_or_default())));
    }
    text
}

fn line(fields: impl Iterator<Item = String>) -> String {
    let mut line = fields.map(|field| field_of(&field)).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// One field: what a spreadsheet would take for a formula is made text with an apostrophe before it. CSV has no way to
/// write a mark that acts without letting it act, so it is written as it is shown; JSON has, and keeps it.
fn field_of(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = format!("{}{}", if formula { "'" } else { "" }, visible(text));
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn json(columns: &[Column], rows: impl Iterator<Item = Vec<Cell>>) -> String {
    let mut text = String::from("[");
    for (i, cells) in rows.enumerate() {
        text.push_str(if i > 0 { ",\n  {" } else { "\n  {" });
        for (j, (column, cell)) in columns.iter().zip(&cells).enumerate() {
            if j > 0 {
                text.push_str(", ");
            }
            text.push_str(&quoted(column.key));
            text.push_str(": ");
            text.push_str(&value_of(cell));
        }
        text.push('}');
    }
    text.push_str("\n]\n");
    text
}

fn value_of(cell: &Cell) -> String {
    match cell {
        Cell::Absent => "null".into(),
        Cell::Count(n) => n.to_string(),
        Cell::Number(..) | Cell::Share(_) => plain(cell).unwrap_or_default(),
        Cell::Of { part, whole } | Cell::Ratio { part, whole } => format!("{{\"part\": {part}, \"whole\": {whole}}}"),
        cell => quoted(&plain(cell).unwrap_or_default()),
    }
}

/// A cell as plain text; `None` if it is absent, which is not an empty text and not zero.
#[must_use]
pub fn plain(cell: &Cell) -> Option<String> {
    Some(match cell {
        Cell::Absent => return None,
        Cell::Status(_, text) | Cell::Name(text) | Cell::Text(text) | Cell::Soft(text) => text.to_string(),
        Cell::Count(n) => n.to_string(),
        Cell::Number(n, decimals) => format!("{n:.decimals$}"),
        Cell::Share(share) => format!("{share:.4}"),
        Cell::Of { part, whole } | Cell::Ratio { part, whole } => format!("{part} / {whole}"),
        Cell::Since(at, _) => iso(*at),
    })
}

fn iso(at: Stamp) -> String {
    at.to_string()
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            // Exact, and harmless where the file is looked at.
            c if acts(c) => out.push_str(&json_escape(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::view::Status;

    const COLUMNS: &[Column] = &[Column::text("name", "Name", "1fr"), Column::number("gpus", "GPUs", "60px")];

    fn rows() -> std::vec::IntoIter<Vec<Cell>> {
        vec![
            vec![Cell::Name("=HYPERLINK(\"x\")".into()), Cell::Count(8)],
            vec![Cell::Status(Status::Bad, "a, \"b\"\nc".into()), Cell::Absent],
            vec![Cell::Text("@cmd".into()), Cell::Of { part: 3, whole: 8 }],
        ]
        .into_iter()
    }

    #[test]
    fn a_spreadsheet_gets_no_formula() {
        for (text, want) in [
            ("=1+1", "'=1+1"),
            ("+x", "'+x"),
            ("-x", "'-x"),
            ("-18.4", "-18.4"),
            ("@x", "'@x"),
            ("a=b", "a=b"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
            ("\t=1", "'␉=1"),
            ("a\u{1b}[31m\r\n\u{202e}b", "a␛[31m␍␊\u{fffd}b"),
        ] {
            assert_eq!(field_of(text), want);
        }
    }

    #[test]
    fn csv_has_a_head_and_a_line_a_row() {
        let text = write(Form::Csv, COLUMNS, rows());
        assert_eq!(text, "name,gpus\r\n\"'=HYPERLINK(\"\"x\"\")\",8\r\n\"a, \"\"b\"\"␊c\",\r\n'@cmd,3 / 8\r\n");
    }

    #[test]
    fn json_can_be_read_and_tells_absent_from_zero() {
        let text = write(Form::Json, COLUMNS, rows());
        assert!(text.contains("\"name\": \"a, \\\"b\\\"\\nc\", \"gpus\": null"), "{text}");
        assert_eq!(quoted("\u{1b}\u{202e}"), "\"\\u001b\\u202e\"");
        assert!(text.contains("\"gpus\": {\"part\": 3, \"whole\": 8}"), "{text}");
        assert_eq!(write(Form::Json, COLUMNS, std::iter::empty()), "[\n]\n");
    }
}
