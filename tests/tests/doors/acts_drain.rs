//! A drain on a real cluster goes round: a pod that its disruption budget holds keeps no other on the node, and is told of.

use crate::acts::{LIMIT, Site};
use acceptance::{Context, GpuPods, Result, acting, until};
use serde_json::json;
use std::process::Stdio;

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_its_budget_holds_keeps_no_other_and_goes_once_it_may() -> Result<()> {
    let site = Site::operated().await?;
    // All on the first node: one that is held stands before one that is not.
    site.plane.kubectl(&["cordon", "acts-0001"]).await?;
    for name in ["first", "second"] {
        let pods = GpuPods::new(&site.namespace, name, 1, 1);
        site.plane.add_gpu_deployment(&pods).await?;
        site.plane.wait_running(&pods, LIMIT).await?;
    }
    site.plane.kubectl(&["uncordon", "acts-0001"]).await?;
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "keep", "namespace": site.namespace },
        "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app.kubernetes.io/name": "first" } } },
    });
    site.plane.apply(&budget.to_string()).await?;
    until("the budget is reckoned", LIMIT, async || {
        let healthy = ["get", "pdb", "keep", "-n", &site.namespace, "-o", "jsonpath={.status.currentHealthy}"];
        Ok((site.plane.kubectl(&healthy).await? == "1").then_some(()))
    })
    .await?;

    let mut command = site.terminal.command(&["act", "drain", "acts-0000", "--yes"])?;
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().could_not("start pilothouse")?;
    // A deletion takes a moment: those that end are not counted.
    let on = async |node: &str| {
        let path = format!(
            "jsonpath={{range .items[?(@.spec.nodeName==\"{node}\")]}}{{.metadata.labels.app\\.kubernetes\\.io/name}} {{end}}"
        );
        site.plane.kubectl(&["get", "pods", "-n", &site.namespace, "-o", &path]).await
    };
    until("the other pods are gone, and the held one is not", LIMIT, async || {
        let (left, moved) = (on("acts-0000").await?, on("acts-0001").await?);
        Ok((left.trim() == "first" && moved.contains("second")).then_some(()))
    })
    .await?;
    let book = site.terminal.good(&["audit", "list"]).await?;
    assert!(!book.contains("verified"), "it waits: {book}");
    site.plane.kubectl(&["delete", "pdb", "keep", "-n", &site.namespace]).await?;
    let ended = tokio::time::timeout(LIMIT, child.wait_with_output()).await.could_not("wait for its end")?;
    let ended = ended.could_not("wait for its end")?;
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success() && said.contains("verified: it is cordoned, and its pods are gone"), "{said}");
    // Who is held, and by which budget, in the words of the server.
    let held = format!("waits: pod {}/first-", site.namespace);
    let words =
        "Cannot evict pod as it would violate the pod's disruption budget. The disruption budget keep needs 1 healthy";
    let line = said.lines().find(|line| line.contains(&held) && line.contains(words));
    assert!(line.is_some(), "{said}");
    assert_eq!(on("acts-0000").await?.trim(), "");

    // Each step once, and none of them again.
    let book = site.terminal.good(&["audit", "list"]).await?;
    let sent: Vec<&str> = book.lines().filter_map(|line| line.split("sent step ").nth(1)).collect();
    let mut steps = sent.clone();
    steps.sort_unstable();
    steps.dedup();
    assert_eq!(steps.len(), sent.len(), "{book}");
    assert!(sent.len() >= 3 && !book.contains("was not taken"), "{book}");
    acting::book_fits(&site.terminal).await
}
