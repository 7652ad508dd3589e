//! Builds that mend themselves: when a build fails as it does over a damaged cache, the damaged
//! part is removed and the build is tried once more. An error in the code is never tried again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;

/// What rustc, cargo and the linkers say when a file that they wrote earlier is broken.
const SIGNS: &[&str] = &[
    "found invalid metadata files",
    "failed to parse rlib",
    "failed to read archive",
    "corrupt metadata",
    "failed to mmap",
    "malformed archive",
    "truncated or malformed",
    "file truncated",
    "file not recognized",
    "file format not recognized",
    "unknown file type",
    "file too short",
    "invalid ELF header",
    "Exec format error",
    "SIGBUS",
    "the compiler unexpectedly panicked",
    "possibly newer version of crate",
    ".fingerprint",
    "is not an object file",
    "failed to load bitcode",
];

/// Runs a cargo command that writes into `target`; `profile` is the folder it writes to.
pub fn cargo(command: &mut Command, target: &Path, profile: &str) -> Result<(), String> {
    let Err((why, said)) = command::show_and_keep(command) else { return Ok(()) };
    let Some(sign) = sign(&said) else { return Err(why) };
    println!("\nThe build folder seems to be damaged (\"{sign}\").");
    for folder in parts(target, profile) {
        println!("Removing {} and building once more.", folder.display());
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    command::show(command)
}

/// The sign of damage in what a build said, if there is one. Where tests were run the build was whole, whatever they said.
pub fn sign(said: &str) -> Option<&'static str> {
    if said.contains("error: test failed, to rerun pass") || said.contains("error: doctest failed, to rerun pass") {
        return None;
    }
    if lost_a_crate(said) {
        return Some("can't find crate");
    }
    SIGNS.iter().copied().find(|sign| said.contains(sign))
}

/// A crate that cargo has built but rustc cannot find. With `std` it is the target that is missing,
/// and a name that no dependency has is an error in the code.
fn lost_a_crate(said: &str) -> bool {
    let lock = fs::read_to_string(crate::repo::root().join("Cargo.lock")).unwrap_or_default();
    said.split("can't find crate for `").skip(1).any(|rest| {
        let name = rest.split('`').next().unwrap_or_default();
        let named = |name: &str| lock.contains(&format!("name = \"{name}\"\n"));
        named(name) || named(&name.replace('_', "-"))
    })
}

/// The folders of one profile: the host's, and the one of each other target.
fn parts(target: &Path, profile: &str) -> Vec<PathBuf> {
    let below = fs::read_dir(target).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = below.map(|entry| entry.path().join(profile)).collect();
    folders.push(target.join(profile));
    folders.retain(|folder| folder.join(".fingerprint").is_dir() || folder.join("deps").is_dir());
    folders
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{cargo, sign};
    use crate::command;

    /// Two packages, of which one uses the other.
    fn workspace(root: &Path) -> std::io::Result<()> {
        let package = |name: &str| format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n");
        for folder in ["src", "below/src"] {
            fs::create_dir_all(root.join(folder))?;
        }
        let above = package("above") + "[dependencies]\nbelow = { path = \"below\" }\n[workspace]\n";
        fs::write(root.join("Cargo.toml"), above)?;
        fs::write(root.join("src/lib.rs"), "pub use below::one;")?;
        fs::write(root.join("below/Cargo.toml"), package("below"))?;
        fs::write(root.join("below/src/lib.rs"), "pub fn one() -> u8 { 1 }")
    }

    fn build(root: &Path) -> Result<(), String> {
        let mut build = command::program("cargo");
        build.args(["build", "--offline"]).current_dir(root).env("CARGO_TARGET_DIR", root.join("target"));
        cargo(&mut build, &root.join("target"), "debug")
    }

    #[test]
    fn a_truncated_library_is_built_anew() -> Result<(), Box<dyn std::error::Error>> {
        let root = std::env::temp_dir().join(format!("pilothouse-heal-{}", std::process::id()));
        workspace(&root)?;
        build(&root)?;
        for file in fs::read_dir(root.join("target/debug/deps"))?.flatten() {
            if file.file_name().to_string_lossy().starts_with("libbelow") {
                fs::File::options().write(true).open(file.path())?.set_len(100)?;
            }
        }
        fs::write(root.join("src/lib.rs"), "pub use below::one as two;")?;
        build(&root)?;
        fs::remove_dir_all(root)?;
        Ok(())
    }

    #[test]
    fn an_error_in_the_code_is_not_damage() {
        assert_eq!(sign("error[E0432]: unresolved import `crate::nowhere`"), None);
        assert_eq!(sign("error[E0463]: can't find crate for `no_such_crate`"), None);
        let told =
            "error[E0786]: found invalid metadata files\nerror: test failed, to rerun pass `-p xtask --bin xtask`";
        assert_eq!(sign(told), None, "a test that fails may have said anything before");
        assert_eq!(sign("error[E0463]: can't find crate for `std`"), None);
    }

    #[test]
    fn what_rustc_says_about_broken_files_is_damage() {
        assert!(sign("error[E0786]: found invalid metadata files for crate `serde`").is_some());
        assert!(sign("error[E0463]: can't find crate for `serde_json`").is_some());
        assert!(sign("ld: libx.rlib: file not recognized: file truncated").is_some());
    }
}
