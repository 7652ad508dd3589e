//! `cargo xtask screenshots`: pictures of the built program into `docs/screenshots`.

use crate::measure::{TERMINAL, aside, build, tool};
use crate::{Outcome, command, repo};

/// The verb.
pub fn run() -> Outcome {
    aside(&["ui"])?;
    build(TERMINAL)?;
    command::show(tool("screenshots")?.arg(repo::root().join("docs/screenshots")))
}
