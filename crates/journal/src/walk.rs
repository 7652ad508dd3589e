//! Walks along the record: batches in order, each with the readings that were taken out of it.

use crate::{
    body,
    chunk::{self, Chunk, Place},
    stored::{Stored, Taken, no_readings, put_back, readings_of, row_of},
};
use pilothouse_wire::{ConnectionId, Stamp};
use pilothouse_world::{Batch, Fact, telemetry::TRACED};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeSet, HashMap};

/// Why a walk ends early.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The file cannot be read.
    Db(rusqlite::Error),
    /// What was written cannot be: what, and where.
    Damaged(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error)
    }
}

impl Fault {
    pub(crate) fn damaged(what: &str, seq: i64) -> Self {
        Self::Damaged(format!("{what} at place {seq} does not read"))
    }
}

/// Which readings a walk brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum With {
    /// All that are kept.
    Readings,
    /// Of what was taken out of batches those that leave something behind ([`TRACED`]). What was measured last is to be
    /// put back at the end of a stretch ([`Filler::no_more_traces`]).
    Traces,
    /// None: what is folded of them is that somebody was heard.
    NoReadings,
}

/// Readings on their way back into batches: the chunks that are in use.
pub(crate) struct Filler<'a> {
    db: &'a Connection,
    with: With,
    places: Vec<Place>,
    /// Which chunks were looked up already.
    known: Option<(i64, i64)>,
    loaded: Loaded,
    blocks: Blocks,
    /// The sources of which traces were handed out.
    traced: BTreeSet<ConnectionId>,
    /// Was there anything by which what was measured last is not what stands in the chunks?
    beside_chunks: bool,
}

/// Chunks that are in memory at once, of a stretch that is folded for what it leaves behind. Others are unpacked as they are
/// needed.
const AHEAD: usize = 4;

/// Chunks in memory, by their number.
pub(crate) type Loaded = HashMap<i64, Chunk>;

/// The block of batches that was read last: who goes on a little is in it again.
#[derive(Debug, Default)]
pub(crate) struct Blocks(Option<(i64, i64, Vec<Stored>)>);

impl Blocks {
    /// The block at a place; `Ok(None)` for a damaged one, and where none begins.
    pub(crate) fn get(&mut self, db: &Connection, first: i64) -> rusqlite::Result<Option<&[Stored]>> {
        let mut ends = db.prepare_cached("SELECT last FROM block WHERE first = ?1")?;
        let last: Option<i64> = ends.query_row([first], |row| row.get(0)).optional()?;
        let Some(last) = last else { return Ok(None) };
        if self.0.as_ref().is_none_or(|known| (known.0, known.1) != (first, last)) {
            let mut bodies = db.prepare_cached("SELECT body FROM block WHERE first = ?1")?;
            let body: Vec<u8> = bodies.query_row([first], |row| row.get(0))?;
            self.0 = body::decode(&body).map(|block| (first, last, block));
        }
        Ok(self.0.as_ref().map(|(.., block)| &block[..]))
    }
}

impl<'a> Filler<'a> {
    pub(crate) fn new(db: &'a Connection, with: With) -> Self {
        Self::with(db, with, Loaded::new(), Blocks::default())
    }

    /// With what was in use before.
    pub(crate) fn with(db: &'a Connection, with: With, loaded: Loaded, blocks: Blocks) -> Self {
        let (traced, beside_chunks) = (BTreeSet::new(), false);
        Self { db, with, places: Vec::new(), known: None, loaded, blocks, traced, beside_chunks }
    }

