//! The whole story in the terminal alone: a model is pushed and registered, goes out as a canary, waits, is found bad by an analysis
//! whose value is said, is stopped and taken back, each verified; all of it is in the audit book, and can be seen again.

use crate::window_story::{
    LIMIT, MOST, NAMESPACE, SHOWN, Shelves, connected, it_serves, service, the_book_has, the_first_serves,
};
use acceptance::{Context, ControlPlane, Options, Result, Terminal, until};
use serde_json::Value;

/// What the service says of itself, now or then.
async fn told(terminal: &Terminal, more: &[&str]) -> Result<Value> {
    terminal.json(&[&["rollout", "get", "chat", "--json"], more].concat()).await
}

/// Does it to the Rollout, and wants these words of what became of it.
async fn done(terminal: &Terminal, words: &[&str], became: &str) -> Result<()> {
    let said = terminal.call(&[words, &["-n", NAMESPACE, "--yes"]].concat()).await?;
    assert!(said.code == 0 && said.err.contains(&format!("verified: {became}")), "{words:?}: {said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_goes_out_is_found_bad_and_comes_back_without_a_window() -> Result<()> {
    let shelves = Shelves::filled().await?;
    let [first, second] = &shelves.images;
    let plane = ControlPlane::start(Options::default()).await?;
    let (rollouts, _prometheus) = the_first_serves(&plane, &shelves).await?;
    let terminal = connected(&plane.kubeconfig(), &shelves).await?;
    // What is seen again later has to be recorded by somebody: no window is open.
    let mut recorder = terminal.command(&["record"])?.spawn().could_not("start the recorder")?;
    until("it is recorded", LIMIT, async || {
        let then = terminal.call(&["rollout", "get", "chat", "--at", "now", "--json"]).await?;
        let then: Value = serde_json::from_str(&then.out).unwrap_or_default();
        Ok((then["service"]["row"]["phase"] == "Healthy").then_some(()))
    })
    .await?;

    // From a version to where it serves, and what it was made by: of the new one nowhere yet.
    it_serves(&terminal, "chat", "1").await?;
    let version = terminal.good(&["models", "chat", "2"]).await?;
    assert!(version.contains(", run ") && version.contains("No pod that is read is started with it"), "{version}");

    // It goes out, and waits for a person.
    plane.apply(&service(second, "2").to_string()).await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Paused").await?;
    let paused = terminal.good(&["rollout", "get", "chat"]).await?;
    assert!(paused.contains("Paused") && paused.contains("20 %"), "{paused}");
    it_serves(&terminal, "chat", "2").await?;

    // The person lets it go on; what is measured stands against its condition.
    done(&terminal, &["act", "promote", "rollout", "chat"], "").await?;
    let then = until("it is measured", LIMIT, async || {
        let now = told(&terminal, &[]).await?;
        let value = &now["service"]["analyses"][0]["metrics"][0]["compared"]["value"];
        Ok((*value == 1_142.0).then(|| now["as_of"].as_str().unwrap_or_default().to_owned()))
    })
    .await?;
    let page = terminal.good(&["rollout", "get", "chat"]).await?;
    for part in ["ttft", SHOWN, &format!("{MOST}"), "goodput", "No data", "that is no pass"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Until that time is in the record.
    until("the record tells of then", LIMIT, async || {
        let said = terminal.call(&["rollout", "get", "chat", "--at", &then, "--json"]).await?;
        let told: Value = serde_json::from_str(&said.out).unwrap_or_default();
        Ok((told["service"]["analyses"][0]["metrics"][0]["compared"]["value"] == 1_142.0).then_some(()))
    })
    .await?;

    // Whether it can go back is known before anything is done; kwok's nodes hold no image, and so it is slow.
    let check = terminal.call(&["rollback", "chat", "--check"]).await?;
    assert!(check.code == 0 && check.out.to_lowercase().contains("slow"), "{check:?}");
    let digest = first.split('@').next_back().unwrap_or_default();
    assert!(check.out.contains(digest), "{digest}: {check:?}");

    // Stopped, and gone back from, each verified.
    done(&terminal, &["act", "abort", "rollout", "chat"], "all traffic is at the stable revision").await?;
    assert_eq!(told(&terminal, &[]).await?["service"]["row"]["phase"], "Degraded");
    done(&terminal, &["act", "undo", "rollout", "chat"], "5 of 5 pods are ready").await?;
    rollouts.until(NAMESPACE, "chat", "Status", "Healthy").await?;
    let image = ["get", "rollout", "chat", "-n", NAMESPACE, "-o", "jsonpath={.spec.template.spec.containers[0].image}"];
    assert_eq!(plane.kubectl(&image).await?, *first);
    it_serves(&terminal, "chat", "1").await?;

    // The book has all of it, and its entries fit each other.
    let deeds = ["Promote Rollout default/chat", "Abort Rollout default/chat", "Take Rollout default/chat back"];
    the_book_has(&terminal, &deeds).await?;

    // As it was then, with its value, while now it is well.
    let was = told(&terminal, &["--at", &then]).await?;
    assert_eq!(was["service"]["row"]["phase"], "Progressing", "{was:#}");
    assert_eq!(was["service"]["analyses"][0]["metrics"][0]["compared"]["value"], 1_142.0, "{was:#}");
    assert_eq!(told(&terminal, &[]).await?["service"]["row"]["phase"], "Healthy");
    recorder.kill().await.could_not("end the recorder")
}
