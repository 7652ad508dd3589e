//! A record that met a fault is never a wrong picture: what is there is as it was, what is not is said with its reason.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod story;

use pilothouse_journal::{Limits, Names, Reader, Recorder};
use pilothouse_wire::{
    Code, Stamp,
    record::{Gap, Missing},
};
use pilothouse_world::World;
use proptest::{prelude::*, test_runner::TestRunner};
use std::{fs, time::Duration};
use story::{START, WHOLE, is_right_or_refused, known, recorded, step};

#[test]
fn a_torn_page_is_a_time_that_is_refused_and_never_another_picture() {
    let told = recorded(WHOLE);
    let bytes = fs::read(&told.path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mut found, mut shown) = (0, 0);
    let pages = bytes.len() / 4_096;
    for page in (1..pages).step_by((pages / 24).max(1)) {
        let path = folder.path().join(format!("{page}.db"));
        let mut torn = bytes.clone();
        torn[page * 4_096 + 2_048..(page + 1) * 4_096].fill(0xa5);
        fs::write(&path, torn).unwrap();
        let reader = Reader::new(&path);
        // A problem with the file as a whole is said, too.
        let Ok(wrong) = reader.verify() else { continue };
        found += usize::from(!wrong.is_empty());
        shown += is_right_or_refused(&reader, &told.then).0;
    }
    assert!(found > 0 && shown > 0, "{found} {shown}");
}

#[test]
fn a_write_ahead_log_that_is_cut_anywhere_shows_what_was_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let recorder = Recorder::open(&path, WHOLE).unwrap();
    let (mut world, mut then): (World, Vec<(Stamp, World)>) = Default::default();
    recorder.checkpoint(&world, Stamp(START));
    for number in 0..60 {
        for batch in step(number) {
            let at = batch.seen_at;
            recorder.append(&batch);
            world.apply(batch);
            known(&mut then, at, &world);
        }
        recorder.flush();
    }
    // As a crash leaves it: the log is not taken into the file.
    let (main, log) = (fs::read(&path).unwrap(), fs::read(folder.path().join("journal.db-wal")).unwrap());
    drop(recorder);
    for cut in (0..log.len()).step_by(log.len() / 40) {
        let other = tempfile::tempdir().unwrap();
        let path = other.path().join("journal.db");
        fs::write(&path, &main).unwrap();
        fs::write(other.path().join("journal.db-wal"), &log[..cut]).unwrap();
        let Ok(recorder) = Recorder::open(&path, WHOLE) else { panic!("what is left does not open, {cut}") };
        let reader = recorder.reader();
        let Some((_, end)) = reader.span().unwrap() else { continue };
        // Of several batches of the last time some may be cut off.
        for (at, want) in then.iter().filter(|(at, _)| *at < end).step_by(7) {
            assert_eq!(*reader.world_at(*at).unwrap(), *want, "{at}, cut at {cut}");
        }
    }
}

#[test]
fn a_clock_that_was_set_back_tells_the_later_of_two_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let recorder = Recorder::open(&path, WHOLE).unwrap();
    let mut world = World::default();
    recorder.checkpoint(&world, Stamp(START));
    let mut hear = |number: i64, moved: i64| {
        let mut at = Stamp(START);
        for mut batch in step(number) {
            batch.seen_at = Stamp(batch.seen_at.0 + moved);
            at = batch.seen_at;
            recorder.append(&batch);
            world.apply(batch);
        }
        (at, world.clone())
    };
    let before: Vec<_> = (0..40).map(|number| hear(number, 0)).collect();
    // An hour back, as somebody corrects a wrong clock.
    let after: Vec<_> = (40..80).map(|number| hear(number, -300_000)).collect();
    recorder.flush();
    let reader = recorder.reader();
    let back = after[0].0;
    for (at, want) in before.iter().filter(|(at, _)| *at < back).chain(&after) {
        assert_eq!(*reader.world_at(*at).unwrap(), *want, "{at}");
    }
    let gaps = reader.gaps(Stamp(0), Stamp(i64::MAX)).unwrap();
    assert_eq!(reasons(&gaps), [Missing::NotRecorded, Missing::Twice]);
    assert!(gaps[1].since <= Some(back) && gaps[1].until == Some(before[39].0), "{gaps:?}");
    let told = reader.world_since(None, Stamp(back.0 + 1)).unwrap().gap.unwrap();
    assert_eq!(told.shown().unwrap(), "What is shown is the later one.");
}

