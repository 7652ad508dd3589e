//! How a Kubernetes API server speaks, as far as scripts need it: the connector's stand in the suite of all connectors,
//! and the words of the tests that play single faults.

use pilothouse_connect::conformance::{
    Given, Paged, Part, Place, Server, Stand,
    scripted::{Reply, Then},
};
use pilothouse_world::fact::Kind;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// The stand of this connector.
pub const STAND: Stand = Stand {
    kind: crate::KIND,
    fill,
    server: Some(Server { well, listing, paged: Some(Paged { kind: Kind::Pod, whole: 3 }) }),
};

fn fill(place: &Place<'_>) -> Given {
    // What cannot be written is found missing when the connector looks for it.
    let file = kubeconfig(place.folder, json!({ "server": place.url }), json!({ "token": place.secret }));
    let file = file.unwrap_or_else(|_| place.folder.join("config"));
    let values = [("context", "test".to_owned()), ("kubeconfig", file.display().to_string())];
    Given { values: values.map(|(key, value)| (key.to_owned(), value)).into(), secrets: BTreeMap::new() }
}

/// A cluster with a node and three pods, which are listed in two pages.
fn well(path: &str) -> Reply {
    match path.split_once('?') {
        Some(("/api/v1/pods", query)) if query.contains("continue=") => Reply::Json(200, "", pods(7, &[pod("c", 7)])),
        Some(("/api/v1/pods", query)) if query.contains("limit=") => {
            let mut page = pods(7, &[pod("a", 5), pod("b", 6)]);
            page["metadata"]["continue"] = json!("next");
            page["metadata"]["remainingItemCount"] = json!(1);
            Reply::Json(200, "", page)
        }
        Some(("/api/v1/nodes", query)) if query.contains("limit=") => {
            let node = json!({ "metadata": { "name": "n", "uid": "uid-n", "resourceVersion": "3" } });
            Reply::Json(200, "", json!({ "metadata": { "resourceVersion": "7" }, "items": [node] }))
        }
        _ => usual(path),
    }
}

fn listing(path: &str) -> Option<Part> {
    let (kind, query) = path.split_once('?')?;
    // Controllers and their revisions have no say in how it is.
    if !query.contains("limit=") || kind.starts_with("/apis/apps/") || kind.starts_with("/apis/batch/") {
        return None;
    }
    Some(if query.contains("continue=") { Part::Further } else { Part::First })
}

/// Writes a kubeconfig with the context `test`.
///
/// # Errors
/// If it cannot be written.
pub fn kubeconfig(folder: &Path, cluster: Value, user: Value) -> io::Result<PathBuf> {
    let path = folder.join("config");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        "clusters": [{ "name": "test", "cluster": cluster }],
        "users": [{ "name": "test", "user": user }],
    });
    std::fs::write(&path, config.to_string())?;
    Ok(path)
}

/// A pod as the server sends it.
#[must_use]
pub fn pod(name: &str, version: u32) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": { "name": name, "namespace": "serving", "uid": format!("uid-{name}"), "resourceVersion": version.to_string() },
        "status": { "phase": "Running" },
    })
}

/// A list of pods.
#[must_use]
pub fn pods(version: u32, items: &[Value]) -> Value {
    json!({ "kind": "PodList", "apiVersion": "v1", "metadata": { "resourceVersion": version.to_string() }, "items": items })
}

/// A line of a watch.
#[must_use]
pub fn line(what: &str, object: &Value) -> String {
    format!("{}\n", json!({ "type": what, "object": object }))
}

/// A Status that says no.
#[must_use]
pub fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message })
}

/// What an empty cluster answers.
#[must_use]
pub fn usual(path: &str) -> Reply {
    if path.contains("watch=1") {
        return Reply::Stream(Vec::new(), Then::Hold);
    }
    let body = match path.split('?').next().unwrap_or_default() {
        "/version" => json!({ "gitVersion": "v1.36.3" }),
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => {
            json!({ "status": { "userInfo": { "username": "oncall@example.org" } } })
        }
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => json!({ "status": { "allowed": true } }),
        _ => json!({ "metadata": { "resourceVersion": "1" }, "items": [] }),
    };
    Reply::Json(200, "", body)
}
