//! Seeking: which place of the record is a time, and the world as it was there.

use crate::{
    body, chunk, schema, spells,
    stored::{plain, row_of},
    walk::{Blocks, Fault, Filler, Loaded, Step, With, walk},
};
use pilothouse_wire::{ConnectionId, Stamp, record::Gap};
use pilothouse_world::{Touched, World, earlier};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// Batches over which a world is folded on though a kept one is nearer: that would have to be read.
const STEP: i64 = 64;
/// So many batches are folded with all that was measured.
const FEW: i64 = 4;

/// The nearest world with which the fold up to a place may begin. It is found by an index alone: a world is megabytes.
const WORLD_BEFORE: &str =
    "SELECT max(seq) FROM checkpoint WHERE seq >= ?1 AND (seq < ?2 OR (seq = ?2 AND at <= ?3)) AND hidden = 0";

/// A place of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The last batch that is folded.
    pub seq: i64,
    /// The first place whose world does not continue an earlier one.
    pub hard: i64,
    at: Stamp,
}

impl Target {
    /// A place that is known.
    pub(crate) fn at(seq: i64, at: Stamp) -> Self {
        Self { seq, hard: 0, at }
    }

    /// The time that was asked for.
    pub(crate) fn asked(self) -> Stamp {
        self.at
    }

    /// The place at which a stretch begins.
    pub(crate) fn beginning(first: i64) -> Self {
        Self { seq: first, hard: first, at: Stamp(i64::MAX) }
    }
}

/// A world with which a fold begins.
pub(crate) struct Start {
    pub seq: i64,
    pub world: Arc<World>,
}

/// The place that a time is at: the last that was heard by then. Where the clock was set back it is the later of the two.
pub(crate) fn locate(db: &Connection, t: Stamp) -> rusqlite::Result<Option<Target>> {
    locate_by(db, t, &mut Blocks::default())
}

fn locate_by(db: &Connection, t: Stamp, blocks: &mut Blocks) -> rusqlite::Result<Option<Target>> {
    let Some(spell) = spells::of(db, t)? else { return Ok(None) };
    let Some((seq, _)) = spells::last_by(db, spell, t, blocks)? else { return Ok(None) };
    let hard = "SELECT max(first) FROM stretch WHERE first <= ?1 AND why <> 'clock'";
    let hard: Option<i64> = db.prepare_cached(hard)?.query_row([spell.first], |row| row.get(0))?;
    Ok(Some(Target { seq, hard: hard.unwrap_or(0), at: t }))
}

/// The stretches behind a place, up to another one, that begin with another world than the one before: where, and when.
pub(crate) fn anew(db: &Connection, after: i64, until: i64) -> rusqlite::Result<Vec<(i64, Stamp)>> {
    let text = "SELECT first, began FROM stretch WHERE first > ?1 AND first <= ?2 AND why <> 'clock' ORDER BY first";
    let mut query = db.prepare_cached(text)?;
    let all = query.query_map([after, until], |row| Ok((row.get(0)?, Stamp(row.get(1)?))))?;
    all.collect()
}

/// Does the record go on behind a place, unless it is its end? A damaged page may hide rows without a word.
fn goes_on(db: &Connection, seq: i64) -> rusqlite::Result<bool> {
    let text = "SELECT ?1 >= coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'batch'), 0)
        OR EXISTS (SELECT 1 FROM batch WHERE seq = ?1 + 1)
        OR coalesce((SELECT last FROM block WHERE first <= ?1 + 1 ORDER BY first DESC LIMIT 1), 0) > ?1
        OR EXISTS (SELECT 1 FROM stretch WHERE first = ?1 + 1)";
    db.prepare_cached(text)?.query_row([seq], |row| row.get(0))
}

/// Was what stands behind a place heard by its time, too, as it says itself? Then something that is damaged hides it.
fn is_earlier(db: &Connection, blocks: &mut Blocks, target: Target) -> rusqlite::Result<bool> {
    let next = target.seq + 1;
    let begins = "SELECT EXISTS (SELECT 1 FROM stretch WHERE first = ?1)";
    if db.prepare_cached(begins)?.query_row([next], |row| row.get(0))? {
        return Ok(false);
    }
    if let Some(block) = blocks.get(db, next)? {
        return Ok(block.first().is_some_and(|stored| stored.at <= target.at));
    }
    let mut bodies = db.prepare_cached("SELECT body FROM batch WHERE seq = ?1")?;
    let body: Option<Vec<u8>> = bodies.query_row([next], |row| row.get(0)).optional()?;
    let row = body.and_then(|body| row_of(&body::unpack(&body, None)?));
    Ok(row.is_some_and(|(batch, _)| batch.seen_at <= target.at))
}

