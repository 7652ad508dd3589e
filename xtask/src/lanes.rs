//! Files of tests beside each other: those that drive servers, a window and a browser wait more than they work.

use std::collections::{BTreeMap, VecDeque};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::Outcome;
use crate::stopwatch::Stopwatch;

/// A file of tests in a test program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct File {
    /// What it is called.
    pub name: String,
    /// Its tests, by their whole names.
    pub tests: Vec<String>,
}

/// The files of a test program, by what it says of its tests to `--list --format terse`.
pub fn files(listed: &str) -> Vec<File> {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for test in listed.lines().filter_map(|line| line.strip_suffix(": test")) {
        let file = test.split("::").next().unwrap_or(test);
        files.entry(file).or_default().push(test.to_owned());
    }
    files.into_iter().map(|(name, tests)| File { name: name.to_owned(), tests }).collect()
}

/// Those that take longest first, in the order in which they are named, so that none of them is alone at the end.
pub fn longest_first(mut files: Vec<File>, longest: &[&str]) -> Vec<File> {
    files.sort_by_key(|file| longest.iter().position(|name| *name == file.name).unwrap_or(longest.len()));
    files
}

/// Runs all of them, so many at once, each with its output in one piece when it ends. After a failure none is started any more.
pub fn run(files: Vec<File>, at_once: usize, command: impl Fn(&File) -> Command + Sync) -> Outcome {
    let waiting = Mutex::new(VecDeque::from(files));
    let failed = Mutex::new(Vec::new());
    let lane = || {
        while let Some(file) = next(&waiting, &failed) {
            println!("  begins {}", file.name);
            let time = Stopwatch::start();
            let output = command(&file).output();
            let ok = output.as_ref().is_ok_and(|output| output.status.success());
            let word = if ok { "ok  " } else { "FAIL" };
            let said = output.map_or_else(|error| format!("It does not start: {error}.\n"), |output| said(&output));
            println!("{said}   {word} {} in {:.1} s", file.name, time.elapsed().as_secs_f64());
            if !ok {
                lock(&failed).push(file.name);
            }
        }
    };
    thread::scope(|scope| (0..at_once).for_each(|_| drop(scope.spawn(lane))));
    let failed = lock(&failed).join(", ");
    if failed.is_empty() { Ok(()) } else { Err(format!("Tests failed: {failed}. What they said is above.")) }
}

fn next(waiting: &Mutex<VecDeque<File>>, failed: &Mutex<Vec<String>>) -> Option<File> {
    if lock(failed).is_empty() { lock(waiting).pop_front() } else { None }
}

/// What a run said, on both its outputs.
fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::{File, files, longest_first, run};

    fn named(names: &[&str]) -> Vec<File> {
        names.iter().map(|name| File { name: (*name).to_owned(), tests: Vec::new() }).collect()
    }

    #[test]
    fn tests_go_by_their_files() {
        let of = |name: &str, tests: &[&str]| File {
            name: name.to_owned(),
            tests: tests.iter().map(|test| (*test).to_owned()).collect(),
        };
        let listed = "window::one: test\nacts::deep::two: test\nwindow::three: test\nwindow::four: benchmark\n\n";
        assert_eq!(files(listed), [of("acts", &["acts::deep::two"]), of("window", &["window::one", "window::three"])]);
    }

    #[test]
    fn the_longest_begin() {
        let sorted = longest_first(named(&["a", "b", "c", "d"]), &["d", "b"]);
        assert_eq!(sorted, named(&["d", "b", "a", "c"]));
    }

    fn shell(line: String) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &line]);
        command
    }

    #[test]
    fn files_run_beside_each_other_and_each_runs_once() -> Result<(), Box<dyn std::error::Error>> {
        let folder = std::env::temp_dir().join(format!("pilothouse-lanes-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let here = folder.display();
        // The first two wait for each other: neither ends where they run one after the other.
        let line = |file: &File| match file.name.as_str() {
            "one" => format!("touch {here}/1; until [ -e {here}/2 ]; do sleep 0.01; done"),
            "two" => format!("touch {here}/2; until [ -e {here}/1 ]; do sleep 0.01; done"),
            _ => format!("echo x >> {here}/3"),
        };
        assert_eq!(run(named(&["one", "two", "three"]), 2, |file| shell(line(file))), Ok(()));
        assert_eq!(fs::read_to_string(folder.join("3"))?, "x\n");
        fs::remove_dir_all(folder)?;
        Ok(())
    }

    #[test]
    fn a_file_that_fails_is_named_and_no_other_begins() {
        let line = |file: &File| format!("[ {} != bad ]", file.name);
        let outcome = run(named(&["bad", "bad", "good"]), 2, |file| shell(line(file)));
        assert!(outcome.is_err_and(|why| why.contains("bad") && !why.contains("good")));
    }
}
