//! The fold by cases: what a relist drops, what a change leaves on the ribbon, what a node shows of its pods.

use pilothouse_wire::{
    ConnectionId, Health, Metric, Reading, Stamp, Sum, When,
    units::sum,
    view::{FleetSpec, GpuState, Method},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        ConditionFact, ContainerFact, Covers, DeviceClaim, DeviceFact, DevicesFact, Kind, NamespaceFact, NodeFact,
        OwnerFact, Phase, PodFact, PodLabels, ReadingsFact, SourceAbout, SourceFact,
    },
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
                    (GpuState::Lost, _) => "x".into(),
                    (_, Some(holder)) => row.holders[usize::from(holder)].name.to_string(),
                    (_, None) => ".".into(),
                })
                .collect()
        })
        .collect();
    assert_eq!(cells.join(" "), want_cells);
    let ribbon = project::ribbon(&world, Duration::from_secs(3_600), When::Now, Stamp(10_000));
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
    assert_eq!(view.summary.gpus_wanted.number(), Some(u64::MAX));
    assert_eq!(view.pods.rows().iter().map(|row| row.restarts).max(), Some(u32::MAX));
    assert_eq!(world.dropped(), u64::MAX);
    for (object, ..) in world.objects() {
        let _ = project::object(&world, &object, &pilothouse_wire::Keyed::default(), Stamp(3_000));
    }
    let _ = project::ribbon(&world, Duration::from_secs(3_600), When::Now, Stamp(3_000));
    world.apply(said(4_000, all(Kind::Pod), Vec::new()));
}

/// What was said of two nodes of four GPUs and two pods: one that holds two of them, one that waits for four.
fn told(source: &str, nodes: bool, pods: Option<Option<&str>>) -> Vec<Batch> {
    let of = |extent, facts| Batch { source: ConnectionId::slug(source), ..said(1_000, extent, facts) };
    let about =
        Fact::Source(SourceFact::About(Box::new(SourceAbout { name: source.into(), ..SourceAbout::default() })));
    let mut batches = vec![of(Extent::Delta, vec![about, Fact::Source(SourceFact::Health(Health::Well))])];
    if nodes {
        batches.push(of(all(Kind::Node), vec![n(node("a")), n(node("b"))]));
    }
    if let Some(namespace) = pods {
        let covers = Covers { kind: Kind::Pod, namespace: namespace.map(Into::into) };
        let facts = vec![p(pod("x", Some("a"), 2, "chat:v1")), p(pod("y", None, 4, "chat:v1"))];
        batches.push(of(Extent::Replace(covers), facts));
    }
    batches
}

