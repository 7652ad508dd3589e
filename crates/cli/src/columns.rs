//! Columns as data: what each is called, how it is drawn from a row, and which a person wants.

use crate::{
    exit::Failed,
    table::{Cell, Head},
};
use pilothouse_wire::{Freshness, Stamp, frame::SourceState, units};

/// A column of rows of type `R`.
pub struct Column<R> {
    /// What it is called in `--columns`.
    pub key: &'static str,
    /// How it is drawn at the top.
    pub head: Head,
    /// Is it shown unless somebody asks for others?
    pub usual: bool,
    /// Draws it.
    pub cell: fn(&R, &Moment<'_>) -> Cell,
}

/// What rows are drawn against: the time, and how fresh their sources are.
pub struct Moment<'a> {
    /// The time that the rows are about.
    pub now: Stamp,
    /// Their sources.
    pub sources: &'a [SourceState],
}

impl Moment<'_> {
    /// How long ago that was.
    pub fn ago(&self, then: Option<Stamp>) -> Cell {
        Cell::some(then.map(|then| units::age(self.now.since(then))))
    }
}

/// The state of a source as a text: `live`, `stale 4 min 12 s`.
pub fn freshness(source: &SourceState, now: Stamp) -> String {
    let age = source.heard.map(|heard| units::age(now.since(heard)));
    match (source.freshness, age) {
        (Freshness::Live | Freshness::Starting | Freshness::Paused, _) | (_, None) => {
            source.freshness.word().to_owned()
        }
        (other, Some(age)) => format!("{} {age}", other.word()),
    }
}

impl<R> Column<R> {
    /// A column that is shown unless somebody asks for others.
    pub const fn usual(key: &'static str, title: &'static str, cell: fn(&R, &Moment<'_>) -> Cell) -> Self {
        Self { key, head: Head::left(title), usual: true, cell }
    }

    /// A column of numbers that is shown unless somebody asks for others.
    pub const fn number(key: &'static str, title: &'static str, cell: fn(&R, &Moment<'_>) -> Cell) -> Self {
        Self { key, head: Head::right(title), usual: true, cell }
    }

    /// A column that is left out where the terminal is too narrow, unless somebody asks for it.
    pub const fn roomy(key: &'static str, title: &'static str, cell: fn(&R, &Moment<'_>) -> Cell) -> Self {
        Self { key, head: Head { gives_way: true, ..Head::left(title) }, usual: true, cell }
    }

    /// The same, of numbers.
    pub const fn roomy_number(key: &'static str, title: &'static str, cell: fn(&R, &Moment<'_>) -> Cell) -> Self {
        Self { key, head: Head { gives_way: true, ..Head::right(title) }, usual: true, cell }
    }

    /// A column that is shown if somebody asks for it.
    pub const fn more(key: &'static str, title: &'static str, cell: fn(&R, &Moment<'_>) -> Cell) -> Self {
        Self { key, head: Head::left(title), usual: false, cell }
    }
}

/// The columns that a person wants.
///
/// # Errors
/// A key that no column has.
pub fn choose<'a, R>(all: &'a [Column<R>], wanted: &[String]) -> Result<Vec<&'a Column<R>>, Failed> {
    match wanted {
        [] => return Ok(all.iter().filter(|column| column.usual).collect()),
        [all_of_them] if all_of_them == "all" => return Ok(all.iter().collect()),
        _ => {}
    }
    let find = |key: &String| {
        all.iter().find(|column| column.key.eq_ignore_ascii_case(key.trim())).ok_or_else(|| {
            let keys: Vec<&str> = all.iter().map(|column| column.key).collect();
            Failed::Usage(format!("There is no column \"{key}\". There are: {}.", keys.join(", ")))
        })
    };
    wanted.iter().map(find).collect()
}
