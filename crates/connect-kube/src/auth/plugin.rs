//! Credential plug-ins, run by us: no stdin, a time-out, bounded output, killed with their children.

use super::{
    credential::Credential,
    printed,
    program::{find, given_in_secret, of_exec, of_program},
};
use crate::{
    kubeconfig::{Context, Exec, InteractiveMode, Placed, User},
    small_file::Unread,
};
use base64::Engine;
use pilothouse_wire::{Code, Problem, view::connections::PluginNotice};
use process_wrap::tokio::{ChildWrapper, CommandWrap};
use secrecy::ExposeSecret;
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How long a plug-in may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How much a plug-in may print.
const MOST_PRINTED: usize = 1 << 20;
/// How much of the end of its complaints is looked at.
const COMPLAINT: usize = 4 << 10;
/// How long its children may hold its output open after it has ended.
const LINGER: Duration = Duration::from_millis(200);

/// A plug-in as a kubeconfig describes it.
pub struct Plugin {
    user: Placed<User>,
    exec: Exec,
    /// What it is told: `KUBERNETES_EXEC_INFO`.
    told: String,
    limit: Duration,
}

/// What came of a run.
struct Ran {
    printed: Result<Vec<u8>, TooMuch>,
    complaint: Vec<u8>,
    status: std::process::ExitStatus,
}

/// It printed more than it may.
struct TooMuch;

impl Plugin {
    /// The plug-in of a context. Runs nothing.
    ///
    /// # Errors
    /// If it cannot be used here at all.
    pub fn new(context: &Context) -> Result<Self, Problem> {
        let (Some(user), Some(exec)) = (&context.user, context.user.as_ref().and_then(|user| user.it.exec.as_ref()))
        else {
            return Err(Problem::new(Code::Internal, "There is no plug-in to run."));
        };
        let plugin = Self { user: user.clone(), exec: exec.clone(), told: told(context, exec), limit: LIMIT };
        let version = exec.api_version.as_deref().unwrap_or_default();
        if !matches!(version, "client.authentication.k8s.io/v1" | "client.authentication.k8s.io/v1beta1") {
            return Err(plugin
                .failed(format!(
                    "It is to speak \"{version}\"; Kubernetes knows v1 and v1beta1 of client.authentication.k8s.io."
                ))
                .next(format!("Update the plug-in and its apiVersion in {}.", user.file.display())));
        }
        if exec.interactive_mode == Some(InteractiveMode::Always) {
            return Err(plugin
                .failed(
                    "Its interactiveMode is Always: it wants to ask a person at a terminal, and there is none here."
                        .to_owned(),
                )
                .next(format!(
                    "Sign in at a terminal, or set interactiveMode to IfAvailable in {}.",
                    user.file.display()
                )));
        }
        Ok(plugin)
    }

    /// What a person sees before it is run.
    #[must_use]
    pub fn notice(&self) -> PluginNotice {
        of_exec(&self.user, &self.exec)
    }

    fn failed(&self, why: impl Into<String>) -> Problem {
        Problem::new(Code::PluginFailed, format!("The credential plug-in {} gave no credential.", self.exec.command))
            .why(why)
    }

    /// Runs it and reads what it prints.
    ///
    /// # Errors
    /// If nobody confirmed it; if it is absent, fails, hangs, or prints what cannot be read.
    pub async fn run(&self, trusted: &[PluginNotice], fixed: &Credential) -> Result<Credential, Problem> {
        let Some(program) = find(&self.user, &self.exec.command) else { return Err(self.absent()) };
        let notice = of_program(Some(&program), &self.exec);
        if !notice.is_among(trusted) {
            return Err(Problem::new(
                Code::PluginUntrusted,
                format!("The credential plug-in {} waits for your consent.", self.exec.command),
            )
            .why("It, its arguments or its program are new or have changed since you confirmed it. Nothing was run.")
            .next(format!(
                "Look at what would be run, and confirm it: its fingerprint is {}.",
                notice.fingerprint.unwrap_or_default()
            )));
        }
        let ran = tokio::time::timeout(self.limit, self.spawn_and_wait(program)).await.map_err(|_| {
            self.failed(format!(
                "It was still running after {} s and was ended, with its children.",
                self.limit.as_secs()
            ))
            .next("It is run again at the next attempt. Run it at a terminal to see what it waits for.")
        })??;
        let Ok(text) = ran.printed else {
            return Err(self
                .failed(format!("It printed more than {} MiB and was ended.", MOST_PRINTED >> 20))
                .next("Run it at a terminal to see what it prints."));
        };
        if !ran.status.success() {
            let code = ran.status.code().map_or_else(|| "a signal".to_owned(), |code| format!("status {code}"));
            let last = printed::last_line(&ran.complaint, &given_in_secret(&self.exec));
            let said = last.map_or_else(String::new, |last| format!(" Its last words: \"{last}\"."));
            return Err(self
                .failed(format!("It ended with {code}.{said}"))
                .next("It is run again at the next attempt. Mostly it is enough to sign in again with its own tool."));
        }
        printed::read(&text, self.exec.api_version.as_deref().unwrap_or_default(), fixed)
            .map_err(|why| self.failed(why).next("Run it at a terminal to see what it prints."))
    }

