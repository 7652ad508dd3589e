//! A command that serves what is to be measured: started in a process group of its own, waited for until it says that it is
//! ready, stopped with all its children, and its words kept in a file.
//!
//! Whoever it starts is known by its parents, as long as those are there, and by a variable of its environment, which each
//! passes on to the next: a child whose parent has ended belongs to nobody by its parents.
//!
//! Whoever kills this program outright leaves the server behind: no system that we run on has a way to tie them together
//! without code that is not checked. Every other end stops it, Ctrl-C and a panic among them. Our own program that serves
//! models out of files ends with its input, which this one holds, and so ends then as well.

mod ready;

pub(crate) use ready::origin;
pub use ready::{usual_metrics_url, usual_ready_url};

use self::ready::Asking;
use crate::{hearing::short, local::Serving, plan::Target};
use pilothouse_connect::{redact_arguments, redact_words};
use pilothouse_wire::{Code, Problem};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
use tokio::time::{Instant, sleep};

/// How often it is asked whether it is ready.
const EVERY: Duration = Duration::from_millis(100);
/// How long it is given to end by itself.
pub const GRACE: Duration = Duration::from_secs(10);
/// Of its last words so many lines are told.
const LINES: usize = 8;
/// And so many bytes of the end of its log are looked at for them.
const TAIL: u64 = 16 << 10;
/// The variable by which those are known that a server has started.
const MARK: &str = "PILOTHOUSE_BENCH_SERVER";
/// And so many bytes of its begin for the line by which it says that it is ready.
const MOST_SAID: u64 = 16 << 20;

/// What is to be started.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The command with its arguments, as a shell would split it.
    pub command: Vec<String>,
    /// Where it says that it is ready, by any success.
    pub ready_url: String,
    /// How long that may take.
    pub limit: Duration,
    /// How long it is given to end by itself once it is asked to; [`GRACE`] is usual.
    pub grace: Duration,
    /// The file that its words go to.
    pub log: PathBuf,
}

/// What is kept of a server that was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// Its command, without secrets.
    pub command: Vec<String>,
    /// Where it said that it is ready.
    pub ready_url: String,
    /// Seconds until then.
    pub ready_after_s: f64,
    /// The file with its words, beside the run.
    pub log: String,
    /// How it ended by itself while it was measured, with its last words; none where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// The model that it serves out of a file, where it is our own program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Serving>,
}

/// A server that runs. It is killed where this is dropped, and stopped more gently by [`Server::stop`].
pub struct Server {
    child: Child,
    /// What [`MARK`] says in all that it has started.
    mark: String,
    log: PathBuf,
    grace: Duration,
    started: Started,
}

/// The command as a shell would split it.
///
/// # Errors
/// If quotes do not match, or there is nothing in it.
pub fn split(typed: &str) -> Result<Vec<String>, Problem> {
    shlex::split(typed).filter(|words| !words.is_empty()).ok_or_else(|| {
        Problem::new(Code::BadInput, "serve cannot be started.")
            .why("Its quotes do not match, or there is no command in it.")
            .next("Write it as in a shell: --serve 'vllm serve org/model --port 8000'.")
    })
}

impl Wanted {
    /// What is waited for, in words.
    #[must_use]
    pub fn words(&self) -> String {
        format!("until {} is ready; its words go to {}", self.ready_url, self.log.display())
    }
}

/// Starts a server and waits until it is ready; `over` ends the waiting.
///
/// # Errors
/// If somebody else answers there already, it cannot be started, ends, is not ready in time, or the waiting is ended.
pub async fn start(wanted: &Wanted, target: &Target, over: impl Future<Output = ()>) -> Result<Server, Problem> {
    let client = Asking::new(target, &wanted.ready_url)?;
    if client.is_ready().await {
        return Err(failed(wanted, "Somebody answers there already, before it was started.")
            .next(format!("Stop what serves at {}, or leave out --serve.", wanted.ready_url)));
    }
    let (server, _) = wait(wanted, &Sign::Answers(&client), over).await?;
    Ok(server)
}

/// Starts a server that says by a line of its output that it is ready, and gives that line, which begins with `sign`. Its
/// input stays open for as long as it is to serve.
///
/// # Errors
/// If it cannot be started, ends, does not say so in time, or the waiting is ended.
pub async fn start_saying(
    wanted: &Wanted,
    sign: &str,
    over: impl Future<Output = ()>,
) -> Result<(Server, String), Problem> {
    // There may be words of an earlier one.
    let from = open(&wanted.log)?.metadata().map_or(0, |meta| meta.len());
    wait(wanted, &Sign::Line { from, sign }, over).await
}

