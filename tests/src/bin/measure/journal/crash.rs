//! What a crash costs: a process that records is killed, at named points and at random, and what it left is folded.
//!
//! The process records a small fleet as quickly as it can, thinning on its way, and says of each step that it was handed
//! over, and when. `lost_ms` is the longest time from the last step that is in the record to the last that was said.
//! `wrong_folds` counts times whose world is not that of a full replay of what was told, or that do not read. `kills` counts
//! processes that a signal ended: one that came to its end before its point or its time is none, and another takes its place.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use acceptance::{Context, Failure, Result};
use pilothouse_journal::{Limits, Reader, Recorder, Thinning};
use pilothouse_wire::{ConnectionId, Stamp};
use pilothouse_world::World;
use tokio::time::Instant;

use super::Scale;
use super::load::Load;
use crate::chance::Chance;
use crate::report::{Figure, Report, say};

/// What the program is called with to be killed.
pub const CHILD: &str = "--journal-child";
/// Where the writer can be killed.
const POINTS: [&str; 7] = ["rows", "world", "checkpoint", "chunk", "chunked", "thin", "thinned"];
/// No point: whenever it comes.
const ANY: &str = "-";
/// Processes that are started for each kill at most, on the average: some come to their end first.
const TRIES: usize = 3;
/// Nodes of the fleet that is recorded.
const NODES: usize = 6;
/// Facts that it tells a day.
const FACTS: usize = 40_000;
/// Steps after which nobody is killed any more.
const MOST_STEPS: usize = 3_000;

fn limits() -> Limits {
    let thin = Thinning { whole: Duration::from_secs(600), minutes: Duration::from_secs(7_200) };
    Limits { thin: Some(thin), ..Limits::default() }
}

/// Measures it.
pub fn measure(scale: Scale, report: &mut Report) -> Result<()> {
    let mut chance = Chance::new(21);
    let (mut lost, mut wrong, mut sought, mut ended) = (Vec::new(), 0, 0, 0);
    while lost.len() < scale.kills {
        let folder = tempfile::tempdir().could_not("make a folder")?;
        let path = folder.path().join("journal.db");
        // Half of them at a named point, each time it is met at another turn; half of them whenever it comes.
        let kill = lost.len();
        let point = if kill % 2 == 0 { POINTS[kill / 2 % POINTS.len()] } else { ANY };
        let (status, told) = run(&path, point, &mut chance)?;
        if !is_killed(status) {
            ended += 1;
            if ended > scale.kills * (TRIES - 1) {
                let of = kill + ended;
                return Err(Failure::new(format!("{kill} of {of} processes were killed, the last ended: {status}")));
            }
            continue;
        }
        let found = fold(&path, &mut chance)?;
        sought += found.sought;
        wrong += found.wrong.len();
        if !found.wrong.is_empty() {
            let wrong = found.wrong.join("; ");
            // The file is evidence: whoever looks for the cause needs it.
            let kept = folder.keep();
            say(&format!(
                "  killed at {point}, of {} batches: {wrong}. It is kept in {}.",
                found.batches,
                kept.display()
            ));
        }
        lost.push(lost_ms(&told, found.batches));
    }
    let (kills, most) = (lost.len(), lost.iter().copied().fold(0.0, f64::max));
    say(&format!("journal-crash: {kills} kills, {sought} times folded; {ended} processes came to their end first."));
    report.add(Figure::new("journal-crash.kills", kills as f64, "").at_least(scale.kills as f64));
    report.add(Figure::new("journal-crash.lost_ms", most, "ms").at_most(1_000.0));
    report.add(Figure::new("journal-crash.wrong_folds", wrong as f64, "").at_most(0.0));
    Ok(())
}

/// What a process said: so many batches, and when, in milliseconds of its life.
type Told = Vec<(usize, u64)>;

/// Starts a process that records, until it is killed at a point or at any time, or comes to its end: how it ended.
fn run(path: &Path, point: &str, chance: &mut Chance) -> Result<(ExitStatus, Told)> {
    let turn = match point {
        "rows" => 1 + chance.below(400),
        "thin" | "thinned" => 1 + chance.below(2),
        _ => 1 + chance.below(12),
    };
    let mut command = Command::new(std::env::current_exe().could_not("find this program")?);
    command.args([CHILD, &path.display().to_string(), point, &turn.to_string()]).stdout(Stdio::piped());
    let mut child = command.spawn().could_not("start the process that records")?;
    let output = child.stdout.take().ok_or_else(|| Failure::new("the process has no output"))?;
    let deadline = Instant::now() + Duration::from_millis(100 + chance.below(1_400) as u64);
    let mut told = Told::new();
    for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
        let mut words = line.split(' ').filter_map(|word| word.parse::<u64>().ok());
        if let (Some(batches), Some(at)) = (words.next(), words.next()) {
            told.push((batches as usize, at));
        }
        if point == ANY && Instant::now() >= deadline {
            child.kill().could_not("kill the process that records")?;
        }
    }
    Ok((child.wait().could_not("wait for the process that was killed")?, told))
}

/// Was it killed, whatever it did? One that came to its end was not, also where it was told to die just then.
fn is_killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}

/// From the last step that is in the record to the last that was said.
fn lost_ms(told: &[(usize, u64)], kept: usize) -> f64 {
    let Some((_, last)) = told.last() else { return 0.0 };
    let first_lost = told.iter().find(|(batches, _)| *batches > kept);
    first_lost.map_or(0.0, |(_, at)| last.saturating_sub(*at) as f64 + 1.0)
}

