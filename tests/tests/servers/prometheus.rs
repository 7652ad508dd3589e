//! The harness of time series: a real Prometheus holds what the exporters of the tests say, as it would of real ones.
//! Prometheus is real, and so are the servers of the cluster; the exporters' text is written by the harness.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acceptance::exporter::{Engine, EngineKind, Mood, Node, Spelling};
use acceptance::prometheus::Job;
use acceptance::{
    ControlPlane, Exporters, Follower, GpuNodes, GpuPods, Holder, Options, Place, Prometheus, Result, until,
};
use pilothouse_connect_http::prometheus::{engines::query as engines, matchers::Matchers, query as gpus};
use pilothouse_wire::{Metric, ServingEngine, ServingMetric};

const LIMIT: Duration = Duration::from_secs(120);
const EVERY: Duration = Duration::from_secs(1);

fn node(name: &str) -> Node {
    Node::new(name, 8, "NVIDIA H100 80GB HBM3", 81_559)
}

fn holder(pod: &str) -> Holder {
    Holder { namespace: "serving".into(), pod: pod.into(), container: "server".into() }
}

fn place(node: &str, gpu: u16) -> Place {
    Place { node: node.into(), gpu }
}

/// The value of an expression's first series; empty if there is none.
async fn one(prometheus: &Prometheus, expression: &str) -> Result<String> {
    Ok(prometheus.query(expression).await?.first().map(|sample| sample.value.clone()).unwrap_or_default())
}

#[tokio::test]
async fn series_have_the_labels_of_their_exporter_and_of_its_target() -> Result<()> {
    let exporters = Exporters::serve(["a", "b"].map(node)).await?;
    exporters.change(|pages| pages.holders.insert(place("a", 3), holder("llama-0")));
    let prometheus = Prometheus::start(EVERY, &[Job::new("dcgm", exporters.gpu_targets())]).await?;

    // A target counts as scraped a moment before all that it said can be asked for.
    let all = async || Ok((prometheus.query("DCGM_FI_DEV_GPU_UTIL").await?.len() == 16).then_some(()));
    until("both nodes are measured", LIMIT, all).await?;
    let held = prometheus.query("DCGM_FI_DEV_GPU_UTIL{exported_pod!=\"\"}").await?;
    let [gpu] = held.as_slice() else { panic!("{held:?}") };
    let own = exporters.change(|pages| pages.nodes["a"].gpus[3].clone());
    for (label, value) in [
        ("gpu", "3"),
        ("UUID", own.uuid.as_str()),
        ("pci_bus_id", &own.bus),
        ("device", "nvidia3"),
        ("modelName", "NVIDIA H100 80GB HBM3"),
        ("Hostname", "a"),
        ("DCGM_FI_DRIVER_VERSION", "580.95.05"),
        ("exported_namespace", "serving"),
        ("exported_pod", "llama-0"),
        ("exported_container", "server"),
        ("job", "dcgm"),
        // The exporter's own pod, of which the GPU is not.
        ("pod", "nvidia-dcgm-exporter-00000"),
        ("namespace", "gpu-operator"),
    ] {
        assert_eq!(gpu.label(label), value, "{label}");
    }
    assert_eq!(gpu.value, "83");
    Ok(())
}

#[tokio::test]
async fn labels_of_the_page_win_where_the_job_honours_them() -> Result<()> {
    let exporters = Exporters::serve([node("a")]).await?;
    exporters.change(|pages| pages.holders.insert(place("a", 0), holder("llama-0")));
    let job = Job { honor_labels: true, ..Job::new("dcgm", exporters.gpu_targets()) };
    let prometheus = Prometheus::start(EVERY, &[job]).await?;
    let pods: Vec<String> =
        prometheus.query("DCGM_FI_DEV_GPU_TEMP").await?.iter().map(|gpu| gpu.label("pod").to_owned()).collect();
    // A GPU without a holder is said to be of the exporter's pod.
    assert_eq!(pods.iter().filter(|pod| *pod == "llama-0").count(), 1);
    assert_eq!(pods.iter().filter(|pod| *pod == "nvidia-dcgm-exporter-00000").count(), 7);
    Ok(())
}

