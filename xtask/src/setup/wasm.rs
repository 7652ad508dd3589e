//! A Rust toolchain that builds for wasm: rustup's target where its hosts answer, else Debian's
//! compiler with a standard library that we build once into the cache.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt;
use crate::{Outcome, command, repo};

/// The target's name.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Leptos's views as one boxed type instead of a type of each view's whole tree: a quarter less to load at every start.
const ERASED: &str = "--cfg=erase_components";

/// Debian's own compiler, whatever else is on the path.
const DEBIAN: &str = "/usr/bin";

/// The seconds that rustup may take: where its hosts cannot be reached it hangs.
const PATIENCE: &str = "15";

/// In a sysroot of ours: the length and name of each file of the library.
const MANIFEST: &str = "MANIFEST";

/// A toolchain that was found to have the target.
pub struct Wasm {
    /// Of its rustc.
    pub version: String,
    /// With Debian's compiler: where the standard library is.
    sysroot: Option<PathBuf>,
}

impl Wasm {
    /// The folder that this toolchain builds into.
    pub fn build_folder(&self) -> PathBuf {
        repo::cache().join("target").join(format!("wasm-{}", self.version))
    }

    /// Cargo, or cargo clippy, for the target.
    pub fn cargo(&self, verb: &str) -> Command {
        let mut command = match (&self.sysroot, verb) {
            (None, _) => command::program("cargo"),
            // Through cargo it would be rustup's clippy that is found first.
            (Some(_), "clippy") => command::program(format!("{DEBIAN}/cargo-clippy")),
            (Some(_), _) => command::program(format!("{DEBIAN}/cargo")),
        };
        let mut flags = ERASED.to_owned();
        if let Some(sysroot) = &self.sysroot {
            debian(&mut command);
            flags += &format!(" --sysroot={}", sysroot.display());
        }
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
        command.env("CARGO_TARGET_DIR", self.build_folder());
        command.args([verb, "--target", TARGET]);
        command
    }
}

/// The toolchain, after installing what is missing of it.
///
/// `PILOTHOUSE_WASM=debian` leaves rustup out, to try the other way on a machine that has both.
pub fn ready() -> Result<Wasm, String> {
    let rustup = env::var("PILOTHOUSE_WASM").as_deref() != Ok("debian");
    if rustup && let Some(found) = of_host() {
        return Ok(found);
    }
    if let Some(found) = of_debian() {
        return Ok(found);
    }
    if rustup
        && add_by_rustup()
        && let Some(found) = of_host()
    {
        return Ok(found);
    }
    println!("The wasm target cannot be had from rustup: using Debian's compiler for the interface.");
    apt::install(apt::WASM)?;
    build_std()?;
    if let Some(found) = of_debian() {
        // What was compiled against another build of the library does not fit this one.
        let _ = fs::remove_dir_all(found.build_folder().join(TARGET));
    }
    of_debian().ok_or_else(|| {
        "There is no Rust compiler that builds for wasm.\n\
         Next: `rustup target add wasm32-unknown-unknown`."
            .to_owned()
    })
}

fn of_host() -> Option<Wasm> {
    let sysroot = command::quiet(command::program("rustc").args(["--print", "sysroot"])).ok()?;
    has_std(Path::new(sysroot.trim())).then(|| Wasm { version: repo::version_of("rustc"), sysroot: None })
}

fn of_debian() -> Option<Wasm> {
    let sysroot = sysroot()?;
    let version = repo::version_of(format!("{DEBIAN}/rustc"));
    is_whole(&sysroot).then_some(Wasm { version, sysroot: Some(sysroot) })
}

fn has_std(sysroot: &Path) -> bool {
    let library = fs::read_dir(sysroot.join("lib/rustlib").join(TARGET).join("lib"));
    let mut names = library.into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().starts_with("libstd-"))
}

/// Is each file of a library that we built as long as it was then? A damaged one is built anew.
fn is_whole(sysroot: &Path) -> bool {
    let Ok(manifest) = fs::read_to_string(sysroot.join(MANIFEST)) else { return false };
    let library = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    !manifest.is_empty()
        && manifest.lines().all(|line| {
            let (length, name) = line.split_once(' ').unwrap_or_default();
            fs::metadata(library.join(name)).is_ok_and(|data| data.len().to_string() == length)
        })
}

