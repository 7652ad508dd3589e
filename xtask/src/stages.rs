//! The stages that `check` and `test` are made of. One compile plan for all of them: the same
//! packages and features each time, so that nothing is compiled twice.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::lanes;
use crate::setup::{self, tools, wasm};
use crate::{Outcome, command, heal, model, programs, repo, servers, sources, ui};

/// The files of tests of package `acceptance` that take longest.
const LONGEST: &[&str] = &[
    "telemetry",
    "window_notices",
    "kube_rollouts",
    "window_models",
    "browser_wall",
    "window_story",
    "acts_rollouts",
    "acts_rollback",
    "acts_kserve_back",
    "bench_workers",
    "mlflow",
    "acts_story",
    "acts_kserve",
    "window_delivery",
    "telemetry_pages",
    "browser_lineage",
    "kube_watch",
];
/// The test programs that need no server and take longest.
const LONGEST_ALONE: &[&str] = &[
    "bits (journal)",
    "pilothouse_bench (bench)",
    "faults (journal)",
    "engine (engine)",
    "cli (cli)",
    "xtask (xtask)",
    "replay (journal)",
];
/// Such programs at once. Each has as many threads as there are processors, but many have one test that outlasts the others.
const PROGRAMS_AT_ONCE: usize = 2;
/// Files of tests with servers at once. Each waits for most of its time.
const FILES_AT_ONCE: usize = 3;
/// Tests of one file at once: they share their servers, and wait for them more than they work.
const TESTS_AT_ONCE: &str = "3";

/// Installs what the tests need.
pub fn machine() -> Outcome {
    setup::prepare(setup::Purpose::Test)
}

/// Is the code formatted, that of the packages outside of the workspace too?
pub fn format() -> Outcome {
    let formatted = |arguments: &[&str]| {
        command::show(command::cargo().arg("fmt").args(arguments).arg("--check"))
            .map_err(|why| format!("{why}\nNext: cargo fmt {}", arguments.join(" ")))
    };
    formatted(&["--all"])?;
    formatted(&["--manifest-path", "fuzz/Cargo.toml"])?;
    formatted(&["--manifest-path", "model/Cargo.toml"])
}

/// Builds the interface that the window and the doors carry.
pub fn interface() -> Outcome {
    ui::run(&ui::RELEASE)
}

/// Lints everything that runs on the host.
pub fn clippy_host() -> Outcome {
    host(&["clippy", "--all-targets"], &["--", "--deny", "warnings"])
}

/// Lints the interface as it runs in a browser.
pub fn clippy_wasm() -> Outcome {
    let wasm = wasm::ready()?;
    let mut cargo = wasm.cargo("clippy");
    cargo.args(["--package", "pilothouse-ui", "--", "--deny", "warnings"]);
    heal::cargo(&mut cargo, &wasm.build_folder(), "debug")
}

/// Bans, licences and sources of all dependencies.
pub fn licences() -> Outcome {
    for manifest in ["Cargo.toml", "model/Cargo.toml"] {
        let mut deny = command::program(tools::cargo_deny_path());
        deny.args(["--manifest-path", manifest, "check", "bans", "licenses", "sources"]);
        command::show(&mut deny)?;
    }
    Ok(())
}

/// The tests that need no server.
pub fn unit_tests() -> Outcome {
    let names = test_targets(|package, _| package != "acceptance")?;
    let build = [&["test", "--no-run", "--lib", "--bins"], selected(&names).as_slice()].concat();
    host(&build, &[])?;
    programs::run(programs::built(host_cargo(&build)?)?, LONGEST_ALONE, PROGRAMS_AT_ONCE, for_tests)
}

/// The tests of the interface's own logic, which needs no browser.
pub fn interface_tests() -> Outcome {
    let mut cargo = command::cargo();
    heal::cargo(cargo.args(["test", "--package", "pilothouse-ui"]), &repo::host_target(), "debug")
}

/// The examples in the documentation.
pub fn doc_tests() -> Outcome {
    host(&["test", "--doc", "--quiet"], &[])
}

/// Builds the servers for [`real_servers`], and the program that loads models out of files.
pub fn servers() -> Outcome {
    let folder = servers::build()?;
    model::check()?;
    println!("The servers are in {}.", folder.display());
    Ok(())
}

