//! Two or more targets under the same load, in blocks whose order is drawn, judged at planned looks alone: which is better,
//! by how much, and how sure that is. What is decided is in `pilothouse_insight::verdict`; here blocks are run and kept.

mod answers;
mod before;
mod document;
mod limit;
mod meaning;
mod metric;
mod run;
mod side;
mod words;

pub use answers::{Agreement, Answers, FIXED};
pub use before::{Before, Foreseen};
pub use document::{Arm, BlockRun, Document, FORMAT, VERSION};
pub use limit::LATE_US;
pub(crate) use limit::limit;
pub use meaning::Meaning;
pub use metric::{Quantity, usual};
pub use run::{Progress, Running, Wanted, start};
pub use side::{Row, Side, side_by_side};
pub(crate) use words::{direction, figure, middle, sentence, signed};
pub use words::{outcome, page};

#[cfg(test)]
pub(crate) mod tests {
    pub(crate) use super::document::tests::{block, document};
}
