//! Whether a plan to go back leads anywhere, by what its server keeps.

use super::{Doubt, MOST_NODES, Outlook, Scene, graded, nodes};
use crate::{input::Input, registries::Registries, views::Known};
use pilothouse_connect::{Connector, Sink};
use pilothouse_wire::{
    ConnectionId, ObjectRef, Problem, Stamp,
    ask::Tested,
    back::{BackQuery, CheckState, Kept, Replaces, Then, ThenImage, WayBack},
    plan::{Deed, Intent},
    runs::VersionId,
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        ConditionFact, Covers, Kind, ModelFact, NodeFact, OwnerFact, PodFact, RegistryFact, RepositoryFact,
        SourceAbout, VersionFact,
    },
    project,
};
use std::sync::Arc;
use tokio::{sync::mpsc, task::JoinHandle};

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
    async fn has_version(&self, of: &VersionId) -> Result<bool, Problem> {
        Ok(of.number == 3)
    }
}

fn iad() -> ConnectionId {
    ConnectionId::slug("iad")
}

fn service(kind: &str) -> ObjectRef {
    format!("workload:iad/serving/{kind}/chat").parse().unwrap()
}

/// A server that keeps this, and nothing else.
fn server(kept: Option<Kept>) -> Arc<dyn Connector> {
    Arc::new(Server(kept))
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
    doubt_of("Deployment", kept, deed, false).await
}

