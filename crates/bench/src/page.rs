//! What there is to say of something that is kept, as lines and tables: each door and each report writes the same.

use pilothouse_chart::Spans;

/// What there is to say.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What it is about.
    pub title: String,
    /// Said first.
    pub lines: Vec<Line>,
    /// Said after it.
    pub tables: Vec<Table>,
    /// What the words of the tables mean.
    pub definitions: Vec<(String, String)>,
    /// Its chart, where there is one.
    pub chart: Option<Spans>,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What it is of; empty where it goes on.
    pub name: String,
    /// What is said.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

/// How something is meant. Its text says it, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// Well.
    Good,
    /// Not as it should be.
    Warn,
    /// Bad.
    Bad,
}

/// A table. A cell without anything is [`pilothouse_wire::units::ABSENT`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What it is of; empty where that is clear.
    pub title: String,
    /// Its columns.
    pub heads: Vec<Head>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

/// The head of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its title.
    pub title: &'static str,
    /// Do its values end at the right?
    pub right: bool,
}

impl Head {
    /// A column of texts.
    #[must_use]
    pub const fn left(title: &'static str) -> Self {
        Self { title, right: false }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn right(title: &'static str) -> Self {
        Self { title, right: true }
    }
}

impl Page {
    /// Says a line more.
    pub fn line(&mut self, name: &str, text: impl Into<String>) {
        self.toned(name, text, Tone::Plain);
    }

    /// Says a line more, in this tone.
    pub fn toned(&mut self, name: &str, text: impl Into<String>, tone: Tone) {
        self.lines.push(Line { name: name.to_owned(), text: text.into(), tone });
    }
}
