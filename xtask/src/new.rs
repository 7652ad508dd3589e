//! `cargo xtask new connector NAME` and `new screen NAME`: the folder, the word in the catalog, and
//! a failing test.

use crate::Outcome;

/// What is started.
#[derive(clap::Subcommand)]
pub enum What {
    /// A connector: a source of facts
    Connector {
        /// Its name, as a module: prometheus, mlflow
        name: String,
    },
    /// A screen of the interface
    Screen {
        /// Its name, as a module: fleet, cost
        name: String,
    },
}

/// The verb.
pub fn run(_what: &What) -> Outcome {
    Err("Not there yet.".to_owned())
}
