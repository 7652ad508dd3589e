//! What containers are started with: told of pods and workloads while they are there, and kept once they are gone.

use pilothouse_wire::{
    AddressPlace, ConnectionId, ModelAddress, ObjectRef, PodId, Stamp,
    view::{ModelsSpec, WorkloadStarts},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{
        ConditionFact, ControllerFact, Covers, DeliveryFact, Kind, ModelFact, OwnerFact, Phase, PodFact, PodLabels,
        RevisionFact, SizeFact, SourceFact, StartFact,
    },
    project,
};

fn id() -> ConnectionId {
    ConnectionId::slug("iad")
}

fn said(world: &mut World, at: i64, extent: Extent, facts: Vec<Fact>) {
    world.apply(Batch { source: id(), seen_at: Stamp(at), extent, facts });
}

fn start(model: &str, began: Option<i64>) -> StartFact {
    let models = vec![ModelAddress { text: model.into(), place: AddressPlace::Flag("--model".into()) }];
    StartFact { container: "server".into(), began: began.map(Stamp), models }
}

fn pod(name: &str, uid: &str, owner: Option<(&str, &str)>, starts: Vec<StartFact>) -> Fact {
    let pod = PodFact {
        namespace: "serving".into(),
        name: name.into(),
        uid: uid.into(),
        owners: owner.iter().map(|(kind, name)| OwnerFact { kind: (*kind).into(), name: (*name).into() }).collect(),
        node: Some("n-1".into()),
        phase: Phase::Running,
        gpus: vec![("nvidia.com/gpu".into(), 4)],
        conditions: vec![ConditionFact { kind: "Ready".into(), status: "True".into(), reason: None, since: None }],
        ..PodFact::default()
    };
    Fact::StartedPod(Box::new(pod), PodLabels::default(), starts)
}

fn gone(name: &str) -> Fact {
    Fact::PodGone("serving".into(), name.into())
}

/// A line for each workload: its name, its pods with what they are started with, what is gone.
fn lines(world: &World) -> Vec<String> {
    let line = |of: &WorkloadStarts| {
        let pods = of.pods.iter().map(|pod| {
            let model = pod.starts.first().map_or("-", |start| start.models[0].text.as_str());
            format!(" {model} {} GPUs", pod.gpus)
        });
        let gone = of.gone.iter().map(|gone| {
            let (began, text) = (gone.start.began.unwrap_or_default().0, &gone.start.models[0].text);
            format!(" | {} of {text} from {began} to {}", gone.pods, gone.until.0)
        });
        format!("{}:{}{}", of.workload, pods.collect::<String>(), gone.collect::<String>())
    };
    project::workload_starts(world).iter().map(line).collect()
}

#[test]
fn a_pod_tells_what_its_containers_are_started_with_and_its_workload_with_it() {
    let mut world = World::default();
    let set = Some(("StatefulSet", "chat"));
    let all = Extent::Replace(Covers { kind: Kind::Pod, namespace: None });
    let facts = vec![
        pod("chat-0", "u0", set, vec![start("models:/chat/3", Some(5))]),
        pod("chat-1", "u1", set, vec![]),
        pod("alone", "u2", None, vec![start("runs:/r/model", None)]),
    ];
    said(&mut world, 10, all.clone(), facts);
    let object = ObjectRef::Pod(PodId { cluster: id(), namespace: "serving".into(), name: "chat-0".into() });
    let starts = project::starts(&world, &object);
    assert_eq!(
        (starts.len(), starts[0].began, starts[0].models[0].text.as_str()),
        (1, Some(Stamp(5)), "models:/chat/3")
    );
    // Pods that are started with no model count among the others.
    let both = [
        "pod:iad/serving/alone: runs:/r/model 4 GPUs",
        "workload:iad/serving/StatefulSet/chat: models:/chat/3 4 GPUs - 4 GPUs",
    ];
    assert_eq!(lines(&world), both);
    // What is listed no more is gone; what never began served nothing.
    said(&mut world, 20, all, vec![pod("chat-1", "u1", set, vec![])]);
    assert_eq!(lines(&world), ["workload:iad/serving/StatefulSet/chat: - 4 GPUs | 1 of models:/chat/3 from 5 to 20"]);
}

