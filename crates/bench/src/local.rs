//! A model out of a file as a target. The file is looked at and its memory is reckoned before anything is started; then our
//! own program `pilothouse-model` loads it, in a process of its own, and serves it on this machine to be measured like any
//! other server. What may break in a library that reads foreign files breaks there.

mod file;
pub mod gguf;
mod memory;
pub mod onnx;
mod options;
mod program;
mod serving;
mod start;

pub use file::{Format, Model, is_called_like_one, look};
pub use memory::{Free, Needs, available, free_on_gpus};
pub use options::Options;
pub use program::{VARIABLE, find};
pub use serving::{Input, Serving};
pub use start::{Wanted, start};