/// What was heard of some steps, under a clock that is off by so much: the world after each.
fn heard(
    recorder: &Recorder,
    world: &mut World,
    steps: std::ops::Range<i64>,
    moved: impl Fn(i64) -> i64,
) -> Vec<(Stamp, World)> {
    let hear = |number: i64| {
        let mut at = Stamp(START);
        for mut batch in step(number) {
            batch.seen_at = Stamp(batch.seen_at.0 + moved(number));
            at = batch.seen_at;
            recorder.append(&batch);
            world.apply(batch);
        }
        if number % 10 == 9 {
            recorder.checkpoint(world, at);
            recorder.flush();
        }
        (at, world.clone())
    };
    let all = steps.map(hear).collect();
    recorder.flush();
    all
}

const DAY: i64 = 86_400_000;

/// When the first of a step is heard, under a clock that is off by so much.
fn begins(number: i64, moved: i64) -> Stamp {
    Stamp(START + number * 10_000 + moved)
}

#[test]
fn a_clock_that_jumps_far_ahead_for_a_moment_takes_no_record_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let limits = Limits { age: Duration::from_secs(86_400), ..WHOLE };
    let recorder = Recorder::open(&path, limits).unwrap();
    let mut world = World::default();
    recorder.checkpoint(&world, Stamp(START));
    let before = heard(&recorder, &mut world, 0..40, |_| 0);
    // As a machine wakes up with a wrong clock, which somebody corrects.
    heard(&recorder, &mut world, 40..50, |_| 400 * DAY);
    let after = heard(&recorder, &mut world, 50..80, |_| 0);
    let reader = recorder.reader();
    for (at, want) in before.iter().chain(&after) {
        assert_eq!(*reader.world_at(*at).unwrap(), *want, "{at}");
    }

    // What was heard then is missing from the time at which it was so, and stands at none that is still to come.
    let gaps = reader.gaps(Stamp(0), Stamp(i64::MAX)).unwrap();
    assert_eq!(reasons(&gaps), [Missing::NotRecorded, Missing::WrongClock]);
    assert_eq!((gaps[1].since, gaps[1].until), (Some(before[39].0), Some(begins(50, 0))));
    let between = reader.world_since(None, Stamp(begins(50, 0).0 - 1)).unwrap();
    assert_eq!(*between.world, before[39].1);
    assert_eq!(between.gap.unwrap().known(after[0].0), before[39].0);
    assert_eq!(reader.span().unwrap(), Some((before[0].0, after[29].0)));
    let prepared = pilothouse_journal::prepare(&reader, before[20].0, Stamp(i64::MAX), Names::Own, folder.path());
    let prepared = prepared.unwrap();
    let told = prepared.manifest();
    assert_eq!((told.since, told.until), (before[20].0, after[29].0));

    // What is too old goes still, also behind a time in which nothing ran.
    heard(&recorder, &mut world, 80..480, |_| 40 * DAY);
    for (at, _) in [&before[20], &after[20]] {
        let gone = reader.world_at(*at).unwrap_err();
        assert!(gone.why.unwrap_or_default().contains("pruned"), "{at}: the wrong time keeps nothing");
    }
}

#[test]
fn a_clock_that_is_behind_for_a_moment_hides_nothing_and_drops_nothing() {
    let years = |number: i64| if (40..50).contains(&number) { -20_000 * DAY } else { 0 };
    // Far before the record, as a machine without a battery begins; and back into it.
    for moved in [years, |number| if (40..50).contains(&number) { -205_000 } else { 0 }] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let limits = Limits { age: Duration::from_secs(86_400), ..WHOLE };
        let recorder = Recorder::open(&path, limits).unwrap();
        let mut world = World::default();
        recorder.checkpoint(&world, Stamp(START));
        let all = heard(&recorder, &mut world, 0..40, moved);
        let behind = heard(&recorder, &mut world, 40..50, moved);
        // Somebody looks at it an hour later.
        let later = heard(&recorder, &mut world, 410..440, moved);
        let reader = recorder.reader();
        let is_twice = |at: Stamp| begins(40, moved(40)) <= at && at <= behind[9].0;
        for (at, want) in all.iter().filter(|(at, _)| !is_twice(*at)).chain(&behind).chain(&later) {
            assert_eq!(*reader.world_at(*at).unwrap(), *want, "{at}");
        }
        assert_eq!(reader.span().unwrap(), Some((all[0].0, later[29].0)));
        let gaps = reader.gaps(all[0].0, later[29].0).unwrap();
        let back = behind[0].0 > all[0].0;
        let (twice, wrong): (Vec<_>, Vec<_>) = gaps.iter().partition(|gap| gap.why == Missing::Twice);
        assert_eq!(
            wrong.iter().map(|gap| (gap.why, gap.since, gap.until)).collect::<Vec<_>>(),
            [(Missing::WrongClock, Some(all[39].0), Some(begins(410, 0)))]
        );
        assert_eq!(
            twice.iter().map(|gap| (gap.since, gap.until)).collect::<Vec<_>>(),
            if back { vec![(Some(begins(40, -205_000)), Some(behind[9].0))] } else { vec![] }
        );
        assert_eq!(reader.verify().unwrap(), Vec::<String>::new());
        drop(recorder);

        // A run that begins under the right clock goes on where the record was told last.
        pilothouse_journal::prune_before(&path, all[20].0).unwrap();
        assert_eq!(*reader.world_at(all[30].0).unwrap(), all[30].1);
    }
}