#[test]
fn what_nobody_read_is_not_free_and_not_0() {
    const NOT: Option<Option<&str>> = None;
    const SOME: Option<Option<&str>> = Some(Some("serving"));
    const ALL: Option<Option<&str>> = Some(None);
    // GPUs, held, free; nodes; pods, pending, wanted; how many sources are partial; the cells that are not known.
    for (told_of, want, partial, unknown) in [
        (vec![], "0 0 0; 0; 0 0 0", 0, 0),
        (vec![(false, NOT)], "— — —; —; — — —", 1, 0),
        (vec![(true, NOT)], "8 — —; 2; — — —", 1, 8),
        (vec![(true, SOME)], "8 ≥ 2 ≤ 6; 2; ≥ 2 ≥ 1 ≥ 4", 1, 6),
        (vec![(false, SOME)], "— — —; —; ≥ 2 ≥ 1 ≥ 4", 1, 0),
        (vec![(false, ALL)], "— — —; —; 2 1 4", 1, 0),
        (vec![(true, ALL)], "8 2 6; 2; 2 1 4", 0, 0),
        (vec![(true, ALL), (true, NOT)], "16 ≥ 2 ≤ 14; 4; ≥ 2 ≥ 1 ≥ 4", 1, 8),
        (vec![(true, ALL), (false, NOT)], "≥ 8 ≥ 2 ≥ 6; ≥ 2; ≥ 2 ≥ 1 ≥ 4", 1, 0),
        (vec![(true, ALL), (false, NOT), (true, NOT)], "≥ 16 ≥ 2 ≥ 6; ≥ 4; ≥ 2 ≥ 1 ≥ 4", 2, 8),
    ] {
        let mut world = World::default();
        let mut followed = FleetProjection::new(&world, FleetSpec::default());
        for (source, (nodes, pods)) in ["iad", "ord", "fra"].iter().zip(&told_of) {
            for batch in told(source, *nodes, *pods) {
                let touched = world.apply(batch);
                followed.update(&world, &touched);
            }
        }
        let view = FleetProjection::new(&world, FleetSpec::default()).into_view();
        assert_eq!(**followed.view(), view, "{told_of:?}");
        let lanes = project::ribbon(&world, Duration::from_secs(3_600), When::Now, Stamp(1_000)).lanes.len();
        let with_pods = told_of.iter().filter(|(_, pods)| pods.is_some()).count();
        assert_eq!(lanes, if with_pods > 0 { with_pods + 1 } else { 0 }, "{told_of:?}");
        let s = &view.summary;
        let words = [s.gpus, s.gpus_held, s.gpus_free, s.nodes, s.pods, s.pods_pending, s.gpus_wanted].map(sum);
        let [gpus, held, free, nodes, pods, pending, wanted] = words;
        assert_eq!(format!("{gpus} {held} {free}; {nodes}; {pods} {pending} {wanted}"), want, "{told_of:?}");
        assert_eq!(s.partial.len(), partial, "{told_of:?}");
        let cells = view.nodes.rows().iter().flat_map(|row| &row.gpus);
        assert_eq!(cells.filter(|cell| cell.state == GpuState::Unknown).count(), unknown, "{told_of:?}");
        for (row, (nodes, pods)) in view.clusters.rows().iter().zip(&told_of).filter(|_| told_of.len() == 1) {
            assert_eq!([row.gpus, row.nodes], [s.gpus, s.nodes], "{nodes} {pods:?}");
            assert_eq!([row.gpus_held, row.pods], [s.gpus_held, s.pods], "{nodes} {pods:?}");
        }
    }
}

#[test]
fn a_source_that_is_lost_makes_bounds_of_what_it_said() {
    let mut world = World::default();
    told("iad", true, Some(None)).into_iter().for_each(|batch| {
        world.apply(batch);
    });
    let problem = pilothouse_wire::Problem::new(pilothouse_wire::Code::Cut, "cut");
    world.apply(said(2_000, Extent::Delta, vec![Fact::Source(SourceFact::Health(Health::Lost(problem)))]));
    let summary = FleetProjection::new(&world, FleetSpec::default()).into_view().summary;
    let figures = [summary.gpus, summary.gpus_held, summary.gpus_free, summary.gpus_lost];
    assert_eq!(figures, [Sum::AtLeast(8), Sum::AtLeast(2), Sum::AtMost(6), Sum::NotKnown]);
    assert_eq!(summary.partial, [ConnectionId::slug("iad")]);
}

/// What a source says of one GPU of a node: who it is, and its last XID.
fn measured(source: &str, at: i64, node: &str, xid: f32) -> Batch {
    use pilothouse_wire::{Metric, Reading};
    use pilothouse_world::fact::{DeviceFact, DevicesFact, ReadingsFact};
    let device = DeviceFact { uuid: "GPU-1".into(), node: Some(node.into()), index: Some(0), ..DeviceFact::default() };
    let devices = DevicesFact { list: 1, interval_ms: 15_000, devices: vec![device], ..DevicesFact::default() };
    let readings =
        ReadingsFact { list: 1, at: vec![Some(Stamp(at))], columns: vec![(Metric::Xid, vec![Reading::of(xid)])] };
    Batch {
        source: ConnectionId::slug(source),
        seen_at: Stamp(at),
        extent: Extent::Delta,
        facts: vec![Fact::Devices(Box::new(devices)), Fact::Readings(Box::new(readings))],
    }
}

