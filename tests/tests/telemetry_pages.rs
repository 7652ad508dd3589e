//! What a GPU does, seen in headless Chromium: a real cluster, exporters whose GPUs follow its pods, a real Prometheus.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "each test file uses a part")]
#[path = "telemetry_site.rs"]
mod site;

use acceptance::{Failure, Page, Result};
use site::{Plan, Site};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_finds_a_gpu_with_an_xid_its_pod_and_what_to_do_and_hands_the_address_on() -> Result<()> {
    let plan = Plan { nodes: 2, pods: vec![("chat", 1, 8)], jobs: &["dcgm"] };
    let site = Site::start("seen", &plan).await?;
    let ((node, gpu), pod) = site.held().into_iter().next().unwrap();
    let number = (0..2).find(|number| site.node(*number) == node).unwrap();
    let index = usize::try_from(gpu).unwrap();
    site.change_gpu(number, index, |gpu| gpu.values.insert("DCGM_FI_DEV_XID_ERRORS".into(), 79.0));

    let (door, address) = site.terminal.serve(&[]).await?;
    let page = Page::browser((1440, 900), &address).await?;
    page.press("tab-gpus").await?;
    page.fill("table-filter", "xid=79").await?;
    let key = format!("gpu:admin/{node}/{gpu}");
    page.press_by(&format!("[data-test='row'][data-key='{key}']")).await?;
    is_told(&page, &key, &pod).await?;

    // The address is all that another person needs.
    let driver = page.driver();
    let there = driver.current_url().await.map_err(|error| Failure::new(error.to_string()))?;
    driver.goto("about:blank").await.map_err(|error| Failure::new(error.to_string()))?;
    driver.goto(there.as_str()).await.map_err(|error| Failure::new(error.to_string()))?;
    is_told(&page, &key, &pod).await?;

    // The funnel leads to the GPUs that nobody holds.
    page.press_by(".funnel-column:nth-of-type(3)").await?;
    page.reads_as("[data-test='tab-gpus']", |text| text.contains("16"), "counts the GPUs").await?;
    page.find_by("[data-test='row'][data-key^='gpu:']").await?;
    drop(door);
    page.close().await
}

/// The inspector tells what is wrong, who is hit, what to do, and what is measured.
async fn is_told(page: &Page, key: &str, pod: &str) -> Result<()> {
    page.find_by(&format!("[data-test='inspector'][data-key='{key}']")).await?;
    page.reads_as("[data-test='finding']", |text| text.contains("79"), "names the XID").await?;
    page.reads_as("[data-test='inspector']", |text| text.contains(pod), "names the pod").await?;
    page.reads_as("[data-test='gauge'][data-key='tensor']", |text| text.contains("34"), "says what it does").await?;
    Ok(())
}
