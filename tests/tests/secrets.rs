//! Secrets planted in a cluster, in an address and in a kubeconfig are found in nothing that Pilothouse says or keeps.

use acceptance::{ControlPlane, Failure, GpuNodes, Options, Result, Terminal, User, until};
use pilothouse_journal::Reader;
use pilothouse_wire::Stamp;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// In the pod's environment, arguments, annotations, in a ConfigMap and in a Secret.
const IN_CLUSTER: &str = "canary-in-cluster-5b1e";
/// The bearer token of the kubeconfig.
const TOKEN: &str = "canary-token-90c4";
/// A text that must stay text: HTML, an ANSI escape, a right-to-left mark.
const HOSTILE: &str = "<b>bold</b>";

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
        &["pods", "--filter", HOSTILE],
        &["nodes"],
        &["connections", "--json"],
        &["connect", "list"],
        &["connect", "test", "kubernetes", "--context", context],
        &["doctor"],
    ] {
        let call = terminal.call(arguments).await?;
        said.push(format!("{arguments:?} {} {}", call.out, call.err));
    }
    for file in files(terminal.home()) {
        said.push(String::from_utf8_lossy(&std::fs::read(&file).unwrap_or_default()).into_owned());
    }
    assert!(said.iter().any(|text| text.contains("planted")), "the pod itself is shown");
    for text in &said {
        assert!(!text.contains(IN_CLUSTER) && !text.contains(TOKEN), "a planted secret is in: {text}");
    }
    Ok(())
}

/// All that a journal holds, as text.
fn recorded(journal: &Path) -> String {
    let mut text = String::new();
    // Not there yet, or being written: the caller asks again.
    let _ = Reader::new(journal).batches(Stamp(i64::MAX), |batch| text.push_str(&format!("{batch:?}\n")));
    text
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
