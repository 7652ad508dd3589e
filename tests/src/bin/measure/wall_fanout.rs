//! What ten wall screens cost the program that serves them: the map of 10,000 GPUs, nearly all of whose readings change
//! each second.
//!
//! `cpu_percent` is of the door's process, as it is shipped: its processor time with ten screens less that with none, in
//! percent of one core; what the fleet costs to be read is in both. What writes the record is left out of both, whoever
//! looks: each five minutes it packs what was heard, for seconds, and that would be counted or not by when they end (it has
//! figures of its own, `journal-day`). `rss_growth_mb` is of a process that serves ten
//! screens and records for 24 hours of simulated time, with the demo's story going on: what it has in the last hour more than in the
//! second. Its clock jumps from one event to the next, and is four times as fast; the screens live in it, too.

mod day;
mod screen;

use std::path::Path;
use std::time::Duration;

use acceptance::{Context, Failure, Result, Terminal, program};
use serde_json::Value;
use tokio::process::Command;

use crate::report::{Figure, Report, say};
use crate::stand::Size;
use crate::{DAY, processes, timed};
pub use day::alone;
use screen::Screen;

/// GPUs of one of the clusters, and how many of them there are.
const CLUSTER: usize = 2_048;
const CLUSTERS: usize = 5;
const SCREENS: usize = 10;
/// The thread that writes the record.
const RECORD: &str = "journal";
/// The door has opened and is at rest but for what it measures.
const SETTLE: Duration = Duration::from_secs(10);

/// Measures it.
pub async fn measure(size: Size, report: &mut Report) -> Result<()> {
    let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
    for number in 0..CLUSTERS {
        let (name, seed) = (format!("iad-{number}"), (4_096 + number).to_string());
        let of = ["--name", &name, "--cluster", "iad-prod", "--seed", &seed, "--interval", "1"];
        terminal.good(&[&["connect", "add", "demo"], of.as_slice()].concat()).await?;
    }
    say(&format!("wall-fanout: {} GPUs on {SCREENS} screens.", CLUSTERS * CLUSTER));
    let (_door, address) = terminal.serve(&["--wall"]).await?;
    let id = processes::find(&program("pilothouse")?, terminal.home())
        .ok_or_else(|| Failure::new("the door is not among the processes"))?;
    let key = screen::let_in(&address).await?;
    tokio::time::sleep(SETTLE).await;
    let none = percent(id, size.frames).await?;
    let first = Screen::open(&key).await?;
    tokio::time::sleep(SETTLE).await;
    let one = percent(id, size.frames).await?;
    let mut screens = vec![first];
    for _ in 1..SCREENS {
        screens.push(Screen::open(&key).await?);
    }
    tokio::time::sleep(SETTLE).await;
    let before: Vec<u64> = screens.iter().map(Screen::frames).collect();
    let ten = percent(id, size.frames).await?;
    for (screen, before) in screens.iter().zip(before) {
        let seen = screen.frames() - before;
        // One a second at least: what is measured, and what follows from it.
        if seen < size.frames.as_secs() * 9 / 10 {
            return Err(Failure::new(format!("a screen saw only {seen} frames in {} s", size.frames.as_secs())));
        }
    }
    say(&format!("  without screens {none:.1} %, with one {one:.1} %, with {SCREENS} {ten:.1} % of a core."));
    let cpu = Figure::new("wall-fanout.cpu_percent", ten - none, "%").at_most(4.0);
    report.add(cpu.beside("nine more than one", ten - one, "%"));
    drop(screens);

    let mut command = Command::new(std::env::current_exe().could_not("find this program")?);
    command.arg(DAY).arg(if size.frames < Size::WHOLE.frames { "120" } else { "1440" });
    let output = timed::run(command).await?.output;
    let told: Value = serde_json::from_slice(&output).could_not("read what the process told")?;
    let number = |key: &str| told[key].as_f64().unwrap_or(f64::NAN);
    say(&format!("  {} hours of simulated time, {} frames to each screen.", told["hours"], told["frames"]));
    let growth = Figure::new("wall-fanout.rss_growth_mb", number("growth_mb"), "MB").at_most(10.0);
    report.add(growth.beside("at the beginning", number("first_mb"), "MB"));
    Ok(())
}

/// The share of a core that a process takes for a while, without the thread that writes its record.
async fn percent(id: u32, span: Duration) -> Result<f64> {
    let serving = || -> Result<Duration> {
        let record = processes::processor_time_of_threads(id, RECORD)?;
        Ok(processes::processor_time_of(id)?.saturating_sub(record))
    };
    let before = serving()?;
    tokio::time::sleep(span).await;
    let used = serving()?.saturating_sub(before);
    Ok(used.as_secs_f64() * 100.0 / span.as_secs_f64())
}
