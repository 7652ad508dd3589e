//! `cargo xtask bless`: takes what the code does today as right, and shows what that changes.

use crate::{Outcome, command, repo, servers, sources, stages};
use std::collections::BTreeSet;

/// The package of the tests against real servers, which are run as `./test` runs them.
const ACCEPTANCE: &str = "acceptance";
/// The goldens of these.
const FOLDER: &str = "tests/tests/servers/snapshots";
/// The orders to insta: the first pass rewrites, and insta fails the tests whose golden was wrong.
const ORDERS: [(&str, &str); 2] = [("INSTA_UPDATE", "always"), ("INSTA_FORCE_PASS", "1")];

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
    let own = if options.package.as_deref() == Some(ACCEPTANCE) { Ok(()) } else { without_servers(options) };
    let outcome = match options.package.as_deref() {
        None | Some(ACCEPTANCE) => own.and(with_servers(options)),
        Some(_) => own,
    };
    let mut status = command::program("git");
    command::show(status.args(["status", "--short", "--", "*.snap", "crates", "tests", "ui"]))?;
    command::show(command::program("git").args(["--no-pager", "diff", "--stat", "--", "*.snap"]))?;
    println!("Read the difference (git diff) before you commit it. Clone: {}", repo::root().display());
    outcome
}

/// The goldens of the packages that need no server.
fn without_servers(options: &Options) -> Outcome {
    let mut tests = command::cargo();
    tests.args(["test", "--quiet", "--no-fail-fast"]).envs(ORDERS).env("INSTA_WORKSPACE_ROOT", sources::clone());
    if let Some(package) = &options.package {
        tests.args(["--package", package]);
    }
    command::show(tests.args(&options.filter))
}

/// The goldens of what real servers say. Without a filter only the files of tests that have some are run: each starts servers.
fn with_servers(options: &Options) -> Outcome {
    servers::build()?;
    let files = match &options.filter {
        Some(filter) => BTreeSet::from([filter.clone()]),
        None => with_goldens(&names()?),
    };
    stages::servers_alone(&ORDERS, files)
}

fn names() -> Result<Vec<String>, String> {
    let folder = repo::root().join(FOLDER);
    let listed = std::fs::read_dir(&folder).map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    Ok(listed.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// The files of tests that have goldens, as a filter of tests names them. A golden is `servers__FILE__NAME.snap`.
fn with_goldens(names: &[String]) -> BTreeSet<String> {
    let file = |name: &String| Some(format!("{}::", name.strip_prefix("servers__")?.split_once("__")?.0));
    names.iter().filter_map(file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_golden_of_a_server_is_of_a_file_of_tests_that_is_run() {
        let names = names().unwrap();
        let files = with_goldens(&names);
        assert!(names.len() > 20 && files.contains("kube_problems::"), "{files:?}");
        for name in names.iter().filter(|name| name.ends_with(".snap")) {
            assert!(files.iter().any(|file| name.contains(&format!("__{}__", file.trim_end_matches("::")))), "{name}");
        }
        for file in files {
            let path = repo::root().join(format!("tests/tests/servers/{}.rs", file.trim_end_matches("::")));
            assert!(path.is_file(), "{}", path.display());
        }
    }
}
