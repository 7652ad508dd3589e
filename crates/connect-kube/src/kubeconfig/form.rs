//! The form of a kubeconfig: the fields that we use; others are ignored.

use secrecy::SecretString;
use serde::Deserialize;

/// A whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct File {
    pub current_context: Option<String>,
    pub contexts: Option<Vec<NamedContext>>,
    pub clusters: Option<Vec<NamedCluster>>,
    pub users: Option<Vec<NamedUser>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NamedContext {
    pub name: String,
    #[serde(default)]
    pub context: Option<Context>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NamedCluster {
    pub name: String,
    #[serde(default)]
    pub cluster: Option<Cluster>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NamedUser {
    pub name: String,
    #[serde(default)]
    pub user: Option<User>,
}

/// A context: which cluster, as whom, beginning in which namespace.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Context {
    /// The cluster's name.
    pub cluster: String,
    /// The user's name.
    pub user: Option<String>,
    /// The namespace to begin in.
    pub namespace: Option<String>,
}

/// Where a cluster is and how it proves that it is itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Cluster {
    /// Address.
    pub server: Option<String>,
    /// File of authorities.
    pub certificate_authority: Option<String>,
    /// Authorities, as base64 of PEM.
    pub certificate_authority_data: Option<String>,
    /// Is the certificate not checked?
    pub insecure_skip_tls_verify: Option<bool>,
    /// The name that the certificate must have, if not the address's.
    pub tls_server_name: Option<String>,
    /// Proxy on the way.
    pub proxy_url: Option<String>,
}

/// How somebody signs in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct User {
    /// File of the client certificate.
    pub client_certificate: Option<String>,
    /// Client certificate, as base64 of PEM.
    pub client_certificate_data: Option<String>,
    /// File of its key.
    pub client_key: Option<String>,
    /// Its key, as base64 of PEM.
    pub client_key_data: Option<SecretString>,
    /// Bearer token.
    pub token: Option<SecretString>,
    /// File that holds the bearer token.
    #[serde(rename = "tokenFile")]
    pub token_file: Option<String>,
    /// Name for basic authentication.
    pub username: Option<String>,
    /// Password for basic authentication.
    pub password: Option<SecretString>,
    /// Whom to act as.
    #[serde(rename = "as")]
    pub act_as: Option<String>,
    /// The groups to act in.
    pub as_groups: Option<Vec<String>>,
    /// A credential plug-in.
    pub exec: Option<Exec>,
    /// A provider of the old kind, removed from Kubernetes in 1.26.
    pub auth_provider: Option<AuthProvider>,
}

/// A provider of the old kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AuthProvider {
    /// Its name.
    pub name: String,
}

/// A credential plug-in: a program that prints a credential.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Exec {
    /// The form in which it is to print.
    pub api_version: Option<String>,
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Option<Vec<String>>,
    /// Variables that it gets besides ours.
    pub env: Option<Vec<ExecEnv>>,
    /// How to install it.
    pub install_hint: Option<String>,
    /// Does it ask a person something?
    pub interactive_mode: Option<InteractiveMode>,
    /// Does it want to know the cluster?
    pub provide_cluster_info: Option<bool>,
}

/// A variable of a plug-in.
#[derive(Clone, Debug, Deserialize)]
pub struct ExecEnv {
    /// Name.
    pub name: String,
    /// Value.
    #[serde(default)]
    pub value: String,
}

/// Does a plug-in ask a person something?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum InteractiveMode {
    /// No.
    Never,
    /// If there is somebody to ask.
    IfAvailable,
    /// Yes, and it does not work otherwise.
    Always,
}
