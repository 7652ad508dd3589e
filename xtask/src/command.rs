//! Runs programs in the repository: shown as they run, or quietly with the output kept for a failure.

use std::ffi::OsStr;
use std::io::{IsTerminal, Read, Write};
use std::process::{Command, ExitStatus, Stdio};

use crate::repo;

/// How much of a program's error output is kept to look for signs in.
const KEPT: usize = 256 * 1024;

/// A program that starts in the root of the repository.
pub fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(repo::root());
    command
}

/// The host's cargo, with the build folder of the cache.
pub fn cargo() -> Command {
    let mut command = program("cargo");
    command.env("CARGO_TARGET_DIR", repo::host_target());
    command
}

/// Runs a program in the open. `Err` says which one failed.
pub fn show(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    ended(command, status)
}

/// Runs a program, passes on what it says on its error output, and keeps the last of it.
///
/// Cargo writes its progress there; it is told of the terminal, since it sees only a pipe.
pub fn show_and_keep(command: &mut Command) -> Result<(), (String, String)> {
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
        command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "80");
    }
    let silent = |why: String| (why, String::new());
    command.stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| silent(cannot_start(command, &error)))?;
    let kept = child.stderr.take().map(pass_on).unwrap_or_default();
    let status = child.wait().map_err(|error| silent(error.to_string()))?;
    let kept = String::from_utf8_lossy(&kept).into_owned();
    ended(command, status).map_err(|why| (why, kept))
}

/// Runs a program out of sight: its output, or on failure what it said.
pub fn quiet(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| cannot_start(command, &error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ended(command, output.status).map_err(|why| format!("{why}\n{text}{said}"))?;
    Ok(text)
}

/// Is there a program of this name on the path?
pub fn exists(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

fn pass_on(mut from: impl Read) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), [0; 8192]);
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 {
            break;
        }
        // Losing a line of progress must not stop the build.
        let _ = std::io::stderr().write_all(&buffer[..count]);
        kept.extend_from_slice(&buffer[..count]);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
    kept
}

fn ended(command: &Command, status: ExitStatus) -> Result<(), String> {
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status}).", line(command))) }
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` does not start: {error}.", line(command))
}

/// The command as one would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