async fn doubt_of(kind: &str, kept: Option<Kept>, deed: Deed, all_the_same: bool) -> Option<Doubt> {
    let connectors = [(iad(), server(kept))].into();
    let known = Known { world: &World::default(), registries: &Registries::default() };
    let intent = Intent { object: service(kind), deed };
    Outlook::of(&intent, all_the_same, known, (connectors, mpsc::channel(1).0), NOW)?.doubt().await
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
    assert!(doubt_of("DaemonSet", Some(paused(undo.clone())), undo.clone(), false).await.is_none());

    let moves = Kept { paused: false, ..paused(undo.clone()) };
    assert!(doubt(Some(moves), undo.clone()).await.is_none(), "not all of it is known, and nothing fails");
    // What takes it back now stops something: whatever is asked for beside it is another thing.
    assert!(doubt(Some(paused(Deed::Abort)), undo.clone()).await.is_none());
    assert!(doubt(Some(paused(undo.clone())), Deed::Abort).await.is_none(), "what stops something is never held up");
    assert!(doubt(Some(paused(undo)), Deed::Restart).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_keeps_nobody_from_a_plan_and_is_told_of() {
    let Some(Doubt::Told(words)) = doubt(None, Deed::Undo(None)).await else { panic!("it waits") };
    assert_eq!(words, "Whether it can go back was not found out within 3 s.");
}

#[tokio::test(start_paused = true)]
async fn who_wants_it_all_the_same_is_told_by_the_plan_itself_what_its_own_check_says() {
    let undo = Deed::Undo(Some(1));
    let doubt = doubt_of("Deployment", Some(paused(undo.clone())), undo.clone(), true).await;
    let Some(Doubt::Told(words)) = doubt else { panic!("it is held up, or says nothing") };
    let start = "Deployment chat cannot go back as it is. Moves: It is paused";
    assert!(words.starts_with(start) && words.ends_with("It is planned all the same."), "{words}");
    let moves = Kept { paused: false, ..paused(undo.clone()) };
    assert!(doubt_of("Deployment", Some(moves), undo, true).await.is_none());
}

/// A cluster of so many nodes, of which every third has no GPU; two pods of the service and one of another are on the first.
fn cluster(nodes: usize) -> World {
    let node = |number: usize| {
        let gpus = if number.is_multiple_of(3) { vec![] } else { vec![("nvidia.com/gpu".into(), 8)] };
        let ready = ConditionFact { kind: "Ready".into(), status: "True".into(), reason: None, since: None };
        Fact::Node(Box::new(NodeFact {
            name: format!("h-{number:04}").into(),
            capacity: gpus.clone(),
            allocatable: gpus,
            conditions: vec![ready],
            ..NodeFact::default()
        }))
    };
    let pod = |name: &str, owner: &str| {
        let owner = OwnerFact { kind: "StatefulSet".into(), name: owner.into() };
        Fact::Pod(Box::new(PodFact {
            namespace: "serving".into(),
            name: name.into(),
            node: Some("h-0001".into()),
            owners: vec![owner],
            gpus: vec![("nvidia.com/gpu".into(), 1)],
            ..PodFact::default()
        }))
    };
    let mut world = World::default();
    let mut list = |kind: Kind, facts: Vec<Fact>| {
        let extent = Extent::Replace(Covers { kind, namespace: None });
        world.apply(Batch { source: iad(), seen_at: NOW, extent, facts });
    };
    list(Kind::Node, (0..nodes).map(node).collect());
    list(Kind::Pod, vec![pod("chat-0", "chat"), pod("chat-1", "chat"), pod("talk-0", "talk")]);
    world
}

/// Answers as the loop does, until nobody asks any more: how many nodes came with each turn of it.
fn turns(world: World) -> (mpsc::Sender<Input>, JoinHandle<Vec<usize>>) {
    let (inputs, mut inbox) = mpsc::channel(1);
    let turns = tokio::spawn(async move {
        let mut turns = Vec::new();
        while let Some(input) = inbox.recv().await {
            let Input::Nodes(cluster, after, reply) = input else { panic!("another input") };
            let part = project::nodes_behind(&world, &cluster, after.as_ref(), MOST_NODES);
            turns.push(part.rows.len());
            let _ = reply.send(part);
        }
        turns
    });
    (inputs, turns)
}

#[tokio::test]
async fn a_turn_of_the_loop_takes_no_longer_in_a_larger_cluster() {
    for (all, want) in [(0, 1), (30, 1), (MOST_NODES, 2), (250, 3), (1_000, 11)] {
        let (inputs, turns) = turns(cluster(all));
        let rows = nodes(&iad(), &inputs).await.unwrap();
        drop(inputs);
        let turns = turns.await.unwrap();
        assert_eq!((rows.len(), turns.len()), (all - all.div_ceil(3), want), "{all}");
        assert!(turns.iter().all(|nodes| *nodes <= MOST_NODES), "{turns:?}");
    }
    // Of a cluster whose nodes were never listed nobody knows how many there are.
    let (inputs, _turns) = turns(World::default());
    assert_eq!(nodes(&iad(), &inputs).await, None);
}

/// What the pods of the revision that is gone back to ask for is on a node of eight GPUs, of which three are held.
fn made_anew(gpus: u64) -> Kept {
    let undo = Deed::Undo(Some(1));
    let mut kept = Kept { paused: false, ..paused(undo) };
    if let Ok(then) = &mut kept.then {
        then.gpus = vec![("nvidia.com/gpu".into(), gpus)];
    }
    kept
}

/// The way back of a service in a cluster of so many nodes, and how many turns of the loop it took.
async fn way(all: usize, kept: Kept, registries: &Registries, world: World) -> (WayBack, usize) {
    let (inputs, turns) = turns(cluster(all));
    let known = Known { world: &world, registries };
    let scene = Scene::of(known, service("StatefulSet"), inputs, NOW);
    assert_eq!(scene.pods.len(), 2, "of its own pods, however many there are");
    let connectors = [(iad(), server(Some(kept)))].into();
    let way = graded(&scene, None, &connectors, None).await.unwrap();
    drop(scene);
    (way, turns.await.unwrap().len())
}

#[tokio::test]
async fn what_is_free_is_looked_at_where_it_decides_and_nothing_of_the_fleet_before() {
    let of = async |gpus: u64| way(250, made_anew(gpus), &Registries::default(), cluster(250)).await;
    let gpu = |way: &WayBack| {
        let found = way.checks.iter().find(|check| check.what == "GPUs").unwrap();
        (found.state, found.words.clone())
    };
    let (way, turns) = of(8).await;
    // Of 166 nodes with GPUs one has three of them taken.
    assert_eq!(gpu(&way), (CheckState::Holds, "165 pods of 8 GPUs fit beside those that run; 1 comes at once.".into()));
    assert_eq!(turns, 3);
    let (way, turns) = of(0).await;
    assert_eq!((gpu(&way), turns), ((CheckState::Holds, "Its pods ask for no GPU.".into()), 0));
}

#[tokio::test]
async fn a_version_that_is_not_among_those_that_are_read_is_asked_for_by_its_number() {
    let mut world = cluster(0);
    let version = VersionFact { number: 9, ..VersionFact::default() };
    let model = ModelFact { name: "chat".into(), versions: vec![version], more: 8, ..ModelFact::default() };
    let facts = vec![Fact::Model(Box::new(model))];
    world.apply(Batch { source: iad(), seen_at: NOW, extent: Extent::Delta, facts });
    let of = async |text: &str| {
        let mut kept = made_anew(0);
        if let Ok(then) = &mut kept.then {
            then.models = vec![("an argument".to_owned(), text.into())];
        }
        let (way, _) = way(0, kept, &Registries::default(), world.clone()).await;
        let found = way.checks.into_iter().find(|check| check.what.starts_with("Model")).unwrap();
        (found.state, found.words)
    };
    assert_eq!(
        of("models:/chat/3").await,
        (CheckState::Holds, "iad has version 3 of chat, and was asked for it.".into())
    );
    let none = "iad says that there is no version 2 of chat.";
    assert_eq!(of("models:/chat/2").await, (CheckState::Fails, none.into()));
    assert_eq!(of("models:/chat/9").await.0, CheckState::Holds);
}

#[tokio::test]
async fn a_registry_that_is_not_connected_does_not_say_that_it_has_no_image() {
    let mut world = cluster(0);
    let repository = RepositoryFact { name: "team/chat".into(), ..RepositoryFact::default() };
    let registry = RegistryFact { hosts: vec!["ghcr.io".into()], repositories: vec![repository] };
    let facts = vec![Fact::Registry(Box::new(registry))];
    world.apply(Batch { source: ConnectionId::slug("ghcr"), seen_at: NOW, extent: Extent::Delta, facts });
    let mut kept = made_anew(0);
    if let Ok(then) = &mut kept.then {
        let image = "ghcr.io/team/chat:v1".into();
        then.images = vec![ThenImage { container: "engine".into(), image, always_pulled: false }];
    }
    let (way, _) = way(0, kept, &Registries::default(), world).await;
    let found = way.checks.iter().find(|check| check.what.starts_with("Image")).unwrap();
    assert_eq!((found.state, found.words.as_str()), (CheckState::Unknown, "ghcr does not say: ghcr is not connected."));
}
