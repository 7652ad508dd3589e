//! The processor time of a command with all that it starts, as the kernel counts it for who waits for them.
//!
//! Such a command runs below a process of its own, to which the kernel gives whatever the command leaves behind
//! (`PR_SET_CHILD_SUBREAPER`): once nothing is left, what that process has waited for (`cutime` and `cstime` of
//! `/proc/self/stat`) is the command with all below it, also what began and ended unseen between two looks.

use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use acceptance::{Context, Failure, Result};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, wait};

use crate::processes;
use crate::report::say;

/// What this program is called with to be such a process; the file that the time goes to, and the command follow.
pub const FLAG: &str = "--counted";
/// A command that takes longer is ended.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// So long may what it left behind go on.
const AFTER: Duration = Duration::from_secs(10);
/// How often it is looked.
const PULSE: Duration = Duration::from_millis(50);

/// The command to start for a command whose time is to be counted; its time is in the file once it has ended well.
pub fn command(file: &Path, program: &Path) -> Result<Command> {
    let mut own = Command::new(std::env::current_exe().could_not("find this program")?);
    own.arg(FLAG).arg(file).arg(program);
    Ok(own)
}

/// What is in that file, in seconds.
pub fn seconds(file: &Path) -> Result<f64> {
    let text = std::fs::read_to_string(file).could_not(format!("read {}", file.display()))?;
    text.trim().parse().could_not("read a processor time")
}

/// The process: its words are those behind [`FLAG`].
pub fn alone(words: &[String]) -> ExitCode {
    match count(words) {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => {
            say(&format!("{} ended: {status}.", words.get(1).map_or("It", String::as_str)));
            ExitCode::FAILURE
        }
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

fn count(words: &[String]) -> Result<ExitStatus> {
    let [file, program, arguments @ ..] = words else {
        return Err(Failure::new("there is neither a file nor a command"));
    };
    set_child_subreaper(Some(getpid())).could_not("be given what a command leaves behind")?;
    let before = processes::processor_time_of_children()?;
    let child = Command::new(program).args(arguments).stdin(Stdio::null()).spawn();
    let status = ended(&mut child.could_not(format!("start {program}"))?)?;
    reap()?;
    let time = processes::processor_time_of_children()?.saturating_sub(before);
    std::fs::write(file, time.as_secs_f64().to_string()).could_not(format!("write {file}"))?;
    Ok(status)
}

#[expect(clippy::disallowed_methods, reason = "a process of its own that only waits, with a limit")]
fn ended(child: &mut Child) -> Result<ExitStatus> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().could_not("wait for a command")? {
            return Ok(status);
        }
        if begin.elapsed() > LIMIT {
            kill_all();
            return Err(Failure::new(format!("it did not end within {} min", LIMIT.as_secs() / 60)));
        }
        std::thread::sleep(PULSE);
    }
}

/// Waits for all that was left behind, and ends what goes on too long.
#[expect(clippy::disallowed_methods, reason = "a process of its own that only waits, with a limit")]
fn reap() -> Result<()> {
    let begin = Instant::now();
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => {
                if begin.elapsed() > AFTER {
                    kill_all();
                }
                std::thread::sleep(PULSE);
            }
            Err(Errno::CHILD) => return Ok(()),
            Err(error) => return Err(Failure::new(format!("could not wait for what a command left behind: {error}"))),
        }
    }
}

fn kill_all() {
    let own = std::process::id();
    let below = processes::tree(own).into_iter().filter(|id| *id != own);
    for id in below.filter_map(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
        // It may have ended in the meantime.
        let _ = kill_process(id, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: &str = "PILOTHOUSE_TEST_COUNTED";

    /// Not a test: what the next one runs in a process of its own, since it takes in whatever is left there.
    #[test]
    #[ignore = "counts below a process of its own"]
    fn counting() {
        let Some(file) = std::env::var_os(OUT) else { return };
        // It ends at once; what it has left behind works for a while, and has a child that does so, too.
        let work = "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done";
        let left = format!("(sh -c '{work}; true' & {work}; wait) & exit 3");
        let words = [&*file.to_string_lossy(), "sh", "-c", &left].map(str::to_owned);
        let status = count(&words).unwrap();
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn what_is_left_behind_is_waited_for_and_counted() -> Result<()> {
        let folder = tempfile::tempdir().could_not("make a folder")?;
        let file = folder.path().join("seconds");
        let test = std::env::current_exe().could_not("find this test")?;
        let status = Command::new(test)
            .args(["--exact", "counted::tests::counting", "--ignored"])
            .env(OUT, &file)
            .stdout(Stdio::null())
            .status();
        assert!(status.could_not("run the counting")?.success());
        // Some 300,000 rounds of a shell. What `sh` itself took until it had ended is a few milliseconds.
        let counted = seconds(&file)?;
        assert!(counted >= 0.05, "{counted} s");
        Ok(())
    }
}