#[test]
fn a_new_xid_is_marked_at_the_gpu_of_the_cluster_that_has_the_node() {
    let mut world = World::default();
    told("iad", true, Some(None)).into_iter().for_each(|batch| drop(world.apply(batch)));
    let node = world.source(&ConnectionId::slug("iad")).unwrap().nodes.keys().next().unwrap().clone();
    // What was there when we first looked is no news.
    for (at, xid) in [(2_000, 13.0), (3_000, 13.0), (4_000, 79.0), (5_000, 79.0)] {
        world.apply(measured("prom", at, &node, xid));
    }
    let ribbon = project::ribbon(&world, Duration::from_secs(3_600), When::Now, Stamp(6_000));
    let marks: Vec<(String, String)> = ribbon
        .marks
        .rows()
        .iter()
        .filter(|mark| mark.title.contains("XID"))
        .map(|mark| (mark.key.object.to_string(), mark.title.clone()))
        .collect();
    assert_eq!(marks, [(format!("gpu:iad/{node}/0"), format!("{node} / 0: XID 79"))]);
}

#[test]
fn gpus_that_pods_hold_are_held_also_where_nobody_says_which_pod_has_which() {
    use pilothouse_wire::filter::Filter;
    let mut world = World::default();
    world.apply(said(1_000, all(Kind::Node), vec![n(node("a"))]));
    world.apply(said(1_000, all(Kind::Pod), ["x", "y"].map(|name| p(pod(name, Some("a"), 2, "chat:v1"))).into()));
    // All of them are measured, and no pod is named.
    let device = |index: u16| DeviceFact {
        uuid: format!("GPU-{index}").into(),
        node: Some("a".into()),
        index: Some(index),
        ..DeviceFact::default()
    };
    let devices =
        DevicesFact { list: 1, interval_ms: 15_000, devices: (0..4).map(device).collect(), ..DevicesFact::default() };
    let facts = vec![Fact::Devices(Box::new(devices))];
    world.apply(Batch { source: ConnectionId::slug("metrics"), ..said(1_000, Extent::Delta, facts) });
    let view = FleetProjection::new(&world, FleetSpec::default()).into_view();
    let row = &view.nodes.rows()[0];
    assert!(row.gpus.iter().all(|cell| cell.method == Method::Unattributed), "{row:?}");
    assert_eq!((row.gpus_held(), row.pods_holding()), (Sum::Exact(4), Sum::Exact(2)));
    assert_eq!((view.summary.gpus_held.sure(), view.clusters.rows()[0].gpus_held), (4, Sum::Exact(4)));
    let finds = |text: &str| text.parse::<Filter>().unwrap().matches(row);
    assert!(finds("held=4") && !finds("held=0"));
    // A node that is not ready keeps what its pods hold.
    let failed = NodeFact { conditions: ready("Unknown"), ..node("a") };
    world.apply(said(2_000, Extent::Delta, vec![n(failed)]));
    let view = FleetProjection::new(&world, FleetSpec::default()).into_view();
    assert_eq!(view.summary.gpus_held.sure(), 4);
}

