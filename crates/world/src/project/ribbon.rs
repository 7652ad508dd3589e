//! The ribbon: the changes that matter most in each part of a span, and the series that moved most over it.

use crate::{
    World,
    fact::{ControllerFact, WriteFact},
    source::{MeasuredPoint, Source},
};
use pilothouse_wire::{
    ConnectionId, Keyed, ObjectRef, SmolStr, Stamp, When,
    view::{Lane, LaneKind, Mark, MarkKind, RibbonView, ribbon::MarkKey},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Parts of a span: about as many signs as have room side by side.
const BUCKETS: i64 = 160;
/// Fewer marks than this are all kept: more could not be told apart, nor sent ten times a second.
const FEW: usize = 200;
/// Signs that are told apart in one part; the others are counted.
const MOST_SIGNS: usize = 3;
/// Points in one lane.
const MOST_POINTS: usize = 360;
/// A write and what came of it are this near, in milliseconds: a server's times are in seconds.
const NEAR_MS: u64 = 5_000;

/// Projects a span. `end` says where it ends, `now` is the time of the world. Of gaps of the record the world knows nothing.
#[must_use]
pub fn ribbon(world: &World, span: Duration, end: When, now: Stamp) -> RibbonView {
    let end = match end {
        When::Now => None,
        When::At(end) => Some(end),
    };
    let since = end.unwrap_or(now).minus(span);
    let marks: Vec<&Mark> = world.marks_since(since).filter(|mark| end.is_none_or(|end| mark.key.at <= end)).collect();
    let told = told_better(&marks);
    let marks: Vec<&Mark> = marks.into_iter().filter(|mark| !told.contains(&mark.key)).collect();
    let bucket_ms = (i64::try_from(span.as_millis()).unwrap_or(i64::MAX) / BUCKETS).max(1);
    let newest = newest_scales(&marks);
    let thinned = thin(marks, bucket_ms);
    RibbonView {
        thinned: thinned.iter().map(|mark| u64::from(mark.more)).sum(),
        marks: thinned.into_iter().map(|mark| whose(world, mark, &newest)).collect::<Keyed<Mark>>(),
        lanes: lanes(world, since, end),
        gaps: Vec::new(),
    }
}

/// Keeps the most important marks of each part of the span, which has its place on the clock and so does not move as
/// time goes on; the first of them counts those that are left out.
fn thin(marks: Vec<&Mark>, bucket_ms: i64) -> Vec<Mark> {
    if marks.len() <= FEW {
        return marks.into_iter().cloned().collect();
    }
    let mut buckets: BTreeMap<(i64, bool), Vec<&Mark>> = BTreeMap::new();
    for mark in marks {
        buckets.entry((mark.key.at.0.div_euclid(bucket_ms), mark.key.kind.is_tick())).or_default().push(mark);
    }
    let mut kept = Vec::new();
    for ((_, is_tick), mut marks) in buckets {
        // What is a person's stays; else kinds are in the order of their importance, and of one kind the worst, then the
        // newest stay.
        marks.sort_by_key(|mark| {
            (!mark.key.kind.is_persons(), mark.key.kind.importance(), mark.status, Reverse(mark.key.at))
        });
        let most = if is_tick { 1 } else { MOST_SIGNS };
        let notes = marks.iter().filter(|mark| mark.key.kind.is_persons()).count();
        let left = marks.split_off(marks.len().min(most.max(notes)));
        let first = kept.len();
        kept.extend(marks.into_iter().cloned());
        if let Some(chief) = kept.get_mut(first) {
            chief.more = u32::try_from(left.len()).unwrap_or(u32::MAX);
        }
    }
    kept
}

/// Writes of which another mark tells what came of them.
fn told_better(marks: &[&Mark]) -> BTreeSet<MarkKey> {
    // A note says what a person thinks, and not what came of a write.
    let tells =
        |mark: &Mark| mark.key.kind != MarkKind::Bookmark && (mark.key.kind < MarkKind::Config || mark.by.is_none());
    let of_workload = |mark: &&&Mark| matches!(mark.key.object, ObjectRef::Workload(..));
    let mut by_object: BTreeMap<&ObjectRef, Vec<&Mark>> = BTreeMap::new();
    for mark in marks.iter().filter(of_workload) {
        by_object.entry(&mark.key.object).or_default().push(mark);
    }
    let mut told = BTreeSet::new();
    for marks in by_object.values() {
        for write in marks.iter().filter(|mark| mark.key.kind == MarkKind::Config && mark.by.is_some()) {
            let near = |other: &&&Mark| other.key != write.key && other.key.at.0.abs_diff(write.key.at.0) <= NEAR_MS;
            if marks.iter().filter(near).any(|other| tells(other)) {
                told.insert(write.key.clone());
            }
        }
    }
    told
}

/// The newest change of size of each workload.
fn newest_scales(marks: &[&Mark]) -> BTreeSet<MarkKey> {
    let mut newest: BTreeMap<&ObjectRef, &MarkKey> = BTreeMap::new();
    for mark in marks.iter().filter(|mark| mark.key.kind == MarkKind::Scale) {
        let known = newest.entry(&mark.key.object).or_insert(&mark.key);
        *known = (*known).max(&mark.key);
    }
    newest.into_values().cloned().collect()
}

/// Puts in who did it, where the controller says that somebody wrote just then; of the newest size, who wrote through
/// `scale`, of which no time is kept.
fn whose(world: &World, mut mark: Mark, newest: &BTreeSet<MarkKey>) -> Mark {
    if mark.by.is_none()
        && !mark.key.kind.is_persons()
        && let Some(controller) = controller(world, &mark.key.object)
    {
        // Whoever made it made no change.
        let later = |at: &Stamp| controller.created.is_none_or(|made| *at > made);
        let near = |at: Stamp| at.0.abs_diff(mark.key.at.0) <= NEAR_MS;
        let fits = |write: &&WriteFact| write.at.is_some_and(|at| later(&at) && near(at));
        let mut who: BTreeSet<&SmolStr> = controller.writes.iter().filter(fits).map(|write| &write.by).collect();
        if who.is_empty() && newest.contains(&mark.key) {
            who = controller
                .writes
                .iter()
                .filter(|write| write.scaled && write.at.is_none())
                .map(|write| &write.by)
                .collect();
        }
        // Of several nobody knows whose change it was.
        mark.by = who.first().filter(|_| who.len() == 1).map(|by| (*by).clone());
    }
    mark
}

fn controller<'a>(world: &'a World, object: &ObjectRef) -> Option<&'a ControllerFact> {
    let ObjectRef::Workload(id, namespace, kind, name) = object else { return None };
    world.source(id)?.controller(kind, namespace, name)
}

