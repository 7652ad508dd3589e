//! The scripted server of all connectors, as a Kubernetes API server: 410 and 429 on demand, cut lines, wrong dates.

use acceptance::{Context, Result};
use pilothouse_connect::conformance::scripted;
pub use pilothouse_connect::conformance::scripted::{Reply, Then};
use pilothouse_connect_kube::stand;
pub use pilothouse_connect_kube::stand::{line, pod, pods, status};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A running server; ends when dropped.
pub struct Scripted {
    pub url: String,
    server: scripted::Scripted,
}

impl Scripted {
    /// Starts a server that answers by the script, and like an empty cluster where that has nothing to say.
    pub async fn start(script: impl Fn(&str, usize) -> Option<Reply> + Send + Sync + 'static) -> Result<Self> {
        let script = move |path: &str, before| script(path, before).unwrap_or_else(|| stand::usual(path));
        let server = scripted::Scripted::start(script).await.could_not("start a scripted server")?;
        Ok(Self { url: server.url.clone(), server })
    }

    /// Requests so far, as `METHOD path`.
    pub fn asked(&self) -> Vec<String> {
        self.server.asked()
    }
}

/// Writes a kubeconfig with the context `test`.
pub fn kubeconfig(folder: &Path, cluster: Value, user: Value) -> Result<PathBuf> {
    stand::kubeconfig(folder, cluster, user).could_not("write a kubeconfig")
}
