//! The thread that writes: what was heard at once, a checkpoint now and then, and behind it what makes the record small.

use crate::{
    body, gaps, prune,
    record::{Limits, Tide, Watch},
    schema::{self, CROSSING_MS},
    seal,
    shape::{self, Print},
    spells::{self, JUMP_MS, SetBack, TOLD_MS},
    stored::{Blob, State, Taken, plain},
    thin,
};
use pilothouse_wire::{SmolStr, Stamp, record::Missing};
use pilothouse_world::{Latest, fact::ReadingsFact};
use rusqlite::{Connection, OptionalExtension, params};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender},
    },
};

/// Batches that are written in one turn at most.
const AT_ONCE: usize = 4_096;
/// How long a world serves as what later ones are packed against.
const BASE_MS: i64 = 1_800_000;
/// The level at which worlds are packed.
const WORLD_LEVEL: i32 = 7;
/// After a failure it is tried again in so many milliseconds.
const PATIENCE_MS: i64 = 10_000;

/// What is to be written.
pub(crate) enum Entry {
    /// A batch without its readings, and what it tells of GPUs, in order.
    Batch {
        seen_at: Stamp,
        source: SmolStr,
        plain: Vec<u8>,
        told: Vec<(u32, Told)>,
    },
    /// The world without its readings, and these.
    Checkpoint {
        seen_at: Stamp,
        plain: Vec<u8>,
        states: Vec<StateOf>,
        after: Option<Loss>,
    },
    /// Say when everything before is written; or when it was made small, too.
    Flush(SyncSender<()>),
    Settle(SyncSender<()>),
}

impl Entry {
    /// When it was heard, if it tells of anything.
    fn seen_at(&self) -> Option<Stamp> {
        match self {
            Self::Batch { seen_at, .. } | Self::Checkpoint { seen_at, .. } => Some(*seen_at),
            Self::Flush(_) | Self::Settle(_) => None,
        }
    }
}

/// What a fact tells of the GPUs of its source.
pub(crate) enum Told {
    /// Which they are.
    Listed { list: u32, print: Print, uuids: Vec<SmolStr> },
    /// What was measured of them, and whether it can stand in columns.
    Readings(bool, Box<ReadingsFact>),
    /// Nobody tells of them any more.
    Removed,
}

/// The newest readings of a source.
pub(crate) struct StateOf {
    pub source: SmolStr,
    pub list: u32,
    pub print: Print,
    pub uuids: Vec<SmolStr>,
    pub latest: Latest,
}

/// What was lost before a checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    pub since: Stamp,
    pub why: String,
}

/// The list of GPUs that is in force at a source.
#[derive(Clone, Copy)]
struct List {
    number: u32,
    shape: i64,
    gpus: usize,
}

/// A world that later ones are packed against.
struct Base {
    seq: i64,
    at: i64,
    plain: Vec<u8>,
}

/// Times that come twice: from when to when, and the gap that says how far they have come.
#[derive(Clone, Copy)]
struct Twice {
    since: i64,
    until: i64,
    noted: Option<i64>,
}

impl Twice {
    fn of((since, until): (i64, i64)) -> Self {
        Self { since, until, noted: None }
    }
}

pub(crate) struct Writer {
    db: Connection,
    limits: Limits,
    lost: Arc<AtomicU64>,
    wants: Arc<AtomicBool>,
    tide: Tide,
    watch: Watch,
    lists: HashMap<SmolStr, List>,
    /// The lists that this run was told of: rows on their way may follow any.
    shapes: BTreeSet<i64>,
    base: Option<Base>,
    /// The place and the time of the last row; no time before the first of this run.
    seq: i64,
    at: Option<i64>,
    twice: Option<Twice>,
    /// What is heard is of no use until the next checkpoint.
    broken: Option<Loss>,
    /// When a checkpoint was wanted last.
    wanted: i64,
}