/// Was anything heard after the time that a world is of? Where the clock was set back nobody can tell.
fn is_later(db: &Connection, world: &World, target: Target) -> rusqlite::Result<bool> {
    let newest = world.sources().filter_map(|(_, source)| source.heard).max();
    if newest.is_none_or(|newest| newest <= target.at) {
        return Ok(false);
    }
    let text = "SELECT NOT EXISTS (SELECT 1 FROM stretch WHERE first <= ?1 AND first >= ?2 AND why = 'clock')";
    db.prepare_cached(text)?.query_row([target.seq, target.hard], |row| row.get(0))
}

/// The world with which the fold up to a place begins: the nearest that reads, or nothing where a run began.
pub(crate) fn start(db: &Connection, target: Target) -> Result<Start, Fault> {
    start_with(&mut Filler::new(db, With::Readings), target)
}

/// The same with chunks that are in use.
fn start_with(filler: &mut Filler<'_>, target: Target) -> Result<Start, Fault> {
    let db = filler.db();
    let text = "SELECT seq, body, base, state FROM checkpoint
                WHERE seq >= ?1 AND (seq < ?2 OR (seq = ?2 AND at <= ?3)) AND hidden = 0 ORDER BY seq DESC";
    let mut query = db.prepare_cached(text)?;
    let mut rows = query.query(params![target.hard, target.seq, target.at.0])?;
    let mut damaged = None;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let (body, base, state): (Vec<u8>, Option<i64>, Option<Vec<u8>>) = (row.get(1)?, row.get(2)?, row.get(3)?);
        match world(filler, (seq, target.seq), &body, base, state.as_deref()) {
            Ok(world) => return Ok(Start { seq, world: Arc::new(world) }),
            Err(fault) => damaged = Some(fault),
        }
    }
    let begins: Option<i64> = db
        .query_row("SELECT first FROM stretch WHERE first = ?1 AND why = 'run'", [target.hard], |row| row.get(0))
        .optional()?;
    match (begins, damaged) {
        (Some(first), _) => Ok(Start { seq: first - 1, world: Arc::default() }),
        (None, Some(fault)) => Err(fault),
        (None, None) => Err(Fault::damaged("The world", target.hard)),
    }
}

/// The bytes of a world that others are packed against; `Ok(None)` for a damaged one.
pub(crate) fn plain_world(db: &Connection, seq: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    Ok(packed_world(db, seq)?.and_then(|body| body::unpack(&body, None)))
}

fn packed_world(db: &Connection, seq: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut bodies = db.prepare_cached("SELECT body FROM checkpoint WHERE seq = ?1")?;
    bodies.query_row([seq], |row| row.get(0)).optional()
}

/// A world at rest, with what was measured until then. `until` is how far it will be folded on.
fn world(
    filler: &mut Filler<'_>,
    (seq, until): (i64, i64),
    body: &[u8],
    base: Option<i64>,
    state: Option<&[u8]>,
) -> Result<World, Fault> {
    let db = filler.db();
    let damaged = || Fault::damaged("A world", seq);
    let base = base.map(|base| -> Result<_, Fault> { packed_world(db, base)?.ok_or_else(damaged) }).transpose()?;
    let facts = schema::of_world(db, seq)?;
    let read = || {
        let base = match base {
            Some(base) => Some(body::unpack(&base, None)?),
            None => None,
        };
        let plain = body::unpack(body, base.as_deref())?;
        earlier::of_facts(facts, || postcard::from_bytes(&plain)).ok()
    };
    // What was measured is unpacked meanwhile, unless it stands beside the world.
    let world: Option<World> = if state.is_some() { read() } else { filler.beside((seq, until), read)? };
    let mut world = world.ok_or_else(damaged)?;
    if let Some(state) = state {
        let states = body::unpack(state, None).and_then(|bytes| plain::read_states(&bytes)).ok_or_else(damaged)?;
        for state in states {
            world.resume(&ConnectionId::slug(&state.source), Some(state.latest));
        }
        return Ok(world);
    }
    let lacking = world.sources().filter(|(_, source)| {
        let telemetry = &source.telemetry;
        !telemetry.is_empty() && telemetry.latest().at.is_empty()
    });
    let lacking: Vec<(ConnectionId, usize)> =
        lacking.map(|(id, source)| (id.clone(), source.telemetry.devices().count())).collect();
    for (id, gpus) in lacking {
        let place = chunk::at(db, id.as_str(), seq)?.ok_or_else(damaged)?;
        let latest = filler.chunk(&place)?.latest(seq);
        if latest.at.len() != gpus {
            return Err(damaged());
        }
        world.resume(&id, Some(latest));
    }
    Ok(world)
}

