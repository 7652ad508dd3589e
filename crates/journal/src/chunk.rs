//! Chunks: the readings of one source over a time, in parts of some GPUs each.

use crate::{
    body,
    part::{Of, Rows, Table},
    schema::PARTS,
};
use pilothouse_wire::{Metric, Reading, SmolStr, Stamp};
use pilothouse_world::{Latest, fact::ReadingsFact};
use rusqlite::{Connection, OptionalExtension, Row as DbRow, params};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// GPUs of a part: few enough that one GPU's past is read quickly, enough that packing pays.
pub(crate) const PART_GPUS: usize = 256;

/// Metrics of a chunk at most: a row names its own by a bit each.
const MOST_METRICS: usize = u64::BITS as usize;
const _: () = assert!(Metric::ALL.len() <= MOST_METRICS, "a chunk has room for every metric");

/// Cells of a column of a chunk at most: of GPUs times rows.
pub(crate) const MOST_CELLS: usize = 1 << 26;

/// What a chunk says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// How many GPUs.
    pub gpus: u32,
    /// The metrics of its columns.
    pub metrics: Vec<Metric>,
    /// Its rows, in order.
    pub rows: Vec<Row>,
    /// Is the first row what was known before, and no measurement?
    pub init: bool,
    /// What thinning must not take away: an XID that changed between rows.
    pub events: Vec<Event>,
}

/// A row: one measurement, or what a bucket of them came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The place of the batch, of a bucket the last one.
    pub seq: i64,
    /// The place of the fact in the batch.
    pub fact: u32,
    /// The list that it follows.
    pub list: u32,
    /// When it was heard.
    pub heard: Stamp,
    /// Which of the metrics it names, a bit each.
    pub named: u64,
}

/// The readings of one GPU at a time between rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub row: Row,
    pub gpu: u32,
    pub at: Stamp,
    /// In the order of the metrics.
    pub readings: Vec<Reading>,
}

impl Head {
    /// The first place that it tells of, and the last: an event may lie before the first row that is kept, or behind the
    /// last one.
    pub(crate) fn places(&self) -> Option<(i64, i64)> {
        let seqs = || self.rows.iter().map(|row| row.seq).chain(self.events.iter().map(|event| event.row.seq));
        seqs().min().zip(seqs().max())
    }
}

impl Row {
    /// The metrics that it names, out of those of its chunk.
    pub(crate) fn names(self, place: usize) -> bool {
        place < MOST_METRICS && self.named >> place & 1 == 1
    }
}

/// Where a chunk is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub id: i64,
    pub source: SmolStr,
    pub shape: i64,
    pub first: i64,
    pub last: i64,
    pub began: Stamp,
    pub ended: Stamp,
    head: Vec<u8>,
}

const COLUMNS: &str = "id, source, shape, first, last, began, ended, head";

impl Place {
    fn of(row: &DbRow<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            source: row.get::<_, String>(1)?.into(),
            shape: row.get(2)?,
            first: row.get(3)?,
            last: row.get(4)?,
            began: Stamp(row.get(5)?),
            ended: Stamp(row.get(6)?),
            head: row.get(7)?,
        })
    }

    /// Is this the chunk that is here? A number may come again for another one.
    pub(crate) fn is_of(&self, chunk: &Chunk) -> bool {
        (chunk.first, chunk.last) == (self.first, self.last)
    }

    /// `None` for a damaged one, and for one that is larger than any that is written.
    pub(crate) fn head(&self) -> Option<Head> {
        body::decode(&self.head).filter(|head: &Head| {
            let cells = (head.gpus as usize).saturating_mul(head.rows.len().max(1));
            head.metrics.len() <= MOST_METRICS && cells <= MOST_CELLS
        })
    }
}

/// The chunks that overlap a range of places, in order.
pub(crate) fn overlapping(db: &Connection, first: i64, last: i64) -> rusqlite::Result<Vec<Place>> {
    let text = format!("SELECT {COLUMNS} FROM chunk WHERE first <= ?2 AND last >= ?1 ORDER BY first");
    let mut query = db.prepare_cached(&text)?;
    query.query_map([first, last], Place::of)?.collect()
}

