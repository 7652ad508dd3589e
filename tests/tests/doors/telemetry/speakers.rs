//! What speaks the API of Prometheus and is none, or is one under a prefix and behind a tenant.

use std::path::Path;
use std::time::Duration;

use crate::telemetry_site::{EVERY, LIMIT, Plan, Site, freshness, measured, nearly, owners, rows, stale};
use acceptance::exporter::Node;
use acceptance::prometheus::Job;
use acceptance::{Exporters, Gateway, Prometheus, Result, Said, Terminal, VictoriaMetrics, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_victoria_metrics_measures_as_a_prometheus_does_and_says_what_it_is() -> Result<()> {
    let plan = Plan { nodes: 1, pods: vec![("llama", 1, 4)], jobs: &[] };
    let site = Site::unconnected("victoria", &plan).await?;
    let victoria = VictoriaMetrics::start(EVERY, &[Job::new("dcgm", site.exporters.gpu_targets())]).await?;
    let test = async |url: &str| {
        let add = ["connect", "add", "prometheus", "--name", "metrics", "--url", url, "--dry-run"];
        site.terminal.call(&add).await
    };
    // A path that it does not have it refuses as no other does.
    let wrong = test(&format!("{}/select/0", victoria.url())).await?;
    assert!(wrong.code == 1 && wrong.err.contains("no query API at this address"), "{wrong:?}");

    let url = format!("{}/prometheus", victoria.url());
    until("it has measurements", LIMIT, async || {
        let said = test(&url).await?;
        let whole = said.code == 0 && said.out.contains("read 8 GPUs on 1 node, measured every 5 s");
        Ok(whole.then_some(()))
    })
    .await?;
    site.terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    site.terminal.good(&["connect", "add", "prometheus", "--name", "metrics", "--url", &url]).await?;
    let mut watch = site.watch()?;
    site.until_owned(&mut watch, "the pod is known by its GPUs").await?;
    let fresh = watch.until("it is fresh", LIMIT, |said| {
        let rows = rows(said);
        let fresh = freshness(said, "metrics") == "Live" && stale(&rows).is_empty();
        (fresh && rows.iter().all(|row| !row["measured_at"].is_null())).then_some(rows)
    });
    let all = fresh.await?;
    assert_eq!((all.len(), owners(&all)), (8, site.held()));
    for row in &all {
        let held = !row["holder"].is_null();
        for (metric, value) in [
            ("power", if held { 488.315 } else { 70.124 }),
            ("temp", if held { 61.0 } else { 30.0 }),
            ("util", if held { 0.83 } else { 0.0 }),
            ("memory", if held { 69_325.0 * 1_048_576.0 } else { 4.0 * 1_048_576.0 }),
        ] {
            assert!(nearly(measured(row, metric), value), "{metric} is not {value} in {row:#}");
        }
    }
    let row = site.connection("metrics").await?;
    assert_eq!((&row["version"], &row["health"]), (&"VictoriaMetrics".into(), &"Well".into()), "{row:#}");

    // What an exporter no longer says it takes for gone at once, as Prometheus does.
    site.change(0, |node| node.gpus[7].gone = true);
    watch
        .until("one is stale", LIMIT, |said| {
            Some(rows(said).iter().filter(|row| row["stale"] == true).count()).filter(|count| *count == 1)
        })
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_under_a_prefix_and_behind_a_tenant_is_reached_and_what_is_missing_is_said() -> Result<()> {
    let exporters = Exporters::serve([Node::new("alone", 2, "NVIDIA H100 80GB HBM3", 81_559)]).await?;
    let jobs = [Job::new("dcgm", exporters.gpu_targets())];
    let prometheus = Prometheus::start_under("/mimir/prometheus", EVERY, &jobs).await?;
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    // Mimir looks for the tenant in the one, Thanos in the other.
    for header in ["X-Scope-OrgID", "THANOS-TENANT"] {
        let gateway = Gateway::start(prometheus.port(), header, "team-a").await?;
        let url = format!("{}/mimir/prometheus", gateway.url());
        let test = async |url: &str, tenant: &[&str]| -> Result<Said> {
            let add = ["connect", "add", "prometheus", "--name", "metrics", "--url", url, "--dry-run"];
            terminal.call(&[&add[..], tenant].concat()).await
        };
        let nobody = test(&url, &[]).await?;
        assert!(nobody.code == 1 && nobody.err.contains("wants to know the tenant"), "{nobody:?}");
        assert!(nobody.err.contains("\"Tenant\""), "{nobody:?}");
        let other = test(&url, &["--tenant", "team-b"]).await?;
        assert!(other.code == 1 && other.err.contains("not your tenant"), "{other:?}");
        let elsewhere = test(&format!("{}/prometheus", gateway.url()), &["--tenant", "team-a"]).await?;
        assert!(elsewhere.code == 1 && elsewhere.err.contains("nothing there under /prometheus"), "{elsewhere:?}");
        until("it is read", LIMIT, async || {
            let said = test(&url, &["--tenant", "team-a"]).await?;
            Ok((said.code == 0 && said.out.contains("read 2 GPUs on 1 node")).then_some(()))
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_that_scrapes_every_seven_seconds_is_known_to() -> Result<()> {
    let exporters = Exporters::serve([Node::new("alone", 2, "NVIDIA H100 80GB HBM3", 81_559)]).await?;
    let jobs = [Job::new("dcgm", exporters.gpu_targets())];
    let prometheus = Prometheus::start(Duration::from_secs(7), &jobs).await?;
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    until("its interval is told", LIMIT, async || {
        let url = prometheus.url();
        let said =
            terminal.call(&["connect", "add", "prometheus", "--name", "metrics", "--dry-run", "--url", &url]).await?;
        Ok((said.code == 0 && said.out.contains("read 2 GPUs on 1 node, measured every 7 s")).then_some(()))
    })
    .await
}
