//! Thinning with age: of each minute, then of each ten minutes, the least, the greatest, the mean and the last reading
//! stay. A code is no number to be averaged: an XID that changed between stays as it was told, and of reasons every bit that
//! was set.

mod roll;

use crate::{
    chunk::{self, Event, Head, Place, Row},
    part::{Of, Table},
    record::Watch,
};
use pilothouse_wire::{Metric, Reading, Stamp};
use roll::Bucket;
use rusqlite::Connection;
use std::time::Duration;

/// How readings are thinned as they get older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thinning {
    /// For how long readings stay as they were heard; up to forty minutes longer, since as much is thinned at once.
    pub whole: Duration,
    /// For how long they then stay by the minute; up to six hours longer. After that they are kept by ten minutes.
    pub minutes: Duration,
}

impl Default for Thinning {
    fn default() -> Self {
        Self { whole: Duration::from_secs(3_600), minutes: Duration::from_secs(86_400) }
    }
}

/// So long a time becomes one row at most.
pub(crate) const LONGEST_BUCKET_MS: i64 = 600_000;

/// One step of thinning.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// From which level to the next.
    from: u8,
    /// What becomes one row.
    bucket_ms: i64,
    /// What becomes one chunk: some forty rows. Who seeks a time unpacks the whole of it; of longer ones a file is smaller by
    /// little.
    slot_ms: i64,
    older: Duration,
}

impl Thinning {
    fn steps(self) -> [Step; 2] {
        [
            Step { from: 0, bucket_ms: 60_000, slot_ms: 40 * 60_000, older: self.whole },
            Step { from: 1, bucket_ms: LONGEST_BUCKET_MS, slot_ms: 6 * 3_600_000, older: self.minutes },
        ]
    }
}

/// Groups that are thinned behind one checkpoint at most.
const AT_ONCE: usize = 24;

/// Thins what is old enough.
pub(crate) fn thin(db: &mut Connection, thinning: Thinning, now: i64, watch: Watch) -> rusqlite::Result<()> {
    for step in thinning.steps() {
        let before = Stamp(now).minus(step.older).0.div_euclid(step.slot_ms) * step.slot_ms;
        let all = chunk::of_level(db, step.from, before)?;
        for group in groups(&all, step.slot_ms).take(AT_ONCE) {
            let turn = db.transaction()?;
            roll_up(&turn, group, step)?;
            watch("thin");
            turn.commit()?;
            watch("thinned");
        }
    }
    // Where there are fewer rows to fold, fewer worlds make a seek as short: in whole slots, as rows are thinned. Those that
    // others are packed against stay.
    let [Step { slot_ms, older, .. }, _] = thinning.steps();
    let before = Stamp(now).minus(older).0.div_euclid(slot_ms) * slot_ms;
    db.execute(
        "DELETE FROM checkpoint WHERE at < ?1 AND base IS NOT NULL AND state IS NULL AND hidden = 0
         AND (at / ?2) % ?3 <> 0",
        [before, WORLD_MS, WORLD_EVERY],
    )
    .map(drop)
}

/// How often a world is kept, and of how many one stays.
const WORLD_MS: i64 = 300_000;
const WORLD_EVERY: i64 = 3;

/// Chunks of one source, of the same GPUs, of the same slot of time.
fn groups(all: &[Place], slot_ms: i64) -> impl Iterator<Item = &[Place]> {
    let slot = move |place: &Place| place.began.0.div_euclid(slot_ms);
    all.chunk_by(move |a, b| a.source == b.source && a.shape == b.shape && slot(a) == slot(b))
}

/// Makes one chunk of several. Where the state before one is not that after the other, they stay two.
fn roll_up(db: &Connection, group: &[Place], step: Step) -> rusqlite::Result<()> {
    let mut rest = group;
    while !rest.is_empty() {
        let (members, heads) = continuous(db, rest)?;
        let (these, after) = rest.split_at(members);
        rest = after;
        let [first, ..] = these else { return Ok(()) };
        if heads.len() < these.len() {
            // It does not read: it is left for whoever looks into it, and is not looked at again.
            db.execute("UPDATE chunk SET level = 9 WHERE id = ?1", [first.id])?;
            continue;
        }
        write(db, these, &heads, step)?;
        for place in these {
            chunk::delete(db, place.id)?;
        }
    }
    Ok(())
}

