//! Stages one after the other, each with its time; the first failure stops, the summary always comes.

use std::time::Duration;

use crate::Outcome;
use crate::stopwatch::Stopwatch;

/// One stage: its name and what it does.
#[derive(Clone, Copy)]
pub struct Step {
    name: &'static str,
    work: fn() -> Outcome,
}

impl Step {
    /// What it is called in the summary.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// A stage for [`run`].
pub const fn step(name: &'static str, work: fn() -> Outcome) -> Step {
    Step { name, work }
}

/// Runs the stages in their order and prints the summary.
pub fn run(steps: &[Step]) -> Outcome {
    let start = Stopwatch::start();
    let mut rows = Vec::new();
    let mut failure = None;
    for step in steps {
        if failure.is_some() {
            rows.push(format!("  not run {}", step.name));
            continue;
        }
        println!("\n── {} {}", step.name, "─".repeat(66_usize.saturating_sub(step.name.len())));
        let begun = Stopwatch::start();
        let outcome = (step.work)();
        let took = seconds(begun.elapsed());
        let word = if outcome.is_ok() { "ok  " } else { "FAIL" };
        println!("   {word} {} in {}", step.name, took.trim_start());
        rows.push(format!("  {word}    {:<34}{took}", step.name));
        failure = outcome.err().map(|why| format!("{} failed.\n{why}", step.name));
    }
    println!("\nSummary\n{}\n  {:<42}{}", rows.join("\n"), "in all", seconds(start.elapsed()));
    failure.map_or(Ok(()), Err)
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        minutes @ 60.. => format!("{:>3} min {:02} s", minutes / 60, minutes % 60),
        _ => format!("{:>10.1} s", time.as_secs_f64()),
    }
}