#[test]
fn a_container_that_begins_again_and_a_pod_that_is_replaced_leave_what_was_before() {
    let mut world = World::default();
    let model = "models:/chat@champion";
    let of = |uid, began| pod("x", uid, None, vec![start(model, began)]);
    said(&mut world, 10, Extent::Delta, vec![of("u0", Some(5))]);
    said(&mut world, 11, Extent::Delta, vec![of("u0", Some(5))]);
    assert_eq!(lines(&world), [format!("pod:iad/serving/x: {model} 4 GPUs")]);
    said(&mut world, 12, Extent::Delta, vec![of("u0", None)]);
    said(&mut world, 13, Extent::Delta, vec![of("u0", Some(13))]);
    said(&mut world, 20, Extent::Delta, vec![of("u1", Some(20))]);
    said(&mut world, 30, Extent::Delta, vec![gone("x")]);
    let gone = [(5, 12), (13, 20), (20, 30)].map(|(from, to)| format!(" | 1 of {model} from {from} to {to}"));
    assert_eq!(lines(&world), [format!("pod:iad/serving/x:{}", gone.concat())]);
    said(&mut world, 40, Extent::Delta, vec![Fact::Source(SourceFact::Removed)]);
    assert_eq!(lines(&world), Vec::<String>::new());
}

#[test]
fn pods_of_a_service_say_of_which_revision_they_are() {
    let mut world = World::default();
    let controller = ControllerFact {
        kind: "Rollout".into(),
        namespace: "serving".into(),
        name: "chat".into(),
        ..ControllerFact::default()
    };
    let service = DeliveryFact { current: Some("2".into()), rollout: Some(Box::default()), ..DeliveryFact::default() };
    let revision = |name: &str, hash: &str| {
        let owner = OwnerFact { kind: "Rollout".into(), name: "chat".into() };
        let revision =
            RevisionFact { namespace: "serving".into(), name: name.into(), owner, ..RevisionFact::default() };
        Fact::SizedRevision(Box::new(revision), SizeFact { hash: hash.into(), ..SizeFact::default() })
    };
    let of = |name: &str, set: &str| {
        let Fact::StartedPod(mut pod, labels, starts) =
            pod(name, name, Some(("ReplicaSet", set)), vec![start("models:/chat/3", Some(5))])
        else {
            unreachable!()
        };
        pod.owners.push(OwnerFact { kind: "Rollout".into(), name: "chat".into() });
        Fact::StartedPod(pod, labels, starts)
    };
    let delivered = Fact::Delivered(Box::new(controller), Box::new(service));
    let facts = vec![delivered, revision("chat-a", "1"), revision("chat-b", "2"), of("a", "chat-a"), of("b", "chat-b")];
    said(&mut world, 10, Extent::Delta, facts);
    let all = project::workload_starts(&world);
    assert_eq!(all[0].workload.to_string(), "workload:iad/serving/Rollout/chat");
    let current: Vec<Option<bool>> = all[0].pods.iter().map(|pod| pod.current).collect();
    assert_eq!((all.len(), current, all[0].split.is_some()), (1, vec![Some(false), Some(true)], true));
    said(&mut world, 20, Extent::Delta, vec![gone("a")]);
    assert!(lines(&world)[0].ends_with("| 1 of models:/chat/3 from 5 to 20"), "{:?}", lines(&world));
}

#[test]
fn where_an_alias_led_before_is_known_until_its_registry_was_last_heard() {
    let mut world = World::default();
    let model = |version| {
        let aliases = vec![("champion".into(), version)];
        vec![Fact::Model(Box::new(ModelFact { name: "chat".into(), aliases, ..ModelFact::default() }))]
    };
    let all = || Extent::Replace(Covers { kind: Kind::Model, namespace: None });
    said(&mut world, 10, all(), model(1));
    said(&mut world, 20, Extent::Delta, vec![Fact::Source(SourceFact::Heard)]);
    let alias = |world: &World| project::models(world, &ModelsSpec::default()).models.rows()[0].aliases[0].clone();
    let first = alias(&world);
    assert_eq!((first.since, first.seen, first.before), (None, Some(Stamp(10)), None));
    said(&mut world, 30, all(), model(2));
    let moved = alias(&world);
    assert_eq!((moved.since, moved.seen), (Some(Stamp(30)), Some(Stamp(30))));
    let stay = moved.before.unwrap();
    assert_eq!((stay.version, stay.since, stay.until), (1, Stamp(10), Stamp(20)));
    said(&mut world, 40, all(), model(3));
    let stay = alias(&world).before.unwrap();
    assert_eq!((stay.version, stay.since, stay.until), (2, Stamp(30), Stamp(30)));
}
