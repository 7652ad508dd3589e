//! What must hold of any record: a seek equals the full replay, whole or thinned, whatever was said and wherever the
//! checkpoints fell.
#![allow(clippy::unwrap_used, reason = "tests")]

use pilothouse_journal::{Limits, Reader, Recorder, Sought, Thinning};
use pilothouse_wire::{ConnectionId, Metric, Reading, Stamp, view::FleetSpec};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    fact::{Covers, DeviceFact, DevicesFact, Kind, NodeFact, PodFact, ReadingsFact, SourceFact},
    project::FleetProjection,
};
use proptest::prelude::*;
use std::{path::Path, time::Duration};

/// What happens next, before it is known which list of GPUs is in force.
#[derive(Clone, Debug)]
enum Next {
    Facts(Vec<Fact>),
    Listing(Vec<Fact>),
    /// Which GPUs are listed, in which order.
    Listed(Vec<u8>),
    /// Of each GPU: was it measured, its XID, its power; whether the metrics are named; whether it is of an old list.
    Measured {
        gpus: Vec<(bool, u8, u8)>,
        names: (bool, bool),
        late: bool,
    },
    Removed,
    Checkpoint,
}

fn pod(name: u8, node: u8) -> Fact {
    let pod = PodFact {
        namespace: "ns".into(),
        name: format!("p{name}").into(),
        node: Some(format!("n{node}").into()),
        gpus: vec![("nvidia.com/gpu".into(), 1)],
        ..PodFact::default()
    };
    Fact::Pod(Box::new(pod))
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (0..3_u8, any::<bool>()).prop_map(|(name, cordoned)| {
            Fact::Node(Box::new(NodeFact { name: format!("n{name}").into(), cordoned, ..NodeFact::default() }))
        }),
        (0..4_u8, 0..3_u8).prop_map(|(name, node)| pod(name, node)),
        (0..4_u8).prop_map(|name| Fact::PodGone("ns".into(), format!("p{name}").into())),
        Just(Fact::Source(SourceFact::Heard)),
    ]
}

fn next() -> impl Strategy<Value = Next> {
    let gpu = (prop::bool::weighted(0.8), 0..3_u8, any::<u8>());
    let measured = (prop::collection::vec(gpu, 4), prop::bool::weighted(0.9), prop::bool::weighted(0.8));
    prop_oneof![
        3 => prop::collection::vec(fact(), 1..3).prop_map(Next::Facts),
        1 => prop::collection::vec(fact(), 1..4).prop_map(Next::Listing),
        2 => prop::sample::subsequence(vec![0_u8, 1, 2, 3], 1..=4).prop_shuffle().prop_map(Next::Listed),
        8 => (measured, prop::bool::weighted(0.05)).prop_map(|((gpus, xid, power), late)| {
            Next::Measured { gpus, names: (xid, power), late }
        }),
        1 => Just(Next::Removed),
        2 => Just(Next::Checkpoint),
    ]
}

/// What a source says of its GPUs so far.
#[derive(Default)]
struct Lists {
    number: u32,
    gpus: Vec<u8>,
}

fn said(next: &Next, lists: &mut Lists, at: Stamp) -> (Extent, Vec<Fact>) {
    match next {
        Next::Facts(facts) => (Extent::Delta, facts.clone()),
        Next::Listing(facts) => (Extent::Replace(Covers { kind: Kind::Pod, namespace: None }), facts.clone()),
        Next::Listed(gpus) => {
            *lists = Lists { number: lists.number + 1, gpus: gpus.clone() };
            let device = |gpu: &u8| DeviceFact {
                uuid: format!("GPU-{gpu}").into(),
                node: Some(format!("n{}", gpu / 2).into()),
                index: Some((gpu % 2).into()),
                ..DeviceFact::default()
            };
            let devices = gpus.iter().map(device).collect();
            let list = DevicesFact { list: lists.number, interval_ms: 10_000, devices, ..DevicesFact::default() };
            (Extent::Delta, vec![Fact::Devices(Box::new(list))])
        }
        Next::Measured { gpus, names, late } => {
            let of = &gpus[..lists.gpus.len().min(gpus.len())];
            let column = |value: &dyn Fn(&(bool, u8, u8)) -> Reading| of.iter().map(value).collect::<Vec<_>>();
            let xid = |gpu: &(bool, u8, u8)| match gpu.1 {
                0 => Reading::of(0.0),
                1 => Reading::of(79.0),
                _ => Reading::ABSENT,
            };
            let power = |gpu: &(bool, u8, u8)| match gpu.2 {
                0..20 => Reading::ABSENT,
                20..40 => Reading::of(f32::NAN),
                watts => Reading::of(watts.into()),
            };
            let mut columns = Vec::new();
            if names.0 {
                columns.push((Metric::Xid, column(&xid)));
            }
            if names.1 {
                columns.push((Metric::Power, column(&power)));
            }
            let times = of.iter().map(|gpu| gpu.0.then_some(Stamp(at.0 - 300)));
            let list = if *late { lists.number.wrapping_sub(1) } else { lists.number };
            let readings = ReadingsFact { list, at: times.collect(), columns };
            (Extent::Delta, vec![Fact::Source(SourceFact::Heard), Fact::Readings(Box::new(readings))])
        }
        Next::Removed => {
            *lists = Lists { number: lists.number, gpus: Vec::new() };
            (Extent::Delta, vec![Fact::Source(SourceFact::Removed)])
        }
        Next::Checkpoint => (Extent::Delta, Vec::new()),
    }
}