    fn absent(&self) -> Problem {
        let hint = self.exec.install_hint.as_deref().map(super::super::problems::line).filter(|hint| !hint.is_empty());
        // A path is looked for where it leads, a name in the path of programs.
        let why = if self.exec.command.contains(['/', std::path::MAIN_SEPARATOR]) {
            "There is no such program."
        } else {
            "There is no such program in the path."
        };
        self.failed(why).next(match hint {
            Some(hint) => format!("Install it. The kubeconfig says: {hint}"),
            None => format!("Install it, or write its whole path into {}.", self.user.file.display()),
        })
    }

    async fn spawn_and_wait(&self, program: PathBuf) -> Result<Ran, Problem> {
        let mut command = tokio::process::Command::new(program);
        command
            .args(self.exec.args.as_deref().unwrap_or_default())
            .envs(self.exec.env.iter().flatten().map(|variable| (&variable.name, &variable.value)))
            .env("KUBERNETES_EXEC_INFO", &self.told)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut wrapped = CommandWrap::from(command);
        #[cfg(unix)]
        wrapped.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        wrapped.wrap(process_wrap::tokio::JobObject);
        let child = wrapped.spawn().map_err(|error| {
            self.failed(format!("It cannot be started: {}", Unread::from(error).reason()))
                .next("Check that the file is a program and that you may run it.")
        })?;
        let mut group = Group(child);
        let (out, err) = (group.0.stdout().take(), group.0.stderr().take());
        let output = async { tokio::join!(bounded(out), tail(err)) };
        tokio::pin!(output);
        // The leader alone: children may outlive it and hold its output open.
        let (mut read, mut status) = (None, None);
        while read.is_none() || status.is_none() {
            tokio::select! {
                got = &mut output, if read.is_none() => {
                    if got.0.is_err() {
                        group.kill();
                    }
                    read = Some(got);
                }
                ended = leader(&mut group), if status.is_none() => status = Some(ended),
                () = tokio::time::sleep(LINGER), if status.is_some() && read.is_none() => group.kill(),
            }
        }
        match (read, status) {
            (Some((printed, complaint)), Some(Ok(status))) => Ok(Ran { printed, complaint, status }),
            _ => Err(self.failed("Its end could not be waited for.")),
        }
    }
}

async fn leader(group: &mut Group) -> std::io::Result<std::process::ExitStatus> {
    group.0.inner_mut().wait().await
}

/// A plug-in with its children: all end when this is dropped, whatever the reason.
struct Group(Box<dyn ChildWrapper>);

impl Group {
    fn kill(&mut self) {
        // Fails if all have ended already, which is what is wanted.
        let _ = self.0.start_kill();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn bounded(from: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, TooMuch> {
    let mut text = Vec::new();
    if let Some(from) = from {
        let most = u64::try_from(MOST_PRINTED).unwrap_or(u64::MAX);
        // A broken pipe ends what it printed: the exit status tells the rest.
        let _ = from.take(most + 1).read_to_end(&mut text).await;
    }
    if text.len() > MOST_PRINTED { Err(TooMuch) } else { Ok(text) }
}

/// Reads all and keeps the end.
async fn tail(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return kept };
    let mut buffer = [0; 4_096];
    while let Ok(n) = from.read(&mut buffer).await {
        if n == 0 {
            break;
        }
        kept.extend_from_slice(&buffer[..n]);
        let over = kept.len().saturating_sub(COMPLAINT);
        kept.drain(..over);
    }
    kept
}

/// `KUBERNETES_EXEC_INFO`: the form wanted, that nobody can be asked, and the cluster if the plug-in wants to know it.
fn told(context: &Context, exec: &Exec) -> String {
    let mut spec = serde_json::json!({ "interactive": false });
    if exec.provide_cluster_info.unwrap_or(false) {
        let cluster = &context.cluster.it;
        let mut about = serde_json::json!({
            "server": cluster.server,
            "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify.unwrap_or(false),
        });
        if let Some(name) = &cluster.tls_server_name {
            about["tls-server-name"] = name.as_str().into();
        }
        if let Some(proxy) = &cluster.proxy_url {
            about["proxy-url"] = proxy.as_str().into();
        }
        let data = cluster.certificate_authority_data.as_deref();
        let file = cluster.certificate_authority.as_deref();
        if let Ok(Some(pem)) = super::pem(&context.cluster, "certificate-authority", data, file) {
            let encoded = base64::engine::general_purpose::STANDARD.encode(pem.expose_secret());
            about["certificate-authority-data"] = encoded.into();
        }
        spec["cluster"] = about;
    }
    serde_json::json!({
        "kind": "ExecCredential",
        "apiVersion": exec.api_version,
        "spec": spec,
    })
    .to_string()
}

#[cfg(test)]
mod tests;
