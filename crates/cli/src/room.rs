//! The command that shows room: pools with how many pods of each size fit, and why pods wait.

use crate::{
    args::{Drawn, FleetArgs},
    columns::{Column, Moment},
    exit::{Exit, Failed},
    json::{self, About},
    out::Style,
    page::{self, Page, Shown},
    picture,
    rows::{
        knows_gpus_and_budgets,
        room::{PENDING, POOLS},
    },
    start::other_answer,
    table::{self, Cell, Head},
};
use pilothouse_wire::{
    Frame, Freshness, View, ViewSpec,
    filter::{Filter, Record},
    frame::SourceState,
    units::visible,
    view::{FleetSpec, PartRoom, PendingPod, PoolRoom, RoomView},
};
use serde::Serialize;
use std::io::Write;

/// Room as one object.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    about: About<'a>,
    pools: Vec<&'a PoolRoom>,
    pending: Vec<&'a PendingPod>,
    score: Option<f64>,
}

impl<'a> Document<'a> {
    fn new(about: About<'a>, room: &'a RoomView, filter: &Filter) -> Self {
        Self {
            about,
            pools: room.pools.iter().filter(|pool| filter.matches(*pool)).collect(),
            pending: room.pending.iter().collect(),
            score: room.score,
        }
    }
}

/// The room, and which pools of it are wanted.
struct Room {
    filter: Filter,
}

/// Shows the room.
pub async fn run(arguments: &Drawn<FleetArgs>, out: Style, err: Style) -> Result<Exit, Failed> {
    let (svg, arguments) = (arguments.svg, &arguments.of);
    let filter: Filter = arguments.filter.parse().map_err(Failed::filter)?;
    filter.check::<PoolRoom>().map_err(Failed::filter)?;
    page::show(&Room { filter }, (&arguments.source, &arguments.past), &arguments.form, svg, out, err).await
}

impl Page for Room {
    fn spec(&self) -> ViewSpec {
        ViewSpec::Room(FleetSpec::default())
    }

    /// A GPU that a claim gives out and that is not told yet is no room, nor a pod that a budget holds one that may go.
    fn rests_on(&self) -> Option<fn(&View) -> bool> {
        Some(knows_gpus_and_budgets)
    }

    fn json(&self, out: &mut impl Write, about: About<'_>, view: &View, one_line: bool) -> Result<(), Failed> {
        let View::Room(room) = view else { return Err(other_answer()) };
        json::write(out, &Document::new(about, room, &self.filter), one_line)
    }

    fn text(&self, out: &mut impl Write, frame: &Frame, view: &View, style: Style) -> Result<(), Failed> {
        let View::Room(room) = view else { return Err(other_answer()) };
        draw(out, room, &self.filter, frame, style)
    }

    fn svg(&self, frame: &Frame, view: &View, shown: Shown) -> Result<String, Failed> {
        let View::Room(room) = view else { return Err(other_answer()) };
        let pools: Vec<&PoolRoom> = room.pools.iter().filter(|pool| self.filter.matches(*pool)).collect();
        Ok(picture::room(&pools, picture::sheet("Room for GPUs", frame, shown, &self.filter)))
    }
}

fn draw(out: &mut impl Write, room: &RoomView, filter: &Filter, frame: &Frame, style: Style) -> Result<(), Failed> {
    let moment = Moment { now: frame.as_of, sources: &frame.sources };
    let pools = || room.pools.iter().filter(|pool| filter.matches(*pool));
    rows(out, POOLS, pools(), &moment, style)?;
    for pool in pools().filter(|pool| !pool.parts.is_empty()) {
        let parts = pool.parts.iter().map(PartRoom::words).collect::<Vec<_>>().join("; ");
        let line = format!("{} of {}, shares and slices free: {parts}.", pool.name, pool.cluster);
        writeln!(out, "{}", visible(&line))?;
    }
    writeln!(out)?;
    if room.pending.is_empty() {
        // What is not read may wait: nobody seen is not nobody.
        let whole = |source: &SourceState| matches!(source.freshness, Freshness::Live | Freshness::Slow);
        let words = match (frame.sources.iter().all(whole), room.pools.is_empty()) {
            (false, _) => "Whether a pod waits for a GPU is not known: not every source is read.",
            (true, true) => "No node with GPUs is seen, and no pod that waits for one.",
            (true, false) => "No pod waits for a GPU.",
        };
        writeln!(out, "{words}")?;
        return Ok(());
    }
    rows(out, PENDING, room.pending.iter(), &moment, style)
}

fn rows<'a, R: Record + 'a>(
    out: &mut impl Write,
    columns: &[Column<R>],
    rows: impl Iterator<Item = &'a R>,
    moment: &Moment<'_>,
    style: Style,
) -> Result<(), Failed> {
    let heads: Vec<Head> = columns.iter().map(|column| column.head).collect();
    let cells = |row: &R| columns.iter().map(|column| (column.cell)(row, moment)).collect();
    let rows: Vec<Vec<Cell>> = rows.map(cells).collect();
    table::write(out, &heads, &rows, style, None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{Body, ConnectionId, Rev, Stamp, When};

    #[test]
    fn where_nothing_is_read_nobody_is_said_not_to_wait() {
        let source = SourceState {
            id: ConnectionId::slug("prod"),
            name: "prod".into(),
            demo: false,
            freshness: Freshness::Lost,
            heard: None,
            note: None,
        };
        let body = Body::Same { base: Rev(1) };
        let frame =
            Frame { rev: Rev(1), as_of: Stamp(0), when: When::Now, sources: vec![source], dropped: 0, gap: None, body };
        let plain = Style { colour: false, terminal: false, width: None, height: None };
        let mut out = Vec::new();
        draw(&mut out, &RoomView::default(), &Filter::default(), &frame, plain).unwrap();
        let said = String::from_utf8(out).unwrap();
        assert!(said.ends_with("Whether a pod waits for a GPU is not known: not every source is read.\n"), "{said}");
    }
}
