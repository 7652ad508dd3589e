//! Ways to log in to a control plane, and the kubeconfig files that hold them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// How a client says who it is.
#[derive(Clone, Debug)]
pub enum Login {
    /// A bearer token.
    Token(String),
    /// A client certificate and its key, as paths of PEM files.
    Certificate {
        /// The certificate's path.
        cert: PathBuf,
        /// The private key's path.
        key: PathBuf,
    },
}

/// The text of a kubeconfig with one context, named `name`. It is JSON, which YAML includes.
pub fn kubeconfig(name: &str, url: &str, ca: &Path, login: &Login) -> String {
    let user = match login {
        Login::Token(token) => json!({ "token": token }),
        Login::Certificate { cert, key } => json!({
            "client-certificate": cert,
            "client-key": key,
        }),
    };
    let config: Value = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{ "name": name, "cluster": { "server": url, "certificate-authority": ca } }],
        "users": [{ "name": name, "user": user }],
        "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
    });
    format!("{config:#}\n")
}
