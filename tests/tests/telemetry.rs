//! Telemetry from end to end: pods of a real cluster, exporters whose GPUs follow them, a real Prometheus, and what
//! `pilothouse` says. The exporters' text is the harness's; all between it and the terminal is real.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "each test file uses a part")]
#[path = "telemetry_site.rs"]
mod site;

use acceptance::{GpuPods, Result};
use serde_json::Value;
use site::{LIMIT, Plan, Site, measured, nearly, owners};

#[tokio::test(flavor = "multi_thread")]
async fn each_gpu_of_a_pod_is_known_to_be_its_and_reads_as_its_exporter_says() -> Result<()> {
    let plan = Plan { nodes: 3, pods: vec![("train", 1, 8), ("llama", 3, 4), ("embed", 2, 1)], jobs: &["dcgm"] };
    let site = Site::start("owned", &plan).await?;
    site.change_gpu(0, 5, |gpu| gpu.values.insert("DCGM_FI_DEV_XID_ERRORS".into(), 79.0));
    let mut watch = site.watch()?;
    let hit = watch.until("the XID is a finding", LIMIT, |said| {
        let bad = site::rows(said).into_iter().find(|row| row["status"] == "Bad")?;
        Some((bad["node"].clone(), bad["index"].clone(), bad["status_word"].clone()))
    });
    assert_eq!(hit.await?, (site.node(0).into(), 5.into(), "XID 79".into()));

    let rows = site.gpus().await?;
    assert_eq!((rows.len(), site.held().len()), (24, 22));
    assert_eq!(owners(&rows), site.held());
    for row in &rows {
        let held =
            site.held().contains_key(&(row["node"].as_str().unwrap().to_owned(), row["index"].as_u64().unwrap()));
        assert_eq!(row["state"], if held { "Held" } else { "Free" }, "{row:#}");
        // The exporter's own pod, which is a label of every series, holds nothing.
        assert_eq!(row["holder"].is_null(), !held);
        assert_eq!(row["stale"], false);
        let (busy, memory) = (f64::from(u8::from(held)), if held { 69_325.0 } else { 4.0 });
        for (metric, value) in [
            ("util", 0.83 * busy),
            ("tensor", 0.341 * busy),
            ("dram", 0.487 * busy),
            ("memory", memory * 1_048_576.0),
            ("memory-total", 81_559.0 * 1_048_576.0),
            ("power", if held { 488.315 } else { 70.124 }),
            ("temp", if held { 61.0 } else { 30.0 }),
            ("pcie-tx", if held { 412e6 } else { 91e3 }),
        ] {
            assert!(nearly(measured(row, metric), value), "{metric} is not {value} in {row:#}");
        }
        let gpu = usize::try_from(row["index"].as_u64().unwrap()).unwrap();
        let node = (0..3).find(|number| row["node"] == site.node(*number)).unwrap();
        let own = site.change_gpu(node, gpu, |gpu| gpu.clone());
        for (field, value) in [("uuid", &own.uuid), ("pci", &own.bus), ("product", &own.product)] {
            assert_eq!(row["device"][field], *value, "{field}");
        }
    }
    it_was_measured_when_it_was_scraped(&site, &rows[0]).await?;
    a_workload_is_its_gpus_together(&site).await
}

/// The time of a measurement is that of a sample, to the millisecond, and not that of a question.
async fn it_was_measured_when_it_was_scraped(site: &Site, row: &Value) -> Result<()> {
    let (uuid, at) = (row["device"]["uuid"].as_str().unwrap(), site::time(&row["measured_at"]));
    let sample = format!("timestamp(DCGM_FI_DEV_GPU_UTIL{{UUID=\"{uuid}\"}} @ {at:.3})");
    let times: Vec<f64> =
        site.prometheus.query(&sample).await?.iter().filter_map(|time| time.value.parse().ok()).collect();
    assert!(times.len() == 1 && (times[0] - at).abs() < 0.000_9, "measured at {at}, scraped at {times:?}");
    Ok(())
}

/// The pods of a workload are rolled up: sums, means and maxima of what their GPUs measure.
async fn a_workload_is_its_gpus_together(site: &Site) -> Result<()> {
    let filter = format!("namespace={}", site.namespace);
    let said = site.terminal.json(&["workloads", "--json", "--filter", &filter]).await?;
    let all = said["workloads"].as_array().unwrap();
    assert_eq!(all.len(), 6);
    let llama = all.iter().find(|one| one["name"] == "llama-0").unwrap_or(&Value::Null);
    assert_eq!(llama["gpus_held"], 4, "{llama:#}");
    for (metric, value) in [("power", 4.0 * 488.315), ("util", 0.83), ("temp", 61.0)] {
        assert!(nearly(measured(llama, metric), value), "{metric} is not {value} in {llama:#}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_come_and_go_are_followed_from_poll_to_poll() -> Result<()> {
    let site = Site::start("follow", &Plan { nodes: 1, pods: vec![("llama", 2, 2)], jobs: &["dcgm"] }).await?;
    let mut watch = site.watch()?;
    site.until_owned(&mut watch, "the first pods are known").await?;

    let api = site.plane.api()?;
    let pods = format!("/api/v1/namespaces/{}/pods", site.namespace);
    let late = GpuPods::new(&site.namespace, "late", 1, 3).on("follow");
    site.plane.add_gpu_pods(&late).await?;
    site.plane.wait_running(&late, LIMIT).await?;
    acceptance::until("the GPUs follow", LIMIT, async || Ok((site.held().len() == 7).then_some(()))).await?;
    site.until_owned(&mut watch, "the pod that came is known by its GPUs").await?;

    api.delete(&format!("{pods}/llama-0?gracePeriodSeconds=0")).await?;
    acceptance::until("the GPUs are let go", LIMIT, async || Ok((site.held().len() == 5).then_some(()))).await?;
    site.until_owned(&mut watch, "the pod that went holds nothing").await?;
    Ok(())
}
