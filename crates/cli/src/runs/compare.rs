//! Runs side by side, of whichever experiments they are.

use super::ask;
use crate::{
    exit::{Exit, Failed},
    json,
    model_args::RunsArgs,
    out::{Style, Tone, note, stdout},
    problems,
    start::{Session, other_answer},
    table::{self, Cell},
};
use pilothouse_wire::{
    Answer, Ask, Code, Problem,
    runs::{ComparedPart, MOST_COMPARED, RunAsk, RunId, RunsCompared, RunsRow},
    units::count,
};
use std::io::Write;

/// Puts a run beside others.
pub(super) async fn run(
    session: &Session,
    first: &str,
    arguments: &RunsArgs,
    style: Style,
    err: Style,
) -> Result<Exit, Failed> {
    let named: Vec<&str> = std::iter::once(first).chain(arguments.with.iter().map(String::as_str)).collect();
    if named.len() > MOST_COMPARED {
        return Err(Failed::Usage(format!("Name {MOST_COMPARED} runs at most.")));
    }
    let mut ids = Vec::new();
    for run in named {
        // Of several servers the one that has it.
        let (answers, troubles) = ask(session, arguments, &RunAsk::Run(run.into())).await?;
        let Some((source, _)) = answers.into_iter().next() else {
            let none = || Problem::new(Code::NotFound, format!("There is no run {run}."));
            return Err(troubles.0.into_iter().next_back().map_or_else(none, |(_, problem)| problem).into());
        };
        ids.push(RunId { source, run: run.into() });
    }
    let answer = session.reader().ask(Ask::CompareRuns(ids)).await?;
    let Answer::RunsCompared(compared) = answer else { return Err(other_answer()) };
    let mut out = stdout();
    if arguments.json {
        json::write(&mut out, &*compared, !style.terminal)?;
    } else {
        draw(&mut out, &compared, style)?;
        out.flush()?;
    }
    compared.problems.iter().for_each(|problem| problems::tell(problem, err));
    Ok(if compared.problems.is_empty() { Exit::Ok } else { Exit::Partial })
}

fn draw(out: &mut impl Write, of: &RunsCompared, style: Style) -> Result<(), Failed> {
    let names = of.runs.iter().map(|(id, name)| if name.is_empty() { id.run.to_string() } else { name.to_string() });
    let mut titles = vec![(String::new(), false)];
    titles.extend(names.map(|name| (name.to_uppercase(), false)));
    // Of two alone there is room for how much it is.
    let two = of.runs.len() == 2;
    titles.extend(two.then(|| ("CHANGE".to_owned(), true)));
    let mut same = 0;
    for part in ComparedPart::ALL {
        let rows: Vec<&RunsRow> = of.rows.iter().filter(|row| row.part == part).collect();
        let differing: Vec<Vec<Cell>> = rows.iter().filter(|row| row.differs()).map(|row| cells(row, two)).collect();
        same += rows.len() - differing.len();
        if differing.is_empty() {
            continue;
        }
        writeln!(out, "{}", style.paint(Tone::Strong, part.title()))?;
        table::write_titled(out, &titles, &differing, style)?;
        writeln!(out)?;
    }
    if same == of.rows.len() {
        writeln!(out, "Nothing differs.")?;
    }
    note(&format!("{} things are the same and not shown.", count(same as u64)));
    Ok(())
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
    use pilothouse_wire::ConnectionId;

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
