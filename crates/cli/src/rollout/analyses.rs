//! What was measured of a service, for people: each metric against its condition, then its query and its last measurements.

use super::words::title;
use crate::{
    exit::Failed,
    out::{Style, Tone},
    rows::tone,
    table::{self, Cell, Head},
};
use pilothouse_wire::{
    Frame, Stamp,
    units::{ABSENT, count, visible},
    view::{
        AnalysisRow, MeasurementRow, MetricRow, RolloutView,
        delivery::{AnalysisVerdict, Compared, JudgedRow, value_words},
    },
};
use std::{io::Write, time::Duration};

/// Analyses of which each measurement is shown, the newest.
const MOST_DETAILED: usize = 3;
/// Measurements of a metric that are shown, the newest.
const MOST_MEASURED: usize = 5;
/// Lines of a query that are shown.
const MOST_LINES: usize = 12;
const DAY: Duration = Duration::from_secs(86_400);

/// Writes all that are known, the newest first.
pub fn write(out: &mut impl Write, view: &RolloutView, frame: &Frame, style: Style) -> Result<(), Failed> {
    for (at, row) in view.analyses.iter().enumerate() {
        analysis(out, row, style)?;
        if at < MOST_DETAILED {
            for metric in &row.metrics {
                measured(out, metric, frame.as_of, style)?;
            }
        }
    }
    let without = view.analyses.len().saturating_sub(MOST_DETAILED) as u64;
    if without > 0 {
        writeln!(out, "\nOf {} older analyses --json tells each measurement.", count(without))?;
    }
    if view.analyses_left_out > 0 {
        writeln!(out, "… and {} older analyses", count(view.analyses_left_out.into()))?;
    }
    Ok(())
}

fn analysis(out: &mut impl Write, row: &AnalysisRow, style: Style) -> Result<(), Failed> {
    let of = row.revision.map(|number| format!(", revision {number}")).unwrap_or_default();
    title(out, &visible(&format!("Analysis {} {}{of}", row.name, row.occasion.words(row.step))), style)?;
    let verdict = style.paint(tone(row.verdict.status()), row.verdict.word()).to_string();
    let message = row.message.as_ref().map(|message| format!(": {}", visible(message))).unwrap_or_default();
    writeln!(out, "{verdict}; the controller says {}{message}", row.phase.word())?;
    if let Some(dispute) = &row.dispute {
        writeln!(out, "{}", style.paint(Tone::Warn, &visible(dispute)))?;
    }
    let heads = [
        Head::left("VERDICT"),
        Head::left("METRIC"),
        Head::left("CONDITION"),
        Head::right("VALUE"),
        Head::right("TO LIMIT"),
        Head::left("WHY"),
    ];
    let rows: Vec<Vec<Cell>> = row.metrics.iter().map(metric).collect();
    table::write(out, &heads, &rows, style, None)?;
    Ok(())
}

fn metric(row: &MetricRow) -> Vec<Cell> {
    let conditions =
        [row.success.as_ref().map(|text| text.to_string()), row.failure.as_ref().map(|text| format!("not {text}"))];
    let conditions: Vec<String> = conditions.into_iter().flatten().collect();
    vec![
        Cell::text(row.verdict.word()).tone(tone(row.verdict.status())),
        Cell::text(named(row)),
        Cell::some((!conditions.is_empty()).then(|| conditions.join(", "))),
        Cell::some(value_words(row.compared.as_ref(), row.value.as_deref())),
        Cell::some(row.compared.as_ref().and_then(Compared::distance_words)),
        Cell::text(&row.why),
    ]
}

fn named(row: &MetricRow) -> String {
    if row.dry { format!("{} (dry)", row.name) } else { row.name.to_string() }
}

/// What was asked for a metric, and what came of it each time.
fn measured(out: &mut impl Write, row: &MetricRow, now: Stamp, style: Style) -> Result<(), Failed> {
    title(out, &visible(&named(row)), style)?;
    query(out, row)?;
    let before = row.measurements.len().saturating_sub(MOST_MEASURED);
    let last: Vec<(&MeasurementRow, Option<&JudgedRow>)> =
        row.measurements.iter().enumerate().skip(before).map(|(at, one)| (one, row.judged.get(at))).collect();
    if last.is_empty() {
        writeln!(out, "No measurement is kept.")?;
    } else {
        let heads = [
            Head::left("VERDICT"),
            Head::right("VALUE"),
            Head::left("LIMIT"),
            Head::right("TO LIMIT"),
            Head::left("AT"),
            Head::left("CONTROLLER"),
            Head::left("WHY"),
        ];
        let rows: Vec<Vec<Cell>> = last.iter().rev().map(|(one, judged)| measurement(one, *judged, now)).collect();
        table::write(out, &heads, &rows, style, None)?;
    }
    let before = row.left_out.saturating_add(before as u64);
    if before > 0 {
        writeln!(out, "… and {} before", count(before))?;
    }
    Ok(())
}

