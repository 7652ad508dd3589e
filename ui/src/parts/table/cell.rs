//! What stands in a cell of a table and what a column is: data that is drawn, sorted by and exported.

use pilothouse_wire::{ObjectRef, SmolStr, Stamp, view::Status};

/// The content of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing: `—`, never 0.
    Absent,
    /// A status with its word.
    Status(Status, SmolStr),
    /// The name of the row.
    Name(SmolStr),
    /// A value.
    Text(SmolStr),
    /// A value of less weight.
    Soft(SmolStr),
    /// A count.
    Count(u64),
    /// A number with so many decimals; its unit stands in the head.
    Number(f64, usize),
    /// A share between 0 and 1, with a bar.
    Share(f64),
    /// A part of a whole, with a bar.
    Of {
        /// The part.
        part: u64,
        /// The whole.
        whole: u64,
    },
    /// A part of a whole, without a bar.
    Ratio {
        /// The part.
        part: u64,
        /// The whole.
        whole: u64,
    },
    /// A time, shown as the span since then, which ticks; and whether it is the age of a fact that is stale.
    Since(Stamp, bool),
}

impl Cell {
    /// A text, or absent.
    #[must_use]
    pub fn soft(text: Option<&SmolStr>) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Absent, |text| Self::Soft(text.clone()))
    }

    /// A text, or absent.
    #[must_use]
    pub fn text(text: Option<&SmolStr>) -> Self {
        text.filter(|text| !text.is_empty()).map_or(Self::Absent, |text| Self::Text(text.clone()))
    }
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Key: what it is sorted by, and its name in an export.
    pub key: &'static str,
    /// Head, with the unit of its numbers.
    pub title: &'static str,
    /// Its track in the grid of the table.
    pub track: &'static str,
    /// Numbers stand at the right.
    pub numeric: bool,
    /// Is it shown until somebody chooses others?
    pub usual: bool,
}

impl Column {
    /// A column of texts.
    #[must_use]
    pub const fn text(key: &'static str, title: &'static str, track: &'static str) -> Self {
        Self { key, title, track, numeric: false, usual: true }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn number(key: &'static str, title: &'static str, track: &'static str) -> Self {
        Self { key, title, track, numeric: true, usual: true }
    }

    /// The same, shown only to whoever asks for it.
    #[must_use]
    pub const fn on_demand(self) -> Self {
        Self { usual: false, ..self }
    }
}

/// A row as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct RowModel {
    /// What the row is about.
    pub object: ObjectRef,
    /// A cell for each column.
    pub cells: Vec<Cell>,
    /// Is the fact behind it stale?
    pub stale: bool,
}
