//! The one list of system packages, and how they are installed. Knows apt only; on another system
//! it says what to install by hand.

use std::process::Command;

use super::Purpose;
use crate::{Outcome, command};

/// A package, and why we want it. `a|b` is satisfied by either; the first that can be had is taken.
type Package = (&'static str, &'static str);

/// To build and open the program.
const RUN: &[Package] = &[
    ("build-essential", "the C compiler and linker"),
    ("pkg-config", "finds system libraries"),
    ("libwebkit2gtk-4.1-dev", "the web view of the window"),
    ("libayatana-appindicator3-1", "the icon in the tray"),
    ("dbus", "the bus to the keyring, and one for each test alone"),
];

/// To drive the program in tests as well.
const TEST: &[Package] = &[
    ("curl", "fetches tools"),
    ("ca-certificates", "lets them be trusted"),
    ("python3-venv", "a place for MLflow, a real server of the tests"),
    ("gnome-keyring", "a real keyring to keep secrets in"),
    ("xvfb", "a screen for the window where there is none"),
    ("webkit2gtk-driver", "drives the window"),
    ("dunst", "shows the notices of the window"),
    ("systemd", "reads the recorder's unit as a machine will, without running"),
    ("openbox", "lets a test put the window away"),
    ("libglib2.0-bin", "reads the sign in the tray, and knows a file of a record as a desktop does"),
    ("shared-mime-info", "tells desktops of a kind of file"),
    ("chromium|chromium-browser", "the browser for the browser door"),
    ("chromium-driver|chromium-chromedriver", "drives the browser"),
];

/// A Rust compiler that can build for wasm, where rustup's hosts cannot be reached.
pub const WASM: &[Package] = &[
    ("rustc-web", "the Rust compiler for wasm"),
    ("cargo-web", "its cargo"),
    ("rust-web-src", "the standard library's source, built once"),
    ("rust-web-clippy", "lints for wasm"),
    ("lld-22|lld", "the linker for wasm"),
];

/// To build the program that loads models out of files.
pub const MODEL: &[Package] = &[("cmake", "builds llama.cpp"), ("libclang-dev", "reads llama.cpp's headers for Rust")];

/// Installs what is missing for a purpose.
pub fn ensure(purpose: Purpose) -> Outcome {
    let mut wanted = RUN.to_vec();
    if purpose == Purpose::Test {
        wanted.extend_from_slice(TEST);
    }
    install(&wanted)
}

/// Installs those of `wanted` that are missing, in one go.
pub fn install(wanted: &[Package]) -> Outcome {
    if !command::exists("dpkg-query") {
        return by_hand(wanted);
    }
    let present = installed()?;
    let missing = |package: &&Package| !names(package).any(|name| present.iter().any(|p| p == name));
    let missing: Vec<&Package> = wanted.iter().filter(missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing {} system packages:", missing.len());
    for (name, why) in &missing {
        println!("  {name:<40} {why}");
    }
    update()?;
    let chosen: Vec<&str> = missing.iter().copied().map(available).collect();
    apt(&[&["install", "--yes", "--no-install-recommends"], chosen.as_slice()].concat())
}

/// Asks the archives what they have.
pub fn update() -> Outcome {
    apt(&["update", "--quiet"])
}

/// All packages that dpkg has installed, asked once.
fn installed() -> Result<Vec<String>, String> {
    let format = "--showformat=${db:Status-Abbrev}${Package}\n";
    let list = command::quiet(command::program("dpkg-query").args(["--show", format]))?;
    Ok(list.lines().filter_map(|line| line.strip_prefix("ii ")).map(str::to_owned).collect())
}

fn names<'a>(package: &Package) -> impl Iterator<Item = &'a str> + use<'a> {
    package.0.split('|')
}

/// The first name of a package that the archives know.
fn available(package: &Package) -> &'static str {
    let known = |name: &&str| {
        let policy = command::quiet(command::program("apt-cache").args(["policy", name]));
        policy.is_ok_and(|text| text.contains("Candidate:") && !text.contains("Candidate: (none)"))
    };
    let first = package.0.split('|').next().unwrap_or(package.0);
    package.0.split('|').find(known).unwrap_or(first)
}

fn apt(arguments: &[&str]) -> Outcome {
    let mut command = as_root("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
    command::show(&mut command)
        .map_err(|why| format!("{why}\nNext: run it by hand as an administrator, then start again."))
}

/// A command with an administrator's rights. Asks for no password: it fails where one is needed.
pub fn as_root(program: &str) -> Command {
    let user = command::quiet(command::program("id").arg("-u")).unwrap_or_default();
    if user.trim() == "0" {
        return command::program(program);
    }
    let mut sudo = command::program("sudo");
    sudo.args(["--non-interactive", "DEBIAN_FRONTEND=noninteractive", program]);
    sudo
}

/// Says what is needed where it cannot be installed.
pub fn by_hand(wanted: &[Package]) -> Outcome {
    println!("This is not a Debian or Ubuntu: nothing is installed here. What is needed, by Debian's names:");
    for (name, why) in wanted {
        println!("  {name:<40} {why}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MODEL, RUN, TEST, WASM};

    #[test]
    fn each_package_has_a_reason() {
        let all = [RUN, TEST, WASM, MODEL].concat();
        assert!(all.iter().all(|(name, why)| !name.is_empty() && !why.is_empty()));
    }
}