struct Found {
    batches: usize,
    sought: u32,
    /// What is not as it was told, in words.
    wrong: Vec<String>,
}

/// Folds what was left, at its end and at some times before.
fn fold(path: &Path, chance: &mut Chance) -> Result<Found> {
    // As the next run does: what the crash left is brought in order.
    drop(Recorder::open(path, limits()).could_not("open what was left")?);
    let reader = Reader::new(path);
    let mut found = Found { batches: 0, sought: 0, wrong: Vec::new() };
    let Some((_, end)) = reader.span().could_not("read what was left")? else { return Ok(found) };
    reader.batches(Stamp(i64::MAX), |_| found.batches += 1).could_not("read what was left")?;
    let mut wanted: Vec<usize> = (0..5).map(|_| chance.below(found.batches + 1)).collect();
    wanted.push(found.batches);
    wanted.sort_unstable();
    let (mut world, mut count) = (World::default(), 0);
    let mut now = Stamp(0);
    for batch in story().take(found.batches) {
        now = batch.seen_at.max(now);
        world.apply(batch);
        count += 1;
        while wanted.first() == Some(&count) {
            wanted.remove(0);
            found.sought += 1;
            // Several batches may be of one time: only the last of it is what was known then.
            let there = match reader.world_at(now) {
                Ok(there) => there,
                Err(problem) => {
                    found.wrong.push(format!("behind {count} batches, at {now}: {problem}"));
                    continue;
                }
            };
            let whole = count == found.batches;
            let same = if whole { *there == world } else { unmeasured(&there) == unmeasured(&world) };
            if !same && (whole || is_last_of_its_time(count, now)) {
                found.wrong.push(format!("behind {count} batches, at {now}: another world"));
            }
        }
    }
    if now != end {
        found.wrong.push(format!("it ends at {end}, and was told until {now}"));
    }
    found.wrong.extend(reader.verify().could_not("verify what was left")?);
    Ok(found)
}

fn is_last_of_its_time(count: usize, now: Stamp) -> bool {
    story().nth(count).is_none_or(|next| next.seen_at > now)
}

/// A world without what was measured: that is thinned.
fn unmeasured(world: &World) -> World {
    let mut world = world.clone();
    let ids: Vec<ConnectionId> = world.sources().map(|(id, _)| id.clone()).collect();
    ids.iter().for_each(|id| world.resume(id, None));
    world
}

/// All that is told, rounded as it is kept.
fn story() -> impl Iterator<Item = pilothouse_world::Batch> {
    let mut load = Load::new(NODES, FACTS);
    let lists = load.lists();
    let rest = std::iter::repeat_with(move || load.next()).take(MOST_STEPS).flatten();
    lists.into_iter().chain(rest).map(|mut batch| {
        pilothouse_journal::round_readings(&mut batch);
        batch
    })
}

/// Where this process ends itself, and how often it passes there before.
static END: OnceLock<String> = OnceLock::new();
static TURNS: AtomicU32 = AtomicU32::new(u32::MAX);

fn watch(point: &'static str) {
    if END.get().is_some_and(|end| end == point) && TURNS.fetch_sub(1, Ordering::SeqCst) == 1 {
        // As hard as it can be: nothing is written out, nobody is told.
        let id = std::process::id().to_string();
        let _ = Command::new("kill").args(["-9", &id]).status();
    }
}

/// What the process does that is killed: it records, and says what it handed over.
pub fn child(words: &[String]) -> ExitCode {
    let [path, point, turn] = words else { return ExitCode::FAILURE };
    TURNS.store(turn.parse().unwrap_or(u32::MAX), Ordering::SeqCst);
    let _ = END.set(point.clone());
    let Ok(recorder) = Recorder::watched(Path::new(path), limits(), watch) else { return ExitCode::FAILURE };
    let began = Instant::now();
    let (mut world, mut out) = (World::default(), std::io::stdout());
    recorder.checkpoint(&world, crate::made::START);
    for (count, batch) in story().enumerate() {
        let at = batch.seen_at;
        recorder.append(&batch);
        world.apply(batch);
        let told = writeln!(out, "{} {}", count + 1, began.elapsed().as_millis()).and_then(|()| out.flush());
        if told.is_err() {
            return ExitCode::FAILURE;
        }
        if count % 150 == 149 {
            recorder.checkpoint(&world, at);
            // The disk is not to be further behind than it would be with ten seconds between steps.
            recorder.flush();
        }
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ended_by_itself_is_no_kill() {
        let ended = |line: &str| Command::new("sh").args(["-c", line]).status().unwrap();
        let lines = ["exit 0", "exit 1", "exit 137", "kill -15 $$", "kill -9 $$"];
        assert_eq!(lines.map(|line| is_killed(ended(line))), [false, false, false, false, true]);
    }

    #[test]
    fn what_is_promised_is_200_kills_and_each_point_is_among_them() {
        assert!(Scale::WHOLE.kills >= 200 && Scale::WHOLE.kills / 2 >= POINTS.len());
    }

    #[test]
    fn what_was_said_behind_the_end_of_the_record_is_lost() {
        let told = [(1, 10), (2, 20), (3, 45)];
        assert_eq!([3, 2, 1, 0].map(|kept| lost_ms(&told, kept)), [0.0, 1.0, 26.0, 36.0]);
    }
}
