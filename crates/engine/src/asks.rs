//! Answers that need more than a projection: search, and what is read from a server when somebody looks at it.
//!
//! Whoever leaves ends the question ([`for_who_waits`]), with all that was begun for it ([`together`]): no server is asked
//! any longer for somebody who is gone.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};
use pilothouse_connect::Connector;
use pilothouse_wire::{
    Answer, Code, ConnectionId, ObjectRef, Problem,
    ask::Hit,
    describe::Section,
    kinds::{Listing, Offered},
};
use pilothouse_world::World;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::oneshot,
    task::{Id, JoinError, JoinSet},
};

/// Where an answer goes. Whoever waits for it holds the other end.
pub(crate) type Reply = oneshot::Sender<Result<Answer, Problem>>;

/// The most that a search may return.
const MOST_HITS: u16 = 200;
/// How long a server may take over what one person waits for.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most objects that are listed at once.
const MOST_OBJECTS: u32 = 5_000;

/// Answers in a task of its own, unless whoever asked has gone meanwhile: then what is on its way is let go.
pub(crate) fn for_who_waits(mut reply: Reply, answer: impl Future<Output = Result<Answer, Problem>> + Send + 'static) {
    tokio::spawn(async move {
        let answer = tokio::select! {
            answer = answer => answer,
            () = reply.closed() => return,
        };
        let _ = reply.send(answer);
    });
}

/// Does all of this at once, each in a task of its own, and answers what came of it in the same order: one that hangs or
/// breaks keeps no other. With who waits for it all of them end.
pub(crate) async fn together<T: Send + 'static>(
    work: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<Result<T, JoinError>> {
    let mut tasks = JoinSet::new();
    let order: Vec<Id> = work.into_iter().map(|one| tasks.spawn(one).id()).collect();
    let mut done = HashMap::new();
    while let Some(one) = tasks.join_next_with_id().await {
        let (id, one) = match one {
            Ok((id, one)) => (id, Ok(one)),
            Err(error) => (error.id(), Err(error)),
        };
        done.insert(id, one);
    }
    order.iter().filter_map(|id| done.remove(id)).collect()
}

/// Objects whose names match, best first; of equals, the shorter name, then the alphabet.
pub(crate) fn search(world: &World, text: &str, limit: u16) -> Answer {
    let text = text.trim();
    if text.is_empty() {
        return Answer::Hits(Vec::new());
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::new(text, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, ObjectRef, pilothouse_wire::SmolStr, pilothouse_wire::SmolStr)> = world
        .objects()
        .filter_map(|(object, name, place)| {
            let score = pattern.score(Utf32Str::new(&name, &mut buffer), &mut matcher)?;
            Some((score, object, name, place))
        })
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.2.len().cmp(&b.2.len())).then_with(|| a.1.cmp(&b.1)));
    scored.truncate(usize::from(limit.min(MOST_HITS)));
    let hits = scored.into_iter().map(|(_, object, name, place)| {
        let mut found = Vec::new();
        pattern.indices(Utf32Str::new(&name, &mut buffer), &mut matcher, &mut found);
        found.sort_unstable();
        found.dedup();
        Hit { object, place, matched: found.into_iter().filter_map(|at| u16::try_from(at).ok()).collect() }
    });
    Answer::Hits(hits.collect())
}

/// An object as YAML, from its server.
pub(crate) async fn yaml(connector: Option<Arc<dyn Connector>>, object: &ObjectRef) -> Result<Answer, Problem> {
    let id = object.connection();
    let connector = connected(connector, id, "YAML is read from the server")?;
    let asked = format!("the {} {}", object.kind_word(), object.name());
    within(id, &asked, connector.yaml(object)).await.map(Answer::Yaml)
}

/// An object in words, from its server.
/// `lineage` is what is known here of the images of a pod: its server does not know it.
pub(crate) async fn describe(
    connector: Option<Arc<dyn Connector>>,
    object: &ObjectRef,
    lineage: Option<Section>,
) -> Result<Answer, Problem> {
    let id = object.connection();
    let connector = connected(connector, id, "An object is described by its server")?;
    let asked = format!("the {} {}", object.kind_word(), object.name());
    let mut description = within(id, &asked, connector.describe(object)).await?;
    description.sections.extend(lineage);
    Ok(Answer::Description(Box::new(description)))
}

/// The containers of what makes pods, from its server.
pub(crate) async fn containers(connector: Option<Arc<dyn Connector>>, object: &ObjectRef) -> Result<Answer, Problem> {
    let id = object.connection();
    let connector = connected(connector, id, "Containers are read from the server")?;
    let asked = format!("the containers of {} {}", object.kind_word(), object.name());
    within(id, &asked, connector.containers(object)).await.map(Answer::Containers)
}

/// The objects of a kind, from their server.
pub(crate) async fn objects(connector: Option<Arc<dyn Connector>>, listing: &Listing) -> Result<Answer, Problem> {
    let connector = connected(connector, &listing.cluster, "Objects are listed by their server")?;
    let listing = Listing { most: listing.most.clamp(1, MOST_OBJECTS), ..listing.clone() };
    let asked = format!("its {}", listing.kind.plural);
    within(&listing.cluster, &asked, connector.objects(&listing)).await.map(Answer::Objects)
}

/// The kinds that each of these connections offers; those that have none by their nature are left out.
pub(crate) async fn kinds(connectors: Vec<(ConnectionId, Option<Arc<dyn Connector>>)>) -> Result<Answer, Problem> {
    let offered = together(connectors.into_iter().map(|(id, connector)| kinds_of(id, connector))).await;
    Ok(Answer::Kinds(offered.into_iter().filter_map(|one| one.ok().flatten()).collect()))
}

async fn kinds_of(id: ConnectionId, connector: Option<Arc<dyn Connector>>) -> Option<Offered> {
    let read = match connected(connector, &id, "Kinds are read from the server") {
        Ok(connector) => within(&id, "its kinds of objects", connector.kinds()).await,
        Err(problem) => Err(problem),
    };
    match read {
        Err(problem) if problem.code == Code::NotOffered => None,
        Err(problem) => Some(Offered { cluster: id, kinds: Vec::new(), problem: Some(problem) }),
        Ok(offered) => Some(Offered { cluster: id, ..offered }),
    }
}

/// The connection, if it is open.
pub(crate) fn connected(
    connector: Option<Arc<dyn Connector>>,
    id: &ConnectionId,
    because: &str,
) -> Result<Arc<dyn Connector>, Problem> {
    connector.ok_or_else(|| {
        Problem::new(Code::NotFound, format!("{id} is not connected."))
            .next(format!("{because}: it is there again once the connection is."))
    })
}

/// Waits for a server's answer, for as long as a person does.
pub(crate) async fn within<T>(
    id: &ConnectionId,
    asked: &str,
    answer: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| {
        Err(Problem::new(Code::TimedOut, format!("{id} did not answer."))
            .why(format!("It was asked for {asked} and sent nothing for {} s.", PATIENCE.as_secs()))
            .next("Try again."))
    })
}