/// Records a story; answers the world after each time.
fn record(path: &Path, limits: Limits, story: &[(bool, i64, Next)]) -> Vec<(Stamp, World)> {
    let recorder = Recorder::open(path, limits).unwrap();
    let (mut world, mut now, mut lists) = (World::default(), 1_000_000, [Lists::default(), Lists::default()]);
    recorder.checkpoint(&world, Stamp(now));
    let mut then: Vec<(Stamp, World)> = Vec::new();
    for (second, step, next) in story {
        now += step;
        if matches!(next, Next::Checkpoint) {
            recorder.checkpoint(&world, Stamp(now));
        } else {
            let (extent, facts) = said(next, &mut lists[usize::from(*second)], Stamp(now));
            let source = ConnectionId::slug(if *second { "ord" } else { "iad" });
            let batch = Batch { source, seen_at: Stamp(now), extent, facts };
            recorder.append(&batch);
            world.apply(batch);
        }
        // At one time the later of two is what was known.
        then.retain(|(at, _)| at.0 != now);
        then.push((Stamp(now), world.clone()));
    }
    recorder.flush();
    then
}

/// A world without what was measured.
fn unmeasured(world: &World) -> World {
    let mut world = world.clone();
    let ids: Vec<ConnectionId> = world.sources().map(|(id, _)| id.clone()).collect();
    ids.iter().for_each(|id| world.resume(id, None));
    world
}

fn folded(reader: &Reader, until: Stamp) -> World {
    let mut world = World::default();
    reader.batches(until, |batch| drop(world.apply(batch))).unwrap();
    world
}

fn story() -> impl Strategy<Value = Vec<(bool, i64, Next)>> {
    prop::collection::vec(
        (prop::bool::weighted(0.2), prop_oneof![3 => Just(10_000_i64), 1 => 0..30_000_i64], next()),
        1..60,
    )
}

const WHOLE: Limits = Limits { bytes: u64::MAX, age: Duration::from_secs(u32::MAX as u64), thin: None };

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_world_at_a_time_is_that_of_the_full_replay(story in story(), seek in any::<u64>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        let then = record(&path, WHOLE, &story);
        let reader = Reader::new(&path);
        // Times in another order than they came: what was sought before must not matter.
        let count = then.len();
        let first = seek as usize % count;
        for place in (0..count).map(|step| (first + step * 7) % count).chain(0..count) {
            let (at, want) = &then[place];
            prop_assert_eq!(&*reader.world_at(*at).unwrap(), want, "at {}", at);
        }
        prop_assert_eq!(&folded(&reader, Stamp(i64::MAX)), &then[count - 1].1);
    }

    #[test]
    fn what_changed_since_a_neighbour_makes_the_same_fleet_of_it(story in story(), steps in prop::collection::vec(any::<prop::sample::Index>(), 1..30), others in prop::collection::vec(prop::bool::weighted(0.3), 30)) {
        let mut others = others.iter();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        let then = record(&path, WHOLE, &story);
        let reader = Reader::new(&path);
        let (mut base, mut fleet) = (None, None::<FleetProjection>);
        for step in steps {
            let (at, _) = &then[step.index(then.len())];
            let Sought { world, place, touched, .. } = reader.world_since(base, *at).unwrap();
            let fresh = FleetProjection::new(&world, FleetSpec::default());
            let gone_on = match fleet.take() {
                Some(mut fleet) if !touched.all => {
                    let _ = fleet.update(&world, &touched);
                    fleet
                }
                _ => fresh.clone(),
            };
            prop_assert_eq!(gone_on.view(), fresh.view(), "at {}", at);
            (base, fleet) = (Some(place), Some(gone_on));
            if others.next() == Some(&true) {
                // Somebody else seeks by the same reader.
                let _ = reader.world_at(then[then.len() / 2].0).unwrap();
            }
        }
    }

    #[test]
    fn a_thinned_record_is_the_same_but_for_what_was_measured(story in story()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        let then = record(&path, WHOLE, &story);
        for minutes in [Duration::from_secs(1_000_000), Duration::ZERO] {
            let thin = Some(Thinning { whole: Duration::ZERO, minutes });
            let recorder = Recorder::open(&path, Limits { thin, ..WHOLE }).unwrap();
            // Long after, another run: all of the first is old enough.
            recorder.checkpoint(&World::default(), Stamp(400_000_000));
            recorder.flush();
            let reader = recorder.reader();
            for (at, want) in &then {
                let thinned = reader.world_at(*at).unwrap();
                prop_assert_eq!(&unmeasured(&thinned), &unmeasured(want), "at {}", at);
                prop_assert_eq!(&*thinned, &folded(&reader, *at), "at {}", at);
            }
        }
    }
}
