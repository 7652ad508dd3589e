//! A cluster as the ground of a benchmark: a way for load to a server inside of it. Unlike a [`Relay`](crate::Relay), which reads
//! and nothing else, what comes from here acts on the cluster: the engine hands it out to who may act alone.

use crate::Service;
use async_trait::async_trait;
use http::{HeaderMap, Uri};
use pilothouse_wire::Problem;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// What a server inside of a cluster is named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behind {
    /// A service, which chooses among its pods.
    Service,
    /// One pod.
    Pod,
}

impl Behind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Pod => "pod",
        }
    }

    /// The resource of the Kubernetes API.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Service => "services",
            Self::Pod => "pods",
        }
    }
}

/// What a benchmark needs of a cluster.
#[async_trait]
pub trait Ground: Send + Sync {
    /// A way for load to a port of a service or of a pod, through the cluster's API server. Asks it for the right to.
    ///
    /// # Errors
    /// If there is no such way, or we have no right to it.
    async fn entrance(&self, behind: Behind, server: &Service) -> Result<Entrance, Problem>;

    /// The pods of an Indexed Job: of each number the newest.
    ///
    /// # Errors
    /// If they cannot be listed.
    async fn workers(&self, namespace: &str, job: &str) -> Result<Vec<WorkerPod>, Problem>;

    /// The last lines that a pod printed, each begun by its time.
    ///
    /// # Errors
    /// If they cannot be read: also before it has begun.
    async fn said(&self, namespace: &str, pod: &str, lines: u32) -> Result<Vec<String>, Problem>;
}

/// A pod of an Indexed Job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerPod {
    /// Which of them it is, from 0.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// The node that it is on.
    pub node: Option<String>,
    /// How it is.
    pub is: PodIs,
}

/// How a pod is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodIs {
    /// It does not run yet: why.
    Coming(String),
    /// It runs.
    Running,
    /// It has ended, and how.
    Over(String),
}

/// A way for load into a cluster: through the proxy of its API server, signed in as its connection is. The client certificate and
/// the authorities are those of when it was opened; a token is renewed as it is used.
pub struct Entrance {
    /// The address that leads to the server: paths of it stand behind.
    pub base: Uri,
    /// TLS to the API server, with the client certificate where there is one.
    pub tls: rustls::ClientConfig,
    /// The name that its certificate is of, where that is not the one in the address.
    pub server_name: Option<String>,
    /// By what the API server knows us.
    pub badge: Arc<dyn Badge>,
}

impl fmt::Debug for Entrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entrance").field("base", &self.base).finish_non_exhaustive()
    }
}

/// By what an API server knows who asks. It says so to the API server alone: what is behind it never hears of it.
#[async_trait]
pub trait Badge: Send + Sync {
    /// Headers that are valid now; those with secrets are marked sensitive.
    ///
    /// # Errors
    /// If there is no credential any more.
    async fn headers(&self) -> Result<HeaderMap, Problem>;

    /// A text without what the last headers had of secrets.
    fn hidden(&self, text: String) -> String;
}
