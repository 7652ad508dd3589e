//! `cargo xtask model`: builds the program that loads models out of files (`model/`), once for each content of its sources, and
//! puts it beside the other programs. llama.cpp, which is in it, takes minutes to compile.
//!
//! The cache: `<cache>/model/<hash>/` holds the program, and a mark once its lints and tests passed. The hash is of its sources,
//! of the compiler, and of what this processor can do: it is built for that, and another one could not run it.

pub mod reference;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::setup::apt;
use crate::{Outcome, command, heal, repo};

/// What it is called.
const PROGRAM: &str = "pilothouse-model";
/// Left beside it once its lints and tests passed.
const CHECKED: &str = "checked";
/// Folders that are kept: today's and the one of the branch before.
const KEPT: usize = 2;
/// For what this processor can do.
const FLAGS: &str = "-Ctarget-cpu=native";

/// The verb.
pub fn run() -> Outcome {
    let program = build()?;
    println!("Built: {}; it is beside the other programs as {PROGRAM}.", program.display());
    Ok(())
}

/// Builds it, if it is not there, and puts it beside the other programs.
pub fn build() -> Result<PathBuf, String> {
    let folder = repo::cache().join("model").join(key()?);
    let program = folder.join(PROGRAM);
    if !starts(&program) {
        println!("Building {PROGRAM}; the first time takes five to ten minutes on two processors, for llama.cpp.");
        apt::install(apt::MODEL)?;
        cargo(&["build"], &[])?;
        fs::create_dir_all(&folder).map_err(|error| cannot(&folder, &error))?;
        place(&target().join("release").join(PROGRAM), &program)?;
        prune(&folder)?;
    }
    for profile in ["debug", "release"] {
        let folder = repo::host_target().join(profile);
        fs::create_dir_all(&folder).map_err(|error| cannot(&folder, &error))?;
        place(&program, &folder.join(PROGRAM))?;
    }
    Ok(program)
}

/// Builds it with its lints and its tests, unless these sources have passed them already.
pub fn check() -> Outcome {
    let mark = build()?.with_file_name(CHECKED);
    if mark.exists() {
        return Ok(());
    }
    cargo(&["clippy", "--all-targets"], &["--", "--deny", "warnings"])?;
    cargo(&["test"], &[])?;
    fs::write(&mark, "").map_err(|error| cannot(&mark, &error))
}

/// The build folder of its own: its flags are none of the other programs'.
fn target() -> PathBuf {
    repo::cache().join("target").join("model")
}

fn cargo(verb: &[&str], behind: &[&str]) -> Outcome {
    let mut cargo = command::program("cargo");
    cargo.args(verb).args(["--release", "--locked", "--manifest-path", "model/Cargo.toml"]).args(behind);
    cargo.env("CARGO_TARGET_DIR", target()).env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS");
    heal::cargo(&mut cargo, &target(), "release")
}

/// The first 16 hex digits of a hash over sources, compiler and processor.
fn key() -> Result<String, String> {
    let mut hash = Sha256::new();
    for file in sources()? {
        let content = fs::read(&file).map_err(|error| cannot(&file, &error))?;
        let name = file.strip_prefix(repo::root()).unwrap_or(&file).to_string_lossy().into_owned();
        hash.update(format!("{name}\0{}\0", content.len()));
        hash.update(content);
    }
    hash.update(command::quiet(Command::new("rustc").arg("-V"))?);
    hash.update(command::quiet(Command::new("rustc").args(["--print", "cfg", FLAGS]))?);
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>()[..16].to_owned())
}

fn sources() -> Result<Vec<PathBuf>, String> {
    let folder = repo::root().join("model");
    let mut all = vec![folder.join("Cargo.toml"), folder.join("Cargo.lock")];
    below(&folder.join("src"), &mut all)?;
    all.sort();
    Ok(all)
}

fn below(folder: &Path, all: &mut Vec<PathBuf>) -> Outcome {
    for entry in fs::read_dir(folder).map_err(|error| cannot(folder, &error))?.flatten() {
        match entry.path() {
            path if path.is_dir() => below(&path, all)?,
            path => all.push(path),
        }
    }
    Ok(())
}

fn starts(program: &Path) -> bool {
    program.is_file() && command::quiet(Command::new(program).arg("--version")).is_ok()
}

/// Makes a file be at a place too: as the same file, or a copy of it.
fn place(file: &Path, at: &Path) -> Outcome {
    // One that runs can be taken away, and not be written to.
    drop(fs::remove_file(at));
    fs::hard_link(file, at).or_else(|_| fs::copy(file, at).map(drop)).map_err(|error| cannot(at, &error))
}

/// Removes all but the newest folders.
fn prune(current: &Path) -> Outcome {
    let all = current.parent().map(fs::read_dir).transpose().map_err(|error| cannot(current, &error))?;
    let others = all.into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path != current);
    let mut others: Vec<_> = others.map(|path| (path.metadata().and_then(|meta| meta.modified()).ok(), path)).collect();
    others.sort();
    others.truncate((others.len() + 1).saturating_sub(KEPT));
    others.iter().try_for_each(|(_, path)| fs::remove_dir_all(path).map_err(|error| cannot(path, &error)))
}

fn cannot(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_of_all_sources() {
        let names: Vec<String> =
            sources().unwrap().iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect();
        for want in ["Cargo.toml", "Cargo.lock", "main.rs", "letters.rs", "tensor.rs"] {
            assert!(names.iter().any(|name| name == want), "{want}: {names:?}");
        }
        let key = key().unwrap();
        assert!(key.len() == 16 && key.chars().all(|letter| letter.is_ascii_hexdigit()), "{key}");
    }

    #[test]
    fn only_the_newest_are_kept() {
        let folder = std::env::temp_dir().join(format!("pilothouse-xtask-model-{}", std::process::id()));
        let all = ["a", "b", "c"].map(|name| folder.join(name));
        for path in &all {
            fs::create_dir_all(path).unwrap();
        }
        prune(&all[2]).unwrap();
        let left = fs::read_dir(&folder).unwrap().count();
        let is_left = all[2].exists();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((left, is_left), (KEPT, true));
    }
}
