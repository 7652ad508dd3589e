//! GPUs that pods have by claims (dynamic resource allocation), from end to end. The real scheduler gives them out and the real
//! controllers take them back; what a driver publishes is written by the test, since none runs where there is no GPU.

use crate::telemetry_site::{LIMIT, Plan, Site, measured, nearly, rows};
use acceptance::{APP_LABEL, GPU, GpuPods, POOL_LABEL, Result, until};
use serde_json::{Value, json};

const DRIVER: &str = "gpu.nvidia.com";
const CLASS: &str = "claims.gpu.nvidia.com";

/// What a driver publishes of the node's GPUs, as NVIDIA's writes it.
fn slice(site: &Site) -> Value {
    let device = |n: usize| {
        let (uuid, bus) = site.change_gpu(0, n, |gpu| (gpu.uuid.clone(), gpu.bus.to_lowercase()));
        json!({
            "name": format!("gpu-{n}"),
            "attributes": {
                "type": { "string": "gpu" },
                "uuid": { "string": uuid },
                "productName": { "string": "NVIDIA H100 80GB HBM3" },
                "driverVersion": { "version": "580.95.5" },
                "resource.kubernetes.io/pciBusID": { "string": bus[4..] },
            },
            "capacity": { "memory": { "value": "81559Mi" } },
        })
    };
    let node = site.node(0);
    json!({
        "metadata": { "name": format!("{node}-{DRIVER}") },
        "spec": {
            "driver": DRIVER,
            "nodeName": node,
            "pool": { "name": node, "generation": 1, "resourceSliceCount": 1 },
            "devices": (0..8).map(device).collect::<Vec<_>>(),
        },
    })
}

/// A claim to one GPU, and pods that use it.
async fn claimed(site: &Site, claim: &str, pods: &[&str]) -> Result<()> {
    let api = site.plane.api()?;
    let request = json!({ "name": "gpu", "exactly": { "deviceClassName": CLASS } });
    let object = json!({ "metadata": { "name": claim }, "spec": { "devices": { "requests": [request] } } });
    let path = |of: &str| format!("/apis/resource.k8s.io/v1/namespaces/{}/{of}", site.namespace);
    api.create(&path("resourceclaims"), &object).await?;
    for pod in pods {
        let pod = json!({
            "metadata": { "name": pod, "labels": { APP_LABEL: "claims" } },
            "spec": {
                "nodeSelector": { POOL_LABEL: site.pool },
                "resourceClaims": [{ "name": "gpu", "resourceClaimName": claim }],
                "containers": [{
                    "name": "server",
                    "image": "registry.invalid/server:1",
                    "resources": { "limits": { "cpu": "1" }, "claims": [{ "name": "gpu" }] },
                }],
            },
        });
        api.create(&format!("/api/v1/namespaces/{}/pods", site.namespace), &pod).await?;
    }
    Ok(())
}

/// The UUID of the GPU that the scheduler has given to a claim.
async fn given(site: &Site, claim: &str) -> Result<String> {
    let path = format!("/apis/resource.k8s.io/v1/namespaces/{}/resourceclaims/{claim}", site.namespace);
    let object = site.plane.api()?.get(&path).await?;
    let device = object["status"]["allocation"]["devices"]["results"][0]["device"].as_str().unwrap_or_default();
    let number: usize = device.trim_start_matches("gpu-").parse().unwrap_or_else(|_| panic!("{object:#}"));
    Ok(site.change_gpu(0, number, |gpu| gpu.uuid.clone()))
}

fn of<'a>(rows: &'a [Value], uuid: &str) -> &'a Value {
    rows.iter().find(|row| row["device"]["uuid"] == uuid).unwrap_or(&Value::Null)
}