#[tokio::test]
async fn what_an_exporter_no_longer_says_goes_stale_at_the_next_scrape() -> Result<()> {
    let exporters = Exporters::serve(["silent", "loses", "well"].map(node)).await?;
    let prometheus = Prometheus::start(EVERY, &[Job::new("dcgm", exporters.gpu_targets())]).await?;
    assert_eq!(prometheus.query("DCGM_FI_DEV_POWER_USAGE").await?.len(), 24);
    exporters.change(|pages| {
        pages.moods.insert("silent".into(), Mood::Silent);
        if let Some(node) = pages.nodes.get_mut("loses") {
            node.gpus[5].gone = true;
        }
    });
    let gpus = async |node: &str| -> Result<usize> {
        Ok(prometheus.query(&format!("DCGM_FI_DEV_POWER_USAGE{{Hostname=\"{node}\"}}")).await?.len())
    };
    // Long before the five minutes after which Prometheus would forget a series of which it was told nothing.
    until("the series are stale", Duration::from_secs(30), async || {
        Ok((gpus("silent").await? == 0 && gpus("loses").await? == 7).then_some(()))
    })
    .await?;
    assert_eq!(gpus("well").await?, 8);
    let up = prometheus.query("up == 0").await?;
    assert_eq!(up.len(), 1);

    exporters.change(|pages| pages.moods.clear());
    until("they are back", LIMIT, async || Ok((gpus("silent").await? == 8).then_some(()))).await
}

#[tokio::test]
async fn faults_arrive_as_they_were_said() -> Result<()> {
    let exporters = Exporters::serve(["a", "old", "late"].map(node)).await?;
    exporters.change(|pages| {
        pages.moods.insert("late".into(), Mood::Slow(Duration::from_millis(300)));
        if let Some(node) = pages.nodes.get_mut("a") {
            for (gpu, value) in [(0, 79.0), (1, f64::NAN), (2, f64::INFINITY)] {
                node.gpus[gpu].values.insert("DCGM_FI_DEV_XID_ERRORS".into(), value);
            }
            node.renamed.insert("DCGM_FI_DEV_SM_CLOCK".into(), "gpu_clock".into());
        }
        if let Some(node) = pages.nodes.get_mut("old") {
            node.spelling = Spelling::Old;
        }
        pages.holders.insert(place("old", 0), holder("llama-0"));
    });
    // The same exporters, scraped by two jobs.
    let jobs = ["dcgm", "again"].map(|name| Job::new(name, exporters.gpu_targets()));
    let prometheus = Prometheus::start(EVERY, &jobs).await?;
    let xids = prometheus.query("DCGM_FI_DEV_XID_ERRORS{Hostname=\"a\",job=\"dcgm\"}").await?;
    let said: BTreeMap<&str, &str> = xids.iter().map(|gpu| (gpu.label("gpu"), gpu.value.as_str())).collect();
    assert_eq!(["0", "1", "2", "3"].map(|gpu| said[gpu]), ["79", "NaN", "+Inf", "0"]);
    assert_eq!(prometheus.query("count(DCGM_FI_DEV_GPU_TEMP)").await?[0].value, "48");
    assert_eq!(prometheus.query("count(DCGM_FI_DEV_SM_CLOCK)").await?[0].value, "32");
    assert_eq!(prometheus.query("gpu_clock").await?.len(), 16);
    // Nothing of the target is called pod_name: it arrives as it is.
    let old = prometheus.query("DCGM_FI_DEV_GPU_TEMP{pod_name=\"llama-0\",uuid!=\"\",job=\"dcgm\"}").await?;
    assert_eq!(old.len(), 1);
    Ok(())
}

#[tokio::test]
async fn engines_have_their_pod_from_the_target() -> Result<()> {
    let exporters = Exporters::serve([]).await?;
    let mut vllm = Engine::new(EngineKind::Vllm, "llama-70b");
    vllm.first_tokens = vec![0.05; 50];
    let mut sglang = Engine::new(EngineKind::Sglang, "qwen-32b");
    sglang.running = 7.0;
    exporters.change(|pages| {
        pages.engines.insert("llama-0".into(), vllm);
        pages.engines.insert("qwen-0".into(), sglang);
    });
    let targets = ["llama-0", "qwen-0"].map(|pod| exporters.engine_target("serving", pod)).to_vec();
    let prometheus = Prometheus::start(EVERY, &[Job::new("engines", targets)]).await?;
    let median = "histogram_quantile(0.5, vllm:time_to_first_token_seconds_bucket)";
    let [first] = prometheus.query(median).await?.try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!((first.label("pod"), first.label("model_name"), first.value.as_str()), ("llama-0", "llama-70b", "0.05"));
    let running = prometheus.query("sglang:num_running_reqs").await?;
    assert_eq!((running.len(), running[0].label("pod"), running[0].value.as_str()), (1, "qwen-0", "7"));
    Ok(())
}