/// The chunks of a source that tell of a span of time, in order.
pub(crate) fn of_source(db: &Connection, source: &str, since: Stamp, until: Stamp) -> rusqlite::Result<Vec<Place>> {
    let text = format!("SELECT {COLUMNS} FROM chunk WHERE source = ?1 AND ended >= ?2 AND began <= ?3 ORDER BY first");
    let mut query = db.prepare_cached(&text)?;
    query.query_map(params![source, since.0, until.0], Place::of)?.collect()
}

/// The chunks of a level that ended before a time, by source and in order.
pub(crate) fn of_level(db: &Connection, level: u8, before: i64) -> rusqlite::Result<Vec<Place>> {
    let text = format!("SELECT {COLUMNS} FROM chunk WHERE level = ?1 AND ended < ?2 ORDER BY source, first");
    let mut query = db.prepare_cached(&text)?;
    query.query_map(params![level, before], Place::of)?.collect()
}

/// The chunk that tells what was measured of a source before a place.
pub(crate) fn at(db: &Connection, source: &str, seq: i64) -> rusqlite::Result<Option<Place>> {
    let text = format!("SELECT {COLUMNS} FROM chunk WHERE source = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1");
    let mut query = db.prepare_cached(&text)?;
    query.query_row(params![source, seq], Place::of).optional()
}

/// Writes a chunk; its parts are asked for one by one, so that not all of them are in memory.
pub(crate) fn insert(
    db: &Connection,
    (source, shape, level): (&str, i64, u8),
    (began, ended): (Stamp, Stamp),
    head: &Head,
    mut part: impl FnMut(usize, usize) -> rusqlite::Result<Table>,
) -> rusqlite::Result<()> {
    let Some((first, last)) = head.places() else { return Ok(()) };
    db.prepare_cached(
        "INSERT INTO chunk (source, shape, level, first, last, began, ended, head)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![source, shape, level, first, last, began.0, ended.0, body::encode(head, 3)])?;
    let id = db.last_insert_rowid();
    let gpus = head.gpus as usize;
    for (place, from) in (0..).zip((0..gpus).step_by(PART_GPUS)) {
        let table = part(from, PART_GPUS.min(gpus - from))?;
        db.prepare_cached("INSERT INTO part (id, body) VALUES (?1, ?2)")?
            .execute(params![id * PARTS + place, body::bare(&table.pack())])?;
    }
    Ok(())
}

/// Takes a chunk away.
pub(crate) fn delete(db: &Connection, id: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM part WHERE id >= ?1 AND id < ?2")?.execute([id * PARTS, (id + 1) * PARTS])?;
    db.prepare_cached("DELETE FROM chunk WHERE id = ?1")?.execute([id]).map(drop)
}

/// One of the parts. `Ok(None)` for a damaged one.
pub(crate) fn part(
    db: &Connection,
    id: i64,
    head: &Head,
    place: usize,
    of: Of<'_>,
    spread: bool,
) -> rusqlite::Result<Option<Table>> {
    let (body, size) = (part_body(db, id, place)?, (gpus_of(head, place), head.rows.len()));
    let table = body.and_then(|body| Table::unpack(&body::unpack_here(&body, None)?, size, of, spread));
    Ok(table.filter(|table| table.columns.iter().map(|column| column.metric).eq(head.metrics.iter().copied())))
}

fn part_body(db: &Connection, id: i64, place: usize) -> rusqlite::Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT body FROM part WHERE id = ?1")?
        .query_row([id * PARTS + place as i64], |row| row.get(0))
        .optional()
}

/// How many GPUs are in a part.
fn gpus_of(head: &Head, place: usize) -> usize {
    (head.gpus as usize).saturating_sub(place * PART_GPUS).min(PART_GPUS)
}

