//! Room and waste as a person reads them in a browser: on a real cluster, by one who may read and not write, and by one who
//! may read a single namespace.

use std::path::{Path, PathBuf};
use std::time::Duration;

use acceptance::{APP_LABEL, ControlPlane, GPU, GpuNodes, GpuPods, Options, POOL_LABEL, Page, Result, Rule, Terminal};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
const READ: [&str; 3] = ["get", "list", "watch"];
const OTHER: &str = "NVIDIA-A100-SXM4-80GB";

/// Two pods of a deployment that stand on two nodes, since they may not stand on one.
async fn apart(plane: &ControlPlane, namespace: &str, name: &str, pool: &str, gpus: u32) -> Result<()> {
    let labels = json!({ APP_LABEL: name });
    let apart = json!({ "labelSelector": { "matchLabels": labels }, "topologyKey": "kubernetes.io/hostname" });
    let deployment = json!({
        "metadata": { "name": name },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "nodeSelector": { POOL_LABEL: pool },
                    "affinity": { "podAntiAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [apart] } },
                    "containers": [{
                        "name": "server",
                        "image": "registry.invalid/models/server:1.0.0",
                        "resources": { "limits": { "cpu": "1", GPU: gpus.to_string() } },
                    }],
                },
            },
        },
    });
    plane.api()?.create(&format!("/apis/apps/v1/namespaces/{namespace}/deployments"), &deployment).await?;
    plane.wait_running(&GpuPods::new(namespace, name, 2, gpus), LIMIT).await
}

/// A cluster with two pools of two nodes. Of the one three GPUs are free on each node, of the other five; a pod of four and one
/// of sixteen wait.
pub async fn cluster() -> Result<(ControlPlane, String)> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("tight", 2, 8), LIMIT).await?;
    let loose = GpuNodes { product: OTHER.to_owned(), ..GpuNodes::new("loose", 2, 8) };
    plane.add_gpu_nodes(&loose, LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    apart(&plane, &namespace, "chat", "tight", 5).await?;
    apart(&plane, &namespace, "embed", "loose", 3).await?;
    plane.add_gpu_pods(&GpuPods::new(&namespace, "wide", 1, 6).on("tight")).await?;
    plane.add_gpu_pods(&GpuPods::new(&namespace, "huge", 1, 16).on("tight")).await?;
    Ok((plane, namespace))
}

/// A terminal of somebody who has these rights, connected to the cluster as `mine`.
async fn somebody(
    plane: &ControlPlane,
    namespace: &str,
    name: &str,
    within: Option<&str>,
    rules: &[Rule],
) -> Result<Terminal> {
    let (subject, token) = plane.service_account(namespace, name).await?;
    plane.grant(&subject, within, rules).await?;
    let kubeconfig: PathBuf = plane.kubeconfig_for(&token)?;
    let terminal = Terminal::new(&kubeconfig)?;
    let context = context(&kubeconfig);
    let mut add = vec!["connect", "add", "kubernetes", "--context", context.as_str(), "--name", "mine"];
    add.extend(within.into_iter().flat_map(|only| ["--namespaces", only]));
    // What may not be read is said, and is no failure.
    let said = terminal.call(&add).await?;
    assert!(said.out.contains("mine is added"), "{said:?}");
    Ok(terminal)
}

fn context(kubeconfig: &Path) -> String {
    let text = std::fs::read_to_string(kubeconfig).unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    config["contexts"][0]["name"].as_str().unwrap().to_owned()
}

