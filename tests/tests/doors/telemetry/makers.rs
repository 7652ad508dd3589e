//! Cards of other makers, and engines other than vLLM and SGLang: pods of a real cluster, the text of their exporters, a real
//! Prometheus, and what `pilothouse` says. The text is the harness's; all between it and the terminal is real.

use super::engines::{of, serving, work};
use crate::telemetry_site::{LIMIT, Plan, Site, at, measured, nearly, rows};
use acceptance::exporter::{Card, Cards, Engine, EngineKind, Vendor};
use acceptance::{APP_LABEL, GPU, GpuPods, Holder, POOL_LABEL, Result, until};
use serde_json::{Value, json};

const AMD: &str = "amd.com/gpu";
const INTEL: &str = "gpu.intel.com/i915";

/// A node that offers two cards of this kind, and a pod that has one of them.
async fn pod_on(site: &Site, node: usize, key: &str, pod: &str) -> Result<()> {
    let api = site.plane.api()?;
    let resources = json!({ GPU: "0", key: "2" });
    let status = json!({ "status": { "capacity": resources, "allocatable": resources } });
    api.patch(&format!("/api/v1/nodes/{}/status", site.node(node)), &status).await?;
    let pod = json!({
        "metadata": { "name": pod, "labels": { APP_LABEL: pod } },
        "spec": {
            "nodeSelector": { POOL_LABEL: site.pool },
            "containers": [{
                "name": "server",
                "image": "registry.invalid/server:1",
                "resources": { "limits": { "cpu": "1", key: "1" } },
            }],
        },
    });
    api.create(&format!("/api/v1/namespaces/{}/pods", site.namespace), &pod).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_of_amd_and_intel_are_read_as_those_of_nvidia_are() -> Result<()> {
    let site = Site::unconnected("makers", &Plan { nodes: 2, pods: Vec::new(), jobs: &["dcgm", "cards"] }).await?;
    let both = [(0, Vendor::Amd, AMD, "amd-0"), (1, Vendor::Intel, INTEL, "intel-0")];
    for (node, vendor, key, pod) in both {
        pod_on(&site, node, key, pod).await?;
        site.plane.wait_running(&GpuPods::new(&site.namespace, pod, 1, 0), LIMIT).await?;
        let mut cards = Cards::new(vendor, &site.node(node), 2);
        cards.cards[1] = Card {
            holder: Some(Holder { namespace: site.namespace.clone(), pod: pod.into(), container: "server".into() }),
            busy: 0.83,
            used_mib: 120_000.0,
            watts: 612.5,
            celsius: 71.0,
            ..cards.cards[1].clone()
        };
        site.exporters.change(|pages| pages.cards.insert(site.node(node), cards));
    }
    // No exporter of NVIDIA is there.
    site.exporters.change(|pages| pages.nodes.clear());
    site.prometheus.set_targets("dcgm", &[])?;
    site.prometheus.set_targets("cards", &site.exporters.card_targets())?;
    for (series, count) in [("DCGM_FI_DEV_GPU_TEMP", 0), ("gpu_gfx_activity", 2), ("xpum_engine_ratio", 4)] {
        until(&format!("there are {count} series {series}"), LIMIT, async || {
            Ok((site.prometheus.query(series).await?.len() == count).then_some(()))
        })
        .await?;
    }
    site.connect().await?;

    let mut watch = site.watch()?;
    let rows = watch.until("each card with a pod is known to be its", LIMIT, |said| {
        let rows = rows(said);
        let held = rows.iter().filter(|row| row["method"] == "Device" && row["metrics"]["power"].is_number()).count();
        (rows.len() == 4 && held == 2).then_some(rows)
    });
    let rows = rows.await?;
    for (node, vendor, _, pod) in both {
        let (held, free) = (at(&rows, &site.node(node), 1), at(&rows, &site.node(node), 0));
        assert_eq!((&held["holder"]["name"], &held["state"]), (&pod.into(), &"Held".into()), "{held:#}");
        // The exporter's own pod holds nothing.
        assert_eq!((&free["holder"], &free["state"]), (&Value::Null, &"Free".into()), "{free:#}");
        let product =
            if vendor == Vendor::Amd { "AMD Instinct MI300X OAM" } else { "Intel(R) Data Center GPU Max 1550" };
        assert_eq!(held["product"], product, "{held:#}");
        for (metric, busy, idle) in [
            ("util", 0.83, 0.0),
            // Of Intel's card the tiles are added up.
            ("memory", 120_000.0 * 1_048_576.0, 283.0 * 1_048_576.0),
            ("power", 612.5, 130.0),
            ("temp", 71.0, 38.0),
        ] {
            assert!(nearly(measured(held, metric), busy), "{metric} is not {busy} in {held:#}");
            assert!(nearly(measured(free, metric), idle), "{metric} is not {idle} in {free:#}");
        }
    }
    let (amd, intel) = (at(&rows, &site.node(0), 1), at(&rows, &site.node(1), 1));
    assert!(
        nearly(measured(amd, "memory-total"), 196_592.0 * 1_048_576.0) && nearly(measured(amd, "memory-temp"), 75.0)
    );
    assert!(nearly(measured(intel, "clock"), 1_600.0) && intel["metrics"].get("memory-total").is_none(), "{intel:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_engine_is_known_by_its_own_names() -> Result<()> {
    let kinds = [
        ("tgi", EngineKind::Tgi, "tgi"),
        ("trt", EngineKind::TrtLlm, "trtllm-serve"),
        ("triton", EngineKind::Triton, "triton"),
        ("front", EngineKind::DynamoFrontend, "dynamo"),
        ("worker", EngineKind::DynamoWorker, "dynamo"),
        ("sgl", EngineKind::Sglang, "sglang"),
    ];
    let pods = kinds.map(|(pod, ..)| (pod, 1, 1)).to_vec();
    let site = Site::unconnected("engine-kinds", &Plan { nodes: 1, pods, jobs: &["dcgm", "engines"] }).await?;
    site.exporters.change(|pages| {
        for (pod, kind, _) in kinds {
            let engine =
                Engine { running: 5.0, waiting: 3.0, kv_use: 0.625, failures: 7.0, ..Engine::new(kind, "llama-70b") };
            pages.engines.insert(format!("{pod}-0"), engine);
        }
    });
    let targets: Vec<_> =
        kinds.iter().map(|(pod, ..)| site.exporters.engine_target(&site.namespace, &format!("{pod}-0"))).collect();
    site.prometheus.set_targets("engines", &targets)?;
    let _work = work(&site.exporters);
    site.connect().await?;

    let filter = format!("namespace={}", site.namespace);
    let mut watch = site.terminal.watch(&["pods", "--filter", &filter])?;
    let told = |said: &Value, pod: &str, metric: &str| of(serving(said, "pods", &format!("{pod}-0")), metric).as_f64();
    let said = watch.until("all of them tell", LIMIT * 2, |said| {
        let quantiles = [
            ("tgi", "tpot-p99"),
            ("trt", "ttft-p99"),
            ("trt", "tpot-p99"),
            ("front", "ttft-p99"),
            ("front", "itl-p99"),
        ];
        let rates =
            [("tgi", "tokens"), ("trt", "tokens"), ("front", "tokens"), ("sgl", "tokens"), ("tgi", "prompt-tokens")];
        let rates = rates.iter().all(|(pod, metric)| told(said, pod, metric) > Some(100.0));
        (rates && quantiles.iter().all(|(pod, metric)| told(said, pod, metric).is_some())).then(|| said.clone())
    });
    let said = said.await?;
    for (pod, _, engine) in kinds {
        let row = serving(&said, "pods", &format!("{pod}-0"));
        assert_eq!((&row["engines"][0], &row["stale"]), (&engine.into(), &false.into()), "{row:#}");
        // TGI names no model.
        let model = if pod == "tgi" { Value::Null } else { "llama-70b".into() };
        assert_eq!(row["models"][0], model, "{row:#}");
        let waiting = (pod != "worker").then_some(3.0);
        let kv = (!["tgi", "front"].contains(&pod)).then_some(0.625);
        for (metric, value) in [("running", Some(5.0)), ("waiting", waiting), ("kv", kv)] {
            assert_eq!(of(row, metric).as_f64(), value, "{metric} of {row:#}");
        }
    }
    for (pod, metric, value) in [
        ("trt", "ttft-p50", 0.05),
        ("front", "ttft-p50", 0.05),
        ("trt", "tpot-p99", 0.02485),
        ("tgi", "tpot-p99", 0.02485),
        ("front", "itl-p99", 0.02485),
        // What failed before is no rate, and who hung up did not fail.
        ("tgi", "failed", 0.0),
        ("triton", "failed", 0.0),
        ("front", "failed", 0.0),
    ] {
        let told = told(&said, pod, metric);
        assert!(told.is_some_and(|told| (told - value).abs() < 1e-5), "{metric} of {pod} is not {value}: {told:?}");
    }
    Ok(())
}
