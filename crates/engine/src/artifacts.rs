//! What is read of a registry when somebody looks. Whoever leaves ends the question: nothing more is fetched for them.

use crate::asks::{connected, within};
use pilothouse_connect::Connector;
use pilothouse_wire::{
    Answer, Problem,
    artifact::{Artifact, ArtifactRef, TagsQuery},
};
use std::sync::Arc;
use tokio::sync::oneshot::Sender;

/// Where an answer goes.
type Reply = Sender<Result<Answer, Problem>>;
/// The connection to a registry, if it is open.
type Open = Option<Arc<dyn Connector>>;

const BECAUSE: &str = "Artefacts are read from their registry";

/// A page of tags.
pub(crate) fn tags(connector: Open, query: TagsQuery, reply: Reply) {
    for_who_waits(reply, async move {
        let connector = connected(connector, &query.source, BECAUSE)?;
        let asked = format!("the tags of {}", query.repository);
        within(&query.source, &asked, connector.tags(&query)).await.map(Answer::Tags)
    });
}

/// An artefact in full.
pub(crate) fn artifact(connector: Open, of: ArtifactRef, reply: Reply) {
    for_who_waits(reply, async move { read(connector, &of).await.map(|read| Answer::Artifact(Box::new(read))) });
}

/// Two artefacts side by side, asked for at once.
pub(crate) fn compare(connectors: [Open; 2], [from, to]: [ArtifactRef; 2], reply: Reply) {
    let [first, second] = connectors;
    for_who_waits(reply, async move {
        let (from, to) = tokio::try_join!(read(first, &from), read(second, &to))?;
        Ok(Answer::ArtifactDifference(Box::new(pilothouse_insight::compare_artifacts(from, to))))
    });
}

/// Reads an artefact, if its registry is connected.
pub(crate) async fn read(connector: Open, of: &ArtifactRef) -> Result<Artifact, Problem> {
    let connector = connected(connector, &of.source, BECAUSE)?;
    within(&of.source, &of.shown(), connector.artifact(of)).await
}

/// Answers, unless whoever asked has gone meanwhile: then what is on its way is let go.
pub(crate) fn for_who_waits(mut reply: Reply, answer: impl Future<Output = Result<Answer, Problem>> + Send + 'static) {
    tokio::spawn(async move {
        let answer = tokio::select! {
            answer = answer => answer,
            () = reply.closed() => return,
        };
        let _ = reply.send(answer);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn whoever_leaves_ends_the_question() {
        // Dropped with the question that holds it.
        let (held, ended) = oneshot::channel::<()>();
        let (reply, answer) = oneshot::channel();
        for_who_waits(reply, async move {
            let _held = held;
            std::future::pending().await
        });
        drop(answer);
        assert!(ended.await.is_err());
    }
}
