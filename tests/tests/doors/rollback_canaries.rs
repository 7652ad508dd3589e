//! "Can I go back?" of a canary of Flagger, on a real API server: what keeps the version of before, what its controller does, and
//! what a person can do instead. Flagger itself is not here: its word the test writes into the status.

use crate::rollback_support::LIMIT;
use acceptance::{ControlPlane, GpuNodes, GpuPods, Options, Page, Result, acting, definitions::CANARY, until};
use serde_json::json;

const NAMESPACE: &str = "default";

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_of_flagger_says_what_is_kept_what_its_controller_does_and_what_to_do_instead() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("flagger", 1, 8), LIMIT).await?;
    plane.define(&[CANARY]).await?;
    plane.add_gpu_deployment(&GpuPods::new(NAMESPACE, "chat", 1, 1)).await?;
    let api = plane.api()?;
    let canary = json!({
        "apiVersion": CANARY.api_version(), "kind": CANARY.kind, "metadata": { "name": "chat" },
        "spec": {
            "provider": "gatewayapi:v1", "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "chat" },
            "analysis": { "interval": "1m", "threshold": 5, "maxWeight": 50, "stepWeight": 10 },
        },
    });
    api.create(&CANARY.path(NAMESPACE, ""), &canary).await?;
    let status = async |phase: &str, failed: u32| {
        let status = json!({ "status": { "phase": phase, "canaryWeight": 10, "failedChecks": failed } });
        api.patch(&format!("{}/status", CANARY.path(NAMESPACE, "chat")), &status).await.map(drop)
    };
    let terminal = acting::terminal(&plane).await?;
    let check = ["rollback", "chat", "--kind", "Canary", "--check"];
    let says = async |code: i32, parts: &[&str]| {
        let mut last = None;
        let found = until("it is graded", LIMIT, async || {
            let said = terminal.call(&check).await?;
            let fits = said.code == code && parts.iter().all(|part| said.out.contains(part));
            last = Some(said);
            Ok(fits.then_some(()))
        });
        assert!(found.await.is_ok(), "{parts:?}: {last:#?}");
        Ok::<_, acceptance::Failure>(())
    };

    // Nothing keeps what was before.
    status("Progressing", 2).await?;
    says(1, &["not possible", "There is no such Deployment"]).await?;
    let primary = GpuPods::new(NAMESPACE, "chat-primary", 2, 1);
    plane.add_gpu_deployment(&primary).await?;
    plane.wait_running(&primary, LIMIT).await?;
    let instead = "take Deployment chat back (pilothouse rollback default/chat --kind Deployment)";
    says(1, &["2 pods of it are ready.", "Flagger does by itself after 3 more failed checks", instead]).await?;
    status("Failed", 5).await?;
    says(1, &["all traffic is at chat-primary already", instead]).await?;
    status("Succeeded", 0).await?;
    says(1, &["has the version that was promoted last, and none of before", instead]).await?;
    // Taken all the same, there is nothing that could be sent.
    let said = terminal.call(&["rollback", "chat", "--kind", "Canary", "--anyway", "--yes"]).await?;
    assert!(said.code == 1 && said.err.contains("Canary default/chat cannot be"), "{said:?}");
    status("Dreaming", 0).await?;
    says(3, &["unknown", "What follows from its phase Dreaming is not known."]).await?;

    // The window says the same, and opens nothing.
    status("Progressing", 4).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-delivery").await?;
    page.press_by("[data-test='row'][data-key='workload:admin/default/Canary/chat']").await?;
    page.press("back-ask").await?;
    page.find_by("[data-test='back-said'][data-grade='not possible']").await?;
    page.reads_as("[data-test='back']", |text| text.contains("after 1 more failed checks"), "says what it does")
        .await?;
    page.reads_as("[data-test='back-go']", |text| text.contains("not possible: Controller"), "is closed").await?;
    page.press("back-go").await?;
    page.gone("[data-test='plan']").await?;
    page.close().await
}