    /// The file that is read.
    pub(crate) fn db(&self) -> &'a Connection {
        self.db
    }

    /// Brings along from here on only those readings that leave something behind.
    pub(crate) fn with_traces(&mut self) {
        (self.with, self.beside_chunks) = (With::Traces, false);
    }

    /// Brings all readings along from here on. Answers the sources of which only traces were handed out, if what was
    /// measured last of them stands in the chunks.
    pub(crate) fn no_more_traces(&mut self) -> Option<BTreeSet<ConnectionId>> {
        self.with = With::Readings;
        let traced = std::mem::take(&mut self.traced);
        (!self.beside_chunks).then_some(traced)
    }

    /// What is in use.
    pub(crate) fn into_loaded(self) -> (Loaded, Blocks) {
        (self.loaded, self.blocks)
    }

    /// The chunk at a place, read if need be.
    pub(crate) fn chunk(&mut self, place: &Place) -> Result<&Chunk, Fault> {
        if !self.loaded.get(&place.id).is_some_and(|chunk| place.is_of(chunk)) {
            let chunk =
                Chunk::load(self.db, place)?.ok_or_else(|| Fault::damaged("A chunk of readings", place.first))?;
            self.loaded.insert(place.id, chunk);
        }
        self.loaded.get(&place.id).ok_or_else(|| Fault::damaged("A chunk of readings", place.first))
    }

    /// Does something, and reads the chunks of a place, and of some behind it up to another one, meanwhile.
    pub(crate) fn beside<T: Send>(
        &mut self,
        (seq, until): (i64, i64),
        work: impl FnOnce() -> Option<T> + Send,
    ) -> rusqlite::Result<Option<T>> {
        let mut lacking = Vec::new();
        if self.with != With::NoReadings {
            for place in chunk::overlapping(self.db, seq, until)? {
                let is_wanted = place.first <= seq || lacking.len() < AHEAD;
                if is_wanted && !self.loaded.get(&place.id).is_some_and(|chunk| place.is_of(chunk)) {
                    lacking.push(place);
                }
            }
        }
        let (done, chunks) = chunk::load_beside(self.db, &lacking, work)?;
        // A damaged one is found by who asks for it.
        let chunks = lacking.iter().zip(chunks).filter_map(|(place, chunk)| Some((place.id, chunk?)));
        self.loaded.extend(chunks);
        Ok(done)
    }

    /// Looks up the chunks of a range of places, and lets go of those before it. Of a stretch that is folded for what it
    /// leaves behind they are asked for once more at its end: few of them stay.
    fn range(&mut self, first: i64, last: i64) -> Result<(), Fault> {
        if self.with != With::NoReadings && self.known != Some((first, last)) {
            self.places = chunk::overlapping(self.db, first, last)?;
            self.known = Some((first, last));
            let all_stay = self.with == With::Traces && self.loaded.len() <= AHEAD;
            self.loaded.retain(|_, chunk| all_stay || chunk.last >= first && chunk.first <= last);
        }
        Ok(())
    }

    fn fill(&mut self, stored: &mut Stored) -> Result<(), Fault> {
        if self.with == With::Traces {
            let stays = |(at, fact): (u32, &Fact)| match fact {
                Fact::Devices(_) => true,
                Fact::Readings(_) => !stored.taken.iter().any(|taken| taken.fact == at),
                _ => false,
            };
            self.beside_chunks |= (0..).zip(&stored.batch.facts).any(stays);
            if !stored.taken.is_empty() && !self.traced.contains(&stored.batch.source) {
                self.traced.insert(stored.batch.source.clone());
            }
        }
        for Taken { fact, gpus, .. } in stored.taken.clone() {
            let list = match stored.batch.facts.get(fact as usize) {
                Some(Fact::Readings(readings)) => readings.list,
                _ => return Err(Fault::damaged("A batch", stored.seq)),
            };
            let mut readings = None;
            let source = stored.batch.source.as_str();
            if self.with != With::NoReadings {
                let wanted = self.with;
                let fits = |place: &&Place| place.source == source && (place.first..=place.last).contains(&stored.seq);
                for place in self.places.iter().filter(fits).cloned().collect::<Vec<_>>() {
                    let is_wanted = |metric| wanted == With::Readings || TRACED.contains(&metric);
                    readings = readings.or(self.chunk(&place)?.readings(stored.seq, fact, &is_wanted));
                }
            }
            let readings = readings.unwrap_or_else(|| no_readings(list, gpus as usize));
            put_back(&mut stored.batch, fact, readings);
        }
        Ok(())
    }
}

/// A batch on a walk: when it was heard, and what was said.
pub(crate) struct Step {
    pub at: Stamp,
    pub batch: Batch,
}

