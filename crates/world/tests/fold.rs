//! The fold by cases: what a relist drops, what a change leaves on the ribbon, what a node shows of its pods.

use pilothouse_wire::{ConnectionId, Stamp, view::FleetSpec};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{ConditionFact, ContainerFact, Covers, Kind, NodeFact, OwnerFact, Phase, PodFact, SourceFact},
    project::{self, FleetProjection},
};
use std::time::Duration;

fn ready(status: &str) -> Vec<ConditionFact> {
    vec![ConditionFact { kind: "Ready".into(), status: status.into(), reason: None, since: None }]
}

fn node(name: &str) -> NodeFact {
    NodeFact {
        name: name.into(),
        conditions: ready("True"),
        capacity: vec![("nvidia.com/gpu".into(), 4)],
        allocatable: vec![("nvidia.com/gpu".into(), 4)],
        ..NodeFact::default()
    }
}

fn pod(name: &str, on: Option<&str>, gpus: u64, image: &str) -> PodFact {
    PodFact {
        namespace: "serving".into(),
        name: name.into(),
        uid: name.into(),
        owners: vec![OwnerFact { kind: "ReplicaSet".into(), name: "chat-1a".into() }],
        template_hash: Some("1a".into()),
        node: on.map(Into::into),
        phase: if on.is_some() { Phase::Running } else { Phase::Pending },
        gpus: vec![("nvidia.com/gpu".into(), gpus)],
        containers: vec![ContainerFact { image: image.into(), ready: on.is_some(), ..ContainerFact::default() }],
        ..PodFact::default()
    }
}

fn said(at: i64, extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent, facts }
}

fn all(kind: Kind) -> Extent {
    Extent::Replace(Covers { kind, namespace: None })
}

fn n(fact: NodeFact) -> Fact {
    Fact::Node(Box::new(fact))
}

fn p(fact: PodFact) -> Fact {
    Fact::Pod(Box::new(fact))
}

/// One line a node: its cells (holder's letter, `.` free, `x` lost), then the marks since the listing.
#[track_caller]
fn check(later: Vec<Batch>, want_cells: &str, want_marks: &[&str]) {
    let mut world = World::default();
    world.apply(said(1_000, all(Kind::Node), vec![n(node("a")), n(node("b"))]));
    world.apply(said(
        1_000,
        all(Kind::Pod),
        vec![p(pod("x", Some("a"), 2, "chat:v1")), p(pod("y", None, 4, "chat:v1"))],
    ));
    for batch in later {
        world.apply(batch);
    }
    let view = FleetProjection::new(&world, FleetSpec::default()).into_view();
    let cells: Vec<String> = view
        .nodes
        .rows()
        .iter()
        .map(|row| {
            row.gpus
                .iter()
                .map(|cell| match (cell.state, cell.holder) {
                    (pilothouse_wire::view::GpuState::Lost, _) => "x".into(),
                    (_, Some(holder)) => row.holders[usize::from(holder)].name.to_string(),
                    (_, None) => ".".into(),
                })
                .collect()
        })
        .collect();
    assert_eq!(cells.join(" "), want_cells);
    let ribbon = project::ribbon(&world, Duration::from_secs(3_600), Stamp(10_000));
    let marks: Vec<String> = ribbon.marks.rows().iter().map(|mark| mark.title.clone()).collect();
    assert_eq!(marks, want_marks);
}

#[test]
fn a_first_listing_is_no_news() {
    check(vec![], "xx.. ....", &[]);
}

#[test]
fn a_pod_that_gets_a_node_takes_its_gpus_and_leaves_a_mark() {
    let placed = said(2_000, Extent::Delta, vec![p(pod("y", Some("b"), 4, "chat:v1"))]);
    check(vec![placed], "xx.. yyyy", &["y placed"]);
}

#[test]
fn a_pod_that_ends_gives_its_gpus_back() {
    let done = PodFact { phase: Phase::Succeeded, ..pod("x", Some("a"), 2, "chat:v1") };
    check(vec![said(2_000, Extent::Delta, vec![p(done)])], ".... ....", &[]);
    let gone = said(2_000, Extent::Delta, vec![Fact::PodGone("serving".into(), "x".into())]);
    check(vec![gone], ".... ....", &["x gone"]);
}

