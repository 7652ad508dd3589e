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

/// Batches each ten seconds, from the first to the last second of a time; a world is kept now and then.
fn recorded(path: &std::path::Path, (first, last): (i64, i64)) {
    let (recorder, mut world) = (Recorder::open(path, Limits::default()).unwrap(), World::default());
    recorder.checkpoint(&world, Stamp(first * 1_000));
    for second in (first..=last).step_by(10) {
        let batch = batch(second * 1_000, Extent::Delta, &[&format!("n{second}")]);
        recorder.append(&batch);
        world.apply(batch);
        if second % 50 == 0 {
            recorder.checkpoint(&world, Stamp(second * 1_000));
            recorder.flush();
        }
    }
}

#[test]
fn behind_the_end_of_a_record_that_nobody_writes_nothing_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    let gap = |t: i64| Reader::new(&path).world_since(None, Stamp(t)).unwrap().gap;
    recorded(&path, (10, 110));
    assert_eq!((gap(60_000), gap(110_000)), (None, None));
    let behind = Gap { since: Some(Stamp(110_000)), until: None, why: Missing::NotRecorded, detail: String::new() };
    assert_eq!(gap(110_001), Some(behind.clone()));
    // While somebody records it goes on, for whoever reads: this process, or another one.
    let recorder = Recorder::open(&path, Limits::default()).unwrap();
    recorder.append(&batch(200_000, Extent::Delta, &["a"]));
    recorder.flush();
    let own = recorder.reader().world_since(None, Stamp(300_000)).unwrap().gap;
    assert_eq!((own, gap(300_000)), (None, None));
    drop(recorder);
    assert_eq!(gap(300_000), Some(Gap { since: Some(Stamp(200_000)), ..behind }));
    assert_eq!(gap(150_000).unwrap().why, Missing::NotRunning);
}

#[test]
fn who_looks_on_all_the_while_is_shown_all_that_was_and_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    recorded(&path, (10, 200));
    recorded(&path, (300, 340));
    let reader = Reader::new(&path);
    let told = |since: i64, every: u64| {
        let mut told = Vec::new();
        reader
            .worlds(Stamp(since * 1_000), Stamp(340_000), Duration::from_secs(every), |at, world, touched| {
                let nodes = world.sources().map(|(_, source)| source.nodes.len()).sum::<usize>();
                told.push((at.0 / 1_000, nodes, touched.all, touched.nodes.len()));
            })
            .unwrap();
        told
    };
    // At the begin all of it, then each change; a run begins anew with nothing.
    let first = told(185, 1);
    assert_eq!(first[..3], [(185, 18, true, 3), (190, 19, false, 1), (200, 20, false, 1)]);
    assert_eq!(first[3..5], [(300, 1, true, 1), (310, 2, false, 1)]);
    assert_eq!(first.last(), Some(&(340, 5, false, 1)));
    // Rarer: what was heard meanwhile is shown together.
    let rare = told(100, 60);
    assert_eq!(rare[..2], [(150, 15, true, 5), (200, 20, false, 5)]);
    assert!(rare.iter().all(|(at, nodes, ..)| *nodes == reader_nodes(&reader, *at)), "{rare:?}");
}

fn reader_nodes(reader: &Reader, second: i64) -> usize {
    let world = reader.world_at(Stamp(second * 1_000)).unwrap();
    world.sources().map(|(_, source)| source.nodes.len()).sum()
}
