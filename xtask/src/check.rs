//! `cargo xtask check`: what a change must pass before it is shown to anyone; needs no server.

use crate::steps::{self, step};
use crate::{Outcome, layers, stages, tidy};

/// The verb.
pub fn run() -> Outcome {
    steps::run(&[
        step("format", stages::format),
        step("layers", layers::run),
        step("tidy", tidy::run),
        step("interface", stages::interface),
        step("clippy on the host", stages::clippy_host),
        step("clippy for wasm", stages::clippy_wasm),
        step("licences, bans and sources", stages::licences),
        step("unit and property tests", stages::unit_tests),
        step("tests of the interface's logic", stages::interface_tests),
    ])
}
