//! Sealing: batches between two checkpoints are packed together, and their readings become columns.

use crate::{
    body,
    chunk::{self, Head, Row},
    gaps, grid,
    part::Table,
    record::Watch,
    schema, shape,
    stored::{State, Stored, Taken, plain, put_back, readings_of, row_of},
};
use pilothouse_wire::{SmolStr, Stamp, record::Missing};
use pilothouse_world::{Fact, Latest, World, earlier, fact::ReadingsFact, fact::SourceFact};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// Batches of a block at most.
const BLOCK_ROWS: i64 = 4_096;
/// Blocks that are sealed behind one checkpoint at most: an old journal is taken along little by little.
const AT_ONCE: usize = 8;
/// The level at which blocks are packed: they are written once and kept for long.
const LEVEL: i32 = 9;

/// Seals what lies before the newest checkpoint.
pub(crate) fn seal(db: &mut Connection, watch: Watch) -> rusqlite::Result<()> {
    for _ in 0..AT_ONCE {
        let turn = db.transaction()?;
        let Some((first, last)) = next(&turn)? else { return Ok(()) };
        seal_range(&turn, first, last)?;
        watch("chunk");
        turn.commit()?;
        watch("chunked");
    }
    Ok(())
}

/// The next places to seal: up to a checkpoint or to where a stretch begins.
fn next(db: &Connection) -> rusqlite::Result<Option<(i64, i64)>> {
    let one = |text: &str, of: &[i64]| -> rusqlite::Result<Option<i64>> {
        db.prepare_cached(text)?.query_row(rusqlite::params_from_iter(of), |row| row.get(0))
    };
    let Some(first) = one("SELECT min(seq) FROM batch", &[])? else { return Ok(None) };
    let Some(closed) = one("SELECT min(seq) FROM checkpoint WHERE seq >= ?1 AND hidden = 0", &[first])? else {
        return Ok(None);
    };
    let stretch = one("SELECT min(first) FROM stretch WHERE first > ?1", &[first])?;
    let last = stretch.map_or(closed, |stretch| closed.min(stretch - 1));
    let text = "SELECT max(seq) FROM (SELECT seq FROM batch WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3)";
    Ok(one(text, &[first, last, BLOCK_ROWS])?.map(|last| (first, last)))
}

/// The readings of one source on their way into a chunk.
struct Open {
    source: SmolStr,
    shape: i64,
    head: Head,
    rows: Vec<ReadingsFact>,
    began: Stamp,
    ended: Stamp,
}

impl Open {
    fn push(&mut self, mut row: Row, fact: ReadingsFact, init: bool) {
        for (metric, _) in &fact.columns {
            let place = self.head.metrics.iter().position(|known| known == metric).unwrap_or_else(|| {
                self.head.metrics.push(*metric);
                self.head.metrics.len() - 1
            });
            row.named |= 1_u64.checked_shl(place as u32).unwrap_or(0);
        }
        if self.rows.is_empty() {
            self.began = row.heard;
        }
        self.head.init |= init;
        self.ended = row.heard;
        self.head.rows.push(row);
        self.rows.push(fact);
    }

    /// The columns of some of the GPUs.
    fn table(&self, from: usize, gpus: usize) -> Table {
        let rows = self.rows.len();
        let mut table = Table::of(gpus, rows);
        for metric in &self.head.metrics {
            table.column(*metric);
        }
        for (row, fact) in self.rows.iter().enumerate() {
            for gpu in 0..gpus {
                table.at[gpu * rows + row] = fact.at[from + gpu];
            }
            for (metric, column) in &fact.columns {
                let to = &mut table.column(*metric).last;
                for gpu in 0..gpus {
                    to[gpu * rows + row] = column[from + gpu];
                }
            }
        }
        table
    }
}

/// What a segment comes to.
#[derive(Default)]
struct Segment {
    block: Vec<Stored>,
    open: BTreeMap<SmolStr, Open>,
    closed: Vec<Open>,
}

impl Segment {
    fn close(&mut self, source: &str) {
        self.closed.extend(self.open.remove(source));
    }

