//! Secrets planted in a cluster, in an address and in a kubeconfig are found in nothing that Pilothouse says or keeps.

use acceptance::{Context, ControlPlane, Failure, GpuNodes, Options, Result, Terminal, User, until};
use pilothouse_journal::Reader;
use pilothouse_wire::Stamp;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// In the pod's environment, arguments, annotations, in a ConfigMap and in a Secret.
const IN_CLUSTER: &str = "canary-in-cluster-5b1e";
/// The bearer token of the kubeconfig.
const TOKEN: &str = "canary-token-90c4";
/// In the variables and arguments of a sign-in program, and in what it prints and complains.
const IN_PLUGIN: &str = "canary-in-plugin-7d20";

fn objects() -> String {
    format!(
        r#"
apiVersion: v1
kind: ConfigMap
metadata: {{ name: settings, namespace: default }}
data: {{ password: {IN_CLUSTER} }}
---
apiVersion: v1
kind: Secret
metadata: {{ name: keys, namespace: default }}
stringData: {{ token: {IN_CLUSTER} }}
---
apiVersion: v1
kind: Pod
metadata:
  name: planted
  namespace: default
  labels: {{ note: {IN_CLUSTER} }}
  annotations: {{ "example.org/api-token": "{IN_CLUSTER}" }}
spec:
  containers:
  - name: server
    image: registry.invalid/server
    args: ["--api-key={IN_CLUSTER}", "https://me:{IN_CLUSTER}@h/x"]
    env: [{{ name: PASSWORD, value: "{IN_CLUSTER}" }}]
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_planted_secret_is_in_what_is_said_or_kept() -> Result<()> {
    let users = vec![User::new("operator", TOKEN).in_group(acceptance::ADMINS)];
    let plane = ControlPlane::start(Options { users, ..Options::default() }).await?;
    plane.add_gpu_nodes(&GpuNodes::new("secrets", 1, 8), LIMIT).await?;
    plane.apply(&objects()).await?;
    plane.kubectl(&["annotate", "node", "secrets-0000", &format!("example.org/token={IN_CLUSTER}")]).await?;
    plane.kubectl(&["taint", "node", "secrets-0000", "odd=a.b:PreferNoSchedule"]).await?;
    let terminal = Terminal::new(&plane.kubeconfig_for(TOKEN)?)?;
    let contexts = terminal.good(&["connect", "contexts"]).await?;
    let context = contexts
        .lines()
        .skip(1)
        .find_map(|line| line.split_whitespace().find(|word| word.starts_with("user") || *word == "operator"))
        .ok_or_else(|| Failure::new(format!("no context is offered: {contexts}")))?;
    terminal.good(&["connect", "add", "kubernetes", "--context", context, "--name", "vault"]).await?;

    let (door, _) = terminal.serve(&[]).await?;
    let journal = terminal.home().join("data/journal.db");
    let heard = until("the journal has the pod", LIMIT, async || {
        let said = recorded(&journal);
        Ok(said.contains("planted").then_some(said))
    })
    .await?;
    let mut said = vec![heard, door.last_lines(1_000), contexts.clone()];
    drop(door);
    for arguments in [
        &["fleet", "--json"][..],
        &["pods", "--filter", "planted"],
        &["nodes"],
        &["connections", "--json"],
        &["connect", "list"],
        &["connect", "test", "kubernetes", "--context", context],
        &["doctor"],
    ] {
        let call = terminal.call(arguments).await?;
        said.push(format!("{arguments:?} {} {}", call.out, call.err));
    }
    said.extend(kept(&terminal));
    assert!(said.iter().any(|text| text.contains("planted")), "the pod itself is shown");
    for text in &said {
        assert!(!text.contains(IN_CLUSTER) && !text.contains(TOKEN), "a planted secret is in: {text}");
    }
    Ok(())
}

/// Signs in by a program that is given secrets, complains of them, and prints one that is no credential.
fn signs_in_by(plane: &ControlPlane, folder: &Path) -> std::io::Result<PathBuf> {
    let script = "#!/bin/sh\necho ran >> \"$0.ran\"\n\
                  if test -e \"$0.fails\"; then echo \"cannot sign in with $CREDS: -p $1\" >&2; exit 3; fi\n\
                  echo \"$PGPASS\"\n";
    let program = folder.join("signin");
    std::fs::write(&program, script)?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700))?;
    std::fs::write(folder.join("ca.crt"), plane.ca_pem())?;
    let names = ["CLIENT_ID", "PGPASS", "LDAP_PW", "CREDS"];
    let variables = names.map(|name| json!({ "name": name, "value": format!("{name}-{IN_PLUGIN}") }));
    let arguments = json!([
        format!("ghp_{IN_PLUGIN}"),
        "-p",
        IN_PLUGIN,
        "-u",
        format!("me:{IN_PLUGIN}"),
        format!("sk-live-{IN_PLUGIN}"),
        "-c",
        format!("echo token={IN_PLUGIN}; echo shown-beside-it"),
    ]);
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "by-program",
        "clusters": [{ "name": "c", "cluster": { "server": plane.url(), "certificate-authority": "ca.crt" } }],
        "contexts": [{ "name": "by-program", "context": { "cluster": "c", "user": "u" } }],
        "users": [{ "name": "u", "user": { "exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "./signin", "interactiveMode": "IfAvailable",
            "args": arguments, "env": variables,
        } } }],
    });
    let file = folder.join("config");
    std::fs::write(&file, config.to_string())?;
    Ok(file)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sign_in_program_is_given_and_says_is_neither_said_nor_kept() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = tempfile::tempdir().could_not("make a folder")?;
    let terminal =
        Terminal::new(&signs_in_by(plane, folder.path()).could_not("write a kubeconfig with a sign-in program")?)?;
    let mut said = Vec::new();
    let mut call = async |arguments: &[&str]| -> Result<String> {
        let call = terminal.call(arguments).await?;
        let text = format!("{arguments:?} {} {}", call.out, call.err);
        said.push(text.clone());
        Ok(text)
    };
    call(&["connect", "contexts", "--json"]).await?;
    let asked = call(&["connect", "add", "kubernetes", "--context", "by-program", "--name", "vault"]).await?;
    assert!(asked.contains("shown-beside-it"), "what is no secret is shown: {asked}");
    let unconfirmed = call(&["connections", "--json"]).await?;
    // What it says is what has to be given.
    let fingerprint = asked
        .split_once("--trust-plugin ")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .ok_or_else(|| Failure::new(format!("no fingerprint is named: {asked}")))?;
    assert!(unconfirmed.contains(fingerprint), "{unconfirmed}");
    let ran = folder.path().join("signin.ran");
    assert!(!ran.exists(), "it was run before it was confirmed");

    for fails in [false, true] {
        if fails {
            std::fs::write(folder.path().join("signin.fails"), "").could_not("make it fail")?;
        }
        call(&["connect", "edit", "vault", "--trust-plugin", fingerprint]).await?;
        let shown = call(&["connections", "--json"]).await?;
        assert!(ran.exists(), "it was not run: {shown}");
        call(&["connect", "test", "vault"]).await?;
        call(&["connect", "list"]).await?;
        call(&["doctor"]).await?;
        let (door, _) = terminal.serve(&[]).await?;
        let journal = terminal.home().join("data/journal.db");
        let heard = until("the journal has its health", LIMIT, async || {
            let heard = recorded(&journal);
            let word = if fails { "ended with status 3" } else { "no ExecCredential" };
            Ok(heard.contains(word).then_some(heard))
        })
        .await?;
        let door_said = door.last_lines(1_000);
        drop(door);
        call(&["connections"]).await?;
        for text in kept(&terminal).into_iter().chain([heard, door_said]) {
            assert!(!text.contains(IN_PLUGIN), "a planted secret is in: {text}");
        }
    }
    for text in &said {
        assert!(!text.contains(IN_PLUGIN), "a planted secret is in: {text}");
    }
    Ok(())
}

/// Every file of its home, as text.
fn kept(terminal: &Terminal) -> Vec<String> {
    let read = |file: PathBuf| String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
    files(terminal.home()).into_iter().map(read).collect()
}

/// All that a journal holds, as text.
fn recorded(journal: &Path) -> String {
    let mut text = String::new();
    // Not there yet, or being written: the caller asks again.
    let _ = Reader::new(journal).batches(Stamp(i64::MAX), |batch| text.push_str(&format!("{batch:?}\n")));
    text
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
