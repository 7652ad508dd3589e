//! `cargo xtask ui`: builds the interface into `ui/dist`. What was built from the same sources
//! before, in this clone or another, is taken from the cache.

mod dist;
mod key;

use std::fs;
use std::path::{Path, PathBuf};

use crate::setup::{tools, wasm};
use crate::stopwatch::Stopwatch;
use crate::{Outcome, command, heal, repo};

/// The names in `ui/dist`: `pilothouse.js` and `pilothouse_bg.wasm`.
const NAME: &str = "pilothouse";

/// How to build.
#[derive(Clone, Copy, clap::Args)]
pub struct Options {
    /// Quick to build and with names in stack traces, but large
    #[arg(long)]
    dev: bool,
}

/// The form that is shipped.
pub const RELEASE: Options = Options { dev: false };

/// The verb.
pub fn run(options: &Options) -> Outcome {
    let start = Stopwatch::start();
    let wasm = wasm::ready()?;
    let optimizer = if options.dev { None } else { tools::wasm_opt_path() };
    let form = match (&optimizer, options.dev) {
        (_, true) => "dev",
        (Some(_), _) => "small",
        (None, _) => "release",
    };
    let key = key::of_sources(&[form, &wasm.version])?;
    let dist = repo::root().join("ui/dist");
    if dist::is(&dist, &key) {
        println!("The interface in ui/dist is up to date ({:.1} s).", start.seconds());
        return Ok(());
    }
    let kept = dist::kept(&key);
    if !dist::is(&kept, &key) {
        build(*options, &wasm, optimizer.as_deref(), &kept, &key)?;
    }
    dist::copy(&kept, &dist, &key)?;
    let wasm = fs::metadata(dist.join(format!("{NAME}_bg.wasm"))).map_or(0, |data| data.len());
    let (kib, seconds) = (wasm / 1024, start.seconds());
    println!("The interface is in ui/dist: {kib} KiB of wasm, {form} form ({seconds:.1} s).");
    Ok(())
}

/// Compiles, binds and shrinks into a folder of this process, which then becomes `kept` at once.
fn build(options: Options, wasm: &wasm::Wasm, optimizer: Option<&Path>, kept: &Path, key: &str) -> Outcome {
    let compiled = compile(options, wasm)?;
    let part = kept.with_extension(format!("part-{}", std::process::id()));
    let _ = fs::remove_dir_all(&part);
    fs::create_dir_all(&part).map_err(|error| format!("{}: {error}", part.display()))?;
    bind(options, &compiled, &part)?;
    if let Some(program) = optimizer {
        shrink(program, &part.join(format!("{NAME}_bg.wasm")));
    }
    dist::add_files(&part)?;
    dist::seal(&part, key)?;
    let _ = fs::remove_dir_all(kept);
    fs::rename(&part, kept).map_err(|error| format!("{}: {error}", kept.display()))?;
    dist::forget_old();
    Ok(())
}

fn compile(options: Options, wasm: &wasm::Wasm) -> Result<PathBuf, String> {
    let (profile, folder) = if options.dev { ("dev", "debug") } else { ("wasm", "wasm") };
    println!("Compiling the interface for wasm (Rust {}, profile {profile}).", wasm.version);
    let mut cargo = wasm.cargo("build");
    // Stripping would take the list of wasm features with it, which wasm-bindgen and wasm-opt go by.
    cargo.env("CARGO_PROFILE_WASM_STRIP", "none");
    cargo.args(["--package", "pilothouse-ui", "--profile", profile]);
    heal::cargo(&mut cargo, &wasm.build_folder(), folder)?;
    Ok(wasm.build_folder().join(wasm::TARGET).join(folder).join("pilothouse-ui.wasm"))
}

fn bind(options: Options, compiled: &Path, folder: &Path) -> Outcome {
    println!("Writing its JavaScript (wasm-bindgen).");
    let mut cargo = command::cargo();
    cargo.args(["build", "--package", "xtask", "--bin", "bindgen", "--features", "bindgen"]);
    heal::cargo(&mut cargo, &repo::host_target(), "debug")?;
    let mut bindgen = command::program(repo::host_target().join("debug/bindgen"));
    bindgen.arg(compiled).arg(folder).arg(NAME).args(options.dev.then_some("debug"));
    command::show(&mut bindgen)
}

/// Makes it smaller; what cannot be made smaller is still right.
fn shrink(program: &Path, file: &Path) {
    println!("Making it smaller (wasm-opt).");
    let small = file.with_extension("small");
    let mut optimizer = command::program("node");
    optimizer.arg(program).arg("-O3").arg(file).arg("-o").arg(&small);
    for feature in FEATURES {
        optimizer.arg(format!("--enable-{feature}"));
    }
    let outcome =
        command::quiet(&mut optimizer).and_then(|_| fs::rename(&small, file).map_err(|error| error.to_string()));
    if let Err(why) = outcome {
        println!("wasm-opt did not work, so the interface is larger. {why}");
    }
}

/// What rustc assumes of every browser.
const FEATURES: &[&str] = &[
    "bulk-memory",
    "bulk-memory-opt",
    "call-indirect-overlong",
    "multivalue",
    "mutable-globals",
    "nontrapping-float-to-int",
    "reference-types",
    "sign-ext",
];
