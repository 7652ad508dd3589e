//! GPUs that change while they are watched: cut and made whole again, and of two kinds in one node. A real cluster, a real
//! Prometheus; at no moment a wrong owner, and at no moment a GPU that is not there.

use std::collections::BTreeSet;

use crate::telemetry_site::{LIMIT, Owners, Plan, Site, at, measured, nearly, owners, rows};
use acceptance::exporter::Instance;
use acceptance::{APP_LABEL, GPU, GpuNodes, GpuPods, Holder, POOL_LABEL, Result, until};
use serde_json::{Value, json};

const MIG: &str = "nvidia.com/mig-3g.40gb";

/// What the device plug-in offers of a node.
async fn offer(site: &Site, whole: u32, parts: u32) -> Result<()> {
    let resources = json!({ GPU: whole.to_string(), MIG: parts.to_string() });
    let status = json!({ "status": { "capacity": resources, "allocatable": resources } });
    site.plane.api()?.patch(&format!("/api/v1/nodes/{}/status", site.node(0)), &status).await.map(drop)
}

async fn add_slice(site: &Site, pod: &str) -> Result<()> {
    let limits = json!({ "cpu": "1", MIG: "1" });
    let object = json!({
        "metadata": { "name": pod, "labels": { APP_LABEL: "slice" } },
        "spec": {
            "nodeSelector": { POOL_LABEL: site.pool },
            "containers": [{ "name": "server", "image": "registry.invalid/server:1", "resources": { "limits": limits } }],
        },
    });
    site.plane.api()?.create(&format!("/api/v1/namespaces/{}/pods", site.namespace), &object).await.map(drop)
}

fn instance(site: &Site, id: u32, pod: Option<&str>) -> Instance {
    let holder = |pod: &str| Holder { namespace: site.namespace.clone(), pod: pod.into(), container: "server".into() };
    Instance { profile: "3g.40gb".into(), id, holder: pod.map(holder) }
}

/// What must hold of every answer: eight GPUs, each there once, and nobody said to own what is another's.
#[track_caller]
fn check(said: &Value, truth: &Owners) -> Vec<Value> {
    let rows = rows(said);
    if rows.is_empty() {
        return rows;
    }
    let uuids: BTreeSet<&str> = rows.iter().filter_map(|row| row["device"]["uuid"].as_str()).collect();
    assert!(rows.len() == 8 && uuids.len() == 8, "{} GPUs, {} of them known: {said:#}", rows.len(), uuids.len());
    let wrong: Vec<_> = owners(&rows).into_iter().filter(|(place, pod)| truth.get(place) != Some(pod)).collect();
    assert!(wrong.is_empty(), "{wrong:?} is wrong");
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gpu_that_is_cut_and_made_whole_again_while_it_is_watched_has_no_wrong_owner_and_no_ghost() -> Result<()> {
    let site = Site::start("recut", &Plan { nodes: 1, pods: vec![("llama", 1, 4)], jobs: &["dcgm"] }).await?;
    let (truth, node) = (site.held(), site.node(0));
    let uuid = site.change_gpu(0, 6, |gpu| gpu.uuid.clone());
    let mut watch = site.watch()?;
    site.until_owned(&mut watch, "the pod is known by its GPUs").await?;

    // It is cut in two, and nobody has a part yet.
    offer(&site, 7, 2).await?;
    site.change_gpu(0, 6, |gpu| gpu.instances = vec![instance(&site, 1, None), instance(&site, 2, None)]);
    watch
        .until("its memory is that of its parts", LIMIT, |said| {
            let rows = check(said, &truth);
            let memory = |row: &Value| row["metrics"]["memory"].as_f64();
            let cut = rows.len() == 8 && memory(at(&rows, &node, 6)) == Some(2.0 * 4.0 * 1_048_576.0);
            cut.then_some(())
        })
        .await?;

    // One part is taken.
    add_slice(&site, "slice-0").await?;
    site.plane.wait_running(&GpuPods::new(&site.namespace, "slice", 1, 0), LIMIT).await?;
    site.change_gpu(0, 6, |gpu| gpu.instances[1] = instance(&site, 2, Some("slice-0")));
    let shared = watch.until("it is shared", LIMIT, |said| {
        let rows = check(said, &truth);
        let row = (rows.len() == 8).then(|| at(&rows, &node, 6).clone())?;
        (row["method"] == "Shared").then_some(row)
    });
    let shared = shared.await?;
    assert_eq!(shared["device"]["uuid"], *uuid, "it is the same GPU");
    assert_eq!(shared["device"]["parts"].as_array().map(Vec::len), Some(1));

    // The pod goes, and the GPU is whole again, in the hands of another pod.
    site.plane
        .api()?
        .delete(&format!("/api/v1/namespaces/{}/pods/slice-0?gracePeriodSeconds=0", site.namespace))
        .await?;
    site.change_gpu(0, 6, |gpu| gpu.instances.clear());
    offer(&site, 8, 0).await?;
    let whole = watch.until("it is whole and free", LIMIT, |said| {
        let rows = check(said, &truth);
        let row = (rows.len() == 8).then(|| at(&rows, &node, 6).clone())?;
        (row["state"] == "Free" && row["metrics"]["util"].is_number()).then_some(row)
    });
    let whole = whole.await?;
    assert!(whole["holder"].is_null(), "{whole:#}");
    assert_eq!(whole["device"]["parts"].as_array().map(Vec::len).unwrap_or(0), 0, "{whole:#}");

    let late = GpuPods::new(&site.namespace, "late", 1, 4).on("recut");
    site.plane.add_gpu_pods(&late).await?;
    site.plane.wait_running(&late, LIMIT).await?;
    watch
        .until("it is held whole", LIMIT, |said| {
            let rows = rows(said);
            (owners(&rows) == site.held() && owners(&rows).len() == 8).then_some(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_gpus_of_two_kinds_in_one_node_are_each_what_they_are() -> Result<()> {
    let nodes = GpuNodes::new("sixteen", 1, 16);
    let plan = Plan { nodes: 1, pods: vec![("wide", 1, 12)], jobs: &["dcgm"] };
    let site = Site::with_nodes(&nodes, &plan).await?;
    for gpu in 8..16 {
        site.change_gpu(0, gpu, |gpu| (gpu.product, gpu.memory_mib) = ("NVIDIA L40S".into(), 46_068));
    }
    until("both kinds are scraped", LIMIT, async || {
        let named = site.prometheus.query("DCGM_FI_DEV_FB_USED{modelName=\"NVIDIA L40S\"}").await?;
        Ok((named.len() == 8).then_some(()))
    })
    .await?;
    site.connect().await?;
    let mut watch = site.watch()?;
    let rows = watch.until("all sixteen are known", LIMIT, |said| {
        let rows = rows(said);
        let both = rows.iter().any(|row| row["product"] == "NVIDIA L40S");
        (rows.len() == 16 && both && owners(&rows) == site.held()).then_some(rows)
    });
    let rows = rows.await?;
    assert_eq!(site.held().len(), 12);
    for gpu in 0..16 {
        let row = at(&rows, &site.node(0), gpu);
        let (product, mib) = if gpu < 8 { ("NVIDIA H100 80GB HBM3", 81_559.0) } else { ("NVIDIA L40S", 46_068.0) };
        assert_eq!(row["product"], product, "{row:#}");
        assert!(nearly(measured(row, "memory-total"), mib * 1_048_576.0), "{row:#}");
    }
    Ok(())
}