#[test]
fn beside_a_gpu_that_is_cut_one_that_is_whole_has_one_owner_and_a_part_counts_for_no_workload() {
    let mut machine = node("a");
    machine.capacity = vec![("nvidia.com/gpu".into(), 2), ("nvidia.com/mig-3g.40gb".into(), 4)];
    machine.allocatable = machine.capacity.clone();
    let mut slice = pod("slice", Some("a"), 0, "chat:v1");
    (slice.gpus, slice.owners) = (vec![("nvidia.com/mig-3g.40gb".into(), 1)], Vec::new());
    let mut whole = pod("whole", Some("a"), 1, "chat:v1");
    whole.owners = Vec::new();
    let mut world = World::default();
    world.apply(said(1_000, all(Kind::Node), vec![n(machine)]));
    world.apply(said(1_000, all(Kind::Pod), vec![p(slice), p(whole)]));
    let claim = |pod: &str, slice: Option<&str>| DeviceClaim {
        namespace: "serving".into(),
        pod: pod.into(),
        slice: slice.map(Into::into),
        dra: None,
    };
    let device = |index: u16, claims| DeviceFact {
        uuid: format!("GPU-{index}").into(),
        node: Some("a".into()),
        index: Some(index),
        claims,
        ..DeviceFact::default()
    };
    // Of the last one only the pod is said: that it has a part of it follows from what it asked for.
    let devices = vec![
        device(0, vec![claim("whole", None)]),
        device(1, Vec::new()),
        device(2, vec![claim("slice", Some("3g.40gb/1"))]),
        device(3, vec![claim("slice", None)]),
    ];
    let list = DevicesFact { list: 1, interval_ms: 15_000, devices, ..DevicesFact::default() };
    let power = vec![Reading::of(100.0); 4];
    let readings = ReadingsFact { list: 1, at: vec![Some(Stamp(1_000)); 4], columns: vec![(Metric::Power, power)] };
    let facts = vec![Fact::Devices(Box::new(list)), Fact::Readings(Box::new(readings))];
    world.apply(Batch { source: ConnectionId::slug("metrics"), ..said(1_000, Extent::Delta, facts) });

    let view = FleetProjection::new(&world, FleetSpec::default()).into_view();
    let cells: Vec<(GpuState, Method)> =
        view.nodes.rows()[0].gpus.iter().map(|cell| (cell.state, cell.method)).collect();
    let shared = (GpuState::Shared, Method::Shared);
    assert_eq!(cells, [(GpuState::Held, Method::Device), (GpuState::Free, Method::Count), shared, shared]);
    let named = view.workloads.rows().iter().enumerate();
    let read: Vec<(&str, Reading)> =
        named.map(|(at, row)| (row.name.as_str(), view.telemetry.read_workload(Metric::Power, at))).collect();
    assert_eq!(read, [("slice", Reading::ABSENT), ("whole", Reading::of(100.0))]);
}

#[test]
fn a_pod_is_of_its_own_label_else_of_its_namespaces_and_an_unlabelled_one_of_nobody() {
    let namespace = |team: Option<&str>| {
        let fact = NamespaceFact { name: "serving".into(), terminating: false };
        vec![match team {
            Some(team) => Fact::LabelledNamespace(fact, team.into()),
            None => Fact::Namespace(fact),
        }]
    };
    let own = PodLabels { team: Some("search".into()), queue: Some("batch".into()) };
    let mut world = World::default();
    world.apply(said(
        1_000,
        all(Kind::Pod),
        vec![Fact::LabelledPod(Box::new(pod("x", Some("a"), 2, "chat:v1")), own), p(pod("y", None, 4, "chat:v1"))],
    ));
    let mut projection = FleetProjection::new(&world, FleetSpec::default());
    let mut teams = |batch: Batch| -> Vec<Option<String>> {
        let touched = world.apply(batch);
        projection.update(&world, &touched);
        assert_eq!(projection.view().pods, FleetProjection::new(&world, FleetSpec::default()).into_view().pods);
        projection.view().pods.rows().iter().map(|pod| pod.team.as_ref().map(ToString::to_string)).collect()
    };
    let named = |x: Option<&str>, y: Option<&str>| vec![x.map(str::to_owned), y.map(str::to_owned)];
    assert_eq!(teams(said(2_000, Extent::Delta, namespace(None))), named(Some("search"), None));
    assert_eq!(teams(said(3_000, Extent::Delta, namespace(Some("ads")))), named(Some("search"), Some("ads")));
    // A label that is taken off counts no more.
    let bare = vec![p(pod("x", Some("a"), 2, "chat:v1"))];
    assert_eq!(teams(said(4_000, Extent::Delta, bare)), named(Some("ads"), Some("ads")));
    let gone = vec![Fact::NamespaceGone("serving".into())];
    assert_eq!(teams(said(5_000, Extent::Delta, gone)), named(None, None));
}
