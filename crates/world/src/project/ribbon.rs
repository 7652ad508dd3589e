//! The ribbon: the changes that matter most in a span, and the series that moved most.

use crate::World;
use pilothouse_wire::{
    Keyed, SmolStr, Stamp,
    view::{Lane, Mark, RibbonView},
};
use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

/// Marks in one view: more could not be told apart, nor sent ten times a second.
const MOST_MARKS: usize = 400;
/// Points in one lane.
const MOST_POINTS: usize = 360;

/// Projects the span that ends now.
#[must_use]
pub fn ribbon(world: &World, span: Duration, now: Stamp) -> RibbonView {
    let since = now.minus(span);
    let mut marks: Vec<&Mark> = world.marks_since(since).collect();
    let found = marks.len();
    if found > MOST_MARKS {
        // Kinds are in the order of their importance; of one kind the newest stay.
        marks.sort_by_key(|mark| (mark.key.kind, Reverse(mark.key.at)));
        marks.truncate(MOST_MARKS);
    }
    RibbonView {
        thinned: (found - marks.len()) as u64,
        marks: marks.into_iter().cloned().collect::<Keyed<Mark>>(),
        lanes: lanes(world, since),
    }
}

fn lanes(world: &World, since: Stamp) -> Vec<Lane> {
    let mut lanes = Vec::new();
    let mut pending: BTreeMap<Stamp, f64> = BTreeMap::new();
    for (_, source) in world.sources() {
        let points: Vec<(Stamp, u64, u64)> =
            source.lanes.range(since..).map(|(at, point)| (*at, point.held, point.pending)).collect();
        for (at, _, waiting) in &points {
            *pending.entry(*at).or_default() += count(*waiting);
        }
        let held = points.iter().map(|(at, held, _)| (*at, count(*held))).collect();
        lanes.push(lane(format!("GPUs held, {}", source.about.name), held));
    }
    lanes.retain(|lane| !lane.points.is_empty());
    lanes.sort_by(|a, b| moved(b).total_cmp(&moved(a)).then_with(|| a.name.cmp(&b.name)));
    if !pending.is_empty() {
        lanes.push(lane("Pending pods".into(), pending.into_iter().collect()));
    }
    lanes
}

#[allow(clippy::cast_precision_loss, reason = "counts of things stay far below 2^53")]
fn count(n: u64) -> f64 {
    n as f64
}

fn lane(name: String, points: Vec<(Stamp, f64)>) -> Lane {
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    // The last point of each step: the newest value is always the present one.
    let points = points.rchunks(step).rev().filter_map(|chunk| chunk.last().copied()).collect();
    Lane { name: SmolStr::from(name), unit: SmolStr::default(), points }
}

/// How far a lane moved, against its size.
fn moved(lane: &Lane) -> f64 {
    let values = || lane.points.iter().map(|(_, value)| *value);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    if high > 0.0 { (high - low) / high } else { 0.0 }
}
