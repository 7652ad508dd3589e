//! Credential plug-ins, run by us: no stdin, a time-out, bounded output, killed with their children.

use super::{
    credential::Credential,
    printed,
    program::{find, of_exec},
};
use crate::kubeconfig::{Context, Exec, InteractiveMode, Placed, User};
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
        if !trusted.contains(&self.notice()) {
            return Err(Problem::new(
                Code::PluginUntrusted,
                format!("The credential plug-in {} waits for your consent.", self.exec.command),
            )
            .why("It, its arguments or its program are new or have changed since you confirmed it. Nothing was run.")
            .next("Look at what would be run, and confirm it."));
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
            let last = printed::last_line(&ran.complaint);
            let said = last.map_or_else(String::new, |last| format!(" Its last words: {last}"));
            return Err(self
                .failed(format!("It ended with {code}.{said}"))
                .next("It is run again at the next attempt. Mostly it is enough to sign in again with its own tool."));
        }
        printed::read(&text, self.exec.api_version.as_deref().unwrap_or_default(), fixed)
            .map_err(|why| self.failed(why).next("Run it at a terminal to see what it prints."))
    }

    fn absent(&self) -> Problem {
        let hint = self.exec.install_hint.as_deref().map(super::super::problems::line).filter(|hint| !hint.is_empty());
        self.failed("There is no such program in the path.").next(match hint {
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
            self.failed(format!("It cannot be started: {}", super::reason(&error)))
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::kubeconfig::merged;
    use std::{os::unix::fs::PermissionsExt, path::Path};

    /// A plug-in that is this shell script, in a folder of its own.
    fn plugin(folder: &Path, script: &str, more: &str) -> Result<Plugin, Problem> {
        let program = folder.join("plugin");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let config = folder.join("config");
        let text = format!(
            "contexts: [{{name: a, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://a'}}}}]\n\
             users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: ./plugin{more}}}}}}}]\n"
        );
        std::fs::write(&config, text).unwrap();
        let mut plugin = Plugin::new(&merged(vec![config]).context("a")?)?;
        plugin.limit = Duration::from_secs(2);
        Ok(plugin)
    }

    async fn run(script: &str, more: &str) -> Result<Credential, String> {
        let folder = tempfile::tempdir().unwrap();
        let run = async {
            let plugin = plugin(folder.path(), script, more)?;
            plugin.run(&[plugin.notice()], &Credential::default()).await
        };
        run.await.map_err(|problem: Problem| problem.to_string())
    }

    const GOOD: &str =
        r#"echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}'"#;

    #[tokio::test]
    async fn a_plug_in_prints_a_credential() {
        assert!(run(GOOD, "").await.is_ok());
        // It is told what is wanted, has nobody to ask, and gets its variables and arguments.
        let asks = r#"test "$1" = --x && test "$A" = b && ! read line && echo "$KUBERNETES_EXEC_INFO" | grep -q '"interactive":false' || exit 7"#;
        let more = ", args: [--x], env: [{name: A, value: b}]";
        assert!(run(&format!("{asks}\n{GOOD}"), more).await.is_ok());
        let cluster = r#"echo "$KUBERNETES_EXEC_INFO" | grep -q '"server":"https://a"' || exit 7"#;
        assert!(run(&format!("{cluster}\n{GOOD}"), ", provideClusterInfo: true").await.is_ok());
        // What it leaves behind in the background does not hold it up.
        assert!(run(&format!("{GOOD}\nsleep 1000 &"), "").await.is_ok());
    }

    #[tokio::test]
    async fn what_goes_wrong_is_said() {
        let gave_none = |rest: &str| Err(format!("The credential plug-in ./plugin gave no credential. {rest}"));
        let said = |result: Result<Credential, String>| result.map(|_| ());
        assert_eq!(
            said(run("echo one >&2; echo 'token expired: --token hunter2' >&2; exit 3", "").await),
            gave_none(
                "It ended with status 3. Its last words: token expired: --token … It is run again at the next attempt. Mostly it is enough to sign in again with its own tool."
            ),
        );
        assert_eq!(
            said(run("kill -9 $$", "").await),
            gave_none(
                "It ended with a signal. It is run again at the next attempt. Mostly it is enough to sign in again with its own tool."
            ),
        );
        assert_eq!(
            said(run("echo please log in", "").await),
            gave_none("What it printed is no ExecCredential in JSON. Run it at a terminal to see what it prints."),
        );
        assert_eq!(
            said(run("yes", "").await),
            gave_none("It printed more than 1 MiB and was ended. Run it at a terminal to see what it prints."),
        );
        assert_eq!(
            said(run("yes >&2 | head -c 3000000 >/dev/null; sleep 1000", "").await),
            gave_none(
                "It was still running after 2 s and was ended, with its children. It is run again at the next attempt. Run it at a terminal to see what it waits for."
            ),
        );
        assert!(
            run(GOOD, ", interactiveMode: Always").await.is_err_and(|text| text.contains("interactiveMode is Always"))
        );
        assert!(run(GOOD, ", interactiveMode: IfAvailable").await.is_ok());
    }

    // Looks into /proc.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn one_that_hangs_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let script = format!("sleep 1000 & echo $! > '{0}'; echo $$ >> '{0}'; wait", pids.display());
        let hangs = plugin(folder.path(), &script, "").unwrap();
        let told = hangs.run(&[hangs.notice()], &Credential::default()).await.unwrap_err();
        assert!(told.why.unwrap().starts_with("It was still running after 2 s"), "{}", told.what);
        let pids = std::fs::read_to_string(pids).unwrap();
        assert_eq!(pids.lines().count(), 2);
        for _ in 0..100 {
            if pids.lines().all(|pid| !is_alive(pid)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("one of {pids} is alive");
    }

    #[cfg(target_os = "linux")]
    /// One that has ended may stay in the table of processes until its parent looks at it.
    fn is_alive(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|rest| rest.chars().next()).is_some_and(|state| state != 'Z')
    }

    #[tokio::test]
    async fn nothing_is_run_before_a_person_has_confirmed_this_very_program() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("ran");
        let plugin = plugin(folder.path(), &format!("touch '{}'\n{GOOD}", mark.display()), "").unwrap();
        let seen = plugin.notice();
        let refused = plugin.run(&[], &Credential::default()).await.unwrap_err();
        assert_eq!((refused.code, mark.exists()), (Code::PluginUntrusted, false));
        assert!(plugin.run(std::slice::from_ref(&seen), &Credential::default()).await.is_ok());
        std::fs::remove_file(&mark).unwrap();
        // Another program at the same place is another one.
        std::fs::write(folder.path().join("plugin"), format!("#!/bin/sh\ntouch '{}'\n", mark.display())).unwrap();
        let refused = plugin.run(&[seen], &Credential::default()).await.unwrap_err();
        assert_eq!((refused.code, mark.exists()), (Code::PluginUntrusted, false));
    }

    #[test]
    fn a_notice_shows_arguments_and_variables_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let more = ", args: [get-token, --client-secret, hunter2], env: [{name: AWS_PROFILE, value: prod}, {name: API_TOKEN, value: hunter2}]";
        let notice = plugin(folder.path(), GOOD, more).unwrap().notice();
        assert_eq!(notice.arguments, ["get-token", "--client-secret", "…", "env AWS_PROFILE=prod", "env API_TOKEN=…"]);
        assert_eq!(notice.digest.map(|digest| digest.len()), Some(64));
        assert!(notice.command.ends_with("plugin"));
    }
}
