//! `cargo xtask bless`: takes what the code does today as right, and shows what that changes.

use crate::{Outcome, command, repo, sources};

/// Which goldens.
#[derive(clap::Args)]
pub struct Options {
    /// Only this package
    #[arg(long, short)]
    package: Option<String>,
    /// Only tests whose name has this in it
    filter: Option<String>,
}

/// Runs the tests with the order to rewrite, then prints the difference.
pub fn run(options: &Options) -> Outcome {
    let mut tests = command::cargo();
    // The first pass rewrites, and insta fails the tests whose golden was wrong.
    tests.args(["test", "--quiet", "--no-fail-fast"]);
    tests.env("INSTA_UPDATE", "always").env("INSTA_FORCE_PASS", "1");
    tests.env("INSTA_WORKSPACE_ROOT", sources::clone());
    if let Some(package) = &options.package {
        tests.args(["--package", package]);
    }
    tests.args(&options.filter);
    let outcome = command::show(&mut tests);
    let mut status = command::program("git");
    command::show(status.args(["status", "--short", "--", "*.snap", "crates", "tests", "ui"]))?;
    command::show(command::program("git").args(["--no-pager", "diff", "--stat", "--", "*.snap"]))?;
    println!("Read the difference (git diff) before you commit it. Clone: {}", repo::root().display());
    outcome
}
