//! What measures GPUs of nodes that nobody has is not well, and says so.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what is not there fails the test")]

use pilothouse_wire::{ConnectionId, Health, Problem, Stamp};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{Covers, DeviceFact, DevicesFact, Kind, NodeFact, SourceAbout, SourceFact},
    project::connection_rows,
};

fn tell(world: &mut World, source: &str, extent: Extent, facts: Vec<Fact>) {
    world.apply(Batch { source: ConnectionId::slug(source), seen_at: Stamp(1_000), extent, facts });
}

fn cluster(world: &mut World, id: &str, nodes: &[&str]) {
    let node = |name: &&str| {
        let capacity = vec![("nvidia.com/gpu".into(), 8)];
        Fact::Node(Box::new(NodeFact { name: (*name).into(), capacity, ..NodeFact::default() }))
    };
    let listing = Extent::Replace(Covers { kind: Kind::Node, namespace: None });
    tell(world, id, listing, nodes.iter().map(node).collect());
}

fn measures(world: &mut World, about: Option<&str>, nodes: &[&str]) {
    let device = |(at, node): (usize, &&str)| DeviceFact {
        uuid: format!("GPU-{at}").into(),
        node: Some((*node).into()),
        index: Some(0),
        ..DeviceFact::default()
    };
    let list = DevicesFact {
        list: 1,
        cluster: about.map(ConnectionId::slug),
        interval_ms: 15_000,
        devices: nodes.iter().enumerate().map(device).collect(),
        ..DevicesFact::default()
    };
    let name = SourceFact::About(Box::new(SourceAbout { name: "metrics".into(), ..SourceAbout::default() }));
    let facts = vec![Fact::Source(name), Fact::Source(SourceFact::Health(Health::Well)), Fact::Devices(Box::new(list))];
    tell(world, "metrics", Extent::Delta, facts);
}

fn problem(world: &World) -> Option<Problem> {
    let rows = connection_rows(world);
    let row = rows.get(&ConnectionId::slug("metrics")).unwrap();
    match &row.health {
        Health::Well => None,
        Health::Partial(problem) => Some(problem.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_name_that_is_no_node_of_the_cluster_is_said() {
    let mut world = World::default();
    measures(&mut world, Some("iad"), &["wrong", "h-1"]);
    assert_eq!(problem(&world), None, "nobody knows yet which nodes there are");
    cluster(&mut world, "iad", &["h-1", "h-2"]);
    let said = problem(&world).unwrap().to_string();
    assert!(
        said.contains("metrics measures GPUs of 1 node that iad does not have. So its series call them: wrong."),
        "{said}"
    );
    assert!(said.contains("Hostname"), "{said}");

    // One that has gone with its node is no wrong name: nothing is said of it any more.
    tell(&mut world, "metrics", Extent::Delta, vec![Fact::Silent(1, vec![0])]);
    assert_eq!(problem(&world), None);
    measures(&mut world, Some("iad"), &["h-1", "h-2"]);
    assert_eq!(problem(&world), None);
    measures(&mut world, Some("iad"), &["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]);
    let said = problem(&world).unwrap().to_string();
    assert!(said.contains("GPUs of 5 nodes") && said.contains("10.0.0.1, 10.0.0.2, 10.0.0.3 and 2 others."), "{said}");
}

#[test]
fn where_no_cluster_is_named_nodes_of_others_are_no_fault_unless_gpus_are_measured_by_nobody() {
    let mut world = World::default();
    cluster(&mut world, "iad", &["h-1"]);
    measures(&mut world, None, &["h-1", "of-ord"]);
    assert_eq!(problem(&world), None, "of-ord may be of a cluster that is not connected");
    cluster(&mut world, "iad", &["h-1", "h-2"]);
    let said = problem(&world).unwrap().to_string();
    assert!(said.contains("that no connected cluster has") && said.contains("of-ord"), "{said}");
}
