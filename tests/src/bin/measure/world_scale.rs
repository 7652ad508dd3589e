//! The world at its largest: a generated fleet whose GPUs are measured once in ten seconds, folded, projected and
//! compared with what was shown before, in a process that does nothing else. What the frames cost to encode is not in it.
//!
//! `p99_ms` is of one batch of readings: from the facts to the patch. `peak_rss_mb` is the most memory that the process
//! had (VmHWM), the making of the facts included.

mod fleet;

use acceptance::{Context, Result};
use pilothouse_wire::view::FleetSpec;
use pilothouse_world::project::FleetProjection;
use pilothouse_world::{Touched, World};
use serde_json::{Value, json};
use std::process::ExitCode;
use tokio::process::Command;
use tokio::time::Instant;

use crate::report::{self, Figure, Report, say};
use crate::statistics::{median, millis, quantile};
use crate::{ALONE, processes, timed};
use fleet::Measurements;

/// Ten minutes of readings and more: the 99th percentile is not the worst of them.
const BATCHES: usize = 200;

/// Measures it.
pub async fn measure(report: &mut Report) -> Result<()> {
    let own = std::env::current_exe().could_not("find this program")?;
    let mut command = Command::new(own);
    command.arg(ALONE);
    let output = timed::run(command).await?.output;
    let told: Value = serde_json::from_slice(&output).could_not("read what the process told")?;
    let numbers =
        |key: &str| -> Vec<f64> { told[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect() };
    let (all, folds) = (numbers("all_ms"), numbers("fold_ms"));
    let number = |key: &str| told[key].as_f64().unwrap_or(f64::NAN);
    say(&format!(
        "world-scale: {} GPUs of {} nodes, {} pods; the first view after {:.0} ms; a batch {:.1} ms, of which the fold {:.1} ms.",
        told["gpus"],
        told["nodes"],
        told["pods"],
        number("first_ms"),
        median(&all),
        median(&folds),
    ));
    let p99 = Figure::new("world-scale.p99_ms", quantile(&all, 0.99), "ms").at_most(16.0);
    report.add(p99.beside("median", median(&all), "ms"));
    let peak = Figure::new("world-scale.peak_rss_mb", number("peak_mb"), "MB").at_most(400.0);
    report.add(peak.beside("at rest", number("rest_mb"), "MB"));
    Ok(())
}

/// What the process does that is measured: it tells its times on its output.
pub fn alone() -> ExitCode {
    let began = Instant::now();
    let mut world = World::default();
    let mut projection = FleetProjection::new(&world, FleetSpec::default());
    for batch in fleet::lists() {
        let touched = world.apply(batch);
        projection.update(&world, &touched);
    }
    let first = began.elapsed();
    let mut measurements = Measurements::new();
    let (mut all, mut folds) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        let batches = measurements.next();
        let began = Instant::now();
        let mut touched = Touched::default();
        for batch in batches {
            touched.merge(world.apply(batch));
        }
        let folded = began.elapsed();
        let patch = projection.update(&world, &touched);
        all.push(millis(began.elapsed()));
        folds.push(millis(folded));
        if patch.telemetry.as_ref().is_none_or(|telemetry| telemetry.set.len() < fleet::METRICS.len()) {
            report::say("The view does not show what was measured.");
            return ExitCode::FAILURE;
        }
    }
    let id = std::process::id();
    let told = json!({
        "first_ms": millis(first),
        "all_ms": all,
        "fold_ms": folds,
        "gpus": projection.view().gpus().count(),
        "nodes": projection.view().nodes.len(),
        "pods": projection.view().pods.len(),
        "peak_mb": processes::memory_mb(id, "VmHWM"),
        "rest_mb": processes::memory_mb(id, "VmRSS"),
    });
    report::tell(&told.to_string());
    ExitCode::SUCCESS
}
