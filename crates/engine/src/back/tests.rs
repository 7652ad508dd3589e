//! Whether a plan to go back leads anywhere, by what its server keeps.

use super::{Doubt, Outlook};
use crate::{registries::Registries, views::Known};
use pilothouse_connect::{Connector, Sink};
use pilothouse_wire::{
    ConnectionId, ObjectRef, Problem, Stamp,
    ask::Tested,
    back::{BackQuery, Kept, Replaces, Then},
    plan::{Deed, Intent},
};
use pilothouse_world::{World, fact::SourceAbout};
use std::sync::Arc;

const NOW: Stamp = Stamp(1_800_000_000_000);

/// A server that keeps this; one that hangs, where it is nothing.
struct Server(Option<Kept>);

#[async_trait::async_trait]
impl Connector for Server {
    fn about(&self) -> SourceAbout {
        SourceAbout::default()
    }
    async fn probe(&self) -> Result<Tested, Problem> {
        std::future::pending().await
    }
    async fn watch(&self, _: Sink) {}
    async fn yaml(&self, _: &ObjectRef) -> Result<String, Problem> {
        std::future::pending().await
    }
    async fn back(&self, _: &BackQuery) -> Result<Kept, Problem> {
        match &self.0 {
            Some(kept) => Ok(kept.clone()),
            None => std::future::pending().await,
        }
    }
}

/// What is kept of a service that a person has paused: no pod of it would move.
fn paused(deed: Deed) -> Kept {
    Kept {
        from: Some(2),
        deed,
        then: Ok(Box::new(Then { number: 1, kind: "ReplicaSet".into(), ..Then::default() })),
        wanted: 2,
        gpus: 0,
        workers: None,
        replaces: Replaces::Rolling { surge: 1, unavailable: 0 },
        paused: true,
        stops: None,
        last: None,
        traffic: None,
    }
}

async fn doubt(kept: Option<Kept>, deed: Deed) -> Option<Doubt> {
    doubt_of("Deployment", kept, deed).await
}

async fn doubt_of(kind: &str, kept: Option<Kept>, deed: Deed) -> Option<Doubt> {
    let object: ObjectRef = format!("workload:iad/serving/{kind}/chat").parse().unwrap();
    let server: Arc<dyn Connector> = Arc::new(Server(kept));
    let connectors = [(ConnectionId::slug("iad"), server)].into();
    let known = Known { world: &World::default(), registries: &Registries::default() };
    Outlook::of(&Intent { object, deed }, known, connectors, NOW)?.doubt().await
}

#[tokio::test(start_paused = true)]
async fn a_plan_to_go_back_is_closed_where_that_is_not_possible_and_only_there() {
    let undo = Deed::Undo(Some(1));
    let Some(Doubt::Closed(problem)) = doubt(Some(paused(undo.clone())), undo.clone()).await else {
        panic!("it is open")
    };
    assert_eq!(problem.what, "Deployment chat cannot go back as it is.");
    assert!(problem.why.is_some_and(|why| why.starts_with("Moves: It is paused")));
    let line = "\"pilothouse rollback serving/chat --kind Deployment --context iad --to 1 --anyway\"";
    assert!(problem.next.is_some_and(|next| next.contains(line)));
    // There is no `rollback` of it that could be told to go on.
    assert!(doubt_of("DaemonSet", Some(paused(undo.clone())), undo.clone()).await.is_none());

    let moves = Kept { paused: false, ..paused(undo.clone()) };
    assert!(doubt(Some(moves), undo.clone()).await.is_none(), "not all of it is known, and nothing fails");
    // What takes it back now stops something: whatever is asked for beside it is another thing.
    assert!(doubt(Some(paused(Deed::Abort)), undo.clone()).await.is_none());
    assert!(doubt(Some(paused(undo.clone())), Deed::Abort).await.is_none(), "what stops something is never held up");
    assert!(doubt(Some(paused(undo)), Deed::Restart).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_keeps_nobody_from_a_plan_and_is_told_of() {
    let Some(Doubt::Late(words)) = doubt(None, Deed::Undo(None)).await else { panic!("it waits") };
    assert_eq!(words, "Whether it can go back was not found out within 3 s.");
}