impl Writer {
    pub(crate) fn new(
        db: Connection,
        limits: Limits,
        lost: Arc<AtomicU64>,
        wants: Arc<AtomicBool>,
        tide: Tide,
        watch: Watch,
    ) -> rusqlite::Result<Self> {
        let seq = db
            .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'batch'", [], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        let (lists, shapes, base, broken) = (HashMap::new(), BTreeSet::new(), None, None);
        let (at, twice, wanted) = (None, None, i64::MIN);
        Ok(Self { db, limits, lost, wants, tide, watch, lists, shapes, base, seq, at, twice, broken, wanted })
    }

    pub(crate) fn run(mut self, entries: &Receiver<Entry>) {
        while let Ok(first) = entries.recv() {
            let mut waiting = vec![first];
            waiting.extend(entries.try_iter().take(AT_ONCE));
            let mut kept = None;
            self.turn(&waiting, &mut kept);
            self.tide.came(waiting.iter().filter_map(Entry::seen_at), self.broken.clone());
            // Who waits is told before the record is made small, which takes long.
            let tell = |which: fn(&Entry) -> Option<&SyncSender<()>>| {
                for done in waiting.iter().filter_map(which) {
                    let _ = done.send(());
                }
            };
            tell(|entry| if let Entry::Flush(done) = entry { Some(done) } else { None });
            if let Some(now) = kept {
                (self.watch)("checkpoint");
                self.make_small(now);
            }
            tell(|entry| if let Entry::Settle(done) = entry { Some(done) } else { None });
        }
        let _ = schema::set_about(&self.db, "running", "0");
    }

    /// Writes entries in one turn. What fails is lost up to the next checkpoint.
    fn turn(&mut self, entries: &[Entry], kept: &mut Option<i64>) {
        let (before, broken) = ((self.seq, self.at, self.twice), self.broken.clone());
        let Err(error) = self.write(entries, kept) else { return };
        (self.seq, self.at, self.twice) = before;
        *kept = None;
        let mut heard = entries.iter().filter_map(Entry::seen_at);
        let Some(first) = heard.next() else { return };
        self.lost.fetch_add(1 + heard.count() as u64, Ordering::Relaxed);
        // What was lost before this turn is lost still: the world that would have told of it was not kept.
        let earlier = entries.iter().find_map(|entry| match entry {
            Entry::Checkpoint { after, .. } => after.clone(),
            _ => None,
        });
        let now = Loss { since: first, why: error.to_string() };
        self.broken = [broken, earlier, Some(now)].into_iter().flatten().min_by_key(|loss| loss.since);
        self.lists.clear();
        self.base = None;
        self.ask_for_world(first.0);
    }

    fn ask_for_world(&mut self, now: i64) {
        if now.saturating_sub(self.wanted) >= PATIENCE_MS || now < self.wanted {
            self.wanted = now;
            self.wants.store(true, Ordering::Relaxed);
        }
    }

