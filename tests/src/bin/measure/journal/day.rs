//! A day of it: what it takes on disk, kept whole and thinned as it is by default, and what writing it takes.
//!
//! Rounding is that of the record: a fifth of a per cent, a watt, a tenth of a degree, a megahertz; bytes and codes as they
//! are. `cpu_percent` is what the recorder that thins took: its thread, and what was done before it was handed over.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use acceptance::{Context, Result};
use pilothouse_journal::{Limits, Recorder};
use pilothouse_wire::Stamp;
use pilothouse_world::World;
use tempfile::TempDir;
use tokio::time::Instant;

use super::Scale;
use super::load::{EVERY_MS, GPUS, Load, METRICS};
use crate::report::{Figure, Report, say};

/// Steps between worlds, as the engine keeps them.
const CHECKPOINT_STEPS: usize = 30;

/// A recorded day.
pub struct Day {
    pub thinned: PathBuf,
    pub began: Stamp,
    pub ended: Stamp,
    whole_mb: f64,
    thinned_mb: f64,
    cpu_percent: f64,
    /// The same readings as they come, four bytes each.
    plain_mb: f64,
    _folder: TempDir,
}

/// Records it.
pub fn record(scale: Scale) -> Result<Day> {
    let folder = tempfile::tempdir().could_not("make a folder")?;
    let (whole, thinned) = (folder.path().join("whole.db"), folder.path().join("thinned.db"));
    let keep = Limits { bytes: u64::MAX, age: Duration::from_secs(30 * 86_400), thin: None };
    let first = Recorder::open(&whole, keep).could_not("open a journal")?;
    // A thread has its name once it does something.
    first.flush();
    let with_whole = threads()?;
    let second =
        Recorder::open(&thinned, Limits { thin: Limits::default().thin, ..keep }).could_not("open a journal")?;
    second.flush();
    let own: Vec<u32> = threads()?.into_iter().filter(|id| !with_whole.contains(id)).collect();

    let mut load = Load::new(scale.nodes, scale.facts);
    let (mut world, mut handing) = (World::default(), Duration::ZERO);
    let mut hand = |batch: &pilothouse_world::Batch| {
        first.append(batch);
        let began = Instant::now();
        second.append(batch);
        handing += began.elapsed();
    };
    first.checkpoint(&world, load.now());
    second.checkpoint(&world, load.now());
    for batch in load.lists() {
        hand(&batch);
        world.apply(batch);
    }
    let began = load.now();
    let steps = scale.hours * 360;
    let mut keeping = Duration::ZERO;
    for step in 0..steps {
        for mut batch in load.next() {
            pilothouse_journal::round_readings(&mut batch);
            hand(&batch);
            world.apply(batch);
        }
        if step % CHECKPOINT_STEPS == CHECKPOINT_STEPS - 1 {
            first.checkpoint(&world, load.now());
            let before = Instant::now();
            second.checkpoint(&world, load.now());
            keeping += before.elapsed();
            // No more than a while's worth is in memory: they are handed over far faster than they come.
            first.flush();
            second.flush();
        }
        if step % 360 == 359 {
            say(&format!("journal-day: {} h of {}.", step / 360 + 1, scale.hours));
        }
    }
    let written: Duration = own.iter().filter_map(|id| thread_time(*id)).sum();
    let lost = first.lost() + second.lost();
    drop((first, second));
    let ended = load.now();
    let spent = written + handing + keeping;
    let readings = (scale.nodes * GPUS * METRICS.len() * steps) as f64;
    say(&format!(
        "journal-day: {} GPUs, {} metrics, {} h; writing took {:.1} s, of which handing over {:.1} s and worlds {:.1} s; {lost} lost.",
        scale.nodes * GPUS,
        METRICS.len(),
        scale.hours,
        spent.as_secs_f64(),
        handing.as_secs_f64(),
        keeping.as_secs_f64(),
    ));
    if lost > 0 {
        return Err(acceptance::Failure::new(format!("{lost} batches were not written")));
    }
    Ok(Day {
        whole_mb: size_mb(&whole)?,
        thinned_mb: size_mb(&thinned)?,
        cpu_percent: spent.as_secs_f64() / (steps as f64 * EVERY_MS as f64 / 1_000.0) * 100.0,
        plain_mb: readings * 4.0 / 1e6,
        thinned,
        began,
        ended,
        _folder: folder,
    })
}

impl Day {
    /// Tells the figures.
    pub fn tell(&self, report: &mut Report) {
        let whole = Figure::new("journal-day.whole_mb", self.whole_mb, "MB").at_most(350.0);
        report.add(whole.beside("plain readings", self.plain_mb, "MB"));
        let thinned = Figure::new("journal-day.thinned_mb", self.thinned_mb, "MB").at_most(250.0);
        report.add(thinned.beside("whole", self.whole_mb, "MB"));
        report.add(Figure::new("journal-day.cpu_percent", self.cpu_percent, "%").at_most(0.5));
    }
}

fn size_mb(path: &Path) -> Result<f64> {
    fs::metadata(path).map(|about| about.len() as f64 / 1e6).could_not("read the size of a journal")
}

/// The threads of this process that write journals.
fn threads() -> Result<Vec<u32>> {
    let all = fs::read_dir("/proc/self/task").could_not("read the threads of this process")?;
    let ids = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(ids
        .filter(|id| {
            fs::read_to_string(format!("/proc/self/task/{id}/comm")).is_ok_and(|name| name.trim() == "journal")
        })
        .collect())
}

/// The processor time of a thread.
fn thread_time(id: u32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/self/task/{id}/schedstat")).ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