/// How it is known that a server is ready.
enum Sign<'a> {
    /// By any success.
    Answers(&'a Asking),
    /// By a line in its log, behind what stood there.
    Line { from: u64, sign: &'a str },
}

impl Sign<'_> {
    /// The line, where it is one; an empty one where it answers.
    async fn look(&self, log: &Path) -> Option<String> {
        match self {
            Self::Answers(client) => client.is_ready().await.then(String::new),
            Self::Line { from, sign } => {
                let mut file = File::open(log).ok()?;
                file.seek(SeekFrom::Start(*from)).ok()?;
                let mut bytes = Vec::new();
                file.take(MOST_SAID).read_to_end(&mut bytes).ok()?;
                let text = String::from_utf8_lossy(&bytes);
                // One without an end is not whole yet.
                let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
                whole.lines().find(|line| line.starts_with(sign)).map(str::to_owned)
            }
        }
    }

    fn missing(&self, wanted: &Wanted) -> String {
        let seconds = wanted.limit.as_secs_f64();
        match self {
            Self::Answers(_) => format!("{} did not say within {seconds} s that it is ready.", wanted.ready_url),
            Self::Line { .. } => format!("It did not say within {seconds} s that it is ready."),
        }
    }
}

async fn wait(wanted: &Wanted, sign: &Sign<'_>, over: impl Future<Output = ()>) -> Result<(Server, String), Problem> {
    let (log, begin) = (open(&wanted.log)?, Instant::now());
    let input = if matches!(sign, Sign::Line { .. }) { Stdio::piped() } else { Stdio::null() };
    let mark = mark();
    let child = spawn(&wanted.command, &mark, input, log).map_err(|error| {
        failed(wanted, &format!("{error}.")).next("Check that the program is there and may be run.")
    })?;
    let started = Started {
        command: redact_arguments(&wanted.command),
        ready_url: wanted.ready_url.clone(),
        ready_after_s: 0.0,
        log: wanted.log.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        ended: None,
        model: None,
    };
    let mut server = Server { child, mark, log: wanted.log.clone(), grace: wanted.grace, started };
    let mut over = std::pin::pin!(over);
    loop {
        if let Some(status) = server.ended() {
            let next = format!("All of its words are in {}.", wanted.log.display());
            return Err(
                failed(wanted, &format!("It ended, {status}, before it was ready. {}", server.last_words())).next(next)
            );
        }
        if let Some(line) = sign.look(&wanted.log).await {
            server.started.ready_after_s = begin.elapsed().as_secs_f64();
            return Ok((server, line));
        }
        if begin.elapsed() > wanted.limit {
            let why = format!("{} {}", sign.missing(wanted), server.last_words());
            server.stop().await;
            return Err(failed(wanted, &why).next("Give --ready-url where it says so, or more time by --ready-within."));
        }
        tokio::select! {
            () = sleep(EVERY) => {}
            () = &mut over => {
                server.stop().await;
                return Err(failed(wanted, "It was interrupted before it was ready."));
            }
        }
    }
}

fn failed(wanted: &Wanted, why: &str) -> Problem {
    let command = redact_arguments(&wanted.command);
    let program = command.first().map_or("", String::as_str);
    Problem::new(Code::ServerFailed, format!("The server {program} does not serve.")).why(why)
}

fn open(log: &Path) -> Result<File, Problem> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let made = log.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| options.open(log));
    made.map_err(|error| {
        Problem::new(Code::BadInput, format!("{} cannot be written.", log.display())).why(format!("{error}."))
    })
}

/// A word that no other server has.
fn mark() -> String {
    format!("{}-{:016x}", std::process::id(), SmallRng::from_os_rng().random::<u64>())
}

fn spawn(command: &[String], mark: &str, input: Stdio, log: File) -> std::io::Result<Child> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "there is no command"));
    };
    let mut command = Command::new(program);
    command.args(arguments).env(MARK, mark).stdin(input).stdout(log.try_clone()?).stderr(log);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
    command.spawn()
}

impl Server {
    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What is kept of it.
    #[must_use]
    pub fn started(&self) -> &Started {
        &self.started
    }