#[test]
fn a_run_that_ended_under_a_wrong_clock_leaves_a_gap_and_no_end_in_the_future() {
    for moved in [400 * DAY, -20_000 * DAY] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let recorder = Recorder::open(&path, WHOLE).unwrap();
        let mut world = World::default();
        recorder.checkpoint(&world, Stamp(START));
        let before = heard(&recorder, &mut world, 0..40, |_| 0);
        heard(&recorder, &mut world, 40..50, |_| moved);
        drop(recorder);
        let recorder = Recorder::open(&path, WHOLE).unwrap();
        let mut world = World::default();
        let hour = |_| 3_600_000;
        let after = heard(&recorder, &mut world, 0..20, hour);
        let reader = recorder.reader();
        for (at, want) in before.iter().chain(&after) {
            assert_eq!(*reader.world_at(*at).unwrap(), *want, "{at}");
        }
        assert_eq!(reader.span().unwrap(), Some((before[0].0, after[19].0)));
        let gaps = reader.gaps(before[0].0, after[19].0).unwrap();
        let why = if moved > 0 { Missing::WrongClock } else { Missing::NotRunning };
        let told: Vec<_> = gaps.iter().map(|gap| (gap.why, gap.since, gap.until)).collect();
        assert_eq!(told, [(why, Some(before[39].0), Some(after[0].0))]);
    }
}

#[test]
fn a_run_that_begins_under_a_clock_that_is_ahead_leaves_no_gap_over_what_is_told_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let recorder = Recorder::open(&path, WHOLE).unwrap();
    let mut world = World::default();
    recorder.checkpoint(&world, Stamp(START));
    let before = heard(&recorder, &mut world, 0..40, |_| 0);
    drop(recorder);
    let recorder = Recorder::open(&path, WHOLE).unwrap();
    let mut world = World::default();
    heard(&recorder, &mut world, 0..1, |_| 400 * DAY);
    heard(&recorder, &mut world, 41..50, |_| 400 * DAY);
    let after = heard(&recorder, &mut world, 50..80, |_| 0);
    let reader = recorder.reader();
    for (at, want) in before.iter().chain(&after) {
        let there = reader.world_since(None, *at).unwrap();
        assert_eq!(*there.world, *want, "{at}");
        // A gap begins with the last that was told before it.
        assert!(there.gap.is_none() || *at == before[39].0, "{at}: {:?}", there.gap);
    }
    let gaps = reader.gaps(before[0].0, after[29].0).unwrap();
    let told: Vec<_> = gaps.iter().map(|gap| (gap.why, gap.since, gap.until)).collect();
    assert_eq!(told, [(Missing::WrongClock, Some(before[39].0), Some(begins(50, 0)))]);
}

#[test]
fn a_clock_that_was_a_little_behind_and_is_put_right_at_once_hides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let recorder = Recorder::open(&path, WHOLE).unwrap();
    let mut world = World::default();
    recorder.checkpoint(&world, Stamp(START));
    // Five minutes behind, for a minute.
    let moved = |number: i64| if (40..46).contains(&number) { -300_000 } else { 0 };
    let all = heard(&recorder, &mut world, 0..40, moved);
    let behind = heard(&recorder, &mut world, 40..46, moved);
    let after = heard(&recorder, &mut world, 46..60, moved);
    let reader = recorder.reader();
    let is_twice = |at: Stamp| begins(40, moved(40)) <= at && at <= behind[5].0;
    for (at, want) in all.iter().filter(|(at, _)| !is_twice(*at)).chain(&behind).chain(&after) {
        assert_eq!(*reader.world_at(*at).unwrap(), *want, "{at}");
    }
    let gaps = reader.gaps(all[0].0, after[13].0).unwrap();
    let told: Vec<_> = gaps.iter().map(|gap| (gap.why, gap.since, gap.until)).collect();
    let twice = (Missing::Twice, Some(begins(40, -300_000)), Some(behind[5].0));
    assert_eq!(told, [twice, (Missing::WrongClock, Some(all[39].0), Some(begins(46, 0)))]);
}

