//! What is measured on: real servers with a large fleet, the same for all figures of a run.

use std::time::Duration;

use acceptance::{Context, ControlPlane, GpuNodes, GpuPods, Options, Result, Terminal};
use tokio::process::Command;

use crate::report::say;

/// How long the cluster may take; a busy machine is slow, and nothing of this is measured.
const LIMIT: Duration = Duration::from_secs(1_800);
/// Nodes of the fleet are all alike.
const POOL: &str = "fleet";
/// GPUs of a node.
const GPUS: u32 = 8;
/// The fleet's deployments, and how many of them share a namespace.
const DEPLOYMENTS: usize = 25;
const IN_A_NAMESPACE: usize = 5;

/// How large, and how long.
#[derive(Clone, Copy)]
pub struct Size {
    /// Nodes.
    pub nodes: usize,
    /// Pods; each has one GPU.
    pub pods: usize,
    /// Runs of each program.
    pub rounds: usize,
    /// How long changes go on.
    pub churn: Duration,
    /// How long recorded changes go on.
    pub replay: Duration,
    /// How long a page is watched.
    pub frames: Duration,
}

impl Size {
    /// As the goals mean it.
    pub const WHOLE: Self = Self {
        nodes: 1_000,
        pods: 5_000,
        rounds: 9,
        churn: Duration::from_secs(60),
        replay: Duration::from_secs(20),
        frames: Duration::from_secs(120),
    };
    /// To try the measuring itself.
    pub const SMALL: Self = Self {
        nodes: 20,
        pods: 100,
        rounds: 3,
        churn: Duration::from_secs(5),
        replay: Duration::from_secs(3),
        frames: Duration::from_secs(20),
    };

    /// Is it only to try the measuring?
    pub fn is_small(self) -> bool {
        self.nodes == Self::SMALL.nodes
    }
}

/// The servers and what belongs to them.
pub struct Stand {
    /// The servers.
    pub plane: ControlPlane,
    /// A home that knows the administrator's context.
    pub terminal: Terminal,
    /// How large it is.
    pub size: Size,
}

impl Stand {
    /// Starts the servers and fills them.
    pub async fn build(size: Size) -> Result<Self> {
        say(&format!("Starting a control plane with {} nodes and {} pods.", size.nodes, size.pods));
        let plane = ControlPlane::start(Options::default()).await?;
        let terminal = Terminal::new(&plane.kubeconfig())?;
        std::fs::write(terminal.home().join("ca.crt"), plane.ca_pem()).could_not("write the authority")?;
        plane.add_gpu_nodes(&GpuNodes::new(POOL, size.nodes, GPUS), LIMIT).await?;
        say("The nodes are ready.");
        let mut all = Vec::new();
        for number in 0..DEPLOYMENTS {
            if number % IN_A_NAMESPACE == 0 {
                all.push((plane.namespace("models").await?, Vec::new()));
            }
            if let Some((namespace, pods)) = all.last_mut() {
                let name = format!("model-{number:02}");
                let some = GpuPods::new(namespace, &name, size.pods / DEPLOYMENTS, 1).on(POOL);
                plane.add_gpu_deployment(&some).await?;
                pods.push(some);
            }
        }
        for pods in all.iter().flat_map(|(_, pods)| pods) {
            plane.wait_running(pods, LIMIT).await?;
        }
        say("The pods run.");
        // What the controllers write after the last pod runs.
        tokio::time::sleep(Duration::from_secs(5)).await;
        Ok(Self { plane, terminal, size })
    }

    /// The pods as the API lists them: namespace and name.
    pub async fn pod_names(&self) -> Result<Vec<(String, String)>> {
        let list = self.plane.api()?.get("/api/v1/pods").await?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let pods = acceptance::api::items(&list).iter();
        Ok(pods.map(|pod| (text(&pod["metadata"]["namespace"]), text(&pod["metadata"]["name"]))).collect())
    }

    /// curl, reading nodes and then pods over one connection.
    pub fn curl(&self, accept: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--fail", "--noproxy", "*", "--cacert"]).arg(self.terminal.home().join("ca.crt"));
        curl.args(["--header", &format!("Authorization: Bearer {}", self.plane.admin_token())]);
        curl.args(["--header", &format!("Accept: {accept}")]);
        curl.args(["nodes", "pods"].map(|kind| format!("{}/api/v1/{kind}", self.plane.url())));
        curl
    }
}
