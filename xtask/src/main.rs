//! The developer's verbs: `cargo xtask VERB`. Knows the repository, never the product's data.

mod servers;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::SUCCESS
}