/// Reads chunks out of the file, and does something beside. Each part is unpacked on another core while the next one is
/// read: of a large fleet it is millions of numbers, and somebody waits. No word of a chunk that is damaged.
pub(crate) fn load_beside<T: Send>(
    db: &Connection,
    places: &[Place],
    work: impl FnOnce() -> Option<T> + Send,
) -> rusqlite::Result<(Option<T>, Vec<Option<Chunk>>)> {
    let heads: Vec<Option<Head>> = places.iter().map(Place::head).collect();
    let count = |head: &Option<Head>| head.as_ref().map_or(0, |head| (head.gpus as usize).div_ceil(PART_GPUS));
    let parts: Vec<Vec<OnceLock<Rows>>> =
        heads.iter().map(|head| (0..count(head)).map(|_| OnceLock::new()).collect()).collect();
    let mut done = None;
    let into = &mut done;
    rayon::in_place_scope(|scope| -> rusqlite::Result<()> {
        scope.spawn(move |_| *into = work());
        for ((place, head), parts) in places.iter().zip(&heads).zip(&parts) {
            let Some(head) = head else { continue };
            for (at, part) in parts.iter().enumerate() {
                let body = part_body(db, place.id, at)?;
                scope.spawn(move |_| {
                    if let Some(rows) = body.and_then(|body| rows_of(head, at, &body)) {
                        let _ = part.set(rows);
                    }
                });
            }
        }
        Ok(())
    })?;
    let chunks = places.iter().zip(heads).zip(parts).map(|((place, head), parts)| {
        let parts = parts.into_iter().map(OnceLock::into_inner).collect::<Option<Vec<Rows>>>()?;
        Some(Chunk { first: place.first, last: place.last, head: head?, parts })
    });
    Ok((done, chunks.collect()))
}

/// A part out of its body; `None` for a damaged one.
fn rows_of(head: &Head, place: usize, body: &[u8]) -> Option<Rows> {
    let rows = Rows::unpack(&body::unpack_here(body, None)?, gpus_of(head, place), head.rows.len())?;
    rows.metrics().eq(head.metrics.iter().copied()).then_some(rows)
}

/// A chunk in memory: what is folded of it.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub first: i64,
    pub last: i64,
    pub head: Head,
    parts: Vec<Rows>,
}

impl Chunk {
    /// Reads a whole chunk. `Ok(None)` for a damaged one.
    pub(crate) fn load(db: &Connection, place: &Place) -> rusqlite::Result<Option<Self>> {
        let (_, mut chunks) = load_beside(db, std::slice::from_ref(place), || None::<()>)?;
        Ok(chunks.pop().flatten())
    }

    /// Does it tell of a place?
    pub(crate) fn holds(&self, seq: i64) -> bool {
        self.first <= seq && self.last >= seq
    }

    /// What a batch said of the GPUs, of the wanted metrics; `None` where nothing of it was kept.
    pub(crate) fn readings(&self, seq: i64, fact: u32, wanted: &dyn Fn(Metric) -> bool) -> Option<ReadingsFact> {
        let is_it = |row: &Row| row.seq == seq && row.fact == fact;
        let from = usize::from(self.head.init);
        if let Some(row) = self.head.rows.iter().skip(from).position(is_it) {
            return Some(self.row(row + from, wanted));
        }
        let mut events = self.head.events.iter().filter(|event| is_it(&event.row)).peekable();
        let row = events.peek()?.row;
        let gpus = self.head.gpus as usize;
        let mut readings = ReadingsFact { list: row.list, at: vec![None; gpus], columns: Vec::new() };
        let metrics = self.head.metrics.iter().enumerate();
        for (place, metric) in metrics.filter(|(place, metric)| row.names(*place) && wanted(**metric)) {
            let mut column = vec![Reading::ABSENT; gpus];
            for event in self.head.events.iter().filter(|event| is_it(&event.row)) {
                if let (Some(to), Some(reading)) = (column.get_mut(event.gpu as usize), event.readings.get(place)) {
                    *to = *reading;
                }
            }
            readings.columns.push((*metric, column));
        }
        for event in events {
            if let Some(at) = readings.at.get_mut(event.gpu as usize) {
                *at = Some(event.at);
            }
        }
        Some(readings)
    }

    /// Does all that it tells between two places follow this list of GPUs?
    pub(crate) fn follows(&self, list: u32, after: i64, until: i64) -> bool {
        let Head { rows, events, init, .. } = &self.head;
        let told = rows.iter().skip(usize::from(*init)).chain(events.iter().map(|event| &event.row));
        told.filter(|row| row.seq > after && row.seq <= until).all(|row| row.list == list)
    }

    /// What was measured last behind a place and up to another one; nothing of a GPU that was not measured there.
    pub(crate) fn latest_behind(&self, after: i64, until: i64) -> Latest {
        self.latest_of(|row| row.seq > after && row.seq <= until, false)
    }

    /// What was known of the GPUs after the row, or the event, at a place: of each GPU what was measured of it last.
    pub(crate) fn latest(&self, seq: i64) -> Latest {
        self.latest_of(|row| row.seq <= seq, true)
    }

