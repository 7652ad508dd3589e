//! What must hold for any facts: patches add up, order of independent facts does not matter, replay is equal.

use pilothouse_wire::{
    AddressPlace, ConnectionId, Health, Keyed, ModelAddress, Problem, Stamp,
    view::{FleetSpec, FleetView, GpuState},
};
use pilothouse_world::{
    Batch, Extent, Fact, Touched, World,
    fact::{
        BudgetFact, ConditionFact, ContainerFact, Covers, EventFact, Kind, NamespaceFact, NodeFact, NodeWriteFact,
        OwnerFact, Phase, PodFact, PodLabels, SelectorFact, SourceAbout, SourceFact, StartFact, WrittenFact,
    },
    project::FleetProjection,
};
use proptest::prelude::*;

fn node() -> impl Strategy<Value = Fact> {
    (0..4u8, any::<bool>(), any::<bool>(), 0..3u64).prop_map(|(name, cordoned, ready, withheld)| {
        let node = Box::new(NodeFact {
            name: format!("n{name}").into(),
            cordoned,
            conditions: vec![ConditionFact {
                kind: "Ready".into(),
                status: if ready { "True" } else { "False" }.into(),
                reason: None,
                since: None,
            }],
            capacity: vec![("nvidia.com/gpu".into(), 4)],
            allocatable: vec![("nvidia.com/gpu".into(), 4 - withheld)],
            ..NodeFact::default()
        });
        if withheld == 0 {
            return Fact::Node(node);
        }
        let at = Some(Stamp(withheld.cast_signed()));
        let write = NodeWriteFact { by: "ann".into(), at, cordon: cordoned, alone: true, ..NodeWriteFact::default() };
        Fact::WrittenNode(node, WrittenFact { writes: vec![write], ..WrittenFact::default() })
    })
}

fn start(version: u8) -> StartFact {
    let model = ModelAddress { text: format!("models:/chat/{version}").into(), place: AddressPlace::Argument };
    StartFact { container: "server".into(), began: Some(Stamp(i64::from(version))), models: vec![model] }
}

fn pod() -> impl Strategy<Value = Fact> {
    (0..2u8, 0..5u8, prop::option::of(0..4u8), 0..3u64, 0..3u8, any::<bool>()).prop_map(
        |(namespace, name, node, gpus, version, failed)| {
            let pod = Box::new(PodFact {
                namespace: format!("ns{namespace}").into(),
                name: format!("p{name}").into(),
                uid: format!("{namespace}{name}{version}").into(),
                created: Some(Stamp(i64::from(version) * 1_000)),
                owners: vec![OwnerFact { kind: "ReplicaSet".into(), name: "w-1".into() }],
                template_hash: Some("1".into()),
                node: node.map(|node| format!("n{node}").into()),
                phase: if failed { Phase::Failed } else { Phase::Running },
                gpus: if gpus > 0 { vec![("nvidia.com/gpu".into(), gpus)] } else { vec![] },
                containers: vec![ContainerFact { image: format!("i:{version}").into(), ..ContainerFact::default() }],
                ..PodFact::default()
            });
            match version {
                2 => Fact::LabelledPod(pod, PodLabels { team: Some("search".into()), queue: None }),
                1 => Fact::StartedPod(pod, PodLabels::default(), vec![start(version)]),
                _ if gpus > 0 => {
                    let app = format!("app{}", name % 2).into();
                    Fact::ChosenPod(pod, PodLabels::default(), vec![], vec![("app".into(), app)])
                }
                _ => Fact::Pod(pod),
            }
        },
    )
}

fn other() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (0..4u8).prop_map(|name| Fact::NodeGone(format!("n{name}").into())),
        (0..2u8, 0..5u8)
            .prop_map(|(namespace, name)| Fact::PodGone(format!("ns{namespace}").into(), format!("p{name}").into())),
        (0..2u8, prop::option::of(Just("ads"))).prop_map(|(name, team)| {
            let namespace = NamespaceFact { name: format!("ns{name}").into(), terminating: false };
            match team {
                Some(team) => Fact::LabelledNamespace(namespace, team.into()),
                None => Fact::Namespace(namespace),
            }
        }),
        (0..2u8, 0..2u8, 0..2u8, 0..2u32).prop_map(|(namespace, name, app, allowed)| {
            let labels = vec![("app".into(), format!("app{app}").into())];
            Fact::Budget(Box::new(BudgetFact {
                namespace: format!("ns{namespace}").into(),
                name: format!("b{name}").into(),
                chooses: Some(SelectorFact { labels, rules: vec![] }),
                allowed,
                unready_may: false,
            }))
        }),
        (0..2u8, 0..2u8)
            .prop_map(|(namespace, name)| Fact::BudgetGone(format!("ns{namespace}").into(), format!("b{name}").into())),
        Just(Fact::Source(SourceFact::Heard)),
        Just(Fact::Source(SourceFact::Health(Health::Well))),
        Just(Fact::Source(SourceFact::Health(Health::Lost(Problem::new(pilothouse_wire::Code::Cut, "cut"))))),
        (0..3u8, 0..2u8, 0..9i64).prop_map(|(uid, pod, at)| Fact::Event(Box::new(EventFact {
            uid: uid.to_string().into(),
            kind: "Pod".into(),
            namespace: Some("ns0".into()),
            name: format!("p{pod}").into(),
            warning: true,
            reason: "BackOff".into(),
            note: "again".into(),
            count: 1,
            at: Stamp(at),
        }))),
        Just(Fact::Source(SourceFact::Removed)),
        Just(Fact::Source(SourceFact::About(Box::new(SourceAbout { name: "a".into(), ..SourceAbout::default() })))),
    ]
}

