//! A preflight for people: the verdict, the checks with their reasons, the sums, and what changed.

use crate::{
    exit::Failed,
    out::{Style, Tone},
    table::{self, Cell, Head},
};
use pilothouse_insight::preflight::{Changed, Report, Side, Verdict};
use pilothouse_wire::units::{count, visible};
use std::io::Write;

/// Writes it.
pub fn write(
    out: &mut impl Write,
    report: &Report,
    gpu: Option<&str>,
    assumed: bool,
    style: Style,
) -> Result<(), Failed> {
    // Reasons are read to their end: they are never shortened.
    let style = Style { width: None, ..style };
    let side = &report.candidate;
    let verdict = style.paint(tone(report.verdict), &format!("{}:", report.headline()));
    let gpus = if side.gpus == 1 { "1 GPU".to_owned() } else { format!("{} GPUs", count(side.gpus)) };
    let product = gpu.map(|gpu| format!(", {}", visible(gpu))).unwrap_or_default();
    let engine = if assumed { format!("{} (assumed)", side.engine.name()) } else { side.engine.name().to_owned() };
    writeln!(out, "{verdict} {engine} on {gpus}{product}.\n")?;
    checks(out, side, style)?;
    sums(out, side, style)?;
    writeln!(out, "\n{}", side.ceiling())?;
    if let Some(was) = &report.was {
        changes(out, report, was, style)?;
    }
    out.flush()?;
    Ok(())
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Fits => Tone::Good,
        Verdict::DoesNot => Tone::Bad,
        Verdict::CannotTell => Tone::Warn,
    }
}

fn checks(out: &mut impl Write, side: &Side, style: Style) -> Result<(), Failed> {
    let row = |check: &pilothouse_insight::preflight::Check| {
        let verdict = Cell::text(check.verdict.word()).tone(tone(check.verdict));
        vec![Cell::text(check.topic.title()), verdict, Cell::text(&check.why)]
    };
    let rows: Vec<Vec<Cell>> = side.checks.iter().map(row).collect();
    table::write(out, &[Head::left("CHECK"), Head::left("VERDICT"), Head::left("WHY")], &rows, style, None)?;
    Ok(())
}

fn sums(out: &mut impl Write, side: &Side, style: Style) -> Result<(), Failed> {
    if side.sums.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let heads = [Head::left("ON A GPU"), Head::right("AT LEAST"), Head::right("AT MOST"), Head::left("FROM")];
    let rows: Vec<Vec<Cell>> = side
        .sums
        .iter()
        .map(|line| {
            let what = if line.part { format!("  {}", line.what) } else { line.what.clone() };
            let tone = if line.part { Tone::Plain } else { Tone::Strong };
            let (low, high) = line.bounds();
            let high = high.map_or_else(Cell::absent, Cell::text);
            vec![Cell::text(what).tone(tone), Cell::text(low), high, Cell::text(&line.from)]
        })
        .collect();
    table::write(out, &heads, &rows, style, None)?;
    Ok(())
}

fn changes(out: &mut impl Write, report: &Report, was: &Side, style: Style) -> Result<(), Failed> {
    writeln!(out, "\nThe version before by the same sums: {}.\n", was.verdict().word())?;
    let heads = [Head::left("SINCE THE VERSION BEFORE"), Head::left(""), Head::left("WAS"), Head::left("IS")];
    let rows: Vec<Vec<Cell>> = report
        .changes
        .iter()
        .map(|change| {
            let tone = match change.how {
                Changed::Same => Tone::Soft,
                Changed::CannotTell => Tone::Warn,
                Changed::More | Changed::Less | Changed::Other => Tone::Strong,
            };
            let how = Cell::text(change.how.word()).tone(tone);
            vec![Cell::text(&change.what), how, Cell::some(change.was.as_ref()), Cell::some(change.now.as_ref())]
        })
        .collect();
    table::write(out, &heads, &rows, style, None)?;
    Ok(())
}