    fn readings(&mut self, source: &SmolStr, shape: i64, row: Row, fact: ReadingsFact, init: bool) {
        if self.open.get(source).is_some_and(|open| open.shape != shape) {
            self.close(source);
        }
        let heard = row.heard;
        let open = self.open.entry(source.clone()).or_insert_with(|| Open {
            source: source.clone(),
            shape,
            head: Head { gpus: fact.at.len() as u32, ..Head::default() },
            rows: Vec::new(),
            began: heard,
            ended: heard,
        });
        open.push(row, fact, init);
    }

    /// Takes in what was known at the checkpoint before.
    fn state(&mut self, seq: i64, at: Stamp, state: State) {
        let Latest { at: times, columns } = state.latest;
        let row = Row { seq, fact: 0, list: state.list, heard: at, named: 0 };
        let fact = ReadingsFact { list: state.list, at: times, columns: columns.into_iter().collect() };
        self.readings(&state.source, state.shape, row, fact, true);
    }
}

fn seal_range(db: &Connection, first: i64, last: i64) -> rusqlite::Result<()> {
    let mut segment = Segment::default();
    let mut lists = Lists::new();
    if let Some((seq, at, states)) = start(db, first)? {
        for state in states {
            lists.insert(state.source.clone(), (state.list, state.shape, state.latest.at.len()));
            segment.state(seq, at, state);
        }
        db.execute("UPDATE checkpoint SET state = NULL WHERE seq = ?1", [seq])?;
    }
    let mut query = db.prepare_cached(
        "SELECT seq, at, body, readings FROM batch WHERE seq BETWEEN ?1 AND ?2 AND length(body) > 0 ORDER BY seq",
    )?;
    let mut rows = query.query([first, last])?;
    while let Some(row) = rows.next()? {
        let (seq, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (body, readings): (Vec<u8>, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
        if take(db, &mut segment, &mut lists, (seq, Stamp(at)), &body, readings.as_deref())?.is_none() {
            // What follows builds upon it: nothing can be shown until the next checkpoint.
            let text = "SELECT at FROM checkpoint WHERE seq >= ?1 ORDER BY seq LIMIT 1";
            let until: Option<i64> = db.query_row(text, [last], |row| row.get(0)).optional()?;
            gaps::note(
                db,
                at,
                until.unwrap_or(at),
                Missing::Damaged,
                &format!("a batch at place {seq} does not read"),
            )?;
            break;
        }
    }
    drop(rows);
    write(db, segment)?;
    db.execute("DELETE FROM batch WHERE seq BETWEEN ?1 AND ?2", [first, last]).map(drop)
}

/// The checkpoint right before a place, if its readings are not in a chunk yet.
fn start(db: &Connection, first: i64) -> rusqlite::Result<Option<(i64, Stamp, Vec<State>)>> {
    let text = "SELECT seq, at, body, state FROM checkpoint WHERE seq < ?1 AND hidden = 0
                AND seq >= coalesce((SELECT max(last) FROM block WHERE last < ?1), 0)
                AND seq >= coalesce((SELECT max(first) FROM stretch WHERE first <= ?1 AND why <> 'clock'), 0)
                ORDER BY seq DESC LIMIT 1";
    let found = db.query_row(text, [first], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?, row.get::<_, Option<Vec<u8>>>(3)?))
    });
    let Some((seq, at, world, state)) = found.optional()? else { return Ok(None) };
    let states = match state {
        Some(state) => body::unpack(&state, None).and_then(|bytes| plain::read_states(&bytes)),
        // A world of the first schema has its readings within.
        None => {
            let facts = schema::of_world(db, seq)?;
            let world = earlier::of_facts(facts, || body::decode::<World>(&world));
            world.map(|world| states_of(db, &world)).transpose()?
        }
    };
    Ok(states.map(|states| (seq, Stamp(at), states)))
}

