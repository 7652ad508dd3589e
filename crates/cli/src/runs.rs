//! The command that searches runs, shows one in full, and puts some side by side.

mod compare;

use crate::{
    exit::{Exit, Failed},
    json,
    model_args::RunsArgs,
    out::{Style, Tone, note, stdout},
    problems,
    start::{Session, Troubles, other_answer},
    table::{self, Cell, Head},
};
use pilothouse_engine::Clock;
use pilothouse_wire::{
    Answer, Ask, Body, Code, ConnectionId, Problem, SmolStr, Stamp, View, ViewSpec,
    runs::{Artefacts, MetricHistory, Run, RunAnswer, RunAsk, RunPage, RunQuery, RunRow, common_metrics},
    units::{ABSENT, bytes, count, span, visible},
};
use serde::Serialize;
use std::io::Write;

/// Metrics that have a column of their own: those that most runs have.
const COLUMNS: usize = 4;

/// Searches, or shows one.
pub async fn run(arguments: &RunsArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let session = Session::start(&arguments.source, false).await?;
    let exit = match (&arguments.run, &arguments.artefacts) {
        (Some(run), None) if !arguments.with.is_empty() => compare::run(&session, run, arguments, out).await,
        (Some(run), Some(folder)) => left(&session, run, folder, arguments, out, err).await,
        (Some(run), None) => one(&session, run, arguments, out, err).await,
        (None, _) => search(&session, arguments, out, err).await,
    };
    session.end().await;
    exit
}

/// Asks every connection that keeps runs; what those answer that can.
async fn ask(session: &Session, arguments: &RunsArgs, ask: &RunAsk) -> Result<(Vec<Answered>, Troubles), Failed> {
    let (frame, mut troubles) = session.frame(ViewSpec::Connections, arguments.source.wait).await?;
    let Body::Full(View::Connections(connections)) = &frame.body else { return Err(other_answer()) };
    let (mut answers, mut keepers) = (Vec::new(), 0);
    troubles.0.clear();
    for row in connections.rows.rows() {
        match session.reader().ask(Ask::Runs(row.id.clone(), ask.clone())).await {
            Ok(Answer::Runs(answer)) => {
                keepers += 1;
                answers.push((row.id.clone(), *answer));
            }
            Ok(_) => return Err(other_answer()),
            // It is of a kind that keeps none.
            Err(problem) if problem.code == Code::NotOffered => {}
            Err(problem) => {
                keepers += 1;
                troubles.0.push((row.id.clone(), problem));
            }
        }
    }
    if keepers == 0 {
        return Err(Problem::new(Code::NotFound, "No connection keeps runs.")
            .next("Connect a tracking server: pilothouse connect add mlflow --name NAME --url ADDRESS.")
            .into());
    }
    Ok((answers, troubles))
}

type Answered = (ConnectionId, RunAnswer);

fn end(troubles: &Troubles, err: Style) -> Exit {
    problems::tell_all(troubles, err);
    if troubles.is_empty() { Exit::Ok } else { Exit::Partial }
}

/// Runs that fit, of one server.
#[derive(Serialize)]
struct Found {
    source: ConnectionId,
    #[serde(flatten)]
    page: RunPage,
}

#[derive(Serialize)]
struct FoundDocument<'a> {
    complete: bool,
    problems: Vec<Trouble<'a>>,
    found: &'a [Found],
}

#[derive(Serialize)]
struct Trouble<'a> {
    source: &'a ConnectionId,
    #[serde(flatten)]
    problem: &'a Problem,
}

fn lines(troubles: &Troubles) -> Vec<Trouble<'_>> {
    troubles.0.iter().map(|(source, problem)| Trouble { source, problem }).collect()
}

async fn search(session: &Session, arguments: &RunsArgs, style: Style, err: Style) -> Result<Exit, Failed> {
    let query = RunQuery {
        experiments: arguments.experiment.clone(),
        filter: arguments.filter.clone(),
        order: arguments.order.clone(),
        most: arguments.limit,
    };
    let (answers, troubles) = ask(session, arguments, &RunAsk::Search(query)).await?;
    if let (true, Some((_, problem))) = (answers.is_empty(), troubles.0.last()) {
        return Err(problem.clone().into());
    }
    let page = |(source, answer)| match answer {
        RunAnswer::Found(page) => Ok(Found { source, page }),
        _ => Err(other_answer()),
    };
    let found: Vec<Found> = answers.into_iter().map(page).collect::<Result<_, _>>()?;
    let mut out = stdout();
    if arguments.json {
        let document = FoundDocument { complete: troubles.is_empty(), problems: lines(&troubles), found: &found };
        json::write(&mut out, &document, !style.terminal)?;
    } else {
        table(&mut out, &found, Clock::system().now(), style)?;
        out.flush()?;
        for Found { source, page } in &found {
            let of = format!("{} experiments of {source}", count(page.experiments.into()));
            if page.more {
                note(&format!(
                    "The first {} runs of {of} are shown: --limit N for more.",
                    count(page.runs.len() as u64)
                ));
            } else if page.runs.is_empty() {
                note(&format!("None of the runs of {of} fits."));
            }
        }
    }
    Ok(end(&troubles, err))
}

