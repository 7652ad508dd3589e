//! Runs side by side, of whichever experiments they are.

use super::ask;
use crate::{
    compared::{self, Line},
    exit::{Exit, Failed},
    json,
    model_args::RunsArgs,
    out::{Style, stdout},
    start::{Session, other_answer},
    table::Cell,
};
use pilothouse_insight::compare_runs;
use pilothouse_wire::{
    Code, Problem,
    runs::{MOST_COMPARED, RunAnswer, RunAsk, RunId, RunsCompared, RunsRow},
};
use std::io::Write;

/// Puts a run beside others.
pub(super) async fn run(session: &Session, first: &str, arguments: &RunsArgs, style: Style) -> Result<Exit, Failed> {
    let named: Vec<&str> = std::iter::once(first).chain(arguments.with.iter().map(String::as_str)).collect();
    if named.len() > MOST_COMPARED {
        return Err(Failed::Usage(format!("Name {MOST_COMPARED} runs at most.")));
    }
    let (mut ids, mut runs) = (Vec::new(), Vec::new());
    for name in named {
        // Of several servers the one that has it.
        let (answers, troubles) = ask(session, arguments, &RunAsk::Run(name.into())).await?;
        let none = || Problem::new(Code::NotFound, format!("There is no run {name}."));
        let first = answers.into_iter().next();
        let first = first.ok_or_else(|| troubles.0.into_iter().next_back().map_or_else(none, |(_, problem)| problem));
        let (source, RunAnswer::Run(run)) = first? else { return Err(other_answer()) };
        ids.push((RunId { source, run: name.into() }, run.about.name.clone()));
        runs.push(*run);
    }
    let compared = RunsCompared { runs: ids, rows: compare_runs(&runs), problems: Vec::new() };
    let mut out = stdout();
    if arguments.json {
        json::write(&mut out, &compared, !style.terminal)?;
    } else {
        draw(&mut out, &compared, style)?;
        out.flush()?;
    }
    Ok(Exit::Ok)
}

fn draw(out: &mut impl Write, of: &RunsCompared, style: Style) -> Result<(), Failed> {
    let sides = of.runs.iter().map(|(id, name)| if name.is_empty() { id.run.to_string() } else { name.to_string() });
    // Of two alone there is room for how much it is.
    let two = of.runs.len() == 2;
    let line = |row: &RunsRow| Line { part: row.part, differs: row.differs(), cells: cells(row, two) };
    compared::draw(out, sides, two, of.rows.iter().map(line).collect(), style)
}

fn cells(row: &RunsRow, two: bool) -> Vec<Cell> {
    let mut cells = vec![Cell::text(&row.key)];
    cells.extend(row.values.iter().map(|value| Cell::some(value.as_ref())));
    cells.extend(two.then(|| Cell::text(row.changes.last().and_then(Option::as_deref).unwrap_or_default())));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ConnectionId, runs::ComparedPart};

    #[test]
    fn two_runs_say_by_how_much_and_what_is_the_same_is_not_shown() {
        let id = |run: &str| RunId { source: ConnectionId::slug("ml"), run: run.into() };
        let row = |part, key: &str, values: [&str; 2], change: Option<&str>| RunsRow {
            part,
            key: key.into(),
            values: values.map(|value| Some(value.to_owned())).to_vec(),
            changes: vec![None, change.map(str::to_owned)],
        };
        let of = RunsCompared {
            runs: vec![(id("a1"), "owl".into()), (id("b2"), "".into())],
            rows: vec![
                row(ComparedPart::Metric, "auc", ["0.8", "0.84"], Some("+0.04 (+5.0 %)")),
                row(ComparedPart::Param, "base", ["8b", "8b"], None),
                row(ComparedPart::Run, "experiment", ["a", "b"], None),
            ],
            problems: Vec::new(),
        };
        let plain = Style { colour: false, terminal: false, width: None, height: None };
        let mut out = Vec::new();
        draw(&mut out, &of, plain).unwrap_or_else(|_| panic!("a vector takes all"));
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["Metrics"]);
        assert_eq!(lines[1], ["OWL", "B2", "CHANGE"]);
        assert_eq!(lines[2], ["auc", "0.8", "0.84", "+0.04", "(+5.0", "%)"]);
        assert!(!text.contains("8b") && text.contains("experiment"), "{text}");
    }
}
