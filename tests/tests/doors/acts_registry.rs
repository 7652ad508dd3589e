//! Doing something where there is no cluster: aliases and tags of a real MLflow, silences of a real Alertmanager.

use acceptance::{Alertmanager, Mlflow, Result, Said, Terminal, mlflow::Trained, until};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

const LIMIT: Duration = Duration::from_secs(60);

#[track_caller]
fn verified(said: &Said, words: &str) {
    assert!(said.code == 0 && said.err.contains(&format!("verified: {words}")), "{words}: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_is_set_moved_and_taken_back_and_so_is_a_tag() -> Result<()> {
    let server = Mlflow::start().await?;
    let experiment = server.experiment("chat").await?;
    server.model("chat").await?;
    for name in ["first", "second"] {
        let run = server.run(&experiment, Trained { name, params: &[], metrics: &[], tags: &[] }).await?;
        server.version("chat", &experiment, &run).await?;
    }
    let terminal = Terminal::new(Path::new(""))?;
    let url = server.url();
    terminal.good(&["connect", "add", "mlflow", "--name", "registry", "--url", &url]).await?;
    let act = async |words: &[&str]| terminal.call(&[&["act"], words].concat()).await;

    let alone = act(&["set-alias", "chat", "champion", "--version", "1", "--yes"]).await?;
    assert!(alone.code == 1 && alone.err.contains("is read alone"), "{alone:?}");
    terminal.good(&["connect", "operate", "registry"]).await?;
    verified(
        &act(&["set-alias", "chat", "champion", "--version", "1", "--yes"]).await?,
        "alias champion leads to version 1",
    );
    let moved = act(&["set-alias", "chat", "champion", "--version", "2", "--yes"]).await?;
    verified(&moved, "alias champion leads to version 2");
    for part in ["Move alias champion of chat from version 1 to 2", "/aliases/champion: 1 → 2", "models:/chat@champion"]
    {
        assert!(moved.out.contains(part), "{part}: {}", moved.out);
    }
    assert!(moved.err.contains("pilothouse act set-alias chat champion --version 1"), "{moved:?}");
    let again = act(&["set-alias", "chat", "champion", "--version", "2", "--yes"]).await?;
    assert!(again.code == 1 && again.err.contains("already"), "{again:?}");
    let nowhere = act(&["set-alias", "chat", "champion", "--version", "9", "--yes"]).await?;
    assert!(nowhere.code == 1 && nowhere.err.contains("has no version 9 of chat"), "{nowhere:?}");
    // What its server does not take is said in its words.
    let refused = act(&["set-alias", "chat", "latest", "--version", "2", "--yes"]).await?;
    assert!(refused.code == 1 && refused.err.to_lowercase().contains("reserved"), "{refused:?}");
    verified(&act(&["remove-alias", "chat", "champion", "--yes"]).await?, "there is no alias champion");

    verified(
        &act(&["set-tag", "chat", "team", "--version", "2", "--value", "a b", "--yes"]).await?,
        "tag team of version 2",
    );
    verified(&act(&["set-tag", "chat", "owner", "--value", "chat", "--yes"]).await?, "tag owner is \"chat\"");
    let lines = terminal.good(&["models", "chat", "--json"]).await?;
    assert!(lines.contains("a b"), "{lines}");
    verified(
        &act(&["remove-tag", "chat", "team", "--version", "2", "--yes"]).await?,
        "there is no tag team of version 2",
    );
    // The value of a tag that is called like a secret is sent and verified, and is shown, framed and written nowhere.
    let secret = ["set-tag", "chat", "hub_token", "--value", "canary-7c1e", "--json"];
    for last in ["--plan", "--yes"] {
        let said = act(&[&secret[..], &[last]].concat()).await?;
        assert!(
            said.code == 0 && said.out.contains("hub_token") && !format!("{said:?}").contains("canary"),
            "{said:?}"
        );
    }
    let again = act(&[&secret[..], &["--yes"]].concat()).await?;
    assert!(again.code == 1 && again.err.contains("already") && !again.err.contains("canary"), "{again:?}");
    let entries = terminal.good(&["audit", "list", "--json"]).await?;
    assert!(entries.contains("Set tag hub_token of chat") && !entries.contains("canary"), "{entries}");
    let book = terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("Move alias champion of chat from version 1 to 2"), "{book}");
    // Where a version was looked at and its alias refused, nothing was done.
    assert!(book.contains("Set alias latest") && !book.contains("partly"), "{book}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_silenced_for_a_while_and_only_by_what_is_ours_told_of_again() -> Result<()> {
    let alerts = Alertmanager::start().await?;
    let alert =
        |name: &str| json!({ "labels": { "alertname": name, "severity": "critical", "api_key": "canary-5b1f" } });
    alerts.send(&json!([alert("Slow"), alert("Hot")])).await?;
    let terminal = Terminal::new(Path::new(""))?;
    terminal.good(&["connect", "add", "alertmanager", "--name", "alerts", "--url", &alerts.url()]).await?;
    terminal.good(&["connect", "operate", "alerts"]).await?;
    let act = async |words: &[&str]| terminal.call(&[&["act"], words].concat()).await;

    let done = act(&["silence", "Slow", "--for", "30m", "--yes", "--json"]).await?;
    let document: Value = serde_json::from_str(&done.out).unwrap_or_default();
    assert_eq!(document["action"]["state"], "verified", "{done:?}");
    assert!(!done.out.contains("canary-5b1f"), "labels that are not kept are sent, and shown to nobody");
    let silenced = async || {
        let out = terminal.good(&["alerts", "--json"]).await?;
        Ok(out.contains("\"Silenced\"") && out.contains("\"Firing\""))
    };
    until("one is silenced and the other fires", LIMIT, async || Ok(silenced().await?.then_some(()))).await?;
    let again = act(&["silence", "Slow", "--for", "30m", "--yes"]).await?;
    assert!(again.code == 1 && again.err.contains("is silenced already"), "{again:?}");
    verified(&act(&["unsilence", "Slow", "--yes"]).await?, "no silence of Pilothouse holds it back");

    // One of somebody else may be about more than this alert.
    alerts.silence("Hot").await?;
    let other = act(&["unsilence", "Hot", "--yes"]).await?;
    assert!(other.code == 1 && other.err.contains("No silence of Hot is of Pilothouse"), "{other:?}");
    Ok(())
}
