//! What the inspector says of a node and its GPUs: who has them, alone or in turns, what is beside, and whose the node is.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use pilothouse_wire::{
    ConnectionId, Keyed, Metric, NodeId, ObjectRef, Reading, Stamp,
    view::{Mark, MarkKind, ObjectView, ribbon::MarkKey},
};
use pilothouse_world::{
    Batch, Extent, Fact, QUARANTINE, World,
    fact::{
        ConditionFact, Covers, DeviceClaim, DeviceFact, DevicesFact, HostFact, Kind, NodeFact, NoteFact, OwnerFact,
        Phase, PodFact, ReadingsFact, SourceFact,
    },
    project,
};

const NOW: Stamp = Stamp(1_795_500_000_000);

fn node_id() -> NodeId {
    NodeId { cluster: ConnectionId::slug("iad"), name: "h-1".into() }
}

fn pod(name: &str) -> Fact {
    Fact::Pod(Box::new(PodFact {
        namespace: "n".into(),
        name: name.into(),
        uid: name.into(),
        owners: vec![OwnerFact { kind: "Job".into(), name: name.into() }],
        node: Some("h-1".into()),
        phase: Phase::Running,
        gpus: vec![("nvidia.com/gpu".into(), 1)],
        ..PodFact::default()
    }))
}

/// A node of three GPUs: two pods take turns on the first, a third one has the second.
fn world(labels: &[(&str, &str)]) -> World {
    let amounts = vec![("nvidia.com/gpu".into(), 12)];
    let labels = labels.iter().chain(&[("nvidia.com/gpu.replicas", "4")]);
    let node = NodeFact {
        name: "h-1".into(),
        uid: "u".into(),
        cordoned: true,
        conditions: vec![ConditionFact { kind: "Ready".into(), status: "True".into(), reason: None, since: None }],
        labels: labels.map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        capacity: amounts.clone(),
        allocatable: amounts,
        ..NodeFact::default()
    };
    let claims = |pods: &[&str]| {
        let claim = |pod: &&str| DeviceClaim { namespace: "n".into(), pod: (*pod).into(), slice: None, dra: None };
        pods.iter().map(claim).collect()
    };
    let device = |(index, pods): (u16, &[&str])| DeviceFact {
        uuid: format!("GPU-{index}").into(),
        node: Some("h-1".into()),
        index: Some(index),
        claims: claims(pods),
        ..DeviceFact::default()
    };
    let devices = (0..).zip([&["a", "b"][..], &["c"], &[]]).map(device).collect();
    let mut world = World::default();
    let mut tell = |source: &str, extent, facts| {
        world.apply(Batch { source: ConnectionId::slug(source), seen_at: NOW, extent, facts });
    };
    let all = |kind| Extent::Replace(Covers { kind, namespace: None });
    tell("iad", all(Kind::Node), vec![Fact::Node(Box::new(node))]);
    tell("iad", all(Kind::Pod), vec![pod("a"), pod("b"), pod("c")]);
    let list = DevicesFact { list: 1, interval_ms: 15_000, devices, ..DevicesFact::default() };
    let columns = vec![(Metric::Power, [300.0, 200.0, 100.0].map(Reading::of).into())];
    let readings = ReadingsFact { list: 1, at: vec![Some(NOW); 3], columns };
    tell("gpus", Extent::Delta, vec![Fact::Devices(Box::new(list)), Fact::Readings(Box::new(readings))]);
    world
}

fn shown(world: &World, object: &ObjectRef) -> ObjectView {
    project::object(world, object, &Keyed::default(), NOW).unwrap()
}

fn values(rows: &[pilothouse_wire::view::FieldRow], label: &str) -> Vec<String> {
    rows.iter().filter(|row| row.label == label).filter_map(|row| row.value.clone()).collect()
}

#[test]
fn all_who_take_turns_on_a_gpu_are_told_of_it_and_it_of_them() {
    let world = world(&[]);
    let gpu = shown(&world, &ObjectRef::Gpu(node_id(), 0));
    assert_eq!(values(&gpu.holding, "Pod"), ["a, a share of 1 GPU", "b, a share of 1 GPU"]);
    assert_eq!(values(&gpu.holding, "How sure"), ["shared by 2, no split claimed"]);
    for (name, watts) in [("a", 300.0), ("b", 300.0), ("c", 200.0)] {
        let view = shown(&world, &format!("pod:iad/n/{name}").parse().unwrap());
        let measured = view.measured.unwrap();
        assert_eq!(measured.readings, [(Metric::Power, Reading::of(watts))], "{name}");
    }
}