/// How many of the chunks continue each other, and what they say of themselves; no word of one that is damaged.
fn continuous(db: &Connection, places: &[Place]) -> rusqlite::Result<(usize, Vec<Head>)> {
    let mut heads: Vec<Head> = Vec::new();
    let mut state: Option<Vec<roll::State>> = None;
    let mut rows = 0;
    for (at, place) in places.iter().enumerate() {
        let head = place.head();
        let parts = head.as_ref().map(|head| parts(db, place, head)).transpose()?.flatten();
        let (Some(head), Some(parts)) = (head, parts) else {
            return Ok(if at == 0 { (1, Vec::new()) } else { (at, heads) });
        };
        rows += head.rows.len();
        let begins: Vec<roll::State> = parts.iter().map(|part| roll::State::before(&head, part)).collect();
        let continues = state.as_ref().is_none_or(|before| head.init && *before == begins);
        if !continues || (at > 0 && rows.saturating_mul(head.gpus as usize) > chunk::MOST_CELLS / 2) {
            return Ok((at, heads));
        }
        state = Some(begins.into_iter().zip(&parts).map(|(state, part)| state.after(&head, part)).collect());
        heads.push(head);
    }
    Ok((places.len(), heads))
}

fn parts(db: &Connection, place: &Place, head: &Head) -> rusqlite::Result<Option<Vec<Table>>> {
    let count = (head.gpus as usize).div_ceil(chunk::PART_GPUS);
    let parts = (0..count).map(|at| chunk::part(db, place.id, head, at, Of::All, false));
    parts.collect::<rusqlite::Result<Option<Vec<Table>>>>()
}

/// Rows of several chunks, one after the other, and which of them make which bucket.
struct Plan {
    metrics: Vec<Metric>,
    buckets: Vec<Bucket>,
    events: Vec<Event>,
}

fn write(db: &Connection, places: &[Place], heads: &[Head], step: Step) -> rusqlite::Result<()> {
    let (Some(first), Some(last), Some(head)) = (places.first(), places.last(), heads.first()) else { return Ok(()) };
    let mut metrics: Vec<Metric> = Vec::new();
    for metric in heads.iter().flat_map(|head| &head.metrics) {
        if !metrics.contains(metric) {
            metrics.push(*metric);
        }
    }
    let plan = plan(db, places, heads, metrics, step)?;
    let new = Head {
        gpus: head.gpus,
        metrics: plan.metrics.clone(),
        rows: plan.buckets.iter().map(|bucket| bucket.row).collect(),
        init: head.init,
        events: plan.events,
    };
    let of = (first.source.as_str(), first.shape, step.from + 1);
    chunk::insert(db, of, (first.began, last.ended), &new, |from, _| {
        let part = from / chunk::PART_GPUS;
        let tables = places.iter().zip(heads).map(|(place, head)| chunk::part(db, place.id, head, part, Of::All, true));
        let tables = tables.collect::<rusqlite::Result<Option<Vec<Table>>>>()?;
        Ok(roll::table(&tables.unwrap_or_default(), heads, &plan.metrics, &plan.buckets))
    })
}

/// Decides which rows make which bucket, and which readings stay as they were: where a code changed, or where a GPU was
/// measured for the first time, since the fold marks such a change. Where many did, the bucket ends there.
fn plan(db: &Connection, places: &[Place], heads: &[Head], metrics: Vec<Metric>, step: Step) -> rusqlite::Result<Plan> {
    let mut buckets = roll::buckets(heads, &metrics, step.bucket_ms);
    let mut events: Vec<Event> = Vec::new();
    let mut codes = roll::Codes::default();
    for (place, head) in places.iter().zip(heads) {
        events.extend(head.events.iter().map(|event| renamed(event, head, &metrics)));
        for at in 0..(head.gpus as usize).div_ceil(chunk::PART_GPUS) {
            let Some(part) = chunk::part(db, place.id, head, at, Of::All, false)? else { continue };
            let found = codes.changed(head, &part, at * chunk::PART_GPUS);
            events.extend(found.iter().map(|event| renamed(event, head, &metrics)));
        }
    }
    roll::settle(&mut buckets, &mut events, heads, &metrics);
    Ok(Plan { metrics, buckets, events })
}

/// An event in the order of other metrics.
fn renamed(event: &Event, head: &Head, metrics: &[Metric]) -> Event {
    let reading = |metric: &Metric| {
        let place = head.metrics.iter().position(|known| known == metric);
        place.and_then(|place| event.readings.get(place)).copied().unwrap_or(Reading::ABSENT)
    };
    let row = Row { named: roll::named(event.row, head, metrics), ..event.row };
    Event { row, readings: metrics.iter().map(reading).collect(), ..event.clone() }
}
