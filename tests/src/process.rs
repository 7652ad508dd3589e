//! Child processes that cannot outlive the test, however it ends, and the folder they live in.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::failure::{Context, Failure, Result};
use crate::wait::until;

/// Reads the process groups of the servers from its standard input. When that ends, because
/// the test has dropped it or has died, it kills those groups and removes the folder ($1).
///
/// A parent-death signal would not do: it comes when the *thread* that started the server
/// ends, and a server that several tests share outlives the thread of the first one.
const KEEPER: &str = r#"
trap '' HUP INT TERM
groups=
while read -r sign group; do
    case $sign in
        +) groups="$groups $group" ;;
        -) groups=$(for each in $groups; do [ "$each" = "$group" ] || printf ' %s' "$each"; done) ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group"; done 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null && break; sleep 0.2; done
"#;

/// A folder for servers, and the promise that neither it nor they outlive this process.
pub struct Den {
    folder: PathBuf,
    keeper: Child,
    names: Mutex<Option<ChildStdin>>,
}

impl Den {
    /// Makes the folder (under the system's temporary folder) and starts its keeper.
    pub fn new() -> Result<Arc<Self>> {
        let folder = tempfile::Builder::new()
            .prefix("pilothouse-servers-")
            .tempdir()
            .could_not("make a folder for the servers")?
            .keep();
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .could_not("start the keeper of the servers (sh)")?;
        let names = Mutex::new(keeper.stdin.take());
        Ok(Arc::new(Self { folder, keeper, names }))
    }

    /// Where the servers keep their data, keys and logs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file of the servers and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, content).could_not(format!("write {}", path.display()))?;
        Ok(path)
    }

    fn tell(&self, sign: char, group: Pid) -> Result<()> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        match names.as_mut() {
            Some(pipe) => writeln!(pipe, "{sign} {group}").could_not("tell the keeper"),
            None => Ok(()),
        }
    }
}

impl Drop for Den {
    fn drop(&mut self) {
        drop(self.names.get_mut().map(Option::take));
        // Nothing can be done about a keeper that fails, and a Drop cannot say so.
        let _ = self.keeper.wait();
    }
}

/// One server: a process group of its own, with its output in a log file. Killed when dropped.
pub struct Process {
    name: String,
    child: Mutex<Child>,
    group: Pid,
    log: PathBuf,
    den: Arc<Den>,
}

impl Process {
    /// Starts `command` with its output appended to `<name>.log` in the den's folder.
    pub fn start(den: &Arc<Den>, name: &str, mut command: Command) -> Result<Self> {
        let log = den.folder.join(format!("{name}.log"));
        let open = || File::options().create(true).append(true).open(&log);
        let (out, err) = (open(), open());
        let child = command
            .current_dir(&den.folder)
            .stdin(Stdio::null())
            .stdout(out.could_not(format!("open {}", log.display()))?)
            .stderr(err.could_not(format!("open {}", log.display()))?)
            .process_group(0)
            .spawn()
            .could_not(format!("start {name}"))?;
        let group = Pid::from_child(&child);
        let process = Self { name: name.to_owned(), child: Mutex::new(child), group, log, den: Arc::clone(den) };
        process.den.tell('+', group)?;
        Ok(process)
    }

    /// Fails with the end of the log if the process has ended by itself.
    pub fn check(&self) -> Result<()> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        match child.try_wait() {
            Ok(Some(status)) => Err(Failure::new(format!(
                "{} ended ({status}). The end of its log:\n{}",
                self.name,
                self.last_lines(15)
            ))),
            _ => Ok(()),
        }
    }

    /// Waits until it answers well at an address.
    pub async fn is_ready(&self, http: &Client, address: &str, limit: Duration) -> Result<()> {
        until(&format!("{} is ready", self.name), limit, async || {
            self.check()?;
            let answer = http.get(address).send().await;
            Ok(answer.is_ok_and(|answer| answer.status().is_success()).then_some(()))
        })
        .await
        .map_err(|failure| Failure::new(format!("{failure}\nThe end of its log:\n{}", self.last_lines(15))))
    }

    /// The last lines of what the process has printed.
    pub fn last_lines(&self, count: usize) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// Freezes the process: its connections stay open and nothing answers on them.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen process go on.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        kill_process_group(self.group, signal).could_not(format!("signal {}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A failure means that the process has already gone, which is what we want.
        let _ = self.signal(Signal::KILL);
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = child.wait();
        let _ = self.den.tell('-', self.group);
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io::{BufRead, BufReader};
    use std::time::Duration;

    use super::*;
    use crate::wait::until;

    const VICTIM: &str = "PILOTHOUSE_TEST_VICTIM";

    /// Not a test: what the next one runs in a process of its own, and kills.
    #[test]
    #[ignore = "waits to be killed"]
    fn victim() -> Result<()> {
        if std::env::var_os(VICTIM).is_none() {
            return Ok(());
        }
        let den = Den::new()?;
        let mut command = Command::new("sleep");
        command.arg("1000");
        let server = Process::start(&den, "sleep", command)?;
        server.pause()?;
        let line = format!("\nserver {} {}\n", server.group, den.folder().display());
        std::io::stdout().write_all(line.as_bytes()).could_not("print")?;
        loop {
            std::thread::park();
        }
    }

    #[tokio::test]
    async fn a_killed_test_leaves_neither_server_nor_folder() -> std::result::Result<(), Box<dyn Error>> {
        let mut test = Command::new(std::env::current_exe()?)
            .args(["--exact", "process::tests::victim", "--ignored", "--nocapture"])
            .env(VICTIM, "1")
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(test.stdout.take().ok_or("no output")?);
        let line = output.lines().map_while(std::result::Result::ok).find(|line| line.starts_with("server "));
        let line = line.ok_or("the victim did not start")?;
        let fields: Vec<&str> = line.split(' ').collect();
        let (server, folder) = (fields[1], Path::new(fields[2]));
        assert!(is_alive(server) && folder.exists());

        test.kill()?;
        test.wait()?;
        until("server and folder are gone", Duration::from_secs(30), async || {
            Ok((!is_alive(server) && !folder.exists()).then_some(()))
        })
        .await?;
        Ok(())
    }

    /// A process that has ended may stay in the table until its parent looks at it.
    fn is_alive(process: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        state.is_some_and(|state| state != 'Z')
    }
}
