//! What the tests of telemetry share: nodes of a real cluster, exporters whose GPUs follow its pods, a real Prometheus,
//! and a `pilothouse` that is connected to both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acceptance::exporter::{Gpu, Node};
use acceptance::prometheus::Job;
use acceptance::{
    ControlPlane, Exporters, Follower, GpuNodes, GpuPods, Place, Prometheus, Result, Terminal, Watch, until,
};
use serde_json::Value;

pub const LIMIT: Duration = Duration::from_secs(60);
pub const EVERY: Duration = Duration::from_secs(1);

/// A GPU by its node and number, and the pod that holds it.
pub type Owners = BTreeMap<(String, u64), String>;

/// All that one test needs. The cluster is every test's; the pool of nodes and all else are its own.
pub struct Site {
    pub plane: &'static ControlPlane,
    pub namespace: String,
    pub pool: String,
    pub exporters: Exporters,
    pub prometheus: Prometheus,
    pub terminal: Terminal,
    _follower: Follower,
}

/// How a site differs from the usual one.
pub struct Plan {
    /// So many 8-GPU nodes.
    pub nodes: usize,
    /// Pods, and how many GPUs each has.
    pub pods: Vec<(&'static str, usize, u32)>,
    /// Jobs that scrape the exporters: each of them scrapes them all.
    pub jobs: &'static [&'static str],
}

impl Site {
    /// Nodes and pods of a pool of this name; once the pods run and their GPUs were scraped, both are connected.
    pub async fn start(pool: &str, plan: &Plan) -> Result<Self> {
        let site = Self::unconnected(pool, plan).await?;
        site.connect().await?;
        Ok(site)
    }

    /// Connects the cluster, as `admin`, and the Prometheus, as `metrics`.
    pub async fn connect(&self) -> Result<()> {
        let url = self.prometheus.url();
        self.terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
        self.terminal.good(&["connect", "add", "prometheus", "--name", "metrics", "--url", &url]).await.map(drop)
    }

    /// The same, and nothing is connected.
    pub async fn unconnected(pool: &str, plan: &Plan) -> Result<Self> {
        Self::with_nodes(&GpuNodes::new(pool, plan.nodes, 8), plan).await
    }

    /// The same with these nodes instead of those of the plan.
    pub async fn with_nodes(nodes: &GpuNodes, plan: &Plan) -> Result<Self> {
        let pool = nodes.pool.as_str();
        let plane = ControlPlane::shared().await?;
        let namespace = plane.namespace(pool).await?;
        plane.add_gpu_nodes(nodes, LIMIT).await?;
        for (name, count, gpus) in &plan.pods {
            let pods = GpuPods::new(&namespace, name, *count, *gpus).on(pool);
            plane.add_gpu_pods(&pods).await?;
            // One after the other: so the larger ones find a whole node.
            plane.wait_running(&pods, LIMIT).await?;
        }
        let exporters = Exporters::serve(Node::of_pool(nodes)).await?;
        let follower = Follower::start(plane, &exporters)?;
        let held: usize = plan.pods.iter().map(|(_, count, gpus)| count * *gpus as usize).sum();
        until("the GPUs follow the pods", LIMIT, async || {
            Ok(exporters.change(|pages| pages.holders.len() == held).then_some(()))
        })
        .await?;
        let jobs: Vec<Job> = plan.jobs.iter().map(|name| Job::new(name, exporters.gpu_targets())).collect();
        let prometheus = Prometheus::start(EVERY, &jobs).await?;
        // By the distance of samples one knows how often they come.
        until("some samples were taken", LIMIT, async || {
            let few = prometheus.query("count_over_time(DCGM_FI_DEV_GPU_TEMP[1m]) < 3").await?;
            Ok(few.is_empty().then_some(()))
        })
        .await?;
        let terminal = Terminal::new(&plane.kubeconfig())?;
        Ok(Self { plane, namespace, pool: pool.to_owned(), exporters, prometheus, terminal, _follower: follower })
    }

    /// The name of a node.
    pub fn node(&self, number: usize) -> String {
        format!("{}-{number:04}", self.pool)
    }

    /// Changes the exporter of a node.
    pub fn change<T>(&self, node: usize, change: impl FnOnce(&mut Node) -> T) -> T {
        self.exporters.change(|pages| change(pages.nodes.get_mut(&self.node(node)).unwrap()))
    }