#[test]
fn a_relist_drops_what_it_does_not_name() {
    check(vec![said(2_000, all(Kind::Node), vec![n(node("a"))])], "xx..", &["b went"]);
    check(vec![said(2_000, all(Kind::Pod), vec![])], ".... ....", &["x gone"]);
}

#[test]
fn a_relist_of_one_namespace_leaves_the_others() {
    let covers = Covers { kind: Kind::Pod, namespace: Some("batch".into()) };
    check(vec![said(2_000, Extent::Replace(covers), vec![])], "xx.. ....", &[]);
}

#[test]
fn a_node_that_fails_loses_its_gpus_and_says_so() {
    let failed = NodeFact { conditions: ready("Unknown"), ..node("a") };
    check(vec![said(2_000, Extent::Delta, vec![n(failed)])], "xxxx ....", &["a not ready"]);
    let pressure =
        |status: &str| ConditionFact { kind: "PIDPressure".into(), status: status.into(), ..ready("True")[0].clone() };
    let silent = NodeFact { conditions: vec![ready("Unknown")[0].clone(), pressure("Unknown")], ..node("a") };
    check(vec![said(2_000, Extent::Delta, vec![n(silent)])], "xxxx ....", &["a not ready"]);
    let cordoned = NodeFact { cordoned: true, ..node("b") };
    check(vec![said(2_000, Extent::Delta, vec![n(cordoned)])], "xx.. ....", &["b cordoned"]);
}

#[test]
fn the_first_pod_with_a_new_image_is_a_deploy() {
    let fresh = said(2_000, Extent::Delta, vec![p(pod("z", Some("b"), 1, "chat:v2"))]);
    check(vec![fresh], "xx.. z...", &["z placed", "chat v2"]);
}

#[test]
fn sums_of_more_than_there_can_be_are_the_largest_number() {
    let mut world = World::default();
    let pods = ["v", "w", "x", "y"].map(|name| {
        let mut pod = pod(name, ["x", "y"].contains(&name).then_some("a"), u64::MAX, "chat:v1");
        pod.gpus.push(("amd.com/gpu".into(), 2));
        pod.containers.push(ContainerFact { restarts: 1, ..ContainerFact::default() });
        pod.containers.push(ContainerFact { restarts: u32::MAX, ..ContainerFact::default() });
        pod
    });
    let slices = NodeFact {
        capacity: vec![("nvidia.com/mig-1g.10gb".into(), 7), ("nvidia.com/mig-2g.20gb".into(), 3)],
        ..node("b")
    };
    world.apply(said(1_000, all(Kind::Node), vec![n(node("a")), n(slices)]));
    world.apply(said(1_000, all(Kind::Pod), Vec::new()));
    let mut on_slices = pod("z", Some("b"), 1, "chat:v1");
    on_slices.gpus = vec![("nvidia.com/mig-1g.10gb".into(), u64::MAX), ("nvidia.com/mig-2g.20gb".into(), u64::MAX)];
    world.apply(said(2_000, Extent::Delta, pods.into_iter().chain([on_slices]).map(p).collect()));
    world.apply(said(2_000, Extent::Delta, vec![Fact::Source(SourceFact::Dropped(u64::MAX)); 2]));
    let view = FleetProjection::new(&world, FleetSpec::default()).into_view();
    assert_eq!(view.summary.gpus_wanted, u64::MAX);
    assert_eq!(view.pods.rows().iter().map(|row| row.restarts).max(), Some(u32::MAX));
    assert_eq!(world.dropped(), u64::MAX);
    for (object, ..) in world.objects() {
        let _ = project::object(&world, &object, Stamp(3_000));
    }
    let _ = project::ribbon(&world, Duration::from_secs(3_600), Stamp(3_000));
    world.apply(said(4_000, all(Kind::Pod), Vec::new()));
}