fn lanes(world: &World, since: Stamp, end: Option<Stamp>) -> Vec<Lane> {
    let mut lanes = Vec::new();
    let mut pending: BTreeMap<Stamp, f64> = BTreeMap::new();
    for (id, source) in world.sources() {
        let in_span = source.lanes.range(since..).take_while(|(at, _)| end.is_none_or(|end| **at <= end));
        let points: Vec<(Stamp, u64, u64)> = in_span.map(|(at, point)| (*at, point.held, point.pending)).collect();
        for (at, _, waiting) in &points {
            *pending.entry(*at).or_default() += count(*waiting);
        }
        let held = points.iter().map(|(at, held, _)| (*at, count(*held))).collect();
        let name = &source.about.name;
        lanes.push(Lane { points: fewer(held), ..lane(LaneKind::Held, Some(id), name) });
        lanes.extend(LaneKind::MEASURED.into_iter().map(|kind| {
            let in_span = measured(source, kind).skip_while(|(at, _)| *at < since);
            let points = in_span.take_while(|(at, _)| end.is_none_or(|end| *at <= end)).collect();
            Lane { points: fewer(points), ..lane(kind, Some(id), name) }
        }));
    }
    lanes.retain(|lane| !lane.points.is_empty());
    lanes.sort_by(|a, b| moved(b).total_cmp(&moved(a)).then_with(|| a.name.cmp(&b.name)));
    if !pending.is_empty() {
        lanes.push(Lane { points: fewer(pending.into_iter().collect()), ..lane(LaneKind::Pending, None, "") });
    }
    lanes
}

#[allow(clippy::cast_precision_loss, reason = "counts of things stay far below 2^53")]
fn count(n: u64) -> f64 {
    n as f64
}

/// The points of what a source measures, in the unit of the lane.
fn measured(source: &Source, kind: LaneKind) -> impl Iterator<Item = (Stamp, f64)> + '_ {
    let of = move |point: &MeasuredPoint| match kind {
        LaneKind::Activity => point.activity.map(|share| f64::from(share) * 100.0),
        LaneKind::Tokens => point.tokens.map(f64::from),
        LaneKind::FirstToken => point.first_token.map(|seconds| f64::from(seconds) * 1_000.0),
        LaneKind::Held | LaneKind::Pending => None,
    };
    source.measured.0.iter().filter_map(move |(at, point)| Some((*at, of(point)?)))
}

/// What a source measures of the ribbon's lanes in this run, and since when.
pub struct MeasuredLanes {
    /// The source.
    pub source: ConnectionId,
    /// Its name for people.
    pub name: SmolStr,
    /// What it measures.
    pub kinds: Vec<LaneKind>,
    /// Since when.
    pub began: Stamp,
}

/// Who measures which of the ribbon's lanes.
#[must_use]
pub fn measured_lanes(world: &World) -> Vec<MeasuredLanes> {
    let of = world.sources().filter_map(|(id, source)| {
        let kinds: Vec<LaneKind> =
            LaneKind::MEASURED.into_iter().filter(|kind| measured(source, *kind).next().is_some()).collect();
        let (began, _) = source.measured.0.first_key_value()?;
        let (source, name, began) = (id.clone(), source.about.name.clone(), *began);
        (!kinds.is_empty()).then_some(MeasuredLanes { source, name, kinds, began })
    });
    of.collect()
}

/// A lane without points: what it is called, and its unit.
#[must_use]
pub fn lane(kind: LaneKind, source: Option<&ConnectionId>, name: &str) -> Lane {
    let called = match kind {
        LaneKind::Held => format!("GPUs held, {name}"),
        LaneKind::Pending => "Pending pods".to_owned(),
        LaneKind::Activity => format!("GPU activity, {name}"),
        LaneKind::Tokens => format!("Tokens out, {name}"),
        LaneKind::FirstToken => format!("TTFT p99, {name}"),
    };
    let (name, unit) = (SmolStr::from(called), SmolStr::new_static(kind.unit()));
    Lane { kind, source: source.cloned(), name, unit, points: Vec::new() }
}

/// As many points as can be told apart.
fn fewer(points: Vec<(Stamp, f64)>) -> Vec<(Stamp, f64)> {
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    // The last point of each step: the newest value is always the present one.
    points.rchunks(step).rev().filter_map(|chunk| chunk.last().copied()).collect()
}

/// How far a lane moved, against its size.
fn moved(lane: &Lane) -> f64 {
    let values = || lane.points.iter().map(|(_, value)| *value);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    if high > 0.0 { (high - low) / high } else { 0.0 }
}
