//! GPU nodes and GPU pods, in numbers. The nodes are played by kwok; all else about them is
//! what the API server, the controllers and the scheduler make of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::items;
use crate::control_plane::ControlPlane;
use crate::failure::Result;
use crate::wait::until;

/// The label that names a node's pool.
pub const POOL_LABEL: &str = "karpenter.sh/nodepool";
/// The label that the harness puts on the pods of one [`GpuPods`].
pub const APP_LABEL: &str = "app.kubernetes.io/name";
/// The resource that the device plugin offers.
pub const GPU: &str = "nvidia.com/gpu";

/// Nodes of one kind. Make it with [`GpuNodes::new`] and change the fields that matter.
#[derive(Clone, Debug)]
pub struct GpuNodes {
    /// The pool's name, also the beginning of the nodes' names. One per test.
    pub pool: String,
    /// How many nodes.
    pub count: usize,
    /// GPUs on each.
    pub gpus: u32,
    /// The product, as GPU Feature Discovery writes it.
    pub product: String,
    /// The memory of one GPU.
    pub memory_mib: u32,
    /// The cloud's name for the machine.
    pub instance_type: String,
    /// Zones, taken in turn.
    pub zones: Vec<String>,
    /// Further labels; they win over the harness's own.
    pub labels: BTreeMap<String, String>,
}

impl GpuNodes {
    /// Nodes with H100 GPUs in three zones.
    pub fn new(pool: &str, count: usize, gpus: u32) -> Self {
        Self {
            pool: pool.to_owned(),
            count,
            gpus,
            product: "NVIDIA-H100-80GB-HBM3".to_owned(),
            memory_mib: 81_559,
            instance_type: "p5.48xlarge".to_owned(),
            zones: ["a", "b", "c"].map(|zone| format!("eu-west-1{zone}")).to_vec(),
            labels: BTreeMap::new(),
        }
    }

    /// The name of the node with this number, from 0.
    pub fn name(&self, number: usize) -> String {
        format!("{}-{number:04}", self.pool)
    }

    fn node(&self, number: usize) -> Value {
        let name = self.name(number);
        let zone = self.zones.get(number % self.zones.len().max(1)).map_or("", String::as_str);
        let mut labels: BTreeMap<String, String> = [
            (POOL_LABEL, self.pool.as_str()),
            ("karpenter.sh/capacity-type", "on-demand"),
            ("kubernetes.io/arch", "amd64"),
            ("kubernetes.io/hostname", &name),
            ("kubernetes.io/os", "linux"),
            ("node.kubernetes.io/instance-type", &self.instance_type),
            ("nvidia.com/cuda.driver-version.full", "580.95.05"),
            ("nvidia.com/gpu.count", &self.gpus.to_string()),
            ("nvidia.com/gpu.family", "hopper"),
            ("nvidia.com/gpu.memory", &self.memory_mib.to_string()),
            ("nvidia.com/gpu.present", "true"),
            ("nvidia.com/gpu.product", &self.product),
            ("nvidia.com/gpu.replicas", "1"),
            ("nvidia.com/mig.strategy", "none"),
            ("topology.kubernetes.io/region", "eu-west-1"),
            ("topology.kubernetes.io/zone", zone),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        labels.extend(self.labels.clone());
        let resources = json!({
            "cpu": "192",
            "ephemeral-storage": "2Ti",
            "memory": "2Ti",
            "pods": "110",
            GPU: self.gpus.to_string(),
        });
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": { "name": name, "labels": labels },
            "status": { "capacity": resources, "allocatable": resources },
        })
    }
}

/// Pods of one kind. Make it with [`GpuPods::new`] and change the fields that matter.
#[derive(Clone, Debug)]
pub struct GpuPods {
    /// Where they go.
    pub namespace: String,
    /// The name of the deployment, or the beginning of the plain pods' names.
    pub name: String,
    /// How many pods.
    pub count: usize,
    /// GPUs of each; 0 asks for none.
    pub gpus: u32,
    /// The pool whose nodes they need; any node where there is none.
    pub pool: Option<String>,
    /// The image they name. Nothing is pulled.
    pub image: String,
    /// Further labels of the pods.
    pub labels: BTreeMap<String, String>,
}

