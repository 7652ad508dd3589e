//! Prometheus for the tests: the program out of Debian's package, taken apart into the cache. Installed as a package
//! it would add a user and start a service, of which nothing here makes use.

use std::fs;
use std::path::{Path, PathBuf};

use super::apt;
use crate::{Outcome, command, repo};

/// The package, and the program in it.
const PACKAGE: &str = "prometheus";
/// Why it is wanted.
const WHY: &str = "the real server of time series that tests of GPU telemetry ask";

/// Where the package is taken apart; `tests/src/prometheus.rs` looks for it there.
fn folder() -> PathBuf {
    repo::tools().join(PACKAGE)
}

/// Brings the program, if it is neither on the path nor in the cache.
pub fn ready() -> Outcome {
    let program = folder().join("usr/bin").join(PACKAGE);
    if starts(Path::new(PACKAGE)) || starts(&program) {
        return Ok(());
    }
    if !command::exists("apt-get") || !command::exists("dpkg-deb") {
        return apt::by_hand(&[(PACKAGE, WHY)]);
    }
    println!("Taking the program out of the system's package {PACKAGE}: {WHY}. No service is started.");
    let place = folder().with_extension("part");
    drop(fs::remove_dir_all(&place));
    fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    if download(&place).is_err() {
        apt::update()?;
        download(&place).map_err(|why| format!("{why}\nNext: put a {PACKAGE} on the path, then start again."))?;
    }
    let package = only_file(&place)?;
    command::quiet(command::program("dpkg-deb").arg("--extract").arg(&package).arg(&place))?;
    fs::remove_file(&package).map_err(|error| format!("{}: {error}", package.display()))?;
    drop(fs::remove_dir_all(folder()));
    fs::rename(&place, folder()).map_err(|error| format!("{}: {error}", place.display()))?;
    if starts(&program) { Ok(()) } else { Err(format!("{} does not start.", program.display())) }
}

/// Fetches the package into a folder. Needs no administrator.
fn download(place: &Path) -> Outcome {
    let mut fetch = command::program("apt-get");
    command::quiet(fetch.current_dir(place).args(["download", "--quiet", PACKAGE])).map(drop)
}

fn only_file(place: &Path) -> Result<PathBuf, String> {
    let files = fs::read_dir(place).map_err(|error| format!("{}: {error}", place.display()))?;
    let package = files.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|e| e == "deb"));
    package.ok_or_else(|| format!("apt-get brought no package into {}.", place.display()))
}

fn starts(program: &Path) -> bool {
    command::quiet(command::program(program).arg("--version")).is_ok()
}
