//! A process that records is killed at each named point of what its writer does: what it left is never a wrong picture.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::exit, reason = "tests")]

mod story;

use pilothouse_journal::{Limits, Reader, Recorder, Thinning};
use pilothouse_wire::{ConnectionId, Stamp};
use pilothouse_world::World;
use std::{
    collections::BTreeMap,
    env,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use story::{START, step};

/// The points: within the writing of rows, within that of a world and behind it, within and behind the making of a chunk, and of
/// thinning.
const POINTS: [&str; 7] = ["rows", "world", "checkpoint", "chunk", "chunked", "thin", "thinned"];
/// Steps that are told at most: hours of them, so that all that happens to a record happens to it.
const STEPS: i64 = 2_000;
/// Names the journal, the point and the turn to the process that is killed.
const JOB: &str = "PILOTHOUSE_TEST_KILL";

fn limits() -> Limits {
    let thin = Thinning { whole: Duration::from_secs(600), minutes: Duration::from_secs(7_200) };
    Limits { thin: Some(thin), ..Limits::default() }
}

#[test]
fn what_a_killed_recorder_left_is_right_or_said() {
    let told = worlds();
    for point in POINTS {
        for turn in [1, 2, 5] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal.db");
            let job = format!("{point} {turn} {}", path.display());
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", "records_until_it_is_killed", "--ignored"]).env(JOB, job);
            let output = command.output().unwrap();
            assert_eq!(output.status.signal(), Some(9), "{point} {turn}: it was never there");
            let is_told = check(&path, &told, &format!("{point}, turn {turn}"));
            // The first turns may be those of the very first rows: behind them something was kept.
            assert!(is_told || turn < 5, "{point}, turn {turn}: nothing was there to be checked");
        }
    }
}

/// What was known at each time.
fn worlds() -> BTreeMap<Stamp, World> {
    let (mut world, mut told) = (World::default(), BTreeMap::new());
    for batch in (0..STEPS).flat_map(step) {
        let at = batch.seen_at;
        world.apply(batch);
        if at.0 / 10_000 % 17 == 0 {
            told.insert(at, world.clone());
        }
    }
    told
}

/// Holds what was left against what was known; `false` where nothing was left.
#[track_caller]
fn check(path: &Path, told: &BTreeMap<Stamp, World>, at_point: &str) -> bool {
    // As it was left, and as the next run finds it and goes on.
    for _ in 0..2 {
        let reader = Reader::new(path);
        let Some((_, end)) = reader.span().unwrap() else { return false };
        assert!(reader.verify().unwrap().is_empty(), "{at_point}");
        for (at, want) in told.range(..=end) {
            assert_eq!(unmeasured(&reader.world_at(*at).unwrap()), unmeasured(want), "{at_point}: {at}");
        }
        let next = Recorder::open(path, limits()).unwrap();
        next.checkpoint(&World::default(), Stamp(end.0 + 60_000));
        next.flush();
    }
    true
}

/// A world without what was measured, which is thinned.
fn unmeasured(world: &World) -> World {
    let mut world = world.clone();
    let ids: Vec<ConnectionId> = world.sources().map(|(id, _)| id.clone()).collect();
    ids.iter().for_each(|id| world.resume(id, None));
    world
}

static POINT: OnceLock<String> = OnceLock::new();
static TURNS: AtomicU32 = AtomicU32::new(0);

/// As hard as it can be: nothing is written out, nobody is told.
fn kill(point: &'static str) {
    if POINT.get().is_some_and(|end| end == point) && TURNS.fetch_sub(1, Ordering::SeqCst) == 1 {
        let own = std::process::id().to_string();
        let _ = Command::new("kill").args(["-9", &own]).status();
    }
}

#[test]
#[ignore = "is killed: another test runs it"]
fn records_until_it_is_killed() {
    let job = env::var(JOB).unwrap();
    let mut words = job.splitn(3, ' ');
    let mut word = || words.next().unwrap();
    POINT.set(word().to_owned()).unwrap();
    TURNS.store(word().parse().unwrap(), Ordering::SeqCst);
    let recorder = Recorder::watched(Path::new(word()), limits(), kill).unwrap();
    let mut world = World::default();
    recorder.checkpoint(&world, Stamp(START));
    for number in 0..STEPS {
        let mut at = Stamp(START);
        for batch in step(number) {
            at = batch.seen_at;
            recorder.append(&batch);
            world.apply(batch);
        }
        if number % 30 == 29 {
            recorder.checkpoint(&world, at);
            recorder.flush();
        }
    }
}
