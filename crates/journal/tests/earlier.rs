//! Journals that earlier builds wrote open, are brought up to date in place, and show the same worlds.
#![allow(clippy::unwrap_used, reason = "tests")]

use pilothouse_journal::{Limits, Names, Reader, Recorder, export, import};
use pilothouse_wire::{Code, ConnectionId, Metric, Reading, Stamp, Sum, view::FleetSpec};
use pilothouse_world::{
    Batch, Extent, FACT_VERSION, Fact, World,
    fact::{
        ControllerFact, Covers, DeviceFact, DevicesFact, Kind, NodeFact, OwnerFact, ReadingsFact, RevisionFact,
        SourceFact,
    },
    project::FleetProjection,
};
use std::path::{Path, PathBuf};

/// Written by the build before columns: the story below, its last world kept at the end of each run.
const FIRST_SCHEMA: &[u8] = include_bytes!("fixtures/schema-1.db");

fn batch(at: i64, extent: Extent, facts: Vec<Fact>) -> Batch {
    Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent, facts }
}

fn node(name: &str) -> Fact {
    Fact::Node(Box::new(NodeFact { name: name.into(), ..NodeFact::default() }))
}

/// Written by the build before each kind of controller had a listing of its own.
const FACTS_4: &[u8] = include_bytes!("fixtures/schema-2-facts-4.db");

/// Seconds of a cluster of the demo fleet as the build before disruption budgets and templates sent them: it begins with a
/// world, and has another that is packed against it.
const FACTS_13: &[u8] = include_bytes!("fixtures/facts-13.pilothouse");

/// What was heard: runs of batches; a world is kept after the second batch of each.
fn story() -> Vec<Vec<Batch>> {
    let listing = Extent::Replace(Covers { kind: Kind::Node, namespace: None });
    let device = |uuid: &str| DeviceFact { uuid: uuid.into(), node: Some("a".into()), ..DeviceFact::default() };
    let devices = vec![device("GPU-1"), device("GPU-2")];
    let list = DevicesFact { list: 1, interval_ms: 10_000, devices, ..DevicesFact::default() };
    let measured = |at: i64, watts: f32, xid: f32| {
        let readings = ReadingsFact {
            list: 1,
            at: vec![Some(Stamp(at - 200)), None],
            columns: vec![
                (Metric::Power, vec![Reading::of(watts), Reading::ABSENT]),
                (Metric::Xid, vec![Reading::of(xid), Reading::of(f32::NAN)]),
            ],
        };
        batch(at, Extent::Delta, vec![Fact::Readings(Box::new(readings)), Fact::Source(SourceFact::Heard)])
    };
    vec![
        vec![
            batch(1_000_000, listing.clone(), vec![node("a"), node("b")]),
            batch(1_001_000, Extent::Delta, vec![Fact::Devices(Box::new(list.clone()))]),
            measured(1_010_000, 300.0, 0.0),
            measured(1_020_000, 310.0, 79.0),
            batch(1_021_000, Extent::Delta, vec![node("c")]),
        ],
        vec![
            batch(2_000_000, listing, vec![node("d")]),
            batch(2_001_000, Extent::Delta, vec![Fact::Devices(Box::new(list))]),
            measured(2_010_000, 320.0, 79.0),
        ],
    ]
}

/// The same, and a run that was told of controllers as builds before their kinds had listings of their own.
fn story_of_controllers() -> Vec<Vec<Batch>> {
    let listing = |kind| Extent::Replace(Covers { kind, namespace: None });
    let owner = OwnerFact { kind: "Deployment".into(), name: "chat".into() };
    let (namespace, created) = ("serving".into(), Some(Stamp(2_000_000)));
    let controller = ControllerFact {
        kind: owner.kind.clone(),
        namespace,
        name: owner.name.clone(),
        created,
        replicas: Some(2),
        writes: Vec::new(),
    };
    let images = vec![("server".into(), "chat:v1".into())];
    let revision =
        RevisionFact { namespace: "serving".into(), name: "chat-1".into(), owner, number: 1, created, images };
    let mut runs = story();
    runs.push(vec![
        batch(2_500_000, listing(Kind::Node), vec![node("e")]),
        batch(2_501_000, listing(Kind::Controller), vec![Fact::Controller(Box::new(controller.clone()))]),
        batch(2_502_000, listing(Kind::Revision), vec![Fact::Revision(Box::new(revision))]),
        batch(2_503_000, listing(Kind::Controller), Vec::new()),
        batch(
            2_504_000,
            Extent::Delta,
            vec![Fact::Controller(Box::new(ControllerFact { replicas: Some(5), ..controller }))],
        ),
    ]);
    runs
}