fn table(out: &mut impl Write, found: &[Found], now: Stamp, style: Style) -> Result<(), Failed> {
    let several = found.len() > 1;
    let runs = || found.iter().flat_map(|found| found.page.runs.iter().map(move |run| (&found.source, run)));
    let metrics = common_metrics(runs().map(|(_, run)| run), COLUMNS);
    let mut heads = vec![("STATUS".to_owned(), false), ("NAME".into(), false), ("EXPERIMENT".into(), false)];
    heads.extend([("BEGAN", true), ("TOOK", true)].map(|(title, right)| (title.to_owned(), right)));
    heads.extend(metrics.iter().map(|key| (key.to_uppercase(), true)));
    heads.push(("RUN".into(), false));
    heads.extend(several.then(|| ("SERVER".to_owned(), false)));
    let row = |(source, run): (&ConnectionId, &RunRow)| {
        let mut cells = vec![
            Cell::text(run.status.to_lowercase()).tone(tone(&run.status)),
            Cell::text(&run.name),
            Cell::text(experiment(run)),
            Cell::some(run.began.map(|began| pilothouse_wire::units::age(now.since(began)))),
            Cell::some(took(run)),
        ];
        let value =
            |key: &SmolStr| run.metrics.iter().find(|metric| metric.key == *key).map(|last| last.value.to_string());
        cells.extend(metrics.iter().map(|key| Cell::some(value(key))));
        cells.push(Cell::text(&run.id));
        cells.extend(several.then(|| Cell::text(source.as_str())));
        cells
    };
    let rows: Vec<Vec<Cell>> = runs().map(row).collect();
    table::write_titled(out, &heads, &rows, style)?;
    Ok(())
}

fn experiment(run: &RunRow) -> &str {
    run.experiment.1.as_deref().unwrap_or(&run.experiment.0)
}

fn took(run: &RunRow) -> Option<String> {
    Some(span(run.ended?.since(run.began?)))
}

fn tone(status: &str) -> Tone {
    match status {
        "FINISHED" => Tone::Good,
        "RUNNING" | "SCHEDULED" => Tone::Progress,
        "FAILED" => Tone::Bad,
        "KILLED" => Tone::Warn,
        _ => Tone::Soft,
    }
}

#[derive(Serialize)]
struct RunDocument<'a> {
    source: &'a ConnectionId,
    #[serde(flatten)]
    run: &'a Run,
    histories: &'a [MetricHistory],
}

async fn one(session: &Session, id: &str, arguments: &RunsArgs, style: Style, err: Style) -> Result<Exit, Failed> {
    let (answers, troubles) = ask(session, arguments, &RunAsk::Run(id.into())).await?;
    let Some((source, RunAnswer::Run(run))) = answers.into_iter().next() else {
        return Err(troubles.0.into_iter().next_back().map_or_else(other_answer, |(_, problem)| problem.into()));
    };
    let histories = if arguments.history.is_empty() {
        Vec::new()
    } else {
        let keys = arguments.history.iter().map(SmolStr::from).collect();
        match session.reader().ask(Ask::Runs(source.clone(), RunAsk::Metrics { run: id.into(), keys })).await? {
            Answer::Runs(answer) => match *answer {
                RunAnswer::Metrics(histories) => histories,
                _ => return Err(other_answer()),
            },
            _ => return Err(other_answer()),
        }
    };
    let mut out = stdout();
    if arguments.json {
        json::write(&mut out, &RunDocument { source: &source, run: &run, histories: &histories }, !style.terminal)?;
    } else {
        describe(&mut out, &source, &run, style)?;
        histories.iter().try_for_each(|history| steps(&mut out, history, style))?;
        out.flush()?;
    }
    let parts = run.problems.iter().chain(histories.iter().filter_map(|history| history.problem.as_ref()));
    let whole = parts.map(|problem| problems::tell(problem, err)).count() == 0;
    Ok(if whole { Exit::Ok } else { Exit::Partial })
}

#[derive(Serialize)]
struct LeftDocument<'a> {
    source: &'a ConnectionId,
    #[serde(flatten)]
    artefacts: &'a Artefacts,
}

async fn left(
    session: &Session,
    id: &str,
    folder: &str,
    arguments: &RunsArgs,
    style: Style,
    err: Style,
) -> Result<Exit, Failed> {
    let wanted = RunAsk::Artefacts { run: id.into(), path: folder.trim_matches('/').to_owned() };
    let (answers, troubles) = ask(session, arguments, &wanted).await?;
    let Some((source, RunAnswer::Artefacts(artefacts))) = answers.into_iter().next() else {
        return Err(troubles.0.into_iter().next_back().map_or_else(other_answer, |(_, problem)| problem.into()));
    };
    let mut out = stdout();
    if arguments.json {
        json::write(&mut out, &LeftDocument { source: &source, artefacts: &artefacts }, !style.terminal)?;
    } else {
        let rows: Vec<Vec<Cell>> =
            files(&artefacts).map(|(path, size)| vec![Cell::text(path), Cell::text(size)]).collect();
        table::write(&mut out, &[Head::left("ARTEFACT"), Head::right("SIZE")], &rows, style, None)?;
        out.flush()?;
        if artefacts.more {
            note(&format!("The first {} are shown.", count(rows.len() as u64)));
        }
    }
    Ok(end(&Troubles::default(), err))
}

