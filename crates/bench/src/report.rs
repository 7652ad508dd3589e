//! What is kept, for people who have no Pilothouse: one HTML file that loads nothing, Markdown, JUnit, CSV.

mod drawn;
mod html;
mod junit;
mod logged;
mod markdown;
mod rows;

pub use drawn::{html_of, svg};
pub use html::html;
pub use junit::{Fail, failed, junit};
pub use logged::{TAG, logged};
pub use markdown::markdown;
pub use rows::{csv, jsonl};