/// Writes a story as a build writes it. This is how the fixtures were made.
fn write(path: &Path, story: Vec<Vec<Batch>>) {
    for run in story {
        let recorder = Recorder::open(path, Limits::default()).unwrap();
        let mut world = World::default();
        recorder.checkpoint(&world, Stamp(run[0].seen_at.0 - 500));
        for (place, batch) in run.into_iter().enumerate() {
            let at = batch.seen_at;
            recorder.append(&batch);
            world.apply(batch);
            if place == 1 {
                recorder.checkpoint(&world, at);
            }
        }
    }
}

/// A fixture in a folder of its own.
fn kept(fixture: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    std::fs::write(&path, fixture).unwrap();
    (folder, path)
}

/// Says in a journal that its facts are of this version, and makes its worlds such as do not read.
fn of_version(path: &Path, version: &str) {
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute("UPDATE about SET value = ?1 WHERE key = 'facts'", [version]).unwrap();
    db.execute("UPDATE checkpoint SET body = x'00' WHERE length(body) > 40", []).unwrap();
}

#[track_caller]
fn shows_the_story(path: &Path, story: &dyn Fn() -> Vec<Vec<Batch>>) {
    let recorder = Recorder::open(path, Limits::default()).unwrap();
    for later in [0, 300_000, 600_000] {
        if later > 0 {
            // What is old is packed behind new worlds.
            recorder.checkpoint(&World::default(), Stamp(3_000_000 + later));
            recorder.flush();
        }
        for run in story() {
            let mut world = World::default();
            for batch in run {
                let at = batch.seen_at;
                world.apply(batch);
                assert_eq!(*recorder.reader().world_at(at).unwrap(), world, "{at}, {later}");
            }
        }
        let early = recorder.reader().world_at(Stamp(900_000)).unwrap_err();
        assert_eq!(early.code, Code::NotFound);
    }
}

#[test]
fn a_journal_of_this_build_shows_what_was_heard() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    write(&path, story_of_controllers());
    shows_the_story(&path, &story_of_controllers);
}

#[test]
fn a_journal_of_the_first_schema_is_brought_up_to_date_in_place() {
    let (_folder, path) = kept(FIRST_SCHEMA);
    shows_the_story(&path, &story);
}

