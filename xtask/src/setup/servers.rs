//! Servers for the tests out of Debian's packages: only their programs, taken apart into the cache. Installed as packages
//! they would add users and start services, of which nothing here makes use.

use std::fs;
use std::path::{Path, PathBuf};

use super::apt;
use crate::{Outcome, command, repo};

/// Each package, which is also the program in it, and why it is wanted.
const PACKAGES: [(&str, &str); 3] = [
    ("prometheus", "the real server of time series that tests of GPU telemetry ask"),
    ("victoria-metrics", "another real one, which speaks the same API in its own way"),
    ("prometheus-alertmanager", "the real server of alerts that tests ask"),
];

/// Where programs read what belongs to all machines alike, below the root of a machine or of a package.
const SHARED: &str = "usr/share";
/// What they do not begin without, below that.
const READ: [&str; 1] = ["prometheus/alertmanager"];

/// Where a package is taken apart; `tests/src/cache.rs` looks for it there.
fn folder(package: &str) -> PathBuf {
    repo::tools().join(package)
}

/// Brings each program, if it is neither on the path nor in the cache.
pub fn ready() -> Outcome {
    PACKAGES.iter().try_for_each(|(package, why)| one(package, why))
}

fn one(package: &'static str, why: &'static str) -> Outcome {
    let program = folder(package).join("usr/bin").join(package);
    if starts(Path::new(package)) {
        return Ok(());
    }
    if starts(&program) {
        return shared(package);
    }
    if !command::exists("apt-get") || !command::exists("dpkg-deb") {
        return apt::by_hand(&[(package, why)]);
    }
    println!("Taking the program out of the system's package {package}: {why}. No service is started.");
    let place = folder(package).with_extension("part");
    drop(fs::remove_dir_all(&place));
    fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    if download(package, &place).is_err() {
        apt::update()?;
        download(package, &place)
            .map_err(|why| format!("{why}\nNext: put a {package} on the path, then start again."))?;
    }
    let file = only_file(&place)?;
    command::quiet(command::program("dpkg-deb").arg("--extract").arg(&file).arg(&place))?;
    fs::remove_file(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    drop(fs::remove_dir_all(folder(package)));
    fs::rename(&place, folder(package)).map_err(|error| format!("{}: {error}", place.display()))?;
    if starts(&program) { shared(package) } else { Err(format!("{} does not start.", program.display())) }
}

/// Puts what a program reads at a fixed place, and a package would have put there: Debian's Alertmanager does not begin
/// without its templates.
fn shared(package: &str) -> Outcome {
    let own = folder(package).join(SHARED);
    let missing = |name: &str| own.join(name).exists() && !Path::new("/").join(SHARED).join(name).exists();
    for name in READ.iter().filter(|name| missing(name)) {
        let place = Path::new("/").join(SHARED).join(name);
        println!("Putting what {package} reads into {}.", place.display());
        let made = place.parent().unwrap_or(&place);
        command::quiet(apt::as_root("mkdir").arg("-p").arg(made))?;
        command::quiet(apt::as_root("cp").arg("-r").arg(own.join(name)).arg(&place))?;
    }
    Ok(())
}

/// Fetches the package into a folder. Needs no administrator.
fn download(package: &str, place: &Path) -> Outcome {
    let mut fetch = command::program("apt-get");
    command::quiet(fetch.current_dir(place).args(["download", "--quiet", package])).map(drop)
}

fn only_file(place: &Path) -> Result<PathBuf, String> {
    let files = fs::read_dir(place).map_err(|error| format!("{}: {error}", place.display()))?;
    let package = files.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|e| e == "deb"));
    package.ok_or_else(|| format!("apt-get brought no package into {}.", place.display()))
}

fn starts(program: &Path) -> bool {
    command::quiet(command::program(program).arg("--version")).is_ok()
}
