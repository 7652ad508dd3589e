//! The test programs that cargo has built: which they are, where each is started, and all of them beside each other.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::lanes::{self, File};
use crate::{Outcome, command};

/// A test program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program {
    /// Its target and its package, as `name (package)`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// The folder of its package, in which cargo would start it.
    pub folder: PathBuf,
}

/// The test programs that a cargo verb builds, by what it says with `--message-format=json`.
pub fn built(mut build: Command) -> Result<Vec<Program>, String> {
    let told = command::quiet(build.arg("--message-format=json"))?;
    Ok(told.lines().filter_map(program).collect())
}

/// The test program that a line of cargo's is about.
fn program(line: &str) -> Option<Program> {
    let told: Value = serde_json::from_str(line).ok()?;
    let path = PathBuf::from(told["executable"].as_str()?);
    let manifest = PathBuf::from(told["manifest_path"].as_str()?);
    let folder = manifest.parent()?.to_path_buf();
    let package = folder.file_name()?.to_string_lossy().into_owned();
    let name = told["target"]["name"].as_str()?;
    told["profile"]["test"].as_bool()?.then(|| Program { name: format!("{name} ({package})"), path, folder })
}

/// Runs all of them, the given ones first, each whole.
pub fn run(programs: Vec<Program>, first: &[&str], at_once: usize, ready: impl Fn(&mut Command) + Sync) -> Outcome {
    let files = programs.iter().map(|program| File { name: program.name.clone(), tests: Vec::new() }).collect();
    lanes::run(lanes::longest_first(files, first), at_once, |file| {
        let program = programs.iter().find(|program| program.name == file.name);
        let mut command = Command::new(program.map_or(Path::new(""), |program| program.path.as_path()));
        if let Some(program) = program {
            command.current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder);
        }
        ready(&mut command);
        command
    })
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn a_test_program_is_told_from_what_else_cargo_builds() {
        let line = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/here/crates/journal/Cargo.toml","target":{{"kind":["test"],"name":"bits"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let bits = program(&line(true, r#""/target/bits-1""#)).expect("it is one");
        assert_eq!(bits.name, "bits (journal)");
        assert_eq!((bits.path.to_str(), bits.folder.to_str()), (Some("/target/bits-1"), Some("/here/crates/journal")));
        assert_eq!(program(&line(false, r#""/target/bits-1""#)), None);
        assert_eq!(program(&line(true, "null")), None);
        assert_eq!(program("Running bits"), None);
    }
}