#[test]
fn a_journal_whose_worlds_are_encoded_as_ever_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    write(&path, story_of_controllers());
    let worlds = |path: &Path| {
        let db = rusqlite::Connection::open(path).unwrap();
        db.query_row("SELECT count(*) FROM checkpoint", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = worlds(&path);
    drop(Recorder::open(&path, Limits::default()).unwrap());
    assert_eq!((worlds(&path), before > 3), (before, true));
    shows_the_story(&path, &story_of_controllers);
}

#[test]
fn worlds_from_before_there_were_models_are_folded_again() {
    let (_folder, path) = kept(FACTS_4);
    shows_the_story(&path, &story_of_controllers);
}

#[test]
fn facts_of_earlier_versions_are_folded_again_where_their_worlds_do_not_read() {
    for version in ["1", "2"] {
        let (_folder, path) = kept(FIRST_SCHEMA);
        of_version(&path, version);
        shows_the_story(&path, &story);
    }
    // With the tables of today, sealed in blocks.
    let (_folder, path) = kept(FACTS_4);
    of_version(&path, "3");
    shows_the_story(&path, &story_of_controllers);
}

#[test]
fn what_cannot_be_folded_again_from_where_a_run_begins_is_a_gap_up_to_the_next_one() {
    // The record of the first run was lost for a while, or its beginning was pruned.
    for (change, run) in [
        ("UPDATE stretch SET why = 'loss' WHERE first = (SELECT min(first) FROM stretch)", 0),
        ("UPDATE stretch SET first = first - 1 WHERE first = (SELECT min(first) FROM stretch)", 0),
    ] {
        let (_folder, path) = kept(FACTS_4);
        of_version(&path, "3");
        rusqlite::Connection::open(&path).unwrap().execute(change, []).unwrap();
        let recorder = Recorder::open(&path, Limits::default()).unwrap();
        for (number, batches) in story_of_controllers().into_iter().enumerate() {
            let mut world = World::default();
            for batch in batches {
                let at = batch.seen_at;
                world.apply(batch);
                match recorder.reader().world_at(at) {
                    Ok(shown) => assert!(number != run && *shown == world, "{at}, {change}"),
                    Err(refused) => {
                        assert_eq!((number, refused.code), (run, Code::NotFound), "{at}, {change}");
                        let why = refused.why.unwrap();
                        assert!(why.contains("of an earlier version"), "{why}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_journal_of_the_future_is_said_and_left_alone() {
    for (key, value) in [("facts", "99"), ("schema", "3"), ("schema", "what")] {
        let (_folder, path) = kept(FIRST_SCHEMA);
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute("INSERT OR REPLACE INTO about VALUES (?1, ?2)", [key, value]).unwrap();
        drop(db);
        let before = std::fs::read(&path).unwrap();
        let problem = Recorder::open(&path, Limits::default()).unwrap_err();
        assert!(problem.to_string().contains(value), "{problem}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

/// What a journal of [`FACTS_13`] shows at its end, which that build showed: nodes, pods, GPUs that are held; and the worlds at
/// each second of it.
#[track_caller]
fn shows_facts_13(path: &Path) -> Vec<World> {
    let reader = Reader::new(path);
    assert_eq!(reader.verify().unwrap(), Vec::<String>::new());
    let end = Stamp(1_796_077_661_209);
    let world = reader.world_at(end).unwrap();
    let view = FleetProjection::new(&world, FleetSpec::default()).into_view();
    assert_eq!((view.nodes.len(), view.pods.len(), view.summary.gpus_held), (96, 191, Sum::Exact(664)));
    let marks = world.worth_recalling(Stamp(0), usize::MAX);
    assert!(marks.iter().all(|mark| !mark.title.is_empty() && mark.key.at <= end), "{marks:?}");
    (0..20).rev().map(|second| (*reader.world_at(Stamp(end.0 - second * 1_000)).unwrap()).clone()).collect()
}

#[test]
fn what_an_earlier_build_sent_or_kept_is_read_as_it_wrote_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("sent"), FACTS_13).unwrap();
    assert_eq!(import(&at("sent"), &at("journal.db")).unwrap().facts, 13);
    let worlds = shows_facts_13(&at("journal.db"));

    // Sent on, all of it is as this build writes it.
    let sent_on = |from: &str, to: &str| {
        let reader = Reader::new(&at(from));
        export(&reader, Stamp(0), Stamp(i64::MAX), Names::Own, &at("again")).unwrap();
        assert_eq!(import(&at("again"), &at(to)).unwrap().facts, FACT_VERSION);
        std::fs::remove_file(at("again")).unwrap();
        assert!(shows_facts_13(&at(to)) == worlds, "{to}");
    };
    sent_on("journal.db", "first.db");

    // As that build's own journal: read alone, then brought up to date and recorded on.
    let db = rusqlite::Connection::open(at("journal.db")).unwrap();
    db.execute_batch(
        "UPDATE about SET value = '13' WHERE key = 'facts';
         DELETE FROM about WHERE key = 'worlds';
         DELETE FROM sqlite_sequence WHERE name = 'batch';
         INSERT INTO sqlite_sequence SELECT 'batch', max(seq) FROM checkpoint;",
    )
    .unwrap();
    drop(db);
    assert!(shows_facts_13(&at("journal.db")) == worlds, "read alone");
    let recorder = Recorder::open(&at("journal.db"), Limits::default()).unwrap();
    recorder.checkpoint(&World::default(), Stamp(1_796_077_700_000));
    recorder.append(&batch(1_796_077_701_000, Extent::Delta, vec![node("new")]));
    recorder.flush();
    drop(recorder);
    assert!(shows_facts_13(&at("journal.db")) == worlds, "recorded on");
    sent_on("journal.db", "second.db");
}