fn states_of(db: &Connection, world: &World) -> rusqlite::Result<Vec<State>> {
    let measuring = world.sources().filter(|(_, source)| !source.telemetry.latest().at.is_empty());
    let states = measuring.map(|(id, source)| {
        let uuids: Vec<SmolStr> = source.telemetry.devices().map(|gpu| gpu.device().uuid.clone()).collect();
        let shape = shape::keep(db, &shape::print(uuids.iter()), &uuids)?;
        let mut latest = source.telemetry.latest().clone();
        grid::round_columns(latest.columns.iter_mut().map(|(metric, column)| (*metric, column)));
        Ok(State { source: id.as_str().into(), list: source.telemetry.list_number(), shape, latest })
    });
    states.collect()
}

/// The list of GPUs that is in force at each source.
type Lists = BTreeMap<SmolStr, (u32, i64, usize)>;

/// Takes in a row; `Ok(None)` for a damaged one.
fn take(
    db: &Connection,
    segment: &mut Segment,
    lists: &mut Lists,
    (seq, at): (i64, Stamp),
    body: &[u8],
    readings: Option<&[u8]>,
) -> rusqlite::Result<Option<()>> {
    let Some((mut batch, taken)) = body::unpack(body, None).and_then(|body| row_of(&body)) else { return Ok(None) };
    let source = SmolStr::new(batch.source.as_str());
    let mut told = match (taken.is_empty(), readings) {
        (true, _) => Vec::new(),
        (false, Some(readings)) => match readings_of(&taken, readings) {
            Some(told) => told,
            None => return Ok(None),
        },
        (false, None) => return Ok(None),
    };
    let mut left: Vec<Taken> = Vec::new();
    for place in 0..batch.facts.len() {
        match &mut batch.facts[place] {
            Fact::Source(SourceFact::Removed) => {
                segment.close(&source);
                lists.remove(&source);
            }
            Fact::Devices(devices) => {
                let uuids: Vec<SmolStr> = devices.devices.iter().map(|device| device.uuid.clone()).collect();
                let shape = shape::keep(db, &shape::print(uuids.iter()), &uuids)?;
                lists.insert(source.clone(), (devices.list, shape, uuids.len()));
                if segment.open.get(&source).is_some_and(|open| open.shape != shape) {
                    segment.close(&source);
                }
            }
            // A row of the first schema has its readings within.
            Fact::Readings(fact) if told.iter().all(|(taken, _)| taken.fact as usize != place) => {
                let list = lists.get(&source).filter(|list| list.0 == fact.list && list.2 == fact.at.len());
                let shape = list.filter(|_| crate::stored::is_regular(fact)).map_or(0, |list| list.1);
                let mut fact = std::mem::take(&mut **fact);
                if shape != 0 {
                    grid::round_columns(fact.columns.iter_mut().map(|(metric, column)| (*metric, column)));
                }
                told.push((Taken { fact: place as u32, gpus: fact.at.len() as u32, shape }, fact));
            }
            _ => {}
        }
        let here = told.iter().position(|(taken, _)| taken.fact as usize == place).map(|at| told.swap_remove(at));
        let Some((taken, fact)) = here else { continue };
        if taken.shape == 0 {
            put_back(&mut batch, taken.fact, fact);
            continue;
        }
        if let Fact::Readings(stays) = &mut batch.facts[place] {
            **stays = ReadingsFact { list: fact.list, ..ReadingsFact::default() };
        }
        let row = Row { seq, fact: taken.fact, list: fact.list, heard: batch.seen_at, named: 0 };
        segment.readings(&source, taken.shape, row, fact, false);
        left.push(taken);
    }
    segment.block.push(Stored { seq, at, batch, taken: left });
    Ok(Some(()))
}

fn write(db: &Connection, mut segment: Segment) -> rusqlite::Result<()> {
    if let (Some(first), Some(last)) = (segment.block.first(), segment.block.last()) {
        let body = body::encode(&segment.block, LEVEL);
        db.prepare_cached("INSERT INTO block (first, last, began, ended, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![first.seq, last.seq, first.at.0, last.at.0, body])?;
    }
    segment.closed.extend(std::mem::take(&mut segment.open).into_values());
    for open in &segment.closed {
        let of = (open.source.as_str(), open.shape, 0);
        chunk::insert(db, of, (open.began, open.ended), &open.head, |from, gpus| Ok(open.table(from, gpus)))?;
    }
    Ok(())
}