/// What was sought last, and what it was read from: a neighbour is near.
#[derive(Debug, Default)]
pub(crate) struct Near {
    db: Option<Connection>,
    last: Option<Last>,
    /// The chunks and the block that it was folded from.
    loaded: Loaded,
    blocks: Blocks,
}

#[derive(Debug)]
struct Last {
    target: Target,
    world: Arc<World>,
}

/// Which world of a record it is, whatever time it was asked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    seq: i64,
    hard: i64,
}

/// What nobody seeks any more. It is large, and to let go of it takes a while: beside, and one after the other, since who
/// seeks next needs the other processor.
#[derive(Debug, Default)]
pub struct Gone {
    _world: Option<Arc<World>>,
    _chunks: Vec<chunk::Chunk>,
}

/// A world that was sought.
#[derive(Debug)]
pub struct Sought {
    /// The world.
    pub world: Arc<World>,
    /// Which one it is.
    pub place: Place,
    /// What changed since the world of the place that was said.
    pub touched: Touched,
    /// What was kept of the world that was sought before: for whoever has time to let go of it.
    pub gone: Gone,
    /// Why the record does not tell of the time, if it does not: the world is that of the nearest which it tells of.
    pub gap: Option<Gap>,
}

impl Target {
    fn place(self) -> Place {
        Place { seq: self.seq, hard: self.hard }
    }
}

impl Near {
    /// The file, opened once.
    pub(crate) fn file<E>(&mut self, open: impl FnOnce() -> Result<Connection, E>) -> Result<Connection, E> {
        self.db.take().map_or_else(open, Ok)
    }

    /// Takes the file back.
    pub(crate) fn keep(&mut self, db: Connection) {
        self.db = Some(db);
    }

    /// The place of a time.
    pub(crate) fn locate(&mut self, db: &Connection, t: Stamp) -> rusqlite::Result<Option<Target>> {
        locate_by(db, t, &mut self.blocks)
    }

    /// The world at a place, and what changed since that of `base`: all of it, unless that one was sought last and is
    /// somewhat before.
    pub(crate) fn seek(&mut self, db: &Connection, target: Target, base: Option<Place>) -> Result<Sought, Fault> {
        if is_earlier(db, &mut self.blocks, target)? {
            return Err(Fault::damaged("The time behind the batch", target.seq));
        }
        let nearest: Option<i64> = db
            .prepare_cached(WORLD_BEFORE)?
            .query_row(params![target.hard, target.seq, target.at.0], |row| row.get(0))?;
        let is_near = |last: &Last| {
            let of = last.target;
            of.hard == target.hard
                && of.seq <= target.seq
                && nearest.is_none_or(|near| near <= of.seq || target.seq - of.seq <= STEP)
        };
        let near = self.last.take_if(|last| is_near(last));
        if let Some(last) = near {
            let all = base != Some(last.target.place());
            let start = Start { seq: last.target.seq, world: last.world };
            // What it would go on over may have been pruned since: then it begins anew.
            if let Ok(sought) = self.go_on(db, target, Some(start), all) {
                return Ok(sought);
            }
        }
        let chunks = self.loaded.extract_if(|_, chunk| !chunk.holds(target.seq)).map(|(_, chunk)| chunk).collect();
        let gone = Gone { _world: self.last.take().map(|last| last.world), _chunks: chunks };
        let sought = self.go_on(db, target, None, true)?;
        Ok(Sought { gone, ..sought })
    }

