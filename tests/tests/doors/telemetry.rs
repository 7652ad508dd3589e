//! Telemetry from end to end: pods of a real cluster, exporters whose GPUs follow them, a real Prometheus, and what
//! `pilothouse` says. The exporters' text is the harness's; all between it and the terminal is real.

mod access;
mod changes;
mod claims;
mod engines;
mod history;
mod makers;
mod revisions;
mod shared;
mod speakers;
use crate::telemetry_site as site;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

use crate::telemetry_site::{EVERY, LIMIT, Plan, Site, at, freshness, measured, nearly, owners, rows, stale};
use acceptance::exporter::{Instance, Mood, Node, Pages, Spelling};
use acceptance::prometheus::Job;
use acceptance::{APP_LABEL, Exporters, GPU, GpuPods, Holder, POOL_LABEL, Prometheus, Result, Terminal, until};
use serde_json::{Value, json};

/// A server that is lost is told of at the next poll.
const SOON: Duration = Duration::from_secs(20);
/// A server is asked no more often than this, however often it measures.
const POLL: Duration = Duration::from_secs(5);
const MIG: &str = "nvidia.com/mig-3g.40gb";
const SHARED: &str = "nvidia.com/gpu.shared";

#[tokio::test(flavor = "multi_thread")]
async fn each_gpu_of_a_pod_is_known_to_be_its_and_reads_as_its_exporter_says() -> Result<()> {
    let plan = Plan { nodes: 3, pods: vec![("train", 1, 8), ("llama", 3, 4), ("embed", 2, 1)], jobs: &["dcgm"] };
    let site = Site::start("owned", &plan).await?;
    site.change_gpu(0, 5, |gpu| gpu.values.insert("DCGM_FI_DEV_XID_ERRORS".into(), 79.0));
    let mut watch = site.watch()?;
    let hit = watch.until("the XID is a finding", LIMIT, |said| {
        let bad = rows(said).into_iter().find(|row| row["status"] == "Bad")?;
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
    until("the GPUs follow", LIMIT, async || Ok((site.held().len() == 7).then_some(()))).await?;
    site.until_owned(&mut watch, "the pod that came is known by its GPUs").await?;

    api.delete(&format!("{pods}/llama-0?gracePeriodSeconds=0")).await?;
    until("the GPUs are let go", LIMIT, async || Ok((site.held().len() == 5).then_some(()))).await?;
    site.until_owned(&mut watch, "the pod that went holds nothing").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_is_gone_is_said_and_what_it_said_ages_until_it_is_back() -> Result<()> {
    let mut site = Site::start("gone", &Plan { nodes: 1, pods: vec![("llama", 1, 4)], jobs: &["dcgm"] }).await?;
    let mut watch = site.watch()?;
    site.until_owned(&mut watch, "the pod is known by its GPUs").await?;
    // Once it has told twice, its interval is known, and so is what is late.
    let first = site::newest(&site.gpus().await?);
    watch.until("it is measured again", LIMIT, |said| (site::newest(&rows(said)) > first).then_some(())).await?;

    site.prometheus.kill();
    let lost =
        watch.until("it is lost", SOON, |said| (freshness(said, "metrics") == "Lost").then(|| rows(said))).await?;
    let powers = |rows: &[Value]| rows.iter().map(|row| measured(row, "power")).collect::<Vec<_>>();
    assert_eq!((lost.len(), owners(&lost)), (8, site.held()), "what is known stays");
    let test = site.terminal.call(&["connect", "test", "metrics"]).await?;
    assert!(test.code == 1 && test.err.contains("metrics refused the connection"), "{test:?}");
    let row = site.connection("metrics").await?;
    let problem = &row["health"]["Lost"];
    assert!(problem["code"] == "Refused" && problem["next"].is_string(), "{row:#}");

    let old = watch.until("its GPUs are stale", LIMIT, |said| {
        let rows = rows(said);
        rows.iter().all(|row| row["stale"] == true).then_some(rows)
    });
    let old = old.await?;
    assert_eq!(powers(&old), powers(&lost), "what is stale stays, too");
    assert_eq!(site::newest(&old), site::newest(&lost), "and says when it was measured");

    site.prometheus.start_again().await?;
    let again = watch.until("it is fresh again", LIMIT, |said| {
        let rows = rows(said);
        let fresh = freshness(said, "metrics") == "Live" && stale(&rows).is_empty();
        fresh.then_some(rows)
    });
    let again = again.await?;
    assert!(site::newest(&again) > site::newest(&old) && owners(&again) == site.held());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_prometheus_is_told_with_what_helps() -> Result<()> {
    let exporters = Exporters::serve([Node::new("alone", 2, "NVIDIA H100 80GB HBM3", 81_559)]).await?;
    let change = |change: &dyn Fn(&mut Pages)| exporters.change(|pages| change(pages));
    change(&|pages| pages.moods.extend([("alone".to_owned(), Mood::Broken)]));
    let prometheus = Prometheus::start(EVERY, &[Job::new("dcgm", exporters.gpu_targets())]).await?;
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    let test = async |url: &str| {
        terminal.call(&["connect", "add", "prometheus", "--name", "metrics", "--url", url, "--dry-run"]).await
    };
    let says = async |words: &[&str]| {
        until(&format!("it says {words:?}"), LIMIT, async || {
            let said = test(&prometheus.url()).await?;
            Ok((said.code != 0 && words.iter().all(|words| said.err.contains(words))).then_some(()))
        })
        .await
    };
    says(&["no measurement of a GPU", "no series of dcgm-exporter", "dcgmExporter.serviceMonitor.enabled"]).await?;

    // All that would tell each GPU from the others is left out, and the line that brings it is given.
    let named =
        ["DEV_GPU_UTIL", "PROF_GR_ENGINE_ACTIVE", "DEV_FB_USED", "DEV_POWER_USAGE", "DEV_GPU_TEMP", "DEV_SM_CLOCK"]
            .map(|name| format!("DCGM_FI_{name}"));
    change(&|pages| {
        pages.moods.clear();
        pages.nodes.values_mut().for_each(|node| node.without = named.to_vec());
    });
    says(&["none of the series that tell all GPUs apart", "counters CSV", "DCGM_FI_DEV_GPU_UTIL, gauge, "]).await?;

    change(&|pages| pages.nodes.values_mut().for_each(|node| node.without.clear()));
    until("it is well", LIMIT, async || {
        let said = test(&prometheus.url()).await?;
        Ok((said.code == 0 && said.out.contains("read 2 GPUs on 1 node")).then_some(()))
    })
    .await?;
    change(&|pages| pages.moods.extend([("alone".to_owned(), Mood::Broken)]));
    says(&["In the last six hours it had some, of 2 GPUs", "Status → Targets"]).await?;

    prometheus.lock()?;
    says(&["401", "Next: "]).await?;
    let nobody = test("http://127.0.0.1:1").await?;
    assert!(nobody.code == 1 && nobody.err.contains("refused"), "{nobody:?}");
    let other = test(&format!("http://{}", exporters.gpu_targets()[0].address)).await?;
    assert!(other.code == 1 && other.err.contains("no query API at this address"), "{other:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_that_is_silent_ages_alone_and_gpus_may_be_replaced_and_moved() -> Result<()> {
    let site = Site::start("silent", &Plan { nodes: 3, pods: vec![("train", 1, 8)], jobs: &["dcgm"] }).await?;
    let mut watch = site.watch()?;
    site.until_owned(&mut watch, "the pod is known by its GPUs").await?;
    let silent = site.node(0);
    let began = Instant::now();
    site.exporters.change(|pages| pages.moods.insert(silent.clone(), Mood::Silent));
    let rows_then = watch.until("its GPUs are stale", LIMIT, |said| {
        let rows = rows(said);
        (stale(&rows) == BTreeSet::from([silent.as_str()])).then_some(rows)
    });
    let rows_then = rows_then.await?;
    // The first poll that misses them tells it, before their age does, which takes two polls and a half.
    let took = began.elapsed();
    assert!(took < POLL + EVERY + Duration::from_secs(5), "{took:?}");
    assert_eq!(rows_then.iter().filter(|row| row["stale"] == true).count(), 8);
    assert!(rows_then.iter().all(|row| measured(row, "power") > 0.0), "what was measured stays");
    site.exporters.change(|pages| pages.moods.clear());
    watch.until("it is heard again", LIMIT, |said| stale(&rows(said)).is_empty().then_some(())).await?;

    // The technician puts a new GPU in.
    let new = "GPU-00000000-0000-4000-8000-000000000001";
    site.change_gpu(1, 7, |gpu| gpu.uuid = new.into());
    watch
        .until("the new GPU is in the place of the old", LIMIT, |said| {
            let rows = rows(said);
            (rows.len() == 24 && at(&rows, &site.node(1), 7)["device"]["uuid"] == new).then_some(())
        })
        .await?;

    // And carries one over to another node.
    let moved = site.change_gpu(1, 6, |gpu| {
        gpu.gone = true;
        gpu.uuid.clone()
    });
    site.change_gpu(2, 6, |gpu| gpu.uuid.clone_from(&moved));
    watch
        .until("it is on the other node, and on no other", LIMIT, |said| {
            let rows = rows(said);
            let on: Vec<_> =
                rows.iter().filter(|row| row["device"]["uuid"] == *moved).map(|row| &row["node"]).collect();
            (rows.len() == 24 && on == [&Value::from(site.node(2))]).then_some(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_exporters_make_no_wrong_owner_and_no_number_that_is_none() -> Result<()> {
    // Two pods fill each node. Two jobs scrape the same exporters.
    let plan = Plan { nodes: 5, pods: vec![("llama", 10, 4)], jobs: &["dcgm", "again"] };
    let site = Site::unconnected("odd", &plan).await?;
    let [contested, old, values, mixed, mute] = [0, 1, 2, 3, 4];
    let other = site.exporters.change(|pages| pages.holders[&site.place(contested, 4)].clone());
    site.change_gpu(contested, 0, |gpu| gpu.also.push(other));
    site.change(old, |node| node.spelling = Spelling::Old);
    for (gpu, power) in [(0, f64::NAN), (1, f64::INFINITY), (2, 0.0)] {
        site.change_gpu(values, gpu, |gpu| gpu.values.insert("DCGM_FI_DEV_POWER_USAGE".into(), power));
    }
    site.change(values, |node| node.renamed.insert("DCGM_FI_DEV_GPU_TEMP".into(), "gpu_temperature".into()));
    for gpu in 4..8 {
        site.change_gpu(mixed, gpu, |gpu| (gpu.product, gpu.memory_mib) = ("NVIDIA H200".into(), 143_771));
    }
    site.change(mute, |node| node.names_no_pods = true);
    // Both jobs have scraped the five as they are now: one that is said by two pods is there twice.
    for (series, count) in [
        ("DCGM_FI_DEV_FB_USED".to_owned(), 82),
        ("DCGM_FI_DEV_FB_USED{uuid!=\"\"}".to_owned(), 16),
        ("DCGM_FI_DEV_FB_USED{modelName=\"NVIDIA H200\"}".to_owned(), 8),
        ("gpu_temperature".to_owned(), 16),
        (format!("DCGM_FI_DEV_FB_USED{{Hostname=\"{}\",exported_pod=\"\"}}", site.node(mute)), 16),
    ] {
        until(&format!("there are {count} series {series}"), LIMIT, async || {
            Ok((site.prometheus.query(&series).await?.len() == count).then_some(()))
        })
        .await?;
    }
    site.connect().await?;

    let (contested, old, values, mixed, mute) =
        (site.node(contested), site.node(old), site.node(values), site.node(mixed), site.node(mute));
    let mut sure = site.held();
    assert_eq!(sure.len(), 40);
    // The pod that is named on one GPU more than it asked for is believed on none: which name is wrong nobody knows.
    sure.retain(|(node, gpu), _| *node != mute && !(*node == contested && [0, 4, 5, 6, 7].contains(gpu)));
    let mut watch = site.watch()?;
    let power = |rows: &[Value], gpu| at(rows, &values, gpu)["metrics"].get("power").cloned();
    let rows = watch.until("all that is sure is known", LIMIT, |said| {
        let rows = rows(said);
        // What is no number is null, and 0 is 0.
        let want = [Some(Value::Null), Some(Value::Null), Some(0.0.into())];
        (owners(&rows) == sure && [0, 1, 2].map(|gpu| power(&rows, gpu)) == want).then_some(rows)
    });
    let rows = rows.await?;
    assert_eq!(rows.len(), 40, "each GPU once, though it is scraped twice");

    let claimed = at(&rows, &contested, 0);
    assert_eq!((&claimed["method"], &claimed["holder"]), (&"Contested".into(), &Value::Null));
    for gpu in 0..8 {
        let row = at(&rows, &mute, gpu);
        assert_eq!((&row["method"], &row["state"]), (&"Unattributed".into(), &"Held".into()), "{row:#}");
        assert!(row["holder"].is_null());
        assert!(nearly(measured(at(&rows, &old, gpu), "memory"), 69_325.0 * 1_048_576.0));
    }

    // What is not there is not there.
    assert!(nearly(measured(at(&rows, &values, 3), "power"), 488.315));
    assert!(at(&rows, &values, 3)["metrics"].get("temp").is_none());
    assert!(nearly(measured(at(&rows, &values, 3), "memory-temp"), 71.0));

    for (gpu, product, mib) in [(0, "NVIDIA H100 80GB HBM3", 81_559.0), (7, "NVIDIA H200", 143_771.0)] {
        let row = at(&rows, &mixed, gpu);
        assert_eq!(row["product"], product);
        assert!(nearly(measured(row, "memory-total"), mib * 1_048_576.0), "{row:#}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_a_gpu_are_shared_and_nobody_is_said_to_have_a_part_of_what_is_measured() -> Result<()> {
    let plan = Plan { nodes: 1, pods: vec![("llama", 1, 4)], jobs: &["dcgm"] };
    let site = Site::unconnected("cut", &plan).await?;
    let api = site.plane.api()?;
    // Two of the eight GPUs are cut, as the device plug-in says it with the strategy "mixed".
    let resources = json!({ GPU: "6", MIG: "4" });
    let status = json!({ "status": { "capacity": resources, "allocatable": resources } });
    api.patch(&format!("/api/v1/nodes/{}/status", site.node(0)), &status).await?;
    for pod in ["slice-0", "slice-1", "slice-2"] {
        let limits = json!({ "cpu": "1", MIG: "1" });
        let pod = json!({
            "metadata": { "name": pod, "labels": { APP_LABEL: "slice" } },
            "spec": {
                "nodeSelector": { POOL_LABEL: site.pool },
                "containers": [{ "name": "server", "image": "registry.invalid/server:1", "resources": { "limits": limits } }],
            },
        });
        api.create(&format!("/api/v1/namespaces/{}/pods", site.namespace), &pod).await?;
    }
    site.plane.wait_running(&GpuPods::new(&site.namespace, "slice", 3, 0), LIMIT).await?;
    let instance = |id: u32, pod: Option<&str>| Instance {
        profile: "3g.40gb".into(),
        id,
        holder: pod.map(|pod| Holder {
            namespace: site.namespace.clone(),
            pod: pod.into(),
            container: "server".into(),
        }),
    };
    site.change_gpu(0, 6, |gpu| gpu.instances = vec![instance(1, Some("slice-0")), instance(2, Some("slice-1"))]);
    site.change_gpu(0, 7, |gpu| gpu.instances = vec![instance(1, Some("slice-2")), instance(2, None)]);
    site.connect().await?;

    let mut watch = site.watch()?;
    let rows = watch.until("the pods with instances are known", LIMIT, |said| {
        let rows = rows(said);
        let known = rows.len() == 8 && at(&rows, &site.node(0), 7)["method"] == "Shared";
        known.then_some(rows)
    });
    let rows = rows.await?;
    assert_eq!(owners(&rows), site.held(), "the GPUs that are whole have one owner");
    assert!([4, 5].iter().all(|gpu| at(&rows, &site.node(0), *gpu)["state"] == "Free"));
    for (gpu, pods) in [(6, 2), (7, 1)] {
        let row = at(&rows, &site.node(0), gpu);
        let said = [&row["state"], &row["method"], &row["sharers"]];
        assert_eq!(said, [&"Shared".into(), &"Shared".into(), &Value::from(pods)], "{row:#}");
        assert_eq!(row["device"]["parts"].as_array().map(Vec::len), Some(pods));
        assert!(nearly(measured(row, "power"), 70.124));
        assert!(nearly(measured(row, "memory"), 2.0 * 4.0 * 1_048_576.0), "instances are added up: {row:#}");
    }
    let filter = format!("namespace={}", site.namespace);
    let said = site.terminal.json(&["workloads", "--json", "--filter", &filter]).await?;
    for one in said["workloads"].as_array().unwrap() {
        let has = one["metrics"].as_object().is_some_and(|metrics| !metrics.is_empty());
        assert_eq!(has, one["name"] == "llama-0", "{one:#}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pods_that_take_turns_on_a_gpu_are_known_and_it_is_one_device() -> Result<()> {
    let plan = Plan { nodes: 1, pods: Vec::new(), jobs: &["dcgm"] };
    let site = Site::unconnected("turns", &plan).await?;
    let api = site.plane.api()?;
    // As the device plug-in says it with time-slicing and `renameByDefault`.
    let node = format!("/api/v1/nodes/{}", site.node(0));
    api.patch(&node, &json!({ "metadata": { "labels": { "nvidia.com/gpu.replicas": "4" } } })).await?;
    let resources = json!({ GPU: "0", SHARED: "32" });
    let status = json!({ "status": { "capacity": resources, "allocatable": resources } });
    api.patch(&format!("{node}/status"), &status).await?;
    let names = ["turn-0", "turn-1", "turn-2"];
    for pod in names {
        let limits = json!({ "cpu": "1", SHARED: "1" });
        let pod = json!({
            "metadata": { "name": pod, "labels": { APP_LABEL: "turn" } },
            "spec": {
                "nodeSelector": { POOL_LABEL: site.pool },
                "containers": [{ "name": "server", "image": "registry.invalid/server:1", "resources": { "limits": limits } }],
            },
        });
        api.create(&format!("/api/v1/namespaces/{}/pods", site.namespace), &pod).await?;
    }
    site.plane.wait_running(&GpuPods::new(&site.namespace, "turn", 3, 0), LIMIT).await?;
    let holder = |pod: &str| Holder { namespace: site.namespace.clone(), pod: pod.into(), container: "server".into() };
    site.change_gpu(0, 2, |gpu| gpu.turns = names.map(holder).into());
    site.connect().await?;

    let mut watch = site.watch()?;
    let row = watch.until("those who take turns are known", LIMIT, |said| {
        let rows = rows(said);
        (rows.len() == 8).then(|| at(&rows, &site.node(0), 2).clone()).filter(|row| row["sharers"] == 3)
    });
    let row = row.await?;
    assert_eq!([&row["state"], &row["method"]], [&Value::from("Shared"), &Value::from("Shared")], "{row:#}");
    let parts = names.map(|pod| Value::from(format!("shared {}/{pod}", site.namespace)));
    assert_eq!(row["device"]["parts"].as_array().map(Vec::as_slice), Some(&parts[..]), "{row:#}");
    assert!(nearly(measured(&row, "power"), 70.124), "one device, not three: {row:#}");
    Ok(())
}
