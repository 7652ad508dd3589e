//! The commands that list: nodes, GPUs, pods, connections.

use crate::{
    args::ListArgs,
    columns::{Column, Moment, choose},
    exit::{Exit, Failed},
    json::{self, About, ListDocument},
    out::{Style, note, stdout},
    problems,
    rows::Listed,
    start::{Session, Troubles, other_answer},
    table::{self, Cell, Head},
    watch,
};
use pilothouse_wire::{Body, Frame, Stamp, View, filter::Filter, frame::SourceState};
use std::io::Write;

/// How to list rows of one kind.
struct Plan<R: 'static> {
    filter: Filter,
    columns: Vec<&'static Column<R>>,
    /// Did somebody ask for these columns?
    chosen: bool,
}

/// Lists rows of one kind.
pub async fn run<R: Listed>(arguments: &ListArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let filter: Filter = arguments.filter.parse().map_err(Failed::filter)?;
    filter.check::<R>().map_err(Failed::filter)?;
    let plan = Plan { filter, columns: choose(R::COLUMNS, &arguments.columns)?, chosen: !arguments.columns.is_empty() };
    let session = Session::start(&arguments.source, false).await?;
    let exit = if arguments.form.watch {
        follow(&session, arguments, &plan, out).await
    } else {
        once(&session, arguments, &plan, out, err).await
    };
    session.end().await;
    exit
}

async fn once<R: Listed>(
    session: &Session,
    arguments: &ListArgs,
    plan: &Plan<R>,
    style: Style,
    err: Style,
) -> Result<Exit, Failed> {
    let (frame, troubles) = session.frame(R::spec(), arguments.source.wait).await?;
    let Body::Full(view) = &frame.body else { return Err(other_answer()) };
    let now = frame.as_of;
    let mut out = stdout();
    if arguments.form.json {
        let rows = R::rows(view, now);
        let about = About::new(session.demo, &frame, &troubles);
        let document = ListDocument { about, word: R::WORD, rows: &rows, filter: &plan.filter };
        json::write(&mut out, &document, !style.terminal)?;
    } else {
        let shown = draw(&mut out, plan, view, now, &frame.sources, style, None)?;
        out.flush()?;
        if shown == 0 && !plan.filter.is_empty() {
            note(&format!("None of {} {} fits.", R::rows(view, now).len(), R::WORD));
        }
    }
    problems::tell_all(&troubles, err);
    Ok(if troubles.is_empty() { Exit::Ok } else { Exit::Partial })
}

async fn follow<R: Listed>(
    session: &Session,
    arguments: &ListArgs,
    plan: &Plan<R>,
    style: Style,
) -> Result<Exit, Failed> {
    let (json, demo, style) = (arguments.form.json, session.demo, watch::style(style, arguments.form.json));
    watch::run(session, R::spec(), style, move |out, frame: &Frame, view| {
        let now = frame.as_of;
        if json {
            let troubles = Troubles::default();
            let about = About::watching(demo, frame, &troubles);
            let document = ListDocument { about, word: R::WORD, rows: &R::rows(view, now), filter: &plan.filter };
            return json::write(out, &document, true);
        }
        let height = style.height.map(|height| height.saturating_sub(1));
        draw(out, plan, view, now, &frame.sources, style, height)?;
        Ok(())
    })
    .await
}

/// Draws the table, and says how many rows there were.
fn draw<R: Listed>(
    out: &mut impl Write,
    plan: &Plan<R>,
    view: &View,
    now: Stamp,
    sources: &[SourceState],
    style: Style,
    height: Option<usize>,
) -> Result<usize, Failed> {
    let moment = Moment { now, sources };
    let head = |column: &&Column<R>| Head { gives_way: column.head.gives_way && !plan.chosen, ..column.head };
    let heads: Vec<Head> = plan.columns.iter().map(head).collect();
    let cells = |row: &R| plan.columns.iter().map(|column| (column.cell)(row, &moment)).collect();
    let rows: Vec<Vec<Cell>> = R::rows(view, now).iter().filter(|row| plan.filter.matches(*row)).map(cells).collect();
    table::write(out, &heads, &rows, style, height)?;
    Ok(rows.len())
}
