//! A cluster, its kubeconfig and a connection that hold hostile texts wherever Kubernetes and the settings let them be.

use acceptance::{ADMINS, Context, ControlPlane, Failure, GpuNodes, GpuPods, Options, Result, Terminal, User};
use pilothouse_wire::units::{acts, json_escape};
use serde_json::{Value, json};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const TOKEN: &str = "token-of-somebody-odd";

/// Would run in a page that read markup, in a text or in an attribute.
pub const MARKUP: &str =
    r#"<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>"'><b onclick=x>bold</b>"#;
/// Would colour and name a terminal, clear it, overwrite a line, and turn or hide what stands beside it.
const ACTING: &str = "\u{1b}[31mred\u{1b}]0;owned\u{7}\rcr\u{9b}2J\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}\u{ad}";
/// The same as every door has to show it.
pub const SEEN: &str = "␛[31mred␛]0;owned␇␍cr␡2J\u{fffd}gnp.exe\u{fffd}\u{fffd}\u{fffd}\u{fffd}";
/// Letters of a script that is written to the left are no attack, but turn what is not kept apart from them.
const LEFTWARD: &str = "שלום";

/// A hostile text that begins with a word by which it is found. Command lines and YAML cannot hold a NUL.
pub fn hostile(word: &str) -> String {
    format!("{word} {MARKUP}{ACTING}{LEFTWARD} end")
}

/// [`hostile`] with a NUL, which JSON can hold.
pub fn with_nul(word: &str) -> String {
    hostile(&format!("{word}\0"))
}

/// What is to be seen of [`with_nul`].
pub fn seen(word: &str) -> String {
    format!("{word}␀ {MARKUP}{SEEN}{LEFTWARD} end")
}

/// The cluster, and the home in which it is connected under a hostile name.
pub struct Odd {
    // Ends with this.
    _plane: ControlPlane,
    pub terminal: Terminal,
    pub namespace: String,
    // Holds the kubeconfig.
    _folder: tempfile::TempDir,
}

impl Odd {
    /// Starts the cluster, fills it, and connects it.
    pub async fn start() -> Result<Self> {
        // The file of users is CSV: the name has no quotes and commas.
        let user = format!("user <i onclick=x>i</i> {ACTING}");
        let users = vec![User::new(&user, TOKEN).in_group(ADMINS)];
        let plane = ControlPlane::start(Options { users, ..Options::default() }).await?;
        let namespace = fill(&plane).await?;
        let folder = tempfile::tempdir().could_not("make a folder")?;
        let file = folder.path().join("kubeconfig");
        std::fs::write(&file, kubeconfig(&plane)?).could_not("write the kubeconfig")?;
        let terminal = Terminal::new(&file)?;
        Ok(Self { _plane: plane, terminal, namespace, _folder: folder })
    }
}

/// The name of the context, and of its cluster and user.
pub fn context() -> String {
    hostile("context")
}

/// The connection's name. Its end makes the id.
pub fn connection() -> String {
    format!("{}/odd", hostile("connection"))
}

fn kubeconfig(plane: &ControlPlane) -> Result<String> {
    let text = std::fs::read_to_string(plane.kubeconfig_for(TOKEN)?).could_not("read the kubeconfig")?;
    let mut config: Value = serde_json::from_str(&text).could_not("parse the kubeconfig")?;
    let name = json!(context());
    for (list, place) in [("clusters", None), ("users", None), ("contexts", Some("context"))] {
        let entry = &mut config[list][0];
        entry["name"] = name.clone();
        if let Some(place) = place {
            entry[place]["cluster"] = name.clone();
            entry[place]["user"] = name.clone();
        }
    }
    config["current-context"] = name;
    // As YAML it may not hold them bare.
    let escaped = |c: char| if acts(c) { json_escape(c) } else { c.to_string() };
    Ok(config.to_string().chars().map(escaped).collect())
}

async fn fill(plane: &ControlPlane) -> Result<String> {
    plane.add_gpu_nodes(&GpuNodes::new("odd", 1, 8), LIMIT).await?;
    let namespace = plane.namespace("odd").await?;
    let pods = GpuPods::new(&namespace, "pod", 2, 1).on("odd");
    plane.add_gpu_pods(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;

    let node = json!({ "status": {
        "conditions": [{
            "type": with_nul("condition"), "status": "True",
            "reason": with_nul("condition-reason"), "message": with_nul("condition-message"),
        }],
        "nodeInfo": { "kubeletVersion": with_nul("kubelet"), "osImage": with_nul("os") },
    } });
    patch(plane, &["node", "odd-0000", "--subresource=status"], &node).await?;

    let waiting = json!({ "waiting": { "reason": with_nul("waiting"), "message": with_nul("waiting-message") } });
    let status = json!({ "status": {
        "message": with_nul("message"),
        "containerStatuses": [{
            "name": "server", "image": with_nul("image"), "imageID": "", "ready": false, "restartCount": 3, "state": waiting,
        }],
    } });
    patch(plane, &["pod", "pod-0", "-n", &namespace, "--subresource=status"], &status).await?;
    let status = json!({ "status": { "reason": with_nul("reason"), "message": with_nul("message") } });
    patch(plane, &["pod", "pod-1", "-n", &namespace, "--subresource=status"], &status).await?;
    let owners = json!({ "metadata": { "ownerReferences": [{
        "apiVersion": "odd.example/v1", "kind": with_nul("owner-kind"), "name": with_nul("owner"),
        "uid": "00000000-0000-4000-8000-000000000000", "controller": true,
    }] } });
    patch(plane, &["pod", "pod-0", "-n", &namespace], &owners).await?;
    let image = json!({ "spec": { "containers": [{ "name": "server", "image": with_nul("image") }] } });
    patch(plane, &["pod", "pod-0", "-n", &namespace], &image).await?;
    for (name, kind, of, home) in [("of-pod", "Pod", "pod-0", namespace.as_str()), ("of-node", "Node", "odd-0000", "")]
    {
        event(plane, name, kind, of, home).await?;
    }
    Ok(namespace)
}

async fn patch(plane: &ControlPlane, what: &[&str], change: &Value) -> Result<()> {
    let text = change.to_string();
    plane.kubectl(&[&["patch"], what, &["--type=strategic", "-p", &text]].concat()).await.map(drop)
}

async fn event(plane: &ControlPlane, name: &str, kind: &str, of: &str, namespace: &str) -> Result<()> {
    let home = if namespace.is_empty() { "default" } else { namespace };
    let answer = plane.api()?.get(&format!("/api/v1/namespaces/{home}")).await?;
    // The server's own clock: a fixed time would be before the pod.
    let Some(now) = answer["metadata"]["creationTimestamp"].as_str() else {
        return Err(Failure::new(format!("the namespace {home} has no time")));
    };
    let object = json!({
        "metadata": { "name": name, "namespace": home },
        "involvedObject": { "apiVersion": "v1", "kind": kind, "name": of, "namespace": namespace },
        "reason": with_nul("event-reason"), "message": with_nul("event-message"), "type": "Warning",
        "firstTimestamp": now, "lastTimestamp": now, "count": 2,
        "source": { "component": with_nul("component") },
    });
    plane.api()?.create(&format!("/api/v1/namespaces/{home}/events"), &object).await.map(drop)
}