#[tokio::test]
async fn it_has_the_same_address_and_past_after_a_crash_and_finds_new_targets() -> Result<()> {
    let exporters = Exporters::serve(["a"].map(node)).await?;
    let mut prometheus = Prometheus::start(EVERY, &[Job::new("dcgm", exporters.gpu_targets())]).await?;
    let set = |xid: f64| {
        exporters.change(|pages| {
            let gpu = pages.nodes.get_mut("a").and_then(|node| node.gpus.first_mut());
            gpu.map(|gpu| gpu.values.insert("DCGM_FI_DEV_XID_ERRORS".into(), xid))
        })
    };
    set(13.0);
    let now = "DCGM_FI_DEV_XID_ERRORS{gpu=\"0\"}";
    until("the XID is scraped", LIMIT, async || Ok((one(&prometheus, now).await? == "13").then_some(()))).await?;

    let url = prometheus.url();
    prometheus.kill();
    assert!(prometheus.query("up").await.is_err());
    set(0.0);
    prometheus.start_again().await?;
    assert_eq!(prometheus.url(), url);
    until("it is scraped again", LIMIT, async || Ok((one(&prometheus, now).await? == "0").then_some(()))).await?;
    assert_eq!(one(&prometheus, "max_over_time(DCGM_FI_DEV_XID_ERRORS{gpu=\"0\"}[5m])").await?, "13");

    exporters.change(|pages| pages.nodes.insert("b".into(), node("b")));
    prometheus.set_targets("dcgm", &exporters.gpu_targets())?;
    prometheus.wait_scraped(2).await?;
    assert_eq!(prometheus.query("count(DCGM_FI_DEV_GPU_TEMP)").await?[0].value, "16");
    Ok(())
}

#[tokio::test]
async fn gpus_follow_the_pods_of_a_real_cluster() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let nodes = GpuNodes::new("follow", 2, 8);
    plane.add_gpu_nodes(&nodes, LIMIT).await?;
    let exporters = Exporters::serve(Node::of_pool(&nodes)).await?;
    let _follower = Follower::start(&plane, &exporters)?;
    let prometheus = Prometheus::start(EVERY, &[Job::new("dcgm", exporters.gpu_targets())]).await?;
    let held = async || -> Result<BTreeSet<(String, String, String)>> {
        let gpus = prometheus.query("DCGM_FI_DEV_GPU_UTIL{exported_pod!=\"\"}").await?;
        Ok(gpus
            .iter()
            .map(|gpu| ["exported_pod", "Hostname", "gpu"].map(|name| gpu.label(name).to_owned()).into())
            .collect())
    };
    assert!(held().await?.is_empty());

    let pods = GpuPods::new("default", "llama", 3, 4).on("follow");
    plane.add_gpu_pods(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let all = until("12 GPUs are held", LIMIT, async || Ok(Some(held().await?).filter(|all| all.len() == 12))).await?;
    let api = plane.api()?;
    for number in 0..3 {
        let pod = api.get(&format!("/api/v1/namespaces/default/pods/llama-{number}")).await?;
        let on: BTreeSet<&str> = all
            .iter()
            .filter(|(name, ..)| *name == format!("llama-{number}"))
            .map(|(_, node, _)| node.as_str())
            .collect();
        assert_eq!(on.into_iter().collect::<Vec<_>>(), [pod["spec"]["nodeName"].as_str().unwrap_or_default()]);
    }

    api.delete("/api/v1/namespaces/default/pods/llama-1").await?;
    let left = until("8 GPUs are held", LIMIT, async || Ok(Some(held().await?).filter(|all| all.len() == 8))).await?;
    // Who stays keeps its GPUs.
    assert!(left.is_subset(&all));
    Ok(())
}