#[test]
fn a_first_record_that_began_long_ago_by_its_clock_says_so_and_is_bounded_by_age_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let limits = Limits { age: Duration::from_secs(3_600), ..WHOLE };
    let recorder = Recorder::open(&path, limits).unwrap();
    let mut world = World::default();
    let years = |number: i64| if number < 20 { -20_000 * DAY } else { 0 };
    recorder.checkpoint(&world, Stamp(START - 20_000 * DAY));
    let old = heard(&recorder, &mut world, 0..20, years);
    let all = heard(&recorder, &mut world, 20..80, years);
    let reader = recorder.reader();
    let asleep = reader.world_since(None, Stamp(begins(20, 0).0 - 1)).unwrap_or_else(|_| panic!("not there"));
    assert_eq!(asleep.gap.map(|gap| gap.why), Some(Missing::NotRunning));
    heard(&recorder, &mut world, 80..600, years);
    assert!(reader.world_at(old[10].0).is_err() && reader.world_at(all[10].0).is_err());
}

#[test]
fn a_run_that_ended_without_a_word_and_one_that_was_closed_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    for (run, wait) in [0, 1_000_000, 2_000_000].into_iter().enumerate() {
        let recorder = Recorder::open(&path, WHOLE).unwrap();
        recorder.checkpoint(&World::default(), Stamp(START + wait));
        for mut batch in step(0) {
            batch.seen_at = Stamp(batch.seen_at.0 + wait + 5);
            recorder.append(&batch);
        }
        recorder.flush();
        drop(recorder);
        if run == 1 {
            // What a crash leaves: nobody said that it was over.
            let db = rusqlite::Connection::open(&path).unwrap();
            db.execute("UPDATE about SET value = '1' WHERE key = 'running'", []).unwrap();
        }
    }
    let gaps = Reader::new(&path).gaps(Stamp(0), Stamp(i64::MAX)).unwrap();
    assert_eq!(reasons(&gaps), [Missing::NotRecorded, Missing::NotRunning, Missing::Ended]);
    // A time in it is shown as it was last known, and that is said.
    let away = gaps[1].since.unwrap();
    let told = Reader::new(&path).world_since(None, away).unwrap().gap.unwrap();
    assert_eq!((told.why, told.shown().unwrap().contains(&away.to_string())), (Missing::NotRunning, true));
}

#[test]
fn what_could_not_be_written_is_a_gap_until_the_next_world() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let recorder = Recorder::open(&path, WHOLE).unwrap();
    let mut world = World::default();
    recorder.checkpoint(&world, Stamp(START));
    let mut then: Vec<(Stamp, World)> = Vec::new();
    for number in 0..20 {
        for batch in step(number) {
            let at = batch.seen_at;
            recorder.append(&batch);
            world.apply(batch);
            known(&mut then, at, &world);
        }
    }
    recorder.flush();
    let whole = then.len();
    // Somebody else holds the file for longer than a writer waits: no write succeeds, as on a full disk.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 20..24 {
        for batch in step(number) {
            let at = batch.seen_at;
            recorder.append(&batch);
            world.apply(batch);
            known(&mut then, at, &world);
        }
    }
    recorder.flush();
    assert!(recorder.lost() > 0 && recorder.wants_checkpoint());
    // While it is lost it has no end, and is not what was written last.
    let (last, reader) = (then[then.len() - 1].0, recorder.reader());
    assert_eq!(reader.world_at(last).unwrap_err().code, Code::NotFound);
    assert_eq!(*reader.world_at(then[whole - 1].0).unwrap(), then[whole - 1].1);
    let lasting = reader.gaps(then[whole - 1].0, Stamp(i64::MAX)).unwrap();
    assert_eq!((reasons(&lasting), lasting[0].until), (vec![Missing::NotWritten], None));
    other.execute_batch("ROLLBACK").unwrap();
    let again = then[then.len() - 1].0;
    recorder.checkpoint(&world, Stamp(again.0 + 1_000));
    recorder.flush();
    assert!(!recorder.wants_checkpoint());
    let told = reader.gaps(then[whole - 1].0, Stamp(i64::MAX)).unwrap();
    assert_eq!((reasons(&told), told[0].until), (vec![Missing::NotWritten], Some(Stamp(again.0 + 1_000))));
    for (at, want) in &then[..whole] {
        assert_eq!(*reader.world_at(*at).unwrap(), *want, "{at}");
    }
    for (at, _) in &then[whole..] {
        let refused = reader.world_at(*at).unwrap_err();
        assert_eq!(refused.code, Code::NotFound);
        assert!(refused.why.unwrap().starts_with("What was heard could not be written"), "{at}");
    }
    let after = Stamp(again.0 + 1_000);
    assert_eq!(*reader.world_at(after).unwrap(), world);
    // Who held what goes on with the world behind the loss, and not with what was known before it.
    let objects = |world: &World| world.objects().map(|(object, ..)| object).collect::<Vec<_>>();
    let mut told = Vec::new();
    reader.holders(then[whole - 1].0, after, |at, world| told.push((at, objects(world)))).unwrap();
    assert_eq!(told.last(), Some(&(after, objects(&world))));
}

