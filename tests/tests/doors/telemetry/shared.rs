//! One server of metrics that holds the series of two clusters: of each connection only those that its matchers choose.

use std::path::Path;

use crate::telemetry_site::{EVERY, LIMIT};
use acceptance::exporter::{Engine, EngineKind, Node};
use acceptance::prometheus::{Job, Target};
use acceptance::{Exporters, Failure, Prometheus, Result, Terminal, until};

/// The targets, as a cluster's own Prometheus labels them before they come together in one.
fn of_cluster(cluster: &str, targets: Vec<Target>) -> Vec<Target> {
    let labelled = |mut target: Target| {
        target.labels.insert("cluster".into(), cluster.into());
        target
    };
    targets.into_iter().map(labelled).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_clusters_in_one_prometheus_is_read_by_itself() -> Result<()> {
    // Both have a node gpu-1, and a pod serving/chat-0.
    let node = |gpus| Node::new("gpu-1", gpus, "NVIDIA H100 80GB HBM3", 81_559);
    let (iad, ord) = (Exporters::serve([node(2)]).await?, Exporters::serve([node(4)]).await?);
    ord.change(|pages| {
        let gpus = pages.nodes.values_mut().flat_map(|node| &mut node.gpus);
        gpus.for_each(|gpu| gpu.uuid = gpu.uuid.replace("GPU-", "GPU-0"));
    });
    let mut targets = Vec::new();
    for (cluster, exporters) in [("iad", &iad), ("ord", &ord)] {
        exporters.change(|pages| pages.engines.insert("chat-0".into(), Engine::new(EngineKind::Vllm, "llama-70b")));
        targets.extend(of_cluster(cluster, exporters.gpu_targets()));
        targets.extend(of_cluster(cluster, vec![exporters.engine_target("serving", "chat-0")]));
    }
    let prometheus = Prometheus::start(EVERY, &[Job::new("all", targets)]).await?;
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    let url = prometheus.url();
    let test = async |words: &[&str]| {
        let add = ["connect", "add", "prometheus", "--name", "metrics", "--dry-run", "--url", &url];
        terminal.call(&[&add[..], words].concat()).await
    };
    let reads = async |words: &[&str], what: &str| {
        let mut last = None;
        let read = until(what, LIMIT, async || {
            let said = test(words).await?;
            let good = said.code == 0 && said.out.contains(what) && said.out.contains("the serving engine of 1 pod");
            last = Some(said);
            Ok(good.then_some(()))
        });
        let read = read.await;
        read.map_err(|failure| Failure::new(format!("{failure}: {last:?}")))
    };
    reads(&[], "read 6 GPUs on 1 node").await?;
    reads(&["--matchers", "cluster=iad"], "read 2 GPUs on 1 node").await?;
    reads(&["--matchers", "{cluster=~\"or.*\",job!=\"x\"}"], "read 4 GPUs on 1 node").await?;
    let nobody = test(&["--matchers", "cluster=\"lhr\""]).await?;
    assert!(nobody.code == 3 && nobody.err.contains("no measurement of a GPU"), "{nobody:?}");
    let wrong = test(&["--matchers", "cluster"]).await?;
    assert!(wrong.code == 1 && wrong.err.contains("The field \"Only series with\" cannot be used"), "{wrong:?}");
    Ok(())
}