/// What a query of ours about one engine answers: the value, and the one that stands in a label.
async fn told(prometheus: &Prometheus, metric: ServingMetric, engine: ServingEngine) -> Result<Option<(f64, String)>> {
    let query = engines::metric(metric, &BTreeSet::from([engine]), &Matchers::default(), EVERY).unwrap_or_default();
    let series = prometheus.query(&query).await?;
    let first = series.first();
    Ok(first.and_then(|one| Some((one.value.parse().ok()?, one.label(engines::VALUE).to_owned()))))
}

#[tokio::test]
async fn every_query_of_ours_is_understood_with_matchers_and_without() -> Result<()> {
    let exporters = Exporters::serve([node("a")]).await?;
    let prometheus = Prometheus::start(EVERY, &[Job::new("dcgm", exporters.gpu_targets())]).await?;
    let all: BTreeSet<_> = ServingEngine::ALL.iter().copied().collect();
    use pilothouse_connect_http::prometheus::catalogue::Exporter;
    let makers = BTreeSet::from([Exporter::Dcgm, Exporter::Amd, Exporter::Intel]);
    for among in
        ["", "job=\"dcgm\"", "job=~\"d.*\",cluster!=\"x\""].map(|text| Matchers::read(text).unwrap_or_default())
    {
        let mut queries =
            vec![gpus::identity(&among), gpus::times(&among), gpus::targets(&among), gpus::lately(&among)];
        queries.extend([gpus::others(&among), engines::identity(&among)]);
        queries.extend(Metric::ALL.iter().filter_map(|metric| gpus::metric(*metric, &makers, &among)));
        queries.extend(Metric::ALL.iter().filter_map(|metric| gpus::came(*metric, &makers, &among, EVERY)));
        queries.extend(ServingMetric::ALL.iter().filter_map(|metric| engines::metric(*metric, &all, &among, EVERY)));
        for query in queries {
            if let Err(failure) = prometheus.query(&query).await {
                panic!("{failure}: {query}");
            }
        }
        let gpus = until("the GPUs are there", LIMIT, async || {
            let gpus = prometheus.query(&gpus::times(&among)).await?.len();
            Ok((gpus == 8).then_some(gpus))
        });
        assert_eq!(gpus.await?, 8, "{}", among.text());
    }
    let other = Matchers::read("job=other").unwrap_or_default();
    assert_eq!(prometheus.query(&gpus::times(&other)).await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn a_quantile_above_all_buckets_comes_with_a_minus_and_a_size_in_a_label() -> Result<()> {
    let exporters = Exporters::serve([]).await?;
    let mut vllm = Engine::new(EngineKind::Vllm, "llama-70b");
    // Two of three wait longer than the last bound, 2,560 s; requests take less than the first, 0.3 s.
    let grow = |engine: &mut Engine| {
        engine.first_tokens.extend([0.05, 3_000.0, 3_000.0].repeat(1_000));
        engine.requests.extend([0.1].repeat(3_000));
    };
    grow(&mut vllm);
    exporters.change(|pages| pages.engines.insert("llama-0".into(), vllm));
    let prometheus =
        Prometheus::start(EVERY, &[Job::new("engines", vec![exporters.engine_target("serving", "llama-0")])]).await?;
    let p99 = until("a p99 is told", LIMIT, async || {
        exporters.change(|pages| pages.engines.values_mut().for_each(grow));
        tokio::time::sleep(EVERY).await;
        let p99 = told(&prometheus, ServingMetric::FirstTokenP99, ServingEngine::Vllm).await?;
        Ok(p99.filter(|(value, _)| !value.is_nan()))
    });
    assert_eq!(p99.await?.0, -2_560.0, "above all bounds");
    let of = async |metric| told(&prometheus, metric, ServingEngine::Vllm).await;
    assert_eq!(of(ServingMetric::WholeP99).await?, None, "within the first bucket there is nothing to tell");
    assert!(of(ServingMetric::WholeMean).await?.is_some_and(|(mean, _)| (mean - 0.1).abs() < 1e-6));
    assert!(of(ServingMetric::Done).await?.is_some_and(|(rate, _)| rate > 0.0));
    assert_eq!(of(ServingMetric::Blocks).await?.map(|(_, blocks)| blocks).as_deref(), Some("27464"));
    assert_eq!(of(ServingMetric::BlockTokens).await?.map(|(_, size)| size).as_deref(), Some("16"));
    Ok(())
}