/// Hands out what stands in the record behind a place and up to another one, in order.
pub(crate) fn walk(filler: &mut Filler<'_>, after: i64, until: i64, take: &mut dyn FnMut(Step)) -> Result<(), Fault> {
    let db = filler.db;
    // From the block on that the place behind is in: all that are before it need not be looked at.
    let mut query = db.prepare_cached(
        "SELECT first, last FROM block
         WHERE first >= coalesce((SELECT max(first) FROM block WHERE first <= ?1 + 1), 0) AND first <= ?2 AND last > ?1
         ORDER BY first",
    )?;
    let mut blocks = query.query([after, until])?;
    let mut done = after;
    while let Some(row) = blocks.next()? {
        let (first, last): (i64, i64) = (row.get(0)?, row.get(1)?);
        rows(filler, done, until.min(first - 1), take)?;
        let block = filler.blocks.get(db, first)?.ok_or_else(|| Fault::damaged("A block of batches", first))?;
        if block.first().map(|stored| stored.seq) != Some(first) || block.last().map(|stored| stored.seq) != Some(last)
        {
            return Err(Fault::damaged("The place of a block of batches", first));
        }
        let wanted: Vec<Stored> =
            block.iter().filter(|stored| stored.seq > after && stored.seq <= until).cloned().collect();
        filler.range(first, last)?;
        for mut stored in wanted {
            filler.fill(&mut stored)?;
            take(Step { at: stored.at, batch: stored.batch });
        }
        done = done.max(last);
    }
    rows(filler, done, until, take)
}

/// Rows that are not sealed yet.
fn rows(filler: &Filler<'_>, after: i64, until: i64, take: &mut dyn FnMut(Step)) -> Result<(), Fault> {
    if until <= after {
        return Ok(());
    }
    let mut query = filler
        .db
        .prepare_cached("SELECT seq, at, body, readings FROM batch WHERE seq > ?1 AND seq <= ?2 ORDER BY seq")?;
    let mut rows = query.query([after, until])?;
    // Places follow each other, but for what was pruned at the beginning: a damaged page may hide rows without a word.
    let mut next = (after > 0).then_some(after + 1);
    while let Some(row) = rows.next()? {
        let (seq, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        if let Some(next) = next
            && !are_marks(filler.db, next, seq - 1)?
        {
            return Err(Fault::damaged("What stands before the batch", seq));
        }
        next = Some(seq + 1);
        let body: Vec<u8> = row.get(2)?;
        if body.is_empty() {
            continue;
        }
        let damaged = || Fault::damaged("A batch", seq);
        let (mut batch, taken) = body::unpack(&body, None).and_then(|body| row_of(&body)).ok_or_else(damaged)?;
        if !taken.is_empty() {
            let readings: Vec<u8> = row.get::<_, Option<Vec<u8>>>(3)?.ok_or_else(damaged)?;
            if filler.with == With::Readings {
                for (taken, readings) in readings_of(&taken, &readings).ok_or_else(damaged)? {
                    put_back(&mut batch, taken.fact, readings);
                }
            } else {
                for Taken { fact, gpus, .. } in taken {
                    let list = match batch.facts.get(fact as usize) {
                        Some(Fact::Readings(readings)) => readings.list,
                        _ => return Err(damaged()),
                    };
                    put_back(&mut batch, fact, no_readings(list, gpus as usize));
                }
            }
        }
        take(Step { at: Stamp(at), batch });
    }
    if let Some(next) = next
        && !are_marks(filler.db, next, until)?
    {
        return Err(Fault::damaged("The end of the batches", until));
    }
    Ok(())
}

/// Is there nothing from one place to another but marks of where stretches begin, which go when they are sealed?
fn are_marks(db: &Connection, first: i64, last: i64) -> rusqlite::Result<bool> {
    if last < first {
        return Ok(true);
    }
    let marks: i64 = db
        .prepare_cached("SELECT count(*) FROM stretch WHERE first >= ?1 AND first <= ?2")?
        .query_row([first, last], |row| row.get(0))?;
    Ok(marks == last - first + 1)
}
