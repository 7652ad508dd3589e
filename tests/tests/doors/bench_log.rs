//! A run that is kept is logged on a version of a registered model: planned, confirmed, read back from a real MLflow, written
//! into the audit book, and taken back.

use acceptance::truth::Script;
use acceptance::{Context, Mlflow, Result, Terminal, Truth, mlflow::Trained};
use serde_json::Value;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_logged_on_the_version_that_was_measured_and_taken_back() -> Result<()> {
    let (server, truth) = (Mlflow::start().await?, Truth::start(Script::quick()).await?);
    let experiment = server.experiment("chat").await?;
    server.model("chat").await?;
    let run = server.run(&experiment, Trained { name: "first", params: &[], metrics: &[], tags: &[] }).await?;
    server.version("chat", &experiment, &run).await?;
    let terminal = Terminal::new(Path::new(""))?;
    terminal.good(&["connect", "add", "mlflow", "--name", "registry", "--url", &server.url()]).await?;
    let url = truth.url();
    let words = ["bench", "run", url.as_str(), "--model", "chat", "--concurrency", "4", "--requests", "60"];
    terminal.good(&[&words[..], &["--output-tokens", "6", "--warm-up", "none"]].concat()).await?;
    let line = terminal.good(&["bench", "list", "--json"]).await?;
    let id =
        serde_json::from_str::<Value>(&line).could_not("read the list")?["id"].as_str().unwrap_or_default().to_owned();

    let log = async |more: &[&str]| terminal.call(&[&["bench", "log", &id, "--to", "chat/1"], more].concat()).await;
    // It is an action like any other: not where the connection is read alone, and shown before it is done.
    let alone = log(&["--yes"]).await?;
    assert!(alone.code == 1 && alone.err.contains("is read alone"), "{alone:?}");
    terminal.good(&["connect", "operate", "registry"]).await?;
    let planned = log(&["--plan"]).await?;
    assert!(planned.code == 0 && planned.out.contains("/versions/1/tags/pilothouse.bench"), "{planned:?}");
    let done = log(&["--yes"]).await?;
    assert!(done.code == 0 && done.err.contains("verified: tag pilothouse.bench of version 1"), "{done:?}");

    let models = terminal.good(&["models", "chat", "--json"]).await?;
    assert!(models.contains("pilothouse.bench") && models.contains(&id), "{models}");
    let book = terminal.good(&["audit", "list"]).await?;
    assert!(book.contains("Set tag pilothouse.bench of version 1 of chat"), "{book}");
    let nowhere = terminal.call(&["bench", "log", &id, "--to", "chat/9", "--yes"]).await?;
    assert!(nowhere.code == 1 && nowhere.err.contains("has no version 9"), "{nowhere:?}");
    let back = ["act", "remove-tag", "chat", "pilothouse.bench", "--version", "1", "--yes"];
    let back = terminal.call(&back).await?;
    assert!(back.code == 0 && back.err.contains("there is no tag pilothouse.bench"), "{back:?}");
    Ok(())
}
