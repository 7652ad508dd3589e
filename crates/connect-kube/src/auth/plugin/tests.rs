//! Plug-ins as shell scripts: good, failing, hanging, talkative ones.

#![cfg(unix)]

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
            "It ended with status 3. Its last words: \"token expired: --token …\". It is run again at the next attempt. Mostly it is enough to sign in again with its own tool."
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
    assert!(run(GOOD, ", interactiveMode: Always").await.is_err_and(|text| text.contains("interactiveMode is Always")));
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

/// What a notice leaves out may hold a command as well: consent is to what is run, not to what is shown.
#[tokio::test]
async fn a_change_of_what_is_not_shown_is_asked_anew() {
    let folder = tempfile::tempdir().unwrap();
    let of = |more: &str| plugin(folder.path(), GOOD, more).unwrap();
    let seen = of(", args: [-c, 'echo token=x; touch a'], env: [{name: API_TOKEN, value: one}]").notice();
    for changed in [
        ", args: [-c, 'echo token=x; touch b'], env: [{name: API_TOKEN, value: one}]",
        ", args: [-c, 'echo token=y; touch a'], env: [{name: API_TOKEN, value: one}]",
        ", args: [-c, 'echo token=x; touch a'], env: [{name: API_TOKEN, value: two}]",
        ", args: [-c, 'echo token=x; touch a'], env: [{name: API_TOKE, value: None}]",
        ", args: ['-cecho token=x; touch a'], env: [{name: API_TOKEN, value: one}]",
        ", args: [-c, 'echo token=x; touch a', API_TOKEN, one]",
    ] {
        let changed = of(changed);
        let refused = changed.run(std::slice::from_ref(&seen), &Credential::default()).await.unwrap_err();
        assert_eq!(refused.code, Code::PluginUntrusted);
        assert!(refused.to_string().contains(changed.notice().fingerprint.as_deref().unwrap()), "{refused}");
    }
    let same = of(", args: [-c, 'echo token=x; touch a'], env: [{name: API_TOKEN, value: one}]");
    assert!(same.run(std::slice::from_ref(&seen), &Credential::default()).await.is_ok());
    // An older Pilothouse kept no fingerprint.
    let older = PluginNotice { fingerprint: None, ..same.notice() };
    let refused = same.run(std::slice::from_ref(&older), &Credential::default()).await.unwrap_err();
    assert_eq!((refused.code, older.is_among(std::slice::from_ref(&older))), (Code::PluginUntrusted, false));
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