fn query(out: &mut impl Write, row: &MetricRow) -> Result<(), Failed> {
    let who = row.provider.as_deref().map_or_else(|| "Asked".to_owned(), |who| format!("Asked of {}", visible(who)));
    let Some(query) = &row.query else {
        writeln!(out, "{who}: {ABSENT} (no query is told)")?;
        return Ok(());
    };
    let lines: Vec<&str> = query.trim().lines().collect();
    let [only] = lines.as_slice() else {
        writeln!(out, "{who}:")?;
        for line in lines.iter().take(MOST_LINES) {
            writeln!(out, "  {}", visible(line))?;
        }
        if lines.len() > MOST_LINES {
            writeln!(out, "  … and {} lines", count((lines.len() - MOST_LINES) as u64))?;
        }
        return Ok(());
    };
    writeln!(out, "{who}: {}", visible(only))?;
    Ok(())
}

fn measurement(one: &MeasurementRow, judged: Option<&JudgedRow>, now: Stamp) -> Vec<Cell> {
    let compared = judged.and_then(|judged| judged.compared.as_ref());
    let verdict = judged.map(|judged| judged.verdict);
    let at = one.finished.or(one.started);
    let why = match (&one.message, verdict) {
        (Some(message), _) => Some(message.clone()),
        (None, Some(AnalysisVerdict::NoData)) => Some("it gave no value: that is no pass".to_owned()),
        (None, _) => None,
    };
    vec![
        match verdict {
            Some(verdict) => Cell::text(verdict.word()).tone(tone(verdict.status())),
            None => Cell::absent(),
        },
        Cell::some(value_words(compared, one.value.as_deref())),
        Cell::some(compared.map(Compared::limit_words)),
        Cell::some(compared.and_then(Compared::distance_words)),
        Cell::some(at.map(|at| when(at, now))),
        Cell::text(one.phase.word()),
        Cell::some(why),
    ]
}

/// A time of the last day by the clock, an older one in full.
fn when(at: Stamp, now: Stamp) -> String {
    if now.since(at) < DAY { format!("{} UTC", at.clock()) } else { at.to_string() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use pilothouse_wire::view::AnalysisPhase;

    /// A metric that nothing is known of but its condition.
    pub fn metric(name: &str) -> MetricRow {
        MetricRow {
            name: name.into(),
            provider: Some("prometheus".into()),
            query: None,
            success: Some("result[0] <= 800".into()),
            failure: None,
            value: None,
            compared: None,
            phase: AnalysisPhase::Successful,
            message: None,
            verdict: AnalysisVerdict::NoData,
            why: String::new(),
            dispute: None,
            dry: false,
            passed: 0,
            failed: 0,
            inconclusive: 0,
            errors: 0,
            most_failed: 0,
            no_data: 0,
            measurements: Vec::new(),
            judged: Vec::new(),
            left_out: 0,
        }
    }

    fn written(measurements: &[(AnalysisVerdict, Option<&str>)]) -> String {
        let of = |(_, value): &(AnalysisVerdict, Option<&str>)| MeasurementRow {
            phase: AnalysisPhase::Successful,
            value: value.map(str::to_owned),
            finished: Some(Stamp(90_000)),
            ..MeasurementRow::default()
        };
        let row = MetricRow {
            query: Some("up\u{1b}[2J".into()),
            measurements: measurements.iter().map(of).collect(),
            judged: measurements.iter().map(|(verdict, _)| JudgedRow { verdict: *verdict, compared: None }).collect(),
            left_out: 2,
            ..metric("ttft")
        };
        let mut out = Vec::new();
        let plain = Style { colour: false, terminal: false, width: None, height: None };
        measured(&mut out, &row, Stamp(120_000), plain).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_newest_measurements_are_told_and_what_has_no_data_says_so() {
        let many = [(AnalysisVerdict::Passed, Some("[612]")); 6];
        let text = written(&[&many[..], &[(AnalysisVerdict::NoData, Some("[]"))]].concat());
        assert!(text.contains("Asked of prometheus: up␛[2J"), "{text}");
        let lines: Vec<&str> =
            text.lines().filter(|line| line.starts_with("No data") || line.contains("612")).collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[0].starts_with("No data      —"), "{text}");
        assert!(lines[0].contains("00:01:30 UTC") && lines[0].ends_with("it gave no value: that is no pass"), "{text}");
        assert!(text.ends_with("… and 4 before\n"), "{text}");
        assert!(written(&[]).contains("No measurement is kept.\n… and 2 before"));
    }
}