#[test]
fn a_pod_that_went_is_told_of_as_gone_by_the_changes_that_are_left_of_it() {
    let (mut world, pod_fact) = (world(&[]), pod("a"));
    let pod: ObjectRef = "pod:iad/n/a".parse().unwrap();
    assert!(shown(&world, &pod).exists);
    // It had half a minute to go, and took less.
    let Fact::Pod(fact) = pod_fact else { panic!("a pod") };
    let going = PodFact { deleting: Some(Stamp(NOW.0 + 30_000)), ..*fact };
    let facts = vec![Fact::Pod(Box::new(going)), Fact::PodGone("n".into(), "a".into())];
    world.apply(Batch { source: ConnectionId::slug("iad"), seen_at: NOW, extent: Extent::Delta, facts });
    let view = shown(&world, &pod);
    assert!(view.changes.rows().iter().all(|mark| mark.key.at <= NOW), "{:?}", view.changes);
    assert_eq!((view.exists, view.status_word.as_str(), view.has_yaml), (false, "Gone", false));
    assert_eq!(values(&view.identity, "Namespace"), ["n"]);
    let told: Vec<_> = view.changes.rows().iter().map(|mark| mark.title.as_str()).collect();
    assert!(told.contains(&"a gone"), "{told:?}");
    let since = view.changes.rows().iter().map(|mark| mark.key.at).max().unwrap();
    assert_eq!(values(&view.identity, "Gone since"), [since.to_string()]);
    // Where no pods were read yet, as at a start, nobody knows whether it is gone.
    let mut unread = World::default();
    let marks = world.worth_recalling(Stamp(0), 100);
    let (source, facts) = (NoteFact::source(), vec![Fact::Recalled(marks)]);
    unread.apply(Batch { source, seen_at: NOW, extent: Extent::Delta, facts });
    let here = vec![Fact::Source(SourceFact::Heard)];
    unread.apply(Batch { source: ConnectionId::slug("iad"), seen_at: NOW, extent: Extent::Delta, facts: here });
    assert!(project::object(&unread, &pod, &Keyed::default(), NOW).is_none());
    // Of one that never was nobody knows anything.
    let never: ObjectRef = "pod:iad/n/never".parse().unwrap();
    assert!(project::object(&world, &never, &Keyed::default(), NOW).is_none());
}

#[test]
fn a_node_that_went_and_a_workload_without_pods_are_told_by_the_changes_that_are_left_of_them() {
    let mut world = world(&[]);
    let node: ObjectRef = "node:iad/h-1".parse().unwrap();
    let say = |world: &mut World, facts: Vec<Fact>| {
        let batch = Batch { source: ConnectionId::slug("iad"), seen_at: NOW, extent: Extent::Delta, facts };
        drop(world.apply(batch));
    };
    let fact = NodeFact { name: "h-1".into(), ..NodeFact::default() };
    say(&mut world, vec![Fact::Node(Box::new(fact)), Fact::NodeGone("h-1".into())]);
    let view = shown(&world, &node);
    assert_eq!((view.exists, view.status_word.as_str()), (false, "Gone"));
    assert_eq!(values(&view.identity, "Gone since"), [NOW.to_string()]);
    let job: ObjectRef = "workload:iad/n/Job/train".parse().unwrap();
    assert!(project::object(&world, &job, &Keyed::default(), NOW).is_none(), "nothing was ever told of it");
    let key = MarkKey { at: NOW, object: job.clone(), kind: MarkKind::JobEnded };
    let marks = vec![Mark { title: "train done".into(), ..Mark::of(key) }];
    let (source, facts) = (NoteFact::source(), vec![Fact::Recalled(marks)]);
    drop(world.apply(Batch { source, seen_at: NOW, extent: Extent::Delta, facts }));
    let view = shown(&world, &job);
    assert_eq!((view.exists, view.status_word.as_str()), (false, "No pods"));
    assert_eq!(values(&view.identity, "Namespace"), ["n"]);
}

#[test]
fn a_machine_tells_of_itself_and_each_gpu_of_what_uses_it() {
    let mut world = world(&[]);
    let host = HostFact {
        node: "h-1".into(),
        cores: 192,
        memory_bytes: 2_000_000_000_000,
        processes: vec![("GPU-0".into(), 3), ("GPU-1".into(), 1)],
        ..HostFact::default()
    };
    let (source, facts) = (ConnectionId::slug("iad"), vec![Fact::Host(Box::new(host))]);
    world.apply(Batch { source, seen_at: NOW, extent: Extent::Delta, facts });
    let of = |object: &ObjectRef, label: &str| values(&shown(&world, object).identity, label);
    let node = ObjectRef::Node(node_id());
    assert_eq!((of(&node, "Cores"), of(&node, "Memory")), (vec!["192".to_owned()], vec!["2.00 TB".to_owned()]));
    assert_eq!(of(&node, "Uses by processes"), ["4"]);
    assert_eq!(of(&ObjectRef::Gpu(node_id(), 0), "Uses by processes"), ["3"]);
    assert_eq!(of(&ObjectRef::Gpu(node_id(), 0), "Cores"), Vec::<String>::new());
    // Of one whose driver does not say it, nothing is said; it is not none.
    assert_eq!(of(&ObjectRef::Gpu(node_id(), 2), "Uses by processes"), Vec::<String>::new());
}

#[test]
fn a_gpu_names_those_beside_it() {
    let view = shown(&world(&[]), &ObjectRef::Gpu(node_id(), 2));
    let told: Vec<_> = view.beside.iter().map(|row| (row.label.as_str(), row.value.as_deref(), &row.link)).collect();
    let gpu = |slot| Some(ObjectRef::Gpu(node_id(), slot));
    assert_eq!(told, [("GPU 0", Some("shared by a +1"), &gpu(0)), ("GPU 1", Some("shared by c"), &gpu(1))]);
    assert_eq!(shown(&world(&[]), &ObjectRef::Node(node_id())).beside, []);
}

#[test]
fn a_cordon_by_nvsentinel_is_not_offered_to_be_taken_away() {
    let node = ObjectRef::Node(node_id());
    let command = |view: &ObjectView| view.findings[0].command.clone();
    let free = shown(&world(&[]), &node);
    assert_eq!(command(&free).as_deref(), Some("kubectl uncordon h-1"));
    let taken = shown(&world(&[(QUARANTINE, "GpuMemWatch")]), &node);
    assert_eq!(command(&taken), None);
    assert_eq!(values(&taken.identity, "Quarantined by NVSentinel"), ["GpuMemWatch"]);
}