    fn latest_of(&self, is_wanted: impl Fn(&Row) -> bool, with_before: bool) -> Latest {
        let Head { gpus, metrics, rows, init, events } = &self.head;
        let gpus = *gpus as usize;
        let told = rows.iter().enumerate().skip(usize::from(*init)).filter(|(_, row)| is_wanted(row));
        let mut told: Vec<(&Row, Told<'_>)> = told.map(|(at, row)| (row, Told::Row(at))).collect();
        told.extend(events.iter().filter(|event| is_wanted(&event.row)).map(|event| (&event.row, Told::Event(event))));
        let first = rows.first().filter(|_| *init && with_before).map(|row| (row, Told::Row(0)));
        let named = told.iter().chain(&first).fold(0, |named, (row, _)| named | row.named);
        // The newest first; that of a row before that of an event at the same place, which it holds.
        told.sort_by_key(|(row, told)| std::cmp::Reverse((row.seq, row.fact, matches!(told, Told::Row(_)))));
        let mut latest = Latest::of(gpus);
        let mut columns: Vec<Vec<Reading>> = vec![vec![Reading::ABSENT; gpus]; metrics.len()];
        // Column by column: in another order each number would lie far from the one before.
        let mut put = |of: &[usize], row: &Row, at: usize| {
            for (place, column) in columns.iter_mut().enumerate().filter(|(place, _)| row.names(*place)) {
                for gpu in of {
                    let (part, there) = self.part_of(*gpu);
                    column[*gpu] = part.reading(place, there, at);
                }
            }
        };
        let mut told_of: Vec<(&Event, usize)> = Vec::new();
        let mut wanted: Vec<usize> = (0..gpus).collect();
        for (row, told) in told {
            match told {
                Told::Row(at) => {
                    let mut measured = Vec::with_capacity(wanted.len());
                    wanted.retain(|gpu| {
                        let (part, there) = self.part_of(*gpu);
                        let time = part.time(there, at);
                        if time.is_some() {
                            latest.at[*gpu] = time;
                            measured.push(*gpu);
                        }
                        time.is_none()
                    });
                    put(&measured, row, at);
                }
                Told::Event(event) => {
                    if let Ok(at) = wanted.binary_search(&(event.gpu as usize)) {
                        told_of.push((event, wanted.remove(at)));
                    }
                }
            }
            if wanted.is_empty() {
                break;
            }
        }
        if let Some((row, _)) = first {
            for gpu in &wanted {
                let (part, there) = self.part_of(*gpu);
                latest.at[*gpu] = part.time(there, 0);
            }
            put(&wanted, row, 0);
        }
        for (event, gpu) in told_of {
            latest.at[gpu] = Some(event.at);
            for (place, column) in columns.iter_mut().enumerate().filter(|(place, _)| event.row.names(*place)) {
                column[gpu] = event.readings.get(place).copied().unwrap_or(Reading::ABSENT);
            }
        }
        let all = metrics.iter().zip(columns).enumerate();
        let known = all.filter(|(place, _)| named >> place & 1 == 1);
        latest.columns = known.map(|(_, (metric, column))| (*metric, column)).collect();
        latest
    }

    /// The part that a GPU is in, and its place there.
    fn part_of(&self, gpu: usize) -> (&Rows, usize) {
        (&self.parts[gpu / PART_GPUS], gpu % PART_GPUS)
    }

    fn row(&self, at: usize, wanted: &dyn Fn(Metric) -> bool) -> ReadingsFact {
        let row = self.head.rows[at];
        let gpus = self.head.gpus as usize;
        let mut times = Vec::with_capacity(gpus);
        for part in &self.parts {
            times.extend(part.times(at));
        }
        let mut columns = Vec::with_capacity(self.head.metrics.len());
        let metrics = self.head.metrics.iter().enumerate();
        for (place, metric) in metrics.filter(|(place, metric)| row.names(*place) && wanted(**metric)) {
            let mut column = Vec::with_capacity(gpus);
            for part in &self.parts {
                column.extend(part.readings(place, at));
            }
            columns.push((*metric, column));
        }
        ReadingsFact { list: row.list, at: times, columns }
    }
}

/// Who tells of a GPU.
#[derive(Clone, Copy)]
enum Told<'a> {
    Row(usize),
    Event(&'a Event),
}
