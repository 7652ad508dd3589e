//! The map of GPUs: laid out and painted as plain data, put on one canvas with one `putImageData`.

pub mod canvas;
pub mod lasso;
pub mod layout;
pub mod moves;
pub mod paint;
pub mod palette;
pub mod zoom;

pub use pilothouse_chart::ink;
