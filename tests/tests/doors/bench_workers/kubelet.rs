//! The part of a kubelet that kwok does not play: the containers of a Job's pods run, as processes of this machine. Their program,
//! arguments and variables are those of the real pod; its volumes are folders here; an annotation of the pod becomes the file that
//! the downward API makes of it; what a process prints becomes the log that the API server serves; how it ends, the pod's status.

use acceptance::{Context, ControlPlane, Failure, Result, api::items, program};
use pilothouse_connect::Clock;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

const EVERY: Duration = Duration::from_millis(100);

/// What goes wrong with a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing does.
    None,
    /// Its container never starts, though its pod is said to run.
    NeverStarts,
    /// It is killed so long after it was told to begin.
    Killed(Duration),
    /// The clock that it tells is so many seconds ahead. The program has the clock of this machine: its words are changed.
    Ahead(i64),
}

/// Plays it for one namespace, until it is dropped.
pub struct Kubelet {
    playing: JoinHandle<()>,
    failed: Arc<Mutex<Option<Failure>>>,
    _folder: tempfile::TempDir,
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.playing.abort();
    }
}

impl Kubelet {
    /// Begins; `fault` says what goes wrong with each worker, by its number.
    pub fn play(
        plane: &'static ControlPlane,
        namespace: &str,
        fault: impl Fn(u32) -> Fault + Send + Sync + 'static,
    ) -> Result<Self> {
        let folder = tempfile::tempdir().could_not("make a folder")?;
        let failed = Arc::new(Mutex::new(None));
        let (root, namespace, told) = (folder.path().to_owned(), namespace.to_owned(), Arc::clone(&failed));
        let playing = tokio::spawn(async move {
            let mut running = BTreeMap::new();
            loop {
                if let Err(failure) = turn(plane, &namespace, &root, &fault, &mut running).await {
                    *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                    return;
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        Ok(Self { playing, failed, _folder: folder })
    }

    /// Fails if it could not be played.
    pub fn check(&self) -> Result<()> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}

/// A container that runs.
struct Running {
    child: Child,
    barrier: PathBuf,
    killed: Option<tokio::time::Instant>,
    is_over: bool,
}

async fn turn(
    plane: &ControlPlane,
    namespace: &str,
    root: &Path,
    fault: &impl Fn(u32) -> Fault,
    running: &mut BTreeMap<String, Running>,
) -> Result<()> {
    let api = plane.api()?;
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let pods = api.get(&path).await?;
    let names: Vec<&str> = items(&pods).iter().filter_map(|pod| pod["metadata"]["name"].as_str()).collect();
    // A pod that was deleted has no container any more.
    running.retain(|name, _| names.contains(&name.as_str()));
    for pod in items(&pods) {
        let Some(index) = index(pod) else { continue };
        let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let fault = fault(index);
        if pod["status"]["phase"] != "Running" || fault == Fault::NeverStarts {
            continue;
        }
        if !running.contains_key(&name) {
            let ahead = if let Fault::Ahead(seconds) = fault { seconds } else { 0 };
            running.insert(name.clone(), start(plane, pod, index, &root.join(&name), ahead)?);
        }
        let Some(container) = running.get_mut(&name) else { continue };
        let begin = &pod["metadata"]["annotations"]["pilothouse.dev/begin"];
        if let Some(begin) = begin.as_str().filter(|_| !container.barrier.exists()) {
            // At once and whole, as the kubelet writes it.
            let new = container.barrier.with_extension("new");
            std::fs::write(&new, begin).could_not("write the annotation")?;
            std::fs::rename(&new, &container.barrier).could_not("write the annotation")?;
            if let Fault::Killed(after) = fault {
                container.killed = Some(tokio::time::Instant::now() + after);
            }
        }
        if container.killed.is_some_and(|at| at <= tokio::time::Instant::now()) {
            container.killed = None;
            container.child.start_kill().could_not("kill a worker")?;
        }
        if let Some(status) = container.child.try_wait().could_not("wait for a worker")?.filter(|_| !container.is_over)
        {
            container.is_over = true;
            let code = status.code().unwrap_or(137);
            let reason = match code {
                0 => "Completed",
                137 => "OOMKilled",
                _ => "Error",
            };
            let ended = json!({ "exitCode": code, "reason": reason });
            let container = json!({
                "name": "worker", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": { "terminated": ended },
            });
            let phase = if code == 0 { "Succeeded" } else { "Failed" };
            let status = json!({ "status": { "phase": phase, "containerStatuses": [container] } });
            api.patch(&format!("{path}/{name}/status"), &status).await?;
        }
    }
    Ok(())
}

fn index(pod: &Value) -> Option<u32> {
    pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"].as_str()?.parse().ok()
}

/// Starts the container of a pod.
fn start(plane: &ControlPlane, pod: &Value, index: u32, folder: &Path, ahead: i64) -> Result<Running> {
    for mounted in ["barrier", "run", "home"] {
        std::fs::create_dir_all(folder.join(mounted)).could_not("make the folders of a worker")?;
    }
    let container = &pod["spec"]["containers"][0];
    let here = |text: &str| text.replacen("/pilothouse/", &format!("{}/", folder.display()), 1);
    let mut command = Command::new(program("pilothouse")?);
    let arguments = container["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
    command.args(arguments).env_clear().env("HOME", folder.join("home")).env("JOB_COMPLETION_INDEX", index.to_string());
    for variable in container["env"].as_array().into_iter().flatten() {
        let (Some(name), Some(value)) = (variable["name"].as_str(), variable["value"].as_str()) else { continue };
        command.env(name, if value.starts_with('/') { here(value) } else { value.replace("$$(", "$(") });
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().could_not("start a worker")?;
    let said = child.stdout.take().ok_or_else(|| Failure::new("a worker has no output"))?;
    let log = plane.pod_log();
    tokio::spawn(async move {
        let mut lines = BufReader::new(said).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let line = format!("{} stdout F {}\n", Clock::system().now(), told(&line, ahead));
            // All pods of the control plane share one log: whole lines, one after the other.
            let opened = OpenOptions::new().append(true).open(&log);
            if opened.and_then(|mut file| file.write_all(line.as_bytes())).is_err() {
                return;
            }
        }
    });
    Ok(Running { child, barrier: folder.join("barrier/begin"), killed: None, is_over: false })
}

/// A line by a clock that is ahead.
fn told(line: &str, ahead: i64) -> String {
    match line.rsplit_once(" waits ") {
        Some((before, at)) if ahead != 0 => {
            format!("{before} waits {}", at.parse::<i64>().map_or(0, |at| at + ahead * 1_000))
        }
        _ => line.to_owned(),
    }
}
