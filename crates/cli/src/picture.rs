//! Drawings of what the terminal lists: what stands around them, and how rows become cells and bars.

use crate::{columns::freshness, page::Shown};
use pilothouse_chart::{Bar, Bars, Block, Fill, Group, Sheet, paper};
use pilothouse_wire::{
    Frame, Stamp,
    filter::Filter,
    units::{count, number, sum},
    view::PoolRoom,
};

/// Rows of bars beyond which a drawing is not read any more; the rest is summed up.
const MOST_BARS: usize = 60;

/// Held whole.
pub const HELD: Fill = Fill::Solid(paper::HELD);
/// Free.
pub const FREE: Fill = Fill::Outline(paper::FREE);
/// A part of a bar that is not as it should be.
pub const WASTED: Fill = Fill::Solid(paper::WARN);

/// What stands around a drawing: when, whose data, and what is not in it.
pub fn sheet(title: &str, frame: &Frame, shown: Shown, filter: &Filter) -> Sheet {
    let sources: Vec<String> =
        frame.sources.iter().map(|source| format!("{} {}", source.name, freshness(source, frame.as_of))).collect();
    let second = Stamp(frame.as_of.0 / 1_000 * 1_000);
    let mut about = vec![format!("As of {second}. Sources: {}.", sources.join(", "))];
    if !filter.is_empty() {
        about.push(format!("Only what fits: {filter}"));
    }
    if !shown.complete {
        about.push("Not every source is read whole: what is missing is not in this drawing.".to_owned());
    }
    let mark = shown.demo.then(|| "DEMO".to_owned());
    Sheet { title: title.to_owned(), about, mark, legend: Vec::new() }
}

/// Cells by the group that they are in, in the order in which the groups first come.
pub fn grouped<R>(
    rows: &[R],
    title: impl Fn(&R) -> String,
    block: impl Fn(&R) -> String,
    fill: impl Fn(&R) -> Fill,
) -> Vec<Group> {
    let mut groups: Vec<(String, Vec<(String, Block)>)> = Vec::new();
    for row in rows {
        let (title, block, fill) = (title(row), block(row), fill(row));
        let at = groups.iter().position(|(name, _)| *name == title).unwrap_or_else(|| {
            groups.push((title, Vec::new()));
            groups.len() - 1
        });
        let blocks = &mut groups[at].1;
        match blocks.last_mut() {
            Some((last, cells)) if *last == block => cells.push(fill),
            _ => blocks.push((block, vec![fill])),
        }
    }
    let group = |(title, blocks): (String, Vec<(String, Block)>)| {
        let blocks: Vec<Block> = blocks.into_iter().map(|(_, block)| block).collect();
        Group { title, blocks }
    };
    groups.into_iter().map(group).collect()
}

/// Bars, the longest first, of which so many are drawn; the rest is said.
#[allow(clippy::cast_precision_loss, reason = "GPUs and hours")]
pub fn bars(mut rows: Vec<Bar>, of: &str, mut sheet: Sheet) -> String {
    let length = |bar: &Bar| bar.parts.iter().map(|(length, _)| length).sum::<f64>();
    rows.sort_by(|a, b| length(b).total_cmp(&length(a)));
    let rest: f64 = rows.iter().skip(MOST_BARS).map(length).sum();
    if rows.len() > MOST_BARS {
        let left_out = count((rows.len() - MOST_BARS) as u64);
        sheet.about.push(format!("And {left_out} smaller ones, with {} {of} together.", number(rest, 0)));
        rows.truncate(MOST_BARS);
    }
    Bars { sheet, rows }.svg()
}

/// Pools: held, free, and what nobody can get. What is only known as a bound is drawn as what is sure, and said.
#[allow(clippy::cast_precision_loss, reason = "GPUs")]
pub fn room(pools: &[&PoolRoom], mut sheet: Sheet) -> String {
    sheet.legend = vec![(HELD, "held".into()), (FREE, "free".into()), (WASTED, "nobody can get".into())];
    let bar = |pool: &&PoolRoom| {
        let stranded: u64 = pool.stranded.iter().map(|part| part.gpus).sum();
        let free = pool.free.sure();
        let held = pool.total.sure().saturating_sub(free + stranded);
        let eights = pool.size(8).map(|room| format!(", ×8: {}", sum(room.slots)));
        Bar {
            label: format!("{} › {}", pool.cluster, pool.name),
            parts: vec![(held as f64, HELD), (free as f64, FREE), (stranded as f64, WASTED)],
            value: format!("{} of {} free{}", sum(pool.free), sum(pool.total), eights.unwrap_or_default()),
        }
    };
    bars(pools.iter().map(bar).collect(), "GPUs", sheet)
}