fn extent() -> impl Strategy<Value = Extent> {
    let kind = prop_oneof![Just(Kind::Node), Just(Kind::Pod), Just(Kind::Event), Just(Kind::DisruptionBudget)];
    prop_oneof![
        3 => Just(Extent::Delta),
        1 => (kind, prop::option::of(Just("ns0".into())))
            .prop_map(|(kind, namespace)| Extent::Replace(Covers { kind, namespace })),
    ]
}

fn batch() -> impl Strategy<Value = Batch> {
    let fact = prop_oneof![4 => pod(), 3 => node(), 2 => other()];
    (0..2u8, 0..60i64, extent(), prop::collection::vec(fact, 0..6)).prop_map(|(source, at, extent, facts)| Batch {
        source: ConnectionId::slug(if source == 0 { "iad" } else { "ord" }),
        seen_at: Stamp(at * 1_000),
        extent,
        facts,
    })
}

proptest! {
    #[test]
    fn patches_add_up_to_the_full_frame(batches in prop::collection::vec(batch(), 1..30)) {
        let mut world = World::default();
        let spec = FleetSpec::default();
        let mut projection = FleetProjection::new(&world, spec.clone());
        let mut mirror = FleetView::clone(projection.view());
        let mut pending = Touched::default();
        for (i, batch) in batches.into_iter().enumerate() {
            pending.merge(world.apply(batch));
            // As in the engine, several batches may go into one frame.
            if i % 3 == 0 {
                mirror.apply(projection.update(&world, &std::mem::take(&mut pending)));
                let full = FleetProjection::new(&world, spec.clone()).into_view();
                prop_assert_eq!(&mirror, &full);
            }
        }
    }

    #[test]
    fn a_number_is_exact_only_where_everything_was_listed(batches in prop::collection::vec(batch(), 0..20)) {
        let mut world = World::default();
        let mut listed = std::collections::BTreeSet::new();
        for batch in batches {
            if let Extent::Replace(Covers { kind, namespace: None }) = &batch.extent {
                listed.insert((batch.source.clone(), *kind));
            }
            if batch.facts.contains(&Fact::Source(SourceFact::Removed)) {
                listed.retain(|(source, _)| *source != batch.source);
            }
            world.apply(batch);
        }
        let view = FleetProjection::new(&world, FleetSpec::default()).into_view();
        let all = |kind| world.sources().all(|(id, _)| listed.contains(&(id.clone(), kind)));
        let s = &view.summary;
        for sum in [s.pods, s.pods_pending, s.gpus_wanted, s.gpus_held, s.gpus_free] {
            prop_assert!(all(Kind::Pod) || sum.exact().is_none(), "{:?}", s);
        }
        for sum in [s.nodes, s.gpus, s.gpus_healthy, s.gpus_held, s.gpus_free] {
            prop_assert!(all(Kind::Node) || sum.exact().is_none(), "{:?}", s);
        }
        for node in view.nodes.rows() {
            let known = listed.contains(&(node.id.cluster.clone(), Kind::Pod));
            let wrong = if known { GpuState::Unknown } else { GpuState::Free };
            prop_assert!(node.gpus.iter().all(|cell| cell.state != wrong));
            prop_assert_eq!(node.gpus_held().exact().is_some(), known);
        }
    }

    #[test]
    fn the_order_of_independent_facts_does_not_matter(
        listing in prop::collection::vec(prop_oneof![node(), pod()], 0..8),
        one in prop_oneof![node(), pod()],
        two in prop_oneof![node(), pod()],
    ) {
        prop_assume!(object(&one) != object(&two));
        let delta = |fact: Fact| Batch {
            source: ConnectionId::slug("iad"), seen_at: Stamp(9_000), extent: Extent::Delta, facts: vec![fact],
        };
        let mut start = World::default();
        for fact in listing {
            start.apply(delta(fact));
        }
        let (mut a, mut b) = (start.clone(), start);
        a.apply(delta(one.clone()));
        a.apply(delta(two.clone()));
        b.apply(delta(two));
        b.apply(delta(one));
        prop_assert_eq!(a, b);
    }

    #[test]
    fn record_and_replay_gives_an_equal_world(batches in prop::collection::vec(batch(), 0..20)) {
        let (mut live, mut replayed) = (World::default(), World::default());
        for batch in batches {
            let recorded = postcard::to_stdvec(&batch).unwrap();
            live.apply(batch);
            replayed.apply(postcard::from_bytes(&recorded).unwrap());
        }
        prop_assert_eq!(&live, &replayed);
        let snapshot = postcard::to_stdvec(&live).unwrap();
        prop_assert_eq!(live, postcard::from_bytes::<World>(&snapshot).unwrap());
    }

    #[test]
    fn every_object_that_can_be_found_can_be_shown(batches in prop::collection::vec(batch(), 0..20)) {
        let mut world = World::default();
        for batch in batches {
            world.apply(batch);
        }
        for (object, _, _) in world.objects() {
            prop_assert!(pilothouse_world::project::object(&world, &object, &Keyed::default(), Stamp(60_000)).is_some(), "{}", object);
        }
    }
}

fn object(fact: &Fact) -> String {
    match fact {
        Fact::Node(node) | Fact::WrittenNode(node, _) => node.name.to_string(),
        Fact::Pod(pod) | Fact::LabelledPod(pod, _) | Fact::StartedPod(pod, ..) | Fact::ChosenPod(pod, ..) => {
            format!("{}/{}", pod.namespace, pod.name)
        }
        _ => String::new(),
    }
}
