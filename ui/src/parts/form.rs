//! Forms drawn from data: fields, what is missing in them, and the dialog that they stand in.

pub mod dialog;
pub mod field;
pub mod line;
pub mod logic;
