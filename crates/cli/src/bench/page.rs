//! What there is to say of something that is kept, written to a terminal.

use crate::{
    exit::Failed,
    out::{Style, Tone},
    table::{self, Cell},
};
use pilothouse_bench::page::{Page, Tone as Meant};
use pilothouse_wire::units::{ABSENT, visible};
use std::io::Write;

const NAMES: usize = 12;

/// Writes a page.
pub fn write(out: &mut impl Write, page: &Page, style: Style) -> Result<(), Failed> {
    for line in &page.lines {
        let name = style.paint(Tone::Soft, &format!("{:<NAMES$}", line.name));
        writeln!(out, "{name}{}", style.paint(tone(line.tone), &visible(&line.text)))?;
    }
    for table in page.tables.iter().filter(|table| !table.rows.is_empty()) {
        writeln!(out)?;
        let titles: Vec<(String, bool)> = table.heads.iter().map(|head| (head.title.to_owned(), head.right)).collect();
        let cell = |text: &String| if text == ABSENT { Cell::absent() } else { Cell::text(text) };
        let rows: Vec<Vec<Cell>> = table.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        table::write_titled(out, &titles, &rows, style)?;
    }
    if !page.definitions.is_empty() {
        writeln!(out)?;
    }
    for (name, text) in &page.definitions {
        writeln!(out, "{}", style.paint(Tone::Soft, &visible(&format!("{name:<NAMES$} {text}"))))?;
    }
    Ok(())
}

fn tone(meant: Meant) -> Tone {
    match meant {
        Meant::Plain => Tone::Plain,
        Meant::Good => Tone::Good,
        Meant::Warn => Tone::Warn,
        Meant::Bad => Tone::Bad,
    }
}