/// Files with their sizes, and folders.
fn files(artefacts: &Artefacts) -> impl Iterator<Item = (String, String)> + '_ {
    artefacts.entries.iter().map(|entry| match entry.bytes {
        Some(size) => (entry.path.clone(), bytes(size)),
        None => (format!("{}/", entry.path), String::new()),
    })
}

fn describe(out: &mut impl Write, source: &ConnectionId, run: &Run, style: Style) -> Result<(), Failed> {
    let about = &run.about;
    let said = [
        ("Run", Some(about.id.to_string())),
        ("Name", Some(about.name.to_string())),
        ("Server", Some(source.to_string())),
        ("Experiment", Some(experiment(about).to_owned())),
        ("Status", Some(about.status.to_lowercase())),
        ("User", about.user.as_ref().map(ToString::to_string)),
        ("Began", about.began.map(|at| at.to_string())),
        ("Took", took(about)),
        ("Artefacts", run.artefacts.root.clone()),
    ];
    for (label, value) in said {
        let value = visible(value.as_deref().unwrap_or(ABSENT));
        writeln!(out, "{} {value}", style.paint(Tone::Soft, &format!("{label:<11}")))?;
    }
    let metrics = about.metrics.iter().map(|metric| (metric.key.to_string(), metric.value.to_string()));
    section(out, "Metrics", metrics, style)?;
    section(out, "Parameters", about.params.iter().map(|(key, value)| (key.to_string(), value.clone())), style)?;
    section(out, "Tags", run.tags.iter().map(|(key, value)| (key.to_string(), value.clone())), style)?;
    section(out, "Artefacts", files(&run.artefacts), style)?;
    let models = run.models.iter().map(|model| {
        let kind = model.kind.as_ref().map(|kind| format!(", {kind}")).unwrap_or_default();
        (model.id.to_string(), format!("{}, {}{kind}", model.name, model.status.to_lowercase()))
    });
    section(out, "Logged models", models, style)
}

fn section(
    out: &mut impl Write,
    title: &str,
    pairs: impl Iterator<Item = (String, String)>,
    style: Style,
) -> Result<(), Failed> {
    let rows: Vec<Vec<Cell>> = pairs.map(|(key, value)| vec![Cell::text(key), Cell::text(value)]).collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let titles = [(title.to_owned(), false), (String::new(), false)];
    table::write_titled(out, &titles, &rows, style)?;
    Ok(())
}

fn steps(out: &mut impl Write, history: &MetricHistory, style: Style) -> Result<(), Failed> {
    if history.problem.is_some() {
        return Ok(());
    }
    writeln!(out)?;
    let left_out = if history.thinned { ", some steps are left out" } else { "" };
    writeln!(out, "{}", style.paint(Tone::Strong, &format!("{}{left_out}", visible(&history.key))))?;
    let row = |(step, at, value): &(i64, Stamp, _)| -> Vec<Cell> {
        vec![Cell::text(step.to_string()), Cell::text(at.to_string()), Cell::text(format!("{value}"))]
    };
    let rows: Vec<Vec<Cell>> = history.points.iter().map(row).collect();
    table::write(out, &[Head::right("STEP"), Head::left("AT"), Head::right("VALUE")], &rows, style, None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::runs::{LastMetric, Number};

    fn run(name: &str, metrics: &[(&str, f64)]) -> RunRow {
        let last = |(key, value): &(&str, f64)| LastMetric {
            key: (*key).into(),
            value: Number(*value),
            step: 1,
            at: Stamp(0),
        };
        RunRow {
            id: format!("id-{name}").into(),
            name: name.into(),
            experiment: ("1".into(), Some("chat".into())),
            status: "FINISHED".into(),
            began: Some(Stamp(0)),
            ended: Some(Stamp(90_000)),
            metrics: metrics.iter().map(last).collect(),
            ..RunRow::default()
        }
    }

    #[test]
    fn metrics_that_most_runs_have_get_a_column_and_what_a_run_has_not_is_absent() {
        let runs = vec![run("a", &[("loss", 0.25), ("auc", 0.9)]), run("b", &[("loss", f64::NAN)])];
        let found = [Found { source: ConnectionId::slug("ml"), page: RunPage { runs, more: false, experiments: 1 } }];
        let mut out = Vec::new();
        let plain = Style { colour: false, terminal: false, width: None, height: None };
        table(&mut out, &found, Stamp(120_000), plain).unwrap_or_else(|_| panic!("a vector takes all"));
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "STATUS    NAME  EXPERIMENT       BEGAN        TOOK  LOSS  AUC  RUN\n\
             finished  a     chat        2 min 00 s  1 min 30 s  0.25  0.9  id-a\n\
             finished  b     chat        2 min 00 s  1 min 30 s   NaN    —  id-b\n"
        );
    }
}