    /// Keeps that it is our own program, and which model it serves.
    pub(crate) fn is_model(&mut self, serving: Serving) {
        self.started.ready_url = format!("{}/health", serving.serving);
        self.started.model = Some(serving);
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Its last words, without secrets.
    #[must_use]
    pub fn last_words(&self) -> String {
        let words = last_lines(&self.log).unwrap_or_default();
        if words.is_empty() { "It said nothing.".into() } else { format!("Its last words: {words}") }
    }

    /// Ends it and all that it has started: asked first, killed after a while.
    pub async fn stop(mut self) {
        let family = family(self.child.id(), &self.mark);
        signal(self.child.id(), &family, Rough::Asked);
        let begin = Instant::now();
        while begin.elapsed() < self.grace && (self.ended().is_none() || lives(&family)) {
            sleep(EVERY).await;
        }
        // What was started since is found where this is dropped.
        signal(self.child.id(), &family, Rough::Killed);
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let family = family(self.child.id(), &self.mark);
        signal(self.child.id(), &family, Rough::Killed);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rough {
    Asked,
    Killed,
}

/// All that a process has started, and what those have: those who left its group among them, and those whose parents have gone,
/// which are known by their mark. Each with when it began: a number is given to another process once it is free.
fn family(of: u32, mark: &str) -> Vec<(Pid, u64)> {
    let mut system = System::new();
    let with = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, with);
    let marked = std::ffi::OsString::from(format!("{MARK}={mark}"));
    let mut all = vec![Pid::from_u32(of)];
    let lost = system.processes().iter().filter(|(id, process)| **id != all[0] && process.environ().contains(&marked));
    let lost: Vec<Pid> = lost.filter(|(_, process)| process.thread_kind().is_none()).map(|(id, _)| *id).collect();
    all.extend(lost);
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        let children = system
            .processes()
            .iter()
            .filter(|(_, process)| process.parent() == Some(parent) && process.thread_kind().is_none());
        let children: Vec<Pid> = children.map(|(id, _)| *id).filter(|id| !all.contains(id)).collect();
        all.extend(children);
        at += 1;
    }
    all.iter().skip(1).filter_map(|id| Some((*id, system.process(*id)?.start_time()))).collect()
}

/// Those of a family that are still there.
fn living(family: &[(Pid, u64)]) -> Vec<Pid> {
    let ids: Vec<Pid> = family.iter().map(|(id, _)| *id).collect();
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&ids), true, ProcessRefreshKind::nothing());
    let is_it = |(id, begin): &&(Pid, u64)| {
        let process = system.process(*id);
        process
            .is_some_and(|process| process.start_time() == *begin && process.status() != sysinfo::ProcessStatus::Zombie)
    };
    family.iter().filter(is_it).map(|(id, _)| *id).collect()
}

fn lives(family: &[(Pid, u64)]) -> bool {
    !living(family).is_empty()
}

/// Tells its group, and those of its family who left it.
#[cfg(unix)]
fn signal(group: u32, family: &[(Pid, u64)], how: Rough) {
    use rustix::process::{Pid as Id, Signal, kill_process, kill_process_group};
    let signal = if how == Rough::Asked { Signal::TERM } else { Signal::KILL };
    let id = |id: u32| i32::try_from(id).ok().and_then(Id::from_raw);
    // Whoever has gone by itself needs no telling.
    if let Some(group) = id(group) {
        let _ = kill_process_group(group, signal);
    }
    for member in living(family).into_iter().filter_map(|member| id(member.as_u32())) {
        let _ = kill_process(member, signal);
    }
}

#[cfg(not(unix))]
fn signal(_: u32, family: &[(Pid, u64)], how: Rough) {
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
    if how == Rough::Killed {
        living(family).iter().filter_map(|id| system.process(*id)).for_each(|process| drop(process.kill()));
    }
}

