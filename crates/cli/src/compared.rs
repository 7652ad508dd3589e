//! What differs between several of a kind, part by part, as tables; of what is the same it is said how much that is.

use crate::{
    exit::Failed,
    out::{Style, Tone, note},
    table::{self, Cell},
};
use pilothouse_wire::{runs::ComparedPart, units::count};
use std::io::Write;

/// One thing that is said of some of them.
pub struct Line {
    /// What kind of thing.
    pub part: ComparedPart,
    /// Is it another one of another?
    pub differs: bool,
    /// Its name, its value of each, and how much the change is where that is told.
    pub cells: Vec<Cell>,
}

/// Writes those lines that differ. `sides` are the names of what is compared; with `change` a column behind them tells by how much.
///
/// # Errors
/// If nothing can be written.
pub fn draw(
    out: &mut impl Write,
    sides: impl IntoIterator<Item = String>,
    change: bool,
    lines: Vec<Line>,
    style: Style,
) -> Result<(), Failed> {
    let mut titles = vec![(String::new(), false)];
    titles.extend(sides.into_iter().map(|side| (side.to_uppercase(), false)));
    titles.extend(change.then(|| ("CHANGE".to_owned(), true)));
    let all = lines.len();
    let differing: Vec<Line> = lines.into_iter().filter(|line| line.differs).collect();
    let same = all - differing.len();
    let mut parts = ComparedPart::ALL.map(|part| (part, Vec::new()));
    for line in differing {
        if let Some((_, cells)) = parts.iter_mut().find(|(part, _)| *part == line.part) {
            cells.push(line.cells);
        }
    }
    for (part, cells) in parts.iter().filter(|(_, cells)| !cells.is_empty()) {
        writeln!(out, "{}", style.paint(Tone::Strong, part.title()))?;
        table::write_titled(out, &titles, cells, style)?;
        writeln!(out)?;
    }
    if same == all {
        writeln!(out, "Nothing differs.")?;
    }
    note(&format!("{} things are the same and not shown.", count(same as u64)));
    Ok(())
}
