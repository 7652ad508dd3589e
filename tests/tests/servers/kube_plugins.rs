//! Credential plug-ins against a real API server: confirmed first, run by us, renewed before their credential ends.

#![cfg(unix)]

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::kube_scripted::kubeconfig;
use crate::kube_support::{Settings, Watched};
use acceptance::{ControlPlane, Failure, Result, certs::Validity};
use pilothouse_wire::{Code, Stamp};
use serde_json::json;

/// A kubeconfig that signs in by a shell script beside it.
fn signs_in_by(plane: &ControlPlane, folder: &Path, script: &str) -> Result<PathBuf> {
    let program = folder.join("signin");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(folder.join("ca.crt"), plane.ca_pem()).unwrap();
    let cluster = json!({ "server": plane.url(), "certificate-authority": "ca.crt" });
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "./signin", "args": ["get-token"],
        "interactiveMode": "IfAvailable", "provideClusterInfo": true,
    });
    kubeconfig(folder, cluster, json!({ "exec": exec }))
}

fn credential(status: &serde_json::Value) -> String {
    let printed =
        json!({ "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": status });
    format!("cat <<'END'\n{printed}\nEND")
}

fn trusting(settings: Settings) -> Result<Settings> {
    let connector = settings.open().map_err(|problem| Failure::new(problem.to_string()))?;
    let notice = connector.unconfirmed_plugin().ok_or_else(|| Failure::new("no plug-in to confirm"))?;
    Ok(settings.trusting(notice))
}

#[tokio::test]
async fn nothing_is_run_before_it_is_confirmed() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = tempfile::tempdir().unwrap();
    let script = format!("touch ran\n{}", credential(&json!({ "token": plane.admin_token() })));
    let file = signs_in_by(plane, folder.path(), &format!("cd '{}'\n{script}", folder.path().display()))?;
    let settings = Settings::new(&file);
    let watched = Watched::start(&settings)?;
    let problem = watched.until_problem("Lost").await?;
    assert_eq!(problem.code, Code::PluginUntrusted);
    let notice = watched.connector.unconfirmed_plugin().ok_or_else(|| Failure::new("it is not asked about"))?;
    let told = problem.to_string().replace(&notice.fingerprint.unwrap(), "FINGERPRINT");
    insta::assert_snapshot!("plugin_unconfirmed", told);
    assert!(!folder.path().join("ran").exists());

    let settings = trusting(settings)?;
    let watched = Watched::start(&settings)?;
    watched.until_well().await?;
    assert!(watched.connector.unconfirmed_plugin().is_none());
    assert!(folder.path().join("ran").exists());
    assert!(!watched.said().contains(plane.admin_token()), "the token is in what was said");
    Ok(())
}

#[tokio::test]
async fn a_command_that_changed_is_asked_about_anew() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = tempfile::tempdir().unwrap();
    let script = format!("eval \"$2\" >&2\n{}", credential(&json!({ "token": plane.admin_token() })));
    let file = signs_in_by(plane, folder.path(), &format!("cd '{}'\n{script}", folder.path().display()))?;
    let plain = std::fs::read_to_string(&file).unwrap();
    let with = |arguments: &str| std::fs::write(&file, plain.replace("\"get-token\"", arguments)).unwrap();
    with(r#""-c","echo token=x; touch ran""#);
    let settings = trusting(Settings::new(&file))?;
    let watched = Watched::start(&settings)?;
    watched.until_well().await?;
    assert!(folder.path().join("ran").exists());
    drop(watched);

    with(r#""-c","echo token=x; touch never""#);
    let watched = Watched::start(&settings)?;
    let problem = watched.until_problem("Lost").await?;
    assert_eq!(problem.code, Code::PluginUntrusted);
    assert!(!folder.path().join("never").exists());
    let notice = watched.connector.unconfirmed_plugin().ok_or_else(|| Failure::new("it is not asked about"))?;
    assert!(problem.to_string().contains(&notice.fingerprint.unwrap()), "{problem}");
    assert_eq!(notice.arguments, ["-c", "echo token=…; touch never"]);
    Ok(())
}

#[tokio::test]
async fn a_certificate_from_a_plug_in_signs_in() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let acceptance::Login::Certificate { cert, key } =
        plane.certificate("carla", Some(acceptance::ADMINS), Validity::Good)?
    else {
        return Err(Failure::new("no certificate"));
    };
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let script = credential(&json!({ "clientCertificateData": read(&cert), "clientKeyData": read(&key) }));
    let folder = tempfile::tempdir().unwrap();
    let settings = trusting(Settings::new(&signs_in_by(plane, folder.path(), &script)?))?;
    let watched = Watched::start(&settings)?;
    watched.until_well().await?;
    assert_eq!(watched.see(|source| source.probed.identity.clone()).flatten().as_deref(), Some("carla"));
    Ok(())
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_not_sooner() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let count = || std::fs::read_to_string(&runs).unwrap_or_default().lines().count();
    // Ends in 70 s: it is renewed 60 s before, ten seconds from now, and then has an hour.
    let clock = pilothouse_connect::Clock::system();
    let soon = clock.now().plus(Duration::from_secs(70));
    let later = clock.now().plus(Duration::from_secs(3_600));
    let token = plane.admin_token();
    let print = |ends: Stamp| credential(&json!({ "token": token, "expirationTimestamp": ends.to_string() }));
    let script = format!(
        "echo run >> '{0}'\nif test $(wc -l < '{0}') -eq 1; then\n{1}\nelse\n{2}\nfi",
        runs.display(),
        print(soon),
        print(later)
    );
    let settings = trusting(Settings::new(&signs_in_by(plane, folder.path(), &script)?))?;
    let watched = Watched::start(&settings)?;
    watched.until_well().await?;
    assert_eq!(count(), 1);
    acceptance::until("it is renewed", Duration::from_secs(30), async || Ok((count() == 2).then_some(()))).await?;
    assert!(clock.now() < soon, "before it ended");
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(count(), 2);
    assert_eq!(watched.words().last(), Some(&"Well"));
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_refused_is_asked_for_again_once() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let script = format!(
        "echo run >> '{0}'\nif test $(wc -l < '{0}') -eq 1; then\n{1}\nelse\n{2}\nfi",
        runs.display(),
        credential(&json!({ "token": "ended early" })),
        credential(&json!({ "token": plane.admin_token() }))
    );
    let settings = trusting(Settings::new(&signs_in_by(plane, folder.path(), &script)?))?;
    let watched = Watched::start(&settings)?;
    watched.until_well().await?;
    assert_eq!(std::fs::read_to_string(&runs).unwrap().lines().count(), 2);
    assert!(!watched.words().contains(&"Lost"));
    Ok(())
}

#[tokio::test]
async fn a_plug_in_that_fails_or_is_absent_is_said_in_one_sentence() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = tempfile::tempdir().unwrap();
    let file = signs_in_by(plane, folder.path(), "echo 'The SSO session has ended. Run: sso login' >&2; exit 255")?;
    let watched = Watched::start(&trusting(Settings::new(&file))?)?;
    insta::assert_snapshot!("plugin_failed", watched.until_problem("Lost").await?.to_string());

    std::fs::remove_file(folder.path().join("signin")).unwrap();
    let watched = Watched::start(&Settings::new(&file))?;
    let absent = watched.until_problem("Lost").await?.to_string();
    insta::assert_snapshot!("plugin_absent", absent.replace(&file.display().to_string(), "KUBECONFIG"));
    Ok(())
}