/// Who has a GPU, and how that is known: holder, state, method, and how many.
fn who(row: &Value) -> [&Value; 4] {
    [&row["holder"]["name"], &row["state"], &row["method"], &row["sharers"]]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_is_known_by_the_gpu_of_its_claim_whether_it_is_measured_or_not() -> Result<()> {
    let site = Site::unconnected("claims", &Plan { nodes: 1, pods: Vec::new(), jobs: &["dcgm"] }).await?;
    let api = site.plane.api()?;
    // No device plug-in counts them.
    let none = json!({ "status": { "capacity": { GPU: "0" }, "allocatable": { GPU: "0" } } });
    api.patch(&format!("/api/v1/nodes/{}/status", site.node(0)), &none).await?;
    let selector = json!({ "cel": { "expression": format!("device.driver == '{DRIVER}'") } });
    let class = json!({ "metadata": { "name": CLASS }, "spec": { "selectors": [selector] } });
    api.create("/apis/resource.k8s.io/v1/deviceclasses", &class).await?;
    api.create("/apis/resource.k8s.io/v1/resourceslices", &slice(&site)).await?;
    claimed(&site, "alone", &["alone-0"]).await?;
    claimed(&site, "both", &["both-0", "both-1"]).await?;
    site.plane.wait_running(&GpuPods::new(&site.namespace, "claims", 3, 0), LIMIT).await?;
    let (alone, both) = (given(&site, "alone").await?, given(&site, "both").await?);

    // By the cluster's word alone.
    site.terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let mut watch = site.watch()?;
    let known = |rows: &[Value]| {
        let exact = who(of(rows, &alone)) == [&"alone-0".into(), &"Held".into(), &"Claim".into(), &Value::from(1)];
        let shared = of(rows, &both);
        exact
            && [&shared["state"], &shared["method"], &shared["sharers"]]
                == [&"Shared".into(), &"Shared".into(), &Value::from(2)]
    };
    let rows_then = watch.until("who has which GPU is known by claims", LIMIT, |said| {
        let rows = rows(said);
        let free = rows.iter().filter(|row| row["state"] == "Free").count();
        (rows.len() == 8 && free == 6 && known(&rows)).then_some(rows)
    });
    let rows_then = rows_then.await?;
    let row = of(&rows_then, &alone);
    assert_eq!(row["device"]["product"], "NVIDIA H100 80GB HBM3", "{row:#}");
    assert!(row["measured_at"].is_null() && row["device"]["source"].is_null(), "nobody measures it: {row:#}");
    let parts = ["both-0", "both-1"].map(|pod| Value::from(format!("shared {}/{pod}", site.namespace)));
    assert_eq!(of(&rows_then, &both)["device"]["parts"].as_array().map(Vec::as_slice), Some(&parts[..]));
    let filter = format!("namespace={}", site.namespace);
    let pool = format!("pool={}", site.pool);
    let table = site.terminal.good(&["gpus", "--filter", &pool, "--columns", "holder,how"]).await?;
    let line = table.lines().find(|line| line.contains("alone-0")).unwrap_or_default();
    assert!(line.contains("exact, by resource claim"), "{table}");
    let said = site.terminal.json(&["workloads", "--json", "--filter", &filter]).await?;
    let held: Vec<_> = said["workloads"].as_array().unwrap().iter().map(|one| &one["gpus_held"]).collect();
    assert_eq!(held, [1, 1, 1], "{said:#}");

    // And with what is measured of them: the exporter names none of the pods.
    let url = site.prometheus.url();
    site.terminal.good(&["connect", "add", "prometheus", "--name", "metrics", "--url", &url]).await?;
    let mut watch = site.watch()?;
    let rows_now = watch.until("they are measured, too", LIMIT, |said| {
        let rows = rows(said);
        let measured = rows.iter().all(|row| row["metrics"]["power"].is_number());
        (rows.len() == 8 && measured && known(&rows)).then_some(rows)
    });
    let rows_now = rows_now.await?;
    assert!(nearly(measured(of(&rows_now, &alone), "power"), 70.124));
    assert_eq!(of(&rows_now, &alone)["device"]["source"], "metrics");
    until("its workload reads as its GPU", LIMIT, async || {
        let said = site.terminal.json(&["workloads", "--json", "--filter", &filter]).await?;
        let all = said["workloads"].as_array().cloned().unwrap_or_default();
        let power = |name: &str| all.iter().find(|one| one["name"] == name)?["metrics"]["power"].as_f64();
        // Of what is shared no split is claimed.
        Ok((power("alone-0").is_some() && power("both-0").is_none()).then_some(()))
    })
    .await?;

    // The controllers take the reservation back once the pod is gone.
    api.delete(&format!("/api/v1/namespaces/{}/pods/alone-0?gracePeriodSeconds=0", site.namespace)).await?;
    watch
        .until("its GPU is free again", LIMIT, |said| {
            (who(of(&rows(said), &alone)) == [&Value::Null, &"Free".into(), &"Count".into(), &Value::from(0)])
                .then_some(())
        })
        .await
}