/// Shows a table's only row that a filter leaves.
async fn only(page: &Page, tab: &str, filter: &str) -> Result<()> {
    page.press(tab).await?;
    page.fill("table-filter", filter).await?;
    page.reads_as("[data-test='table-count']", |text| text.starts_with("1 of"), &format!("has one {filter}")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_sees_what_fits_what_would_make_room_and_why_each_pod_waits() -> Result<()> {
    let (plane, namespace) = cluster().await?;
    let rules =
        [Rule::new("", &["nodes", "namespaces", "pods"], &READ), Rule::new("events.k8s.io", &["events"], &READ)];
    let terminal = somebody(&plane, &namespace, "reader", None, &rules).await?;
    let (door, address) = terminal.serve(&[]).await?;
    let page = Page::browser((1600, 900), &address).await?;
    page.find_by("[data-test='chip-mine'][data-state='live']").await?;
    let row = "[data-test='row']";
    let has = |words: &'static [&'static str]| move |text: &str| words.iter().all(|word| text.contains(word));

    // Three and three are free, so that a four fits nowhere, and nothing that could be moved would change it.
    only(&page, "tab-room", "name=NVIDIA-H100-80GB-HBM3").await?;
    let cells = |text: &str| {
        let cells: Vec<&str> = text.split_whitespace().collect();
        // Nodes, GPUs, free, and how many pods of 1, 2, 4 and 8 fit.
        cells.windows(7).any(|cells| cells == ["2", "16", "6", "6", "2", "0", "0"])
    };
    page.reads_as(row, cells, "has its numbers").await?;
    page.reads_as(row, has(&["no moves would make it"]), "says that nothing helps").await?;
    only(&page, "tab-room", &format!("name={OTHER}")).await?;
    let freed = |text: &str| {
        ["loose-0000 would be free: embed-", "loose-0001 would be free: embed-"].iter().any(|way| text.contains(way))
            && text.contains(" to loose-000")
            // This reader may not look at them.
            && text.contains("disruption budgets are not read")
    };
    page.reads_as(row, freed, "names the moves that would free a node").await?;

    // A pod that waits is told why, in numbers.
    only(&page, "tab-pending", "name=wide-0").await?;
    let why = has(&["asks 6; largest hole is 5 on loose-000", "16 free in 4 nodes", "of 2 pools"]);
    page.reads_as(row, why, "says why in numbers").await?;
    only(&page, "tab-pending", "name=huge-0").await?;
    page.reads_as(row, has(&["can never run: asks 16, the largest node has 8"]), "says that it never will").await?;
    let said = terminal.json(&["room", "--json"]).await?;
    let told: Vec<_> = said["pending"].as_array().unwrap().iter().map(|pod| (&pod["asks"], &pod["why"])).collect();
    assert_eq!(told, [(&16.into(), &"Never".into()), (&6.into(), &"Fragmented".into())], "{said:#}");

    // What nobody can use is waste; what nobody measures is not said to be.
    only(&page, "tab-waste", "rule=stranded verdict=yes gpus=6").await?;
    let left = has(&["Free GPUs that are left over: 6 of 6, nodes: 2, the smallest usual pod: 5."]);
    page.reads_as(row, left, "says how many and why").await?;
    page.fill("table-filter", "verdict=\"cannot tell\" rule=\"held idle\"").await?;
    page.reads_as(row, has(&["held idle", "Nobody measures the GPUs of its node."]), "says what is missing").await?;
    drop(door);
    page.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_one_namespace_is_told_what_cannot_be_told_and_no_number_that_is_wrong() -> Result<()> {
    let (plane, namespace) = cluster().await?;
    let rules = [Rule::new("", &["pods"], &READ), Rule::new("events.k8s.io", &["events"], &READ)];
    let terminal = somebody(&plane, &namespace, "tenant", Some(&namespace), &rules).await?;
    let (door, address) = terminal.serve(&[]).await?;
    let page = Page::browser((1600, 900), &address).await?;
    page.find_by("[data-test='chip-mine']").await?;
    only(&page, "tab-pending", "name=wide-0").await?;
    let why = |text: &str| text.contains("cannot tell: the nodes of the cluster are not all read");
    page.reads_as("[data-test='row']", why, "says what is not read").await?;
    let said = terminal.call(&["room", "--json"]).await?;
    let said: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said["pools"], json!([]), "{said:#}");
    let whys: Vec<_> = said["pending"].as_array().unwrap().iter().map(|pod| &pod["why"]).collect();
    assert_eq!(whys, ["CannotTell", "CannotTell"], "{said:#}");
    drop(door);
    page.close().await
}
