//! Test programs beside each other: those that drive servers, a window and a browser wait more than they work.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::Outcome;
use crate::stopwatch::Stopwatch;

/// Programs at once. Each runs as many of its tests at once as there are cores.
const AT_ONCE: usize = 2;

/// A test program that is built.
#[derive(Clone, Debug)]
pub struct Program {
    /// What its source is called.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Runs all of them, each with its output in one piece when it ends. After a failure none is started any more.
pub fn run(programs: Vec<Program>, command: impl Fn(&Program) -> Command + Sync) -> Outcome {
    let waiting = Mutex::new(VecDeque::from(programs));
    let failed = Mutex::new(Vec::new());
    let lane = || {
        while let Some(program) = next(&waiting, &failed) {
            println!("  begins {}", program.name);
            let time = Stopwatch::start();
            let output = command(&program).output();
            let ok = output.as_ref().is_ok_and(|output| output.status.success());
            let word = if ok { "ok  " } else { "FAIL" };
            let said = output.map_or_else(|error| format!("It does not start: {error}.\n"), |output| said(&output));
            println!("{said}   {word} {} in {:.1} s", program.name, time.elapsed().as_secs_f64());
            if !ok {
                lock(&failed).push(program.name);
            }
        }
    };
    thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(lane))));
    let failed = lock(&failed).join(", ");
    if failed.is_empty() { Ok(()) } else { Err(format!("Tests failed: {failed}. What they said is above.")) }
}

fn next(waiting: &Mutex<VecDeque<Program>>, failed: &Mutex<Vec<String>>) -> Option<Program> {
    if lock(failed).is_empty() { lock(waiting).pop_front() } else { None }
}

/// What a program said, on both its outputs.
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

    use super::{Program, run};

    fn programs(names: &[&str]) -> Vec<Program> {
        names.iter().map(|name| Program { name: (*name).to_owned(), path: "sh".into() }).collect()
    }

    fn shell(line: String) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &line]);
        command
    }

    #[test]
    fn programs_run_beside_each_other_and_each_runs_once() -> Result<(), Box<dyn std::error::Error>> {
        let folder = std::env::temp_dir().join(format!("pilothouse-lanes-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let here = folder.display();
        // The first two wait for each other: neither ends where they run one after the other.
        let line = |program: &Program| match program.name.as_str() {
            "one" => format!("touch {here}/1; until [ -e {here}/2 ]; do sleep 0.01; done"),
            "two" => format!("touch {here}/2; until [ -e {here}/1 ]; do sleep 0.01; done"),
            _ => format!("echo x >> {here}/3"),
        };
        assert_eq!(run(programs(&["one", "two", "three"]), |program| shell(line(program))), Ok(()));
        assert_eq!(fs::read_to_string(folder.join("3"))?, "x\n");
        fs::remove_dir_all(folder)?;
        Ok(())
    }

    #[test]
    fn a_program_that_fails_is_named_and_no_other_begins() {
        let line = |program: &Program| format!("[ {} != bad ]", program.name);
        let outcome = run(programs(&["bad", "bad", "good"]), |program| shell(line(program)));
        assert!(outcome.is_err_and(|why| why.contains("bad") && !why.contains("good")));
    }
}