/// The programs that the end-to-end tests start.
pub fn programs() -> Outcome {
    host(&["build", "--bins"], &[])
}

/// The tests against real servers.
pub fn real_servers() -> Outcome {
    acceptance("servers")
}

/// The tests that start the built programs, and drive the window and a browser.
pub fn end_to_end() -> Outcome {
    acceptance("doors")
}

/// Those of the tests against real servers whose names have one of these words in them, with more in their environment.
pub fn servers_alone(environment: &[(&str, &str)], only: impl IntoIterator<Item = String>) -> Outcome {
    programs()?;
    let path = acceptance_program("servers")?;
    command::show(in_tests(&path).envs(environment.iter().copied()).args(only))
}

/// Builds a test program of package `acceptance`, and says where it is.
fn acceptance_program(program: &str) -> Result<PathBuf, String> {
    let build = ["test", "--no-run", "--test", program];
    host(&build, &[])?;
    let built = programs::built(host_cargo(&build)?)?.into_iter().next();
    built.map(|built| built.path).ok_or_else(|| format!("cargo does not say where {program} is"))
}

/// A test program of package `acceptance`, as cargo would start it.
fn in_tests(path: &Path) -> Command {
    let mut test = Command::new(path);
    test.current_dir(repo::root().join("tests"));
    for_tests(&mut test);
    test
}

/// A test program of package `acceptance`, one file of its tests beside another.
fn acceptance(program: &str) -> Outcome {
    let path = acceptance_program(program)?;
    let in_tests = || in_tests(&path);
    let listed = command::quiet(in_tests().args(["--list", "--format", "terse"]))?;
    let files = lanes::longest_first(lanes::files(&listed), LONGEST);
    lanes::run(files, FILES_AT_ONCE, |file| {
        let mut test = in_tests();
        test.args(["--test-threads", TESTS_AT_ONCE, "--exact"]).args(&file.tests);
        test
    })
}

/// A cargo verb over all packages of the host, with the features that they are shipped with.
fn host(before: &[&str], after: &[&str]) -> Outcome {
    heal::cargo(host_cargo(before)?.args(after), &repo::host_target(), "debug")
}

fn host_cargo(verb: &[&str]) -> Result<Command, String> {
    let mut cargo = command::cargo();
    cargo.args(verb).args(["--workspace", "--exclude", "pilothouse-ui"]);
    for feature in shipped_features()? {
        cargo.args(["--features", &feature]);
    }
    for_tests(&mut cargo);
    Ok(cargo)
}

/// What a test finds of this run: the cache, the built programs, and a Go of our own.
fn for_tests(cargo: &mut Command) {
    cargo.env("PILOTHOUSE_CACHE", repo::cache());
    cargo.env("PILOTHOUSE_BIN", repo::host_target().join("debug"));
    // Where insta finds the golden files.
    cargo.env("INSTA_WORKSPACE_ROOT", sources::clone());
}

/// The window carries the interface only with this feature; without it, it wants a server for it.
fn shipped_features() -> Result<Vec<String>, String> {
    let metadata = repo::metadata()?;
    let mut packages = repo::packages(&metadata).into_iter();
    let carries = packages
        .any(|package| package["name"] == "pilothouse-desktop" && package["features"]["custom-protocol"].is_array());
    Ok(carries.then(|| "pilothouse-desktop/custom-protocol".to_owned()).into_iter().collect())
}

/// The names of integration tests, by package and name.
fn test_targets(wanted: impl Fn(&str, &str) -> bool) -> Result<Vec<String>, String> {
    let metadata = repo::metadata()?;
    let mut names = Vec::new();
    for package in repo::packages(&metadata) {
        let targets = package["targets"].as_array().into_iter().flatten();
        let tests = targets.filter(|target| target["kind"][0] == "test");
        let name = |target: &Value| target["name"].as_str().unwrap_or_default().to_owned();
        let package = package["name"].as_str().unwrap_or_default();
        names.extend(tests.map(name).filter(|test| wanted(package, test)));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn selected(names: &[String]) -> Vec<&str> {
    names.iter().flat_map(|name| ["--test", name]).collect()
}
