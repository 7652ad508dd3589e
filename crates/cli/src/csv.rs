//! Rows as comma-separated values (RFC 4180), for spreadsheets, which must not take a name for a formula.

use crate::{
    columns::{Column, Moment},
    exit::Failed,
};
use pilothouse_wire::{
    filter::{Record, Value},
    units::visible,
};
use std::io::Write;

/// Writes rows under the keys of their columns. A number that rows can be filtered by is written as one, without its unit.
pub fn write<R: Record>(
    out: &mut impl Write,
    columns: &[&Column<R>],
    rows: &[&R],
    moment: &Moment<'_>,
) -> Result<(), Failed> {
    line(out, columns.iter().map(|column| column.key.to_owned()))?;
    for row in rows {
        line(out, columns.iter().map(|column| value(*row, column, moment)))?;
    }
    out.flush()?;
    Ok(())
}

fn value<R: Record>(row: &R, column: &Column<R>, moment: &Moment<'_>) -> String {
    let number = || match row.values(column.key)?.as_slice() {
        [Value::Number(number)] => Some(plain(*number)),
        _ => None,
    };
    // What is shown says whether it holds, too: what is too old is shown as "stale".
    let shown = (column.cell)(row, moment);
    let shown = shown.told().unwrap_or_default();
    number().filter(|_| column.head.right && !shown.is_empty()).unwrap_or_else(|| shown.to_owned())
}

/// Three decimals at most: no measurement is finer.
fn plain(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn line(out: &mut impl Write, fields: impl Iterator<Item = String>) -> Result<(), Failed> {
    let fields: Vec<String> = fields.map(|text| field(&text)).collect();
    write!(out, "{}\r\n", fields.join(","))?;
    Ok(())
}

/// One field: what a spreadsheet would take for a formula is made text with an apostrophe before it.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
    let text = format!("{}{}", if formula { "'" } else { "" }, visible(text));
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Cell;
    use pilothouse_wire::Stamp;

    struct Gpu(&'static str, Option<f64>);

    impl Record for Gpu {
        const KEYS: &'static [&'static str] = &["name", "util"];
        fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
            Some(match key {
                "name" => vec![Value::text(self.0)],
                "util" => self.1.map(Value::Number).into_iter().collect(),
                _ => return None,
            })
        }
    }

    #[test]
    fn numbers_have_no_unit_and_names_are_no_formulas() {
        let columns = [
            Column::usual("name", "NAME", |row: &Gpu, _| Cell::text(row.0)),
            Column::number("util", "UTIL", |row, _| Cell::some(row.1.map(|util| format!("{util:.0} %")))),
        ];
        let moment = Moment { now: Stamp(0), sources: &[] };
        let mut out = Vec::new();
        let rows = [Gpu("a,b", Some(1_234.5)), Gpu("=cmd()", None), Gpu("say \"x\"", Some(61.0))];
        write(&mut out, &columns.each_ref(), &rows.each_ref(), &moment).unwrap();
        let want = "name,util\r\n\"a,b\",1234.5\r\n'=cmd(),\r\n\"say \"\"x\"\"\",61\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }
}
