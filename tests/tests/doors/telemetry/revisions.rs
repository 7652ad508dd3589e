//! Two revisions of one service side by side with what their engines say: pods of a real cluster, the text of vLLM for each, a
//! real Prometheus, and the page of the service in the terminal and in the browser.

use crate::telemetry::engines::work;
use crate::telemetry_site::{LIMIT, Plan, Site};
use acceptance::exporter::{Engine, EngineKind};
use acceptance::{APP_LABEL, GpuPods, Page, Result, until};
use serde_json::{Value, json};

/// Pods of the Deployment with this image, once so many run.
async fn running(site: &Site, tag: &str, count: usize) -> Result<Vec<String>> {
    let path = format!("/api/v1/namespaces/{}/pods?labelSelector={APP_LABEL}=chat", site.namespace);
    let api = site.plane.api()?;
    until(&format!("{count} pods of {tag} run"), LIMIT, async || {
        let list = api.get(&path).await?;
        let is_one = |pod: &&Value| {
            let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
            image.ends_with(tag) && pod["status"]["phase"] == "Running"
        };
        let pods = list["items"].as_array().into_iter().flatten().filter(is_one);
        let mut names: Vec<String> =
            pods.filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned)).collect();
        names.sort();
        Ok((names.len() == count).then_some(names))
    })
    .await
}

/// What the engines of a revision say together.
fn engines(service: &Value, number: u64) -> &Value {
    let rows = service["revisions"].as_array().map_or(&[][..], Vec::as_slice);
    rows.iter().find(|row| row["number"] == number).map_or(&Value::Null, |row| &row["serving"])
}

#[tokio::test(flavor = "multi_thread")]
async fn two_revisions_of_a_service_stand_side_by_side_with_what_their_engines_say() -> Result<()> {
    let site = Site::unconnected("revisions", &Plan { nodes: 1, pods: Vec::new(), jobs: &["dcgm", "engines"] }).await?;
    let pods = GpuPods::new(&site.namespace, "chat", 2, 1).on("revisions");
    site.plane.add_gpu_deployment(&pods).await?;
    let old = running(&site, ":1.0.0", 2).await?;
    // A pod of another image comes beside the two, and is not to be trusted for an hour: so both revisions stay.
    let change = json!({ "spec": {
        "minReadySeconds": 3600, "progressDeadlineSeconds": 7200,
        "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
        "template": { "spec": { "containers": [{ "name": "server", "image": "registry.invalid/models/server:2.0.0" }] } },
    } });
    let words =
        ["patch", "deployment", "chat", "-n", &site.namespace, "--type", "strategic", "-p", &change.to_string()];
    site.plane.kubectl(&words).await?;
    let new = running(&site, ":2.0.0", 1).await?;
    assert_eq!(running(&site, ":1.0.0", 2).await?, old);

    site.exporters.change(|pages| {
        let vllm = || Engine::new(EngineKind::Vllm, "llama-70b");
        let first = Engine { running: 3.0, waiting: 1.0, kv_use: 0.125, ..vllm() };
        let second = Engine { running: 5.0, waiting: 0.0, kv_use: 0.25, ..vllm() };
        // What comes has more to wait for, and less room.
        let newest = Engine { running: 2.0, waiting: 9.0, kv_use: 0.75, ..vllm() };
        let named = [(&old[0], first), (&old[1], second), (&new[0], newest)];
        pages.engines.extend(named.map(|(pod, engine)| (pod.clone(), engine)));
    });
    let targets: Vec<_> =
        old.iter().chain(&new).map(|pod| site.exporters.engine_target(&site.namespace, pod)).collect();
    site.prometheus.set_targets("engines", &targets)?;
    let _work = work(&site.exporters);
    until("the engines are scraped", LIMIT, async || {
        Ok((site.prometheus.query("vllm:num_requests_running").await?.len() == 3).then_some(()))
    })
    .await?;
    site.connect().await?;

    let name = format!("{}/chat", site.namespace);
    let mut watch = site.terminal.follow(&["rollout", "watch", &name, "--json"])?;
    let said = watch.until("both tell a p99", LIMIT, |said| {
        let tells = |number: u64| engines(&said["service"], number)["metrics"]["ttft-p99"].is_number();
        (tells(1) && tells(2)).then(|| said["service"].clone())
    });
    let said = said.await?;
    // Of two pods requests are added up, and the fuller cache counts.
    for (number, pods, all) in [
        (1, 2, [("running", 8.0), ("waiting", 1.0), ("kv", 0.25), ("ttft-p50", 0.05)]),
        (2, 1, [("running", 2.0), ("waiting", 9.0), ("kv", 0.75), ("ttft-p50", 0.05)]),
    ] {
        let row = engines(&said, number);
        assert_eq!(
            (&row["engines"], &row["pods"], &row["stale"]),
            (&json!(["vllm"]), &json!(pods), &json!(false)),
            "{row:#}"
        );
        for (metric, value) in all {
            let told = row["metrics"][metric].as_f64();
            let fits = told.is_some_and(|told| (told - value).abs() < 1e-5);
            assert!(fits, "{metric} of revision {number} is not {value} in {row:#}");
        }
    }
    drop(watch);

    let page = site.terminal.good(&["rollout", "get", &name]).await?;
    let table: Vec<&str> = page.lines().skip_while(|line| *line != "What their engines say").collect();
    let line = |number: &str| {
        let found = table.iter().find(|line| line.split_whitespace().take(2).eq([number, "vLLM"]));
        found.copied().unwrap_or_default()
    };
    assert!(line("1").contains("25 %") && line("2").contains("75 %"), "{page}");

    let (door, address) = site.terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &address).await?;
    page.press("rail-delivery").await?;
    page.fill("delivery-filter", &format!("namespace={}", site.namespace)).await?;
    let row = format!("[data-test='row'][data-key='workload:admin/{}/Deployment/chat']", site.namespace);
    page.press_by(&row).await?;
    // The newer one first.
    let both = |text: &str| {
        let says = |label: &str, values: [&str; 2]| {
            text.lines().any(|line| line.split('\t').map(str::trim).eq([label, values[0], values[1]]))
        };
        says("Waiting", ["9", "1"]) && says("KV cache in use", ["75 %", "25 %"])
    };
    page.reads_as("[data-test='revisions']", both, "has both beside each other").await?;
    page.find("revisions-measured").await?;
    drop(door);
    page.close().await
}
