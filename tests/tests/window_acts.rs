//! Doing something from the window: a plan in a dialog, confirmed by a key, verified by the server, and taken back.

use acceptance::{Context, ControlPlane, GpuNodes, GpuPods, Options, Page, Result, Terminal};
use std::time::Duration;
use thirtyfour::Key;

const LIMIT: Duration = Duration::from_secs(60);
const BECAME: &str = "[data-test='plan-became'][data-state='verified']";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_cordons_a_node_scales_a_deployment_and_takes_it_back() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("acts", 2, 8), LIMIT).await?;
    let namespace = plane.namespace("serving").await?;
    let pods = GpuPods::new(&namespace, "chat", 2, 1);
    plane.add_gpu_deployment(&pods).await?;
    plane.wait_running(&pods, LIMIT).await?;
    let terminal = Terminal::new(&plane.kubeconfig())?;
    terminal.good(&["connect", "add", "kubernetes", "--context", "admin"]).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;

    // A connection is read alone: the plan says so, and lets it be changed there.
    page.press("rail-fleet").await?;
    page.press("tab-nodes").await?;
    page.press_by("[data-test='row'][data-key='node:admin/acts-0000']").await?;
    page.press("deed-cordon").await?;
    page.reads_as("[data-test='plan-blocked']", |text| text.contains("is read alone"), "says why not").await?;
    page.press("plan-allow").await?;
    page.gone("[data-test='plan-blocked']").await?;
    page.reads_as("[data-test='plan-changes']", |text| text.contains("/spec/unschedulable"), "says what changes")
        .await?;
    page.reads_as("[data-test='plan-permission']", |text| text.contains("would take it"), "says that it can").await?;
    page.driver()
        .action_chain()
        .key_down(Key::Control)
        .send_keys(Key::Enter)
        .key_up(Key::Control)
        .perform()
        .await
        .could_not("confirm by the key")?;
    page.find_by(BECAME).await?;
    let cordoned = ["get", "node", "acts-0000", "-o", "jsonpath={.spec.unschedulable}"];
    assert_eq!(plane.kubectl(&cordoned).await?, "true");

    // The way back stands there.
    page.press("plan-undo").await?;
    page.reads_as("[data-test='plan-changes']", |text| text.contains("/spec/unschedulable"), "plans the way back")
        .await?;
    page.press("plan-confirm").await?;
    page.find_by(BECAME).await?;
    assert_eq!(plane.kubectl(&cordoned).await?, "");
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await?;

    page.press("tab-workloads").await?;
    page.press_by(&format!("[data-test='row'][data-key='workload:admin/{namespace}/Deployment/chat']")).await?;
    page.press("deed-scale").await?;
    page.fill("scale-to", "3").await?;
    page.press("scale-plan").await?;
    page.reads_as("[data-test='plan-affected']", |text| text.contains("1 pod with 1 GPU"), "says whom").await?;
    page.press("plan-confirm").await?;
    page.find_by(BECAME).await?;
    let ready = ["get", "deployment", "chat", "-n", &namespace, "-o", "jsonpath={.status.availableReplicas}"];
    assert_eq!(plane.kubectl(&ready).await?, "3");
    page.close().await
}
