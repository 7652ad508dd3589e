//! Tools that no system package brings, each pinned, in a folder of the cache named by its version.

use std::fs;
use std::path::PathBuf;

use crate::{Outcome, command, repo};

const CARGO_DENY: &str = "0.20.2";
const BINARYEN: &str = "132.0.0";
/// Any Go from 1.21 on fetches the version that go.mod names.
const GO: &str = "1.26.8";

/// The program that checks licences and bans.
pub fn cargo_deny_path() -> PathBuf {
    repo::tools().join(format!("cargo-deny-{CARGO_DENY}/bin/cargo-deny"))
}

/// Builds cargo-deny, if it is not there or does not start.
pub fn cargo_deny() -> Outcome {
    let program = cargo_deny_path();
    if program.is_file() && command::quiet(command::program(&program).arg("--version")).is_ok() {
        return Ok(());
    }
    println!("Building cargo-deny {CARGO_DENY}, which checks licences and bans (once, minutes).");
    let folder = repo::tools().join(format!("cargo-deny-{CARGO_DENY}"));
    let mut install = command::program("cargo");
    // Its own release profile (fat LTO) takes many times as long to build, for a tool run once.
    install.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    install.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env_remove("CARGO_TARGET_DIR");
    install.args(["install", "cargo-deny", "--version", CARGO_DENY, "--locked", "--force"]);
    command::show(install.arg("--root").arg(folder))
}

/// `wasm-opt`, if it was installed.
pub fn wasm_opt_path() -> Option<PathBuf> {
    let program = binaryen_folder().join("node_modules/binaryen/bin/wasm-opt");
    (program.is_file() && command::exists("node")).then_some(program)
}

/// Installs binaryen. Without it the interface is only larger, so nothing fails here.
pub fn binaryen() {
    if wasm_opt_path().is_some() {
        return;
    }
    if !command::exists("npm") || !command::exists("node") {
        println!("There is no npm, so no wasm-opt: the interface is built, but about twice as large.");
        return;
    }
    println!("Installing binaryen {BINARYEN}, which makes the interface smaller.");
    let mut npm = command::program("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
    npm.arg("--prefix").arg(binaryen_folder()).arg(format!("binaryen@{BINARYEN}"));
    let made = fs::create_dir_all(binaryen_folder()).map_err(|error| error.to_string());
    if let Err(why) = made.and_then(|()| command::quiet(&mut npm)) {
        println!("wasm-opt could not be installed, so the interface is larger. {why}");
    }
}

fn binaryen_folder() -> PathBuf {
    repo::tools().join(format!("binaryen-{BINARYEN}"))
}

/// rustfmt and clippy of the host's toolchain.
pub fn rust_components() -> Outcome {
    for (component, package) in [("rustfmt", "rustfmt-web"), ("clippy", "rust-web-clippy")] {
        let verb = if component == "rustfmt" { "fmt" } else { component };
        if command::quiet(command::program("cargo").args([verb, "--version"])).is_ok() {
            continue;
        }
        println!("Adding {component} to the Rust toolchain.");
        let mut rustup = command::program("timeout");
        rustup.args(["120", "rustup", "component", "add", component]);
        if !command::exists("rustup") || command::show(&mut rustup).is_err() {
            super::apt::install(&[(package, "the compiler's own checks")])?;
        }
    }
    Ok(())
}

/// Go builds the real servers that the tests start.
pub fn go() -> Outcome {
    if command::exists("go") || go_folder().join("bin/go").is_file() {
        return Ok(());
    }
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    println!("Installing Go {GO} into the cache: the tests build real servers with it.");
    let folder = repo::tools();
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let archive = folder.join("go.tar.gz.part");
    let from = format!("https://go.dev/dl/go{GO}.linux-{machine}.tar.gz");
    let mut curl = command::program("curl");
    curl.args(["--fail", "--location", "--silent", "--show-error", "--connect-timeout", "15"]);
    let fetched = command::show(curl.arg("--output").arg(&archive).arg(from));
    if let Err(why) = fetched {
        println!("{why} Trying the system's package instead.");
        return super::apt::install(&[("golang-go", "builds the real servers of the tests")]);
    }
    // The archive holds one folder, named go.
    let mut tar = command::program("tar");
    command::show(tar.arg("-xzf").arg(&archive).arg("-C").arg(&folder))?;
    fs::remove_file(archive).map_err(|error| error.to_string())
}

/// Where [`go`] puts it: xtask/bootstrap.sh has it at the end of the path.
fn go_folder() -> PathBuf {
    repo::tools().join("go")
}
