//! An engine in this process that watches one connection, as a door that does not record would start it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use acceptance::{Context, Failure, Result};
use pilothouse_engine::{Clock, Engine, Operator, Options, Paths, Settled};
use pilothouse_wire::{Act, form::Draft};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(120);

/// An engine and the home that it lives in.
pub struct Running {
    /// The engine.
    pub operator: Operator,
    _home: TempDir,
}

/// Starts an engine that watches a context, and waits until it has all of it.
pub async fn watching(kubeconfig: &Path, context: &str) -> Result<Running> {
    let values = [("context", context.to_owned()), ("kubeconfig", kubeconfig.display().to_string())];
    connected("kubernetes", context, values).await
}

/// Starts an engine with one connection, and waits until it has all that is watched of it.
pub async fn connected<const N: usize>(kind: &str, name: &str, values: [(&str, String); N]) -> Result<Running> {
    let home = tempfile::tempdir().could_not("make a home")?;
    let paths = Paths::under(home.path());
    let options = Options { paths, demo: false, only: None, record: false, clock: Clock::system() };
    let operator = Engine::start(options).await.could_not("start the engine")?;
    let values = BTreeMap::from(values.map(|(key, value)| (key.to_owned(), value)));
    let draft = Draft { kind: kind.to_owned(), name: name.to_owned(), values };
    let add = Act::AddConnection { draft, secrets: Vec::new() };
    operator.act(add).await.could_not("add the connection")?;
    match operator.reader().settled(LIMIT).await {
        Settled { ready, troubled, late, .. } if ready.len() == 1 && troubled.is_empty() && late.is_empty() => {}
        other => return Err(Failure::new(format!("the engine does not see all of it: {other:?}"))),
    }
    Ok(Running { operator, _home: home })
}
