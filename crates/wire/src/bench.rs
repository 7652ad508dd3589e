//! What is shown of benchmarks: cards of rows and of drawings, made where the numbers are. A door that shows them decides
//! nothing, and knows no benchmark.

use crate::{Problem, drawing::Drawing, form::KindForm, view::Status};
use serde::{Deserialize, Serialize};

/// What is kept, what runs now, and what is to be filled in to begin another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BenchView {
    /// What is kept, a row each, the newest first; none until it was looked through.
    pub kept: Option<Card>,
    /// Why it cannot be looked through.
    pub problem: Option<Problem>,
    /// What this Pilothouse runs now.
    pub going: Option<Going>,
    /// Why the last one that was begun here is not kept, if it is not.
    pub failed: Option<Problem>,
    /// What went wrong beside the last one that was begun here and is kept: a server that ended by itself.
    pub beside: Option<Problem>,
    /// What is to be filled in to begin one; none where none can be.
    pub form: Option<KindForm>,
}

/// What runs now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Going {
    /// What it is kept as.
    pub id: String,
    /// How far it is, when it ends, and what is heard of it so far.
    pub card: Card,
    /// Did somebody ask it to end?
    pub stopping: bool,
}

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// One file that loads nothing.
    Html,
    /// For a wiki or a merge request.
    Markdown,
    /// Its chart.
    Svg,
    /// The whole document.
    Json,
    /// A value a row.
    Csv,
}

/// All there is to say of one that is kept, or of what would be run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// What it is.
    pub title: String,
    /// More about it, in a few words.
    pub about: String,
    /// What is said of it, the most important first.
    pub cards: Vec<Card>,
}

/// One part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// What it is about.
    pub title: String,
    /// More about it, in a few words.
    pub about: String,
    /// How it is meant, where that is more than a word.
    pub status: Option<Status>,
    /// How its rows look.
    pub look: Look,
    /// Does it need more room than others?
    pub wide: bool,
    /// Its columns, if they have titles.
    pub heads: Vec<Head>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Its drawing, above the rows.
    pub drawing: Option<Drawing>,
}

/// How rows look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// A name and what is said, line by line.
    #[default]
    Lines,
    /// Columns with their titles.
    Table,
    /// One row of few large figures: title, figure, and what it is compared with.
    Figures,
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its title, with the unit.
    pub title: String,
    /// Do its values end at the right?
    pub right: bool,
    /// What it means.
    pub about: String,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What it leads to, by its name; nothing if empty.
    pub leads: String,
    /// A cell a column.
    pub cells: Vec<Cell>,
}

/// A cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// What stands there.
    pub text: String,
    /// What stands beside it, smaller: a unit, a definition.
    pub note: String,
    /// What it means, for whoever asks.
    pub about: String,
    /// How it is meant.
    pub status: Option<Status>,
    /// A small drawing instead of a text.
    pub drawing: Option<Drawing>,
}

impl Cell {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// With something smaller beside it.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// With what it means.
    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    /// With a mark.
    #[must_use]
    pub fn status(self, status: Option<Status>) -> Self {
        Self { status, ..self }
    }

    /// A drawing.
    #[must_use]
    pub fn drawn(drawing: Drawing) -> Self {
        Self { drawing: Some(drawing), ..Self::default() }
    }
}

impl Head {
    /// A column of texts.
    #[must_use]
    pub fn left(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// A column of numbers.
    #[must_use]
    pub fn right(title: impl Into<String>) -> Self {
        Self { title: title.into(), right: true, ..Self::default() }
    }

    /// With what it means.
    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }
}