#[test]
fn what_is_sealed_while_somebody_reads_is_neither_missing_nor_damage() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::open(&folder.path().join("journal.db"), WHOLE).unwrap();
    let (mut world, mut told, mut end) = (World::default(), 0, Stamp(START));
    recorder.checkpoint(&world, end);
    for number in 0..70 {
        for batch in step(number) {
            end = batch.seen_at;
            recorder.append(&batch);
            world.apply(batch);
            told += 1;
        }
        if number % 30 == 29 {
            recorder.checkpoint(&world, end);
            recorder.flush();
        }
    }
    let (reader, mut heard) = (recorder.reader(), 0);
    reader
        .batches(end, |_| {
            if heard == 0 {
                recorder.checkpoint(&world, end);
                recorder.flush();
            }
            heard += 1;
        })
        .unwrap();
    assert_eq!(heard, told);
}

#[test]
fn a_journal_that_cannot_be_written_is_said_and_can_still_be_read() {
    let told = recorded(WHOLE);
    // Its folder is a file: root may write anywhere else.
    let inside = told.path.join("journal.db");
    let refused = Recorder::open(&inside, WHOLE).unwrap_err();
    assert!(refused.what.contains("cannot be"), "{refused}");
    let held = Recorder::open(&told.path, WHOLE).unwrap();
    assert_eq!(Recorder::open(&told.path, WHOLE).unwrap_err().code, Code::Exists);
    let (right, refused) = is_right_or_refused(&Reader::new(&told.path), &told.then);
    assert_eq!((right > 30, refused), (true, 0));
    drop(held);
}

/// Where the record keeps what it packs.
const PACKED: [(&str, &str); 5] =
    [("block", "body"), ("checkpoint", "body"), ("part", "body"), ("chunk", "head"), ("batch", "body")];

#[test]
fn a_bit_that_fell_over_in_what_is_packed_is_never_another_picture() {
    let told = recorded(WHOLE);
    let bytes = fs::read(&told.path).unwrap();
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() });
    let folder = tempfile::tempdir().unwrap();
    runner
        .run(
            &(0..PACKED.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..8_u8),
            |(of, row, at, bit)| {
                let path = folder.path().join("flipped.db");
                fs::write(&path, &bytes).unwrap();
                let (table, column) = PACKED[of];
                let db = rusqlite::Connection::open(&path).unwrap();
                let mut query = db.prepare(&format!("SELECT rowid, {column} FROM {table}")).unwrap();
                let rows = query.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))).unwrap();
                let mut rows: Vec<(i64, Vec<u8>)> =
                    rows.map(Result::unwrap).filter(|(_, body)| !body.is_empty()).collect();
                prop_assume!(!rows.is_empty());
                let (id, body) = row.get_mut(&mut rows);
                *at.get_mut(body) ^= 1 << bit;
                let put = format!("UPDATE {table} SET {column} = ?1 WHERE rowid = ?2");
                db.execute(&put, rusqlite::params![&*body, *id]).unwrap();
                drop(query);
                db.close().unwrap();
                is_right_or_refused(&Reader::new(&path), &told.then);
                Ok(())
            },
        )
        .unwrap();
}

fn reasons(gaps: &[Gap]) -> Vec<Missing> {
    gaps.iter().map(|gap| gap.why).collect()
}