    fn write(&mut self, entries: &[Entry], kept: &mut Option<i64>) -> rusqlite::Result<()> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        let written = entries.iter().try_for_each(|entry| match entry {
            Entry::Batch { seen_at, source, plain, told } => self.batch(*seen_at, source, plain, told),
            Entry::Checkpoint { seen_at, plain, states, after } => {
                self.checkpoint(*seen_at, plain, states, after.clone())?;
                *kept = Some(seen_at.0);
                Ok(())
            }
            Entry::Flush(_) | Entry::Settle(_) => Ok(()),
        });
        let written = written.and_then(|()| self.come_twice()).and_then(|()| {
            (self.watch)("rows");
            self.db.execute_batch("COMMIT")
        });
        if written.is_err() {
            // It may have been rolled back already.
            let _ = self.db.execute_batch("ROLLBACK");
        }
        written
    }

    fn batch(&mut self, seen_at: Stamp, source: &SmolStr, plain: &[u8], told: &[(u32, Told)]) -> rusqlite::Result<()> {
        if self.broken.is_some() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.ask_for_world(seen_at.0);
            return Ok(());
        }
        let at = self.time(seen_at.0)?;
        let (mut taken, mut readings) = (Vec::new(), Vec::new());
        for (place, told) in told {
            match told {
                Told::Listed { list, print, uuids } => {
                    let shape = shape::keep(&self.db, print, uuids)?;
                    self.shapes.insert(shape);
                    self.lists.insert(source.clone(), List { number: *list, shape, gpus: uuids.len() });
                }
                Told::Removed => drop(self.lists.remove(source)),
                Told::Readings(regular, fact) => {
                    let list = self.lists.get(source);
                    let list = list.filter(|list| list.number == fact.list && list.gpus == fact.at.len() && *regular);
                    let shape = list.map_or(0, |list| list.shape);
                    taken.push(Taken { fact: *place, gpus: fact.at.len() as u32, shape });
                    let bytes =
                        if shape == 0 { postcard::to_stdvec(fact).unwrap_or_default() } else { plain::write(fact) };
                    readings.push(Blob(bytes));
                }
            }
        }
        let mut row = plain.to_vec();
        let mut kept = None;
        if !taken.is_empty() {
            row.extend(postcard::to_stdvec(&taken).unwrap_or_default());
            kept = Some(body::encode(&readings, 1));
        }
        self.row(at, seen_at.0, source, &body::pack(&row, 1), kept.as_deref())
    }

    fn row(
        &mut self,
        at: i64,
        seen_at: i64,
        source: &str,
        body: &[u8],
        readings: Option<&[u8]>,
    ) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("INSERT INTO batch (seen_at, source, body, at, readings) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![seen_at, source, body, at, readings])?;
        self.seq = self.db.last_insert_rowid();
        Ok(())
    }

    /// The time of the next row. It never goes back, unless the clock was set back: then a stretch begins. One begins, too,
    /// where it goes far ahead: should that be a wrong clock, what is before it ends where it was told last.
    fn time(&mut self, seen_at: i64) -> rusqlite::Result<i64> {
        let Some(last) = self.at else {
            self.begin_run(seen_at)?;
            return Ok(seen_at);
        };
        if last.saturating_sub(seen_at) > CROSSING_MS {
            self.set_back(seen_at)?;
            self.begin(seen_at, "clock")?;
        } else if seen_at.saturating_sub(last) > if self.twice.is_some() { TOLD_MS } else { JUMP_MS } {
            // While times come twice less says that the clock is where it was before.
            self.go_ahead(last, seen_at)?;
            self.begin(seen_at, "clock")?;
        }
        let at = self.at.map_or(seen_at, |at| at.max(seen_at));
        self.at = Some(at);
        Ok(at)
    }

    /// Says of a clock that was set back what nothing tells of, and what will come twice.
    fn set_back(&mut self, now: i64) -> rusqlite::Result<()> {
        let SetBack { untold_since, twice, .. } = spells::set_back(&self.db, now)?;
        if let Some(since) = untold_since {
            gaps::note(&self.db, since, now, Missing::WrongClock, "")?;
        }
        self.twice = twice.map(Twice::of);
        Ok(())
    }

    /// Says what is missing where the clock goes far ahead: it was behind, if it was set back and is now where it was before;
    /// else nobody recorded, as while a machine sleeps. That it is wrong now shows once it is set back ([`spells::untold`]).
    fn go_ahead(&mut self, last: i64, now: i64) -> rusqlite::Result<()> {
        self.come_twice()?;
        match self.twice.take_if(|twice| now >= twice.until) {
            Some(twice) if now - twice.until > CROSSING_MS => {
                gaps::note(&self.db, twice.until, now, Missing::WrongClock, "")
            }
            None if now.saturating_sub(last) > JUMP_MS => gaps::note(&self.db, last, now, Missing::NotRunning, ""),
            _ => Ok(()),
        }
    }

    /// Says how far times that come twice have come.
    fn come_twice(&mut self) -> rusqlite::Result<()> {
        let (Some(twice), Some(at)) = (&mut self.twice, self.at) else { return Ok(()) };
        let until = at.min(twice.until);
        match twice.noted {
            _ if until <= twice.since => {}
            Some(id) => gaps::extend(&self.db, id, until)?,
            None => {
                gaps::note(&self.db, twice.since, until, Missing::Twice, "")?;
                twice.noted = Some(self.db.last_insert_rowid());
            }
        }
        self.twice.take_if(|twice| at >= twice.until);
        Ok(())
    }

    /// A run begins with nothing: what an earlier one saw is its own past.
    fn begin_run(&mut self, at: i64) -> rusqlite::Result<()> {
        if let Some(end) = gaps::told_until(&self.db)? {
            let why = if gaps::is_closed(&self.db)? { Missing::NotRunning } else { Missing::Ended };
            if end > at {
                self.set_back(at)?;
            } else {
                // Who wrote last may have had a clock that was behind.
                let SetBack { before, twice, .. } = spells::set_back(&self.db, at)?;
                gaps::note(&self.db, before.map_or(end, |told| told.max(end)), at, why, "")?;
                self.twice = twice.map(Twice::of);
            }
        }
        schema::set_about(&self.db, "running", "1")?;
        self.begin(at, "run")
    }

    /// Begins a stretch with a row that says so.
    fn begin(&mut self, at: i64, why: &str) -> rusqlite::Result<()> {
        self.row(at, at, "", &[], None)?;
        self.begin_stretch(self.seq, at, why)?;
        self.at = Some(at);
        Ok(())
    }

    fn begin_stretch(&self, first: i64, began: i64, why: &str) -> rusqlite::Result<()> {
        self.db.execute("INSERT OR REPLACE INTO stretch VALUES (?1, ?2, ?3)", params![first, began, why]).map(drop)
    }

    fn checkpoint(
        &mut self,
        seen_at: Stamp,
        plain: &[u8],
        states: &[StateOf],
        after: Option<Loss>,
    ) -> rusqlite::Result<()> {
        let mut at = self.time(seen_at.0)?;
        if let Some(loss) = self.broken.clone().or(after) {
            gaps::note(&self.db, loss.since.0, seen_at.0, Missing::NotWritten, &loss.why)?;
            self.begin(seen_at.0, "loss")?;
            at = seen_at.0;
            // A stretch stands on its own world: one that is packed against another may be thinned away.
            self.base = None;
        }
        self.lists.clear();
        let mut kept = Vec::with_capacity(states.len());
        for StateOf { source, list, print, uuids, latest } in states {
            let shape = shape::keep(&self.db, print, uuids)?;
            self.shapes.insert(shape);
            self.lists.insert(source.clone(), List { number: *list, shape, gpus: uuids.len() });
            kept.push(State { source: source.clone(), list: *list, shape, latest: latest.clone() });
        }
        let (world, base) = self.packed(at, plain);
        // Nothing was heard since one at the same place: it holds from then on.
        self.db.execute(
            "INSERT OR REPLACE INTO checkpoint (seq, seen_at, body, at, base, hidden, state)
             VALUES (?1, ?2, ?3, coalesce((SELECT at FROM checkpoint WHERE seq = ?1), ?4), ?5, 0, ?6)",
            params![self.seq, seen_at.0, world, at, base, body::pack(&plain::write_states(&kept), 1)],
        )?;
        (self.watch)("world");
        self.broken = None;
        self.wants.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// A world at rest, and what it is packed against: an earlier one, where that makes it much smaller.
    fn packed(&mut self, at: i64, plain: &[u8]) -> (Vec<u8>, Option<i64>) {
        if let Some(base) = &self.base
            && base.seq < self.seq
            && (0..BASE_MS).contains(&at.saturating_sub(base.at))
            && let Some(patch) = body::pack_patch(plain, &base.plain, WORLD_LEVEL)
            && patch.len() < plain.len() / 8
        {
            return (patch, Some(base.seq));
        }
        self.base = Some(Base { seq: self.seq, at, plain: plain.to_vec() });
        (body::pack(plain, WORLD_LEVEL), None)
    }

    /// What is behind a checkpoint is made small. Where that fails the record is larger, and the next one tries again.
    fn make_small(&mut self, now: i64) {
        let _ = seal::seal(&mut self.db, self.watch);
        let Ok(aged) = prune::aged(&self.db, now) else { return };
        if let Some(thinning) = self.limits.thin {
            let _ = thin::thin(&mut self.db, thinning, aged, self.watch);
        }
        let _ = prune::prune(&mut self.db, self.limits, (now, aged), &self.shapes);
    }
}
