//! Tables: windowed, filtered, sorted, held still under the pointer, exported. Each draws the rows it is given.

pub mod body;
pub mod cell;
pub mod export;
pub mod order;
pub mod save;
pub mod window;
