//! How quickly a time of a recorded day is there: as a person meets it, through the engine, up to the whole frame.

use acceptance::{Context, Failure, Result};
use pilothouse_engine::{Engine, Paths, Reader, record};
use pilothouse_wire::{Answer, Ask, ObjectRef, Stamp, ViewSpec, When, view::FleetSpec};
use std::time::Duration;
use tokio::time::Instant;

use super::Scale;
use super::day::Day;
use super::load::{EVERY_MS, METRICS};
use crate::chance::Chance;
use crate::report::{Figure, Report};
use crate::statistics::{median, millis, quantile};

/// Measures it.
pub async fn measure(day: &Day, scale: Scale, report: &mut Report) -> Result<()> {
    let home = tempfile::tempdir().could_not("make a home")?;
    let opened = record::open(&day.thinned).await.map_err(|problem| Failure::new(problem.to_string()))?;
    let operator = Engine::open(&opened, Paths::under(home.path())).await.could_not("open the day")?;
    let reader = operator.reader().clone();
    let mut chance = Chance::new(5);
    let (mut far, mut near, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    let steps = ((day.ended.0 - day.began.0) / EVERY_MS) as usize;
    for _ in 0..scale.seeks {
        let at = Stamp(day.began.0 + chance.below(steps - 2) as i64 * EVERY_MS + EVERY_MS);
        far.push(frame(&reader, at).await?);
        near.push(frame(&reader, Stamp(at.0 + EVERY_MS)).await?);
    }
    for _ in 0..scale.seeks.min(50) {
        lines.push(series(&reader, chance.below(scale.nodes), day.ended).await?);
    }
    operator.shutdown().await;
    let p95 = Figure::new("journal-seek.p95_ms", quantile(&far, 0.95), "ms").at_most(120.0);
    report.add(p95.beside("median", median(&far), "ms"));
    let neighbour = Figure::new("journal-seek.neighbour_p95_ms", quantile(&near, 0.95), "ms").at_most(16.0);
    report.add(neighbour.beside("median", median(&near), "ms"));
    let series = Figure::new("journal-seek.series_ms", quantile(&lines, 0.95), "ms").at_most(100.0);
    report.add(series.beside("median", median(&lines), "ms"));
    Ok(())
}

/// The whole fleet at a time.
async fn frame(reader: &Reader, at: Stamp) -> Result<f64> {
    let began = Instant::now();
    let spec = ViewSpec::Fleet(FleetSpec::default());
    let answer = reader.ask(Ask::Frame { spec, when: When::At(at) }).await.could_not(format!("seek {at}"))?;
    let took = millis(began.elapsed());
    match answer {
        Answer::Frame(frame) if frame.when == When::At(at) => Ok(took),
        other => Err(Failure::new(format!("not the frame of {at}: {other:?}"))),
    }
}

/// What one GPU did in the day.
async fn series(reader: &Reader, node: usize, end: Stamp) -> Result<f64> {
    let object: ObjectRef = format!("gpu:largest/gpu-{node:05}/3").parse().could_not("name a GPU")?;
    let began = Instant::now();
    let ask = Ask::History { object, span: Duration::from_secs(86_400), when: When::At(end) };
    let answer = reader.ask(ask).await.could_not("ask for a day")?;
    let took = millis(began.elapsed());
    match answer {
        Answer::History(past) if past.series.len() >= METRICS.len() => Ok(took),
        other => Err(Failure::new(format!("not the past of a GPU: {other:?}"))),
    }
}