    fn go_on(&mut self, db: &Connection, target: Target, start: Option<Start>, all: bool) -> Result<Sought, Fault> {
        let mut filler =
            Filler::with(db, With::Readings, std::mem::take(&mut self.loaded), std::mem::take(&mut self.blocks));
        let Start { mut seq, mut world } = match start {
            Some(start) => start,
            None => start_with(&mut filler, target)?,
        };
        if !goes_on(db, target.seq)? {
            return Err(Fault::damaged("What stands behind the batch", target.seq));
        }
        let mut touched = Touched { all, ..Touched::default() };
        if target.seq - seq > FEW {
            let sealed = sealed_until(db, seq, target.seq)?;
            let own = Arc::make_mut(&mut world);
            match jump(&mut filler, (seq, own), sealed)? {
                Some(jumped) => {
                    touched.merge(jumped);
                    seq = sealed;
                }
                // All of what was measured is wanted, from the beginning on.
                None => {
                    touched.all = true;
                    Start { seq, world } = start_with(&mut filler, target)?;
                }
            }
        }
        if seq < target.seq {
            let own = Arc::make_mut(&mut world);
            walk(&mut filler, seq, target.seq, &mut |Step { batch, .. }| touched.merge(own.apply(batch)))?;
        }
        if is_later(db, &world, target)? {
            return Err(Fault::damaged("The time of the batch", target.seq));
        }
        (self.loaded, self.blocks) = filler.into_loaded();
        // Who goes back or far ahead needs others.
        let chunks = self.loaded.extract_if(|_, chunk| !chunk.holds(target.seq)).map(|(_, chunk)| chunk).collect();
        self.last = Some(Last { target, world: Arc::clone(&world) });
        Ok(Sought { world, place: target.place(), touched, gone: Gone { _world: None, _chunks: chunks }, gap: None })
    }
}

/// The last place, up to one, that is sealed.
fn sealed_until(db: &Connection, after: i64, until: i64) -> rusqlite::Result<i64> {
    let text = "SELECT last FROM block WHERE first <= ?1 ORDER BY first DESC LIMIT 1";
    let last: Option<i64> = db.prepare_cached(text)?.query_row([until], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or(after).clamp(after, until))
}

/// Folds what is sealed, and of readings what leaves something behind: rows of a large fleet are a hundred thousand numbers
/// each, of which all but the last are written over. Answers what it changed; `None` where what was measured last does not
/// stand in chunks, and the world is then of no use.
fn jump(filler: &mut Filler<'_>, (after, world): (i64, &mut World), until: i64) -> Result<Option<Touched>, Fault> {
    let mut touched = Touched::default();
    filler.with_traces();
    walk(filler, after, until, &mut |Step { batch, .. }| touched.merge(world.apply(batch)))?;
    let Some(traced) = filler.no_more_traces() else { return Ok(None) };
    for place in chunk::overlapping(filler.db(), after + 1, until)? {
        let Some(source) = traced.iter().find(|source| source.as_str() == place.source) else { continue };
        let Some(telemetry) = world.source(source).map(|source| &source.telemetry) else { return Ok(None) };
        let chunk = filler.chunk(&place)?;
        // Readings that came late, of a list that was told anew meanwhile, are nobody's.
        let fits = chunk.head.gpus as usize == telemetry.devices().count();
        if !fits || !chunk.follows(telemetry.list_number(), after, until) {
            return Ok(None);
        }
        let latest = chunk.latest_behind(after, until);
        world.amend(source, latest);
    }
    Ok(Some(touched))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{schema, spells::WORLD_BY};

    /// How SQLite looks something up.
    fn plan(db: &Connection, query: &str) -> String {
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let steps = plan.query_map([0, 1, 1], |row| row.get::<_, String>(3)).unwrap();
        steps.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("\n")
    }

    #[test]
    fn a_world_is_found_without_reading_any_in_a_journal_of_before_too() {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new.db"), folder.path().join("old.db"));
        std::fs::write(&old, include_bytes!("../tests/fixtures/schema-1.db")).unwrap();
        for path in [new, old] {
            let db = schema::open(&path).unwrap();
            for query in [WORLD_BY, WORLD_BEFORE] {
                let plan = plan(&db, query);
                assert!(plan.contains("USING COVERING INDEX checkpoint_place (hidden=? AND seq>?"), "{plan}");
            }
        }
    }

    #[test]
    fn the_last_sealed_place_is_that_of_the_last_block_and_lies_between() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(schema::TABLES).unwrap();
        for (first, last) in [(1, 10), (11, 30), (31, 40)] {
            db.execute("INSERT INTO block VALUES (?1, ?2, 0, 0, x'')", [first, last]).unwrap();
        }
        for (after, until, want) in [(0, 40, 40), (5, 20, 20), (30, 30, 30), (12, 55, 40), (45, 55, 45)] {
            assert_eq!(sealed_until(&db, after, until).unwrap(), want, "from {after} to {until}");
        }
        db.execute("INSERT INTO sqlite_sequence VALUES ('batch', 60)", []).unwrap();
        for (seq, want) in [(9, true), (30, true), (39, true), (40, false), (55, false), (60, true)] {
            assert_eq!(goes_on(&db, seq).unwrap(), want, "behind {seq}");
        }
    }
}
