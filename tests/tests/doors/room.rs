//! Room in the terminal, asked once, on a real cluster: what disruption budgets let go is waited for, and what they do not is
//! no move.

use std::time::Duration;

use crate::browser_room::cluster;
use acceptance::{APP_LABEL, ControlPlane, GpuNodes, Result, Terminal, until};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const POOL: &str = "NVIDIA-A100-SXM4-80GB";

/// GPUs of this product are given out by claims alone.
const CLAIMED: &str = "NVIDIA-B200";

/// A pool, as the terminal tells it.
async fn pool(terminal: &Terminal, name: &str) -> Result<Value> {
    let said = terminal.json(&["room", "--json", "--filter", &format!("name={name}")]).await?;
    Ok(said["pools"][0].clone())
}

/// A node whose two GPUs no device plug-in counts: their driver publishes them, and one of them is claimed by a pod. Both are
/// written by the test, since no driver runs.
async fn claimed(plane: &ControlPlane, namespace: &str) -> Result<()> {
    let nodes = GpuNodes { product: CLAIMED.to_owned(), ..GpuNodes::new("claimed", 1, 0) };
    plane.add_gpu_nodes(&nodes, LIMIT).await?;
    let (api, node) = (plane.api()?, nodes.name(0));
    let device = |name: &str| json!({ "name": name, "attributes": { "uuid": { "string": format!("GPU-{name}") } } });
    let slice = json!({
        "metadata": { "name": "claimed" },
        "spec": {
            "driver": "gpu.nvidia.com",
            "nodeName": node,
            "pool": { "name": "claimed", "generation": 1, "resourceSliceCount": 1 },
            "devices": [device("gpu-0"), device("gpu-1")],
        },
    });
    api.create("/apis/resource.k8s.io/v1/resourceslices", &slice).await?;
    let pod = json!({
        "metadata": { "name": "claims" },
        "spec": { "nodeName": node, "containers": [{ "name": "server", "image": "registry.invalid/server:1" }] },
    });
    let pod = api.create(&format!("/api/v1/namespaces/{namespace}/pods"), &pod).await?;
    let path = format!("/apis/resource.k8s.io/v1/namespaces/{namespace}/resourceclaims");
    let request = json!({ "name": "gpu", "exactly": { "deviceClassName": "gpu" } });
    let claim = json!({ "metadata": { "name": "claims" }, "spec": { "devices": { "requests": [request] } } });
    api.create(&path, &claim).await?;
    let result = json!({ "request": "gpu", "driver": "gpu.nvidia.com", "pool": "claimed", "device": "gpu-1" });
    let status = json!({
        "allocation": { "devices": { "results": [result] } },
        "reservedFor": [{ "resource": "pods", "name": "claims", "uid": pod["metadata"]["uid"] }],
    });
    api.patch(&format!("{path}/claims/status"), &json!({ "status": status })).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_whose_disruption_budget_lets_none_go_is_no_move() -> Result<()> {
    let (plane, namespace) = cluster().await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    // One question is enough: it is not answered before budgets are told.
    let open = pool(&terminal, POOL).await?;
    let moves = open["relief"]["Moves"]["moves"].as_array().cloned().unwrap_or_default();
    assert!(moves.len() == 1 && moves[0]["gpus"] == 3, "{open:#}");
    assert_eq!((&open["held_back"], &open["not_known"]), (&json!(0), &json!(0)), "{open:#}");

    let budget = |least: u32| {
        json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "embed", "namespace": namespace },
            "spec": { "minAvailable": least, "selector": { "matchLabels": { APP_LABEL: "embed" } } },
        })
        .to_string()
    };
    let allowed = ["get", "pdb", "embed", "-n", &namespace, "-o", "jsonpath={.status.disruptionsAllowed}"];
    let allows = async |number: &str| {
        until("the budget is reckoned", LIMIT, async || Ok((plane.kubectl(&allowed).await? == number).then_some(())))
            .await
    };
    plane.apply(&budget(2)).await?;
    // It is reckoned by the controller of Kubernetes: 0 before, and 0 then.
    let healthy = ["get", "pdb", "embed", "-n", &namespace, "-o", "jsonpath={.status.currentHealthy}"];
    until("its pods are counted", LIMIT, async || Ok((plane.kubectl(&healthy).await? == "2").then_some(()))).await?;
    let held = pool(&terminal, POOL).await?;
    assert_eq!((&held["relief"], &held["held_back"]), (&json!("None"), &json!(2)), "{held:#}");
    let text = terminal.good(&["room", "--filter", &format!("name={POOL}")]).await?;
    assert!(text.contains("no moves would make room; disruption budgets hold 2 pods back"), "{text}");
    let pods =
        terminal.good(&["pods", "--filter", &format!("namespace={namespace}"), "--columns", "pod,eviction"]).await?;
    let line = |name: &str| pods.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("embed-").contains("held by embed") && line("chat-").contains("may go"), "{pods}");

    plane.apply(&budget(1)).await?;
    allows("1").await?;
    let again = pool(&terminal, POOL).await?;
    assert!(again["relief"]["Moves"].is_object(), "{again:#}");

    // Devices and claims are listed later than all else, and each question is one of a program that has heard nothing yet.
    claimed(&plane, &namespace).await?;
    for _ in 0..3 {
        let told = pool(&terminal, CLAIMED).await?;
        assert_eq!((&told["total"], &told["free"]), (&json!(2), &json!(1)), "{told:#}");
        let said = terminal.json(&["waste", "--json"]).await?;
        let is_its = |item: &&Value| item["pods"].to_string().contains("\"claims\"");
        let item = said["waste"].as_array().into_iter().flatten().find(is_its);
        assert_eq!(item.map(|item| &item["gpus"]), Some(&json!(1)), "{said:#}");
    }
    Ok(())
}
