//! `./test`: every stage, from the machine itself to the window and the browser.

use crate::steps::{self, Step, step};
use crate::{Outcome, layers, stages, tidy};

/// Which stages.
#[derive(clap::Args)]
pub struct Options {
    /// Print the names of the stages
    #[arg(long)]
    list: bool,
    /// Only stages whose name has one of these words in it; all of them if none is given
    only: Vec<String>,
}

/// Cheap checks first; each stage finds what the ones before it built.
const ALL: &[Step] = &[
    step("this machine", stages::machine),
    step("format", stages::format),
    step("layers", layers::run),
    step("tidy", tidy::run),
    step("licences, bans and sources", stages::licences),
    step("interface", stages::interface),
    step("clippy for wasm", stages::clippy_wasm),
    step("clippy on the host", stages::clippy_host),
    step("unit and property tests", stages::unit_tests),
    step("tests of the interface's logic", stages::interface_tests),
    step("examples in the documentation", stages::doc_tests),
    step("real servers: build", stages::servers),
    step("real servers: tests", stages::real_servers),
    step("programs", stages::programs),
    step("end to end: window and browser", stages::end_to_end),
];

/// The verb.
pub fn run(options: &Options) -> Outcome {
    let wanted = |step: &&Step| {
        let named = |word: &String| step.name().contains(word.as_str());
        options.only.is_empty() || options.only.iter().any(named)
    };
    let steps: Vec<Step> = ALL.iter().filter(wanted).copied().collect();
    if options.list {
        steps.iter().for_each(|step| println!("{}", step.name()));
        return Ok(());
    }
    if steps.is_empty() {
        return Err("No stage has that in its name. Next: ./test --list".to_owned());
    }
    steps::run(&steps)
}