fn add_by_rustup() -> bool {
    if !command::exists("rustup") {
        return false;
    }
    println!("Adding the wasm target (rustup, {PATIENCE} s at most).");
    let mut rustup = command::program("timeout");
    command::show(rustup.args([PATIENCE, "rustup", "target", "add", TARGET])).is_ok()
}

/// The sysroot over Debian's compiler, one for each build of that compiler.
fn sysroot() -> Option<PathBuf> {
    let mut rustc = command::program(format!("{DEBIAN}/rustc"));
    let text = command::quiet(debian(&mut rustc).arg("-V")).ok()?;
    let mut words = text.split_whitespace().skip(1);
    let version = words.next()?;
    let commit = words.next().unwrap_or_default().trim_start_matches('(');
    Some(repo::cache().join("wasm-sysroot").join(format!("{version}-{commit}")))
}

/// Compiles the standard library for wasm. Needs no network: Debian ships its source and crates.
fn build_std() -> Outcome {
    let sysroot = sysroot().ok_or("Debian's Rust compiler (rustc-web) is not installed.")?;
    println!("Building Rust's standard library for wasm, once (a minute or two).");
    let seed = sysroot.with_extension(format!("part-{}", std::process::id()));
    let failed = |error: std::io::Error| format!("{}: {error}", seed.display());
    fs::create_dir_all(seed.join("src")).map_err(failed)?;
    fs::write(seed.join("Cargo.toml"), SEED).map_err(failed)?;
    fs::write(seed.join("src/lib.rs"), "").map_err(failed)?;

    let mut cargo = command::program(format!("{DEBIAN}/cargo"));
    debian(&mut cargo).current_dir(&seed).env("RUSTC_BOOTSTRAP", "1");
    cargo.env("CARGO_TARGET_DIR", seed.join("target"));
    // Without it the small form of the interface (fat LTO) cannot take the library in.
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-Cembed-bitcode=yes");
    cargo.args(["build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort"]);
    command::show(&mut cargo)?;

    let built = seed.join("target").join(TARGET).join("release/deps");
    let ready = seed.join("sysroot");
    let library = ready.join("lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&library).map_err(failed)?;
    let mut manifest = String::new();
    for file in fs::read_dir(built).map_err(failed)?.flatten() {
        if file.path().extension().is_some_and(|extension| extension == "rlib") {
            let length = fs::copy(file.path(), library.join(file.file_name())).map_err(failed)?;
            manifest += &format!("{length} {}\n", file.file_name().to_string_lossy());
        }
    }
    fs::write(ready.join(MANIFEST), manifest).map_err(failed)?;
    link_host(&ready).map_err(failed)?;
    // Named last, so that a sysroot is whole or absent.
    let _ = fs::remove_dir_all(&sysroot);
    fs::rename(&ready, &sysroot).map_err(failed)?;
    fs::remove_dir_all(&seed).map_err(failed)
}

/// Macros run on the host: its libraries are looked for in the same sysroot.
fn link_host(sysroot: &Path) -> std::io::Result<()> {
    let below = sysroot.join("lib/rustlib");
    for host in fs::read_dir("/usr/lib/rustlib")?.flatten() {
        let name = host.file_name();
        if host.path().join("lib").is_dir() && name != *TARGET {
            std::os::unix::fs::symlink(host.path(), below.join(name))?;
        }
    }
    Ok(())
}

/// Makes a command use Debian's compiler, though rustup may be first on the path.
fn debian(command: &mut Command) -> &mut Command {
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([PathBuf::from(DEBIAN)].into_iter().chain(env::split_paths(&path)));
    command.env("PATH", path.unwrap_or_default());
    for leaked in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER", "RUSTFLAGS"] {
        command.env_remove(leaked);
    }
    let linker = ["wasm-ld-22", "wasm-ld"].into_iter().find(|name| command::exists(name));
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker.unwrap_or("wasm-ld"));
    command.env("RUSTC", format!("{DEBIAN}/rustc"))
}

/// A package that is nothing, so that cargo builds the library for it.
const SEED: &str = r#"[package]
name = "pilothouse-std-seed"
version = "0.0.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[workspace]
"#;