impl GpuPods {
    /// Pods of a model server that run on any node with free GPUs.
    pub fn new(namespace: &str, name: &str, count: usize, gpus: u32) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            count,
            gpus,
            pool: None,
            image: "registry.invalid/models/server:1.0.0".to_owned(),
            labels: BTreeMap::new(),
        }
    }

    /// The same pods, on the nodes of one pool.
    pub fn on(mut self, pool: &str) -> Self {
        self.pool = Some(pool.to_owned());
        self
    }

    fn metadata(&self) -> Value {
        let mut labels = self.labels.clone();
        labels.insert(APP_LABEL.to_owned(), self.name.clone());
        json!({ "labels": labels })
    }

    fn spec(&self) -> Value {
        let mut limits = json!({ "cpu": "1", "memory": "1Gi" });
        if self.gpus > 0 {
            limits[GPU] = json!(self.gpus.to_string());
        }
        let mut spec = json!({
            "containers": [{
                "name": "server",
                "image": self.image,
                "resources": { "requests": limits, "limits": limits },
            }],
        });
        if let Some(pool) = &self.pool {
            spec["nodeSelector"] = json!({ POOL_LABEL: pool });
        }
        spec
    }
}

impl ControlPlane {
    /// Adds nodes and waits until they are ready.
    pub async fn add_gpu_nodes(&self, nodes: &GpuNodes, limit: Duration) -> Result<()> {
        let api = self.api()?;
        let all = (0..nodes.count).map(|number| nodes.node(number));
        api.create_all("/api/v1/nodes", all).await?;
        let path = format!("/api/v1/nodes?labelSelector={POOL_LABEL}={}", nodes.pool);
        until("the nodes are ready", limit, async || {
            let list = api.get(&path).await?;
            let ready = items(&list).iter().filter(|node| is_ready(node)).count();
            Ok((ready == nodes.count).then_some(()))
        })
        .await
    }

    /// Adds a deployment, so that the pods have the usual chain of owners. Does not wait.
    pub async fn add_gpu_deployment(&self, pods: &GpuPods) -> Result<()> {
        let path = format!("/apis/apps/v1/namespaces/{}/deployments", pods.namespace);
        let object = json!({
            "metadata": { "name": pods.name },
            "spec": {
                "replicas": pods.count,
                "selector": { "matchLabels": { APP_LABEL: pods.name } },
                "template": { "metadata": pods.metadata(), "spec": pods.spec() },
            },
        });
        self.api()?.create(&path, &object).await.map(drop)
    }

    /// Adds pods that nothing owns, named `NAME-0`, `NAME-1` and so on. Does not wait.
    pub async fn add_gpu_pods(&self, pods: &GpuPods) -> Result<()> {
        let path = format!("/api/v1/namespaces/{}/pods", pods.namespace);
        let all = (0..pods.count).map(|number| {
            let mut metadata = pods.metadata();
            metadata["name"] = json!(format!("{}-{number}", pods.name));
            json!({ "metadata": metadata, "spec": pods.spec() })
        });
        self.api()?.create_all(&path, all).await
    }

    /// Waits until as many of these pods run as were asked for.
    pub async fn wait_running(&self, pods: &GpuPods, limit: Duration) -> Result<()> {
        let api = self.api()?;
        let path = format!(
            "/api/v1/namespaces/{}/pods?labelSelector={APP_LABEL}={}&fieldSelector=status.phase=Running",
            pods.namespace, pods.name
        );
        until("the pods run", limit, async || {
            let running = items(&api.get(&path).await?).len();
            Ok((running == pods.count).then_some(()))
        })
        .await
    }
}

/// Whether a node says that it is ready and may be used by pods.
fn is_ready(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array();
    let says_so = conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"));
    // The controllers take the taint of a new node away a little later.
    let tainted = node["spec"]["taints"]
        .as_array()
        .is_some_and(|taints| taints.iter().any(|taint| taint["key"] == "node.kubernetes.io/not-ready"));
    says_so && !tainted
}
