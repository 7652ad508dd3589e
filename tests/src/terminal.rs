//! The program `pilothouse` with a home of its own, as a person would call it.

use crate::failure::{Context, Failure, Result};
use crate::page::program;
use crate::process::{Den, Process};
use crate::until;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, timeout_at};

/// A home for settings and data, and the environment in which the program is called.
pub struct Terminal {
    den: Arc<Den>,
    home: PathBuf,
    kubeconfig: PathBuf,
    /// Doors that were started: each has a log of its own.
    doors: Arc<AtomicUsize>,
}

/// What a call gave.
#[derive(Debug)]
pub struct Said {
    /// Exit code; −1 if it was killed.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Terminal {
    /// A new home that knows this kubeconfig.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn new(kubeconfig: &Path) -> Result<Self> {
        let den = Den::new()?;
        let home = den.folder().join("home");
        std::fs::create_dir_all(&home).could_not("make a home folder")?;
        Ok(Self { den, home, kubeconfig: kubeconfig.to_owned(), doors: Arc::new(AtomicUsize::new(1)) })
    }

    /// A new home with this kubeconfig where everybody has it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn holding(kubeconfig: &str) -> Result<Self> {
        let terminal = Self::new(Path::new(""))?;
        let folder = terminal.home.join(".kube");
        std::fs::create_dir_all(&folder).could_not("make a folder for the kubeconfig")?;
        let kubeconfig_file = folder.join("config");
        std::fs::write(&kubeconfig_file, kubeconfig).could_not("write a kubeconfig")?;
        Ok(Self { kubeconfig: kubeconfig_file, ..terminal })
    }

    /// The same home, entered with another kubeconfig.
    pub fn with(&self, kubeconfig: &Path) -> Self {
        let (den, doors) = (Arc::clone(&self.den), Arc::clone(&self.doors));
        Self { den, home: self.home.clone(), kubeconfig: kubeconfig.to_owned(), doors }
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The environment that a program needs to find this home.
    pub fn environment(&self) -> [(&str, &Path); 2] {
        [("PILOTHOUSE_HOME", &self.home), ("KUBECONFIG", &self.kubeconfig)]
    }

    /// A command of the program, not started.
    ///
    /// # Errors
    /// If the program is not built.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(program("pilothouse")?);
        command.args(arguments).envs(self.environment()).env("HOME", &self.home).env_remove("DISPLAY");
        // Secrets of a test are in its home, never in the keyring of who runs it.
        command.env("PILOTHOUSE_KEYRING", "off").stdin(Stdio::null()).kill_on_drop(true);
        Ok(command)
    }

    /// Calls the program and waits for its end.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn call(&self, arguments: &[&str]) -> Result<Said> {
        Ok(said(self.command(arguments)?.output().await.could_not("start pilothouse")?))
    }

    /// Calls the program with this on its standard input, and waits for its end.
    ///
    /// # Errors
    /// If it cannot be started, or does not read.
    pub async fn call_with(&self, arguments: &[&str], input: &str) -> Result<Said> {
        let mut command = self.command(arguments)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().could_not("start pilothouse")?;
        let mut pipe = child.stdin.take().ok_or_else(|| Failure::new("pilothouse has no standard input"))?;
        pipe.write_all(input.as_bytes()).await.could_not("write to pilothouse")?;
        drop(pipe);
        Ok(said(child.wait_with_output().await.could_not("wait for pilothouse")?))
    }

    /// Calls the program, which must succeed, and gives what it printed.
    ///
    /// # Errors
    /// If it fails; what it said is in the message.
    pub async fn good(&self, arguments: &[&str]) -> Result<String> {
        let said = self.call(arguments).await?;
        if said.code == 0 { Ok(said.out) } else { Err(Failure::new(format!("pilothouse {arguments:?}: {said:?}"))) }
    }

    /// Calls the program, which must succeed, and reads what it printed as JSON.
    ///
    /// # Errors
    /// If it fails, or prints something else.
    pub async fn json(&self, arguments: &[&str]) -> Result<Value> {
        let printed = self.good(arguments).await?;
        serde_json::from_str(&printed).could_not(format!("read what pilothouse {arguments:?} printed"))
    }

    /// Starts the program with `--watch --json` behind these arguments. It ends when the answer is dropped.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn watch(&self, arguments: &[&str]) -> Result<Watch> {
        self.follow(&[arguments, &["--watch", "--json"]].concat())
    }

    /// Starts the program with arguments by which it prints an object a line. It ends when the answer is dropped.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn follow(&self, arguments: &[&str]) -> Result<Watch> {
        let what = format!("pilothouse {}", arguments.join(" "));
        let mut command = self.command(arguments)?;
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().could_not(format!("start {what}"))?;
        let out = child.stdout.take().ok_or_else(|| Failure::new(format!("{what} has no output")))?;
        Ok(Watch { what, lines: BufReader::new(out).lines(), _child: child })
    }

    /// Starts the browser door with these arguments, and reads nothing of it.
    ///
    /// # Errors
    /// If it does not start.
    pub fn door(&self, arguments: &[&str]) -> Result<Process> {
        self.door_by(&program("pilothouse")?, arguments)
    }

    fn door_by(&self, program: &Path, arguments: &[&str]) -> Result<Process> {
        let mut command = std::process::Command::new(program);
        command.arg("serve").args(arguments);
        command.envs(self.environment()).env("HOME", &self.home).env_remove("DISPLAY");
        Process::start(&self.den, &format!("serve-{}", self.doors.fetch_add(1, Ordering::Relaxed)), command)
    }

    /// Starts the browser door on a free port; gives its process and the address with the one-time code.
    ///
    /// # Errors
    /// If it does not start or prints no address.
    pub async fn serve(&self, arguments: &[&str]) -> Result<(Process, String)> {
        self.serve_by(&program("pilothouse")?, arguments).await
    }

    /// The same by another program than today's.
    ///
    /// # Errors
    /// As [`Terminal::serve`].
    pub async fn serve_by(&self, program: &Path, arguments: &[&str]) -> Result<(Process, String)> {
        let process = self.door_by(program, &[&["--port", "0"], arguments].concat())?;
        let address = until("the browser door prints its address", Duration::from_secs(60), async || {
            process.check()?;
            let said = process.last_lines(40);
            Ok(said
                .split_whitespace()
                .find(|word| word.starts_with("http://") && word.contains("#code="))
                .map(str::to_owned))
        })
        .await?;
        Ok((process, address))
    }
}

/// A program that prints an object a line, for each change.
pub struct Watch {
    what: String,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Watch {
    /// Reads on until an object is as wanted, and gives what was wanted of it.
    ///
    /// # Errors
    /// If none is within the limit; the last one is in the message.
    pub async fn until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Value) -> Option<T>,
    ) -> Result<T> {
        let (end, mut last) = (Instant::now() + limit, String::new());
        while let Ok(line) = timeout_at(end, self.lines.next_line()).await {
            let Some(line) = line.could_not(format!("read {}", self.what))? else { break };
            let object = serde_json::from_str(&line).could_not(format!("read a line of {}", self.what))?;
            if let Some(found) = wanted(&object) {
                return Ok(found);
            }
            last = line;
        }
        Err(Failure::new(format!("{}: {what}: still not so after {} s. Last:\n{last}", self.what, limit.as_secs())))
    }
}
