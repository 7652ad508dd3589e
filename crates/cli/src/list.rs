//! The commands that list: nodes, GPUs, pods, connections.

use crate::{
    args::ListArgs,
    columns::{Column, Moment, choose},
    csv,
    exit::{Exit, Failed},
    json::{self, About, ListDocument},
    out::Style,
    page::{self, Page, Shown},
    picture,
    rows::{Drawable, Listed},
    sort::Sort,
    start::other_answer,
    table::{self, Cell, Head},
};
use pilothouse_wire::{Frame, Stamp, View, ViewSpec, filter::Filter};
use std::io::Write;

/// How to list rows of one kind.
struct Plan<R: 'static> {
    filter: Filter,
    columns: Vec<&'static Column<R>>,
    /// Did somebody ask for these columns?
    chosen: bool,
    sort: Option<Sort>,
    csv: bool,
    draw: Option<Draw<R>>,
}

/// Draws the rows that are wanted.
type Draw<R> = fn(&[&R], &View, Stamp, pilothouse_chart::Sheet) -> String;

/// Lists rows of one kind.
pub async fn run<R: Listed>(arguments: &ListArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let plan = Plan::<R>::new(arguments, None)?;
    page::show(&plan, (&arguments.source, &arguments.past), &arguments.form, false, out, err).await
}

/// Lists rows of one kind, or draws them.
pub async fn run_or_draw<R: Drawable>(
    arguments: &crate::args::Drawn<ListArgs>,
    out: Style,
    err: Style,
) -> Result<Exit, Failed> {
    let (svg, arguments) = (arguments.svg, &arguments.of);
    let plan = Plan::<R>::new(arguments, Some(R::draw))?;
    page::show(&plan, (&arguments.source, &arguments.past), &arguments.form, svg, out, err).await
}

impl<R: Listed> Plan<R> {
    fn new(arguments: &ListArgs, draw: Option<Draw<R>>) -> Result<Self, Failed> {
        let filter: Filter = arguments.filter.parse().map_err(Failed::filter)?;
        filter.check::<R>().map_err(Failed::filter)?;
        let columns = choose(R::COLUMNS, &arguments.columns)?;
        let sort = arguments.sort.as_deref().map(Sort::read::<R>).transpose()?;
        Ok(Self { filter, columns, chosen: !arguments.columns.is_empty(), sort, csv: arguments.csv, draw })
    }

    /// The rows that are wanted, in the order that is wanted.
    fn wanted<'a>(&self, rows: &'a [R]) -> Vec<&'a R> {
        let mut wanted: Vec<&R> = rows.iter().filter(|row| self.filter.matches(*row)).collect();
        if let Some(sort) = &self.sort {
            sort.order(&mut wanted);
        }
        wanted
    }
}

impl<R: Listed> Page for Plan<R> {
    fn spec(&self) -> ViewSpec {
        R::spec()
    }

    fn is_whole(&self, view: &View) -> bool {
        R::is_whole(view) && self.columns.iter().all(|column| R::tells(view, column.key))
    }

    fn rests_on(&self) -> Option<fn(&View) -> bool> {
        R::rests_on()
    }

    fn json(&self, out: &mut impl Write, about: About<'_>, view: &View, one_line: bool) -> Result<(), Failed> {
        let now = about.as_of();
        let rows = R::rows(view, now);
        json::write(out, &ListDocument { about, word: R::WORD, rows: &self.wanted(&rows) }, one_line)
    }

    fn text(&self, out: &mut impl Write, frame: &Frame, view: &View, style: Style) -> Result<(), Failed> {
        let moment = Moment { now: frame.as_of, sources: &frame.sources };
        let head = |column: &&Column<R>| Head { gives_way: column.head.gives_way && !self.chosen, ..column.head };
        let heads: Vec<Head> = self.columns.iter().map(head).collect();
        let cells = |row: &R| self.columns.iter().map(|column| (column.cell)(row, &moment)).collect();
        let rows = R::rows(view, frame.as_of);
        let rows = self.wanted(&rows);
        if self.csv {
            return csv::write(out, &self.columns, &rows, &moment);
        }
        let rows: Vec<Vec<Cell>> = rows.into_iter().map(cells).collect();
        table::write(out, &heads, &rows, style, style.height)?;
        Ok(())
    }

    fn svg(&self, frame: &Frame, view: &View, shown: Shown) -> Result<String, Failed> {
        let draw = self.draw.ok_or_else(other_answer)?;
        let rows = R::rows(view, frame.as_of);
        Ok(draw(&self.wanted(&rows), view, frame.as_of, picture::sheet(R::TITLE, frame, shown, &self.filter)))
    }

    fn remark(&self, frame: &Frame, view: &View) -> Option<String> {
        let rows = R::rows(view, frame.as_of);
        if rows.is_empty() && R::NONE.is_some() {
            return R::NONE.map(str::to_owned);
        }
        let none = !self.filter.is_empty() && !rows.iter().any(|row| self.filter.matches(row));
        none.then(|| format!("None of {} {} fits.", rows.len(), R::WORD))
    }
}
