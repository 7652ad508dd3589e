//! What is read of a registry when somebody looks.

use crate::asks::{connected, within};
use pilothouse_connect::Connector;
use pilothouse_wire::{
    Answer, Problem,
    artifact::{Artifact, ArtifactRef, TagsQuery},
};
use std::sync::Arc;

/// The connection to a registry, if it is open.
type Open = Option<Arc<dyn Connector>>;

const BECAUSE: &str = "Artefacts are read from their registry";

/// A page of tags.
pub(crate) async fn tags(connector: Open, query: TagsQuery) -> Result<Answer, Problem> {
    let connector = connected(connector, &query.source, BECAUSE)?;
    let asked = format!("the tags of {}", query.repository);
    within(&query.source, &asked, connector.tags(&query)).await.map(Answer::Tags)
}

/// An artefact in full.
pub(crate) async fn artifact(connector: Open, of: ArtifactRef) -> Result<Answer, Problem> {
    read(connector, &of).await.map(|read| Answer::Artifact(Box::new(read)))
}

/// Two artefacts side by side, asked for at once.
pub(crate) async fn compare([first, second]: [Open; 2], [from, to]: [ArtifactRef; 2]) -> Result<Answer, Problem> {
    let (from, to) = tokio::try_join!(read(first, &from), read(second, &to))?;
    Ok(Answer::ArtifactDifference(Box::new(pilothouse_insight::compare_artifacts(from, to))))
}

/// Reads an artefact, if its registry is connected.
pub(crate) async fn read(connector: Open, of: &ArtifactRef) -> Result<Artifact, Problem> {
    let connector = connected(connector, &of.source, BECAUSE)?;
    within(&of.source, &of.shown(), connector.artifact(of)).await
}