fn last_lines(log: &Path) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    Some(last.iter().map(|line| short(&redact_words(line))).collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;

    fn wanted(folder: &Path, command: &str) -> Wanted {
        Wanted {
            command: split(command).unwrap(),
            // Nobody listens there.
            ready_url: "http://127.0.0.1:1/health".into(),
            limit: Duration::from_secs(30),
            grace: Duration::from_millis(200),
            log: folder.join("a.server.log"),
        }
    }

    async fn refused(folder: &Path, command: &str, limit: Duration, over: impl Future<Output = ()>) -> Problem {
        let wanted = Wanted { limit, ..wanted(folder, command) };
        match start(&wanted, &plan().target, over).await {
            Err(problem) => problem,
            Ok(_) => panic!("it serves"),
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn one_that_ends_is_told_with_its_last_words_and_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let command = "sh -c 'echo loading; echo no such model --token sk-proj-abcdefghijkl >&2; exit 7'";
        let problem = refused(folder.path(), command, Duration::from_secs(30), std::future::pending()).await;
        let why = problem.why.unwrap_or_default();
        assert!(why.contains("exit status: 7") && why.contains("loading | no such model"), "{why}");
        assert!(!why.contains("sk-proj-abcdefghijkl"), "{why}");
        let none = refused(folder.path(), "/no/such/program", Duration::from_secs(30), std::future::pending()).await;
        assert!(none.next.unwrap_or_default().contains("program is there"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn one_that_is_never_ready_is_stopped_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        // Its child goes into a group of its own, and takes no notice of being asked.
        let marker = folder.path().join("child");
        let child = format!("trap \"\" TERM; echo $$ > {}; exec sleep 600", marker.display());
        let command = format!("sh -c 'setsid sh -c \"{}\" & echo waiting; wait'", child.replace('"', "\\\""));
        let problem = refused(folder.path(), &command, Duration::from_secs(2), std::future::pending()).await;
        let why = problem.why.unwrap_or_default();
        assert!(why.contains("did not say within 2 s") && why.contains("waiting"), "{why}");
        let id: u32 = std::fs::read_to_string(&marker).unwrap().trim().parse().unwrap();
        let mut system = System::new();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
        let left =
            system.process(Pid::from_u32(id)).filter(|process| process.status() != sysinfo::ProcessStatus::Zombie);
        assert!(left.is_none(), "{id} is still there");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_child_whose_parent_has_gone_is_stopped_too() {
        let folder = tempfile::tempdir().unwrap();
        // Its parent ends at once, long before anybody looks: nothing but its mark says whose it is.
        let marker = folder.path().join("child");
        let child = format!("echo $$ > {}; exec sleep 777", marker.display());
        let command =
            format!("sh -c '( setsid sh -c \"{child}\" & ); exec sleep 600'", child = child.replace('$', "\\$"));
        let begin = Instant::now();
        let written = async {
            while std::fs::read_to_string(&marker).map_or(true, |text| !text.ends_with('\n')) {
                assert!(begin.elapsed() < Duration::from_secs(60), "nothing was started");
                sleep(Duration::from_millis(10)).await;
            }
        };
        refused(folder.path(), &command, Duration::from_secs(60), written).await;
        let id = Pid::from_u32(std::fs::read_to_string(&marker).unwrap().trim().parse().unwrap());
        let mut system = System::new();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), true, ProcessRefreshKind::nothing());
        // The number may be another's by now, and a process that nobody has buried yet has ended.
        let left = system.process(id).filter(|process| process.status() != sysinfo::ProcessStatus::Zombie);
        assert!(left.is_none_or(|process| process.name() != "sleep"), "{id} is still there");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn waiting_can_be_ended() {
        let folder = tempfile::tempdir().unwrap();
        let problem =
            refused(folder.path(), "sleep 600", Duration::from_secs(60), sleep(Duration::from_millis(50))).await;
        assert!(problem.why.unwrap_or_default().contains("interrupted"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn one_that_says_so_is_ready_by_its_line_and_ends_with_its_input() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.server.log");
        std::fs::write(&log, "{\"ready\": \"of an earlier one\"}\n").unwrap();
        let wanted = wanted(folder.path(), "sh -c 'echo loading; sleep 0.3; echo \"{\\\"ready\\\": 7}\"; exec cat'");
        let (mut server, line) = start_saying(&wanted, "{\"ready\"", std::future::pending()).await.unwrap();
        assert_eq!(line, "{\"ready\": 7}");
        assert!(server.ended().is_none() && server.started().ready_after_s > 0.2);
        // Who holds its input has gone: it ends by itself.
        drop(server.child.stdin.take());
        let begin = Instant::now();
        while server.ended().is_none() && begin.elapsed() < Duration::from_secs(20) {
            sleep(Duration::from_millis(20)).await;
        }
        assert!(server.ended().is_some_and(|status| status.success()));
        let silent = Wanted { limit: Duration::from_millis(300), ..self::wanted(folder.path(), "sleep 600") };
        let problem = start_saying(&silent, "{\"ready\"", std::future::pending()).await.err().unwrap();
        assert!(problem.why.unwrap_or_default().contains("It did not say within 0.3 s"));
    }

    #[test]
    fn a_command_is_split_as_a_shell_does() {
        assert_eq!(split("a 'b c' d").unwrap(), ["a", "b c", "d"]);
        assert!(split("a 'b").is_err() && split("  ").is_err());
    }
}
