//! What was recorded is there again, and what was not is said.

use super::*;
use crate::{Limits, Recorder};
use pilothouse_wire::{ConnectionId, record::Missing};
use pilothouse_world::{
    Extent, Fact,
    fact::{Covers, Kind, NodeFact, Phase, PodFact},
};
use std::time::Duration;

fn batch(at: i64, extent: Extent, nodes: &[&str]) -> Batch {
    let facts = nodes.iter().map(|name| Fact::Node(Box::new(NodeFact { name: (*name).into(), ..NodeFact::default() })));
    Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent, facts: facts.collect() }
}

fn listing() -> Extent {
    Extent::Replace(Covers { kind: Kind::Node, namespace: None })
}

#[test]
fn what_was_recorded_replays_to_an_equal_world_at_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(&folder.path().join("j.db"), Limits::default()).unwrap();
    let mut world = World::default();
    let mut then = Vec::new();
    for (at, extent, nodes) in [
        (1_000, listing(), vec!["a", "b"]),
        (2_000, Extent::Delta, vec!["c"]),
        (3_000, listing(), vec!["a"]),
        (4_000, Extent::Delta, vec!["d"]),
    ] {
        let batch = batch(at, extent, &nodes);
        recorder.append(&batch);
        world.apply(batch);
        if at == 2_000 {
            recorder.checkpoint(&world, Stamp(at));
        }
        then.push((at, world.clone()));
    }
    recorder.flush();
    for (at, want) in then {
        assert_eq!(*recorder.reader().world_at(Stamp(at + 500)).unwrap(), want, "{at}");
    }
    let early = recorder.reader().world_at(Stamp(10)).unwrap_err();
    assert_eq!(
        (early.code, early.why.as_deref()),
        (Code::NotFound, Some("The record begins at 1970-01-01T00:00:01Z."))
    );
}

#[test]
fn one_process_records_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    let first = Recorder::open(&path, Limits::default()).unwrap();
    assert_eq!(Recorder::open(&path, Limits::default()).unwrap_err().code, Code::Exists);
    drop(first);
    assert!(Recorder::open(&path, Limits::default()).is_ok());
}

#[test]
fn a_full_journal_drops_its_oldest_stretch_and_can_still_be_sought() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { bytes: u64::MAX, age: Duration::from_secs(10), thin: None };
    let recorder = Recorder::open(&folder.path().join("j.db"), limits).unwrap();
    let mut world = World::default();
    for at in 1..40 {
        let batch = batch(at * 1_000, Extent::Delta, &[&format!("n{at}")]);
        recorder.append(&batch);
        world.apply(batch);
        if at % 5 == 0 {
            recorder.checkpoint(&world, Stamp(at * 1_000));
        }
        recorder.flush();
    }
    let refused = recorder.reader().world_at(Stamp(2_000)).unwrap_err();
    assert_eq!(refused.code, Code::NotFound);
    assert!(refused.why.unwrap().ends_with("What was before is pruned."));
    let gaps = recorder.reader().gaps(Stamp(0), Stamp(39_000)).unwrap();
    let reasons: Vec<_> = gaps.iter().map(|gap| (gap.why, gap.since)).collect();
    assert_eq!(reasons, [(Missing::NotRecorded, None), (Missing::Pruned, Some(Stamp(1_000)))]);
    assert!(gaps[1].holds(Stamp(2_000)) && !gaps[1].holds(Stamp(38_000)), "{gaps:?}");
    assert_eq!(*recorder.reader().world_at(Stamp(39_000)).unwrap(), world);
}

#[test]
fn who_held_a_gpu_in_an_earlier_run_holds_it_in_no_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    let pod = |at: i64, name: &str| {
        let pod = PodFact {
            namespace: "serving".into(),
            name: name.into(),
            node: Some("a".into()),
            phase: Phase::Running,
            gpus: vec![("nvidia.com/gpu".into(), 1)],
            ..PodFact::default()
        };
        let facts = vec![Fact::Pod(Box::new(pod))];
        Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent: Extent::Delta, facts }
    };
    for (began, heard) in [(500, pod(1_000, "first")), (5_000, pod(6_000, "second"))] {
        let recorder = Recorder::open(&path, Limits::default()).unwrap();
        recorder.checkpoint(&World::default(), Stamp(began));
        recorder.append(&heard);
    }
    let pods = |world: &World| -> Vec<String> {
        world.sources().flat_map(|(_, source)| source.pods.keys().map(|(_, name)| name.to_string())).collect()
    };
    let told = |since: i64| {
        let mut told = Vec::new();
        Reader::new(&path)
            .holders(Stamp(since), Stamp(9_000), |at, world| told.push((at.0, pods(world).join(" "))))
            .unwrap();
        told
    };
    let text = |all: &[(i64, &str)]| all.iter().map(|(at, pods)| (*at, (*pods).to_owned())).collect::<Vec<_>>();
    assert_eq!(told(0), text(&[(0, ""), (1_000, "first"), (5_000, ""), (6_000, "second")]));
    assert_eq!(told(2_000), text(&[(2_000, "first"), (5_000, ""), (6_000, "second")]));
    assert_eq!(told(7_000), text(&[(7_000, "second")]));
}

#[test]
fn a_file_that_is_no_journal_is_said_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    std::fs::write(&path, "not a database, long enough to be sure of it".repeat(40)).unwrap();
    let problem = Recorder::open(&path, Limits::default()).unwrap_err();
    assert!(problem.what.contains("cannot be"), "{problem}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("not a database"));
}

#[test]
fn who_asks_for_now_is_told_all_that_was_heard_without_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(&folder.path().join("j.db"), Limits::default()).unwrap();
    let (reader, mut world) = (recorder.reader(), World::default());
    for at in 1..200 {
        let batch = batch(at * 1_000, Extent::Delta, &[&format!("n{at}")]);
        recorder.append(&batch);
        world.apply(batch);
        assert_eq!(*reader.world_at(Stamp(at * 1_000)).unwrap(), world, "{at}");
    }
    // It keeps nobody from ending the record, and reads on.
    drop(recorder);
    assert_eq!(*reader.world_at(Stamp(199_000)).unwrap(), world);
}

#[test]
fn a_run_that_heard_nothing_is_an_empty_record() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(&folder.path().join("j.db"), Limits::default()).unwrap();
    recorder.checkpoint(&World::default(), Stamp(1_000));
    recorder.flush();
    assert_eq!(recorder.reader().span().unwrap(), None);
    recorder.append(&batch(2_000, listing(), &["a"]));
    recorder.flush();
    assert_eq!(recorder.reader().span().unwrap(), Some((Stamp(2_000), Stamp(2_000))));
}