    /// Changes a GPU.
    pub fn change_gpu<T>(&self, node: usize, gpu: usize, change: impl FnOnce(&mut Gpu) -> T) -> T {
        self.change(node, |node| change(&mut node.gpus[gpu]))
    }

    /// A GPU's place.
    pub fn place(&self, node: usize, gpu: u16) -> Place {
        Place { node: self.node(node), gpu }
    }

    /// Who holds what, by the exporters, which follow the pods of the cluster.
    pub fn held(&self) -> Owners {
        self.exporters.change(|pages| {
            let owner = |(place, holder): (&Place, &acceptance::Holder)| {
                ((place.node.clone(), u64::from(place.gpu)), holder.pod.clone())
            };
            pages.holders.iter().map(owner).collect()
        })
    }

    /// What `pilothouse gpus --json` says of this pool's GPUs.
    pub async fn gpus(&self) -> Result<Vec<Value>> {
        let filter = format!("pool={}", self.pool);
        Ok(rows(&self.terminal.json(&["gpus", "--json", "--filter", &filter]).await?))
    }

    /// What `pilothouse connections --json` says of a connection, well or not.
    pub async fn connection(&self, id: &str) -> Result<Value> {
        let said = self.terminal.call(&["connections", "--json"]).await?;
        let answer: Value = serde_json::from_str(&said.out).unwrap_or_default();
        let all = answer["connections"].as_array().cloned().unwrap_or_default();
        Ok(all.into_iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("{said:?}")))
    }

    /// Follows this pool's GPUs.
    pub fn watch(&self) -> Result<Watch> {
        self.terminal.watch(&["gpus", "--filter", &format!("pool={}", self.pool)])
    }

    /// Waits until the program says of every GPU what the kubelets say, for sure.
    pub async fn until_owned(&self, watch: &mut Watch, what: &str) -> Result<()> {
        watch.until(what, LIMIT, |said| (owners(&rows(said)) == self.held()).then_some(())).await
    }
}

/// The GPUs of an answer.
pub fn rows(answer: &Value) -> Vec<Value> {
    answer["gpus"].as_array().cloned().unwrap_or_default()
}

/// The GPU at a place.
pub fn at<'a>(rows: &'a [Value], node: &str, gpu: u64) -> &'a Value {
    let found = rows.iter().find(|row| row["node"] == node && row["index"] == gpu);
    found.unwrap_or_else(|| panic!("there is no GPU {gpu} of {node} in {rows:#?}"))
}

/// The GPUs of which the program says for sure that one pod holds the whole.
pub fn owners(rows: &[Value]) -> Owners {
    let sure = |row: &&Value| row["method"] == "Device" || row["method"] == "Whole";
    let owner = |row: &Value| {
        let (node, pod) = (row["node"].as_str()?, row["holder"]["name"].as_str()?);
        Some(((node.to_owned(), row["index"].as_u64()?), pod.to_owned()))
    };
    rows.iter().filter(sure).filter_map(owner).collect()
}

/// How fresh an answer says a source is.
pub fn freshness<'a>(answer: &'a Value, source: &str) -> &'a str {
    let found = answer["sources"].as_array().and_then(|all| all.iter().find(|one| one["id"] == source));
    found.and_then(|source| source["freshness"].as_str()).unwrap_or_default()
}

/// The nodes of stale GPUs.
pub fn stale(rows: &[Value]) -> BTreeSet<&str> {
    rows.iter().filter(|row| row["stale"] == true).filter_map(|row| row["node"].as_str()).collect()
}

/// A time, in seconds.
pub fn time(value: &Value) -> f64 {
    let stamp: pilothouse_wire::Stamp = serde_json::from_value(value.clone()).unwrap();
    stamp.0 as f64 / 1_000.0
}

/// When the newest measurement was made, in seconds.
pub fn newest(rows: &[Value]) -> f64 {
    let times = rows.iter().filter(|row| !row["measured_at"].is_null()).map(|row| time(&row["measured_at"]));
    times.fold(0.0, f64::max)
}

/// A number that was measured.
pub fn measured(row: &Value, metric: &str) -> f64 {
    row["metrics"][metric].as_f64().unwrap_or_else(|| panic!("{metric} is not in {row:#}"))
}

/// The same, to the precision in which readings are kept.
pub fn nearly(one: f64, other: f64) -> bool {
    (one - other).abs() <= other.abs() * 1e-6
}
