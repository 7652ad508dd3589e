//! A drawing as marks in pixels, whose inks are words: each door gives them its own colours, so that one drawing is right in
//! every theme, and whoever shows it needs to know nothing of charts.

use serde::{Deserialize, Serialize};

/// A drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// Its width in pixels.
    pub width: u16,
    /// Its height in pixels.
    pub height: u16,
    /// What it shows, for whoever does not see it.
    pub about: String,
    /// Its marks, the lowest first.
    pub marks: Vec<Mark>,
}

/// One mark of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its colour.
    pub ink: Ink,
    /// What it is.
    pub shape: Shape,
    /// What it says, for whoever points at it.
    pub about: String,
}

/// What a mark is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// Lines by the path data of SVG: numbers and letters of ours alone.
    Path(String, Style),
    /// A text at a point of its base line.
    Text {
        /// The point.
        at: (i16, i16),
        /// Which part of it stands at the point.
        anchor: Anchor,
        /// The text.
        text: String,
    },
}

/// How a path is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Style {
    /// Filled.
    Fill,
    /// Its outline.
    Line,
    /// Its outline, in dashes.
    Dashed,
    /// Its outline, and what is behind it is hidden.
    Hollow,
}

/// Which part of a text stands at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Anchor {
    /// Its begin.
    Begin,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A colour, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ink {
    /// Text that is read.
    Strong,
    /// A series.
    Series,
    /// A label, an axis.
    Label,
    /// A hairline.
    Hair,
    /// A band behind the rest.
    Band,
    /// How much of something.
    Quantity,
    /// Now, or how far.
    Accent,
    /// The first arm of a comparison.
    ArmA,
    /// The others.
    ArmB,
    /// What lies on an arm.
    OnArm,
    /// Well.
    Good,
    /// Not as it should be.
    Warn,
    /// Bad, or a limit.
    Bad,
}

impl Ink {
    /// Its word, as style sheets know it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Series => "series",
            Self::Label => "label",
            Self::Hair => "hair",
            Self::Band => "band",
            Self::Quantity => "quantity",
            Self::Accent => "accent",
            Self::ArmA => "arm-a",
            Self::ArmB => "arm-b",
            Self::OnArm => "on-arm",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

impl Style {
    /// Its word, as style sheets know it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fill => "filled",
            Self::Line => "stroked",
            Self::Dashed => "dashed",
            Self::Hollow => "hollow",
        }
    }
}

impl Anchor {
    /// Its word, as SVG knows it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Begin => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}
