//! Reading a journal: the world as it was known at a time, and the batches as they were heard.

#[cfg(test)]
mod tests;

use crate::{
    gaps, holders, over,
    record::{self, Tide},
    schema::{self, failed},
    seek::{self, Place, Sought},
    series::{self, GpuPoints},
    spells,
    walk::{Fault, Filler, With, walk},
};
use pilothouse_wire::{
    Code, ConnectionId, Problem, SmolStr, Stamp,
    record::{Gap, Missing},
};
use pilothouse_world::{Batch, Touched, World};
use rusqlite::{Connection, Transaction};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Reads a journal, also while it is being written.
#[derive(Clone, Debug)]
pub struct Reader {
    path: PathBuf,
    /// The worlds that were sought last: a neighbour is near.
    near: Arc<Mutex<seek::Near>>,
    /// The writer of the same file, where this process has it.
    tide: Tide,
}

impl Reader {
    /// A reader of the journal at `path`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self::behind(path, Tide::default())
    }

    /// A reader behind a writer.
    pub(crate) fn behind(path: &Path, tide: Tide) -> Self {
        Self { path: path.to_owned(), near: Arc::default(), tide }
    }

    /// The world as it was known at `t`. Blocks: not for the event loop.
    ///
    /// # Errors
    /// [`Code::NotFound`] if nothing that old is kept, or nothing of that time; others if the file cannot be read.
    pub fn world_at(&self, t: Stamp) -> Result<Arc<World>, Problem> {
        self.world_since(None, t).map(|sought| sought.world)
    }

    /// The world as it was known at `t`, and what changed since that of `base`: all of it, unless that was sought last here
    /// and is somewhat before. Blocks: not for the event loop.
    ///
    /// # Errors
    /// As [`Reader::world_at`].
    pub fn world_since(&self, base: Option<Place>, t: Stamp) -> Result<Sought, Problem> {
        self.tide.wait(t);
        let mut near = self.near.lock().unwrap_or_else(PoisonError::into_inner);
        let db = near.file(|| self.open())?;
        let sought = self.snapshot(&db).and_then(|db| self.seek(&mut near, &db, base, t));
        near.keep(db);
        sought
    }

    fn seek(&self, near: &mut seek::Near, db: &Connection, base: Option<Place>, t: Stamp) -> Result<Sought, Problem> {
        let gap = self.gap(db, t)?;
        if let Some(gap) = gap.as_ref().filter(|gap| gap.why.hides()) {
            return Err(nothing_of(t, gap));
        }
        let Some(target) = self.db(near.locate(db, t))? else { return Err(self.too_old(db, t)) };
        let sought = near.seek(db, target, base).map_err(|fault| self.fault(&fault))?;
        Ok(Sought { gap, ..sought })
    }

    /// Lets go of what is kept for a neighbour of the world that was sought last; not now, if somebody seeks just now.
    pub fn let_go(&self) {
        if let Ok(mut near) = self.near.try_lock() {
            *near = seek::Near::default();
        }
    }

    /// Hands out every batch up to `until` in order. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn batches(&self, until: Stamp, mut take: impl FnMut(Batch)) -> Result<(), Problem> {
        self.tide.wait(until);
        let db = self.open()?;
        let db = self.snapshot(&db)?;
        let Some(last) = self.db(seek::locate(&db, until))? else { return Ok(()) };
        let mut filler = Filler::new(&db, With::Readings);
        walk(&mut filler, 0, last.seq, &mut |step| take(step.batch)).map_err(|fault| self.fault(&fault))
    }

    /// The times at which the record begins and ends; `None` for an empty one. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn span(&self) -> Result<Option<(Stamp, Stamp)>, Problem> {
        self.db(spells::span(&self.open()?))
    }

    /// Times in a span that the record does not tell of, and why; the oldest first. Before it begins is such a time, and
    /// so is what is being lost just now. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn gaps(&self, since: Stamp, until: Stamp) -> Result<Vec<Gap>, Problem> {
        let db = self.open()?;
        let noted = self.db(gaps::within(&db, i64::MIN, until.0).and_then(|all| spells::untold(&db, all)))?;
        let begins = self.db(spells::span(&db))?.map(|(begins, _)| begins);
        let told = begins.map(|begins| noted.iter().filter_map(|gap| gap.since).fold(begins, Stamp::min));
        let before =
            told.map(|told| Gap { since: None, until: Some(told), why: Missing::NotRecorded, detail: String::new() });
        let all = before.into_iter().chain(noted).chain(self.being_lost());
        Ok(all.filter(|gap| gap.touches(since, until)).collect())
    }

    /// Of several gaps at a time the one that hides it.
    fn gap(&self, db: &Connection, t: Stamp) -> Result<Option<Gap>, Problem> {
        let noted = self.db(gaps::within(db, t.0, t.0).and_then(|all| spells::untold(db, all)))?;
        let behind = self.behind_its_end(db, t)?;
        let holding = noted.into_iter().chain(self.being_lost()).chain(behind).filter(|gap| gap.holds(t));
        Ok(holding.max_by_key(|gap| gap.why.hides()))
    }

    /// The time behind the end of a record that nobody writes any more, if this is of it.
    fn behind_its_end(&self, db: &Connection, t: Stamp) -> Result<Option<Gap>, Problem> {
        let Some(end) = self.db(gaps::told_until(db))?.filter(|end| t.0 > *end) else { return Ok(None) };
        if self.tide.is_recorded() || self.db(spells::is_told(db, t.0))? {
            return Ok(None);
        }
        // Who wrote last may have had a clock that was behind.
        let end = self.db(spells::told_by(db, t.0))?.map_or(end, |told| told.max(end));
        // One that says it was closed is; another may be written by another process, or by none that is still there.
        let is_closed = self.db(gaps::is_closed(db))? || !record::is_held(&self.path);
        let behind = Gap { since: Some(Stamp(end)), until: None, why: Missing::NotRecorded, detail: String::new() };
        Ok(is_closed.then_some(behind))
    }

    /// What is being lost now, as a gap without an end: the record says so only once there is a world behind it.
    fn being_lost(&self) -> Option<Gap> {
        let loss = self.tide.loss()?;
        Some(Gap { since: Some(loss.since), until: None, why: Missing::NotWritten, detail: loss.why })
    }

    /// What was measured of GPUs of a source in a span of time, each by its UUID. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn series(
        &self,
        source: &ConnectionId,
        gpus: &[SmolStr],
        since: Stamp,
        until: Stamp,
    ) -> Result<Vec<GpuPoints>, Problem> {
        self.tide.wait(until);
        let db = self.open()?;
        let db = self.snapshot(&db)?;
        series::of_gpus(&db, source.as_str(), gpus, since, until).map_err(|fault| self.fault(&fault))
    }

    /// Folds what was said from the last world before `since` up to `until`, without what was measured, and shows the
    /// world at `since`, after each batch in that span that may have changed who holds which GPUs, and where the record
    /// begins anew: with a run, or behind a loss. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn holders(&self, since: Stamp, until: Stamp, mut show: impl FnMut(Stamp, &World)) -> Result<(), Problem> {
        self.tide.wait(until);
        let db = self.open()?;
        let db = self.snapshot(&db)?;
        let Some(last) = self.db(seek::locate(&db, until))? else { return Ok(()) };
        holders::fold(&db, since, last, &mut show).map_err(|fault| self.fault(&fault))
    }

    /// Folds all that was said from the last world before `since` up to `until`, and shows the world about once in `every`,
    /// with what changed since it was shown last: all of it at first, and where the record begins anew. Blocks, for long.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn worlds(
        &self,
        since: Stamp,
        until: Stamp,
        every: Duration,
        mut show: impl FnMut(Stamp, &World, &Touched),
    ) -> Result<(), Problem> {
        self.tide.wait(until);
        let db = self.open()?;
        let db = self.snapshot(&db)?;
        let Some(last) = self.db(seek::locate(&db, until))? else { return Ok(()) };
        over::fold(&db, (since, last), every, &mut show).map_err(|fault| self.fault(&fault))
    }

    /// The file that is read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn open(&self) -> Result<Connection, Problem> {
        let db = self.db(schema::open_to_read(&self.path))?;
        schema::check(&db, &self.path)?;
        if !self.db(schema::is_current(&db))? {
            return Err(self.of_before());
        }
        Ok(db)
    }

    /// The file as it is now: what is sealed, thinned or pruned meanwhile does not move under who reads.
    fn snapshot<'a>(&self, db: &'a Connection) -> Result<Transaction<'a>, Problem> {
        self.db(db.unchecked_transaction())
    }

    fn db<T>(&self, result: rusqlite::Result<T>) -> Result<T, Problem> {
        result.map_err(|error| failed(&self.path, "read", &error))
    }

    pub(crate) fn fault(&self, fault: &Fault) -> Problem {
        match fault {
            Fault::Db(error) => failed(&self.path, "read", error),
            Fault::Damaged(what) => Problem::new(
                Code::BadInput,
                format!("The journal {} is damaged.", self.path.display()),
            )
            .why(format!("{what}."))
            .next(
                "Other times may still be shown: `pilothouse journal verify` says which. Live views are not affected.",
            ),
        }
    }

    fn of_before(&self) -> Problem {
        Problem::new(Code::BadInput, format!("The journal {} is of an earlier version.", self.path.display()))
            .why("Its tables are brought up to date when it is next recorded into.")
            .next("Open the window, `pilothouse serve` or `pilothouse record` on it once.")
    }

    fn too_old(&self, db: &Connection, t: Stamp) -> Problem {
        let problem = Problem::new(Code::NotFound, format!("Nothing is recorded at {t}."));
        match spells::span(db).unwrap_or(None) {
            Some((first, _)) => {
                let pruned = gaps::within(db, t.0, t.0).unwrap_or_default();
                let pruned = pruned.iter().any(|gap| gap.why == Missing::Pruned);
                let why = if pruned { " What was before is pruned." } else { "" };
                problem.why(format!("The record begins at {first}.{why}"))
            }
            None => problem.why("The record is empty."),
        }
    }
}

fn nothing_of(t: Stamp, gap: &Gap) -> Problem {
    let problem = Problem::new(Code::NotFound, format!("Nothing can be shown at {t}.")).why(gap.to_string());
    match gap.until {
        Some(until) => problem.next(format!("The record goes on at {until}.")),
        None => problem.next("It goes on by itself once it can be written: make room on the disk."),
    }
}
